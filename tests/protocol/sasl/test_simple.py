"""LOGIN, CRAM-MD5, EXTERNAL and ANONYMOUS: the mechanisms of one or two short messages."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.maildrop import Account
from pop3s_fake.protocol.sasl import MECHANISMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.sasl.conftest import House

WRONG = ("name or password is wrong", "AUTH")


# LOGIN


@pytest.mark.parametrize(("name", "password"), [(b"test", b"guess"), (b"nobody", b"test"), (b"nobody", b"guess")])
def test_login_asks_for_the_password_of_anybody(house: House, name: bytes, password: bytes) -> None:
    """An unknown name is answered as a known one is (RFC 4422 section 3.5)."""
    outcome = house.exchange("LOGIN", name, password)

    assert outcome.challenges == [b"Username:", b"Password:"]
    assert outcome.why == WRONG


@pytest.mark.parametrize(
    ("name", "password", "text"),
    [
        (b"", b"test", "LOGIN takes a name and then a password, and neither is empty"),
        (b"test", b"", "LOGIN takes a name and then a password, and neither is empty"),
        (b"test", b"te\xffst", "the password is not UTF-8"),
        (b"test", b"test\0", "the password has a NUL in it"),
        (b"test", b"\xc2\xad", "the password is empty after SASLprep"),
    ],
)
def test_login_takes_a_name_and_a_password(house: House, name: bytes, password: bytes, text: str) -> None:
    """Neither may be empty, and both are text."""
    assert house.exchange("LOGIN", name, password).why == (text, None)


def test_login_takes_a_name_that_is_no_text_for_what_it_is(house: House) -> None:
    """Before it asks for the password."""
    assert house.exchange("LOGIN", b"te\xffst").why == ("the name is not UTF-8", None)


# CRAM-MD5


def cram(name: str, secret: bytes) -> Callable[[bytes], bytes]:
    """A client's answer, computed by RFC 2195 section 2."""
    return lambda challenge: f"{name} {hmac.new(secret, challenge, 'md5').hexdigest()}".encode()


def test_the_challenge_of_cram_md5_is_a_fresh_message_id(house: House) -> None:
    """RFC 2195 section 2; a timestamp of RFC 1939 section 7 has the same form."""
    context = house.context()
    first, second = (next(MECHANISMS["CRAM-MD5"].begin(context)) for _ in range(2))

    assert first != second
    assert re.fullmatch(rb"<[^<>@\x00-\x20\x7f-\xff]+@[^<>@\x00-\x20\x7f-\xff]+>", first)


@pytest.mark.parametrize(("name", "secret"), [("tim", b"guess"), ("nobody", b"guess"), ("nobody", b"")])
def test_cram_md5_refuses_wrong_digests_and_names_alike(house: House, name: str, secret: bytes) -> None:
    """RFC 4422 section 3.5; the digest of an empty secret is none either."""
    assert house.exchange("CRAM-MD5", cram(name, secret)).why == WRONG


def test_cram_md5_digests_the_shared_secret(house: House) -> None:
    """As APOP does: an account may have one that is not its password."""
    house.accounts.add(Account("mrose", "password", secret="tanstaaf"))

    assert house.exchange("CRAM-MD5", cram("mrose", b"tanstaaf")).who == "mrose"
    assert house.exchange("CRAM-MD5", cram("mrose", b"password")).why == WRONG


def test_the_last_space_of_cram_md5_parts_name_and_digest(house: House) -> None:
    """RFC 2195 section 2: a name may have spaces, so this one is whole, and unknown."""
    assert house.exchange("CRAM-MD5", cram("tim of mci", b"tanstaaftanstaaf")).why == WRONG


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"tim",
        b"tim ",
        b" b913a602c7eda7a495b4e6e7334d3890",
        b"tim B913A602C7EDA7A495B4E6E7334D3890",
        b"tim b913a602c7eda7a495b4e6e7334d389",
        b"tim b913a602c7eda7a495b4e6e7334d38900",
        b"tim b913a602c7eda7a495b4e6e7334d389g",
        b"tim\0b913a602c7eda7a495b4e6e7334d3890",
    ],
)
def test_cram_md5_takes_a_name_and_lower_case_hex(house: House, response: bytes) -> None:
    """RFC 2195 section 2: a client that answers otherwise breaks the specification."""
    outcome = house.exchange("CRAM-MD5", response)

    assert outcome.why == ("CRAM-MD5 takes a name, a space and 32 lower-case hex digits (RFC 2195 section 2)", None)


