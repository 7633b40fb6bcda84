"""Messages that are made when somebody looks: a million of them, or one of two gibioctets."""

from __future__ import annotations

import tracemalloc
from collections import deque
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop import Maildrop

if TYPE_CHECKING:
    from collections.abc import Iterator

MILLION = 1_000_000
MEBIOCTET = 1 << 20
GRAMMAR = "a unique-id has 1 to 70 octets, each 0x21 to 0x7E (RFC 1939 section 7)"


def numbered(n: int) -> str:
    """A message of 20 octets."""
    return f"Subject: {n:07}\n\n"


def test_a_generated_message_is_like_any_other() -> None:
    """It has number, unique-id, size and content, between those that were added one by one."""
    maildrop = Maildrop()
    maildrop.add_one("a", uid="first")
    maildrop.generate(3, numbered, octets=20)
    maildrop.add_one("b", uid="last")
    session = maildrop.open("session")
    assert list(session.unique_ids()) == [
        (1, "first"), (2, "generated-1"), (3, "generated-2"), (4, "generated-3"), (5, "last"),
    ]  # fmt: skip
    assert list(session.listing()) == [(1, 3), (2, 20), (3, 20), (4, 20), (5, 3)]
    assert session.stat() == (5, 66)
    message = session.message(3)
    assert message is not None
    assert (message.content, message.uid, message.octets) == (b"Subject: 0000002\r\n\r\n", "generated-2", 20)
    assert (session.octets(5), session.uid(5)) == (3, "last")


def test_only_sending_tells_the_real_size_of_a_generated_message() -> None:
    """What is announced is all that is known."""
    maildrop = Maildrop()
    maildrop.generate(1, numbered, octets=20)
    assert maildrop["generated-1"].size is None
    assert repr(maildrop["generated-1"]) == "<GeneratedMessage 'generated-1', 20 octets>"


def test_a_million_messages_need_no_object_each() -> None:
    """Open, count, list and read: memory stays below a megaoctet."""
    tracemalloc.start()
    try:
        maildrop = Maildrop()
        maildrop.generate(MILLION, numbered, octets=20)
        session = maildrop.open("session")
        assert session.stat() == (MILLION, 20 * MILLION)
        assert list(islice(session.listing(), 2)) == [(1, 20), (2, 20)]
        assert deque(islice(session.listing(), 10_000), maxlen=1).pop() == (10_000, 20)
        assert deque(islice(session.unique_ids(), 10_000), maxlen=1).pop() == (10_000, "generated-10000")
        message = session.message(MILLION)
        assert message is not None
        assert message.content == b"Subject: 1000000\r\n\r\n"
        assert session.mark(500_000)
        assert session.stat() == (MILLION - 1, 20 * (MILLION - 1))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEBIOCTET


def test_a_million_messages_with_one_removed_still_need_no_object_each() -> None:
    """The others cost 8 octets each; measured on a tenth of them."""
    maildrop = Maildrop()
    maildrop.generate(MILLION // 10, numbered, octets=20)
    tracemalloc.start()
    try:
        maildrop.remove("generated-50000")
        octets = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert (len(maildrop), "generated-50000" in maildrop) == (MILLION // 10 - 1, False)
    assert octets < 1.2 * MEBIOCTET


def test_a_million_messages_are_listed_to_the_last() -> None:
    """RFC 1939 section 5, LIST, and section 7, UIDL."""
    maildrop = Maildrop()
    maildrop.generate(MILLION, numbered, octets=20)
    session = maildrop.open("session")
    assert deque(session.listing(), maxlen=1).pop() == (MILLION, 20)
    assert deque(session.unique_ids(), maxlen=1).pop() == (MILLION, "generated-1000000")


def test_removing_all_generated_messages_leaves_an_empty_maildrop() -> None:
    """RFC 1939 section 6, for a block."""
    maildrop = Maildrop()
    maildrop.generate(100, numbered, octets=20)
    session = maildrop.open("session")
    assert all(session.mark(number) for number in range(1, 101))
    assert len(session.update().removed) == 100
    assert (len(maildrop), maildrop.uids) == (0, [])


def two_gibioctets(_: int) -> Iterator[bytes]:
    """One message, 64 KiB at a time."""
    line = b"x" * 62 + b"\r\n"
    for _piece in range(32_768):
        yield line * 1024


def test_a_message_of_two_gibioctets_is_streamed() -> None:
    """64 MiB of it pass through less than one."""
    maildrop = Maildrop()
    maildrop.generate(1, two_gibioctets, octets=2 << 30)
    message = maildrop["generated-1"]
    assert message.octets == 2 << 30
    tracemalloc.start()
    try:
        octets = sum(len(chunk) for chunk in islice(message.chunks(), 1024))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert octets == 64 * MEBIOCTET
    assert peak < MEBIOCTET


def test_the_content_is_made_again_for_every_reading() -> None:
    """RFC 1939 section 5, RETR: it can be repeated within a session, with the same result."""
    calls: list[int] = []

    def content(n: int) -> Iterator[bytes]:
        calls.append(n)
        yield b"ab"
        yield b"c\r\n"

    maildrop = Maildrop()
    maildrop.generate(2, content, octets=5)
    message = maildrop["generated-2"]
    assert calls == []
    assert message.content == message.content == b"abc\r\n"
    assert calls == [2, 2]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("a\nb", b"a\r\nb\r\n"),
        (b"a\nb\r\n", b"a\nb\r\n"),
        ([b"a\r", b"", b"\n"], b"a\r\n"),
        ([b"a\r\n", b""], b"a\r\n"),
        ([b"a", b"\r"], b"a\r\r\n"),
        (b"", b""),
        ([], b""),
    ],
)
def test_content_comes_as_text_octets_or_pieces(given: Any, sent: bytes) -> None:
    """The same rules as for sources: CRLF in text, octets as they are, the final CRLF completed. No piece is empty."""
    maildrop = Maildrop()
    maildrop.generate(1, lambda _: given, octets=len(sent))
    chunks = list(maildrop["generated-1"].chunks())
    assert b"".join(chunks) == sent
    assert b"" not in chunks


