"""The maildrop as a test fills, looks at and changes it."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import Any

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop import Maildrop


def test_messages_are_numbered_in_the_order_in_which_they_came() -> None:
    """RFC 1939 section 4: from 1 to the number of messages."""
    maildrop = Maildrop()
    added = maildrop.add("a", "b")
    added += maildrop.add("c")
    assert list(maildrop) == added
    session = maildrop.open("session")
    assert [session.message(number) for number in range(5)] == [None, *added, None]


def test_a_message_is_found_by_its_unique_id() -> None:
    """And whether there is one can be asked."""
    maildrop = Maildrop()
    message = maildrop.add_one("a", uid="x1")
    assert maildrop["x1"] is message
    assert "x1" in maildrop
    assert "x2" not in maildrop
    assert message not in maildrop, "what is in a maildrop are unique-ids"


def test_a_size_can_be_announced_that_is_not_the_real_one() -> None:
    """Real servers do it, and clients must not rely on the size."""
    maildrop = Maildrop()
    message = maildrop.add_one("abc\n", uid="x1", octets=99)
    assert (message.octets, message.size, message.content) == (99, 5, b"abc\r\n")
    assert maildrop.open("session").stat() == (1, 99)
    assert maildrop.add_one("abc\n", octets=0).octets == 0


@pytest.mark.parametrize("octets", [-1, "5", 1.5, True])
def test_an_announced_size_must_be_a_number(octets: Any) -> None:
    """Told at the call."""
    with pytest.raises(UsageError) as caught:
        Maildrop().add_one("a", octets=octets)
    assert str(caught.value) == f"octets must be a number from 0, not {octets!r}"


@pytest.mark.parametrize(
    ("count", "uid", "problem"),
    [
        (0, "x1", "no message with unique-id 'x1' in the maildrop, which is empty"),
        (2, "m-", "no message with unique-id 'm-' in the maildrop; did you mean 'm-1'?"),
        (2, "zzz", "no message with unique-id 'zzz' in the maildrop; known are: m-0, m-1"),
        (21, "zzz", "no message with unique-id 'zzz' in the maildrop, which has 21: m-0, m-1, m-2, ..."),
        (2, 1, "no message with unique-id 1 in the maildrop; known are: m-0, m-1"),
    ],
)
def test_an_unknown_unique_id_is_a_usage_error(count: int, uid: Any, problem: str) -> None:
    """With the nearest, where they are few."""
    maildrop = Maildrop()
    for i in range(count):
        maildrop.add_one("a", uid=f"m-{i}")
    for use in (maildrop.__getitem__, maildrop.remove, maildrop.protect):
        with pytest.raises(UsageError) as caught:
            use(uid)
        assert str(caught.value) == problem


def test_a_removed_message_is_gone() -> None:
    """Others keep their order."""
    maildrop = Maildrop()
    for uid in ("x1", "x2", "x3"):
        maildrop.add_one(uid, uid=uid)
    maildrop.remove("x2")
    assert maildrop.uids == ["x1", "x3"]
    assert len(maildrop) == 2
    with pytest.raises(UsageError):
        maildrop.remove("x2")


def test_the_repr_says_how_many_messages_and_whether_it_is_in_use() -> None:
    """It calls no function of the user, and shows no content."""
    maildrop = Maildrop()
    message = maildrop.add_one("secret content", uid="x1")
    assert repr(maildrop) == "<Maildrop: 1 message>"
    assert repr(message) == "<Message 'x1', 16 octets>"
    session = maildrop.open("session")
    session.mark(1)
    assert repr(maildrop) == "<Maildrop: 1 message, in use>"
    assert repr(session) == "<OpenMaildrop: 0 messages, 0 octets, 1 marked>"
    assert repr(Maildrop(live=True)) == "<Maildrop: 0 messages, live>"


def test_threads_may_add_remove_and_open_at_once() -> None:
    """No message is lost or doubled, and what a session sees is whole at any moment."""
    maildrop = Maildrop()
    threads, rounds = 8, 50
    start = Barrier(threads)
    problems: list[object] = []

    def work(thread: int) -> None:
        start.wait(timeout=30)
        for i in range(rounds):
            kept, removed = maildrop.add("the same", f"{thread} {i}")
            session = maildrop.open(thread, exclusive=False)
            listed = list(session.unique_ids())
            if session.stat()[0] != len(listed) or (removed.uid not in dict(listed).values()):
                problems.append(session)
            maildrop.remove(removed.uid)
            if kept.uid not in maildrop:
                problems.append(kept)

    workers = [Thread(target=work, args=(thread,), daemon=True) for thread in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert not any(worker.is_alive() for worker in workers)
    assert problems == []
    assert len(maildrop) == len(set(maildrop.uids)) == threads * rounds
    assert {message.content for message in maildrop} == {b"the same\r\n"}
