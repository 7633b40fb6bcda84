"""What becomes of a test because of its servers: the failure, the notes, the transcript in its report and in a file.

Knows how pytest shows failures; must not know why a server complains or how it was made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

from pop3s_fake.errors import Pop3sFailure, UsageError, verdict
from pop3s_fake.server.pointing import code_of, raise_at, trimmed

if TYPE_CHECKING:
    from pop3s_fake.server.server import Pop3sServer
    from pop3s_fake.sweep import Sweep
    from pytest_pop3s_fake.deciding import Settings

__all__ = ("Watch", "Watched")

# Frames of this module tell nobody anything; the line of the test does.
__tracebackhide__ = True

SECTION: Final = "pop3s transcript"
"""The name of the report's sections."""

SWEEP: Final = "pop3s sweep"
"""The name of the section that sums up a sweep."""

MOST_LINES: Final = 200
MOST_CHARACTERS: Final = 64 * 1024
"""How much of a transcript a report shows: the end of it."""

MOST_OF_A_NAME: Final = 120
"""Characters of a node id in a file's name: file systems take 255 octets, some 143."""

_UNJUDGED: Final = (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception, KeyboardInterrupt)
"""What ends a test without a verdict; `pytest.xfail.Exception` is what a call of `pytest.xfail()` raises."""

_WRITTEN: Final = pytest.StashKey[set[str]]()
"""The files that this run has begun."""


@dataclass
class Watched:
    """One server of a test."""

    server: Pop3sServer
    seed: str
    """How what was random in it can be had again."""
    kept: list[BaseException] = field(default_factory=list)
    """Problems that were taken from the server and not told yet."""

    def keep_problems(self) -> None:
        """Take the problems so far from the server, which is about to stop or to be another test's."""
        self.kept += self.server.judge()

    def problems(self) -> list[BaseException]:
        """The problems so far; told once."""
        self.keep_problems()
        problems, self.kept = self.kept, []
        return problems

    def text(self) -> str:
        """The transcript under a heading, cut to what a report can show."""
        story = self.server.story(MOST_LINES)
        if len(story) > MOST_CHARACTERS:
            story = "... the beginning is left out\n" + story[-MOST_CHARACTERS:].partition("\n")[2]
        return f"{self._heading()}\n{story or 'no client has connected'}"

    def whole_text(self) -> str:
        """The whole transcript under a heading."""
        lines = [line for session in self.server.transcript.peek() for line in session.lines()]
        case = [self.server.transcript.heading] if lines and self.server.transcript.heading else []
        return "\n".join([self._heading(), *case, *(lines or ["no client has connected"])])

    @property
    def where(self) -> str:
        """The server by its address."""
        try:
            return f"{self.server.host}:{self.server.port}"
        except UsageError:
            return "a server that was never started"

    def _heading(self) -> str:
        return f"{self.where}, {self.seed}"


