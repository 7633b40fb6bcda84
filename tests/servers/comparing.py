"""A dialect held against its server: the same sequences said to both, and what is different, by its cause.

Knows sequences and the list of causes; must not know any server.
"""

from __future__ import annotations

import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.dialects.replaying import masked
from tests.servers.sequences import sequence
from tests.servers.talking import Moment, perform, rehearse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.servers.houses import Place
    from tests.servers.sequences import Group

__all__ = ("Difference", "Found", "compare", "names")

HERE: Final = Path(__file__).parent
TRIES: Final = "ab"
"""A sequence that differs is said again, once, for another account: what differs then is the server, and no stall."""

WORKERS: Final = 16
"""Sequences under way at a time; most of the time is waiting."""

LATE: Final = 2.0
"""Seconds by which an answer may be slower or faster and be called as fast."""


@dataclass(frozen=True)
class Difference:
    """The first step of a sequence that the server answers otherwise, and the steps before it."""

    dialect: str
    before: tuple[bytes, ...]
    step: bytes
    theirs: bytes
    ours: bytes
    their_end: str
    our_end: str

    @property
    def because(self) -> str:
        """The reason that is listed for it; "": none."""
        return next((cause["because"] for cause in causes(self.dialect) if self.is_by(cause)), "")

    def is_by(self, cause: dict[str, str]) -> bool:
        """Whether this cause is told of it."""
        texts = {
            "before": b"".join(self.before),
            "said": self.step,
            "theirs": self.theirs + self.their_end.encode(),
            "ours": self.ours + self.our_end.encode(),
        }
        asked = [(cause[key].encode("latin-1"), text) for key, text in texts.items() if key in cause]
        return all(re.search(pattern, text, re.DOTALL) for pattern, text in asked)

    def __str__(self) -> str:
        said = b"".join(self.before[-3:]) + self.step
        told = f"behind {said!r} the server: {self.theirs!r} {self.their_end}, here: {self.ours!r} {self.our_end}"
        return f"{told}; listed: {self.because}" if self.because else told


@dataclass(frozen=True)
class Found:
    """What came of one sequence."""

    number: int
    group: Group
    steps: int
    late: int
    """Of these, how many came sooner or later than here."""
    difference: Difference | None


@cache
def causes(dialect: str) -> tuple[dict[str, str], ...]:
    """The known differences of this dialect."""
    listed = tomllib.loads((HERE / "causes.toml").read_text(encoding="utf-8"))["cause"]
    return tuple(cause for cause in listed if dialect in cause["of"])


def names(numbers: Iterable[int]) -> list[str]:
    """The accounts that these sequences need."""
    return [name(number, again) for number in numbers for again in range(len(TRIES))]


def name(number: int, again: int) -> str:
    """The account of a sequence; all names are of the same length."""
    return f"w{number:05d}{TRIES[again]}"


def compare(dialect: str, place: Place, seed: int, numbers: Iterable[int]) -> list[Found]:
    """Say these sequences to the dialect and to the server."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda number: _compared(dialect, place, seed, number), numbers))


def _compared(dialect: str, place: Place, seed: int, number: int) -> Found:
    """One of them."""
    found: Found
    for again in range(len(TRIES)):
        drawn = sequence(seed, number, name(number, again))
        drawn = replace(drawn, messages=tuple(map(place.kept, drawn.messages)))
        ours = rehearse(dialect, drawn, tls=bool(place.address.tls), secret=place.address.secret)
        place.fill(drawn.name, drawn.messages)
        theirs = perform(place.address, dialect, ours, place=number + again * 62500)
        pairs = list(zip(theirs, ours, strict=False))
        late = sum(abs(their.seconds - our.seconds) > LATE for their, our in pairs)
        difference = None if all(_alike(dialect, *pair) for pair in pairs) else _difference(dialect, theirs, ours)
        found = Found(number, drawn.group, len(ours), late, difference)
        if difference is None:
            break
    return found


def _alike(dialect: str, theirs: Moment, ours: Moment) -> bool:
    """Whether the server did the same; a reset is an end like any other, since the client's octets may cause it."""
    if masked(dialect, theirs.octets) != masked(dialect, ours.octets):
        return False
    return theirs.end == ours.end or (theirs.end == "tcp RST" and bool(ours.end))


def _difference(dialect: str, theirs: list[Moment], ours: list[Moment]) -> Difference:
    """The first one."""
    at = next(at for at, pair in enumerate(zip(theirs, ours, strict=False)) if not _alike(dialect, *pair))
    shown = [moment.step.octets or f"({moment.step.do})".encode() for moment in ours[: at + 1]]
    their, our = (masked(dialect, side[at].octets) for side in (theirs, ours))
    return Difference(dialect, tuple(shown[:-1]), shown[-1], their, our, theirs[at].end, ours[at].end)
