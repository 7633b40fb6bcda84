"""Any POP3 server as checks see it: what the command line tells of it, and nothing that is inside.

Knows a host, a port and an account, and a Maildir perhaps; must not know which server it is.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.conformance.ours import SocketPipe
from tests.conformance.talk import M1, M2, Client, InUse, Over, Server, Talk, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ("Remote", "Where")

PATIENCE: Final = 10.0  # seconds of real time within which any server answers
POLL: Final = 0.02


@dataclass(frozen=True, kw_only=True)
class Where:
    """A server and who may log in."""

    host: str
    port: int
    user: str
    password: str
    over: Over = "tls"
    clear_port: int | None = None
    """Where it listens in clear, for STLS; with "stls" and "clear" that is the port itself."""
    ca_pem: str | None = None
    insecure: bool = False
    maildir: Path | None = None
    """Which it serves to this user; emptied and filled as checks need it."""

    def context(self) -> ssl.SSLContext:
        """Whom the client trusts."""
        context = ssl.create_default_context(cadata=self.ca_pem)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class _There(Server):
    """Connections to it."""

    def __init__(self, where: Where, mail: tuple[bytes | str, ...]) -> None:
        self.mail = mail
        self.user, self.password, self.port = where.user, where.password, where.port
        self._where = where
        self._known = where.maildir is not None
        self._pipes: list[SocketPipe] = []
        if where.maildir is not None:
            self._empty()
            self.deliver(*mail)

    def pipe(self, over: Over = "tls") -> SocketPipe:
        """A connection of which nothing was read yet."""
        where = self._where
        if over == "tls":
            port = where.port if where.over == "tls" else None
        else:
            port = where.clear_port if where.over == "tls" else where.port
        if port is None:
            raise Unavailable(f"needs a port {'with implicit TLS' if over == 'tls' else 'in clear'}")
        self._pipes.append(SocketPipe(where.host, port, PATIENCE))
        return self._pipes[-1]

    def connect(self, over: Over | None = None, context: ssl.SSLContext | None = None) -> Client:
        """As the command line says."""
        where = self._where
        over = over or where.over
        client = Client(self.pipe(over), context=context or where.context(), name=where.host, over=over)
        client.revive = self.connect
        return client

    def login(self, over: Over | None = None) -> Client:
        """In TRANSACTION, with the mail that the check counts on."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                client = super().login(over)
                break
            except InUse:  # by the session of a row before, which was left: some servers take a moment to see that
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL)
        if not self._known:
            self._known = [client.ask(f"RETR {n}").payload for n in (1, 2)] == [M1, M2] == list(self.mail)
            self._known = self._known and client.stat() == (2, 320)
            if not self._known:
                raise Unavailable("needs the suite's own mail: see --maildir")
        client.revive = self.login
        return client

    # the Maildir

    @property
    def _maildir(self) -> Path:
        if self._where.maildir is None:
            raise Unavailable("puts mail into the maildrop or removes it: see --maildir")
        return self._where.maildir

    def may_remove(self) -> None:
        """Only what the suite itself has put there."""
        _ = self._maildir

    def _empty(self) -> None:
        """Take all out, and what the server has noted about it."""
        for path in sorted(self._maildir.rglob("*"), reverse=True):
            if not path.is_dir():
                path.unlink(missing_ok=True)

    def deliver(self, *messages: bytes | str) -> None:
        """As any delivery does: written to tmp, renamed into new; for whom the Maildir belongs to."""
        maildir, owner = self._maildir, self._maildir.stat()
        for message in messages:
            number = len(list(maildir.rglob("*.suite")))
            draft = maildir / "tmp" / f"{1_700_000_000 + number}.{os.urandom(8).hex()}.suite"
            draft.write_bytes(message.encode() if isinstance(message, str) else message)
            with contextlib.suppress(PermissionError):
                os.chown(draft, owner.st_uid, owner.st_gid)
            draft.rename(maildir / "new" / draft.name)

    def count(self) -> int:
        """The files that are there."""
        return sum(len(list((self._maildir / folder).iterdir())) for folder in ("new", "cur"))

    def stop(self) -> None:
        """Close all connections."""
        for pipe in self._pipes:
            pipe.close()


class Remote(Talk):
    """A server that somebody else runs."""

    def __init__(self, where: Callable[[], Where]) -> None:
        """Ask where it is each time that a check wants a server: that may be another user each time."""
        self._where = where
        self._servers: list[_There] = []

    def _server(self, mail: tuple[bytes | str, ...], setup: dict[str, Any]) -> Server:
        where = self._where()
        if where.clear_port is not None or where.over != "tls":
            setup.pop("stls", None)
        if setup:
            raise Unavailable(f"needs a server set up for it ({', '.join(sorted(setup))})")
        if where.maildir is None and mail != (M1, M2):
            raise Unavailable("needs mail of its own: see --maildir")
        self.close()
        there = _There(where, mail)
        self._servers.append(there)
        return there

    def close(self) -> None:
        """Hang up."""
        for server in self._servers:
            server.stop()
