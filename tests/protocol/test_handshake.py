"""The beginning of a conversation over TLS: what is agreed on, who is refused and why, where it may break off."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.connection import EOF, EXPIRED, End, Gone, Receive
from pop3s_fake.tls import Tls, default_authority

if TYPE_CHECKING:
    from tests.protocol.conftest import Conversation, Server

pytestmark = pytest.mark.parametrize("way", ["tls", "tls-octet"], indirect=True)

UNEXPECTED_MESSAGE = bytes((21, 3, 3, 0, 2, 2, 10))
NO_APPLICATION_PROTOCOL = bytes((21, 3, 3, 0, 2, 2, 120))


def bare(server: Server) -> Conversation:
    """A connection whose client has said nothing, not even a ClientHello."""
    conversation = server.conversation()
    conversation.run()
    return conversation


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_last_flight_the_tickets_and_the_greeting_leave_together(server: Server, version: str) -> None:
    """Two writes: the server's flight, and all the rest; a third would cost the client a round trip or a delay."""
    server.tls = Tls(versions=version)
    client = server.connect()
    assert client.greeting.startswith(b"+OK POP3 server ready <")
    assert len(client.sent) == 2
    assert client.client is not None
    assert client.client.session is not None
    assert client.client.session.has_ticket


def test_a_server_without_tickets_sends_none(server: Server) -> None:
    """The greeting leaves all the same."""
    server.tls = Tls(tickets=0)
    client = server.connect()
    assert client.greeting.startswith(b"+OK POP3 server ready <")
    assert client.client is not None
    assert client.client.session is not None
    assert not client.client.session.has_ticket


def test_the_transcript_tells_what_was_offered_and_agreed_on(server: Server) -> None:
    """Version, cipher, ALPN, the name the client asked for."""
    server.client_context = default_authority().client_context()
    server.client_context.set_alpn_protocols(["imap", "pop3"])
    client = server.login()
    notes = client.log.tls
    assert notes == (
        "TLSv1.3",
        "TLS_AES_256_GCM_SHA384",
        "pop3",
        "localhost",
        ("imap", "pop3"),
        ("TLSv1.3", "TLSv1.2"),
        False,
        None,
        None,
    )
    assert str(notes) == "TLSv1.3 TLS_AES_256_GCM_SHA384 alpn=pop3"
    assert client.log.lines()[0] == "session 1: mrose, TLSv1.3 TLS_AES_256_GCM_SHA384 alpn=pop3, open"


def test_a_client_may_do_without_alpn(server: Server) -> None:
    """Most do."""
    client = server.connect()
    assert (client.log.tls.alpn, client.log.tls.offered_alpn, client.log.tls.server_name) == (None, (), "localhost")


def test_a_client_without_a_common_version_is_refused(server: Server) -> None:
    """RFC 8446 section 6.2: protocol_version; nothing is greeted."""
    server.tls = Tls(versions="1.3")
    server.client_context = default_authority().client_context()
    server.client_context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = server.connect()
    assert (client.greeting, client.ended, client.log.ended) == (b"", "fin", "server")
    assert client.alert == "TLSV1_ALERT_PROTOCOL_VERSION"
    assert client.log.tls.error == "UNSUPPORTED_PROTOCOL"
    assert client.log.tls.offered_versions == ("TLSv1.2",)
    assert client.log.entries[-1].text == "TLS failed: UNSUPPORTED_PROTOCOL"
    assert client.log.lines()[0] == "session 1: nobody logged in, no TLS: UNSUPPORTED_PROTOCOL, ended: server"


