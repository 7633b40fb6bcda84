"""One conversation: TLS, protocol and transcript together, octets in and steps out.

Knows the order of things, from the ClientHello to the last octet, and nothing of sockets, threads or clocks: whoever
performs it feeds what came, and carries out the steps that :meth:`Connection.steps` gives, one after the other.  A
step has been performed when the generator is resumed.
"""

from __future__ import annotations

from collections import deque
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from pop3s_fake.clock import AUTOLOGOUT
from pop3s_fake.connection.clear import Clear
from pop3s_fake.connection.steps import EOF, End, Gone, Receive, Send
from pop3s_fake.masking import MASK, masked
from pop3s_fake.protocol.commands import plain
from pop3s_fake.protocol.lines import COMMAND_LIMIT, LINE_LIMIT, OVERLONG, Line, LineReader
from pop3s_fake.protocol.replies import PIECE
from pop3s_fake.protocol.session import Session
from pop3s_fake.protocol.violations import VIOLATIONS, broken
from pop3s_fake.transcript import TlsNotes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake import transcript
    from pop3s_fake.connection.settings import Settings
    from pop3s_fake.connection.steps import Event, Steps
    from pop3s_fake.tls.hello import ClientHello
    from pop3s_fake.tls.records import Records

__all__ = ("Connection",)


