"""Every row of the requirements, held against the server: in memory whole and octet by octet, and on sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.ours import Memory, Sockets
from tests.conformance.rows import CHECKS, ROWS, load

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.conformance.talk import Talk

load()

WAITING = {
    *("1939-13.1", "1939-8.1", "1939-8.2", "1939-7.TOP.6", "2449-5.7", "2449-6.5.1", "2449-6.5.2", "2449-6.5.3"),
    *("2449-6.7.2", "2449-6.7.3", "2449-8.1.1"),
}
WAITING_SECTIONS = {"TLS", "AUTH", "Mechanisms", "UTF8 and LANG"}
"""What the server cannot do yet."""

CARRIERS: dict[str, Callable[[], Talk]] = {
    "whole": Memory,
    "octet": lambda: Memory(octet=True),
    "sockets": Sockets,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each row and each carrier that can show something about it."""
    if "carrier" in metafunc.fixturenames:
        pairs = [
            (row, carrier)
            for row in ROWS.values()
            if row.id in CHECKS
            for carrier in CARRIERS
            if carrier != "sockets" or row.on_sockets
        ]
        metafunc.parametrize(
            ("id_", "carrier"), [(row.id, carrier) for row, carrier in pairs], ids=[f"{r.id}-{c}" for r, c in pairs]
        )


def test_row(id_: str, carrier: str) -> None:
    """The check of the row passes."""
    talk = CARRIERS[carrier]()
    try:
        CHECKS[id_](talk)
    finally:
        talk.close()


def test_no_row_is_silently_missing() -> None:
    """Each has a check or a reason, and none has both."""
    waiting = {*WAITING, *(row.id for row in ROWS.values() if row.section in WAITING_SECTIONS)} - CHECKS.keys()
    assert sorted([*CHECKS, *waiting, *(row.id for row in ROWS.values() if row.untested)]) == sorted(ROWS)
