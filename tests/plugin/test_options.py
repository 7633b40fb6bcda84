"""Options in the ini file, on the command line, by marker and by fixture, and which of them counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Inner

SHOW = """
    def test_show(pop3s_server_factory):
        options = pop3s_server_factory({call})._options
        print("deadline:", options.deadline, "strict:", options.strict, "allow:", list(options.allow))
    """


def shown(inner: Inner, tests: str, *arguments: str) -> str:
    """What the server of these tests was made with."""
    report = inner.run(tests, "-s", *arguments)
    assert report.counts == {"passed": 1}
    found = re.search(r"deadline: .*", report.text)
    assert found is not None
    return found[0]


FIXTURE = """
    @pytest.fixture
    def pop3s_server_options():
        return {"deadline": 2}

    """
MARKER = """
    @pytest.mark.pop3s(deadline=3)"""


@pytest.mark.parametrize(
    ("layers", "call", "arguments", "deadline"),
    [
        ("", "", (), "30.0"),
        ("", "", ("-o", "pop3s_deadline=1"), "1.0"),
        (FIXTURE, "", ("-o", "pop3s_deadline=1"), "2"),
        (FIXTURE + MARKER, "", ("-o", "pop3s_deadline=1"), "3"),
        (FIXTURE + MARKER, "deadline=4", ("-o", "pop3s_deadline=1"), "4"),
        (FIXTURE + MARKER, "deadline=4", ("-o", "pop3s_deadline=1", "--pop3s-deadline=5"), "5.0"),
        (FIXTURE + MARKER, "deadline=None", ("-o", "pop3s_deadline=1"), "None"),
        (FIXTURE + MARKER, "deadline=4", ("--pop3s-deadline=none",), "None"),
        ("", "", ("-o", "pop3s_deadline=None"), "None"),
    ],
)
def test_the_nearest_deadline_counts(
    inner: Inner, layers: str, call: str, arguments: tuple[str, ...], deadline: str
) -> None:
    """Command line beats the factory's call beats marker beats `pop3s_server_options` beats ini."""
    line = shown(inner, layers + SHOW.format(call=call), *arguments)

    assert line == f"deadline: {deadline} strict: True allow: []"


@pytest.mark.parametrize(
    ("arguments", "strict"),
    [
        (("-o", "pop3s_strict=should"), "should"),
        (("-o", "pop3s_strict=FALSE"), "False"),
        (("-o", "pop3s_strict=false", "--pop3s-strict=true"), "True"),
        (("--pop3s-strict", "should"), "should"),
    ],
)
def test_how_strict_a_run_is_can_be_said(inner: Inner, arguments: tuple[str, ...], strict: str) -> None:
    """In words, in the ini file and on the command line."""
    assert shown(inner, SHOW.format(call=""), *arguments) == f"deadline: 30.0 strict: {strict} allow: []"


def test_markers_merge_from_the_outside_in(inner: Inner) -> None:
    """The nearest wins for single values, lists add up, None clears what stands outside."""
    tests = """
        pytestmark = pytest.mark.pop3s(allow=["C-2449-4.1"], deadline=1, strict=False)

        @pytest.mark.pop3s(allow=["C-1939-3.2"], deadline=2)
        class TestMail:
            @pytest.mark.pop3s({nearest})
            def test_show(self, pop3s_server):
                options = pop3s_server._options
                print("deadline:", options.deadline, "strict:", options.strict, "allow:", list(options.allow))
        """

    assert shown(inner, tests.format(nearest="strict=None")) == (
        "deadline: 2 strict: True allow: ['C-2449-4.1', 'C-1939-3.2']"
    )
    assert shown(inner, tests.format(nearest="allow=None")) == "deadline: 2 strict: False allow: []"


def test_a_marker_is_obeyed(inner: Inner) -> None:
    """A client that may break a rule does not fail the test, and a test without the marker still fails."""
    report = inner.run("""
        def speak(server):
            client = Client(server)
            client.say("NOOP  1")
            client.quit()

        @pytest.mark.pop3s(allow=["C-1939-3.2"])
        def test_allowed(pop3s_server):
            speak(pop3s_server)

        @pytest.mark.pop3s(strict=False)
        def test_lenient(pop3s_server):
            speak(pop3s_server)

        def test_strict(pop3s_server):
            speak(pop3s_server)
        """)

    assert report.counts == {"passed": 2, "failed": 1}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--pop3s-strict=yes",), "--pop3s-strict is true, false or should, not 'yes'"),
        (("-o", "pop3s_strict=yes"), "pop3s_strict is true, false or should, not 'yes'"),
        (("--pop3s-deadline=0",), "--pop3s-deadline is a number of seconds above 0, or none, not '0'"),
        (("-o", "pop3s_deadline=soon"), "pop3s_deadline is a number of seconds above 0, or none, not 'soon'"),
        (("--pop3s-deadline=nan",), "--pop3s-deadline is a number of seconds above 0, or none, not 'nan'"),
        (("--pop3s-transcript=some",), "--pop3s-transcript is failed, all or none, not 'some'"),
        (("--pop3s-layers=pop3,tsl",), "--pop3s-layers is pop3, tls or tcp, not 'tsl'"),
        (("--pop3s-seed=-1",), "--pop3s-seed is a whole number from 0 on, not '-1'"),
        (
            ("--pop3s-transcript-dir=test_mail.py",),
            "--pop3s-transcript-dir is a directory, and 'test_mail.py' is a file",
        ),
    ],
)
def test_a_bad_option_ends_the_run_at_its_start(inner: Inner, arguments: tuple[str, ...], sentence: str) -> None:
    """A sentence in place of a traceback, and no test runs."""
    report = inner.run("def test_nothing(): pass", "--no-header", *arguments)

    assert report.result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {sentence}" in report.errors
    assert "Traceback" not in report.errors


