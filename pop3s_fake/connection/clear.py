"""A connection in clear, in the same form as one with TLS.

Knows octets; must not know what they say.
"""

from __future__ import annotations

from typing import Final

__all__ = ("Clear",)


class Clear:
    r"""A conversation without TLS, in the same form as one with it.

    >>> clear = Clear()
    >>> clear.feed(b"NOOP\r\n")
    >>> clear.read(), clear.read(), clear.seal(b"+OK\r\n")
    (b'NOOP\r\n', b'', b'+OK\r\n')
    """

    __slots__ = ("_octets", "broken", "closed")
    secure: Final = False

    def __init__(self) -> None:
        self._octets: list[bytes] = []
        self.broken: bool = False
        self.closed: bool = False

    def feed(self, octets: bytes) -> None:
        """Take what came."""
        self._octets.append(octets)

    def feed_eof(self) -> None:
        """Take the end."""
        self.closed = True

    def read(self) -> bytes:
        """All that came and was not read yet."""
        octets = b"".join(self._octets)
        self._octets.clear()
        return octets

    def seal(self, octets: bytes | memoryview) -> bytes:
        """The octets as they are."""
        return bytes(octets)

    def take(self) -> bytes:
        """Nothing: there is no handshake."""
        return b""

    def close_notify(self) -> bytes:
        """Nothing: there is no closure alert."""
        return b""

    def request_certificate(self) -> None:
        """Nothing can be asked for: there is no TLS."""
