"""One server for the whole module, and each test finds it as if it were its own.

Starting a server takes a few milliseconds, so most suites have one for each test (``pop3s_server``).  Where it must
live longer, for an application that is started once and keeps its address, ``pop3s_attach`` puts it under each test's
verdict, and resets it in between.
"""

from __future__ import annotations

import poplib
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Pop3sServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_pop3s_fake.servers import Attach


class Mailbox:
    """The application under test: it is made once and knows its server's address from then on."""

    def __init__(self, server: Pop3sServer) -> None:
        self._address = server.host, server.port
        self._context = server.client_context()
        self._login = server.login

    def subjects(self, *, delete: bool = False) -> list[str]:
        """The subjects of all messages; ``delete`` removes what was read."""
        with closing(poplib.POP3_SSL(*self._address, context=self._context, timeout=10)) as client:
            client.user(self._login.user)
            client.pass_(self._login.password)
            subjects = []
            for number in range(1, client.stat()[0] + 1):
                subjects.append(client.top(number, 0)[1][0].decode().removeprefix("Subject: "))
                if delete:
                    client.retr(number)
                    client.dele(number)
            client.quit()
        return subjects


@pytest.fixture(scope="module")
def running_server() -> Iterator[Pop3sServer]:
    """One server for all tests, with mail that each of them finds."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\n", "Subject: two\n\n")
        yield server


@pytest.fixture(scope="module")
def mailbox(running_server: Pop3sServer) -> Mailbox:
    """The application, which lives as long."""
    return Mailbox(running_server)


class TestMailbox:
    """Every test sees the two messages, whatever the one before it did to them."""

    @pytest.fixture(autouse=True)
    def server(self, running_server: Pop3sServer, pop3s_attach: Attach) -> Pop3sServer:
        """The server, as it was in the beginning, and judged at the end of each test."""
        return pop3s_attach(running_server)

    def test_reads(self, mailbox: Mailbox, server: Pop3sServer) -> None:
        """Reading changes nothing."""
        assert mailbox.subjects() == ["one", "two"]
        assert len(server.maildrop) == 2

    def test_deletes(self, mailbox: Mailbox, server: Pop3sServer) -> None:
        """The ledger says from the server's side that nothing was lost."""
        assert mailbox.subjects(delete=True) == ["one", "two"]
        assert mailbox.subjects() == []
        server.ledger.assert_nothing_lost()

    def test_more_mail(self, mailbox: Mailbox, server: Pop3sServer) -> None:
        """What a test adds is gone in the next one."""
        server.maildrop.add("Subject: three\n\n")
        assert mailbox.subjects() == ["one", "two", "three"]

    def test_a_broken_connection_deletes_nothing(self, mailbox: Mailbox, server: Pop3sServer) -> None:
        """A rule belongs to its test."""
        server.on("QUIT!before").end("fin")
        with pytest.raises(poplib.error_proto):
            mailbox.subjects(delete=True)
        assert len(server.maildrop) == 2


class TestTranscript:
    """Another class on the same server."""

    def test_each_test_has_a_transcript_of_its_own(
        self, mailbox: Mailbox, running_server: Pop3sServer, pop3s_attach: Attach
    ) -> None:
        """Sessions of other tests are not in it."""
        server = pop3s_attach(running_server)
        mailbox.subjects()
        assert server.transcript.keywords == ["USER", "PASS", "STAT", "TOP", "TOP", "QUIT"]
