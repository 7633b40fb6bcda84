"""The sweep itself: the control, the points that follow from it, and what was gathered at the end.

Knows which points there are and in which order they are visited; must not know what happens in one.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.rules.rule import Rule
from pop3s_fake.rules.values import is_number
from pop3s_fake.server.options import ServerOptions
from pop3s_fake.sweep.mail import mail
from pop3s_fake.sweep.places import chosen, kind_of, places
from pop3s_fake.sweep.points import Point, SweptServer
from pop3s_fake.sweep.telling import Failed, SweepFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pop3s_fake.maildrop.content import Source
    from pop3s_fake.rules.measuring import Measured
    from pop3s_fake.sweep.places import Kind, KindName, UnitName
    from pop3s_fake.sweep.points import Surroundings

__all__ = ("GRACE", "Alone", "Sweep", "check_sweep_keywords")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

GRACE: Final = 10.0
"""Seconds that a client may take in addition to its own time-out before a stall counts as one that it never left."""


class Sweep:
    r"""One conversation again and again, each time broken at another place.

    Iterating gives the points; the first one is the uncut control, whose conversation, up to ``server.heal()``, has the
    places of all others.  A point that fails is gathered, and at the end a :class:`SweepFailure` tells them all: leave
    the loop by its end, not by ``break``.

    >>> import contextlib, socket
    >>> def quit(server):
    ...     with socket.create_connection((server.host, server.port)) as tcp:
    ...         with server.client_context().wrap_socket(tcp, server_hostname="localhost") as tls:
    ...             tls.recv(1000), tls.send(b"QUIT\r\n"), tls.recv(1000)
    >>> for point in Sweep("cut", over="commands"):
    ...     with point as server, contextlib.suppress(OSError):
    ...         quit(server)
    >>> point
    <Point 5: cut after octet 71: behind the answer to QUIT>
    """

    def __init__(
        self,
        kind: KindName = "cut",
        *,
        over: UnitName | None = None,
        messages: int | Iterable[Source] = 3,
        sample: int | None = None,
        timeout: float | None = None,
        seed: int = 0,
        shard: tuple[int, int] = (1, 1),
        surroundings: Surroundings | None = None,
        **keywords: Any,
    ) -> None:
        """Check what is asked for.  ``surroundings`` are for test frameworks.

        ``kind``: how the conversation breaks, by FIN ("cut"), by "reset", after TLS's "close-notify", or by a "stall".
        ``over``: at every one of "octets", "lines", "records", "segments", "commands" or "boundaries"; left out,
        octets, and commands for a stall, which can be swept over boundaries, too.  ``messages``: what is in the
        maildrop, a number of small ones or a list of sources.  ``sample``: no more than so many points, drawn by
        ``seed``; boundaries are always among them.  ``timeout``: the client's own time-out in seconds, which a stall
        needs; ten seconds later it counts as hanging.  ``shard``: (2, 8) for the second of eight parts.  ``keywords``:
        those of :class:`~pop3s_fake.Pop3sServer`, for each point's server.

        Raises :class:`~pop3s_fake.UsageError` for what cannot be.
        """
        self.kind: Kind
        self.unit: str
        self.kind, self.unit = kind_of(kind, over)
        self._messages = mail(messages)
        self._sample = _sample(sample)
        self._timeout = _timeout(self.kind.name, timeout)
        self._seed = seed
        self._shard = _shard(shard)
        check_sweep_keywords(keywords)
        if self._timeout is not None:
            keywords = {"deadline": self._timeout + GRACE, **keywords}
        own: Surroundings = Alone({"seed": seed, **keywords}, self.check)
        self._surroundings = own if surroundings is None else surroundings
        self.failed: list[Failed] = []
        """The points that failed, in order."""
        self._told = 0
        self.visited: int = 0
        """How many points were visited, the control not counted."""

    def __repr__(self) -> str:
        """What it does, and how it stands."""
        return f"<Sweep: {self.kind.name} over {self.unit}, {self.visited} points visited, {len(self.failed)} failed>"

    def __iter__(self) -> Iterator[Point]:
        """The points, the control first."""
        control = self._point()
        yield control
        found = self._found(control)
        number, count = self._shard
        for index, place in list(enumerate(chosen(found, self._sample, self._seed), 1))[number - 1 :: count]:
            point = self._point(number=index, place=place, control=control.server)
            self.visited += 1
            yield point
        self._surroundings.end()

    @property
    def tells(self) -> bool:
        """Whether each failure is told when it happens."""
        return self._surroundings.tells

    def untold(self) -> list[SweepFailure]:
        """What was gathered and not told yet: nothing, or one failure for all of it, which counts as told now."""
        if self.tells or self._told == len(self.failed):
            return []
        self._told = len(self.failed)
        failure = SweepFailure(self.failed, self.visited)
        failure.__cause__ = self.failed[0].failure
        return [failure]

    def check(self) -> None:
        """Raise what was gathered and not told yet."""
        for failure in self.untold():
            raise failure

    def _point(self, **given: Any) -> Point:
        return Point(self._surroundings, self._messages, timeout=self._timeout, failed=self._note, **given)

    def _note(self, point: Point, failure: BaseException) -> None:
        assert point.rule is not None
        self.failed.append(Failed(self.visited, str(point), point.rule, failure))

    def _found(self, control: Point) -> list[Any]:
        """The places of the control's conversation."""
        if control.server is None:
            raise UsageError("the first point is the uncut control, and the sweep needs it: `with point as server:`")
        replies: list[Measured] = sorted(control.server.replies, key=lambda reply: reply.session)
        if not any(reply.lines for reply in replies):  # a handshake alone is no conversation
            raise UsageError(
                "no client spoke to the server of the uncut control, so there is nothing to sweep\n"
                "  -> let the client connect in `with point as server:`, before server.heal()"
            )
        return places(self.kind, self.unit, replies)


