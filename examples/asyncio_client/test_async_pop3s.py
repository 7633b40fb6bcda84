"""The client against a server in the same process: plain pytest and asyncio.run, no further plugin.

The server lives in threads of its own.  What makes the test's own thread wait for it, such as ``clock.advance``, is
called through ``asyncio.to_thread``, so that the client's event loop goes on meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from async_pop3s import AsyncPop3s, Refused

from pop3s_fake import ManualClock

if TYPE_CHECKING:
    from pop3s_fake import Pop3sServer
    from pytest_pop3s_fake.servers import ServerFactory


def session(server: Pop3sServer) -> AsyncPop3s:
    """A session with this server."""
    return AsyncPop3s(server.host, server.port, *server.login, context=server.client_context())


def test_fetches_everything(pop3s_server: Pop3sServer) -> None:
    """Lines that begin with a dot come as they were."""
    pop3s_server.maildrop.add("Subject: one\n\n.\n..two dots\n", "Subject: two\n\n")

    async def fetch() -> list[bytes]:
        async with session(pop3s_server) as client:
            return await client.messages()

    assert asyncio.run(fetch()) == [b"Subject: one\r\n\r\n.\r\n..two dots", b"Subject: two\r\n"]
    assert pop3s_server.transcript.last_session.ended == "quit"


def test_several_sessions_at_once(pop3s_server: Pop3sServer) -> None:
    """Each of them has a maildrop of its own."""
    for name in ("ann", "bob", "cyd"):
        pop3s_server.add_account(name, f"{name}-secret").add(f"Subject: for {name}\n\n")

    async def fetch(name: str) -> list[bytes]:
        context = pop3s_server.client_context()
        async with AsyncPop3s(pop3s_server.host, pop3s_server.port, name, f"{name}-secret", context=context) as client:
            return await client.messages()

    async def fetch_all() -> list[list[bytes]]:
        return await asyncio.gather(*map(fetch, ("ann", "bob", "cyd")))

    assert asyncio.run(fetch_all()) == [[f"Subject: for {name}\r\n".encode()] for name in ("ann", "bob", "cyd")]


def test_a_refusal_is_told_in_the_servers_words(pop3s_server: Pop3sServer) -> None:
    """A scripted answer; the server is itself again in the next session."""
    pop3s_server.on("PASS!before").reply("-ERR [SYS/TEMP] come again").times(1)

    async def log_in() -> None:
        async with session(pop3s_server):
            pass

    with pytest.raises(Refused, match="come again"):
        asyncio.run(log_in())
    asyncio.run(log_in())


def test_ten_minutes_of_silence_end_the_session(pop3s_server_factory: ServerFactory) -> None:
    """The autologout timer of RFC 1939 section 3; the clock is driven from a thread, so that the loop is free."""
    clock = ManualClock()
    server = pop3s_server_factory(clock=clock)

    async def sleep() -> None:
        async with session(server) as client:
            await asyncio.to_thread(clock.advance, minutes=11)
            await client.ask("NOOP")

    with pytest.raises(ConnectionError):
        asyncio.run(sleep())
    assert server.transcript.last_session.ended == "autologout"


def test_a_slow_answer_does_not_hold_up_the_loop(pop3s_server_factory: ServerFactory) -> None:
    """A rule waits for half a minute, which takes no time; what else runs in the loop goes on."""
    server = pop3s_server_factory(clock=ManualClock())
    server.maildrop.add("Subject: slow\n\n")
    server.on("RETR@50%").wait(30)

    async def fetch() -> list[bytes]:
        async with session(server) as client, asyncio.timeout(10):
            return await client.messages()

    assert asyncio.run(fetch()) == [b"Subject: slow\r\n"]
