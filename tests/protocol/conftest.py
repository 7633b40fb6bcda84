"""A server without a socket: connections as pure objects, their clients in memory, time driven by hand.

Knows how a conversation is performed and what a client would have received; judges nothing.  Each test runs in two
ways: the client's octets are fed whole, or one at a time.  Chosen tests run in both ways over TLS, too, with
``parametrize("way", ..., indirect=True)``.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pop3s_fake.connection import EOF, EXPIRED, Connection, End, Gone, Receive, Send, Settings
from pop3s_fake.dialogue import Dialogues
from pop3s_fake.maildrop import Account, Accounts
from pop3s_fake.protocol.capabilities import DEFAULT
from pop3s_fake.protocol.linting import Past
from pop3s_fake.tls import Tls, default_authority
from pop3s_fake.tls.records import Records
from pop3s_fake.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from pop3s_fake.connection import Step
    from pop3s_fake.errors import ProtocolViolation
    from pop3s_fake.maildrop import Maildrop
    from pop3s_fake.rules import RuleBook
    from pop3s_fake.transcript import Session

M1, M2 = "whqtswO00WBw418f9t5JxYwZ", "QhdPYR:00WBw1Ph7x7"
"""The unique-ids of the two messages that each server has."""


class Way(NamedTuple):
    """How a client's octets reach the connection."""

    octet: bool
    """One at a time, or as many as there are."""
    tls: bool

    def pieces(self, octets: bytes) -> Iterator[bytes]:
        """The octets as they are fed."""
        if self.octet:
            yield from (octets[i : i + 1] for i in range(len(octets)))
        elif octets:
            yield octets


WAYS = {
    "whole": Way(octet=False, tls=False),
    "octet": Way(octet=True, tls=False),
    "tls": Way(octet=False, tls=True),
    "tls-octet": Way(octet=True, tls=True),
}


class Cut(Exception):  # noqa: N818  # no error: a test asked for it
    """The step at which a test wanted to stop was asked for, and was not performed."""


class Server:
    """What several connections share: accounts, clock, transcript, complaints.

    The account is mrose, the password tanstaaf, the messages have 120 and 200 octets.  The attributes may be changed
    until the first connection.
    """

    def __init__(self, way: Way) -> None:
        self.way = way
        self.time = 0.0
        self.account = Account("mrose", "tanstaaf")
        self.maildrop: Maildrop = self.account.maildrop
        self.maildrop.add_one(b"Subject: one\r\n\r\n" + b"x" * 102 + b"\r\n", uid=M1)
        self.maildrop.add_one(b"Subject: two\r\n\r\n" + b"y" * 182 + b"\r\n", uid=M2)
        self.accounts = Accounts([self.account])
        self.transcript = Transcript()
        self.dialogues = Dialogues()
        self.rules: RuleBook | None = None
        self.complaints: list[ProtocolViolation] = []
        self.strict: bool | Literal["should"] = True
        self.allow: frozenset[str] = frozenset()
        self.offer = DEFAULT
        self.certificate = "good"
        """What the linter believes of the one that is shown, which is good."""
        self.past = Past({"PIPELINING"})
        """What the clients know already: they send several commands at once."""
        self.exclusive = True
        self.tls = Tls()
        self.client_context: ssl.SSLContext | None = None

    def settings(self) -> Settings:
        """What the connections have in common, as things stand."""
        context = default_authority().server_context(tls=self.tls) if self.way.tls else None
        return Settings(
            self.accounts,
            now=lambda: self.time,
            records=None if context is None else lambda hello, _: Records(context, hello),
            alpn=self.tls.alpn,
            dialogues=self.dialogues,
            rules=self.rules,
            exclusive=self.exclusive,
            complain=self.complaints.append,
            strict=self.strict,
            allow=self.allow,
            past=self.past,
            offer=self.offer,
            certificate=self.certificate,
        )

    def conversation(self, *, cut: int | None = None) -> Conversation:
        """A client that has not begun; its conversation stops with :class:`Cut` at step number ``cut``, from 1."""
        return Conversation(self, cut)

    def connect(self) -> Conversation:
        """A client that has heard the greeting."""
        conversation = self.conversation()
        conversation.start()
        return conversation

    def login(self) -> Conversation:
        """A client in TRANSACTION; what it heard so far is forgotten."""
        conversation = self.connect()
        assert conversation.ask("USER mrose", "PASS tanstaaf").startswith(b"+OK name noted, now the password\r\n+OK ")
        return conversation

    def uids(self) -> list[str]:
        """The unique-ids that a new session finds, which so must be able to log in."""
        later = self.login()
        listing = later.ask("UIDL").decode("ascii").splitlines()[1:-1]
        assert later.ask("QUIT").startswith(b"+OK")
        return [line.split(" ")[1] for line in listing]


