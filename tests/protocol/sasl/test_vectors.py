"""Whole exchanges octet for octet, from the specifications; nothing in here is computed by the code under test."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.maildrop import Account
from pop3s_fake.protocol.sasl import digest_md5, scram

if TYPE_CHECKING:
    from tests.protocol.sasl.conftest import House

TIM_CHALLENGE = b"<1896.697170952@postoffice.reston.mci.net>"
BINDING = bytes(range(32))


@pytest.mark.parametrize(
    ("base64", "who"),
    [
        ("dGVzdAB0ZXN0AHRlc3Q=", "test"),
        ("AHRlc3QAdGVzdA==", "test"),
        ("AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "tim"),
        ("VXJzZWwAS3VydAB4aXBqM3BsbXE=", None),
    ],
)
def test_plain(house: House, base64: str, who: str | None) -> None:
    """RFC 5034 section 6, RFC 4616 section 4: Kurt may not act as Ursel."""
    house.accounts.add(Account("Kurt", "xipj3plmq"))
    house.accounts.add(Account("Ursel", "secret"))

    assert house.exchange("PLAIN", b64decode(base64)).who == who


def test_login(house: House) -> None:
    """The questions as they are asked everywhere."""
    outcome = house.exchange("LOGIN", b64decode("dGlt"), b64decode("dGFuc3RhYWZ0YW5zdGFhZg=="))

    assert [b64encode(challenge) for challenge in outcome.challenges] == [b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"]
    assert outcome.who == "tim"


def test_cram_md5(house: House) -> None:
    """RFC 2195 section 2; the time is part of the challenge, so that the whole of it can be given here."""
    house.time = 697170952.0
    outcome = house.exchange(
        "CRAM-MD5",
        b64decode("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"),
        nonce=lambda: "1896",
        host="postoffice.reston.mci.net",
    )

    assert outcome.challenges == [TIM_CHALLENGE]
    assert outcome.who == "tim"


def test_cram_md5_with_a_secret_longer_than_a_block(house: House) -> None:
    """RFC 2104 section 2: a key of more than 64 octets is hashed first."""
    house.time = 697170952.0
    house.accounts.add(Account("long", "k" * 80))
    outcome = house.exchange(
        "CRAM-MD5",
        b"long fe3f57b2d33c75c022af66500f00afe6",
        nonce=lambda: "1896",
        host="postoffice.reston.mci.net",
    )

    assert outcome.who == "long"


def test_digest_md5(house: House) -> None:
    """RFC 5034 section 6."""
    house.accounts.add(Account("chris", "secret"))
    outcome = house.exchange(
        "DIGEST-MD5",
        b64decode(
            "Y2hhcnNldD11dGYtOCx1c2VybmFtZT0iY2hyaXMiLHJlYWxtPSJlbHdvb2QuaW5ub3NvZnQuY29tIixub25jZT0iT0E2TUc5dEVRR20yaG"
            "giLG5jPTAwMDAwMDAxLGNub25jZT0iT0E2TUhYaDZWcVRyUmsiLGRpZ2VzdC11cmk9InBvcC9lbHdvb2QuaW5ub3NvZnQuY29tIixyZXNw"
            "b25zZT1iMGQ1NmQyZjA1NGMyNGI2MjA3MjMyMjEwNjQ2OGRiOSxxb3A9YXV0aA=="
        ),
        b"",
        nonce=lambda: "OA6MG9tEQGm2hh",
        host="elwood.innosoft.com",
    )

    realm = "cmVhbG09ImVsd29vZC5pbm5vc29mdC5jb20iLG5vbmNlPSJPQTZNRzl0RVFHbTJoaCIscW9wPSJhdXRo"
    assert [b64encode(challenge).decode() for challenge in outcome.challenges] == [
        f"{realm}IixhbGdvcml0aG09bWQ1LXNlc3MsY2hhcnNldD11dGYtOA==",
        "cnNwYXV0aD0wYjk3MTQ2MmNlZjVlOGY5MzBkYjlhMzNiMDJmYzlhMA==",
    ]
    assert outcome.who == "chris"


def test_the_arithmetic_of_digest_md5() -> None:
    """RFC 2831 section 4: the same account on IMAP, whose service this server does not take."""
    said = {
        "username": "chris",
        "realm": "elwood.innosoft.com",
        "nonce": "OA6MG9tEQGm2hh",
        "cnonce": "OA6MHXh6VqTrRk",
        "nc": "00000001",
        "digest-uri": "imap/elwood.innosoft.com",
    }
    session = digest_md5._session_key(said, "secret")

    assert digest_md5._digest(session, said, "AUTHENTICATE") == "d388dad90d4bbd760a152321f2143af7"
    assert digest_md5._digest(session, said, "") == "ea40f60335c427b5527b84dbabcdfffd"


SHA_1 = {
    "mechanism": "SCRAM-SHA-1",
    "salt": "QSXCR+Q6sek8bf92",
    "client": "fyko+d2lbbFgONRv9qkxdawL",
    "server": "3rfcNHYJY1ZVvWVs7j",
}
SHA_256 = {
    "mechanism": "SCRAM-SHA-256",
    "salt": "W22ZaJ0SNY7soEsUEjb6gQ==",
    "client": "rOprNGfwEbeRWgbNEkqO",
    "server": "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
}


@pytest.mark.parametrize(
    "vector",
    [
        {
            **SHA_1,
            "header": "n,,",
            "c": "biws",
            "p": "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v": "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        },
        {
            **SHA_256,
            "header": "n,,",
            "c": "biws",
            "p": "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v": "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        },
        {
            **SHA_256,
            "mechanism": "SCRAM-SHA-256-PLUS",
            "header": "p=tls-server-end-point,,",
            "c": "cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "p": "nY1Wus9a+gM2DrbQ1msXFgyhW6KM5ktOxWiU+/P/EGY=",
            "v": "RwppMGddhz/J0lFYaRReBjXcQeNUFP5Qc76Lo5Exrig=",
        },
        {
            **SHA_256,
            "header": "y,,",
            "c": "eSws",
            "p": "FoqiHTtQEDE8lz1CdaEe3tK4mS+iMDTl77SPyDS53DY=",
            "v": "dI4KpiQJwBr1+V+K6U1dA6l6I4I9DUNXWND4pcpRU3U=",
        },
        {
            **SHA_1,
            "mechanism": "SCRAM-SHA-1-PLUS",
            "header": "p=tls-exporter,,",
            "c": "cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
            "p": "i0z2xFi+ITaJvbLXpcWyruGx26U=",
            "v": "YgmPUhdXTCPY9I7+PKzEdnp1cdo=",
        },
    ],
    ids=["5802-5", "7677-3", "end-point", "y", "exporter"],
)
def test_scram(house: House, monkeypatch: pytest.MonkeyPatch, vector: dict[str, str]) -> None:
    """RFC 5802 section 5, RFC 7677 section 3, and the same with other headers, computed elsewhere."""
    house.accounts.add(Account("user", "pencil"))
    monkeypatch.setattr(scram, "salt", lambda *_: b64decode(vector["salt"]))
    nonce = vector["client"] + vector["server"]

    outcome = house.exchange(
        vector["mechanism"],
        f"{vector['header']}n=user,r={vector['client']}".encode(),
        f"c={vector['c']},r={nonce},p={vector['p']}".encode(),
        b"",
        nonce=lambda: vector["server"],
        bindings={"tls-server-end-point": BINDING, "tls-exporter": BINDING},
    )

    assert outcome.challenges == [b"", f"r={nonce},s={vector['salt']},i=4096".encode(), f"v={vector['v']}".encode()]
    assert outcome.who == "user"


def test_scram_with_a_quoted_name_that_may_not_act_as_another(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof over ``n,a=other,n=us=2Cer=3D`` is right, computed elsewhere, so it is the authzid that is refused."""
    house.accounts.add(Account("us,er=", "pencil"))
    monkeypatch.setattr(scram, "salt", lambda *_: b64decode(SHA_256["salt"]))
    proof = "mLbi6jjkhzD7+MP6yXooBZfLeEpV7fVTwH5PX6rkQos="

    outcome = house.exchange(
        "SCRAM-SHA-256",
        f"n,a=other,n=us=2Cer=3D,r={SHA_256['client']}".encode(),
        f"c=bixhPW90aGVyLA==,r={SHA_256['client']}{SHA_256['server']},p={proof}".encode(),
        nonce=lambda: SHA_256["server"],
    )

    assert outcome.why == ("this account may act as nobody but itself", "AUTH")


