"""Rules among the keywords of a server: who made them, who must strike, and what the failure says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Inner

FETCH = """
    def fetch(server):
        client = Client(server)
        client.stat()
        client.quit()

    """

UNMET = """\
E   pop3s_fake.errors.UnmetRule: RETR -> end rst   (test_mail.py:{line}) never struck
E     RETR was not sent; what came: USER, PASS, STAT, QUIT (session 1)
E     -> one of these, or .optional() if it need not strike"""


def test_a_rule_of_the_tests_own_marker_strikes(inner: Inner) -> None:
    """Every test has a copy of its own, also where tests share the marker."""
    report = inner.run("""
        from pop3s_fake.rules import Rule

        BUSY = Rule("NOOP").reply("-ERR [SYS/TEMP] busy").times(1)

        @pytest.mark.pop3s(rules=['STAT -> reply "+OK 7 700"', BUSY])
        @pytest.mark.parametrize("n", range(2))
        def test_busy(pop3s_server, n):
            client = Client(pop3s_server)
            assert client.stat() == (7, 700)
            with pytest.raises(Exception, match="busy"):
                client.noop()
            client.quit()
            assert BUSY.hits == 0
        """)

    assert report.counts == {"passed": 2}


def test_a_rule_of_the_tests_own_marker_must_strike(inner: Inner) -> None:
    """The failure names the line of the marker."""
    report = inner.run(
        FETCH
        + """
    @pytest.mark.pop3s(rules=["RETR -> end rst"])
    def test_own(pop3s_server):
        fetch(pop3s_server)

    @pytest.mark.pop3s(rules=["RETR -> end rst; optional"])
    def test_optional(pop3s_server):
        fetch(pop3s_server)

    class TestMail:
        @pytest.mark.pop3s(rules=["RETR -> end rst"])
        def test_method(self, pop3s_server):
            fetch(pop3s_server)

        @pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.pop3s(rules=["RETR -> end rst"]))])
        def test_parameter(self, pop3s_server, n):
            fetch(pop3s_server)
        """
    )

    assert report.counts == {"passed": 1, "failed": 3}
    assert UNMET.format(line=11) in report.block("test_own")
    assert UNMET.format(line=20) in report.block("TestMail.test_method")
    assert UNMET.format(line=24) in report.block("TestMail.test_parameter[1]")


def test_a_rule_given_in_the_test_function_must_strike(inner: Inner) -> None:
    """The failure names the line of the call; the rule itself can be asked."""
    report = inner.run(
        FETCH
        + """
    def test_factory(pop3s_server_factory):
        fetch(pop3s_server_factory(rules=["RETR -> end rst"]))

    def test_hits(pop3s_server_factory):
        from pop3s_fake.rules import Rule

        rule = Rule("STAT").wait(0)
        fetch(pop3s_server_factory(rules=[rule]))
        assert rule.hits == 1

    def test_on(pop3s_server):
        pop3s_server.on("RETR").end("rst")
        fetch(pop3s_server)
        """
    )

    assert report.counts == {"passed": 1, "failed": 2}
    assert UNMET.format(line=12) in report.block("test_factory")
    assert UNMET.format(line=22) in report.block("test_on")


@pytest.mark.parametrize(
    "wider",
    [
        """
    pytestmark = pytest.mark.pop3s(rules=["RETR -> end rst", "STAT -> wait 0; exactly=5"])
    """,
        """
    @pytest.fixture
    def pop3s_server_options():
        return {"rules": ["RETR -> end rst", "STAT -> wait 0; exactly=5"]}
    """,
    ],
    ids=["marker", "fixture"],
)
def test_a_rule_that_is_there_for_several_tests_need_not_strike(inner: Inner, wider: str) -> None:
    """Of a class, a module, or a fixture; those of the test itself still must, beside it."""
    report = inner.run(
        FETCH
        + wider
        + """
    def test_wide(pop3s_server):
        assert list(map(str, pop3s_server.rules))[:2] == ["RETR -> end rst", "STAT -> wait 0; exactly=5"]
        fetch(pop3s_server)

    @pytest.mark.pop3s(rules=["DELE -> wait 0"])
    class TestMail:
        def test_class(self, pop3s_server):
            assert len(pop3s_server.rules) == 3
            fetch(pop3s_server)

        @pytest.mark.pop3s(rules=["TOP -> wait 0"])
        def test_own(self, pop3s_server):
            assert len(pop3s_server.rules) == 4
            fetch(pop3s_server)

        @pytest.mark.pop3s(rules=None)
        def test_cleared(self, pop3s_server):
            assert len(pop3s_server.rules) == 0
        """
    )

    assert report.counts == {"passed": 3, "failed": 1}
    assert "UnmetRule: TOP -> wait 0" in report.block("TestMail.test_own")
    assert "DELE -> wait 0" not in report.block("TestMail.test_own")


def test_a_rule_of_a_testcase_need_not_strike(inner: Inner) -> None:
    """It is there for all tests of the class."""
    report = inner.run("""
        from pop3s_fake.unittest import Pop3sTestCase

        class MailTest(Pop3sTestCase):
            pop3s_options = {"rules": ['STAT -> reply "+OK 7 700"', "RETR -> end rst"]}

            def test_stat(self):
                client = Client(self.server)
                self.assertEqual(client.stat(), (7, 700))
                client.quit()

            def test_own(self):
                self.server.on("TOP").end("rst")
                Client(self.server).quit()
        """)

    assert report.counts == {"passed": 1, "failed": 1}
    assert "UnmetRule: TOP -> end rst   (test_mail.py:16) never struck" in report.text


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            "rules='RETR -> end rst'",
            (
                "the marker pop3s of test_mail.py::test_it: rules= is a list such as ['RETR -> end rst'], "
                "not 'RETR -> end rst'"
            ),
        ),
        (
            "rules=['RTER -> end rst']",
            "column 1 of `RTER -> end rst`: unknown point 'RTER'; did you mean 'RETR'?",
        ),
        ("rules=[5]", "a rule is a text such as 'RETR -> end rst' or a Rule, not 5"),
    ],
)
def test_a_rule_that_is_none_is_an_error_at_the_test(inner: Inner, given: str, sentence: str) -> None:
    """Before anything runs."""
    report = inner.run(f"""
        @pytest.mark.pop3s({given})
        def test_it(pop3s_server):
            pass
        """)

    assert report.counts == {"errors": 1}
    assert sentence in report.block("ERROR at setup of test_it").replace("\nE   ", " ")
    assert "test_mail.py:6: UsageError" in report.block("ERROR at setup of test_it")


def test_a_rule_without_an_action_is_told_with_its_place(inner: Inner) -> None:
    """Never a green test."""
    report = inner.run("""
        @pytest.mark.pop3s(rules=["RETR"])
        class TestMail:
            def test_it(self, pop3s_server):
                pass
        """)

    assert report.counts == {"failed": 1}
    assert (
        "UsageError: rule RETR   (the marker pop3s of test_mail.py::TestMail) has no action; say what is to be done"
        in report.text
    )


def test_a_dialogue_names_the_line_of_the_test(inner: Inner) -> None:
    """It is judged like a rule."""
    report = inner.run("""
        def test_it(pop3s_server):
            pop3s_server.dialogue("S: +OK", "C: QUIT")
        """)

    assert report.counts == {"failed": 1}
    assert "dialogue (test_mail.py:6) was never begun: no connection came for it" in report.text
