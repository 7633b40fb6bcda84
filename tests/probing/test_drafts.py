"""A draft does what the server did that it was made of, and holds nothing of the user's."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import Dialect, UsageError
from pop3s_fake.dialects import dialect, dialect_ids
from pop3s_fake.probing import draft
from pop3s_fake.protocol.manner import Manner
from tests.dialects.replaying import recordings, replay, scenarios
from tests.probing.asked import MAIL, PASSWORD, USER, asked_of, flat, lines_of, quick, serving

if TYPE_CHECKING:
    from pathlib import Path

    from pop3s_fake.probing import Seen

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


def test_without_a_login_there_is_a_draft_of_what_comes_before_it() -> None:
    """And it says so."""
    text = draft(seen_of("dovecot", user="", password="", failed_logins=0, fetch=False))
    assert "# - all that comes behind a login: there was no --user" in text
    assert "[before]" in text
    assert "[after]" not in text


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
