"""A setting that is no text is shown by its evidence: put back, it makes something differ that was heard."""

from __future__ import annotations

import pytest

from pop3s_fake.dialects.catalogue import RECORDED
from tests.dialects.settling import Setting, noticed, settings

UNNOTICED = {
    "dovecot: after.capabilities_in_clear",
    "dovecot: after.line",
    "courier: ends.behind",
    "cyrus: before.line",
    "cyrus: after.line",
    "cyrus: after.longer",
    "cyrus: ends.behind",
    "mailutils: reading.bare_lf",
    "mailutils: ends.behind",
    "mailutils: storage.bodiless",
    "solid-pop3d: before.bad_in_a_row",
    "solid-pop3d: after.bad_carried",
}
"""What nothing tells from the value that it would have otherwise: neither what is recorded, nor what was asked."""


def shown(setting: Setting, evidence: list[str]) -> bool:
    """Whether something of its evidence differs without it."""
    changed = setting.without
    named = [(of, each) for entry in evidence for of, _, rest in [entry.partition(": ")] for each in rest.split(", ")]
    return changed is None or any(noticed(of, scenario, changed) for of, scenario in named)


@pytest.mark.parametrize("name", RECORDED)
def test_a_setting_is_shown_by_its_evidence(name: str) -> None:
    """One that is not is listed, and one that is listed is not."""
    unnoticed = {str(setting) for setting, evidence in settings(name) if not shown(setting, evidence)}
    assert unnoticed == {each for each in UNNOTICED if each.startswith(f"{name}: ")}


def test_a_setting_that_is_put_back_is_noticed_where_it_counts() -> None:
    """And nowhere else, nor where it was never changed."""
    setting = Setting("dovecot", "answers", "list_number")
    assert setting.without is None
    bare = Setting("popa3d", "reading", "bare_lf").without
    assert bare is not None
    assert noticed("popa3d", "lf_only", bare)
    assert not noticed("popa3d", "greeting_tls", bare)
