"""Each dialect against the recording of its server: what was said there is said again."""

from __future__ import annotations

import pytest

from pop3s_fake.dialects import dialect, dialect_ids
from pop3s_fake.protocol.manner import Delays
from tests.dialects.manual import PAGE, differences, page
from tests.dialects.replaying import recordings, replay, scenarios

ALL = [(name, scenario) for name in dialect_ids() if name in recordings() for scenario in scenarios(name)]


@pytest.mark.parametrize(("name", "scenario"), ALL)
def test_a_dialect_says_what_its_server_said(name: str, scenario: str) -> None:
    """Octet for octet, and how the connection ended; what differs is listed with its reason, and nothing else is."""
    exchanges = replay(name, scenario)
    listed = {place for of, where, place in differences() if (of, where) == (name, scenario)}
    unlisted = [each for each in exchanges if not each.equal and each.place not in listed]
    vanished = [each for each in exchanges if each.equal and each.place in listed]

    assert not unlisted, f"these differ, and no reason is listed: {unlisted}"
    assert not vanished, f"a reason is listed for these, and they are equal: {vanished}"
    assert listed <= {each.place for each in exchanges}


DELAYING = [
    (name, scenario)
    for name in dialect_ids()
    for evidence in dialect(name).manner.delays.evidence
    for scenario in evidence.removeprefix(f"{name}: ").split(", ")
    if evidence.startswith(f"{name}: ")
]
"""What is named for the delays of each dialect."""

LATE = 0.8
"""Seconds by which an answer of theirs may have been later than another one to the same."""


@pytest.mark.parametrize(("name", "scenario"), DELAYING)
def test_a_dialect_holds_an_answer_back_as_long_as_its_server_did(name: str, scenario: str) -> None:
    """By the clocks of the two; and something is held back there, so that a dialect without a delay would fail."""
    exchanges = replay(name, scenario)

    assert [each for each in exchanges if abs(each.their_delay - each.our_delay) > LATE] == []
    assert any(each.their_delay > LATE for each in exchanges)


def test_each_dialect_with_delays_names_where_they_were_seen() -> None:
    """So that they are compared; one that extends another has them from there."""
    slow = {name for name in recordings() if dialect(name).manner.delays != Delays()}
    assert slow - {name for name, _ in DELAYING} == {"courier-rich"}


def test_a_difference_is_listed_where_there_is_something_to_differ() -> None:
    """An entry for a scenario that nobody recorded would never be missed."""
    assert {(name, scenario) for name, scenario, _ in differences()} <= set(ALL)


@pytest.mark.parametrize("name", [name for name in dialect_ids() if name in recordings()])
def test_nearly_all_exchanges_are_equal(name: str) -> None:
    """99 of 100, with what is listed counted as different."""
    found = sum(len(replay(name, scenario)) for scenario in scenarios(name))
    different = sum(of == name for of, _, _ in differences())

    assert found > 800
    assert different <= found / 100


def test_the_page_is_the_one_that_the_recordings_make() -> None:
    """Else make it anew: ``python -m tests.dialects.manual``."""
    assert PAGE.read_text(encoding="utf-8") == page()
