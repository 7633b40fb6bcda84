"""SCRAM (RFC 5802, 7677): what is wrong with a message, and what nobody learns."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.maildrop import Account
from pop3s_fake.protocol.sasl import MECHANISMS, scram

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.sasl.conftest import House

FIRST = b"n,,n=test,r=abc"
WRONG = ("name or password is wrong", "AUTH")
FORM = ("SCRAM begins with n=name,r=nonce behind its header (RFC 5802 section 7)", None)
HEADER = ("the message begins with n, y or p=type, then a comma, [a=authzid] and a comma", None)
UNBOUND = "the first message of SCRAM-SHA-256 names no channel binding: it begins with n or y"
FINAL = ("SCRAM ends with c=binding,r=nonce,p=proof (RFC 5802 section 7)", None)
BINDINGS = {"tls-server-end-point": b"of the certificate", "tls-unique": b"of the handshake"}


def proved(
    known: str = "test", *, first: bytes = FIRST, bound: bytes = b"", form: str = "c={c},r={r},p={p}", c: str = ""
) -> Callable[[bytes], bytes]:
    """A client's last message with SHA-256, computed by RFC 5802 section 3; all of it is proved, whatever it says."""

    def final(challenge: bytes) -> bytes:
        nonce, salt, iterations = (part[2:].decode() for part in challenge.split(b",", 2))
        flag, authzid, bare = first.split(b",", 2)
        header = flag + b"," + authzid + b","
        message = form.format(c=c or b64encode(header + bound).decode(), r=nonce, p="{p}")
        said = bare + b"," + challenge + b"," + message.rpartition(",p=")[0].encode()
        salted = hashlib.pbkdf2_hmac("sha256", known.encode(), b64decode(salt), int(iterations))
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), said, "sha256")
        return message.format(p=b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))).decode()).encode()

    return final


def test_the_servers_first_message_has_a_longer_nonce_a_salt_and_enough_rounds(house: House) -> None:
    """RFC 5802 section 5.1, RFC 7677 section 3: at least 4096."""
    challenge = house.exchange("SCRAM-SHA-256", FIRST).challenges[1].decode()
    nonce, salt, iterations = challenge.split(",")

    assert nonce == "r=abcnonce1"
    assert len(b64decode(salt.removeprefix("s="))) == 16
    assert int(iterations.removeprefix("i=")) >= 4096


@pytest.mark.parametrize(
    ("first", "final"),
    [
        (FIRST, proved()),
        (b"n,a=test,n=test,r=abc", proved(first=b"n,a=test,n=test,r=abc")),
        (b"y,,n=test,r=abc", proved(first=b"y,,n=test,r=abc")),
        (b"n,,n=test,r=abc,z=1,y=", proved(first=b"n,,n=test,r=abc,z=1,y=")),
        (FIRST, proved(form="c={c},r={r},z=1,p={p}")),
        (b"n,,n=te\xc2\xadst,r=abc", proved(first=b"n,,n=te\xc2\xadst,r=abc")),
    ],
    ids=["plain", "authzid", "y", "extensions", "final-extension", "prepared"],
)
def test_the_right_proof_comes_in(house: House, first: bytes, final: Callable[[bytes], bytes]) -> None:
    """Extensions that nobody knows are ignored (RFC 5802 section 5.1), and the name goes into the hash as it came."""
    outcome = house.exchange("SCRAM-SHA-256", first, final, b"")

    assert outcome.challenges[2].startswith(b"v=")
    assert outcome.who == "test"


