"""Where a measured conversation can be broken: the kinds of break and the units of a sweep, as two tables.

Knows replies by their measures and how a rule names a place in them; must not know servers, clients or who sweeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from pop3s_fake.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pop3s_fake.rules.measuring import Measured

__all__ = ("KINDS", "UNITS", "Kind", "KindName", "Place", "UnitName", "chosen", "kind_of", "places")


KindName: TypeAlias = Literal["cut", "reset", "close-notify", "stall"]
UnitName: TypeAlias = Literal["octets", "lines", "records", "segments", "commands", "boundaries"]


class Mark(NamedTuple):
    """A place in one reply."""

    when: str
    """What follows the point in a rule: ``!before``, ``@17`` or ``!after``."""
    octet: int
    """How many octets of the reply the client can read by then."""
    within: str = ""
    """Where in a record or segment it is, in words, if it is in one."""


BEFORE: Final = "!before"
AFTER: Final = "!after"


def around(reply: Measured) -> Iterator[Mark]:
    """Before the command is carried out, before its reply, behind its reply."""
    yield Mark(BEFORE, 0)
    yield Mark("@0", 0)
    yield Mark(AFTER, reply.octets)


def octets(reply: Measured) -> Iterator[Mark]:
    """Between all octets."""
    yield Mark(BEFORE, 0)
    for octet in range(reply.octets):
        yield Mark(f"@{octet}", octet)
    yield Mark(AFTER, reply.octets)


def lines(reply: Measured) -> Iterator[Mark]:
    """Between all lines."""
    yield Mark(BEFORE, 0)
    octet = 0
    for line in reply.lines:
        yield Mark(f"@{octet}", octet)
        octet += line
    yield Mark(AFTER, octet)


def boundaries(reply: Measured) -> Iterator[Mark]:
    """Around the reply, behind its first line, and before and within what completes it."""
    yield Mark(BEFORE, 0)
    for octet in sorted({0, *reply.lines[:1], *range(reply.end, reply.octets)} - {reply.octets}):
        yield Mark(f"@{octet}", octet)
    yield Mark(AFTER, reply.octets)


RECORD: Final = 16_384
"""Octets that one TLS record can hold at most (RFC 8446 section 5.1)."""


def records(reply: Measured) -> Iterator[Mark]:
    """Between all TLS records, and within: what is left of a record, nobody can read."""
    last = (reply.octets - 1) // RECORD * RECORD
    yield Mark(BEFORE, 0)
    yield Mark("@0", 0)
    yield Mark("@tls:1", 0, "in the header of the first TLS record")
    yield Mark("@tls:5", 0, "behind the header of the first TLS record")
    for octet in range(RECORD, reply.octets, RECORD):
        yield Mark(f"@{octet}", octet)
    yield Mark("@tls:-1", last, "before the last octet of the last TLS record")
    yield Mark(AFTER, reply.octets)


def segments(reply: Measured) -> Iterator[Mark]:
    """Around what is written to the socket for one reply, and within."""
    last = (reply.octets - 1) // RECORD * RECORD
    yield Mark(BEFORE, 0)
    yield Mark("@0", 0)
    yield Mark("@tcp:1", 0, "behind the first octet of the first segment")
    yield Mark("@tcp:-1", last, "before the last octet of the last segment")
    yield Mark(AFTER, reply.octets)


HANDSHAKES: Final = ("handshake", "stls.handshake")
"""The points at which TLS octets are sent that are no reply."""


class Early(NamedTuple):
    """A place in the handshake."""

    when: str
    """As a rule has it."""
    text: str
    """Where that is, in words."""
    sealed: bool = False
    """Whether TLS is up there, so that something can be said."""


EARLY: Final[dict[str, tuple[Early, ...]]] = {
    "records": (
        Early("hello", "before the TLS handshake is answered"),
        Early("handshake@tls:1", "in the header of the first TLS record of the handshake"),
        Early("handshake@tls:5", "behind the header of the first TLS record of the handshake"),
        Early("secured", "behind the TLS handshake", sealed=True),
    ),
    "segments": (
        Early("hello", "before the TLS handshake is answered"),
        Early("handshake@tcp:1", "behind the first octet of the first segment of the handshake"),
        Early("secured", "behind the TLS handshake", sealed=True),
    ),
}
"""By unit: the places of a handshake.  There are none further in, as its signatures have another length each time."""


UNITS: Final[dict[str, Callable[[Measured], Iterator[Mark]]]] = {
    "octets": octets,
    "lines": lines,
    "records": records,
    "segments": segments,
    "commands": around,
    "boundaries": boundaries,
}
"""What lies between two points, by name: the marks of one reply, in order.  A new unit is a row here."""


class Kind(NamedTuple):
    """A kind of break."""

    name: str
    action: str
    """As a rule has it."""
    units: tuple[str, ...]
    """Between what it can be swept; the first one is taken where none is given."""
    behind: bool = True
    """Whether it is one behind a whole reply, too: who waits there for nothing never sees a stall."""
    within: bool = True
    """Whether it is one among octets that are sealed already: an alert of TLS's cannot be read there."""


