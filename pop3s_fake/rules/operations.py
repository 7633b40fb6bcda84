"""What is to be done, one after the other, for one reply and the rules that strike there.

Knows the operations as plain structures; must not know how they come about nor who performs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pop3s_fake.rules.actions import Call, Mail

if TYPE_CHECKING:
    from pop3s_fake.rules.rule import Rule

__all__ = ("Call", "Finish", "HalfClose", "Mail", "Octets", "Operation", "Pause", "Struck")


@dataclass(slots=True)
class Octets:
    """Send these octets: a record (or several full ones) and a write of their own."""

    octets: bytes


@dataclass(slots=True)
class Pause:
    """Wait so many seconds on the server's clock, or for ever."""

    seconds: float | None


@dataclass(slots=True)
class Finish:
    """End the connection: with a closure alert and a FIN, with a FIN alone, or with a reset.  The last operation."""

    how: Literal["clean", "fin", "rst"]


@dataclass(slots=True)
class HalfClose:
    """Close our direction and go on reading; no octets come after it."""


@dataclass(slots=True)
class Struck:
    """A rule strikes here, at this octet of the reply: for the transcript.  The hit has just been counted."""

    rule: Rule
    octet: int


Operation: TypeAlias = Octets | Pause | Finish | HalfClose | Struck | Call | Mail
"""``Call`` and ``Mail`` are the actions themselves: call ``function`` with the session; change the maildrop."""
