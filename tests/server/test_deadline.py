from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import ClientHung, ManualClock, Pop3sFailure, Pop3sServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from tests.server.conftest import Client, Endless


DEADLINE: Final = 0.8
"""Seconds, where a client has to come as far as a command or two: a busy machine takes its time for a handshake."""


def hung(session: int, seconds: str, asked: str) -> str:
    """The sentence, word for word."""
    return (
        f"session {session} was still open after {seconds} seconds (deadline={seconds}); {asked}. "
        "The server has reset it so that the test ends\n"
        "  -> give the client a shorter time-out, close what the test opened, or set another deadline="
    )


def test_a_client_that_hangs_is_reset_at_the_deadline(connect: Callable[..., Client]) -> None:
    """So the test ends, and its verdict names the session and its last command."""
    with pytest.raises(ClientHung) as caught, Pop3sServer(deadline=DEADLINE) as server:  # noqa: PT012  # leaving the block raises
        server.maildrop.add("Subject: stays\n\n")
        client = connect(server).login()
        client.ask("DELE 1")
        with pytest.raises(ConnectionResetError):
            client.line()
        assert server.transcript.last_session.ended == "server"
        assert server.transcript.last_session.entries[-1].text == "the deadline of 0.8 seconds of real time is over"
        assert len(server.maildrop) == 1
        assert server.account.maildrop.in_use_by is None
    assert str(caught.value) == hung(1, "0.8", "its last command was DELE 1")


@pytest.mark.parametrize("octets", [b"", b"\x16\x03\x01"])
def test_a_client_that_says_nothing_has_sent_no_command(tcp: Callable[..., socket.socket], octets: bytes) -> None:
    """The deadline counts from the connection, whatever the handshake came to."""
    server = Pop3sServer(deadline=0.05).start()
    client = tcp(server)
    client.sendall(octets)
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ClientHung) as caught:
        server.check()
    assert str(caught.value) == hung(1, "0.05", "it never sent a command")
    server.stop()


def test_a_client_that_does_not_read_is_reset_too(blocked: Callable[..., Client]) -> None:
    """The server is in the middle of a send."""
    server = Pop3sServer(deadline=DEADLINE).start()
    client = blocked(server)
    server.wait_idle()
    with pytest.raises(ConnectionResetError):
        client.rest()
    with pytest.raises(ClientHung) as caught:
        server.check()
    assert str(caught.value) == hung(1, "0.8", "its last command was RETR 1")
    server.stop()


def test_a_client_that_reads_for_ever_is_reset_too(
    connect: Callable[..., Client], pool: ThreadPoolExecutor, endless: Endless
) -> None:
    """The server never has to wait for it."""
    server = Pop3sServer(deadline=DEADLINE).start()
    server.maildrop.generate(1, endless, octets=1)
    client = connect(server).login()
    with pytest.raises(ConnectionResetError):
        pool.submit(endless.heard_by, client).result(60)
    with pytest.raises(ClientHung):
        server.check()
    server.stop()


def test_a_client_that_writes_for_ever_is_reset_too(connect: Callable[..., Client]) -> None:
    """A line without an end is answered once, and something always comes."""
    server = Pop3sServer(deadline=DEADLINE, strict=False).start()
    client = connect(server)
    end = monotonic() + 60
    with pytest.raises(ConnectionError):  # noqa: PT012  # a reset, met while writing
        while monotonic() < end:
            client.send(b"x" * 1000)
    with pytest.raises(ClientHung):
        server.check()
    server.stop()


def test_each_session_has_its_own_deadline(connect: Callable[..., Client]) -> None:
    """Two hang, one does not."""
    with pytest.raises(Pop3sFailure) as caught, Pop3sServer(deadline=DEADLINE, exclusive=False) as server:  # noqa: PT012  # leaving the block raises
        one, two, three = connect(server), connect(server).login(), connect(server)
        three.quit()
        for client in (one, two):
            with pytest.raises(ConnectionResetError):
                client.line()
    assert sorted(str(problem) for problem in caught.value.problems) == [
        hung(1, "0.8", "it never sent a command"),
        hung(2, "0.8", "its last command was PASS ****"),
    ]


def test_the_deadline_is_of_real_time(tcp: Callable[..., socket.socket]) -> None:
    """A clock that stands still does not let a test hang."""
    with pytest.raises(ClientHung), Pop3sServer(deadline=0.05, clock=ManualClock()) as server:  # noqa: PT012  # leaving the block raises
        client = tcp(server)
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_there_may_be_no_deadline(connect: Callable[..., Client]) -> None:
    """For a server that is left running."""
    with Pop3sServer(deadline=None) as server:
        client = connect(server).login()
        server.settle()
        (worker,) = server._house._workers
        assert worker._end_at is None
        assert client.quit() == b"+OK signing off\r\n"


def test_a_session_that_ends_in_time_is_not_reported(connect: Callable[..., Client]) -> None:
    """Also when the client keeps the ended connection open beyond the deadline."""
    with Pop3sServer(deadline=DEADLINE) as server:
        client = connect(server).login()
        assert client.ask("QUIT") == b"+OK signing off\r\n"
        assert not server._house.wait_until(lambda: False, 1.1 * DEADLINE)
        assert client.rest() == b""
