"""What is to be done, one after the other, for one reply and the rules that strike there.

Knows the operations as plain structures; must not know how they come about nor who performs them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from pop3s_fake.rules.actions import Call, Mail, Tls

if TYPE_CHECKING:
    from pop3s_fake.rules.actions import Edit, Pace, Send
    from pop3s_fake.rules.rule import Rule
    from pop3s_fake.rules.when import Layer

__all__ = ("Below", "Call", "Finish", "Flush", "HalfClose", "Mail", "Octets", "Operation", "Pause", "Struck", "Tls")


@dataclass(slots=True)
class Octets:
    """Send these octets: a record (or several full ones) and a write of their own."""

    octets: bytes
    says: bytes = field(default=b"", repr=False)
    """Below the POP3 layer: the octets of the reply that the client can read once it has these."""


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
    """Close our direction, that of TLS, of TCP or both, and go on reading; no octets come after it."""

    how: Literal["half-close", "half-tls", "half-tcp"] = "half-close"


@dataclass(slots=True)
class Struck:
    """A rule strikes here, at this octet of the reply: for the transcript.  The hit has just been counted."""

    rule: Rule
    octet: int
    layer: Layer = field(default="pop3", repr=False)


@dataclass(slots=True)
class Below:
    """An action of the POP3 layer's place and a lower layer's doing begins here; what came before it has left."""

    action: Edit | Pace | Send


@dataclass(slots=True)
class Flush:
    """What has come so far is to be one write, not joined with what follows; a pace goes on, unless it is all."""

    all: bool = False
    """Whether nothing may be held back: the client is to answer."""


Operation: TypeAlias = Octets | Pause | Finish | HalfClose | Struck | Below | Flush | Call | Mail | Tls
"""The actions among them are carried out as they are: call ``function``, change the maildrop, change TLS's state."""
