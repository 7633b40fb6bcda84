"""NTLM and MSN: the messages of [MS-NLMP], made by hand from its section 3.3.2."""

from __future__ import annotations

import hmac
import struct
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.protocol.sasl.ntlm import key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.sasl.conftest import House

FIRST = b"NTLMSSP\0" + struct.pack("<II", 1, 0x202) + bytes(16)
WRONG = ("name or password is wrong", "AUTH")
PLACES = ("NTLM", "MSN")


def third(user: str, password: str, *, domain: str = "", blob: bytes = b"\1\1" + bytes(26)) -> Callable[[bytes], bytes]:
    """A third message that answers the challenge of a second one."""

    def made(second: bytes) -> bytes:
        assert second[:12] == b"NTLMSSP\0" + struct.pack("<I", 2)
        proof = hmac.digest(key_of(user, domain, password), second[24:32] + blob, "md5")
        fields = [bytes(24), proof + blob, domain.encode("utf-16-le"), user.encode("utf-16-le"), b"", b""]
        told, place = b"", 12 + 8 * len(fields) + 4
        for field in fields:
            told += struct.pack("<HHI", len(field), len(field), place)
            place += len(field)
        return b"NTLMSSP\0" + struct.pack("<I", 3) + told + struct.pack("<I", 1) + b"".join(fields)

    return made


@pytest.mark.parametrize("mechanism", PLACES)
@pytest.mark.parametrize("domain", ["", "EXAMPLE"])
def test_the_second_version_lets_in(house: House, mechanism: str, domain: str) -> None:
    """Whatever the domain, which the client says; the second message names the server."""
    outcome = house.exchange(mechanism, FIRST, third("tim", "tanstaaftanstaaf", domain=domain))
    assert outcome.who == "tim"
    assert outcome.challenges[0] == b""
    assert "LOCALHOST".encode("utf-16-le") in outcome.challenges[1]


@pytest.mark.parametrize(("user", "password"), [("tim", "guess"), ("nobody", "guess"), ("nobody", ""), ("", "")])
def test_wrong_passwords_and_names_are_refused_alike(house: House, user: str, password: str) -> None:
    """RFC 4422 section 3.5."""
    assert house.exchange("NTLM", FIRST, third(user, password)).why == WRONG


def test_each_challenge_is_another_one(house: House) -> None:
    """What was heard once is good for nothing."""
    context = house.context()
    first, second = (house.exchange("NTLM", FIRST, lambda _: b"", nonce=context.nonce) for _ in range(2))
    assert first.challenges[1][24:32] != second.challenges[1][24:32]


@pytest.mark.parametrize(
    ("responses", "why"),
    [
        ((b"",), "NTLM begins with its first message"),
        ((b"\0ann\0not-a-secret",), "NTLM begins with its first message"),
        ((FIRST, FIRST), "NTLM ends with its third message"),
        ((FIRST, b"NTLMSSP\0\3\0\0\0"), "a message of NTLM has its fields where it says"),
        ((FIRST, b"NTLMSSP\0\3\0\0\0" + b"\xff" * 52), "a message of NTLM has its fields where it says"),
        (
            (FIRST, third("tim", "x", blob=b"12345678")),
            "NTLM is spoken in its second version here",
        ),
        (
            (FIRST, lambda second: third("", "")(second)[:36] + b"\1\0\1\0\0\0\0\0" + bytes(60)),
            "the names of NTLM are in UTF-16",
        ),
    ],
)
def test_what_is_no_message_is_refused_in_words(house: House, responses: tuple[bytes, ...], why: str) -> None:
    """And the first version, whose response has 24 octets, is one of these."""
    assert house.exchange("NTLM", *responses).why == (why, None)
