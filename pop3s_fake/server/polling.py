"""Waiting for sockets: ``select.poll`` where there is one, ``select.select`` in the same form elsewhere.

Knows descriptors and the kernel; must not know what is waited for.
"""

from __future__ import annotations

import select
from typing import Protocol

__all__ = ("GONE", "READ", "WRITE", "Poll", "poller")


class Poll(Protocol):
    """The part of ``select.poll`` that is used here."""

    def register(self, fd: int, eventmask: int, /) -> None:
        """Wait for these events on this descriptor, too."""

    def modify(self, fd: int, eventmask: int, /) -> None:
        """Wait for other events."""

    def poll(self, timeout: float | None = None, /) -> list[tuple[int, int]]:
        """The events that came, after at most ``timeout`` milliseconds."""


if hasattr(select, "poll"):
    READ = select.POLLIN
    WRITE = select.POLLOUT
    GONE = getattr(select, "POLLRDHUP", 0)
    """The peer, or we ourselves, closed the direction in which we read; Linux tells so without reading."""

    def poller() -> Poll:
        """A new object to wait with."""
        return select.poll()

else:  # pragma: no cover  # Windows
    READ, WRITE, GONE = 1, 4, 0

    class _Select:
        def __init__(self) -> None:
            self._masks: dict[int, int] = {}

        def register(self, fd: int, eventmask: int, /) -> None:
            self._masks[fd] = eventmask

        modify = register

        def poll(self, timeout: float | None = None, /) -> list[tuple[int, int]]:
            read = [fd for fd, mask in self._masks.items() if mask & READ]
            write = [fd for fd, mask in self._masks.items() if mask & WRITE]
            readable, writable, _ = select.select(read, write, [], None if timeout is None else timeout / 1000)
            events = dict.fromkeys(readable, READ)
            for fd in writable:
                events[fd] = events.get(fd, 0) | WRITE
            return list(events.items())

    def poller() -> Poll:
        """A new object to wait with."""
        return _Select()