@pytest.mark.parametrize(
    ("given", "announced", "problem"),
    [
        ("abc\n", 4, "was announced with 4 octets, but content(2) gave 5"),
        ([b"a\r\n"], 4, "was announced with 4 octets, but content(2) gave 3"),
        (b"abc", 3, "was announced with 3 octets, but content(2) gave 5, with the final CRLF that it lacks"),
    ],
)
def test_content_of_another_size_than_announced_ends_in_an_error(given: Any, announced: int, problem: str) -> None:
    """After the octets, so that the client sees what the test's author made, and the author hears of it."""
    maildrop = Maildrop()
    maildrop.generate(2, lambda _: given, octets=announced)
    chunks = maildrop["generated-2"].chunks()
    assert next(chunks)
    with pytest.raises(UsageError) as caught:
        list(chunks)
    assert str(caught.value) == f"message 2 of generate() {problem}"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (7, "content(1) of generate() gave an object of type int; it must give str, bytes, or an iterable of bytes"),
        (["a"], "content(1) of generate() gave a piece of type str; each piece must be bytes"),
    ],
)
def test_content_of_another_type_is_an_error(given: Any, problem: str) -> None:
    """The function is named, with the number it was called for."""
    maildrop = Maildrop()
    maildrop.generate(1, lambda _: given, octets=1)
    with pytest.raises(UsageError) as caught:
        _ = maildrop["generated-1"].content
    assert str(caught.value) == problem


def test_sizes_from_a_function_are_added_up_once() -> None:
    """STAT of the second session costs nothing."""
    calls: list[int] = []

    def octets(n: int) -> int:
        calls.append(n)
        return 10 * n

    maildrop = Maildrop()
    maildrop.generate(4, numbered, octets=octets)
    calls.clear()
    for owner in ("session 1", "session 2"):
        session = maildrop.open(owner)
        assert session.stat() == (4, 100)
        session.close()
    assert calls == [1, 2, 3, 4]
    assert list(session.listing()) == [(1, 10), (2, 20), (3, 30), (4, 40)]


def test_two_blocks_have_different_unique_ids() -> None:
    """Whatever else is in the maildrop."""
    maildrop = Maildrop()
    maildrop.generate(2, numbered, octets=20)
    maildrop.generate(2, numbered, octets=20)
    assert maildrop.uids == ["generated-1", "generated-2", "generated-2-1", "generated-2-2"]
    other = Maildrop()
    other.add_one("a", uid="generated-1")
    other.generate(1, numbered, octets=20)
    assert other.uids == ["generated-1", "generated-2-1"]


def test_unique_ids_may_come_from_a_function() -> None:
    """Searched for, they are called once; a double is found then."""
    maildrop = Maildrop()
    maildrop.generate(3, numbered, octets=20, uid="mine-{}".format)
    assert maildrop.uids == ["mine-1", "mine-2", "mine-3"]
    maildrop.remove("mine-2")
    assert maildrop.uids == ["mine-1", "mine-3"]
    assert "mine-2" not in maildrop

    twice = Maildrop()
    twice.generate(3, numbered, octets=20, uid=lambda n: f"mine-{n % 2}")
    with pytest.raises(UsageError, match=r"^the uid function of generate\(\) gives 'mine-1' for both 1 and 3$"):
        twice.remove("mine-1")