@pytest.mark.parametrize(
    ("digest", "vector", "stored", "server"),
    [
        (
            "sha1",
            SHA_1,
            "e9d94660c39d65c38fbad91c358f14da0eef2bd6",
            "0fe09258b3ac852ba502cc62ba903eaacdbf7d31",
        ),
        (
            "sha256",
            SHA_256,
            "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6",
            "c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5",
        ),
    ],
)
def test_the_keys_of_scram(digest: str, vector: dict[str, str], stored: str, server: str) -> None:
    """Of the password ``pencil``, as the specifications' examples imply them."""
    keys = scram._keys(digest, "pencil", b64decode(vector["salt"]))

    assert (keys.stored.hex(), keys.server.hex()) == (stored, server)


def test_the_proof_of_scram_sha_512(house: House) -> None:
    """No specification has an example with SHA-512, so the client's side is computed here, by RFC 5802 section 3."""
    house.accounts.add(Account("user", "pencil"))
    said = []

    def final(challenge: bytes) -> bytes:
        nonce, salt, _ = (part[2:] for part in challenge.split(b","))
        salted = hashlib.pbkdf2_hmac("sha512", b"pencil", b64decode(salt), 4096)
        key = hmac.digest(salted, b"Client Key", "sha512")
        said.append(b"n=user,r=abc," + challenge + b",c=biws,r=" + nonce)
        signature = hmac.digest(hashlib.sha512(key).digest(), said[0], "sha512")
        said.append(hmac.digest(hmac.digest(salted, b"Server Key", "sha512"), said[0], "sha512"))
        proof = b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True)))
        return b"c=biws,r=" + nonce + b",p=" + proof

    outcome = house.exchange("SCRAM-SHA-512", b"n,,n=user,r=abc", final, b"")

    assert outcome.challenges[2] == b"v=" + b64encode(said[1])
    assert outcome.who == "user"


