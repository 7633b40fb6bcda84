r"""NTLM, which a vendor's servers had as AUTH NTLM and AUTH MSN: its second version, as [MS-NLMP] section 3.3.2 has it.

Knows the three messages and the arithmetic, MD4 among it, which OpenSSL 3 has put away; must not know how they are
framed.  The first version, which needs DES, is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Final

from pop3s_fake.maildrop.saslprep import Unprepared, saslprep
from pop3s_fake.protocol.sasl.exchange import (
    MASK,
    Context,
    Exchange,
    Granted,
    Mechanism,
    Refused,
    wrong_credentials,
)

__all__ = ("MSN", "NTLM")

_SIGNATURE: Final = b"NTLMSSP\0"
_HEAD: Final = struct.Struct("<8sI")
_FIELD: Final = struct.Struct("<HHI")
"""Octets of a field, twice, and where it begins."""

_UNICODE: Final = 0x1
_FLAGS: Final = _UNICODE | 0x4 | 0x200 | 0x20000 | 0x80000 | 0x800000
"""Names are in UTF-16; the target is told, and is a server; NTLM, with its second keys; there is target information."""

_PROOF, _DOMAIN, _USER = 20, 28, 36
"""Where the fields of the third message are told."""

_PROOF_OCTETS: Final = 16
_FIRST_VERSION: Final = 24
"""Octets of a response of the first version; those of the second are more."""


def md4(octets: bytes) -> bytes:
    """MD4 (RFC 1320).

    >>> md4(b"").hex(), md4(b"message digest").hex()
    ('31d6cfe0d16ae931b73c59d7e0c089c0', 'd9130a8164549fe818874806e1c7014b')
    """
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    padded = octets + b"\x80" + bytes(-(len(octets) + 9) % 64) + struct.pack("<Q", len(octets) * 8)
    for block in struct.iter_unpack("<16I", padded):
        a, b, c, d = state
        for turn in range(48):
            if turn < 16:  # noqa: PLR2004  # three rounds of sixteen steps
                place, mixed, added, shift = turn, (b & c) | (~b & d), 0, (3, 7, 11, 19)[turn % 4]
            elif turn < 32:  # noqa: PLR2004  # the second
                place = turn % 4 * 4 + turn % 16 // 4
                mixed, added, shift = (b & c) | (b & d) | (c & d), 0x5A827999, (3, 5, 9, 13)[turn % 4]
            else:
                place = int(f"{turn % 16:04b}"[::-1], 2)
                mixed, added, shift = b ^ c ^ d, 0x6ED9EBA1, (3, 9, 11, 15)[turn % 4]
            value = (a + mixed + block[place] + added) & 0xFFFFFFFF
            a, b, c, d = d, (value << shift | value >> (32 - shift)) & 0xFFFFFFFF, b, c
        state = [(old + new) & 0xFFFFFFFF for old, new in zip(state, (a, b, c, d), strict=True)]
    return struct.pack("<4I", *state)


def key_of(user: str, domain: str, password: str) -> bytes:
    """What a response of the second version is made with.

    >>> key_of("User", "Domain", "Password").hex()
    '0c868a403bfd7a93a3001ef22ef02e3f'
    """
    return hmac.digest(md4(password.encode("utf-16-le")), (user.upper() + domain).encode("utf-16-le"), "md5")


def _begin(context: Context) -> Exchange:
    if _kind((yield b"")) != 1:
        raise Refused("NTLM begins with its first message", None)
    challenge = hashlib.sha256(context.nonce().encode()).digest()[:8]
    message = yield _second(context.host, challenge)
    if _kind(message) != 3:  # noqa: PLR2004  # the third of three
        raise Refused("NTLM ends with its third message", None)
    user, domain, response = _text(message, _USER), _text(message, _DOMAIN), _field(message, _PROOF)
    if len(response) <= _FIRST_VERSION:
        raise Refused("NTLM is spoken in its second version here", None)
    try:
        account = context.accounts.get(saslprep(user)) if user else None
    except Unprepared:
        account = None
    password = "" if account is None else account.password
    proof = hmac.digest(key_of(user, domain, password), challenge + response[_PROOF_OCTETS:], "md5")
    if account is None or not hmac.compare_digest(proof, response[:_PROOF_OCTETS]):
        raise wrong_credentials()
    return Granted(account)


def _kind(message: bytes) -> int:
    """Which message it is; 0: none."""
    if len(message) < _HEAD.size:
        return 0
    signature, kind = _HEAD.unpack_from(message)
    return int(kind) if signature == _SIGNATURE else 0


def _second(host: str, challenge: bytes) -> bytes:
    """The second message: who we are, and the challenge."""
    name = host.upper().encode("utf-16-le")
    pairs = b"".join(struct.pack("<HH", kind, len(name)) + name for kind in (2, 1)) + bytes(4)
    begin = _HEAD.size + 2 * _FIELD.size + 4 + 16
    return b"".join(
        (
            _HEAD.pack(_SIGNATURE, 2),
            _FIELD.pack(len(name), len(name), begin),
            struct.pack("<I", _FLAGS),
            challenge,
            bytes(8),
            _FIELD.pack(len(pairs), len(pairs), begin + len(name)),
            name,
            pairs,
        )
    )


def _field(message: bytes, place: int) -> bytes:
    """A field of a message, which is told at this place."""
    if len(message) < place + _FIELD.size:
        raise Refused("a message of NTLM has its fields where it says", None)
    size, _, begin = _FIELD.unpack_from(message, place)
    if begin + size > len(message):
        raise Refused("a message of NTLM has its fields where it says", None)
    return message[begin : begin + size]


def _text(message: bytes, place: int) -> str:
    try:
        return _field(message, place).decode("utf-16-le")
    except UnicodeDecodeError:
        raise Refused("the names of NTLM are in UTF-16", None) from None


def _shown(response: bytes, _: int) -> str:
    r"""Which message it is, and nothing of what is in it.

    >>> _shown(b"NTLMSSP\0\1\0\0\0", 0), _shown(b"open sesame", 0)
    ('NTLM message 1 ****', '****')
    """
    kind = _kind(response)
    return f"NTLM message {kind} {MASK}" if kind else MASK if response else ""


NTLM: Final = Mechanism("NTLM", _begin, _shown)
MSN: Final = Mechanism("MSN", _begin, _shown)
"""The same by another name."""
