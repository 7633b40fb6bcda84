"""One point of a sweep: a fresh server, the one rule that breaks the conversation, and what becomes of it.

Knows the order of one point, from its server to its verdict; must not know which points there are.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol

from pop3s_fake.errors import Pop3sFakeError, UsageError, verdict
from pop3s_fake.rules.measuring import Measuring
from pop3s_fake.server.server import Pop3sServer
from pop3s_fake.sweep.telling import NotReproducible, difference, said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from pop3s_fake.maildrop.content import Source
    from pop3s_fake.rules.measuring import Measured
    from pop3s_fake.rules.rule import Rule
    from pop3s_fake.sweep.places import Place
    from pop3s_fake.sweep.telling import Said

__all__ = ("Point", "Surroundings", "SweptServer")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

CONTROL = "the uncut control"


class SweptServer(Pop3sServer):
    """The server of one point, which knows how far the conversation went that is swept: to :meth:`heal`."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.replies: list[Measured] = []
        """The replies of the conversation, if they were measured."""
        self.said: dict[int, Said] | None = None
        """What was said in it; None before it is over."""
        self.told: str = ""
        """Its transcript."""

    def measure(self) -> None:
        """Measure the replies from now on."""
        self.rules.sessions_by = lambda book, number: Measuring(book, number, self._measured)

    def _measured(self, reply: Measured) -> None:
        if self.said is None:
            self.replies.append(reply)

    def heal(self) -> None:
        """Let no rule strike any more; what is swept is over."""
        with contextlib.suppress(Pop3sFakeError):  # who does not come to rest is told by the verdict
            self.settle()
        self.over()
        super().heal()

    def over(self) -> None:
        """The conversation that is swept is over, if it was not."""
        if self.said is None:
            self.said = said(self.transcript.peek())
            self.told = self.story()


class Surroundings(Protocol):
    """Where a sweep takes place: who makes its servers and folders, and who is told."""

    unjudged: tuple[type[BaseException], ...]
    """What ends a point without a verdict."""
    tells: bool
    """Whether each failure is told when it happens; else all are, at the end."""

    def server(self, *, control: bool) -> SweptServer:
        """A server with the keywords of this sweep, not started."""

    def folder(self, number: int) -> Path:
        """A new folder for the point of this number."""

    def around(self, point: Point, server: SweptServer) -> AbstractContextManager[object, bool | None]:
        """What goes around a point; it says whether a failure was taken note of, so that the sweep goes on."""

    def end(self) -> None:
        """All points were visited; raises what was gathered."""


class Point:
    """One point: ``with point as server:`` is a fresh server whose conversation breaks there.

    ``str(point)`` names it; leaving the block judges it.
    """

    number: int
    """From 1; 0 for the control."""
    rule: str | None
    """The rule that breaks the conversation; None for the control."""
    timeout: float | None
    """The client's own time-out in seconds, in a sweep of stalls."""

    def __init__(
        self,
        surroundings: Surroundings,
        messages: Sequence[Source],
        *,
        number: int = 0,
        place: Place | None = None,
        control: SweptServer | None = None,
        timeout: float | None = None,
        failed: Callable[[Point, BaseException], None],
    ) -> None:
        self.number = number
        self.rule = None if place is None else place.rule
        self.timeout = timeout
        self.server: SweptServer | None = None
        self._place = place
        self._control = control
        self._messages = messages
        self._surroundings = surroundings
        self._failed = failed
        self._path: Path | None = None

    def __str__(self) -> str:
        """The place: "cut after octet 417: in RETR 2, line 9"."""
        return CONTROL if self._place is None else self._place.text

    def __repr__(self) -> str:
        """The place, and the rule."""
        return f"<Point {self.number}: {self}>"

    @property
    def path(self) -> Path:
        """A folder of its own, for what the client keeps: new and empty when it is first asked for."""
        if self._path is None:
            self._path = self._surroundings.folder(self.number)
        return self._path

    @property
    def kept(self) -> Path | None:
        """The folder, if anybody asked for it."""
        return self._path

    def __enter__(self) -> Pop3sServer:
        """Start the server."""
        if self.server is not None:
            raise UsageError(f"{self} was entered already: each point is one block")
        server = self._surroundings.server(control=self._place is None)
        if self._place is None:
            server.measure()
        self._accounts = server.accounts.save()
        server.account.maildrop.add(*self._messages)
        self._rule = self._break(server)
        self.server = server.start()
        try:
            self._around = self._surroundings.around(self, server)
            self._around.__enter__()
        except BaseException:
            server.stop()
            raise
        return server

    def _break(self, server: SweptServer) -> Rule | None:
        """Give the server the rule of this point; whether it struck is asked by the point itself."""
        return None if self._place is None else server.rules.add(self._place.rule, must=False, where="the sweep")

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Judge and stop; a failure of a point is told and gathered, that of the control ends the sweep."""
        assert self.server is not None
        problems = self._end(self.server)
        raised = failure or verdict(problems)
        if raised is not None and not isinstance(raised, self._surroundings.unjudged):
            if failure is not None:
                self.server.annotate(failure, problems, transcript=False)
            raised.add_note(f"pop3s-fake: {self._named()}")
            if self._place is not None:
                self._failed(self, raised)
        told = self._around.__exit__(type(raised) if raised is not None else None, raised, traceback)
        if raised is None or told:
            return True
        if raised is failure:
            return False
        raise raised

    def _named(self) -> str:
        """The point as a failure tells it."""
        if self._place is None:
            return "this is the uncut control: it has to pass, since the points of the sweep follow from it"
        return f'{self}\n  alone: server.rules.add("{self._place.rule}")'

    def _end(self, server: SweptServer) -> list[BaseException]:
        """Stop the server and say what was wrong."""
        problems = server.judge()
        server.over()
        try:
            server.stop()
        except Pop3sFakeError as error:
            problems.append(error)
        problems += server.judge()
        server.accounts.restore(self._accounts)
        other = self._another(server)
        return [other, *problems] if other is not None else problems

    def _another(self, server: SweptServer) -> NotReproducible | None:
        """The complaint about a conversation that is another than the control's."""
        place, control, rule = self._place, self._control, self._rule
        if place is None or control is None or rule is None:
            return None
        assert control.said is not None
        found = difference(control.said, said(server.transcript.peek()), place.reply, struck=rule.hits > 0)
        if found is None:
            return None
        return NotReproducible(
            f"{place.text} is not reproducible: the conversation was another one than the control's\n"
            f"  control: {found[0]}\n"
            f"  here: {found[1]}\n"
            "  -> let the client do the same each time: its state in point.path, no clock, no chance\n"
            f"the control's transcript:\n{control.told}\n"
            f"the transcript here:\n{server.story() or 'no client has connected'}"
        )
