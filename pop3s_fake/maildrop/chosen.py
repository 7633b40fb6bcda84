"""Some messages of a maildrop, in an order of their own.

Knows places in other contents; must not know why these were chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pop3s_fake.maildrop.contents import Contents
    from pop3s_fake.maildrop.message import Message

__all__ = ("Chosen",)


class Chosen:
    """The messages at these places of other contents, in this order.

    >>> from pop3s_fake.maildrop.contents import Stored
    >>> from pop3s_fake.maildrop.message import Message
    >>> whole = Stored(Message(b"", name, octets=size, arrival=size) for size, name in enumerate("abc"))
    >>> some = Chosen(whole, range(2, 0, -1))
    >>> list(some.uids()), some.place_of(1), some.place_of(0), some.total()
    (['c', 'b'], 1, None, 3)
    """

    __slots__ = ("_base", "_index", "_places", "_total")

    def __init__(self, base: Contents, places: Sequence[int]) -> None:
        self._base = base
        self._places = places
        self._index: dict[int, int] | None = None
        self._total: int | None = None

    def __len__(self) -> int:
        return len(self._places)

    def message(self, place: int) -> Message:
        """The message at this place."""
        return self._base.message(self._places[place])

    def octets(self, place: int) -> int:
        """The announced size of the message at this place."""
        return self._base.octets(self._places[place])

    def uid(self, place: int) -> str:
        """The unique-id of the message at this place."""
        return self._base.uid(self._places[place])

    def arrival(self, place: int) -> int:
        """The arrival of the message at this place."""
        return self._base.arrival(self._places[place])

    def place_of(self, arrival: int) -> int | None:
        """Where the message with this arrival stands, or None if it is not here."""
        there = self._base.place_of(arrival)
        if there is None:
            return None
        if isinstance(self._places, range):
            return self._places.index(there) if there in self._places else None
        if self._index is None:
            self._index = {place: index for index, place in enumerate(self._places)}
        return self._index.get(there)

    def sizes(self) -> Iterator[int]:
        """The announced size of each message."""
        return map(self._base.octets, self._places)

    def uids(self) -> Iterator[str]:
        """The unique-id of each message."""
        return map(self._base.uid, self._places)

    def arrivals(self) -> Iterator[int]:
        """The arrival of each message."""
        return map(self._base.arrival, self._places)

    def total(self) -> int:
        """The announced size of all messages; worked out once."""
        if self._total is None:
            self._total = sum(self.sizes())
        return self._total
