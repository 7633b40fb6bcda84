"""Clients for the cases: Python's poplib and OpenSSL's own, each asked what it makes of one server.

Knows how a session goes and how a client says what went wrong; judges nothing.
"""

from __future__ import annotations

import contextlib
import os
import poplib
import shutil
import socket
import ssl
import subprocess
import warnings
from typing import TYPE_CHECKING, Any, Final

import pytest

from pop3s_fake import ManualClock, Pop3sServer, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pop3s_fake.cases import Case

    Talk = Callable[[Pop3sServer, Case], str]

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
        over_tls = context.wrap_socket(sock, server_hostname=self.host)
        self.opened.append(over_tls)
        return over_tls


class InClear(poplib.POP3):
    """poplib's client in clear; one whose greeting is refused would leave its socket open."""

    opened: list[socket.socket]

    def _create_socket(self, timeout: float | None) -> socket.socket:
        sock: socket.socket = super()._create_socket(timeout)  # type: ignore[misc]  # typeshed has none
        self.opened.append(sock)
        return sock


class Session:
    """One session of poplib's, step by step."""

    def __init__(self, server: Pop3sServer, case: Case) -> None:
        self.server = server
        self.case = case
        self.client: Any = None
        self.opened: list[socket.socket] = []

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
            yield "stls", lambda: client.stls(self._context())
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
            if self.client is not None and name == self.case.hangs:
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
        for sock in self.opened:
            sock.close()


@contextlib.contextmanager
def serving(name: str | Case, **keywords: Any) -> Iterator[Pop3sServer]:
    """A server that is this case, with mail; skipped, with the reason, where this machine cannot be it."""
    made = Pop3sServer(
        case=name if isinstance(name, str) else name.id, clock=ManualClock(), strict=False, seed=1, **keywords
    )
    made.maildrop.add(*MAIL)
    try:
        made.start()
    except UsageError as error:
        pytest.skip(str(error))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def serve() -> Callable[..., contextlib.AbstractContextManager[Pop3sServer]]:
    """Make servers that are cases."""
    return serving


@pytest.fixture
def pop() -> Iterator[Talk]:
    """Let poplib hold a session, and say what went wrong.

    Its connection stays until the end of the test where it gave up waiting: it may have done so before the server had
    its turn, which it gets then.
    """
    with contextlib.ExitStack() as stack:

        def made(server: Pop3sServer, case: Case) -> str:
            session = Session(server, case)
            stack.callback(session.close)
            said = session.run()
            if not case.hangs:
                session.close()
            return said

        yield made


@pytest.fixture(scope="session")
def openssl() -> str:
    """The path of OpenSSL's command."""
    path = shutil.which("openssl")
    if path is None:
        pytest.skip("openssl is not installed; install it, for example with: apt-get install openssl")
    return path


@pytest.fixture
def s_client(openssl: str) -> Talk:
    """Let ``openssl s_client`` hold a session, and give all it printed; it sends its commands without waiting."""

    def made(server: Pop3sServer, case: Case) -> str:
        login = server.login
        commands = f"USER {login.user}\nPASS {login.password}\nSTAT\nRETR 1\nQUIT\n"
        words = [openssl, "s_client", "-crlf", "-ign_eof", "-CAfile", str(server.ca_file), "-verify_return_error"]
        words += ["-servername", "localhost", "-verify_hostname", "localhost"]
        words += ["-connect", f"{server.address}:{server.stls_port if case.stls else server.port}"]
        words += ["-starttls", "pop3"] if case.stls else []
        ran = subprocess.run(
            words,
            input=commands.encode(),
            capture_output=True,
            timeout=BOUND,
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )
        return (ran.stderr + ran.stdout).decode(errors="replace")

    return made
