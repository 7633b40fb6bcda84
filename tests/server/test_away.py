from __future__ import annotations

import socket
import ssl
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import Account, ManualClock, Pop3sFakeError, Pop3sServer, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Client


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_server_can_refuse_for_a_while(connect: Callable[..., Client], host: str) -> None:
    """Who is in, stays in; afterwards all is as before, on the same port."""
    with Pop3sServer() as server:
        client = connect(server, host=host).login()
        with server.outage("refuse"):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, server.port))
            assert client.ask("NOOP") == b"+OK\r\n"
        client.quit()
        assert connect(server, host=host).login().quit() == b"+OK signing off\r\n"
        assert len(server.transcript.sessions) == 2


def test_refusing_is_the_outage_that_is_meant_by_default() -> None:
    """The host is up, the service is down."""
    with Pop3sServer() as server, server.outage(), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, "")]
)
@pytest.mark.parametrize("options", [[], ["SO_REUSEADDR"], ["SO_REUSEADDR", "SO_REUSEPORT"]], ids=len)
def test_nobody_else_gets_the_port_while_it_refuses(
    family: socket.AddressFamily, host: str, options: list[str]
) -> None:
    """Not even who asks with the options that servers ask with; else the server could not come back."""
    with Pop3sServer() as server:
        for _ in range(2):  # the second outage begins with a socket that another has made
            with server.outage("refuse"), socket.socket(family) as other:
                for option in options:
                    other.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
                with pytest.raises(OSError, match="Address already in use"):
                    other.bind((host, server.port))


def test_another_server_does_not_get_the_port_while_it_refuses(connect: Callable[..., Client]) -> None:
    """It is an error at that one's start."""
    with Pop3sServer() as server:
        other = Pop3sServer(port=server.port)
        with server.outage("refuse"), pytest.raises(OSError, match="Address already in use"):
            other.start()
        connect(server).quit()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_server_can_reset_whoever_comes(
    connect: Callable[..., Client], tcp: Callable[..., socket.socket], host: str
) -> None:
    """The connection stands for a moment; no session begins."""
    with Pop3sServer() as server:
        with server.outage("reset"):
            for _ in range(5):
                with pytest.raises(ConnectionResetError):
                    tcp(server, host).recv(1)
            assert list(server.transcript.sessions) == []
        connect(server, host=host).quit()
        assert len(server.transcript.sessions) == 1


def test_a_server_can_be_silent(tcp: Callable[..., socket.socket]) -> None:
    """Connections are taken and nothing is said; the client's own time-out is what is tested."""
    with Pop3sServer() as server:
        with server.outage("silent"):
            client = tcp(server)
            client.settimeout(0.05)
            with pytest.raises(TimeoutError):
                client.recv(1)
            assert list(server.transcript.sessions) == []
        assert len(server.transcript.sessions) == 1  # it waited in the kernel and is in now


def test_who_still_waits_when_the_silence_ends_is_served(
    connect: Callable[..., Client], pool: ThreadPoolExecutor
) -> None:
    """On both addresses."""
    with Pop3sServer() as server:
        with server.outage("silent"):
            clients = [pool.submit(connect, server, host=host) for host in ("127.0.0.1", "::1")]
            assert not any(client.done() for client in clients)
        for client in clients:
            assert client.result(30).quit() == b"+OK signing off\r\n"


def test_an_outage_within_an_outage_gives_way_to_the_outer_one(tcp: Callable[..., socket.socket]) -> None:
    """Leaving the inner block does not bring the server back."""
    with Pop3sServer() as server, server.outage("refuse"):
        with server.outage("reset"), pytest.raises(ConnectionResetError):
            tcp(server).recv(1)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port))


def test_an_outage_ends_also_when_the_test_fails_in_it(connect: Callable[..., Client]) -> None:
    """And the failure comes through."""
    with Pop3sServer() as server:
        with pytest.raises(ZeroDivisionError), server.outage("refuse"):
            raise ZeroDivisionError
        connect(server).quit()


def test_an_outage_does_not_wait_for_a_client_that_does_not_read(blocked: Callable[..., Client]) -> None:
    """Being away concerns those who come."""
    server = Pop3sServer().start()
    blocked(server)
    with server.outage("refuse"), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))
    server.stop()


def test_a_server_may_stop_in_an_outage() -> None:
    """Leaving the block afterwards is nothing."""
    for how in ("refuse", "silent", "reset"):
        server = Pop3sServer().start()
        with server.outage(how):
            server.stop()
        server.start()
        server.stop()


