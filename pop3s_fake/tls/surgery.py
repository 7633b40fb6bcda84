r"""What no library makes on purpose: certificates whose signature is of a digest that is dead, or is wrong.

Knows just enough DER (X.690) to take a certificate apart and put it together (RFC 5280 section 4.1); must not know the
catalogue, keys or files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("broken", "resigned", "wrapped")

_SEQUENCE, _BIT_STRING = 0x30, 0x03
_LONG = 0x80  # lengths from here on are written with the number of their octets before them
_ALGORITHM = 2  # of a TBSCertificate of version 3: version, serialNumber, signature, ...


def resigned(certificate: bytes, algorithm: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    r"""The same certificate (DER, version 3) under another signature algorithm.

    ``algorithm`` is the AlgorithmIdentifier (DER) that takes the place of both that are in it; ``sign`` makes the
    signature of the TBSCertificate.

    >>> certificate = bytes.fromhex("3010 3009 a000 020107 3000 3000 3000 030100")
    >>> resigned(certificate, b"\x30\x02\x05\x00", lambda tbs: b"\xaa").hex(" ")
    '30 15 30 0b a0 00 02 01 07 30 02 05 00 30 00 30 02 05 00 03 02 00 aa'
    """
    tbs = _items(_content(_items(_content(certificate))[0]))
    tbs[_ALGORITHM] = algorithm
    signed = wrapped(_SEQUENCE, b"".join(tbs))
    return wrapped(_SEQUENCE, signed + algorithm + wrapped(_BIT_STRING, b"\x00" + sign(signed)))


def broken(certificate: bytes) -> bytes:
    r"""The same certificate (DER) with one bit of its signature turned over.

    The last octet is the signature's, and of ECDSA's two numbers the end of the second: it stays well-formed.

    >>> broken(b"\x30\x03\x03\x01\x08").hex()
    '3003030109'
    """
    return certificate[:-1] + bytes([certificate[-1] ^ 1])


def wrapped(tag: int, content: bytes) -> bytes:
    r"""The value with this tag and content in DER.

    >>> wrapped(2, b"\x01")
    b'\x02\x01\x01'
    """
    length = len(content)
    if length < _LONG:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, _LONG + len(octets)]) + octets + content


def _extent(octets: bytes, at: int) -> tuple[int, int]:
    """Where the content of the value at ``at`` begins and ends."""
    length, start = octets[at + 1], at + 2
    if length >= _LONG:
        start += length - _LONG
        length = int.from_bytes(octets[at + 2 : start])
    return start, start + length


def _content(value: bytes) -> bytes:
    start, end = _extent(value, 0)
    return value[start:end]


def _items(content: bytes) -> list[bytes]:
    items, at = [], 0
    while at < len(content):
        _, end = _extent(content, at)
        items.append(content[at:end])
        at = end
    return items
