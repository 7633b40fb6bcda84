"""The messages of a maildrop at one moment, in order: what a session sees as long as it lasts (RFC 1939 section 4).

Knows runs of messages and how several make one sequence.  It is never changed, so sessions in several threads share
one without a lock.  Must not know marks, locks or who is looking.  Places count from 0, message-numbers from 1.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate, chain
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pop3s_fake.maildrop.message import Message

__all__ = ("Contents", "Joined", "Stored", "contents_of")

_arrival = attrgetter("arrival")
_octets = attrgetter("octets")
_uid = attrgetter("uid")


class Contents(Protocol):
    """A sequence of messages, ordered by arrival, that need not exist as objects."""

    def __len__(self) -> int:
        """How many messages there are."""
        ...

    def message(self, place: int) -> Message:
        """The message at this place."""
        ...

    def octets(self, place: int) -> int:
        """The announced size of the message at this place."""
        ...

    def uid(self, place: int) -> str:
        """The unique-id of the message at this place."""
        ...

    def arrival(self, place: int) -> int:
        """The arrival of the message at this place."""
        ...

    def place_of(self, arrival: int) -> int | None:
        """Where the message with this arrival stands, or None if it is not here."""
        ...

    def sizes(self) -> Iterator[int]:
        """The announced size of each message."""
        ...

    def uids(self) -> Iterator[str]:
        """The unique-id of each message."""
        ...

    def arrivals(self) -> Iterator[int]:
        """The arrival of each message."""
        ...

    def total(self) -> int:
        """The announced size of all messages; worked out once."""
        ...


class Stored:
    """Messages that exist as objects."""

    __slots__ = ("_messages", "_total")

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = tuple(messages)
        self._total: int | None = None

    def __len__(self) -> int:
        return len(self._messages)

    def message(self, place: int) -> Message:
        """The message at this place."""
        return self._messages[place]

    def octets(self, place: int) -> int:
        """The announced size of the message at this place."""
        return self._messages[place].octets

    def uid(self, place: int) -> str:
        """The unique-id of the message at this place."""
        return self._messages[place].uid

    def arrival(self, place: int) -> int:
        """The arrival of the message at this place."""
        return self._messages[place].arrival

    def place_of(self, arrival: int) -> int | None:
        """Where the message with this arrival stands, or None if it is not here."""
        place = bisect_left(self._messages, arrival, key=_arrival)
        return place if place < len(self._messages) and self._messages[place].arrival == arrival else None

    def sizes(self) -> Iterator[int]:
        """The announced size of each message."""
        return map(_octets, self._messages)

    def uids(self) -> Iterator[str]:
        """The unique-id of each message."""
        return map(_uid, self._messages)

    def arrivals(self) -> Iterator[int]:
        """The arrival of each message."""
        return map(_arrival, self._messages)

    def total(self) -> int:
        """The announced size of all messages; worked out once."""
        if self._total is None:
            self._total = sum(self.sizes())
        return self._total


class Joined:
    """Several runs, one after the other; none is empty, and each arrived before the next."""

    __slots__ = ("_ends", "_firsts", "_runs", "_starts")

    def __init__(self, runs: Sequence[Contents]) -> None:
        self._runs = tuple(runs)
        self._ends = list(accumulate(map(len, runs)))
        self._starts = [0, *self._ends[:-1]]
        self._firsts = [run.arrival(0) for run in runs]

    def __len__(self) -> int:
        return self._ends[-1]

    def _at(self, place: int) -> tuple[Contents, int]:
        run = bisect_right(self._ends, place)
        return self._runs[run], place - self._starts[run]

    def message(self, place: int) -> Message:
        """The message at this place."""
        run, within = self._at(place)
        return run.message(within)

    def octets(self, place: int) -> int:
        """The announced size of the message at this place."""
        run, within = self._at(place)
        return run.octets(within)

    def uid(self, place: int) -> str:
        """The unique-id of the message at this place."""
        run, within = self._at(place)
        return run.uid(within)

    def arrival(self, place: int) -> int:
        """The arrival of the message at this place."""
        run, within = self._at(place)
        return run.arrival(within)

    def place_of(self, arrival: int) -> int | None:
        """Where the message with this arrival stands, or None if it is not here."""
        run = bisect_right(self._firsts, arrival) - 1  # -1: nor is it in the last run
        within = self._runs[run].place_of(arrival)
        return None if within is None else self._starts[run] + within

    def sizes(self) -> Iterator[int]:
        """The announced size of each message."""
        return chain.from_iterable(run.sizes() for run in self._runs)

    def uids(self) -> Iterator[str]:
        """The unique-id of each message."""
        return chain.from_iterable(run.uids() for run in self._runs)

    def arrivals(self) -> Iterator[int]:
        """The arrival of each message."""
        return chain.from_iterable(run.arrivals() for run in self._runs)

    def total(self) -> int:
        """The announced size of all messages; each run works out its own once."""
        return sum(run.total() for run in self._runs)


def contents_of(runs: Iterable[Contents]) -> Contents:
    """These runs as one sequence; one run is its own, so that the ordinary maildrop pays for nothing.

    >>> len(contents_of([]))
    0
    """
    filled = [run for run in runs if len(run)]
    if not filled:
        return Stored(())
    return filled[0] if len(filled) == 1 else Joined(filled)
