"""The page about cases: its tables are those of the data."""

from __future__ import annotations

import json

from pop3s_fake.cases import case_ids
from tests.cases.manual import FACTS, PAGE, PARTS, TITLES, written


def test_the_tables_are_those_of_the_data() -> None:
    """``python -m tests.cases.manual`` writes them."""
    page = PAGE.read_text("utf-8")
    for name in PARTS:
        assert page.count(f"<!-- {name} -->") == 1
    assert page == written(page)


def test_every_case_was_shown_to_every_client() -> None:
    """``python -m tests.cases.clients`` does it; the versions stand beside it."""
    facts = json.loads(FACTS.read_text("utf-8"))
    assert list(facts["cases"]) == list(case_ids())
    assert {frozenset(did) for did in facts["cases"].values()} == {frozenset(facts["versions"])}
    assert len(TITLES) == 10
