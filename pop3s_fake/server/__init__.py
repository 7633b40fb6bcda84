"""The server: sockets, threads and clocks live here, and nowhere below.

Knows how a conversation is performed; must not know what it says.
"""
