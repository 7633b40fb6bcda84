"""Unique-ids: their grammar, where they come from, and that none comes back (RFC 1939 section 7)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop import Maildrop

GRAMMAR = "; a unique-id has 1 to 70 octets, each 0x21 to 0x7E (RFC 1939 section 7)"


def test_the_unique_id_follows_from_the_octets() -> None:
    """RFC 1939 section 7: it persists over sessions; here also over runs and restarts."""
    assert Maildrop().add_one("Subject: one\n\nhello\n").uid == "b3b3dfca182d15c1c114"
    assert Maildrop().add_one(b"Subject: one\r\n\r\nhello\r\n").uid == "b3b3dfca182d15c1c114"


def test_copies_are_told_apart_by_a_number() -> None:
    """RFC 1939 section 7 would let copies share one; the default does not."""
    uids = [message.uid for message in Maildrop().add("a", "b", "a", "a")]
    assert uids[2:] == [f"{uids[0]}-2", f"{uids[0]}-3"]
    assert uids[1] != uids[0]


def test_a_derived_unique_id_is_not_used_again_after_a_removal() -> None:
    """RFC 1939 section 7: a client that knows the old one must not take the new message for it."""
    maildrop = Maildrop()
    first = maildrop.add_one("a")
    maildrop.remove(first.uid)
    assert maildrop.add_one("a").uid == f"{first.uid}-2"


def test_a_derived_unique_id_steps_aside_for_one_that_was_given() -> None:
    """Whoever names a message after its octets keeps the name."""
    uid = Maildrop().add_one("a").uid
    maildrop = Maildrop()
    maildrop.add_one("b", uid=uid)
    assert maildrop.add_one("a").uid == f"{uid}-2"


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=70))
def test_every_unique_id_that_rfc_1939_allows_is_taken(uid: str) -> None:
    """1 to 70 octets, each 0x21 to 0x7E."""
    assert Maildrop().add_one("a", uid=uid).uid == uid


@pytest.mark.parametrize(
    ("uid", "problem"),
    [
        ("", "the unique-id is empty"),
        ("x" * 71, f"unique-id '{'x' * 71}' has 71 octets, more than 70"),
        ("a b", "unique-id 'a b' has ' ' at position 1"),
        ("ab\n", "unique-id 'ab\\n' has '\\n' at position 2"),
        ("\x7f", "unique-id '\\x7f' has '\\x7f' at position 0"),
        ("ü", "unique-id 'ü' has 'ü' at position 0"),
        (7, "unique-id 7 is of type int, not str"),
    ],
)
def test_any_other_unique_id_is_refused(uid: Any, problem: str) -> None:
    """The sentence names what is wrong with it and the rule."""
    with pytest.raises(UsageError) as caught:
        Maildrop().add_one("a", uid=uid)
    assert str(caught.value) == problem + GRAMMAR


def test_a_unique_id_that_is_there_is_refused() -> None:
    """Within a maildrop they are unique."""
    maildrop = Maildrop()
    maildrop.add_one("a", uid="x1")
    with pytest.raises(UsageError, match=r"^unique-id 'x1' is already in the maildrop$"):
        maildrop.add_one("b", uid="x1")
    assert maildrop.uids == ["x1"]


def test_a_unique_id_that_was_there_is_refused() -> None:
    """RFC 1939 section 7: never used again, whether its message was removed or got another."""
    maildrop = Maildrop()
    maildrop.add_one("a", uid="x1")
    maildrop.add_one("a", uid="x2")
    maildrop.remove("x1")
    maildrop.replace_uid("x2", "x3")
    maildrop.remove("x3")
    for uid in ("x1", "x2", "x3"):
        with pytest.raises(UsageError) as caught:
            maildrop.add_one("b", uid=uid)
        assert str(caught.value) == (
            f"unique-id {uid!r} was in this maildrop before, and is never used again (RFC 1939 section 7)"
        )


def test_a_unique_id_of_a_generated_message_is_refused() -> None:
    """Also one that is only ever made when somebody looks."""
    maildrop = Maildrop()
    maildrop.generate(10, lambda _: "", octets=0)
    maildrop.generate(10, lambda _: "", octets=0, uid="mine-{}".format)
    for uid in ("generated-10", "mine-10"):
        with pytest.raises(UsageError) as caught:
            maildrop.add_one("a", uid=uid)
        assert str(caught.value) == f"unique-id {uid!r} is or was that of a generated message of this maildrop"
    maildrop.add_one("a", uid="generated-11")
    maildrop.add_one("a", uid="generated-01")
    assert len(maildrop) == 22


def test_a_new_unique_id_keeps_the_message_and_its_place() -> None:
    """A server that lost its unique-ids has the same mail."""
    maildrop = Maildrop()
    maildrop.add_one("a", uid="x1", octets=99)
    maildrop.add_one("b", uid="x2")
    maildrop.replace_uid("x1", "y1")
    assert maildrop.uids == ["y1", "x2"]
    assert (maildrop["y1"].content, maildrop["y1"].octets) == (b"a\r\n", 99)
    assert "x1" not in maildrop


def test_a_new_unique_id_must_be_legal_and_free_and_the_old_one_known() -> None:
    """Each mistake has its sentence, and changes nothing."""
    maildrop = Maildrop()
    maildrop.add_one("a", uid="x1")
    maildrop.add_one("b", uid="x2")
    for old, new, problem in [
        ("x1", "a b", "unique-id 'a b' has ' ' at position 1" + GRAMMAR),
        ("x1", "x2", "unique-id 'x2' is already in the maildrop"),
        ("x1", "x1", "unique-id 'x1' is already in the maildrop"),
        ("y", "z", "no message with unique-id 'y' in the maildrop; known are: x1, x2"),
    ]:
        with pytest.raises(UsageError) as caught:
            maildrop.replace_uid(old, new)
        assert str(caught.value) == problem
    assert maildrop.uids == ["x1", "x2"]
