"""The mechanisms, seen from the wire: RFC 4616, 2195, 2831, 5802, 7677, 7628, 4422, 4505 and what has no number."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pop3s_fake import Account
from tests.conformance.checks.auth import good, refused
from tests.conformance.mechanisms import (
    NONCE,
    Scram,
    b64,
    bearer,
    cram,
    digest_md5,
    directives,
    mechanisms,
    need,
    offering,
    plain,
    scram,
    un64,
    version,
    xoauth2,
)
from tests.conformance.rows import row
from tests.conformance.talk import TIMESTAMP

if TYPE_CHECKING:
    from tests.conformance.talk import Client, Server, Talk

SHA256 = "SCRAM-SHA-256"
TOKEN = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"


def with_plus(server: Server) -> Client:
    """A client of TLS 1.2, where bindings are beyond doubt, and where SCRAM-SHA-256-PLUS is offered."""
    client = server.connect("tls", version(server, "TLSv1_2"))
    need(client, f"{SHA256}-PLUS")
    return client


@row("4616-2.1")
def plain_has_three_fields(talk: Talk) -> None:
    """Two NULs, a name, a password, UTF-8."""
    server = talk.server()
    client = server.connect()
    user, password = server.user.encode(), server.password.encode()
    wrong = (
        *(user + b"\0" + password, b"\0" + user + b"\0" + password + b"\0", b"\0\0" + password, b"\0" + user + b"\0"),
        *(b"\0" + user + b"\xff\0" + password, b"\0" + user + b"\0" + password + b"\xff", user),
    )
    for message in wrong:
        assert refused(client, f"PLAIN {b64(message)}"), message
    assert client.auth(f"PLAIN {good(server)}").ok


@row("4616-2.2")
def each_field_may_have_255_octets(talk: Talk) -> None:
    """In a line of its own."""
    server = talk.server(accounts=[Account(255 * "u", 255 * "p")])
    assert server.connect().auth("PLAIN", plain(255 * "u", 255 * "p", 255 * "u")).ok


@row("4616-2.3")
def acting_for_others_needs_a_right(talk: Talk) -> None:
    """For oneself it does not."""
    server = talk.server(accounts=[Account("ursel", "not-a-secret")])
    client = server.connect()
    assert refused(client, f"PLAIN {plain(server.user, server.password, 'ursel')}")
    assert client.auth(f"PLAIN {plain(server.user, server.password, server.user)}").ok
    assert server.connect().auth(f"PLAIN {plain('ursel', server.password)}").err


@row("4616-2.4")
def what_preparation_empties_is_refused(talk: Talk) -> None:
    """As is what it prohibits."""
    server = talk.server()
    client = server.connect()
    assert refused(client, f"PLAIN {plain(server.user, chr(0xAD))}")
    assert refused(client, f"PLAIN {plain(chr(0xAD), server.password)}")
    assert client.auth(f"PLAIN {plain(server.user, chr(0xAD) + server.password)}").ok


@row("LOGIN-2.2")
def login_asks_for_name_and_password(talk: Talk) -> None:
    """In the words that clients wait for."""
    server = offering(talk, "LOGIN")
    client = server.connect()
    assert un64(client.ask("AUTH LOGIN")) in {b"Username:", b"User Name", b"User Name\0"}
    assert un64(client.ask(b64(server.user))) in {b"Password:", b"Password", b"Password\0"}
    assert client.ask(b64(server.password)).ok
    assert client.stat() == server.stat
    assert refused(server.connect(), "LOGIN", b64(server.user), b64("bad"))


@row("2195-2.1")
def cram_md5_challenges_with_a_fresh_message_id(talk: Talk) -> None:
    """Two exchanges, two challenges."""
    client = offering(talk, "CRAM-MD5").connect()
    challenges = []
    for _ in range(2):
        challenges.append(un64(client.ask("AUTH CRAM-MD5")))
        assert client.ask("*").err
    assert len(set(challenges)) == 2
    assert all(TIMESTAMP.fullmatch(challenge) for challenge in challenges)


@row("2195-2.2")
def cram_md5_takes_a_name_and_a_digest(talk: Talk) -> None:
    """Thirty-two digits in lower case."""
    server = offering(talk, "CRAM-MD5")
    client = server.connect()
    for change in (str.upper, lambda digest: digest[:-1], lambda digest: digest + "0", lambda digest: digest[::-1]):
        assert cram(client, server.user, server.password, change).err
        assert client.in_step()
    assert cram(client, server.user, server.password).ok
    assert client.stat() == server.stat


@row("2831-2.1")
def digest_md5_challenges_with_a_nonce(talk: Talk) -> None:
    """One fresh nonce, md5-sess, in less than 2048 octets."""
    client = offering(talk, "DIGEST-MD5").connect()
    challenges = []
    for _ in range(2):
        challenges.append(un64(client.ask("AUTH DIGEST-MD5")))
        assert client.ask("*").err
    for challenge in challenges:
        names = [name for name, _ in directives(challenge)]
        assert len(challenge) < 2048
        assert names.count("nonce") == 1
        assert challenge.count(b"algorithm=md5-sess") == 1
        assert not {"opaque", "domain"} & set(names)
    assert dict(directives(challenges[0]))["nonce"] != dict(directives(challenges[1]))["nonce"]


@row("2831-2.2")
def the_right_digest_is_answered_by_the_servers_own(talk: Talk) -> None:
    """A wrong one is refused."""
    server = offering(talk, "DIGEST-MD5")
    client = server.connect()
    assert digest_md5(client, server.user, server.password, spoil=True)[0].err
    assert digest_md5(client, server.user, server.password, extra=",nc=00000002")[0].err
    reply, proof = digest_md5(client, server.user, server.password)
    assert un64(reply) == f"rspauth={proof}".encode()
    assert client.ask("").ok
    assert client.stat() == server.stat


@row("2831-2.3")
def the_digest_is_for_pop_here(talk: Talk) -> None:
    """Not for another service or host."""
    server = offering(talk, "DIGEST-MD5")
    client = server.connect()
    assert digest_md5(client, server.user, server.password, uri="imap/localhost")[0].err
    assert digest_md5(client, server.user, server.password, uri="pop/wrong.example")[0].err
    assert client.in_step()


@row("5802-5.1")
def a_scram_message_begins_with_n_y_or_p(talk: Talk) -> None:
    """Nothing else is a header."""
    server = offering(talk, SHA256)
    for header in ("x,,", "", "n,", "n;,", "N,,"):
        assert Scram(server.connect(), SHA256, server.user, server.password, header).first().err, header
    assert scram(server.connect(), SHA256, server.user, server.password).ok


@row("5802-5.2")
def an_equals_sign_in_a_name_is_quoted(talk: Talk) -> None:
    """The name goes into the proof as it was received."""
    server = offering(talk, SHA256, accounts=[Account("us,er=", "pencil")])
    for name in ("a=20b", "a=", "a=2cb"):
        assert Scram(server.connect(), SHA256, name, "pencil").first().err, name
    assert scram(server.connect(), SHA256, "us=2Cer=3D", "pencil").ok


@row("5802-5.3")
def the_nonce_is_of_both(talk: Talk) -> None:
    """The server adds something fresh, and wants it back."""
    server = offering(talk, SHA256)
    parts = []
    for _ in range(2):
        exchange = Scram(server.connect(), SHA256, server.user, server.password)
        exchange.first()
        assert exchange.values["r"].startswith(NONCE)
        parts.append(exchange.values["r"][len(NONCE) :])
        assert exchange.final(nonce=exchange.values["r"] + "x").err
    assert parts[0] != parts[1]
    assert all(re.fullmatch(r"[\x21-\x2b\x2d-\x7e]+", part) for part in parts)


@row("5802-5.4")
def there_are_4096_iterations(talk: Talk) -> None:
    """Or more."""
    for name in ("SCRAM-SHA-1", SHA256):
        server = offering(talk, name)
        exchange = Scram(server.connect(), name, server.user, server.password)
        exchange.first()
        assert int(exchange.values["i"]) >= 4096


@row("5802-5.5")
def the_channel_binding_is_compared(talk: Talk) -> None:
    """The header that the client began with."""
    server = offering(talk, SHA256)
    exchange = Scram(server.connect(), SHA256, server.user, server.password)
    exchange.first()
    assert exchange.final(cbind="eSws").err
    assert scram(server.connect(), SHA256, server.user, server.password).ok


@row("5802-5.6")
def a_client_that_thinks_we_cannot_bind_is_refused_where_we_can(talk: Talk) -> None:
    """Else somebody has taken our list away on its way."""
    server = talk.server()
    bound = with_plus(server)
    exchange = Scram(bound, SHA256, server.user, server.password, "y,,")
    assert exchange.first().err or exchange.final().err
    assert bound.in_step()
    bare = talk.server(capabilities=[f"+SASL {SHA256}"])
    assert scram(bare.connect(), SHA256, bare.user, bare.password, "y,,").ok


@row("5802-5.7")
def an_unknown_type_of_binding_is_refused(talk: Talk) -> None:
    """A known one is used."""
    server = talk.server()
    client = with_plus(server)
    assert Scram(client, f"{SHA256}-PLUS", server.user, server.password, "p=tls-bogus,,").first().err
    assert client.in_step()


@row("5802-5.9")
def mandatory_extensions_are_refused_and_others_ignored(talk: Talk) -> None:
    """Which they are the first letter says."""
    server = offering(talk, SHA256)
    client = server.connect()
    exchange = Scram(client, SHA256, server.user, server.password)
    assert exchange.first(f"m=x,n={server.user},r={NONCE}").err
    other = Scram(client, SHA256, server.user, server.password)
    assert other.first(f"n={server.user},r={NONCE},z=1").line.startswith(b"+ ")
    assert other.final().line.startswith(b"+ ")
    assert client.ask("").ok


@row("5802-5.10")
def success_proves_the_server_and_failure_does_not(talk: Talk) -> None:
    """With the signature that the password makes."""
    server = offering(talk, SHA256, "SCRAM-SHA-1", "SCRAM-SHA-512")
    for name in ("SCRAM-SHA-1", SHA256, "SCRAM-SHA-512"):
        exchange = Scram(server.connect(), name, server.user, server.password)
        exchange.first()
        reply = exchange.final(spoil=True)
        assert reply.err or un64(reply).startswith(b"e=")
        right = Scram(server.connect(), name, server.user, server.password)
        right.first()
        assert un64(right.final()) == f"v={right.signature}".encode()
        assert right.client.ask("").ok
        right.client.quit()


@row("5802-5.11")
def acting_for_others_by_scram_needs_a_right(talk: Talk) -> None:
    """For oneself it does not."""
    server = offering(talk, SHA256, accounts=[Account("other", "not-a-secret")])
    reply = scram(server.connect(), SHA256, server.user, server.password, "n,a=other,")
    assert reply.err
    assert scram(server.connect(), SHA256, server.user, server.password, f"n,a={server.user},").ok


@row("7628-3.1")
def oauthbearer_has_keys_and_values(talk: Talk) -> None:
    """Unknown ones are ignored, auth is needed."""
    server = offering(talk, "OAUTHBEARER", account={"token": TOKEN})
    assert server.connect().auth("OAUTHBEARER", bearer(server.user, TOKEN, x="y", host="localhost")).ok
    client = server.connect()
    for message in (f"n,a={server.user},\x01host=localhost\x01\x01", f"n,a={server.user},\x01\x01", "auth=x", ""):
        reply = client.auth("OAUTHBEARER", b64(message))
        assert reply.err or json.loads(un64(reply))["status"]
        assert reply.err or client.ask("AQ==").err


@row("7628-3.2")
def host_and_port_are_ours(talk: Talk) -> None:
    """Where they are given."""
    server = offering(talk, "OAUTHBEARER", account={"token": TOKEN})
    client = server.connect()
    assert client.auth("OAUTHBEARER", bearer(server.user, TOKEN, host="wrong.example"), "AQ==").err
    assert client.auth("OAUTHBEARER", bearer(server.user, TOKEN, port=1), "AQ==").err
    assert client.auth("OAUTHBEARER", bearer(server.user, TOKEN, host="localhost", port=995)).ok
    named = offering(talk, "OAUTHBEARER", account={"token": TOKEN}, names=["pop.example.test"])
    assert named.connect().auth("OAUTHBEARER", bearer(named.user, TOKEN, host="pop.example.test")).ok


@row("7628-3.3")
def a_failure_is_a_challenge_then_the_refusal(talk: Talk) -> None:
    """Never at once."""
    server = offering(talk, "OAUTHBEARER", account={"token": TOKEN})
    client = server.connect()
    for last in ("AQ==", "*"):
        reply = client.auth("OAUTHBEARER", bearer(server.user, "wrong"))
        assert json.loads(un64(reply))["status"] == "invalid_token"
        assert client.ask(last).err
    assert client.in_step()


@row("XOAUTH2-1")
def xoauth2_takes_a_user_and_a_token(talk: Talk) -> None:
    """It fails by a challenge in JSON, too."""
    server = offering(talk, "XOAUTH2", account={"token": TOKEN})
    client = server.connect()
    reply = client.auth("XOAUTH2", xoauth2(server.user, "wrong"))
    assert json.loads(un64(reply))["status"] == "401"
    assert client.ask("").err
    assert client.in_step()
    assert client.auth("XOAUTH2", xoauth2(server.user, TOKEN)).ok
    assert client.stat() == server.stat


@row("4505-2")
def anonymous_is_off_unless_asked_for(talk: Talk) -> None:
    """And then comes in as the account of that name."""
    server = talk.server()
    assert "ANONYMOUS" not in mechanisms(server.connect())
    assert server.connect().refuses(f"AUTH ANONYMOUS {b64('sirhc')}")
    guest = talk.server(capabilities=["+SASL ANONYMOUS"], accounts=[Account("anonymous", "not-a-secret")])
    client = guest.connect()
    assert client.auth(f"ANONYMOUS {b64('sirhc')}").ok
    assert client.stat() == (0, 0)
