"""What clients make of a quirk is what they would not have made without it, or it stands in the data why not."""

from __future__ import annotations

import pytest

from tests.quirks.seen import Seen, seen, seen_by

ROWS = [each for each in seen() if each.quirks]


def called(each: Seen) -> str:
    """As a test of it is called."""
    return f"{each.name}-{each.client}"


@pytest.mark.parametrize("each", ROWS, ids=called)
def test_an_outcome_is_another_than_without_the_quirk_or_has_a_reason_to_be_the_same(each: Seen) -> None:
    """Both outcomes are those of real runs: the tests of each client hold the data against them."""
    same = each.outcome == each.without().outcome
    assert same == bool(each.same), "say why in same=" if same else "it is not the same; leave out same="


@pytest.mark.parametrize("each", [each for each in ROWS if each.always], ids=called)
def test_what_every_correct_server_does_is_seen_by_its_opposite(each: Seen) -> None:
    """For this server does it, too, whether it is asked for or not; the client is run in the same way."""
    alike = [one for one in seen_by(each.client) if one.quirk == each.instead and one.quirks[1:] == each.quirks[1:]]
    assert [one.outcome == each.outcome for one in alike] == [False]


def test_words_that_do_nothing_are_not_in_the_data() -> None:
    """What shows a quirk is looked at where the outcome does not tell, and an opposite where it is always so."""
    assert [each for each in seen() if (each.shows and not each.same) or (each.instead and not each.always)] == []
