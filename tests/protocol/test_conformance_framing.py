"""What RFC 1939 section 3 and RFC 2449 sections 3 and 4 ask of a server: lines, status, grammar, the timer.

Each test bears the paragraph that it tests in its name, and holds the very words; ``tests/conformance`` has all rows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.protocol.lines import LINE_LIMIT

if TYPE_CHECKING:
    from tests.protocol.conftest import Conversation, Server

STATUS_LINE = re.compile(rb"(\+OK|-ERR)( [\x20-\x7e]+)?\r\n")
RESPONSE_CODE = re.compile(rb"\[[\x21-\x2e\x30-\x5c\x5e-\x7e]+(/[\x21-\x2e\x30-\x5c\x5e-\x7e]+)*\]( |$)")

SINGLE_LINE = ("STAT", "LIST 1", "UIDL 2", "NOOP", "DELE 1", "DELE 1", "RSET", "RETR 9", "TOP 9 0", "LIST 9", "UIDL 9")
WRONG = ("XYZZY", "", "RETR", "RETR x", "STAT 1", "TOP 1", "LIST\t1", " NOOP", "NO", "NOOPS", "\x00", "\xff", "+OK")
MULTI_LINE = ("CAPA", "LIST", "UIDL", "RETR 1", "TOP 1 1")


def first_lines(server: Server) -> list[bytes]:
    """The first line of every kind of reply, the greeting included."""
    before, after = server.connect(), server.connect()
    lines = [before.greeting]
    login = ("APOP mrose " + 32 * "0", "USER mrose", "PASS wrong", "PASS x", "USER mrose", "PASS tanstaaf")
    lines += [before.ask(line) for line in ("CAPA", *WRONG, *SINGLE_LINE, *login, "USER mrose", "APOP a b", *WRONG)]
    lines += [after.ask(line) for line in ("USER mrose", "PASS tanstaaf")]  # the maildrop is in use
    lines += [before.ask(line) for line in (*SINGLE_LINE, *MULTI_LINE, "x" * 9000, "QUIT")]
    return [line.partition(b"\r\n")[0] + b"\r\n" for line in lines]


def test_1939_3_1_status_indicators_are_upper_case(server: Server) -> None:
    """RFC 1939 section 3: servers must send the +OK and -ERR in upper case."""
    assert all(line.startswith((b"+OK", b"-ERR")) for line in first_lines(server))


def test_1939_3_2_every_line_ends_in_crlf_and_holds_no_other_line_end(server: Server) -> None:
    """RFC 1939 section 3: all lines are terminated by CRLF; stored LF is sent as CRLF."""
    server.maildrop.add("Subject: unix\n\none\ntwo\n")
    client = server.login()
    said = client.ask("RETR 3", "LIST", "UIDL", "CAPA", "TOP 3 1", "STAT", "XYZZY")
    assert said.endswith(b"\r\n")
    assert not [line for line in said.split(b"\r\n") if b"\n" in line or b"\r" in line]


def test_1939_3_3_keywords_are_case_insensitive(server: Server) -> None:
    """RFC 1939 section 3."""
    client = server.connect()
    assert client.ask("uSeR mrose", "pass tanstaaf").count(b"+OK") == 2
    assert client.ask("noop", "NoOp", "NOOP", "stat", "List 1") == b"+OK\r\n" * 3 + b"+OK 2 320\r\n+OK 1 120\r\n"


def test_1939_3_4_one_space_parts_keyword_and_arguments(server: Server) -> None:
    """RFC 1939 section 3: a single SPACE; a tab, two spaces, a space before or behind are none."""
    client = server.login()
    assert client.ask("LIST 1") == b"+OK 1 120\r\n"
    assert client.refuses("LIST\t1", "LIST  1", "LIST 1 ", " LIST 1", "LIST ", "TOP 1  0", "NOOP ")


def test_1939_3_5_a_first_line_has_at_most_512_octets(server: Server) -> None:
    """RFC 1939 section 3, RFC 2449 section 4: whatever was asked, and the greeting, too."""
    client = server.login()
    assert client.refuses("RETR " + 240 * "9", 240 * "X", "TOP " + 240 * "1" + " 1", "LIST " + 4000 * "y")
    assert all(len(line) <= 512 for line in first_lines(server))


def test_1939_3_6_what_is_no_command_is_refused(server: Server) -> None:
    """RFC 1939 section 3: unrecognized, unimplemented or syntactically invalid commands get a negative status."""
    assert server.connect().refuses(*WRONG, "STLS", "AUTH", "AUTH NONE", "LAST", "UTF8", "LANG", "RPOP x", "XTND x")
    assert server.login().refuses(*WRONG, "STLS", "AUTH", "AUTH NONE", "LAST", "UTF8", "LANG", "RPOP x", "XTND x")


def test_1939_3_7_a_command_in_the_wrong_state_is_refused_and_changes_nothing(server: Server) -> None:
    """RFC 1939 section 3."""
    client = server.connect()
    assert client.refuses("STAT", "LIST", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 0", "UIDL", "LIST 1", "UIDL 1")
    assert client.ask("USER mrose", "PASS tanstaaf").count(b"+OK") == 2
    assert client.refuses("USER x", "PASS x", f"APOP a {32 * 'b'}", "STLS", "AUTH PLAIN", "USER mrose", "PASS tanstaaf")
    assert client.ask("STAT") == b"+OK 2 320\r\n"


def test_1939_3_8_a_multi_line_reply_ends_with_a_dot_alone(server: Server) -> None:
    """RFC 1939 section 3: status line, lines, terminator; and nothing before the next command."""
    client = server.login()
    assert client.ask("LIST") == b"+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"
    assert client.heard() == b""
    for command in MULTI_LINE:
        said = client.ask(command)
        assert said.endswith(b"\r\n.\r\n")
        assert said.count(b"\r\n.\r\n") == 1
        assert client.in_step()


def test_1939_3_9_a_line_that_begins_with_a_dot_gets_another(server: Server) -> None:
    """RFC 1939 section 3: byte-stuffing, also of a line that is just a dot, and in every multi-line reply."""
    server.maildrop.add_one(b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\nend\r\n", uid=".dots")
    client = server.login()
    stuffed = b"Subject: dots\r\n\r\n..\r\n...\r\n..x\r\n\r\nend\r\n"
    assert len(stuffed) == 38
    assert client.payload("RETR 3") == stuffed
    assert client.payload("TOP 3 2") == b"Subject: dots\r\n\r\n..\r\n...\r\n"
    assert client.payload("UIDL").endswith(b"\r\n3 .dots\r\n")


def test_1939_3_10_a_dot_within_a_line_stays_alone(server: Server) -> None:
    """RFC 1939 section 3: only the first octet of a line matters; the payload's first octet begins one."""
    server.maildrop.add(b".first\r\n\r\na.b\r\nc.\r\n", b"Subject: bare\r\n\r\na\n.b\r.c\r\n")
    client = server.login()
    assert client.payload("RETR 3") == b"..first\r\n\r\na.b\r\nc.\r\n"
    assert client.payload("TOP 3 0") == b"..first\r\n\r\n"
    assert client.payload("RETR 4") == b"Subject: bare\r\n\r\na\n.b\r.c\r\n"


