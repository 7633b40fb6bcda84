"""How often a rule strikes, and for how long.

Knows the limits as one structure; must not know how strikes are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from pop3s_fake.rules.values import Wrong, is_number, number, positive, shown, whole

__all__ = ("LIMITS", "Limits")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a rule; those that are None do not hold.

    >>> str(Limits(times=1, p=0.5))
    'times=1, p=0.5'
    """

    times: int | None = None
    """Strikes at most so often."""
    exactly: int | None = None
    """Has to strike exactly so often; does not keep it from striking more often."""
    skip: int | None = None
    """Lets so many occurrences pass first."""
    p: float | None = None
    """Strikes with this probability."""
    expires: float | None = None
    """Seconds after which it strikes no more, from when it was added."""
    optional: bool = False
    """Need not strike."""

    def __post_init__(self) -> None:
        """Refuse what cannot be and what contradicts itself."""
        for name in ("times", "exactly", "skip"):
            value = getattr(self, name)
            if value is not None:
                whole(value, name)
        if self.p is not None:
            if not is_number(self.p) or not 0 <= self.p <= 1:
                raise Wrong(f"p takes a probability from 0 to 1, not {shown(self.p)}", "p")
            object.__setattr__(self, "p", float(self.p))
        if self.expires is not None:
            object.__setattr__(self, "expires", positive(self.expires, "expires"))
        if self.times is not None and self.exactly is not None:
            raise Wrong("times (at most so often) and exactly contradict each other", "exactly")
        if self.optional and self.exactly is not None:
            raise Wrong("exactly (has to strike) and optional contradict each other", "optional")

    def __str__(self) -> str:
        """As they are written."""
        words = []
        for name in LIMITS:
            value = getattr(self, name)
            if name == "optional":
                words += [name] * value
            elif value is not None:
                words.append(f"{name}={number(value)}")
        return ", ".join(words)


LIMITS: Final = tuple(field.name for field in fields(Limits))
