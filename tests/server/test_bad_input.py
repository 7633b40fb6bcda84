from __future__ import annotations

import contextlib
import select
import socket
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import Pop3sServer
from pop3s_fake.server.worker import READ_AHEAD, READ_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pop3s_fake.server.polling import Poll
    from pop3s_fake.server.worker import Worker
    from tests.server.conftest import Client


@pytest.fixture
def server() -> Iterator[Pop3sServer]:
    """A server that does not mind what its client breaks."""
    with Pop3sServer(strict=False) as server:
        server.maildrop.add("Subject: stays\n\n")
        yield server


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_every_line_of_garbage_gets_its_error(
    server: Pop3sServer, connect: Callable[..., Client], version: str
) -> None:
    """RFC 1939 section 3: an unrecognized command is answered -ERR; any octets but CRLF may stand in it."""
    random = Random(11)  # noqa: S311  # reproducible octets
    lines = [random.randbytes(random.randrange(200)).replace(b"\r", b".").replace(b"\n", b".") for _ in range(500)]
    lines += [b"", b"\0", b"\0STAT", b"STAT\0", b"\xff\xfe", "ÄÖÜ".encode(), b" STAT", b"\tSTAT", b"STAT\n", b"\nSTAT"]
    client = connect(server, version=version).login()
    client.send(b"".join(line + b"\r\n" for line in lines))
    for line in lines:
        answer = client.line()
        assert answer.startswith(b"-ERR"), line
        assert answer.endswith(b"\r\n")
    assert client.ask("STAT") == b"+OK 1 18\r\n"
    assert client.quit() == b"+OK signing off\r\n"
    assert len(server.maildrop) == 1


@pytest.mark.parametrize(
    "octets",
    [
        b"QUIT\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\0" * 100,
        b"\x80\x2e\x01\x03\x01" + b"\x00" * 50,
        b"\x16\x03\x01\xff\xff" + b"\xff" * 70_000,
        b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff" * 3,
        b"\x17\x03\x03\x00\x05hello",
        Random(5).randbytes(5000),  # noqa: S311  # reproducible octets
    ],
    ids=["pop3", "http", "nul", "sslv2", "huge-record", "huge-hello", "data-first", "random"],
)
def test_what_is_no_tls_is_let_go(
    server: Pop3sServer, tcp: Callable[..., socket.socket], connect: Callable[..., Client], octets: bytes
) -> None:
    """RFC 8446 section 6: an alert, then the end; the transcript says why, and the server goes on."""
    client = tcp(server)
    client.sendall(octets)
    heard = b""
    while piece := client.recv(1000):
        heard += piece
    assert heard[:1] == b"\x15"  # an alert, and nothing of POP3
    assert len(heard) == 7
    session = server.transcript.last_session
    assert session.ended == "server"
    assert session.tls.error
    assert session.commands == []
    assert connect(server).login().quit() == b"+OK signing off\r\n"


def test_garbage_in_the_middle_of_tls_ends_the_session(server: Pop3sServer, connect: Callable[..., Client]) -> None:
    """A record that cannot be opened: bad_record_mac, and no UPDATE."""
    client = connect(server).login()
    client.ask("DELE 1")
    client.sock.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    client.sock.settimeout(30)
    heard = b""
    while piece := client.sock.recv(1000):
        heard += piece
    assert heard[:3] == b"\x17\x03\x03"  # a sealed alert
    session = server.transcript.last_session
    assert session.ended == "server"
    assert "BAD_RECORD_MAC" in session.entries[-1].text or "DECRYPTION_FAILED" in session.entries[-1].text
    assert len(server.maildrop) == 1


def test_a_line_without_an_end_gets_one_error_and_its_tail_is_no_command(
    server: Pop3sServer, connect: Callable[..., Client]
) -> None:
    """A megabyte, with commands in it that must not be carried out."""
    client = connect(server).login()
    client.send(b"x" * (1 << 20) + b" DELE 1\nDELE 1\rDELE 1\r\nSTAT\r\n")
    assert client.line() == b"-ERR the line is too long\r\n"
    assert client.line() == b"+OK 1 18\r\n"
    client.quit()
    assert server.transcript.keywords == ["USER", "PASS", "STAT", "QUIT"]


