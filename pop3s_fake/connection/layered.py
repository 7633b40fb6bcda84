"""A conversation of which all layers are kept: what a transcript is asked for.

Knows the conversation and its two directions; must not know what is said in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.connection.connection import Connection
from pop3s_fake.connection.lanes import Lane
from pop3s_fake.connection.steps import End, Send

if TYPE_CHECKING:
    from pop3s_fake import transcript
    from pop3s_fake.connection.settings import Settings
    from pop3s_fake.connection.steps import Event, Steps

__all__ = ("Layered",)


class Layered(Connection):
    """A conversation that notes each write, read and record, in both directions."""

    __slots__ = ("_inward", "_outward")

    def __init__(self, settings: Settings, log: transcript.Session) -> None:
        super().__init__(settings, log)
        self._inward = Lane(log, "C", settings.now)
        self._outward = Lane(log, "S", settings.now)

    @property
    def _sealed(self) -> bool:
        """Whether what goes over the wire now should be records."""
        return self._secure or not self._speaks

    def feed(self, event: bytes | Event) -> None:
        """Take what came."""
        if isinstance(event, bytes):
            self._inward.carry(event, sealed=self._sealed)
        super().feed(event)

    def steps(self) -> Steps:
        """The whole conversation, one step at a time."""
        steps = super().steps()
        try:
            step = next(steps)
            while True:
                if type(step) is Send:
                    self._outward.carry(step.octets, sealed=self._sealed)
                elif type(step) is End:
                    self._outward.end()
                try:
                    yield step
                except Exception as error:  # noqa: BLE001  # whatever it is, it is for the conversation
                    step = steps.throw(error)
                else:
                    step = next(steps)
        except StopIteration:
            return
        finally:
            steps.close()
