r"""From the POP3 layer down to the socket: what one occurrence says is sealed, cut, changed and slowed down on its way.

Knows the order of the layers; must not know sockets, nor how octets are sealed: that is a function, octets in and
records out.  Operations come in as the POP3 layer gives them and go out as they are to be performed; one was performed
when the next is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.errors import UsageError
from pop3s_fake.rules.actions import Edit, Pace, Send
from pop3s_fake.rules.lower import Damage, Lower
from pop3s_fake.rules.operations import Below, Flush, Octets, Struck
from pop3s_fake.rules.outlet import RECORD, Outlet
from pop3s_fake.rules.records import Records, records_of
from pop3s_fake.rules.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pop3s_fake.rules.operations import Operation
    from pop3s_fake.rules.striking import Striking

__all__ = ("Descent",)


class Descent:
    """The way down for one occurrence: ``feed`` each operation, then ``finish``."""

    __slots__ = ("_damage", "_layers")

    def __init__(self, striking: Striking, seal: Callable[[bytes], bytes] | None, *, secure: bool) -> None:
        """``seal`` is None where nothing can be said; ``secure`` says whether what it gives are records."""
        damage = self._damage = Damage(secure=secure)
        first = [Sealing(striking, damage, seal), Records(striking, damage)] if secure else [Clear(striking, damage)]
        self._layers: list[Lower] = [*first, Segments(striking, damage)]

    @property
    def damaged(self) -> bool:
        """Whether the client gets other octets than it would without these rules."""
        return self._damage.done

    @property
    def harmed(self) -> bool:
        """Whether that is so of the reply itself, and not only of what comes behind it."""
        return self._damage.inside

    def feed(self, operation: Operation) -> Iterator[Operation]:
        """What comes of it at the bottom."""
        return self._down(operation, 0)

    def flight(self, octets: bytes) -> Iterator[Operation]:
        """Octets of the handshake, which are records already."""
        for record in records_of(octets):
            yield from self._down(Octets(record), 1)
        yield from self._down(Flush(all=True), 1)

    def finish(self) -> Iterator[Operation]:
        """What was held, and what stands behind the last octet."""
        for depth, layer in enumerate(self._layers):
            for operation in layer.finish():
                yield from self._down(operation, depth + 1)

    def _down(self, operation: Operation, depth: int) -> Iterator[Operation]:
        if depth == len(self._layers):
            if not isinstance(operation, Flush):
                yield operation
            return
        for result in self._layers[depth].feed(operation):
            yield from self._down(result, depth + 1)


class Clear(Lower):
    """There are no records: what the POP3 layer says goes on as it is."""

    __slots__ = ()

    def __init__(self, striking: Striking, damage: Damage) -> None:
        super().__init__(striking, damage)
        for item in striking.placed:
            offset = item.spot.offset
            if offset is not None and offset.layer == "tls":
                striking.missed(item, "it went out in clear, so there was no TLS layer")

    def feed(self, operation: Operation) -> Iterator[Operation]:
        if isinstance(operation, Octets):
            yield Octets(operation.octets, operation.octets)
            yield Flush()
        elif isinstance(operation, Below) and operation.action.layer == "tls":
            raise UsageError(
                f"rule action {operation.action.verb} layer=tls: the conversation is in clear, so there is no TLS layer"
            )
        else:
            yield operation

    def finish(self) -> Iterator[Operation]:
        """Nothing is held."""
        return iter(())


class Sealing(Lower):
    """The records are made: in the size that is asked for, one more where a rule wants to say something of its own."""

    __slots__ = ("_halve", "_outlet", "_seal")

    def __init__(self, striking: Striking, damage: Damage, seal: Callable[[bytes], bytes] | None) -> None:
        super().__init__(striking, damage)
        self._seal = seal
        self._halve = False
        self._outlet = Outlet()
        self._outlet.size = RECORD

    def feed(self, operation: Operation) -> Iterator[Operation]:
        match operation:
            case Octets():
                yield from self._sealed(self._outlet.push(operation.octets))
                if not self._outlet.paced:
                    yield from self._sealed(self._outlet.flush())
                yield Flush()
            case Struck():
                yield operation
            case Below(action=Pace(layer="tls") as pace):
                yield from self._sealed(self._outlet.flush())
                self._outlet.pace(pace)
                yield operation  # records of the handshake are cut below
            case Below(action=Edit(kind="swap")):
                self._halve = True
                yield operation
            case Below(action=Send(layer="tls") as send):
                yield from self._sealed(self._outlet.flush())
                self.spoil()
                yield from self._sealed([Octets(send.octets)], says=False)
            case _:
                yield from self._sealed(self._outlet.flush())
                yield operation

    def finish(self) -> Iterator[Operation]:
        yield from self._sealed(self._outlet.flush())

    def _sealed(self, pieces: Iterable[Operation], *, says: bool = True) -> Iterator[Operation]:
        for piece in pieces:
            if not isinstance(piece, Octets) or self._seal is None:
                yield piece
                continue
            if self._halve and len(piece.octets) > 1:  # there are two records to exchange, however short the reply
                middle = len(piece.octets) // 2
                yield Octets(self._seal(piece.octets[:middle]), piece.octets[:middle])
                piece.octets, self._halve = piece.octets[middle:], False
            *first, last = list(records_of(self._seal(piece.octets))) or [b""]
            for record in first:  # in TLS 1.0 a piece becomes two records
                yield Octets(record)
            if last:  # else our direction of TLS has been closed
                yield Octets(last, self.readable(piece.octets) if says else b"")
