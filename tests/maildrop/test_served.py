"""What is served for a message: sizes that agree with the octets, short and long messages, and nothing held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account
from pop3s_fake.maildrop import Accounts, OpenMaildrop, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT = b"Subject: one\r\nTo: ann,\r\n  bob\r\nX-A: 1\r\n\r\nhello\r\n"
MESSAGES = [SHORT, b"", b"\r\n", b"\r\nbody\r\n", b"Subject: no end\r\n", b"A: " + b"x" * 70_000 + b"\r\n\r\nlong\r\n"]
WORDS = [
    {"adds": "Status: RO"},
    {"drops": "To"},
    {"unfolds": "yes"},
    {"body": "more\r\n"},
    {"long_line": "200000"},
    {"header_only": "1"},
    {"empty": "1"},
    {"adds": "Status: RO", "drops": "x-a", "unfolds": "yes", "body": ".\r\n", "long_line": "7", "header_only": "4"},
]


def opened(words: dict[str, str], *contents: bytes, skew: int = 0) -> OpenMaildrop:
    """A maildrop with these messages, under this policy."""
    account = Account("ann", "not-a-secret")
    Accounts([account], policy=Policy.of(words))
    for content in contents:
        account.maildrop.add_one(content, octets=len(content) + skew)
    return account.open("session")


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_what_is_announced_is_what_is_served(words: dict[str, str]) -> None:
    """STAT, LIST and the message agree for every message, and again the second time."""
    session = opened(words, *MESSAGES)
    sizes = []
    for number in range(1, len(MESSAGES) + 1):
        message = session.message(number)
        assert message is not None
        served = message.content
        assert served == b"".join(message.chunks())
        assert message.size in {None, len(served)}
        assert message.octets == session.octets(number) == len(served)
        sizes.append(len(served))
    assert list(session.listing()) == list(enumerate(sizes, 1))
    assert session.stat() == (len(MESSAGES), sum(sizes))


@pytest.mark.parametrize(
    ("words", "served"),
    [
        ({"adds": "Status: RO"}, SHORT.replace(b"1\r\n\r\n", b"1\r\nStatus: RO\r\n\r\n")),
        ({"drops": "to"}, SHORT.replace(b"To: ann,\r\n  bob\r\n", b"")),
        ({"drops": "T"}, SHORT),
        ({"unfolds": "yes"}, SHORT.replace(b"  bob", b"bob")),
        ({"body": "\0\r\n"}, SHORT + b"\0\r\n"),
        ({"long_line": "3"}, SHORT + b"xxx\r\n"),
        ({"header_only": "1"}, SHORT[: SHORT.index(b"\r\n\r\n") + 2]),
        ({"empty": "1"}, b""),
        ({"empty": "2"}, SHORT),
    ],
)
def test_each_word_changes_one_thing(words: dict[str, str], served: bytes) -> None:
    """Octet by octet."""
    message = opened(words, SHORT).message(1)
    assert message is not None
    assert message.content == served


def test_a_size_that_was_skewed_stays_so_by_as_much() -> None:
    """What is added is announced on top of it."""
    session = opened({"adds": "Status: RO", "body": "more\r\n"}, SHORT, skew=1000)
    assert session.octets(1) == len(SHORT) + 1000 + len("Status: RO\r\nmore\r\n")


def test_a_long_message_is_not_held() -> None:
    """Two gibioctets: its header is looked at for its size, and it is served piece by piece."""
    pieces = 0

    def content(_: int) -> Iterator[bytes]:
        nonlocal pieces
        yield b"Subject: long\r\n\r\n"
        for _ in range(1 << 15):
            pieces += 1
            yield b"x" * 65534 + b"\r\n"

    account = Account("ann", "not-a-secret")
    Accounts([account], policy=Policy.of({"adds": "Status: RO", "body": "more\r\n"}))
    account.maildrop.generate(1, content, octets=(1 << 31) + 17)
    session = account.open("session")
    assert session.octets(1) == (1 << 31) + 17 + len("Status: RO\r\nmore\r\n")
    message = session.message(1)
    assert message is not None
    assert message.size is None
    chunks = message.chunks()
    assert next(chunks) == b"Subject: long\r\nStatus: RO\r\n\r\n"
    assert len(next(chunks)) == 1 << 16
    assert pieces == 1


def test_the_sites_own_messages_stand_before_and_behind_the_others() -> None:
    """The first comes again however often it is deleted, the others are gone then."""
    words = {"first": "Subject: notes\r\n\r\n", "last": "Subject: sent\r\n\r\n", "generated": "2"}
    account = Account("ann", "not-a-secret")
    Accounts([account], policy=Policy.of(words))
    account.maildrop.add_one(SHORT, uid="m1")
    session = account.open("first")
    uids = ["own-first", "m1", "own-1", "own-2", "own-last"]
    assert [uid for _, uid in session.unique_ids()] == uids
    for number in (1, 2, 3, 5):
        assert session.mark(number)
    assert session.update() == (("m1", "own-1", "own-last"), ())
    session.close()
    assert [uid for _, uid in account.open("second").unique_ids()] == ["own-first", "own-2"]


def test_a_million_messages_more_are_listed_without_being_made() -> None:
    """And counted at once."""
    session = opened({"generated": "1000000"}, SHORT)
    assert session.stat() == (1_000_001, len(SHORT) + 30 * 1_000_000)
    assert session.uid(1_000_001) == "own-1000000"
