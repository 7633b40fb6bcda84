from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, Pop3sServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import ThreadPoolExecutor

    from tests.server.conftest import Client

RECORD = 16_384
PIECE = 5 * RECORD  # what the server sends at once
SIZES = [
    *(0, 2, 3, 4, 5),
    *(base + by for base in (RECORD, PIECE) for by in (-23, -22, -3, -2, -1, 0, 1, 2)),
    100_000,
    3_000_000,
]


def plain(size: int) -> bytes:
    """Lines of 78 octets and a shorter one, all together so many octets."""
    lines = (b"x" * 76 + b"\r\n") * (size // 78 + 1)
    return lines[: size - 2] + b"\r\n" if size else b""


def dots(size: int) -> bytes:
    """Nothing but dots and line ends: each line begins with a dot, wherever a boundary falls."""
    lines = (b".\r\n..\r\n" * (size // 7 + 1))[: max(size - 2, 0)]
    return lines.removesuffix(b"\r").ljust(size - 2, b".") + b"\r\n" if size else b""


def one_line(size: int) -> bytes:
    """A single line."""
    return b"." * (size - 2) + b"\r\n" if size else b""


def dot_at(boundary: int) -> bytes:
    """A line that begins with a dot at this place, and another right behind it."""
    return b"x" * (boundary - 2) + b"\r\n.\r\n.y\r\n"


CONTENTS = [shape(size) for shape in (plain, dots, one_line) for size in SIZES]
CONTENTS += [dot_at(base + by) for base in (RECORD, PIECE) for by in (*range(-25, -20), *range(-3, 4))]


def unstuffed(payload: bytes) -> bytes:
    """What a client makes of a payload (RFC 1939 section 3)."""
    lines = payload.split(b"\r\n")
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


def test_the_contents_are_what_they_should_be() -> None:
    """Each has the size that it is meant to have."""
    for shape in (plain, dots, one_line):
        assert [len(shape(size)) for size in SIZES] == SIZES


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_messages_of_every_size_arrive_octet_by_octet(connect: Callable[..., Client], version: str) -> None:
    """From nothing to three megabytes, around the sizes of records and writes, with dots wherever it matters."""
    with Pop3sServer() as server:
        messages = server.maildrop.add(*CONTENTS)
        client = connect(server, version=version).login()
        for number, content in enumerate(CONTENTS, 1):
            payload = client.fetch(f"RETR {number}")
            assert unstuffed(payload) == content, number
        client.quit()
        assert server.transcript.last_session.retrieved == [message.uid for message in messages]


@pytest.mark.parametrize("chunk", [1, 7, RECORD, PIECE])
def test_generated_messages_arrive_octet_by_octet_however_they_are_cut(
    connect: Callable[..., Client], chunk: int
) -> None:
    """They are stuffed while they are sent."""
    contents = [content for content in CONTENTS if len(content) < (RECORD if chunk < RECORD else PIECE) + 50]

    def cut(n: int) -> Iterator[bytes]:
        content = contents[n - 1]
        for start in range(0, len(content), chunk):
            yield content[start : start + chunk]

    with Pop3sServer() as server:
        server.maildrop.generate(len(contents), cut, octets=lambda n: len(contents[n - 1]))
        client = connect(server).login()
        for number, content in enumerate(contents, 1):
            assert unstuffed(client.fetch(f"RETR {number}")) == content, number
        client.quit()


def test_two_hundred_sessions_may_be_open_at_once(connect: Callable[..., Client], pool: ThreadPoolExecutor) -> None:
    """Each has its thread, and each is answered."""
    names = [f"user{n}" for n in range(200)]
    with Pop3sServer(accounts=[Account(name, "not-a-secret") for name in names]) as server:
        clients = list(pool.map(lambda name: connect(server).login(name, "not-a-secret"), names))
        assert repr(server) == f"<Pop3sServer on localhost:{server.port}, 200 open sessions>"
        assert sum(thread.name.startswith(f"pop3s-fake:{server.port}:conn-") for thread in threading.enumerate()) == 200
        assert list(pool.map(lambda client: client.ask("NOOP"), clients)) == [b"+OK\r\n"] * 200
        assert list(pool.map(lambda client: client.quit(), clients)) == [b"+OK signing off\r\n"] * 200
        sessions = server.transcript.sessions
        assert sorted(str(session.user) for session in sessions) == sorted(names)
        assert {session.ended for session in sessions} == {"quit"}


def test_many_may_fetch_at_once(connect: Callable[..., Client], pool: ThreadPoolExecutor) -> None:
    """From one maildrop, where several sessions are allowed."""
    with Pop3sServer(exclusive=False) as server:
        content = dots(300_000)
        server.maildrop.add(content)

        def fetch(_: int) -> bool:
            client = connect(server).login()
            same = unstuffed(client.fetch("RETR 1")) == content
            client.quit()
            return same

        assert list(pool.map(fetch, range(20))) == [True] * 20


def test_only_one_of_many_gets_an_exclusive_maildrop(connect: Callable[..., Client], pool: ThreadPoolExecutor) -> None:
    """RFC 1939 section 4, and RFC 2449 section 8.1.2 for the others; afterwards it is free again."""
    with Pop3sServer() as server:
        for _ in range(5):
            clients = list(pool.map(lambda _: connect(server), range(8)))
            for client in clients:
                client.ask(f"USER {server.login.user}")
            answers = list(pool.map(lambda client: client.ask(f"PASS {server.login.password}"), clients))
            refused = b"-ERR [IN-USE] the maildrop is open in another session\r\n"
            assert sorted(answers) == [b"+OK maildrop has 0 messages (0 octets)\r\n", *[refused] * 7]
            for client in clients:
                client.quit()