def _sample(sample: Any) -> int | None:
    """How many points at most; None for all."""
    if sample is None or (isinstance(sample, int) and not isinstance(sample, bool) and sample > 0):
        return sample
    raise UsageError(f"sample= is a number of points from 1 on, not {sample!r}")


def _timeout(kind: str, timeout: float | None) -> float | None:
    """The client's time-out, which belongs to a stall."""
    if kind != "stall":
        if timeout is not None:
            raise UsageError(f"timeout= is the client's own time-out in a stall; a {kind} ends by itself")
        return None
    if timeout is None:
        raise UsageError("a stall needs timeout=, the client's own time-out in seconds: without one it waits for ever")
    if not is_number(timeout) or timeout <= 0:
        raise UsageError(f"timeout= is a number of seconds above 0, not {timeout!r}")
    return float(timeout)


def _shard(shard: tuple[int, int]) -> tuple[int, int]:
    """Which part of how many."""
    number, count = shard
    if not 1 <= number <= count:
        raise UsageError(f"shard= is the part and their number, such as (1, 8), not {shard!r}")
    return number, count


OWN: Final = ("kind", "over", "messages", "sample", "timeout")
"""The keywords that a sweep has in addition to those of a server."""


def check_sweep_keywords(keywords: Mapping[str, Any]) -> None:
    """Refuse keywords that neither a sweep nor a server has, and values that a server cannot have.

    >>> check_sweep_keywords({"sampel": 100})
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown keyword 'sampel' of a sweep; did you mean 'sample'?
    """
    known = [*OWN, *(field.name for field in fields(ServerOptions))]
    for keyword in keywords:
        if keyword not in known:
            raise UsageError(f"unknown keyword {keyword!r} of a sweep{nearest(keyword, known)}")
    ServerOptions.of(keywords)


class Alone:
    """A sweep without a test framework: failures are gathered, folders are temporary."""

    tells = False
    unjudged: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit, GeneratorExit)

    def __init__(self, keywords: dict[str, Any], check: Any) -> None:
        self._keywords = keywords
        self._check = check
        self._folder: Path | None = None

    def server(self, *, control: bool) -> SweptServer:
        """A server with these keywords; rules of theirs have to strike in the control only."""
        keywords = dict(self._keywords)
        rules = keywords.pop("rules", ())
        server = SweptServer(**keywords)
        for rule in rules:
            server.rules.add(rule.copy() if isinstance(rule, Rule) else rule, must=control)
        return server

    def folder(self, number: int) -> Path:
        """A folder that goes with the point, unless it fails."""
        return Path(tempfile.mkdtemp(prefix=f"pop3s-sweep-{number}-"))

    @contextlib.contextmanager
    def around(self, point: Point, server: SweptServer) -> Iterator[None]:
        """Let a failure of the control be the end, and go on after any other."""
        try:
            yield
        except Exception as failure:
            server.annotate(failure, ())
            if point.rule is None:
                raise
        else:
            if point.kept is not None:
                shutil.rmtree(point.kept, ignore_errors=True)

    def end(self) -> None:
        """Raise what was gathered."""
        self._check()
