"""What a conversation asks of whoever performs it, and what can be told to it in place of octets.

Knows the words only; must not know who says them.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from pop3s_fake import transcript

__all__ = ("EOF", "EXPIRED", "End", "Event", "Gone", "Half", "Receive", "Send", "Step", "Steps", "Wait")


class Event(Enum):
    """What can come in place of octets."""

    EOF = "eof"
    EXPIRED = "expired"


EOF: Final = Event.EOF
"""The client will send nothing more."""
EXPIRED: Final = Event.EXPIRED
"""The time at which :class:`Receive` was to end has come."""


@dataclass(slots=True)
class Send:
    """Write these octets to the client, all of them."""

    octets: bytes


@dataclass(slots=True)
class Wait:
    """Wait so many seconds on the server's clock, or for ever, which is until the client closes the connection.

    Octets that come meanwhile are fed, not acted on.
    """

    seconds: float | None


@dataclass(slots=True)
class Receive:
    """Wait for octets and feed them; feed :data:`EXPIRED` when the clock reaches ``until``."""

    until: float | None


@dataclass(slots=True)
class Half:
    """Close our direction of the connection and go on reading."""


@dataclass(slots=True)
class End:
    """Close the connection: with a FIN behind all that was sent, or with a reset."""

    how: Literal["fin", "rst"]


Step: TypeAlias = Send | Wait | Receive | Half | End

Steps: TypeAlias = Generator[Step, None, None]


class Gone(Exception):  # noqa: N818  # no error: the client or the server ended the conversation
    """The conversation is over; thrown into the generator by whoever performs it, or raised inside."""

    def __init__(
        self, ended: transcript.Ended, why: str, how: Literal["fin", "rst"] = "fin", *, notify: bool = True
    ) -> None:
        """Say how it ended, why, and how to close: ``notify`` sends TLS's closure alert before a FIN."""
        super().__init__(why)
        self.ended: transcript.Ended = ended
        self.how: Literal["fin", "rst"] = how
        self.notify = notify
