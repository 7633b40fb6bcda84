"""How the queue of a listening socket is filled, so that nobody else can connect: Linux leaves their SYN unanswered.

Knows sockets and their backlog; must not know who listens, nor why.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

from pop3s_fake.errors import UsageError
from pop3s_fake.server.polling import READ, poller

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Crowd", "check_platform")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

ARRIVING: Final = 1000
"""Milliseconds for a connection on the loopback to be in the queue; where none comes in it is full already."""


def check_platform() -> None:
    """Refuse what only Linux does: elsewhere a full queue resets who comes, or is never full."""
    if sys.platform != "linux":
        raise UsageError(f"the outage 'backlog-full' needs Linux, and this is {sys.platform}; 'refuse' works anywhere")


class Crowd:
    """Connections of our own that wait in the queues of these sockets and are never served."""

    def __init__(self, listening: Iterable[socket.socket]) -> None:
        """Let the queues have room for one, and fill it; the sockets must not be accepted from."""
        self._standing: dict[Any, socket.socket] = {}
        try:
            for sock in listening:
                sock.listen(0)
                if not _waiting(sock, 0):
                    self._stand(sock)
        except BaseException:
            self.close()
            raise

    def _stand(self, listening: socket.socket) -> None:
        """One more connection to this socket; it need not come to be."""
        client = socket.socket(listening.family, socket.SOCK_STREAM)
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect(listening.getsockname())
        self._standing[client.getsockname()] = client
        _waiting(listening, ARRIVING)

    def knows(self, address: object) -> bool:
        """Whether a connection that was accepted is one of these; told once, for its port may be used again."""
        return self._standing.pop(address, None) is not None

    def close(self) -> None:
        """Let go; what still stands in a queue is told from others by :meth:`knows`."""
        for client in self._standing.values():
            client.close()


def _waiting(listening: socket.socket, milliseconds: float) -> bool:
    """Whether somebody stands in the queue, or comes within this time."""
    poll = poller()
    poll.register(listening.fileno(), READ)
    return bool(poll.poll(milliseconds))
