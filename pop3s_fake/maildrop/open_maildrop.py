"""What one session sees of a maildrop: message-numbers, deletion marks, UPDATE (RFC 1939 sections 4 to 6).

Knows numbers and marks; changes nothing that is stored but in `update`.  Must not know commands, replies or who asks.
An open maildrop belongs to one session and is used by one thread at a time, but for `close`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake.maildrop.contents import Contents
    from pop3s_fake.maildrop.message import Message
    from pop3s_fake.maildrop.store import Store

__all__ = ("LiveOpenMaildrop", "OpenMaildrop", "UpdateResult")

_Detail = TypeVar("_Detail")


class UpdateResult(NamedTuple):
    """What became of the marked messages: unique-ids in the order of their numbers.

    One that somebody else had removed before is in neither.
    """

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    """Those that could not be removed: QUIT is answered ``-ERR`` (RFC 1939 section 6)."""


class OpenMaildrop:
    r"""The maildrop as it was when it was opened; only the marks are the session's own.

    Numbers count from 1.  Where a number is asked for, None (or False) stands for all that RFC 1939 answers with
    ``-ERR``: no such message, or marked as deleted.

    >>> from pop3s_fake.maildrop import Maildrop
    >>> maildrop = Maildrop()
    >>> messages = maildrop.add("Subject: one\n\n", "Subject: two\n\n")
    >>> session = maildrop.open("session 1")
    >>> session.mark(1), session.stat(), list(session.listing()), session.message(1)
    (True, (1, 16), [(2, 16)], None)
    >>> len(maildrop), session.update().removed == (messages[0].uid,), len(maildrop)
    (2, True, 1)
    >>> session.close()
    """

    __slots__ = ("_contents", "_marked", "_marked_octets", "_store", "_taken")

    def __init__(self, store: Store, contents: Contents, taken: object) -> None:
        self._store = store
        self._contents = contents
        self._taken = taken
        self._marked: set[int] = set()
        self._marked_octets = 0

    def _place(self, number: int) -> int | None:
        """Where the undeleted message with this number stands in the contents, or None."""
        return number - 1 if 0 < number <= len(self._contents) and number not in self._marked else None

    def stat(self) -> tuple[int, int]:
        """How many messages are not marked, and their octets: the drop listing (RFC 1939 section 5, STAT)."""
        return len(self._contents) - len(self._marked), self._contents.total() - self._marked_octets

    def message(self, number: int) -> Message | None:
        """The message with this number."""
        place = self._place(number)
        return None if place is None else self._contents.message(place)

    def octets(self, number: int) -> int | None:
        """The announced size of the message with this number."""
        place = self._place(number)
        return None if place is None else self._contents.octets(place)

    def uid(self, number: int) -> str | None:
        """The unique-id of the message with this number."""
        place = self._place(number)
        return None if place is None else self._contents.uid(place)

    def listing(self) -> Iterator[tuple[int, int]]:
        """Number and size of each message that is not marked (RFC 1939 section 5, LIST)."""
        return self._unmarked(enumerate(self._contents.sizes(), 1))

    def unique_ids(self) -> Iterator[tuple[int, str]]:
        """Number and unique-id of each message that is not marked (RFC 1939 section 7, UIDL)."""
        return self._unmarked(enumerate(self._contents.uids(), 1))

    def _unmarked(self, lines: Iterator[tuple[int, _Detail]]) -> Iterator[tuple[int, _Detail]]:
        return (line for line in lines if line[0] not in self._marked) if self._marked else lines

    def mark(self, number: int) -> bool:
        """Mark a message as deleted (RFC 1939 section 5, DELE); nothing is removed before `update`."""
        place = self._place(number)
        if place is None:
            return False
        self._marked_octets += self._contents.octets(place)
        self._marked.add(number)
        return True

    @property
    def last_number(self) -> int:
        """The highest message-number of this session, marked or not; 0 where there is none."""
        return len(self._contents)

    @property
    def marked(self) -> int:
        """How many messages are marked."""
        return len(self._marked)

    def is_marked(self, number: int) -> bool:
        """Whether the message with this number is marked."""
        return number in self._marked

    def expunged(self, number: int) -> bool:  # noqa: ARG002  # a site's policy goes by it
        """Whether a site's policy has let somebody else remove the message with this number, which was listed."""
        return False

    def vanished(self, number: int) -> bool:
        """Whether somebody else has removed the message with this number since the maildrop was opened."""
        return self._store.contents().place_of(self._contents.arrival(number - 1)) is None

    def unmark_all(self) -> None:
        """Take back every mark (RFC 1939 section 5, RSET)."""
        self._marked.clear()
        self._marked_octets = 0

    def update(self) -> UpdateResult:
        """Remove exactly the marked messages from the maildrop (RFC 1939 section 6).

        Of those, the ones that are still there; no other is ever removed.  The lock stays until `close`.
        """
        if not self._marked:
            return UpdateResult((), ())
        uids = self._marked_uids()
        removed, kept = self._store.update(uids)
        return UpdateResult(
            tuple(uid for arrival, uid in uids.items() if arrival in removed),
            tuple(uid for arrival, uid in uids.items() if arrival in kept),
        )

    def _marked_uids(self) -> dict[int, str]:
        """The unique-id of each marked message by its arrival, in the order of the numbers."""
        contents = self._contents
        return {contents.arrival(number - 1): contents.uid(number - 1) for number in sorted(self._marked)}

    @property
    def retrieves(self) -> bool:
        """Whether anything hangs on what is retrieved."""
        return False

    @property
    def top_reads(self) -> bool:
        """Whether TOP counts as retrieving."""
        return False

    @property
    def early(self) -> bool:
        """Whether it was opened too soon behind the last time, by a site's policy."""
        return False

    @property
    def waits(self) -> bool:
        """Whether UPDATE comes behind the answer to QUIT."""
        return False

    @property
    def aborts(self) -> bool:
        """Whether there is no UPDATE where the client is gone before it begins."""
        return False

    def retrieval(self, number: int) -> int | None:
        """The size that is announced where the message with this number is retrieved."""
        return self.octets(number)

    def allows(self, number: int) -> bool:  # noqa: ARG002  # the same
        """Whether the message with this number may be retrieved; it counts as retrieved then."""
        return True

    def retrieved(self, number: int) -> None:
        """Be told that the message with this number was retrieved; nothing hangs on it."""

    def lost(self) -> tuple[str, ...]:
        """End without UPDATE; gives the unique-ids of what was removed all the same, which is nothing."""
        return ()

    def marked_uids(self) -> list[str]:
        """The unique-ids of the messages that are marked, in the order of their numbers."""
        return list(self._marked_uids().values())

    def close(self) -> None:
        """Free the exclusive-access lock; the marks come to nothing.  Closing again does nothing."""
        self._store.release(self._taken)

    def __repr__(self) -> str:
        count, octets = self.stat()
        return f"<{type(self).__name__}: {count} messages, {octets} octets, {self.marked} marked>"


