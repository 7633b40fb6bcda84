"""What the ledger says of messages in real conversations: delivered, deleted, lost, sent twice, and their stories."""

from __future__ import annotations

import poplib
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, Pop3sServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conversations.conftest import Over, Pure, Talk, Wire

WHOLE = "session 1: RETR sent it whole"

SIZE = len(b"+OK 32 octets\r\nSubject: one\r\n\r\n..dotted\r\nplain\r\n.\r\n")
"""Octets of the reply to RETR 1."""


def account(server: Pure) -> tuple[list[str], list[str], list[str], list[str]]:
    """What was delivered, deleted, lost, sent twice."""
    ledger = server.ledger
    return ledger.delivered, ledger.deleted, ledger.lost, ledger.twice


def test_a_message_that_is_fetched_and_deleted(pure: Callable[..., Pure], over: Over) -> None:
    """RETR, DELE, QUIT: all is well; under a rule that strikes elsewhere, too."""
    for rules in ([], ["RETR#2 -> end rst"], ["RETR!before -> wait 1"]):
        server = pure(*rules, **over)
        talk = server.talk().login()
        assert len(talk.ask("RETR 1")) == SIZE
        assert account(server) == (["m1"], [], [], [])
        talk.ask("DELE 1", "QUIT")
        assert account(server) == (["m1"], ["m1"], [], [])
        assert server.ledger.story("m1") == [WHOLE, "session 1: UPDATE deleted it"]
        assert server.ledger.sendings == ((1, "m1", 32, SIZE, True, False, "RETR"),)
        assert (talk.log.retrieved, talk.log.deleted) == (["m1"], ["m1"])
        server.ledger.assert_nothing_lost()
        server.ledger.assert_nothing_twice()


def test_a_message_that_is_deleted_unread_is_lost(pure: Callable[..., Pure], over: Over) -> None:
    """DELE without RETR, then QUIT."""
    server = pure(**over)
    server.talk().login().ask("RETR 2", "DELE 1", "DELE 2", "QUIT")
    assert account(server) == (["m2"], ["m1", "m2"], ["m1"], [])
    with pytest.raises(AssertionError) as caught:
        server.ledger.assert_nothing_lost()
    assert str(caught.value).splitlines() == [
        "1 message was deleted without ever having been sent whole",
        "  message m1",
        "    session 1: UPDATE deleted it",
    ]


@pytest.mark.parametrize("end", ["rst", "fin", "clean"])
@pytest.mark.parametrize("octet", range(SIZE + 1))
def test_a_message_that_is_cut_at_an_octet_is_not_delivered(pure: Callable[..., Pure], octet: int, end: str) -> None:
    """At every octet but the last: so much went out, and not the rest."""
    server = pure(f"RETR@{octet} -> end {end}")
    assert len(server.talk().login().ask("RETR 1")) == octet
    whole = octet == SIZE
    assert server.ledger.sendings == ((1, "m1", 32, octet, whole, False, "RETR"),)
    assert server.ledger.story("m1") == (
        [WHOLE] if whole else [f"session 1: RETR sent {octet} octets and not the rest (the message has 32)"]
    )
    server.talk().login().ask("DELE 1", "QUIT")
    assert server.ledger.lost == ([] if whole else ["m1"])


