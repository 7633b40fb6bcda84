"""Odd places of real conversations under rules: before TLS, behind the end, and what the transcript may not show."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, Pop3sServer
from pop3s_fake.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conversations.conftest import Over, Pure, Wire


def happenings(server: Pure) -> list[str]:
    """What the transcript of the first session tells besides lines."""
    return [entry.text for entry in server.transcript.sessions[0].entries if entry.kind == "-"]


def test_idleness_counts_from_the_greeting_however_late_that_came(pure: Callable[..., Pure], over: Over) -> None:
    """RFC 1939 section 3: ten minutes of the client's own, not of a rule's."""
    server = pure("greeting -> wait 700", **over)
    talk = server.talk()
    assert talk.ended is None
    assert talk.say("NOOP")[:1] == [700.0]
    assert talk.idle() == []
    assert talk.log.ended == "autologout"
    assert server.time == 1300.0


def test_idleness_counts_from_the_end_of_a_wait(pure: Callable[..., Pure]) -> None:
    """A reply that came after eleven minutes is followed by ten more."""
    server = pure("STAT -> wait 660")
    talk = server.talk().login()
    assert talk.say("STAT") == [660.0, b"+OK 2 232\r\n"]
    assert talk.ended is None
    assert talk.idle() == []
    assert talk.ended == "fin"
    assert server.time == 1260.0


def test_a_connection_is_closed_once(pure: Callable[..., Pure], over: Over) -> None:
    """Also where the client goes, or the server fails, in the middle of what a rule does there."""
    for ask in ("QUIT", "hang_up"):
        server = pure("close -> wait forever", **over)
        talk = server.talk().login()
        steps = talk.say("QUIT") if ask == "QUIT" else talk.hang_up()
        assert steps[-1:] == [None]
        assert talk.hang_up() == []
        assert (server.rules[0].hits, talk.ended) == (1, "fin")


def test_the_answer_to_quit_is_in_the_transcript_before_what_a_rule_does_at_the_close(
    pure: Callable[..., Pure],
) -> None:
    """Also where the rule ends the connection, so that nothing comes behind it."""
    for rule, ended in (("close -> wait 1", "quit"), ("close -> end rst", "server")):
        server = pure(rule)
        talk = server.talk().login()
        talk.say("QUIT")
        texts = [entry.text for entry in talk.log.entries]
        assert texts[texts.index("QUIT") :][:3] == ["QUIT", "+OK signing off", f"rule {rule} struck at octet 0"]
        assert texts.count("+OK signing off") == 1
        assert talk.log.ended == ended


def test_losers_are_named_wherever_they_lose(pure: Callable[..., Pure]) -> None:
    """At accept, at the greeting, at a command, at the close; once each time."""
    points = ("accept", "greeting", "NOOP", "NOOP!after", "close")
    server = pure(*[f"{point} -> wait {seconds}" for seconds in (1, 2) for point in points])
    talk = server.talk()
    talk.login().say("NOOP", "QUIT")
    assert [text for text in happenings(server) if "gave way" in text] == [
        f"rule {point} -> wait 1 gave way to {point} -> wait 2" for point in points
    ]
    assert [rule.hits for rule in server.rules] == [0] * 5 + [1] * 5
    assert server.time == 10.0


@pytest.mark.parametrize(
    "rule",
    [
        "PASS(not-a-secret) -> wait 1",
        'PASS -> reply "-ERR not-a-secret is wrong"',
        'PASS!before -> reply "-ERR not-a-secret is wrong"',
        'greeting -> send "not-a-secret"',
        'PASS -> wait 1, reply "+OK\\r\\nnot-a-secret\\r\\n.\\r\\n"',
    ],
)
def test_a_password_in_a_rule_is_masked_where_the_transcript_tells_of_it(pure: Callable[..., Pure], rule: str) -> None:
    """A server may say a password back, as some do; the transcript may be shown to anybody."""
    server = pure(rule)
    talk = server.talk()
    talk.say("USER ann", "PASS not-a-secret")
    assert server.rules[0].hits == 1
    assert "not-a-secret" not in server.transcript.render()
    assert f"rule {rule.replace('not-a-secret', '****')} struck at octet 0" in happenings(server)


def test_a_short_password_is_not_looked_for_in_rules(pure: Callable[..., Pure]) -> None:
    """It would be found in half of all texts."""
    server = pure("STAT -> wait 1")
    server.accounts.add(Account("bob", "1"))
    server.talk().login().say("STAT")
    assert happenings(server) == ["rule STAT -> wait 1 struck at octet 0"]


def test_odd_octets_in_a_rule_are_shown_escaped(pure: Callable[..., Pure]) -> None:
    """In the rule's text and in what it made the server say."""
    server = pure('NOOP -> reply "-ERR \\x1b]0;hi\\x07 \\xc3\\xa4"')
    talk = server.talk().login()
    assert talk.ask("NOOP") == b"-ERR \x1b]0;hi\x07 \xc3\xa4\r\n"
    assert [entry.text for entry in talk.log.entries][-2:] == [
        'rule NOOP -> reply "-ERR \\x1b]0;hi\\x07 \\xc3\\xa4" struck at octet 0',
        "-ERR \\x1b]0;hi\\x07 \\xc3\\xa4",
    ]


# before TLS


