"""What a server does only where it is asked for: login delay, expiry, UTF-8, accounts of one kind, names of its own."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from pop3s_fake import Account, Tls
from tests.conformance.checks.authorization import credentials, tries
from tests.conformance.mechanisms import Scram, version
from tests.conformance.rows import row
from tests.conformance.talk import M1, M2

if TYPE_CHECKING:
    from tests.conformance.talk import Talk

EAI = "Subject: gr\u00fcn\r\n\r\nbody\r\n".encode()
"""A message with a header in UTF-8."""


@row("1939-13.1")
def an_account_may_take_one_kind_of_login_only(talk: Talk) -> None:
    """APOP, and no password in clear."""
    server = talk.server(rules=['USER(mrose)!before -> reply "-ERR [AUTH] this account takes APOP only"'])
    client = server.connect()
    assert client.refuses(f"USER {server.user}", f"PASS {server.password}")
    assert client.ok(f"APOP {server.user} {client.digest(server.password)}", "STAT")


@row("1939-8.1")
def a_policy_deletes_what_was_retrieved_at_quit_only(talk: Talk) -> None:
    """Not where the connection is cut."""
    server = talk.server(capabilities=["+EXPIRE 0"])
    client = server.login()
    assert client.ok("RETR 1")
    client.close()
    server.inside.wait_idle()
    assert server.count() == 2
    client = server.login()
    assert client.ok("RETR 1")
    assert client.quit().ok
    assert server.count() == 1


@row("1939-8.2")
def under_such_a_policy_top_may_be_refused(talk: Talk) -> None:
    """And is not announced then."""
    client = talk.server(capabilities=["+EXPIRE 0", "-TOP"]).login()
    assert "TOP" not in client.capabilities()
    assert client.refuses("TOP 1 99999", "TOP 1 0")


@row("1939-7.TOP.6")
def top_is_no_retrieval(talk: Talk) -> None:
    """Where retrieving deletes, TOP does not."""
    server = talk.server(capabilities=["+EXPIRE 0"])
    client = server.login()
    assert client.ok("TOP 1 0")
    assert client.quit().ok
    assert server.count() == 2


@row("2449-5.7")
def a_server_without_capa_refuses_it(talk: Talk) -> None:
    """In one line, and goes on."""
    server = talk.server(capabilities=[])
    client = server.connect()
    assert client.ask("CAPA").err
    assert client.pending() == b""
    assert client.ok(*credentials(server), "STAT", "UIDL")


@row("2449-6.5.1")
def a_login_delay_is_enforced(talk: Talk) -> None:
    """From the last login on."""
    server = talk.server(capabilities=["+LOGIN-DELAY 900"])
    assert server.login().quit().ok
    server.passes(899)
    assert tries(server, *credentials(server))[1].code == "LOGIN-DELAY"
    server.passes(1)
    assert server.login().ok("STAT")


@row("2449-6.5.2")
def before_the_login_the_longest_delay_is_announced(talk: Talk) -> None:
    """After it one's own."""
    server = talk.server(capabilities=["+LOGIN-DELAY 900 USER"], account={"login_delay": 300})
    assert "LOGIN-DELAY 900 USER" in server.connect().capabilities()
    assert server.login().quit().ok
    server.passes(300)
    assert server.login().ok("STAT")


@row("2449-6.5.3")
def the_precise_delay_is_told_after_the_login(talk: Talk) -> None:
    """Without USER."""
    server = talk.server(capabilities=["+LOGIN-DELAY 900 USER"], account={"login_delay": 300})
    said = [line for line in server.login().capabilities() if line.startswith("LOGIN-DELAY")]
    assert said == ["LOGIN-DELAY 300"]


@row("2449-8.1.1")
def login_delay_is_said_at_the_login(talk: Talk) -> None:
    """Not at USER."""
    server = talk.server(capabilities=["+LOGIN-DELAY 900"])
    assert server.login().quit().ok
    user, password = tries(server, *credentials(server))
    assert user.ok
    assert user.code is None
    assert password.code == "LOGIN-DELAY"


@row("2449-6.7.2")
def expire_0_deletes_what_retr_sent(talk: Talk) -> None:
    """Of two messages the one that was retrieved."""
    server = talk.server(capabilities=["+EXPIRE 0"])
    before = server.uids()
    client = server.login()
    assert "EXPIRE 0" in client.capabilities()
    assert client.ok("RETR 1", "TOP 2 0")
    assert client.quit().ok
    assert server.uids() == before[1:]


@row("2449-6.7.3")
def before_the_login_the_fewest_days_are_announced(talk: Talk) -> None:
    """After it one's own, which are those that count."""
    server = talk.server(capabilities=["+EXPIRE 5 USER"], account={"expire": 30})
    assert "EXPIRE 5 USER" in server.connect().capabilities()
    assert [line for line in server.login().capabilities() if line.startswith("EXPIRE")] == ["EXPIRE 30"]
    server.passes(29 * 86400)
    assert len(server.uids()) == 2
    server.passes(2 * 86400)
    assert server.uids() == []


