"""Actions whose offsets count the octets of a layer below POP3, met one after the other as the octets pass.

Knows how such an offset becomes a place in the stream (``@tls:60``, ``@tcp:-3``); must not know records or writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.rules.placing import BEHIND, lasting

if TYPE_CHECKING:
    from pop3s_fake.rules.bound import Item
    from pop3s_fake.rules.striking import Striking
    from pop3s_fake.rules.when import Layer

__all__ = ("Placed",)


class Placed:
    """The actions of one layer in the order of their places; each is given out once."""

    __slots__ = ("_backwards", "_inserted", "_items", "_layer", "_striking", "position")

    def __init__(self, striking: Striking, layer: Layer) -> None:
        self.position: int = 0
        """Octets of this layer that have passed."""
        self._striking = striking
        self._layer = layer
        self._inserted = 0
        """Octets that rules have put between, as long as places count from an end that has not come."""
        items = [(item.spot.offset, item) for item in striking.placed if item.spot.offset is not None]
        items = [(offset, item) for offset, item in items if offset.layer == layer]
        self._backwards: list[tuple[int, Item]] = [
            (offset.count, item) for offset, item in items if offset.kind == "back" and not item.spot.behind
        ]
        """How far before the end an action stands, until that has come."""
        self._items: list[tuple[int, Item]] = [
            (BEHIND if item.spot.behind else offset.count + item.spot.plus, item)
            for offset, item in items
            if offset.kind != "back" or item.spot.behind
        ]
        self._sort()

    @property
    def reach(self) -> int:
        """How many of the last octets may not pass before the end has come, since places count from there."""
        return max((count for count, _ in self._backwards), default=0)

    def ends_at(self, total: int) -> None:
        """All octets are there, so many: places that count from the end become places from the beginning."""
        for count, item in self._backwards:
            octet = total + self._inserted - count + item.spot.plus
            if octet < 0:
                size = f"{total} octets on the {self._layer.upper()} layer"
                self._striking.beyond(item, total, f"{size}, so {item.spot.offset} lay before its beginning")
            else:
                self._items.append((octet, item))
        self._backwards = []
        self._sort()

    def inserted(self, octets: int) -> None:
        """A rule puts so many octets of its own where we are: what counts from the end comes so much later."""
        self._inserted += octets
        self._items = [
            (
                place + octets if item.spot.offset and item.spot.offset.kind == "back" and place != BEHIND else place,
                item,
            )
            for place, item in self._items
        ]
        self._sort()

    def first_within(self, octets: int) -> tuple[int, list[Item]] | None:
        """What is met first in the next so many octets: how many of them lie before it, and the actions there."""
        if not self._items or self._items[-1][0] >= self.position + octets:
            return None
        place, item = self._items.pop()
        here = [item]
        while self._items and self._items[-1][0] == place:
            here.append(self._items.pop()[1])
        return max(place - self.position, 0), here

    def at_the_end(self) -> list[Item]:
        """What stands just behind the last octet; of what lies further on it is noted that there was no such place."""
        here: list[Item] = []
        while self._items:
            place, item = self._items.pop()
            if place == BEHIND or (place == self.position and not lasting(item.action)):
                here.append(item)
            else:
                size = f"{self.position} octets on the {self._layer.upper()} layer"
                self._striking.beyond(item, self.position, f"{size}, so {item.spot.offset} lay beyond the end")
        return here

    def _sort(self) -> None:
        self._items.sort(key=lambda pair: (pair[0], pair[1].sorted_by), reverse=True)
