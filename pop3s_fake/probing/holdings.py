"""What a maildrop is known to hold, and which message-numbers may be asked for because of that.

Knows what STAT, LIST and UIDL tell, however oddly; must not know how they were asked, nor keep any message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("BIG", "Holdings", "number_in")

BIG: Final = 1 << 20
"""Octets of a message that is too long to be asked for."""

APART: Final = 7
"""How far above the last message a number lies that none has, so that mail may come meanwhile."""

_DIGITS: Final = 18
"""Digits of a number that is taken for one: enough for 64 bits, and cheap to read."""


class Holdings:
    """Counts and numbers, as far as the server has told them.

    >>> held = Holdings()
    >>> held.beyond is None  # nobody has said how many there are
    True
    >>> held.counted("+OK 12 3400")
    >>> held.listed(["1 900", "2 80"]), held.short, held.beyond
    ((900, 80), 2, 19)
    """

    def __init__(self) -> None:
        self.count: int | None = None
        """The messages that STAT told of; None: it was not asked, or said something else."""
        self._sizes: dict[int, int] = {}
        self._highest = 0

    def counted(self, status: str) -> None:
        """Take the answer to STAT (RFC 1939 §5: "+OK", the messages, their octets)."""
        words = status.split()
        self.count = number_in(words[1]) if words[:1] == ["+OK"] and len(words) > 1 else None

    def listed(self, lines: Iterable[str]) -> tuple[int, ...]:
        """Take the scan listings of LIST; gives the sizes, in octets, of those that have one."""
        self._sizes = {}
        for line in lines:
            number, size = self._numbered(line), number_in(line.partition(" ")[2].partition(" ")[0])
            if number and size is not None:
                self._sizes[number] = size
        return tuple(self._sizes.values())

    def named(self, lines: Iterable[str]) -> None:
        """Take the unique-id listings of UIDL, of which the numbers count."""
        for line in lines:
            self._numbered(line)

    @property
    def known(self) -> bool:
        """Whether any message was listed with its size."""
        return bool(self._sizes)

    @property
    def short(self) -> int | None:
        """The number of the shortest message; None where there is none that is short enough to be asked for."""
        size, number = min(((size, number) for number, size in self._sizes.items()), default=(BIG, 0))
        return number if size < BIG else None

    @property
    def beyond(self) -> int | None:
        """A number that no message has; None where nobody has said how many there are."""
        return None if self.count is None else max(self.count, self._highest) + APART

    def _numbered(self, line: str) -> int:
        """The message-number before a line."""
        number = number_in(line.partition(" ")[0]) or 0
        self._highest = max(self._highest, number)
        return number


def number_in(word: str) -> int | None:
    """The number that a word is; None where it is none, or one of more digits than anything here has.

    >>> number_in("12"), number_in("²"), number_in("9" * 5000), number_in("")
    (12, None, None, None)
    """
    return int(word) if word.isascii() and word.isdigit() and len(word) <= _DIGITS else None
