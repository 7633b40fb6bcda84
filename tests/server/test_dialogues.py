"""Dialogues of a running server: who follows them, and what the verdict says of those who do not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, Pop3sServer, UnmetRule, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Client

HERE = Path(__file__).name


def line() -> int:
    """The number of the caller's line."""
    return sys._getframe(1).f_lineno


def test_connections_take_dialogues_in_turn_and_then_the_server_is_itself(connect: Callable[..., Client]) -> None:
    """Also those that come at once."""
    with Pop3sServer() as server:
        for name in ("one", "two"):
            server.dialogue(f"S: +OK {name}", "C: QUIT", "S: +OK")
        clients = [connect(server) for _ in range(3)]
        assert [client.greeting.split()[1] for client in clients] == [b"one", b"two", b"POP3"]
        assert clients[0].quit() == b"+OK\r\n"
        assert clients[1].quit() == b"+OK\r\n"
        assert clients[2].login().quit() == b"+OK signing off\r\n"
        assert [session.ended for session in server.transcript.sessions] == ["quit"] * 3


def test_the_verdict_names_the_line_of_the_test(connect: Callable[..., Client]) -> None:
    """Passwords are masked, in patterns, too; it is told once."""
    with Pop3sServer(accounts=[Account("ann", "canary-7")]) as server:
        server.dialogue("S: +OK", "C: USER ann", "S: +OK", "C: PASS canary-7", "S: +OK", "C: QUIT", "S: +OK")
        where = f"{HERE}:{line() - 1}"
        client = connect(server)
        client.ask("USER ann")
        assert client.ask("X canary-7") == b"-ERR this is not in the dialogue\r\n"
        client.rest()
        with pytest.raises(UnmetRule) as caught:
            server.check()
        assert str(caught.value) == (
            f"dialogue ({where}) was left at line 4\n"
            "  C: PASS **** was awaited; session 1 said X ****\n"
            "  -> let the client say what line 4 awaits, or write C: X **** there"
        )
        server.check()
        assert "canary-7" not in server.transcript.render()


def test_a_dialogue_that_nobody_began_fails_the_test() -> None:
    """A test that tested nothing is no green test."""
    match = "was never begun: no connection came for it\n  line 2 would have awaited"
    with pytest.raises(UnmetRule, match=match), Pop3sServer() as server:
        server.dialogue("S: +OK", "C: QUIT", "S: +OK")


def test_heal_and_reset_end_dialogues(connect: Callable[..., Client]) -> None:
    """After the one it is still asked whether they were followed, after the other nothing is."""
    with Pop3sServer() as server:
        server.dialogue("S: -ERR one")
        server.heal()
        assert connect(server).login().quit() == b"+OK signing off\r\n"
        assert [str(problem).split("\n")[0] for problem in server.judge()] == [
            f"dialogue ({HERE}:{line() - 4}) was never begun: no connection came for it"
        ]
        server.dialogue("S: -ERR two")
        server.reset()
        assert connect(server).login().quit() == b"+OK signing off\r\n"


def test_a_wrong_line_is_an_error_at_the_call() -> None:
    """Nothing of it waits for a connection."""
    with Pop3sServer() as server:
        with pytest.raises(UsageError) as caught:
            server.dialogue("S: +OK", "Q: QUIT")
        assert str(caught.value) == (
            "line 2 of the dialogue, 'Q: QUIT': it begins with 'S: ' for the server or 'C: ' for the client"
        )
