"""What the two layers below POP3 have in common: operations in, operations out, and actions at places of their own.

Knows how an action is carried out at an octet of such a layer; must not know what distinguishes the layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING

from pop3s_fake.errors import UsageError
from pop3s_fake.rules.actions import Call, Edit, End, Mail, Pace, Send, Tls, Wait
from pop3s_fake.rules.operations import Finish, HalfClose, Pause
from pop3s_fake.rules.placed import Placed
from pop3s_fake.rules.values import Wrong

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from pop3s_fake.rules.bound import Item
    from pop3s_fake.rules.operations import Operation
    from pop3s_fake.rules.striking import Striking
    from pop3s_fake.rules.when import Layer

__all__ = ("Damage", "Lower", "Stream", "rightly")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


class Damage:
    """Whether the client gets other octets than it would without the rules; all layers of a descent share it."""

    __slots__ = ("done", "inside", "secure")

    def __init__(self, *, secure: bool) -> None:
        self.secure: bool = secure
        """Whether nothing can be read behind what was changed."""
        self.done: bool = False
        self.inside: bool = False
        """Whether that is so of the reply itself, and not only of what comes behind its last octet."""


class Lower(ABC):
    """One layer: feed it each operation, then finish."""

    __slots__ = ("_spoilt", "damage", "striking")

    def __init__(self, striking: Striking, damage: Damage) -> None:
        self.striking: Striking = striking
        self.damage: Damage = damage
        self._spoilt = False

    def spoil(self) -> None:
        """From here on the client gets something else."""
        self._spoilt = self.damage.done = True

    def readable(self, says: bytes) -> bytes:
        """What the client can read of these octets of the reply, which leave now."""
        if says and self._spoilt:
            self.damage.inside = True
        return says

    @abstractmethod
    def feed(self, operation: Operation) -> Iterator[Operation]:
        """What comes of it."""

    @abstractmethod
    def finish(self) -> Iterator[Operation]:
        """What was held, and what stands behind the last octet."""


class Stream(Lower):
    """A layer whose octets are counted, so that rules have places in it."""

    __slots__ = ("_held_back", "_total", "_waiting", "placed")
    name: Layer

    def __init__(self, striking: Striking, damage: Damage) -> None:
        super().__init__(striking, damage)
        self.placed: Placed = Placed(striking, self.name)
        self._waiting: deque[Operation] = deque()
        """The last of the reply so far, where a place counts from its end."""
        self._held_back = 0
        """The octets of that."""
        self._total = 0

    def readable(self, says: bytes) -> bytes:
        """What the client can read of these octets: no record behind one that it cannot open."""
        says = super().readable(says)
        return b"" if self._spoilt and self.damage.secure else says

    def feed(self, operation: Operation) -> Iterator[Operation]:
        """What comes of it; later, where a place may lie in it that counts from an end that has not come."""
        reach = self.placed.reach
        if not reach:
            yield from self.pass_on(operation)
            return
        waiting, octets = self._waiting, self.counted(operation)
        waiting.append(operation)
        self._total += octets
        self._held_back += octets
        while self._held_back - (octets := self.counted(waiting[0])) >= reach:
            self._held_back -= octets
            yield from self.pass_on(waiting.popleft())

    def finish(self) -> Iterator[Operation]:
        """What was held, and what stands behind the last octet."""
        if self.placed.reach:
            self.placed.ends_at(self._total)
            while self._waiting:
                yield from self.pass_on(self._waiting.popleft())
        yield from self.let_go()
        yield from self.last()
        yield from self.carried_out(self.placed.at_the_end(), self.placed.position)
        yield from self.flush()

    @abstractmethod
    def pass_on(self, operation: Operation) -> Iterator[Operation]:
        """What comes of an operation."""

    @abstractmethod
    def let_go(self) -> Iterator[Operation]:
        """What an edit holds back goes out."""

    @abstractmethod
    def counted(self, operation: Operation) -> int:
        """The octets by which this one moves the places of this layer."""

    @abstractmethod
    def begin(self, action: Edit | Pace | Send) -> Iterator[Operation]:
        """An action of this layer's begins with what comes next; one of a layer below goes on down."""

    def last(self) -> Iterator[Operation]:
        """What an edit still owes when there is nothing more to edit."""
        return iter(())

    def flush(self) -> Iterator[Operation]:
        """What is held to be joined leaves."""
        return iter(())

    def carried_out(self, items: Iterable[Item], octet: int) -> Generator[Operation, None, bool]:
        """The actions at one octet of this layer; tells whether the conversation goes on."""
        for item in items:
            if not (yield from self.striking.strikes(item, octet, self.name)):
                continue
            action = item.action
            match action:
                case Wait(span=span):
                    yield from self.flush()
                    yield Pause(None if span is None else item.between(span))
                case End(how="clean" | "fin" | "rst" as how):
                    yield from self.flush()
                    self.striking.ends(item, octet, self.name)
                    yield Finish(how)
                    return False
                case End(how="half-close" | "half-tls" | "half-tcp" as how):
                    yield from self.flush()
                    self.striking.ends(item, octet, self.name)
                    yield HalfClose(how)
                case Mail():
                    yield action
                case Call() | Tls():
                    yield from self.flush()
                    yield action
                case Send() | Edit() | Pace():
                    if isinstance(action, Send) and action.layer == self.name:
                        self.placed.inserted(len(action.octets))
                    yield from self.begin(action)
                case _:  # what cannot stand here was refused when the rule was made
                    raise AssertionError(action)
        return True


def rightly(edit: Edit, octets: bytes) -> bytes:
    """What a function of the test's makes of these octets; where it is not what can be sent, the test is told."""
    try:
        return edit.edited(octets)
    except Wrong as wrong:
        raise UsageError(f"rule action edit layer={edit.layer}: {wrong}") from None
