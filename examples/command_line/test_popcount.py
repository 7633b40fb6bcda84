"""The program is run as its users run it, and judged by what it prints and by its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pop3s_fake import Pop3sServer
    from pytest_pop3s_fake.servers import ServerFactory


def popcount(server: Pop3sServer, **more: str) -> subprocess.CompletedProcess[str]:
    """Run it against this server; the environment says where it is, who may log in and whom to trust."""
    return subprocess.run(
        [sys.executable, "popcount.py"],
        env={**os.environ, **server.environ(), **more},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_it_prints_how_many_wait(pop3s_server: Pop3sServer) -> None:
    """And nothing else."""
    pop3s_server.maildrop.add("Subject: one\n\n", "Subject: two\n\n")

    done = popcount(pop3s_server)

    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")
    assert pop3s_server.transcript.keywords == ["USER", "PASS", "STAT", "QUIT"]


def test_a_stranger_gets_no_password(pop3s_server_factory: ServerFactory) -> None:
    """A sentence, and the exit code for what no second try will mend."""
    server = pop3s_server_factory(certificate="expired")

    done = popcount(server)

    assert (done.returncode, done.stdout) == (77, "")
    assert done.stderr == "popcount: do not trust localhost: certificate has expired\n"
    assert server.transcript.keywords == []


@pytest.mark.parametrize("rule", ['PASS!before -> reply "-ERR [IN-USE] later"', "STAT -> end rst", "accept -> end fin"])
def test_what_may_go_by_is_another_time(pop3s_server: Pop3sServer, rule: str) -> None:
    """The exit code says so, and the password is in nothing that is printed."""
    pop3s_server.rules.add(rule)

    done = popcount(pop3s_server)

    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr.startswith("popcount: ")
    assert pop3s_server.login.password not in done.stderr
