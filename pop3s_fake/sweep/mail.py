r"""The mail of a sweep that brings none of its own: small, all different, and with what is easily read wrongly.

Knows what a message looks like; must not know where it goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING

from pop3s_fake.errors import UsageError

if TYPE_CHECKING:
    from pop3s_fake.maildrop.content import Source

__all__ = ("mail",)


def mail(messages: int | Iterable[Source]) -> list[Source]:
    r"""So many messages, or those that are given.

    Each has a line that begins with a dot, one that is nothing but a dot, and an empty one: a client that looks for the
    end of a message in the wrong way finds it there (RFC 1939 section 3).

    >>> len(mail(3)), mail(["Subject: x\n\n"])
    (3, ['Subject: x\n\n'])
    """
    if isinstance(messages, bool) or (isinstance(messages, int) and messages < 0):
        raise UsageError(f"messages= is a number from 0 on, or a list of messages, not {messages!r}")
    if isinstance(messages, int):
        return [_message(number) for number in range(1, messages + 1)]
    if isinstance(messages, str | bytes | PurePath) or not isinstance(messages, Iterable):
        raise UsageError(f"messages= is a number from 0 on, or a list of messages, not {messages!r}")
    return list(messages)


def _message(number: int) -> str:
    more = "".join(f"This is line {line} of message {number}, and no other.\n" for line in range(1, number + 3))
    return (
        f"From: Ann <ann@sender.test>\nTo: test@localhost\nSubject: message {number}\n"
        f"Message-ID: <{number}@sender.test>\n\n.A line that begins with a dot, and one that is a dot:\n.\n\n{more}"
    )
