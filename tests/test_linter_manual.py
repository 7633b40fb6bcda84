"""The manual's page about the client linter: its table is the data's, and its listings do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pop3s_fake.protocol.violations import Requirement, requirements

MANUAL = Path(__file__).parent.parent / "docs" / "linter.md"
TEXT = MANUAL.read_text(encoding="utf-8")
LISTINGS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


def line(asked: Requirement) -> str:
    """One row of the table."""
    verdict = f"not seen: {asked.why}" if asked.why else asked.verdict
    return f"| `{asked.row}` | {asked.level} | {asked.requirement} | {asked.rfc} | {verdict} |"


def table() -> str:
    """The whole table as it has to stand in the manual."""
    head = "| row | level | what is asked | where | verdict |\n|---|---|---|---|---|\n"
    return head + "\n".join(map(line, requirements().values())) + "\n"


def test_the_table_is_that_of_the_data() -> None:
    """All 137 rows; where this fails, put `table()` in the place of what stands there."""
    assert table() in TEXT


def test_the_numbers_in_the_text_are_those_of_the_data() -> None:
    """How many rows there are, and how many are watched."""
    rows = requirements().values()
    fails, warns = (sum(row.verdict == verdict for row in rows) for verdict in ("fails", "warns"))
    assert f"Of {len(rows)} rows, {fails} fail a test, {warns} warn, {len(rows) - fails - warns} are not seen" in TEXT


def test_the_listings_pass(tmp_path: Path) -> None:
    """Each by itself, by pytest."""
    for listing in LISTINGS:
        (tmp_path / "test_mail.py").write_text(listing, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:faker", "-p", "no:cacheprovider", "test_mail.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_failure_is_what_is_told(tmp_path: Path) -> None:
    """What the manual shows is what the first listing prints without its ``allow=``."""
    (shown,) = re.findall(r"```text\n(ProtocolViolation: .*?)```", TEXT, flags=re.DOTALL)
    listing = re.sub(r"@pytest.mark.pop3s\(allow=.*\n", "", LISTINGS[0])
    (tmp_path / "test_mail.py").write_text(listing, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:faker", "-p", "no:cacheprovider", "test_mail.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 1
    told = done.stdout.replace("E       ", "").replace("E   ", "").replace("pop3s_fake.errors.", "")
    assert all(part.strip() in told for part in shown.splitlines()), done.stdout
