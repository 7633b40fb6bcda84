"""A site's policy: what sessions find, what their deletions do, and what an account remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, UsageError
from pop3s_fake.maildrop import Accounts, Maildrop, MaildropInUse, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake.maildrop import OpenMaildrop

DAY = 86400.0


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        """What it says."""
        return self.now


def account(words: dict[str, str], *, count: int = 3, clock: Clock | None = None, live: bool = False) -> Account:
    """An account with messages m1, m2 and so on, under this policy."""
    made = Account("ann", "not-a-secret", maildrop=Maildrop(live=live))
    for number in range(1, count + 1):
        made.maildrop.add_one(f"Subject: {number}\n\n", uid=f"m{number}")
    Accounts([made], clock.time if clock else None, policy=Policy.of(words))
    return made


def found(opened: OpenMaildrop) -> dict[int, str]:
    """Numbers and unique-ids."""
    return dict(opened.unique_ids())


@pytest.mark.parametrize(
    ("words", "uids"),
    [
        ({}, {1: "m1", 2: "m2", 3: "m3"}),
        ({"newest": "2"}, {1: "m2", 2: "m3"}),
        ({"oldest": "2"}, {1: "m1", 2: "m2"}),
        ({"newest": "0"}, {}),
        ({"newest": "9", "oldest": "9"}, {1: "m1", 2: "m2", 3: "m3"}),
        ({"descending": "yes"}, {1: "m3", 2: "m2", 3: "m1"}),
        ({"newest": "2", "descending": "yes"}, {1: "m3", 2: "m2"}),
    ],
)
@pytest.mark.parametrize("live", [False, True])
def test_a_session_finds_what_the_policy_has_it_find(
    words: dict[str, str], uids: dict[int, str], *, live: bool
) -> None:
    """All of it agrees: numbers, sizes, the message itself, what is marked and what is removed."""
    opened = account(words, live=live).open("session")
    assert found(opened) == uids
    assert opened.stat() == (len(uids), 14 * len(uids))
    assert dict(opened.listing()) == dict.fromkeys(uids, 14)
    for number, uid in uids.items():
        assert (opened.uid(number), opened.octets(number)) == (uid, 14)
        message = opened.message(number)
        assert message is not None
        assert message.content == b"Subject: %s\r\n\r\n" % uid[1:].encode()
    assert opened.mark(len(uids) + 1) is False
    if uids:
        assert opened.mark(1)
        assert opened.update().removed == (uids[1],)


def test_what_was_retrieved_is_not_found_again_after_quit() -> None:
    """Nor deleted: the test still finds it."""
    ann = account({"popped": "yes"})
    first = ann.open("first")
    first.retrieved(2)
    first.update()
    first.close()
    assert found(ann.open("second")) == {1: "m1", 2: "m3"}
    assert ann.maildrop.uids == ["m1", "m2", "m3"]


def test_without_quit_nothing_is_remembered() -> None:
    """A lost connection lets everything be found again."""
    ann = account({"popped": "yes"})
    first = ann.open("first")
    first.retrieved(2)
    assert first.lost() == ()
    first.close()
    assert len(found(ann.open("second"))) == 3


def test_a_scripts_maildrops_share_what_was_retrieved() -> None:
    """The same octets are the same message."""
    ann = account({"popped": "yes"}, count=0)
    ann.script(["Subject: 1\n\n"], ["Subject: 1\n\n", "Subject: 2\n\n"])
    first = ann.open("first")
    first.retrieved(1)
    first.update()
    first.close()
    second = ann.open("second").message(1)
    assert second is not None
    assert second.content == b"Subject: 2\r\n\r\n"


def test_the_recent_ones_are_found_by_another_name_whether_retrieved_or_not() -> None:
    """What came thirty days ago is not recent, and the account's own name shows what was not retrieved."""
    clock = Clock()
    ann = Account("ann", "not-a-secret", token="a-token")
    accounts = Accounts([ann], clock.time, policy=Policy.of({"recent": "recent:", "popped": "yes"}))
    ann.maildrop.add_one("Subject: old\n\n", uid="old")
    clock.now = 1.0
    ann.maildrop.add_one("Subject: new\n\n", uid="new")
    opened = ann.open("first")
    opened.retrieved(1)
    opened.retrieved(2)
    opened.update()
    opened.close()
    clock.now = 30 * DAY
    alias = accounts.get("recent:ann")
    assert alias is not None
    assert alias.check_password(b"not-a-secret")
    assert alias.check_token(b"a-token")
    assert (alias.token, alias.secrets()) == (ann.token, ann.secrets())
    opened = alias.open("second")
    assert found(opened) == {1: "new"}
    with pytest.raises(MaildropInUse):
        ann.open("third")
    opened.close()
    assert found(ann.open("fourth")) == {}
    assert accounts.get("recent:eve") is None
    assert accounts.get("new:ann") is None


@pytest.mark.parametrize("live", [False, True])
def test_the_last_message_comes_behind_the_first_listing(*, live: bool) -> None:
    """Under the next number."""
    opened = account({"late": "yes"}, live=live).open("session")
    assert opened.stat() == (2, 28)
    assert opened.message(3) is None
    assert found(opened) == {1: "m1", 2: "m2"}
    assert dict(opened.listing()) == {1: 14, 2: 14, 3: 14}
    assert opened.stat() == (3, 42)


