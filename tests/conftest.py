"""What holds for every test: nothing of ours survives it.

A test that hangs is ended by pytest's own faulthandler, as ``pyproject.toml`` sets it up.  A socket that survives is a
``ResourceWarning``, which is an error here.  So there remain the threads.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["pytester"]

# A program of its own, whose modules import each other; the one that stands by itself is tested by its examples.
collect_ignore = [
    f"benchmarks/{name}.py"
    for name in ("bench", "child", "client", "content", "dialects", "dovecot", "floors", "front")
]
collect_ignore += ["benchmarks/measures.py", "benchmarks/__main__.py"]

# The same examples in every run: a new one belongs into a change of its own, not into somebody else's.  How long one
# takes says something of the machine only.
settings.register_profile(
    "ours", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")

OURS = "pop3s-fake:"  # how every thread of a server is named
GRACE = 10.0  # seconds for a thread whose work is done to be gone; it costs only a test that fails


def our_threads() -> set[threading.Thread]:
    """The threads of servers that run just now."""
    return {thread for thread in threading.enumerate() if thread.name.startswith(OURS)}


@pytest.fixture(autouse=True)
def no_thread_survives() -> Iterator[None]:
    """Fail the test that leaves a thread of a server behind; servers of wider scope were there before."""
    before = our_threads()
    yield
    for thread in our_threads() - before:
        thread.join(GRACE)
    survivors = sorted(thread.name for thread in our_threads() - before)
    if survivors:
        pytest.fail(f"the test left threads behind: {', '.join(survivors)}", pytrace=False)
