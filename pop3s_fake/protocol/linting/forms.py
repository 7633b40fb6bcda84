"""The form of a client's line: which requirement it breaks all by itself, whatever was said before.

Knows the grammar of a command line (RFC 1939 section 3, RFC 2449 section 4, RFC 5034 section 4); must not know the
state of the conversation.
"""

from __future__ import annotations

import re
from typing import Final

from pop3s_fake.protocol.lines import COMMAND_LIMIT, OVERLONG, Line

__all__ = ("broken", "first_line")

_INITIAL_RESPONSE: Final = re.compile(rb"(?i)AUTH [^ ]+ ?")
_CREDENTIALS: Final = re.compile(rb"(?i)(USER|PASS|APOP) ")


def first_line(octets: bytes) -> bytes:
    """To a bare LF: a client that ends lines so has written several, and what follows may not have come yet."""
    return octets[: octets.find(b"\n") + 1] or octets


def broken(line: Line) -> str | None:
    """The id of the requirement that this line breaks, or None.

    An unknown keyword breaks none, and a password may hold any spaces.

    >>> broken(b"RETR 2"), broken(b"RETR  2"), broken(b"PASS  a b "), broken(b"a" * 254)
    (None, 'C-1939-3.2', None, 'C-2449-4.1')
    >>> broken(b"AUTH PLAIN "), broken(b"AUTH PLAIN " + b"A" * 244), broken(b"USER a" + bytes(1) + b"b")
    ('C-5034-4.2', 'C-5034-4.1', 'C-1939-7.PASS.2')
    """
    if line is OVERLONG:
        return "C-2449-4.1"
    initial = _INITIAL_RESPONSE.match(line)
    bare = initial is not None and initial.end() == len(line)
    if len(line) > COMMAND_LIMIT - 2:
        return "C-2449-4.1" if initial is None or bare else "C-5034-4.1"
    if (b"\0" in line or b"\r" in line[:-1]) and b"\n" not in line and _CREDENTIALS.match(line):
        return "C-1939-7.PASS.2"
    if bare and line.endswith(b" "):
        return "C-5034-4.2"
    odd = b"\n" in line or b"\r" in line or b"\t" in line or line[:1] in {b"", b" "}
    spaced = (b"  " in line or line.endswith(b" ")) and line[:5].upper() != b"PASS "
    return "C-1939-3.2" if odd or spaced else None
