"""Long replies are never held."""

from __future__ import annotations

import tracemalloc
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.rules import RuleBook
from pop3s_fake.rules.descent import Descent
from pop3s_fake.rules.operations import Octets
from pop3s_fake.rules.outlet import PIECE, RECORD
from pop3s_fake.rules.pipeline import reply
from pop3s_fake.rules.placing import Parts
from pop3s_fake.rules.records import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE = b"0123456789abcdef" * 3 + b"\r\n"
CHUNK = LINE * 1000
COUNT = 1000
SIZE = len(CHUNK) * COUNT


def payload() -> Iterator[bytes]:
    """Fifty megabytes, a chunk at a time."""
    for _ in range(COUNT):
        yield CHUNK


@pytest.mark.parametrize(
    ("rule", "octets"),
    [
        ("RETR@end -> wait 1", SIZE + 8),
        ("RETR@-1 -> end rst", SIZE + 7),
        ("RETR@50% -> edit drop", SIZE + 7),
        ("RETR@L900000 -> edit dup 2", SIZE + 10),
        ("RETR -> edit no-terminator", SIZE + 5),
        ("RETR -> edit bare-lf", SIZE + 8 - COUNT * 1000 - 2),
        ("RETR -> edit unstuff", SIZE + 8),
        ('RETR!after -> send "x"', SIZE + 9),
        ("RETR@10 -> edit truncate, end fin", 10),
    ],
)
def test_a_long_reply_is_streamed_under_every_rule(rule: str, octets: int) -> None:
    """What is held is a chunk and a piece; places that need the length cost a second pass, not memory."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    book.add(rule)
    bound = book.session(1).bind("RETR", "1")
    assert bound is not None
    tracemalloc.start()
    try:
        sent = sum(
            len(each.octets) for each in reply(bound, Parts(b"+OK\r\n", payload), book.now) if isinstance(each, Octets)
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent == octets
    assert peak < 8 * max(len(CHUNK), PIECE)


def sealed(octets: bytes) -> bytes:
    """Records that anybody can read."""
    pieces = [octets[at : at + RECORD] for at in range(0, len(octets), RECORD)]
    return b"".join(b"\x17\x03\x03" + len(piece).to_bytes(2, "big") + piece for piece in pieces)


BELOW = {
    "RETR@tcp:-1 -> end rst": -1,
    "RETR@tcp:40000000 -> edit drop 2 layer=tcp": -2,
    'RETR@tcp:7 -> send "xx" layer=tcp': 2,
    "RETR -> pace size=16000 layer=tcp": 0,
    "RETR@tls:-1 -> wait 1": 0,
    "RETR@tls:-30000 -> edit flip layer=tls": 0,
    "RETR -> pace size=16000 layer=tls": 0,
    "RETR -> edit swap layer=tls": 0,
}
"""How many octets more there are, but for the headers of records."""


@pytest.mark.parametrize(
    ("rule", "secure"), [(rule, secure) for rule in BELOW for secure in (True, False) if secure or "tls" not in rule]
)
def test_a_long_reply_is_streamed_below_pop3(rule: str, *, secure: bool) -> None:
    """Of places that count from the end no more is held than lies behind them."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    book.add(rule)
    bound = book.session(1).bind("RETR", "1")
    assert bound is not None
    run = reply(bound, Parts(b"+OK\r\n", payload), book.now)
    descent = Descent(run.striking, sealed if secure else None, secure=secure)
    sent = said = 0
    tracemalloc.start()
    try:
        for each in chain(chain.from_iterable(map(descent.feed, run)), descent.finish()):
            if isinstance(each, Octets):
                sent += len(each.octets)
                said += len(each.says)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert book.judge() == []
    assert said <= SIZE + 8
    headers = sent - (SIZE + 8 + BELOW[rule])
    assert headers % HEADER == 0
    assert secure == (headers > 0)
    assert peak < SIZE / 25


def test_a_reply_is_gathered_into_good_pieces() -> None:
    """Whatever its chunks are, and cut only where something is done."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    book.add('RETR!after -> send "x"')
    bound = book.session(1).bind("RETR", "1")
    assert bound is not None
    pieces = [
        len(each.octets)
        for each in reply(bound, Parts(b"+OK\r\n", lambda: [LINE] * 4000), book.now)
        if isinstance(each, Octets)
    ]
    assert pieces == [PIECE, PIECE, len(LINE) * 4000 + 9 - 2 * PIECE]


def test_a_truncated_reply_is_not_made_to_its_end() -> None:
    """Nobody waits for what is thrown away."""
    made = []

    def chunks() -> Iterator[bytes]:
        for number in range(1000):
            made.append(number)
            yield LINE

    book = RuleBook(seed=1, now=lambda: 0.0)
    book.add("RETR@100 -> edit truncate, wait forever")
    bound = book.session(1).bind("RETR", "1")
    assert bound is not None
    assert len(list(reply(bound, Parts(b"+OK\r\n", chunks), book.now))) == 3
    assert len(made) < 5
