"""Mechanisms of a manner, each by itself: what a session says, and what stays in the mail."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.maildrop import Account, Accounts, Form, Maildrop
from pop3s_fake.protocol.bent import Bent, ours
from pop3s_fake.protocol.lines import OVERLONG
from pop3s_fake.protocol.loose import LooseReader
from pop3s_fake.protocol.manner import Greeting, Login, Manner, Numbers, Place, Reading, Storage, Texts
from pop3s_fake.protocol.mannered import Mannered
from pop3s_fake.protocol.wording import Voice

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Lock

    from pop3s_fake.maildrop import OpenMaildrop

BEFORE = Place(commands=("USER", "PASS", "STLS", "QUIT"))
AFTER = Place(commands=("STAT", "LIST", "RETR", "DELE", "RSET", "TOP", "UIDL", "QUIT"))


@pytest.fixture
def maildrop() -> Maildrop:
    """One message that ends in a line, and one whose last line has no end."""
    made = Maildrop()
    made.add("Subject: one\n\nhello\nworld\n", "Subject: two\n\nlast")
    return made


@pytest.fixture
def said(maildrop: Maildrop) -> Callable[..., list[bytes]]:
    """What a session of this manner answers, line by line."""
    account = Account("ann", "not-a-secret", maildrop=maildrop)

    def say(manner: Manner, *lines: bytes) -> list[bytes]:
        session = Mannered(Accounts([account]), voice=Voice(manner), tokens=dict)
        try:
            return [session.execute(line).octets() for line in lines]
        finally:
            session.close()

    return say


LOGIN = (b"USER ann", b"PASS not-a-secret")


def test_behind_user_nothing_is_known_but_pass_and_quit(said: Callable[..., list[bytes]]) -> None:
    """And what is said instead costs the name."""
    manner = Manner(before=BEFORE, after=AFTER, login=Login(between="refused"))

    told = said(manner, b"USER ann", b"STLS", b"PASS not-a-secret", *LOGIN, b"STAT")

    assert [line[:4] for line in told] == [b"+OK ", b"-ERR", b"-ERR", b"+OK ", b"+OK ", b"+OK "]
    assert told[1] == b"-ERR unknown command\r\n"


@pytest.mark.parametrize(("again", "left"), [("replaces", "bob"), ("refused", "ann"), ("lost", None)])
def test_user_behind_user_is_taken_or_refused_with_the_first_one_or_without(
    maildrop: Maildrop, again: Any, left: str | None
) -> None:
    """The next PASS is for the second name, for the first, or for nobody."""
    accounts = [Account("ann", "not-a-secret", maildrop=maildrop), Account("bob", "another-one")]
    for name, password in (("ann", "not-a-secret"), ("bob", "another-one")):
        voice = Voice(Manner(before=BEFORE, after=AFTER, login=Login(user_again=again)))
        session = Mannered(Accounts(accounts), voice=voice, tokens=dict)
        told = [session.execute(line.encode()).positive for line in ("USER ann", "USER bob", f"PASS {password}")]
        session.close()
        assert told == [True, again == "replaces", name == left]


@pytest.mark.parametrize(
    ("between", "kept"),
    [
        ("kept", {"QUX", "STLS x", "STAT"}),
        ("lost", set()),
        ("refused", set()),
    ],
)
def test_a_refused_command_between_user_and_pass_may_cost_the_name(
    said: Callable[..., list[bytes]], between: Any, kept: set[str]
) -> None:
    """One that is not known, one that cannot be read, and one of the other state."""
    manner = Manner(before=BEFORE, after=AFTER, login=Login(between=between))
    for line in ("QUX", "STLS x", "STAT"):
        told = said(manner, b"USER ann", line.encode(), b"PASS not-a-secret")
        assert [each[:4] for each in told] == [b"+OK ", b"-ERR", b"+OK " if line in kept else b"-ERR"], line


def test_a_line_that_is_too_long_comes_back_with_the_answer_in_it(said: Callable[..., list[bytes]]) -> None:
    """The answer lies over what stands behind the octets that were read; a bare LF in it goes out with its CR."""
    texts = {"any": Texts({"unknown": "-ERR what"})}
    place = Place(commands=("QUIT",), line=8, longer="echoed", block=32)
    manner = Manner(before=place, after=place, replies=texts)  # type: ignore[arg-type]

    told = said(manner, b"0123456789abcdefghijklmno\r\n", b"0123456789\r\n", b"01234567")

    assert told == [b"01234567-ERR what\r\nijklmno\r\r\n", b"01234567-ERR what\r\n", b"-ERR what\r\n"]


@pytest.mark.parametrize("step", [1, 3, 100])
def test_a_reader_gives_a_long_line_with_its_end_and_a_longer_one_in_blocks(step: int) -> None:
    """However it comes; a line of its length is one like any other."""
    bare: list[bytes] = []
    reader = LooseReader(8, bare_lf=True, tell=bare.append, block=16)
    octets = b"QUIT\r\nNOOP\n123456\r\n1234567\r\n" + b"x" * 20 + b"\r\nSTAT\r\nRS"

    lines = [line for at in range(0, len(octets), step) for line in reader.feed(octets[at : at + step])]

    assert lines == [b"QUIT", b"NOOP", b"123456", b"1234567\r\n", b"x" * 16, b"xxxx", b"STAT"]
    assert (reader.rest, bare) == (b"RS", [b"NOOP\n"])


def lines_of(maildrop: Maildrop, manner: Manner, *octets: bytes) -> list[list[object]]:
    """What a session's reader makes of octets that come one by one, each line carried out before the next ones come."""
    session = Mannered(Accounts([Account("ann", "not-a-secret", maildrop=maildrop)]), voice=Voice(manner), tokens=dict)
    session.reader = reader = LooseReader(session.longest, bare_lf=False, tell=print)
    session.reader.takes(manner.before.line, cuts=manner.before.longer == "cut", block=0)
    read: list[list[object]] = []
    for each in octets:
        read.append([*reader.feed(each)])
        for line in read[-1]:
            session.execute(line)  # type: ignore[arg-type]  # octets, or too many
    session.close()
    return read


