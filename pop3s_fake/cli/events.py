"""What happens on the server, as one event for each line that is shown or logged.

Knows how commands and answers belong together; must not know how events are shown.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from pop3s_fake.transcript import Entry

__all__ = ("Event", "Events", "json_line")

MOST_ASKED: Final = 10_000
"""Commands that wait for their answers: of those that never get one, the oldest is forgotten."""


What: TypeAlias = Literal["answer", "challenge", "response", "event"]
"""The first line of an answer; of AUTH what the server asks and what the client responds; or what happened."""


class Event(NamedTuple):
    """A command with the first line of its answer, a step of an AUTH exchange, or something that happened."""

    time: float
    """Seconds since 1970."""
    session: int
    user: str | None
    """Who was logged in when the command came."""
    command: str
    """What the client said, credentials masked; "" for the greeting, and where it had said nothing."""
    text: str
    """The first line of the answer, a response decoded and masked, or what happened."""
    octets: int | None
    """Octets of the whole answer, challenge or response; None for what has none of its own."""
    what: What


class Events:
    """Makes events of the entries of all sessions; ``offset`` is the time of day at the zero of the server's clock.

    >>> from pop3s_fake.transcript import Entry
    >>> events = Events(1000.0)
    >>> events.of(1, "ann", Entry(1.0, "C", "NOOP", 6))
    >>> events.of(1, "ann", Entry(1.5, "S", "+OK", 5))
    Event(time=1001.5, session=1, user='ann', command='NOOP', text='+OK', octets=5, what='answer')
    """

    def __init__(self, offset: float) -> None:
        self._offset = offset
        self._asked: dict[int, tuple[str, str | None]] = {}

    def of(self, number: int, user: str | None, entry: Entry) -> Event | None:
        """The event that this entry of a session completes; a command waits for its answer."""
        if entry.kind == "C":
            self._asked[number] = entry.text, user
            if len(self._asked) > MOST_ASKED:
                del self._asked[next(iter(self._asked))]
            return None
        what = _what(entry)
        if what == "answer":
            command, user = self._asked.pop(number, ("", user))
        else:
            command, user = self._asked.get(number, ("", user))
        octets = entry.octets if what == "answer" else entry.octets or None
        return Event(self._offset + entry.time, number, user, command, entry.text, octets, what)


def _what(entry: Entry) -> What:
    """What an entry is that is no command."""
    if entry.kind == "S":
        return "challenge" if entry.text.startswith("+ ") else "answer"
    return "response" if entry.kind == "R" else "event"


def json_line(event: Event) -> str:
    """An event as one line of a log, its time as in RFC 3339.

    >>> print(json_line(Event(0.0, 1, "ann", "NOOP", "+OK", 5, "answer")), end="")
    {"time": "1970-01-01T00:00:00.000+00:00", "session": 1, "user": "ann", "command": "NOOP", "answer": "+OK", "octets": 5}
    """  # noqa: E501  # as long as it is
    time = datetime.fromtimestamp(event.time, tz=UTC).isoformat(timespec="milliseconds")
    line = {"time": time, "session": event.session, "user": event.user, "command": event.command or None}
    octets = {} if event.octets is None else {"octets": event.octets}
    return json.dumps(line | {event.what: event.text} | octets) + "\n"
