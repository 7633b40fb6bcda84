"""What TOP sends: the header, the blank line and the first lines of the body (RFC 1939 section 7).

Knows where a message's header ends; works on chunks of any size and holds none of the message.  Must not know
commands or replies.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ("first_lines", "top")


def top(chunks: Iterable[bytes], lines: int, gap: bytes = b"") -> Iterator[bytes]:
    r"""The part of a message that ``TOP number lines`` shows, not yet byte-stuffed.

    A message without a blank line is all header and is sent whole.  ``gap``: what goes out before lines of a body.

    >>> b"".join(top([b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n"], 2))
    b'Subject: dots\r\n\r\n.\r\n..\r\n'
    >>> b"".join(top([b"Subject: h\r\n"], 5))
    b'Subject: h\r\n'
    """
    blank = b"\r\n\r\n"
    seen = b"\r\n"  # so that a blank line at the very beginning is found, too
    rest = iter(chunks)
    for chunk in rest:
        octets = seen + chunk
        end = octets.find(blank)
        if end < 0:
            yield chunk
            seen = octets[-3:]
            continue
        body = end + len(blank) - len(seen)  # at least 1: what was seen holds no blank line
        yield chunk[:body]
        if lines:
            yield from filter(None, (gap,))
            yield from first_lines(chain([chunk[body:]], rest), lines)
        return


def first_lines(chunks: Iterable[bytes], lines: int) -> Iterator[bytes]:
    r"""The first lines of these octets, at least one; a CRLF may be cut between two chunks.

    >>> b"".join(first_lines([b"one\r", b"\ntwo\r\n"], 1))
    b'one\r\n'
    """
    return_pending = False
    for chunk in filter(None, chunks):
        position = 0
        if return_pending and chunk.startswith(b"\n"):
            lines -= 1
            position = 1
        while lines:
            end = chunk.find(b"\r\n", position)
            if end < 0:
                break
            lines -= 1
            position = end + 2
        if not lines:
            yield chunk[:position]
            return
        yield chunk
        return_pending = chunk.endswith(b"\r")
