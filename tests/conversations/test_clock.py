"""Waits, paces and timers on a clock that a test drives, with clients in its own thread, in others, and in asyncio."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import ClientHung, ManualClock, Pop3sServer

if TYPE_CHECKING:
    import poplib
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

    from tests.conversations.conftest import Wire

BOUND: Final = 30.0  # seconds of real time after which a test fails


def waiting(server: Pop3sServer, keyword: str) -> None:
    """Wait until the server has heard this and does no more by itself."""
    server.wait_for(keyword, timeout=BOUND)
    server.wait_idle(BOUND)


def times(server: Pop3sServer, session: int = 1) -> list[float]:
    """When the server said its lines in a session."""
    return [entry.time for entry in server.transcript.sessions[session - 1].entries if entry.kind == "S"]


# jumping by itself


def test_a_wait_costs_nothing(fetcher: Callable[..., poplib.POP3_SSL]) -> None:
    """The client, poplib, sits in the test's own thread, so nobody else could move the clock."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        server.on("STAT").wait(30)
        began = monotonic()
        client = fetcher(server)
        assert client.stat() == (0, 0)
        assert clock.now() == 30
        assert client.stat() == (0, 0)
        assert clock.now() == 60
        assert monotonic() - began < 25
        client.quit()
        assert times(server) == [0, 0, 0, 30, 60, 60]


