"""Whenever the process is killed, each message is there once and whole, or it was deleted: done, not thought."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked, so that many can die soon")

DEATHS = 30
FROM = b"From ann@example.org Thu Jan  1 00:00:00 1970\n"
MAILS = tuple(b"Subject: %d\n\n" % n + b"%d " % n * 10 * n + b"\n" for n in range(1, 31))

KINDS = {
    "maildir": {f"mail/{'cur' if n % 2 else 'new'}/{n}.a": mail for n, mail in enumerate(MAILS, 1000)},
    "folder": {f"mail/{n}.eml": mail for n, mail in enumerate(MAILS, 1000)},
    "mbox": {"mail/spool": b"".join(FROM + mail + b"\n" for mail in MAILS)},
}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("how", ["outside", "inside"])
def test_no_message_is_lost_or_half_whenever_the_process_is_killed(
    write: Callable[[dict[str, bytes]], Path], kind: str, how: str
) -> None:
    """RFC 1939 section 6: thirty times, at moments that a seed chooses: from outside, and before any line of ours."""
    folder = write(KINDS[kind]) / "mail"
    name = "spool" if kind == "mbox" else "."
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed.py"), folder, name, str(DEATHS), f"{kind} {how}", how],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (run.stdout, run.stderr) == (f"{DEATHS} died\n", "")
