"""A draft does what the server did that it was made of, and holds nothing of the user's."""

from __future__ import annotations

import poplib
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import Dialect, UsageError
from pop3s_fake.dialects import dialect, dialect_ids
from pop3s_fake.probing import Exchange, Seen, Talk, draft
from pop3s_fake.probing.fitting import marked
from pop3s_fake.probing.model import Model
from pop3s_fake.protocol.manner import Manner, Texts
from tests.dialects.replaying import recordings, replay, scenarios
from tests.probing.asked import BOUND, MAIL, PASSWORD, USER, asked_of, flat, lines_of, quick, serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHARES = {
    "dovecot": 88,
    "dovecot-rich": 88,
    "courier": 84,
    "courier-rich": 86,
    "cyrus": 89,
    "mailutils": 80,
    "popa3d": 91,
    "solid-pop3d": 86,
}
"""Exchanges of a hundred of the recording that the draft has equal; the manual says between which they lie."""

ALL = [name for name in dialect_ids() if name in recordings() and name in SHARES]
IN_PART = ("mailutils",)
"""Whose draft lists answers that it does not give: a line that is sent back, a number that is read in two ways."""

SIZES_DIFFER = ("solid-pop3d",)
"""Who counts an empty line behind each message, which no probe can know that fetches one of them."""


def seen_of(spoken: str | Dialect | None, *, stls: bool = False, **wishes: Any) -> Seen:
    """What a probe sees that asks all it may."""
    with serving(spoken) as server:
        return asked_of(server, stls=stls, **{"failed_logins": 5, "fetch": True, **wishes})


