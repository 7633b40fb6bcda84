"""A client that shows every octet, and the servers it talks to: raw sockets, and TLS in memory where one is cut."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pop3s_fake import Pop3sServer

BOUND: Final = 30.0  # seconds of real time after which a client gives up; costs only a test that fails

VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Client:
    """A TLS client that says what it is told and keeps what it hears.

    Its TLS runs in memory: ``ssl.SSLSocket`` of Python 3.11 takes a reset for an end.
    """

    def __init__(
        self,
        server: Pop3sServer,
        *,
        version: str | None = None,
        host: str = "127.0.0.1",
        sockopts: dict[int, int] | None = None,
        through: Callable[[socket.socket], Any] = lambda sock: sock,
    ) -> None:
        """Connect, shake hands and hear the greeting; ``through`` puts something between TLS and the socket."""
        context = server.client_context()
        if version is not None:
            context.minimum_version = context.maximum_version = VERSIONS[version]
        self._login = server.login
        self._heard = bytearray()
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")
        self.sock = through(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM))
        try:
            for option, value in (sockopts or {}).items():
                self.sock.setsockopt(socket.SOL_SOCKET, option, value)
            self.sock.settimeout(BOUND)
            self.sock.connect((host, server.port))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._hear(self._tls.do_handshake)
            self.greeting = self.line()
        except BaseException:
            self.sock.close()
            raise

    def _hear(self, call: Callable[[], Any]) -> Any:
        """What the call of TLS gives, after as many octets as it needs."""
        while True:
            try:
                return call()
            except ssl.SSLWantReadError:
                if self._out.pending:
                    self.sock.sendall(self._out.read())
                octets = self.sock.recv(1 << 18)
                if octets:
                    self._in.write(octets)
                else:
                    raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "an end without close_notify") from None
            finally:
                if self._out.pending:
                    with contextlib.suppress(BrokenPipeError):  # an alert, to a server that is gone
                        self.sock.sendall(self._out.read())

    def sealed(self, octets: bytes) -> bytes:
        """The records in which these octets leave; whoever asks sends them."""
        self._tls.write(octets)
        return self._out.read()

    def send(self, octets: bytes) -> None:
        """Send these octets and hear nothing."""
        self.sock.sendall(self.sealed(octets))

    def recv(self) -> bytes:
        """The next octets; b"" at close-notify, ``ssl.SSLEOFError`` at an end without one."""
        octets: bytes = self._hear(lambda: self._tls.read(1 << 18))
        return octets

    def line(self) -> bytes:
        """The next line, its CRLF included; at the end, what there is."""
        return self.until(b"\r\n")

    def until(self, end: bytes) -> bytes:
        """What comes up to this, included; at the end of the connection, what there is."""
        start = 0
        while (at := self._heard.find(end, start)) < 0:
            start = max(len(self._heard) - len(end), 0)
            octets = self.recv()
            if not octets:
                at = len(self._heard)
                break
            self._heard += octets
        at += len(end)
        heard = bytes(self._heard[:at])
        del self._heard[:at]
        return heard

    def rest(self) -> bytes:
        """All that comes up to the end of the connection, which is a clean one: close-notify, then FIN."""
        while octets := self.recv():
            self._heard += octets
        assert self.sock.recv(1) == b""
        heard = bytes(self._heard)
        self._heard.clear()
        return heard

    def ask(self, line: str) -> bytes:
        """Send a command and hear the first line of the reply."""
        self.send(f"{line}\r\n".encode())
        return self.line()

    def fetch(self, line: str) -> bytes:
        """Send a command and hear the whole of its multi-line reply: the payload as it stands on the wire."""
        self.send(f"{line}\r\n".encode())
        reply = self.until(b"\r\n.\r\n")
        assert reply.startswith(b"+OK"), reply
        return reply[reply.index(b"\r\n") + 2 : -3]

    def login(self, user: str | None = None, password: str | None = None) -> Client:
        """Log in, as the first account unless told otherwise."""
        assert self.ask(f"USER {user or self._login.user}").startswith(b"+OK")
        assert self.ask(f"PASS {password or self._login.password}").startswith(b"+OK")
        return self

    def quit(self) -> bytes:
        """Say QUIT, hear the answer and the end, and close."""
        answer = self.ask("QUIT") + self.rest()
        self.close()
        return answer

    def close(self) -> None:
        """Close without a word."""
        self.sock.close()

    def reset(self) -> None:
        """Close with a reset."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """Connect a client; all of them are closed when the test is over."""
    with contextlib.ExitStack() as stack:

        def made(server: Pop3sServer, **keywords: Any) -> Client:
            client = Client(server, **keywords)
            stack.callback(client.close)
            return client

        yield made


@pytest.fixture
def tcp() -> Iterator[Callable[..., socket.socket]]:
    """Connect a bare socket; all of them are closed when the test is over."""
    with contextlib.ExitStack() as stack:

        def made(server: Pop3sServer, host: str = "127.0.0.1") -> socket.socket:
            return stack.enter_context(socket.create_connection((host, server.port), timeout=BOUND))

        yield made


class Endless:
    """A message without an end, made as fast as the client reads and no faster: the server never has to wait."""

    def __init__(self) -> None:
        self.read = threading.Semaphore(10)  # chunks ahead: more than are sent at once, fewer than fill the kernel
        self.over = False

    def __call__(self, _: int) -> Iterator[bytes]:
        """What ``generate`` calls."""
        while self.read.acquire(timeout=BOUND) and not self.over:
            yield b"x" * 16_382 + b"\r\n"

    def heard_by(self, client: Client) -> None:
        """Ask for it and read it, to whatever end."""
        client.send(b"RETR 1\r\n")
        while client.recv():
            self.read.release()


@pytest.fixture
def endless() -> Iterator[Endless]:
    """A function for ``generate``; when the test is over, so is the message."""
    message = Endless()
    yield message
    message.over = True
    message.read.release()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads in which clients run; what they raise comes out of ``result()``."""
    with ThreadPoolExecutor(max_workers=32, thread_name_prefix="client") as executor:
        yield executor


@pytest.fixture
def blocked(connect: Callable[..., Client]) -> Callable[..., Any]:
    """Block a server's session in a send: a client asks for a huge message and does not read."""

    def made(server: Pop3sServer) -> Client:
        server.account.maildrop.generate(
            1, lambda _: iter([b"x" * 998 + b"\r\n"] * HUGE_LINES), octets=HUGE_LINES * 1000
        )
        number = len(server.account.maildrop)
        client = connect(server).login()
        client.send(b"RETR %d\r\n" % number)
        assert client.line() == b"+OK %d octets\r\n" % (HUGE_LINES * 1000)
        return client

    return made


HUGE_LINES: Final = 64_000  # of 1 000 octets each: more than the kernel takes for a client that does not read
