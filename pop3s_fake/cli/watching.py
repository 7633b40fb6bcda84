"""From the server's threads to the view and the log: a queue, and one thread that empties it.

Knows that no session may wait for a terminal or a disk; must not know what is shown or how.
"""

from __future__ import annotations

from queue import Full, Queue
from threading import Thread
from typing import TYPE_CHECKING, Final

from pop3s_fake.cli.events import Events, json_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from pop3s_fake.cli.view import View
    from pop3s_fake.transcript import Entry, Session

__all__ = ("Watcher",)

WAITING: Final = 10_000
"""Entries that wait for a terminal that is held up; what comes behind them is not shown."""

ENDING: Final = 10.0
"""Seconds of real time for what still waits when the server has stopped."""


class Watcher:
    """Shows and logs entries in a thread of its own."""

    def __init__(
        self, view: View, log: TextIO | None, *, offset: float, after: Callable[[], object] = lambda: None
    ) -> None:
        """Call ``after`` when an event was shown; ``offset`` is the time of day at the zero of the server's clock."""
        self._view: View | None = view
        self._log = log
        self._events = Events(offset)
        self._after = after
        self._queue: Queue[tuple[int, str | None, Entry] | None] = Queue(WAITING)
        self._thread = Thread(target=self._run, name="pop3s-fake:view", daemon=True)
        self._thread.start()

    def __call__(self, session: Session, entry: Entry) -> None:
        """Take one entry; never waits."""
        self._queue.put_nowait((session.serial, session.user, entry))  # the user as of now

    def close(self) -> None:
        """Show what still waits, unless the terminal or the disk is held up."""
        try:
            self._queue.put(None, timeout=ENDING)
        except Full:
            return
        self._thread.join(ENDING)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            event = self._events.of(*item)
            if event is None:
                continue
            if self._log is not None:
                try:
                    self._log.write(json_line(event))
                    self._log.flush()
                except OSError:  # the disk is full, or the reader has gone
                    self._log = None
            if self._view is not None:
                try:
                    self._view.show(event)
                except OSError:  # nobody looks any more
                    self._view = None
            self._after()
