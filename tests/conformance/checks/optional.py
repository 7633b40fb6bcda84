"""TOP, UIDL and the mail that is sent: RFC 1939 sections 7 and 11."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake import UsageError
from tests.conformance.checks.framing import DOTS
from tests.conformance.rows import row
from tests.conformance.talk import M1, M2

if TYPE_CHECKING:
    from tests.conformance.talk import Talk


@row("1939-7.TOP.1")
def header_blank_line_and_the_first_lines_come(talk: Talk) -> None:
    """Byte-stuffed."""
    client = talk.server(mail=[M1, DOTS]).login()
    assert client.ask("TOP 2 2").payload == b"Subject: dots\r\n\r\n..\r\n...\r\n"
    assert client.ask("TOP 2 4").payload == b"Subject: dots\r\n\r\n..\r\n...\r\n..x\r\n\r\n"
    assert client.in_step()


@row("1939-7.TOP.2")
def more_lines_than_there_are_is_the_whole_message(talk: Talk) -> None:
    """However many more."""
    client = talk.server(mail=[M1, DOTS]).login()
    for number in (1, 2):
        whole = client.ask(f"RETR {number}").payload
        for lines in (5, 6, 9999, 2_000_000_000):
            assert client.ask(f"TOP {number} {lines}").payload == whole


@row("1939-7.TOP.3")
def no_lines_is_the_header_and_the_blank_line(talk: Talk) -> None:
    """And not an error."""
    assert talk.server(mail=[DOTS]).login().ask("TOP 1 0").payload == b"Subject: dots\r\n\r\n"


@row("1939-7.TOP.4")
def both_arguments_are_needed(talk: Talk) -> None:
    """Digits, both of them."""
    assert talk.server().login().refuses("TOP", "TOP 1", "TOP 1 -1", "TOP 1 x", "TOP x 1", "TOP 1 2 3")


@row("1939-7.TOP.5")
def the_message_must_be_there(talk: Talk) -> None:
    """Not deleted."""
    client = talk.server().login()
    assert client.refuses("TOP 100 3", "TOP 0 3")
    assert client.ok("DELE 1")
    assert client.refuses("TOP 1 0")


@row("1939-7.UIDL.1")
def there_is_a_unique_id_for_each_message(talk: Talk) -> None:
    """And nothing behind it."""
    scan = [line.split(b" ") for line in talk.server().login().ask("UIDL").lines]
    assert [len(line) for line in scan] == [2, 2]
    assert [line[0] for line in scan] == [b"1", b"2"]


@row("1939-7.UIDL.2")
def uidl_with_a_number_is_one_line(talk: Talk) -> None:
    """The one of the listing."""
    client = talk.server().login()
    assert client.ask("UIDL 2").data == client.ask("UIDL").lines[1]
    assert client.in_step()


@row("1939-7.UIDL.3")
def a_unique_id_has_1_to_70_printable_octets(talk: Talk) -> None:
    """No other can be had."""
    server = talk.server()
    for uid in server.uids():
        assert 1 <= len(uid) <= 70
        assert all(0x21 <= octet <= 0x7E for octet in uid)
    maildrop = server.inside.account.maildrop
    longest = "".join(map(chr, range(0x21, 0x7F)))[:70]
    maildrop.add_one(M1, uid=longest)
    assert server.uids()[2] == longest.encode()
    for wrong in ("", "a b", 71 * "x", "\x7f", "\u00e9"):
        with pytest.raises(UsageError):
            maildrop.add_one(M1, uid=wrong)


@row("1939-7.UIDL.4")
def unique_ids_persist_across_sessions(talk: Talk) -> None:
    """Also where a session did not end in UPDATE."""
    server = talk.server()
    client = server.login()
    before = client.ask("UIDL").lines
    assert client.ok("DELE 1")
    client.close()
    assert server.login().ask("UIDL").lines == before


@row("1939-7.UIDL.5")
def a_unique_id_is_never_used_again(talk: Talk) -> None:
    """Not even for the same octets."""
    server = talk.server()
    server.may_remove()
    before = server.uids()
    client = server.login()
    assert client.ok("DELE 2")
    assert client.quit().ok
    server.deliver(M2)
    after = server.uids()
    assert len(after) == 2
    assert after[1] not in before


@row("1939-7.UIDL.6")
def uidl_leaves_out_what_is_deleted(talk: Talk) -> None:
    """The others keep their numbers."""
    client = talk.server().login()
    second = client.ask("UIDL").lines[1]
    assert client.refuses("UIDL 3")
    assert client.ok("DELE 1")
    assert client.ask("UIDL").lines == [second]
    assert client.refuses("UIDL 1")


@row("1939-7.UIDL.7")
def copies_have_unique_ids_of_their_own(talk: Talk) -> None:
    """They may share one, but need not."""
    assert len(set(talk.server(mail=[M1, M1, M1]).uids())) == 3


@row("1939-11.1")
def sizes_count_two_octets_a_line_end_and_no_stuffing(talk: Talk) -> None:
    """In LIST and in STAT."""
    client = talk.server(mail=[DOTS, "Subject: x\n\nlast\n"]).login()
    assert client.ask("LIST 1").data == b"1 35"
    assert client.ask("LIST 2").data == b"2 20"
    assert client.stat() == (2, 55)


@row("1939-11.2")
def lines_of_any_length_come_unbroken(talk: Talk) -> None:
    """POP3 sets no limit."""
    content = b"Subject: long\r\n\r\n" + b"x" * 100_000 + b"\r\n"
    client = talk.server(mail=[content]).login()
    assert client.ask("RETR 1").payload == content
    assert client.ask("TOP 1 1").payload == content


@row("1939-11.3")
def content_is_not_transformed(talk: Talk) -> None:
    """NUL and 8-bit octets in the body pass as they are."""
    octets = bytes(range(256)).replace(b"\n", b"").replace(b"\r", b"")
    content = b"Subject: all\r\n\r\n" + octets + b"\r\n"
    assert talk.server(mail=[content]).login().ask("RETR 1").payload == content


@row("1939-11.4")
def a_message_without_a_blank_line_is_all_header(talk: Talk) -> None:
    """And the terminator comes, after a blank line perhaps."""
    client = talk.server(mail=[b"Subject: h\r\n", M2]).login()
    assert client.ask("TOP 1 5").payload in {b"Subject: h\r\n", b"Subject: h\r\n\r\n"}
    assert client.in_step()
