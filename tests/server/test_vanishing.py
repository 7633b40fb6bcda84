from __future__ import annotations

import socket
import struct
import threading
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

from pop3s_fake import Pop3sServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Client

POSITIONS: Final = 60
"""How many of the octets are a place to be cut at, in each way."""


class Vanished(Exception):  # noqa: N818  # it is what the test wants
    """The client is gone."""


class Leaking:
    """A socket that lets so many octets out and then goes, in the middle of whatever is being sent."""

    def __init__(self, sock: socket.socket, left: float, how: Literal["fin", "rst"]) -> None:
        self._sock = sock
        self._left = left
        self._how = how
        self.sent = 0

    def __getattr__(self, name: str) -> Any:
        """All else is the socket's."""
        return getattr(self._sock, name)

    def sendall(self, octets: bytes) -> None:
        """Send as much as may go out."""
        piece = octets if len(octets) < self._left else octets[: int(self._left)]
        self._sock.sendall(piece)
        self.sent += len(piece)
        self._left -= len(piece)
        if self._left <= 0:
            if self._how == "fin":
                self._sock.shutdown(socket.SHUT_WR)
                while self._sock.recv(1 << 16):
                    pass
            else:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._sock.close()
            raise Vanished


def talk(connect: Callable[..., Client], server: Pop3sServer, leaking: Callable[[socket.socket], Leaking]) -> int:
    """A whole conversation that deletes a message; tells how many octets the client sent."""
    client = connect(server, through=leaking, version=None)
    client.login()
    client.ask("STAT")
    client.fetch("RETR 1")
    client.ask("DELE 1")
    client.fetch("UIDL")
    assert client.ask("QUIT") == b"+OK signing off\r\n"
    sent: int = client.sock.sent
    client.close()
    return sent


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_client_may_vanish_at_any_octet(
    connect: Callable[..., Client], how: Literal["fin", "rst"], version: str
) -> None:
    """The maildrop stays whole, the lock is free at once, and the server goes on (RFC 1939 sections 3 and 6)."""

    def connecting(server: Pop3sServer, **keywords: Any) -> Client:
        return connect(server, **{**keywords, "version": version})

    with Pop3sServer() as server:
        server.maildrop.add("Subject: goes\n\n.\n", "Subject: stays\n\n")
        total = talk(connecting, server, lambda sock: Leaking(sock, float("inf"), how))
        assert server.transcript.last_session.ended == "quit"
        assert len(server.maildrop) == 1
        server.maildrop.add("Subject: goes, too\n\n.\n")
        uids = server.maildrop.uids
        positions = [*sorted(Random(7).sample(range(1, total), POSITIONS - 1)), total - 1]  # noqa: S311  # a sample
        for position in positions:
            with pytest.raises(Vanished):
                talk(connecting, server, lambda sock, position=position: Leaking(sock, position, how))  # type: ignore[misc]
            assert server.maildrop.uids == uids, position
            assert server.account.maildrop.in_use_by is None, position
            session = server.transcript.last_session
            assert session.ended in {"eof", "reset", "server"}, position
            assert session.deleted == [], position
        talk(connecting, server, lambda sock: Leaking(sock, float("inf"), how))
        assert server.maildrop.uids == uids[1:]
        assert server.judge() == []
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("pop3s-fake:")]


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_client_may_vanish_while_it_is_sent_a_message(connect: Callable[..., Client], how: str) -> None:
    """It has read some of it, or none."""
    with Pop3sServer() as server:
        server.maildrop.add(b"x" * 998 + b"\r\n", b"".join([b"x" * 998 + b"\r\n"] * 20_000))
        for read in (0, 1, 2, 10):
            client = connect(server).login()
            client.send(b"DELE 1\r\nRETR 2\r\n")
            for _ in range(read):
                client.recv()
            if how == "fin":
                client.sock.shutdown(socket.SHUT_WR)
            else:
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()  # with octets unread it is a reset in either case
            session = server.transcript.last_session
            assert session.ended in {"eof", "reset"}
            assert (session.retrieved, session.deleted) == ([], [])
            assert server.account.maildrop.in_use_by is None
            assert len(server.maildrop) == 2


def test_a_client_may_vanish_before_it_is_accepted(tcp: Callable[..., socket.socket]) -> None:
    """Many of them, while the server is busy with others."""
    with Pop3sServer() as server:
        for n in range(100):
            client = tcp(server)
            if n % 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        assert all(session.ended in {"eof", "reset"} for session in server.transcript.sessions)
        assert server.judge() == []
