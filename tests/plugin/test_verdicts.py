"""What reaches which kind of test: design 5, with a client that broke the protocol as the problem."""

from __future__ import annotations

import textwrap
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Inner

BAD_CLIENT = """
def bad(server):
    client = Client(server)
    client.say("NOOP  1")
    client.quit()
"""

PROBLEM = "ProtocolViolation: C-1939-3.2 (MUST)"
NOTE = f"pop3s-fake: {PROBLEM}"
SECTION = "Captured pop3s transcript"


def with_bad_client(text: str) -> str:
    """Tests that can let a client break the protocol."""
    return BAD_CLIENT + textwrap.dedent(text)


def test_a_passing_test_stays_a_passing_test(inner: Inner) -> None:
    """Nobody sees a transcript where all is well."""
    report = inner.run(
        """
        def test_sync(pop3s_server):
            Client(pop3s_server).quit()
        """,
        "-rA",
    )

    assert report.counts == {"passed": 1}
    assert SECTION not in report.text


def test_the_last_words_of_a_client_are_judged(inner: Inner) -> None:
    """What was still on its way when the test function returned is read before the verdict."""
    report = inner.run("""
        def test_sync(pop3s_server):
            client = Client(pop3s_server)
            client.sock.sendall(b"NOOP  1\\r\\n")
            client.close()
        """)

    assert report.counts == {"failed": 1}
    assert PROBLEM in report.block("test_sync")


def test_what_happens_after_the_test_function_is_an_error_of_the_teardown(inner: Inner) -> None:
    """A client that goes wrong when its fixture closes it: the test has passed, its teardown fails."""
    report = inner.run("""
        @pytest.fixture
        def client(pop3s_server):
            client = Client(pop3s_server)
            yield client
            client.say("NOOP  1")
            client.close()

        def test_sync(client):
            client.noop()
        """)

    assert report.counts == {"passed": 1, "errors": 1}
    block = report.block("ERROR at teardown of test_sync")
    assert f"E   pop3s_fake.errors.{PROBLEM}" in block
    assert f"{SECTION} teardown" in block
    assert "client broke C-1939-3.2" in block


def test_the_last_words_of_a_teardown_are_judged(inner: Inner) -> None:
    """What a client said just before its server stops is read first."""
    report = inner.run("""
        @pytest.fixture(scope="module")
        def clients():
            clients = []
            yield clients
            for client in clients:
                client.close()

        @pytest.fixture
        def client(pop3s_server, clients):
            clients.append(Client(pop3s_server))
            yield clients[-1]
            clients[-1].sock.sendall(b"NOOP\\r\\n" * 1000 + b"NOOP  1\\r\\n")

        def test_sync(client):
            client.noop()

        def test_next():
            pass
        """)

    assert report.counts == {"passed": 2, "errors": 1}
    assert PROBLEM in report.block("ERROR at teardown of test_sync")


def test_a_failing_teardown_after_a_failing_test_repeats_nothing(inner: Inner) -> None:
    """Two reports of one test; a transcript that has not changed is in each of them once."""
    report = inner.run(
        with_bad_client("""
        @pytest.fixture
        def broken(pop3s_server):
            yield
            raise LookupError

        def test_sync(pop3s_server, broken):
            bad(pop3s_server)
        """)
    )

    assert report.counts == {"failed": 1, "errors": 1}
    assert report.block("test_sync").count(SECTION) == 1
    assert report.block("ERROR at teardown of test_sync").count(SECTION) == 1
    assert report.text.count(f"E   pop3s_fake.errors.{PROBLEM}") == 1


def test_a_failure_of_the_set_up_has_notes_and_transcript(inner: Inner) -> None:
    """A client fixture that fails is where people look for the conversation first."""
    report = inner.run(
        with_bad_client("""
        @pytest.fixture
        def client(pop3s_server):
            bad(pop3s_server)
            raise LookupError

        def test_sync(client):
            pass
        """)
    )

    assert report.counts == {"errors": 1}
    block = report.block("ERROR at setup of test_sync")
    assert NOTE in block
    assert block.count("C  NOOP  1") + block.count("C NOOP  1") == 1
    assert f"{SECTION} setup" in block


@pytest.mark.parametrize(
    "failing",
    [
        'pytest.fail("no")',
        'pytest.fail("no", pytrace=False)',
        "sys.exit(3)",
        "raise ExceptionGroup('two', [ValueError(), KeyError()])",
        "with pytest.raises(ValueError): pass",
    ],
)
def test_each_kind_of_failure_keeps_its_place(inner: Inner, failing: str) -> None:
    """The test's own failure is the headline, the problem a note, the transcript there once."""
    report = inner.run(
        with_bad_client(f"""
        import sys

        def test_sync(pop3s_server):
            bad(pop3s_server)
            {failing}
        """)
    )

    assert report.counts == {"failed": 1}
    assert SECTION in report.text
    assert report.text.count("the client broke") == 1
    assert f"E   pop3s_fake.errors.{PROBLEM}" not in report.text
    if "pytrace=False" not in failing:  # what pytest shows without a traceback is the message alone
        assert NOTE in report.text


