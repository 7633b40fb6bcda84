"""Whatever a client says, a mechanism grants, asks or refuses, and what the transcript shows has no secret in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pop3s_fake.maildrop import Account, Accounts
from pop3s_fake.protocol.replies import Err
from pop3s_fake.protocol.sasl import MECHANISMS, Context, Granted, Refused
from pop3s_fake.protocol.sasl.exchange import challenge_shown

SECRETS = ("open-sesame", "shared-secret", "ya29.token")

# Octets at random, and octets that come further: pieces of messages in any order.
PIECES = st.sampled_from(
    [
        *(b"\0", b"\1", b",", b"=", b"=2C", b'"', b"\\", b"\xff", b"\xc2\xad", b"n,,", b"y,,", b"p=tls-unique,,"),
        *(b"n=ann", b"r=abc", b"r=abc7", b"c=biws", b"p=AAAA", b"a=ann", b"m=x", b"host=localhost", b"port=995"),
        *(b"user=ann", b"auth=Bearer ", b"ann ", b"0" * 32, b'username="ann"', b'nonce="7"', b"nc=00000001"),
        *(b'cnonce="x"', b"charset=utf-8", b'digest-uri="pop/localhost"', b"response=" + b"0" * 32),
        *(secret.encode() for secret in SECRETS),
    ]
)
RESPONSES = st.lists(st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=12).map(b"".join)), max_size=4)


NAMES = st.sampled_from(sorted(MECHANISMS))


@settings(max_examples=400, deadline=None)
@given(mechanism=NAMES, responses=RESPONSES)
def test_any_octets_are_answered(mechanism: str, responses: list[bytes]) -> None:
    """A challenge, an account or a refusal in words that a status line can carry; nothing else is ever raised."""
    account = Account("ann", SECRETS[0], secret=SECRETS[1], token=SECRETS[2])
    context = Context(
        Accounts([account]),
        now=lambda: 0.0,
        nonce=lambda: "7",
        secure=True,
        bindings={"tls-unique": b"binding"},
        identities=("ann",),
    )
    exchange = MECHANISMS[mechanism].begin(context)
    said: bytes | Granted | Refused = next(exchange)
    for response in responses:
        try:
            said = exchange.send(response)
        except StopIteration as end:
            said = end.value
        except Refused as refused:
            said = refused
        if not isinstance(said, bytes):
            break
        assert challenge_shown(said).isascii()
    exchange.close()
    if isinstance(said, Refused):
        assert said.text.isascii()
        Err(said.text, code=said.code)
    elif isinstance(said, Granted):
        assert said.account is account


@settings(max_examples=400, deadline=None)
@given(mechanism=NAMES, response=st.binary(), turn=st.integers(0, 3))
def test_any_octets_can_be_shown(mechanism: str, response: bytes, turn: int) -> None:
    """As one printable line."""
    shown = MECHANISMS[mechanism].shown(response, turn)

    assert shown.isascii()
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("mechanism", "turn", "response"),
    [
        ("PLAIN", 0, b"\0ann\0%b"),
        ("PLAIN", 0, b"%b"),
        ("PLAIN", 0, b"\0ann\0x\0%b"),
        ("LOGIN", 1, b"%b"),
        ("CRAM-MD5", 0, b"%b"),
        ("CRAM-MD5", 0, b"ann %b"),
        ("DIGEST-MD5", 0, b'username="ann",response=%b'),
        ("DIGEST-MD5", 0, b"%b"),
        ("DIGEST-MD5", 0, b"password=%b"),
        ("SCRAM-SHA-1", 0, b"%b"),
        ("SCRAM-SHA-256", 1, b"c=biws,r=abc,p=%b"),
        ("SCRAM-SHA-512-PLUS", 1, b"c=biws,%b,p=x"),
        ("XOAUTH2", 0, b"user=ann\1auth=Bearer %b\1\1"),
        ("XOAUTH2", 0, b"%b"),
        ("OAUTHBEARER", 0, b"n,a=ann,\1auth=Bearer %b\1\1"),
        ("OAUTHBEARER", 0, b"%b"),
        ("NTLM", 1, b"NTLMSSP\0\3\0\0\0%b"),
        ("MSN", 1, b"%b"),
    ],
)
@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_shown_where_secrets_stand(mechanism: str, turn: int, response: bytes, secret: str) -> None:
    """Nor where something stands that is no message at all."""
    assert secret not in MECHANISMS[mechanism].shown(response % secret.encode(), turn)
