"""Sweeps as tests: each point a subtest, shards, and what people read when points fail, word for word."""

from __future__ import annotations

import re
import textwrap
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Inner, Report

CLIENT = (Path(__file__).parent.parent / "sweep" / "conftest.py").read_text(encoding="utf-8")

HEAD = """
from sweep_client import Broken, Client

def noop(server, *commands):
    with contextlib.suppress(Broken, OSError), Client(server) as client:
        for command in commands or ["NOOP"]:
            client.ask(command)
        client.ask("QUIT")
"""

POINTS = 8
"""Points of that conversation over commands: two of the greeting, three of each command."""


@pytest.fixture
def project(inner: Inner) -> Inner:
    """A project with a client that leaves nothing open."""
    inner.file("sweep_client.py", CLIENT)
    return inner


def run(project: Inner, text: str, *arguments: str, apart: bool = False) -> Report:
    """Run these tests."""
    return (project.run_apart if apart else project.run)(HEAD + textwrap.dedent(text), *arguments)


def settled(text: str) -> str:
    """A text without the numbers that follow from the words of the server."""
    return re.sub(r"octet \d+", "octet N", text)


GOOD = """
def test_sync(pop3s_sweep):
    for point in pop3s_sweep("cut", over="commands"):
        with point as server:
            noop(server)
"""

BAD = """
def test_sync(pop3s_sweep):
    for point in pop3s_sweep("cut", over="commands"):
        with point as server:
            noop(server)
            assert point.number not in {3, 4, 5, 6, 8}
"""


def test_each_point_is_a_subtest(project: Inner) -> None:
    """All but the control, which is the test itself."""
    report = run(project, GOOD, "-v")

    assert report.counts == {"passed": 1, "subtests": POINTS}
    assert re.findall(r"SUBPASSED\[(.*?)\]", settled(report.text))[:3] == [
        "cut after octet N: before the greeting",
        "cut after octet N: behind the greeting",
        "cut after octet N: before NOOP is carried out",
    ]


def test_a_point_that_fails_shows_where_why_and_its_conversation_alone(project: Inner) -> None:
    """Its name as the heading, the line of the test, the rule that has it alone, and its own transcript."""
    report = run(project, BAD)

    assert report.counts == {"failed": 6}
    heading = next(line for line in report.lines if "before NOOP is carried out" in line and "__" in line)
    assert settled(report.block(heading.strip("_ "))) == textwrap.dedent("""\
        pop3s_sweep = <SweepFactory: 1 sweeps>

            def test_sync(pop3s_sweep):
                for point in pop3s_sweep("cut", over="commands"):
                    with point as server:
                        noop(server)
        >               assert point.number not in {3, 4, 5, 6, 8}
        E               assert 3 not in {3, 4, 5, 6, 8}
        E                +  where 3 = <Point 3: cut after octet N: before NOOP is carried out>.number
        E               pop3s-fake: cut after octet N: before NOOP is carried out
        E                 alone: server.rules.add("NOOP#1!before session=1 -> end fin")

        test_mail.py:17: AssertionError
        ------------------------ Captured pop3s transcript call ------------------------
        localhost:PORT, --pop3s-seed=7
        session 1: nobody logged in, TLS, ended: server
         TIME S +OK POP3 server ready <1.STAMP@localhost>
         TIME C NOOP
         TIME - rule NOOP#1!before session=1 -> end fin struck at octet N
         TIME - a rule ended the connection (fin)""")


ALIKE = """
def test_sync(pop3s_sweep):
    for point in pop3s_sweep("cut", over="commands"):
        with point as server:
            noop(server)
            assert point.number in {0, 5}, "lost"
"""


def test_the_sweep_goes_on_and_the_test_says_in_short_what_failed(project: Inner) -> None:
    """Neighbours that failed alike in one; of those only the first three are shown in full."""
    report = run(project, ALIKE)

    assert report.counts == {"failed": POINTS}
    assert settled(report.block("test_sync")) == textwrap.dedent("""\
        contains 7 failed subtests
        -------------------------- Captured pop3s sweep call ---------------------------
        7 of 8 points failed:
          cut after octet N: before the greeting
          to cut after octet N: before the answer to NOOP (4 points)
            AssertionError: lost
            alone: greeting@0 session=1 -> end fin
          cut after octet N: before QUIT is carried out
          to cut after octet N: behind the answer to QUIT (3 points)
            AssertionError: lost
            alone: QUIT#1!before session=1 -> end fin""")
    assert report.text.count("Captured pop3s transcript call") == 3
    heading = next(line for line in report.lines if "behind the answer to QUIT" in line and "__" in line)
    assert settled(report.block(heading.strip("_ "))) == textwrap.dedent("""\
        AssertionError: lost
        pop3s-fake: cut after octet N: behind the answer to QUIT
          alone: server.rules.add("QUIT#1!after session=1 -> end fin")""")