@pytest.mark.parametrize(
    ("mark", "counts"),
    [
        ("xfail", {"xfailed": 1}),
        ("xfail(raises=AssertionError, strict=True)", {"xfailed": 1}),
        ("xfail(raises=LookupError)", {"failed": 1}),
    ],
)
def test_an_expected_failure_may_be_the_verdict(inner: Inner, mark: str, counts: dict[str, int]) -> None:
    """``xfail`` sees the verdict as it sees the test's own exceptions."""
    report = inner.run(
        with_bad_client(f"""
        @pytest.mark.{mark}
        def test_sync(pop3s_server):
            bad(pop3s_server)
        """)
    )

    assert report.counts == counts


@pytest.mark.parametrize(
    ("ending", "counts"),
    [
        ('pytest.skip("no mail today")', {"skipped": 1}),
        ('pytest.xfail("no mail today")', {"xfailed": 1}),
        ('raise unittest.SkipTest("no mail today")', {"skipped": 1}),
    ],
)
def test_a_test_that_gives_up_is_not_judged(inner: Inner, ending: str, counts: dict[str, int]) -> None:
    """No note lands in the reason, and the teardown passes."""
    report = inner.run(
        with_bad_client(f"""
        import unittest

        def test_sync(pop3s_server):
            bad(pop3s_server)
            {ending}
        """),
        "-rsx",
    )

    assert report.counts == counts
    assert "no mail today" in report.text
    assert "pop3s-fake:" not in report.text
    assert SECTION not in report.text


@pytest.mark.parametrize("ending", ["raise KeyboardInterrupt", 'pytest.exit("enough")'])
def test_an_interrupted_run_ends_as_always(inner: Inner, ending: str) -> None:
    """Ctrl-C passes through untouched."""
    report = inner.run_apart(
        with_bad_client(f"""
        def test_sync(pop3s_server):
            bad(pop3s_server)
            {ending}
        """)
    )

    assert report.result.ret == pytest.ExitCode.INTERRUPTED
    assert "INTERNALERROR" not in report.text
    assert "ProtocolViolation" not in report.text


def test_the_problems_of_all_servers_are_told(inner: Inner) -> None:
    """Two servers: two problems in one failure, two sections."""
    report = inner.run(
        with_bad_client("""
        def test_sync(pop3s_server_factory):
            bad(pop3s_server_factory())
            bad(pop3s_server_factory())
        """)
    )

    assert report.counts == {"failed": 1}
    block = report.block("test_sync")
    assert "E   pop3s_fake.errors.Pop3sFailure: 2 problems:" in block
    assert block.count(SECTION) == 2


def test_each_problem_is_told_once(inner: Inner) -> None:
    """What the call phase has told does not fail the teardown, nor the next test."""
    report = inner.run(
        with_bad_client("""
        def test_one(pop3s_server):
            bad(pop3s_server)

        def test_two(pop3s_server):
            Client(pop3s_server).quit()
        """)
    )

    assert report.counts == {"failed": 1, "passed": 1}


def test_notes_reach_junit_xml(inner: Inner) -> None:
    """Sections do not, so the notes must."""
    inner.run(
        with_bad_client("""
        def test_sync(pop3s_server):
            bad(pop3s_server)
            assert len(pop3s_server.maildrop) == 1
        """),
        "--junit-xml=report.xml",
    )

    failure = ET.parse(inner.path / "report.xml").find(".//failure")  # noqa: S314  # our own file
    assert failure is not None
    assert NOTE in (failure.text or "")


def test_workers_of_xdist_report_as_one_process_does(inner: Inner) -> None:
    """Notes, section and verdict travel from the workers; servers do not meet."""
    report = inner.run_apart(
        with_bad_client("""
        @pytest.mark.parametrize("n", range(4))
        def test_bad(pop3s_server, n):
            bad(pop3s_server)

        @pytest.mark.parametrize("n", range(4))
        def test_good(pop3s_server, n):
            pop3s_server.maildrop.add(f"Subject: {n}")
            client = Client(pop3s_server)
            assert client.stat()[0] == 1
            client.quit()
            assert pop3s_server.transcript.keywords == ["USER", "PASS", "STAT", "QUIT"]
        """),
        *("-p", "xdist.plugin", "-n2"),
    )

    assert report.counts == {"failed": 4, "passed": 4}
    assert report.text.count(f"E   pop3s_fake.errors.{PROBLEM}") == 4
    assert report.text.count(f"{SECTION} call") == 4


