"""poplib's client over TLS, all of whose sockets are closed when a test is over.

Knows poplib; must not know quirks.
"""

from __future__ import annotations

import contextlib
import poplib
import socket
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from pop3s_fake import Pop3sServer

BOUND = 30.0
"""Seconds of real time after which a client gives up; costs only a test that fails."""


class Closable(Protocol):
    """A socket, or a file that reads from one."""

    def close(self) -> object:
        """Close it."""


class Client(poplib.POP3_SSL):
    """poplib's client; its sockets are closed when the test is over, however far it came."""

    opened: list[Closable]
    named: bool = True
    """Whether it names the host in the handshake."""

    def _getline(self) -> tuple[bytes, int]:
        """One line; the file that it comes from keeps the socket open, also where this raises in the constructor."""
        if self.file not in self.opened:
            self.opened.append(self.file)
        line: tuple[bytes, int] = super()._getline()  # type: ignore[misc]  # typeshed has none
        return line

    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
        sock = socket.create_connection((self.host, self.port), timeout)
        self.opened.append(sock)
        context: ssl.SSLContext = self.context  # type: ignore[attr-defined]  # typeshed has none
        over_tls = context.wrap_socket(sock, server_hostname=self.host if self.named else None)
        self.opened.append(over_tls)
        return over_tls


@contextlib.contextmanager
def connected(server: Pop3sServer, context: ssl.SSLContext | None = None, *, named: bool = True) -> Iterator[Client]:
    """A client that has been greeted."""
    opened: list[Closable] = []
    kind = type("Client", (Client,), {"opened": opened, "named": named})
    try:
        yield kind(server.host, server.port, context=context or server.client_context(), timeout=BOUND)
    finally:
        for each in reversed(opened):
            each.close()


@contextlib.contextmanager
def logged_in(server: Pop3sServer) -> Iterator[Client]:
    """A client that has logged in."""
    with connected(server) as client:
        try:
            client.user(server.login.user)
            client.pass_(server.login.password)
            yield client
        finally:
            client.close()


@contextlib.contextmanager
def in_clear(server: Pop3sServer) -> Iterator[poplib.POP3]:
    """A client that has been greeted on the port in clear."""
    client = poplib.POP3(server.host, server.stls_port, timeout=BOUND)
    try:
        yield client
    finally:
        client.close()
