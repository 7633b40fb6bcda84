r"""Where things stand in a reply: its parts, its measures, and the octet of every action.

Knows how offsets are counted; must not know what is done at them.  Offsets count the octets of the reply as it would
stand on the wire, byte-stuffed (RFC 1939 section 3), before the edits of the same reply.  A place lies between two
octets: 0 is before the first one, the length of the reply behind the last one.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard

from pop3s_fake.rules.actions import COUNTED, CRLF, HALVES, Action, Edit, End, Flood, Pace, Reply, Wait
from pop3s_fake.rules.when import PERCENT, Offset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pop3s_fake.rules.when import Layer, When

__all__ = ("BEHIND", "Layout", "Parts", "Spot", "parts_of", "place", "spots")

BEHIND: Final = sys.maxsize
"""The place behind the whole reply, however long it is."""


def _as_it_is(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The stuffing of what is stuffed already."""
    return iter(chunks)


@dataclass(frozen=True, slots=True)
class Parts:
    r"""One reply as the pipeline wants it.

    ``status`` is the first line with its CRLF.  ``payload`` is None for a single-line reply, else a callable that
    gives the chunks anew at each call; ``stuff`` makes of them what stands on the wire.
    """

    status: bytes
    payload: Callable[[], Iterable[bytes]] | None = None
    stuff: Callable[[Iterable[bytes]], Iterator[bytes]] = _as_it_is
    terminator: bytes = b".\r\n"


def parts_of(octets: bytes) -> Parts:
    r"""The parts of a reply that is given as octets; more than one line makes it a multi-line one.

    >>> [parts_of(octets).terminator for octets in (b"+OK\r\n1 x\r\n.\r\n", b"+OK\r\n1 x\r\n")]
    [b'.\r\n', b'']
    >>> parts_of(b"+OK\r\n").payload is None
    True
    """
    first = octets.find(CRLF) + len(CRLF)
    if first < len(CRLF) or first == len(octets):
        return Parts(octets)
    rest = octets[first:]
    whole = rest == b".\r\n" or rest.endswith(b"\r\n.\r\n")
    payload = rest[:-3] if whole else rest
    return Parts(octets[:first], lambda: (payload,), _as_it_is, b".\r\n" if whole else b"")


class Layout:
    """The measures of one reply; what needs its length costs a pass over it, once."""

    __slots__ = ("_payload", "lines", "parts", "status")

    def __init__(self, parts: Parts) -> None:
        self.parts: Parts = parts
        self.status: int = len(parts.status)
        self.lines: int = 1
        """Lines that :meth:`line` counted."""
        self._payload = 0 if parts.payload is None else None

    @property
    def several(self) -> bool:
        """Whether it is a multi-line reply."""
        return self.parts.payload is not None

    def chunks(self) -> Iterator[bytes]:
        """The payload as it stands on the wire."""
        payload = self.parts.payload
        return iter(()) if payload is None else self.parts.stuff(payload())

    def measured(self, payload: int) -> None:
        """The payload was seen to have so many octets."""
        self._payload = payload

    @property
    def payload(self) -> int:
        """The octets of the payload, stuffed."""
        if self._payload is None:
            self._payload = sum(map(len, self.chunks()))
        return self._payload

    @property
    def total(self) -> int:
        """All octets."""
        return self.status + self.payload + (len(self.parts.terminator) if self.several else 0)

    @property
    def end(self) -> int:
        """Just before what tells the client that the reply is complete: the terminator, or the line's only CRLF."""
        if self.several:
            return self.status + self.payload
        return self.status - len(CRLF) * self.parts.status.endswith(CRLF)

    def line(self, number: int) -> int | None:
        """Where this line begins, the first line being 1; None where there is none."""
        wanted, seen, position, last, ended = number - 1, 0, 0, b"", True
        for chunk in self.all() if wanted else ():
            octets = last + chunk
            found = octets.count(CRLF)
            if seen + found >= wanted:
                start = 0
                for _ in range(wanted - seen):
                    start = octets.index(CRLF, start) + len(CRLF)
                place = position - len(last) + start
                self.lines = wanted
                return place if place < self.total else None
            seen += found
            position += len(chunk)
            ended = octets.endswith(CRLF) if octets else ended
            last = octets[-1:]
        self.lines = seen + (not ended)
        return None if wanted else 0

    def all(self) -> Iterator[bytes]:
        """The whole reply as it stands on the wire."""
        yield self.parts.status
        if self.several:
            yield from self.chunks()
            yield self.parts.terminator


