"""What the manual and the example show of a failing sweep is what a sweep says."""

from __future__ import annotations

import importlib.util
import textwrap
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pop3s_fake.sweep import Sweep, SweepFailure

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def told() -> str:
    """What a sweep of the example's hasty client over all lines of two messages says."""
    spec = importlib.util.spec_from_file_location("swept_fetchers", ROOT / "examples" / "sweep" / "fetchers.py")
    assert spec is not None
    assert spec.loader is not None
    fetchers: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fetchers)

    def sync(server: Any, folder: Path) -> None:
        context = server.client_context()
        fetchers.HastyClient(server.host, server.port, server.login, context=context, folder=folder).sync()

    with pytest.raises(SweepFailure) as caught:  # noqa: PT012  # the failure is that of the whole loop
        for point in Sweep("cut", over="lines", messages=2):
            with point as server:
                with suppress(*fetchers.ERRORS):
                    sync(server, point.path)
                server.heal()
                sync(server, point.path)
                server.ledger.assert_nothing_lost()
    return str(caught.value)


def test_the_example_shows_what_its_sweep_says(told: str) -> None:
    """Word for word."""
    text = (ROOT / "examples" / "sweep" / "README.md").read_text()
    _, _, rest = text.partition("the sweep says\n\n")
    shown = textwrap.dedent(rest.partition("\n\n")[0])

    assert shown.startswith("cut after octet ")
    assert textwrap.indent(shown, "  ") in told


def test_the_manual_shows_what_a_sweep_says(told: str) -> None:
    """The beginning of the summary, word for word."""
    text = (ROOT / "docs" / "sweep.md").read_text()
    _, _, rest = text.partition(" Captured pop3s sweep call ")
    shown = rest.partition("\n")[2].partition("\n```")[0]

    assert "points failed:\n" in shown
    assert shown in told


def test_the_manual_shows_what_a_point_says(told: str) -> None:
    """The failure of the first point: its place, what was lost, and the rule that does it alone."""
    text = (ROOT / "docs" / "sweep.md").read_text()
    shown = [line[1:].strip() for line in text.splitlines() if line.startswith("E  ")]
    lost, _, _, place, alone = shown

    lines = [line.strip() for line in told.splitlines()]
    assert lost in lines
    assert place.removeprefix("pop3s-fake: ") in lines
    assert "alone: " + alone.partition('"')[2].rpartition('"')[0] in lines
