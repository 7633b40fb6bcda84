"""What people see: the start-up text, then a line for each event; plain in a pipe, in colour on a terminal.

Knows columns, colours and widths; must not know where events come from.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from pop3s_fake.cli.events import Event

__all__ = ("Plain", "Silent", "Terminal", "View", "view")

NARROW: Final = 72
"""Columns of a terminal below which neither time nor octets are shown."""

COMMAND: Final = 14
"""Columns of a command, which a longer one exceeds."""

LONGEST: Final = 32
"""Columns that a command may take on a terminal, with the space behind it; what is longer is cut."""

HEAD: Final = ("time", "session", "command", "octets", "answer")


class View(Protocol):
    """Where everything is shown."""

    def say(self, text: str, style: str = "") -> None:
        """Show a line of text that may be copied, never broken."""

    def head(self) -> None:
        """Name the columns of the events that are to come."""

    def show(self, event: Event) -> None:
        """Show what happened, on one line."""


class Silent:
    """Shows nothing."""

    def say(self, text: str, style: str = "") -> None:
        """Nothing."""

    def head(self) -> None:
        """Nothing."""

    def show(self, event: Event) -> None:
        """Nothing."""


class Plain:
    """Lines without colours, as long as they are, each written at once."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def say(self, text: str, style: str = "") -> None:  # noqa: ARG002  # a pipe has no styles
        """The text alone; nothing, once nobody reads any more."""
        try:
            self._file.write(f"{text}\n")
            self._file.flush()
        except BrokenPipeError:  # what is still in the buffer would fail again when the process ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._file.fileno())

    def head(self) -> None:
        """The columns' names."""
        self.say("".join(_columns(*HEAD)))

    def show(self, event: Event) -> None:
        """All columns."""
        self.say("".join(_columns(*_words(event))))


class Terminal:
    """Lines in colour, each cut at the terminal's width; NO_COLOR of the environment leaves colours out."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, text: str, style: str = "") -> None:
        """The text, soft-wrapped by the terminal itself, so that it can be copied."""
        self._console.print(text, style=style or None, soft_wrap=True, markup=False, highlight=False, emoji=False)

    def head(self) -> None:
        """The columns' names, dim."""
        self._line(_columns(*HEAD), ("dim",) * len(HEAD))

    def show(self, event: Event) -> None:
        """The columns that there is room for."""
        self._line(_columns(*_words(event)), ("dim", "cyan", "bold", "dim", _style(event)))

    def _line(self, columns: tuple[str, ...], styles: tuple[str, ...]) -> None:
        from rich.text import Text  # noqa: PLC0415  # on a terminal only

        narrow = self._console.width < NARROW
        text = Text()
        for name, column, style in zip(HEAD, columns, styles, strict=True):
            if not narrow or name not in {"time", "octets"}:
                shown = column if name == HEAD[-1] or len(column) <= LONGEST else f"{column[: LONGEST - 3]}…  "
                text.append(shown, style)
        self._console.print(text, highlight=False, no_wrap=True, overflow="ellipsis")


def view(*, quiet: bool = False) -> View:
    """The view that fits standard output."""
    if quiet:
        return Silent()
    if not sys.stdout.isatty():
        return Plain(sys.stdout)
    from rich.console import Console  # noqa: PLC0415  # on a terminal only

    return Terminal(Console())


def _words(event: Event) -> tuple[str, str, str, str, str]:
    """The event as text without anything that a terminal would obey."""
    time = datetime.fromtimestamp(event.time).astimezone().strftime("%H:%M:%S")
    octets = "" if event.octets is None else str(event.octets)
    text = f"(response) {event.text}" if event.what == "response" else event.text
    return time, str(event.session), _printable(event.command), octets, _printable(text)


def _columns(time: str, session: str, command: str, octets: str, text: str) -> tuple[str, str, str, str, str]:
    return f"{time:8}  ", f"{session:>7}  ", f"{command:{COMMAND}}  ", f"{octets:>9}  ", text


def _printable(text: str) -> str:
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text
    )


def _style(event: Event) -> str:
    """The colour of what stands at the end: rules strike, clients are refused, clients break off.

    An AUTH exchange that goes on is neither good nor bad yet.
    """
    if event.what == "answer":
        return "red" if event.text.startswith("-ERR") else "green"
    if event.what != "event":
        return "bold" if event.what == "response" else ""
    return "bold yellow" if event.text.startswith("rule ") else "magenta"