def test_what_a_client_does_wrong_at_a_point_fails_that_point(project: Inner) -> None:
    """A verdict for which no line is to blame points at the test."""
    report = run(
        project,
        """
        def test_sync(pop3s_sweep):
            for point in pop3s_sweep("cut", over="commands"):
                with point as server:
                    noop(server, "NOOP  1" if point.number == 8 else "NOOP +1")
        """,
    )

    assert report.counts == {"failed": 2}
    heading = next(line for line in report.lines if "behind the answer to QUIT" in line and "__" in line)
    block = report.block(heading.strip("_ "))
    assert block.startswith(">   def test_sync(pop3s_sweep):\nE   pop3s_fake.errors.")
    assert "C-1939-3.2 (MUST)" in block


def test_a_control_that_fails_is_the_test_that_fails(project: Inner) -> None:
    """Once, with its transcript, and nothing is cut."""
    report = run(
        project,
        """
        def test_sync(pop3s_sweep):
            for point in pop3s_sweep("cut", over="commands"):
                with point as server:
                    noop(server)
                    assert len(server.maildrop) == 4
        """,
    )

    assert report.counts == {"failed": 1}
    block = report.block("test_sync")
    assert "E               assert 3 == 4" in block
    assert (
        "pop3s-fake: this is the uncut control: it has to pass, since the points of the sweep follow from it" in block
    )
    assert block.count("Captured pop3s transcript call") == 1
    assert "ended: quit" in block


def test_without_subtests_all_points_are_gathered_into_one_failure(project: Inner) -> None:
    """With a pytest older than 9, or without that plugin of it."""
    report = run(project, BAD, "-p", "no:subtests")

    assert report.counts == {"failed": 1}
    block = settled(report.block("test_sync"))
    said = textwrap.dedent("""\
        E           pop3s_fake.sweep.telling.SweepFailure: 5 of 8 points failed:
        E             cut after octet N: before NOOP is carried out
        E               AssertionError: assert 3 not in {3, 4, 5, 6, 8}
        E               alone: NOOP#1!before session=1 -> end fin
        E             cut after octet N: before the answer to NOOP
        E               AssertionError: assert 4 not in {3, 4, 5, 6, 8}
        E               alone: NOOP#1@0 session=1 -> end fin""")
    assert re.sub(r"(?m)^E +", "E ", said) in re.sub(r"(?m)^E +", "E ", block)
    assert "The above exception was the direct cause of the following exception" in block
    assert block.count("pop3s-fake transcript:") == 1


def test_a_loop_that_is_left_hides_no_failure(project: Inner) -> None:
    """Without subtests, what was gathered is told when the test ends."""
    report = run(project, BAD + "        if point.number == 4:\n            break\n", "-p", "no:subtests")

    assert report.counts == {"failed": 1}
    assert "SweepFailure: 2 of 4 points failed:" in report.block("test_sync")


def test_the_first_failure_can_be_the_last(project: Inner) -> None:
    """Pytest -x."""
    report = run(project, BAD, "-x")

    assert len(re.findall("SUBFAILED", report.text)) == 1


def test_a_point_can_be_skipped(project: Inner) -> None:
    """It is a subtest like any other."""
    report = run(
        project,
        """
        def test_sync(pop3s_sweep):
            for point in pop3s_sweep("cut", over="commands"):
                with point as server:
                    noop(server)
                    if point.number == 2:
                        pytest.skip("not this one")
        """,
        "-v",
    )

    assert report.counts == {"passed": 1, "skipped": 1, "subtests": POINTS - 1}


def test_the_marker_of_the_test_reaches_each_point(project: Inner) -> None:
    """As it reaches pop3s_server; its rules have to strike in the control only."""
    report = run(
        project,
        """
        @pytest.mark.pop3s(names=["mail.test", "localhost"], rules=["QUIT -> pace size=1"])
        def test_sync(pop3s_sweep):
            for point in pop3s_sweep("cut", over="commands"):
                with point as server:
                    noop(server)
        """,
    )

    assert report.counts == {"passed": 1}


def test_mistakes_are_told_at_the_call(project: Inner) -> None:
    """UsageError, at the test's own line."""
    report = run(
        project,
        """
        def test_sync(pop3s_sweep):
            pop3s_sweep("cut", ovr="lines")
        """,
    )

    block = report.block("test_sync")
    assert '>       pop3s_sweep("cut", ovr="lines")' in block
    assert "UsageError: unknown keyword 'ovr' of a sweep; did you mean 'over'?" in block


