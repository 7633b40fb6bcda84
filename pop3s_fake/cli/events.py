"""What happens on the server, as one event for each line that is shown or logged.

Knows how commands and answers belong together; must not know how events are shown.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pop3s_fake.transcript import Entry

__all__ = ("Event", "Events", "json_line")

MOST_ASKED: Final = 10_000
"""Commands that wait for their answers: of those that never get one, the oldest is forgotten."""


class Event(NamedTuple):
    """A command with the first line of its answer, or something that happened."""

    time: float
    """Seconds since 1970."""
    session: int
    user: str | None
    """Who was logged in when the command came."""
    command: str
    """What the client said, credentials masked; "" for the greeting, and where it had said nothing."""
    text: str
    """The first line of the answer, or what happened."""
    octets: int | None
    """Octets of the whole answer; None for what is no answer."""


class Events:
    """Makes events of the entries of all sessions; ``offset`` is the time of day at the zero of the server's clock.

    >>> from pop3s_fake.transcript import Entry
    >>> events = Events(1000.0)
    >>> events.of(1, "ann", Entry(1.0, "C", "NOOP", 6))
    >>> events.of(1, "ann", Entry(1.5, "S", "+OK", 5))
    Event(time=1001.5, session=1, user='ann', command='NOOP', text='+OK', octets=5)
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
        answered = entry.kind == "S" and not entry.text.startswith("+ ")  # a challenge of AUTH is no answer yet
        if answered:
            command, user = self._asked.pop(number, ("", user))
        else:
            command, user = self._asked.get(number, ("", user))
        octets = entry.octets if answered else None
        return Event(self._offset + entry.time, number, user, command, entry.text, octets)


def json_line(event: Event) -> str:
    """An event as one line of a log, its time as in RFC 3339.

    >>> print(json_line(Event(0.0, 1, "ann", "NOOP", "+OK", 5)), end="")
    {"time": "1970-01-01T00:00:00.000+00:00", "session": 1, "user": "ann", "command": "NOOP", "answer": "+OK", "octets": 5}
    """  # noqa: E501  # as long as it is
    time = datetime.fromtimestamp(event.time, tz=UTC).isoformat(timespec="milliseconds")
    line = {"time": time, "session": event.session, "user": event.user, "command": event.command or None}
    what = {"event": event.text} if event.octets is None else {"answer": event.text, "octets": event.octets}
    return json.dumps(line | what) + "\n"