@pytest.mark.parametrize(
    ("before", "after", "early", "late"),
    [
        ("cut", "refused", [b"x" * 18, b"xx"], [OVERLONG]),
        ("refused", "cut", [OVERLONG], [b"x" * 18, b"xx"]),
        ("refused", "echoed", [OVERLONG], [b"x" * 20 + b"\r\n"]),
        ("cut", "echoed", [b"x" * 18, b"xx"], [b"x" * 20 + b"\r\n"]),
    ],
)
def test_what_becomes_of_a_line_that_is_too_long_depends_on_the_state(
    maildrop: Maildrop, before: Any, after: Any, early: list[object], late: list[object]
) -> None:
    """It is not that of the beginning for good."""
    manner = Manner(
        before=replace(BEFORE, line=20, longer=before, block=30), after=replace(AFTER, line=20, longer=after, block=30)
    )
    long = b"x" * 20 + b"\r\n"

    read = lines_of(maildrop, manner, long, *(line + b"\r\n" for line in LOGIN), long)

    assert (read[0], read[-1]) == (early, late)


def test_top_may_read_its_numbers_otherwise(said: Callable[..., list[bytes]]) -> None:
    """What LIST ignores TOP refuses, and the other way round."""
    numbers = Numbers(noise="ignored", trailing="ignored")
    manner = Manner(before=BEFORE, after=AFTER, numbers=numbers, top=Numbers(separators="run"))

    told = said(manner, *LOGIN, b"LIST 1x", b"LIST  1", b"TOP 1x 0", b"TOP  1   0")

    assert [line[:4] for line in told[2:]] == [b"+OK ", b"-ERR", b"-ERR", b"+OK "]


def test_top_may_send_an_empty_line_too_many(said: Callable[..., list[bytes]]) -> None:
    """Before lines of a body, and not where none was asked for."""
    manner = Manner(before=BEFORE, after=AFTER, storage=Storage(gap=True))

    told = said(manner, *LOGIN, b"TOP 1 0", b"TOP 1 1")

    assert [line.partition(b"\r\n")[2] for line in told[2:]] == [
        b"Subject: one\r\n\r\n.\r\n",
        b"Subject: one\r\n\r\n\r\nhello\r\n.\r\n",
    ]