def test_1939_3_11_a_refusal_is_one_line_also_where_the_answer_has_many(server: Server) -> None:
    """RFC 1939 section 3: a negative reply is never multi-line."""
    assert server.login().refuses("RETR 99", "TOP 99 1", "LIST 99", "UIDL 99", "CAPA x", "RETR", "TOP 1")


def test_1939_3_12_the_timer_is_not_shorter_than_ten_minutes(server: Server) -> None:
    """RFC 1939 section 3: in AUTHORIZATION and in TRANSACTION."""
    client = server.connect()
    client.wait(599.9)
    assert client.ask("USER mrose") == b"+OK name noted, now the password\r\n"
    client.wait(599.9)
    assert client.ask("PASS tanstaaf").startswith(b"+OK")
    client.wait(599.9)
    assert client.ask("NOOP") == b"+OK\r\n"


@pytest.mark.parametrize("line", ["NOOP", "XYZZY", "x" * 9000])
def test_1939_3_13_any_command_restarts_the_timer(server: Server, line: str) -> None:
    """RFC 1939 section 3: the receipt of any command resets the autologout timer, of a wrong one, too."""
    client = server.login()
    for _ in range(5):
        client.wait(540)
        assert client.ask(line).startswith((b"+OK", b"-ERR"))
    assert client.ended is None


def test_1939_3_14_expiry_closes_without_a_word_and_without_update(server: Server) -> None:
    """RFC 1939 section 3: no UPDATE, no response."""
    client = server.login()
    assert client.ask("DELE 1") == b"+OK message 1 deleted\r\n"
    assert client.wait(600) == b""
    assert client.ended == "fin"
    assert server.login().ask("STAT") == b"+OK 2 320\r\n"


def test_1939_3_15_the_server_speaks_first(server: Server) -> None:
    """RFC 1939 sections 3 and 4: the greeting needs no command."""
    client = server.connect()
    assert client.greeting.startswith(b"+OK ")
    assert client.log.commands == []


