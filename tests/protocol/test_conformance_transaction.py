"""What RFC 1939 section 5 asks of a server in TRANSACTION: STAT, LIST, RETR, DELE, NOOP, RSET.

Each test bears the paragraph that it tests in its name, and holds the very words; ``tests/conformance`` has all rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.protocol.conftest import Server

M1_CONTENT = b"Subject: one\r\n\r\n" + b"x" * 102 + b"\r\n"

MISSING = b"-ERR no such message\r\n"
DELETED = b"-ERR the message is marked as deleted\r\n"


def test_1939_5_stat_1_the_drop_listing_is_count_and_octets(server: Server) -> None:
    """RFC 1939 section 5, STAT: single spaces, one line."""
    client = server.login()
    assert client.ask("STAT").split(b" ") == [b"+OK", b"2", b"320\r\n"]
    assert client.in_step()


def test_1939_5_stat_2_nothing_follows_the_octets(server: Server) -> None:
    """RFC 1939 section 5, STAT: strongly discouraged."""
    assert server.login().ask("STAT") == b"+OK 2 320\r\n"


def test_1939_5_stat_3_deleted_messages_do_not_count(server: Server) -> None:
    """RFC 1939 section 5, STAT: in neither number."""
    client = server.login()
    client.ask("DELE 1")
    assert client.ask("STAT") == b"+OK 1 200\r\n"
    client.ask("DELE 2")
    assert client.ask("STAT") == b"+OK 0 0\r\n"


def test_1939_5_list_1_there_is_a_scan_listing_for_each_message(server: Server) -> None:
    """RFC 1939 section 5, LIST."""
    assert server.login().ask("LIST") == b"+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"


def test_1939_5_list_2_with_a_number_it_is_one_line(server: Server) -> None:
    """RFC 1939 section 5, LIST."""
    client = server.login()
    assert client.ask("LIST 2") == b"+OK 2 200\r\n"
    assert client.in_step()


def test_1939_5_list_3_an_empty_maildrop_has_an_empty_listing(server: Server) -> None:
    """RFC 1939 section 5, LIST: +OK and the terminator."""
    for uid in server.maildrop.uids:
        server.maildrop.remove(uid)
    client = server.login()
    assert client.ask("LIST") == b"+OK 0 messages (0 octets)\r\n.\r\n"
    assert client.ask("UIDL") == b"+OK unique-id listing follows\r\n.\r\n"
    assert client.in_step()


def test_1939_5_list_4_an_unknown_or_deleted_number_is_refused(server: Server) -> None:
    """RFC 1939 section 5, LIST."""
    client = server.login()
    assert client.ask("LIST 3", "LIST 0", "DELE 2", "LIST 2") == MISSING * 2 + b"+OK message 2 deleted\r\n" + DELETED
    assert client.in_step()


def test_1939_5_list_5_deleted_messages_are_left_out_and_the_others_keep_their_numbers(server: Server) -> None:
    """RFC 1939 section 5, LIST."""
    client = server.login()
    client.ask("DELE 1")
    assert client.ask("LIST") == b"+OK 1 message (200 octets)\r\n2 200\r\n.\r\n"


def test_1939_5_list_6_the_size_is_what_retr_sends_without_the_stuffing(server: Server) -> None:
    """RFC 1939 sections 5 and 11: in octets, each line end counted as two."""
    contents: list[str | bytes] = [
        "Subject: x\n\nlast",
        "Subject: dots\n\n.\n..\n.x\n\nend\n",
        b"",
        b"\xff\0\r\n",
        "\u00e9\n",
    ]
    server.maildrop.add(*contents)
    client = server.login()
    sizes = [int(line.split(b" ")[1]) for line in client.payload("LIST").splitlines()]
    assert sizes == [120, 200, 20, 35, 0, 4, 4]
    for number, size in enumerate(sizes, 1):
        payload = client.payload(f"RETR {number}")
        lines = payload.split(b"\r\n")
        assert len(payload) - sum(line.startswith(b".") for line in lines) == size


def test_1939_5_list_7_nothing_follows_the_size(server: Server) -> None:
    """RFC 1939 section 5, LIST: in a listing of any length."""
    server.maildrop.add(*(f"Subject: {n}\n\n" for n in range(600)))
    scan = server.login().payload("LIST").splitlines()
    assert len(scan) == 602
    assert all(len(line.split(b" ")) == 2 and line.replace(b" ", b"").isdigit() for line in scan)


def test_1939_5_retr_1_the_whole_message_comes(server: Server) -> None:
    """RFC 1939 section 5, RETR: a status, the message, the terminator."""
    client = server.login()
    assert client.ask("RETR 1") == b"+OK 120 octets\r\n" + M1_CONTENT + b".\r\n"
    assert client.in_step()
    assert client.log.retrieved == ["whqtswO00WBw418f9t5JxYwZ"]


def test_1939_5_retr_2_a_number_is_needed_and_must_be_there(server: Server) -> None:
    """RFC 1939 section 5, RETR."""
    client = server.login()
    assert client.ask("RETR", "RETR 0", "RETR 3") == (
        b"-ERR RETR is not complete: RETR message-number\r\n" + MISSING * 2
    )
    assert client.ask("DELE 1", "RETR 1") == b"+OK message 1 deleted\r\n" + DELETED
    assert client.in_step()


def test_1939_5_retr_3_a_message_is_completed_with_crlf(server: Server) -> None:
    """RFC 1939 section 3: the terminator is a line of its own."""
    server.maildrop.add("Subject: x\n\nlast", b"Subject: x\r\n\r\nlast\n", b"Subject: x\r\n\r\nlast\r")
    client = server.login()
    assert client.ask("RETR 3") == b"+OK 20 octets\r\nSubject: x\r\n\r\nlast\r\n.\r\n"
    assert client.ask("RETR 4") == b"+OK 21 octets\r\nSubject: x\r\n\r\nlast\n\r\n.\r\n"
    assert client.ask("RETR 5") == b"+OK 21 octets\r\nSubject: x\r\n\r\nlast\r\r\n.\r\n"


def test_1939_5_retr_4_a_message_of_no_octets_has_no_payload_and_stays(server: Server) -> None:
    """RFC 1939 section 5, RETR: which marks nothing."""
    server.maildrop.add(b"")
    client = server.login()
    assert client.ask("RETR 3") == b"+OK 0 octets\r\n.\r\n"
    client.ask("RETR 1")
    assert client.ask("STAT") == b"+OK 3 320\r\n"


def test_1939_5_retr_5_it_gives_the_same_each_time(server: Server) -> None:
    """RFC 1939 section 5, RETR: also of a message that is made when it is read."""
    server.maildrop.add(".a\n.b\n")
    server.maildrop.generate(1, lambda n: f".{n}\n", octets=4)
    client = server.login()
    for number in (1, 3, 4):
        assert client.ask(f"RETR {number}") == client.ask(f"RETR {number}")
    assert client.payload("RETR 4") == b"..1\r\n"


def test_1939_5_dele_1_it_marks_and_removes_nothing_yet(server: Server) -> None:
    """RFC 1939 section 5, DELE."""
    client = server.login()
    assert client.ask("DELE 1") == b"+OK message 1 deleted\r\n"
    assert len(server.maildrop) == 2


def test_1939_5_dele_2_a_deleted_number_is_an_error_everywhere(server: Server) -> None:
    """RFC 1939 section 5, DELE: any future reference to the message-number, another DELE included."""
    client = server.login()
    client.ask("DELE 1")
    assert client.ask("LIST 1", "RETR 1", "DELE 1", "TOP 1 0", "UIDL 1") == DELETED * 5
    assert client.ask("STAT") == b"+OK 1 200\r\n"


def test_1939_5_dele_3_a_number_is_needed_and_must_be_there(server: Server) -> None:
    """RFC 1939 section 5, DELE."""
    client = server.login()
    assert client.refuses("DELE", "DELE 0", "DELE 99", "DELE x", "DELE 1x")
    assert client.ask("STAT") == b"+OK 2 320\r\n"


def test_1939_5_noop_1_it_does_nothing(server: Server) -> None:
    """RFC 1939 section 5, NOOP."""
    client = server.login()
    assert client.ask("DELE 2", "NOOP", "STAT") == b"+OK message 2 deleted\r\n+OK\r\n+OK 1 120\r\n"


def test_1939_5_rset_1_it_takes_back_every_mark(server: Server) -> None:
    """RFC 1939 section 5, RSET: +OK also where nothing is marked."""
    client = server.login()
    reset = b"+OK maildrop has 2 messages (320 octets)\r\n"
    assert client.ask("RSET") == reset
    client.ask("DELE 1", "DELE 2")
    assert client.ask("RSET", "STAT") == reset + b"+OK 2 320\r\n"
    assert client.payload("RETR 1") == M1_CONTENT
    assert client.ask("QUIT") == b"+OK signing off\r\n"
    assert len(server.maildrop) == 2


@pytest.mark.parametrize(
    "number", ["-1", "+1", "1a", "1.0", "0x1", "99999999999999999999", 240 * "1", "0", "00", "1_0", "'1'"]
)
def test_1939_5_arg_1_a_number_is_decimal_digits_in_range(server: Server, number: str) -> None:
    """RFC 1939 section 5: message-numbers begin at 1."""
    client = server.login()
    assert client.refuses(*(f"{command} {number}" for command in ("RETR", "LIST", "DELE", "UIDL")), f"TOP {number} 0")
    assert client.ask("STAT") == b"+OK 2 320\r\n"


def test_1939_5_arg_1_leading_zeros_are_digits(server: Server) -> None:
    """RFC 1939 does not exclude them; the reply shows the number as it is."""
    assert server.login().ask("LIST 01", "UIDL 002", "TOP 001 00") == (
        b"+OK 1 120\r\n+OK 2 QhdPYR:00WBw1Ph7x7\r\n+OK top of message follows\r\nSubject: one\r\n\r\n.\r\n"
    )


def test_1939_5_arg_2_further_arguments_are_an_error(server: Server) -> None:
    """RFC 1939 section 3: a refused QUIT does not end the session, a refused RSET takes back no mark."""
    client = server.login()
    client.ask("DELE 2")
    assert client.refuses("RETR 1 2", "DELE 1 2", "LIST 1 2", "UIDL 1 2", "TOP 1 2 3", "NOOP x", "RSET x", "STAT x")
    assert client.refuses("QUIT x", "QUIT ")
    assert client.ended is None
    assert client.ask("STAT") == b"+OK 1 120\r\n"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("RETR", "-ERR RETR is not complete: RETR message-number"),
        ("RETR two", "-ERR RETR takes a message-number, not that: RETR message-number"),
        ("RETR 1 2", "-ERR RETR takes fewer arguments: RETR message-number"),
        ("RETR  1", "-ERR a command is a keyword and printable arguments, parted by single spaces"),
        ("LIST x", "-ERR LIST takes a message-number, not that: LIST or LIST message-number"),
        ("TOP 1", "-ERR TOP is not complete: TOP message-number lines"),
        ("TOP 1 -1", "-ERR TOP takes a number of lines, not that: TOP message-number lines"),
        ("NOOP x", "-ERR NOOP takes no argument: NOOP"),
        ("noop x", "-ERR NOOP takes no argument: NOOP"),
        ("USER mrose", "-ERR USER is legal in AUTHORIZATION, this is TRANSACTION"),
        ("APOP mrose x", "-ERR APOP is legal in AUTHORIZATION, this is TRANSACTION"),
        ("XYZZY", "-ERR unknown command"),
        ("RETR 3", "-ERR no such message"),
    ],
)
def test_a_refusal_says_what_would_be_right(server: Server, line: str, reply: str) -> None:
    """People read them, in the client's log."""
    assert server.login().ask(line) == f"{reply}\r\n".encode()