# EXTERNAL

CERTIFIED = ("test", "tim@example.com")


def test_external_comes_in_as_whom_the_certificate_names(house: House) -> None:
    """RFC 4422 appendix A: an empty response leaves the choice to the server, which takes the first it knows."""
    assert house.exchange("EXTERNAL", b"", identities=CERTIFIED).who == "test"
    assert house.exchange("EXTERNAL", b"", identities=("Tim of MCI", "tim")).who == "tim"
    assert house.exchange("EXTERNAL", b"test", identities=CERTIFIED).who == "test"


@pytest.mark.parametrize("asked", [b"tim", b"nobody", b"tim@example.com", b"Test"])
def test_external_comes_in_as_nobody_else(house: House, asked: bytes) -> None:
    """Neither as an account that the certificate does not name, nor as a name without an account; they look alike."""
    why = ("the client certificate is not that of such an account", "AUTH")

    assert house.exchange("EXTERNAL", asked, identities=CERTIFIED).why == why
    assert house.exchange("EXTERNAL", b"", identities=("somebody",)).why == why


def test_external_needs_a_certificate(house: House) -> None:
    """RFC 4422 appendix A: without one there is nobody who could be meant."""
    why = ("EXTERNAL needs a client certificate, and there is none", "AUTH")

    assert house.exchange("EXTERNAL", b"").why == why
    assert house.exchange("EXTERNAL", b"test").why == why
    assert house.exchange("EXTERNAL", b"te\xffst", identities=CERTIFIED).why == (
        "the authorization identity is not UTF-8",
        None,
    )


# ANONYMOUS


@pytest.mark.parametrize("trace", [b"", b"sirhc", b"somebody@example.com", "ann café".encode(), b"x" * 255])
def test_anonymous_is_an_account_that_must_be_there(house: House, trace: bytes) -> None:
    """RFC 4505 section 2: with a trace or without."""
    assert house.exchange("ANONYMOUS", trace).why == (
        "nobody may come in without a name: there is no account 'anonymous'",
        "AUTH",
    )
    house.accounts.add(Account("anonymous", "nothing"))
    assert house.exchange("ANONYMOUS", trace).who == "anonymous"


@pytest.mark.parametrize("trace", [b"x" * 256, b"a\nb", b"\x7f"])
def test_the_trace_of_anonymous_is_short_and_printable(house: House, trace: bytes) -> None:
    """RFC 4505 section 2: at most 255 characters, and no controls."""
    house.accounts.add(Account("anonymous", "nothing"))

    assert house.exchange("ANONYMOUS", trace).why == (
        "the trace of ANONYMOUS has at most 255 characters and no controls (RFC 4505 section 2)",
        None,
    )


@pytest.mark.parametrize(
    ("mechanism", "response", "turn", "text"),
    [
        ("LOGIN", b"ann", 0, "ann"),
        ("LOGIN", b"open sesame", 1, "****"),
        ("CRAM-MD5", b"tim of mci b913a602c7eda7a495b4e6e7334d3890", 0, "tim of mci ****"),
        ("CRAM-MD5", b"b913a602c7eda7a495b4e6e7334d3890", 0, "****"),
        ("EXTERNAL", b"", 0, ""),
        ("EXTERNAL", b"ann", 0, "ann"),
        ("ANONYMOUS", b"sirhc", 0, "sirhc"),
    ],
)
def test_the_transcript_shows_no_secret(mechanism: str, response: bytes, turn: int, text: str) -> None:
    """Names are seen, passwords and digests are not."""
    assert MECHANISMS[mechanism].shown(response, turn) == text
