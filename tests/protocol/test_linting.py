"""The client linter in a conversation: what it is told, and what it tells, word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake.dialogue import Dialogue
from pop3s_fake.protocol.capabilities import Offer
from pop3s_fake.rules import RuleBook
from pop3s_fake.tls import default_authority

if TYPE_CHECKING:
    from tests.protocol.conftest import Conversation, Server

EVERY_WAY = pytest.mark.parametrize("way", ["whole", "octet", "tls", "tls-octet"], indirect=True)


@pytest.fixture(autouse=True)
def _nobody_knows_anything(server: Server) -> None:
    """These clients wait for each answer."""
    server.announced = set()


def rows(server: Server) -> list[str]:
    """The rows that were told, in order."""
    return [str(complaint).partition(" ")[0] for complaint in server.complaints]


def ruled(server: Server, *rules: str) -> None:
    """Bend the server by rules."""
    server.rules = RuleBook(0, now=lambda: server.time)
    for rule in rules:
        server.rules.add(rule)


def say(client: Conversation, *lines: str) -> None:
    """One after the other, each when the answer has come."""
    for line in lines:
        client.ask(line)


@EVERY_WAY
def test_an_ordinary_session_breaks_nothing(server: Server) -> None:
    """Not even a SHOULD, and nothing is noted."""
    server.strict = "should"
    client = server.connect()
    say(client, "CAPA", "USER mrose", "PASS bad", "USER mrose", "PASS tanstaaf", "STAT", "LIST", "UIDL", "RETR 1")
    say(client, "TOP 2 0", "DELE 1", "RSET", "DELE 1", "NOOP", "CAPA", "XYZZY", "RETR 2", "QUIT")
    assert server.complaints == []
    assert not [entry.text for entry in client.log.entries if entry.kind == "-"]


@EVERY_WAY
def test_a_breach_is_told_with_its_row_and_how_to_allow_it(server: Server) -> None:
    """The sentence, the line, and the keyword that switches it off."""
    client = server.login()
    say(client, "DELE 1", "RETR 1")
    assert [str(complaint) for complaint in server.complaints] == [
        (
            "C-1939-5.DELE.1 (MUST): a client never refers again to a message that it has deleted "
            "(RFC 1939 section 5)\n"
            "  session 1 sent: RETR 1\n"
            '  -> mend the client, or allow it in this test with allow=["C-1939-5.DELE.1"]'
        )
    ]


@pytest.mark.parametrize("way", ["tls"], indirect=True)
def test_a_certificate_that_nobody_should_accept_is_told_by_the_login(server: Server) -> None:
    """CAPA harms nobody; the password is masked."""
    server.certificate = "expired"
    client = server.connect()
    say(client, "CAPA")
    assert server.complaints == []
    say(client, "USER mrose", "PASS tanstaaf")
    assert [str(complaint) for complaint in server.complaints] == [
        (
            "C-8314-5.3 (MUST): a client does not log in over a certificate that cannot be verified "
            "(RFC 8314 section 5.3)\n"
            "  session 1 sent: USER mrose\n"
            '  -> mend the client, or allow it in this test with allow=["C-8314-5.3"]'
        )
    ]


@pytest.mark.parametrize("way", ["tls"], indirect=True)
def test_what_a_client_hello_breaks_is_told(server: Server) -> None:
    """Also where there is no handshake because of it."""
    server.strict = "should"
    context = default_authority().client_context()
    context.set_alpn_protocols(["imap"])
    server.client_context = context
    server.connect()
    assert [str(complaint) for complaint in server.complaints] == [
        (
            "C-9325-3.8 (SHOULD): a client that offers protocols in its ClientHello offers pop3 "
            "(RFC 9325 section 3.8)\n"
            "  session 1 sent: a ClientHello that offers imap\n"
            '  -> mend the client, or allow it in this test with allow=["C-9325-3.8"]'
        )
    ]


@pytest.mark.parametrize("way", ["whole", "tls"], indirect=True)
def test_two_commands_at_once_need_the_capability(server: Server) -> None:
    """RFC 2449 section 6.6: whoever was never told of it may not."""
    server.offer = Offer(["USER", "UIDL"])
    server.connect().ask("USER mrose", "PASS tanstaaf")
    assert [str(complaint) for complaint in server.complaints] == [
        (
            "C-2449-6.6.1 (MUST): without PIPELINING a client sends one command at a time (RFC 2449 section 6.6)\n"
            "  session 1 sent: octets behind a command, before its answer\n"
            '  -> mend the client, or allow it in this test with allow=["C-2449-6.6.1"]'
        )
    ]


@EVERY_WAY
def test_two_commands_at_once_are_legal_where_the_capability_is(server: Server) -> None:
    """Where it was told once, be it in an earlier session."""
    server.announced.add("PIPELINING")
    client = server.connect()
    client.ask("USER mrose", "PASS bad", "STAT", "USER mrose", "PASS tanstaaf", "STAT", "RETR 9", "QUIT")
    assert server.complaints == []


@pytest.mark.parametrize("way", ["whole", "tls"], indirect=True)
def test_nothing_is_sent_behind_auth_and_quit(server: Server) -> None:
    """RFC 2449 section 6.6 with RFC 5034: what comes behind would be taken for a response."""
    server.connect().ask("AUTH PLAIN", "*", "QUIT", "NOOP")
    assert rows(server) == ["C-2449-6.6.4"]


@pytest.mark.parametrize("way", ["whole", "tls"], indirect=True)
def test_who_cannot_wait_for_the_greeting_is_told(server: Server) -> None:
    """RFC 1939 section 3: the server speaks first."""
    server.strict = "should"  # it only warns, for on a socket it depends on who is faster
    client = server.conversation()
    if client.way.tls:
        return  # the client of this test sends nothing before it has read
    client.connection.feed(b"CAPA\r\n")
    client.start()
    assert client.greeting.count(b"+OK") == 2
    assert rows(server) == ["C-1939-3.1"]


@pytest.mark.parametrize(
    ("rule", "lines", "told"),
    [
        pytest.param('greeting -> reply "-ERR busy\\r\\n"', ["USER mrose"], ["C-1939-4.1"], id="a negative greeting"),
        pytest.param('greeting -> reply "-ERR busy\\r\\n"', ["QUIT"], [], id="a negative greeting, and QUIT"),
        pytest.param('greeting -> reply "OK busy\\r\\n"', ["USER mrose"], ["C-1939-3.10"], id="an odd greeting"),
        pytest.param(
            'USER -> reply "-ERR no\\r\\n"', ["USER mrose", "PASS x"], ["C-1939-7.USER.1"], id="a refused name"
        ),
        pytest.param(
            'PASS -> reply "-ERR no\\r\\n"',
            ["USER mrose", "PASS tanstaaf", "RSET"],
            ["C-1939-4.2"],
            id="a refused login",
        ),
        pytest.param("PASS -> end rst", ["USER mrose", "PASS tanstaaf"], [], id="no answer"),
        pytest.param(
            'USER -> reply "+OK\\r\\n"', ["USER mrose", "PASS tanstaaf", "STAT"], [], id="a reply of the test's"
        ),
        pytest.param('USER@3 -> send "x"', ["USER mrose", "PASS x", "STAT"], ["C-1939-3.10"], id="a garbled answer"),
        pytest.param(
            'USER!after -> send "+OK more\\r\\n"', ["USER mrose", "PASS x", "STAT"], [], id="an answer too many"
        ),
        pytest.param(
            'LIST -> reply "+OK\\r\\n"', ["USER mrose", "PASS tanstaaf", "LIST", "RETR 3"], [], id="no listing"
        ),
        pytest.param(
            'RETR -> reply "-ERR no\\r\\n"',
            ["USER mrose", "PASS tanstaaf", "RETR 1", "DELE 1"],
            ["C-1939-5.RETR.2"],
            id="a refused message",
        ),
        pytest.param(
            'RETR -> reply "-ERR no\\r\\n"; times=1',
            ["USER mrose", "PASS tanstaaf", "RETR 1", "RETR 1", "DELE 1"],
            [],
            id="a message that is refused once",
        ),
        pytest.param(
            'DELE -> reply "-ERR no\\r\\n"; times=1',
            ["USER mrose", "PASS tanstaaf", "DELE 1", "DELE 1"],
            [],
            id="a deletion that was not told",
        ),
        pytest.param(
            'AUTH!before -> reply "+ !!!!\\r\\n"', ["AUTH PLAIN", "AG1yb3NlAHg="], ["C-5034-4.4"], id="no base64"
        ),
        pytest.param('AUTH!before -> reply "+ !!!!\\r\\n"', ["AUTH PLAIN", "*"], [], id="no base64, cancelled"),
    ],
)
def test_what_a_rule_makes_of_the_server_is_no_fault_of_the_client(
    server: Server, rule: str, lines: list[str], told: list[str]
) -> None:
    """An answer that came whole counts, whoever gave it; after any other the client may do as it likes."""
    server.strict = "should"
    ruled(server, rule)
    say(server.connect(), *lines)
    assert rows(server) == told


def test_a_dialogue_may_say_anything(server: Server) -> None:
    """Only the form of lines is looked at in it, and not that of a response."""
    server.dialogues.add(
        Dialogue(["S: -ERR busy", "C: USER *", "S: -ERR", "C: PASS *", "S: + ", "C: *", "S: -ERR", "C: *", "S: +OK"])
    )
    client = server.connect()
    say(client, "USER mrose", "PASS x", "", "STAT ")
    assert rows(server) == ["C-1939-3.2"]


def test_capabilities_are_remembered_for_all(server: Server) -> None:
    """A client that comes back knows what it was told."""
    client = server.connect()
    say(client, "CAPA", "QUIT")
    assert "PIPELINING" in server.announced
