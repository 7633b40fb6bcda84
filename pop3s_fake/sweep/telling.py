"""What a sweep says: that a conversation was another one, and which of its points failed.

Knows words and what was said in two conversations; must not know how they came about.
"""

from __future__ import annotations

from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.rules.when import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pop3s_fake.rules.measuring import Measured
    from pop3s_fake.transcript import Session

__all__ = ("Failed", "NotReproducible", "SweepFailure", "difference", "digest", "in_a_line", "said")

Said = list[tuple[str, str | int]]
"""What one session said, in order: ("C", keyword) and ("S", octets)."""


MOST_ROWS: Final = 40
"""Rows of neighbouring points that a digest shows."""


class NotReproducible(AssertionError):  # noqa: N818  # the name says what it is
    """A conversation of a sweep that was another one than its control, so that its point is none of the control's."""


class SweepFailure(AssertionError):  # noqa: N818  # the name says what it is
    """Points of a sweep that failed, gathered; ``failures`` holds what each of them raised, in order."""

    failures: tuple[BaseException, ...]

    def __init__(self, failed: Sequence[Failed], visited: int) -> None:
        """Tell which ones and why."""
        self.failures = tuple(each.failure for each in failed)
        super().__init__(digest(failed, visited))


class Failed(NamedTuple):
    """One point that failed."""

    visit: int
    """The how manieth that was visited."""
    text: str
    rule: str
    failure: BaseException

    @property
    def why(self) -> str:
        """What failed, in one line."""
        return in_a_line(self.failure)


def in_a_line(failure: BaseException) -> str:
    """What failed, by its kind and the first line of its text."""
    first, *_ = str(failure).splitlines() or [""]
    return f"{type(failure).__name__}: {first}" if first else type(failure).__name__


def digest(failed: Iterable[Failed], visited: int) -> str:
    """Which points failed and why, neighbours that failed alike in one.

    >>> error = ValueError("no such message")
    >>> failed = [Failed(n, f"cut after octet {n}: in STAT", f"STAT#1@{n} -> end fin", error) for n in (3, 4, 5, 9)]
    >>> print(digest(failed, visited=20))
    4 of 20 points failed:
      cut after octet 3: in STAT
      to cut after octet 5: in STAT (3 points)
        ValueError: no such message
        alone: STAT#1@3 -> end fin
      cut after octet 9: in STAT
        ValueError: no such message
        alone: STAT#1@9 -> end fin
    """
    every = list(failed)
    lines = [f"{len(every)} of {visited} points failed:"]
    groups = groupby(enumerate(every), key=lambda pair: (pair[1].why, pair[1].visit - pair[0]))
    rows = [[each for _, each in group] for _, group in groups]
    for alike in rows[:MOST_ROWS]:
        first, last = alike[0], alike[-1]
        lines.append(f"  {first.text}")
        if len(alike) > 1:
            lines.append(f"  to {last.text} ({len(alike)} points)")
        lines += [f"    {first.why}", f"    alone: {first.rule}"]
    if rows[MOST_ROWS:]:
        lines.append(f"  and {sum(map(len, rows[MOST_ROWS:]))} more")
    return "\n".join(lines)


def said(sessions: Iterable[Session]) -> dict[int, Said]:
    """What was said, session by session, as far as it has to be the same each time."""
    return {
        session.number: [
            ("S", entry.octets) if entry.kind == "S" else ("C", entry.text.partition(" ")[0].upper())
            for entry in session.entries
            if entry.kind != "-"
        ]
        for session in sessions
    }


def difference(
    control: Mapping[int, Said], here: Mapping[int, Said], reply: Measured, *, struck: bool
) -> tuple[str, str] | None:
    """What was said first in the control and in place of it here; None where both are the same up to this reply.

    Where the break never came, all of it is compared.
    """
    for number, before in control.items():
        now = list(here.get(number, ()))
        wanted = list(before)
        if struck and number == reply.session:
            count = _up_to(before, reply)
            wanted, now = wanted[:count], now[:count]
        if wanted != now:
            for index, (one, other) in enumerate(zip_longest(wanted, now)):
                if one != other:
                    last = next((word for kind, word in reversed(wanted[:index]) if kind == "C"), None)
                    return _in_words(one, last, number), _in_words(other, last, number)
        if number == reply.session:
            break
    return None if struck else (_NEVER, "the rule never struck")


_NEVER: Final = "the same was said, as far as it can be seen"


def _up_to(conversation: Said, reply: Measured) -> int:
    """How much of a session was said before this reply."""
    seen = 0
    for index, (kind, word) in enumerate(conversation):
        if kind == "C" and reply.command and reply.point in {word, ANY}:
            seen += 1
            if seen == reply.nth:
                return index + 1
    return 0


def _in_words(what: tuple[str, str | int] | None, last: str | int | None, number: int) -> str:
    """One thing that was said."""
    session = f"session {number}"
    if what is None:
        return f"{session} said nothing more after {last}" if last else f"{session} said nothing"
    kind, value = what
    if kind == "C":
        return f"in {session} the client sent {value}{f' after {last}' if last else ''}"
    return f"in {session} the server {f'answered {last}' if last else 'greeted'} with {value} octets"
