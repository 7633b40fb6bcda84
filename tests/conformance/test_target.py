"""The suite against a server that is somewhere else: ``--target``."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, Pop3sServer
from tests.conformance import remote
from tests.conformance.remote import Remote, Where
from tests.conformance.talk import M1, M2

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def server() -> Iterator[Pop3sServer]:
    """One of ours, with the suite's two messages, as if it were anybody's."""
    with Pop3sServer(accounts=[Account("ann", "not-a-secret")], strict=False, stls=True, deadline=None) as server:
        server.maildrop.add(M1, M2)
        yield server


def suite(*options: str) -> subprocess.CompletedProcess[str]:
    """What ``pytest tests/conformance`` says with these options."""
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", "tests/conformance", *options]
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
    )


def test_the_rows_run_against_a_target_and_say_what_they_could_not_have(server: Pop3sServer) -> None:
    """Rows of STAT pass; one that removes mail is skipped, as is one that needs a set-up."""
    where = ("--target", f"localhost:{server.port}", "--user", "ann", "--password", "not-a-secret")

    done = suite(*where, "--ca", str(server.ca_file), "-k", "5.STAT or 1939-6.1 or USER.3")

    assert "3 passed, 2 skipped" in done.stdout, done.stdout + done.stderr
    assert "puts mail into the maildrop or removes it: see --maildir" in done.stdout
    assert "needs a server set up for it (accounts)" in done.stdout
    assert len(server.maildrop) == 2


def test_a_target_is_reached_by_stls_and_without_trust(server: Pop3sServer) -> None:
    """The port in clear, a certificate that nobody knows."""
    where = ("--target", f"localhost:{server.stls_port}", "--user", "ann", "--password", "not-a-secret")

    done = suite(*where, "--security", "stls", "--insecure", "-k", "5.NOOP or 2595-4.2")

    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_a_target_needs_a_user_and_a_password() -> None:
    """Said in words."""
    done = suite("--target", "localhost:995", "-k", "5.NOOP")

    assert done.returncode != 0
    assert "--target takes HOST:PORT and needs --user and --password" in done.stdout + done.stderr


def test_a_row_waits_for_the_maildrop_that_the_one_before_it_has_left(
    server: Pop3sServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many servers see a moment later that a client is gone; until then the maildrop is in use."""
    where = Where(host="localhost", port=server.port, user="ann", password="not-a-secret", ca_pem=server.ca_pem)
    before, row = Remote(lambda: where), Remote(lambda: where)
    before.server().login()
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        before.close()

    monkeypatch.setattr(remote, "time", SimpleNamespace(monotonic=time.monotonic, sleep=wait))

    assert row.server().login().stat() == (2, 320)
    assert waits
    row.close()
