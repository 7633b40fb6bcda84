"""Lines, status, grammar, the timer: RFC 1939 section 3, RFC 2449 sections 3 and 4."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.conformance.rows import row
from tests.conformance.talk import M1, M2, Ended

if TYPE_CHECKING:
    from tests.conformance.talk import Server, Talk

STATUS_LINE = re.compile(rb"(\+OK|-ERR)( [^\r\n]*)?\r\n")
RESPONSE_CODE = re.compile(rb"\[[\x21-\x2e\x30-\x5c\x5e-\x7e]+(/[\x21-\x2e\x30-\x5c\x5e-\x7e]+)*\]( |$)")

DOTS = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\nend\r\n"
"""A message of 35 octets that is sent as 38."""
STUFFED = b"Subject: dots\r\n\r\n..\r\n...\r\n..x\r\n\r\nend\r\n"

SINGLE_LINE = ("STAT", "LIST 1", "UIDL 2", "NOOP", "DELE 1", "DELE 1", "RSET", "RETR 9", "TOP 9 0", "LIST 9", "UIDL 9")
WRONG = ("XYZZY", "", "RETR", "RETR x", "STAT 1", "TOP 1", "LIST\t1", " NOOP", "NO", "NOOPS", "\x00", "\xff", "+OK")
MULTI_LINE = ("CAPA", "LIST", "UIDL", "RETR 1", "TOP 1 1")


def first_lines(server: Server) -> list[bytes]:
    """The first line of every kind of reply, the greeting included."""
    client = server.connect()
    lines = [client.greeting]
    for command in ("CAPA", "APOP mrose " + 32 * "0", f"USER {server.user}", "PASS wrong", "AUTH", "UTF8", *WRONG):
        client, reply = client.surely(command)
        lines.append(reply.line + b"\r\n")
    client = server.login()
    for command in (*SINGLE_LINE, *MULTI_LINE, *WRONG, "USER x", "PASS x", "LANG", "QUIT"):
        client, reply = client.surely(command)
        lines.append(reply.line + b"\r\n")
    return lines


@row("1939-3.1")
def status_indicators_are_upper_case(talk: Talk) -> None:
    """Of every kind of reply."""
    assert all(line.startswith((b"+OK", b"-ERR")) for line in first_lines(talk.server()))


@row("1939-3.2")
def every_line_ends_in_crlf_and_holds_no_other_line_end(talk: Talk) -> None:
    """Also of mail that is stored with LF."""
    client = talk.server(mail=[M1, "Subject: unix\n\none\ntwo\n"]).login()
    for command in ("RETR 2", "TOP 2 1", "LIST", "UIDL", "CAPA", "STAT", "LIST 1", "UIDL 1", "XYZZY"):
        reply = client.ask(command)
        for line in (reply.line, *(reply.payload or b"").split(b"\r\n")):
            assert b"\n" not in line
            assert b"\r" not in line


@row("1939-3.3")
def keywords_are_case_insensitive(talk: Talk) -> None:
    """Before and after the login."""
    server = talk.server()
    client = server.connect()
    assert client.ok(f"uSeR {server.user}", f"pass {server.password}", "noop", "NoOp", "NOOP", "stat", "List 1")


@row("1939-3.4")
def one_space_parts_keyword_and_arguments(talk: Talk) -> None:
    """A tab is none, nor are two spaces, one before or one behind."""
    client = talk.server().login()
    assert client.ask("LIST 1").data == b"1 120"
    assert client.refuses("LIST\t1")
    assert client.refuses("LIST  1", "LIST 1 ", " LIST 1", "LIST ", "TOP 1  0", "NOOP ")


@row("1939-3.5")
def a_first_line_has_at_most_512_octets(talk: Talk) -> None:
    """Whatever was asked."""
    server = talk.server()
    assert server.login().refuses("RETR " + 240 * "9", 240 * "X", "TOP " + 240 * "1" + " 1", "LIST " + 240 * "y")
    assert all(len(line) <= 512 for line in first_lines(server))


@row("1939-3.6")
def what_is_no_command_is_refused(talk: Talk) -> None:
    """In both states; after it all is in step."""
    server = talk.server()
    assert server.connect().refuses("XYZZY", "", "RPOP x", "+OK", "NO")
    assert server.login().refuses("XYZZY", "", "RETR", "RPOP x", "XTND x", "TOP 1", "DELE")
    assert server.login().refuses(*WRONG)


@row("1939-3.7")
def a_command_in_the_wrong_state_is_refused_and_changes_nothing(talk: Talk) -> None:
    """RETR before the login, USER after it."""
    server = talk.server()
    early = ("STAT", "LIST", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 0", "UIDL", "LIST 1", "UIDL 1")
    assert server.connect().refuses(*early)
    client = server.login()
    assert client.refuses(f"USER {server.user}", f"PASS {server.password}", f"APOP a {32 * 'b'}", "STLS", "AUTH PLAIN")
    assert client.stat() == server.stat


@row("1939-3.8")
def a_multi_line_reply_ends_with_a_dot_alone(talk: Talk) -> None:
    """And nothing comes before the next command."""
    client = talk.server().login()
    assert client.ask("LIST").lines == [b"1 120", b"2 200"]
    for command in MULTI_LINE:
        assert client.ask(command).payload is not None
        assert client.pending() == b""
        assert client.in_step()


@row("1939-3.9")
def a_line_that_begins_with_a_dot_gets_another(talk: Talk) -> None:
    """Also one that is a dot and nothing else."""
    client = talk.server(mail=[M1, DOTS]).login()
    assert client.ask("RETR 2").payload == STUFFED
    assert client.ask("TOP 2 2").payload == b"Subject: dots\r\n\r\n..\r\n...\r\n"


@row("1939-3.10")
def a_dot_within_a_line_stays_alone(talk: Talk) -> None:
    """The first octet of the payload begins a line."""
    client = talk.server(mail=[b".first: x\r\n\r\na.b\r\nc.\r\n", M2]).login()
    assert client.ask("RETR 1").payload == b"..first: x\r\n\r\na.b\r\nc.\r\n"
    assert client.ask("TOP 1 0").payload == b"..first: x\r\n\r\n"


@row("1939-3.11")
def a_refusal_is_one_line_also_where_the_answer_has_many(talk: Talk) -> None:
    """No terminator follows."""
    assert talk.server().login().refuses("RETR 99", "TOP 99 1", "LIST 99", "UIDL 99", "RETR", "TOP 1")


@row("1939-3.12")
def the_timer_is_not_shorter_than_ten_minutes(talk: Talk) -> None:
    """In AUTHORIZATION and in TRANSACTION."""
    server = talk.server()
    client = server.connect()
    for command in (f"USER {server.user}", f"PASS {server.password}", "NOOP"):
        server.passes(599.9)
        assert not client.has_ended()
        assert client.ok(command)


@row("1939-3.13")
def any_command_restarts_the_timer(talk: Talk) -> None:
    """Also one that is refused."""
    server = talk.server()
    client = server.login()
    for command in ("NOOP", "XYZZY", "x" * 300, "NOOP"):
        server.passes(540)
        assert not client.has_ended()
        client.ask(command)


@row("1939-3.14")
def expiry_closes_without_a_word_and_without_update(talk: Talk) -> None:
    """What was marked is still there."""
    server = talk.server()
    client = server.login()
    assert client.ok("DELE 1")
    server.passes(601)
    assert client.ends()
    assert server.login().stat() == server.stat


@row("1939-3.15")
def the_server_speaks_first(talk: Talk) -> None:
    """The greeting needs no command."""
    assert talk.server().connect().greeting.startswith(b"+OK")


@row("1939-3.16")
def keywords_have_three_or_four_letters(talk: Talk) -> None:
    """What only begins like one is none."""
    assert talk.server().login().refuses("NOOPS", "NO", "N", "NOOPNOOP", "STATS", "LISTS 1", "TO 1 0")


@row("1939-3.17")
def a_command_counts_from_its_crlf(talk: Talk) -> None:
    """One in many segments is one, many in one are many."""
    client = talk.server().login()
    for piece in (b"NO", b"OP\r"):
        client.send(piece)
        assert client.pending() == b""
    client.send(b"\n")
    assert client.reply().ok
    client.send(b"NOOP\r\nSTAT\r\nNO")
    assert client.reply().ok
    assert client.reply().data == b"2 320"
    assert client.pending() == b""
    client.send(b"OP\r\n")
    assert client.reply().ok
    client.send(b"NOOP\rNOOP\r\n")
    assert client.reply().err


@row("2449-3.1")
def a_parameter_is_printable_ascii(talk: Talk) -> None:
    """Controls, NUL, DEL and 8-bit octets are syntax errors."""
    client = talk.server().login()
    for octet in (b"\0", b"\1", b"\t", b"\r", b"\x1b", b"\x7f", b"\x80", b"\xff"):
        assert client.refuses(b"LIST " + octet + b"1", b"RETR 1" + octet, b"TOP 1" + octet + b"0"), octet


@row("2449-3.2")
def nothing_but_space_or_crlf_follows_the_indicator(talk: Talk) -> None:
    """Of every kind of reply."""
    lines = first_lines(talk.server())
    assert [line for line in lines if not STATUS_LINE.fullmatch(line)] == []


@row("2449-3.3")
def a_text_that_begins_with_a_bracket_is_a_response_code(talk: Talk) -> None:
    """Where RESP-CODES is announced; else there is none."""
    server = talk.server()
    codes = [text for line in first_lines(server) if (text := line[:-2].partition(b" ")[2]).startswith(b"[")]
    assert codes
    assert all(RESPONSE_CODE.match(text) for text in codes)
    assert "RESP-CODES" in server.connect().capabilities()


@row("2449-4.1")
def commands_of_255_octets_are_taken(talk: Talk) -> None:
    """Their CRLF counted: what is refused is the user."""
    client = talk.server().connect()
    assert client.ok("USER " + 248 * "a")
    assert client.ask("PASS " + 248 * "b").code in {"AUTH", None}


@row("2449-4.2")
def longer_ones_are_taken_too(talk: Talk) -> None:
    """No capability here asks for more, and more is taken."""
    client = talk.server().connect()
    assert client.ok("USER " + 1017 * "a")
    assert client.ask("PASS " + 1017 * "b").code in {"AUTH", None}


@row("2449-4.3")
def the_tail_of_an_over_long_line_is_never_executed(talk: Talk) -> None:
    """One refusal, then the next line is the next command; or the connection is closed."""
    client = talk.server().login()
    client.send(b"NOOP" + 9000 * b" " + b"\r\nSTAT\r\n")
    try:
        assert client.reply().err
        reply = client.reply()
    except Ended:
        return
    assert reply.data == b"2 320"
    assert client.in_step()
