"""The two clocks: the system's, and one that a test drives.

Knows time and who sleeps; must not know what anybody waits for.
"""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final, Never

from pop3s_fake.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.clock import Sleeper

__all__ = ("ManualClock", "SystemClock")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


DAY: Final = 86400.0

LONGEST: Final = 1e12
"""Seconds, minutes, hours or days by which a clock moves on at once: some 30 000 years and more, but not for ever."""


class SystemClock:
    """The system's monotonic clock.

    >>> clock = SystemClock()
    >>> clock.now() <= clock.now(), clock.drives
    (True, False)
    """

    drives = False

    def now(self) -> float:
        """Seconds since some time in the past."""
        return monotonic()

    def timeout(self, due: float) -> float | None:
        """The seconds until then."""
        return max(due - monotonic(), 0.0)

    def join(self, sleeper: Sleeper, settle: Callable[[], None]) -> None:
        """Nothing: the kernel wakes everybody."""

    def leave(self, sleeper: Sleeper) -> None:
        """Nothing."""

    def fell_asleep(self) -> None:
        """Nothing."""


class ManualClock:
    """A clock that stands still until the test moves it; it drives the server's time only.

    :meth:`advance` returns when everything that fell due was carried out and its octets were written.  A client's own
    time-outs are real time.  When every open connection is in a wait that a rule asked for, the clock jumps by itself
    to the end of the first one (never for an idle timer; ``auto=False`` turns it off), so that such a wait costs
    nothing and cannot deadlock a test whose own thread sits in the client.  Servers may share a clock.

    >>> clock = ManualClock()
    >>> clock.advance(minutes=10)
    >>> clock.now()
    600.0
    """

    drives = True

    def __init__(self, *, auto: bool = True, **unknown: Never) -> None:
        for keyword in unknown:
            raise UsageError(f"ManualClock has no keyword {keyword!r}{nearest(keyword, ['auto'])}")
        self._auto = auto
        self._now = 0.0
        self._lock = Lock()
        self._members: dict[Sleeper, Callable[[], None]] = {}

    def __repr__(self) -> str:
        """Where it stands."""
        return f"<ManualClock at {self._now:g} s, {len(self._members)} connections>"

    def now(self) -> float:
        """Seconds since the clock was made."""
        return self._now

    def advance(self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0) -> None:
        """Move on by so much, stopping at each time at which something falls due; a clock never goes back."""
        step = 0.0
        given = (("seconds", seconds, 1.0), ("minutes", minutes, 60.0), ("hours", hours, 3600.0), ("days", days, DAY))
        for unit, count, each in given:
            if not _may_pass(count):
                raise UsageError(f"a clock moves on by a number of {unit}, not by {count!r}")
            step += each * count
        if step < 0:
            raise UsageError(f"a clock cannot go back by {-step:g} seconds")
        target = self._now + step
        while True:
            self._settle()
            due = min((due for due in self._dues() if due <= target), default=None)
            if due is None:
                break
            self._move(due)
        self._move(target)

    def timeout(self, due: float) -> float | None:
        """None, until :meth:`advance` wakes the sleeper: real time tells nothing here."""
        return 0.0 if due <= self._now else None

    def join(self, sleeper: Sleeper, settle: Callable[[], None]) -> None:
        """A connection has opened."""
        with self._lock:
            self._members[sleeper] = settle

    def leave(self, sleeper: Sleeper) -> None:
        """A connection has ended; perhaps all others sleep."""
        with self._lock:
            self._members.pop(sleeper, None)
        self.fell_asleep()

    def fell_asleep(self) -> None:
        """Jump to the first wait's end if all connections are in waits that were asked for."""
        if not self._auto:
            return
        with self._lock:
            members = list(self._members)
            dues = [sleeper.due() for sleeper in members]
            if not all(sleeper.asked_for() for sleeper in members):
                return
        due = min((due for due in dues if due is not None), default=None)
        if due is not None:
            self._move(due)

    def _dues(self) -> list[float]:
        with self._lock:
            members = list(self._members)
        return [due for sleeper in members if (due := sleeper.due()) is not None]

    def _move(self, to: float) -> None:
        """Set the time and wake those whose waits end."""
        with self._lock:
            self._now = max(self._now, to)
            woken = [sleeper for sleeper in self._members if (due := sleeper.due()) is not None and due <= self._now]
        for sleeper in woken:
            sleeper.wake()

    def _settle(self) -> None:
        with self._lock:
            settles = set(self._members.values())
        for settle in settles:
            settle()


def _may_pass(count: object) -> bool:
    """Whether so many units of time can pass; nan cannot."""
    return isinstance(count, (int, float)) and not isinstance(count, bool) and abs(count) <= LONGEST
