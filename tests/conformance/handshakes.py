"""What a server says in its side of a handshake, as octets: messages and extensions that stand there in clear.

Knows the records and the messages of RFC 5246 and RFC 8446 as far as they are not sealed; must not know who sent them.
"""

from __future__ import annotations

from typing import Final

__all__ = ("CERTIFICATE_REQUEST", "SERVER_HELLO", "extensions", "hello", "messages")

_HANDSHAKE: Final = 22
SERVER_HELLO: Final = 2
CERTIFICATE_REQUEST: Final = 13


def _records(raw: bytes) -> list[bytes]:
    """The content of each record up to the first that is sealed, no handshake or not whole."""
    found, at = [], 0
    while len(raw) >= at + 5 and raw[at] == _HANDSHAKE:
        length = int.from_bytes(raw[at + 3 : at + 5])
        found.append(raw[at + 5 : at + 5 + length])
        at += 5 + length
    return found


def messages(raw: bytes) -> dict[int, bytes]:
    """The handshake messages in clear, by their number."""
    flight = b"".join(_records(raw))
    found, at = {}, 0
    while len(flight) >= at + 4:
        length = int.from_bytes(flight[at + 1 : at + 4])
        found[flight[at]] = flight[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def extensions(raw: bytes) -> dict[int, bytes]:
    """The extensions of the ServerHello, by their number."""
    body = messages(raw)[SERVER_HELLO]
    at = 34 + 1 + body[34] + 3  # version, random, session id, suite and compression
    at += 2
    found = {}
    while len(body) >= at + 4:
        length = int.from_bytes(body[at + 2 : at + 4])
        found[int.from_bytes(body[at : at + 2])] = body[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def hello(version: int) -> bytes:
    """A ClientHello of this version and no newer one: 0x0302 is TLS 1.1, 0x0300 SSL 3."""
    suites = bytes.fromhex("c014c013c00ac0090035002f000a00ff")
    body = version.to_bytes(2) + bytes(range(32)) + b"\0" + len(suites).to_bytes(2) + suites + b"\1\0"
    message = b"\1" + len(body).to_bytes(3) + body
    return b"\x16" + min(version, 0x0301).to_bytes(2) + len(message).to_bytes(2) + message
