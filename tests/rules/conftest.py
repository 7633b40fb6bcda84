"""Replies played through rules, as a connection would do it, without a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.rules import RuleBook
from pop3s_fake.rules.operations import Octets, Operation, Pause, Struck
from pop3s_fake.rules.pipeline import Run, before, moment, reply
from pop3s_fake.rules.placing import Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pop3s_fake.rules import Bound, Rule
    from pop3s_fake.rules.operations import Finish, HalfClose

STATUS = b"+OK 20 octets\r\n"
PAYLOAD = b"Subject: a\r\n\r\n.b\r\nc\r\n"
STUFFED = b"Subject: a\r\n\r\n..b\r\nc\r\n"
WHOLE = STATUS + STUFFED + b".\r\n"


def stuff(chunks: Any) -> Iterator[bytes]:
    """Byte-stuffing in one piece; where the chunks are cut is the business of those who stuff."""
    octets = b"\r\n" + b"".join(chunks)
    yield octets.replace(b"\r\n.", b"\r\n..")[2:]


def multi(payload: bytes = PAYLOAD, status: bytes = STATUS) -> Parts:
    """A multi-line reply."""
    return Parts(status, lambda: (payload,), stuff)


class Clock:
    """Time that passes in pauses only."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.time


class Played:
    """What became of one occurrence."""

    def __init__(self, book: RuleBook, bound: Bound | None) -> None:
        self.book = book
        self.bound = bound
        self.operations: list[Operation] = []
        self.runs: list[Run] = []
        self.executed = True

    @property
    def octets(self) -> bytes:
        """All that went out."""
        return b"".join(operation.octets for operation in self.operations if isinstance(operation, Octets))

    @property
    def pieces(self) -> list[bytes]:
        """What went out, write by write."""
        return [operation.octets for operation in self.operations if isinstance(operation, Octets)]

    @property
    def steps(self) -> list[bytes | float | Finish | HalfClose | Any | None]:
        """What was done, in short: octets and seconds bare, strikes left out."""
        short: list[Any] = []
        for operation in self.operations:
            if isinstance(operation, Octets):
                short.append(operation.octets)
            elif isinstance(operation, Pause):
                short.append(operation.seconds)
            elif not isinstance(operation, Struck):
                short.append(operation)
        return short

    @property
    def strikes(self) -> list[tuple[str, int]]:
        """The rules that struck and their octets."""
        return [(str(each.rule), each.octet) for each in self.operations if isinstance(each, Struck)]

    @property
    def run(self) -> Run:
        """The run of the reply."""
        return self.runs[-1]


def played(
    *rules: str | Rule,
    point: str = "RETR",
    argument: str = "1",
    parts: Parts | None = None,
    book: RuleBook | None = None,
    session: int = 1,
) -> Played:
    """One occurrence of a point under these rules, to its end or its wait for ever."""
    clock = Clock()
    used = book or RuleBook(seed=1, now=clock)
    for rule in rules:
        used.add(rule)
    bound = used.session(session).bind(point, argument)
    result = Played(used, bound)
    given = parts or multi()
    if bound is None:
        result.operations.append(Octets(b"".join((given.status, *_payload(given)))))
        return result
    if point in {"accept", "close"}:
        _perform(result, moment(bound, used.now), clock)
        return result
    if bound.before:
        first = before(bound, used.now)
        if not _perform(result, first, clock):
            result.executed = False
            return result
        if first.answer is not None:
            result.executed = False
            given = first.answer
    _perform(result, reply(bound, given, used.now), clock)
    return result


def _payload(parts: Parts) -> Sequence[bytes]:
    return () if parts.payload is None else (*parts.stuff(parts.payload()), parts.terminator)


def _perform(result: Played, run: Run, clock: Clock) -> bool:
    """All operations; whether the conversation goes on."""
    result.runs.append(run)
    for operation in run:
        result.operations.append(operation)
        if isinstance(operation, Pause):
            if operation.seconds is None:
                run.close()
                return False
            clock.time += operation.seconds
    return type(result.operations[-1] if result.operations else None).__name__ != "Finish"


@pytest.fixture
def play() -> Callable[..., Played]:
    """Play one occurrence of a point."""
    return played


@pytest.fixture
def whole() -> bytes:
    """The reply that is played unless another one is given."""
    return WHOLE


@pytest.fixture
def parts() -> Callable[..., Parts]:
    """Make a multi-line reply of a payload."""
    return multi
