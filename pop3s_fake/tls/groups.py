"""The groups of Diffie-Hellman that are known by their number of bits, as OpenSSL reads them from a file.

Knows how RFC 2409 section 6 and RFC 3526 make a prime out of the digits of pi; must not know ssl or files.
"""

from __future__ import annotations

from base64 import encodebytes
from typing import Final

from pop3s_fake.tls.surgery import wrapped

__all__ = ("dh_group", "dh_prime")

_SEQUENCE, _INTEGER = 0x30, 0x02
_ADDED: Final = {768: 149_686, 1024: 129_093, 1536: 741_804, 2048: 124_476, 3072: 1_690_314, 4096: 240_904}
"""What is added to the digits of pi for each number of bits, so that the result and its half are prime."""


def dh_prime(bits: int) -> int:
    """The safe prime of so many bits: 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + added).

    >>> hex(dh_prime(1024))[-20:]
    '5381ffffffffffffffff'
    """
    return (1 << bits) - (1 << bits - 64) - 1 + (_pi(bits - 130) + _ADDED[bits] << 64)


def dh_group(bits: int) -> bytes:
    """Prime and generator, which is 2, as the PEM of PKCS #3 DH PARAMETERS.

    >>> dh_group(1024).splitlines()[0]
    b'-----BEGIN DH PARAMETERS-----'
    """
    prime = b"\x00" + dh_prime(bits).to_bytes(bits // 8)  # the first bit is set, and it is not negative
    der = wrapped(_SEQUENCE, wrapped(_INTEGER, prime) + wrapped(_INTEGER, b"\x02"))
    return b"-----BEGIN DH PARAMETERS-----\n" + encodebytes(der) + b"-----END DH PARAMETERS-----\n"


def _pi(bits: int) -> int:
    """The integer part of pi * 2^bits, by Machin's formula, with digits to spare."""
    spare = 64
    one = 1 << bits + spare
    return 4 * (4 * _arctan(5, one) - _arctan(239, one)) >> spare


def _arctan(inverse: int, one: int) -> int:
    """arctan(1 / inverse) * one."""
    term = one // inverse
    total, divisor, sign = term, 1, 1
    while term:
        term //= inverse * inverse
        divisor, sign = divisor + 2, -sign
        total += sign * (term // divisor)
    return total
