"""Whose fault it is: the failures of design and of conversation, and how they are worded.

Knows the five kinds of failure and nothing of servers, sockets or protocols.  A :class:`UsageError` is raised at
the call that was wrong; the others are gathered while the server runs and raised when the test is judged.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = (
    "ClientHung",
    "Pop3sFailure",
    "Pop3sFakeError",
    "ProtocolViolation",
    "Unavailable",
    "UnmetRule",
    "UsageError",
    "nearest",
    "verdict",
)


class Pop3sFakeError(Exception):
    """The base of what this package raises on its own account."""


class UsageError(Pop3sFakeError, ValueError):
    """The author of the test asked for something that cannot be: raised at the call, in the caller's thread.

    >>> from pop3s_fake import Pop3sServer
    >>> Pop3sServer(certificate="expird")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown certificate 'expird'; did you mean 'expired'?
    """


class Unavailable(UsageError):  # noqa: N818  # the name says what is the matter
    """What was asked for can be, but not here: the text says what this Python, OpenSSL or system cannot do."""


class ProtocolViolation(AssertionError):  # noqa: N818  # the name says whose fault it is
    """The client broke a MUST of the POP3 specifications; the text names the row and how to allow it."""


class UnmetRule(AssertionError):  # noqa: N818  # the name says whose fault it is
    """A rule that had to strike never did, so the test did not test what it says."""


class ClientHung(AssertionError):  # noqa: N818  # the name says whose fault it is
    """A session stayed open longer than the server's ``deadline``; the server reset it, so that the test ends."""


class Pop3sFailure(AssertionError):  # noqa: N818  # the name says whose fault it is
    """Several problems at once.

    ``problems`` holds them in the order in which they happened.

    >>> failure = Pop3sFailure([ClientHung("session 1 ..."), ProtocolViolation("C-1939-3.2 ...")])
    >>> print(failure)
    2 problems:
    1. ClientHung: session 1 ...
    2. ProtocolViolation: C-1939-3.2 ...
    """

    problems: tuple[BaseException, ...]

    def __init__(self, problems: Iterable[BaseException]) -> None:
        """Keep the problems and number them in the text."""
        self.problems = tuple(problems)
        lines = [f"{len(self.problems)} problems:"]
        for i, problem in enumerate(self.problems, 1):
            lines += [f"{i}. {type(problem).__name__}: {problem}", *(getattr(problem, "__notes__", ()))]
        super().__init__("\n".join(lines))


def verdict(problems: Sequence[BaseException]) -> BaseException | None:
    """The one exception to raise for these problems: none, the only one itself, or a :class:`Pop3sFailure`.

    >>> verdict([]) is None
    True
    """
    if not problems:
        return None
    return problems[0] if len(problems) == 1 else Pop3sFailure(problems)


def nearest(word: object, words: Iterable[str]) -> str:
    """The tail of an error sentence: the nearest legal word if one is near, else all of them.

    >>> nearest("expird", ["good", "expired"])
    "; did you mean 'expired'?"
    >>> nearest("zzz", ["good", "expired"])
    '; known are: expired, good'
    """
    known = sorted(set(words))
    lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(str(word).lower(), lower, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {lower[near[0]]!r}?"
    return f"; known are: {', '.join(known)}"
