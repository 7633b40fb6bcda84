"""Conversations under rules: as pure objects in clear and over TLS, and over sockets with a client that shows all.

Knows how steps are performed and what a client would have received; judges nothing.
"""

from __future__ import annotations

import contextlib
import poplib
import socket
import ssl
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest

from pop3s_fake import Account, Tls
from pop3s_fake.connection import EOF, EXPIRED, Connection, End, Gone, Half, Receive, Send, Settings, Wait
from pop3s_fake.ledger import Ledger
from pop3s_fake.maildrop import Accounts
from pop3s_fake.protocol.linting import Past
from pop3s_fake.rules import RuleBook
from pop3s_fake.tls import default_authority
from pop3s_fake.tls.records import Records
from pop3s_fake.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Literal

    from pop3s_fake import Pop3sServer
    from pop3s_fake.connection import Step
    from pop3s_fake.errors import ProtocolViolation
    from pop3s_fake.rules import Rule

    Over = dict[str, Any]

    Short = bytes | float | Literal["half"] | None
    """A step in short: octets that the client can read, seconds, None for ever, or our direction closed."""

BOUND: Final = 30.0  # seconds of real time after which a client gives up; costs only a test that fails

ONE: Final = b"Subject: one\r\n\r\n.dotted\r\nplain\r\n"
TWO: Final = b"Subject: two\r\n\r\n" + b"y" * 182 + b"\r\n"


class Pure:
    """A server without a socket: what its conversations share; the account is ann, with the messages m1 and m2."""

    def __init__(self, *rules: str | Rule, tls: bool = False, seed: int = 1) -> None:
        self.time = 0.0
        self.tls = tls
        self.account = Account("ann", "not-a-secret")
        self.account.maildrop.add_one(ONE, uid="m1")
        self.account.maildrop.add_one(TWO, uid="m2")
        self.accounts = Accounts([self.account])
        self.transcript = Transcript()
        self.ledger = Ledger()
        self.complaints: list[ProtocolViolation] = []
        self.book = RuleBook(seed, now=lambda: self.time)
        self.rules = [self.book.add(rule) for rule in rules]

    def talk(self) -> Talk:
        """A client that has connected."""
        context = default_authority().server_context(tls=Tls()) if self.tls else None
        settings = Settings(
            self.accounts,
            now=lambda: self.time,
            records=None if context is None else lambda hello, _: Records(context, hello),
            rules=self.book,
            ledger=self.ledger,
            read=lambda path: f"Subject: from {path}\n\n",
            complain=self.complaints.append,
            past=Past({"PIPELINING"}),  # the clients know it already: they send several commands at once
        )
        return Talk(self, Connection(settings, self.transcript.begin(self.time)))


