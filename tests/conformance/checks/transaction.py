"""STAT, LIST, RETR, DELE, NOOP, RSET: RFC 1939 section 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.checks.framing import DOTS
from tests.conformance.rows import row
from tests.conformance.talk import M1, M2

if TYPE_CHECKING:
    from tests.conformance.talk import Talk

NOT_NUMBERS = ("-1", "+1", "1a", "1.0", "0x1", "99999999999999999999", 230 * "1", "0", "00", "1_0", "'1'")


@row("1939-5.STAT.1")
def the_drop_listing_is_count_and_octets(talk: Talk) -> None:
    """Parted by single spaces."""
    client = talk.server().login()
    assert client.ask("STAT").line.split(b" ")[:3] == [b"+OK", b"2", b"320"]
    assert client.in_step()


@row("1939-5.STAT.2")
def nothing_follows_the_octets(talk: Talk) -> None:
    """Not even a space."""
    assert talk.server().login().ask("STAT").line == b"+OK 2 320"


@row("1939-5.STAT.3")
def deleted_messages_do_not_count(talk: Talk) -> None:
    """In neither number."""
    client = talk.server().login()
    assert client.ok("DELE 1")
    assert client.stat() == (1, 200)
    assert client.ok("DELE 2")
    assert client.stat() == (0, 0)


@row("1939-5.LIST.1")
def there_is_a_scan_listing_for_each_message(talk: Talk) -> None:
    """Number, space, octets."""
    assert talk.server().login().ask("LIST").lines == [b"1 120", b"2 200"]


@row("1939-5.LIST.2")
def list_with_a_number_is_one_line(talk: Talk) -> None:
    """And the session is in step."""
    client = talk.server().login()
    assert client.ask("LIST 2").line.startswith(b"+OK 2 200")
    assert client.in_step()


@row("1939-5.LIST.3")
def an_empty_maildrop_has_an_empty_listing(talk: Talk) -> None:
    """The status and the terminator."""
    client = talk.server(mail=[]).login()
    assert client.stat() == (0, 0)
    assert client.ask("LIST").lines == []
    assert client.ask("UIDL").lines == []
    assert client.in_step()


@row("1939-5.LIST.4")
def list_refuses_an_unknown_or_deleted_number(talk: Talk) -> None:
    """Without a second line."""
    client = talk.server().login()
    assert client.refuses("LIST 3", "LIST 0")
    assert client.ok("DELE 2")
    assert client.refuses("LIST 2")


@row("1939-5.LIST.5")
def deleted_messages_are_left_out_and_the_others_keep_their_numbers(talk: Talk) -> None:
    """There is a gap."""
    client = talk.server(mail=[M1, DOTS, M2]).login()
    assert client.ok("DELE 2")
    assert client.ask("LIST").lines == [b"1 120", b"3 200"]


@row("1939-5.LIST.6")
def the_size_is_what_retr_sends_without_the_stuffing(talk: Talk) -> None:
    """Each line end counted as two."""
    client = talk.server(mail=[M1, DOTS, "Subject: x\n\nlast", b"", b"X: \xff\0\r\n"]).login()
    scan = client.ask("LIST").lines
    assert [int(line.split(b" ")[1]) for line in scan] == [120, 35, 20, 0, 7]
    assert [len(client.ask(f"RETR {n}").content) for n in range(1, 6)] == [120, 35, 20, 0, 7]


@row("1939-5.LIST.7")
def nothing_follows_the_size(talk: Talk) -> None:
    """In the listing and in the single line."""
    client = talk.server().login()
    assert [line.count(b" ") for line in client.ask("LIST").lines] == [1, 1]
    assert client.ask("LIST 2").line == b"+OK 2 200"


@row("1939-5.RETR.1")
def the_whole_message_comes(talk: Talk) -> None:
    """Unstuffed, it is the stored one."""
    client = talk.server(mail=[M1, DOTS]).login()
    assert client.ask("RETR 1").payload == M1
    assert client.ask("RETR 2").content == DOTS
    assert client.in_step()


@row("1939-5.RETR.2")
def retr_needs_a_number_that_is_there(talk: Talk) -> None:
    """Not a deleted one."""
    client = talk.server().login()
    assert client.refuses("RETR", "RETR 0", "RETR 3")
    assert client.ok("DELE 1")
    assert client.refuses("RETR 1")


@row("1939-5.RETR.3")
def a_message_is_completed_with_crlf(talk: Talk) -> None:
    """So that the terminator is a line of its own."""
    client = talk.server(mail=["Subject: x\n\nlast"]).login()
    assert client.ask("RETR 1").payload == b"Subject: x\r\n\r\nlast\r\n"
    assert client.in_step()


@row("1939-5.RETR.4")
def a_message_of_no_octets_has_no_payload_and_stays(talk: Talk) -> None:
    """As does every other that was retrieved."""
    client = talk.server(mail=[M1, b""]).login()
    assert client.ask("RETR 2").payload == b""
    assert client.ok("RETR 1")
    assert client.stat() == (2, 120)


@row("1939-5.RETR.5")
def retr_gives_the_same_each_time(talk: Talk) -> None:
    """With a TOP between."""
    client = talk.server(mail=[DOTS, M2]).login()
    for number in (1, 2):
        assert client.ask(f"RETR {number}") == client.ask(f"RETR {number}")
        assert client.ask(f"TOP {number} 1").ok
        assert client.ask(f"RETR {number}").content == (DOTS, M2)[number - 1]


@row("1939-5.DELE.1")
def dele_marks_and_removes_nothing_yet(talk: Talk) -> None:
    """The maildrop still holds it."""
    server = talk.server()
    client = server.login()
    assert client.ok("DELE 1")
    assert client.in_step()
    assert server.count() == 2


@row("1939-5.DELE.2")
def a_deleted_number_is_an_error_everywhere(talk: Talk) -> None:
    """Another DELE included."""
    client = talk.server().login()
    assert client.ok("DELE 1")
    assert client.refuses("LIST 1", "RETR 1", "DELE 1", "TOP 1 0", "UIDL 1")


@row("1939-5.DELE.3")
def dele_needs_a_number_that_is_there(talk: Talk) -> None:
    """Else it marks nothing."""
    client = talk.server().login()
    assert client.refuses("DELE", "DELE 0", "DELE 99", "DELE x", "DELE 1x")
    assert client.stat() == (2, 320)


@row("1939-5.NOOP.1")
def noop_does_nothing(talk: Talk) -> None:
    """It is positive, and takes back no mark."""
    client = talk.server().login()
    assert client.ok("DELE 2", "NOOP")
    assert client.stat() == (1, 120)


@row("1939-5.RSET.1")
def rset_takes_back_every_mark(talk: Talk) -> None:
    """It is positive also where nothing is marked."""
    server = talk.server()
    client = server.login()
    assert client.ok("RSET", "DELE 1", "DELE 2", "RSET")
    assert client.stat() == (2, 320)
    assert client.ok("RETR 1")
    assert client.quit().ok
    assert server.count() == 2


@row("1939-5.ARG.1")
def a_number_is_decimal_digits_in_range(talk: Talk) -> None:
    """From 1."""
    client = talk.server().login()
    for number in NOT_NUMBERS:
        commands = (f"{command} {number}" for command in ("RETR", "LIST", "DELE", "UIDL"))
        assert client.refuses(*commands, f"TOP {number} 0"), number
    assert client.stat() == (2, 320)


@row("1939-5.ARG.2")
def further_arguments_are_an_error(talk: Talk) -> None:
    """A refused QUIT ends nothing, a refused RSET takes back no mark."""
    client = talk.server().login()
    assert client.ok("DELE 2")
    assert client.refuses("RETR 1 2", "DELE 1 2", "TOP 1 2 3", "NOOP x", "RSET x", "STAT x", "LIST 1 2", "UIDL 1 2")
    assert client.refuses("QUIT x")
    assert client.stat() == (1, 120)
