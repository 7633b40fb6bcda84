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
from typing import TYPE_CHECKING, Final, Literal

from tests.dialects.masking import masked
from tests.servers.sequences import sequence
from tests.servers.talking import Moment, perform, rehearse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.servers.houses import Place
    from tests.servers.sequences import Group

__all__ = ("Difference", "Found", "Sooner", "compare", "names")

HERE: Final = Path(__file__).parent
TRIES: Final = "abc"
"""A sequence that differs is said again, each time for another account, and has to agree twice to be called equal."""

WORKERS: Final = 16
"""Sequences under way at a time; most of the time is waiting."""

SOONER: Final = 0.4
"""The part of the time that is too little for a server that does the same; they may draw how long they wait."""

LATER: Final = 1.0
"""Seconds by which an answer may be later and be called as fast."""

UNREAD: Final = ("tcp FIN", "tcp FIN without close_notify")
"""Ends that the server's system makes a reset of where octets of the client had come that nobody read."""


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
        return _told(cause, texts)

    def __str__(self) -> str:
        said = b"".join(self.before[-3:]) + self.step
        told = f"behind {said!r} the server: {self.theirs!r} {self.their_end}, here: {self.ours!r} {self.our_end}"
        return f"{told}; listed: {self.because}" if self.because else told


@dataclass(frozen=True)
class Sooner:
    """The first step by which a server has taken far less time than here since the beginning of a sequence.

    No busy machine makes it so: whatever stalls, a delay ends at a time that is as late or later.
    """

    dialect: str
    before: tuple[bytes, ...]
    step: bytes
    theirs: float
    ours: float

    @property
    def because(self) -> str:
        """The reason that is listed for it; "": none."""
        texts = {"before": b"".join(self.before), "said": self.step}
        return next((each["because"] for each in causes(self.dialect, "sooner") if _told(each, texts)), "")

    def __str__(self) -> str:
        said = b"".join(self.before[-3:]) + self.step
        told = f"{said!r} is answered {self.theirs:.1f} s from the beginning by the server, and {self.ours:.1f} s here"
        return f"{told}; listed: {self.because}" if self.because else told


@dataclass(frozen=True)
class Found:
    """What came of one sequence, as it was said last, or when it differed."""

    number: int
    group: Group
    steps: int
    sooner: Sooner | None
    later: int
    """Steps that the server answers later than here; a busy machine makes it so, too."""
    resets: int
    """Ends that are a reset there, and no reset here."""
    again: bool
    """Whether it differed, was said again, and agreed each time."""
    difference: Difference | None


def _told(cause: dict[str, str], texts: dict[str, bytes]) -> bool:
    """Whether these texts have what the cause tells of each."""
    asked = [(cause[key].encode("latin-1"), text) for key, text in texts.items() if key in cause]
    return all(re.search(pattern, text, re.DOTALL) for pattern, text in asked)


@cache
def causes(dialect: str, kind: Literal["cause", "sooner"] = "cause") -> tuple[dict[str, str], ...]:
    """The known differences of this dialect: of what comes, or of its delays."""
    listed = tomllib.loads((HERE / "causes.toml").read_text(encoding="utf-8"))[kind]
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
    """One of them: the first try that differs, if any of the others does, and else the last one."""
    first = _tried(dialect, place, seed, number, 0)
    if not first.difference:
        return first
    others = [_tried(dialect, place, seed, number, again) for again in range(1, len(TRIES))]
    return first if any(other.difference for other in others) else replace(others[-1], again=True)


def _tried(dialect: str, place: Place, seed: int, number: int, again: int) -> Found:
    """Say it once, for an account that nobody else has."""
    drawn = sequence(seed, number, name(number, again))
    drawn = replace(drawn, messages=tuple(map(place.kept, drawn.messages)))
    ours = rehearse(dialect, drawn, tls=bool(place.address.tls), secret=place.address.secret)
    place.fill(drawn.name, drawn.messages)
    theirs = perform(place.address, dialect, ours, place=number + again * 62500)
    pairs = list(zip(theirs, ours, strict=False))
    alike = all(_alike(dialect, *pair) for pair in pairs)
    return Found(
        number,
        drawn.group,
        len(ours),
        _sooner(dialect, pairs),
        later=sum(their.seconds > our.seconds + LATER for their, our in pairs),
        resets=sum(their.end == "tcp RST" != our.end for their, our in pairs),
        again=False,
        difference=None if alike else _difference(dialect, theirs, ours),
    )


def _alike(dialect: str, theirs: Moment, ours: Moment) -> bool:
    """Whether the server did the same; a reset may be a FIN of a server that has not read all, and nothing else."""
    if masked(dialect, theirs.octets) != masked(dialect, ours.octets):
        return False
    return theirs.end == ours.end or (theirs.end == "tcp RST" and ours.end in UNREAD)


def _sooner(dialect: str, pairs: list[tuple[Moment, Moment]]) -> Sooner | None:
    """Where the server is ahead, if it ever is."""
    for at, (theirs, ours) in enumerate(pairs):
        if theirs.since < ours.since * SOONER:
            shown = _shown([our for _, our in pairs[: at + 1]])
            return Sooner(dialect, shown[:-1], shown[-1], theirs.since, ours.since)
    return None


def _shown(moments: list[Moment]) -> tuple[bytes, ...]:
    """What was said, or done."""
    return tuple(moment.step.octets or f"({moment.step.do})".encode() for moment in moments)


def _difference(dialect: str, theirs: list[Moment], ours: list[Moment]) -> Difference:
    """The first one."""
    at = next(at for at, pair in enumerate(zip(theirs, ours, strict=False)) if not _alike(dialect, *pair))
    shown = _shown(ours[: at + 1])
    their, our = (masked(dialect, side[at].octets) for side in (theirs, ours))
    return Difference(dialect, shown[:-1], shown[-1], their, our, theirs[at].end, ours[at].end)
