from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import ClientHung, Pop3sFailure, Pop3sFakeError, Pop3sServer, ProtocolViolation, UsageError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from tests.server.conftest import Client


def failing(error: BaseException, after: int = 0) -> Callable[[int], Iterator[bytes]]:
    """A function for ``generate`` that fails after so many lines."""

    def content(_: int) -> Iterator[bytes]:
        for _line in range(after):
            yield b"x" * 998 + b"\r\n"
        raise error

    return content


ERRORS = [ValueError("no such template"), OSError(2, "No such file or directory"), KeyboardInterrupt(), SystemExit(3)]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("after", [0, 1, 500])
def test_an_exception_of_the_tests_own_function_comes_out_when_judged(
    connect: Callable[..., Client], error: BaseException, after: int
) -> None:
    """The very exception, with a note where it happened; the session is reset, the server goes on."""
    error.__traceback__, error.__notes__ = None, []
    server = Pop3sServer().start()
    server.maildrop.generate(1, failing(error, after), octets=1000 * after)
    client = connect(server).login()
    client.send(b"RETR 1\r\n")
    with pytest.raises(ConnectionResetError):
        client.rest()
    session = server.transcript.last_session
    assert (session.ended, session.retrieved) == ("server", [])
    assert session.entries[-1].text == "the server failed"
    assert connect(server).login().quit() == b"+OK signing off\r\n"
    with pytest.raises(type(error)) as caught:
        server.check()
    assert caught.value is error
    assert error.__notes__ == ["in the server, while answering RETR 1 in session 1"]
    server.stop()


def test_an_exception_in_the_size_of_a_message_comes_out_too(connect: Callable[..., Client]) -> None:
    """Its function runs at the login."""
    server = Pop3sServer().start()

    def octets(n: int) -> int:
        if n > 1:
            raise LookupError("no size")
        return 10

    server.maildrop.generate(2, lambda _: "x" * 8, octets=octets)
    client = connect(server)
    client.send(b"USER test\r\nPASS pop3s-password\r\n")
    with pytest.raises(ConnectionResetError):
        client.rest()
    assert server.account.maildrop.in_use_by is None
    with pytest.raises(LookupError, match="no size") as caught:
        server.check()
    assert caught.value.__notes__ == ["in the server, while answering PASS **** in session 1"]
    server.stop()


def test_a_message_that_is_not_as_long_as_announced_is_the_tests_mistake(connect: Callable[..., Client]) -> None:
    """A UsageError when judged; it could not be known at the call."""
    with pytest.raises(UsageError) as caught, Pop3sServer() as server:  # noqa: PT012  # leaving the block raises
        server.maildrop.generate(1, lambda _: "x\r\n", octets=4)
        client = connect(server).login()
        client.send(b"RETR 1\r\n")
        with pytest.raises(ConnectionResetError):
            client.rest()
    assert str(caught.value) == "message 1 of generate() was announced with 4 octets, but content(1) gave 3"


def test_leaving_the_block_raises_the_verdict_with_the_transcript(connect: Callable[..., Client]) -> None:
    """The reader sees what was said."""
    error = ValueError("no such template")
    with pytest.raises(ValueError, match="no such template") as caught, Pop3sServer() as server:  # noqa: PT012  # leaving the block raises
        server.maildrop.generate(1, failing(error), octets=1)
        connect(server).login().send(b"RETR 1\r\n")
    assert caught.value is error
    where, transcript = error.__notes__
    assert where == "in the server, while answering RETR 1 in session 1"
    lines = transcript.splitlines()
    assert lines[0] == "pop3s-fake transcript:"
    assert lines[1].startswith("session 1: test, TLSv1.3 TLS_AES_256_GCM_SHA384, ended: server")
    assert lines[-2].endswith("C  RETR 1")
    assert lines[-1].endswith("-  the server failed")
    assert "pop3s-password" not in transcript


def test_an_exception_under_way_stays_the_headline(connect: Callable[..., Client]) -> None:
    """The verdict is noted on it, with the note of the problem, and the transcript."""
    with pytest.raises(ZeroDivisionError) as caught, Pop3sServer() as server:  # noqa: PT012  # leaving the block raises
        server.maildrop.generate(1, failing(ValueError("no such template")), octets=1)
        connect(server).login().send(b"RETR 1\r\n")
        raise ZeroDivisionError
    problem, where, transcript = caught.value.__notes__
    assert problem == "pop3s-fake: ValueError: no such template"
    assert where == "  in the server, while answering RETR 1 in session 1"
    assert transcript.startswith("pop3s-fake transcript:\nsession 1: test, TLSv1.3 ")


