"""Commands are heard as they come, and whoever hears them cannot hold up or break a session."""

from __future__ import annotations

import io
import json
import poplib
import threading
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import Pop3sServer
from pop3s_fake.cli import watching
from pop3s_fake.cli.events import MOST_ASKED, Events, json_line
from pop3s_fake.cli.view import Plain
from pop3s_fake.cli.watching import WAITING, Watcher
from pop3s_fake.transcript import Entry, Session, Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

BOUND: Final = 60.0


@pytest.fixture
def connect() -> Callable[[Pop3sServer], poplib.POP3_SSL]:
    """Log in."""

    def made(server: Pop3sServer) -> poplib.POP3_SSL:
        client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=BOUND)
        client.user(server.login.user)
        client.pass_(server.login.password)
        return client

    return made


def test_a_follower_hears_each_entry_of_later_sessions() -> None:
    """As an entry, at once; what it raises is dropped."""
    heard: list[tuple[int, Entry]] = []
    transcript = Transcript()
    before = transcript.begin(0.0)

    def follower(session: Session, entry: Entry) -> None:
        heard.append((session.number, entry))
        raise OSError

    transcript.follow(follower)
    session = transcript.begin(1.0)
    before.heard(1.0, "NOOP", 6)
    session.heard(2.0, b"STAT", 6)
    session.said(3.0, b"+OK 0 0\r\n", 9)
    session.happened(4.0, "x")
    assert heard == [
        (2, Entry(2.0, "C", "STAT", 6)),
        (2, Entry(3.0, "S", "+OK 0 0", 9)),
        (2, Entry(4.0, "-", "x", 0)),
    ]
    assert [entry for _, entry in heard] == session.entries


class Held(io.StringIO):
    """A terminal that is held up until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        """Wait."""
        assert self.go.wait(BOUND)
        return super().write(text)


def test_a_terminal_that_is_held_up_holds_up_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit into the queue is not shown, and all the same noted."""
    monkeypatch.setattr(watching, "ENDING", BOUND)  # the machine may stand still, too
    terminal = Held()
    watcher = Watcher(Plain(terminal), None, offset=0.0)
    transcript = Transcript()
    transcript.follow(watcher)
    session = transcript.begin(0.0)
    for _ in range(WAITING + 10):
        session.happened(0.0, "x")
    assert len(session.entries) == WAITING + 10
    terminal.go.set()
    watcher.close()
    assert WAITING <= terminal.getvalue().count("x\n") <= WAITING + 1


class Gone(io.StringIO):
    """A terminal that cannot be written to any more."""

    def write(self, text: str) -> int:
        """Fail, as after a hang-up."""
        raise OSError(text)


def test_a_terminal_that_is_gone_ends_the_view_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log goes on."""
    monkeypatch.setattr(watching, "ENDING", BOUND)
    log = io.StringIO()
    watcher = Watcher(Plain(Gone()), log, offset=0.0)
    session = Session(1, started=0.0)
    for text in ("one", "two"):
        watcher(session, Entry(0.0, "-", text, 0))
    watcher.close()
    assert [line.count('"event"') for line in log.getvalue().splitlines()] == [1, 1]


def test_a_server_that_is_only_followed_keeps_nothing(connect: Callable[[Pop3sServer], poplib.POP3_SSL]) -> None:
    """It may run for ever: neither transcript nor ledger grow, and the numbers go on."""
    heard: list[tuple[int, str]] = []
    with Pop3sServer(strict=False) as server:
        server.maildrop.add("Subject: one\n\n")
        server.transcript.follow(lambda session, entry: heard.append((session.number, entry.text)), remember=False)
        server.stop()
        server.start()
        for _ in range(3):
            client = connect(server)
            client.retr(1)
            client.quit()
        assert server.transcript.sessions == ()
        assert (server.ledger.sendings, server.ledger.story("x")) == ((), [])
    assert [number for number, text in heard if text == "RETR 1"] == [1, 2, 3]


def test_a_session_that_is_not_remembered_knows_how_it_stands() -> None:
    """But not what was said."""
    transcript = Transcript()
    transcript.follow(print, remember=False)
    session = transcript.begin(0.0)
    session.heard(0.0, "NOOP", 6)
    assert (session.entries, session.commands, session.number, transcript.begin(0.0).number) == ([], [], 1, 2)


def test_commands_without_answers_are_forgotten_at_last() -> None:
    """One a session at most, of those that were broken off."""
    events = Events(0.0)
    for number in range(MOST_ASKED + 100):
        events.of(number, None, Entry(0.0, "C", "NOOP", 6))
    assert len(events._asked) == MOST_ASKED


def test_an_exchange_is_logged_step_by_step() -> None:
    """Under the command that it belongs to; a response that stood in the AUTH line has no octets of its own."""
    events = Events(0.0)
    entries = [
        Entry(0.0, "C", "AUTH LOGIN", 12),
        Entry(0.0, "R", "ann", 0),
        Entry(0.0, "S", "+ Password:", 18),
        Entry(0.0, "R", "****", 14),
        Entry(0.0, "S", "+OK maildrop has 0 messages (0 octets)", 40),
        Entry(0.0, "-", "the client closed the connection without QUIT", 0),
    ]
    told = [event for entry in entries if (event := events.of(1, None, entry)) is not None]
    lines = [json.loads(json_line(event)) for event in told]
    assert [line.pop("command") for line in lines] == ["AUTH LOGIN"] * 4 + [None]
    assert [{name: line[name] for name in line.keys() - {"time", "session", "user"}} for line in lines] == [
        {"response": "ann"},
        {"challenge": "+ Password:", "octets": 18},
        {"response": "****", "octets": 14},
        {"answer": "+OK maildrop has 0 messages (0 octets)", "octets": 40},
        {"event": "the client closed the connection without QUIT"},
    ]