def test_superfluous_arguments_may_be_told_before_the_state(said: Callable[..., list[bytes]]) -> None:
    """Of a command that takes none."""
    texts = {"any": Texts({"wrong_state": "-ERR state", "bad_arguments": "-ERR arguments"})}
    manner = Manner(before=BEFORE, after=AFTER, reading=Reading(superfluous="first"), replies=texts)  # type: ignore[arg-type]

    assert said(manner, b"STAT", b"STAT 1", b"LIST 1") == [b"-ERR state\r\n", b"-ERR arguments\r\n", b"-ERR state\r\n"]


def test_arguments_of_some_commands_may_be_told_before_the_state(said: Callable[..., list[bytes]]) -> None:
    """That one is missing, of these, and that one is too many, of those; else the state is told."""
    texts = {"any": Texts({"wrong_state": "-ERR state", "bad_arguments": "-ERR arguments"})}
    reading = Reading(missing_first=("RETR", "TOP"), extra_first=("RETR", "DELE"))
    manner = Manner(before=BEFORE, after=AFTER, reading=reading, replies=texts)  # type: ignore[arg-type]
    lines = (
        "RETR",
        "RETR 1",
        "RETR 1 2",
        "DELE",
        "DELE 1",
        "DELE 1 2",
        "TOP",
        "TOP 1",
        "TOP 1 0",
        "TOP 1 0 2",
        "LIST 1 2",
    )

    told = dict(zip(lines, said(manner, *(line.encode() for line in lines)), strict=True))

    assert [line for line in lines if told[line] == b"-ERR arguments\r\n"] == ["RETR", "RETR 1 2", "DELE 1 2", "TOP"]
    assert [line for line in lines if told[line] == b"-ERR state\r\n"] == [
        "RETR 1", "DELE", "DELE 1", "TOP 1", "TOP 1 0", "TOP 1 0 2", "LIST 1 2",
    ]  # fmt: skip


def test_separators_at_the_end_of_a_line_may_be_lost(said: Callable[..., list[bytes]]) -> None:
    """Where no number stands before them as well, so that LIST lists all."""
    reading = Reading(separators=" \t", trailing="skipped")
    manner = Manner(before=BEFORE, after=AFTER, reading=reading, numbers=Numbers(trailing="lost"))

    told = said(manner, *LOGIN, b"LIST  \t", b"LIST 1 \t", b"RETR  ", b"LIST  1")

    assert [line[:4] for line in told[2:]] == [b"+OK ", b"+OK ", b"-ERR", b"-ERR"]
    assert told[2].endswith(b"\r\n.\r\n")


def test_not_every_separator_has_to_part_numbers(said: Callable[..., list[bytes]]) -> None:
    """One that does not is noise behind a number, and may be skipped before it."""
    numbers = Numbers(noise="ignored", parting=" ", leading="\t")
    manner = Manner(before=BEFORE, after=AFTER, reading=Reading(separators=" \t"), numbers=numbers)

    told = said(manner, *LOGIN, b"LIST\t1", b"LIST \t1", b"LIST 1\tx", b"LIST 1 x", b"LIST  1")

    assert [line[:4] for line in told[2:]] == [b"+OK ", b"+OK ", b"+OK ", b"-ERR", b"-ERR"]


def test_a_command_that_is_disabled_elsewhere_is_known_here(said: Callable[..., list[bytes]]) -> None:
    """It is one of the wrong state, and no unknown word."""
    texts = {"any": Texts({"wrong_state": "-ERR state", "disabled": "-ERR never"})}
    place = Place(commands=BEFORE.commands, disabled=("AUTH",))
    manner = Manner(greeting=Greeting(), before=place, after=AFTER, replies=texts)  # type: ignore[arg-type]

    assert said(manner, b"AUTH", *LOGIN, b"AUTH")[::3] == [b"-ERR never\r\n", b"-ERR state\r\n"]


