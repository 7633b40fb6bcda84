from __future__ import annotations

import poplib
import threading
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, Pop3sFakeError, Pop3sServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from tests.server.conftest import Client


def fetch_and_delete(server: Pop3sServer, user: str, password: str) -> None:
    """What a client does, from end to end."""
    client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=30)
    client.user(user)
    client.pass_(password)
    client.retr(1)
    client.dele(1)
    client.quit()


def test_what_the_client_did_is_there_when_its_call_returns() -> None:
    """Transcript and maildrop are complete, without sleeping, hundreds of times in a row."""
    with Pop3sServer() as server:
        for n in range(1, 101):
            (message,) = server.maildrop.add(f"Subject: {n}\n\n")
            fetch_and_delete(server, *server.login)
            session = server.transcript.last_session
            assert (session.number, session.ended, session.user) == (n, "quit", "test")
            assert session.keywords == ["USER", "PASS", "RETR", "DELE", "QUIT"]
            assert session.retrieved == session.deleted == [message.uid]
            assert session.entries[-1].text == "+OK signing off"
            assert len(server.maildrop) == 0


def test_it_is_there_for_clients_in_several_threads(pool: ThreadPoolExecutor) -> None:
    """Each thread has its own account and looks at it when its own call has returned, while the others go on."""
    names = [f"user{n}" for n in range(8)]
    with Pop3sServer(accounts=[Account(name, "not-a-secret") for name in names]) as server:

        def run(name: str) -> None:
            maildrop = server.accounts[name].maildrop
            for n in range(1, 16):
                maildrop.add(f"Subject: {name} {n}\n\n")
                fetch_and_delete(server, name, "not-a-secret")
                server.settle()
                mine = [session for session in server.transcript.peek() if session.user == name]
                assert [session.ended for session in mine] == ["quit"] * n
                assert len(maildrop) == 0

        for future in [pool.submit(run, name) for name in names]:
            future.result(60)
        assert len(server.transcript.sessions) == 8 * 15


def test_a_client_that_talks_on_and_on_does_not_hold_up_who_looks(
    connect: Callable[..., Client], pool: ThreadPoolExecutor
) -> None:
    """Each connection need be at rest only once: what the caller's own client did lies before."""
    with Pop3sServer(exclusive=False) as server:
        enough = threading.Event()

        def talk(client: Client) -> None:
            while not enough.is_set():
                client.send(b"NOOP\r\n" * 3)
                for _ in range(3):
                    client.line()

        talks = [pool.submit(talk, connect(server).login()) for _ in range(6)]
        try:
            for n in range(7, 27):
                connect(server).login().quit()
                assert server.transcript.last_session.number == n
                assert server.transcript.last_session.ended == "quit"
        finally:
            enough.set()
        for each in talks:
            each.result(30)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_has_closed_has_ended(connect: Callable[..., Client], how: str, version: str) -> None:
    """No UPDATE, and the lock is free (RFC 1939 section 3), by the time somebody looks."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: stays\n\n")
        for _ in range(25):
            client = connect(server, version=version).login()
            client.ask("DELE 1")
            getattr(client, how)()
            assert server.transcript.last_session.ended == {"close": "eof", "reset": "reset"}[how]
            assert server.account.maildrop.in_use_by is None
            assert len(server.maildrop) == 1


def test_what_was_sent_without_waiting_for_an_answer_is_seen(connect: Callable[..., Client]) -> None:
    """The octets lie in the kernel when the test looks."""
    with Pop3sServer() as server:
        for n in range(100):
            client = connect(server)
            client.send(b"CAPA\r\n" * n + b"QUIT\r\n")
            assert server.transcript.last_session.keywords == ["CAPA"] * n + ["QUIT"]


def test_a_client_that_has_only_connected_is_seen(connect: Callable[..., Client]) -> None:
    """It may still wait in the kernel's queue."""
    with Pop3sServer() as server:
        for n in range(1, 51):
            connect(server)
            assert len(server.transcript.sessions) == n


