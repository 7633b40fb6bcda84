"""PLAIN (RFC 4616)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake.maildrop import Account
from pop3s_fake.protocol.sasl import MECHANISMS

if TYPE_CHECKING:
    from tests.protocol.sasl.conftest import House

MALFORMED = ("PLAIN takes [authzid] NUL authcid NUL passwd (RFC 4616 section 2)", None)
WRONG = ("name or password is wrong", "AUTH")


@pytest.mark.parametrize("message", [b"\0test\0test", b"test\0test\0test", b"\0tim\0tanstaaftanstaaf"])
def test_the_right_password_comes_in(house: House, message: bytes) -> None:
    """RFC 4616 sections 2 and 4, RFC 5034 section 6; the first challenge is empty."""
    outcome = house.exchange("PLAIN", message)

    assert outcome.challenges == [b""]
    assert outcome.who == message.split(b"\0")[1].decode()


@pytest.mark.parametrize("message", [b"\0test\0guess", b"\0nobody\0test", b"\0Test\0test", b"\0test\0test "])
def test_wrong_name_and_wrong_password_look_alike(house: House, message: bytes) -> None:
    """RFC 4422 section 3.5."""
    assert house.exchange("PLAIN", message).why == WRONG


@pytest.mark.parametrize(
    "message",
    [b"", b"test", b"test\0test", b"\0\0test", b"\0test\0", b"\0test\0test\0", b"\0\0", b"\0test\0test\0test"],
)
def test_two_nuls_and_both_fields_are_needed(house: House, message: bytes) -> None:
    """RFC 4616 section 2: the grammar of the message."""
    outcome = house.exchange("PLAIN", message)

    assert outcome.why == MALFORMED


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b"\0te\xffst\0x", "the name is not UTF-8"),
        (b"\0test\0\xc3(", "the password is not UTF-8"),
        (b"\xff\0test\0test", "the authorization identity is not UTF-8"),
    ],
)
def test_what_is_not_utf_8_is_refused(house: House, message: bytes, text: str) -> None:
    """RFC 4616 section 2: all three are UTF-8."""
    assert house.exchange("PLAIN", message).why == (text, None)


def test_fields_of_255_octets_are_taken_and_longer_ones_are_not(house: House) -> None:
    """RFC 4616 section 2: a server takes each field up to 255 octets."""
    name, password = "n" * 255, "p" * 255
    house.accounts.add(Account(name, password))

    assert house.exchange("PLAIN", b"\0".join([b"n" * 255, b"n" * 255, b"p" * 255])).who == name
    assert house.exchange("PLAIN", b"\0n\0" + b"p" * 256).why == ("the password has more than 255 octets", None)


def test_an_account_acts_as_nobody_else(house: House) -> None:
    """RFC 4616 sections 2 and 4: the password of one, the name of another; Kurt is not Ursel."""
    house.accounts.add(Account("Kurt", "xipj3plmq"))
    house.accounts.add(Account("Ursel", "secret"))

    assert house.exchange("PLAIN", b"Ursel\0Kurt\0xipj3plmq").why == (
        "this account may act as nobody but itself",
        "AUTH",
    )
    assert house.exchange("PLAIN", b"Kurt\0Kurt\0xipj3plmq").who == "Kurt"
    assert house.exchange("PLAIN", b"Ursel\0Kurt\0guess").why == WRONG


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b"\0test\0\xc2\xad", "the password is empty after SASLprep"),
        (b"\0\xc2\xad\0test", "the name is empty after SASLprep"),
        (b"\xc2\xad\0test\0test", "the authorization identity is empty after SASLprep"),
        (b"\x07\0test\0test", "the authorization identity has a control character, U+0007"),
    ],
)
def test_what_cannot_be_prepared_is_refused(house: House, message: bytes, text: str) -> None:
    """RFC 4616 section 2, RFC 5034 section 4: failed or empty preparation is failure, unless it was sent empty."""
    assert house.exchange("PLAIN", message).why == (text, None)


def test_names_and_passwords_are_prepared(house: House) -> None:
    """RFC 4013 section 3: a soft hyphen is mapped to nothing."""
    assert house.exchange("PLAIN", b"te\xc2\xadst\0test\0te\xc2\xadst").who == "test"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b"\0ann\0open sesame", r"\0ann\0****"),
        (b"ursel\0kurt\0open\0sesame", r"ursel\0kurt\0****"),
        (b"open sesame", "****"),
        (b"ann\0open sesame", "****"),
        (b"", ""),
        (b"\0a\xff\x01'\0x", r"\0a\xff\x01'\0****"),
    ],
)
def test_the_transcript_shows_names_and_no_password(message: bytes, text: str) -> None:
    """A message that is none shows nothing at all: who knows what is in it."""
    assert MECHANISMS["PLAIN"].shown(message, 0) == text
