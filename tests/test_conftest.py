"""The fixture that watches every test is watched itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def test_a_test_that_leaves_a_thread_behind_fails(pytester: pytest.Pytester) -> None:
    """The test that left the thread is named with it, and the next test is not blamed."""
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text(encoding="utf-8") + "\n\nGRACE = 0.01\n")
    pytester.makepyfile(
        """
        import threading

        over = threading.Event()

        def test_leaves_one():
            threading.Thread(target=over.wait, args=(60,), name="pop3s-fake:1234:conn-1", daemon=True).start()

        def test_leaves_none():
            over.set()

        def test_leaves_one_of_its_own():
            over.clear()
            threading.Thread(target=over.wait, args=(60,), name="mine", daemon=True).start()
            over.set()
        """,
    )

    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:pytest_pop3s_fake")

    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["the test left threads behind: pop3s-fake:1234:conn-1"])
