"""One connection thread: performs the steps of one conversation on one socket.

Knows sockets, polling and how to end a TCP connection; must not know what is said.  The socket never blocks: every
wait is a poll that input, the clock, the deadline of real time or a disconnection ends.  Longer than 400 lines because
every one of them touches the state that one lock guards, and halves would know each other's.
"""

from __future__ import annotations

import contextlib
import socket
from threading import Lock, Thread, get_ident
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal

from pop3s_fake.connection import EOF, EXPIRED, End, Gone, Receive, Send, Wait, conversation
from pop3s_fake.server.clocks import SystemClock
from pop3s_fake.server.endings import NO_LINGER, drain, hung, wait_delivered
from pop3s_fake.server.polling import GONE, READ, WRITE, poller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.clock import Clock
    from pop3s_fake.connection import Connection, Settings, Step
    from pop3s_fake.server.hub import Hub
    from pop3s_fake.transcript import Session

__all__ = ("Worker",)

How = Literal["fin", "rst"]

READ_SIZE: Final = 65536
"""Octets that are read at once; a TLS record and its neighbours."""

LONGEST: Final = 1e9  # milliseconds of one poll, eleven days: a C int takes no more than twice as many

READ_AHEAD: Final = 1 << 20
"""Octets that are taken from a client who sends while it does not read (RFC 2449 section 6.6: no deadlock)."""


