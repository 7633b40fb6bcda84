from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import threading
from time import monotonic
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import Pop3sFakeError, Pop3sServer
from pop3s_fake.server.house import STOPPING
from pop3s_fake.server.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from tests.server.conftest import Client, Endless

SLACK: Final = 10.0
"""Seconds by which a busy machine may be late; the claim is that stop() is bounded at all."""


def threads_of(port: int) -> list[str]:
    """The names of a server's threads that are alive."""
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith(f"pop3s-fake:{port}:"))


def stopped(server: Pop3sServer) -> None:
    """Stop the server, within its bound and leaving no thread."""
    began = monotonic()
    server.stop()
    assert monotonic() - began < STOPPING + SLACK
    assert threads_of(server.port) == []
    assert server.transcript.last_session.ended is not None


def test_the_threads_bear_the_port_and_the_number(connect: Callable[..., Client]) -> None:
    """So that a report of all stacks can be read."""
    with Pop3sServer() as server:
        connect(server), connect(server)
        server.settle()
        prefix = f"pop3s-fake:{server.port}"
        assert threads_of(server.port) == [f"{prefix}:accept", f"{prefix}:conn-1", f"{prefix}:conn-2"]
        assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("pop3s-fake:"))
    assert threads_of(server.port) == []


def test_stopping_twice_is_the_same_as_once() -> None:
    """And stopping what never ran is nothing."""
    server = Pop3sServer()
    server.stop()
    server.start()
    server.stop()
    server.stop()
    assert threads_of(server.port) == []


def test_stop_and_start_again_keeps_port_maildrop_and_transcript(connect: Callable[..., Client]) -> None:
    """What a test of reconnecting needs."""
    server = Pop3sServer().start()
    (message,) = server.maildrop.add("Subject: stays\n\n")
    assert connect(server).login().quit() == b"+OK signing off\r\n"
    port = server.port
    server.stop()
    assert server.port == port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with server:
        assert server.port == port
        assert server.maildrop.uids == [message.uid]
        assert connect(server).login().fetch("UIDL") == b"1 %b\r\n" % message.uid.encode()
        assert [session.number for session in server.transcript.sessions] == [1, 2]
        assert server.transcript.keywords == ["USER", "PASS", "QUIT", "USER", "PASS", "UIDL"]


def test_idle_sessions_end_with_a_clean_eof(connect: Callable[..., Client]) -> None:
    """Close-notify and FIN, and nothing was deleted."""
    server = Pop3sServer().start()
    server.maildrop.add("Subject: stays\n\n")
    unknown, known = connect(server), connect(server).login()
    known.ask("DELE 1")
    stopped(server)
    assert (unknown.rest(), known.rest()) == (b"", b"")
    assert [session.ended for session in server.transcript.sessions] == ["server", "server"]
    assert len(server.maildrop) == 1
    assert server.account.maildrop.in_use_by is None


def test_clients_in_the_middle_of_the_handshake_are_let_go(tcp: Callable[..., socket.socket]) -> None:
    """Nothing was said, or half a record header."""
    server = Pop3sServer().start()
    silent, half = tcp(server), tcp(server)
    half.sendall(b"\x16\x03")
    server.settle()
    stopped(server)
    assert (silent.recv(100), half.recv(100)) == (b"", b"")


def test_a_session_that_is_blocked_in_a_send_is_let_go(
    blocked: Callable[..., Client], connect: Callable[..., Client]
) -> None:
    """The client does not read, so there is nothing to wait for."""
    server = Pop3sServer().start()
    connect(server)
    blocked(server)
    stopped(server)
    assert server.account.maildrop.in_use_by is None


def test_a_client_that_has_closed_its_side_and_does_not_read_is_let_go(blocked: Callable[..., Client]) -> None:
    """A half-closed connection gives no event when we shut down our side of reading, too."""
    server = Pop3sServer().start()
    client = blocked(server)
    client.sock.shutdown(socket.SHUT_WR)
    assert not server._house.wait_until(lambda: False, 0.1)  # the thread has met the FIN and still sends
    stopped(server)
    with pytest.raises(ssl.SSLEOFError):  # by FIN, though in the middle of a record
        client.rest()


def test_an_endless_message_to_a_client_that_reads_all_of_it_is_cut(
    connect: Callable[..., Client], pool: ThreadPoolExecutor, endless: Endless
) -> None:
    """The thread never has to wait for the client, and looks for orders all the same."""
    server = Pop3sServer().start()
    server.maildrop.generate(1, endless, octets=1)
    client = connect(server).login()
    reader = pool.submit(endless.heard_by, client)
    server.wait_for("RETR")
    stopped(server)
    with pytest.raises(ssl.SSLEOFError):  # no closure alert, for the message is not whole
        reader.result(SLACK)


def test_a_session_that_waits_for_the_clients_end_is_let_go(connect: Callable[..., Client]) -> None:
    """After QUIT the server reads on for a while, so that its FIN is not overtaken by a reset."""
    server = Pop3sServer().start()
    client = connect(server)
    assert client.ask("QUIT") == b"+OK signing off\r\n"
    stopped(server)
    assert client.rest() == b""


