"""What one session sees: numbers, marks, UPDATE (RFC 1939 sections 4 to 6)."""

from __future__ import annotations

import pytest

from pop3s_fake.maildrop import Maildrop, OpenMaildrop, UpdateResult


@pytest.fixture(params=[False, True], ids=["snapshot", "live"])
def maildrop(request: pytest.FixtureRequest) -> Maildrop:
    """Two messages, of 120 and 200 octets; what a session does alone is the same in both kinds."""
    maildrop = Maildrop(live=request.param)
    maildrop.add_one(b"x" * 118 + b"\r\n", uid="whqtswO00WBw418f9t5JxYwZ")
    maildrop.add_one(b"y" * 198 + b"\r\n", uid="QhdPYR:00WBw1Ph7x7")
    return maildrop


@pytest.fixture
def session(maildrop: Maildrop) -> OpenMaildrop:
    """The first session of that maildrop."""
    return maildrop.open("session 1")


def test_a_session_starts_with_nothing_marked(session: OpenMaildrop) -> None:
    """RFC 1939 section 4."""
    assert session.stat() == (2, 320)
    assert session.marked == 0
    assert list(session.listing()) == [(1, 120), (2, 200)]
    assert list(session.unique_ids()) == [(1, "whqtswO00WBw418f9t5JxYwZ"), (2, "QhdPYR:00WBw1Ph7x7")]


def test_an_empty_maildrop_has_no_numbers() -> None:
    """RFC 1939 section 5, LIST and STAT."""
    session = Maildrop().open("session")
    assert session.stat() == (0, 0)
    assert list(session.listing()) == []
    assert list(session.unique_ids()) == []
    assert session.message(1) is None


@pytest.mark.parametrize("number", [-1, 0, 3, 99999999999999999999])
def test_a_number_out_of_range_is_no_such_message(session: OpenMaildrop, number: int) -> None:
    """RFC 1939 section 5: from 1 to the number of messages."""
    assert (session.message(number), session.octets(number), session.uid(number)) == (None, None, None)
    assert not session.mark(number)
    assert not session.is_marked(number)


def test_a_marked_message_is_left_out_and_the_others_keep_their_numbers(session: OpenMaildrop) -> None:
    """RFC 1939 section 5, DELE: any later reference to the number is an error."""
    assert session.mark(1)
    assert (session.message(1), session.octets(1), session.uid(1)) == (None, None, None)
    assert not session.mark(1)
    assert (session.is_marked(1), session.is_marked(2), session.marked) == (True, False, 1)
    assert session.stat() == (1, 200)
    assert list(session.listing()) == [(2, 200)]
    assert list(session.unique_ids()) == [(2, "QhdPYR:00WBw1Ph7x7")]
    assert (session.octets(2), session.uid(2)) == (200, "QhdPYR:00WBw1Ph7x7")


def test_all_messages_can_be_marked(session: OpenMaildrop) -> None:
    """RFC 1939 section 5, STAT."""
    assert session.mark(2)
    assert session.mark(1)
    assert session.stat() == (0, 0)
    assert list(session.listing()) == []


def test_taking_back_the_marks_restores_everything(session: OpenMaildrop) -> None:
    """RFC 1939 section 5, RSET; it also works when nothing is marked."""
    session.mark(1)
    session.mark(2)
    for _ in range(2):
        session.unmark_all()
        assert session.stat() == (2, 320)
        assert session.marked == 0
        assert session.message(1) is not None


def test_a_message_is_the_same_every_time(session: OpenMaildrop) -> None:
    """RFC 1939 section 5, RETR: repeatable, and what a session prepared for it is still there."""
    message = session.message(2)
    assert message is not None
    assert message.prepared is None
    message.prepared = b"stuffed"
    assert session.message(2) is message


def test_nothing_is_removed_before_update(maildrop: Maildrop, session: OpenMaildrop) -> None:
    """RFC 1939 section 6: a session that ends by anything but QUIT removes nothing."""
    session.mark(1)
    assert len(maildrop) == 2
    session.close()
    assert len(maildrop) == 2
    assert maildrop.open("session 2").stat() == (2, 320)


def test_update_removes_what_is_marked_and_nothing_else(maildrop: Maildrop, session: OpenMaildrop) -> None:
    """RFC 1939 section 6; what is not there any more is not removed a second time."""
    session.mark(1)
    assert session.update() == UpdateResult(removed=("whqtswO00WBw418f9t5JxYwZ",), kept=())
    assert maildrop.uids == ["QhdPYR:00WBw1Ph7x7"]
    assert session.update() == UpdateResult((), ())
    session.close()
    assert maildrop.open("session 2").stat() == (1, 200)


def test_update_without_marks_removes_nothing(maildrop: Maildrop, session: OpenMaildrop) -> None:
    """RFC 1939 section 6."""
    session.mark(1)
    session.unmark_all()
    assert session.update() == UpdateResult((), ())
    assert len(maildrop) == 2


@pytest.mark.parametrize("live", [False, True])
def test_update_reports_in_the_order_of_the_numbers(*, live: bool) -> None:
    """In whatever order they were marked."""
    maildrop = Maildrop(live=live)
    maildrop.generate(40, lambda _: "", octets=0)
    session = maildrop.open("session")
    for number in (33, 8, 40, 1, 16):
        session.mark(number)
    assert session.update().removed == tuple(f"generated-{n}" for n in (1, 8, 16, 33, 40))