@pytest.mark.parametrize(
    ("rule", "sent"),
    [
        ("RETR@20 -> edit flip", SIZE),
        ("RETR@20 -> edit drop 3", SIZE - 3),
        ("RETR@20 -> edit dup 3", SIZE + 3),
        ("RETR -> edit unstuff", SIZE - 1),
        ("RETR -> edit bare-lf", SIZE - 6),
        ("RETR -> edit no-terminator", SIZE - 3),
        ("RETR@40 -> edit truncate", 40),
        ('RETR@20 -> send "!"', SIZE + 1),
        ('RETR -> flood "abc" octets=9', SIZE + 9),
        ('RETR -> reply "+OK\\r\\nmine\\r\\n.\\r\\n"', 14),
        ('RETR -> reply "-ERR no" keep', SIZE - 15 + 9),
    ],
)
def test_a_message_that_is_damaged_is_not_delivered(pure: Callable[..., Pure], rule: str, sent: int) -> None:
    """Octets that are not the message's, or that lie between them."""
    server = pure(f"{rule}; times=1")
    assert len(server.talk().login().ask("RETR 1", "DELE 1", "QUIT")) > sent
    assert server.ledger.sendings == ((1, "m1", 32, sent, False, True, "RETR"),)
    assert server.ledger.story("m1") == [
        f"session 1: RETR sent it damaged ({sent} octets)",
        "session 1: UPDATE deleted it",
    ]
    assert account(server) == ([], ["m1"], ["m1"], [])
    assert server.transcript.sessions[0].retrieved == []


@pytest.mark.parametrize(
    ("rule", "sent"),
    [
        ("RETR -> pace size=3", SIZE),
        ("RETR@20 -> wait 2", SIZE),
        ("RETR@20 -> edit flip; p=0", SIZE),
        ('RETR -> reply "+OK here it comes" keep', SIZE - 15 + 19),
        ('RETR!after -> send "+OK surplus\\r\\n"', SIZE + 13),
        ("RETR!after -> end rst", SIZE),
        ("RETR!after -> end half-close", SIZE),
        ("RETR@100% -> end half-close", SIZE),
        ("RETR!after -> wait forever", SIZE),
        ("RETR -> mail remove=m1", SIZE),
    ],
)
def test_a_message_that_a_rule_leaves_as_it_is_was_delivered(pure: Callable[..., Pure], rule: str, sent: int) -> None:
    """Slowly, with another first line, or with an end behind it."""
    server = pure(rule)
    server.talk().login().ask("RETR 1")
    assert server.ledger.sendings == ((1, "m1", 32, sent, True, False, "RETR"),)
    assert server.transcript.sessions[0].retrieved == ["m1"]


@pytest.mark.parametrize(
    "rule", ["RETR@20 -> end half-close", "RETR@20 -> end half-close, wait 1", "STAT -> end half-close"]
)
def test_what_a_closed_direction_kept_back_was_not_sent(pure: Callable[..., Pure], rule: str) -> None:
    """The server still hears DELE and QUIT: the client that says them loses the message."""
    server = pure(rule)
    talk = server.talk().login()
    sent = len(talk.ask("STAT", "RETR 1", "DELE 1", "QUIT"))
    assert account(server) == ([], ["m1"], ["m1"], [])
    if rule.startswith("RETR"):
        assert server.ledger.sendings == ((1, "m1", 32, sent - len(b"+OK 2 232\r\n"), False, False, "RETR"),)
    said = [entry.text for entry in talk.log.entries if entry.kind == "-"]
    assert said.count("no reply can be sent: our direction is closed") == (3 if rule.startswith("STAT") else 2)


def test_a_direction_that_was_closed_behind_a_reply_kept_nothing_back(pure: Callable[..., Pure]) -> None:
    """So the transcript does not say that it did."""
    server = pure("RETR!after -> end half-close")
    talk = server.talk().login()
    talk.ask("RETR 1")
    assert [entry.text for entry in talk.log.entries][-2:] == [
        f"rule RETR!after -> end half-close struck at octet {SIZE}",
        "+OK 32 octets",
    ]
    assert talk.say("NOOP") == []
    assert talk.log.entries[-1].text == "no reply can be sent: our direction is closed"


