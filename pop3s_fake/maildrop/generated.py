"""Messages that exist only while somebody looks: a count and a function, not an object for each.

Knows how a block of generated messages names, measures and makes them.  Must not know the maildrop they stand in.
The functions are the user's; no lock is held when they are called.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from itertools import repeat
from typing import TYPE_CHECKING, TypeAlias

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop.content import encoded
from pop3s_fake.maildrop.message import Message
from pop3s_fake.maildrop.unique_ids import check_uid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

__all__ = ("Block", "Content", "Generated", "GeneratedMessage", "Remove", "check_natural")

Content: TypeAlias = "str | bytes | Iterable[bytes]"
"""What a generating function gives: the message as text, as octets, or as pieces of octets."""

Remove: TypeAlias = "Callable[[list[int]], Iterable[int]]"
"""Carries out deletions: takes the n of messages, in order, and gives those n that it could not remove."""


def check_natural(what: str, value: object) -> int:
    """The value itself if it is an int from 0, else a `UsageError`.

    >>> check_natural("octets", -1)
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: octets must be a number from 0, not -1
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UsageError(f"{what} must be a number from 0, not {value!r}")
    return value


class Block:
    """One call of :meth:`Maildrop.generate`: ``count`` messages, numbered by ``n`` from 1.

    ``octets`` is a number or a function of n.  ``uid`` is a function of n, or the beginning of names that end in n.
    The arrival of message n is ``before + n``.  Without ``remove``, removing a message is no more than forgetting it.
    """

    __slots__ = ("_octets", "_places", "_remove", "_uid", "before", "content", "count")

    def __init__(
        self,
        count: int,
        content: Callable[[int], Content],
        octets: int | Callable[[int], int],
        uid: str | Callable[[int], str],
        before: int,
        *,
        remove: Remove | None = None,
    ) -> None:
        self.count: int = count
        self.content: Callable[[int], Content] = content
        self.before: int = before
        self._octets = octets
        self._uid = uid
        self._remove = remove
        self._places: dict[str, int] | None = None

    def octets(self, n: int) -> int:
        """The announced size of message n."""
        if isinstance(self._octets, int):
            return self._octets
        return check_natural(f"octets({n}) of generate()", self._octets(n))

    def octets_of(self, numbers: Sequence[int]) -> Iterator[int]:
        """The announced size of each of these; a constant costs nothing a message."""
        return repeat(self._octets, len(numbers)) if isinstance(self._octets, int) else map(self.octets, numbers)

    def total(self, numbers: Sequence[int]) -> int:
        """The announced size of all of these."""
        return self._octets * len(numbers) if isinstance(self._octets, int) else sum(self.octets_of(numbers))

    def uid(self, n: int) -> str:
        """The unique-id of message n."""
        return f"{self._uid}{n}" if isinstance(self._uid, str) else check_uid(self._uid(n))

    def message(self, n: int) -> GeneratedMessage:
        """Message n, made anew at every call."""
        return GeneratedMessage(self, n, self.uid(n), self.octets(n))

    def remove(self, arrivals: Iterable[int]) -> set[int]:
        """Let the user's function remove those of these messages that are this block's; the arrivals that stayed."""
        numbers = sorted(arrival - self.before for arrival in arrivals if 0 < arrival - self.before <= self.count)
        if self._remove is None or not numbers:
            return set()
        given: object = self._remove(numbers)
        try:
            stayed = set(given)  # type: ignore[call-overload]
        except TypeError as error:
            raise UsageError(
                f"remove({numbers}) of generate() gave an object of type {type(given).__name__}; "
                "it must give the numbers that it could not remove, () if there are none",
            ) from error
        return {self.before + n for n in numbers if n in stayed}

    @property
    def removes(self) -> bool:
        """Whether deletions are carried out where the messages come from."""
        return self._remove is not None

    def find(self, uid: str) -> int | None:
        """The n of the message which had this unique-id at first, or None.

        Where the unique-ids come from a function, the first search calls it for every message and keeps the names.
        """
        if isinstance(self._uid, str):
            digits = uid.removeprefix(self._uid)
            n = int(digits) if digits.isascii() and digits.isdecimal() else 0
            return n if 1 <= n <= self.count and uid == self.uid(n) else None
        if self._places is None:
            places: dict[str, int] = {}
            for n in range(1, self.count + 1):
                if (first := places.setdefault(self.uid(n), n)) != n:
                    raise UsageError(f"the uid function of generate() gives {self.uid(n)!r} for both {first} and {n}")
            self._places = places
        return self._places.get(uid)


