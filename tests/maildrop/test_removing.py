"""Deletions that are carried out where generated messages come from (RFC 1939 section 6)."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop import Maildrop, UpdateResult

if TYPE_CHECKING:
    from collections.abc import Callable


def generated(remove: Callable[[list[int]], Any], count: int = 4) -> Maildrop:
    """A message added by itself, then a block with this remover."""
    maildrop = Maildrop()
    maildrop.add_one("a", uid="first")
    maildrop.generate(count, lambda n: f"{n}", octets=3, remove=remove)
    return maildrop


def test_update_has_the_deleted_messages_removed_where_they_come_from() -> None:
    """Once, in the order of their numbers, and only those of the block."""
    calls: list[list[int]] = []

    def remove(numbers: list[int]) -> list[int]:
        calls.append(numbers)
        return []

    maildrop = generated(remove)
    session = maildrop.open("session")
    for number in (5, 1, 3):
        session.mark(number)
    assert session.update() == UpdateResult(("first", "generated-2", "generated-4"), ())
    assert calls == [[2, 4]]
    assert maildrop.uids == ["generated-1", "generated-3"]
    assert session.update() == UpdateResult((), ())
    assert calls == [[2, 4]]


def test_a_message_that_could_not_be_removed_stays_and_is_told() -> None:
    """The others are gone."""
    maildrop = generated(lambda _: (3, 99))
    session = maildrop.open("session")
    for number in (2, 4, 5):
        session.mark(number)
    assert session.update() == UpdateResult(("generated-1", "generated-4"), ("generated-3",))
    assert maildrop.uids == ["first", "generated-2", "generated-3"]


def test_a_protected_message_is_not_handed_to_the_remover() -> None:
    """It stays in both places."""
    calls: list[list[int]] = []

    def remove(numbers: list[int]) -> tuple[int, ...]:
        calls.append(numbers)
        return ()

    maildrop = generated(remove)
    maildrop.protect("generated-1")
    session = maildrop.open("session")
    session.mark(2)
    session.mark(3)
    assert session.update() == UpdateResult(("generated-2",), ("generated-1",))
    assert calls == [[2]]


def test_a_message_with_a_new_unique_id_is_still_removed_where_it_comes_from() -> None:
    """The name is the maildrop's, the message the block's."""
    calls: list[list[int]] = []

    def remove(numbers: list[int]) -> tuple[int, ...]:
        calls.append(numbers)
        return ()

    maildrop = generated(remove)
    maildrop.replace_uid("generated-2", "mine")
    session = maildrop.open("session")
    session.mark(3)
    assert session.update().removed == ("mine",)
    assert calls == [[2]]


def test_each_block_removes_its_own() -> None:
    """By its own numbers."""
    calls: list[tuple[str, list[int]]] = []

    def remover(name: str) -> Callable[[list[int]], tuple[int, ...]]:
        def remove(numbers: list[int]) -> tuple[int, ...]:
            calls.append((name, numbers))
            return ()

        return remove

    maildrop = Maildrop()
    maildrop.generate(2, str, octets=3, remove=remover("one"))
    maildrop.generate(2, str, octets=3)
    maildrop.generate(2, str, octets=3, remove=remover("three"))
    session = maildrop.open("session")
    for number in (2, 3, 5):
        session.mark(number)
    assert len(session.update().removed) == 3
    assert calls == [("one", [2]), ("three", [1])]


def test_without_update_nothing_is_removed_anywhere() -> None:
    """RFC 1939 section 6; nor is what the test takes away, for that is a change of the server's alone."""

    def remove(numbers: list[int]) -> tuple[int, ...]:
        pytest.fail(f"removed {numbers}")

    maildrop = generated(remove)
    session = maildrop.open("session")
    session.mark(2)
    session.close()
    maildrop.remove("generated-4")
    assert maildrop.uids == ["first", "generated-1", "generated-2", "generated-3"]


def test_a_message_that_goes_while_it_is_removed_is_nobodys() -> None:
    """The test was quicker, so this session did not remove it."""

    def remove(_: list[int]) -> tuple[int, ...]:
        maildrop.remove("generated-1")
        return ()

    maildrop = generated(remove)
    session = maildrop.open("session")
    session.mark(2)
    session.mark(3)
    assert session.update() == UpdateResult(("generated-2",), ())


def test_the_remover_does_not_run_under_the_lock_of_the_maildrop() -> None:
    """It may look at the maildrop, which under the lock would hang; the messages are still there."""
    counts: list[int] = []

    def remove(_: list[int]) -> tuple[int, ...]:
        counts.append(len(maildrop))
        return ()

    maildrop = generated(remove)

    def use() -> None:
        session = maildrop.open("session")
        session.mark(2)
        session.update()
        session.close()

    thread = Thread(target=use, daemon=True)
    thread.start()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert (counts, len(maildrop)) == ([5], 4)


def test_a_remover_that_fails_leaves_the_maildrop_as_it_was() -> None:
    """Its exception is the author's to see."""

    def remove(_: list[int]) -> tuple[int, ...]:
        raise OSError("disk on fire")

    maildrop = generated(remove)
    session = maildrop.open("session")
    session.mark(2)
    with pytest.raises(OSError, match=r"^disk on fire$"):
        session.update()
    assert len(maildrop) == 5


def test_a_remover_that_gives_no_numbers_is_an_error() -> None:
    """A function that forgets its return gives None, which could be taken for success."""
    maildrop = generated(lambda _: None)
    session = maildrop.open("session")
    session.mark(2)
    with pytest.raises(UsageError) as caught:
        session.update()
    assert str(caught.value) == (
        "remove([1]) of generate() gave an object of type NoneType; "
        "it must give the numbers that it could not remove, () if there are none"
    )


def test_what_is_no_remover_is_refused_at_the_call() -> None:
    """Not at the first QUIT."""
    with pytest.raises(UsageError) as caught:
        Maildrop().generate(1, str, octets=3, remove=True)  # type: ignore[arg-type]
    assert str(caught.value) == "remove of generate() must be a function of a list of numbers, not True"
