"""The client linter in a conversation: what it is told, and what it tells, word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake.connection import EOF
from pop3s_fake.dialogue import Dialogue
from pop3s_fake.protocol.capabilities import Offer
from pop3s_fake.protocol.linting import Past
from pop3s_fake.rules import Rule, RuleBook
from pop3s_fake.tls import default_authority

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Conversation, Server

EVERY_WAY = pytest.mark.parametrize("way", ["whole", "octet", "tls", "tls-octet"], indirect=True)


@pytest.fixture(autouse=True)
def _nobody_knows_anything(server: Server) -> None:
    """These clients wait for each answer."""
    server.past = Past()


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
    server.past.announced.add("PIPELINING")
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
    assert "PIPELINING" in server.past.announced


def meanwhile(server: Server, point: str, do: Callable[[], object]) -> None:
    """Something happens before this is answered."""
    server.rules = RuleBook(0, now=lambda: server.time)
    server.rules.add(Rule(f"{point}!before").call(lambda _: do()))


@pytest.mark.parametrize(
    ("line", "behind", "row"),
    [
        ("USER mrose", "PASS tanstaaf", "C-2449-6.6.1"),
        ("CAPA", "USER mrose", "C-2449-6.6.1"),
        ("QUIT", "NOOP", "C-2449-6.6.4"),
    ],
)
@pytest.mark.parametrize("way", ["whole", "octet", "tls"], indirect=True)
def test_octets_that_come_while_an_answer_is_waited_for_are_noticed(
    server: Server, line: str, behind: str, row: str
) -> None:
    """RFC 2449 section 6.6: however late the answer is; and they are answered in their turn."""
    server.offer = Offer(["USER", "UIDL", "CAPA"])
    meanwhile(server, line.partition(" ")[0], lambda: feed(client, behind))
    client = server.connect()
    heard = client.ask(line)
    assert rows(server) == [row]
    assert heard.count(b"+OK") == (1 if line == "QUIT" else 2)


def feed(client: Conversation, line: str) -> None:
    """Octets come, and nobody waits for them yet."""
    octets = line.encode() + b"\r\n"
    if client.client is not None:
        client.client.write(octets)
        octets = client._outgoing.read()
    client.connection.feed(octets)


@pytest.mark.parametrize("way", ["whole", "tls"], indirect=True)
def test_who_goes_on_in_the_middle_of_a_message_is_told(server: Server) -> None:
    """It has taken something else for the terminator."""
    server.offer = Offer(["USER", "UIDL", "CAPA"])
    server.rules = RuleBook(0, now=lambda: server.time)
    server.rules.add(Rule("RETR@50%").call(lambda _: feed(client, "NOOP")))
    client = server.connect()
    say(client, "USER mrose", "PASS tanstaaf")
    assert client.ask("RETR 1").endswith(b"\r\n.\r\n+OK\r\n")
    client.ask("RETR 2")
    assert rows(server) == ["C-2449-6.6.1"]


@pytest.mark.parametrize("way", ["whole", "tls"], indirect=True)
def test_octets_that_come_behind_an_answer_are_no_breach(server: Server) -> None:
    """The client has heard all of it, and only the server is busy still."""
    server.strict = "should"
    server.rules = RuleBook(0, now=lambda: server.time)
    server.rules.add(Rule("CAPA!after").call(lambda _: feed(client, "USER mrose")))
    client = server.connect()
    assert client.ask("CAPA").endswith(b"\r\n.\r\n+OK name noted, now the password\r\n")
    assert rows(server) == []


@pytest.mark.parametrize("way", ["whole", "tls"], indirect=True)
def test_who_does_not_wait_for_the_answer_to_quit_is_told(server: Server) -> None:
    """RFC 1939 section 6: whether the deletions were carried out only the answer says."""
    server.strict = "should"
    meanwhile(server, "QUIT", lambda: client.connection.feed(EOF))
    client = server.login()
    say(client, "DELE 1", "QUIT")
    assert [str(complaint) for complaint in server.complaints] == [
        (
            "C-1939-6.1 (SHOULD): a client that wants its deletions carried out sends QUIT and waits for the answer "
            "(RFC 1939 section 6)\n"
            "  session 1 sent: QUIT and the end of the connection, before the answer\n"
            '  -> mend the client, or allow it in this test with allow=["C-1939-6.1"]'
        )
    ]


@pytest.mark.parametrize("way", ["whole", "tls"], indirect=True)
def test_who_deletes_nothing_need_not_wait_for_the_answer_to_quit(server: Server) -> None:
    """There is nothing to know."""
    server.strict = "should"
    meanwhile(server, "QUIT", lambda: client.connection.feed(EOF))
    client = server.login()
    say(client, "QUIT")
    assert rows(server) == []


@pytest.mark.parametrize("way", ["tls", "tls-octet"], indirect=True)
def test_who_closes_the_connection_and_not_tls_is_told(server: Server) -> None:
    """RFC 8446 section 6.1."""
    server.strict = "should"
    server.connect().hang_up()
    assert [str(complaint) for complaint in server.complaints] == [
        (
            "C-8446-6.2 (SHOULD): a closure alert is sent before the connection is closed (RFC 8446 section 6.1)\n"
            "  session 1 sent: the end of the connection, and no closure alert\n"
            '  -> mend the client, or allow it in this test with allow=["C-8446-6.2"]'
        )
    ]


@pytest.mark.parametrize("way", ["whole", "tls"], indirect=True)
def test_an_end_that_tls_was_told_of_is_no_breach(server: Server) -> None:
    """Nor is one in clear, nor a reset."""
    server.strict = "should"
    client = server.connect()
    client.close_notify()
    client.hang_up()
    server.connect().reset()
    assert rows(server) == []


def visit(server: Server, *lines: str) -> None:
    """A session of this client."""
    say(server.login(), *lines)


@EVERY_WAY
def test_a_message_that_was_cut_off_is_not_deleted_later(server: Server) -> None:
    """RFC 1939 section 3: the client has not got it; over all sessions of an account."""
    server.strict = "should"
    ruled(server, "RETR@50% -> end rst; times=1")
    visit(server, "RETR 1")
    visit(server, "DELE 2", "QUIT")
    assert rows(server) == []
    visit(server, "DELE 1", "QUIT")
    uid = "whqtswO00WBw418f9t5JxYwZ"
    assert [str(complaint) for complaint in server.complaints] == [
        (
            "C-1939-3.13 (SHOULD): a message that was cut off was not received (RFC 1939 section 3)\n"
            f"  session 3 sent: QUIT, which deletes {uid}, of which it has only a part\n"
            '  -> mend the client, or allow it in this test with allow=["C-1939-3.13"]'
        )
    ]


@EVERY_WAY
def test_a_message_that_was_cut_off_may_be_deleted_when_it_was_fetched(server: Server) -> None:
    """Then the client has got it."""
    server.strict = "should"
    ruled(server, "RETR@50% -> end rst; times=1")
    visit(server, "RETR 1")
    visit(server, "RETR 1", "DELE 1", "QUIT")
    assert rows(server) == []