def test_a_live_maildrop_shows_what_comes_under_the_next_number() -> None:
    """As far as the policy shows it; what was there keeps its number."""
    ann = account({"newest": "2"}, live=True)
    opened = ann.open("session")
    assert found(opened) == {1: "m2", 2: "m3"}
    ann.maildrop.add_one("Subject: 4\n\n", uid="m4")
    assert found(opened) == {2: "m3", 3: "m4"}
    assert opened.message(1) is None
    assert opened.mark(3)
    assert opened.update().removed == ("m4",)


def test_a_deletion_at_once_is_not_taken_back() -> None:
    """DELE removes; RSET brings nothing back, and QUIT tells what went."""
    ann = account({"deletes": "at-once"})
    opened = ann.open("session")
    opened.mark(2)
    assert ann.maildrop.uids == ["m1", "m3"]
    opened.unmark_all()
    assert found(opened) == {1: "m1", 3: "m3"}
    assert opened.lost() == ("m2",)
    opened.mark(1)
    assert opened.update() == (("m2", "m1"), ())


@pytest.mark.parametrize(("deletes", "later"), [("hidden", {1: "m1", 2: "m3"}), ("not", {1: "m1", 2: "m2", 3: "m3"})])
def test_a_deletion_may_leave_the_message_where_it_is(deletes: str, later: dict[int, str]) -> None:
    """For later sessions it may look as if it were gone."""
    ann = account({"deletes": deletes})
    opened = ann.open("first")
    opened.mark(2)
    assert opened.update().kept == ()
    opened.close()
    assert found(ann.open("second")) == later
    assert ann.maildrop.uids == ["m1", "m2", "m3"]


@pytest.mark.parametrize(("deletes", "lost"), [("at-quit", ()), ("lost", ("m1",)), ("lost-or-retrieved", ("m1", "m2"))])
def test_a_lost_connection_may_delete(deletes: str, lost: tuple[str, ...]) -> None:
    """RFC 1939 section 6 forbids it."""
    ann = account({"deletes": deletes})
    opened = ann.open("session")
    opened.mark(1)
    opened.retrieved(2)
    assert opened.lost() == lost
    assert opened.lost() == lost
    assert ann.maildrop.uids == [uid for uid in ("m1", "m2", "m3") if uid not in lost]


@pytest.mark.parametrize("deletes", ["at-quit", "hidden", "at-once", "lost"])
def test_one_message_cannot_be_deleted(deletes: str) -> None:
    """UPDATE tells which stayed."""
    ann = account({"keeps": "2", "deletes": deletes})
    opened = ann.open("session")
    for number in (1, 2, 3):
        opened.mark(number)
    assert opened.update() == (("m1", "m3"), ("m2",))
    opened.close()
    assert found(ann.open("later")) == {1: "m2"}


def test_behind_a_lost_session_the_lock_stays_or_nothing_is_found() -> None:
    """For so many seconds."""
    clock = Clock()
    ann = account({"lock_hold": "60"}, clock=clock)
    ann.open("first").close()
    ann.abandon()
    clock.now = 59.0
    with pytest.raises(MaildropInUse):
        ann.open("second")
    clock.now = 60.0
    ann.open("third")
    ann = account({"unseen": "60"}, clock=clock)
    ann.open("first").close()
    ann.abandon()
    clock.now = 119.0
    opened = ann.open("second")
    assert opened.stat() == (0, 0)
    opened.close()
    clock.now = 120.0
    assert ann.open("third").stat() == (3, 42)


def test_what_is_remembered_is_saved_and_restored() -> None:
    """And begins anew with another server."""
    ann = account({"popped": "yes"})
    saved = ann.save()
    opened = ann.open("first")
    opened.retrieved(1)
    opened.update()
    opened.close()
    assert len(found(ann.open("second"))) == 2
    ann.restore(saved)
    assert len(found(ann.open("second"))) == 3
    Accounts([ann])
    assert type(ann.open("second")).__name__ == "OpenMaildrop"


def test_a_million_generated_messages_are_windowed_without_being_made() -> None:
    """Places are counted, nothing more."""

    def made(number: int) -> Iterator[bytes]:
        raise AssertionError(number)

    ann = account({"newest": "2", "descending": "yes"}, count=0)
    ann.maildrop.generate(1_000_000, made, octets=14)
    assert found(ann.open("session")) == {1: "generated-1000000", 2: "generated-999999"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"newst": "1"}, "unknown policy 'newst'; did you mean 'newest'?"),
        ({"newest": "1.5"}, "policy newest is a whole number from 0, not '1.5'"),
        ({"newest": "-1"}, "policy newest is a whole number from 0, not '-1'"),
        ({"newest": "many"}, "policy newest is a whole number from 0, not 'many'"),
        ({"lock_hold": "inf"}, "policy lock_hold is a number from 0, not 'inf'"),
        ({"popped": "1"}, "policy popped is yes or no, not '1'"),
        (
            {"deletes": "now"},
            "policy deletes is one of at-quit, at-once, hidden, not, lost, lost-or-retrieved, not 'now'",
        ),
    ],
)
def test_what_is_no_policy_is_refused_in_words(words: dict[str, str], complaint: str) -> None:
    """Quirks and dialects write them as text."""
    with pytest.raises(UsageError) as caught:
        Policy.of(words)
    assert str(caught.value) == complaint