@pytest.mark.parametrize("port", [143, 587, 995])
def test_oauthbearer(house: House, port: int) -> None:
    """RFC 7628 section 4.1, with the ports of IMAP and submission as they stand there, and ours."""
    tail = {143: "AXBvcnQ9MTQzAWF1dGg9", 587: "AXBvcnQ9NTg3AWF1dGg9", 995: "AXBvcnQ9OTk1AWF1dGg9"}[port]
    token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
    house.accounts.add(Account("user@example.com", "not-a-secret", token=token))
    outcome = house.exchange(
        "OAUTHBEARER",
        b64decode(
            f"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29t{tail}"
            "QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
        ),
        host="server.example.com",
        ports=frozenset({port}),
    )

    assert outcome.who == "user@example.com"


def test_oauthbearer_refused(house: House) -> None:
    """RFC 7628 section 4.3: no token, the reason in JSON, one octet 1, and only then the refusal."""
    outcome = house.exchange(
        "OAUTHBEARER",
        b64decode("bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE="),
        b64decode("AQ=="),
        host="server.example.com",
    )

    assert outcome.challenges == [b"", b'{"status":"invalid_token","scope":"mail"}']
    assert outcome.why == ("the token is not that of this account, or has expired", "AUTH")


def test_xoauth2(house: House) -> None:
    """Google's page on the mechanism."""
    token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
    house.accounts.add(Account("someuser@example.com", "not-a-secret", token=token))
    message = b64decode(
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2"
        "cBAQ=="
    )

    assert house.exchange("XOAUTH2", message).who == "someuser@example.com"