class Worker:
    """A connection and its thread."""

    def __init__(
        self,
        sock: socket.socket,
        log: Session,
        settings: Settings,
        *,
        hub: Hub,
        clock: Clock,
        settle: Callable[[], None],
        deadline: float | None,
        problem: Callable[[BaseException], None],
        done: Callable[[Worker], None],
        name: str,
    ) -> None:
        """Begin nothing yet; :meth:`start` does."""
        self.log = log
        self._sock = sock
        self._settings = settings
        self._hub = hub
        self._clock = clock
        self._settle = settle
        self._limit = deadline
        self._end_at = None if deadline is None else monotonic() + deadline
        self._problem = problem
        self._done = done
        self._guard = Lock()
        self._closed = False
        self._ordered: How | None = None
        self._deaf = False
        self._waiting = False
        self._blocked = False
        self._over = False
        self._torn = False
        self._half = False
        self._ahead = 0
        self._step: Step | None = None
        self._until: float | None = None
        self._poll = poller()
        self._poll.register(sock.fileno(), READ)
        self._wake: tuple[socket.socket, socket.socket] | None = None
        log.disconnector = self.disconnect  # type: ignore[assignment]  # it has checked the word
        self.name = name
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Let the thread run."""
        self._thread.start()

    # asked by other threads

    @property
    def current(self) -> bool:
        """Whether the caller is this worker's own thread."""
        return self._thread.ident == get_ident()

    def join(self, timeout: float) -> bool:
        """Wait for the thread's end; tells whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def settled(self) -> bool:
        """Whether nothing will happen until the client, the clock or the test does something."""
        if self._over:
            return True
        if not self._waiting:
            return False
        step = self._step
        with self._guard:
            if self._closed:
                return True
            if type(step) is not Receive and type(step) is not Wait:
                return False
            peek = poller()  # in a wait only the client's end changes anything, and only once
            peek.register(self._sock.fileno(), READ if type(step) is Receive else 0 if self._deaf else GONE)
            if peek.poll(0):
                return False
        until = self._until
        still: bool = self._waiting  # the thread may have woken meanwhile
        return still and (until is None or self._clock.now() < until)

    @property
    def leaving(self) -> bool:
        """Whether the client is gone and a rule still waits, after which the conversation ends."""
        return self._deaf and self._waiting and self._until is not None and type(self._step) is Wait

    def doing(self) -> str:
        """What it does, for an error sentence."""
        last = self.log.commands[-1:] or ["the greeting"]
        if self._blocked:
            return f"session {self.log.number} is still sending its reply to {last[0]}, which the client does not read"
        return f"session {self.log.number} is still busy with {last[0]}"

    def disconnect(self, how: How) -> None:
        """End the connection; the thread does it as soon as it looks."""
        with self._guard:
            if not self._closed:
                self._ordered = how
                with contextlib.suppress(OSError):  # every poll on it returns
                    self._sock.shutdown(socket.SHUT_RDWR if self._deaf else socket.SHUT_RD)

    # the clock's side

    def wake(self) -> None:
        """Look at the clock again."""
        with self._guard:
            if self._wake is not None:
                with contextlib.suppress(BlockingIOError):
                    self._wake[1].send(b"\0")

    def due(self) -> float | None:
        """When the present wait ends."""
        return self._until if self._waiting else None

    def asked_for(self) -> bool:
        """Whether a rule or a dialect asked for the present wait."""
        return self._over or (self._waiting and type(self._step) is Wait)

    # the thread

    def _run(self) -> None:
        """Perform the conversation; no exception leaves this frame."""
        connection: Connection | None = None
        how: How = "rst"
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._clock.drives:
                self._wake = socket.socketpair()
                for end in self._wake:
                    end.setblocking(False)
                self._poll.register(self._wake[0].fileno(), READ)
            self._clock.join(self, self._settle)
            connection = conversation(self._settings, self.log)
            self._perform(connection)
        except StopIteration:
            pass  # the conversation is over
        except Gone as gone:
            how = gone.how  # over, too, but the closure alert could not be sent any more
        except BaseException as error:  # noqa: BLE001  # it is told to the test, with a note
            last = self.log.commands[-1:] or ["the greeting"]
            error.add_note(f"in the server, while answering {last[0]} in session {self.log.number}")
            self._problem(error)
        finally:
            if connection is not None:
                connection.close("the server failed")
            self._finish(how)
            self._clock.leave(self)
            self._done(self)

    def _perform(self, connection: Connection) -> None:
        """Carry out step after step, until the steps end or Gone comes back out of them."""
        steps = connection.steps()
        step = next(steps)
        while True:
            self._step = step
            try:
                kind = type(step)
                if kind is Receive:
                    self._receive(connection, step.until)  # type: ignore[union-attr]
                elif kind is Send:
                    self._send(connection, step.octets)  # type: ignore[union-attr]
                elif kind is Wait:
                    self._wait(connection, step.seconds)  # type: ignore[union-attr]
                elif kind is End:
                    self._finish(step.how)  # type: ignore[union-attr]
                else:
                    self._half = True
                    self._sock.shutdown(socket.SHUT_WR)
            except Gone as gone:
                self._torn = kind is Send
                step = steps.throw(gone)
            except OSError as error:
                step = steps.throw(Gone("reset", f"the connection is gone: {error.strerror or error}", "rst"))
            else:
                step = next(steps)

    def _receive(self, connection: Connection, until: float | None) -> None:
        """Feed what comes, or that the time has come."""
        self._ahead = 0  # all that was read ahead has been used
        while True:
            if not self._arrived(until) and not self._sleep(until):
                connection.feed(EXPIRED)
                return
            try:
                octets = self._sock.recv(READ_SIZE)
            except BlockingIOError:
                continue  # it was the clock that woke us
            connection.feed(octets or EOF)
            return

    def _arrived(self, until: float | None) -> bool:
        """The common case of :meth:`_sleep` in few steps: the system's clock, and octets come in time."""
        if self._clock.__class__ is not SystemClock:
            return False
        end = self._end_at
        if end is None or (until is not None and until < end):
            end = until
        left = None if end is None else (end - monotonic()) * 1000
        if left is not None and left <= 0:
            return False
        self._until = until
        self._waiting = True
        if self._hub.watched:
            self._hub.changed()
        events = self._poll.poll(left)
        self._waiting = False
        if self._ordered is not None:
            self._obey()
        return bool(events)

    def _wait(self, connection: Connection, seconds: float | None) -> None:
        """Wait on the clock, reading ahead what comes meanwhile."""
        until = None if seconds is None else self._clock.now() + seconds
        read_ahead = 0
        fd = self._sock.fileno()
        try:
            while self._sleep(until):
                try:
                    octets = self._sock.recv(READ_SIZE)
                except BlockingIOError:
                    continue
                connection.feed(octets or EOF)
                read_ahead += len(octets)
                if not octets:
                    if until is None or self._half:
                        return  # nobody is left
                    self._poll.modify(fd, 0)
                    self._deaf = True
                    self._obey()
                elif read_ahead >= READ_SIZE:
                    self._poll.modify(fd, GONE)
        finally:
            self._deaf = False
            self._poll.modify(fd, READ)

    def _sleep(self, until: float | None) -> bool:
        """Poll; false when the clock has reached ``until``; raises when real time or an order ends the connection."""
        clock = self._clock
        self._until = until
        while True:
            budget = None if until is None else clock.timeout(until)
            if self._end_at is not None:
                left = self._end_at - monotonic()
                if left <= 0:
                    self._hung()
                budget = left if budget is None or left < budget else budget
            self._waiting = True
            if self._hub.watched:
                self._hub.changed()
            if clock.drives:
                clock.fell_asleep()
            events = self._poll.poll(None if budget is None else min(budget * 1000 + 0.5, LONGEST))
            self._waiting = False
            self._obey()
            if self._wake is not None and self._rung():
                events = [event for event in events if event[0] != self._wake[0].fileno()]
            if until is not None and (clock.drives or not events) and clock.now() >= until:
                return False
            if events:
                return True

    def _obey(self) -> None:
        """End the conversation if somebody ordered it.

        A poll that the client's end has made deaf returns only when both sides are shut: whoever makes it deaf says so
        first and then looks for orders, and :meth:`disconnect` does it the other way round.
        """
        if self._ordered is not None:
            raise Gone("server", "the server disconnected the client", self._ordered)

    def _rung(self) -> bool:
        """Take the clock's pokes."""
        assert self._wake is not None
        try:
            return bool(self._wake[0].recv(4096))
        except BlockingIOError:
            return False

    def _hung(self) -> None:
        """Real time is over: tell the test and reset the connection."""
        assert self._limit is not None
        self._problem(hung(self.log, self._limit))
        raise Gone("server", f"the deadline of {self._limit:g} seconds of real time is over", "rst")

    def _send(self, connection: Connection, octets: bytes) -> None:
        """Write all of it; a client that sends while it does not read is read, within bounds."""
        if self.log.ended is None:
            self._obey()
            if self._end_at is not None and monotonic() >= self._end_at:
                self._hung()
        elif self._torn:
            return  # the closure alert cannot be read behind half a record
        try:
            sent = self._sock.send(octets)
        except BlockingIOError:
            sent = 0
        if sent == len(octets):
            return
        view = memoryview(octets)
        fd = self._sock.fileno()
        self._blocked = True
        try:
            while sent < len(view):
                self._writable(connection, fd)
                with contextlib.suppress(BlockingIOError):
                    sent += self._sock.send(view[sent:])
        finally:
            self._blocked = self._deaf = False
            self._poll.modify(fd, READ)

    def _writable(self, connection: Connection, fd: int) -> None:
        """Wait until the client's kernel takes more, reading ahead what comes meanwhile."""
        if self._deaf:
            mask = WRITE
        elif self._ahead >= READ_AHEAD:
            mask = WRITE | GONE
        else:
            mask = WRITE | READ
        self._obey()
        left = None if self._end_at is None else self._end_at - monotonic()
        if left is not None and left <= 0:
            self._hung()
        self._poll.modify(fd, mask)
        events = dict(self._poll.poll(None if left is None else left * 1000 + 0.5)).get(fd, 0)
        if self._wake is not None:
            self._rung()
        self._obey()
        if events & mask & READ:
            octets = self._sock.recv(READ_SIZE)
            connection.feed(octets or EOF)
            self._ahead += len(octets)
            self._deaf = not octets or (GONE == 0 and self._ahead >= READ_AHEAD)
        elif events & mask & GONE:
            self._deaf = True  # its end lies behind what was not read yet

    # the end

    def _finish(self, how: How) -> None:
        """Tell those who wait for rest, and close."""
        self._over = True
        self._hub.changed()
        self._shut(how)

    def _shut(self, how: How) -> None:
        """Close the socket: behind a FIN, or with a reset once all was delivered."""
        if self._closed:
            return
        try:
            if how == "fin":
                self._sock.shutdown(socket.SHUT_WR)
                drain(self._sock)
            else:
                wait_delivered(self._sock)
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        except OSError:
            pass  # the client was faster
        finally:
            with self._guard:
                self._closed = True
                self._sock.close()
                for end in self._wake or ():
                    end.close()
                self._wake = None