class Conversation:
    """One connection and its client; ``steps`` are all that the connection asked for, in order."""

    def __init__(self, server: Server, cut: int | None) -> None:
        self.server = server
        self.cut = cut
        self.way = server.way
        self.log: Session = server.transcript.begin(server.time)
        self.connection = Connection(server.settings(), self.log)
        self.generator = self.connection.steps()
        self.steps: list[Step] = []
        self.greeting = b""
        self.ended: Literal["fin", "rst"] | None = None
        self.clean = False
        """Whether a close_notify came."""
        self.alert: str | None = None
        """What OpenSSL says at the client's side, where the server sent an alert."""
        self._received = b""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client: ssl.SSLObject | None = None
        self._shaken = False

    @property
    def sent(self) -> list[bytes]:
        """What the connection sent, step by step, sealed if it is TLS."""
        return [step.octets for step in self.steps if isinstance(step, Send)]

    # performing

    def start(self) -> None:
        """Connect and shake hands, as far as either wants to."""
        self.run()
        if self.way.tls:
            context = self.server.client_context or default_authority().client_context()
            self.client = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        self.greeting = self.heard()

    def run(self, gone: Gone | None = None) -> None:
        """Perform steps to the next Receive or the end; where ``gone`` is given it comes instead of the step."""
        while self.ended is None:
            step = next(self.generator) if gone is None else self.generator.throw(gone)
            gone = None
            self.steps.append(step)
            if len(self.steps) == self.cut:
                raise Cut
            if isinstance(step, Send):
                self._receive(step.octets)
            elif isinstance(step, End):
                self.ended = step.how
                assert next(self.generator, None) is None, "nothing comes behind the end"
            else:
                assert isinstance(step, Receive), step
                return

    def feed(self, octets: bytes) -> None:
        """Give the connection octets as they are, in pieces; those behind the end find nobody."""
        for piece in self.way.pieces(octets):
            if self.ended is None:
                self.connection.feed(piece)
                self.run()

    def _receive(self, octets: bytes) -> None:
        """Take what the connection sent."""
        if self.way.tls:
            self._incoming.write(octets)
        else:
            self._received += octets

    def _exchange(self) -> None:
        """Let TLS say at both ends what it has to say, and read what can be read."""
        while self.client is not None:
            self._decrypt(self.client)
            said = self._outgoing.read()
            if not said:
                return
            self.feed(said)

    def _decrypt(self, client: ssl.SSLObject) -> None:
        """Shake hands and read as far as it goes."""
        try:
            if not self._shaken:
                client.do_handshake()
                self._shaken = True
            while octets := client.read(1 << 20):
                self._received += octets
            self.clean = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.clean = True
        except ssl.SSLError as error:
            self.alert = self.alert or error.reason or str(error)

    # what a client does

    def say(self, octets: bytes) -> bytes:
        """Send octets and give all that came since the last time."""
        if self.client is None:
            self.feed(octets)
        else:
            self.client.write(octets)
            self.feed(self._outgoing.read())
        return self.heard()

    def ask(self, *lines: str | bytes) -> bytes:
        """Send whole lines, all at once, and give all that came since the last time."""
        return self.say(b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines))

    def heard(self) -> bytes:
        """What came since the last time, decrypted."""
        self._exchange()
        octets, self._received = self._received, b""
        return octets

    def hang_up(self) -> bytes:
        """Close the connection without a word."""
        if self.ended is None:
            self.connection.feed(EOF)
            self.run()
        return self.heard()

    def close_notify(self) -> bytes:
        """Close TLS and leave the connection open; in clear there is nothing but to hang up."""
        if self.client is None:
            return self.hang_up()
        with contextlib.suppress(ssl.SSLError):
            self.client.unwrap()  # it has no answer yet
        self.feed(self._outgoing.read())
        return self.heard()

    def reset(self) -> bytes:
        """Reset the connection, as whoever performs the steps tells it."""
        self.run(Gone("reset", "the connection is gone: Connection reset by peer", "rst"))
        return self.heard()

    def wait(self, seconds: float) -> bytes:
        """Let time pass; the autologout timer strikes if it falls due."""
        self.server.time += seconds
        step = self.steps[-1]
        if isinstance(step, Receive) and step.until is not None and self.server.time >= step.until:
            self.connection.feed(EXPIRED)
            self.run()
        return self.heard()

    def payload(self, command: str) -> bytes:
        """What a multi-line reply carries, byte-stuffed still, without status line and terminator."""
        status, _, rest = self.ask(command).partition(b"\r\n")
        assert status.startswith(b"+OK"), status
        assert rest == b".\r\n" or rest.endswith(b"\r\n.\r\n"), rest
        return rest[:-3]

    def refuses(self, *lines: str | bytes) -> bool:
        """Whether each of these lines is answered by one negative line, after which all is in order."""
        for line in lines:
            reply = self.ask(line)
            if not (reply.startswith(b"-ERR ") and reply.find(b"\r\n") == len(reply) - 2 and len(reply) <= 512):
                return False
        return self.in_step()

    def in_step(self) -> bool:
        """Whether the next command gets the one reply that is its own."""
        if self.connection._session.state.value == "TRANSACTION":
            return self.ask("NOOP") == b"+OK\r\n"
        return self.ask("NOOP") == b"-ERR NOOP is legal in TRANSACTION, this is AUTHORIZATION\r\n"


@pytest.fixture(params=["whole", "octet"])
def way(request: pytest.FixtureRequest) -> Way:
    """Both ways in which a client's octets can come; parametrize it indirectly for those over TLS."""
    return WAYS[request.param]


@pytest.fixture
def server(way: Way) -> Server:
    """A server of its own for each test."""
    return Server(way)


@pytest.fixture(scope="session")
def make_server() -> type[Server]:
    """The class itself, for tests that need more than one server: ``make_server(way)``."""
    return Server


@pytest.fixture(scope="session")
def clear() -> Way:
    """Whole and without TLS, for property tests, which cut the octets themselves."""
    return WAYS["whole"]