def test_an_unknown_outage_is_told() -> None:
    """With the nearest word; and one without a server, with what to do."""
    with Pop3sServer() as server, pytest.raises(UsageError) as caught, server.outage("refused"):  # type: ignore[arg-type]
        raise AssertionError
    assert str(caught.value) == "unknown outage 'refused'; did you mean 'refuse'?"
    with pytest.raises(UsageError) as caught, server.outage("refuse"):
        raise AssertionError
    assert str(caught.value) == "a server that does not run cannot have an outage; start() it first"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_disconnecting_by_fin_is_a_clean_end(connect: Callable[..., Client], version: str) -> None:
    """Close-notify and FIN, after all that was asked for was answered; nothing is deleted, the lock is free."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: stays\n\n")
        client, other = connect(server, version=version).login(), connect(server, version=version)
        client.send(b"DELE 1\r\nNOOP\r\n")
        server.disconnect_all()
        assert client.rest() == b"+OK message 1 deleted\r\n+OK\r\n"
        assert other.rest() == b""
        assert [session.ended for session in server.transcript.sessions] == ["server", "server"]
        assert server.transcript.sessions[0].entries[-1].text == "the server disconnected the client"
        assert len(server.maildrop) == 1
        assert server.account.maildrop.in_use_by is None


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_disconnecting_by_reset_is_seen_as_a_reset(connect: Callable[..., Client], version: str) -> None:
    """After what was sent before it."""
    with Pop3sServer() as server:
        client, other = connect(server, version=version).login(), connect(server, version=version)
        client.send(b"NOOP\r\n")
        server.disconnect_all("rst")
        assert client.line() == b"+OK\r\n"
        for each in (client, other):
            with pytest.raises(ConnectionResetError):
                each.rest()


def test_a_reset_comes_behind_all_that_was_sent_before(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would overtake what the kernel still has to deliver; so it waits, within bounds."""
    monkeypatch.setattr("pop3s_fake.server.endings.DELIVERY", 1000.0)
    with Pop3sServer() as server:
        (message,) = server.maildrop.add(b"x" * 50_000 + b"\r\n")
        client = connect(server, sockopts={socket.SO_RCVBUF: 16384}).login()
        client.send(b"RETR 1\r\n")
        server.settle()  # all of it is with the kernel
        server.disconnect_all("rst")
        assert message.content in client.until(b"\r\n.\r\n")
        with pytest.raises(ConnectionResetError):
            client.rest()


def test_one_session_can_be_disconnected(connect: Callable[..., Client]) -> None:
    """The others go on; a session that has ended is left alone."""
    with Pop3sServer() as server:
        one, two, three = connect(server), connect(server), connect(server)
        first, second, third = server.transcript.sessions
        first.disconnect()
        assert one.rest() == b""
        second.disconnect("rst")
        with pytest.raises(ConnectionResetError):
            two.rest()
        assert three.quit() == b"+OK signing off\r\n"
        assert [session.ended for session in server.transcript.sessions] == ["server", "server", "quit"]
        for session in (first, second, third):
            session.disconnect("rst")


def test_clients_that_have_connected_are_disconnected_whether_accepted_or_not(
    tcp: Callable[..., socket.socket],
) -> None:
    """Also in the middle of the handshake."""
    with Pop3sServer() as server:
        for _ in range(20):
            clients = [tcp(server) for _ in range(5)]
            server.disconnect_all()
            assert [client.recv(1) for client in clients] == [b""] * 5


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_client_that_does_not_read_can_be_disconnected(blocked: Callable[..., Client], how: str) -> None:
    """Its session is over at once, and it finds the end behind what was sent, in the middle of a record."""
    with Pop3sServer() as server:
        client = blocked(server)
        server.disconnect_all(how)  # type: ignore[arg-type]
        assert server.transcript.last_session.ended == "server"
        assert server.account.maildrop.in_use_by is None
        with pytest.raises({"fin": ssl.SSLEOFError, "rst": ConnectionResetError}[how]):
            client.rest()


def test_words_for_disconnecting_are_checked(connect: Callable[..., Client]) -> None:
    """Both calls name what is legal."""
    with Pop3sServer() as server:
        connect(server)
        with pytest.raises(UsageError) as caught:
            server.disconnect_all("rset")  # type: ignore[arg-type]
        assert str(caught.value) == "sessions cannot be disconnected by 'rset'; did you mean 'rst'?"
        with pytest.raises(UsageError) as caught:
            server.transcript.last_session.disconnect("end")  # type: ignore[arg-type]
        assert str(caught.value) == "a session cannot be disconnected by 'end'; known are: fin, rst"


def test_a_keyword_can_be_waited_for(connect: Callable[..., Client]) -> None:
    """In any case of letters, from another thread or from before."""
    with Pop3sServer() as server:
        client = connect(server)
        timer = threading.Timer(0.02, client.send, [b"user test\r\n"])
        timer.start()
        server.wait_for("USER")
        server.wait_for("User", timeout=0)
        timer.join()
        assert server.transcript.keywords == ["USER"]