@row("9325-3.7")
def an_unknown_server_name_is_refused(talk: Talk) -> None:
    """Where the server is told to be strict about it."""
    server = talk.server(tls=Tls(sni={"localhost": "good", "*": "alert"}))
    assert server.connect("tls").in_step()
    context = version(server, "TLSv1_3")
    context.check_hostname = False
    client = server.connect("tls")
    client.pipe = server.pipe("tls")
    try:
        client.secure(context, "wrong.example")
    except ssl.SSLError as error:
        assert "unrecognized name" in str(error).lower().replace("_", " ")  # noqa: PT017  # without pytest, too
    else:
        raise AssertionError("the handshake went on")


@row("9266-2")
def tls_exporter_is_refused_where_nothing_can_be_exported(talk: Talk) -> None:
    """Python's ssl cannot, so the type is unknown; a Python that can has both ends compared in the tests of SASL."""
    if "tls-exporter" in ssl.CHANNEL_BINDING_TYPES:
        return
    server = talk.server()
    client = server.connect("tls", version(server, "TLSv1_3"))
    assert not any(line.startswith("SASL") and "-PLUS" in line for line in client.capabilities())
    assert Scram(client, "SCRAM-SHA-256-PLUS", server.user, server.password, "p=tls-exporter,,").first().err
    assert client.in_step()


@row("6856-2.1")
def utf8_takes_no_argument_and_comes_before_the_login(talk: Talk) -> None:
    """Where it is announced; else it is unknown."""
    server = talk.server(capabilities=["+UTF8"])
    client = server.connect()
    assert client.refuses("UTF8 x")
    assert client.ok("UTF8", *credentials(server))
    assert client.refuses("UTF8")


@row("6856-2.2")
def without_utf8_no_such_header_is_sent(talk: Talk) -> None:
    """In the mode it is."""
    server = talk.server(mail=[M1, EAI], capabilities=["+UTF8"])
    client = server.login()
    for command in ("RETR 2", "TOP 2 0"):
        reply = client.ask(command)
        assert reply.err or (reply.payload is not None and reply.payload.isascii())
    assert client.quit().ok
    other = server.connect()
    assert other.ok("UTF8", *credentials(server))
    assert other.ask("RETR 2").content == EAI


@row("6856-2.3")
def the_code_utf8_is_for_list_top_and_retr(talk: Talk) -> None:
    """Where a message needs the mode."""
    client = talk.server(mail=[M1, EAI], capabilities=["+UTF8"]).login()
    assert [client.ask(command).code for command in ("RETR 2", "TOP 2 0", "RETR 9", "UIDL 9")] == [
        *("UTF8", "UTF8"),
        *(None, None),
    ]


@row("6856-2.4")
def list_tells_what_retr_sends_in_this_mode(talk: Talk) -> None:
    """To the octet."""
    server = talk.server(mail=[M2, EAI], capabilities=["+UTF8"])
    client = server.connect()
    assert client.ok("UTF8", *credentials(server))
    sizes = [int(line.split(b" ")[1]) for line in client.ask("LIST").lines]
    assert sizes == [len(client.ask(f"RETR {number}").content) for number in (1, 2)]


@row("6856-2.5")
def stls_after_utf8_is_allowed_to_be_refused(talk: Talk) -> None:
    """Here it is taken, and the mode forgotten."""
    server = talk.server(mail=[M1, EAI], capabilities=["+UTF8"], stls=True)
    client = server.connect("clear")
    assert client.ok("UTF8", "STLS")
    client.secure()
    assert client.ok(*credentials(server))
    assert client.ask("RETR 2").code == "UTF8"


@row("6856-2.6")
def utf8_user_says_that_names_may_be_utf8(talk: Talk) -> None:
    """Without it they may not."""
    jose = Account("jos\u00e9", "pass w\u00f6rd")
    for words, taken in (("+UTF8 USER", True), ("+UTF8", False)):
        server = talk.server(capabilities=[words], accounts=[jose])
        replies = tries(server, "USER jos\u00e9", "PASS pass w\u00f6rd")
        assert replies[1].ok == taken


@row("6856-2.7")
def names_and_passwords_are_prepared(talk: Talk) -> None:
    """Composed and decomposed are the same; what is ill-formed is refused."""
    server = talk.server(capabilities=["+UTF8 USER"], accounts=[Account("jos\u00e9", "pass w\u00f6rd")])
    assert server.connect().ok("USER jose\u0301", "PASS pass wo\u0308rd", "STAT")
    assert server.connect().refuses(b"USER \xc3(", b"USER \xff", "USER \u00ad")