class GeneratedMessage(Message):
    """One message of a block, made when it is asked for; only sending it tells how long it really is."""

    __slots__ = ("_block", "_n")

    def __init__(self, block: Block, n: int, uid: str, octets: int) -> None:
        super().__init__(b"", uid, octets=octets, arrival=block.before + n)
        self._block = block
        self._n = n

    @property
    def size(self) -> int | None:
        """None: not known before the content is made."""
        return None

    def chunks(self) -> Iterator[bytes]:
        """The content piece by piece, made as it is read: two gibioctets need no memory.

        At the end, `UsageError` if the octets are not as many as announced.
        """
        sent = 0
        tail = b""
        for chunk in self._pieces():
            sent += len(chunk)
            tail = (tail + chunk[-2:])[-2:]
            yield chunk
        given = sent
        if sent and tail != b"\r\n":
            sent += 2
            yield b"\r\n"
        if sent != self.octets:
            completion = "" if sent == given else ", with the final CRLF that it lacks"
            raise UsageError(
                f"message {self._n} of generate() was announced with {self.octets} octets, "
                f"but content({self._n}) gave {sent}{completion}",
            )

    def _pieces(self) -> Iterator[bytes]:
        given: object = self._block.content(self._n)
        if isinstance(given, str):
            given = (encoded(given),)
        elif isinstance(given, bytes):
            given = (given,)
        try:
            pieces: Iterator[object] = iter(given)  # type: ignore[call-overload]
        except TypeError as error:
            raise UsageError(
                f"content({self._n}) of generate() gave an object of type {type(given).__name__}; "
                "it must give str, bytes, or an iterable of bytes",
            ) from error
        for piece in pieces:
            if not isinstance(piece, bytes):
                raise UsageError(
                    f"content({self._n}) of generate() gave a piece of type {type(piece).__name__}; "
                    "each piece must be bytes",
                )
            if piece:
                yield piece

    def renamed(self, uid: str) -> GeneratedMessage:
        """The same message with another unique-id."""
        return GeneratedMessage(self._block, self._n, uid, self.octets)


class Generated:
    """Those messages of a block that are still there, as the contents of a maildrop.

    All of them are a ``range``; with some removed, an array with the n of the others, 8 octets each.
    """

    __slots__ = ("_block", "_numbers", "_total")

    def __init__(self, block: Block, numbers: range | array[int]) -> None:
        self._block = block
        self._numbers = numbers
        self._total: int | None = None

    def __len__(self) -> int:
        return len(self._numbers)

    def message(self, place: int) -> Message:
        """The message at this place, made anew."""
        return self._block.message(self._numbers[place])

    def octets(self, place: int) -> int:
        """The announced size of the message at this place."""
        return self._block.octets(self._numbers[place])

    def uid(self, place: int) -> str:
        """The unique-id of the message at this place."""
        return self._block.uid(self._numbers[place])

    def arrival(self, place: int) -> int:
        """The arrival of the message at this place."""
        return self._block.before + self._numbers[place]

    def place_of(self, arrival: int) -> int | None:
        """Where the message with this arrival stands, or None if it is not here."""
        n = arrival - self._block.before
        place = bisect_left(self._numbers, n)
        return place if place < len(self._numbers) and self._numbers[place] == n else None

    def sizes(self) -> Iterator[int]:
        """The announced size of each message."""
        return self._block.octets_of(self._numbers)

    def uids(self) -> Iterator[str]:
        """The unique-id of each message."""
        return map(self._block.uid, self._numbers)

    def arrivals(self) -> Iterator[int]:
        """The arrival of each message."""
        return map(self._block.before.__add__, self._numbers)

    def total(self) -> int:
        """The announced size of all messages; worked out once, and at once if it is constant."""
        if self._total is None:
            self._total = self._block.total(self._numbers)
        return self._total

    def without(self, arrivals: AbstractSet[int]) -> Generated:
        """The same but for the messages with these arrivals."""
        before = self._block.before
        if all(self.place_of(arrival) is None for arrival in arrivals):
            return self
        return Generated(self._block, array("Q", (n for n in self._numbers if before + n not in arrivals)))

    @property
    def removes(self) -> bool:
        """Whether deletions are carried out where the messages come from."""
        return self._block.removes

    def behind(self, last: int, kept: AbstractSet[int]) -> Generated:
        """The messages that came after this arrival, and those of the older ones that are kept."""
        before = self._block.before
        place = bisect_right(self._numbers, last - before)
        old = [n for n in self._numbers[:place] if before + n in kept] if kept else []
        later = self._numbers[place:]
        return Generated(self._block, array("Q", [*old, *later]) if old else later) if place else self

    def around(self, place: int) -> tuple[Generated, Generated]:
        """The messages before this place, and those after it."""
        return Generated(self._block, self._numbers[:place]), Generated(self._block, self._numbers[place + 1 :])
