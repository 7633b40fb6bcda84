"""The interface of time: what a conversation and the threads that perform it may ask of a clock.

Knows no time of its own and must not import ``time``: the system's clock and the one that a test drives live in
``server``.  All times are seconds on a clock that never goes back; where its zero lies means nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("AUTOLOGOUT", "Clock", "Sleeper")

AUTOLOGOUT = 600.0
"""Seconds of inactivity after which a session is closed: RFC 1939 section 3 allows no less than ten minutes."""


class Sleeper(Protocol):
    """One open connection, as a driven clock sees it."""

    def wake(self) -> None:
        """Look at the clock again, and at once."""

    def due(self) -> float | None:
        """When the wait in which it stands ends; None while it works or waits for nothing but input."""

    def asked_for(self) -> bool:
        """Whether a rule or a dialect asked for that wait (an idle timer did not)."""


class Clock(Protocol):
    """What a server needs of time."""

    def now(self) -> float:
        """Seconds since the clock's own zero."""

    def timeout(self, due: float) -> float | None:
        """Real seconds for which the kernel may wait before ``due`` must be looked at; None: until woken."""

    @property
    def drives(self) -> bool:
        """Whether this clock wakes its sleepers, so that they must be able to be woken."""

    def join(self, sleeper: Sleeper, settle: Callable[[], None]) -> None:
        """A connection has opened; ``settle`` returns when its server has carried out all that fell due."""

    def leave(self, sleeper: Sleeper) -> None:
        """A connection has ended."""

    def fell_asleep(self) -> None:
        """A sleeper has just begun to wait."""
