"""Replies that wait for those behind them, so that all go out in one piece.

Knows replies and how octets are sealed; must not know why they wait, nor what asked for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.connection.steps import Send

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.connection.steps import Steps
    from pop3s_fake.protocol.replies import Reply

__all__ = ("Gathering",)


class Gathering:
    r"""What waits.

    >>> from pop3s_fake.protocol.replies import Ok
    >>> gathering = Gathering(bytes)
    >>> gathering.hold(Ok("one")), gathering.seal(b"+OK two\r\n"), list(gathering.sent())
    (9, b'+OK one\r\n+OK two\r\n', [])
    """

    __slots__ = ("_held", "_seal")

    def __init__(self, seal: Callable[[bytes | memoryview], bytes]) -> None:
        """Begin with nothing; ``seal`` makes of octets what goes out."""
        self._seal = seal
        self._held = b""

    def hold(self, reply: Reply) -> int:
        """Let a reply wait; gives its octets."""
        octets = b"".join(reply.pieces())
        self._held += octets
        return len(octets)

    def seal(self, octets: bytes | memoryview) -> bytes:
        """What goes out of all that waits, and of these octets behind it."""
        held, self._held = self._held, b""
        return self._seal(held + octets)

    def sent(self) -> Steps:
        """Send what waits."""
        if self._held:
            yield Send(self.seal(b""))