def test_a_client_without_a_common_alpn_gets_alert_120(server: Server) -> None:
    """RFC 7301 section 3.2: no_application_protocol, fatal, and nothing else."""
    server.client_context = default_authority().client_context()
    server.client_context.set_alpn_protocols(["imap", "h2"])
    client = server.connect()
    assert client.sent == [NO_APPLICATION_PROTOCOL]
    assert "no application protocol" in (client.alert or "").lower().replace("_", " ")
    assert (client.ended, client.log.ended) == ("fin", "server")
    why = "the client offered ALPN imap, h2, not pop3"
    assert client.log.tls.error == client.log.entries[-1].text == why
    assert (client.log.tls.version, client.log.tls.offered_alpn) == (None, ("imap", "h2"))


def test_odd_names_in_an_offer_do_not_break_the_transcript(server: Server) -> None:
    """It is printed to terminals, one line an entry."""
    server.client_context = default_authority().client_context()
    server.client_context.set_alpn_protocols(["a\nb\x1b[2J"])
    client = server.connect()
    assert client.sent == [NO_APPLICATION_PROTOCOL]
    assert all(line.isprintable() for line in client.log.lines())
    assert client.log.entries[-1].text == r"the client offered ALPN a\nb\x1b[2J, not pop3"


def test_a_server_that_does_not_speak_of_alpn_takes_any(server: Server) -> None:
    """RFC 7301 section 3.2 is about servers that choose."""
    server.tls = Tls(alpn=())
    server.client_context = default_authority().client_context()
    server.client_context.set_alpn_protocols(["imap"])
    assert server.login().log.tls.alpn is None


def test_a_client_that_does_not_trust_the_server_says_so(server: Server) -> None:
    """Its alert is in the transcript, in OpenSSL's words; nothing was greeted, no credentials came."""
    server.client_context = ssl.create_default_context()
    client = server.connect()
    assert client.alert == "CERTIFICATE_VERIFY_FAILED"
    assert client.log.tls.error == "TLSV1_ALERT_UNKNOWN_CA"
    assert client.log.tls.server_name == "localhost"
    assert (client.ended, client.log.ended, client.log.commands) == ("fin", "eof", [])
    assert client.log.entries[-1].text == "TLS failed: TLSV1_ALERT_UNKNOWN_CA"


def test_the_clients_alert_is_told_also_where_its_fin_comes_with_it(server: Server) -> None:
    """Both may wait in the kernel when the server reads again."""
    client = server.conversation()
    client.run()
    client.client = ssl.create_default_context().wrap_bio(
        client._incoming, client._outgoing, server_hostname="localhost"
    )
    with pytest.raises(ssl.SSLWantReadError):
        client.client.do_handshake()
    client.feed(client._outgoing.read())
    with pytest.raises(ssl.SSLCertVerificationError):
        client.client.do_handshake()
    client.connection.feed(client._outgoing.read())
    client.hang_up()
    assert client.log.tls.error == "TLSV1_ALERT_UNKNOWN_CA"


# clients that do not speak TLS


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (
            b"USER mrose\r\nPASS tanstaaf\r\n",
            "the client speaks POP3 in clear where TLS was expected: it began with b'USER'",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "the client speaks HTTP where TLS was expected: it began with b'GET'",
        ),
        (b"\x00" * 40, r"the client does not speak TLS: it began with b'\x00\x00\x00\x00\x00'"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the client does not speak TLS: it began with b'SSH-2'"),
    ],
)
def test_a_client_that_does_not_speak_tls_gets_an_alert_in_clear(server: Server, octets: bytes, why: str) -> None:
    """RFC 8446 section 6: unexpected_message, then the end; what it said besides is not shown."""
    client = bare(server)
    client.feed(octets)
    assert client.sent == [UNEXPECTED_MESSAGE]
    assert (client.ended, client.log.ended, client.log.commands) == ("fin", "server", [])
    assert client.log.tls.error == client.log.entries[-1].text == why
    assert client.log.lines()[0] == f"session 1: nobody logged in, no TLS: {why}, ended: server"


