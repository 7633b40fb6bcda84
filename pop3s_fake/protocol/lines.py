r"""Octets to command lines: split at CRLF and nowhere else, with a bound on what is kept.

Knows where a line ends (RFC 1939 section 3) and how long it may be (RFC 2449 section 4); must not know what a
command means.  A line that outgrows the bound is dropped up to its CRLF and told once, so that its tail is never
taken for a command and an endless line costs no memory.
"""

from __future__ import annotations

import enum
from typing import Final, Literal

__all__ = ("COMMAND_LIMIT", "LINE_LIMIT", "OVERLONG", "RESPONSE_LIMIT", "Line", "LineReader", "Piece")

COMMAND_LIMIT = 255
"""Octets of a command with its CRLF that every server takes and no client may exceed (RFC 2449 section 4)."""

LINE_LIMIT = 8192
"""Octets of a line with its CRLF that this server takes at most; Dovecot and Cyrus read 8 KiB, too."""

RESPONSE_LIMIT = 65536
"""Octets of a line of an AUTH exchange, with its CRLF, that are taken at most: RFC 5034 section 4 knows no limit but
what a mechanism may send, and a bearer token of 16 KiB has 22 KiB in base64."""


class _Overlong(enum.Enum):
    """The mark in place of a line that was too long."""

    OVERLONG = "overlong"


class Piece(bytes):
    """What goes on in a line of which the beginning was given before, where one that is too long comes in pieces."""

    __slots__ = ()


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

    __slots__ = ("_dropping", "_limit", "held", "rest")

    rest: bytes
    """The octets that are no line yet: those of a line that is not finished, and all that is held."""
    held: bool
    """Whether there are octets that feeding nothing may make lines of.

    A line that is too long for a command is judged when it is the next one, and not before: the command in front of it
    may be AUTH, and then it is a response, which may be longer.
    """

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        """Take lines of at most ``limit`` octets, their CRLF counted."""
        self._limit = limit - 2
        self._dropping = False
        self.held = False
        self.rest = b""

    def feed(self, octets: bytes = b"") -> list[Line]:
        """The lines that these octets complete, in order; a line that is too long is told as soon as it is."""
        if self.rest:
            octets = self.rest + octets
        self.held = False
        *whole, rest = octets.split(b"\r\n")
        if self._dropping:
            if not whole:
                self.rest = b"\r" if rest.endswith(b"\r") else b""
                return []
            del whole[0]
            self._dropping = False
        self.rest = rest
        if len(octets) <= self._limit:
            return whole  # type: ignore[return-value]  # a list of octets is one of lines, and nobody else has it
        return self._bounded(whole, rest)

    def _bounded(self, whole: list[bytes], rest: bytes) -> list[Line]:
        """The same where some line may be too long: it is judged if it is the first, else held."""
        limit = self._limit
        lines: list[Line] = []
        for place, line in enumerate(whole):
            if len(line) <= limit:
                lines.append(line)
            elif place:
                self.rest = b"\r\n".join([*whole[place:], rest])
                self.held = True
                return lines
            else:
                lines.append(OVERLONG)
        if len(rest) > limit + 1:  # one more: it may be the CR
            self.held = bool(lines)
            if not self.held:
                lines.append(OVERLONG)
                self._drop(rest)
        return lines

    def response(self, octets: bytes = b"", limit: int = RESPONSE_LIMIT - 2) -> Line | None:
        r"""The next line, which may be a long one, or None; what follows it is held.

        >>> reader = LineReader()
        >>> reader.feed(b"AUTH PLAIN\r\n" + b"A" * 20_000 + b"\r\nNOOP\r\n"), len(reader.response()), reader.feed()
        ([b'AUTH PLAIN'], 20000, [b'NOOP'])
        """
        line, end, rest = (self.rest + octets).partition(b"\r\n")
        self.held = bool(rest)
        if len(line) > (limit if end else limit + 1):
            self.rest = rest
            if not end:
                self._drop(line)
            return OVERLONG
        self.rest = rest if end else line
        return line if end else None

    def forget(self) -> None:
        """Take nothing of what has come and was not given."""
        self.rest, self.held, self._dropping = b"", False, False

    def _drop(self, rest: bytes) -> None:
        """Take no more of this line; its CR may be the last thing that came."""
        self._dropping = True
        self.rest = b"\r" if rest.endswith(b"\r") else b""
