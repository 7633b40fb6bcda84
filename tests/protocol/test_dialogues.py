"""A dialogue in place of the protocol, in a conversation: what goes out, how it ends, and what is noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake.dialogue import Dialogue
from pop3s_fake.rules import RuleBook

if TYPE_CHECKING:
    from tests.protocol.conftest import Server

EVERY_WAY = pytest.mark.parametrize("way", ["whole", "octet", "tls", "tls-octet"], indirect=True)


def write(server: Server, *lines: str) -> None:
    """Let the next connection follow this."""
    server.dialogues.add(Dialogue(lines, where="test_sync.py:41"))


@EVERY_WAY
def test_the_next_connection_follows_it_and_the_one_behind_it_does_not(server: Server) -> None:
    """The last answer and the closure alert are the end of it."""
    write(server, "S: +OK odd", "C: USER *", "S: +OK", "C: PASS *", "S: +OK in", "C: QUIT", "S: +OK bye")
    client = server.connect()

    assert client.greeting == b"+OK odd\r\n"
    assert client.ask("USER nobody", "pass x y") == b"+OK\r\n+OK in\r\n"
    assert client.ask("QUIT") == b"+OK bye\r\n"
    assert (client.ended, client.log.ended, client.clean) == ("fin", "quit", client.way.tls)
    assert client.log.commands == ["USER nobody", "pass ****", "QUIT"]
    assert server.dialogues.judge() == []
    assert server.login().ask("STAT") == b"+OK 2 320\r\n"


@EVERY_WAY
def test_lines_of_the_servers_are_one_reply(server: Server) -> None:
    """In one piece, as they are written, also where no server would stuff dots in this way."""
    write(server, "S: +OK", "C: TOP 1 0", "S: +OK", "S: ..a", "S: .b", "S: .", "C: UIDL", "S: +OK", "S: 1 x", "C: *")
    client = server.connect()
    before = len(client.sent)

    assert client.ask("TOP 1 0") == b"+OK\r\n..a\r\n.b\r\n.\r\n"
    assert client.ask("UIDL") == b"+OK\r\n1 x\r\n"
    assert len(client.sent) == before + 2
    assert client.ask("quit") == b""
    assert (client.ended, client.log.ended) == ("fin", "quit")


@EVERY_WAY
def test_a_dialogue_may_be_a_greeting_and_nothing_else(server: Server) -> None:
    """A server that has no time."""
    write(server, "S: -ERR [SYS/TEMP] come again")
    client = server.connect()

    assert client.greeting == b"-ERR [SYS/TEMP] come again\r\n"
    assert (client.ended, client.log.ended, client.clean) == ("fin", "server", client.way.tls)
    assert server.dialogues.judge() == []


def test_the_client_may_have_several_lines_in_a_row(server: Server) -> None:
    """SASL, or commands that must come at once."""
    write(server, "S: +OK", "C: AUTH X", "C: *", "C: *", "S: -ERR no")
    client = server.connect()

    assert client.ask("AUTH X") == b""
    assert client.ask("one") == b""
    assert client.ask("*") == b"-ERR no\r\n"
    assert (client.ended, client.log.ended) == ("fin", "server")
    assert [entry.kind for entry in client.log.entries] == list("SCCCS")


@EVERY_WAY
def test_what_is_not_in_it_is_refused_and_ends_it(server: Server) -> None:
    """Cleanly; what the client sent behind it is not answered."""
    write(server, "S: +OK", "C: STAT", "S: +OK 0 0", "C: QUIT", "S: +OK")
    client = server.connect()

    assert client.ask("LIST", "STAT") == b"-ERR this is not in the dialogue\r\n"
    assert (client.ended, client.log.ended, client.clean) == ("fin", "server", client.way.tls)
    assert [str(problem) for problem in server.dialogues.judge()] == [
        (
            "dialogue (test_sync.py:41) was left at line 2\n"
            "  C: STAT was awaited; session 1 said LIST\n"
            "  -> let the client say what line 2 awaits, or write C: LIST there"
        )
    ]


def test_an_endless_line_is_not_in_it(server: Server) -> None:
    """Whatever it may have been; the client is at fault, too."""
    write(server, "S: +OK", "C: X *", "S: +OK")

    assert server.connect().ask(b"X" * 9000) == b"-ERR this is not in the dialogue\r\n"
    assert "session 1 said (a line of more than 8192 octets)" in str(server.dialogues.judge()[0])
    assert [str(complaint)[:10] for complaint in server.complaints] == ["C-2449-4.1"]


def test_a_dialogue_waits_for_a_client_that_has_shaken_hands(server: Server) -> None:
    """One that goes away before takes none."""
    server.way = server.way._replace(tls=True)
    write(server, "S: +OK odd", "C: QUIT")
    early = server.conversation()
    early.run()
    early.hang_up()

    assert server.connect().greeting == b"+OK odd\r\n"


def test_a_client_that_goes_away_or_sleeps_has_not_followed_it(server: Server) -> None:
    """The autologout timer runs as ever."""
    for _ in range(2):
        write(server, "S: +OK", "C: QUIT", "S: +OK")
    server.connect().hang_up()
    sleeper = server.connect()
    sleeper.wait(600)

    assert [session.ended for session in server.transcript.sessions] == ["eof", "autologout"]
    assert [str(problem).splitlines()[1] for problem in server.dialogues.judge()] == [
        f"  session {number} came to where line 2 awaits C: QUIT" for number in (1, 2)
    ]


@pytest.mark.parametrize(
    ("rule", "heard"),
    [
        ("greeting -> edit dup 1", b"++OK\r\n"),
        ('greeting!after -> send "x"', b"+OK\r\nx"),
        ('CAPA@body:1 -> send "x"', b"+OK\r\n+OK caps\r\n.x.TOP\r\n.\r\n"),
        ("CAPA -> edit unstuff", b"+OK\r\n+OK caps\r\n.TOP\r\n.\r\n"),
        ('NOOP!after -> send "x"', b"+OK\r\n+OK caps\r\n..TOP\r\n.\r\n+OK\r\nx"),
        ('* -> reply "-ERR"', b"+OK\r\n-ERR\r\n"),
    ],
)
def test_rules_strike_in_it(server: Server, rule: str, heard: bytes) -> None:
    """Its replies are replies: they can be counted into, stuffed or not, and replaced."""
    book = RuleBook(0, lambda: server.time)
    book.add(rule)
    write(server, "S: +OK", "C: CAPA", "S: +OK caps", "S: ..TOP", "S: .", "C: X", "C: NOOP", "S: +OK", "C: QUIT")
    server.rules = book
    client = server.connect()

    assert (client.greeting + client.ask("CAPA", "X", "NOOP")).startswith(heard)
    client.ask("QUIT")
    assert client.ended == "fin"
    assert book.unmet() == []
