"""DIGEST-MD5 (RFC 2831): what the challenge offers and what is wrong with a response."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.maildrop import Account
from pop3s_fake.protocol.sasl import MECHANISMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.sasl.conftest import House

WRONG = ("name or password is wrong", "AUTH")


def md5(text: str) -> str:
    """In hex."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def answered(known: str = "test", *, form: str = "{}", **other: str | None) -> Callable[[bytes], bytes]:
    """A client's response, computed by RFC 2831 section 2.1.2; keywords replace directives, None leaves one out.

    What is replaced is digested as it is replaced, so that nothing but it is wrong.
    """

    def response(challenge: bytes) -> bytes:
        nonce = challenge.decode().split('nonce="')[1].split('"')[0]
        given: dict[str, str | None] = {"username": '"test"', "realm": '"localhost"', "nonce": f'"{nonce}"'}
        given |= {
            "cnonce": '"OA6MHXh6VqTrRk"',
            "nc": "00000001",
            "qop": "auth",
            "digest-uri": '"pop/localhost"',
            "charset": "utf-8",
        }
        for name, value in other.items():
            given[name.replace("_", "-")] = value
        said = {name: (value or "").strip('"').replace("\\", "") for name, value in given.items()}
        inside = f"{said['username']}:{said['realm']}:{known}"
        a1 = hashlib.md5(inside.encode("latin-1"), usedforsecurity=False).digest()
        a1 += f":{said['nonce']}:{said['cnonce']}".encode()
        a1 += f":{said['authzid']}".encode() if "authzid" in said else b""
        inner = md5(f"AUTHENTICATE:{said['digest-uri']}")
        outer = hashlib.md5(a1, usedforsecurity=False).hexdigest()
        digest = md5(f"{outer}:{said['nonce']}:{said['nc']}:{said['cnonce']}:auth:{inner}")
        given = {"response": digest, **given}
        return form.format(",".join(f"{name}={value}" for name, value in given.items() if value is not None)).encode()

    return response


def test_the_challenge_offers_authentication_alone(house: House) -> None:
    """RFC 2831 section 2.1.1: one fresh nonce, one algorithm, neither opaque nor domain; RFC 5034 section 4."""
    context = house.context()
    first, second = (next(MECHANISMS["DIGEST-MD5"].begin(context)) for _ in range(2))

    assert first == b'realm="localhost",nonce="nonce1",qop="auth",algorithm=md5-sess,charset=utf-8'
    assert first != second


@pytest.mark.parametrize(
    "answer",
    [
        answered(),
        answered(form=" , {} "[3:]),
        answered(realm=None),
        answered(charset=None),
        answered(qop=None),
        answered(qop='"auth"', maxbuf="65536", future='"what \\"ever\\""'),
        answered(authzid='"test"'),
        answered(username='"te\\st"'),
        answered(digest_uri='"pop/127.0.0.1"'),
        answered(digest_uri='"POP/Localhost"'),
    ],
)
def test_the_right_digest_comes_in(house: House, answer: Callable[[bytes], bytes]) -> None:
    """Directives that may be missing, that are not known, and quoted ones (RFC 2831 sections 2.1.2 and 7.1)."""
    outcome = house.exchange("DIGEST-MD5", answer, b"")

    assert outcome.challenges[1].startswith(b"rspauth=")
    assert outcome.who == "test"


@pytest.mark.parametrize(
    "answer",
    [answered("guess"), answered(username='"nobody"'), answered(realm='"elsewhere"'), answered(response="0" * 32)],
)
def test_wrong_credentials_look_alike(house: House, answer: Callable[[bytes], bytes]) -> None:
    """RFC 4422 section 3.5."""
    assert house.exchange("DIGEST-MD5", answer).why == WRONG


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (answered(username=None), "the response lacks username"),
        (answered(nonce=None, cnonce=None), "the response lacks nonce, cnonce"),
        (answered(nc=None), "the response lacks nc"),
        (answered(digest_uri=None), "the response lacks digest-uri"),
        (answered(response=None), "the response lacks response"),
        (answered(form="{},nc=00000001"), "a directive stands twice"),
        (answered(form='{},USERNAME="test"'), "a directive stands twice"),
        (answered(nc="00000002"), "nc is 00000001 in the first use of a nonce, which is the only one here"),
        (answered(qop="auth-int"), "qop is auth: no other was offered"),
        (answered(charset="latin-1"), "charset is utf-8, if it is given"),
        (answered(response="0" * 31), "response is 32 lower-case hex digits"),
        (answered(response="A" * 32), "response is 32 lower-case hex digits"),
        (answered(digest_uri='"imap/localhost"'), "digest-uri is pop/localhost"),
        (answered(digest_uri='"pop/elsewhere"'), "digest-uri is pop/localhost"),
        (answered(form="{},\x01"), "DIGEST-MD5 takes directives, name=value, parted by commas"),
        (answered(form='{},x="'), "DIGEST-MD5 takes directives, name=value, parted by commas"),
        (answered(form="{}," + "x" * 4000), "a response of DIGEST-MD5 has less than 4096 octets"),
    ],
)
def test_what_is_wrong_with_a_response_is_told(house: House, answer: Callable[[bytes], bytes], text: str) -> None:
    """RFC 2831 section 2.1.2; a client that answers so breaks the specification."""
    outcome = house.exchange("DIGEST-MD5", answer)

    assert outcome.why == (text, None)


def test_a_response_is_utf_8_if_it_says_so(house: House) -> None:
    """RFC 2831 section 2.1.2."""
    assert house.exchange("DIGEST-MD5", b'charset=utf-8,username="\xff"').why == (
        "the response is not UTF-8, as its charset says",
        None,
    )


def test_an_old_nonce_is_refused(house: House) -> None:
    """A response to another challenge proves nothing."""
    assert house.exchange("DIGEST-MD5", answered(nonce='"nonce0"')).why == (
        "the nonce is not the one that was sent",
        "AUTH",
    )


def test_an_account_acts_as_nobody_else(house: House) -> None:
    """The digest is over the authzid, too, so it is right."""
    assert house.exchange("DIGEST-MD5", answered(authzid='"tim"')).why == (
        "this account may act as nobody but itself",
        "AUTH",
    )


def test_the_servers_proof_is_answered_by_an_empty_line(house: House) -> None:
    """RFC 5034 section 4."""
    assert house.exchange("DIGEST-MD5", answered(), b"x").why == (
        "the server's proof is answered by an empty line",
        None,
    )


def test_the_password_is_not_the_shared_secret(house: House) -> None:
    """An account's ``secret`` is for APOP and CRAM-MD5."""
    house.accounts.add(Account("ann", "password", secret="shared"))

    assert house.exchange("DIGEST-MD5", answered("password", username='"ann"'), b"").who == "ann"
    assert house.exchange("DIGEST-MD5", answered("shared", username='"ann"')).why == WRONG


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (b'username="chris",nonce="OA6",response=b0d56d2f054c24b6', 'username="chris",nonce="OA6",response=****'),
        (b'username="chris", password="open sesame" , qop=auth', 'username="chris",password=****,qop=auth'),
        (b'username="chris",open sesame', 'username="chris",****'),
        (b"open sesame", "****"),
        (b"", ""),
    ],
)
def test_the_transcript_shows_no_digest(response: bytes, text: str) -> None:
    """Nor what is no directive."""
    assert MECHANISMS["DIGEST-MD5"].shown(response, 0) == text