_ALL: Final = tuple(UNITS)

KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("cut", "end fin", _ALL),
        Kind("reset", "end rst", _ALL),
        Kind("close-notify", "end clean", _ALL, within=False),
        Kind("stall", "wait forever", ("commands", "boundaries"), behind=False),
    )
}


def kind_of(name: str, unit: str | None) -> tuple[Kind, str]:
    """The kind of this name, and its unit; a :class:`UsageError` for what is none.

    >>> kind_of("stall", None)[1]
    'commands'
    >>> kind_of("cut", "octet")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown unit over='octet' of a cut; did you mean 'octets'?
    """
    kind = KINDS.get(name)
    if kind is None:
        raise UsageError(f"unknown kind {name!r} of a sweep{nearest(name, KINDS)}")
    if unit is None:
        return kind, kind.units[0]
    if unit not in kind.units:
        raise UsageError(f"unknown unit over={unit!r} of a {name}{nearest(unit, kind.units)}")
    return kind, unit


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a conversation, and how it is broken there."""

    text: str
    """As people read it: "cut after octet 417: in RETR 2, line 9"."""
    rule: str
    """The rule that does it."""
    reply: Measured
    """Where it lies."""
    boundary: bool
    """Whether it lies at a boundary, which a sample never leaves out."""


def places(kind: Kind, unit: str, replies: Sequence[Measured]) -> list[Place]:
    """All places of a conversation, in its order; the replies stand session by session.

    >>> from pop3s_fake.rules.measuring import Measured
    >>> greeting = Measured(1, "greeting", 1, "", (5,), 3)
    >>> for place in places(KINDS["cut"], "commands", [greeting, Measured(1, "STAT", 1, "STAT", (9,), 7)]):
    ...     print(f"{place.text:48} {place.rule}")
    cut after octet 0: before the greeting           greeting@0 session=1 -> end fin
    cut after octet 5: behind the greeting           greeting!after session=1 -> end fin
    cut after octet 5: before STAT is carried out    STAT#1!before session=1 -> end fin
    cut after octet 5: before the answer to STAT     STAT#1@0 session=1 -> end fin
    cut after octet 14: behind the answer to STAT    STAT#1!after session=1 -> end fin
    """
    several = len({reply.session for reply in replies}) > 1
    result = []
    said: dict[int, int] = {}
    for reply in replies:
        first = said.get(reply.session, 0)
        said[reply.session] = first + reply.octets
        where = f" in session {reply.session}" if several else ""
        if reply.point in HANDSHAKES:
            result += [
                Place(
                    f"{kind.name}{where} after octet {first}: {early.text}",
                    f"{_early(early, reply)} session={reply.session} -> {kind.action}",
                    reply,
                    boundary=True,
                )
                for early in EARLY.get(unit, ())
                if early.sealed or kind.within
            ]
            continue
        bounds = set(boundaries(reply))
        point = f"{reply.point}#{reply.nth}" if reply.command else reply.point
        for mark in UNITS[unit](reply):
            if (mark.when == BEFORE and not reply.command) or (mark.when == AFTER and not kind.behind):
                continue
            if mark.within and not kind.within:
                continue
            text = f"{kind.name}{where} after octet {first + mark.octet}: {_told(reply, mark)}"
            rule = f"{point}{mark.when} session={reply.session} -> {kind.action}"
            result.append(Place(text, rule, reply, mark in bounds))
    return result


def _early(early: Early, handshake: Measured) -> str:
    """The point of a rule: behind STLS it has another name."""
    upgrade = handshake.point.startswith("stls.") and not early.sealed
    return f"stls.{early.when}" if upgrade else early.when


def _told(reply: Measured, mark: Mark) -> str:
    """Where in a reply it is, in words."""
    name = reply.command or "the greeting"
    answer = f"the answer to {name}" if reply.command else name
    if mark.when == BEFORE:
        return f"before {name} is carried out"
    if mark.when == AFTER:
        return f"behind {answer}"
    if mark.within:
        return f"{mark.within} of {answer}"
    return f"in {name}{_line(reply, mark.octet)}" if mark.octet else f"before {answer}"


def _line(reply: Measured, octet: int) -> str:
    """The line of a place in a reply, where there are several."""
    begin = 0
    for number, line in enumerate(reply.lines, 1):
        if len(reply.lines) > 1 and begin <= octet < begin + line:
            return f", {'before ' if octet == begin else ''}line {number}"
        begin += line
    return ""


def chosen(found: Sequence[Place], sample: int | None, seed: int) -> list[Place]:
    """Those that are visited: all, or all boundaries and as many others as make the sample, the same for a seed."""
    if sample is None or sample >= len(found):
        return list(found)
    others = [index for index, place in enumerate(found) if not place.boundary]
    count = max(0, sample - (len(found) - len(others)))
    taken = set(Random(f"{seed}:sample").sample(others, count))  # noqa: S311  # to be repeated
    return [place for index, place in enumerate(found) if place.boundary or index in taken]
