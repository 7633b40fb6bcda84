"""Every example runs by itself, as somebody who copies its folder would run it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())

QUIET = ("-W", "error", "-W", "ignore::pytest.PytestDeprecationWarning")  # pytest-asyncio complains unless configured
PYTEST = ("-m", "pytest", "-q", "-p", "no:faker", "-p", "no:cacheprovider", *QUIET)
UNITTEST = ("-W", "error", "-m", "unittest")
COMMANDS = dict.fromkeys(NAMES, PYTEST) | {
    "without_pytest": UNITTEST,
    "property_test": (*PYTEST, "--hypothesis-seed=0"),  # the same examples in every run
}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_in_a_copy_of_its_folder(name: str, tmp_path: Path) -> None:
    """With warnings as errors, and nothing of this project's configuration around it."""
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    if COMMANDS[name] is UNITTEST:
        environment["PYTHONPATH"] = str(without_pytest(tmp_path))

    done = subprocess.run(
        [sys.executable, *COMMANDS[name]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* passed|Ran [1-9]\d* tests?", done.stdout + done.stderr)


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
    assert "pip install pop3s-fake" in page
    assert " ".join(COMMANDS[name][-2:] if COMMANDS[name] is UNITTEST else ("pytest",)) in page
    assert len(page.splitlines()) <= 60
