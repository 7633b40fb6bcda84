"""A pytest inside the test, with a mail client at hand, and what its report says without what differs by chance."""

from __future__ import annotations

import importlib
import re
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

# A run inside this process forgets the modules that it loaded first, and two copies of a class would not know each
# other: so all that it needs is loaded here.
for name in ("pop3s_fake.tls.authority", "pop3s_fake.tls.records", "pop3s_fake.unittest", "pop3s_fake.sweep", "poplib"):
    importlib.import_module(name)
for name in ("servers", "sweeping", "verdict"):
    importlib.import_module(f"pytest_pop3s_fake.{name}")

if TYPE_CHECKING:
    from pathlib import Path

CLIENT = '''
import poplib

class Client(poplib.POP3_SSL):
    """poplib, which can also say what it should not."""

    def __init__(self, server):
        super().__init__(server.host, server.port, context=server.client_context(), timeout=20)
        self.user(server.login.user)
        self.pass_(server.login.password)

    def say(self, line):
        self._putcmd(line)
        return self._getline()[0]
'''

ISOLATED = ("-p", "pytest_pop3s_fake", "-p", "no:cacheprovider", "--pop3s-seed=7")


class Report:
    """What such a run has said."""

    def __init__(self, result: pytest.RunResult) -> None:
        self.result = result
        self.lines = result.outlines
        self.text = plain("\n".join(result.outlines))
        self.errors = "\n".join(result.errlines)

    @property
    def counts(self) -> dict[str, int]:
        """How many tests passed, failed and so on."""
        return self.result.parseoutcomes()

    def block(self, heading: str) -> str:
        """What stands under a heading such as ``test_sync``, to the next one; ports, times and ciphers left out."""
        is_it = re.compile(rf"_+ {re.escape(heading)} _+").fullmatch
        begin = next((i for i, line in enumerate(self.lines) if is_it(line)), None)
        assert begin is not None, f"no block {heading!r} in:\n{self.text}"
        end = next(i for i in range(begin + 1, len(self.lines)) if HEADING.fullmatch(self.lines[i]))
        return plain("\n".join(self.lines[begin + 1 : end]))


HEADING = re.compile(r"(_{3,}|={3,}) .+ (_{3,}|={3,})")


class Inner:
    """A project with one test file, `test_mail.py`, and pytest run on it with this plugin and no other."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.file("mail_client.py", CLIENT)

    @property
    def path(self) -> Path:
        """The project's directory."""
        return self._pytester.path

    def file(self, name: str, text: str) -> None:
        """Write a file."""
        (self.path / name).write_text(textwrap.dedent(text), encoding="utf-8")

    def run(self, tests: str, *arguments: str) -> Report:
        """Run these tests in this process."""
        self._write(tests)
        return Report(self._pytester.runpytest_inprocess(*ISOLATED, *arguments))

    def run_apart(self, tests: str, *arguments: str) -> Report:
        """Run these tests in a process of their own."""
        self._write(tests)
        return Report(self._pytester.runpytest_subprocess(*ISOLATED, *arguments, timeout=60))

    def _write(self, tests: str) -> None:
        head = "import contextlib\nimport pytest\nfrom mail_client import Client\n\n"
        self.file("test_mail.py", head + textwrap.dedent(tests).lstrip("\n"))


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Inner:
    """An empty project, in which no plugin is loaded by itself."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    # A second test file of the same length, written within the same second, would be taken for the first one.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Inner(pytester)


def plain(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, name in (
        (r"localhost:\d+", "localhost:PORT"),
        (r"(?m)^(E?) +\d+\.\d{3} ([CS-])  ?", r"\1 TIME \2 "),
        (r"<(\d+)\.[0-9a-f]+@", r"<\1.STAMP@"),
        (r"TLSv1\.3 \w+", "TLS"),
    ):
        text = re.sub(pattern, name, text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
