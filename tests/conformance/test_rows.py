"""Every row of the requirements, held against the server: in memory whole and octet by octet, and on sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.ours import Memory, Sockets
from tests.conformance.rows import CHECKS, ON_SOCKETS_ONLY, ROWS, load
from tests.conformance.talk import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.talk import Talk

load()

CARRIERS: dict[str, Callable[[], Talk]] = {
    "whole": Memory,
    "octet": lambda: Memory(octet=True),
    "sockets": Sockets,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each row and each carrier that can show something about it."""
    if "carrier" not in metafunc.fixturenames:
        return
    carriers = ["target"] if metafunc.config.getoption("--target", None) else list(CARRIERS)
    pairs = [
        pytest.param(row.id, carrier, id=f"{row.id}-{carrier}")
        for row in ROWS.values()
        if row.id in CHECKS
        for carrier in carriers
        if (row.on_sockets if carrier == "sockets" else carrier == "target" or row.id not in ON_SOCKETS_ONLY)
    ]
    metafunc.parametrize(("id_", "carrier"), pairs)


def test_row(id_: str, carrier: str, target: Callable[[], Talk]) -> None:
    """The check of the row passes."""
    talk = target() if carrier == "target" else CARRIERS[carrier]()
    try:
        CHECKS[id_](talk)
    except Unavailable as error:
        pytest.skip(f"{'the rest ' if talk.asked else ''}{error}")
    finally:
        talk.close()


def test_no_row_is_silently_missing() -> None:
    """Each has a check or a reason, and none has both."""
    assert sorted([*CHECKS, *(row.id for row in ROWS.values() if row.untested)]) == sorted(ROWS)