def test_1939_3_16_keywords_have_three_or_four_letters(server: Server) -> None:
    """RFC 1939 section 3: what only begins like a keyword, or is the beginning of one, is none."""
    assert server.login().refuses("NOOPS", "NO", "N", "NOOPNOOP", "STATS", "LISTS 1", "TO 1 0")


def split(client: Conversation, *pieces: bytes) -> list[bytes]:
    """What comes after each piece."""
    return [client.say(piece) for piece in pieces]


def test_1939_3_17_a_command_counts_from_its_crlf(server: Server) -> None:
    """RFC 1939 section 3: one command in many segments is one, many in one segment are many."""
    client = server.login()
    assert split(client, b"NO", b"OP\r", b"\n") == [b"", b"", b"+OK\r\n"]
    assert client.say(b"NOOP\r\nNOOP\r\nSTAT\r\nNO") == b"+OK\r\n+OK\r\n+OK 2 320\r\n"
    assert client.say(b"OP\r\n") == b"+OK\r\n"
    assert split(client, b"NOOP\n", b"NOOP\r", b"NOOP") == [b"", b"", b""]
    assert client.say(b"\r\n") == b"-ERR unknown command\r\n"


@pytest.mark.parametrize("octet", [b"\0", b"\1", b"\t", b"\n", b"\r", b"\x1b", b"\x7f", b"\x80", b"\xff"])
def test_2449_3_1_a_parameter_is_printable_ascii(server: Server, octet: bytes) -> None:
    """RFC 2449 section 3: controls, NUL, DEL and 8-bit octets are syntax errors."""
    client = server.connect()
    assert client.refuses(b"USER " + octet, b"USER mro" + octet + b"se")
    client.ask("USER mrose")
    malformed = b"-ERR a command is a keyword and printable arguments, parted by single spaces\r\n"
    assert client.ask(b"PASS tanstaaf" + octet) == malformed
    assert client.refuses(b"APOP mrose " + octet * 32)
    assert client.ask("USER mrose", "PASS tanstaaf").count(b"+OK") == 2
    assert client.refuses(b"LIST " + octet + b"1", b"RETR 1" + octet, b"TOP 1" + octet + b"0", b"NOOP" + octet)


def test_2449_3_2_nothing_but_space_or_crlf_follows_the_indicator(server: Server) -> None:
    """RFC 2449 section 3."""
    assert all(STATUS_LINE.fullmatch(line) for line in first_lines(server))


def test_2449_3_3_a_text_that_begins_with_a_bracket_is_a_response_code(server: Server) -> None:
    """RFC 2449 section 3: which RESP-CODES announces."""
    texts = [line[:-2].partition(b" ")[2] for line in first_lines(server)]
    codes = [text for text in texts if text.startswith(b"[")]
    assert len(codes) >= 2
    assert all(RESPONSE_CODE.match(text) for text in codes)


def test_2449_4_1_commands_of_255_octets_are_taken(server: Server) -> None:
    """RFC 2449 section 4: their CRLF counted."""
    client = server.connect()
    assert client.ask("USER " + 248 * "a") == b"+OK name noted, now the password\r\n"
    assert client.ask("PASS " + 248 * "a") == b"-ERR [AUTH] name or password is wrong\r\n"
    assert server.complaints == []


def test_2449_4_2_longer_ones_are_taken_too(server: Server) -> None:
    """RFC 2449 section 4: no capability asks for more, but up to 8 KiB a line is read as a command."""
    server.strict = False
    client = server.connect()
    for octets in (256, 1024, LINE_LIMIT):
        assert client.ask("USER " + (octets - 7) * "a") == b"+OK name noted, now the password\r\n"
        assert client.ask("PASS " + (octets - 7) * "a") == b"-ERR [AUTH] name or password is wrong\r\n"
    assert client.refuses("USER " + (LINE_LIMIT - 6) * "a")


def test_2449_4_3_the_tail_of_an_over_long_line_is_never_executed(server: Server) -> None:
    """RFC 2449 section 4: one refusal, then the next line is the next command."""
    server.strict = False
    client = server.login()
    assert client.say(b"NOOP" + 9000 * b" " + b"\r\nNOOP\r\n") == b"-ERR the line is too long\r\n+OK\r\n"
    assert client.say(b"x" * 9000) == b"-ERR the line is too long\r\n"
    assert client.say(b"NOOP\nNOOP\rNOOP" * 9000) == b""
    assert client.say(b"\r\nSTAT\r\n") == b"+OK 2 320\r\n"
