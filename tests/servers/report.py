"""What came of many sequences, by server: ``python -m tests.servers.report DIALECT SEED [SEQUENCES]``.

Knows the form of the report and of the figures that the manual shows; compares nothing itself.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from tests.servers.comparing import compare, names
from tests.servers.houses import HOUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.comparing import Found


def lines(dialect: str, seed: int, found: list[Found]) -> Iterator[str]:
    """The report: the figures as they stand in ``figures.toml``, and each difference."""
    other = [each for each in found if each.difference]
    yield "[[figure]]"
    yield f'of = "{dialect}"'
    yield f"seed = {seed}"
    yield f"sequences = {len(found)}"
    yield f"steps = {sum(each.steps for each in found)}"
    yield f"equal = {len(found) - len(other)}"
    yield f"again = {sum(each.again for each in found)}"
    yield f"resets = {sum(each.resets for each in found)}"
    sooner = [each.sooner for each in found if each.sooner]
    yield f"sooner = {len(sooner)}"
    yield f"later = {sum(each.later for each in found)}"
    groups = Counter(each.group for each in found)
    differing = Counter(each.group for each in other)
    yield "# " + ", ".join(f"{group}: {differing[group]} of {count}" for group, count in sorted(groups.items()))
    reasons = Counter(each.difference.because or "(no reason listed)" for each in other if each.difference)
    reasons += Counter(each.because or "(no reason listed)" for each in sooner)
    for reason, count in reasons.most_common():
        yield f"# {count}: {reason}"
    for each in other:
        yield f"# {each.number} ({each.group}): {each.difference}"
    yield from (f"# {each}" for each in sooner)


def main(dialect: str, seed: str, many: str = "") -> None:
    """Print it."""
    house, numbers = HOUSES[dialect], range(int(many or (2000 if dialect == "dovecot" else 200)))
    if missing := house.missing():
        sys.exit(missing)
    with house.running(names(numbers)) as place:
        found = compare(dialect, place, int(seed), numbers)
    sys.stdout.write("".join(f"{line}\n" for line in lines(dialect, int(seed), found)))


if __name__ == "__main__":
    main(*sys.argv[1:])
