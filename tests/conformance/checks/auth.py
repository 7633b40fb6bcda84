"""AUTH as POP3 frames it: RFC 5034, RFC 4422."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.conformance.checks.authorization import credentials
from tests.conformance.mechanisms import b64, bearer, cram, directives, mechanisms, offering, plain, scram, un64
from tests.conformance.rows import row

if TYPE_CHECKING:
    from tests.conformance.talk import Client, Server, Talk

CHALLENGE = re.compile(rb"\+ (?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
NOT_BASE64 = ("=AAA", "AAA=BBB", "AA A", "AAA", "A===", "AAAA=", "_w==", "-w==", "AA\rA")


def good(server: Server) -> str:
    """What logs in by PLAIN."""
    return plain(server.user, server.password)


def refused(client: Client, *exchange: str) -> bool:
    """Whether this exchange is refused and all is in step afterwards."""
    return client.auth(*exchange).err and client.in_step()


@row("5034-3.1")
def each_mechanism_that_is_listed_can_be_begun(talk: Talk) -> None:
    """And given up."""
    client = talk.server().connect()
    names = mechanisms(client)
    assert names
    for name in names:
        reply = client.ask(f"AUTH {name}")
        assert CHALLENGE.fullmatch(reply.line), (name, reply)
        assert client.ask("*").err


@row("5034-3.2")
def the_mechanisms_stay_after_a_login(talk: Talk) -> None:
    """As all that stood there before."""
    server = talk.server()
    client = server.connect()
    before = mechanisms(client)
    assert client.auth(f"PLAIN {good(server)}").ok
    assert mechanisms(client) == before != []


@row("5034-4.1")
def an_unknown_mechanism_is_refused_at_once(talk: Talk) -> None:
    """Without a challenge."""
    assert talk.server().connect().refuses("AUTH FOOBAR", "AUTH FOOBAR dGVzdA==")


@row("5034-4.2")
def names_are_case_insensitive(talk: Talk) -> None:
    """Of the command and of the mechanism."""
    server = talk.server()
    assert server.connect().ok(f"auth plain {good(server)}", "STAT")


@row("5034-4.3")
def a_challenge_is_plus_space_base64(talk: Talk) -> None:
    """Of every mechanism."""
    client = offering(talk, "PLAIN", "CRAM-MD5", "DIGEST-MD5", "LOGIN").connect()
    for name in mechanisms(client):
        assert CHALLENGE.fullmatch(client.ask(f"AUTH {name}").line)
        assert client.ask("*").err


@row("5034-4.4")
def an_empty_challenge_is_a_plus_and_a_space(talk: Talk) -> None:
    """Four octets with the line's end."""
    server = talk.server()
    client = server.connect()
    assert client.ask("AUTH PLAIN").line == b"+ "
    assert client.ask(good(server)).ok


@row("5034-4.5")
def an_equals_sign_is_an_empty_response(talk: Talk) -> None:
    """It is there, and so is no reason to ask."""
    assert refused(talk.server().connect(), "PLAIN =")


@row("5034-4.6")
def an_initial_response_where_the_server_begins_is_refused(talk: Talk) -> None:
    """CRAM-MD5 and DIGEST-MD5; LOGIN as well."""
    client = offering(talk, "CRAM-MD5", "DIGEST-MD5", "LOGIN").connect()
    assert client.refuses(*(f"AUTH {name} dGVzdA==" for name in ("CRAM-MD5", "DIGEST-MD5", "LOGIN")))


@row("5034-4.7")
def an_asterisk_cancels(talk: Talk) -> None:
    """And another exchange may follow."""
    server = talk.server()
    client = server.connect()
    assert refused(client, "PLAIN", "*")
    assert client.auth(f"PLAIN {good(server)}").ok


@row("5034-4.8")
def what_is_not_base64_is_refused(talk: Talk) -> None:
    """Nothing is skipped."""
    server = talk.server()
    client = server.connect()
    for wrong in NOT_BASE64:
        assert refused(client, "PLAIN", wrong), wrong
        if " " not in wrong:
            assert client.refuses(f"AUTH PLAIN {wrong}")
    token = good(server)
    assert refused(client, "PLAIN", f"{token[:4]} {token[4:]}")
    assert refused(client, "PLAIN", f"{token[:4]}.{token[4:]}")


@row("5034-4.9")
def after_a_login_auth_is_refused(talk: Talk) -> None:
    """However it was come by."""
    server = talk.server()
    client = server.connect()
    assert client.auth(f"PLAIN {good(server)}").ok
    assert client.refuses(f"AUTH PLAIN {good(server)}", "AUTH PLAIN")
    assert client.quit().ok
    assert server.login().refuses(f"AUTH PLAIN {good(server)}")


@row("5034-4.10")
def lines_of_an_exchange_may_be_long(talk: Talk) -> None:
    """1 KiB of PLAIN, 16 KiB of a token."""
    server = offering(talk, "PLAIN", "OAUTHBEARER", account={"token": 16384 * "t"})
    client = server.connect()
    reply = client.auth("PLAIN", plain(255 * "u", 255 * "p", 255 * "z"))
    assert reply.err
    assert reply.code == "AUTH"
    assert client.auth("OAUTHBEARER", bearer(server.user, 16384 * "t")).ok


