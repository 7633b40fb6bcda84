"""The stories of the first page, with poplib as the client: what somebody who fetches mail would write."""

from __future__ import annotations

import email
import poplib
import ssl
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

    from pop3s_fake import Pop3sServer
    from pytest_pop3s_fake.servers import ServerFactory


def fetch_all(host: str, port: int, user: str, password: str, *, ca_file: Path) -> list[Message]:
    """All mail of a maildrop; nothing is deleted."""
    client = poplib.POP3_SSL(host, port, context=ssl.create_default_context(cafile=ca_file), timeout=20)
    client.user(user)
    client.pass_(password)
    count, _ = client.stat()
    mails = [email.message_from_bytes(b"\r\n".join(client.retr(number)[1])) for number in range(1, count + 1)]
    client.quit()
    return mails


def test_fetches_everything(pop3s_server: Pop3sServer) -> None:
    """There is mail; the client fetches it."""
    pop3s_server.maildrop.add("Subject: one\n\nhello\n", "Subject: two\n\nbye\n")

    mails = fetch_all(pop3s_server.host, pop3s_server.port, *pop3s_server.login, ca_file=pop3s_server.ca_file)

    assert [mail["Subject"] for mail in mails] == ["one", "two"]
    assert pop3s_server.transcript.keywords == ["USER", "PASS", "STAT", "RETR", "RETR", "QUIT"]
    assert pop3s_server.transcript.commands[-2:] == ["RETR 2", "QUIT"]


@pytest.mark.parametrize("certificate", ["expired", "not-yet-valid", "wrong-host", "self-signed", "untrusted-root"])
def test_rejects_a_bad_certificate(pop3s_server_factory: ServerFactory, certificate: str) -> None:
    """What must be refused is refused, and no password was sent."""
    server = pop3s_server_factory(certificate=certificate)

    with pytest.raises(ssl.SSLCertVerificationError):
        fetch_all(server.host, server.port, *server.login, ca_file=server.ca_file)

    assert server.transcript.keywords == []


class Poller:
    """Fetches what it has not seen, by unique-id."""

    def __init__(self, server: Pop3sServer) -> None:
        self._server = server
        self._seen: set[bytes] = set()

    def poll(self) -> int | Literal["offline"]:
        """How many messages were new, or that nobody was there."""
        server = self._server
        try:
            client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=20)
        except OSError:
            return "offline"
        with closing(client):
            client.user(server.login.user)
            client.pass_(server.login.password)
            uids = {line.split()[1] for line in client.uidl()[1]}
            client.quit()
        new = uids - self._seen
        self._seen |= uids
        return len(new)


@pytest.fixture
def poller(pop3s_server: Pop3sServer) -> Poller:
    """A client that looks for new mail again and again."""
    return Poller(pop3s_server)


def test_a_poller(pop3s_server: Pop3sServer, poller: Poller, tmp_path: Path) -> None:
    """The maildrop changes from poll to poll, and the server is away in between."""
    a, b = tmp_path / "a.eml", tmp_path / "b.eml"
    a.write_text("Subject: a\n\nthe first\n", encoding="utf-8")
    b.write_text("Subject: b\n\nthe second\n", encoding="utf-8")

    pop3s_server.account.script([a], [a, b], [])  # what the 1st, 2nd and every later login finds
    assert poller.poll() == 1
    with pop3s_server.outage("refuse"):
        assert poller.poll() == "offline"
    assert poller.poll() == 1
    assert poller.poll() == 0
    assert poller.poll() == 0
    assert len(pop3s_server.transcript.sessions) == 4
