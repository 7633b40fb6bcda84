"""Any mail, and any octet at which the connection breaks.

One server serves all examples of a module; ``server.example()`` makes it new for each of them and judges it after each,
so that a failure shows the transcript of the example to which Hypothesis has shrunk it.
"""

from __future__ import annotations

import poplib
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from fetch import fetch_and_delete
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pop3s_fake import Pop3sServer

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40), min_size=1, max_size=6)
MAIL = LINES.map(lambda lines: "".join(f"{line}\r\n" for line in lines).encode())
MAILS = st.lists(MAIL, max_size=4)


@pytest.fixture(scope="module")
def server() -> Iterator[Pop3sServer]:
    """One server for all examples."""
    with Pop3sServer() as server:
        yield server


def fetched(server: Pop3sServer, kept: list[bytes]) -> None:
    """Let the code under test fetch from this server."""
    fetch_and_delete(server.host, server.port, server.login, context=server.client_context(), kept=kept)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mails=MAILS)
def test_mail_arrives_as_it_was_sent(server: Pop3sServer, mails: list[bytes]) -> None:
    """Dots, empty lines, any characters: what is kept is what was there, and it is gone from the server."""
    with server.example():
        server.maildrop.add(*mails)
        kept: list[bytes] = []

        fetched(server, kept)

        assert kept == mails
        assert len(server.maildrop) == 0


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    mails=st.lists(MAIL, min_size=1, max_size=4),
    command=st.sampled_from(["LIST", "RETR", "DELE", "QUIT"]),
    nth=st.integers(1, 4),
    offset=st.integers(0, 100),
)
def test_a_broken_connection_loses_nothing(
    server: Pop3sServer, mails: list[bytes], command: str, nth: int, offset: int
) -> None:
    """Wherever it breaks: a message is deleted only if it was sent whole, and at the end all is there."""
    with server.example():
        server.maildrop.add(*mails)
        # Replies may be shorter than the offset and commands fewer: then nothing strikes, which is a case, too.
        server.on(f"{command}#{nth}@{offset}").end("rst").optional()
        kept: list[bytes] = []

        with suppress(OSError, poplib.error_proto):
            fetched(server, kept)
        server.heal()
        fetched(server, kept)

        assert set(kept) == set(mails)
        server.ledger.assert_nothing_lost()