def test_open_sessions_are_at_rest(connect: Callable[..., Client]) -> None:
    """A client that says nothing, or half a line, holds nobody up; nor does a server that has stopped."""
    with Pop3sServer() as server:
        connect(server).login().send(b"NO")
        connect(server)
        began = monotonic()
        assert server.transcript.keywords == ["USER", "PASS"]
        assert monotonic() - began < 1
        assert [session.ended for session in server.transcript.sessions] == [None, None]
    assert server.transcript.keywords == ["USER", "PASS"]


def test_reading_while_a_client_does_not_read_is_an_error_within_a_second(blocked: Callable[..., Client]) -> None:
    """The text names the session and the command; whatever is read, the wait is bounded."""
    server = Pop3sServer().start()
    client = blocked(server)
    reads: list[Callable[[], object]] = [lambda: server.transcript.commands, lambda: server.maildrop]
    for read in reads:
        began = monotonic()
        with pytest.raises(Pop3sFakeError) as caught:
            read()
        assert 1.0 <= monotonic() - began < 10
        assert str(caught.value) == (
            "the server did not come to rest within 1 s: "
            "session 1 is still sending its reply to RETR 1, which the client does not read"
        )
    assert server.transcript.peek()[0].commands == ["USER test", "PASS ****", "RETR 1"]  # as it stands, without waiting
    client.reset()
    assert server.transcript.last_session.ended == "reset"
    server.stop()


def test_reading_while_the_tests_own_function_runs_is_an_error_too(connect: Callable[..., Client]) -> None:
    """It says "busy", not that the client does not read, also after the first octets were sent."""
    halfway, release = threading.Event(), threading.Event()

    def slow(_: int) -> object:
        yield b"x" * 198 + b"\r\n"
        halfway.set()
        release.wait(30)
        yield b"x" * 198 + b"\r\n"

    with Pop3sServer() as server:
        server.maildrop.generate(1, slow, octets=400)  # type: ignore[arg-type]  # a generator is an iterable
        client = connect(server).login()
        client.send(b"RETR 1\r\n")
        assert halfway.wait(30)
        with pytest.raises(Pop3sFakeError) as caught:
            server.wait_idle(0.05)
        assert str(caught.value) == (
            "the server did not come to rest within 0.05 s: session 1 is still busy with RETR 1"
        )
        release.set()
        server.wait_idle()
        assert server.transcript.last_session.retrieved == ["generated-1"]


def test_a_greeting_that_takes_long_is_named_so(connect: Callable[..., Client]) -> None:
    """Before the first command, there is the greeting."""
    with Pop3sServer() as server:
        connect(server)
        server.settle()
        (worker,) = server._house._workers
        assert worker.doing() == "session 1 is still busy with the greeting"


def test_reading_in_a_servers_thread_does_not_wait_for_that_thread(connect: Callable[..., Client]) -> None:
    """A function that makes a message may look at the transcript and the maildrop."""
    with Pop3sServer() as server:

        def looking(_: int) -> str:
            return f"Subject: {' '.join(server.transcript.keywords)} {len(server.maildrop)}\n\n"

        server.maildrop.generate(1, looking, octets=len("Subject: USER PASS RETR 1\r\n\r\n"))
        client = connect(server).login()
        assert client.fetch("RETR 1") == b"Subject: USER PASS RETR 1\r\n\r\n"
        client.quit()
        assert server.transcript.last_session.ended == "quit"


def test_two_who_look_at_once_both_get_an_answer(connect: Callable[..., Client], pool: ThreadPoolExecutor) -> None:
    """Reading is allowed from any thread."""
    with Pop3sServer() as server:
        connect(server).login()
        looks = [pool.submit(lambda: server.transcript.keywords) for _ in range(32)]
        assert [look.result(30) for look in looks] == [["USER", "PASS"]] * 32
