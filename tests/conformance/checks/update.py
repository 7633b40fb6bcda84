"""QUIT removes, nothing else does: RFC 1939 sections 6 and 8."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.checks.authorization import credentials, settled
from tests.conformance.rows import row
from tests.conformance.talk import Unavailable

if TYPE_CHECKING:
    from tests.conformance.talk import Server, Talk


def protected(talk: Talk, *numbers: int) -> Server:
    """A server that cannot remove these messages."""
    server = talk.server()
    maildrop = server.inside.account.maildrop
    maildrop.protect(*(maildrop.uids[number - 1] for number in numbers))
    return server


@row("1939-6.1")
def quit_removes_exactly_what_is_marked(talk: Talk) -> None:
    """Then answers, frees the lock, and closes."""
    server = talk.server()
    server.may_remove()
    before = server.uids()
    client = server.login()
    assert client.ok("DELE 1")
    assert client.quit().ok
    assert server.login().stat() == (1, 200)
    assert server.uids() == before[1:]


@row("1939-6.2")
def quit_says_so_if_something_marked_was_not_removed(talk: Talk) -> None:
    """And ends nevertheless."""
    client = protected(talk, 1).login()
    assert client.ok("DELE 1", "DELE 2")
    assert client.quit().err


@row("1939-6.3")
def then_some_or_none_may_be_gone(talk: Talk) -> None:
    """Both can be had."""
    for numbers, left in (((1,), 1), ((1, 2), 2)):
        server = protected(talk, *numbers)
        client = server.login()
        assert client.ok("DELE 1", "DELE 2")
        client.quit()
        assert server.count() == left


@row("1939-6.4")
def what_is_not_marked_is_never_removed(talk: Talk) -> None:
    """Whatever happens to the marked ones."""
    server = protected(talk, 1)
    before = server.uids()
    client = server.login()
    assert client.ok("DELE 1")
    assert client.quit().err
    assert before[1] in server.uids()


@row("1939-6.5")
def lock_and_connection_end_whether_or_not_it_worked(talk: Talk) -> None:
    """The next login finds the maildrop free."""
    server = protected(talk, 1)
    client = server.login()
    assert client.ok("DELE 1")
    client.quit()
    assert server.connect().ok(*credentials(server), "STAT")


@row("1939-6.6")
def any_other_end_removes_nothing(talk: Talk) -> None:
    """The end, a reset, closing TLS, the timer."""
    server = talk.server()

    for way in ("fin", "rst", "close_notify", "timer"):
        client = server.login()
        assert client.ok("DELE 1", "DELE 2")
        if way == "timer":
            server.passes(601)
        elif way == "close_notify":
            client.close_notify()
        else:
            client.close("rst" if way == "rst" else "fin")
        try:
            settled(server)
        except Unavailable:
            client.has_ended()
        assert server.login().stat() == (2, 320), way


@row("1939-6.7")
def what_comes_behind_quit_is_not_executed(talk: Talk) -> None:
    """One answer, then the end."""
    server = talk.server()
    client = server.login()
    client.send(b"QUIT\r\nNOOP\r\nSTAT\r\nQUIT\r\n")
    assert client.reply().ok
    assert client.rest() == b""
    before = server.connect()
    user, password = credentials(server)
    before.send(f"QUIT\r\n{user}\r\n{password}\r\n".encode())
    assert before.reply().ok
    assert before.rest() == b""


@row("1939-6.8")
def the_removal_is_done_and_the_lock_free_before_the_answer_leaves(talk: Talk) -> None:
    """Who reads the answer may log in at once."""
    server = talk.server()
    server.may_remove()
    client = server.login()
    assert client.ok("DELE 1")
    assert client.ask("QUIT").ok
    assert server.count() == 1
    again = server.connect()
    assert again.ok(*credentials(server))
    assert again.stat() == (1, 200)
