"""The mail that is fetched, and the canned replies that a floor needs to look like a server of it.

Knows octets only.  No line starts with a dot, so that what the floors send is byte-stuffed as it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

USER = "test"
PASSWORD = "pop3s-password"

LINE = b"x" * 76 + b"\r\n"
BLOCK = LINE * 840  # 65 520 octets, the size a sensible generator yields


def message(octets: int) -> bytes:
    """A message of exactly so many octets in CRLF form."""
    return b"".join(streamed(octets))


def streamed(octets: int) -> Iterator[bytes]:
    """The same, made block by block and held nowhere."""
    head = b"Subject: benchmark\r\n\r\n"
    yield head
    left = octets - len(head)
    while left > len(BLOCK) + 2:
        yield BLOCK
        left -= len(BLOCK)
    yield BLOCK[: left - 2].removesuffix(b"\r").ljust(left - 2, b"x") + b"\r\n"


def canned(count: int, octets: int, *, stream: bool = False) -> dict[bytes, bytes | Callable[[], Iterable[bytes]]]:
    """What a maildrop of ``count`` such messages answers, by the first four octets of the command."""
    status = b"+OK %d octets\r\n" % octets

    def streamed_reply() -> Iterator[bytes]:
        yield status
        yield from streamed(octets)
        yield b".\r\n"

    return {
        b"USER": b"+OK\r\n",
        b"PASS": b"+OK\r\n",
        b"NOOP": b"+OK\r\n",
        b"DELE": b"+OK\r\n",
        b"QUIT": b"+OK\r\n",
        b"STAT": b"+OK %d %d\r\n" % (count, count * octets),
        b"LIST": b"+OK\r\n" + b"".join(b"%d %d\r\n" % (n, octets) for n in range(1, count + 1)) + b".\r\n",
        b"UIDL": b"+OK\r\n" + b"".join(b"%d uid-%d\r\n" % (n, n) for n in range(1, count + 1)) + b".\r\n",
        b"RETR": streamed_reply if stream else status + message(octets) + b".\r\n",
    }
