"""TLS for one connection without a socket: octets from the peer in, octets for the peer out.

Knows ssl's memory interface (``MemoryBIO`` and ``wrap_bio``), which gives every record into our hands; must not know
sockets, time or what the plaintext means.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Any, Final, NamedTuple, cast

from pop3s_fake.tls.bindings import bindings
from pop3s_fake.tls.contexts import ServerContext
from pop3s_fake.tls.hello import ClientHello, NotTls, client_hello

__all__ = ("Records", "TlsFacts", "of_records")

_RECORD = 16384  # octets of plaintext a record holds at most (RFC 8446 section 5.1)


class TlsFacts(NamedTuple):
    """What a handshake came to.

    ``version`` such as ``"TLSv1.3"`` and ``cipher`` in OpenSSL's words, None before the handshake; ``alpn``: the
    protocol chosen, or None; ``server_name``: the host name the client asked for, or None; ``resumed``: whether it came
    back with a ticket or session; ``client_certificate``: the common name of the client's verified certificate.
    """

    version: str | None
    cipher: str | None
    alpn: str | None
    server_name: str | None
    resumed: bool
    client_certificate: str | None


class Records:
    """The server's side of one TLS connection.

    ``feed`` what came from the peer, then ask: ``handshake`` until it is True, afterwards ``read`` and ``seal``; send
    what ``take``, ``seal`` and ``close_notify`` return, in this order.  The tickets of TLS 1.3 stay inside after the
    handshake until ``take`` or the next ``seal`` brings them out.  ``hello``, if given, is the ClientHello already read
    from the same octets; without it, it is read here.

    >>> from pop3s_fake.tls import default_authority
    >>> records = Records(default_authority().server_context())
    >>> records.handshake()
    False
    """

    __slots__ = ("_ended", "_error", "_first", "_incoming", "_outgoing", "_tls", "broken", "closed", "hello")

    secure: Final = True
    broken: bool
    """Whether the next ``read`` will raise: a record behind what it returned last could not be opened."""
    closed: bool
    """Whether ``read`` has come upon the peer's close_notify (RFC 8446 section 6.1)."""
    hello: ClientHello | None
    """What the client offered, once it has been read."""

    def __init__(self, context: ssl.SSLContext, hello: ClientHello | None = None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.hello = hello
        self._first: bytearray | None = bytearray() if hello is None else None  # octets before the hello is whole
        self._ended = False
        self.closed = False
        self.broken = False
        self._error: ssl.SSLError | None = None

    def feed(self, octets: bytes | bytearray | memoryview) -> None:
        """Take octets from the peer; nothing is decided before ``handshake`` or ``read``."""
        self._incoming.write(octets)
        if self._first is not None:
            self._first += octets
            with contextlib.suppress(NotTls):  # OpenSSL says so in the handshake
                self.hello = client_hello(self._first)
                if self.hello is None:
                    return
            self._first = None

    def feed_eof(self) -> None:
        """Note that the peer sends no more; a handshake that still waits fails with ``ssl.SSLEOFError``.

        After the handshake it changes nothing: what is there can be read, and the peer, which may have closed only its
        own side, can still be answered.
        """
        self._ended = True

    def handshake(self) -> bool:
        """Go on with the handshake: True when it is done, False when it needs more octets.

        Raises ``ssl.SSLError`` when it failed; the alert for the peer is then in ``take``.
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            if not self._ended:
                return False
            self._incoming.write_eof()  # not earlier: OpenSSL refuses to write, too, once it has seen the end
            try:
                self._tls.do_handshake()
            except ssl.SSLError as error:  # it waits for nothing else; an old CPython (3.11.2) calls it a good end
                raise ssl.SSLEOFError(*error.args) from None
        return True

    def read(self) -> bytes:
        """All the plaintext that can be had now; ``b""`` if there is none.

        Raises ``ssl.SSLError`` for a record that cannot be opened, after what came before it has been returned; the
        alert for the peer is then in ``take``.  An end without close_notify is no error here: whoever fed the end knows
        of it.
        """
        octets = self._read_record()
        if not self._incoming.pending or not octets:
            return octets
        pieces = [octets]
        try:
            while piece := self._read_record():
                pieces.append(piece)
        except ssl.SSLError as error:
            self._error = error
            self.broken = True
        return b"".join(pieces)

    def _read_record(self) -> bytes:
        if self._error is not None:
            raise self._error
        try:
            octets = self._tls.read(_RECORD)
        except (ssl.SSLWantReadError, ssl.SSLEOFError):
            return b""
        except ssl.SSLZeroReturnError:
            octets = b""
        if not octets:
            self.closed = True
        return octets

    def seal(self, octets: bytes | bytearray | memoryview) -> bytes:
        """Plaintext into records of at most 16384 octets each, joined, behind whatever was still to be sent.

        Raises ``ssl.SSLError`` after ``close_notify``, and behind a record that could not be opened.
        """
        if self._error is not None:
            raise self._error  # OpenSSL would only say that it has shut down
        self._tls.write(octets)  # a memory BIO takes everything at once; OpenSSL cuts it into full records
        return self._outgoing.read()

    def take(self) -> bytes:
        """What TLS itself has to say to the peer: handshake messages, tickets, alerts; ``b""`` if nothing."""
        return self._outgoing.read()

    def close_notify(self) -> bytes:
        """Our half of the closure (RFC 8446 section 6.1), without waiting for the peer's; ``b""`` if it was sent.

        ``unwrap`` writes the alert first and complains afterwards, that it has no answer yet, or that there is unread
        plaintext; in the middle of a handshake it writes nothing, as it should.
        """
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()
        return self._outgoing.read()

    def request_certificate(self) -> bytes | None:
        """Ask for the client's certificate after the handshake (RFC 8446 section 4.6.2): the octets to send.

        None where that cannot be: below TLS 1.3, where the context was not made for it, or where the client did not
        offer it.
        """
        try:
            self._tls.verify_client_post_handshake()
        except ssl.SSLError:
            return None
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
        return self._outgoing.read()

    def facts(self) -> TlsFacts:
        """What the handshake came to; see :class:`TlsFacts`."""
        cipher = self._tls.cipher()
        return TlsFacts(
            version=self._tls.version() if cipher else None,
            cipher=cipher[0] if cipher else None,
            alpn=self._tls.selected_alpn_protocol(),
            server_name=self.hello.server_name if self.hello else None,
            resumed=bool(self._tls.session_reused),
            client_certificate=_common_name(self._tls) if cipher else None,
        )

    def bindings(self) -> dict[str, bytes]:
        """The channel bindings (RFC 5056) by their types, as they are now; computed when they are asked for."""
        context = self._tls.context
        return bindings(self._tls, context.certificate if isinstance(context, ServerContext) else None)

    def identities(self) -> tuple[str, ...]:
        """The names in the client's verified certificate: common names, then e-mail addresses, then host names."""
        certificate = cast("dict[str, Any]", self._tls.getpeercert() or {}) if self._tls.cipher() else {}
        subject = [pair for part in certificate.get("subject", ()) for pair in part]
        names = [*subject, *certificate.get("subjectAltName", ())]
        kinds = ("commonName", "email", "DNS")
        return tuple(dict.fromkeys(name for kind in kinds for what, name in names if what == kind))


def of_records(error: ssl.SSLError) -> bool:
    """Whether this was said of one of these connections, and not of one that a function of a test's has."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_globals is not globals():
        traceback = traceback.tb_next
    return traceback is not None


def _common_name(tls: ssl.SSLObject) -> str | None:
    subject = cast("tuple[tuple[tuple[str, str], ...], ...]", (tls.getpeercert() or {}).get("subject", ()))
    return next((value for part in subject for name, value in part if name == "commonName"), None)
