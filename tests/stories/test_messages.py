"""Many messages, reproducible with --pop3s-seed: the story of attachments that arrive intact."""

from __future__ import annotations

import email
import email.policy
import poplib
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from email.message import EmailMessage

    from pop3s_fake import Pop3sServer
    from pop3s_fake.factories import MessageFactory


class Mail(NamedTuple):
    """What a client has fetched."""

    octets: int
    content: bytes

    @property
    def attachments(self) -> list[bytes]:
        """What is attached, decoded."""
        mail: EmailMessage = email.message_from_bytes(self.content, policy=email.policy.default)
        return [part.get_content() for part in mail.iter_attachments()]


class Client:
    """Fetches mail with poplib."""

    def __init__(self, server: Pop3sServer) -> None:
        self._server = server

    def fetch_all(self) -> list[Mail]:
        """All mail, with the octets that the scan listing announces."""
        server = self._server
        client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=20)
        client.user(server.login.user)
        client.pass_(server.login.password)
        mails = []
        for line in client.list()[1]:
            number, octets = map(int, line.split())
            mails.append(Mail(octets, b"".join(line + b"\r\n" for line in client.retr(number)[1])))
        client.quit()
        return mails


@pytest.fixture
def client(pop3s_server: Pop3sServer) -> Client:
    """The client under test."""
    return Client(pop3s_server)


def test_attachments_arrive_intact(
    pop3s_server: Pop3sServer, pop3s_message_factory: type[MessageFactory], client: Client
) -> None:
    """Many messages, reproducible with --pop3s-seed."""
    sent = pop3s_message_factory.create_batch(50, attachments=2, leading_dots=True)  # to the test's only server

    mails = client.fetch_all()

    assert [mail.octets for mail in mails] == [message.octets for message in sent]
    assert [mail.content for mail in mails] == [message.content for message in sent]
    assert [len(mail.attachments) for mail in mails] == [2] * 50
    assert pop3s_server.transcript.last_session.retrieved == [message.uid for message in sent]
