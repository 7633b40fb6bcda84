"""POP3 itself: lines, commands, replies and the session (RFC 1939, 2449, 3206).

Knows the specifications and the maildrop that it works on; knows nothing of TLS, sockets, threads, rules or files.
"""

from pop3s_fake.protocol.lines import LineReader
from pop3s_fake.protocol.replies import Err, Ok, Reply
from pop3s_fake.protocol.session import Session
from pop3s_fake.protocol.states import State

__all__ = ("Err", "LineReader", "Ok", "Reply", "Session", "State")
