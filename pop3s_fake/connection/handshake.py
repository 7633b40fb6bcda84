"""The TLS handshake of a conversation, whether it begins with it or comes to it by STLS.

Knows the ClientHello, what is refused and what is noted of it; must not know POP3, nor where the octets come from.
"""

from __future__ import annotations

from ssl import SSLEOFError, SSLError
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.connection.steps import Gone, Send
from pop3s_fake.tls.hello import NotTls, alert, alpn_refused, client_hello
from pop3s_fake.tls.records import of_records
from pop3s_fake.transcript import TlsNotes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake import transcript
    from pop3s_fake.connection.clear import Clear
    from pop3s_fake.connection.ruled import Flights
    from pop3s_fake.connection.settings import Settings
    from pop3s_fake.connection.steps import Steps
    from pop3s_fake.tls.records import Records

__all__ = ("Around", "broken_tls", "handshake")

_CLOSED: Final = "the client closed the connection in the middle of the handshake"

_UNEXPECTED_MESSAGE: Final = 10
_NO_APPLICATION_PROTOCOL: Final = 120
"""TLS alert descriptions (RFC 8446 section 6, RFC 7301 section 3.2)."""


class Around(NamedTuple):
    """What a handshake asks of the conversation in which it stands."""

    more: Callable[[], Steps]
    """Wait for octets."""
    hello: Callable[[], Steps]
    """The ClientHello is whole, and nothing was said yet."""
    certificate: Callable[[], str | None]
    """The id of the certificate to show; None: the server's own."""
    begun: Callable[[Records], None]
    """Octets of the client's belong here from now on."""
    flights: Callable[[], Flights | None]
    """The rules under which our octets go out; None: there are none."""


def handshake(settings: Settings, log: transcript.Session, clear: Clear, around: Around) -> Steps:
    """From the ClientHello's first octet to the finished handshake; raises :class:`Gone` where there is none.

    ``clear`` is read until the ClientHello is whole.  What TLS says last of all, and its tickets, are still to be taken
    from the records.
    """
    assert settings.records is not None
    octets = clear.read()
    try:
        while (hello := client_hello(octets)) is None:
            yield from around.more()
            octets += clear.read()
    except NotTls as error:
        log.tls = TlsNotes(error=str(error))
        if settings.alerts:
            yield Send(alert(_UNEXPECTED_MESSAGE))
        raise Gone("server", str(error), settings.unshaken) from None
    offered = TlsNotes(server_name=hello.server_name, offered_alpn=hello.alpn, offered_versions=hello.versions)
    log.tls = offered
    yield from around.hello()
    if alpn_refused(hello, settings.alpn, settings.alpn_policy):
        offer = f"ALPN {', '.join(hello.alpn)}" if hello.alpn else "no ALPN"
        why = f"the client offered {offer}, not {', '.join(settings.alpn)}"
        log.tls = offered._replace(error=why)
        yield Send(alert(_NO_APPLICATION_PROTOCOL))
        raise Gone("server", why)
    tls = settings.records(hello, around.certificate())
    tls.feed(octets)
    around.begun(tls)
    yield from _shaken(tls, around)
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


def _shaken(tls: Records, around: Around) -> Steps:
    """Octets of the handshake go out, as they are or under rules, until it is done."""
    flights = around.flights()
    try:
        while not tls.handshake():
            octets = tls.take()
            if octets:
                if flights is None:
                    yield Send(octets)
                else:
                    yield from flights.send(octets)
            yield from around.more()
        if flights is not None:
            octets = b"" if tls.facts().version == "TLSv1.3" else tls.take()
            if octets:  # the server has the last word up to TLS 1.2; later there are tickets, which are none of it
                yield from flights.send(octets)
            yield from flights.finish()
    finally:
        if flights is not None:
            flights.close()


def broken_tls(error: OSError, log: transcript.Session) -> Gone | None:
    """What an error of OpenSSL's means for the conversation: the client's alert, or ours, which is to be sent."""
    if not isinstance(error, SSLError) or not of_records(error):
        return None
    closed = isinstance(error, SSLEOFError)
    why = _CLOSED if closed else error.reason or str(error)
    if log.tls.version is None:
        log.tls = log.tls._replace(error=why)
    by_client = closed or "ALERT" in why.split("_")
    return Gone("eof" if by_client else "server", f"TLS failed: {why}")
