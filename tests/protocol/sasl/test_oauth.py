"""OAUTHBEARER (RFC 7628) and XOAUTH2: what is wrong with a token is said before it is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.maildrop import Account, Accounts
from pop3s_fake.protocol.sasl import MECHANISMS

if TYPE_CHECKING:
    from tests.protocol.sasl.conftest import House

REFUSED = ("the token is not that of this account, or has expired", "AUTH")
FORM = ("OAUTHBEARER takes a header, host, port and auth=Bearer token (RFC 7628 section 3.1)", None)
INVALID_TOKEN = b'{"status":"invalid_token","scope":"mail"}'
INVALID_REQUEST = b'{"status":"invalid_request","scope":"mail"}'
XOAUTH2_ERROR = b'{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}\n'

GOOD = b"n,a=ann,\1host=localhost\1port=995\1auth=Bearer ya29.good\1\1"


@pytest.fixture
def house(house: House) -> House:
    """Two accounts with tokens, on one clock, and one without."""
    house.accounts = Accounts(
        [
            Account("ann", "not-a-secret", token="ya29.good", token_expires=3600),
            Account("bob", "not-a-secret", token="ya29.bobs"),
            Account("tim", "not-a-secret"),
        ],
        lambda: house.time,
    )
    return house


@pytest.mark.parametrize(
    "message",
    [
        GOOD,
        b"n,a=ann,\1auth=Bearer ya29.good\1\1",
        b"y,,\1auth=Bearer ya29.good\1\1",
        b"n,,\1auth=bearer  ya29.good\1\1",
        b"n,a=ann,\1x=y\1auth=BEARER ya29.good\1future=\1\1",
        b"n,a=ann,\1host=LOCALHOST\1auth=Bearer ya29.good\1\1",
        b"n,a=ann,\1host=127.0.0.1\1auth=Bearer ya29.good\1\1",
    ],
)
def test_a_good_token_comes_in(house: House, message: bytes) -> None:
    """RFC 7628 section 3.1: unknown keys are ignored; without an authzid the token says whose it is."""
    assert house.exchange("OAUTHBEARER", message).who == "ann"


@pytest.mark.parametrize(
    "message",
    [
        b"n,a=ann,\1auth=Bearer ya29.stolen\1\1",
        b"n,a=nobody,\1auth=Bearer ya29.good\1\1",
        b"n,a=bob,\1auth=Bearer ya29.good\1\1",
        b"n,a=tim,\1auth=Bearer x\1\1",
        b"n,a=\xc2\xad,\1auth=Bearer ya29.good\1\1",
        b"n,,\1auth=Bearer ya29.stolen\1\1",
        b"n,a=ann,\1auth=\1\1",
        b"n,a=ann,\1auth=Bearer \1\1",
        b"n,a=ann,\1auth=Basic ya29.good\1\1",
    ],
)
def test_a_wrong_token_and_an_unknown_name_look_alike(house: House, message: bytes) -> None:
    """RFC 7628 section 3.2.3: first why, then the client's word, then the refusal."""
    outcome = house.exchange("OAUTHBEARER", message, b"\1")

    assert outcome.challenges == [b"", INVALID_TOKEN]
    assert outcome.why == REFUSED


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\1",
        b"n,a=ann,",
        b"n,a=ann,\1\1",
        b"n,a=ann,auth=Bearer ya29.good\1\1",
        b"n,a=ann,\1auth=Bearer ya29.good\1",
        b"n,a=ann,\1auth=Bearer ya29.good",
        b"n,a=ann,\1host=localhost\1port=995\1\1",
        b"n,a=ann,\1auth=Bearer ya29.good\1auth=Bearer ya29.good\1\1",
        b"n,a=ann,\1ya29.good\1auth=Bearer ya29.good\1\1",
        b"n,a=ann,\1host=elsewhere.example\1auth=Bearer ya29.good\1\1",
        b"n,a=ann,\1port=1\1auth=Bearer ya29.good\1\1",
        b"n,a=ann,\1port=x\1auth=Bearer ya29.good\1\1",
        b"p=tls-unique,a=ann,\1auth=Bearer ya29.good\1\1",
        b"x,,\1auth=Bearer ya29.good\1\1",
        b"n,a=a=20n,\1auth=Bearer ya29.good\1\1",
        b"n,a=\xff,\1auth=Bearer ya29.good\1\1",
    ],
)
def test_a_message_that_is_none_is_told_so_in_json_too(house: House, message: bytes) -> None:
    """RFC 7628 sections 3.1 and 3.2: form, auth, host and port."""
    outcome = house.exchange("OAUTHBEARER", message, b"\1", ports=frozenset({995}))

    assert outcome.challenges == [b"", INVALID_REQUEST]
    assert outcome.why == FORM


