"""`Pop3sTestCase`, with unittest's runner and with pytest's."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Inner

CASES = """
import unittest

from mail_client import Client
from pop3s_fake import Account
from pop3s_fake.unittest import Pop3sTestCase

def bad(server):
    client = Client(server)
    client.say("NOOP  1")
    client.quit()

class {name}({bases}):
    pop3s_options = {options}

    {method}
"""

PROBLEM = "pop3s_fake.errors.ProtocolViolation: C-1939-3.2 (MUST)"


class Cases:
    """One test method in a TestCase, run by unittest and by pytest."""

    def __init__(self, inner: Inner) -> None:
        self._inner = inner

    def _source(self, method: str, options: str, bases: str) -> str:
        return CASES.format(name="TestMail", bases=bases, options=options, method=method)

    def unittest(self, method: str, *, options: str = "{}", bases: str = "Pop3sTestCase") -> str:
        """What unittest says."""
        self._inner.file("test_mail.py", self._source(method, options, bases))
        done = subprocess.run(
            [sys.executable, "-m", "unittest", "-v", "test_mail"],
            check=False,
            cwd=self._inner.path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stderr

    def pytest(self, method: str, *, options: str = "{}", bases: str = "Pop3sTestCase") -> tuple[dict[str, int], str]:
        """What pytest counts and says."""
        report = self._inner.run(self._source(method, options, bases))
        return report.counts, report.text


@pytest.fixture
def cases(inner: Inner) -> Cases:
    """One test method in a TestCase."""
    return Cases(inner)


PASSING = """
    def test_mail(self):
        self.server.maildrop.add("Subject: one")
        client = Client(self.server)
        self.assertEqual(client.stat(), (1, 14))
        client.quit()
        self.assertEqual(self.server.transcript.keywords, ["USER", "PASS", "STAT", "QUIT"])

    def test_fresh(self):
        self.assertEqual(len(self.server.maildrop), 0)
        self.assertEqual(self.server.transcript.keywords, [])
"""


def test_each_test_has_a_fresh_server(cases: Cases) -> None:
    """Under both runners."""
    assert re.search(r"Ran 2 tests in .*s\n\nOK\n", cases.unittest(PASSING))
    assert cases.pytest(PASSING)[0] == {"passed": 2}


def test_accounts_of_the_class_are_untouched_in_its_next_test(cases: Cases) -> None:
    """They are made once, when the class is."""
    assert "OK" in cases.unittest(PASSING, options='{"accounts": [Account("ann", "not-a-secret")]}')


VIOLATION = """
    def test_mail(self):
        bad(self.server)
"""


def test_a_problem_fails_the_test_itself(cases: Cases) -> None:
    """FAIL, no error of the tearDown; the message ends with the transcript."""
    said = cases.unittest(VIOLATION)

    assert "FAILED (failures=1)" in said
    assert "Ran 1 test" in said
    _, _, message = said.partition("FAIL: test_mail (test_mail.TestMail.test_mail)")
    assert re.search(
        r'Traceback \(most recent call last\):\n  File ".*test_mail\.py", line \d+, in (TestMail\.)?test_mail\n'
        r"    def test_mail\(self\):\n" + re.escape(PROBLEM),
        message,
    )
    assert message.count("pop3s-fake transcript:\nsession 1: test, TLS") == 1
    assert "PASS ****" in message

    counts, text = cases.pytest(VIOLATION)
    assert counts == {"failed": 1}
    assert f">   def test_mail(self):\nE   {PROBLEM}" in text
    report, _, _ = text.partition("short test summary info")  # which under CI repeats the whole message
    assert report.count("pop3s-fake transcript:") == 1


def test_a_test_that_failed_by_itself_keeps_its_failure(cases: Cases) -> None:
    """The problem is a note, and the test fails once."""
    method = VIOLATION + "        self.fail('mine')\n"
    said = cases.unittest(method)

    assert "FAILED (failures=1)" in said
    assert "AssertionError: mine\npop3s-fake: ProtocolViolation: C-1939-3.2 (MUST)" in said
    assert said.count("pop3s-fake transcript:") == 1
    assert cases.pytest(method)[0] == {"failed": 1}


@pytest.mark.parametrize(
    ("method", "end", "counts"),
    [
        (VIOLATION + "        self.skipTest('why')\n", "OK (skipped=1)", {"skipped": 1}),
        ("@unittest.expectedFailure" + VIOLATION, "OK (expected failures=1)", {"xfailed": 1}),
        ("@unittest.skip('why')" + VIOLATION, "OK (skipped=1)", {"skipped": 1}),
    ],
)
def test_skipping_and_expecting_work(cases: Cases, method: str, end: str, counts: dict[str, int]) -> None:
    """A skipped test is not judged; an expected failure may be the verdict."""
    assert end in cases.unittest(method)
    assert cases.pytest(method)[0] == counts


def test_what_happens_in_the_tear_down_fails_the_test(cases: Cases) -> None:
    """A client that goes wrong when it is closed."""
    method = """
    def setUp(self):
        self.client = Client(self.server)

    def tearDown(self):
        self.client.say("NOOP  1")
        self.client.close()

    def test_mail(self):
        self.client.noop()
"""
    said = cases.unittest(method)

    assert "FAILED (failures=1)" in said
    assert PROBLEM in said


def test_a_coroutine_is_judged(cases: Cases) -> None:
    """Beside ``IsolatedAsyncioTestCase``."""
    method = VIOLATION.replace("def test_mail", "async def test_mail")
    bases = "Pop3sTestCase, unittest.IsolatedAsyncioTestCase"

    assert "FAILED (failures=1)" in cases.unittest(method, bases=bases)
    counts, text = cases.pytest(method, bases=bases)
    assert counts == {"failed": 1}
    assert PROBLEM in text


def test_options_are_the_keywords_of_the_server(cases: Cases) -> None:
    """They are obeyed, and a wrong one is an error of the test that needs the server."""
    assert "OK" in cases.unittest(VIOLATION, options='{"allow": ["C-1939-3.2"]}')

    said = cases.unittest(VIOLATION, options='{"certificate": "expird"}')
    assert "FAILED (errors=1)" in said
    assert "UsageError: unknown certificate 'expird'; did you mean 'expired'?" in said
    said = cases.unittest(VIOLATION, options='{"certifcate": "expired"}')
    assert "UsageError: pop3s_options: unknown keyword 'certifcate'; did you mean 'certificate'?" in said


def test_a_server_of_ones_own_making_is_judged(cases: Cases) -> None:
    """By overriding ``make_server``."""
    method = """
    def make_server(self):
        from pop3s_fake import Pop3sServer
        return Pop3sServer(strict=False)
"""
    assert "OK" in cases.unittest(method + VIOLATION)


def test_a_test_that_needs_no_server_starts_none(cases: Cases) -> None:
    """The server is started at its first use."""
    method = """
    def test_mail(self):
        import threading
        self.assertEqual(threading.active_count(), 1)
"""
    assert "OK" in cases.unittest(method)


def test_a_rule_of_the_class_is_there_in_each_test(cases: Cases) -> None:
    """As an object, too, although a rule belongs to one server."""
    methods = """
    def test_one(self):
        self.assertEqual(len(self.server.rules), 1)

    def test_two(self):
        self.assertEqual(len(self.server.rules), 1)
"""
    assert "OK" in cases.unittest(methods, options='{"rules": [__import__("pop3s_fake").Rule("RETR").wait(1)]}')