def test_a_client_that_says_nothing_is_given_ten_minutes(server: Server) -> None:
    """As later on; then there is nothing to say."""
    client = bare(server)
    assert client.steps == [Receive(600.0)]
    assert client.wait(600) == b""
    assert client.steps[1:] == [End("fin")]
    assert client.log.ended == "autologout"


def test_a_handshake_that_dawdles_is_given_ten_minutes_in_all(server: Server) -> None:
    """An octet now and then does not restart the timer."""
    client = bare(server)
    for octet in b"\x16\x03\x01":
        client.wait(199)
        client.feed(bytes([octet]))
        assert client.steps[-1] == Receive(600.0)
    client.wait(3)
    assert client.log.ended == "autologout"


def test_a_broken_hello_is_left_to_openssl(server: Server) -> None:
    """Which knows the right alert."""
    client = bare(server)
    client.feed(b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00")
    assert len(client.sent) == 1
    assert client.sent[0][:3] == b"\x15\x03\x03"
    assert client.log.ended == "server"
    assert client.log.tls.error


def test_endless_empty_records_do_not_pile_up(server: Server) -> None:
    """RFC 8446 section 5.1: handshake records of no octets must not be sent."""
    client = bare(server)
    client.feed(b"\x16\x03\x01\x00\x00" * 40)
    assert client.ended == "fin"
    assert client.log.ended == "server"


# ends in the middle


class Handshake:
    """A handshake by hand: ``flights`` are what the client sends, in order."""

    def __init__(self, server: Server) -> None:
        self.conversation = bare(server)
        self.conversation.client = (
            default_authority()
            .client_context()
            .wrap_bio(self.conversation._incoming, self.conversation._outgoing, server_hostname="localhost")
        )

    def flight(self) -> bytes:
        """What the client says next."""
        client = self.conversation.client
        assert client is not None
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        return self.conversation._outgoing.read()


@pytest.mark.parametrize("how", ["eof", "autologout", "reset", "server"])
@pytest.mark.parametrize("flights", [0, 1])
@pytest.mark.parametrize("part", [0, 1, 4, 5, 6, 50, -1, None])
def test_a_handshake_may_end_anywhere(server: Server, flights: int, part: int | None, how: str) -> None:
    """Before the hello, in it, behind it, in the client's last flight: no exception, and the transcript knows."""
    handshake = Handshake(server)
    client = handshake.conversation
    for _ in range(flights):
        client.feed(handshake.flight())
    octets = handshake.flight()
    if part is None and flights == 1:
        octets = octets[:-2]  # the whole of it would complete the handshake
    client.feed(octets[:part])
    assert client.log.tls.version is None
    if how == "server":
        client.connection.close()
    elif how == "reset":
        client.run(Gone("reset", "the connection is gone", "rst"))
        assert client.steps[-1] == End("rst")
    else:
        client.connection.feed(EOF if how == "eof" else EXPIRED)
        client.run()
        assert client.steps[-1] == End("fin")
    assert client.log.ended == how
    assert client.log.commands == []
    hello_came = flights == 1 or part is None
    if how == "eof":
        closed = "the client closed the connection in the middle of the handshake"
        assert client.log.tls.error == (closed if hello_came else None)
        assert client.log.entries[-1].text == (
            f"TLS failed: {closed}" if hello_came else "the client closed the connection"
        )


def test_commands_that_come_with_the_end_of_the_handshake_are_not_lost(server: Server) -> None:
    """A client that does not wait for the greeting breaks RFC 1939, but gets its answers behind it."""
    handshake = Handshake(server)
    client = handshake.conversation
    client.feed(handshake.flight())
    finished = handshake.flight()
    assert client.client is not None
    client.client.write(b"CAPA x\r\nNOOP\r\n")
    client.feed(finished + client._outgoing.read())
    client._shaken = True
    assert client.heard().splitlines()[1:] == [
        b"-ERR CAPA takes no argument: CAPA",
        b"-ERR NOOP is legal in TRANSACTION, this is AUTHORIZATION",
    ]
