"""`pop3s-fake serve` as a process of its own, in a fresh directory, within bounds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BOUND: Final = 60.0
"""Seconds of real time after which a process is killed and the test fails."""

HEAD: Final = "time      session  command            octets  answer"
"""The last line of the start-up text."""


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment without the user's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH") if name in os.environ}
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return kept | coverage | {"HOME": str(home), "LC_ALL": "C.UTF-8", "NO_PROXY": "*"} | more


class Child:
    """A running server: its start-up text, its ready file, and its end."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.ready_file = directory / "ready.json"
        command = [sys.executable, "-m", "pop3s_fake.cli", "serve", "--port", "0", "--ready-file", str(self.ready_file)]
        self.process = subprocess.Popen(
            [*command, *options],
            cwd=directory,
            env=environment(directory),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.alarm = threading.Timer(BOUND, self.process.kill)  # whoever waits for its output sees the end of it
        self.alarm.start()

    def line(self) -> str:
        """The next line of its output."""
        assert self.process.stdout is not None
        line: str = self.process.stdout.readline()
        assert line, f"it ended, or said nothing for {BOUND:g} seconds: {self.process.stderr.read()}"  # type: ignore[union-attr]
        return line.removesuffix("\n")

    def started(self) -> list[str]:
        """The start-up text, without its last line."""
        return list(iter(self.line, HEAD))

    @property
    def ready(self) -> Any:
        """What the ready file says."""
        return json.loads(self.ready_file.read_text(encoding="utf-8"))

    def ends(self, by: signal.Signals = signal.SIGTERM) -> tuple[int, list[str], str]:
        """Its exit code after this signal, the rest of its output, and what it said on standard error."""
        self.process.send_signal(by)
        if self.process.stdout is not None and self.process.stdout.closed:
            self.process.stdout = None
        output, errors = self.process.communicate()
        return self.process.returncode, (output or "").splitlines(), errors

    def close(self) -> None:
        """Leave nothing behind."""
        self.alarm.cancel()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Start ``pop3s-fake serve --port 0`` with these options in the test's directory."""
    children: list[Child] = []

    def made(*options: str) -> Child:
        children.append(Child(tmp_path, *options))
        return children[-1]

    yield made
    for child in children:
        child.close()