class LiveOpenMaildrop(OpenMaildrop):
    """The maildrop as it is at this moment: later messages get the next numbers, removed ones leave a gap.

    A number means the same message as long as the session lasts, so each session keeps a list of arrivals, 8 octets a
    message, made when it opens: with a million messages that takes a moment, as each listing does.
    """

    __slots__ = ("_arrivals",)

    def __init__(self, store: Store, contents: Contents, taken: object) -> None:
        super().__init__(store, contents, taken)
        self._arrivals = array("Q", contents.arrivals())

    def _look(self) -> None:
        """Take in what changed since the last look."""
        contents = self._store.contents()
        if contents is self._contents:
            return
        self._contents = contents
        last = self._arrivals[-1] if self._arrivals else 0
        place = len(contents)
        while place and contents.arrival(place - 1) > last:
            place -= 1
        self._arrivals.extend(map(contents.arrival, range(place, len(contents))))

    @property
    def last_number(self) -> int:
        """The highest message-number that this session has seen."""
        return len(self._arrivals)

    def _place(self, number: int) -> int | None:
        self._look()
        if not 0 < number <= len(self._arrivals) or number in self._marked:
            return None
        return self._contents.place_of(self._arrivals[number - 1])

    def _marked_places(self) -> dict[int, int]:
        """Where those marked messages stand that are still there, by arrival."""
        self._look()
        arrivals = [self._arrivals[number - 1] for number in sorted(self._marked)]
        places = {arrival: self._contents.place_of(arrival) for arrival in arrivals}
        return {arrival: place for arrival, place in places.items() if place is not None}

    def stat(self) -> tuple[int, int]:
        """How many messages are there and not marked, and their octets."""
        marked = self._marked_places().values()
        octets = sum(map(self._contents.octets, marked))
        return len(self._contents) - len(marked), self._contents.total() - octets

    def listing(self) -> Iterator[tuple[int, int]]:
        """Number and size of each message that is there and not marked."""
        self._look()
        contents = self._contents
        return ((number, contents.octets(place)) for number, place in self._present())

    def unique_ids(self) -> Iterator[tuple[int, str]]:
        """Number and unique-id of each message that is there and not marked."""
        self._look()
        contents = self._contents
        return ((number, contents.uid(place)) for number, place in self._present())

    def _present(self) -> Iterator[tuple[int, int]]:
        contents = self._contents
        for number, arrival in enumerate(self._arrivals, 1):
            place = contents.place_of(arrival)
            if place is not None and number not in self._marked:
                yield number, place

    def _marked_uids(self) -> dict[int, str]:
        return {arrival: self._contents.uid(place) for arrival, place in self._marked_places().items()}
