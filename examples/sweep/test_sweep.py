"""No cut loses mail: the sweep finds where the hasty client loses it, and the mended client passes everywhere."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from fetchers import ERRORS, HastyClient, MendedClient

from pop3s_fake.sweep import Sweep, SweepFailure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pop3s_fake.sweep import Point
    from pytest_pop3s_fake.sweeping import SweepFactory


def sweep(points: Iterable[Point], client: type[HastyClient]) -> None:
    """Let the client fetch, cut as the point says, and once more when all is well again."""
    for point in points:
        with point as server:
            fetcher = client(server.host, server.port, server.login, context=server.client_context(), folder=point.path)
            with suppress(*ERRORS):
                fetcher.sync()
            server.heal()
            fetcher.sync()

            server.ledger.assert_nothing_lost()
            assert len(server.maildrop) == 0
            assert len(list(point.path.glob("*.eml"))) == 2


@pytest.mark.pop3s_shards(4)
def test_no_cut_loses_mail(pop3s_sweep: SweepFactory) -> None:
    """At every octet; with pytest-xdist, four workers share them."""
    sweep(pop3s_sweep("cut", messages=["Subject: one\n\n", "Subject: two\n\n"]), MendedClient)


@pytest.mark.parametrize("kind", ["reset", "close-notify"])
def test_no_other_end_loses_mail(pop3s_sweep: SweepFactory, kind: str) -> None:
    """Between all lines."""
    sweep(pop3s_sweep(kind, over="lines", messages=2), MendedClient)


def test_the_sweep_finds_what_the_hasty_client_loses() -> None:
    """A sweep by itself, without subtests, gathers: here the failure is what is wanted."""
    with pytest.raises(SweepFailure) as caught:
        sweep(Sweep("cut", over="lines", messages=2), HastyClient)

    told = str(caught.value)
    assert "cut after octet" in told
    assert "in RETR 1, before line" in told
    assert "1 message was deleted without ever having been sent whole" in told
