"""From samples to a row of the table: medians, ratios of neighbouring samples, and whether a bound is met.

Knows numbers and how they are written; nothing of servers.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
SCALES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "octets": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")),
    "octets/s": ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")),
}


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.  ``numbers`` are all that went into it, for the self-check."""

    what: str
    measured: str
    floor: str = ""
    ratio: str = ""
    bound: str = ""
    verdict: str = ""
    numbers: tuple[float, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether something was measured, and nothing but finite, positive numbers."""
        return bool(self.numbers) and all(math.isfinite(number) and number > 0 for number in self.numbers)


@dataclasses.dataclass(frozen=True)
class Noise:
    """How far a floor is from itself: the factor that says nothing."""

    factor: float = 1.0


def written(value: float, unit: str) -> str:
    """A number with its unit, to three digits.

    >>> written(0.00123, "s"), written(2_500_000, "octets"), written(410.3, "/s")
    ('1.23 ms', '2.5 MB', '410 /s')
    """
    for scale, name in SCALES.get(unit, ()):
        if abs(value) >= scale:
            return f"{value / scale:.3g} {name}"
    return f"{value:.3g} {unit}" if abs(value) < 1000 else f"{value:.0f} {unit}".rstrip()


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Between what values the median lies, by the sign test: no distribution is taken for granted.

    >>> interval(range(1, 12))
    (2, 10)
    """
    ordered = sorted(values)
    count = len(ordered)
    outside = 0.0
    skip = 0
    while skip < (count - 1) // 2:
        outside += math.comb(count, skip) * 2.0**-count * 2
        if outside > 1 - CONFIDENCE:
            break
        skip += 1
    skip = max(0, skip - 1)
    return ordered[skip], ordered[-1 - skip]


def noise(floor: Sequence[float], again: Sequence[float]) -> tuple[Row, Noise]:
    """The floor against itself."""
    ratios = [second / first for first, second in zip(floor, again, strict=True)]
    middle = statistics.median(ratios)
    low, high = interval(ratios)
    row = Row(
        "  the floor against itself",
        "",
        ratio=f"{middle:.2f} ({low:.2f}-{high:.2f})",
        verdict="noise",
        numbers=(middle, low, high),
    )
    return row, Noise(max(middle, 1 / middle))


def compared(
    what: str,
    unit: str,
    measured: Sequence[float],
    floor: Sequence[float],
    name: str,
    *,
    bound: str = "",
    around: Noise | None = None,
) -> Row:
    """A row from samples that were taken in turn; ``bound`` is ``"<= 1.3"`` or ``">= 0.85"``, times the floor.

    ``around`` says what a difference must exceed to be one.
    """
    ratios = [mine / its for mine, its in zip(measured, floor, strict=True)]
    middle = statistics.median(ratios)
    low, high = interval(ratios)
    mine, its = statistics.median(measured), statistics.median(floor)
    return Row(
        what,
        written(mine, unit),
        f"{name} {written(its, unit)}",
        f"{middle:.2f} ({low:.2f}-{high:.2f})",
        f"{bound} x {name}" if bound else "",
        judged(middle, low, high, bound, around or Noise()) if bound else "shown",
        numbers=(mine, its, middle, low, high),
    )


def judged(middle: float, low: float, high: float, bound: str, around: Noise) -> str:
    """Met, not distinguishable from met, or missed.

    >>> judged(1.25, 1.2, 1.3, "<= 1.3", Noise()), judged(1.33, 1.29, 1.4, "<= 1.3", Noise())
    ('met', 'not distinguishable')
    >>> judged(0.7, 0.69, 0.71, ">= 0.8", Noise(1.02)), judged(0.79, 0.785, 0.795, ">= 0.8", Noise(1.02))
    ('MISSED', 'not distinguishable')
    """
    sign, number = bound.split()
    limit = float(number)
    if sign == "<=":
        met, near = middle <= limit, min(low, middle / around.factor) <= limit
    else:
        met, near = middle >= limit, max(high, middle * around.factor) >= limit
    return "met" if met else "not distinguishable" if near else "MISSED"


def absolute(what: str, unit: str, value: float, *, at_most: float | None = None) -> Row:
    """A row that is compared with a number, not with a floor."""
    if at_most is None:
        return Row(what, written(value, unit), verdict="shown", numbers=(value,))
    verdict = "met" if value <= at_most else "MISSED"
    return Row(what, written(value, unit), bound=f"<= {written(at_most, unit)}", verdict=verdict, numbers=(value,))


def left_out(what: str, why: str) -> Row:
    """A measure that could not be made here, and why."""
    return Row(what, "-", verdict=f"left out: {why}", numbers=(1.0,))


def table(rows: Sequence[Row]) -> str:
    """All rows, aligned; it is Markdown as well."""
    lines = [("what", "measured", "floor", "ratio (95 %)", "bound", "verdict")]
    lines += [(row.what, row.measured, row.floor, row.ratio, row.bound, row.verdict) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text) + "\n"
