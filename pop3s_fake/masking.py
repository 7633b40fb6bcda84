"""Passwords out of everything that people read.

Knows which commands carry credentials and how a password may be hidden in a line; must not know where the text is
shown.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ("MASK", "hidden", "masked", "shown")

MASK: Final = "****"

LEAST: Final = 4
"""Characters of a password that is looked for wherever it stands: a shorter one would be found in half of all lines."""

_MASK: Final = MASK.encode()

_SPACE: Final = 0x20
_TILDE: Final = 0x7E
"""The first and the last printable character."""

_KEYWORD: Final = re.compile(
    rb"(?i:STAT|LIST|RETR|DELE|NOOP|RSET|TOP|UIDL|CAPA|LAST|QUIT|USER|PASS|APOP|AUTH|STLS|UTF8|LANG)(?= |\Z)"
)

_CREDENTIALS: Final = re.compile(rb"(?is)(?<![a-z])(PASS|(?:AUTH|APOP)\s+\S+(?=\s)).+")

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]{6,}={0,2}")


def masked(line: bytes, secrets: Iterable[bytes] = (), names: Collection[bytes] = ()) -> str:
    r"""A client's line as it may be shown: credentials and known secrets replaced, odd octets escaped.

    Credentials are masked by their place, whatever they are; ``secrets`` wherever they stand, in base64, too.  Only a
    keyword, and behind USER one of ``names``, is never taken for a secret.

    >>> masked(b"PASS open sesame"), masked(b"apop ann c4c9334bac560ecc979e58001b3e22fb")
    ('PASS ****', 'apop ann ****')
    >>> masked(b"USER ann\nPASS sesame"), masked(b"PASSWORD sesame"), masked(b"X sesame", [b"sesame"])
    ('USER ann\\nPASS ****', 'PASS ****', 'X ****')
    >>> masked(b"AGFubgBzZXNhbWU=", [b"sesame"]), masked(b"USER test", [b"test"], [b"test"])
    ('****', 'USER test')
    """
    if line[:5].upper() == b"USER " and line[5:] in names:
        return shown(line)
    known = sorted((secret for secret in secrets if len(secret) >= LEAST), key=len, reverse=True)
    keyword = _KEYWORD.match(line)
    start = keyword.end() if keyword else 0
    rest = hidden(line[start:], known)  # first of all: PASS may stand within a secret
    rest = _BASE64.sub(lambda found: _MASK if _hides(found[0], known) else found[0], rest)
    return shown(_CREDENTIALS.sub(rb"\1 " + _MASK, line[:start] + rest))


def hidden(octets: bytes, secrets: Iterable[bytes]) -> bytes:
    r"""The octets without these secrets, the longest one first; those that are too short to look for stay.

    A secret is found in the form, too, in which a rule's quoted text shows it.

    >>> hidden(b"-ERR not sesame", [b"sesame", b"not"])
    b'-ERR not ****'
    >>> hidden(rb'reply "-ERR not se\"same"', [b'se"same'])
    b'reply "-ERR not ****"'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= LEAST:
            octets = octets.replace(secret, _MASK)
            if not secret.isalnum():
                octets = octets.replace(_quoted(secret), _MASK)
    return octets


def _quoted(secret: bytes) -> bytes:
    """The secret as it stands in a quoted text."""
    text = secret.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b"".join(bytes((octet,)) if _SPACE <= octet <= _TILDE else b"\\x%02x" % octet for octet in text)


def _hides(word: bytes, secrets: Iterable[bytes]) -> bool:
    """Whether one of these secrets appears when the word is read as base64, as in SASL (RFC 5034 section 4)."""
    try:
        octets = binascii.a2b_base64(word.rstrip(b"=") + b"==")
    except binascii.Error:
        return False
    return any(secret in octets for secret in secrets)


def shown(octets: bytes) -> str:
    r"""Octets as one line of printable text.

    >>> shown(b"+OK \x1b]0;hi\x07 \xff")
    '+OK \\x1b]0;hi\\x07 \\xff'
    """
    text = octets.decode("latin-1")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return repr(octets)[2:-1]
