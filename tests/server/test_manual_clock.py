from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import ManualClock, Pop3sServer, UsageError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.server.conftest import Client


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_ten_minutes_of_silence_end_a_session(connect: Callable[..., Client], version: str) -> None:
    """RFC 1939 section 3: the server closes without a word and without UPDATE."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        server.maildrop.add("Subject: stays\n\n")
        client = connect(server, version=version).login()
        client.ask("DELE 1")
        clock.advance(599)
        assert server.transcript.peek()[0].ended is None
        clock.advance(1)
        assert server.transcript.peek()[0].ended == "autologout"  # without waiting for anything
        assert server.account.maildrop.in_use_by is None
        assert client.rest() == b""
        assert len(server.maildrop) == 1
        entry = server.transcript.last_session.entries[-1]
        assert (entry.time, entry.text) == (600.0, "autologout: no command for 600 seconds")


def test_a_client_may_log_in_again_as_soon_as_the_clock_has_moved(connect: Callable[..., Client]) -> None:
    """The lock is free when advance() returns."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        for _ in range(20):
            connect(server).login()
            clock.advance(minutes=11)
        assert [session.ended for session in server.transcript.sessions] == ["autologout"] * 20


def test_a_command_starts_the_timer_anew(connect: Callable[..., Client]) -> None:
    """RFC 1939 section 3: any command will do; half a line will not."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        client = connect(server).login()
        for _ in range(3):
            clock.advance(599)
            assert client.ask("NOOP") == b"+OK\r\n"
        clock.advance(599)
        client.send(b"NOO")
        clock.advance(1)
        assert server.transcript.last_session.ended == "autologout"
        assert client.rest() == b""


@pytest.mark.parametrize("octets", [b"", b"\x16\x03\x01\x02"])
def test_the_timer_runs_during_the_handshake(tcp: Callable[..., socket.socket], octets: bytes) -> None:
    """A client that never says hello does not stay for ever."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        client = tcp(server)
        client.sendall(octets)
        server.settle()
        clock.advance(599.5)
        assert server.transcript.last_session.ended is None
        clock.advance(0.5)
        assert server.transcript.last_session.ended == "autologout"
        assert client.recv(1) == b""


def test_moving_the_clock_takes_in_what_the_client_has_just_sent(connect: Callable[..., Client]) -> None:
    """It settles first: a command that lies in the kernel restarts the timer before the time moves."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        client = connect(server)
        for _ in range(50):
            client.send(b"CAPA\r\n")
            clock.advance(599)
        assert server.transcript.last_session.ended is None
        assert client.quit().endswith(b"+OK signing off\r\n")


def test_a_long_step_ends_each_session_at_its_own_time(connect: Callable[..., Client]) -> None:
    """The clock stops wherever something falls due."""
    clock = ManualClock()
    with Pop3sServer(clock=clock, exclusive=False) as server:
        for _ in range(5):
            connect(server).login()
            clock.advance(100)
        clock.advance(hours=2)
        ends = [session.entries[-1].time for session in server.transcript.sessions]
        assert ends == [600.0, 700.0, 800.0, 900.0, 1000.0]
        assert clock.now() == 500 + 7200


def test_servers_may_share_a_clock(connect: Callable[..., Client]) -> None:
    """One step ends the sessions of both."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as one, Pop3sServer(clock=clock) as other:
        connect(one), connect(other)
        one.settle()
        other.settle()
        assert repr(clock) == "<ManualClock at 0 s, 2 connections>"
        clock.advance(600)
        for server in (one, other):
            assert server.transcript.peek()[0].ended == "autologout"
    assert repr(clock) == "<ManualClock at 600 s, 0 connections>"


def test_a_clock_never_goes_back() -> None:
    """The text tells by how much it should have."""
    clock = ManualClock()
    with pytest.raises(UsageError) as caught:
        clock.advance(minutes=-1)
    assert str(caught.value) == "a clock cannot go back by 60 seconds"
    assert clock.now() == 0


def test_idle_sessions_do_not_make_the_clock_jump(connect: Callable[..., Client]) -> None:
    """It jumps only over waits that were asked for."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        connect(server), connect(server)
        server.settle()
        assert clock.now() == 0


def test_a_clock_may_move_while_clients_come_and_go(connect: Callable[..., Client]) -> None:
    """Sessions begin and end in their own threads meanwhile."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        for _ in range(20):
            clients = [connect(server) for _ in range(3)]
            for client in clients:
                client.send(b"QUIT\r\n")
            clock.advance(1)
            for client in clients:
                assert client.rest() == b"+OK signing off\r\n"
        assert {session.ended for session in server.transcript.sessions} == {"quit"}


def test_the_transcript_tells_the_clocks_time(connect: Callable[..., Client]) -> None:
    """Not that of the machine."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        clock.advance(50)
        client = connect(server)
        clock.advance(7)
        client.ask("NOOP")
        session = server.transcript.last_session
        assert session.started == 50
        assert [entry.time for entry in session.entries] == [50, 57, 57]
        assert server.transcript.render().splitlines()[2].startswith("    7.000 C  NOOP")


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ({"seconds": float("nan")}, "a clock moves on by a number of seconds, not by nan"),
        ({"minutes": float("inf")}, "a clock moves on by a number of minutes, not by inf"),
        ({"seconds": "1"}, "a clock moves on by a number of seconds, not by '1'"),
        ({"hours": None}, "a clock moves on by a number of hours, not by None"),
        ({"seconds": True}, "a clock moves on by a number of seconds, not by True"),
    ],
)
def test_a_step_is_a_time_that_can_pass(step: dict[str, Any], sentence: str) -> None:
    """And the clock stands where it stood."""
    clock = ManualClock()
    with pytest.raises(UsageError) as caught:
        clock.advance(**step)
    assert (str(caught.value), clock.now()) == (sentence, 0.0)


def test_a_clock_has_one_keyword() -> None:
    """A mistyped one is told."""
    with pytest.raises(UsageError) as caught:
        ManualClock(autos=False)  # type: ignore[arg-type]  # that is the mistake
    assert str(caught.value) == "ManualClock has no keyword 'autos'; did you mean 'auto'?"