def test_a_line_that_never_ends_is_dropped_as_it_comes(server: Pop3sServer, connect: Callable[..., Client]) -> None:
    """16 megabytes leave nothing behind: what is kept of a line is bounded."""
    client = connect(server)
    piece = b"x" * (1 << 16)
    for _ in range(256):
        client.send(piece)
    assert client.line() == b"-ERR the line is too long\r\n"
    client.close()
    assert server.transcript.last_session.ended == "eof"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_thousands_of_commands_may_come_before_anything_is_read(
    server: Pop3sServer, connect: Callable[..., Client], version: str
) -> None:
    """RFC 2449 section 6.6: PIPELINING; all replies come, in order."""
    (message,) = server.maildrop.add(b"Subject: many\r\n\r\n" + b"x" * 998 + b"\r\n")
    client = connect(server, version=version).login()
    client.send(b"RETR 2\r\n" * 5000 + b"QUIT\r\n")
    reply = b"+OK %d octets\r\n" % message.octets + message.content + b".\r\n"
    assert client.rest() == reply * 5000 + b"+OK signing off\r\n"
    session = server.transcript.last_session
    assert session.retrieved == [message.uid] * 5000
    assert session.keywords == ["USER", "PASS", *["RETR"] * 5000, "QUIT"]


class Stuffing:
    """A client that writes commands and does not read what they are answered with.

    The answers are long and its window is not made small: with a small one and short segments the kernels themselves
    may come to a standstill, since they drop what has no room, and acknowledgements with it.
    """

    def __init__(self, client: Client, worker: Worker) -> None:
        self._client = client
        self._worker = worker
        self._poll = select.poll()
        self._poll.register(client.sock.fileno(), select.POLLOUT)
        self._unread = select.poll()
        self._unread.register(worker._sock.fileno(), select.POLLIN)
        self._left = memoryview(b"")
        client.sock.setblocking(False)

    def writable(self) -> bool:
        """Whether more can be written; where it cannot, that takes a moment."""
        return bool(self._poll.poll(100))

    def write(self) -> None:
        """Write some more, if that is possible."""
        self._left = self._left or memoryview(self._client.sealed(b"RETR 2\r\n" * 2000))
        with contextlib.suppress(BlockingIOError):
            self._left = self._left[self._client.sock.send(self._left[:32768]) :]

    def until_nobody_reads(self) -> None:
        """Write until the server reads no more, with next to nothing on the way to it."""
        end = monotonic() + 60
        while self._worker._ahead < READ_AHEAD:
            assert monotonic() < end, "the server neither blocks nor reads"
            if not self._unread.poll(1) and self.writable():
                self.write()

    def until_all_is_full(self) -> None:
        """Write until the kernels, too, are full."""
        end = monotonic() + 60
        while self.writable():
            assert monotonic() < end, "the server reads on and on"
            self.write()


class Tap:
    """A socket that counts the octets it receives."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.octets = 0

    def __getattr__(self, name: str) -> Any:
        """All else is the socket's."""
        return getattr(self._sock, name)

    def recv(self, size: int) -> bytes:
        """Receive and count."""
        octets = self._sock.recv(size)
        self.octets += len(octets)
        return octets


def test_a_client_that_writes_and_does_not_read_is_not_heard_for_ever(
    server: Pop3sServer, connect: Callable[..., Client]
) -> None:
    """What is read ahead is bounded over all replies, so that memory is; one that reads a little gets no further."""
    server.maildrop.add((b"x" * 998 + b"\r\n") * 16)
    client = connect(server).login()
    server.settle()
    (worker,) = server._house._workers
    (session,) = server.transcript.sessions
    stuffing = Stuffing(client, worker)
    stuffing.until_nobody_reads()
    stuffing.until_all_is_full()
    worker._sock = tap = Tap(worker._sock)  # type: ignore[assignment]
    end = monotonic() + 60
    for _ in range(3):
        answered = len(session.commands)
        while len(session.commands) == answered:  # until the server has gone on to another command
            assert monotonic() < end
            with contextlib.suppress(BlockingIOError):
                client.sock.recv(2048)
        assert not server._house.wait_until(lambda: tap.octets > 0, 0.1)
    assert worker._ahead < READ_AHEAD + READ_SIZE
    client.reset()
    assert server.transcript.last_session.ended == "reset"


class Counting:
    """A poll that counts how often it is asked."""

    def __init__(self, poll: Poll) -> None:
        self._poll = poll
        self.register = poll.register
        self.modify = poll.modify
        self.times = 0

    def poll(self, timeout: float | None = None, /) -> list[tuple[int, int]]:
        """Ask and count."""
        self.times += 1
        return self._poll.poll(timeout)


def test_a_client_that_writes_does_not_read_and_closes_its_side_costs_nothing(
    server: Pop3sServer, connect: Callable[..., Client]
) -> None:
    """Its end lies behind what the server has not read; the thread sleeps until the client reads."""
    server.maildrop.add((b"x" * 998 + b"\r\n") * 16)
    client = connect(server).login()
    server.settle()
    (worker,) = server._house._workers
    Stuffing(client, worker).until_nobody_reads()
    worker._poll = counting = Counting(worker._poll)
    client.sock.shutdown(socket.SHUT_WR)
    assert not server._house.wait_until(lambda: False, 0.2)
    assert counting.times < 500  # a thread that spins asks tens of thousands of times
    server.disconnect_all("rst")
    assert server.transcript.last_session.ended == "server"
