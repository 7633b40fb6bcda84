"""A manner with something of it changed.

Knows tables of settings, as they stand in a dialect's file; must not know who has which.
"""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Any

from pop3s_fake.dialects.dialect import Dialect
from pop3s_fake.errors import UsageError
from pop3s_fake.protocol.manner import Manner, Texts
from pop3s_fake.protocol.settled import problems_of
from pop3s_fake.tls.catalogue import structured

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("overlaid",)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


def overlaid(manner: Manner, table: Mapping[str, Any], what: str) -> Manner:
    """The manner with what a table has otherwise; lists are added to, all else is replaced.

    >>> manner = overlaid(Manner(), {"ends": {"behind": ["idle"]}, "after": {"idle": 60}}, "quirks")
    >>> manner.ends.behind, manner.after.idle, manner.before.idle
    (('idle',), 60.0, 600.0)
    >>> overlaid(Manner(), {"after": {"idel": 60}}, "quirks")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: quirks: extra fields found (idel) @ $['manner'].after
    """
    try:
        read = structured({"manner": {"summary": "", "manner": table}}, Dialect, what)["manner"].manner
    except UsageError as error:
        raise UsageError(str(error).replace("$['manner'].manner", "$['manner']")) from None
    made: Manner = _over(manner, read, table)
    problems = problems_of(made)
    if problems:
        raise UsageError(f"{what}: " + "; ".join(problems))
    return made


def _over(below: Any, above: Any, table: Mapping[str, Any]) -> Any:
    """What stands below, with what the table names of what stands above."""
    changed = {key: _joined(getattr(below, key), getattr(above, key), value) for key, value in table.items()}
    return replace(below, **changed)


def _joined(below: Any, above: Any, value: Any) -> Any:
    """One setting, from below and above."""
    if is_dataclass(above):
        return _over(above if below is None else below, above, value)
    if isinstance(above, tuple):
        return (*below, *(each for each in above if each not in below))
    if isinstance(above, dict):
        return {**below, **{key: _joined(below.get(key, Texts()), each, value[key]) for key, each in above.items()}}
    return above