def test_a_line_that_is_remembered_says_the_same_each_time(said: Callable[..., list[bytes]]) -> None:
    """With its own typing, and what is so at the moment; a refusal of what is remembered is worded, too."""
    texts = {
        "any": Texts({"no_such": "-ERR none {number}"}),
        "NOOP": Texts({"ok": "+OK {typed} {count} of {user}"}),
        "RSET": Texts({"ok": "+OK back"}),
    }
    after = Place(commands=("NOOP", "DELE", "RSET", "STAT", "QUIT"))
    manner = Manner(before=BEFORE, after=after, replies=texts)  # type: ignore[arg-type]

    told = said(manner, *LOGIN, b"noop", b"NOOP", b"DELE 1", b"DELE 3", b"NOOP", b"STAT", b"RSET", b"noop", b"STAT")

    assert told[2:] == [
        b"+OK noop 2 of ann\r\n",
        b"+OK NOOP 2 of ann\r\n",
        b"+OK message 1 deleted\r\n",
        b"-ERR none 3\r\n",
        b"+OK NOOP 1 of ann\r\n",
        b"+OK 1 22\r\n",
        b"+OK back\r\n",
        b"+OK noop 2 of ann\r\n",
        b"+OK 2 52\r\n",
    ]


def test_bad_commands_are_counted_past_lines_that_are_remembered(said: Callable[..., list[bytes]]) -> None:
    """A good one lets the count begin anew where only those in a row count, and else not."""
    lines = (b"FOO", b"CAPA", b"FOO", b"CAPA", b"FOO")
    for in_a_row, closed in ((True, False), (False, True)):
        place = Place(commands=("CAPA", "QUIT"), bad=3, bad_in_a_row=in_a_row)
        told = said(Manner(before=place, replies={"any": Texts({"bad_commands": "-ERR enough"})}), *lines)
        assert told[-1].endswith(b"-ERR enough\r\n") is closed


def test_what_a_client_types_fills_no_memory(maildrop: Maildrop) -> None:
    """Texts are kept for commands only, and lines up to a number."""
    voice = Voice(Manner(before=BEFORE))
    session = Mannered(Accounts([Account("ann", "not-a-secret", maildrop=maildrop)]), voice=voice, tokens=dict)
    for number in range(5000):
        session.execute(b"X%d" % number)
    assert len(voice._texts) < 10
    assert all(len(scene._known) <= 4096 for scene in voice.scenes.values())


def test_a_session_that_was_put_out_says_so_whatever_is_remembered(maildrop: Maildrop) -> None:
    """Its next command is the last."""
    account = Account("ann", "not-a-secret", maildrop=maildrop)
    voice = Voice(Manner(before=BEFORE, after=AFTER))
    sessions = [Mannered(Accounts([account]), voice=voice, tokens=dict) for _ in range(2)]
    for line in (*LOGIN, b"STAT", b"STAT"):
        sessions[0].execute(line)
    sessions[0].evict()

    assert not sessions[0].execute(b"STAT").positive
    assert not sessions[0].open


FIELDS = Form(
    unfinished=2,
    named="X-UIDL: {uid}",
    found=("X-UID: {arrival}", "Status: {status}"),
    first=("X-IMAPbase: {validity} {next}",),
    validity=7,
)


def test_a_unique_id_that_was_told_stands_in_the_message(maildrop: Maildrop) -> None:
    """At once, for this session, and for those that follow; a size counts it, and what was marked does not get it."""
    maildrop.adopt(FIELDS)
    first, second = maildrop.uids
    before = maildrop.open("one")
    before.mark(1)
    sizes = dict(before.listing())

    assert list(before.unique_ids()) == [(2, second)]
    assert before.uid(1) is None
    assert dict(before.listing()) == {2: sizes[2] + len(f"X-UIDL: {second}\r\n")}
    message = before.message(2)
    assert message is not None
    assert message.content == f"Subject: two\r\nX-UIDL: {second}\r\n\r\nlast\r\n".encode()
    before.unmark_all()
    assert before.stat() == (2, sum(message.octets for message in maildrop))
    before.close()
    assert maildrop.uids == [first, second]


