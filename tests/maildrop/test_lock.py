"""The exclusive-access lock (RFC 1939 section 4)."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest

from pop3s_fake.errors import Pop3sFakeError
from pop3s_fake.maildrop import Account, Maildrop, MaildropInUse, OpenMaildrop


def test_a_second_owner_is_refused_until_the_first_closes() -> None:
    """RFC 1939 section 4: acquired at login, released at the end."""
    maildrop = Maildrop()
    assert maildrop.in_use_by is None
    session = maildrop.open("session 1")
    assert maildrop.in_use_by == "session 1"
    with pytest.raises(MaildropInUse) as caught:
        maildrop.open("session 2")
    assert str(caught.value) == "the maildrop is in use by 'session 1'"
    assert caught.value.owner == "session 1"
    assert isinstance(caught.value, Pop3sFakeError)
    session.close()
    assert maildrop.in_use_by is None
    maildrop.open("session 2")


def test_a_refused_owner_changes_nothing() -> None:
    """The first still has it after any number of attempts."""
    maildrop = Maildrop()
    session = maildrop.open("session 1")
    for _ in range(3):
        with pytest.raises(MaildropInUse):
            maildrop.open("session 2")
    session.close()
    maildrop.open("session 2").close()


def test_closing_twice_frees_only_ones_own() -> None:
    """A session that ends twice must not free the lock of the next."""
    maildrop = Maildrop()
    first = maildrop.open("session 1")
    first.close()
    maildrop.open("session 2")
    first.close()
    assert maildrop.in_use_by == "session 2"


def test_an_owner_that_has_the_lock_may_open_again() -> None:
    """It is free when all it opened is closed."""
    maildrop = Maildrop()
    first, second = maildrop.open("session 1"), maildrop.open("session 1")
    first.close()
    first.close()
    with pytest.raises(MaildropInUse):
        maildrop.open("session 2")
    second.close()
    maildrop.open("session 2")


def test_owners_are_told_apart_by_identity() -> None:
    """Two sessions that compare equal are two."""
    maildrop = Maildrop()
    owner: list[int] = []
    maildrop.open(owner)
    with pytest.raises(MaildropInUse):
        maildrop.open([])


def test_opening_without_the_lock_neither_asks_for_it_nor_takes_it() -> None:
    """Dovecot and Gmail allow several sessions; each has its own marks."""
    maildrop = Maildrop()
    maildrop.add("a", "b")
    maildrop.open("session 1")
    second, third = (maildrop.open(f"session {i}", exclusive=False) for i in (2, 3))
    second.mark(1)
    assert (second.stat(), third.stat()) == ((1, 3), (2, 6))
    second.close()
    assert maildrop.in_use_by == "session 1"


def test_an_owner_that_never_closes_keeps_the_lock() -> None:
    """Nothing frees it behind its back, not even that nobody holds the session any more."""
    maildrop = Maildrop()
    maildrop.open("session 1")
    with pytest.raises(MaildropInUse):
        maildrop.open("session 2")


@pytest.mark.parametrize("through_account", [False, True], ids=["maildrop", "account"])
def test_of_many_threads_that_log_in_at_once_one_gets_the_lock(*, through_account: bool) -> None:
    """Taking the maildrop is one step."""
    target = Account("ann", "not-a-secret") if through_account else Maildrop()
    threads, rounds = 8, 50
    together = Barrier(threads)
    opened: list[list[OpenMaildrop]] = [[] for _ in range(rounds)]
    refused: list[list[object]] = [[] for _ in range(rounds)]

    def log_in(owner: int) -> None:
        for i in range(rounds):
            together.wait(timeout=30)
            try:
                opened[i].append(target.open(owner))
            except MaildropInUse as error:
                refused[i].append(error.owner)
            together.wait(timeout=30)
            for session in opened[i]:
                session.close()
            together.wait(timeout=30)

    workers = [Thread(target=log_in, args=(owner,), daemon=True) for owner in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert not any(worker.is_alive() for worker in workers)
    assert [len(sessions) for sessions in opened] == [1] * rounds
    assert all(len(owners) == threads - 1 and len(set(owners)) == 1 for owners in refused)
