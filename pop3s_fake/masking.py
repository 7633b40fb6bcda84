"""Passwords out of everything that people read.

Knows which commands carry credentials and what the accounts' passwords are; must not know where the text is shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("MASK", "masked")

MASK: Final = "****"

_CREDENTIALS: Final = re.compile(
    rb"(?is)(?:(?<![a-z])(PASS|AUTH[ \t]+[^ \t]+|APOP[ \t]+[^ \t]+))(?:[ \t]+|(?<=PASS)[^\r\n]).*"
)


def masked(line: bytes, secrets: Iterable[bytes] = ()) -> str:
    r"""A client's line as it may be shown: credentials and known secrets replaced, odd octets escaped.

    >>> masked(b"PASS open sesame"), masked(b"apop ann c4c9334bac560ecc979e58001b3e22fb")
    ('PASS ****', 'apop ann ****')
    >>> masked(b"USER ann\nPASS sesame"), masked(b"PASSWORD sesame"), masked(b"X sesame", [b"sesame"])
    ('USER ann\\nPASS ****', 'PASS ****', 'X ****')
    """
    text = _CREDENTIALS.sub(rb"\1 " + MASK.encode(), line)
    for secret in secrets:
        text = text.replace(secret, MASK.encode())
    return shown(text)


def shown(octets: bytes) -> str:
    r"""Octets as one line of printable text.

    >>> shown(b"+OK \x1b]0;hi\x07 \xff")
    '+OK \\x1b]0;hi\\x07 \\xff'
    """
    text = octets.decode("latin-1")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return repr(octets)[2:-1]
