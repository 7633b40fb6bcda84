"""Messages that grow old: what came long ago is gone when the maildrop is opened."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.maildrop import Account, Maildrop, MaildropInUse

if TYPE_CHECKING:
    from collections.abc import Iterator


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """The time."""
        return self.time


@pytest.fixture
def clock() -> Hand:
    """At zero."""
    return Hand()


@pytest.fixture
def maildrop(clock: Hand) -> Maildrop:
    """One that follows the clock."""
    maildrop = Maildrop()
    maildrop.follow(clock.now)
    return maildrop


def left(maildrop: Maildrop, expired: float) -> list[str]:
    """What a session finds."""
    session = maildrop.open("session", expired=expired)
    uids = [uid for _, uid in session.unique_ids()]
    session.close()
    return uids


def test_what_came_at_that_time_or_before_is_gone(maildrop: Maildrop, clock: Hand) -> None:
    """Each message by its own time, whichever way it came."""
    for time in (1.0, 2.0, 3.0):
        clock.time = time
        maildrop.add_one("Subject: x\n\n", uid=f"a{time:.0f}")
        maildrop.add_one("Subject: x\n\n", uid=f"b{time:.0f}")
    maildrop.generate(2, lambda n: f"Subject: {n}\n\n", octets=14)
    assert left(maildrop, 0.9)[:2] == ["a1", "b1"]
    assert left(maildrop, 1.0)[:2] == ["a2", "b2"]
    assert left(maildrop, 2.5) == ["a3", "b3", "generated-1", "generated-2"]
    assert maildrop.uids == ["a3", "b3", "generated-1", "generated-2"]
    assert left(maildrop, 3.0) == maildrop.uids == []
    clock.time = 4.0
    maildrop.add_one("Subject: x\n\n", uid="a4")
    assert left(maildrop, 3.0) == ["a4"]


def test_nothing_expires_where_there_is_no_clock() -> None:
    """Nobody knows when anything came."""
    maildrop = Maildrop()
    maildrop.add_one("Subject: x\n\n", uid="x")
    assert left(maildrop, 1e9) == ["x"]


def test_what_was_there_before_the_clock_came_with_it(clock: Hand) -> None:
    """And following the same clock again changes nothing, another one does."""
    maildrop = Maildrop()
    maildrop.add_one("Subject: x\n\n", uid="x")
    clock.time = 5.0
    maildrop.follow(clock.now)
    clock.time = 7.0
    maildrop.follow(clock.now)
    assert left(maildrop, 4.9) == ["x"]
    other = Hand()
    other.time = 9.0
    maildrop.follow(other.now)
    assert left(maildrop, 8.9) == ["x"]
    assert left(maildrop, 9.0) == []


def test_a_clock_that_goes_back_makes_nothing_older(maildrop: Maildrop, clock: Hand) -> None:
    """Messages stay in order."""
    clock.time = 5.0
    maildrop.add_one("Subject: x\n\n", uid="a")
    clock.time = 3.0
    maildrop.add_one("Subject: x\n\n", uid="b")
    assert left(maildrop, 4.0) == ["a", "b"]


def test_what_somebody_else_has_open_stays(maildrop: Maildrop, clock: Hand) -> None:
    """The lock comes first; and a session keeps what it saw, a live one does not."""
    maildrop.add_one("Subject: x\n\n", uid="x")
    clock.time = 9.0
    holder = maildrop.open("holder")
    with pytest.raises(MaildropInUse):
        maildrop.open("session", expired=9.0)
    assert maildrop.uids == ["x"]
    assert list(maildrop.open("other", exclusive=False, expired=9.0).unique_ids()) == []
    message = holder.message(1)
    assert message is not None
    assert message.content == b"Subject: x\r\n\r\n"


def test_a_live_maildrop_lets_messages_expire(clock: Hand) -> None:
    """At the login as any other."""
    maildrop = Maildrop(live=True)
    maildrop.follow(clock.now)
    maildrop.add_one("Subject: x\n\n", uid="x")
    clock.time = 1.0
    maildrop.add_one("Subject: x\n\n", uid="y")
    assert left(maildrop, 0.0) == ["y"]


def test_what_is_protected_or_would_not_go_stays(maildrop: Maildrop, clock: Hand) -> None:
    """As at UPDATE; and where they come from is asked before."""
    asked = []

    def remove(numbers: list[int]) -> Iterator[int]:
        asked.append(numbers)
        return (n for n in numbers if n == 3)

    maildrop.add_one("Subject: x\n\n", uid="x")
    maildrop.add_one("Subject: x\n\n", uid="y")
    maildrop.generate(4, lambda n: f"Subject: {n}\n\n", octets=14, remove=remove)
    maildrop.protect("y", "generated-2")
    clock.time = 1.0
    maildrop.add_one("Subject: x\n\n", uid="z")
    assert left(maildrop, 0.0) == ["y", "generated-2", "generated-3", "z"]
    assert asked == [[1, 3, 4]]
    assert left(maildrop, 0.0) == ["y", "generated-2", "generated-3", "z"]
    assert asked == [[1, 3, 4], [3]]


def test_an_expired_unique_id_is_never_used_again(maildrop: Maildrop, clock: Hand) -> None:
    """RFC 1939 section 7."""
    [message] = maildrop.add("Subject: x\n\n")
    assert left(maildrop, 0.0) == []
    clock.time = 1.0
    [copy] = maildrop.add("Subject: x\n\n")
    assert copy.uid == f"{message.uid}-2"
    assert message.uid not in maildrop


def test_a_million_messages_keep_no_time_each(maildrop: Maildrop, clock: Hand) -> None:
    """A block came at one time, and goes without a look at its messages."""
    maildrop.generate(1_000_000, lambda n: f"Subject: {n:07}\n\n", octets=20)
    clock.time = 1.0
    maildrop.generate(1_000_000, lambda n: f"Subject: {n:07}\n\n", octets=20)
    tracemalloc.start()
    try:
        session = maildrop.open("session", expired=0.5)
        assert session.stat() == (1_000_000, 20_000_000)
        assert session.uid(1) == "generated-2-1"
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    session.close()


def test_after_a_restore_all_have_just_come(maildrop: Maildrop, clock: Hand) -> None:
    """As a token is good again then."""
    maildrop.add_one("Subject: x\n\n", uid="x")
    saved = maildrop.save()
    clock.time = 5.0
    assert left(maildrop, 1.0) == []
    maildrop.restore(saved)
    assert left(maildrop, 4.9) == ["x"]
    assert left(maildrop, 5.0) == []


def test_what_a_script_finds_grows_old_too(clock: Hand) -> None:
    """From when it was written, or from when the account got its clock."""
    account = Account("ann", "not-a-secret")
    account.script(["Subject: one\n\n"], ["Subject: two\n\n"])
    account.follow(clock.now)
    clock.time = 3.0
    assert account.open("session 1", expired=2.0).stat() == (0, 0)
    account.maildrop.open("session 1").close()
    account.script(["Subject: three\n\n"])
    assert account.open("session 1", expired=2.0).stat() == (1, 18)
