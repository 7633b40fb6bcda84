"""What is served for a message: a function of its octets and of its number, piece by piece.

Knows where a header ends, and what a site's policy changes; holds a header, and no body.  Must not know which messages
there are, nor who asks.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final

from pop3s_fake.maildrop.contents import Stored, contents_of
from pop3s_fake.maildrop.generated import Block, Generated
from pop3s_fake.maildrop.message import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pop3s_fake.maildrop.contents import Contents
    from pop3s_fake.maildrop.policy import Policy

__all__ = ("BEYOND", "Served", "with_own")

CRLF: Final = b"\r\n"
BLANK: Final = b"\r\n\r\n"
MOST: Final = 1 << 16
"""Octets of a message that are looked at as its header; a longer one is served as it is."""
PIECE: Final = 1 << 16
"""Octets of a long line that are made at once, and of a message beyond which it is not kept as it is served."""
BEYOND: Final = 1 << 48
"""Arrivals from here on are those of messages that the policy has added, and that nobody stores."""
_WRAPPER: Final = b"""\
MIME-Version: 1.0\r
Subject: a message in UTF-8\r
Content-Type: multipart/mixed; boundary="%(boundary)b"\r
\r
--%(boundary)b\r
Content-Type: text/plain; charset=us-ascii\r
\r
The attached message has UTF-8 in its header, which was not asked for.\r
--%(boundary)b\r
Content-Type: message/global\r
\r
"""
_FOLDED: Final = re.compile(rb"(?<=\r\n)[ \t]+")


class Served:
    """Contents in which each message is as the policy has it served; a message's number is its place and one."""

    __slots__ = ("_base", "_policy", "_served")

    def __init__(self, base: Contents, policy: Policy) -> None:
        self._base = base
        self._policy = policy
        self._served: dict[int, Message] = {}

    def __len__(self) -> int:
        return len(self._base)

    def message(self, place: int) -> Message:
        """The message at this place, as it is served."""
        served = self._served.get(place)
        if served is None:
            base = self._base.message(place)
            served = _ServedMessage(base, self._policy, place + 1)
            if base.size is not None:
                self._served[place] = served
        return served

    def octets(self, place: int) -> int:
        """The announced size of the message at this place."""
        if self._policy.rewrites or place + 1 in {self._policy.empty, self._policy.header_only}:
            return self.message(place).octets
        return self._base.octets(place) + _at_end(self._policy)

    def uid(self, place: int) -> str:
        """The unique-id of the message at this place."""
        return self._base.uid(place)

    def arrival(self, place: int) -> int:
        """The arrival of the message at this place."""
        return self._base.arrival(place)

    def place_of(self, arrival: int) -> int | None:
        """Where the message with this arrival stands, or None if it is not here."""
        return self._base.place_of(arrival)

    def sizes(self) -> Iterator[int]:
        """The announced size of each message."""
        return map(self.octets, range(len(self)))

    def uids(self) -> Iterator[str]:
        """The unique-id of each message."""
        return self._base.uids()

    def arrivals(self) -> Iterator[int]:
        """The arrival of each message."""
        return self._base.arrivals()

    def total(self) -> int:
        """The announced size of all messages."""
        return sum(self.sizes())


class _ServedMessage(Message):
    """One message as it is served."""

    __slots__ = ("_base", "_number", "_policy")

    def __init__(self, base: Message, policy: Policy, number: int) -> None:
        self._base = base
        self._policy = policy
        self._number = number
        super().__init__(b"", base.uid, octets=self._announced(), arrival=base.arrival)

    @property
    def size(self) -> int | None:
        """How many octets the content really has, where the message is short; else only sending it would tell."""
        size = self._base.size
        return None if size is None or size > PIECE else len(self.content)

    def _announced(self) -> int:
        """The size to announce: that of the message, but for what is changed."""
        policy = self._policy
        if self._number == policy.empty:
            return 0
        head, _ = _parted(self._base.chunks())
        if self._number == policy.header_only:
            return len(self._header(head)) - len(CRLF) * head.endswith(BLANK)
        octets = self._base.octets + len(self._header(head)) - len(head) + _at_end(policy)
        return octets + (len(self._wrapping()[0]) + len(self._wrapping()[1]) if self._wrapped(head) else 0)

    def chunks(self) -> Iterator[bytes]:
        """The content piece by piece."""
        policy = self._policy
        if self._number == policy.empty:
            return
        head, rest = _parted(self._base.chunks())
        head = self._header(head)
        if self._number == policy.header_only:
            yield head.removesuffix(CRLF) if head.endswith(BLANK) else head
            return
        before, behind = self._wrapping() if self._wrapped(head) else (b"", b"")
        if before or head:
            yield before + head
        yield from rest
        left = policy.long_line
        while left > 0:
            yield b"x" * min(left, PIECE)
            left -= PIECE
        end = (CRLF if policy.long_line else b"") + policy.body.encode("latin-1")
        if end or behind:
            yield end + behind

    def _wrapped(self, head: bytes) -> bool:
        """Whether a message with this header comes as an attachment (RFC 6532 section 3.7)."""
        return self._policy.wraps and not head.isascii()

    def _wrapping(self) -> tuple[bytes, bytes]:
        """What stands before it and behind it then."""
        boundary = b"=_utf8_%d" % self._number
        return _WRAPPER % {b"boundary": boundary}, b"\r\n--%b--\r\n" % boundary

    def _header(self, head: bytes) -> bytes:
        """The header as it is served, with the empty line that ends it."""
        policy = self._policy
        if not head:
            return head
        blank = head.endswith(BLANK)
        fields = head.removesuffix(CRLF) if blank else head
        if policy.drops:
            name = re.escape(policy.drops.encode("latin-1"))
            fields = re.sub(rb"(?im)^%b:.*\r\n(?:[ \t].*\r\n)*" % name, b"", fields)
        if policy.unfolds:
            fields = _FOLDED.sub(b"", fields)
        if policy.adds:
            fields += policy.adds.encode("latin-1") + CRLF
        return fields + CRLF * blank


def _parted(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The header with the empty line that ends it, and what follows; no header where it is too long to be held."""
    held = b""
    rest = iter(chunks)
    for chunk in rest:
        held += chunk
        end = held.find(BLANK)
        if end >= 0:
            end += len(BLANK)
            return held[:end], chain((held[end:],) if held[end:] else (), rest)
        if len(held) > MOST:
            return b"", chain((held,), rest)
    return held, rest


def _at_end(policy: Policy) -> int:
    """Octets that are put behind every message."""
    return len(policy.body) + (policy.long_line + len(CRLF) if policy.long_line else 0)


def with_own(contents: Contents, policy: Policy) -> Contents:
    """The contents with the messages that the policy puts before and behind them.

    >>> from pop3s_fake.maildrop.policy import Policy
    >>> list(with_own(Stored(()), Policy(first="Subject: mine", generated=2)).uids())
    ['own-first', 'own-1', 'own-2']
    """
    runs: list[Contents] = [contents]
    if policy.first:
        runs.insert(0, Stored([Message(policy.first.encode("latin-1"), "own-first")]))
    if policy.generated:
        made = Block(policy.generated, _generated, len(_generated(1)), "own-", BEYOND)
        runs.append(Generated(made, range(1, policy.generated + 1)))
    if policy.last:
        last = Message(policy.last.encode("latin-1"), "own-last", arrival=2 * BEYOND)
        runs.append(Stored([last]))
    return contents_of(runs)


def _generated(number: int) -> bytes:
    """One of many messages."""
    return b"Subject: message %09d\r\n\r\n" % number
