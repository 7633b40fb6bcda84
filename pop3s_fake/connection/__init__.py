"""One conversation as a pure object: octets in, steps out.

Knows the order of things, from the ClientHello to the last octet; must not know sockets, threads or clocks.
"""

from pop3s_fake.connection.connection import Connection
from pop3s_fake.connection.settings import Settings
from pop3s_fake.connection.steps import EOF, EXPIRED, End, Event, Gone, Half, Receive, Send, Step, Wait

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
)
