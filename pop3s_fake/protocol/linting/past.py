"""What is remembered from one conversation of a server to the next, and what a client breaks because of it.

Knows users, unique-ids and how conversations ended; must not know commands or octets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pop3s_fake.protocol.linting.breach import Breach

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("Past", "Visit")


@dataclass(slots=True)
class Past:
    """What all conversations of one server have seen."""

    announced: set[str] = field(default_factory=set)
    """The capabilities that any client was ever told, and may remember."""
    torn: set[tuple[str, str]] = field(default_factory=set)
    """The messages, by user and unique-id, that broke off while they were sent, and that nobody fetched whole since."""
    without_tls: bool = False
    """Whether the last attempt at TLS failed."""

    def forget(self) -> None:
        """The maildrops are others now; what a client was told of capabilities it may still remember."""
        self.torn.clear()
        self.without_tls = False


@dataclass(slots=True)
class Visit:
    """One conversation of a user's, as far as it concerns those that come after it.

    >>> past = Past()
    >>> first = Visit(past, "ann")
    >>> first.sent("a", whole=False)
    >>> first.ended("server")
    >>> [breach.row for breach in Visit(past, "ann").removed(["a"])]
    ['C-1939-3.13']
    """

    past: Past
    user: str
    _torn: set[tuple[str, str]] = field(default_factory=set)

    def sent(self, uid: str, *, whole: bool) -> None:
        """RETR sent this message, whole or not."""
        if whole:
            self.past.torn.discard((self.user, uid))
        else:
            self._torn.add((self.user, uid))

    def removed(self, uids: Sequence[str]) -> list[Breach]:
        """UPDATE removed these messages."""
        parts = [uid for uid in uids if (self.user, uid) in self.past.torn]
        self.past.torn.difference_update((self.user, uid) for uid in uids)
        return [Breach("C-1939-3.13", f"QUIT, which deletes {uid}, of which it has only a part") for uid in parts]

    def ended(self, how: str) -> None:
        """It is over; only where the server broke off does one know that the client wanted the rest."""
        if how == "server":
            self.past.torn |= self._torn
