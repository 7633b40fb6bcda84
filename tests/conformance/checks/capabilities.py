"""CAPA, pipelining, response codes: RFC 2449 sections 5 to 9, RFC 3206."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.conformance.checks.authorization import credentials, tries
from tests.conformance.checks.update import protected
from tests.conformance.rows import row

if TYPE_CHECKING:
    from tests.conformance.talk import Server, Talk

CAPABILITY = re.compile(r"[!-\x2d\x2f-~]+( [!-~]+)*")

REGISTERED = {
    *("TOP", "USER", "SASL", "RESP-CODES", "LOGIN-DELAY", "PIPELINING", "EXPIRE", "UIDL", "IMPLEMENTATION", "STLS"),
    *("AUTH-RESP-CODE", "UTF8", "LANG"),
}


def tags(lines: list[str]) -> set[str]:
    """The first words."""
    return {line.split(" ")[0].upper() for line in lines}


def both(server: Server) -> list[str]:
    """All that is announced before and after the login."""
    return server.connect().capabilities() + server.login().capabilities()


@row("2449-5.1")
def capa_works_before_and_after_the_login(talk: Talk) -> None:
    """And between USER and PASS."""
    server = talk.server()
    client = server.connect()
    user, password = credentials(server)
    assert client.ask("CAPA").lines
    assert client.ok(user)
    assert client.ask("CAPA").lines
    assert client.ok(password)
    assert client.ask("CAPA").lines


@row("2449-5.2")
def there_is_one_capability_a_line(talk: Talk) -> None:
    """A tag, then parameters, parted by single spaces."""
    assert [line for line in both(talk.server()) if not CAPABILITY.fullmatch(line)] == []


@row("2449-5.3")
def a_capability_line_has_at_most_512_octets(talk: Talk) -> None:
    """Its CRLF counted."""
    assert all(len(line) + 2 <= 512 for line in both(talk.server()))


@row("2449-5.4")
def no_tag_has_a_dot(talk: Talk) -> None:
    """So nothing in the list is ever byte-stuffed."""
    assert not any("." in line.split(" ")[0] for line in both(talk.server()))


@row("2449-5.5")
def tags_are_upper_case(talk: Talk) -> None:
    """And none comes twice."""
    words = [line.split(" ")[0] for line in talk.server().connect().capabilities()]
    assert words == [word.upper() for word in words]
    assert len(set(words)) == len(words)


@row("2449-5.6")
def what_is_announced_before_the_login_is_announced_after_it(talk: Talk) -> None:
    """But for STLS."""
    server = talk.server()
    assert tags(server.connect().capabilities()) - {"STLS"} <= tags(server.login().capabilities())


@row("2449-5.8")
def capa_takes_no_argument(talk: Talk) -> None:
    """In both states."""
    server = talk.server()
    assert server.connect().refuses("CAPA x")
    assert server.login().refuses("CAPA x")


@row("2449-6.0")
def there_is_no_tag_for_apop(talk: Talk) -> None:
    """The greeting announces it."""
    assert "APOP" not in tags(both(talk.server()))


@row("2449-6.1")
def top_is_announced_and_works(talk: Talk) -> None:
    """Else neither."""
    client = talk.server().login()
    assert ("TOP" in tags(client.capabilities())) == client.ask("TOP 1 0").ok


@row("2449-6.2")
def user_is_announced_and_works(talk: Talk) -> None:
    """Else neither."""
    server = talk.server()
    client = server.connect()
    assert ("USER" in tags(client.capabilities())) == client.ok(*credentials(server))


@row("2449-6.4")
def response_codes_are_announced(talk: Talk) -> None:
    """Whoever sends them says so."""
    server = talk.server()
    announced = "RESP-CODES" in tags(server.connect().capabilities())
    reply = tries(server, *credentials(server, "bad"))[1]
    assert announced == (reply.code is not None)


@row("2449-6.6.1")
def pipelined_commands_are_answered_in_order(talk: Talk) -> None:
    """One by one, none lost."""
    server = talk.server()
    client = server.connect()
    said = client.asks("CAPA", *credentials(server), "STAT", "LIST", "RETR 9", "UIDL 1", "NOOP", "QUIT")
    assert [reply.ok for reply in said] == [True, True, True, True, True, False, True, True, True]
    assert said[3].data == b"2 320"
    assert said[4].lines == [b"1 120", b"2 200"]
    assert said[6].data.startswith(b"1 ")
    assert client.ends()


@row("2449-6.6.2")
def a_thousand_commands_may_come_before_a_reply_is_read(talk: Talk) -> None:
    """Each is answered."""
    client = talk.server().login()
    once = client.ask("RETR 2")
    assert client.asks(*["RETR 2"] * 1000) == [once] * 1000


@row("2449-6.6.3")
def what_follows_a_failed_login_runs_before_a_login(talk: Talk) -> None:
    """And so is refused."""
    server = talk.server()
    client = server.connect()
    said = client.asks(*credentials(server, "bad"), "STAT", "DELE 1")
    assert [reply.ok for reply in said] == [True, False, False, False]
    assert server.login().stat() == (2, 320)


@row("2449-6.7.1")
def expire_has_days_or_never(talk: Talk) -> None:
    """USER behind it in AUTHORIZATION only."""
    server = talk.server()
    for line in server.connect().capabilities():
        assert not line.startswith("EXPIRE") or re.fullmatch(r"EXPIRE (NEVER|[0-9]+)( USER)?", line)
    for line in server.login().capabilities():
        assert not line.startswith("EXPIRE") or re.fullmatch(r"EXPIRE (NEVER|[0-9]+)", line)


@row("2449-6.7.4")
def a_server_that_never_expires_mail_says_never(talk: Talk) -> None:
    """And retrieving deletes nothing."""
    server = talk.server()
    client = server.login()
    never = not [line for line in client.capabilities() if re.match(r"EXPIRE [0-9]", line)]
    assert client.ok("RETR 1", "TOP 2 9")
    assert client.quit().ok
    assert (server.login().stat() == (2, 320)) == never


@row("2449-6.8")
def uidl_is_announced_and_works(talk: Talk) -> None:
    """Else neither."""
    client = talk.server().login()
    assert ("UIDL" in tags(client.capabilities())) == client.ask("UIDL").ok


@row("2449-6.9")
def the_implementation_is_announced(talk: Talk) -> None:
    """Before the login only where it is after it."""
    server = talk.server()
    assert "IMPLEMENTATION" not in tags(server.connect().capabilities()) - tags(server.login().capabilities())


@row("2449-9.1")
def only_registered_capabilities_are_announced(talk: Talk) -> None:
    """A private one begins with X."""
    assert {tag for tag in tags(both(talk.server())) if not tag.startswith("X")} <= REGISTERED


@row("2449-8.1")
def a_response_code_stands_at_the_beginning_of_the_text(talk: Talk) -> None:
    """And nowhere else."""
    server = talk.server()
    said = tries(server, *credentials(server, "bad"))
    first, second = server.login(), server.connect()
    said += second.asks(*credentials(server))
    said += first.asks("DELE 1", "RETR 9", "QUIT")
    for reply in said:
        assert (b"[" in reply.line) == (reply.code is not None)


@row("2449-8.1.2")
def in_use_is_said_only_to_whom_the_maildrop_belongs(talk: Talk) -> None:
    """Only where the credentials were right."""
    server = talk.server()
    server.login()
    second = server.connect()
    assert second.asks(*credentials(server, "bad"))[1].code != "IN-USE"
    assert second.asks(*credentials(server))[1].code == "IN-USE"


@row("3206-4.1")
def a_passing_fault_of_the_server_is_sys_temp(talk: Talk) -> None:
    """The client may try again later."""
    client = protected(talk, 1).login()
    assert client.ok("DELE 1")
    assert client.quit().code in {"SYS/TEMP", "SYS/PERM"}


@row("3206-5.1")
def wrong_credentials_are_auth(talk: Talk) -> None:
    """Also where the name is unknown, which USER does not tell."""
    server = talk.server()
    assert tries(server, *credentials(server, "bad"))[1].code == "AUTH"
    user, password = tries(server, "USER nobody", "PASS x")
    assert user.ok
    assert password.code == "AUTH"


@row("3206-6.1")
def every_refusal_of_credentials_and_no_other_has_the_code(talk: Talk) -> None:
    """It is announced; a command in the wrong place is no matter of credentials."""
    server = talk.server()
    client = server.connect()
    assert "AUTH-RESP-CODE" in tags(client.capabilities())
    for command in ("APOP x", "STAT", "XYZZY"):
        client, reply = client.surely(command)
        assert reply.code is None
    assert tries(server, *credentials(server, "bad"))[1].code == "AUTH"
    server.login()
    assert tries(server, *credentials(server))[1].code == "IN-USE"