def test_a_name_with_a_comma_is_quoted(house: House) -> None:
    """RFC 5802 section 5.1."""
    house.accounts.add(Account("us,er=", "pencil"))
    first = b"n,,n=us=2Cer=3D,r=abc"

    assert house.exchange("SCRAM-SHA-256", first, proved("pencil", first=first), b"").who == "us,er="


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (b"x,,n=test,r=abc", HEADER),
        (b"", HEADER),
        (b"n=test,r=abc", HEADER),
        (b"n,n=test,r=abc", HEADER),
        (b"n,test,n=test,r=abc", HEADER),
        (b"p=,,n=test,r=abc", HEADER),
        (b"n,,r=abc,n=test", FORM),
        (b"n,,n=,r=abc", FORM),
        (b"n,,n=test,r=", FORM),
        (b"n,,n=test,r=a\x7fbc", FORM),
        (b"n,,n=test,r=abc,", FORM),
        (b"n,,n=test,r=abc,z", FORM),
        (b"n,,m=x,n=test,r=abc", ("m= asks for an extension that is not known here", None)),
        (b"n,,n=a=20b,r=abc", ("the name has an equals sign that is neither =2C nor =3D", None)),
        (b"n,,n=a=2cb,r=abc", ("the name has an equals sign that is neither =2C nor =3D", None)),
        (b"n,a==,n=a,r=abc", ("the authorization identity has an equals sign that is neither =2C nor =3D", None)),
        (b"n,,n=\xff,r=abc", ("the message is not UTF-8", None)),
        (b"n,,n=\x00,r=abc", ("the message has a NUL in it", None)),
        (b"n,,n=\xc2\xad,r=abc", ("the name is empty after SASLprep", None)),
        (b"n,,n=" + b"x" * 256 + b",r=abc", ("the name has more than 255 octets", None)),
        (
            b"p=tls-unique,,n=test,r=abc",
            ("the first message of SCRAM-SHA-256 names no channel binding: it begins with n or y", None),
        ),
    ],
)
def test_what_is_wrong_with_the_first_message_is_told(house: House, first: bytes, why: tuple[str, str | None]) -> None:
    """RFC 5802 sections 5.1 and 7."""
    assert house.exchange("SCRAM-SHA-256", first, bindings=BINDINGS).why == why


@pytest.mark.parametrize(
    ("final", "why"),
    [
        (proved(form="c={c},r={r}x,p={p}"), ("the nonce is not the one that was sent", "AUTH")),
        (proved(form="c={c},r=abc,p={p}"), ("the nonce is not the one that was sent", "AUTH")),
        (proved(c="eSws"), ("c= is not the header of the first message and the channel binding", "AUTH")),
        (proved(c="biws!"), ("c= is not the header of the first message and the channel binding", "AUTH")),
        (proved(form="r={r},c={c},p={p}"), FINAL),
        (proved(form="c={c},r={r}"), FINAL),
        (b"", FINAL),
        (b"c=biws,r=\xff,p=x", ("the message is not UTF-8", None)),
    ],
    ids=["nonce", "own-nonce", "y", "no-base64", "order", "no-proof", "empty", "no-utf-8"],
)
def test_what_is_wrong_with_the_last_message_is_told(
    house: House, final: bytes | Callable[[bytes], bytes], why: tuple[str, str | None]
) -> None:
    """RFC 5802 sections 5.1 and 6; never with a ``v=``."""
    outcome = house.exchange("SCRAM-SHA-256", FIRST, final)

    assert outcome.why == why
    assert not any(challenge.startswith(b"v=") for challenge in outcome.challenges)


@pytest.mark.parametrize(
    ("first", "final"),
    [
        (FIRST, proved("guess")),
        (b"n,,n=nobody,r=abc", proved(first=b"n,,n=nobody,r=abc")),
        (FIRST, b"c=biws,r=abcnonce1,p=AAAA"),
        (FIRST, b"c=biws,r=abcnonce1,p=!!!!"),
        (FIRST, b"c=biws,r=abcnonce1,p=" + b64encode(bytes(32))),
    ],
    ids=["password", "name", "short", "no-base64", "zeros"],
)
def test_a_wrong_password_and_an_unknown_name_look_alike(
    house: House, first: bytes, final: bytes | Callable[[bytes], bytes]
) -> None:
    """RFC 4422 section 3.5, RFC 5802 section 5: challenges of the same form, the same refusal, no ``v=``."""
    outcome = house.exchange("SCRAM-SHA-256", first, final)

    assert len(outcome.challenges) == 2
    assert outcome.why == WRONG


def test_the_salt_of_an_unknown_name_does_not_change(house: House) -> None:
    """One that changed would say that there is no such account; another seed gives other salts."""

    def salt(name: str, seed: int) -> str:
        challenge = house.exchange("SCRAM-SHA-256", f"n,,n={name},r=abc".encode(), seed=seed).challenges[1].decode()
        return challenge.split(",")[1]

    assert salt("nobody", 1) == salt("nobody", 1) != salt("test", 1)
    assert salt("test", 1) == salt("test", 1) != salt("test", 2)