class Watch:
    """The servers of one test, from its set-up to its teardown."""

    def __init__(self, item: pytest.Item, settings: Settings) -> None:
        self._item = item
        self._settings = settings
        self.servers: list[Watched] = []
        """The servers so far."""
        self.reached: set[str] = set()
        """What the test's own marker gives and something was made from."""
        self.sweeps: list[Sweep] = []
        """The sweeps so far."""
        self.seed_of_messages: str | None = None
        """How the messages of `pop3s_message_factory` can be had again, if the test uses it."""
        self._texts: list[str] = []
        self._code = code_of(getattr(item, "function", None))
        self.in_function = True
        """Whether the test function may still be running: what is reported in its call phase is then a subtest."""
        self._clear(SECTION, SWEEP)  # what a run of the same test before this one has left

    def add(self, server: Pop3sServer, seed: str) -> Watched:
        """Watch this server, too."""
        watched = Watched(server, seed)
        self.servers.append(watched)
        return watched

    def drop(self, watched: Watched, *, keep: bool) -> None:
        """Watch this server no more; ``keep`` its transcript for the file."""
        if watched in self.servers:
            self.servers.remove(watched)
            if keep and self._settings.transcript_dir is not None:
                self._texts.append(watched.whole_text())
        self._clear(SECTION)

    def pronounce(self) -> None:
        """Raise what went wrong, if anything did."""
        problems = [problem for watched in self.servers for problem in watched.problems()]
        problems += [problem for sweep in self.sweeps for problem in sweep.untold()]
        raised = verdict(problems)
        if raised is None:
            return
        if isinstance(raised, Pop3sFailure):
            raised.__cause__ = next((trimmed(problem) for problem in problems if problem.__traceback__), None)
        self.point(trimmed(raised))

    def point(self, error: BaseException) -> NoReturn:
        """Raise an error for which no line of the test is to blame, so that its report points at the test itself."""
        raise_at(self._code, error)

    def pointed(self, error: BaseException) -> BaseException:
        """The same error, as :meth:`point` raises it."""
        try:
            self.point(error)
        except BaseException as raised:  # noqa: BLE001  # it is this very error
            return raised

    def report_on(self, call: pytest.CallInfo[None]) -> None:
        """Complete what is about to become a report: notes on its failure, and the transcript as a section."""
        whole = call.when != "call" or not self.in_function
        failure = call.excinfo.value if call.excinfo is not None else None
        if whole and call.when == "call" and self.sweeps:
            self._show_sweeps()
        if failure is None:
            if whole and call.when == "call" and self._settings.transcript == "all":
                self._show(self.servers, "call")
        elif isinstance(failure, _UNJUDGED):
            if whole:
                for watched in self.servers:
                    watched.problems()  # asked for, so that nobody tells them
        else:
            for watched in self.servers:
                watched.server.annotate(failure, watched.problems(), transcript=False)
            if self._settings.transcript != "none":
                self._show(self.servers, call.when)

    def _show_sweeps(self) -> None:
        """Let the report of the test say which points of its sweeps failed, neighbours in one."""
        from pop3s_fake.sweep.telling import digest  # noqa: PLC0415  # only where there was a sweep

        self._clear(SWEEP)
        for sweep in self.sweeps:
            if sweep.failed and sweep.tells:
                self._item.add_report_section("call", SWEEP, digest(sweep.failed, sweep.visited))

    def _show(self, servers: list[Watched], when: str) -> None:
        """Let these transcripts be the report's only ones."""
        self._clear(SECTION)
        for watched in servers:
            self._item.add_report_section(when, SECTION, watched.text())
        if self.seed_of_messages not in {None, *(watched.seed for watched in servers)}:
            self._item.add_report_section(when, SECTION, f"pop3s_message_factory, {self.seed_of_messages}")

    def _clear(self, *names: str) -> None:
        """Let the report have no sections of these names."""
        sections = self._item._report_sections  # noqa: SLF001  # pytest can add to them, never replace
        sections[:] = [section for section in sections if section[1] not in names]

    def write(self) -> None:
        """Leave the transcripts in a file, if that was asked for; a rerun of the test adds to it."""
        directory = self._settings.transcript_dir
        texts = [*self._texts, *(watched.whole_text() for watched in self.servers)]
        if directory is None or not texts:
            return
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / _file_name(self._item.nodeid)
        begun = self._item.config.stash.setdefault(_WRITTEN, set())
        with path.open("a" if path.name in begun else "w", encoding="utf-8") as file:
            file.write("\n\n".join([self._item.nodeid, *texts]) + "\n")
        begun.add(path.name)


def _file_name(nodeid: str) -> str:
    """A name for the file of this test, on any file system; the hash parts those that differ in odd characters only.

    >>> _file_name("tests/test_sync.py::test_all[a/b]")
    'tests-test_sync.py-test_all-a-b-1c6d8c32.txt'
    """
    readable = re.sub(r"[^A-Za-z0-9_.]+", "-", nodeid).strip("-.")
    return f"{readable[-MOST_OF_A_NAME:]}-{sha256(nodeid.encode()).hexdigest()[:8]}.txt"
