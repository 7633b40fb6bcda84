"""Where those who wait for the server's threads are told that something changed.

Knows nothing of what changed: whoever waits looks for himself.  While nobody waits, telling costs one attribute.
"""

from __future__ import annotations

from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("Hub",)

TURN: Final = 0.05
"""Seconds that one wait counts at most."""


class Hub:
    """One server's meeting point."""

    __slots__ = ("_condition", "watched")

    def __init__(self) -> None:
        self._condition = Condition()
        self.watched: int = 0

    def changed(self) -> None:
        """Something that somebody may wait for has come about; called after it has."""
        if self.watched:
            with self._condition:
                self._condition.notify_all()

    def wait_until(self, test: Callable[[], bool], timeout: float) -> bool:
        """Wait until ``test()`` is true, at most ``timeout`` seconds of real time; tells whether it is.

        Seconds in which the whole machine stood still, or gave this thread no turn, do not count: the others had none
        either.
        """
        left = timeout
        with self._condition:
            self.watched += 1  # before the first look: who changes something later will tell
            try:
                while not test():
                    if left <= 0:
                        return False
                    began = monotonic()
                    self._condition.wait(min(left, TURN))
                    left -= min(monotonic() - began, TURN)
                return True
            finally:
                self.watched -= 1
