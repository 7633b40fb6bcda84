"""The speed and the size of the server, side by side with its floors: ``python tests/benchmarks``.

Two floors are threaded servers of the standard library with canned replies: F over ``wrap_socket``, B over
``MemoryBIO``.  Each server runs in its own process, all are taken in turn, and what counts is the median of the
ratios of neighbouring samples.  In brackets stands where that median lies; a floor against itself shows the noise.
"""

from __future__ import annotations

import argparse
import dataclasses
import faulthandler
import sys
import time

from bench import Bench
from measures import MEASURES
from rows import Row, table

LONGEST = 1800  # seconds; a whole run takes a few minutes


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    names = ", ".join(MEASURES)
    parser.add_argument("--quick", action="store_true", help="Small counts: only see that every measure works")
    parser.add_argument("--only", metavar="NAME,...", help=f"These measures of {names}")
    parser.add_argument(
        "--profile",
        metavar="NAME",
        choices=sorted(set(MEASURES) - {"modules"}),
        help="Profile the server in this measure",
    )
    parser.add_argument("--floors-only", action="store_true", help="Only the floors, against each other")
    given = parser.parse_args()
    given.only = (given.only or names).replace(" ", "").split(",")
    if unknown := set(given.only) - set(MEASURES):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}; there are {names}")
    return given


def main() -> int:
    """Measure, print one table, and fail only where something could not be measured."""
    faulthandler.dump_traceback_later(LONGEST, exit=True)
    given = arguments()
    if given.profile:
        MEASURES[given.profile](Bench(profile=True, told=sys.stdout.write))
        return 0
    bench = Bench(quick=given.quick, floors_only=given.floors_only)
    rows: list[Row] = []
    for name in given.only:
        start = time.monotonic()
        rows += MEASURES[name](bench)
        sys.stderr.write(f"{name}: {time.monotonic() - start:.1f} s\n")
    if given.quick:  # small counts say nothing of speed
        rows = [dataclasses.replace(row, verdict="not judged") if row.bound else row for row in rows]
    sys.stdout.write(table(rows))
    unsound = [row.what for row in rows if not row.sound]
    for what in unsound:
        sys.stderr.write(f"not measured: {what}\n")
    return 1 if unsound else 0


if __name__ == "__main__":
    sys.exit(main())