def test_a_message_that_two_sessions_fetched_was_sent_twice(pure: Callable[..., Pure], over: Over) -> None:
    """Excused by how the first of them ended, if the test says so."""
    server = pure(**over)
    talk = server.talk().login()
    talk.ask("RETR 1")
    talk.reset()
    server.talk().login().ask("RETR 1", "QUIT")
    assert account(server) == (["m1"], [], [], ["m1"])
    server.ledger.assert_nothing_twice(except_after=("reset", "eof"))
    with pytest.raises(AssertionError) as caught:
        server.ledger.assert_nothing_twice(except_after=("eof",))
    assert str(caught.value).splitlines() == [
        "1 message was sent whole more than once",
        "  message m1",
        "    session 1: RETR sent it whole",
        "    session 2: RETR sent it whole",
    ]
    server.talk().login().ask("RETR 1", "QUIT")
    with pytest.raises(AssertionError):
        server.ledger.assert_nothing_twice(except_after=("reset", "eof"))


def test_a_message_that_one_session_fetches_twice_was_sent_twice(pure: Callable[..., Pure]) -> None:
    """Not if the first time was cut short by the client itself."""
    server = pure("RETR#1 -> edit flip")
    talk = server.talk().login()
    talk.ask("RETR 1", "RETR 1")
    assert server.ledger.twice == []
    talk.ask("RETR 1")
    assert server.ledger.twice == ["m1"]


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda talk: talk.hang_up(), "eof"),
        (lambda talk: talk.reset(), "reset"),
        (lambda talk: talk.idle(), "autologout"),
        (lambda talk: talk.connection.close(), "server"),
        (lambda talk: talk.say("NOOP"), "server"),
    ],
    ids=["eof", "reset", "autologout", "server", "rule"],
)
def test_marks_without_update_come_to_nothing(
    end: Callable[[Talk], object],
    how: str,
    pure: Callable[..., Pure],
    over: Over,
) -> None:
    """RFC 1939 section 6: the story names the end; the next session finds all of it."""
    server = pure("NOOP -> end rst", **over)
    talk = server.talk().login()
    talk.ask("DELE 1", "DELE 2")
    end(talk)
    assert account(server) == ([], [], [], [])
    for uid in ("m1", "m2"):
        assert server.ledger.story(uid) == [f"session 1: it was marked, and the session ended without UPDATE ({how})"]
    assert server.talk().login().ask("STAT") == b"+OK 2 232\r\n"


def test_marks_that_were_taken_back_are_no_marks(pure: Callable[..., Pure]) -> None:
    """RSET."""
    server = pure()
    talk = server.talk().login()
    talk.ask("DELE 1", "RSET", "DELE 2")
    talk.reset()
    assert (len(server.ledger.story("m1")), len(server.ledger.story("m2"))) == (0, 1)


def test_the_top_of_a_message_is_no_retrieval(pure: Callable[..., Pure]) -> None:
    """A few lines of it; under a rule, too."""
    for rules in ([], ["TOP -> wait 1"]):
        server = pure(*rules)
        assert server.talk().login().ask("TOP 1 1", "DELE 1", "QUIT")
        assert account(server) == ([], ["m1"], ["m1"], [])
        assert server.transcript.sessions[0].retrieved == []


def test_a_top_of_all_lines_sends_the_message_whole(pure: Callable[..., Pure]) -> None:
    """As fetchmail asks for its mail, so that nothing is marked as seen; under a rule, too."""
    for rules in ([], ["TOP -> wait 1"]):
        server = pure(*rules)
        assert server.talk().login().ask("TOP 1 99999999", "DELE 1", "QUIT").count(b"plain\r\n") == 1
        assert account(server) == (["m1"], ["m1"], [], [])
        assert server.transcript.sessions[0].retrieved == ["m1"]
        assert server.ledger.story("m1") == ["session 1: TOP sent it whole", "session 1: UPDATE deleted it"]


@pytest.mark.parametrize("rules", [[], ["RETR -> wait 1"], ['RETR!before -> reply "-ERR no"']])
def test_a_retrieval_that_was_refused_is_none(pure: Callable[..., Pure], rules: list[str]) -> None:
    """No such message, or a marked one, or a command that was not executed."""
    server = pure(*rules)
    server.talk().login().ask("RETR 3", "DELE 1", "RETR 1", "RETR x")
    assert server.ledger.sendings == ()


