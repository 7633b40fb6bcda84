"""What really went out in place of one reply, and whether the client had waited for it.

Knows octets that were sent; must not know rules, nor what is made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.protocol.replies import Reply

__all__ = ("Greeted", "Heard", "Outcome")

HEAD: Final = 512
"""Octets of what was sent that are kept for the transcript: a first line has no more (RFC 1939 section 3)."""


class Outcome:
    """What really went out in place of one reply."""

    __slots__ = ("damaged", "given", "harmed", "head", "reply", "size", "unsaid", "whole")

    def __init__(self) -> None:
        self.head: bytes = b""
        """The first octets that were sent."""
        self.given: int = 0
        """How many octets there were to send."""
        self.size: int = 0
        """How many octets were sent, in records that went out to their ends."""
        self.whole: bool = False
        """Whether that was the reply, to its last octet and without damage."""
        self.damaged: bool = False
        """Whether the client got other octets than those of the reply."""
        self.harmed: bool = False
        """Whether that is so before the reply was over, so that the client cannot know what it got."""
        self.unsaid: bool = False
        """Whether octets did not go out, because nothing can be said any more, or yet."""
        self.reply: Reply | None = None
        """The reply of the command, if it was executed."""

    def sent(self, octets: bytes) -> None:
        """These went out."""
        self.size += len(octets)
        if len(self.head) < HEAD:
            self.head += octets[:HEAD]

    @property
    def status(self) -> bytes:
        """The first line that was sent."""
        end = self.head.find(b"\n") + 1
        return self.head[:end] if end else self.head


class Watched(Outcome):
    """The same, beside a look at whether something had come from the client before it went out."""

    __slots__ = ("_came", "early")

    def __init__(self, came: Callable[[], bool]) -> None:
        """``came`` tells whether there are octets of the client's."""
        super().__init__()
        self._came = came
        self.early: bool = False
        """Whether there were any at the last look."""

    def _look(self) -> None:
        """See whether there are any."""
        self.early = self._came()


class Greeted(Watched):
    """What really went out in place of the greeting, and whether the client had waited for its first octet."""

    __slots__ = ()

    def sent(self, octets: bytes) -> None:
        """These went out."""
        if not self.size:
            self._look()
        super().sent(octets)

    @property
    def clean(self) -> bytes | None:
        """The one line that went out, if that is what did."""
        return self.status if self.size == len(self.status) and self.status.endswith(b"\r\n") else None


class Heard(Watched):
    """What really went out in place of a reply, and whether the client had waited for its last octets."""

    __slots__ = ()

    def sent(self, octets: bytes) -> None:
        """These went out."""
        if octets:
            self._look()
        super().sent(octets)