@pytest.mark.parametrize("point", ["accept", "greeting", "USER", "PASS!before", "QUIT", "QUIT!after", "close"])
def test_a_wait_costs_nothing_wherever_it_is(point: str, fetcher: Callable[..., poplib.POP3_SSL]) -> None:
    """From the first moment of a connection to its last."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        server.rules.add(f"{point} -> wait 500, wait 500; times=1")
        fetcher(server).quit()
        server.wait_idle(BOUND)
        assert clock.now() == 1000


def test_a_pace_costs_nothing(fetcher: Callable[..., poplib.POP3_SSL]) -> None:
    """Each gap is a jump; a rate is cut into gaps."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        server.maildrop.add(b"Subject: slow\r\n\r\n" + b"x" * 998 + b"\r\n")
        server.on("RETR#1").pace(size=10, gap=60)
        server.on("RETR#2").pace(rate=0.5)
        client = fetcher(server)
        sent = len(b"+OK 1017 octets\r\n") + client.retr(1)[2] + len(b".\r\n")
        assert clock.now() == 60 * ((sent - 1) // 10)
        before = clock.now()
        client.retr(1)
        assert clock.now() - before == 2 * (sent - 1)
        client.quit()


def test_it_jumps_from_wait_to_wait_of_several_sessions(
    fetcher: Callable[..., poplib.POP3_SSL], pool: ThreadPoolExecutor
) -> None:
    """Each ends at its own time, in the order of their ends."""
    clock = ManualClock()
    with Pop3sServer(clock=clock, exclusive=False) as server:
        for session, seconds in ((1, 30), (2, 10), (3, 20)):
            server.rules.add(f"STAT session={session} -> wait {seconds}, wait 5; times=1")
        clients = [fetcher(server) for _ in range(3)]
        for future in [pool.submit(lambda client=client: (client.stat(), client.quit())) for client in clients]:  # type: ignore[misc]
            assert future.result(BOUND) == ((0, 0), b"+OK signing off")
        assert [times(server, session)[-2:] for session in (1, 2, 3)] == [[35, 35], [15, 15], [25, 25]]
        assert clock.now() == 35


def test_a_wait_without_an_end_keeps_no_other_from_ending(
    wire: Callable[[Pop3sServer], Wire], fetcher: Callable[..., poplib.POP3_SSL]
) -> None:
    """There is no time to which it could jump for it; it jumps for the others."""
    clock = ManualClock()
    with Pop3sServer(clock=clock, exclusive=False) as server:
        server.on("NOOP").wait("forever")
        server.on("STAT").wait(30)
        hanging = wire(server).login()
        hanging.send("NOOP")
        waiting(server, "NOOP")
        assert clock.now() == 0
        assert fetcher(server).stat() == (0, 0)
        assert clock.now() == 30


def test_a_connection_that_has_ended_keeps_none_from_jumping(
    wire: Callable[[Pop3sServer], Wire], fetcher: Callable[..., poplib.POP3_SSL]
) -> None:
    """Although its client has not closed its own side yet."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        server.on("STAT").wait(30)
        assert wire(server).login().ask("QUIT").startswith(b"+OK")
        assert fetcher(server).stat() == (0, 0)
        assert clock.now() == 30


# not jumping


def test_an_idle_session_keeps_the_clock_where_it_is(
    fetcher: Callable[..., poplib.POP3_SSL], pool: ThreadPoolExecutor
) -> None:
    """Its timer never makes the clock jump; advance() does move it."""
    clock = ManualClock()
    with Pop3sServer(clock=clock, exclusive=False) as server:
        server.on("STAT").wait(30)
        idle, busy = fetcher(server), fetcher(server)
        future = pool.submit(busy.stat)
        waiting(server, "STAT")
        assert clock.now() == 0
        clock.advance(29.5)
        assert times(server, 2) == [0, 0, 0]
        assert not future.done()
        clock.advance(0.5)
        assert times(server, 2) == [0, 0, 0, 30]
        assert future.result(BOUND) == (0, 0)
        idle.quit()


@pytest.mark.parametrize("leave", ["quit", "close"])
def test_it_jumps_when_the_idle_session_has_left(
    leave: str, fetcher: Callable[..., poplib.POP3_SSL], pool: ThreadPoolExecutor
) -> None:
    """Then all that are left are in waits that were asked for."""
    clock = ManualClock()
    with Pop3sServer(clock=clock, exclusive=False) as server:
        server.on("STAT").wait(30)
        idle, busy = fetcher(server), fetcher(server)
        future = pool.submit(busy.stat)
        waiting(server, "STAT")
        assert clock.now() == 0
        getattr(idle, leave)()
        assert future.result(BOUND) == (0, 0)
        assert clock.now() == 30


def test_an_idle_session_of_another_server_counts_as_well(
    fetcher: Callable[..., poplib.POP3_SSL], pool: ThreadPoolExecutor
) -> None:
    """Servers that share a clock share its time."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server, Pop3sServer(clock=clock) as other:
        server.on("STAT").wait(30)
        fetcher(other)
        busy = fetcher(server)
        future = pool.submit(busy.stat)
        waiting(server, "STAT")
        assert clock.now() == 0
        clock.advance(30)
        assert future.result(BOUND) == (0, 0)


def test_without_auto_only_the_test_moves_the_clock(
    fetcher: Callable[..., poplib.POP3_SSL], pool: ThreadPoolExecutor
) -> None:
    """From another thread than the client's."""
    clock = ManualClock(auto=False)
    with Pop3sServer(clock=clock) as server:
        server.on("STAT").wait(30)
        client = fetcher(server)
        future = pool.submit(client.stat)
        waiting(server, "STAT")
        for _ in range(3):
            clock.advance(9)
            assert not future.done()
        assert clock.now() == 27
        clock.advance(10)
        assert future.result(BOUND) == (0, 0)
        assert times(server)[-1] == 30
        assert clock.now() == 37


def test_a_pace_goes_piece_by_piece(wire: Callable[[Pop3sServer], Wire]) -> None:
    """When advance() returns, what fell due has been written, and no more."""
    clock = ManualClock(auto=False)
    with Pop3sServer(clock=clock) as server:
        server.on("NOOP").pace(size=2, gap=10)
        client = wire(server).login()
        client.send("NOOP")
        assert client.recv() == b"+O"
        for step, piece in ((10, b"K\r"), (5, None), (5, b"\n")):
            clock.advance(step)
            client.sock.setblocking(piece is not None)
            if piece is None:
                with pytest.raises(BlockingIOError):
                    client.recv()
            else:
                assert client.recv() == piece
        assert clock.now() == 20


def test_a_long_step_goes_through_all_that_falls_due(wire: Callable[[Pop3sServer], Wire]) -> None:
    """One wait behind the other, each at its own time, and the idle time behind them."""
    clock = ManualClock(auto=False)
    with Pop3sServer(clock=clock) as server:
        server.on("STAT").wait(10).send("a\r\n").wait(20).send("b\r\n").wait(30)
        server.on("NOOP").wait(5)
        client = wire(server).login()
        client.send("STAT", "NOOP")
        clock.advance(hours=1)
        assert client.rest() == (b"a\r\nb\r\n+OK 0 0\r\n+OK\r\n", "clean")
        session = server.transcript.last_session
        assert times(server)[-2:] == [60, 65]
        assert (session.entries[-1].time, session.ended) == (665, "autologout")
        assert clock.now() == 3600


# logins


def test_a_login_that_fails_can_be_delayed(wire: Callable[[Pop3sServer], Wire]) -> None:
    """On the clock, by whatever command, and no login that goes well."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        server.rules.add("PASS,APOP,AUTH answer=err -> wait 3")
        client = wire(server).shake()
        for lines in (["USER test", "PASS x"], [f"APOP test {32 * '0'}"], ["AUTH PLAIN AHRlc3QAeA=="]):
            before = clock.now()
            for line in lines:
                said = client.ask(line)
            assert said.startswith(b"-ERR [AUTH] ")
            assert clock.now() == before + 3
        client.ask("USER test")
        assert client.ask("PASS pop3s-password").startswith(b"+OK")
        assert clock.now() == 9


# timers behind waits


def test_the_autologout_timer_begins_behind_a_wait(wire: Callable[[Pop3sServer], Wire]) -> None:
    """A wait longer than the timer is no silence of the client's."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        server.on("STAT").wait(700)
        client = wire(server).login()
        assert client.ask("STAT") == b"+OK 0 0\r\n"
        assert clock.now() == 700
        clock.advance(599)
        assert client.ask("NOOP") == b"+OK\r\n"
        clock.advance(600)
        assert client.rest() == (b"", "clean")
        assert server.transcript.last_session.ended == "autologout"
        assert server.transcript.last_session.entries[-1].time == 1899


def test_a_rule_at_the_close_may_wait_behind_the_autologout(wire: Callable[[Pop3sServer], Wire]) -> None:
    """The maildrop is free before that wait begins."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        server.on("close").wait(30).times(1)
        client = wire(server).login()
        clock.advance(600)
        assert server.account.maildrop.in_use_by is None
        assert client.rest() == (b"", "clean")
        assert clock.now() == 630


# asyncio


class AsyncClient:
    """As little of a client as it takes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def login(cls, server: Pop3sServer) -> AsyncClient:
        """Connect and log in."""
        client = cls(*await asyncio.open_connection(server.host, server.port, ssl=server.client_context()))
        await client.reader.readline()
        await client.ask(f"USER {server.login.user}")
        await client.ask(f"PASS {server.login.password}")
        return client

    async def ask(self, line: str) -> bytes:
        """Send a command and hear the first line of the reply."""
        self.writer.write(f"{line}\r\n".encode())
        return await self.reader.readline()

    async def close(self) -> None:
        """Close."""
        self.writer.close()
        await self.writer.wait_closed()


def test_an_asyncio_client_is_not_blocked_by_a_clock_that_moves_in_a_thread() -> None:
    """``await asyncio.to_thread(clock.advance, 30)``: the event loop goes on, and reads what fell due."""
    clock = ManualClock(auto=False)

    async def talk(server: Pop3sServer) -> None:
        client = await AsyncClient.login(server)
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0)
                beats += 1

        beating = asyncio.create_task(beat())
        asking = asyncio.create_task(client.ask("STAT"))
        await asyncio.to_thread(waiting, server, "STAT")
        await asyncio.to_thread(clock.advance, 29)
        assert not asking.done()
        await asyncio.to_thread(clock.advance, 1)
        assert await asyncio.wait_for(asking, BOUND) == b"+OK 0 0\r\n"
        assert beats > 0
        beating.cancel()
        await client.close()

    with Pop3sServer(clock=clock) as server:
        server.on("STAT").wait(30)
        asyncio.run(talk(server))
        assert clock.now() == 30


