"""The requirements as data, and the checks that are held against them.

Knows ``rows.toml`` and who registers for which row; must not know how a conversation is carried.
"""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.talk import Talk

    Check = Callable[[Talk], None]

__all__ = ("CHECKS", "ON_SOCKETS_ONLY", "ROWS", "Row", "load", "row")

ABOUT: Final = ("lines", "login", "mail", "capabilities", "time", "connection", "tls")
LEVELS: Final = ("MUST", "MUST NOT", "SHALL", "SHOULD", "SHOULD NOT", "MAY", "PROJ")


class Row(NamedTuple):
    """One requirement on a server."""

    id: str
    section: str
    level: str
    about: str
    says: str
    untested: str = ""
    """Why there is no check."""
    sound: str = ""
    """Why there is a check and no defect that would fail it."""

    @property
    def on_sockets(self) -> bool:
        """Whether it concerns connections, so that memory alone does not show it."""
        return self.about in {"connection", "tls"}


def _read() -> dict[str, Row]:
    """All rows of the file, in its order; a row that stands twice is an error of TOML."""
    sections = tomllib.loads(Path(__file__).with_name("rows.toml").read_text(encoding="utf-8"))
    return {id_: Row(id_, section, *fields) for section, rows in sections.items() for id_, fields in rows.items()}


ROWS: Final = _read()
"""All requirements, by id."""

CHECKS: Final[dict[str, Check]] = {}
"""The check of each row; filled by the modules in ``checks``."""


ON_SOCKETS_ONLY: Final[set[str]] = set()
"""The rows whose check talks with a program, which needs a port."""


def row(id_: str, *, on_sockets_only: bool = False) -> Callable[[Check], Check]:
    """Register a check under the id of its row; an unknown id and a second check are errors."""
    if id_ not in ROWS:
        raise LookupError(f"there is no row {id_}")

    def registered(check: Check) -> Check:
        if on_sockets_only:
            ON_SOCKETS_ONLY.add(id_)
        known = CHECKS.setdefault(id_, check)
        if known is not check:
            raise LookupError(f"row {id_} has two checks: {known.__name__} and {check.__name__}")
        return check

    return registered


def load() -> None:
    """Import every module of checks, which registers them."""
    for path in sorted((Path(__file__).parent / "checks").glob("*.py")):
        importlib.import_module(f"tests.conformance.checks.{path.stem}")
