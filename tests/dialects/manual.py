"""The page of the manual about dialects, and where they are known to differ: ``python -m tests.dialects.manual``.

Knows the list of differences and the form of the page; judges nothing.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pop3s_fake.dialects import dialect
from pop3s_fake.dialects.catalogue import DOCUMENTED, RECORDED
from tests.dialects.masking import all_masks
from tests.dialects.replaying import HERE, replay, scenarios
from tests.servers.figures import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("PAGE", "differences", "page")

PAGE: Final = Path(__file__).parents[2] / "docs" / "dialects.md"


@cache
def differences() -> dict[tuple[str, str, int], str]:
    """Why an exchange differs, by dialect, scenario and place."""
    listed = tomllib.loads((HERE / "differences.toml").read_text(encoding="utf-8"))["difference"]
    return {
        (name, scenario, place): entry["because"]
        for entry in listed
        for name in entry["of"]
        for scenario, places in entry["where"].items()
        for place in places
    }


def page() -> str:
    """The page as it should be."""
    return (HERE / "manual.md").read_text(encoding="utf-8") + "".join(_tables())


def _tables() -> Iterator[str]:
    yield "| dialect | what it is | made of | scenarios | exchanges | equal | different | share |\n"
    yield "|---|---|---|---|---|---|---|---|\n"
    reasons: dict[str, Counter[str]] = {}
    for name in RECORDED:
        chosen = dialect(name)
        found = [exchange for scenario in scenarios(name) for exchange in replay(name, scenario)]
        other = [exchange for exchange in found if not exchange.equal]
        reasons[name] = Counter(differences()[name, each.scenario, each.place] for each in other)
        equal = len(found) - len(other)
        yield (
            f"| `{name}` | {chosen.summary} | {chosen.source} | {len(scenarios(name))} | {len(found)} | {equal} | "
            f"{len(other)} | {equal / len(found):.2%} |\n"
        )
    yield "\n### What is different\n\n| dialect | exchanges | because |\n|---|---|---|\n"
    for name, counted in reasons.items():
        for reason, count in counted.most_common():
            yield f"| `{name}` | {count} | {reason} |\n"
    yield from _masks()
    yield from tables()
    yield from _documented()


def _masks() -> Iterator[str]:
    yield "\n### What is masked\n\n"
    yield "Of a line one token, which has to be of a stated form; all else is compared, and of a challenge what it\n"
    yield "encodes. Where the token has another form there than here, the pattern has both.\n"
    yield "\n| dialect | there, for example | here | what is left of both | in the recording |\n|---|---|---|---|---|\n"
    for mask in all_masks():
        for name in mask.of:
            lines = " | ".join(f"`{line}`" for line in (mask.there, mask.here, mask.leaves))
            yield f"| `{name}` | {lines} | {mask.tokens[name]} |\n"


def _documented() -> Iterator[str]:
    yield "\n" + (HERE / "documented.md").read_text(encoding="utf-8")
    yield "\n| dialect | what it is | made of | greeting | quirks | told by |\n|---|---|---|---|---|---|\n"
    for name in DOCUMENTED:
        chosen = dialect(name)
        quirks = ", ".join(f"`{each}`" for each in chosen.quirks)
        told = "; ".join(dict.fromkeys([*chosen.evidence, *chosen.manner.greeting.evidence]))
        greeting = chosen.manner.greeting.text
        yield f"| `{name}` | {chosen.summary} | {chosen.made_of} | `{greeting}` | {quirks} | {told} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
