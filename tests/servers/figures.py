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
BESIDE: Final = ("again", "resets", "sooner", "later")
"""What is counted beside what differs; the first figures do not have it."""


def figures() -> list[dict[str, Any]]:
    """All of them, in the order in which they were made."""
    found: list[dict[str, Any]] = tomllib.loads((HERE / "figures.toml").read_text(encoding="utf-8"))["figure"]
    return found


def tables() -> Iterator[str]:
    """The part of the page that tells of them."""
    yield "\n" + (HERE / "manual.md").read_text(encoding="utf-8")
    yield "| dialect | made of | seed | sequences | steps | equal | different | share |"
    yield "".join(f" {each} |" for each in BESIDE) + "\n" + "|---" * (8 + len(BESIDE)) + "|\n"
    for each in figures():
        many, equal = each["sequences"], each["equal"]
        beside = " | ".join(str(each.get(key, "–")) for key in BESIDE)  # noqa: RUF001  # nobody counted
        yield (
            f"| `{each['of']}` | {each['made_of']} | {each['seed']} | {many} | {each['steps']} | {equal} | "
            f"{many - equal} | {equal / many:.2%} | {beside} |\n"
        )
    yield "\nWhat is still different, and why:\n\n| dialect | because |\n|---|---|\n"
    yield from _reasons("cause")
    yield "\nWhat is answered sooner there, and why:\n\n| dialect | because |\n|---|---|\n"
    yield from _reasons("sooner")


def _reasons(kind: str) -> Iterator[str]:
    """The rows of the list of this kind; a reason that is told in several ways has one."""
    listed = tomllib.loads((HERE / "causes.toml").read_text(encoding="utf-8"))[kind]
    yield from dict.fromkeys(
        f"| {', '.join(f'`{name}`' for name in cause['of'])} | {cause['because']} |\n" for cause in listed
    )
