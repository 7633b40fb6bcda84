"""The running side of a server: its listeners, its connection threads, and when they are at rest.

Knows threads and how to wait for them without sleeping; must not know accounts, options or verdicts.
"""

from __future__ import annotations

import contextlib
from collections import deque
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal

from pop3s_fake.errors import Pop3sFakeError
from pop3s_fake.server.hub import Hub
from pop3s_fake.server.listener import Listener
from pop3s_fake.server.worker import Worker

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

    from pop3s_fake.clock import Clock
    from pop3s_fake.connection import Settings
    from pop3s_fake.server.listener import Outage
    from pop3s_fake.transcript import Transcript

__all__ = ("House",)

SETTLING: Final = 1.0
"""Seconds of real time within which one more connection comes to rest before something is read, judged or ended."""

STOPPING: Final = 2.0
"""Seconds of real time within which one more thread ends when the server stops."""


class House:
    """The threads of one server."""

    def __init__(
        self, transcript: Transcript, clock: Clock, *, deadline: float | None, problem: Callable[[BaseException], None]
    ) -> None:
        self._transcript = transcript
        self._clock = clock
        self._deadline = deadline
        self._problem = problem
        self._hub = Hub()
        self._workers: set[Worker] = set()
        self._ending: deque[Worker] = deque()  # their work is done, their threads may take a moment to be gone
        self._accepted = 0
        self._guard = Lock()
        self._settle: Callable[[], None] | None = None
        self._listeners: list[Listener] = []

    def __len__(self) -> int:
        """How many connections are open."""
        return len(self._workers)

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return bool(self._listeners)

    def open(self, port: int, settings: Settings, settle: Callable[[], None], *, host: str = "localhost") -> Listener:
        """Listen on one more port; what comes there is carried out by these settings, a driven clock settles so."""
        self._settle = settle

        def accepted(sock: socket.socket, number: int) -> None:
            self._accept(sock, number, settings)

        listener = Listener(port, hub=self._hub, accepted=accepted, host=host)
        self._listeners.append(listener)
        return listener

    def close(self) -> None:
        """End the listeners and all connections; tell who did not end."""
        listeners, self._listeners = self._listeners, []
        if not listeners:
            return
        survivors = [listener.name for listener in listeners if not listener.stop(STOPPING)]
        workers = list(self._workers)
        for worker in workers:
            worker.disconnect("fin")
        workers += [worker for worker in list(self._ending) if worker not in workers]
        ending = [worker for worker in workers if not worker.current]  # a function of a rule's may stop its own server
        survivors += [f"{worker.name} ({worker.doing()})" for worker in _late(ending)]
        if survivors:
            raise Pop3sFakeError(
                f"{len(survivors)} of the server's threads did not end within {STOPPING:g} seconds: "
                f"{', '.join(survivors)}"
            )

    def outage(self, how: Outage | None) -> Outage | None:
        """Be away, or there again, for those who come from now on; gives how it was, and is nothing once stopped."""
        before = None
        for listener in self._listeners:
            self._hub.wait_until(listener.settled, SETTLING)
            before = listener.outage(how)
        return before

    def disconnect(self, how: Literal["fin", "rst"]) -> None:
        """End all connections from our side, once what they asked for is answered, as far as they take the answers."""
        self.rest()
        for worker in list(self._workers):
            worker.disconnect(how)

    def rest(self) -> None:
        """Wait as :meth:`settle` does, and for who is gone while a rule waits; it is no fault where that takes long."""
        with contextlib.suppress(Pop3sFakeError):
            self.settle(SETTLING)
        if not any(worker.current for worker in list(self._workers)):
            self._hub.wait_until(lambda: not any(worker.leaving for worker in list(self._workers)), SETTLING)

    def settle(self, timeout: float) -> None:
        """Wait until each connection was at rest; a thread of ours that asks is itself no rest and does not wait.

        Once is enough for each, since what the caller's clients asked for came before; so clients of other threads may
        go on.  The time begins anew with each that comes to rest: many on a slow machine are no client that hangs.
        """
        if any(worker.current for worker in list(self._workers)):
            return
        for listener in list(self._listeners):
            if not self._hub.wait_until(listener.settled, timeout):
                raise _restless(timeout, "a client waits to be accepted")
        busy = set(self._workers)
        while busy:
            if not self._hub.wait_until(lambda: _rested(busy), timeout):
                raise _restless(timeout, "; ".join(worker.doing() for worker in _in_order(busy)))

    def wait_until(self, test: Callable[[], bool], timeout: float) -> bool:
        """Wait until the test, which is asked after each command, is true."""
        return self._hub.wait_until(test, timeout)

    def _accept(self, sock: socket.socket, port: int, settings: Settings) -> None:
        """Give a new connection its thread; called in the accept thread of its port."""
        assert self._settle is not None
        with self._guard:  # a server with two ports has two accept threads
            log = self._transcript.begin(self._clock.now())
            self._accepted += 1
            number = self._accepted
        log.watch = self._hub.changed
        worker = Worker(
            sock,
            log,
            settings,
            hub=self._hub,
            clock=self._clock,
            settle=self._settle,
            deadline=self._deadline,
            problem=self._problem,
            done=self._done,
            name=f"pop3s-fake:{port}:conn-{number}",
        )
        with self._guard:
            while self._ending and self._ending[0].join(0):
                self._ending.popleft()
            self._workers.add(worker)
        worker.start()

    def _done(self, worker: Worker) -> None:
        """A connection thread is about to end."""
        self._ending.append(worker)
        self._workers.discard(worker)
        self._hub.changed()


def _in_order(workers: Iterable[Worker]) -> list[Worker]:
    """By the numbers of their sessions."""
    return sorted(workers, key=lambda worker: worker.log.number)


def _rested(busy: set[Worker]) -> bool:
    """Take out those that are at rest; tells whether there were any."""
    rested = {worker for worker in busy if worker.settled()}
    busy -= rested
    return bool(rested)


def _restless(timeout: float, why: str) -> Pop3sFakeError:
    return Pop3sFakeError(f"the server did not come to rest within {timeout:g} s: {why}")


def _late(workers: Iterable[Worker]) -> list[Worker]:
    """Those whose threads do not end; the time begins anew as long as any does."""
    late = _in_order(workers)
    while late:
        end = monotonic() + STOPPING
        left = [worker for worker in late if not worker.join(max(end - monotonic(), 0.0))]
        if len(left) == len(late):
            break
        late = left
    return late
