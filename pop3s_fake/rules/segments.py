"""The TCP layer of one occurrence: what is written to the socket, joined, cut, slowed down, changed octet by octet.

Knows writes and their sizes; must not know what the octets are, nor who writes them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pop3s_fake.rules.actions import Edit, Pace, Send
from pop3s_fake.rules.edits import Edits
from pop3s_fake.rules.lower import Stream, rightly
from pop3s_fake.rules.operations import Below, Flush, Octets, Struck
from pop3s_fake.rules.outlet import Outlet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pop3s_fake.rules.lower import Damage
    from pop3s_fake.rules.operations import Operation
    from pop3s_fake.rules.striking import Striking
    from pop3s_fake.rules.when import Layer

__all__ = ("Segments",)


class Segments(Stream):
    """What is written to the socket: joined, or cut and slowed down, and changed octet by octet."""

    __slots__ = ("_apart", "_due", "_edits", "_function", "_held", "_outlet", "_pushed", "_written")
    name: Layer = "tcp"

    def __init__(self, striking: Striking, damage: Damage) -> None:
        super().__init__(striking, damage)
        self._edits = Edits()
        self._outlet = Outlet()
        self._function: Edit | None = None
        self._held: list[Octets] = []
        self._apart = False
        """Whether the octets that come next are no part of the write so far; what a rule puts there, is."""
        self._due: deque[tuple[int, bytes]] = deque()
        """What the client can read, and how many octets must have been written for it."""
        self._pushed = 0
        self._written = 0

    def counted(self, operation: Operation) -> int:
        """Whatever is written counts, what a rule puts between included."""
        if isinstance(operation, Below) and isinstance(operation.action, Send):
            return len(operation.action.octets)
        return len(operation.octets) if isinstance(operation, Octets) else 0

    def begin(self, action: Edit | Pace | Send) -> Iterator[Operation]:
        """An action of this layer's begins at the octet that comes next."""
        match action:
            case Pace():
                yield from self._write(self._outlet.flush())
                self._outlet.pace(action)
            case Send():
                self.spoil()
                self.placed.position += len(action.octets)
                yield from self._push(action.octets, b"")
            case Edit():
                if callable(action.kind):
                    self._function = action
                else:
                    yield from self._push(self._edits.begin(action.kind, action.count), b"")

    def pass_on(self, operation: Operation) -> Iterator[Operation]:
        """Octets are octets; all else goes on, behind what is held."""
        match operation:
            case Octets():
                yield from self._octets(operation)
            case Below(action=action):
                yield from self.begin(action)
            case Flush():
                if operation.all:
                    yield from self.let_go()
                    yield from self._write(self._outlet.flush())
                self._apart = not self._outlet.paced
            case Struck():
                yield operation
            case _:
                yield from self.let_go()
                yield from self._write(self._outlet.flush())
                yield operation

    def _octets(self, octets: Octets) -> Iterator[Operation]:
        if self._function is not None:
            self._held.append(octets)
            return
        if self._apart:
            self._apart = False
            yield from self._write(self._outlet.flush())
        yield from self._placed(octets.octets, octets.says)

    def _placed(self, rest: bytes, says: bytes) -> Iterator[Operation]:
        """Octets, and at each place what is to be done there."""
        while (found := self.placed.first_within(len(rest))) is not None:
            at, items = found
            yield from self._through(rest[:at], b"")
            rest = rest[at:]
            if not (yield from self.carried_out(items, self.placed.position)):
                return
        yield from self._through(rest, says)

    def _through(self, octets: bytes, says: bytes) -> Iterator[Operation]:
        """Octets under the edits that have begun."""
        self.placed.position += len(octets)
        edited = self._edits.apply(octets)
        if self._edits.changed:
            self.spoil()
        yield from self._push(edited, says)

    def _push(self, octets: bytes, says: bytes) -> Iterator[Operation]:
        self._pushed += len(octets)
        if says := self.readable(says):
            self._due.append((self._pushed, says))
        if octets:
            yield from self._write(self._outlet.push(octets))

    def _write(self, pieces: Iterable[Operation]) -> Iterator[Operation]:
        for piece in pieces:
            if isinstance(piece, Octets):
                self._written += len(piece.octets)
                said = []
                while self._due and self._due[0][0] <= self._written:
                    said.append(self._due.popleft()[1])
                piece.says = b"".join(said)
            yield piece

    def let_go(self) -> Iterator[Operation]:
        """What a function makes of all that came."""
        if self._function is not None and self._held:
            octets = b"".join(held.octets for held in self._held)
            edited = rightly(self._function, octets)
            says = b"".join(held.says for held in self._held)
            self._held = []
            if edited != octets:
                self.spoil()
            yield from self._placed(edited, says)

    def last(self) -> Iterator[Operation]:
        """What is to be doubled may have fewer octets than that."""
        yield from self._push(self._edits.finish(), b"")

    def flush(self) -> Iterator[Operation]:
        """What is held leaves."""
        yield from self._write(self._outlet.flush())
