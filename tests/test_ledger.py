"""The ledger by itself: what follows from sendings, marks and deletions, and the stories it tells, word for word."""

from __future__ import annotations

from typing import get_args

import pytest

from pop3s_fake import UsageError
from pop3s_fake.ledger import ENDS, Ledger, Sending
from pop3s_fake.transcript import Ended


def whole(session: int, uid: str) -> Sending:
    """A message of 100 octets that went out whole."""
    return Sending(session, uid, announced=100, sent=120, whole=True)


def cut(session: int, uid: str) -> Sending:
    """One of which a part went out."""
    return Sending(session, uid, announced=100, sent=40, whole=False)


def damaged(session: int, uid: str) -> Sending:
    """One that a rule changed."""
    return Sending(session, uid, announced=100, sent=120, whole=False, damaged=True)


def test_an_empty_ledger_has_nothing_to_tell() -> None:
    """Nothing was delivered, deleted, lost or repeated."""
    ledger = Ledger()
    assert (ledger.delivered, ledger.deleted, ledger.lost, ledger.twice, ledger.sendings) == ([], [], [], [], ())
    assert ledger.story("a") == []
    assert repr(ledger) == "<Ledger: 0 sendings, 0 deletions>"
    ledger.assert_nothing_lost()
    ledger.assert_nothing_twice()


def test_what_was_sent_whole_is_delivered_once_however_often() -> None:
    """In the order of the first time."""
    ledger = Ledger()
    for sending in (whole(1, "b"), cut(1, "c"), whole(2, "a"), whole(2, "b"), damaged(2, "d")):
        ledger.sent(sending)
    assert ledger.delivered == ["b", "a"]
    assert ledger.twice == ["b"]
    assert len(ledger.sendings) == 5
    assert repr(ledger) == "<Ledger: 5 sendings, 0 deletions>"


def test_what_was_deleted_without_having_been_sent_whole_is_lost() -> None:
    """Neither a part nor a damaged message saves it; one whole sending does, whichever it was."""
    ledger = Ledger()
    for sending in (cut(1, "part"), damaged(1, "damaged"), cut(1, "saved"), whole(2, "saved"), cut(3, "saved")):
        ledger.sent(sending)
    ledger.removed(3, ["part", "damaged", "saved", "never"])
    assert ledger.deleted == ["part", "damaged", "saved", "never"]
    assert ledger.lost == ["part", "damaged", "never"]


def test_what_was_lost_is_told_session_by_session() -> None:
    """Word for word: every sending, every mark without UPDATE, the deletion."""
    ledger = Ledger()
    ledger.sent(cut(1, "a"))
    ledger.marked(1, ["a", "b"])
    ledger.ended(1, "reset")
    ledger.sent(damaged(2, "a"))
    ledger.marked(2, ["a"])
    ledger.ended(2, "autologout")
    ledger.removed(3, ["a", "b"])
    ledger.ended(3, "quit")
    with pytest.raises(AssertionError) as caught:
        ledger.assert_nothing_lost()
    assert str(caught.value).splitlines() == [
        "2 messages were deleted without ever having been sent whole",
        "  message a",
        "    session 1: RETR sent 40 octets and not the rest (the message has 100)",
        "    session 1: it was marked, and the session ended without UPDATE (reset)",
        "    session 2: RETR sent it damaged (120 octets)",
        "    session 2: it was marked, and the session ended without UPDATE (autologout)",
        "    session 3: UPDATE deleted it",
        "  message b",
        "    session 1: it was marked, and the session ended without UPDATE (reset)",
        "    session 3: UPDATE deleted it",
    ]


def test_what_was_sent_twice_is_told_session_by_session() -> None:
    """Word for word; what was sent whole once is not mentioned."""
    ledger = Ledger()
    for sending in (whole(1, "a"), whole(1, "b"), cut(2, "a"), whole(2, "a")):
        ledger.sent(sending)
    ledger.ended(1, "eof")
    with pytest.raises(AssertionError) as caught:
        ledger.assert_nothing_twice()
    assert str(caught.value).splitlines() == [
        "1 message was sent whole more than once",
        "  message a",
        "    session 1: RETR sent it whole",
        "    session 2: RETR sent 40 octets and not the rest (the message has 100)",
        "    session 2: RETR sent it whole",
    ]
    ledger.sent(whole(3, "b"))
    with pytest.raises(AssertionError, match=r"^2 messages were sent whole more than once\n"):
        ledger.assert_nothing_twice()


def test_one_message_that_was_lost_is_one() -> None:
    """The sentence is a sentence."""
    ledger = Ledger()
    ledger.removed(1, ["a"])
    with pytest.raises(AssertionError) as caught:
        ledger.assert_nothing_lost()
    assert str(caught.value).splitlines()[0] == "1 message was deleted without ever having been sent whole"


