r"""Octets to command lines: split at CRLF and nowhere else, with a bound on what is kept.

Knows where a line ends (RFC 1939 section 3) and how long it may be (RFC 2449 section 4); must not know what a
command means.  A line that outgrows the bound is dropped up to its CRLF and told once, so that its tail is never
taken for a command and an endless line costs no memory.
"""

from __future__ import annotations

import enum
from typing import Final, Literal

__all__ = ("COMMAND_LIMIT", "LINE_LIMIT", "OVERLONG", "Line", "LineReader")

COMMAND_LIMIT = 255
"""Octets of a command with its CRLF that every server takes and no client may exceed (RFC 2449 section 4)."""

LINE_LIMIT = 8192
"""Octets of a line with its CRLF that this server takes at most; Dovecot and Cyrus read 8 KiB, too."""


class _Overlong(enum.Enum):
    """The mark in place of a line that was too long."""

    OVERLONG = "overlong"


OVERLONG: Final = _Overlong.OVERLONG
Line = bytes | Literal[_Overlong.OVERLONG]


class LineReader:
    r"""Collects octets and gives whole lines, without their CRLF.

    >>> reader = LineReader()
    >>> reader.feed(b"STAT\r\nNO")
    [b'STAT']
    >>> reader.feed(b"OP\r\n")
    [b'NOOP']
    >>> reader.feed(b"x" * 10_000), reader.feed(b"RSET\r\nNOOP\r\n")
    ([<_Overlong.OVERLONG: 'overlong'>], [b'NOOP'])
    """

    __slots__ = ("_dropping", "_limit", "rest")

    rest: bytes
    """The octets of the line that is not finished yet."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        """Take lines of at most ``limit`` octets, their CRLF counted."""
        self._limit = limit - 2
        self._dropping = False
        self.rest = b""

    def feed(self, octets: bytes) -> list[Line]:
        """The lines that these octets complete, in order; a line that is too long is told as soon as it is."""
        if self.rest:
            octets = self.rest + octets
        *whole, rest = octets.split(b"\r\n")
        if self._dropping and whole:
            del whole[0]
            self._dropping = False
        limit = self._limit
        lines: list[Line] = [line if len(line) <= limit else OVERLONG for line in whole]
        if self._dropping:
            rest = b"\r" if rest.endswith(b"\r") else b""
        elif len(rest) > limit + 1:  # one more: it may be the CR
            lines.append(OVERLONG)
            self._dropping = True
            rest = b"\r" if rest.endswith(b"\r") else b""
        self.rest = rest
        return lines
