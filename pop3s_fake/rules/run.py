r"""One run: the operations that come of one occurrence and its rules, one after the other.

Knows how every action is carried out; must not know who performs the operations.  Nothing longer than a chunk of the
payload and a piece on its way out is held, but for a function that edits the whole reply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pop3s_fake.errors import UsageError
from pop3s_fake.rules.actions import HALVES, NEEDS_PAYLOAD, Call, Edit, End, Flood, Mail, Pace, Reply, Send, Tls, Wait
from pop3s_fake.rules.edits import Edits
from pop3s_fake.rules.operations import Below, Finish, HalfClose, Operation, Pause
from pop3s_fake.rules.outlet import Outlet
from pop3s_fake.rules.placing import BEHIND, Layout, Parts, beyond, lasting, parts_of, place
from pop3s_fake.rules.values import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from pop3s_fake.rules.actions import Action
    from pop3s_fake.rules.bound import Item
    from pop3s_fake.rules.striking import Striking

    Doing = Generator[Operation, None, bool]
    """Operations; afterwards whether the conversation goes on."""

__all__ = ("Run",)

T = TypeVar("T", str, bytes)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


class Run:
    """An iterator of operations.  One was performed when the next one is asked for.

    The iterator ends by itself after :class:`~pop3s_fake.rules.operations.Finish`.
    """

    __slots__ = (
        "_bound",
        "_edits",
        "_now",
        "_operations",
        "_outlet",
        "_over",
        "_position",
        "_searching",
        "answer",
        "damaged",
        "sent_all",
        "striking",
    )

    damaged: bool
    """Whether the client got other octets than those of the reply, or others between them."""
    sent_all: bool
    """Whether the reply went out to its last octet."""
    striking: Striking
    """Shared with the layers below."""
    answer: Parts | None
    """What ``!before`` answers in place of executing the command."""

    def __init__(self, striking: Striking, now: Callable[[], float]) -> None:
        self.damaged = False
        self.sent_all = False
        self.answer = None
        self._bound = striking.bound
        self.striking = striking
        self._now = now
        self._edits = Edits()
        self._outlet = Outlet()
        self._position = 0
        """Octets of the reply that are behind us."""
        self._over = False
        """Whether all of the reply is."""
        self._searching: list[Item] = []
        """Unstuffing that waits for the first stuffed dot."""
        self._operations: Generator[Operation, None, None] | None = None

    def __iter__(self) -> Iterator[Operation]:
        """Itself."""
        return self

    def __next__(self) -> Operation:
        """The next operation; the one before it has been performed."""
        assert self._operations is not None
        return next(self._operations)

    def close(self) -> None:
        """Stop here; what came near to striking is noted."""
        assert self._operations is not None
        self._operations.close()

    def begin(self, doing: Doing) -> None:
        """Take what is to be done; where it does not get to its end, that is noted for the rules that wait."""

        def guarded() -> Generator[Operation, None, None]:
            goes_on = False
            try:
                goes_on = yield from doing
            finally:
                if not goes_on:
                    self.striking.cut(self._position)

        self._operations = guarded()

    # the three kinds of run

    def before(self) -> Doing:
        """The phase before a command is executed."""
        bound = self._bound
        bound.deferred = [item for item in bound.before if item.spot.behind]
        goes_on = yield from self._all(item for item in bound.before if not item.spot.behind)
        if goes_on:
            yield from self._outlet.flush()
        return goes_on

    def moment(self) -> Doing:
        """A point without a reply."""
        goes_on = yield from self._all(item for item in self._bound.during if not _below(item))
        if goes_on:
            yield from self._outlet.flush()
        return goes_on

    def reply(self, parts: Parts) -> Doing:
        """The reply and what comes after it."""
        bound = self._bound
        if bound.asks_answer:
            bound.answered(parts.status.decode("latin-1"))
        layout = Layout((yield from self._replaced(parts)))
        if bound.measure is not None:
            bound.measure(layout)
        goes_on = yield from self._walk(layout, self._placed(layout))
        if goes_on:
            goes_on = yield from self._all([*bound.deferred, *bound.after])
        if goes_on:
            yield from self._flush()
        return goes_on

    # the reply

    def _replaced(self, parts: Parts) -> Generator[Operation, None, Parts]:
        """The reply that stands in for this one, if a rule says so: a text of the rule's, or what a function made."""
        whole = [item for item in self._bound.during if _whole(item.action)]
        for item in sorted(whole, key=lambda item: (not isinstance(item.action, Reply), item.order)):
            action = item.action
            if isinstance(action, Edit) and getattr(action.kind, "pure", False):
                changed = self._changed(item, action, parts)
                if changed is parts:
                    self.striking.missed(item, "its reply had nothing that it changes")
                    continue
            if not (yield from self.striking.strikes(item, 0)):
                continue
            if isinstance(action, Reply):
                octets = self._said(item, action)
                if action.keep:
                    parts = Parts(octets, parts.payload, parts.stuff, parts.terminator)
                    self.damaged = self.damaged or not octets.startswith(b"+OK")
                else:
                    parts = parts_of(octets)
                    self.damaged = True
            elif isinstance(action, Edit):
                changed = self._changed(item, action, parts)
                self.damaged = self.damaged or changed is not parts
                parts = changed
        return parts

    def _changed(self, item: Item, action: Edit, parts: Parts) -> Parts:
        """What a function makes of the whole reply; the same parts where it changes nothing."""
        octets = b"".join(Layout(parts).all())
        edited = _rightly(item, action.edited, octets)
        return parts if edited == octets else parts_of(edited)

    def _said(self, item: Item, action: Reply) -> bytes:
        """The octets of a reply that a rule gives."""
        return _rightly(item, action.octets, self._bound.command)

    def _placed(self, layout: Layout) -> list[tuple[int, Item]]:
        """The actions with their octets; what is met first stands last."""
        placed = []
        for item in self._bound.during:
            action = item.action
            if _whole(action) or _below(item):
                continue
            if isinstance(action, Edit) and action.kind in NEEDS_PAYLOAD and not layout.several:
                self.striking.missed(item, f"its reply had one line, so there was nothing to edit {action.kind}")
                continue
            octet = place(item.spot, layout)
            if octet is None:
                self._beyond(item, layout)
            else:
                placed.append((octet, item))
        return sorted(placed, key=lambda pair: (pair[0], pair[1].sorted_by), reverse=True)

    def _walk(self, layout: Layout, placed: list[tuple[int, Item]]) -> Doing:
        """The octets of the reply, and at each place what is to be done there."""
        if not (yield from self._pass(layout.parts.status, placed, payload=False)):
            return False
        if layout.several:
            for chunk in layout.chunks():
                if not (yield from self._pass(chunk, placed, payload=True)):
                    return False
                if self._edits.truncated and (not placed or placed[-1][0] == BEHIND):
                    break  # no more of it goes out, and nothing is to be met
            else:
                layout.measured(self._position - layout.status)
            for pair in [pair for pair in placed if _in_payload(pair[1]) and pair[0] > self._position]:
                placed.remove(pair)
                self._beyond(pair[1], layout)
            if not (yield from self._pass(layout.parts.terminator, placed, payload=False)):
                return False
        return (yield from self._last(layout, placed))

    def _pass(self, chunk: bytes, placed: list[tuple[int, Item]], *, payload: bool) -> Doing:
        """One chunk, cut at the places that lie in it."""
        while placed and placed[-1][0] < self._position + len(chunk):
            octet = placed[-1][0]
            cut = octet - self._position
            yield from self._out(chunk[:cut], payload=payload)
            chunk = chunk[cut:]
            here = []
            while placed and placed[-1][0] == octet:
                here.append(placed.pop()[1])
            if not (yield from self._all(here)):
                return False
        yield from self._out(chunk, payload=payload)
        return True

    def _out(self, octets: bytes, *, payload: bool) -> Generator[Operation, None, None]:
        """Octets of the reply, edited, to the way out."""
        if payload and self._searching:
            at = self._edits.stuffed(octets)
            if at is not None:
                yield from self._edited(octets[:at], payload=True)
                octets = octets[at:]
                for item in self._searching:
                    if (yield from self.striking.strikes(item, self._position)):
                        self._edits.begin("unstuff")
                self._searching = []
        yield from self._edited(octets, payload=payload)

    def _edited(self, octets: bytes, *, payload: bool) -> Iterator[Operation]:
        """Octets of the reply, as the edits leave them."""
        if octets:
            self._position += len(octets)
            edited = self._edits.apply(octets, payload=payload)
            self.damaged = self.damaged or self._edits.changed
            yield from self._outlet.push(edited)

    def _last(self, layout: Layout, placed: list[tuple[int, Item]]) -> Doing:
        """What stands behind the last octet, and a note of what lies beyond."""
        yield from self._outlet.push(self._edits.finish())
        self._over = not self._edits.truncated
        for item in self._searching:
            self.striking.missed(item, "its payload had no stuffed dot, so there was nothing to edit unstuff")
        here = []
        for octet, item in placed:
            if item.spot.behind or item.spot.follows or (octet == self._position and not lasting(item.action)):
                here.append(item)
            else:
                self._beyond(item, layout)
        return (yield from self._all(here))

    # actions

    def _all(self, items: Iterable[Item]) -> Doing:
        """Several actions at one place."""
        for item in sorted(items, key=lambda item: item.sorted_by):
            if isinstance(item.action, Edit) and item.action.kind == "unstuff":
                self._searching.append(item)  # it strikes where there is something to unstuff
            elif (yield from self.striking.strikes(item, self._position)):
                yield from self._do(item)
                if isinstance(item.action, End) and item.action.how not in HALVES:
                    return False
        return self.striking.ended_by is None

    def _do(self, item: Item) -> Generator[Operation, None, None]:  # noqa: C901  # one case for each action
        """One action."""
        action = item.action
        match action:
            case Wait():
                yield from self._flush()
                yield Pause(None if action.span is None else item.between(action.span))
            case Pace() | Edit() | Send() if action.layer != "pop3":
                yield from self._flush()
                yield Below(action)
            case Pace():
                yield from self._flush()
                self._outlet.pace(action)
            case Edit():
                assert not callable(action.kind)
                yield from self._outlet.push(self._edits.begin(action.kind, action.count))
            case Reply():
                self.answer = parts_of(self._said(item, action))
            case Send():
                self.damaged = self.damaged or not self._over
                yield from self._outlet.push(action.octets)
            case Flood():
                self.damaged = self.damaged or not self._over
                yield from self._flood(action)
            case End(how="clean" | "fin" | "rst" as how):
                yield from self._flush()
                self.striking.ends(item, self._position)
                yield Finish(how)
            case End(how="half-close" | "half-tls" | "half-tcp" as how):
                yield from self._flush()
                self.striking.ends(item, self._position)
                yield HalfClose(how)
            case Mail():
                yield action
            case Call() | Tls():
                yield from self._flush()
                yield action
            case _:  # what cannot stand here was refused when the rule was made
                raise AssertionError(action)

    def _flood(self, action: Flood) -> Generator[Operation, None, None]:
        """The unit again and again; the clock is looked at before each piece."""
        at_once = max(1, self._outlet.size // len(action.unit))
        left = action.octets // len(action.unit)
        until = self._now() + action.seconds
        while left and self._now() < until:
            count = min(at_once, left)
            left -= count
            yield from self._outlet.push(action.unit * count)

    def _flush(self) -> Generator[Operation, None, None]:
        """All that is on its way goes out."""
        yield from self._outlet.flush()
        self.sent_all = self._over

    def _beyond(self, item: Item, layout: Layout) -> None:
        """The offset of a rule lies outside of the reply."""
        if item.spot.offset is not None:
            self.striking.beyond(item, layout.total, beyond(item.spot.offset, layout))


def _rightly(item: Item, made: Callable[[T], bytes], given: T) -> bytes:
    """What a function of the test's gives for this rule; where it is not what can be sent, the test is told."""
    try:
        return made(given)
    except Wrong as wrong:
        raise UsageError(f"rule `{item.rule}`: {wrong}") from None


def _whole(action: Action) -> bool:
    """Whether an action works on the reply as a whole, before any octet of it is placed."""
    return isinstance(action, Reply) or (isinstance(action, Edit) and callable(action.kind) and action.layer == "pop3")


def _below(item: Item) -> bool:
    """Whether the place of an action is counted on a layer below, which carries it out."""
    offset = item.spot.offset
    return offset is not None and offset.layer != "pop3"


def _in_payload(item: Item) -> bool:
    """Whether an action stands in the payload or nowhere."""
    return item.spot.offset is not None and item.spot.offset.kind == "body" and not item.spot.follows