def test_an_exception_under_way_without_a_problem_gets_the_transcript_only(connect: Callable[..., Client]) -> None:
    """And where nobody connected, nothing."""
    with pytest.raises(ZeroDivisionError) as caught, Pop3sServer() as server:  # noqa: PT012  # leaving the block raises
        connect(server).quit()
        raise ZeroDivisionError
    (transcript,) = caught.value.__notes__
    assert transcript.splitlines()[-1].endswith("S  +OK signing off")
    with pytest.raises(ZeroDivisionError) as caught, Pop3sServer():
        raise ZeroDivisionError
    assert not hasattr(caught.value, "__notes__")


def test_a_long_transcript_shows_its_end(connect: Callable[..., Client]) -> None:
    """Two hundred lines, and how many came before."""
    with pytest.raises(ZeroDivisionError) as caught, Pop3sServer() as server:  # noqa: PT012  # leaving the block raises
        client = connect(server).login()
        for _ in range(200):
            client.ask("NOOP")
        raise ZeroDivisionError
    head, count, *lines = caught.value.__notes__[0].splitlines()
    assert (head, count) == ("pop3s-fake transcript:", "... 207 lines before")
    assert len(lines) == 200
    assert lines[-3].endswith("C  NOOP")
    assert lines[-1].endswith("-  the server disconnected the client")


def test_problems_are_told_once(connect: Callable[..., Client]) -> None:
    """Whoever takes them has them; the next judgement begins anew."""
    with Pop3sServer() as server:
        server.check()
        server.maildrop.generate(1, failing(ValueError("a")), octets=1)
        for _ in range(2):
            connect(server).login().send(b"RETR 1\r\n")
            problems = server.judge()
            assert [repr(problem) for problem in problems] == ["ValueError('a')"]
            assert server.judge() == []
            server.check()


def test_several_problems_come_together_in_order(connect: Callable[..., Client]) -> None:
    """Pop3sFailure numbers them."""
    with pytest.raises(Pop3sFailure) as caught, Pop3sServer() as server:  # noqa: PT012  # leaving the block raises
        server.maildrop.generate(1, failing(ValueError("a")), octets=1)
        client = connect(server)
        client.ask("capa  ")
        client.close()
        server.settle()
        connect(server).login().send(b"RETR 1\r\n")
    violation, error = caught.value.problems
    assert isinstance(violation, ProtocolViolation)
    assert isinstance(error, ValueError)
    assert str(caught.value).startswith(f"2 problems:\n1. ProtocolViolation: {violation}\n2. ValueError: a")


@pytest.mark.parametrize("keywords", [{"strict": False}, {"allow": ["C-1939-3.2"]}])
def test_a_violation_that_is_allowed_is_no_problem(connect: Callable[..., Client], keywords: dict[str, object]) -> None:
    """It stays in the transcript."""
    with Pop3sServer(**keywords) as server:  # type: ignore[arg-type]
        client = connect(server)
        assert client.ask("capa  ").startswith(b"-ERR")
        texts = [entry.text for entry in server.transcript.last_session.entries]
        assert texts[-2:] == ["the client broke C-1939-3.2", texts[-1]]


def test_a_client_that_does_not_read_at_the_end_of_the_block_is_told(blocked: Callable[..., Client]) -> None:
    """What it did cannot be judged."""
    with pytest.raises(Pop3sFakeError) as caught, Pop3sServer() as server:
        blocked(server)
    assert str(caught.value) == (
        "the server did not come to rest within 1 s: "
        "session 1 is still sending its reply to RETR 1, which the client does not read"
    )


def test_a_thread_that_does_not_end_is_a_problem_like_others(connect: Callable[..., Client]) -> None:
    """Leaving the block does not hide it."""
    begun, release = threading.Event(), threading.Event()

    def hanging(_: int) -> str:
        begun.set()
        release.wait()
        return "x\r\n"

    try:
        with pytest.raises(Pop3sFailure) as caught, Pop3sServer() as server:  # noqa: PT012  # leaving the block raises
            server.maildrop.generate(1, hanging, octets=3)
            connect(server).login().send(b"RETR 1\r\n")
            assert begun.wait(30)
    finally:
        release.set()
    rest, stop = caught.value.problems
    assert str(rest) == "the server did not come to rest within 1 s: session 1 is still busy with RETR 1"
    assert str(stop) == (
        "1 of the server's threads did not end within 2 seconds: "
        f"pop3s-fake:{server.port}:conn-1 (session 1 is still busy with RETR 1)"
    )


def test_no_problem_is_lost_between_two_threads(tcp: Callable[..., socket.socket]) -> None:
    """One judges again and again while sessions fail."""
    with Pop3sServer(deadline=0.05) as server:
        clients = [tcp(server) for _ in range(20)]
        problems: list[BaseException] = []

        def told() -> bool:
            problems.extend(server.taken())
            return len(problems) == len(clients)

        assert server._house.wait_until(told, 30)
        assert {type(problem) for problem in problems} == {ClientHung}