class Talk:
    """One conversation and its client; ``steps`` are all steps since they were last taken, in short."""

    def __init__(self, pure: Pure, connection: Connection) -> None:
        self.pure = pure
        self.connection = connection
        self.log = connection.log
        self.ended: Literal["fin", "rst"] | None = None
        self.forever = False
        """Whether it stands in a wait that has no end."""
        self.notified = False
        """Whether TLS was closed before TCP; in clear never."""
        self.records: list[int] = []
        """How many records each write had."""
        self._steps: list[Short] = []
        self._generator = connection.steps()
        self._client: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._shaken = False
        self._run()
        if pure.tls:
            context = default_authority().client_context()
            self._client = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
            self._exchange()

    # performing

    def _run(self, gone: Gone | None = None) -> None:
        """Perform steps to the next Receive, a wait for ever, or the end."""
        while self.ended is None and not self.forever:
            step = next(self._generator) if gone is None else self._generator.throw(gone)
            gone = None
            self._perform(step)
            if isinstance(step, Receive):
                return

    def _perform(self, step: Step) -> None:
        match step:
            case Send():
                assert step.octets, "nothing is no step"
                self._receive(step.octets)
            case Wait():
                self._steps.append(step.seconds)
                self.forever = step.seconds is None
                self.pure.time += step.seconds or 0.0
            case Half():
                self._steps.append("half")
            case End():
                self.ended = step.how
                assert next(self._generator, None) is None, "nothing comes behind the end"

    def _receive(self, octets: bytes) -> None:
        if self._client is None:
            self._steps.append(octets)
            self.records.append(1)
            return
        self._incoming.write(octets)
        heard = self._decrypted(self._client)
        if heard:
            self._steps.append(heard)
            self.records.append(_records(octets))

    def _decrypted(self, client: ssl.SSLObject) -> bytes:
        """Shake hands and read as far as it goes."""
        heard = b""
        try:
            if not self._shaken:
                client.do_handshake()
                self._shaken = True
            while octets := client.read(1 << 20):
                heard += octets
            self.notified = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.notified = True
        return heard

    def _exchange(self) -> None:
        """Let TLS say at both ends what it has to say."""
        assert self._client is not None
        self._decrypted(self._client)
        while said := self._outgoing.read():
            self.connection.feed(said)
            self._run()

    def _feed_later(self, octets: bytes) -> None:
        """Give octets to the connection, which takes no notice yet."""
        if self._client is not None:
            self._client.write(octets)
            octets = self._outgoing.read()
        self.connection.feed(octets)

    # what a client does

    @property
    def steps(self) -> list[Short]:
        """The steps since the last time."""
        steps, self._steps = self._steps, []
        return steps

    @property
    def octets(self) -> bytes:
        """What the client could read since the last time."""
        return b"".join(step for step in self.steps if isinstance(step, bytes))

    def forget(self) -> None:
        """Look at nothing that has been."""
        self._steps.clear()
        self.records.clear()

    def say(self, *lines: str) -> list[Short]:
        """Send whole lines, all at once; gives the steps that this led to."""
        self._feed_later("".join(f"{line}\r\n" for line in lines).encode())
        self._run()
        return self.steps

    def ask(self, *lines: str) -> bytes:
        """The same, where only the octets matter."""
        return b"".join(step for step in self.say(*lines) if isinstance(step, bytes))

    def take(self, line: str) -> list[Short]:
        """Send a line and take the octets that come, over TLS unread, for they may be damaged; the last thing said."""
        self._feed_later(f"{line}\r\n".encode())
        self._client = None
        self._run()
        return self.steps

    def login(self) -> Talk:
        """Log in; the steps so far are forgotten."""
        self.say("USER ann", "PASS not-a-secret")
        assert self.log.user == "ann"
        return self

    def hang_up(self) -> list[Short]:
        """Close the connection without a word, also in the middle of a wait, which a wait for ever does not outlast."""
        self.connection.feed(EOF)
        self.forever = False
        self._run()
        return self.steps

    def reset(self) -> list[Short]:
        """Reset the connection; in a wait for ever, too."""
        self.forever = False
        self._run(Gone("reset", "the connection is gone: Connection reset by peer", "rst"))
        return self.steps

    def vanish(self, line: str, sends: int) -> list[Short]:
        """Send a line, take so many writes of the reply, and be gone when the next one comes."""
        self._feed_later(f"{line}\r\n".encode())
        while self.ended is None:
            step = next(self._generator)
            if isinstance(step, Send):
                sends -= 1
            if sends < 0:
                return self.reset()
            self._perform(step)
        return self.steps

    def idle(self) -> list[Short]:
        """Ten minutes pass without a word."""
        self.pure.time += 600.0
        self.connection.feed(EXPIRED)
        self._run()
        return self.steps


def _records(octets: bytes) -> int:
    """How many TLS records these octets are (RFC 8446 section 5.1)."""
    count = 0
    while octets:
        octets = octets[5 + int.from_bytes(octets[3:5]) :]
        count += 1
    return count


@pytest.fixture(scope="session")
def pure() -> type[Pure]:
    """Make a server without a socket: ``pure("RETR -> end rst")``."""
    return Pure


