"""One conversation as a pure object: octets in, steps out.

Knows the order of things, from the ClientHello to the last octet; must not know sockets, threads or clocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.connection.connection import Connection
from pop3s_fake.connection.settings import Settings
from pop3s_fake.connection.steps import EOF, EXPIRED, End, Event, Gone, Half, Receive, Send, Step, Wait

if TYPE_CHECKING:
    from pop3s_fake import transcript

__all__ = (
    "EOF",
    "EXPIRED",
    "Connection",
    "End",
    "Event",
    "Gone",
    "Half",
    "Receive",
    "Send",
    "Settings",
    "Step",
    "Wait",
    "conversation",
)


def conversation(settings: Settings, log: transcript.Session) -> Connection:
    """A conversation that keeps the layers which its transcript was asked for."""
    if log.layers == {"pop3"}:
        return Connection(settings, log)
    from pop3s_fake.connection.layered import Layered  # noqa: PLC0415  # few ask for it

    return Layered(settings, log)
