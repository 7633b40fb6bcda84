"""How a server is asked: nothing is marked, no more connections than were allowed, no failed login that was not."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.probing import Place, Sockets, Unreachable, Wishes, ask, draft, questions
from tests.probing.asked import BOUND, PASSWORD, USER, asked_of, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake import Pop3sServer

ALLOWED: dict[str, Any] = {"failed_logins": 5, "fetch": True}


@pytest.fixture(params=[None, "dovecot", "courier", "solid-pop3d"], ids=str)
def server(request: pytest.FixtureRequest) -> Iterator[Pop3sServer]:
    """Servers of several kinds, one of which closes behind five refusals."""
    with serving(request.param) as running:
        yield running


def said(server: Pop3sServer) -> list[list[str]]:
    """The keywords of each session."""
    return [session.keywords for session in server.transcript.sessions]


def test_nothing_is_marked_and_nothing_is_removed(server: Pop3sServer) -> None:
    """DELE is never said, in no session; a session that fetches does not end by QUIT."""
    before = server.maildrop.uids
    asked_of(server, **ALLOWED)

    assert not [each for each in said(server) if "DELE" in each]
    assert server.maildrop.uids == before
    for session in server.transcript.sessions:
        if session.retrieved:
            assert any(command.startswith("TOP") for command in session.commands) or session.ended != "quit"


def test_nobody_else_is_named_behind_whom_a_password_comes(server: Pop3sServer) -> None:
    """Each PASS that has a USER before it is about the user's own account."""
    asked_of(server, **ALLOWED)

    for session in server.transcript.sessions:
        for before, command in zip(session.commands, session.commands[1:], strict=False):
            if command.startswith("PASS") and before.startswith("USER"):
                assert before == f"USER {USER}"


@pytest.mark.parametrize("allowed", range(6))
def test_no_more_logins_fail_than_were_allowed(allowed: int) -> None:
    """None, unless somebody says so: servers lock out those who guess."""
    with serving("dovecot") as server:
        seen = asked_of(server, failed_logins=allowed)

    refused = [talk.label for talk in seen.talks if talk.label.startswith("refused")]
    assert refused == [f"refused login {number}" for number in range(1, allowed + 1)]
    wrong = [each for each in seen.exchanges() if any("Authentication failed" in status for status in each.came)]
    assert len(wrong) == (allowed > 0) + (allowed > 4)


def test_no_more_connections_are_made_than_were_allowed() -> None:
    """What is left over is told in the draft."""
    with serving("dovecot") as server:
        seen = asked_of(server, connections=3)

        assert len(server.transcript.sessions) == 3
    assert "before the login, or the rest of it: the 3 connections that may be made were made" in seen.not_asked


def test_there_is_a_pause_between_connections_and_what_login_delay_asks_for_between_logins() -> None:
    """One second, or ten behind a login of a server that announces LOGIN-DELAY 10."""
    waits: list[float] = []
    with serving("courier") as server:
        place = Place(server.host, server.port, ca=str(server.ca_file), timeout=BOUND)
        wishes = Wishes(USER, PASSWORD, linger=0)
        seen = ask(Sockets(place), wishes, tell=lambda _: None, wait=waits.append, now=server.clock.now)

    assert len(waits) == len(server.transcript.sessions) - 1
    assert set(waits) == {1.0, 10.0}
    assert seen.logged_in


def test_a_message_is_fetched_only_if_that_is_allowed_and_not_where_fetching_removes() -> None:
    """EXPIRE 0 says that it does."""
    with serving("dovecot") as server:
        asked_of(server)
        assert not [each for session in server.transcript.sessions for each in session.commands if each == "RETR 3"]
    with serving("dovecot", capabilities=["+EXPIRE 0"]) as server:
        text = draft(asked_of(server, fetch=True))
        assert not [each for session in server.transcript.sessions for each in session.commands if each == "RETR 3"]
    assert "# - RETR of a message: it announces EXPIRE 0, which removes what was fetched" in text


def test_what_is_asked_is_shown_without_the_password(server: Pop3sServer) -> None:
    """Neither as it is typed, nor in AUTH PLAIN."""
    shown: list[str] = []
    asked_of(server, shown, **ALLOWED)
    text = "\n".join(shown)

    assert f"  C  USER {USER}" in shown
    assert "  C  PASS ****" in shown
    assert PASSWORD not in text
    assert "AHdpbGhlbG1pbmU" not in text  # the beginning of AUTH PLAIN's response


def test_a_server_that_repeats_the_password_does_not_bring_it_into_the_draft() -> None:
    """Nor onto the screen."""
    shown: list[str] = []
    with serving("dovecot") as server:
        server.on("PASS").reply(f"+OK {USER} with {PASSWORD} is in")
        text = draft(asked_of(server, shown))

    assert PASSWORD not in text
    assert PASSWORD not in "\n".join(shown)


def test_a_server_that_answers_some_questions_with_silence_is_asked_the_rest() -> None:
    """An empty text says that; after three such questions it is given up."""
    with serving("dovecot") as server:
        server.on("LAST").reply("").times(1)
        seen = asked_of(server, timeout=1.0)

    assert seen.logged_in


@pytest.mark.parametrize("question", [each for each in vars(questions).values() if isinstance(each, tuple)])
def test_no_question_marks_a_message(question: Any) -> None:
    """By what is written down, whatever a server says to it."""
    assert "DELE" not in repr(question).upper()


def test_sockets_are_in_one_module() -> None:
    """All that is made of answers could be made without a network."""
    folder = Path(questions.__file__).parent
    having = [
        path.name
        for path in sorted(folder.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and "socket" in {alias.name for alias in node.names}
    ]
    assert having == ["wire.py"]


def test_a_login_that_is_refused_is_not_tried_again() -> None:
    """One failed login, whatever was allowed."""
    with serving("dovecot") as server, pytest.raises(Unreachable) as caught:
        asked_of(server, password="wrong", **ALLOWED)
    assert str(caught.value) == (
        f"{server.host}:{server.port} refuses the login of --user: '-ERR [AUTH] Authentication failed.'; "
        "it was not tried again"
    )
    assert sum(keywords.count("PASS") for keywords in said(server) if "USER" in keywords) <= 4
