from __future__ import annotations

import threading
from itertools import count
from time import monotonic

import pytest

from pop3s_fake.server.hub import Hub


def test_who_waits_is_told_at_once() -> None:
    """No polling: the change itself wakes."""
    hub = Hub()
    changed = threading.Event()

    def change() -> None:
        changed.set()
        hub.changed()

    timer = threading.Timer(0.02, change)
    timer.start()
    assert hub.wait_until(changed.is_set, 60)
    timer.join()
    assert hub.watched == 0


def test_who_waits_for_nothing_waits_as_long_as_was_asked() -> None:
    """And is told that it did not come."""
    for timeout in (0, 0.02, 0.12):
        began = monotonic()
        assert not Hub().wait_until(lambda: False, timeout)
        assert monotonic() - began >= timeout


def test_a_machine_that_stands_still_takes_no_part_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock finds it an hour later, and still there is time for a change to come about."""
    hours = count(step=3600)
    monkeypatch.setattr("pop3s_fake.server.hub.monotonic", lambda: next(hours))
    looks = count()
    assert Hub().wait_until(lambda: next(looks) == 5, 1)


def test_an_exception_in_the_test_leaves_nobody_watching() -> None:
    """What is asked for may fail."""
    hub = Hub()
    with pytest.raises(ZeroDivisionError):
        hub.wait_until(lambda: bool(1 // 0), 1)
    assert hub.watched == 0
