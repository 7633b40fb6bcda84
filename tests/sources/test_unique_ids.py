from __future__ import annotations

import pytest

from pop3s_fake.maildrop import Maildrop
from pop3s_fake.maildrop.unique_ids import check_uid
from pop3s_fake.sources.unique_ids import apart, digest, of_name


@pytest.mark.parametrize("name", ["1700000000.M1P2.host", "!", "x" * 70])
def test_a_name_that_can_be_a_unique_id_is_one(name: str) -> None:
    """RFC 1939 section 7: 1 to 70 octets from 0x21 to 0x7E."""
    assert of_name(name) == name


@pytest.mark.parametrize("name", ["", "a b", "x" * 71, "b\xfccher", "a\udcff", "a\n"])
def test_any_other_name_is_digested(name: str) -> None:
    """Also one that is no text; the same name always to the same."""
    assert check_uid(of_name(name)) == of_name(name) != name
    assert len(of_name(name)) == 32


def test_a_digest_is_none_that_a_maildrop_gives() -> None:
    """So a message can be added to a maildrop that has the same octets from a file."""
    (message,) = Maildrop().add(b"a\r\n")
    assert digest([b"a\r\n"]) != message.uid


def test_copies_get_numbers() -> None:
    """Also beside names that look like such a number, and none that is too long."""
    assert apart(["x", "x-2", "x", "x"]) == ["x", "x-2", "x-3", "x-4"]
    assert apart(["x", "y"], ["x", "x-2"]) == ["x-3", "y"]
    assert len(set(apart(["x" * 70] * 3))) == 3
    assert all(check_uid(uid) for uid in apart(["x" * 70] * 3))
