"""The marker of a test itself: it does something, or the test fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Inner

LOST = """\
E   pop3s_fake.errors.UsageError: the marker pop3s({given}) reached no server: \
the test neither used pop3s_server nor called pop3s_server_factory
E     -> let the test use one of them, or take the marker away"""

ATTACHED = """
    from pop3s_fake import Pop3sServer

    @pytest.fixture(scope="module")
    def shared():
        with Pop3sServer() as server:
            server.on("RETR").end("rst")
            yield server

    """


@pytest.mark.parametrize(
    ("keywords", "given", "fixture"),
    [
        ("rules=['RETR -> end rst']", "rules=...", ""),
        ("rules=['RETR -> end rst']", "rules=...", "pop3s_attach"),
        ("rules=['RETR -> end rst']", "rules=...", "pop3s_server_factory"),
        ("certificate='expired'", "certificate=...", "pop3s_ca_file"),
        ("certificate='expired', deadline=1", "certificate=..., deadline=...", "pop3s_message_factory"),
        ("'expired'", "'expired'", "pop3s_route"),
    ],
)
def test_a_marker_that_reached_no_server_fails_the_test(inner: Inner, keywords: str, given: str, fixture: str) -> None:
    """Whatever fixture the test has, as long as none makes a server; the report points at the test."""
    report = inner.run(f"""
        @pytest.mark.pop3s({keywords})
        def test_it({fixture}):
            pass
        """)

    assert report.counts == {"failed": 1}
    assert report.block("test_it").startswith(
        f"    @pytest.mark.pop3s({keywords})\n>   def test_it({fixture}):\n{LOST.format(given=given)}\n\n"
        "test_mail.py:6: UsageError"
    )


def test_a_marker_that_reached_something_is_in_order(inner: Inner) -> None:
    """A server by any way; and of what a fixture without a server takes, that one keyword."""
    report = inner.run("""
        from pop3s_fake import Authority, UsageError

        OTHER = Authority()

        @pytest.fixture
        def mine(pop3s_server_factory):
            return pop3s_server_factory(certificate="good")

        @pytest.mark.pop3s(certificate="expired")
        def test_fixture(mine): pass

        @pytest.mark.pop3s(certificate="expired", rules=None)
        def test_factory(pop3s_server_factory): pop3s_server_factory()

        @pytest.mark.pop3s(certificate="expired")
        def test_late(request): request.getfixturevalue("pop3s_maildrop")

        @pytest.mark.pop3s(certificate="expired")
        def test_route(pop3s_route): pop3s_route("pop.example")

        @pytest.mark.pop3s(certificate="expired")
        def test_refused(pop3s_server_factory):
            with pytest.raises(UsageError):
                pop3s_server_factory(certificate="no such")

        @pytest.mark.pop3s(authority=OTHER)
        def test_authority(pop3s_ca_file): assert pop3s_ca_file == OTHER.ca_file

        @pytest.mark.pop3s(seed=1)
        def test_seed(pop3s_message_factory): pass

        @pytest.mark.pop3s()
        def test_empty(): pass
        """)

    assert report.counts == {"passed": 8}


def test_a_keyword_beside_one_that_reached_something_is_told(inner: Inner) -> None:
    """Of several, those that did nothing."""
    report = inner.run("""
        @pytest.mark.pop3s(rules=["RETR -> end rst"])
        @pytest.mark.pop3s(seed=1)
        def test_it(pop3s_message_factory):
            pass
        """)

    assert LOST.format(given="rules=...") in report.block("test_it")


def test_a_marker_for_several_tests_need_not_reach_a_server(inner: Inner) -> None:
    """Of a module, a class, a TestCase, or one that a conftest adds to all."""
    inner.file(
        "conftest.py",
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.pop3s(deadline=3))
        """,
    )
    report = inner.run("""
        import unittest

        pytestmark = pytest.mark.pop3s(certificate="expired")

        def test_module(): pass

        @pytest.mark.pop3s(rules=["RETR -> end rst"])
        class TestMail:
            def test_class(self, pop3s_server_factory): pass

        @pytest.mark.pop3s(rules=["RETR -> end rst"])
        class TestCase(unittest.TestCase):
            def test_case(self): pass
        """)

    assert report.counts == {"passed": 3}


def test_a_marker_of_one_parameter_must_reach_a_server(inner: Inner) -> None:
    """The other parameters are not concerned."""
    report = inner.run("""
        @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.pop3s(seed=1))])
        def test_it(n):
            pass
        """)

    assert report.counts == {"passed": 1, "failed": 1}
    assert LOST.format(given="seed=...") in report.block("test_it[2]")