@row("5034-4.11")
def the_line_with_auth_has_at_most_255_octets(talk: Talk) -> None:
    """253 are right; with 257 the client has broken a rule, and is told at the end of its test."""
    server = talk.server()
    fits, too_long = (plain(60 * "u", n * "p") for n in (118, 119))
    assert len(f"AUTH PLAIN {fits}\r\n") == 253
    client = server.connect()
    assert client.ask(f"AUTH PLAIN {fits}").code == "AUTH"
    assert client.in_step()
    strict = talk.server(strict=True)
    client = strict.connect()
    client.ask(f"AUTH PLAIN {fits}")
    assert strict.inside._problems == []
    assert client.ask(f"AUTH PLAIN {too_long}").err
    assert any("255" in str(problem) for problem in strict.inside._problems)


@row("5034-4.12")
def after_a_failure_it_is_as_if_there_had_been_no_auth(talk: Talk) -> None:
    """Any way to log in may follow."""
    server = talk.server()
    client = server.connect()
    assert client.auth(f"PLAIN {plain(server.user, 'bad')}").err
    assert client.ask("STAT").err
    assert client.ok(*credentials(server), "STAT")


@row("5034-4.13")
def success_leads_to_transaction(talk: Talk) -> None:
    """With the mail of this user."""
    server = talk.server()
    for exchange in ((f"PLAIN {good(server)}",), ("PLAIN", good(server))):
        client = server.connect()
        assert client.auth(*exchange).ok
        assert client.stat() == server.stat
        assert client.quit().ok


@row("5034-4.14")
def the_last_data_are_a_challenge(talk: Talk) -> None:
    """Which an empty line answers; +OK carries none."""
    server = offering(talk, "SCRAM-SHA-256")
    client = server.connect()
    reply = scram(client, "SCRAM-SHA-256", server.user, server.password)
    assert reply.ok
    assert client.stat() == server.stat


@row("5034-4.15")
def plain_is_there_under_tls(talk: Talk) -> None:
    """And works."""
    server = talk.server()
    client = server.connect("tls")
    assert "PLAIN" in mechanisms(client)
    assert client.auth(f"PLAIN {good(server)}").ok


@row("5034-4.22")
def there_are_mechanisms_that_do_not_show_the_password(talk: Talk) -> None:
    """Under TLS, too."""
    safe = [name for name in mechanisms(talk.server().connect()) if re.match("SCRAM|CRAM|DIGEST|EXTERNAL", name)]
    assert safe


@row("5034-4.17")
def names_to_act_for_are_prepared(talk: Talk) -> None:
    """A control character, and what vanishes, are none."""
    server = talk.server()
    client = server.connect()
    assert refused(client, f"PLAIN {plain(server.user, server.password, chr(7))}")
    assert refused(client, f"PLAIN {plain(server.user, server.password, chr(0xAD))}")
    assert client.auth(f"PLAIN {plain(server.user, server.password, server.user + chr(0xAD))}").ok


@row("5034-4.18")
def no_security_layer_is_offered(talk: Talk) -> None:
    """DIGEST-MD5 offers authentication only."""
    client = offering(talk, "DIGEST-MD5").connect()
    assert dict(directives(un64(client.ask("AUTH DIGEST-MD5")))).get("qop", "auth") == "auth"
    assert client.ask("*").err


@row("5034-4.19")
def a_maildrop_in_use_is_refused_after_a_good_exchange(talk: Talk) -> None:
    """With its code, in AUTHORIZATION still."""
    server = talk.server()
    first, client = server.login(), server.connect()
    assert client.auth(f"PLAIN {good(server)}").code == "IN-USE"
    assert client.auth(f"PLAIN {plain(server.user, 'bad')}").code == "AUTH"
    assert first.quit().ok
    assert client.auth(f"PLAIN {good(server)}").ok


@row("5034-4.20")
def auth_needs_a_mechanism(talk: Talk) -> None:
    """A list of them is nothing that any text defines."""
    assert talk.server().connect().refuses("AUTH")


@row("5034-4.21")
def within_an_exchange_every_line_is_a_response(talk: Talk) -> None:
    """QUIT is base64 of three octets."""
    client = talk.server().connect()
    assert refused(client, "PLAIN", "QUIT")
    assert refused(client, "PLAIN", "NOOP")


@row("4422-3.1")
def a_name_is_capitals_digits_hyphens_underscores(talk: Talk) -> None:
    """At most 20 of them."""
    server = talk.server()
    assert all(re.fullmatch("[A-Z0-9_-]{1,20}", name) for name in mechanisms(server.connect()))
    assert server.connect().refuses("AUTH pl@in", "AUTH " + 21 * "A", "AUTH PLAIN, x")


@row("4422-3.5")
def all_failures_look_alike(talk: Talk) -> None:
    """Unknown user, wrong password, forged proof."""
    server = offering(talk, "PLAIN", "CRAM-MD5")
    client = server.connect()
    said = {
        client.auth(f"PLAIN {plain(server.user, 'bad')}").line,
        client.auth(f"PLAIN {plain('nobody', server.password)}").line,
        cram(client, server.user, "bad").line,
        cram(client, "nobody", server.password).line,
    }
    assert len(said) == 1
    assert b64("x") not in str(said)
