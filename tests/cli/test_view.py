"""The view: colours on a terminal unless NO_COLOR says otherwise, cut at its width, plain in a pipe."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest
from rich.console import Console

from pop3s_fake.cli.events import Event
from pop3s_fake.cli.view import Plain, Terminal

if TYPE_CHECKING:
    from pathlib import Path

STRUCK: Final = Event(0.0, 2, "ann", "RETR 2", "rule RETR#2@512 -> end rst struck at octet 512", None, "event")
OK: Final = Event(0.0, 2, "ann", "RETR 2", "+OK 120 octets", 139, "answer")
ERR: Final = Event(0.0, 2, None, "PASS ****", "-ERR [AUTH] name or password is wrong", 39, "answer")
GONE: Final = Event(0.0, 2, "ann", "", "the client closed the connection without QUIT", None, "event")
LONG: Final = Event(0.0, 2, None, "X" * 90, "-ERR unknown command", 22, "answer")
ASKED: Final = Event(0.0, 2, None, "AUTH PLAIN", "+ ", 4, "challenge")
SAID: Final = Event(0.0, 2, None, "AUTH PLAIN", r"\0ann\0****", 34, "response")
HOSTILE: Final = Event(0.0, 2, None, "X\x1b[2J", "rule \udcff\u202e", None, "event")


def terminal(width: int, event: Event, **environ: str) -> str:
    """What a terminal of this width is sent for an event."""
    file = io.StringIO()
    environ = {"TERM": "xterm", **environ}
    console = Console(file=file, force_terminal=True, width=width, _environ=environ, color_system="standard")
    Terminal(console).show(event)
    return file.getvalue()


def plain(text: str) -> str:
    """Without the terminal's codes, and without the time of day."""
    return re.sub(r"^\d\d:\d\d:\d\d", "00:00:00", re.sub(r"\x1b\[[0-9;]*m", "", text))


@pytest.mark.parametrize(
    ("event", "colour"), [(STRUCK, "1;33"), (OK, "32"), (ERR, "31"), (GONE, "35")], ids=["struck", "ok", "err", "gone"]
)
def test_what_happened_has_a_colour(event: Event, colour: str) -> None:
    """Yellow where a rule struck, red where the client was refused, magenta where it broke off."""
    assert f"\x1b[{colour}m{event.text}" in terminal(120, event)
    assert not re.search(r"\x1b\[[0-9;]*3\dm", terminal(120, event, NO_COLOR="1"))


def test_an_exchange_that_goes_on_has_no_colour() -> None:
    """It is neither good nor bad yet; the octets are those of each step, and what the client says is bold."""
    for event in (ASKED, SAID):
        assert not re.search(r"\x1b\[[0-9;]*3\dm", terminal(120, event).rpartition(str(event.octets))[2])
    assert "\x1b[1m(response) " in terminal(120, SAID)
    assert [plain(terminal(120, event)) for event in (ASKED, SAID)] == [
        "00:00:00        2  AUTH PLAIN              4  + \n",
        r"00:00:00        2  AUTH PLAIN             34  (response) \0ann\0****" + "\n",
    ]


def test_a_line_is_cut_at_the_width_of_the_terminal() -> None:
    """And a narrow one shows neither time nor octets."""
    assert plain(terminal(80, STRUCK)) == (
        "00:00:00        2  RETR 2                     rule RETR#2@512 -> end rst struck…\n"
    )
    for narrow in (50, 71):
        assert plain(terminal(narrow, OK)) == "      2  RETR 2          +OK 120 octets\n"
    assert plain(terminal(80, LONG)) == (
        "00:00:00        2  XXXXXXXXXXXXXXXXXXXXXXXXXXXXX…         22  -ERR unknown comm…\n"
    )
    for width in (1, 10, 30, 71, 72):
        assert len(plain(terminal(width, LONG))) <= width + 1


def test_a_pipe_gets_whole_lines() -> None:
    """However long they are, and without codes."""
    file = io.StringIO()
    Plain(file).show(LONG)
    assert plain(file.getvalue()) == f"00:00:00        2  {'X' * 90}         22  -ERR unknown command\n"


def test_nothing_that_a_terminal_obeys_is_shown() -> None:
    """Whatever a client or a rule says is text."""
    file = io.StringIO()
    Plain(file).show(HOSTILE)
    assert plain(file.getvalue()) == "00:00:00        2  X\\x1b[2J                   rule \\udcff\\u202e\n"
    assert "\x1b[2J" not in terminal(100, HOSTILE)


@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": "1"}], ids=["colour", "NO_COLOR"])
def test_a_terminal_is_seen_to_be_one(environ: dict[str, str], tmp_path: Path) -> None:
    """On a pseudo-terminal; Ctrl-C there ends it."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "pop3s_fake.cli", "serve", "--port", "0"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(tmp_path),
            "TERM": "xterm",
            "COLUMNS": "100",
            **environ,
        },
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        text = b""
        while b"answer" not in text:
            text += os.read(ours, 4096)  # an error once the child has ended
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 0
    finally:
        child.kill()
        child.wait()
        os.close(ours)
    assert b"\x1b[1mpop3s-fake listens on localhost:" in text
    assert bool(re.search(rb"\x1b\[[0-9;]*3\dm", text)) is not bool(environ)
