"""How a defect is planted: keywords of the server, rules, and a twist between a session and what it hears and says.

Knows how the session is called; must not know which defect belongs to which row.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from pop3s_fake.protocol.replies import Reply
from pop3s_fake.protocol.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Go = Callable[[bytes], Reply]
    Twist = Callable[[Any, bytes, Go], Reply]

__all__ = ("Defect", "exactly", "hears", "says", "twisted")

OVERLONG = b"(an endless line)"
GREETING = b"(greeting)"
"""What a twist is told in place of a line."""
RESPONSE = b"> "
"""What a twist is told in front of a line within an exchange."""


@dataclass(frozen=True)
class Defect:
    """One defect; the parts may be combined."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """Keywords of the server that take the place of those of the check."""
    rules: Sequence[str] = ()
    twist: Callable[[], Twist] | None = None
    """Makes a function of session, line and the session's own way, which gives the reply."""
    patches: Sequence[tuple[Any, str, Any]] = ()
    """Object, attribute, and what stands there meanwhile."""

    @contextlib.contextmanager
    def planted(self) -> Iterator[dict[str, Any]]:
        """The keywords for the carrier; what is patched is restored afterwards."""
        with contextlib.ExitStack() as stack:
            for where, name, value in self.patches:
                stack.enter_context(mock.patch.object(where, name, value))
            if self.twist is not None:
                _twist(stack, self.twist())
            yield {**self.options, "rules": list(self.rules)}


def _twist(stack: contextlib.ExitStack, twist: Twist) -> None:
    """Put the function between every session and its connection."""
    execute, greeting, respond = Session.execute, Session.greeting, Session.respond

    def executed(session: Session, line: Any) -> Reply:
        told = line if isinstance(line, bytes) else OVERLONG

        def go(given: bytes) -> Reply:
            return execute(session, line if given is told else given)

        return twist(session, told, go)

    def responded(session: Session, line: Any) -> Reply:
        told = RESPONSE + (line if isinstance(line, bytes) else OVERLONG)

        def go(given: bytes) -> Reply:
            return respond(session, line if given is told else given.removeprefix(RESPONSE))

        return twist(session, told, go)

    def greeted(session: Session) -> Reply:
        return twist(session, GREETING, lambda _: greeting(session))

    stack.enter_context(mock.patch.object(Session, "execute", executed))
    stack.enter_context(mock.patch.object(Session, "greeting", greeted))
    stack.enter_context(mock.patch.object(Session, "respond", responded))


def twisted(twist: Twist) -> Defect:
    """A defect that needs no memory."""
    return Defect(twist=lambda: twist)


def hears(change: Callable[[bytes], bytes]) -> Defect:
    """The session hears something else than was said."""

    def twist(_: Any, line: bytes, go: Go) -> Reply:
        changed = change(line)
        return go(line if changed == line else changed)

    return twisted(twist)


def exactly(line: bytes, answer: bytes) -> Defect:
    """The client hears something else in reply to this line, which may end in a star."""

    def twist(_: Any, heard: bytes, go: Go) -> Reply:
        reply = go(heard)
        return Reply(answer) if heard == line else reply

    return twisted(twist)


def says(line: bytes, change: Callable[[bytes], bytes] | bytes) -> Defect:
    """The client hears something else: in reply to this line, or to all that begin so where it ends in a star."""

    def twist(_: Any, heard: bytes, go: Go) -> Reply:
        reply = go(heard)
        fits = heard.startswith(line[:-1]) if line.endswith(b"*") else heard == line
        if not fits:
            return reply
        octets = reply.octets()
        other = change if isinstance(change, bytes) else change(octets)
        return reply if other == octets else Reply(other, closes=reply.closes)

    return twisted(twist)
