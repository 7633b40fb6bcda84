"""What the manual says of clients and the linter: a row that stands there is broken, for these are no excuses."""

from __future__ import annotations

import poplib
from contextlib import suppress
from pathlib import Path

import pytest

from pop3s_fake import Pop3sServer
from pop3s_fake.protocol.violations import requirement

MANUAL = (Path(__file__).parents[2] / "docs" / "linter.md").read_text("utf-8").partition("## Clients")[2]
LISTED = [line.split(" | ") for line in MANUAL.splitlines() if line.startswith("| ") and "`C-" in line]


def test_each_exception_names_a_row_that_is_watched() -> None:
    """And the client's version, and what it does."""
    assert LISTED
    for client, row, how in LISTED:
        assert requirement(row.strip("`")).watched
        assert any(letter.isdigit() for letter in client)
        assert how.endswith(" |")


@pytest.mark.parametrize(("greeting", "broken"), [("+ok hello", ["C-1939-3.10"]), ("+OK hello", [])])
def test_poplib_takes_whatever_begins_with_a_plus_for_positive(greeting: str, broken: list[str]) -> None:
    """Which is the exception that the manual lists; a correct greeting is the control."""
    server = Pop3sServer(strict="should", allow=[], rules=[f'greeting -> reply "{greeting}\\r\\n"'])
    server.start()
    try:
        client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=30)
        client.user(server.login.user)
        with suppress(poplib.error_proto):
            client.pass_(server.login.password)
        client.quit()
        assert [str(problem).partition(" ")[0] for problem in server.judge()] == broken
    finally:
        server.stop()
