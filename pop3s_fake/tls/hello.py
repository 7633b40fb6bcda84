"""The ClientHello, read from the raw octets before OpenSSL gets them.

Knows the layout of TLS records and of the ClientHello (RFC 8446 sections 4.1.2 and 5.1) as far as a report needs it;
must not know ssl.  It reads, it does not judge: a hello that is broken inside is reported as far as it could be read,
and OpenSSL, which gets the same octets, answers it with the right alert.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ("ClientHello", "NotTls", "alert", "alpn_refused", "client_hello")

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_MAJOR_VERSION = 3  # of every record since SSL 3.0
_RECORD_HEADER = 5
_RECORD_LONGEST = 16384  # octets of a plaintext record (RFC 8446 section 5.1)
_HELLO_HEADER = 4
_HELLO_LONGEST = 131_396  # where OpenSSL gives up; without a bound a peer could make us hold 16 MiB
_HEADERS_LONGEST = 16384  # octets of record headers in one hello: a peer could make a record of each octet
_SERVER_NAME, _ALPN, _SUPPORTED_VERSIONS = b"\x00\x00", b"\x00\x10", b"\x00\x2b"
_VERSIONS = {  # in ssl's words
    b"\x03\x04": "TLSv1.3",
    b"\x03\x03": "TLSv1.2",
    b"\x03\x02": "TLSv1.1",
    b"\x03\x01": "TLSv1",
    b"\x03\x00": "SSLv3",
}
_RECORD_TYPES = {20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data"}
_POP3_KEYWORDS = frozenset(
    # what a client may begin with that believes the connection is in clear, and what follows a greeting it imagined
    {"USER", "PASS", "APOP", "AUTH", "CAPA", "STLS", "UTF8", "LANG", "QUIT", "NOOP", "RSET", "STAT", "LIST", "UIDL"}
)
_HTTP_STARTS = (b"GET /", b"POST ", b"HEAD ", b"PUT /", b"OPTIO", b"CONNE", b"DELET", b"PRI *")


class ClientHello(NamedTuple):
    """What a client offers in its first message.

    ``server_name``: the host name it wants (RFC 6066 section 3), or None.  ``alpn``: the protocols it offers, preferred
    first (RFC 7301).  ``versions``: in the client's order and in ssl's words, from ``supported_versions``, or the one
    legacy field; reserved (GREASE) values are left out.  ``ciphers``: how many cipher suites it lists.
    """

    server_name: str | None = None
    alpn: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    ciphers: int = 0


class NotTls(Exception):  # noqa: N818 - it says what the client is, not that something of ours failed
    r"""The client does not speak TLS; the text says what it seems to speak instead.

    ``octets`` are the first five it sent: never more, because a password may follow.

    >>> raise NotTls(b"CAPA\r\n")
    Traceback (most recent call last):
    ...
    pop3s_fake.tls.hello.NotTls: the client speaks POP3 in clear where TLS was expected: it began with b'CAPA'
    """

    octets: bytes

    def __init__(self, octets: bytes) -> None:
        self.octets = bytes(octets[:_RECORD_HEADER])
        super().__init__(self.octets)

    def __str__(self) -> str:
        word = self.octets.split()[:1]
        if word and word[0].upper().decode("latin-1") in _POP3_KEYWORDS:
            return f"the client speaks POP3 in clear where TLS was expected: it began with {word[0]!r}"
        if self.octets in _HTTP_STARTS:
            return f"the client speaks HTTP where TLS was expected: it began with {word[0]!r}"
        kind = _RECORD_TYPES.get(self.octets[0]) if self.octets[1:2] == bytes([_MAJOR_VERSION]) else None
        if kind:
            return f"the client began with a TLS {kind} record where a ClientHello was expected"
        return f"the client does not speak TLS: it began with {self.octets!r}"


def client_hello(octets: bytes | bytearray) -> ClientHello | None:
    r"""Read the ClientHello at the start of what a client sent; None while more octets are needed.

    It may be spread over several records and segments; what follows it is not looked at.  Raises :class:`NotTls` when
    the first five octets are no header of a TLS handshake record.  The result depends on the octets only, not on how
    they were cut into pieces.

    >>> client_hello(b"\x16\x03\x01\x02\x00\x01") is None
    True
    """
    if len(octets) < _RECORD_HEADER:
        return None
    if octets[0] != _HANDSHAKE or octets[1] != _MAJOR_VERSION:
        raise NotTls(bytes(octets[:_RECORD_HEADER]))
    message = bytearray()
    at = 0
    while len(octets) >= at + _RECORD_HEADER:
        length = int.from_bytes(octets[at + 3 : at + 5])
        if octets[at] != _HANDSHAKE or not 0 < length <= _RECORD_LONGEST:
            return ClientHello()  # TLS, but broken: OpenSSL will say so
        message += octets[at + _RECORD_HEADER : at + _RECORD_HEADER + length]
        at += _RECORD_HEADER + length
        if (message and message[0] != _CLIENT_HELLO) or at - len(message) > _HEADERS_LONGEST:
            return ClientHello()
        if len(message) >= _HELLO_HEADER:
            length = int.from_bytes(message[1:_HELLO_HEADER])
            if length > _HELLO_LONGEST:
                return ClientHello()
            if len(message) >= _HELLO_HEADER + length:
                return _read(bytes(message[_HELLO_HEADER : _HELLO_HEADER + length]))
    return None


def alpn_refused(hello: ClientHello, alpn: tuple[str, ...], policy: str = "refuse") -> bool:
    """Whether a server that speaks ``alpn`` refuses this client with alert 120, no_application_protocol.

    RFC 7301 section 3.2: an offer without overlap is fatal.  OpenSSL as Python drives it goes on without ALPN instead,
    so whoever holds the hello must ask.  No offer, or a server without ALPN, is no refusal.  ``policy`` is that of
    :class:`~pop3s_fake.Tls`: "ignore" refuses nobody, "require" those without an offer, too.

    >>> alpn_refused(ClientHello(alpn=("imap",)), ("pop3",)), alpn_refused(ClientHello(), ("pop3",))
    (True, False)
    """
    if not alpn or policy == "ignore" or (not hello.alpn and policy != "require"):
        return False
    return not set(hello.alpn) & set(alpn)


def alert(description: int) -> bytes:
    r"""Make the seven octets of a fatal alert in clear, as sent before any key is agreed (RFC 8446 section 6).

    ``description`` is the number of the alert, 0 to 255; ValueError otherwise.

    >>> alert(120)
    b'\x15\x03\x03\x00\x02\x02x'
    """
    return bytes((21, 3, 3, 0, 2, 2, description))


def _read(body: bytes) -> ClientHello:
    """Read the body of a ClientHello (RFC 8446 section 4.1.2), as far as it goes.

    Slices never fail: where a length reaches beyond its container the field is cut short, and what would come after it
    is empty.
    """
    server_name: str | None = None
    alpn: tuple[str, ...] = ()
    versions = _versions(body[:2])
    _, at = _vector(body, 34, 1)  # the session id, behind version and random
    suites, at = _vector(body, at, 2)
    _, at = _vector(body, at, 1)  # compression methods
    extensions, _ = _vector(body, at, 2)  # before TLS 1.2 there may be none
    at = 0
    while at < len(extensions):
        kind = extensions[at : at + 2]
        content, at = _vector(extensions, at + 2, 2)
        if kind == _SERVER_NAME:
            server_name = _server_name(content)
        elif kind == _ALPN:
            alpn = _protocol_names(content)
        elif kind == _SUPPORTED_VERSIONS:
            versions = _versions(_vector(content, 0, 1)[0])
    return ClientHello(server_name, alpn, versions, len(suites) // 2)


def _vector(octets: bytes, at: int, width: int) -> tuple[bytes, int]:
    """The octets behind a length of ``width`` octets at ``at``, and where they end."""
    start = at + width
    end = start + int.from_bytes(octets[at:start])
    return octets[start:end], end


def _versions(listed: bytes) -> tuple[str, ...]:
    # The reserved values of RFC 8701 (0x0a0a, 0x1a1a ...) are there to be ignored; so is what nobody has a name for.
    pairs = [listed[at : at + 2] for at in range(0, len(listed), 2)]
    return tuple(_VERSIONS[pair] for pair in pairs if pair in _VERSIONS)


def _server_name(content: bytes) -> str | None:
    entries, _ = _vector(content, 0, 2)
    at = 0
    while at < len(entries):
        kind = entries[at]
        name, at = _vector(entries, at + 1, 2)
        if kind == 0:  # host_name, the only kind there is
            return _text(name)
    return None


def _protocol_names(content: bytes) -> tuple[str, ...]:
    entries, _ = _vector(content, 0, 2)
    names, at = [], 0
    while at < len(entries):
        name, at = _vector(entries, at, 1)
        names.append(_text(name))
    return tuple(names)


def _text(octets: bytes) -> str:
    return octets.decode("latin-1").encode("unicode_escape").decode("ascii")  # it is shown to people
