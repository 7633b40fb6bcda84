"""Every requirement on a server that concerns its commands, and the test that bears its name, or why there is none.

An id is RFC, section, command, number: ``1939-5.STAT.1`` is tested by ``test_1939_5_stat_1_...`` in a module beside.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROWS = {
    "framing, grammar, timer": """
        1939-3.1 1939-3.2 1939-3.3 1939-3.4 1939-3.5 1939-3.6 1939-3.7 1939-3.8 1939-3.9 1939-3.10 1939-3.11 1939-3.12
        1939-3.13 1939-3.14 1939-3.15 1939-3.16 1939-3.17 2449-3.1 2449-3.2 2449-3.3 2449-4.1 2449-4.2 2449-4.3""",
    "AUTHORIZATION": """
        1939-4.1 1939-4.2 1939-4.3 1939-4.4 1939-4.5 1939-4.6 1939-4.7 1939-4.8 1939-4.9 1939-4.10
        1939-7.USER.1 1939-7.USER.2 1939-7.USER.3 1939-7.PASS.1 1939-7.PASS.2 1939-7.PASS.3 1939-7.APOP.1 1939-7.APOP.2
        1939-7.APOP.3 1939-7.APOP.4 1939-7.APOP.5 1939-7.APOP.6 1939-7.APOP.7 1939-13.1 1939-13.2""",
    "TRANSACTION": """
        1939-5.STAT.1 1939-5.STAT.2 1939-5.STAT.3 1939-5.LIST.1 1939-5.LIST.2 1939-5.LIST.3 1939-5.LIST.4 1939-5.LIST.5
        1939-5.LIST.6 1939-5.LIST.7 1939-5.RETR.1 1939-5.RETR.2 1939-5.RETR.3 1939-5.RETR.4 1939-5.RETR.5 1939-5.DELE.1
        1939-5.DELE.2 1939-5.DELE.3 1939-5.NOOP.1 1939-5.RSET.1 1939-5.ARG.1 1939-5.ARG.2""",
    "UPDATE": """
        1939-6.1 1939-6.2 1939-6.3 1939-6.4 1939-6.5 1939-6.6 1939-6.7 1939-6.8 1939-8.1 1939-8.2""",
    "TOP, UIDL, message format": """
        1939-7.TOP.1 1939-7.TOP.2 1939-7.TOP.3 1939-7.TOP.4 1939-7.TOP.5 1939-7.TOP.6 1939-7.UIDL.1 1939-7.UIDL.2
        1939-7.UIDL.3 1939-7.UIDL.4 1939-7.UIDL.5 1939-7.UIDL.6 1939-7.UIDL.7
        1939-11.1 1939-11.2 1939-11.3 1939-11.4""",
    "CAPA, response codes": """
        2449-5.1 2449-5.2 2449-5.3 2449-5.4 2449-5.5 2449-5.6 2449-5.7 2449-5.8 2449-6.0 2449-6.1 2449-6.2 2449-6.4
        2449-6.5.1 2449-6.5.2 2449-6.5.3 2449-6.6.1 2449-6.6.2 2449-6.6.3 2449-6.7.1 2449-6.7.2 2449-6.7.3 2449-6.7.4
        2449-6.8 2449-6.9 2449-9.1 2449-8.1 2449-8.1.1 2449-8.1.2 3206-4.1 3206-5.1 3206-6.1""",
}
"""The ids, by the part of the specifications that they belong to."""

NOT_YET = {
    "1939-4.5": "a maildrop that cannot be opened needs a fault that can be asked for",
    "1939-13.1": "an account that takes APOP only, or passwords only, cannot be asked for",
    "1939-8.1": "a site policy that deletes what was retrieved cannot be asked for",
    "1939-8.2": "a site policy that limits TOP cannot be asked for",
    "1939-7.TOP.6": "a site policy under which retrieving deletes cannot be asked for",
    "2449-5.7": "a server without CAPA cannot be asked for",
    "2449-6.5.1": "LOGIN-DELAY cannot be asked for",
    "2449-6.5.2": "LOGIN-DELAY cannot be asked for",
    "2449-6.5.3": "LOGIN-DELAY cannot be asked for",
    "2449-6.7.2": "EXPIRE with days cannot be asked for",
    "2449-6.7.3": "EXPIRE with days cannot be asked for",
    "2449-8.1.1": "LOGIN-DELAY cannot be asked for",
}
"""Requirements without a test, and what is missing; each is about something that the server does not do yet."""


def name_of(row: str) -> str:
    """How the tests of a requirement begin: ``1939-5.STAT.1`` as ``test_1939_5_stat_1_``."""
    return f"test_{row.lower().replace('-', '_').replace('.', '_')}_"


def rows() -> list[str]:
    """All ids."""
    return [row for ids in ROWS.values() for row in ids.split()]


def names_by_row() -> dict[str, list[str]]:
    """The names of the tests beside this module that begin with an RFC's number, by the id that they bear."""
    found: dict[str, list[str]] = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith(("test_1939_", "test_2449_", "test_3206_")):
                fitting = [row for row in rows() if node.name.startswith(name_of(row))]
                found.setdefault(max(fitting, key=len, default="none"), []).append(node.name)
    return found


def test_every_requirement_has_a_test_or_a_reason() -> None:
    """None twice, none forgotten, and no test for a requirement that is not in the list."""
    assert len(set(rows())) == len(rows())
    assert sorted([*names_by_row(), *NOT_YET]) == sorted(rows())


def test_there_is_a_reason_only_where_there_is_no_test() -> None:
    """Whoever tests a requirement takes it from the list of those that wait."""
    assert not names_by_row().keys() & NOT_YET.keys()


@pytest.mark.parametrize(
    ("row", "name"),
    [("1939-3.1", "test_1939_3_1_"), ("1939-7.APOP.2", "test_1939_7_apop_2_"), ("2449-8.1.2", "test_2449_8_1_2_")],
)
def test_an_id_gives_the_name_of_its_test(row: str, name: str) -> None:
    """And the longest id that fits a name is the one it bears."""
    assert name_of(row) == name
    assert any(found.startswith(name) for found in names_by_row()[row])
