"""From the octets of a file to those of a message: line ends, and whether it is a message at all.

Knows RFC 5322 as far as the first line shows it, and the CRLF of RFC 1939; must not know where the octets come from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ("in_crlf", "is_mbox", "no_mail")

# The name of a header field (RFC 5322 section 3.6.8) that a human would give one; or no header at all, which is an
# empty line; or the line that some programs write in front when they export one message of an mbox.
_begins_mail = re.compile(rb"[A-Za-z0-9][!-9;-~]*[ \t]*:|\r?\n|From ").match


def in_crlf(pieces: Iterable[bytes]) -> Iterator[bytes]:
    r"""The pieces with LF as CRLF, and a final CRLF unless there are no octets; a lone CR stays.  No piece is empty.

    This is what :meth:`Maildrop.add <pop3s_fake.maildrop.Maildrop.add>` makes of a file, for any size.

    >>> b"".join(in_crlf([b"a\nb\r", b"\nc\rd"]))
    b'a\r\nb\r\nc\rd\r\n'
    """
    cr = b""  # one that stood at the end of a piece: the next may begin with its LF
    complete = True
    for piece in pieces:
        octets = cr + piece
        cr = b"\r" if octets.endswith(b"\r") else b""
        if cr:
            octets = octets[:-1]
        if octets:
            octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            complete = octets.endswith(b"\n")
            yield octets
    if cr or not complete:
        yield cr + b"\r\n"


def no_mail(head: bytes) -> str | None:
    r"""Why octets that begin like this are no message; None if they may be one, as no octets at all may.

    >>> no_mail(b"\x89PNG\r\n")
    "it begins with b'\\x89PNG\\r\\n', not with a header field such as 'Subject: ...'"
    """
    if not head or _begins_mail(head):
        return None
    return f"it begins with {head[:16]!r}, not with a header field such as 'Subject: ...'"


def is_mbox(head: bytes) -> bool:
    """Whether octets that begin like this are an mbox: with a From_ line, after which each message begins."""
    return head.lstrip(b"\r\n").startswith(b"From ")