def test_a_session_leaves_word_of_what_it_found(maildrop: Maildrop) -> None:
    """With what it retrieved; a line end that was added is announced from then on; the next session changes that."""
    maildrop.adopt(FIELDS)
    session = maildrop.open("one")
    assert session.stat() == (2, 50)
    session.retrieved(2)
    session.close()
    session.close()

    assert [message.content for message in maildrop] == [
        b"Subject: one\r\nX-IMAPbase: 7 3\r\nX-UID: 1\r\nStatus: O\r\n\r\nhello\r\nworld\r\n",
        b"Subject: two\r\nX-UID: 2\r\nStatus: OR\r\n\r\nlast\r\n",
    ]
    assert all(message.octets == len(message.content) for message in maildrop)

    session = maildrop.open("two")
    session.retrieved(1)
    session.close()
    assert [b"Status: OR" in message.content for message in maildrop] == [True, True]
    assert [message.content.count(b"X-UID") for message in maildrop] == [1, 1]


def test_what_was_removed_is_not_written_into_and_the_first_that_is_left_has_the_fields_of_the_first(
    maildrop: Maildrop,
) -> None:
    """Behind UPDATE."""
    maildrop.adopt(FIELDS)
    session = maildrop.open("one")
    session.mark(1)
    session.update()
    session.close()

    (message,) = maildrop
    assert message.content == b"Subject: two\r\nX-IMAPbase: 7 3\r\nX-UID: 2\r\nStatus: O\r\n\r\nlast\r\n"


def test_the_fields_of_a_session_stand_behind_a_unique_id_that_was_told_meanwhile(maildrop: Maildrop) -> None:
    """From the end of the session that told it; so do those of the first, which another one may be by then."""
    maildrop.adopt(FIELDS)
    maildrop.open("one").close()
    session = maildrop.open("two")
    uids = dict(session.unique_ids())
    assert [message.content.count(b"Status: O\r\nX-UIDL") for message in maildrop] == [1, 1]
    session.close()

    assert [message.content.partition(b"\r\n\r\n")[0] for message in maildrop] == [
        f"Subject: one\r\nX-UIDL: {uids[1]}\r\nX-IMAPbase: 7 3\r\nX-UID: 1\r\nStatus: O".encode(),
        f"Subject: two\r\nX-UIDL: {uids[2]}\r\nX-UID: 2\r\nStatus: O".encode(),
    ]

    session = maildrop.open("three")
    session.mark(1)
    session.update()
    session.close()
    (message,) = maildrop
    fields = f"Subject: two\r\nX-UIDL: {uids[2]}\r\nX-IMAPbase: 7 3\r\nX-UID: 2\r\nStatus: O\r\n"
    assert message.content == f"{fields}\r\nlast\r\n".encode()
    assert message.octets == len(message.content)


def test_what_was_saved_comes_back_without_fields(maildrop: Maildrop) -> None:
    """And gets them anew."""
    maildrop.adopt(FIELDS)
    saved = maildrop.save()
    contents = []
    for _ in range(2):
        maildrop.open("one").close()
        contents.append([message.content for message in maildrop])
        maildrop.restore(saved)

    assert contents[0] == contents[1]
    assert [b"Status" in message.content for message in maildrop] == [False, False]


def test_a_message_that_the_test_takes_away_keeps_the_numbers_of_the_others(maildrop: Maildrop) -> None:
    """While a session has the maildrop open."""
    maildrop.adopt(FIELDS)
    session = maildrop.open("one")
    _, second = maildrop.uids
    maildrop.remove(maildrop.uids[0])

    assert session.uid(2) == second
    assert session.octets(2) == 22 - 2
    session.close()


def test_what_is_said_to_a_silent_client_is_filled_in_for_it() -> None:
    """It names each one's own user and mail, and nobody before the login."""
    full = Maildrop()
    full.add("Subject: one\n\n")
    accounts = Accounts([Account("ann", "not-a-secret", maildrop=full), Account("bob", "not-a-secret")])
    texts = {"any": Texts({"idle": "-ERR {user}: {count} messages"})}
    voice = Voice(Manner(before=BEFORE, after=AFTER, replies=texts))  # type: ignore[arg-type]
    sessions = [Mannered(accounts, voice=voice, tokens=dict) for _ in range(3)]
    for session, user in zip(sessions, (b"ann", b"bob"), strict=False):
        session.execute(b"USER " + user)
        session.execute(b"PASS not-a-secret")

    told = [session.farewell.octets() for session in sessions]

    assert told == [b"-ERR ann: 1 messages\r\n", b"-ERR bob: 0 messages\r\n", b"-ERR :  messages\r\n"]