@pytest.mark.usefixtures("inner")
def test_the_header_tells_the_seed_where_somebody_looks(pytester: pytest.Pytester) -> None:
    """With -v, or when an option of ours was given; else our line is not there."""
    pattern = r"pop3s-fake 0\.1\.0: --pop3s-seed=\d+, OpenSSL \d.*"
    pytester.makepyfile(test_mail="def test_nothing(): pass")

    def header(*arguments: str) -> list[str]:
        result = pytester.runpytest_inprocess("-p", "pytest_pop3s_fake", *arguments)
        return [line for line in result.outlines if re.fullmatch(pattern, line)]

    assert len(header("-v")) == 1
    assert len(header("-o", "pop3s_strict=true")) == 1
    assert header() == []
    assert "--pop3s-seed=41," in header("--pop3s-seed=41")[0]


SEEDS = """
    @pytest.mark.xdist_group("together")
    @pytest.mark.parametrize("n", range(4))
    def test_seed(pop3s_server_factory, n):
        with open(f"seeds-{n}.txt", "a") as file:
            print(pop3s_server_factory().seed, pop3s_server_factory().seed, file=file)
    """


def test_a_seed_follows_from_the_run_and_the_test(inner: Inner) -> None:
    """The same for a test in any order and in any worker; another one for each server, test and run."""
    inner.run(SEEDS)
    inner.run(SEEDS, "test_mail.py::test_seed[2]", "test_mail.py::test_seed[1]")
    inner.run_apart(SEEDS, "-p", "xdist.plugin", "-n2")
    inner.run_apart(SEEDS, "-p", "xdist.plugin", "-n2", "--dist=loadgroup")
    lines = [(inner.path / f"seeds-{n}.txt").read_text().splitlines() for n in range(4)]

    assert [len(of_one) for of_one in lines] == [3, 4, 4, 3]
    assert all(len(set(of_one)) == 1 for of_one in lines)
    seeds = {seed for of_one in lines for seed in of_one[0].split()}
    assert len(seeds) == 8

    inner.run(SEEDS, "--pop3s-seed=8")
    other = [(inner.path / f"seeds-{n}.txt").read_text().splitlines()[-1] for n in range(4)]
    assert seeds.isdisjoint(" ".join(other).split())


def test_workers_share_the_seed_that_the_controller_chose(inner: Inner, pytester: pytest.Pytester) -> None:
    """Without --pop3s-seed: the report of a worker names the seed of the header."""
    inner.file("test_mail.py", "def test_one(pop3s_server): assert 0\ndef test_two(pop3s_server): assert 0\n")
    result = pytester.runpytest_subprocess("-v", "-p", "pytest_pop3s_fake", "-p", "xdist.plugin", "-n2", timeout=60)
    seeds = re.findall(r"--pop3s-seed=(\d+)", result.stdout.str())

    assert len(seeds) == 3
    assert len(set(seeds)) == 1


def test_a_seed_of_the_test_is_its_own(inner: Inner) -> None:
    """Repeating a run by --pop3s-seed leaves it alone, and the report names it."""
    report = inner.run("""
        @pytest.mark.pop3s(seed=11)
        def test_mine(pop3s_server):
            assert pop3s_server.seed == 12
        """)

    assert "assert 11 == 12" in report.text
    assert "localhost:PORT, seed=11" in report.text


FAIL_AND_PASS = """
    def test_passing(pop3s_server):
        Client(pop3s_server).quit()

    def test_failing(pop3s_server):
        Client(pop3s_server).quit()
        assert len(pop3s_server.maildrop) == 1
    """


@pytest.mark.parametrize(("shows", "sections"), [("failed", 1), ("all", 2), ("none", 0)])
def test_whose_transcript_is_shown_can_be_said(inner: Inner, shows: str, sections: int) -> None:
    """On the command line and in the ini file; with ``all`` pytest shows it where it shows passing tests."""
    for arguments in ((f"--pop3s-transcript={shows}",), ("-o", f"pop3s_transcript={shows}")):
        report = inner.run(FAIL_AND_PASS, "-rA", *arguments)

        assert report.counts == {"passed": 1, "failed": 1}
        assert report.text.count("Captured pop3s transcript call") == sections


