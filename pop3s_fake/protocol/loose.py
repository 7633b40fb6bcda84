"""Octets to command lines where LF alone may end one, and where the longest one depends on the state.

Knows line ends; must not know what a line means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.lines import RESPONSE_LIMIT, Line, LineReader

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("LooseReader",)

_BARE: Final = re.compile(rb"(?<!\r)\n")


class LooseReader(LineReader):
    r"""A reader of lines that end in LF, with CR before it or without; ``tell`` hears of each one without.

    >>> reader = LooseReader(100, bare_lf=True, tell=print)
    >>> reader.feed(b"STAT\nNOOP\r"), reader.feed(b"\n")
    b'STAT\nNOOP\r'
    ([b'STAT'], [b'NOOP'])
    """

    __slots__ = ("_bare_lf", "_tell")

    def __init__(self, limit: int, *, bare_lf: bool, tell: Callable[[bytes], None]) -> None:
        """Take lines of at most ``limit`` octets, their CRLF counted."""
        super().__init__(limit)
        self._bare_lf = bare_lf
        self._tell = tell

    def takes(self, limit: int) -> None:
        """From now on take lines of at most so many octets."""
        self._limit = limit - 2

    def feed(self, octets: bytes = b"") -> list[Line]:
        """The lines that these octets complete."""
        return super().feed(self._regular(octets))

    def response(self, octets: bytes = b"", limit: int = RESPONSE_LIMIT - 2) -> Line | None:
        """The next line of an AUTH exchange, which may be no longer than any other here."""
        return super().response(self._regular(octets), min(limit, self._limit))

    def _regular(self, octets: bytes) -> bytes:
        """The same octets with CRLF where there was LF."""
        if not self._bare_lf or b"\n" not in octets:
            return octets
        head = octets[:1] if self.rest.endswith(b"\r") else b""
        tail = octets[len(head) :]
        regular = _BARE.sub(b"\r\n", tail)
        if regular != tail:
            self._tell(octets)
        return head + regular
