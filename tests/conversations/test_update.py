"""The boundary of UPDATE: what is deleted, what the client is told, and that the maildrop is free again each time."""

from __future__ import annotations

import poplib
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import Pop3sServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conversations.conftest import Pure, Wire

BYE: Final = b"+OK signing off\r\n"

ENDS: Final = ("clean", "fin", "rst", "half-close")

PHASES: Final = {"!before": (False, b""), "": (True, b""), "@4": (True, BYE[:4]), "!after": (True, BYE)}
"""Where a rule stands at QUIT: whether UPDATE deletes, and what the client is told."""


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("phase", PHASES)
def test_an_end_at_quit_decides_by_its_phase(phase: str, end: str, wire: Callable[[Pop3sServer], Wire]) -> None:
    """RFC 1939 section 6: messages are removed in UPDATE, which QUIT begins, and nowhere else.

    Behind a half-closed direction the server goes on, so that only ``!before`` differs: UPDATE follows it all the same.
    """
    deletes, told = PHASES[phase]
    deletes = deletes or end == "half-close"
    with Pop3sServer() as server:
        one, two = server.maildrop.add("Subject: one\n\n", "Subject: two\n\n")
        rule = server.on(f"QUIT{phase}").end(end)  # type: ignore[arg-type]  # the word is one of them
        client = wire(server).login()
        assert client.ask("DELE 1") == b"+OK message 1 deleted\r\n"
        client.send("QUIT")
        assert client.rest() == (told, {"fin": "fin", "rst": "rst"}.get(end, "clean"))
        if end == "half-close":
            server.settle()  # our direction is closed first, the client's stays open
        assert server.account.maildrop.in_use_by is None  # before anything is waited for: the client may come at once
        assert server.maildrop.uids == ([two.uid] if deletes else [one.uid, two.uid])
        assert server.transcript.last_session.deleted == ([one.uid] if deletes else [])
        assert server.ledger.deleted == ([one.uid] if deletes else [])
        assert server.transcript.last_session.ended == ("quit" if end == "half-close" else "server")
        assert (rule.hits, rule.sessions) == (1, (1,))
        server.heal()
        assert wire(server).login().ask("STAT").startswith(b"+OK 1 " if deletes else b"+OK 2 ")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("phase", ["!before", "", "!after"])
def test_poplib_at_quit(phase: str, end: str, fetcher: Callable[..., poplib.POP3_SSL]) -> None:
    """It hears the answer or an error, and may log in again at once."""
    deletes, told = PHASES[phase]
    deletes = deletes or end == "half-close"
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\n", "Subject: two\n\n")
        server.on(f"QUIT{phase}").end(end).times(1)  # type: ignore[arg-type]  # the word is one of them
        client = fetcher(server)
        client.dele(1)
        if told:
            assert client.quit() == told.rstrip()
        else:
            with pytest.raises((poplib.error_proto, ConnectionError)):
                client.quit()
        again = fetcher(server)
        assert len(again.list()[1]) == (1 if deletes else 2)
        again.quit()


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("phase", ["!before", "", "@4", "!after"])
def test_a_client_that_is_gone_at_quit(phase: str, tls: bool, pure: Callable[..., Pure]) -> None:  # noqa: FBT001
    """In a wait without an end it closes or resets: UPDATE has been, or never is, and the maildrop is free."""
    for gone in ("hang_up", "reset"):
        server = pure(f"QUIT{phase} -> wait forever", tls=tls)
        talk = server.talk().login()
        talk.say("DELE 1")
        assert talk.say("QUIT")[-1] is None
        if phase != "!before":
            assert server.account.maildrop.in_use_by is None
        assert getattr(talk, gone)() == []
        assert server.account.maildrop.in_use_by is None
        assert list(server.account.maildrop.uids) == (["m1", "m2"] if phase == "!before" else ["m2"])
        assert talk.log.ended == {"hang_up": "eof", "reset": "reset"}[gone]
        assert server.ledger.story("m1") == (
            [f"session 1: it was marked, and the session ended without UPDATE ({talk.log.ended})"]
            if phase == "!before"
            else ["session 1: UPDATE deleted it"]
        )


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("phase", ["!before", "", "!after"])
def test_a_client_that_vanishes_while_the_server_waits(
    phase: str, how: str, wire: Callable[[Pop3sServer], Wire]
) -> None:
    """Over sockets: before UPDATE nothing is deleted, and the maildrop is free again."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\n")
        rule = server.on(f"QUIT{phase}").wait("forever")
        client = wire(server).login()
        client.ask("DELE 1")
        client.send("QUIT")
        server.wait_for("QUIT")
        server.settle()
        assert rule.hits == 1
        getattr(client, how)()
        server.settle()
        session = server.transcript.last_session
        assert session.ended in {"eof", "reset"}
        assert session.ended == "reset" or how == "close"
        assert server.account.maildrop.in_use_by is None
        assert len(server.maildrop) == (1 if phase == "!before" else 0)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_vanishes_in_a_wait_of_some_seconds(how: str, wire: Callable[[Pop3sServer], Wire]) -> None:
    """A reset is noticed at once; behind a FIN the wait goes on, and the conversation ends when it is over."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\n")
        server.on("STAT").wait(0.2 if how == "close" else 600)
        client = wire(server).login()
        client.ask("DELE 1")
        client.send("STAT")
        server.wait_for("STAT")
        getattr(client, how)()
        assert server._house.wait_until(lambda: server.transcript.peek()[0].ended is not None, 30)
        assert server.account.maildrop.in_use_by is None
        assert len(server.maildrop) == 1


def test_a_wait_is_over_when_both_directions_are_closed(wire: Callable[[Pop3sServer], Wire]) -> None:
    """Nobody is left: the session ends at once, and what came before the end is still carried out."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\n")
        server.on("STAT").end("half-close").wait(600)
        client = wire(server).login()
        client.send("STAT", "DELE 1", "QUIT")
        assert client.rest() == (b"", "clean")
        client.close()
        server.settle()
        assert server.transcript.last_session.ended == "quit"
        assert len(server.maildrop) == 0