@pytest.mark.parametrize("end", ENDS)
def test_an_end_may_excuse_that_a_message_is_sent_again(end: str) -> None:
    """The end of the session in which it was sent before, not of the one in which it is sent again."""
    ledger = Ledger()
    ledger.sent(whole(1, "a"))
    ledger.ended(1, end)
    ledger.sent(whole(2, "a"))
    ledger.ended(2, "quit")
    ledger.assert_nothing_twice(except_after=[end])
    others = [other for other in ENDS if other != end]
    with pytest.raises(AssertionError):
        ledger.assert_nothing_twice(except_after=others)
    ledger.sent(whole(3, "a"))
    ledger.ended(3, end)
    if end != "quit":
        with pytest.raises(AssertionError):
            ledger.assert_nothing_twice(except_after=[end])


def test_a_session_that_is_open_excuses_nothing() -> None:
    """It has not ended in any way."""
    ledger = Ledger()
    ledger.sent(whole(1, "a"))
    ledger.sent(whole(1, "a"))
    with pytest.raises(AssertionError):
        ledger.assert_nothing_twice(except_after=ENDS)
    ledger.marked(1, ["a"])
    assert ledger.story("a")[-1] == "session 1: it was marked, and the session ended without UPDATE (open)"


def test_the_ends_are_those_of_the_transcript() -> None:
    """One list of words in two rooms that do not know each other."""
    assert get_args(Ended) == ENDS


def test_what_is_no_end_excuses_nothing_and_says_so() -> None:
    """A typing error must not pass for an excuse, nor a text for a list."""
    with pytest.raises(UsageError) as caught:
        Ledger().assert_nothing_twice(except_after=["rest"])
    assert str(caught.value) == "unknown end 'rest' in except_after=; did you mean 'reset'?"
    with pytest.raises(UsageError) as caught:
        Ledger().assert_nothing_twice(except_after="reset")
    assert str(caught.value) == "except_after= is a list, not the text 'reset'"


def test_messages_of_two_users_may_have_the_same_unique_id() -> None:
    """RFC 1939 section 7 wants it unique within one maildrop: what ann has is not what bob loses."""
    ledger = Ledger()
    ledger.opened(1, "ann")
    ledger.opened(2, "bob")
    ledger.sent(whole(1, "a"))
    ledger.sent(cut(2, "a"))
    ledger.removed(2, ["a"])
    assert ledger.delivered == ["a"]
    assert ledger.lost == ["a"]
    with pytest.raises(AssertionError) as caught:
        ledger.assert_nothing_lost()
    assert str(caught.value).splitlines() == [
        "1 message was deleted without ever having been sent whole",
        "  message a of bob",
        "    session 2: RETR sent 40 octets and not the rest (the message has 100)",
        "    session 2: UPDATE deleted it",
    ]
    assert [line[:9] for line in ledger.story("a")] == ["session 1", "session 2", "session 2"]
    ledger.sent(whole(2, "a"))
    assert ledger.twice == []
    ledger.opened(3, "ann")
    ledger.sent(whole(3, "a"))
    assert ledger.twice == ["a"]


def test_whatever_is_asked_is_asked_of_a_server_at_rest() -> None:
    """Reading waits; showing does not."""
    waits = []
    ledger = Ledger(settle=lambda: waits.append(1))
    repr(ledger)
    assert not waits
    for count, ask in enumerate(
        (
            lambda: ledger.sendings,
            lambda: ledger.delivered,
            lambda: ledger.deleted,
            lambda: ledger.lost,
            lambda: ledger.twice,
            lambda: ledger.story("a"),
            ledger.assert_nothing_lost,
            ledger.assert_nothing_twice,
        ),
        1,
    ):
        ask()
        assert len(waits) == count


def test_a_ledger_that_was_cleared_knows_nothing_any_more() -> None:
    """Not even who was logged in, or how it ended."""
    ledger = Ledger()
    ledger.opened(1, "ann")
    ledger.opened(2, "bob")
    ledger.sent(whole(1, "a"))
    ledger.marked(1, ["a"])
    ledger.ended(1, "eof")
    ledger.removed(2, ["a"])
    ledger.clear()
    assert (ledger.delivered, ledger.deleted, ledger.story("a")) == ([], [], [])
    ledger.sent(whole(1, "a"))
    ledger.sent(whole(1, "a"))
    with pytest.raises(AssertionError) as caught:
        ledger.assert_nothing_twice(except_after=["eof"])
    assert str(caught.value).splitlines()[1] == "  message a"