LINE = b"x" * 998 + b"\r\n"


def lines(_: int) -> Iterator[bytes]:
    """A message of a megabyte."""
    return iter([LINE] * 1000)


@pytest.mark.parametrize("rules", [[], ["RETR#2 -> end rst"], ["RETR -> wait 1"]], ids=["bare", "other", "ruled"])
def test_a_client_that_vanishes_while_a_message_is_streamed(
    pure: Callable[..., Pure], over: Over, rules: list[str]
) -> None:
    """So many octets went out as it took; the message stays."""
    server = pure(*rules, **over)
    server.account.maildrop.generate(1, lines, octets=1_000_000, uid=lambda _: "big")
    talk = server.talk().login()
    taken = sum(len(step) for step in talk.vanish("RETR 3", sends=3) if isinstance(step, bytes))
    assert 100_000 < taken < 1_000_000
    assert server.ledger.sendings == ((1, "big", 1_000_000, taken, False, False, "RETR"),)
    assert server.ledger.story("big") == [
        f"session 1: RETR sent {taken} octets and not the rest (the message has 1000000)"
    ]
    assert (talk.log.ended, talk.log.retrieved) == ("reset", [])
    again = server.talk().login()
    assert len(again.ask("RETR 3")) == 1_000_000 + len(b"+OK 1000000 octets\r\n.\r\n")
    again.ask("DELE 3", "QUIT")
    server.ledger.assert_nothing_lost()
    server.ledger.assert_nothing_twice()


@pytest.mark.parametrize(
    ("offset", "sent"), [("@0", 0), ("@50%", 500_011), ("@-1", 1_000_022), ("@body:81920", 81_940)]
)
def test_a_message_that_is_cut_while_it_is_streamed(pure: Callable[..., Pure], offset: str, sent: int) -> None:
    """In the middle of what is generated, without holding it."""
    server = pure(f"RETR{offset} -> end rst")
    server.account.maildrop.generate(1, lines, octets=1_000_000, uid=lambda _: "big")
    assert len(server.talk().login().ask("RETR 3")) == sent
    assert server.ledger.sendings == ((1, "big", 1_000_000, sent, False, False, "RETR"),)


@pytest.mark.parametrize("gone", ["hang_up", "reset"])
def test_a_client_that_vanishes_in_a_wait_in_the_middle_of_a_message(
    pure: Callable[..., Pure],
    gone: str,
    over: Over,
) -> None:
    """What came before the wait was sent, and no more: a wait without an end is not ended by going on."""
    server = pure("RETR@20 -> wait forever", **over)
    talk = server.talk().login()
    talk.say("DELE 2")
    assert talk.say("RETR 1")[1:] == [None]
    getattr(talk, gone)()
    assert server.ledger.sendings == ((1, "m1", 32, 20, False, False, "RETR"),)
    assert account(server) == ([], [], [], [])
    assert server.account.maildrop.in_use_by is None


def test_a_message_is_the_same_under_its_new_unique_id(pure: Callable[..., Pure]) -> None:
    """From then on: each session tells the names that it saw."""
    server = pure("NOOP -> mail renumber-uids; times=1")
    server.talk().login().ask("RETR 1", "NOOP", "UIDL 1", "QUIT")
    server.talk().login().ask("RETR 1", "DELE 1", "DELE 2", "QUIT")
    assert server.ledger.delivered == ["m1", "renumbered-1-1"]
    assert server.ledger.lost == ["renumbered-1-2"]
    assert list(server.account.maildrop.uids) == []


