"""The way out: octets gathered into good pieces, or cut and slowed down.

Knows pieces and pauses; must not know rules or replies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pop3s_fake.rules.actions import MOST_OF_RECORD
from pop3s_fake.rules.operations import Octets, Pause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake.rules.actions import Pace

__all__ = ("PIECE", "Outlet")

PIECE: Final = 5 * 16384
"""Octets that are sent at once where nothing is paced: five full TLS records, where sending is fastest."""

RECORD: Final = MOST_OF_RECORD
"""The most octets of one piece of a paced reply: more do not fit one record."""

TICKS: Final = 10
"""Pieces a second into which a rate is cut: smooth enough for people and clients, cheap enough for the machine."""


class Outlet:
    """Gathers octets and gives them as operations.

    >>> outlet = Outlet()
    >>> list(outlet.push(b"+OK")), list(outlet.push(b"...")), list(outlet.flush())
    ([], [], [Octets(octets=b'+OK...')])
    """

    __slots__ = ("_first", "_gap", "_held", "paced", "size")

    def __init__(self) -> None:
        self.size: int = PIECE
        """Octets of a piece."""
        self.paced: bool = False
        """Whether a rule said so."""
        self._gap: float | None = None
        self._first = True
        self._held = bytearray()

    def pace(self, pace: Pace) -> None:
        """From here on send as this says; there is no pause before the first piece."""
        self._first = self.paced = True
        if pace.rate is not None:
            self.size = min(RECORD, max(1, round(pace.rate / TICKS)))
            self._gap = self.size / pace.rate
        elif pace.size is not None:
            self.size = pace.size
            self._gap = pace.gap

    def push(self, octets: bytes) -> Iterator[Octets | Pause]:
        """Take octets; give the pieces that are full."""
        held = self._held
        held += octets
        while len(held) >= self.size:
            yield from self._piece()

    def flush(self) -> Iterator[Octets | Pause]:
        """Give what is held."""
        if self._held:
            yield from self._piece()

    def _piece(self) -> Iterator[Octets | Pause]:
        if self._gap is not None and not self._first:
            yield Pause(self._gap)
        self._first = False
        piece = bytes(self._held[: self.size])
        del self._held[: self.size]
        yield Octets(piece)
