"""The marker that stands on a test itself: what it gives, and the complaint when that does nothing.

Knows pytest's marks and where they were written; must not know what a keyword means or how a server is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.server.pointing import code_of, raise_at

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ("check_reached", "own_keywords", "shards", "shown")

# Frames of this module tell nobody anything; the line of the test does.
__tracebackhide__ = True


def own_keywords(item: pytest.Item) -> list[str]:
    """What the markers `pop3s` of the test function and of its parameters give; what is no keyword, by its value.

    Those of classes and modules are there for several tests, of which some may need no server.  So are those that a
    hook or a fixture adds to the item.
    """
    written = getattr(getattr(item, "function", None), "pytestmark", [])
    marks = [
        *(written if isinstance(written, list) else [written]),
        *getattr(getattr(item, "callspec", None), "marks", []),
    ]
    own = {id(getattr(mark, "mark", mark)) for mark in marks}
    names = [
        name
        for mark in item.own_markers
        if mark.name == "pop3s" and id(mark) in own
        for name in (*map(repr, mark.args), *mark.kwargs)
    ]
    return list(dict.fromkeys(names))


def shown(names: Collection[str]) -> str:
    """The marker as its author knows it.

    >>> shown(["rules", "seed"])
    'the marker pop3s(rules=..., seed=...)'
    """
    return f"the marker pop3s({', '.join(f'{name}=...' if name.isidentifier() else name for name in names)})"


def check_reached(item: pytest.Item, reached: Collection[str]) -> None:
    """Raise a `UsageError`, which points at the test, if its own marker gives what is not among ``reached``."""
    missed = [name for name in own_keywords(item) if name not in reached]
    if missed:
        problem = UsageError(
            f"{shown(missed)} reached no server: the test neither used pop3s_server nor called pop3s_server_factory\n"
            "  -> let the test use one of them, or take the marker away"
        )
        raise_at(code_of(getattr(item, "function", None)), problem)


def shards(item: pytest.Item, mark: pytest.Mark) -> list[tuple[int, int]]:
    """The parts that the marker `pop3s_shards` makes of a test: (1, 8), (2, 8) and so on."""
    count = mark.args[0] if len(mark.args) == 1 and not mark.kwargs else None
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        given = ", ".join([*map(repr, mark.args), *(f"{name}={value!r}" for name, value in mark.kwargs.items())])
        raise pytest.UsageError(
            f"the marker pop3s_shards of {item.nodeid} takes a number of parts from 1 on, as in pop3s_shards(8), "
            f"not {given or 'nothing'}"
        )
    return [(number, count) for number in range(1, count + 1)]