def test_a_generated_message_can_get_another_unique_id() -> None:
    """It keeps its place, and stays when others go."""
    maildrop = Maildrop()
    maildrop.generate(3, numbered, octets=20)
    maildrop.replace_uid("generated-2", "mine")
    maildrop.replace_uid("generated-1", "first")
    maildrop.replace_uid("mine", "yours")
    assert maildrop.uids == ["first", "yours", "generated-3"]
    assert maildrop["yours"].content == b"Subject: 0000002\r\n\r\n"
    assert "generated-2" not in maildrop
    maildrop.remove("generated-3")
    assert maildrop.uids == ["first", "yours"]
    maildrop.remove("yours")
    assert maildrop.uids == ["first"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"count": -1}, "count must be a number from 0, not -1"),
        ({"count": "3"}, "count must be a number from 0, not '3'"),
        ({"octets": -5}, "octets must be a number from 0, not -5"),
        ({"octets": True}, "octets must be a number from 0, not True"),
        ({"octets": lambda _: None}, "octets(1) of generate() must be a number from 0, not None"),
        ({"content": "Subject"}, "content of generate() must be a function of the number n, not 'Subject'"),
        (
            {"uid": lambda n: f"a {n}"},
            f"unique-id 'a 1' has ' ' at position 1; {GRAMMAR}",
        ),
    ],
)
def test_a_mistake_in_generate_is_told_at_the_call(arguments: dict[str, Any], problem: str) -> None:
    """Not when a client asks for the first message."""
    maildrop = Maildrop()
    with pytest.raises(UsageError) as caught:
        maildrop.generate(**{"count": 3, "content": numbered, "octets": 20, **arguments})
    assert str(caught.value) == problem
    assert len(maildrop) == 0


def test_a_size_that_goes_wrong_later_names_its_message() -> None:
    """A function may fail for some n only."""
    maildrop = Maildrop()
    maildrop.generate(3, numbered, octets=lambda n: 2 - n)
    with pytest.raises(UsageError, match=r"^octets\(3\) of generate\(\) must be a number from 0, not -1$"):
        maildrop.open("session").stat()


def test_a_block_of_no_messages_is_no_message() -> None:
    """No function is called for it."""
    maildrop = Maildrop()
    maildrop.generate(0, numbered, octets=lambda _: -1, uid=lambda _: "")
    assert (len(maildrop), maildrop.open("session").stat()) == (0, (0, 0))


def test_no_function_of_the_user_runs_under_the_lock_of_the_maildrop() -> None:
    """Each may use the maildrop itself; under the lock that would hang."""
    maildrop = Maildrop()

    class Mail:
        def read_bytes(self) -> bytes:
            return f"{len(maildrop)}".encode()

    def octets(n: int) -> int:
        return n + len(maildrop) * 0

    def uid(n: int) -> str:
        return f"mine-{n}-of-{len(maildrop) * 0}"

    def use() -> None:
        maildrop.add(Mail())
        maildrop.generate(3, lambda _: f"{len(maildrop)}", octets=octets, uid=uid)
        maildrop.add_one(Mail(), uid="x1")
        maildrop.replace_uid("mine-2-of-0", "x2")
        maildrop.protect("mine-3-of-0")
        session = maildrop.open("session")
        session.stat()
        session.mark(2)
        session.update()
        session.close()
        maildrop.remove("mine-3-of-0")

    thread = Thread(target=use, daemon=True)
    thread.start()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert maildrop.uids[1:] == ["x2", "x1"]


def test_a_message_that_goes_while_it_is_looked_for_is_unknown() -> None:
    """Somebody was quicker: here the function that names the messages, while its message is renamed or removed."""
    maildrop = Maildrop()
    quicker: list[str] = []

    def uid(n: int) -> str:
        if quicker:
            maildrop.remove(quicker.pop())
        return f"mine-{n}"

    maildrop.generate(3, numbered, octets=20, uid=uid)
    assert "mine-1" in maildrop
    quicker.append("mine-1")
    with pytest.raises(UsageError, match=r"^no message with unique-id 'mine-1' in the maildrop;"):
        maildrop.remove("mine-1")
    quicker.append("mine-2")
    with pytest.raises(UsageError, match=r"^no message with unique-id 'mine-2' in the maildrop;"):
        maildrop.replace_uid("mine-2", "yours")
    assert maildrop.uids == ["mine-3"]