def test_what_a_rule_takes_out_of_the_maildrop_was_not_deleted(pure: Callable[..., Pure]) -> None:
    """UPDATE removes what is marked and still there."""
    server = pure("DELE#1!after -> mail remove=m1")
    server.talk().login().ask("DELE 1", "DELE 2", "QUIT")
    assert account(server) == ([], ["m2"], ["m2"], [])
    assert list(server.account.maildrop.uids) == []


def test_the_same_message_of_two_users(pure: Callable[..., Pure]) -> None:
    """The same octets have the same unique-id in both maildrops, and are two messages."""
    server = pure()
    bob = Account("bob", "not-a-secret")
    server.accounts.add(bob)
    (message,) = bob.maildrop.add("Subject: for all\n\n")
    assert server.account.maildrop.add("Subject: for all\n\n")[0].uid == message.uid
    server.talk().login().ask("RETR 3", "DELE 3", "QUIT")
    server.talk().ask("USER bob", "PASS not-a-secret", "DELE 1", "QUIT")
    assert server.ledger.lost == [message.uid]
    with pytest.raises(AssertionError) as caught:
        server.ledger.assert_nothing_lost()
    assert str(caught.value).splitlines() == [
        "1 message was deleted without ever having been sent whole",
        f"  message {message.uid} of bob",
        "    session 2: UPDATE deleted it",
    ]


# over sockets


def test_a_client_that_vanishes_in_mid_reply_leaves_its_story(wire: Callable[[Pop3sServer], Wire]) -> None:
    """Reading the ledger waits until the server knows."""
    with Pop3sServer() as server:
        server.maildrop.generate(1, lambda _: iter([LINE] * 20_000), octets=20_000_000, uid=lambda _: "big")
        client = wire(server).login()
        client.send("RETR 1")
        client.recv()
        client.reset()
        assert server.ledger.delivered == []
        (sending,) = server.ledger.sendings
        assert 0 < sending.sent < 20_000_000
        assert server.ledger.story("big") == [
            f"session 1: RETR sent {sending.sent} octets and not the rest (the message has 20000000)"
        ]


def test_a_client_that_deletes_what_it_could_not_read_is_found_out(fetcher: Callable[..., poplib.POP3_SSL]) -> None:
    """The whole way: a rule, poplib, the ledger's story."""
    with Pop3sServer() as server:
        uid = server.maildrop.add("Subject: one\n\nhello\n")[0].uid
        server.on("RETR@20").end("fin").times(1)
        with pytest.raises((poplib.error_proto, ConnectionError)):
            fetcher(server).retr(1)
        client = fetcher(server)
        client.dele(1)
        client.quit()
        with pytest.raises(AssertionError) as caught:
            server.ledger.assert_nothing_lost()
        assert str(caught.value).splitlines() == [
            "1 message was deleted without ever having been sent whole",
            f"  message {uid}",
            "    session 1: RETR sent 20 octets and not the rest (the message has 23)",
            "    session 2: UPDATE deleted it",
        ]


@pytest.mark.parametrize("end", ["rst", "fin", "clean"])
def test_a_cut_at_any_octet_is_a_cut_there_for_a_client_that_reads_late(
    end: str, wire: Callable[[Pop3sServer], Wire]
) -> None:
    """Not an octet less: a reset does not overtake what was sent before it."""
    with Pop3sServer(seed=1) as server:
        server.maildrop.add(b"Subject: one\r\n\r\n.dotted\r\nplain\r\n")
        whole = b"+OK 32 octets\r\nSubject: one\r\n\r\n..dotted\r\nplain\r\n.\r\n"
        for octet in range(0, len(whole) + 1, 3):
            rule = server.rules.add(f"RETR@{octet} -> end {end}")
            client = wire(server).login()
            client.send("RETR 1")
            server.wait_for("RETR")
            server.settle()
            assert client.rest() == (whole[:octet], end)
            assert server.ledger.sendings[-1].sent == octet
            client.close()
            server.rules.remove(rule)
            server.transcript.clear()