@pytest.mark.parametrize(("said", "told"), [((), "nothing"), (("CAPA", "NOOP"), "CAPA, NOOP")])
def test_a_keyword_that_does_not_come_is_told(connect: Callable[..., Client], said: tuple[str, ...], told: str) -> None:
    """With what came instead."""
    with Pop3sServer() as server:
        client = connect(server)
        for word in said:
            client.ask(word)
        with pytest.raises(Pop3sFakeError) as caught:
            server.wait_for("retr", timeout=0.05)
        assert str(caught.value) == f"no client sent RETR within 0.05 s; it sent {told}"


ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere a full queue resets who comes, or is never full"
)


@ON_LINUX
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_queue_of_a_server_can_be_full(connect: Callable[..., Client], host: str) -> None:
    """Nobody gets through, who is in stays in, and afterwards all is as before; no session is one of ours."""
    with Pop3sServer() as server:
        client = connect(server, host=host).login()
        for _ in range(2):
            with server.outage("backlog-full"):
                with pytest.raises(TimeoutError):
                    socket.create_connection((host, server.port), timeout=0.3)
                assert client.ask("NOOP") == b"+OK\r\n"
        client.quit()
        assert connect(server, host=host).login().quit() == b"+OK signing off\r\n"
        assert len(server.transcript.sessions) == 2


@ON_LINUX
def test_who_waits_at_a_full_queue_is_served_when_it_is_empty_again(connect: Callable[..., Client]) -> None:
    """TCP tries again by itself."""
    with Pop3sServer() as server, ThreadPoolExecutor(1) as pool:
        with server.outage("backlog-full"):
            waiting = pool.submit(connect, server)
            with pytest.raises(TimeoutError):
                waiting.result(0.3)
        waiting.result(60).quit()
        assert server.transcript.keywords == ["QUIT"]


@ON_LINUX
def test_a_full_queue_and_other_outages_follow_each_other(connect: Callable[..., Client]) -> None:
    """Inside of each other, too; and a server may stop in the middle of one."""
    with Pop3sServer() as server:
        with server.outage("backlog-full"):
            with server.outage("refuse"), pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.port))
            with pytest.raises(TimeoutError):
                socket.create_connection(("127.0.0.1", server.port), timeout=0.3)
            with server.outage("silent"):
                socket.create_connection(("127.0.0.1", server.port)).close()
        connect(server).quit()
        with server.outage("backlog-full"):
            server.stop()
    with Pop3sServer(case="tcp.backlog-full") as server:
        with pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.1", server.port), timeout=0.3)
        server.heal()
        connect(server).quit()


def test_elsewhere_a_full_queue_is_an_error_that_names_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the call, and at the start of a server that is such a case."""
    monkeypatch.setattr(sys, "platform", "darwin")
    text = "the outage 'backlog-full' needs Linux, and this is darwin; 'refuse' works anywhere"
    with Pop3sServer() as server, pytest.raises(UsageError) as caught, server.outage("backlog-full"):
        pass
    assert str(caught.value) == text
    with pytest.raises(UsageError) as caught:
        Pop3sServer(case="tcp.backlog-full").start()
    assert str(caught.value) == text


def test_a_case_can_be_a_server_that_is_away(connect: Callable[..., Client]) -> None:
    """Until it is healed; a reset brings it back."""
    with Pop3sServer(case="tcp.refuse") as server:
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.port))
            server.heal()
            connect(server).quit()
            server.reset()


def test_who_is_gone_leaves_the_maildrop_before_heal_returns(connect: Callable[..., Client]) -> None:
    """Also where a rule still waits behind its reply: the next login finds the maildrop free."""
    with Pop3sServer(rules=["RETR!after -> wait 0.2"]) as server:
        server.maildrop.add("Subject: one\n\n")
        for _ in range(3):
            client = connect(server).login()
            client.send(b"RETR 1\r\n")
            client.line()
            client.close()
            server.heal()
            server.on("RETR!after").wait(0.2).optional()
        connect(server).login().quit()


def test_a_lock_can_be_held_behind_a_session_that_broke(connect: Callable[..., Client]) -> None:
    """For so many seconds of the server's clock; QUIT frees it at once, and so does a reset of the server."""
    clock = ManualClock()
    with Pop3sServer(accounts=[Account("ann", "not-a-secret", lock_hold=30)], clock=clock) as server:
        connect(server).login().close()
        server.wait_idle()
        refused = connect(server)
        refused.ask("USER ann")
        assert refused.ask("PASS not-a-secret") == b"-ERR [IN-USE] the maildrop is open in another session\r\n"
        clock.advance(29.9)
        refused.ask("USER ann")
        assert refused.ask("PASS not-a-secret").startswith(b"-ERR [IN-USE] ")
        clock.advance(0.1)
        refused.login().quit()
        connect(server).login().close()
        server.reset()
        connect(server).login().quit()


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan"), True, "30"])
def test_a_lock_is_held_for_a_number_of_seconds(seconds: Any) -> None:  # the mistake this is about
    """What is none is refused at once."""
    with pytest.raises(UsageError) as caught:
        Account("ann", "not-a-secret", lock_hold=seconds)
    assert str(caught.value) == f"lock_hold must be a number of seconds from 0, not {seconds!r}"
