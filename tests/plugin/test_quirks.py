"""Quirks in the marker, and in what a report shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Inner


def test_markers_add_their_quirks_up(inner: Inner) -> None:
    """Those of the class and of the test; the report names them above the transcript."""
    report = inner.run("""
        @pytest.mark.pop3s(quirks=["capa-err"])
        class TestIt:
            @pytest.mark.pop3s(quirks=["stat-negative(octets=7)"])
            def test_it(self, pop3s_server):
                client = Client(pop3s_server)
                stat = client.stat()
                client.close()
                assert stat == (0, 0)
        """)

    assert report.counts == {"failed": 1}
    assert "assert (0, -7) == (0, 0)" in report.text
    assert "quirks capa-err, stat-negative(octets=7)" in report.text


def test_an_unknown_quirk_in_a_marker_points_at_the_test(inner: Inner) -> None:
    """With the nearest."""
    report = inner.run("""
        @pytest.mark.pop3s(quirks=["stat-negativ"])
        def test_it(pop3s_server):
            pass
        """)

    assert report.counts == {"errors": 1}
    assert "unknown quirk 'stat-negativ'; did you mean 'stat-negative'?" in report.text
