"""A dialect with one of its settings put back, and who notices that.

Knows the form of a dialect and of its evidence; must not know any dialect.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from pop3s_fake.dialects import dialect
from pop3s_fake.dialects.catalogue import text
from pop3s_fake.protocol.manner import Manner
from tests.dialects.replaying import replay
from tests.servers.asking import answers, asked
from tests.servers.talking import rehearse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake.dialects import Dialect

__all__ = ("Setting", "noticed", "settings")

APART = {"replies", "delays"}
"""Groups of another kind: texts have to stand in their evidence, and time is compared apart."""


@dataclass(frozen=True)
class Setting:
    """One value of a dialect that is no text."""

    name: str
    group: str
    key: str

    def __str__(self) -> str:
        return f"{self.name}: {self.group}.{self.key}"

    @property
    def without(self) -> Dialect | None:
        """The dialect with the value that it would have had otherwise; None: it is the same."""
        own, below = dialect(self.name), tomllib.loads(text(self.name)).get("extends")
        group = getattr(own.manner, self.group)
        under = getattr(dialect(below).manner if below else Manner(), self.group) or type(group)()
        if getattr(under, self.key) == getattr(group, self.key):
            return None
        changed = replace(group, **{self.key: getattr(under, self.key)})
        return replace(own, manner=replace(own.manner, **{self.group: changed}))


def settings(name: str) -> Iterator[tuple[Setting, list[str]]]:
    """Each of them, with its evidence."""
    tables: dict[str, Any] = tomllib.loads(text(name))
    for group, table in tables.items():
        if isinstance(table, dict) and group not in APART:
            keys = [key for key in table if key not in {"evidence", "text", "stamp", "full"}]
            yield from ((Setting(name, group, key), table["evidence"]) for key in keys)


def noticed(of: str, scenario: str, changed: Dialect) -> bool:
    """Whether something that is equal there is so no more."""
    if of.startswith("live "):
        question = asked(of.removeprefix("live "))[scenario]
        return answers(question, rehearse(changed, question.sequence(0, "ann"))) != question.heard
    after = [exchange.equal for exchange in replay(of, scenario, changed)]
    return any(equal and not still for equal, still in zip(equal_in(of, scenario), after, strict=False))


@cache
def equal_in(name: str, scenario: str) -> tuple[bool, ...]:
    """Which exchanges are."""
    return tuple(exchange.equal for exchange in replay(name, scenario))