@pytest.mark.parametrize("token", ["number", "octets", "uid"])
def test_what_there_is_not_is_filled_in_as_nothing(said: Callable[..., list[bytes]], token: str) -> None:
    """Of a message where none was named; and not, say, that of the connection."""
    texts = {"any": Texts({"missing": f"-ERR which, {{{token}}}?"})}

    told = said(Manner(before=BEFORE, after=AFTER, replies=texts), *LOGIN, b"RETR")  # type: ignore[arg-type]

    assert told[-1] == b"-ERR which, ?\r\n"


class Busy(Account):
    """An account with which something happens while it is being opened."""

    meanwhile: Callable[[], object] | None = None

    def open(self, *args: Any, **others: Any) -> OpenMaildrop:
        """Let it happen, once."""
        happen, self.meanwhile = self.meanwhile, None
        if happen is not None:
            happen()
        return super().open(*args, **others)


def logged_in(accounts: Accounts, voice: Voice) -> Mannered:
    """A session of ann's, who may have been refused."""
    kind = Mannered if voice.ours is None else Bent
    session = kind(accounts, voice=voice, tokens=dict, exclusive=False)
    session.greeting()
    for line in LOGIN:
        session.execute(line)
    return session


@pytest.mark.parametrize(
    "voice",
    [
        Voice(Manner(before=BEFORE, after=AFTER, login=Login(most=1))),
        Voice(replace(ours(("USER",)), login=Login(most=1)), ours=ours(("USER",))),
    ],
    ids=["another manner", "ours but for that"],
)
def test_of_two_logins_at_once_that_are_one_too_many_one_is_refused(voice: Voice) -> None:
    """The second one comes when the first has found room, and does not have the maildrop yet."""
    account = Busy("ann", "not-a-secret")
    others: list[Mannered] = []
    account.meanwhile = lambda: others.append(logged_in(Accounts([account]), voice))

    first = logged_in(Accounts([account]), voice)

    assert [first.user, *(other.user for other in others)] == ["ann", None]


@pytest.mark.parametrize("end", [b"QUIT", b""], ids=["QUIT", "no word"])
def test_who_goes_makes_room_for_a_login(end: bytes) -> None:
    """Whether with a word or without; and a login of which nothing came takes no room."""
    account = Busy("ann", "not-a-secret")
    voice = Voice(Manner(before=BEFORE, after=AFTER, login=Login(most=1)))
    with closing(account.open("somebody else")):
        session = Mannered(Accounts([account]), voice=voice, tokens=dict)
        told = [session.execute(line).octets() for line in LOGIN]
        assert told[-1] == b"-ERR [IN-USE] the maildrop is open in another session\r\n"
    first = logged_in(Accounts([account]), voice)
    assert first.user == "ann"
    if end:
        first.execute(end)
    first.close()

    assert logged_in(Accounts([account]), voice).user == "ann"


class Counted(int):
    """A count that is only to be changed by who has the guard."""

    guard: Lock

    def __add__(self, other: int) -> int:
        assert self.guard.locked()
        return super().__add__(other)


def test_refused_logins_are_counted_by_one_session_at_a_time() -> None:
    """They are all sessions', each in its own thread; a login that finds the maildrop taken counts for neither."""
    voice = Voice(Manner())
    voice._refused = Counted(voice._refused)
    Counted.guard = voice._guard

    told = [voice.refused_before(outcome) for outcome in ("failed", "failed", "in_use", "failed", "ok", "failed")]

    assert told == [0, 1, 2, 2, 3, 0]


def test_a_manner_without_words_for_quit_has_ours_behind_dele_and_before_the_login(
    said: Callable[..., list[bytes]],
) -> None:
    """RFC 1939, section 6: it removes, and so it answers."""
    manner = Manner(before=BEFORE, after=AFTER)
    assert said(manner, *LOGIN, b"DELE 1", b"QUIT")[-1].startswith(b"+OK ")
    assert said(manner, b"QUIT")[-1].startswith(b"+OK ")
    worded = replace(manner, replies={"QUIT": Texts({"ok": "+OK bye"})})
    assert said(worded, *LOGIN, b"DELE 1", b"QUIT")[-1] == b"+OK bye\r\n"
