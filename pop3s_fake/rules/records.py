r"""The TLS layer of one occurrence: records left out, doubled, exchanged, damaged, made smaller, or cut anywhere.

Knows what a record is, five octets and so many more (RFC 8446 section 5.1); must not know how one is sealed, nor
sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pop3s_fake.rules.actions import Edit, Pace
from pop3s_fake.rules.lower import Stream, rightly
from pop3s_fake.rules.operations import Below, Flush, Octets, Pause, Struck
from pop3s_fake.rules.outlet import Outlet

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pop3s_fake.rules.actions import Send
    from pop3s_fake.rules.bound import Item
    from pop3s_fake.rules.lower import Damage
    from pop3s_fake.rules.operations import Operation
    from pop3s_fake.rules.striking import Striking
    from pop3s_fake.rules.when import Layer

__all__ = ("Records", "records_of")

HEADER: Final = 5
"""Octets of a record before its content: type, version, length (RFC 8446 section 5.1)."""

HANDSHAKE: Final = 22
CHANGE_CIPHER_SPEC: Final = 20
"""Content types (RFC 8446 section 5.1)."""


def records_of(octets: bytes) -> Iterator[bytes]:
    r"""Sealed octets, record by record; what is no whole record comes last, as it is.

    >>> list(records_of(b"\x17\x03\x03\x00\x02ab\x15\x03\x03\x00\x01c"))
    [b'\x17\x03\x03\x00\x02ab', b'\x15\x03\x03\x00\x01c']
    """
    at = 0
    while at < len(octets):
        end = at + HEADER + int.from_bytes(octets[at + 3 : at + HEADER], "big")
        yield octets[at:end]
        at = end


class Records(Stream):
    """Records as they were sealed: left out, doubled, exchanged, damaged, or cut anywhere."""

    __slots__ = ("_edits", "_encrypted", "_flipping", "_fragments", "_function", "_held", "_swapped", "_truncated")
    name: Layer = "tls"

    def __init__(self, striking: Striking, damage: Damage) -> None:
        super().__init__(striking, damage)
        self._edits: list[tuple[Edit, int]] = []
        """Edits that have begun, with how many records or octets they still touch."""
        self._flipping = 0
        """Octets that a flip still has to turn, from the next record's first one on."""
        self._swapped: list[Octets] = []
        self._truncated = False
        self._function: Edit | None = None
        self._held: list[Octets] = []
        self._fragments: Outlet | None = None
        """Cuts the content of the handshake's records; those of replies are sealed in the size that is asked for."""
        self._encrypted = False

    def counted(self, operation: Operation) -> int:
        """Whatever comes here is a record."""
        return len(operation.octets) if isinstance(operation, Octets) else 0

    def begin(self, action: Edit | Pace | Send) -> Iterator[Operation]:
        """An action of this layer's begins at the record that comes next; one of the layer below goes on down."""
        if action.layer != self.name:
            yield Below(action)
        elif isinstance(action, Pace):
            self._fragments = Outlet()
            self._fragments.pace(action)
        elif isinstance(action, Edit):
            if callable(action.kind):
                self._function = action
            elif action.kind == "truncate":
                self._truncated = True
            else:
                self._edits.append((action, action.count))

    def pass_on(self, operation: Operation) -> Iterator[Operation]:
        """A record is a record; all else goes on down, behind what is held."""
        match operation:
            case Octets():
                for piece in self._fragmented(operation):
                    if isinstance(piece, Octets):
                        yield from self._record(piece)
                    else:
                        yield piece
            case Below(action=Edit(layer="tls") | Pace(layer="tls") as action):
                yield from self.begin(action)
            case Struck() | Flush(all=False):
                yield operation
            case Pause(seconds=float()):  # what is held is not there yet; before a wait without an end it leaves
                yield operation
            case _:
                yield from self.let_go()
                yield operation

    def _record(self, record: Octets) -> Iterator[Operation]:
        """One record on its way."""
        start = self.placed.position
        if self._flipping:
            self._flip(record, 0, self._flipping)
        cuts = yield from self._met(record)
        self.placed.position += len(record.octets)
        results = self._edited(record)
        if not cuts:
            yield from results
            return
        rest = b"".join(result.octets for result in results)
        says = b"".join(result.says for result in results)
        done = 0
        for at, items in cuts:
            if rest[: at - done]:
                yield Octets(rest[: at - done])
            rest, done = rest[at - done :], at
            if not (yield from self.carried_out(items, start + at)):
                return
        yield Octets(rest, says)

    def _met(self, record: Octets) -> Generator[Operation, None, list[tuple[int, list[Item]]]]:
        """Begin the edits whose places lie in this record; gives the other actions there, which cut it."""
        cuts = []
        while (found := self.placed.first_within(len(record.octets))) is not None:
            at, items = found
            others = []
            for item in items:
                if not (isinstance(item.action, Edit) and item.action.layer == self.name):
                    others.append(item)
                elif (yield from self.striking.strikes(item, self.placed.position + at, self.name)):
                    yield from self._edit_here(item.action, record, at)
            if others:
                cuts.append((at, others))
        return cuts

    def _edit_here(self, edit: Edit, record: Octets, at: int) -> Iterator[Operation]:
        """An edit whose place lies in this record: a flip turns the very octet, all others touch the record."""
        if edit.kind == "flip":
            self._flip(record, at, edit.count)
        else:
            yield from self.begin(edit)

    def _flip(self, record: Octets, at: int, count: int) -> None:
        """Turn so many octets from here on; what this record has not, the next one has."""
        record.octets = _flipped(record.octets, at, count)
        self._flipping = max(0, at + count - len(record.octets))
        self.spoil()

    def _edited(self, record: Octets) -> list[Octets]:
        """What goes out for this record."""
        if self._function is not None:
            self._held.append(record)
            return []
        if self._truncated:
            self.spoil()
        record.says = self.readable(record.says)
        results = [] if self._truncated else [record]
        left = []
        for edit, count in self._edits:
            waits = edit.kind == "swap" and not self._swapped
            results = self._changed(edit, count, results)
            if waits or (count > 1 and edit.kind != "flip"):
                left.append((edit, max(1, count - 1)))
        self._edits = left
        return results

    def _changed(self, edit: Edit, count: int, records: list[Octets]) -> list[Octets]:
        """What one edit makes of what goes out for one record."""
        if edit.kind == "swap" and not self._swapped:  # this one waits for the next
            self._swapped = records
            return []
        self.spoil()
        if edit.kind == "dup":  # the first of the two can be read
            return [copy for record in records for copy in (record, Octets(record.octets))]
        if edit.kind == "swap":
            records, self._swapped = [*records, *self._swapped], []
        for record in records:
            if edit.kind == "flip":
                self._flip(record, HEADER, count)
            record.says = self.readable(record.says)
        return [] if edit.kind == "drop" else records

    def let_go(self) -> Iterator[Operation]:
        """What is held goes out: a record that waited for one to be exchanged with, or what a function made of all."""
        held, self._swapped = self._swapped, []
        yield from held
        if self._function is not None and self._held:
            octets = b"".join(record.octets for record in self._held)
            edited = rightly(self._function, octets)
            says = b"".join(record.says for record in self._held)
            self._held = []
            if edited != octets:
                self.spoil()
            yield Octets(edited, self.readable(says))

    def _fragmented(self, record: Octets) -> Iterator[Octets | Pause]:
        """A record of the handshake in smaller ones, where that is asked for and nothing is encrypted yet."""
        kind = record.octets[0]
        self._encrypted = self._encrypted or kind == CHANGE_CIPHER_SPEC
        if self._fragments is None or self._encrypted or kind != HANDSHAKE:
            yield record
            return
        for piece in (*self._fragments.push(record.octets[HEADER:]), *self._fragments.flush()):
            if isinstance(piece, Octets):
                piece.octets = record.octets[:3] + len(piece.octets).to_bytes(2, "big") + piece.octets
            yield piece


def _flipped(octets: bytes, at: int, count: int) -> bytes:
    """The octets with the lowest bit of so many of them turned."""
    middle = bytes(octet ^ 1 for octet in octets[at : at + count])
    return octets[:at] + middle + octets[at + count :]
