"""What is right, what must be refused, and what a server may answer."""

from __future__ import annotations

import poplib
import ssl
from typing import TYPE_CHECKING

import pytest
from mailbox_check import Letter, check

if TYPE_CHECKING:
    from pop3s_fake import Pop3sServer
    from pytest_pop3s_fake.servers import ServerFactory


def test_the_letters_are_listed(pop3s_server: Pop3sServer, pop3s_client_context: ssl.SSLContext) -> None:
    """And none of them is fetched or deleted."""
    pop3s_server.maildrop.add("From: ann\nSubject: one\n\n.\n", "From: bob\nSubject: two\n\n")

    letters = check(pop3s_server.host, pop3s_server.port, *pop3s_server.login, context=pop3s_client_context)

    assert letters == [Letter("ann", "one", 30), Letter("bob", "two", 27)]
    assert pop3s_server.transcript.keywords == ["USER", "PASS", "LIST", "TOP", "TOP", "QUIT"]
    assert len(pop3s_server.maildrop) == 2


@pytest.mark.usefixtures("pop3s_trusted")
def test_the_defaults_of_the_system_are_enough(pop3s_server: Pop3sServer) -> None:
    """Where the system trusts the CA, nobody has to make a context; so the program's own default is tested."""
    assert check(pop3s_server.host, pop3s_server.port, *pop3s_server.login) == []


@pytest.mark.parametrize("certificate", ["expired", "wrong-host", "self-signed"])
def test_no_password_goes_to_a_stranger(pop3s_server_factory: ServerFactory, certificate: str) -> None:
    """Whoever shows a bad certificate hears nothing."""
    server = pop3s_server_factory(certificate=certificate)

    with pytest.raises(ssl.SSLCertVerificationError):
        check(server.host, server.port, *server.login, context=server.client_context())

    assert server.transcript.keywords == []


def test_a_refusal_is_told_and_the_session_ended(
    pop3s_server: Pop3sServer, pop3s_client_context: ssl.SSLContext
) -> None:
    """The server's words reach the user, and QUIT is said all the same."""
    pop3s_server.on("PASS!before").reply("-ERR [IN-USE] another session has the maildrop").times(1)

    with pytest.raises(poplib.error_proto, match="IN-USE"):
        check(pop3s_server.host, pop3s_server.port, *pop3s_server.login, context=pop3s_client_context)

    assert pop3s_server.transcript.keywords == ["USER", "PASS", "QUIT"]


def test_a_server_without_top_is_told(pop3s_server: Pop3sServer, pop3s_client_context: ssl.SSLContext) -> None:
    """TOP is optional (RFC 1939 section 7)."""
    pop3s_server.maildrop.add("Subject: one\n\n")
    pop3s_server.on("TOP!before").reply("-ERR unknown command")

    with pytest.raises(poplib.error_proto, match="unknown command"):
        check(pop3s_server.host, pop3s_server.port, *pop3s_server.login, context=pop3s_client_context)