@pytest.fixture(params=["clear", "tls"])
def over(request: pytest.FixtureRequest) -> Over:
    """What makes a server without a socket speak in clear, or over TLS: ``pure(**over)``."""
    return {"tls": request.param == "tls"}


class Wire:
    """A TLS client on a socket that tells how the connection ended; its TLS runs in memory, for a reset is no end."""

    def __init__(self, server: Pop3sServer) -> None:
        self._login = server.login
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = server.client_context().wrap_bio(self._in, self._out, server_hostname="localhost")
        self.sock = socket.create_connection((server.address, server.port), timeout=BOUND)
        self.greeting = b""

    def shake(self) -> Wire:
        """Shake hands and hear the greeting."""
        self._hear(self._tls.do_handshake)
        self.greeting = self.until(b"\r\n")
        return self

    def _hear(self, call: Callable[[], Any]) -> Any:
        """What the call of TLS gives, after as many octets as it needs."""
        while True:
            try:
                return call()
            except ssl.SSLWantReadError:
                self._flush()
                octets = self.sock.recv(1 << 18)
                if octets:
                    self._in.write(octets)
                else:
                    raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "an end without close_notify") from None
            finally:
                with contextlib.suppress(OSError):  # the server may be gone
                    self._flush()

    def _flush(self) -> None:
        """Write what TLS has to say; writing nothing would be told of a reset before all was read."""
        if self._out.pending:
            self.sock.sendall(self._out.read())

    def send(self, *lines: str) -> None:
        """Send lines and hear nothing."""
        for line in lines:
            self._tls.write(f"{line}\r\n".encode())
        self.sock.sendall(self._out.read())

    def recv(self) -> bytes:
        """The next octets."""
        octets: bytes = self._hear(lambda: self._tls.read(1 << 18))
        return octets

    def until(self, end: bytes) -> bytes:
        """What comes to this, which is the last that has come."""
        heard = b""
        while not heard.endswith(end):
            octets = self.recv()
            assert octets, heard
            heard += octets
        return heard

    def ask(self, line: str, end: bytes = b"\r\n") -> bytes:
        """Send a command and hear its reply."""
        self.send(line)
        return self.until(end)

    def login(self) -> Wire:
        """Shake hands and log in."""
        self.shake()
        assert self.ask(f"USER {self._login.user}").startswith(b"+OK")
        assert self.ask(f"PASS {self._login.password}").startswith(b"+OK")
        return self

    def rest(self) -> tuple[bytes, Literal["clean", "fin", "rst"]]:
        """All that still comes, and how it ended: ``clean`` is a close-notify and a FIN, ``fin`` a FIN alone."""
        heard = b""
        try:
            while octets := self.recv():
                heard += octets
        except ssl.SSLEOFError:
            return heard, "fin"
        except ConnectionResetError:
            return heard, "rst"
        assert self.sock.recv(1) == b""
        return heard, "clean"

    def close(self) -> None:
        """Close without a word."""
        self.sock.close()

    def reset(self) -> None:
        """Close with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@pytest.fixture
def wire() -> Iterator[Callable[[Pop3sServer], Wire]]:
    """Connect a client that shows every octet; all are closed when the test is over."""
    with contextlib.ExitStack() as stack:

        def made(server: Pop3sServer) -> Wire:
            client = Wire(server)
            stack.callback(client.close)
            return client

        yield made


@pytest.fixture
def fetcher() -> Iterator[Callable[..., poplib.POP3_SSL]]:
    """Connect poplib and log in; all are closed when the test is over."""
    with contextlib.ExitStack() as stack:

        def made(server: Pop3sServer, *, login: bool = True, timeout: float = BOUND) -> poplib.POP3_SSL:
            client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=timeout)
            stack.callback(client.close)
            if login:
                client.user(server.login.user)
                client.pass_(server.login.password)
            return client

        yield made


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads in which clients run; what they raise comes out of ``result()``."""
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="client") as executor:
        yield executor