def half_a_handshake(server: Pop3sServer) -> bytes:
    """A ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = server.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("action", ['send "late"', 'flood "late" octets=8', "end half-close", "end clean", "wait 0.01"])
@pytest.mark.parametrize("before", ["nothing", "half a hello", "a hello", "no tls", "an alert"])
def test_at_the_close_nothing_is_said_in_clear(before: str, action: str, wire: Callable[[Pop3sServer], Wire]) -> None:
    """A client that leaves before TLS is up hears no POP3; and that is no failure of the server."""
    with Pop3sServer() as server:
        rule = server.rules.add(f"close -> {action}")
        hello = half_a_handshake(server)
        said = {"nothing": b"", "half a hello": hello[:20], "a hello": hello, "no tls": b"QUIT\r\n"}
        heard = b""
        if before == "an alert":
            client = wire(server)
            client._tls = ssl.create_default_context().wrap_bio(client._in, client._out, server_hostname="localhost")
            with pytest.raises(ssl.SSLCertVerificationError):
                client.shake()
            client.close()
        else:
            with socket.create_connection((server.address, server.port), timeout=30) as sock:
                sock.sendall(said[before])
                sock.shutdown(socket.SHUT_WR)
                while octets := sock.recv(4096):
                    heard += octets
        assert b"late" not in heard
        assert heard[:1] == {"a hello": b"\x16", "no tls": b"\x15"}.get(before, b"")
        server.settle()
        assert rule.hits == (0 if before == "no tls" else 1)
        rule.optional()


def test_behind_a_broken_record_nothing_is_said(wire: Callable[[Pop3sServer], Wire]) -> None:
    """OpenSSL's alert is all that can come."""
    with Pop3sServer() as server:
        server.rules.add('close -> send "late"').optional()
        client = wire(server).login()
        client.sock.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
            client.rest()
        assert server.transcript.last_session.ended == "server"


# what a test's own function does


def test_what_a_function_raises_comes_out_with_a_note(wire: Callable[[Pop3sServer], Wire]) -> None:
    """The session is reset, and the very exception is the verdict."""
    error = ValueError("mine")

    def failing(_: object) -> None:
        raise error

    server = Pop3sServer().start()
    server.on("NOOP").call(failing)
    client = wire(server).login()
    client.send("NOOP")
    assert client.rest() == (b"", "rst")
    with pytest.raises(ValueError, match="mine") as caught:
        server.check()
    assert caught.value is error
    assert error.__notes__ == ["in the server, while answering NOOP in session 1"]
    assert server.transcript.last_session.ended == "server"
    server.stop()


def failing_content(_: int) -> Iterator[bytes]:
    """A message that is fetched from elsewhere."""
    yield b"Subject: elsewhere\r\n"
    raise ssl.SSLEOFError(8, "EOF occurred in violation of protocol")


def failing(_: object) -> bytes:
    """A function with a connection of its own."""
    raise ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")


@pytest.mark.parametrize(
    "rule",
    [
        Rule("RETR").call(failing),
        Rule("RETR!before").call(failing),
        Rule("RETR").edit(failing),
        Rule("RETR").reply(failing),
        Rule("RETR").wait(0),
        None,
    ],
    ids=str,
)
def test_a_functions_own_failure_of_tls_is_none_of_this_connection(
    rule: Rule | None, pure: Callable[..., Pure]
) -> None:
    """A rule may let another client in: what happens to that one comes out, and does not end this one as if it had."""
    server = pure(*[] if rule is None else [rule.copy()], tls=True)
    server.account.maildrop.generate(1, failing_content, octets=100)
    talk = server.talk().login()
    with pytest.raises(ssl.SSLError):
        talk.say("RETR 3")
    assert talk.log.ended is None


def test_a_wait_may_be_longer_than_the_kernel_counts(wire: Callable[[Pop3sServer], Wire]) -> None:
    """A poll takes its milliseconds as a C int; a server without a deadline would fail otherwise."""
    with Pop3sServer(deadline=None) as server:
        server.on("NOOP").wait(1e9)
        client = wire(server).login()
        client.send("NOOP")
        server.wait_for("NOOP", 30)
        server.settle()
        assert server.judge() == []
        client.close()


def test_a_function_may_ask_the_server_and_change_it(wire: Callable[[Pop3sServer], Wire]) -> None:
    """In the server's own thread: reading the transcript there waits for nothing."""
    with Pop3sServer() as server:
        seen = []

        def change(session: object) -> None:
            seen.append((session is server.transcript.last_session, server.transcript.commands[-1]))
            server.maildrop.add("Subject: one\n\n")
            server.on("STAT").reply("+OK 9 9")

        server.on("NOOP").call(change)
        client = wire(server).login()
        assert client.ask("NOOP") == b"+OK\r\n"
        assert client.ask("STAT") == b"+OK 9 9\r\n"
        assert seen == [(True, "NOOP")]


def test_a_message_that_is_not_there_cannot_be_removed(wire: Callable[[Pop3sServer], Wire]) -> None:
    """Nobody could know at the call; it is the test's mistake all the same."""
    server = Pop3sServer().start()
    server.on("NOOP").mail(remove="uid-9")
    client = wire(server).login()
    client.send("NOOP")
    assert client.rest() == (b"", "rst")
    with pytest.raises(ValueError, match="no message with unique-id 'uid-9'"):
        server.check()
    server.stop()
