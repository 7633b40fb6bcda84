"""STLS (RFC 2595 section 4): from clear to TLS in the middle of a conversation, and what may be said before it."""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.connection import EOF, EXPIRED, Connection, End, Receive, Send, Settings
from pop3s_fake.maildrop import Account, Accounts
from pop3s_fake.protocol.capabilities import Offer
from pop3s_fake.rules import RuleBook
from pop3s_fake.tls import default_authority
from pop3s_fake.tls.records import Records
from pop3s_fake.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN = b"+OK begin TLS\r\n"
NEEDS_TLS = b"-ERR [AUTH] a password in clear needs TLS first\r\n"
GOOD = base64.b64encode(b"\0ann\0not-a-secret").decode()


class Client:
    """A client in memory that speaks in clear until it shakes hands; its octets come whole or one at a time."""

    def __init__(self, *, octet: bool, capabilities: list[str] | None = None, rules: tuple[str, ...] = ()) -> None:
        self.octet = octet
        self.time = 0.0
        self.transcript = Transcript()
        self.log = self.transcript.begin(0.0)
        self.accounts = Accounts([Account("ann", "not-a-secret")])
        self.book = RuleBook(1, now=lambda: self.time)
        for rule in rules:
            self.book.add(rule)
        context = default_authority().server_context()
        settings = Settings(
            self.accounts,
            now=lambda: self.time,
            records=lambda hello, _: Records(context, hello),
            alpn=("pop3",),
            stls=True,
            offer=Offer(capabilities, stls=True),
            rules=self.book,
        )
        self.connection = Connection(settings, self.log)
        self.generator = self.connection.steps()
        self.ended: str | None = None
        self.raw = b""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls: ssl.SSLObject | None = None
        self.run()
        self.greeting = self.heard()

    def run(self) -> None:
        """Perform steps to the next Receive or the end."""
        while self.ended is None:
            step = next(self.generator)
            if isinstance(step, Send):
                self.raw += step.octets
            elif isinstance(step, End):
                self.ended = step.how
            else:
                assert isinstance(step, Receive), step
                return

    def feed(self, octets: bytes) -> None:
        """Send octets as they are."""
        for piece in [octets[i : i + 1] for i in range(len(octets))] if self.octet else [octets]:
            if self.ended is None:
                self.connection.feed(piece)
                self.run()

    def heard(self) -> bytes:
        """What came since the last time, decrypted where there is TLS."""
        octets, self.raw = self.raw, b""
        if self.tls is None:
            return octets
        self._incoming.write(octets)
        octets = b""
        try:
            while piece := self.tls.read(1 << 20):
                octets += piece
        except ssl.SSLWantReadError:
            pass
        return octets

    def ask(self, *lines: str) -> bytes:
        """Send lines, all at once, and hear what comes."""
        octets = "".join(f"{line}\r\n" for line in lines).encode()
        if self.tls is not None:
            self.tls.write(octets)
            octets = self._outgoing.read()
        self.feed(octets)
        return self.heard()

    def shake(self) -> Client:
        """Shake hands; nothing that the server says in TLS is read."""
        context = default_authority().client_context()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        done = False
        while not done:
            self._incoming.write(self.raw)
            self.raw = b""
            try:
                self.tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                assert self.ended is None, "the server ended the handshake"
            self.feed(self._outgoing.read())
        return self

    def stls(self) -> Client:
        """Ask for TLS and shake hands."""
        assert self.ask("STLS") == BEGIN
        return self.shake()

    def capabilities(self) -> list[str]:
        """What CAPA lists."""
        lines = self.ask("CAPA").decode().split("\r\n")
        assert lines[0].startswith("+OK")
        assert lines[-2:] == [".", ""]
        return lines[1:-2]


@pytest.fixture(params=["whole", "octet"])
def connect(request: pytest.FixtureRequest) -> Callable[..., Client]:
    """Make a client that has heard the greeting; each test runs with its octets whole, and one at a time."""
    return lambda **keywords: Client(octet=request.param == "octet", **keywords)


