"""What RFC 1939 sections 7 and 11 ask of a server that has TOP and UIDL, and of the mail that it sends.

Each test bears the paragraph that it tests in its name, and holds the very words; ``tests/conformance`` has all rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop import Maildrop

if TYPE_CHECKING:
    from tests.protocol.conftest import Server

M1, M2 = "whqtswO00WBw418f9t5JxYwZ", "QhdPYR:00WBw1Ph7x7"

DOTS = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\nend\r\n"


@pytest.fixture
def dots(server: Server) -> Server:
    """The server with a third message, which is made of dots."""
    server.maildrop.add(DOTS)
    return server


def test_1939_7_top_1_header_blank_line_and_the_first_lines_come(dots: Server) -> None:
    """RFC 1939 section 7, TOP: byte-stuffed."""
    client = dots.login()
    assert client.ask("TOP 3 2") == b"+OK top of message follows\r\nSubject: dots\r\n\r\n..\r\n...\r\n.\r\n"
    assert client.payload("TOP 3 4") == b"Subject: dots\r\n\r\n..\r\n...\r\n..x\r\n\r\n"
    assert client.in_step()


@pytest.mark.parametrize("lines", ["5", "6", "9999", "999999999999999999999999"])
def test_1939_7_top_2_more_lines_than_there_are_is_the_whole_message(dots: Server, lines: str) -> None:
    """RFC 1939 section 7, TOP."""
    client = dots.login()
    for number in (1, 2, 3):
        assert client.payload(f"TOP {number} {lines}") == client.payload(f"RETR {number}")


def test_1939_7_top_3_no_lines_is_the_header_and_the_blank_line(dots: Server) -> None:
    """RFC 1939 section 7, TOP: the number is non-negative."""
    assert dots.login().payload("TOP 3 0") == b"Subject: dots\r\n\r\n"


def test_1939_7_top_4_both_arguments_are_needed(dots: Server) -> None:
    """RFC 1939 section 7, TOP."""
    assert dots.login().refuses("TOP", "TOP 1", "TOP 1 ", "TOP 1 -1", "TOP 1 x", "TOP 1 2 3", "TOP 1 +1", "TOP x 1")


def test_1939_7_top_5_the_message_must_be_there(dots: Server) -> None:
    """RFC 1939 section 7, TOP."""
    client = dots.login()
    assert client.refuses("TOP 100 3", "TOP 0 3")
    client.ask("DELE 1")
    assert client.ask("TOP 1 0") == b"-ERR the message is marked as deleted\r\n"


def test_1939_7_uidl_1_there_is_a_unique_id_for_each_message(server: Server) -> None:
    """RFC 1939 section 7, UIDL: and nothing behind it."""
    said = server.login().ask("UIDL")
    assert said == f"+OK unique-id listing follows\r\n1 {M1}\r\n2 {M2}\r\n.\r\n".encode()


def test_1939_7_uidl_2_with_a_number_it_is_one_line(server: Server) -> None:
    """RFC 1939 section 7, UIDL."""
    client = server.login()
    assert client.ask("UIDL 2") == f"+OK 2 {M2}\r\n".encode()
    assert client.in_step()


def test_1939_7_uidl_3_a_unique_id_has_1_to_70_printable_octets(server: Server) -> None:
    """RFC 1939 section 7, UIDL: each from 0x21 to 0x7E; no other can be had."""
    longest = "".join(map(chr, range(0x21, 0x7F)))[:70]
    server.maildrop.add_one("Subject: long\n\n", uid=longest)
    server.maildrop.add(*(f"Subject: {n}\n\n" for n in range(100)))
    uids = [line.split(b" ") for line in server.login().payload("UIDL").splitlines()]
    assert uids[2] == [b"3", longest.encode()]
    assert all(len(line) == 2 and 1 <= len(line[1]) <= 70 for line in uids)
    for wrong in ("", "a b", 71 * "x", "\x7f", "\u00e9"):
        with pytest.raises(UsageError):
            server.maildrop.add_one("Subject: x\n\n", uid=wrong)


def test_1939_7_uidl_4_unique_ids_persist_across_sessions(server: Server) -> None:
    """RFC 1939 section 7, UIDL: also where a session did not end in UPDATE."""
    server.maildrop.add("Subject: three\n\n", "Subject: four\n\n")
    client = server.login()
    before = client.payload("UIDL")
    client.ask("DELE 1")
    client.reset()
    assert server.login().payload("UIDL") == before


def test_1939_7_uidl_5_a_unique_id_is_never_used_again(server: Server) -> None:
    """RFC 1939 section 7, UIDL: not even for the same octets."""
    [gone] = server.maildrop.add("Subject: again\n\n")
    assert server.login().ask("DELE 3", "QUIT").endswith(b"+OK signing off\r\n")
    [back] = server.maildrop.add("Subject: again\n\n")
    assert server.uids() == [M1, M2, back.uid]
    assert back.uid != gone.uid


def test_1939_7_uidl_6_deleted_messages_are_left_out_and_the_others_keep_their_numbers(server: Server) -> None:
    """RFC 1939 section 7, UIDL."""
    client = server.login()
    assert client.refuses("UIDL 3")
    client.ask("DELE 1")
    assert client.payload("UIDL") == f"2 {M2}\r\n".encode()
    assert client.ask("UIDL 1") == b"-ERR the message is marked as deleted\r\n"


def test_1939_7_uidl_7_copies_have_unique_ids_of_their_own(server: Server) -> None:
    """RFC 1939 section 7, UIDL: they may share one, but need not."""
    server.maildrop.add("Subject: copy\n\n", "Subject: copy\n\n")
    assert len(set(server.uids())) == 4


def test_1939_11_1_sizes_count_two_octets_a_line_end_and_no_stuffing(dots: Server) -> None:
    """RFC 1939 section 11."""
    dots.maildrop.add("Subject: x\n\nlast")
    client = dots.login()
    assert client.ask("LIST 3", "LIST 4", "STAT") == b"+OK 3 35\r\n+OK 4 20\r\n+OK 4 375\r\n"
    assert client.ask("RETR 3").startswith(b"+OK 35 octets\r\n")


def test_1939_11_2_lines_of_any_length_come_unbroken(server: Server) -> None:
    """RFC 5322 section 2.1.1 limits a line to 998 octets, POP3 does not."""
    content = b"Subject: long\r\n\r\n" + b"x" * 300_000 + b"\r\n"
    server.maildrop.add(content)
    client = server.login()
    assert client.payload("RETR 3") == content
    assert client.payload("TOP 3 1") == content


def test_1939_11_3_content_is_not_transformed(server: Server) -> None:
    """RFC 1939 section 11: NUL, 8-bit octets, bare CR and bare LF pass as they are."""
    octets = bytes(range(256)).replace(b"\n", b"").replace(b"\r", b"")
    bare = b"Subject: bare\r\n\r\na\rb\nc\r\r\n\n\r\n"
    server.maildrop.add(b"Subject: all\r\n\r\n" + octets + b"\r\n", bare)
    client = server.login()
    assert client.payload("RETR 3") == b"Subject: all\r\n\r\n" + octets + b"\r\n"
    assert client.payload("RETR 4") == bare


def test_1939_11_4_a_message_without_a_blank_line_is_all_header(server: Server) -> None:
    """RFC 1939 section 7, TOP: sent as it is."""
    server.maildrop.add(b"Subject: h\r\n", b"", b"\r\n", b"\r\nbody\r\nmore\r\n")
    client = server.login()
    assert client.ask("TOP 3 5") == b"+OK top of message follows\r\nSubject: h\r\n.\r\n"
    assert client.payload("TOP 4 5") == b""
    assert client.payload("TOP 5 5") == b"\r\n"
    assert client.payload("TOP 6 1") == b"\r\nbody\r\n"


@pytest.mark.parametrize("messages", [64, 65, 255, 256, 257, 600])
def test_listings_of_any_length_are_whole(server: Server, messages: int) -> None:
    """Short ones are one piece, long ones are made while they are sent."""
    server.account.script(Maildrop())
    server.account.maildrop.generate(messages, lambda n: b"x" * n + b"\r\n", octets=lambda n: n + 2)
    client = server.login()
    scan = b"".join(b"%d %d\r\n" % (n, n + 2) for n in range(1, messages + 1))
    assert client.payload("LIST") == scan
    assert client.payload("UIDL") == b"".join(b"%d generated-%d\r\n" % (n, n) for n in range(1, messages + 1))
    client.ask("DELE 64")
    assert client.payload("LIST") == scan.replace(b"\r\n64 66\r\n", b"\r\n")