def test_a_test_that_did_not_pass_ends_as_it_would_without(inner: Inner) -> None:
    """Skipped, expected to fail, failed: the marker is not the matter."""
    report = inner.run("""
        import unittest

        marked = pytest.mark.pop3s(certificate="expired")

        @marked
        def test_own(): raise LookupError("mine")

        @marked
        def test_skips(): pytest.skip("why")

        @marked
        @pytest.mark.skip
        def test_skipped(): pass

        @marked
        def test_xfails(): pytest.xfail("why")

        @marked
        @pytest.mark.xfail
        def test_xfailed(): raise LookupError

        class TestCase(unittest.TestCase):
            @marked
            def test_case_own(self): self.fail("mine")

            @marked
            def test_case_skips(self): self.skipTest("why")

            @marked
            @unittest.expectedFailure
            def test_case_expected(self): self.fail("mine")
        """)

    assert report.counts == {"failed": 2, "skipped": 3, "xfailed": 3}
    assert "reached no server" not in report.text


def test_a_marker_of_a_method_of_a_testcase_must_reach_a_server(inner: Inner) -> None:
    """By usefixtures it does; the server of a `Pop3sTestCase` is made from the class's options alone."""
    report = inner.run("""
        import unittest
        from pop3s_fake.unittest import Pop3sTestCase

        class TestCase(unittest.TestCase):
            @pytest.mark.pop3s(certificate="expired")
            @pytest.mark.usefixtures("pop3s_server")
            def test_used(self): pass

            @pytest.mark.pop3s(certificate="expired")
            def test_unused(self): pass

        class TestMail(Pop3sTestCase):
            @pytest.mark.pop3s(certificate="expired")
            def test_other(self): self.server
        """)

    assert report.counts == {"passed": 1, "failed": 2}
    for test in ("TestCase.test_unused", "TestMail.test_other"):
        assert LOST.format(given="certificate=...") in report.block(test)


def test_a_marker_cannot_change_an_attached_server(inner: Inner) -> None:
    """A UsageError at the call; a marker of the class is for its other tests."""
    report = inner.run(
        ATTACHED
        + """
    @pytest.mark.pop3s(rules=["RETR -> end rst"], deadline=2)
    def test_own(pop3s_attach, shared):
        pop3s_attach(shared)

    @pytest.mark.pop3s(rules=["RETR -> end rst"])
    class TestMail:
        def test_class(self, pop3s_attach, shared):
            pop3s_attach(shared)
        """
    )

    assert report.counts == {"passed": 1, "failed": 1}
    assert (
        ">       pop3s_attach(shared)\n"
        "E       pop3s_fake.errors.UsageError: the marker pop3s(rules=..., deadline=...) cannot change a server that is"
        " there already, which pop3s_attach takes as it is\n"
        "E         -> give rules after pop3s_attach(server), as in server.on(...), or make a server of the test's own"
        " with pop3s_server_factory\n"
    ) in report.block("test_own")


def test_a_rule_of_the_test_is_given_after_it_attaches(inner: Inner) -> None:
    """Before the first one it would be there for all tests, before a later one be forgotten; refused, it is gone."""
    report = inner.run(
        ATTACHED
        + """
    def test_first(pop3s_attach, shared):
        shared.on("TOP").end("rst")
        pop3s_attach(shared)

    @pytest.mark.parametrize("n", range(2))
    def test_after(pop3s_attach, shared, n):
        pop3s_attach(shared)
        assert list(map(str, shared.rules)) == ["RETR -> end rst"]
        shared.on("NOOP").wait(0)
        client = Client(shared)
        client.noop()
        client.quit()

    def test_unmet(pop3s_attach, shared):
        pop3s_attach(shared).on("DELE").wait(0)

    def test_later(pop3s_attach, shared):
        shared.on("TOP").end("rst")
        pop3s_attach(shared)
        """
    )

    assert report.counts == {"passed": 2, "failed": 3}
    for test, line in (("test_first", 15), ("test_later", 31)):
        assert (
            ">       pop3s_attach(shared)\n"
            f"E       pop3s_fake.errors.UsageError: rule TOP -> end rst   (test_mail.py:{line}) was given before "
            "pop3s_attach, which lets the server be as it was when it was first attached\n"
            "E         -> give it after pop3s_attach(server)\n"
        ) in report.block(test)
    assert "UnmetRule: DELE -> wait 0   (test_mail.py:28) never struck" in report.block("test_unmet")