def test_a_point_s_folder_is_below_the_test_s_own(project: Inner) -> None:
    """So it is found, and goes, like any other temporary folder of pytest's."""
    report = run(
        project,
        """
        def test_sync(pop3s_sweep, tmp_path):
            for point in pop3s_sweep("cut", over="commands"):
                with point as server:
                    noop(server)
                    assert point.path.relative_to(tmp_path)
                    assert not list(point.path.iterdir())
            assert not list(tmp_path.rglob("point-*"))
        """,
    )

    assert report.counts == {"passed": 1}


SHARDS = """
@pytest.mark.pop3s_shards(3)
def test_sync(pop3s_sweep):
    for point in pop3s_sweep("cut", over="octets", sample=20):
        with point as server:
            noop(server)
            print("visited", point)
"""


def test_shards_part_the_points_among_tests(project: Inner) -> None:
    """Each has the control; each other point is visited once, also where they are a sample."""
    report = run(project, SHARDS, "-rP", "-v")

    assert report.counts["passed"] == 3
    assert re.findall(r"test_sync\[(.*?)\] PASSED", report.text) == ["1-of-3", "2-of-3", "3-of-3"]
    visited = re.findall(r"SUBPASSED\[(.*?)\]", report.text)
    assert len(visited) == len(set(visited)) == report.counts["subtests"]


def test_shards_are_the_same_in_all_workers(project: Inner) -> None:
    """pytest-xdist: the same tests are collected, and no point is visited twice."""
    report = run(project, SHARDS, "-p", "xdist.plugin", "-n", "2", "-v", apart=True)

    assert report.counts["passed"] == 3
    visited = re.findall(r"SUBPASSED\[(.*?)\]", report.text)
    assert len(visited) == len(set(visited)) == report.counts["subtests"]


@pytest.mark.parametrize(
    ("marker", "arguments", "says"),
    [
        ("0", "pop3s_sweep", "takes a number of parts from 1 on, as in pop3s_shards(8), not 0"),
        ("", "pop3s_sweep", "takes a number of parts from 1 on, as in pop3s_shards(8), not nothing"),
        ("n=3", "pop3s_sweep", "takes a number of parts from 1 on, as in pop3s_shards(8), not n=3"),
        ("8", "pop3s_server", "parts a sweep, and the test has none: let it use the fixture pop3s_sweep"),
    ],
)
def test_shards_that_cannot_be_are_an_error_of_the_collection(
    marker: str, arguments: str, says: str, project: Inner
) -> None:
    """In a sentence that names the test."""
    report = run(
        project,
        f"""
        @pytest.mark.pop3s_shards({marker})
        def test_sync({arguments}):
            pass
        """,
    )

    assert f"the marker pop3s_shards of test_mail.py::test_sync {says}" in report.text


def test_shards_of_a_class_leave_tests_without_a_sweep_alone(project: Inner) -> None:
    """What stands on a class or module is for those whom it concerns."""
    report = run(
        project,
        """
        pytestmark = pytest.mark.pop3s_shards(2)

        def test_sync(pop3s_server):
            noop(pop3s_server)
        """,
    )

    assert report.counts == {"passed": 1}


def test_junit_names_point_and_rule_of_each_failure(project: Inner) -> None:
    """As pytest writes subtests: failures of the one test case."""
    run(project, BAD, "--junitxml=report.xml")

    messages = [
        failure.attrib["message"]
        for failure in ET.parse(project.path / "report.xml").iter("failure")  # noqa: S314
    ]
    assert len([message for message in messages if "alone: server.rules.add(" in message]) == 5
    assert "pop3s-fake: cut after octet N: before NOOP is carried out" in settled(messages[0])


def test_the_transcripts_of_failing_points_are_written_where_asked(project: Inner) -> None:
    """--pop3s-transcript-dir."""
    run(project, BAD, "--pop3s-transcript-dir=told")

    (file,) = (project.path / "told").iterdir()
    text = file.read_text(encoding="utf-8")
    assert len(re.findall("struck at octet", text)) == 5
    assert "ended: quit" not in text


def test_nothing_of_a_failing_point_is_left_to_the_next(project: Inner) -> None:
    """A point that passes behind one that failed has no transcript of that in its report."""
    report = run(project, BAD, "-rA", "-v", "--pop3s-transcript=all")

    assert report.text.count("Captured pop3s transcript call") == 5
