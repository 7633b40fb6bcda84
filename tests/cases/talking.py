"""How poplib talks to a server that is a case, step by step, and which mail it finds there.

Knows how a session goes and how poplib says what went wrong; judges nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import poplib
import socket
import ssl
import warnings
from typing import TYPE_CHECKING, Any, Final

from tests.sockets import remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pop3s_fake import Pop3sServer
    from pop3s_fake.cases import Case

BOUND: Final = 60.0
"""Seconds of real time after which a client gives up that ought not to wait at all."""
SHORT: Final = 0.3
"""Seconds that a client waits where it would wait for ever: it has asked by then, however slow the machine is."""

MAIL: Final = [
    "Subject: one\n\n" + "the quick brown fox jumps over the lazy dog\n" * 8,
    "Subject: two\n\n.a line with a dot\n",
    "Subject: three\n\nshort\n",
]

VERSIONS: Final = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


class Implicit(poplib.POP3_SSL):
    """poplib's client, which connects to where the server is and asks for another name there."""

    place: tuple[str, int]
    opened: list[socket.socket]

    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
        sock = socket.create_connection(self.place, timeout)
        self.opened.append(sock)
        context: ssl.SSLContext = self.context  # type: ignore[attr-defined]  # typeshed has none
        return context.wrap_socket(sock, server_hostname=self.host)


class InClear(poplib.POP3):
    """poplib's client in clear; one whose greeting is refused would leave its socket open."""

    opened: list[socket.socket]

    def _create_socket(self, timeout: float | None) -> socket.socket:
        sock: socket.socket = super()._create_socket(timeout)  # type: ignore[misc]  # typeshed has none
        self.opened.append(sock)
        return sock


class Impatient:
    """A context for STLS that begins to hurry when STLS was answered, not while poplib asks for capabilities."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def wrap_socket(self, sock: socket.socket, server_hostname: str) -> ssl.SSLSocket:
        """Shake hands within a short time."""
        sock.settimeout(SHORT)
        return self._context.wrap_socket(sock, server_hostname=server_hostname)


class Session:
    """One session of poplib's, step by step."""

    def __init__(self, server: Pop3sServer, case: Case) -> None:
        self.server = server
        self.case = case
        self.client: Any = None
        self.opened: list[socket.socket] = []
        self.wrapped: list[list[ssl.SSLSocket]] = []

    def connect(self) -> None:
        """Come to a greeting, over TLS unless that is for STLS to do."""
        self.client = self._in_clear() if self.case.stls else self._implicit()

    def _in_clear(self) -> InClear:
        kind = type("Client", (InClear,), {"opened": self.opened})
        made: InClear = kind(self.server.address, self.server.stls_port, timeout=self._seconds("connect"))
        return made

    def _implicit(self) -> Implicit:
        kind = type("Client", (Implicit,), {"place": (self.server.address, self.server.port), "opened": self.opened})
        made: Implicit = kind(
            self.case.client.host, self.server.port, context=self._context(), timeout=self._seconds("connect")
        )
        return made

    def _context(self) -> ssl.SSLContext:
        like = self.case.client
        mine = self.server.authority.client_certificate("ann", like.certificate) if like.certificate else None
        context = self.server.client_context(client_certificate=mine)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # some clients are as old as that
            context.minimum_version = VERSIONS[like.versions.partition("-")[0]]
            context.maximum_version = VERSIONS[like.versions.rpartition("-")[2]]
        context.set_ciphers(like.ciphers)
        context.post_handshake_auth = any("request-client-cert" in rule for rule in self.case.rules)
        if like.alpn:
            context.set_alpn_protocols(list(like.alpn))
        self.wrapped.append(remembered(context))
        if self.case.crl:
            context.load_verify_locations(self.server.authority.crl_file)
            context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        return context

    def _seconds(self, step: str) -> float:
        return SHORT if self.case.hangs == step else BOUND

    def steps(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """What it does, in order, each with its name."""
        yield "connect", self.connect
        client, login = self.client, self.server.login
        if self.case.stls:
            context = self._context()
            yield "stls", lambda: client.stls(Impatient(context) if self.case.hangs == "stls" else context)
        yield "user", lambda: client.user(login.user)
        yield "pass", lambda: client.pass_(login.password)
        yield "stat", client.stat
        yield "list", client.list
        yield "uidl", client.uidl
        yield "retr", lambda: client.retr(1)
        yield "dele", lambda: client.dele(1)
        yield "quit", client.quit

    def run(self) -> str:
        """What went wrong, as "step: kind: text"; "" if nothing did."""
        for name, step in self.steps():
            if name == self.case.hangs and name not in {"connect", "stls"}:
                self.client.sock.settimeout(SHORT)
            try:
                step()
            except Exception as error:  # noqa: BLE001  # whatever it is, it is told
                return f"{name}: {type(error).__name__}: {error}"
        return ""

    def close(self) -> None:
        """Give back its sockets, however the session ended."""
        if self.client is not None and self.client.sock is not None:
            with contextlib.suppress(OSError):
                self.client.close()
        for sock in itertools.chain(self.opened, *self.wrapped):
            sock.close()
