"""What it takes to end a connection with a reset: the socket option, and patience until all before it was delivered.

Knows the kernel's side of a socket; must not know conversations, nor what was sent.
"""

from __future__ import annotations

import struct
from time import monotonic
from typing import TYPE_CHECKING, Final

from pop3s_fake.server.polling import poller

try:
    from fcntl import ioctl
    from termios import TIOCOUTQ
except ImportError:  # pragma: no cover  # Windows
    ioctl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import socket

__all__ = ("NO_LINGER", "wait_delivered")

NO_LINGER: Final = struct.pack("ii", 1, 0)
"""The value of SO_LINGER with which closing sends a reset."""

DELIVERY: Final = 1.0
"""Seconds for which a reset waits for what was sent before it."""


def wait_delivered(sock: socket.socket) -> None:
    """Wait, within bounds, until nothing that was sent is still on its way: a reset overtakes it otherwise."""
    if ioctl is None:  # pragma: no cover  # Windows
        return
    end = monotonic() + DELIVERY
    pause = poller()
    pause.register(sock.fileno(), 0)  # a connection that is gone is told without being asked for
    while struct.unpack("i", ioctl(sock.fileno(), TIOCOUTQ, b"\0\0\0\0"))[0]:
        if pause.poll(1) or monotonic() >= end:
            return