def test_an_asyncio_client_needs_nothing_where_the_clock_jumps_by_itself() -> None:
    """Nor where several of its connections wait."""
    clock = ManualClock()

    async def talk(server: Pop3sServer) -> list[bytes]:
        clients = [await AsyncClient.login(server) for _ in range(3)]
        answers = await asyncio.wait_for(asyncio.gather(*(client.ask("STAT") for client in clients)), BOUND)
        for client in clients:
            await client.close()
        return answers

    with Pop3sServer(clock=clock, exclusive=False) as server:
        server.on("STAT").wait(30)
        assert asyncio.run(talk(server)) == [b"+OK 0 0\r\n"] * 3
        assert clock.now() == 30  # it jumped when all three waited, and not before


# waits without an end


@pytest.fixture(params=["manual", "system"])
def clock(request: pytest.FixtureRequest) -> ManualClock | None:
    """A wait without an end is the same on both clocks."""
    return ManualClock() if request.param == "manual" else None


@pytest.fixture
def hanging(
    clock: ManualClock | None, wire: Callable[[Pop3sServer], Wire], request: pytest.FixtureRequest
) -> Iterator[tuple[Pop3sServer, Wire]]:
    """A server that waits without an end in the middle of its reply, and its client; a message is marked."""
    deadline = getattr(request, "param", 30.0)
    server = Pop3sServer(clock=clock, deadline=deadline).start()
    server.maildrop.add("Subject: stays\n\n")
    server.on("STAT@4").wait("forever")
    client = wire(server).login()
    client.ask("DELE 1")
    client.send("STAT")
    assert client.recv() == b"+OK "
    yield server, client
    server.stop()