def test_what_a_client_still_says_after_quit_is_no_error_for_it(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing with unread input would send a reset, and the client's next words would fail."""
    monkeypatch.setattr("pop3s_fake.server.endings.DRAIN", 1000.0)
    with Pop3sServer() as server:
        client = connect(server)
        assert client.ask("QUIT") == b"+OK signing off\r\n"
        for _ in range(20):
            client.sock.sendall(b"x" * 65536)
        assert client.rest() == b""


def test_a_thread_that_does_not_end_is_named(connect: Callable[..., Client]) -> None:
    """It hangs in the test's own function; the bound holds for all such threads together."""
    begun, release = threading.Semaphore(0), threading.Event()

    def hanging(_: int) -> str:
        begun.release()
        release.wait()
        return "x\r\n"

    server = Pop3sServer(exclusive=False).start()
    server.maildrop.generate(1, hanging, octets=3)
    try:
        for _ in range(3):
            connect(server).login().send(b"RETR 1\r\n")
            assert begun.acquire(timeout=SLACK)
        began = monotonic()
        with pytest.raises(Pop3sFakeError) as caught:
            server.stop()
        assert monotonic() - began < 2 * STOPPING
        head, _, names = str(caught.value).partition(": ")
        assert head == "3 of the server's threads did not end within 2 seconds"
        assert sorted(names.split(", ")) == [
            f"pop3s-fake:{server.port}:conn-{n} (session {n} is still busy with RETR 1)" for n in (1, 2, 3)
        ]
        server.stop()  # once more is nothing
    finally:
        release.set()
        for thread in threading.enumerate():
            if thread.name.startswith(f"pop3s-fake:{server.port}:"):
                thread.join(SLACK)
    assert threads_of(server.port) == []


def test_a_function_of_the_tests_that_ends_in_time_is_waited_for(connect: Callable[..., Client]) -> None:
    """The session ends without an answer."""
    begun, release = threading.Event(), threading.Event()

    def slow(_: int) -> str:
        begun.set()
        release.wait(SLACK)
        return "x\r\n"

    server = Pop3sServer().start()
    server.maildrop.generate(1, slow, octets=3)
    connect(server).login().send(b"RETR 1\r\n")
    assert begun.wait(SLACK)
    threading.Timer(0.05, release.set).start()
    stopped(server)


def await_end(client: socket.socket, halt: threading.Event) -> None:
    """Read until the other side ends, and end this side, too, once the server has stopped.

    A port that nobody listens on any more may be the one the kernel gives to the client itself, which is then connected
    to itself, or to another server: neither would ever end by itself.
    """
    client.settimeout(0.05)
    while not halt.is_set():
        with contextlib.suppress(TimeoutError):
            if not client.recv(1024):
                return
    try:
        client.shutdown(socket.SHUT_WR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:  # it was reset, and this is how that is said here
            raise
        return
    client.settimeout(SLACK)
    while client.recv(1024):
        pass


def test_clients_that_connect_while_the_server_stops_are_refused_or_let_go(
    tcp: Callable[..., socket.socket], pool: ThreadPoolExecutor
) -> None:
    """None hangs, and no thread is left."""
    for _ in range(10):
        server = Pop3sServer().start()
        tcp(server)
        server.settle()
        halt = threading.Event()

        def knock(server: Pop3sServer = server, halt: threading.Event = halt) -> int:
            times = 0
            while not halt.is_set():
                with (
                    contextlib.suppress(ConnectionError),
                    socket.create_connection(("127.0.0.1", server.port), timeout=SLACK) as client,
                ):
                    times += 1
                    await_end(client, halt)
            return times

        clients = [pool.submit(knock) for _ in range(4)]
        stopped(server)
        halt.set()
        for client in clients:
            client.result(SLACK)


def test_nothing_of_a_server_is_alive_when_stop_returns(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the threads that had already ended their sessions by themselves, however long they take to go."""
    run, lingering = Worker._run, threading.Event()

    def slow_to_go(worker: Worker) -> None:
        run(worker)
        lingering.set()
        threading.Event().wait(0.1)

    monkeypatch.setattr(Worker, "_run", slow_to_go)
    server = Pop3sServer().start()
    for _ in range(3):
        lingering.clear()
        connect(server).close()
        assert lingering.wait(SLACK)
    server.stop()
    assert threads_of(server.port) == []


def test_a_thread_whose_client_has_reset_ends_at_once(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the client did not acknowledge before its reset, it never will."""
    monkeypatch.setattr("pop3s_fake.server.endings.DELIVERY", 1000.0)
    with Pop3sServer() as server:
        for _ in range(20):
            client = connect(server)
            client.ask("CAPA")
            client.reset()
            server.settle()
            for thread in threading.enumerate():
                if thread.name.startswith(f"pop3s-fake:{server.port}:conn"):
                    thread.join(SLACK)
            assert threads_of(server.port) == [f"pop3s-fake:{server.port}:accept"]