def test_any_port_is_ours_where_the_server_does_not_know(house: House) -> None:
    """Behind a forwarded port, say."""
    assert house.exchange("OAUTHBEARER", b"n,a=ann,\1port=1\1auth=Bearer ya29.good\1\1").who == "ann"


@pytest.mark.parametrize("answer", [b"", b"\1\1", b"n,a=ann,\1auth=Bearer ya29.good\1\1"])
def test_the_error_is_acknowledged_by_one_octet(house: House, answer: bytes) -> None:
    """RFC 7628 section 3.2.3: whatever else comes is a refusal, too, never a login."""
    outcome = house.exchange("OAUTHBEARER", b"n,,\1auth=Bearer x\1\1", answer)

    assert outcome.why == ("the error is acknowledged by one octet 1, AQ== (RFC 7628 section 3.2.3)", None)


def test_a_token_expires_on_the_servers_clock(house: House) -> None:
    """To the second, and to the octet as it was before."""
    xoauth2 = b"user=ann\1auth=Bearer ya29.good\1\1"
    house.time = 3599.0
    assert house.exchange("OAUTHBEARER", GOOD).who == "ann"
    assert house.exchange("XOAUTH2", xoauth2).who == "ann"

    house.time = 3600.0
    assert house.exchange("OAUTHBEARER", GOOD, b"\1").why == REFUSED
    assert house.exchange("XOAUTH2", xoauth2, b"").why == REFUSED
    assert house.exchange("OAUTHBEARER", b"n,a=bob,\1auth=Bearer ya29.bobs\1\1").who == "bob"


@pytest.mark.parametrize(
    "message",
    [
        b"user=ann\1auth=Bearer ya29.stolen\1\1",
        b"user=nobody\1auth=Bearer ya29.good\1\1",
        b"user=bob\1auth=Bearer ya29.good\1\1",
        b"user=\1auth=Bearer ya29.good\1\1",
        b"user=ann\1auth=Bearer \1\1",
        b"user=ann\1auth=Bearer ya29.good\1",
        b"user=ann\1auth=ya29.good\1\1",
        b"auth=Bearer ya29.good\1user=ann\1\1",
        b"user=\xff\1auth=Bearer ya29.good\1\1",
        b"",
    ],
)
def test_xoauth2_says_why_before_it_refuses(house: House, message: bytes) -> None:
    """Google's page: status, schemes and scope in JSON, then an empty line, then the refusal."""
    outcome = house.exchange("XOAUTH2", message, b"")

    assert outcome.challenges == [b"", XOAUTH2_ERROR]
    assert json.loads(XOAUTH2_ERROR)["status"] == "401"
    assert outcome.why == REFUSED


def test_the_error_of_xoauth2_is_acknowledged_by_an_empty_line(house: House) -> None:
    """Google's page on the mechanism."""
    outcome = house.exchange("XOAUTH2", b"user=ann\1auth=Bearer x\1\1", b"\1")

    assert outcome.why == ("the error is acknowledged by an empty line", None)


@pytest.mark.parametrize(
    ("mechanism", "response", "text"),
    [
        ("XOAUTH2", b"user=ann\1auth=Bearer ya29.good\1\1", r"user=ann\x01auth=****\x01\x01"),
        ("XOAUTH2", b"ya29.good", "****"),
        ("XOAUTH2", b"", ""),
        ("OAUTHBEARER", GOOD, r"n,a=ann,\x01host=localhost\x01port=995\x01auth=****\x01\x01"),
        ("OAUTHBEARER", b"n,a=ann,\1token=ya29.good\1\1", r"n,a=ann,\x01****\x01\x01"),
        ("OAUTHBEARER", b"\1", r"\x01"),
    ],
)
def test_the_transcript_shows_no_token(mechanism: str, response: bytes, text: str) -> None:
    """Users, hosts and ports are no secrets; what has an unknown key may be one."""
    assert MECHANISMS[mechanism].shown(response, 0) == text