def test_stls_leads_from_clear_to_tls(connect: Callable[..., Client]) -> None:
    """RFC 2595 section 4: no second greeting; the session is in AUTHORIZATION still."""
    client = connect()
    assert client.greeting.startswith(b"+OK POP3 server ready <")
    client.stls()
    assert client.heard() == b""
    assert client.ask("STAT") == b"-ERR STAT is legal in TRANSACTION, this is AUTHORIZATION\r\n"
    assert client.ask("USER ann", "PASS not-a-secret").endswith(b"+OK maildrop has 0 messages (0 octets)\r\n")
    assert client.ask("QUIT") == b"+OK signing off\r\n"
    assert client.ended == "fin"
    assert client.log.keywords == ["STLS", "STAT", "USER", "PASS", "QUIT"]
    assert client.log.tls.version == "TLSv1.3"
    assert client.log.tls.alpn is None


def test_nothing_follows_the_reply_in_clear(connect: Callable[..., Client]) -> None:
    """RFC 2595 section 4: the handshake begins right behind it, and the client begins."""
    client = connect()
    assert client.ask("STLS") == BEGIN
    assert client.heard() == b""
    client.shake()


def test_capa_shows_stls_where_it_is_permitted(connect: Callable[..., Client]) -> None:
    """RFC 2595 sections 4 and 8, RFC 5034 section 4: and no way to log in whose password anybody could read."""
    client = connect()
    before = client.capabilities()
    assert "STLS" in before
    assert "USER" not in before
    assert [line for line in before if line.startswith("SASL")] == ["SASL SCRAM-SHA-256"]
    after = client.stls().capabilities()
    assert "STLS" not in after
    assert "USER" in after
    assert [line for line in after if line.startswith("SASL")] == ["SASL SCRAM-SHA-256 PLAIN"]
    client.ask("USER ann", "PASS not-a-secret")
    assert client.capabilities() == after


def test_without_tls_no_password_is_accepted(connect: Callable[..., Client]) -> None:
    """RFC 2595 section 2.3, RFC 5034 section 4: the refusal is one of policy, and says what would help."""
    client = connect()
    assert client.ask("USER ann", "PASS not-a-secret") == NEEDS_TLS * 2
    assert client.ask("AUTH PLAIN", f"AUTH PLAIN {GOOD}", "AUTH LOGIN") == (
        NEEDS_TLS * 2 + b"-ERR this mechanism is not offered\r\n"
    )
    assert client.stls().ask(f"AUTH PLAIN {GOOD}") == b"+OK maildrop has 0 messages (0 octets)\r\n"


def test_whoever_asks_for_it_by_name_has_passwords_in_clear(connect: Callable[..., Client]) -> None:
    """A list of one's own is done as it stands, and USER is in it by name."""
    client = connect(capabilities=["+USER"])
    assert "USER" in client.capabilities()
    assert client.ask("AUTH PLAIN") == NEEDS_TLS
    assert client.ask("USER ann", "PASS not-a-secret").endswith(b"+OK maildrop has 0 messages (0 octets)\r\n")
    assert "STLS" not in client.capabilities()
    client = connect(capabilities=["+SASL PLAIN"])
    assert client.ask("USER ann") == NEEDS_TLS
    assert client.ask(f"AUTH PLAIN {GOOD}") == b"+OK maildrop has 0 messages (0 octets)\r\n"


def test_stls_takes_no_argument_and_comes_before_the_login(connect: Callable[..., Client]) -> None:
    """RFC 2595 section 4."""
    client = connect(capabilities=["+USER"])
    assert client.ask("STLS x") == b"-ERR STLS takes no argument: STLS\r\n"
    client.ask("USER ann", "PASS not-a-secret")
    assert client.ask("STLS") == b"-ERR STLS is legal in AUTHORIZATION, this is TRANSACTION\r\n"
    assert client.ask("NOOP") == b"+OK\r\n"


def test_stls_under_tls_is_refused(connect: Callable[..., Client]) -> None:
    """RFC 2595 section 4: and the connection survives it."""
    client = connect().stls()
    assert client.ask("STLS") == b"-ERR TLS is there already\r\n"
    assert client.ask("USER ann", "PASS not-a-secret").endswith(b"+OK maildrop has 0 messages (0 octets)\r\n")


def test_without_the_capability_there_is_no_stls(connect: Callable[..., Client]) -> None:
    """What is not listed is not done."""
    client = connect(capabilities=["-STLS"])
    assert "STLS" not in client.capabilities()
    assert client.ask("STLS") == b"-ERR unknown command\r\n"


def test_what_was_said_before_stls_is_forgotten(connect: Callable[..., Client]) -> None:
    """RFC 2595 section 4: also the name that USER gave."""
    client = connect(capabilities=["+USER"])
    assert client.ask("USER ann", "STLS").endswith(BEGIN)
    client.shake()
    assert client.ask("PASS not-a-secret") == b"-ERR PASS comes immediately after an accepted USER\r\n"


