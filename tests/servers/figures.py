"""What came of holding the dialects against their servers, as the manual tells it.

Knows the figures, which ``tests.servers.report`` makes, and the form of their tables; asks nobody.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("HERE", "figures", "tables")

HERE: Final = Path(__file__).parent


def figures() -> list[dict[str, Any]]:
    """All of them, in the order in which they were made."""
    found: list[dict[str, Any]] = tomllib.loads((HERE / "figures.toml").read_text(encoding="utf-8"))["figure"]
    return found


def tables() -> Iterator[str]:
    """The part of the page that tells of them."""
    yield "\n" + (HERE / "manual.md").read_text(encoding="utf-8")
    yield "| dialect | made of | seed | sequences | steps | equal | different | share |\n"
    yield "|---|---|---|---|---|---|---|---|\n"
    for each in figures():
        many, equal = each["sequences"], each["equal"]
        yield (
            f"| `{each['of']}` | {each['made_of']} | {each['seed']} | {many} | {each['steps']} | {equal} | "
            f"{many - equal} | {equal / many:.2%} |\n"
        )
    yield "\nWhat is still different, and why:\n\n| dialect | because |\n|---|---|\n"
    for cause in tomllib.loads((HERE / "causes.toml").read_text(encoding="utf-8"))["cause"]:
        yield f"| {', '.join(f'`{name}`' for name in cause['of'])} | {cause['because']} |\n"
