"""What RFC 1939 section 6 asks of a server at the end: QUIT removes, nothing else does.

Each test bears the paragraph that it tests in its name, and holds the very words; ``tests/conformance`` has all rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake.connection import End, Send

if TYPE_CHECKING:
    from tests.protocol.conftest import Server

EVERY_WAY = pytest.mark.parametrize("way", ["whole", "octet", "tls", "tls-octet"], indirect=True)

M1, M2 = "whqtswO00WBw418f9t5JxYwZ", "QhdPYR:00WBw1Ph7x7"

BYE = b"+OK signing off\r\n"
NOT_ALL = b"-ERR [SYS/TEMP] some deleted messages were not removed\r\n"


@EVERY_WAY
def test_1939_6_1_quit_removes_exactly_what_is_marked(server: Server) -> None:
    """RFC 1939 section 6: then answers, frees the lock, and closes."""
    client = server.login()
    client.ask("DELE 1")
    assert client.ask("QUIT") == BYE
    assert (client.ended, client.log.ended, client.log.deleted) == ("fin", "quit", [M1])
    later = server.login()
    assert later.ask("STAT", "UIDL 1") == f"+OK 1 200\r\n+OK 1 {M2}\r\n".encode()


def test_1939_6_2_quit_says_so_if_something_marked_was_not_removed(server: Server) -> None:
    """RFC 1939 section 6."""
    server.maildrop.protect(M1)
    client = server.login()
    assert client.ask("DELE 1", "DELE 2", "QUIT").endswith(b"\r\n" + NOT_ALL)
    assert (client.ended, client.log.ended, client.log.deleted) == ("fin", "quit", [M2])


@pytest.mark.parametrize(("protected", "left"), [([M1], [M1]), ([M1, M2], [M1, M2])])
def test_1939_6_3_then_some_or_none_may_be_gone(server: Server, protected: list[str], left: list[str]) -> None:
    """RFC 1939 section 6: both are legal."""
    server.maildrop.protect(*protected)
    assert server.login().ask("DELE 1", "DELE 2", "QUIT").endswith(b"\r\n" + NOT_ALL)
    assert server.uids() == left


def test_1939_6_4_what_is_not_marked_is_never_removed(server: Server) -> None:
    """RFC 1939 section 6: whatever happens to the marked ones."""
    server.maildrop.protect(M1)
    assert server.login().ask("DELE 1", "QUIT").endswith(b"\r\n" + NOT_ALL)
    assert server.uids() == [M1, M2]


def test_1939_6_5_lock_and_connection_end_whether_or_not_it_worked(server: Server) -> None:
    """RFC 1939 section 6."""
    server.maildrop.protect(M1)
    client = server.login()
    client.ask("DELE 1", "QUIT")
    assert client.ended == "fin"
    assert server.maildrop.in_use_by is None
    assert server.login().ask("STAT") == b"+OK 2 320\r\n"


@EVERY_WAY
@pytest.mark.parametrize("end", ["hang up", "reset", "timeout", "stop", "close_notify"])
def test_1939_6_6_any_other_end_removes_nothing(server: Server, end: str) -> None:
    """RFC 1939 section 6: the server MUST NOT remove any messages; RFC 8446 section 6.1: closing TLS is no QUIT."""
    client = server.login()
    client.ask("DELE 1", "DELE 2")
    if end == "reset":
        client.reset()
    elif end == "timeout":
        client.wait(600)
    elif end == "stop":
        client.connection.close()
    elif end == "close_notify":
        client.close_notify()
    else:
        client.hang_up()
    assert client.log.deleted == []
    assert server.uids() == [M1, M2]


@EVERY_WAY
def test_1939_6_7_what_comes_behind_quit_is_not_executed(server: Server) -> None:
    """RFC 1939 section 6: one answer, then the end."""
    client = server.login()
    assert client.ask("QUIT", "NOOP", "STAT", "QUIT") == BYE
    assert client.ended == "fin"
    assert client.log.commands[-1] == "QUIT"
    before = server.connect()
    assert before.ask("QUIT", "USER mrose", "PASS tanstaaf") == BYE
    assert server.maildrop.in_use_by is None


def test_1939_6_8_the_removal_is_done_and_the_lock_free_before_the_answer_leaves(server: Server) -> None:
    """RFC 1939 section 6: who reads +OK can rely on it, and may log in at once."""
    client = server.login()
    client.ask("DELE 1")
    client.connection.feed(b"QUIT\r\n")
    assert next(client.generator) == Send(BYE)
    assert server.maildrop.in_use_by is None
    assert server.uids() == [M2]
    assert next(client.generator) == End("fin")