def test_what_stands_in_clear_behind_stls_is_never_executed() -> None:
    """RFC 2595 section 4, and the fault of many servers: what an attacker has put there is forgotten."""
    client = Client(octet=False)
    assert client.ask("STLS", "CAPA", "USER ann", "XYZZY") == BEGIN
    client.shake()
    assert client.heard() == b""
    assert client.ask("PASS not-a-secret") == b"-ERR PASS comes immediately after an accepted USER\r\n"
    assert client.log.keywords == ["STLS", "PASS"]


def test_what_comes_in_clear_later_is_no_handshake(connect: Callable[..., Client]) -> None:
    """RFC 2595 section 4: a failed handshake ends the connection, by an alert, and nothing is said in clear."""
    client = connect()
    client.ask("STLS")
    client.feed(b"CAPA\r\n")
    assert client.ended == "fin"
    assert client.raw[:1] + client.raw[-2:] == bytes([21, 2, 10])  # an alert: fatal, unexpected_message
    assert client.log.keywords == ["STLS"]
    assert client.log.tls.version is None
    assert client.log.ended == "server"


def test_who_hangs_up_in_the_handshake_has_ended_the_session(connect: Callable[..., Client]) -> None:
    """As at any other time."""
    client = connect()
    client.ask("STLS")
    client.connection.feed(EOF)
    client.run()
    assert (client.ended, client.log.ended) == ("fin", "eof")


def test_silence_behind_stls_is_silence(connect: Callable[..., Client]) -> None:
    """RFC 1939 section 3: the autologout timer runs in the handshake, too."""
    client = connect()
    client.ask("STLS")
    client.time = 600.0
    client.connection.feed(EXPIRED)
    client.run()
    assert (client.ended, client.log.ended, client.raw) == ("fin", "autologout", b"")


def test_a_rule_that_refuses_stls_leaves_the_conversation_in_clear(connect: Callable[..., Client]) -> None:
    """A client that goes on without TLS is what such a rule is to find."""
    for rule in ('STLS -> reply "-ERR no TLS today"', 'STLS!before -> reply "-ERR no TLS today"'):
        client = connect(rules=(rule,), capabilities=["+USER"])
        assert client.ask("STLS") == b"-ERR no TLS today\r\n"
        assert client.ask("USER ann", "PASS not-a-secret").endswith(b"+OK maildrop has 0 messages (0 octets)\r\n")


def test_a_rule_may_say_more_in_clear_behind_stls(connect: Callable[..., Client]) -> None:
    """It joins the reply; a client must not believe it under TLS."""
    client = connect(rules=('STLS!after -> send "+OK maildrop has 9 messages\\r\\n"',))
    assert client.ask("STLS") == BEGIN + b"+OK maildrop has 9 messages\r\n"
    client.shake()
    assert client.ask("NOOP").startswith(b"-ERR")


def test_rules_know_whether_there_is_tls_yet(connect: Callable[..., Client]) -> None:
    """The filter ``tls=`` changes with STLS."""
    client = connect(rules=('CAPA tls=no -> reply "-ERR in clear"', 'CAPA tls=yes -> reply "-ERR in TLS"'))
    assert client.ask("CAPA") == b"-ERR in clear\r\n"
    assert client.stls().ask("CAPA") == b"-ERR in TLS\r\n"


def test_a_rule_at_auth_strikes_at_the_reply_that_ends_the_exchange(connect: Callable[..., Client]) -> None:
    """A challenge is no reply of AUTH; ``!before`` the exchange has not begun."""
    client = connect(rules=('AUTH#2(PLAIN) -> reply "-ERR later"',), capabilities=["+SASL PLAIN"])
    assert client.ask("AUTH PLAIN", "*") == b"+ \r\n-ERR AUTH cancelled\r\n"
    assert client.ask("auth plain", "*") == b"+ \r\n-ERR later\r\n"
    client = connect(rules=('AUTH!before -> reply "-ERR [AUTH] no"; times=1',), capabilities=["+SASL PLAIN"])
    assert client.ask("AUTH PLAIN", "NOOP") == (
        b"-ERR [AUTH] no\r\n-ERR NOOP is legal in TRANSACTION, this is AUTHORIZATION\r\n"
    )
    assert client.ask(f"AUTH PLAIN {GOOD}").startswith(b"+OK ")