def test_a_test_case_of_unittest_is_judged(inner: Inner) -> None:
    """TestCase methods take no fixtures as arguments; an autouse fixture gives them the server."""
    report = inner.run(
        with_bad_client("""
        import unittest

        class TestSync(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _server(self, pop3s_server):
                self.server = pop3s_server

            def test_verdict(self):
                bad(self.server)

            def test_own(self):
                bad(self.server)
                self.fail("mine")

            def test_skipped(self):
                bad(self.server)
                self.skipTest("why")

            @unittest.expectedFailure
            def test_expected(self):
                bad(self.server)
                self.fail("mine")

            def test_passing(self):
                Client(self.server).quit()
        """)
    )

    assert report.counts == {"failed": 2, "skipped": 1, "xfailed": 1, "passed": 1}
    verdict, own = report.block("TestSync.test_verdict"), report.block("TestSync.test_own")
    assert f"E   pop3s_fake.errors.{PROBLEM}" in verdict
    assert "E       AssertionError: mine" in own
    assert NOTE in own
    assert verdict.count(SECTION) == own.count(SECTION) == 1


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="subtests came with pytest 9")
def test_a_subtest_has_its_notes_and_transcript(inner: Inner) -> None:
    """A failing subtest is reported on the spot, with what happened so far; the test goes on."""
    report = inner.run(
        with_bad_client("""
        def test_sync(pop3s_server, subtests):
            with subtests.test("first"):
                bad(pop3s_server)
                assert len(pop3s_server.maildrop) == 1
            with subtests.test("second"):
                Client(pop3s_server).quit()
            with subtests.test("third"):
                assert len(pop3s_server.maildrop) == 3
        """)
    )

    assert report.counts == {"failed": 3}
    first, third = report.block("test_sync [first]"), report.block("test_sync [third]")
    assert NOTE in first
    assert "session 2" not in first
    assert "pop3s-fake:" not in third
    assert third.count(SECTION) == 1
    assert "session 2" in third


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="subtests came with pytest 9")
def test_passing_subtests_do_not_hide_a_problem(inner: Inner) -> None:
    """What no subtest told fails the test, and a skipped subtest takes nothing with it."""
    report = inner.run(
        with_bad_client("""
        def test_sync(pop3s_server, subtests):
            with subtests.test("first"):
                bad(pop3s_server)
            with subtests.test("second"):
                pytest.skip("not today")
        """)
    )

    assert report.counts["failed"] == 1
    assert f"E   pop3s_fake.errors.{PROBLEM}" in report.block("test_sync")


def test_a_rerun_begins_anew(inner: Inner) -> None:
    """pytest-rerunfailures: the second run has its own server and is judged on its own."""
    pytest.importorskip("pytest_rerunfailures", reason="pip install pytest-rerunfailures")
    report = inner.run(
        with_bad_client("""
        runs = []

        def test_sync(pop3s_server):
            runs.append(pop3s_server.transcript.keywords)
            assert runs[-1] == []
            if len(runs) == 1:
                bad(pop3s_server)
            else:
                Client(pop3s_server).quit()
        """),
        *("-p", "pytest_rerunfailures", "--reruns=2", "-rA", "--pop3s-transcript-dir=transcripts"),
    )
    [path] = (inner.path / "transcripts").iterdir()

    assert report.counts == {"rerun": 1, "passed": 1}
    assert path.read_text(encoding="utf-8").count("session 1:") == 2
    assert SECTION not in report.text.partition("= PASSES =")[2].partition("short test summary")[0]


def test_a_coroutine_of_pytest_asyncio_is_judged(inner: Inner) -> None:
    """The verdict comes after the coroutine, its own failure keeps its place."""
    pytest.importorskip("pytest_asyncio", reason="pip install pytest-asyncio")
    report = inner.run_apart(
        with_bad_client("""
        @pytest.mark.asyncio
        async def test_verdict(pop3s_server):
            bad(pop3s_server)

        @pytest.mark.asyncio
        async def test_own(pop3s_server):
            bad(pop3s_server)
            raise LookupError
        """),
        *("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function"),
    )

    assert report.counts == {"failed": 2}
    assert f"E   pop3s_fake.errors.{PROBLEM}" in report.block("test_verdict")
    assert NOTE in report.block("test_own")


def test_a_coroutine_of_anyio_is_judged(inner: Inner) -> None:
    """The same with anyio's plugin."""
    pytest.importorskip("anyio", reason="pip install anyio")
    report = inner.run_apart(
        with_bad_client("""
        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_verdict(pop3s_server):
            bad(pop3s_server)

        @pytest.mark.anyio
        async def test_own(pop3s_server):
            bad(pop3s_server)
            raise LookupError
        """),
        *("-p", "anyio"),
    )

    assert report.counts == {"failed": 2}
    assert f"E   pop3s_fake.errors.{PROBLEM}" in report.block("test_verdict")
    assert NOTE in report.block("test_own")


def test_a_doctest_is_judged(inner: Inner) -> None:
    """An item that is no function has a verdict, too."""
    inner.file(
        "test_doc.txt",
        """
        >>> server = getfixture("pop3s_server")
        >>> from mail_client import Client
        >>> client = Client(server)
        >>> _ = client.say("NOOP  1"), client.quit()
        """,
    )
    report = inner.run("", "test_mail.py", "test_doc.txt")

    assert report.counts == {"failed": 1}
    assert PROBLEM in report.text
