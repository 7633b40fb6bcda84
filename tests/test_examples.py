"""Every example runs by itself, as somebody who copies its folder would run it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())

QUIET = ("-W", "error", "-W", "ignore::pytest.PytestDeprecationWarning")  # pytest-asyncio complains unless configured
PYTEST = ("-m", "pytest", "-q", "-p", "no:faker", "-p", "no:cacheprovider", *QUIET)
UNITTEST = ("-W", "error", "-m", "unittest")
COMMANDS = dict.fromkeys(NAMES, (sys.executable, *PYTEST)) | {
    "without_pytest": (sys.executable, *UNITTEST),
    "property_test": (sys.executable, *PYTEST, "--hypothesis-seed=0"),  # the same examples in every run
    "xdist": (sys.executable, *PYTEST, "-n", "2"),
    "ruby": ("ruby", "-w", "test_maildrop.rb"),
    "perl": ("prove", "maildrop.t"),
}
SHOWN = {
    "without_pytest": "python -m unittest",
    "ruby": "ruby test_maildrop.rb",
    "perl": "prove maildrop.t",
    "xdist": "pytest -n auto",
}
NEEDS = {  # what is not Python's: how one sees that it is there, and how it comes
    "ruby": (("ruby", "-e", "require 'net/pop'; require 'openssl'; require 'minitest'"), "apt-get install ruby"),
    "perl": (
        ("perl", "-MIO::Socket::SSL", "-MNet::POP3", "-MTest::More", "-MJSON::PP", "-e1"),
        "apt-get install perl libio-socket-ssl-perl",
    ),
}
RAN = re.compile(r"[1-9]\d* passed|Ran [1-9]\d* tests?|[1-9]\d* runs, .* 0 failures, 0 errors, 0 skips|Tests=[1-9]")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_in_a_copy_of_its_folder(name: str, tmp_path: Path) -> None:
    """With warnings as errors, and nothing of this project's configuration around it."""
    if name in NEEDS:
        skip_without(name)
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    environment["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), environment.get("PATH", os.defpath)])
    if name == "without_pytest":
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(without_pytest(tmp_path)), environment.get("PYTHONPATH")])
        )

    done = subprocess.run(
        COMMANDS[name], cwd=folder, env=environment, capture_output=True, text=True, timeout=110, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert RAN.search(done.stdout + done.stderr)


def skip_without(name: str) -> None:
    """Skip a test of an example in another language where that, or its library, is not there."""
    program, install = NEEDS[name]
    here = shutil.which(COMMANDS[name][0]) is not None and shutil.which(program[0]) is not None
    if not here or subprocess.run(program, capture_output=True, timeout=60, check=False).returncode:
        pytest.skip(f"{name} with a POP3 library that speaks TLS is not installed; for example: {install}")


def without_pytest(folder: Path) -> Path:
    """A folder on the path that makes every import of pytest fail."""
    stub = folder / "path" / "pytest.py"
    stub.parent.mkdir()
    stub.write_text("raise ImportError('this example does without pytest')\n", encoding="utf-8")
    return stub.parent


@pytest.mark.parametrize("name", NAMES)
def test_an_example_has_a_page_that_says_what_it_shows(name: str) -> None:
    """One page, with the lines that run it."""
    page = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")

    assert page.startswith("# ")
    assert re.search(r"pip install (pop3s-fake|'pop3s-fake\[\w+\]')(\s|$)", page)  # in quotes, for zsh
    assert SHOWN.get(name, "pytest") in page
    assert len(page.splitlines()) <= 60


def test_the_readme_has_a_line_for_each_example() -> None:
    """And no line for what is not there."""
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^- \[\w+\]\(examples/(\w+)\): \S", readme, flags=re.MULTILINE)) == NAMES
