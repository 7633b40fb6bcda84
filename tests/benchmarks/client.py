"""The load: one cheap client, the same for every server.

Knows as much of POP3 as it takes to see where a reply ends, and checks no more than that it is ``+OK``: what it costs
is added to every server's time alike and would hide the differences.
"""

from __future__ import annotations

import socket
import ssl
import time
from base64 import b64encode
from typing import TYPE_CHECKING, TypeVar

from content import PASSWORD, USER

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

PATIENCE = 60.0  # seconds for any one answer; a server that needs them is broken, not slow
END = b"\r\n.\r\n"

Octets = TypeVar("Octets", int, bytes)


def trusting(ca_pem: str) -> ssl.SSLContext:
    """A context that verifies against this CA only and speaks TLS 1.3."""
    context = ssl.create_default_context(cadata=ca_pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Client:
    """One session, from the handshake on."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = context.wrap_socket(connection, server_hostname="localhost")
        self.line()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.tls.close()

    def line(self) -> None:
        """Read one status line."""
        reply = b""
        while not reply.endswith(b"\r\n"):
            reply += self.some(self.tls.recv(4096))
        accepted(reply)

    def command(self, line: bytes) -> None:
        """Send a command whose answer is one line, and read that."""
        self.tls.sendall(line)
        self.line()

    def login(self) -> Self:
        """USER, PASS."""
        self.command(b"USER %s\r\n" % USER.encode())
        self.command(b"PASS %s\r\n" % PASSWORD.encode())
        return self

    def login_by_plain(self) -> Self:
        """AUTH PLAIN, with its initial response."""
        self.command(b"AUTH PLAIN %s\r\n" % b64encode(f"\0{USER}\0{PASSWORD}".encode()))
        return self

    def fetch(self, line: bytes, buffer: bytearray) -> int:
        """Send a command whose answer has many lines; read it to its end and return its octets."""
        self.tls.sendall(line)
        octets, tail = 0, b""
        while tail != END:
            got = self.tls.recv_into(buffer)
            self.some(got)
            if not octets:
                accepted(bytes(buffer[: min(got, 64)]))
            octets += got
            tail = (tail + bytes(buffer[max(0, got - len(END)) : got]))[-len(END) :]
        return octets

    def first_octet(self, line: bytes) -> float:
        """Seconds until the first octet of the answer; the rest is left unread, so the session is of no more use."""
        start = time.perf_counter()
        self.tls.sendall(line)
        reply = self.tls.recv(16_384)
        taken = time.perf_counter() - start
        accepted(reply)
        return taken

    @staticmethod
    def some(got: Octets) -> Octets:
        """What was received, unless that was nothing."""
        if not got:
            raise ConnectionError("the server ended the session in the middle of a reply")
        return got


def accepted(reply: bytes) -> None:
    """Fail on anything but ``+OK``: the time of an error is no measurement."""
    if not reply.startswith(b"+OK"):
        raise ValueError(f"the server answered {reply[:100]!r}")


def session(port: int, context: ssl.SSLContext, *, plain: bool = False) -> None:
    """Handshake, login, STAT, QUIT; the login by USER and PASS, or by SASL PLAIN."""
    with Client(port, context) as client:
        if plain:
            client.login_by_plain()
        else:
            client.login()
        client.command(b"STAT\r\n")
        client.command(b"QUIT\r\n")