def test_keys_are_derived_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once an account and hash, not once a login: it takes thousands of rounds."""
    derived: list[str] = []
    derive = hashlib.pbkdf2_hmac

    def watched(digest: str, *rest: Any) -> bytes:
        derived.append(digest)
        return derive(digest, *rest)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", watched)
    scram._keys.cache_clear()
    plus = b"p=tls-unique,,n=test,r=abc"

    for _ in range(3):
        house.exchange("SCRAM-SHA-256", FIRST, b"c=biws,r=abcnonce1,p=AAAA")
        house.exchange("SCRAM-SHA-256", b"n,,n=nobody,r=abc", b"c=biws,r=abcnonce1,p=AAAA")
        c = b64encode(b"p=tls-unique,,of the handshake")
        house.exchange("SCRAM-SHA-256-PLUS", plus, b"c=" + c + b",r=abcnonce1,p=AAAA", bindings=BINDINGS)
        house.exchange("SCRAM-SHA-512", FIRST, b"c=biws,r=abcnonce1,p=AAAA")

    assert derived == ["sha256", "sha512"]


# channel bindings


def test_a_bound_exchange_is_bound_to_its_channel(house: House) -> None:
    """RFC 5802 section 6: the type that the client names, and no other's octets."""
    for kind, octets in BINDINGS.items():
        first = f"p={kind},,n=test,r=abc".encode()
        final = proved(first=first, bound=octets)
        assert house.exchange("SCRAM-SHA-256-PLUS", first, final, b"", bindings=BINDINGS).who == "test"
        other = proved(first=first, bound=b"of somebody in between")
        assert house.exchange("SCRAM-SHA-256-PLUS", first, other, bindings=BINDINGS).why == (
            "c= is not the header of the first message and the channel binding",
            "AUTH",
        )


def test_a_binding_that_is_not_there_is_refused(house: House) -> None:
    """RFC 5802 section 6."""
    first = b"p=tls-bogus,,n=test,r=abc"

    assert house.exchange("SCRAM-SHA-256-PLUS", first, bindings=BINDINGS).why == (
        "there is no such channel binding here; there is: tls-server-end-point, tls-unique",
        None,
    )
    assert house.exchange("SCRAM-SHA-256-PLUS", first).why == (
        "there is no such channel binding here; there is: none",
        None,
    )


@pytest.mark.parametrize("flag", [b"n", b"y"])
def test_a_bound_exchange_names_its_binding(house: House, flag: bytes) -> None:
    """RFC 5802 section 6: with a -PLUS mechanism the flag is ``p``."""
    outcome = house.exchange("SCRAM-SHA-256-PLUS", flag + b",,n=test,r=abc", bindings=BINDINGS)

    assert outcome.why == ("the first message of SCRAM-SHA-256-PLUS names a channel binding, p=type", None)


def test_who_thinks_that_there_is_no_binding_where_there_is_was_lied_to(house: House) -> None:
    """RFC 5802 section 6: somebody in between took the -PLUS mechanism out of the list."""
    first = b"y,,n=test,r=abc"

    assert house.exchange("SCRAM-SHA-256", first, offered=frozenset({"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"})).why == (
        "y says that the server knows no channel binding, but it announced SCRAM-SHA-256-PLUS",
        "AUTH",
    )
    offered = frozenset({"SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"})
    assert house.exchange("SCRAM-SHA-256", first, proved(first=first), b"", offered=offered).who == "test"


def test_the_servers_proof_is_answered_by_an_empty_line(house: House) -> None:
    """RFC 5034 section 4."""
    assert house.exchange("SCRAM-SHA-256", FIRST, proved(), b"x").why == (
        "the server's proof is answered by an empty line",
        None,
    )


@pytest.mark.parametrize(
    ("response", "turn", "text"),
    [
        (b"n,,n=us=2Cer=3D,r=abc", 0, "n,,n=us=2Cer=3D,r=abc"),
        (b"p=tls-exporter,a=ann,n=ann,r=abc", 0, "p=tls-exporter,a=ann,n=ann,r=abc"),
        (b"c=biws,r=abcdef,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgs=", 1, "c=biws,r=abcdef,p=****"),
        (b"c=biws,r=abcdef,open sesame", 1, "c=biws,r=abcdef,****"),
        (b"p=sesame", 1, "p=****"),
        (b"p=tls-sesame", 1, "p=****"),
        (b"open sesame", 0, "****"),
        (b"", 2, ""),
        (b"n,,n=\xff\n,r=abc", 0, r"n,,n=\xff\n,r=abc"),
    ],
)
def test_the_transcript_shows_no_proof(response: bytes, turn: int, text: str) -> None:
    """Names, nonces and the type of a channel binding are no secrets."""
    assert MECHANISMS["SCRAM-SHA-256"].shown(response, turn) == text