class Spot(NamedTuple):
    """Where one action of a rule stands, as far as the rule tells it."""

    offset: Offset | None = None
    """None: before the first octet."""
    plus: int = 0
    """So many octets behind it."""
    behind: bool = False
    """Behind the whole reply."""
    follows: bool = False
    """It comes after an action that works on the reply, and acts only where that one did."""
    rank: int = 0
    """Of several actions at one octet the lower rank comes first: what ends a conversation comes last."""


def lasting(action: Action) -> bool:
    """Whether an action works on what follows in the reply, so that the next one comes behind that."""
    return isinstance(action, Reply | Edit | Pace)


def spots(when: When, actions: Sequence[Action]) -> list[Spot]:
    """Where the actions of one rule stand.

    They run in order.  Each stands where the rule says; after an action that works on the reply, the next one stands
    behind what that one covers.  Without an offset a rule stands at the first octet; a flood and the missing
    terminator stand just before the terminator.

    >>> from pop3s_fake.rules.rule import Rule
    >>> rule = Rule('PASS -> wait 1, reply "-ERR no", end fin')
    >>> [(spot.offset, spot.behind, spot.rank) for spot in spots(rule.when, rule.actions)]
    [(None, False, 0), (None, False, 0), (None, True, 2)]
    """
    own = here = Spot(when.offset)
    rank = 0
    moved = False
    result = []
    for action in actions:
        if isinstance(action, End):
            rank = 1 if action.how in HALVES else 2
        last = 2 if isinstance(action, Wait) and action.span is None else rank
        if lasting(action):
            result.append(Spot(Offset("end")) if _kind(action) == "no-terminator" else own)
            layer = "pop3" if own.offset is None else own.offset.layer
            if _counts_octets(action, layer) and not here.behind:
                here = Spot(own.offset, max(here.plus, action.count), follows=True)
            else:  # a place below is met below, where the octets are that come before it
                here = Spot(None if layer == "pop3" else own.offset, behind=True, follows=True)
        else:
            if isinstance(action, Flood) and own.offset is None and not moved:
                here = Spot(Offset("end"), follows=here.follows)
            moved = here.behind
            result.append(here._replace(rank=last))
    return result


def _counts_octets(action: Action, layer: Layer) -> TypeGuard[Edit]:
    """Whether an action covers so many octets of this layer: on the TLS layer all edits but a flip count records."""
    if not isinstance(action, Edit) or action.layer != layer:
        return False
    return action.kind == "flip" or (action.kind in COUNTED and layer != "tls")


def _kind(action: Action) -> object:
    return action.kind if isinstance(action, Edit) else None


def place(spot: Spot, layout: Layout) -> int | None:
    """The octet at which a spot lies in this reply; None where it is known to have no such place.

    This is the only place where offsets become octets.  A plain number may lie beyond the end; that is found when the
    end comes, without measuring.
    """
    if spot.behind:
        return BEHIND
    offset = spot.offset
    if offset is None:
        return spot.plus
    count = offset.count
    octet: int | None
    match offset.kind:
        case "octet":
            octet = count
        case "body":
            octet = layout.status + count if layout.several else None
        case "back":
            octet = layout.total - count if count <= layout.total else None
        case "percent":
            octet = layout.total * count // PERCENT
        case "line":
            octet = layout.line(count)
        case "end":
            octet = layout.end
    return None if octet is None else octet + spot.plus


def beyond(offset: Offset, layout: Layout) -> str:
    """What a reply had, so that it had no such place; in words that go on from "its reply had"."""
    if offset.kind == "line" or (offset.kind == "body" and not layout.several):
        lines = "one line" if layout.lines == 1 else f"{layout.lines} lines"
        return f"{lines}, so there was no {offset}"
    if offset.kind == "body":
        return f"{layout.payload} octets of payload, so {offset} lay beyond the end"
    if offset.kind == "back":
        return f"{layout.total} octets, so {offset} lay before its beginning"
    return f"{layout.total} octets, so {offset} lay beyond the end"