class Connection:
    r"""One conversation as a pure object.

    >>> from pop3s_fake.connection import Settings
    >>> from pop3s_fake.maildrop import Account, Accounts
    >>> from pop3s_fake.transcript import Session as Log
    >>> settings = Settings(Accounts([Account("ann", "not-a-secret")]), now=lambda: 0.0)
    >>> connection = Connection(settings, Log(1, started=0.0))
    >>> steps = connection.steps()
    >>> next(steps).octets[:22], next(steps)
    (b'+OK POP3 server ready ', Receive(until=600.0))
    >>> connection.feed(b"QUIT\r\n")
    >>> list(steps)
    [Send(octets=b'+OK signing off\r\n'), End(how='fin')]
    """

    __slots__ = ("_broken", "_eof", "_expired", "_fed", "_link", "_session", "_settings", "log")

    def __init__(self, settings: Settings, log: transcript.Session) -> None:
        self._settings = settings
        self.log = log
        self._link: Records | Clear = Clear()
        self._eof = False
        self._expired = False
        self._fed = False
        self._broken: set[str] = set()
        token = blake2b(f"{settings.seed}:apop:{log.number}".encode(), digest_size=8).hexdigest()
        self._session = Session(
            settings.accounts,
            timestamp=f"<{log.number}.{token}@{settings.name}>",
            exclusive=settings.exclusive,
        )

    def feed(self, event: bytes | Event) -> None:
        """Take what came; at any time, also in the middle of a reply: it waits for its turn."""
        if isinstance(event, bytes):
            self._link.feed(event)
            self._fed = True
        elif event is EOF:
            self._eof = True
            self._link.feed_eof()
        else:
            self._expired = True

    def close(self, why: str | None = None) -> None:
        """Free the lock and note the end, if that was not done; called always, any number of times."""
        self._session.close()
        self._end(Gone("server", why or "the server ended the connection"))

    def steps(self) -> Steps:
        """The whole conversation, one step at a time."""
        try:
            try:
                if self._settings.records is not None:
                    yield from self._handshake(self._settings.records)
                yield from self._converse()
            except OSError as error:  # ssl.SSLError, without loading ssl for a conversation in clear
                broken_tls = self._broken_tls(error)
                if broken_tls is None:
                    raise  # it comes from a function of the test's that makes messages
                raise broken_tls from None
        except Gone as gone:
            self._session.close()
            self._end(gone)
            how = gone.how
            octets = self._link.take()
            if how == "fin":
                octets += self._link.close_notify()
                if octets:
                    try:
                        yield Send(octets)
                    except Gone as worse:
                        how = worse.how
            yield End(how)

    def _broken_tls(self, error: OSError) -> Gone | None:
        """What an error of OpenSSL's means for the conversation: the client's alert, or ours, which is to be sent."""
        if self._settings.records is None:
            return None
        from ssl import SSLEOFError, SSLError  # noqa: PLC0415  # a conversation in clear does not load TLS

        if not isinstance(error, SSLError):
            return None
        closed = isinstance(error, SSLEOFError)
        why = _CLOSED_IN_HANDSHAKE if closed else error.reason or str(error)
        if self.log.tls.version is None:
            self.log.tls = self.log.tls._replace(error=why)
        by_client = closed or "ALERT" in why.split("_")
        return Gone("eof" if by_client else "server", f"TLS failed: {why}")

    def _end(self, gone: Gone) -> None:
        """Note how and why it ended, if that was not done."""
        log = self.log
        if log.ended is None:
            log.happened(self._settings.now(), str(gone))
            log.ended = gone.ended

    # TLS

    def _handshake(self, records: Callable[[ClientHello], Records]) -> Steps:
        """From the first octet to the finished handshake; raises :class:`Gone` where there is none."""
        from pop3s_fake.tls.hello import (  # noqa: PLC0415  # a conversation in clear does not load TLS
            NotTls,
            alert,
            alpn_refused,
            client_hello,
        )

        log = self.log
        until = self._settings.now() + AUTOLOGOUT
        octets = b""
        try:
            while (hello := client_hello(octets)) is None:
                yield from self._more(until)
                octets += self._link.read()
        except NotTls as error:
            log.tls = TlsNotes(error=str(error))
            yield Send(alert(_UNEXPECTED_MESSAGE))
            raise Gone("server", str(error)) from None
        offered = TlsNotes(server_name=hello.server_name, offered_alpn=hello.alpn, offered_versions=hello.versions)
        log.tls = offered
        if alpn_refused(hello, self._settings.alpn):
            why = f"the client offered ALPN {', '.join(hello.alpn)}, not {', '.join(self._settings.alpn)}"
            log.tls = offered._replace(error=why)
            yield Send(alert(_NO_APPLICATION_PROTOCOL))
            raise Gone("server", why)
        tls = self._link = records(hello)
        tls.feed(octets)
        if self._eof:
            tls.feed_eof()
        while not tls.handshake():
            octets = tls.take()
            if octets:
                yield Send(octets)
            yield from self._more(until)
        facts = tls.facts()
        log.tls = TlsNotes(
            facts.version,
            facts.cipher,
            facts.alpn,
            hello.server_name,
            hello.alpn,
            hello.versions,
            facts.resumed,
            facts.client_certificate,
        )

    def _more(self, until: float) -> Steps:
        """Wait for octets; raises :class:`Gone` where none come."""
        if self._expired:
            raise Gone("autologout", _AUTOLOGOUT)
        if self._eof:
            raise Gone("eof", "the client closed the connection")
        yield Receive(until)

    # POP3

    def _converse(self) -> Steps:  # noqa: C901, PLR0912, PLR0915  # one loop without calls: it is what a session costs
        """Greeting, commands and replies, to QUIT or the end."""
        now, log, link, session = self._settings.now, self.log, self._link, self._session
        execute, read, seal = session.execute, link.read, link.seal
        reader = LineReader()
        lines: deque[Line] = deque()
        self._fed = True  # the first commands may have come with the end of the handshake
        greeting = session.greeting().octets()
        time = now()
        yield Send(link.take() + seal(greeting))  # TLS 1.3 tickets leave with the greeting
        log.said(time, greeting, len(greeting))
        while True:
            while not lines:
                if self._fed:
                    octets = read()
                    self._fed = link.broken
                    if octets:
                        lines.extend(reader.feed(octets))
                        if reader.rest and b"\n" in reader.rest:
                            self._check(reader.rest)
                elif self._expired:
                    raise Gone("autologout", _AUTOLOGOUT)
                elif self._eof or link.closed:
                    raise Gone("eof", "the client closed the connection without QUIT")
                else:
                    yield Receive(time + AUTOLOGOUT)
            line = lines.popleft()
            time = now()
            if line is not OVERLONG and plain(line) is not None:
                log.heard(time, line, len(line) + 2)
                reply = execute(line)
            else:
                self._hear(time, line)
                reply = execute(line)
                if line is OVERLONG or len(line) > _LONGEST or not reply.positive:
                    self._check(line)
            if reply.closes:
                break
            payload = reply.payload
            if payload is None or (payload.__class__ is bytes and len(payload) <= PIECE):
                octets = reply.octets()
                yield Send(seal(octets))
                log.said(time, reply.status, len(octets))
            else:
                size = 0
                for piece in reply.pieces():
                    size += len(piece)
                    time = now()
                    yield Send(seal(piece))
                log.said(time, reply.status, size)
            if reply.uid is not None:
                log.retrieved.append(reply.uid)
            elif session.user is not log.user:
                log.user = session.user
        log.deleted.extend(session.removed)
        yield Send(seal(reply.status) + link.close_notify())
        log.said(time, reply.status, len(reply.status))
        log.ended = "quit"
        yield End("fin")

    def _hear(self, time: float, line: Line) -> None:
        """Note a command, its credentials masked."""
        if line is OVERLONG:
            self.log.heard(time, f"(a line of more than {LINE_LIMIT} octets)", 0)
        elif line[:5].upper() == b"PASS ":
            self.log.heard(time, f"{line[:4].decode()} {MASK}", len(line) + 2)
        elif line[:5].upper() == b"USER " and line[5:].decode("latin-1") in self._settings.accounts:
            self.log.heard(time, line, len(line) + 2)
        else:
            self.log.heard(time, self._masked(line), len(line) + 2)

    def _check(self, line: Line) -> None:
        """Note and tell what the client broke by this line, if it broke anything."""
        if line is not OVERLONG:
            line = line[: line.find(b"\n") + 1] or line  # to a bare LF: what follows it may not have come yet
        row = broken(line)
        if row is None or row in self._broken:
            return
        self._broken.add(row)
        requirement = VIOLATIONS[row]
        settings, log = self._settings, self.log
        log.happened(settings.now(), f"the client broke {row}")
        wanted = settings.strict == "should" or (settings.strict and requirement.level == "MUST")
        if wanted and row not in settings.allow and settings.complain is not None:
            said = "an endless line" if line is OVERLONG else self._masked(line)
            settings.complain(requirement.violation(log.number, said))

    def _masked(self, line: bytes) -> str:
        """A line that may hold credentials, as it may be shown."""
        accounts = list(self._settings.accounts.values())
        secrets = {secret.encode() for user in accounts for secret in (user.login.password, user.secret)}
        return masked(line, secrets, {user.name.encode() for user in accounts})


_AUTOLOGOUT: Final = f"autologout: no command for {AUTOLOGOUT:g} seconds"

_CLOSED_IN_HANDSHAKE: Final = "the client closed the connection in the middle of the handshake"

_UNEXPECTED_MESSAGE: Final = 10
_NO_APPLICATION_PROTOCOL: Final = 120
"""TLS alert descriptions (RFC 8446 section 6, RFC 7301 section 3.2)."""

_LONGEST: Final = COMMAND_LIMIT - 2
