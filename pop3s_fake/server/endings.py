"""What it takes to end a TCP connection well, by FIN or by reset, and what is told of a client that had to be ended.

Knows the kernel's side of a socket; must not know when or why a conversation ends.
"""

from __future__ import annotations

import struct
import sys
from time import monotonic
from typing import TYPE_CHECKING, Final

from pop3s_fake.errors import ClientHung
from pop3s_fake.server.polling import READ, poller

try:
    from fcntl import ioctl
    from termios import TIOCOUTQ
except ImportError:  # pragma: no cover  # Windows
    ioctl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import socket

    from pop3s_fake.transcript import Session

__all__ = ("NO_LINGER", "drain", "hung", "wait_delivered")

NO_LINGER: Final = struct.pack("ii", 1, 0)
"""The value of SO_LINGER with which closing sends a reset."""

DRAIN: Final = 1.0
"""Seconds for which a closed connection is read, so that what the client still sends does not become a reset."""

DELIVERY: Final = 1.0
"""Seconds for which a reset waits for what was sent before it."""

SIOCOUTQNSD: Final = 0x894B
"""What Linux is asked for octets that have not left yet; TIOCOUTQ counts those, too, that are not acknowledged.

On the loopback what has left has arrived.  Its acknowledgement is delayed by 40 ms, which every reset would cost.
"""


def drain(sock: socket.socket) -> None:
    """Read to the client's end, or to our own, within bounds: closing with unread input would send a reset."""
    poll = poller()
    poll.register(sock.fileno(), READ)
    end = monotonic() + DRAIN
    while (left := end - monotonic()) > 0:
        if poll.poll(left * 1000) and not sock.recv(1 << 16):
            return


def wait_delivered(sock: socket.socket) -> None:
    """Wait, within bounds, until nothing that was sent is still on its way: a reset overtakes it otherwise."""
    if ioctl is None:  # pragma: no cover  # Windows
        return
    peer: str = sock.getpeername()[0]
    near = peer == "::1" or peer.startswith("127.")
    question = SIOCOUTQNSD if near and sys.platform == "linux" else TIOCOUTQ
    end = monotonic() + DELIVERY
    pause = poller()
    pause.register(sock.fileno(), 0)  # a connection that is gone is told without being asked for
    while struct.unpack("i", ioctl(sock.fileno(), question, b"\0\0\0\0"))[0]:
        if pause.poll(1) or monotonic() >= end:
            return


def hung(session: Session, deadline: float) -> ClientHung:
    """The problem that a client is whose session is open after so many seconds of real time."""
    commands = session.commands
    asked = f"its last command was {commands[-1]}" if commands else "it never sent a command"
    return ClientHung(
        f"session {session.number} was still open after {deadline:g} seconds (deadline={deadline:g}); "
        f"{asked}. The server has reset it so that the test ends\n"
        "  -> give the client a shorter time-out, close what the test opened, or set another deadline="
    )