def test_a_protected_message_is_reported_as_kept(maildrop: Maildrop, session: OpenMaildrop) -> None:
    """RFC 1939 section 6: what could not be removed is told; the rest is gone, the unmarked untouched."""
    third = maildrop.add_one("c", uid="third")
    session.close()
    session = maildrop.open("session 2")
    maildrop.protect("QhdPYR:00WBw1Ph7x7", third.uid)
    session.mark(1)
    session.mark(2)
    assert session.update() == UpdateResult(removed=("whqtswO00WBw418f9t5JxYwZ",), kept=("QhdPYR:00WBw1Ph7x7",))
    assert maildrop.uids == ["QhdPYR:00WBw1Ph7x7", "third"]
    maildrop.remove("third")
    assert maildrop.uids == ["QhdPYR:00WBw1Ph7x7"]


def test_a_marked_message_that_somebody_else_removed_is_not_reported(maildrop: Maildrop, session: OpenMaildrop) -> None:
    """It is gone, as its mark asked for, but not by this session."""
    session.mark(1)
    session.mark(2)
    maildrop.remove("whqtswO00WBw418f9t5JxYwZ")
    assert session.update() == UpdateResult(removed=("QhdPYR:00WBw1Ph7x7",), kept=())


def test_marks_belong_to_the_message_not_to_its_name(maildrop: Maildrop, session: OpenMaildrop) -> None:
    """A message that got another unique-id during the session is the same message."""
    session.mark(1)
    maildrop.replace_uid("whqtswO00WBw418f9t5JxYwZ", "other")
    assert len(session.update().removed) == 1
    assert maildrop.uids == ["QhdPYR:00WBw1Ph7x7"]


class TestSnapshot:
    """RFC 1939 section 4: what a session found at login is what it has."""

    def test_later_mail_is_unseen(self) -> None:
        """The next session sees it."""
        maildrop = Maildrop()
        maildrop.add("a")
        session = maildrop.open("session 1")
        maildrop.add("b")
        maildrop.generate(5, lambda _: "", octets=0)
        assert session.stat() == (1, 3)
        assert session.message(2) is None
        assert list(session.listing()) == [(1, 3)]
        session.close()
        assert maildrop.open("session 2").stat() == (7, 6)

    def test_a_removed_message_can_still_be_read(self) -> None:
        """Its octets are in memory, and its number is its own."""
        maildrop = Maildrop()
        maildrop.add_one("a", uid="x1")
        maildrop.add_one("b", uid="x2")
        session = maildrop.open("session 1")
        maildrop.remove("x1")
        message = session.message(1)
        assert message is not None
        assert message.content == b"a\r\n"
        assert session.stat() == (2, 6)
        assert session.uid(2) == "x2"

    def test_a_unique_id_stays_while_the_session_lasts(self) -> None:
        """RFC 1939 section 7: the next session sees the new one."""
        maildrop = Maildrop()
        maildrop.add_one("a", uid="x1")
        session = maildrop.open("session 1")
        maildrop.replace_uid("x1", "y1")
        assert session.uid(1) == "x1"
        session.close()
        assert maildrop.open("session 2").uid(1) == "y1"


class TestLive:
    """Servers that let a session see the maildrop as it is."""

    def test_later_mail_gets_the_next_numbers(self) -> None:
        """Also generated mail, and also in a maildrop that was empty."""
        maildrop = Maildrop(live=True)
        session = maildrop.open("session 1")
        maildrop.add_one("a", uid="x1")
        assert session.stat() == (1, 3)
        maildrop.generate(2, lambda n: f"{n}", octets=3)
        maildrop.add_one("b", uid="x2")
        assert list(session.unique_ids()) == [(1, "x1"), (2, "generated-1"), (3, "generated-2"), (4, "x2")]
        message = session.message(4)
        assert message is not None
        assert message.content == b"b\r\n"

    def test_a_removed_message_is_no_such_message_and_leaves_a_gap(self) -> None:
        """RFC 1939 section 4 holds as far as it can: numbers never change their message."""
        maildrop = Maildrop(live=True)
        for uid in ("x1", "x2", "x3"):
            maildrop.add_one(uid, uid=uid)
        session = maildrop.open("session 1")
        session.mark(3)
        maildrop.remove("x2")
        maildrop.remove("x3")
        maildrop.add_one("x4", uid="x4")
        assert (session.message(2), session.octets(2), session.uid(2)) == (None, None, None)
        assert not session.mark(2)
        assert list(session.listing()) == [(1, 4), (4, 4)]
        assert session.stat() == (2, 8)
        session.unmark_all()
        assert session.message(3) is None
        assert session.stat() == (2, 8)

    def test_a_new_unique_id_is_seen_at_once(self) -> None:
        """Under the same number."""
        maildrop = Maildrop(live=True)
        maildrop.add_one("a", uid="x1")
        session = maildrop.open("session 1")
        maildrop.replace_uid("x1", "y1")
        assert session.uid(1) == "y1"
        session.mark(1)
        assert session.update().removed == ("y1",)