@pytest.mark.parametrize("arguments", [("--pop3s-layers=pop3,tls",), ("-o", "pop3s_layers=tls, pop3")])
def test_a_transcript_shows_records_where_that_is_asked_for(inner: Inner, arguments: tuple[str, ...]) -> None:
    """On the command line and in the ini file; by itself it shows none."""
    assert "  tls  " not in inner.run(FAIL_AND_PASS).text
    report = inner.run(FAIL_AND_PASS, *arguments)

    assert report.counts == {"passed": 1, "failed": 1}
    assert re.search(r" C +tls  handshake, \d+ octets\n", report.text)
    assert "  tcp  " not in report.text


def test_the_command_line_says_it_last(inner: Inner) -> None:
    """It beats the ini file here, too."""
    report = inner.run(FAIL_AND_PASS, "-o", "pop3s_transcript=all", "--pop3s-transcript=none", "-rA")

    assert "Captured pop3s transcript" not in report.text


def test_a_long_transcript_is_cut_to_its_end(inner: Inner) -> None:
    """200 lines, and 64 KiB of them."""
    report = inner.run("""
        @pytest.mark.parametrize("length", [1, 200])
        def test_long(pop3s_server, length):
            client = Client(pop3s_server)
            for n in range(300):
                client.say("x" * length)
            client.quit()
            assert length == 0
        """)

    for length in (1, 200):
        section = report.block(f"test_long[{length}]").partition("Captured pop3s transcript call")[2].splitlines()
        assert section[1] == "localhost:PORT, --pop3s-seed=7"
        assert section[2] == "... 408 lines before"
        assert len(section) == 203


def test_a_wide_transcript_is_cut_to_its_end(inner: Inner) -> None:
    """Lines that are long in themselves: what is left out is said."""
    report = inner.run("""
        import pop3s_fake.transcript

        def test_wide(pop3s_server):
            log = pop3s_server.transcript.begin(0.0)
            for n in range(150):
                log.happened(0.0, f"{n} " + "x" * 1000)
            assert 0
        """)

    section = report.block("test_wide").partition("Captured pop3s transcript call")[2]
    assert section.splitlines()[2] == "... the beginning is left out"
    assert 60_000 < len(section) < 66_000
    assert " 149 xxx" in section


def test_each_test_leaves_a_file_with_its_transcripts(inner: Inner) -> None:
    """--pop3s-transcript-dir: a file per test, passed or failed, whose name any file system takes."""
    report = inner.run(
        """
        @pytest.mark.parametrize("what", ["a/b", "a:b", "../../up", "ü" * 200])
        def test_odd(pop3s_server_factory, what):
            Client(pop3s_server_factory()).quit()
            pop3s_server_factory()

        def test_without_a_server():
            pass
        """,
        "--pop3s-transcript-dir=deep/transcripts",
    )
    files = sorted((inner.path / "deep" / "transcripts").iterdir())

    assert report.counts == {"passed": 5}
    assert len(files) == 4
    assert all(re.fullmatch(r"test_mail\.py-test_odd-[\w.-]+\.txt", path.name, re.ASCII) for path in files)
    assert all(len(path.name) < 140 for path in files)
    texts = {path.read_text(encoding="utf-8") for path in files}
    text = next(text for text in texts if text.startswith("test_mail.py::test_odd[a/b]\n"))
    assert re.fullmatch(
        r"test_mail\.py::test_odd\[a/b\]\n\n"
        r"localhost:\d+, --pop3s-seed=7\n"
        r"session 1: test, TLS.*, ended: quit\n(    [0-9.]+ [CS]  .*\n){7}\n"
        r"localhost:\d+, --pop3s-seed=7\n"
        r"no client has connected\n",
        text,
    )


def test_transcripts_of_workers_go_to_one_directory(inner: Inner) -> None:
    """xdist: a directory named relative to where pytest was called is the same for all."""
    tests = """
        @pytest.mark.parametrize("n", range(6))
        def test_mail(pop3s_server, n):
            Client(pop3s_server).quit()
        """
    report = inner.run_apart(tests, "-p", "xdist.plugin", "-n3", "--pop3s-transcript-dir=transcripts")

    assert report.counts == {"passed": 6}
    assert len(list((inner.path / "transcripts").iterdir())) == 6


def test_a_transcript_of_the_last_run_is_replaced(inner: Inner) -> None:
    """Files tell about one run."""
    for _ in range(2):
        inner.run("def test_mail(pop3s_server): Client(pop3s_server).quit()", "--pop3s-transcript-dir=transcripts")
    [path] = (inner.path / "transcripts").iterdir()

    assert path.read_text(encoding="utf-8").count("session 1:") == 1


def test_the_marker_is_registered(inner: Inner) -> None:
    """--strict-markers knows it, and --markers explains it."""
    assert inner.run("@pytest.mark.pop3s(seed=1)\ndef test_mail(pop3s_server): pass", "--strict-markers").counts == {
        "passed": 1
    }
    assert "@pytest.mark.pop3s(**keywords): keywords of pop3s_fake.Pop3sServer" in inner.run("", "--markers").text
