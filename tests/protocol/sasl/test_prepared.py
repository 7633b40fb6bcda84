"""Names and passwords that are not ASCII: each mechanism knows them in any form (RFC 4013, 4616, 5802, 2831)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.maildrop import Account
from tests.protocol.sasl.test_digest_md5 import answered
from tests.protocol.sasl.test_scram import proved

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.sasl.conftest import House

NAME, PASSWORD = "jos\u00e9", "p\u00e4ssw\u00f6rd IX"
"""In the form in which they are stored."""

TYPED_NAME, TYPED_PASSWORD = "jose\u0301", "pa\u0308sswo\u0308rd\u00a0\u2168"
"""In another, for which SASLprep is there."""

FIRST = f"n,,n={NAME},r=abc".encode()
OTHER_FIRST = f"n,,n={TYPED_NAME},r=abc".encode()


def hashed(challenge: bytes) -> bytes:
    """CRAM-MD5's response."""
    return f"{TYPED_NAME} {hmac.digest(PASSWORD.encode(), challenge, 'md5').hex()}".encode()


@pytest.mark.parametrize("stored", [(NAME, PASSWORD), (TYPED_NAME, TYPED_PASSWORD)], ids=["prepared", "typed"])
@pytest.mark.parametrize(
    ("mechanism", "responses"),
    [
        ("PLAIN", [f"\0{TYPED_NAME}\0{TYPED_PASSWORD}".encode()]),
        ("PLAIN", [f"{TYPED_NAME}\0{NAME}\0{PASSWORD}".encode()]),
        ("LOGIN", [TYPED_NAME.encode(), TYPED_PASSWORD.encode()]),
        ("CRAM-MD5", [hashed]),
        ("SCRAM-SHA-256", [FIRST, proved(PASSWORD, first=FIRST), b""]),
        ("SCRAM-SHA-256", [OTHER_FIRST, proved(PASSWORD, first=OTHER_FIRST), b""]),
        ("DIGEST-MD5", [answered(PASSWORD, username=f'"{NAME}"'), b""]),
    ],
    ids=["plain", "plain-authzid", "login", "cram", "scram", "scram-typed", "digest"],
)
def test_whatever_form_was_stored_and_whatever_is_said_comes_in(
    house: House, stored: tuple[str, str], mechanism: str, responses: list[bytes | Callable[[bytes], bytes]]
) -> None:
    """RFC 4013: both come to the same octets."""
    house.accounts.add(Account(*stored))
    assert house.exchange(mechanism, *responses).who == NAME


def test_a_digest_of_the_unprepared_password_is_wrong(house: House) -> None:
    """RFC 5802 section 2.2: a client prepares it before it hashes."""
    house.accounts.add(Account(TYPED_NAME, TYPED_PASSWORD))
    outcome = house.exchange("SCRAM-SHA-256", FIRST, proved(TYPED_PASSWORD, first=FIRST))
    assert outcome.why == ("name or password is wrong", "AUTH")


def test_apop_digests_the_prepared_secret() -> None:
    """RFC 6856 section 2.2."""
    account = Account(TYPED_NAME, TYPED_PASSWORD)
    digest = hashlib.md5(f"<1@localhost>{PASSWORD}".encode(), usedforsecurity=False).hexdigest()
    assert account.check_digest("<1@localhost>", digest)
