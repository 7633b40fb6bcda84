"""What all connections of one server have in common.

Knows names and values; must not know what is done with them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from pop3s_fake.protocol.capabilities import DEFAULT, Offer
from pop3s_fake.protocol.linting import Past

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.dialogue import Dialogues
    from pop3s_fake.errors import ProtocolViolation
    from pop3s_fake.ledger import Ledger
    from pop3s_fake.maildrop import Accounts, Source
    from pop3s_fake.protocol.wording import Voice
    from pop3s_fake.rules import RuleBook
    from pop3s_fake.tls.hello import ClientHello
    from pop3s_fake.tls.records import Records

__all__ = ("LOOPBACK", "Settings")

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""The names under which every server of ours is reached."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What all connections of one server have in common."""

    accounts: Accounts
    now: Callable[[], float]
    records: Callable[[ClientHello, str | None], Records] | None = None
    """Makes the TLS side of a connection, with the certificate of this id or else the server's own; None: all is in
    clear, and nothing is refused because of that."""
    stls: bool = False
    """Whether a connection begins in clear and comes to TLS by STLS (RFC 2595 section 4)."""
    offer: Offer = DEFAULT
    """The capabilities."""
    alpn: tuple[str, ...] = ()
    """The protocols that a ClientHello with ALPN must offer one of (RFC 7301 section 3.2)."""
    alpn_policy: Literal["refuse", "ignore", "require"] = "refuse"
    """What becomes of one that offers others only, or none: see :class:`~pop3s_fake.Tls`."""
    voice: Voice | None = None
    """The manner of another server; None: ours."""
    rules: RuleBook | None = None
    dialogues: Dialogues | None = None
    """Conversations that are followed in place of the protocol, one by the next connection."""
    ledger: Ledger | None = None
    read: Callable[[str], Source] | None = None
    """Makes a message's source of a path that stands in a rule."""
    exclusive: bool = True
    seed: int = 0
    name: str = "localhost"
    """The host in the greeting's timestamp."""
    hosts: Callable[[], frozenset[str]] = lambda: LOOPBACK
    """What a client may name as the host it has connected to, as things stand."""
    ports: Callable[[], frozenset[int]] = frozenset
    """What it may name as the port, as things stand; none: any."""
    complain: Callable[[ProtocolViolation], None] | None = None
    """Told of each requirement that the client broke."""
    strict: bool | Literal["should"] = True
    allow: frozenset[str] = frozenset()
    certificate: str = "good"
    """The id of the certificate that is shown."""
    past: Past = field(default_factory=Past)
    """What conversations leave for those that come after them."""

    @property
    def alerts(self) -> bool:
        """Whether TLS says why there is no handshake."""
        return self.voice is None or self.voice.manner.ends.alerts

    @property
    def notifies(self) -> bool:
        """Whether TLS is closed before TCP where the client has not said QUIT."""
        return self.voice is None or self.voice.manner.ends.unasked == "notified"

    @property
    def unshaken(self) -> Literal["fin", "rst"]:
        """How TCP is closed where there is no handshake."""
        return "fin" if self.voice is None else self.voice.manner.ends.unshaken