def over(server: Pop3sServer, ended: str, text: str) -> None:
    """It ended so, and nothing was deleted."""
    session = server.transcript.last_session
    assert (session.ended, session.entries[-1].text) == (ended, text)
    assert server.account.maildrop.in_use_by is None
    assert len(server.maildrop) == 1


def test_the_client_may_end_it(hanging: tuple[Pop3sServer, Wire]) -> None:
    """By closing: nothing that would have come behind the wait is done."""
    server, client = hanging
    client.close()
    server.settle()
    over(server, "eof", "the client closed the connection in a wait without an end")


def test_the_client_may_reset_it(hanging: tuple[Pop3sServer, Wire]) -> None:
    """Which is noticed in the wait."""
    server, client = hanging
    client.reset()
    server.settle()
    over(server, "reset", "the connection is gone: Connection reset by peer")


@pytest.mark.parametrize(("how", "heard"), [("fin", "clean"), ("rst", "rst")])
def test_the_server_may_disconnect_it(how: str, heard: str, hanging: tuple[Pop3sServer, Wire]) -> None:
    """Both ways."""
    server, client = hanging
    server.disconnect_all(how)  # type: ignore[arg-type]  # the word is one of them
    assert client.rest() == (b"", heard)
    over(server, "server", "the server disconnected the client")


def test_one_session_may_be_disconnected(hanging: tuple[Pop3sServer, Wire]) -> None:
    """Through its entry in the transcript."""
    server, client = hanging
    server.transcript.last_session.disconnect("rst")
    assert client.rest() == (b"", "rst")
    over(server, "server", "the server disconnected the client")


def test_stop_ends_it(hanging: tuple[Pop3sServer, Wire]) -> None:
    """Without waiting for it."""
    server, client = hanging
    began = monotonic()
    server.stop()
    assert monotonic() - began < 2
    assert client.rest() == (b"", "clean")
    over(server, "server", "the server disconnected the client")


@pytest.mark.parametrize("hanging", [0.8], indirect=True)
def test_the_deadline_ends_it(hanging: tuple[Pop3sServer, Wire]) -> None:
    """In real time, whatever the server's clock says; the client that does not give up is to blame."""
    server, client = hanging
    assert client.rest() == (b"", "rst")
    with pytest.raises(ClientHung, match="its last command was STAT"):
        server.check()
    over(server, "server", "the deadline of 0.8 seconds of real time is over")


def test_a_healed_server_does_not_end_it(hanging: tuple[Pop3sServer, Wire]) -> None:
    """The rule has struck; no other session meets it any more."""
    server, client = hanging
    server.heal()
    server.settle()
    assert server.transcript.last_session.ended is None
    client.close()
    server.settle()
    over(server, "eof", "the client closed the connection in a wait without an end")


def test_a_healed_server_lets_waits_end(fetcher: Callable[..., poplib.POP3_SSL], pool: ThreadPoolExecutor) -> None:
    """What has begun goes on to its end."""
    clock = ManualClock(auto=False)
    with Pop3sServer(clock=clock) as server:
        server.on("STAT").wait(30)
        client = fetcher(server)
        future: Future[tuple[int, int]] = pool.submit(client.stat)
        waiting(server, "STAT")
        server.heal()
        clock.advance(30)
        assert future.result(BOUND) == (0, 0)
        assert client.stat() == (0, 0)
        assert clock.now() == 30