@pytest.fixture(scope="module", params=ALL)
def named(request: pytest.FixtureRequest) -> str:
    """Each dialect."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def first(named: str) -> Seen:
    """What was seen of it."""
    return seen_of(quick(named))


@pytest.fixture(scope="module")
def drafted(named: str, first: Seen, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Dialect]:
    """The draft of it, and what a file makes of that."""
    path = tmp_path_factory.mktemp("drafts") / f"{named}.toml"
    text = draft(first)
    path.write_text(text, encoding="utf-8")
    return text, Dialect.from_file(path)


def test_a_draft_says_all_that_was_asked_or_lists_what_it_does_not(named: str, drafted: tuple[str, Dialect]) -> None:
    """Of nearly all servers that the schema was made for, nothing is left over."""
    assert ("# Asked, and not said by this draft:" in drafted[0]) == (named in IN_PART)


def test_a_server_of_the_draft_answers_as_the_original(named: str, first: Seen, drafted: tuple[str, Dialect]) -> None:
    """The same on each connection, word for word, with how it ends; so a second draft would be the same, too."""
    second = seen_of(drafted[1])
    if named in IN_PART:
        assert second.capabilities == first.capabilities
    elif named in SIZES_DIFFER:
        assert lines_of(draft(second)) == lines_of(drafted[0])
    else:
        assert flat(second) == flat(first)
        assert second.capabilities == first.capabilities
        assert (second.versions, second.alpn_ignored, second.unique_id) == (
            first.versions,
            first.alpn_ignored,
            first.unique_id,
        )


def test_a_draft_does_most_of_what_was_recorded_of_the_server(named: str, drafted: tuple[str, Dialect]) -> None:
    """Also where nobody has asked: what a probe leaves out is not half of it."""
    found = [exchange for each in scenarios(named) for exchange in replay(named, each, drafted[1])]
    assert 100 * sum(each.equal for each in found) // len(found) >= SHARES[named]


def test_each_value_has_what_shows_it(drafted: tuple[str, Dialect]) -> None:
    """A comment stands above each, but for the summary and the greeting, which shows itself."""
    lines = drafted[0].splitlines()
    for above, line in zip(["", *lines], lines, strict=False):
        if " = " in line and not line.startswith(("#", "summary", "text")):
            assert above.startswith("# "), line


def test_no_value_is_our_own(drafted: tuple[str, Dialect]) -> None:
    """What is as it is here anyway would say nothing of the server."""
    tables = tomllib.loads(drafted[0])
    for group, table in tables.items():
        for key, value in table.items() if isinstance(table, dict) and group != "replies" else ():
            own = getattr(getattr(Manner(), group), key)
            assert value != (list(own) if isinstance(own, tuple) else own), f"{group}.{key}"


def test_a_draft_holds_nothing_of_the_users(drafted: tuple[str, Dialect], first: Seen) -> None:
    """No name, no password, no subject, no text, no unique-id, no host; neither does what it was made of."""
    for text in (drafted[0], repr(first)):
        for private in (USER, PASSWORD, "localhost", *(word for mail in MAIL for word in mail.split()[1:])):
            assert private not in text


@pytest.mark.parametrize("name", ["dovecot", "courier", "cyrus"])
def test_the_port_in_clear_tells_what_there_is_in_clear(name: str, tmp_path: Path) -> None:
    """And all the rest, over STLS."""
    text = draft(seen_of(quick(name), stls=True))
    path = tmp_path / "draft.toml"
    path.write_text(text, encoding="utf-8")
    theirs, ours = dialect(name).manner, Dialect.from_file(path).manner

    assert ours.before.capabilities_in_clear == theirs.before.capabilities_in_clear
    assert ours.before.capabilities == theirs.before.capabilities
    assert ours.login.passwords_in_clear == theirs.login.passwords_in_clear
    assert ours.replies["STLS"].says["ok"] == theirs.replies["STLS"].says["ok"]


def test_without_a_login_there_is_a_draft_of_what_comes_before_it(tmp_path: Path) -> None:
    """It says so, and behind a login of its server there are the usual commands, in our manner."""
    text = draft(seen_of("dovecot", user="", password="", failed_logins=0, fetch=False))
    assert "# - all that comes behind a login: there was no --user" in text
    assert "\n# not asked, as nobody has logged in: those of RFC 1939, with TOP and UIDL\ncommands = " in text

    path = tmp_path / "before.toml"
    path.write_text(text, encoding="utf-8")
    with serving(Dialect.from_file(path)) as server:
        client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=BOUND)
        try:
            client.user(USER)
            client.pass_(PASSWORD)
            assert len(client.list()[1]) == len(client.uidl()[1]) == len(MAIL)
            assert client.quit().startswith(b"+OK ")
        finally:
            client.close()


def saying(texts: Mapping[str, Mapping[str, str]]) -> Dialect:
    """Dovecot with these texts in place of its own."""
    spoken = quick("dovecot")
    replies: dict[Any, Texts] = dict(spoken.manner.replies)
    for heading, says in texts.items():
        own: dict[Any, str] = dict(replies[heading].says) if heading in replies else {}
        replies[heading] = Texts(own | dict(says))
    return replace(spoken, manner=replace(spoken.manner, replies=replies))


def test_what_some_commands_say_of_the_maildrop_is_not_said_by_all() -> None:
    """Three that say how much there is are no reason for RETR and DELE, which nobody asked, to say that, too."""
    held = "+OK maildrop has {count} messages ({total} octets)"
    text = draft(seen_of(saying({each: {"ok": held} for each in ("PASS", "AUTH", "RSET")}), failed_logins=0))
    replies = tomllib.loads(text)["replies"]
    assert {name for name, table in replies.items() if table["says"].get("ok") == held} == {"PASS", "AUTH", "RSET"}


def test_no_number_of_one_maildrop_is_a_text() -> None:
    """Neither beside that of its messages, where it is no size that anybody can know, nor of one not listed."""
    text = draft(seen_of(saying({"PASS": {"ok": "+OK {count} messages (4711 octets)"}}), failed_logins=0))
    assert "4711" not in "".join(lines_of(text))
    assert '# - "PASS {password}" -> "+OK 3 messages (4711 octets)"; this draft: "+OK"' in text

    talk = Talk("after it", secure=True, greeting="+OK")
    talk.exchanges += [
        Exchange(b"USER user-x7\r\n", ("+OK",)),
        Exchange(b"PASS password-x7\r\n", ("+OK",)),
        Exchange(b"STAT\r\n", ("+OK 5001 207828",)),
    ]
    assert "5001" not in "".join(lines_of(draft(Seen(talks=[talk], logged_in=True))))


def test_the_model_reads_as_the_server_does() -> None:
    """A response has a limit of its own, and the rest of a line that is too long may be read in pieces."""
    talk = Talk("AUTH PLAIN", secure=True, greeting="+OK")
    talk.exchanges += [Exchange(b"AUTH PLAIN\r\n", ("+ ",)), Exchange(b"A" * 64 + b"\r\n", ("-ERR",))]
    commands = {"before.commands": ("AUTH", "QUIT"), "login.mechanisms": ("PLAIN",)}
    answers = Model(Seen(talks=[talk])).answers(marked({**commands, "login.response": 40}))
    assert answers[0][1].statuses == ("-ERR response_too_long",)


def test_the_words_of_our_own_server_make_a_draft(tmp_path: Path) -> None:
    """What the schema has no words for is listed, and the file is one all the same."""
    text = draft(seen_of(None))
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    assert Dialect.from_file(path).manner.greeting.stamp == "<{pid}.{token}@{host}>"
    assert '# - "LIST  1" -> "-ERR a command is a keyword and printable arguments' in text


def test_an_empty_maildrop_leaves_questions_out(tmp_path: Path) -> None:
    """Those that need a message."""
    with serving("dovecot", mail=()) as server:
        text = draft(asked_of(server))
    path = tmp_path / "empty.toml"
    path.write_text(text, encoding="utf-8")
    try:
        Dialect.from_file(path)
    except UsageError as error:
        pytest.fail(str(error))
    assert "# - TOP 1 0: there is no mail, or none was listed" in text
