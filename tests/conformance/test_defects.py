"""Every row's check fails under its defect; under all other defects it passes, or the data says why it does not."""

from __future__ import annotations

import ssl
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.conformance.defects import DEFECTS as OF_POP3
from tests.conformance.defects_policies import DEFECTS_OF_POLICIES
from tests.conformance.defects_sasl import DEFECTS_OF_SASL
from tests.conformance.ours import Memory, Sockets
from tests.conformance.rows import CHECKS, ON_SOCKETS_ONLY, ROWS, load

load()

DEFECTS: Final = {**OF_POP3, **DEFECTS_OF_SASL, **DEFECTS_OF_POLICIES}


class Overlap(NamedTuple):
    """The other rows that a defect breaks."""

    rows: list[str]
    because: str


BROKEN: Final = (AssertionError, ssl.SSLError)
"""What a check says of a server; anything else would be a mistake in the defect, which proves nothing."""

ALL: Final = "*"
"""In place of rows: nothing works any more."""

OVERLAPS: Final = {
    defect: Overlap(**overlap)
    for defect, overlap in tomllib.loads(Path(__file__).with_name("overlaps.toml").read_text(encoding="utf-8")).items()
}
"""What else a defect breaks, by its row, and why."""


def failure(check: str, defect: str) -> BaseException | None:
    """How the check of one row fails under the defect of another; None: it passes."""
    with DEFECTS[defect].planted() as keywords:
        talk = (Sockets if check in ON_SOCKETS_ONLY else Memory)(defect=keywords)
        try:
            CHECKS[check](talk)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  # whatever a check stumbles over
            return error
        finally:
            talk.close()
    return None


@pytest.mark.parametrize("id_", DEFECTS)
def test_a_planted_defect_fails_its_row(id_: str) -> None:
    """Else the check would not notice; and it is the requirement that breaks, not the server, nor the defect."""
    found = failure(id_, id_)
    assert isinstance(found, BROKEN), found


def test_every_check_has_a_defect_or_the_row_says_why_not() -> None:
    """No check is there that nothing could fail."""
    assert sorted(DEFECTS) == sorted(id_ for id_ in CHECKS if not ROWS[id_].sound)


def test_what_a_defect_breaks_besides_is_told_with_the_reason() -> None:
    """Of rows that there are."""
    assert OVERLAPS.keys() <= DEFECTS.keys()
    for defect, overlap in OVERLAPS.items():
        assert set(overlap.rows) <= {*CHECKS, ALL} - {defect}
        assert overlap.because


@pytest.mark.pairs
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_fails_no_other_row_but_those_that_are_listed(defect: str) -> None:
    """Of all rows."""
    listed = OVERLAPS[defect].rows if defect in OVERLAPS else []
    if ALL not in listed:
        found = {id_: error for id_ in CHECKS if id_ != defect and (error := failure(id_, defect)) is not None}
        assert sorted(found) == sorted(listed)
        assert [error for error in found.values() if isinstance(error, (AttributeError, TypeError))] == []
