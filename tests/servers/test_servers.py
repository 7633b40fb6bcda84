"""Each dialect against the server itself, where it is installed, in sequences that nobody recorded.

A few of them run with the other tests.  All of them, 2 000 for Dovecot and 200 for each other server, are for
``python -m pytest -m live tests/servers``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.asking import answers, asked
from tests.servers.comparing import compare, name, names
from tests.servers.houses import HOUSES
from tests.servers.talking import perform, rehearse

if TYPE_CHECKING:
    from tests.servers.comparing import Found

SEED = 20
FEW = 40
MANY = {"dovecot": 2000}
SLOW = {"dovecot-rich", "courier-rich"}
"""Who is not asked with the other tests: a second session waits there, or the other set-up says the same."""

BATCH = 100
"""Sequences of one test, which may not take two minutes."""

BATCHES = [(dialect, start) for dialect in HOUSES for start in range(0, MANY.get(dialect, 200), BATCH)]
QUESTIONS = [(dialect, question) for dialect in HOUSES for question in asked(dialect)]


def held(dialect: str, numbers: range) -> list[Found]:
    """Hold a dialect against its server; what differs has to be listed, and to be rare.

    An answer that comes later than here may be the machine's doing, and is not judged; one that comes sooner is not.
    """
    house = HOUSES[dialect]
    if missing := house.missing():
        pytest.skip(missing)
    with house.running(names(range(numbers.start, numbers.stop + len(QUESTIONS)))) as place:
        for number, (title, question) in enumerate(asked(dialect).items(), numbers.stop):
            drawn = question.sequence(number, name(number, 0))
            place.fill(drawn.name, drawn.messages)
            ours = rehearse(dialect, drawn, tls=bool(place.address.tls))
            told = perform(place.address, dialect, ours, place=number)
            assert answers(question, told) == question.heard, title
        found = compare(dialect, place, SEED, numbers)
    other = [each.difference for each in found if each.difference]
    sooner = [each.sooner for each in found if each.sooner]
    unlisted = [str(each) for each in other if not each.because] + [str(each) for each in sooner if not each.because]

    assert not unlisted, "\n".join(unlisted)
    assert len(other) <= len(numbers) / 50, "\n".join(map(str, other))
    return found


@pytest.mark.parametrize("dialect", [each for each in HOUSES if each not in SLOW])
def test_a_dialect_does_as_its_server(dialect: str) -> None:
    """Octet for octet, how connections end, and what is in the maildrop afterwards."""
    held(dialect, range(FEW))


@pytest.mark.live
@pytest.mark.parametrize(("dialect", "start"), BATCHES)
def test_a_dialect_does_as_its_server_in_many_sequences(dialect: str, start: int) -> None:
    """Each of those that differ has its reason; of a hundred there are two at most, and two that were said again."""
    again = [each for each in held(dialect, range(start, start + BATCH)) if each.again]
    assert len(again) <= BATCH / 50, again


@pytest.mark.parametrize(("dialect", "title"), QUESTIONS)
def test_a_dialect_says_what_its_server_was_heard_to_say(dialect: str, title: str) -> None:
    """Where no recording has it."""
    question = asked(dialect)[title]
    assert answers(question, rehearse(dialect, question.sequence(0, "ann"))) == question.heard
