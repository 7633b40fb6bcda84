"""Cases in the marker, in parametrize, and in what a report shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Inner


def test_a_marker_makes_the_server_a_case_and_the_report_names_it(inner: Inner) -> None:
    """Above the transcript; a case that never struck fails the test, wherever the marker stands."""
    report = inner.run("""
        import contextlib

        @pytest.mark.pop3s(case="rec.truncate")
        def test_cut(pop3s_server):
            pop3s_server.maildrop.add("Subject: one\\n\\n")
            with contextlib.closing(Client(pop3s_server)) as client:
                client.retr(1)

        @pytest.mark.pop3s(case="rec.truncate")
        def test_not_struck(pop3s_server):
            Client(pop3s_server).quit()
        """)

    assert report.counts == {"failed": 2}
    assert "case rec.truncate: FIN without close_notify in the middle of a message" in report.block("test_cut")
    assert "UnmetRule: RETR@50% -> end fin   (case rec.truncate) never struck" in report.block("test_not_struck")


def test_the_cases_of_a_section_are_parameters(inner: Inner) -> None:
    """Their ids are those of the tests."""
    report = inner.run(
        """
        from pop3s_fake import pop3s_cases

        @pytest.mark.parametrize("case", pop3s_cases("close")[:2])
        def test_close(pop3s_server_factory, case):
            assert Client(pop3s_server_factory(case=case)).quit()
        """,
        "-v",
    )

    assert report.counts == {"passed": 2}
    assert "test_close[close.none]" in report.text


def test_an_unknown_case_in_a_marker_points_at_the_test(inner: Inner) -> None:
    """With the nearest."""
    report = inner.run("""
        @pytest.mark.pop3s(case="rec.trunacte")
        def test_it(pop3s_server):
            pass
        """)

    assert report.counts == {"errors": 1}
    assert "unknown case 'rec.trunacte'; did you mean 'rec.truncate'?" in report.text
