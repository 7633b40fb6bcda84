"""Many tests at once: each has a server, a port, an account and a maildrop of its own, in whichever process it runs."""

from __future__ import annotations

import os
import poplib
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pop3s_fake import Pop3sServer


def subjects(server: Pop3sServer) -> list[str]:
    """Fetch and delete everything; the code under test."""
    context = server.client_context()
    with closing(poplib.POP3_SSL(server.host, server.port, context=context, timeout=10)) as client:
        client.user(server.login.user)
        client.pass_(server.login.password)
        found = []
        for number in range(1, client.stat()[0] + 1):
            found.append(client.retr(number)[1][0].decode())
            client.dele(number)
        client.quit()
    return found


@pytest.mark.parametrize("count", range(20))
def test_nobody_sees_the_mail_of_others(pop3s_server: Pop3sServer, count: int) -> None:
    """Twenty tests, in as many processes as there are, find what they put there and nothing else."""
    sent = [f"Subject: {number} of {count}" for number in range(count)]
    pop3s_server.maildrop.add(*(f"{subject}\n\n" for subject in sent))

    assert subjects(pop3s_server) == sent
    assert len(pop3s_server.maildrop) == 0
    assert len(pop3s_server.transcript.sessions) == 1


def test_a_fault_here_is_none_elsewhere(pop3s_server: Pop3sServer) -> None:
    """A rule belongs to the server of its test."""
    pop3s_server.maildrop.add("Subject: one\n\n")
    pop3s_server.on("RETR").end("rst")

    with pytest.raises((OSError, poplib.error_proto)):
        subjects(pop3s_server)


def test_it_runs_in_a_worker() -> None:
    """pytest-xdist names it; without -n there is none, and all of this passes as well."""
    assert os.environ.get("PYTEST_XDIST_WORKER", "gw0").startswith("gw")
