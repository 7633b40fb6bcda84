from __future__ import annotations

import platform
import poplib
import ssl
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import Account, Pop3sServer, Tls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake import ClientCertificate

BOUND: Final = 60.0


@pytest.fixture(autouse=True, params=[f"Python-{platform.python_version()}"])
def _version() -> None:
    """Put the version, which is poplib's, into the tests' names."""


@pytest.fixture(params=["1.2", "1.3"])
def server(request: pytest.FixtureRequest) -> Iterator[Pop3sServer]:
    """A server of each version of TLS."""
    with Pop3sServer(tls=Tls(versions=request.param)) as server:
        yield server
        assert {session.tls.version for session in server.transcript.sessions} <= {f"TLSv{request.param}", None}


def connected(server: Pop3sServer, host: str = "localhost") -> poplib.POP3_SSL:
    """A client that trusts the server's CA."""
    return poplib.POP3_SSL(host, server.port, context=server.client_context(), timeout=BOUND)


def logged_in(server: Pop3sServer) -> poplib.POP3_SSL:
    """The same behind USER and PASS."""
    client = connected(server)
    client.user(server.login.user)
    client.pass_(server.login.password)
    return client


def joined(lines: list[bytes]) -> bytes:
    """The lines as they came over the wire."""
    return b"".join(line + b"\r\n" for line in lines)


def test_messages_arrive_octet_by_octet(server: Pop3sServer, contents: list[bytes]) -> None:
    """RETR and TOP of every message; poplib counts the octets itself."""
    messages = server.maildrop.add(*contents)
    client = logged_in(server)
    assert client.stat() == (len(contents), sum(map(len, contents)))
    for number, content in enumerate(contents, 1):
        status, lines, octets = client.retr(number)
        assert joined(lines) == content
        assert octets == len(content)
        assert status == b"+OK %d octets" % len(content)
        head, _, body = content.partition(b"\r\n\r\n")
        assert joined(client.top(number, 0)[1]) == (head + b"\r\n\r\n" if body else content)
    client.quit()
    retrieved = server.transcript.last_session.retrieved  # a TOP of all lines sends a message whole, too
    assert list(dict.fromkeys(retrieved)) == [message.uid for message in messages]


def test_listings_agree_with_each_other(server: Pop3sServer, contents: list[bytes]) -> None:
    """LIST and UIDL, with and without a number."""
    messages = server.maildrop.add(*contents)
    client = logged_in(server)
    assert client.list()[1] == [b"%d %d" % (n, len(content)) for n, content in enumerate(contents, 1)]
    assert client.uidl()[1] == [b"%d %b" % (n, message.uid.encode()) for n, message in enumerate(messages, 1)]
    answers: list[object] = [client.list(2), client.uidl(2)]  # with a number they are lines, whatever typeshed says
    assert answers == [b"+OK 2 2", b"+OK 2 " + messages[1].uid.encode()]
    with pytest.raises(poplib.error_proto, match="no such message"):
        client.list(99)
    client.quit()


def test_deleting_counts_from_quit_on(server: Pop3sServer) -> None:
    """RFC 1939 section 6: RSET takes marks back, a connection that is closed deletes nothing."""
    one, two, three = server.maildrop.add("Subject: 1\n\n", "Subject: 2\n\n", "Subject: 3\n\n")
    client = logged_in(server)
    client.dele(1)
    client.close()
    assert server.maildrop.uids == [one.uid, two.uid, three.uid]
    client = logged_in(server)
    client.dele(1)
    client.rset()
    client.dele(2)
    client.noop()
    assert client.stat() == (2, one.octets + three.octets)
    client.quit()
    assert server.maildrop.uids == [one.uid, three.uid]
    assert [session.ended for session in server.transcript.sessions] == ["eof", "quit"]
    assert server.transcript.last_session.deleted == [two.uid]


def test_capabilities_can_be_read(server: Pop3sServer) -> None:
    """RFC 2449 section 5."""
    client = connected(server)
    capabilities = client.capa()
    assert {"TOP", "UIDL", "USER", "PIPELINING"} <= capabilities.keys()
    assert capabilities["IMPLEMENTATION"] == ["pop3s-fake"]
    client.quit()


def test_apop_proves_the_secret_without_sending_it() -> None:
    """RFC 1939 section 7, with the timestamp of each greeting."""
    with Pop3sServer(accounts=[Account("ann", "not-a-secret", secret="tanstaaf")]) as server:
        for _ in range(2):
            client = connected(server)
            client.apop("ann", "tanstaaf")
            assert client.stat() == (0, 0)
            client.quit()
        client = connected(server)
        with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\]"):
            client.apop("ann", "not-a-secret")
        client.quit()
        assert "tanstaaf" not in server.transcript.render()


def test_a_wrong_password_is_refused(server: Pop3sServer) -> None:
    """RFC 3206 section 4: [AUTH]; the connection stands for another try."""
    client = connected(server)
    client.user(server.login.user)
    with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\] name or password is wrong"):
        client.pass_("guess")
    client.user(server.login.user)
    client.pass_(server.login.password)
    client.quit()


def test_a_maildrop_that_is_open_is_in_use(server: Pop3sServer) -> None:
    """RFC 2449 section 8.1.2; after the first session's end the second may try again."""
    first, second = logged_in(server), connected(server)
    second.user(server.login.user)
    with pytest.raises(poplib.error_proto, match=r"-ERR \[IN-USE\]"):
        second.pass_(server.login.password)
    first.quit()
    second.user(server.login.user)
    second.pass_(server.login.password)
    second.quit()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_the_certificate_is_good_for_every_name_of_the_server(server: Pop3sServer, host: str) -> None:
    """The host name and both addresses."""
    client = connected(server, host)
    client.quit()
    assert server.transcript.last_session.tls.server_name == (host if host == "localhost" else None)


def test_a_client_that_does_not_know_the_ca_refuses(server: Pop3sServer) -> None:
    """And no password was sent."""
    with pytest.raises(ssl.SSLCertVerificationError):
        poplib.POP3_SSL("localhost", server.port, context=ssl.create_default_context(), timeout=BOUND)
    assert server.transcript.keywords == []
    assert server.transcript.last_session.tls.error is not None


@pytest.mark.parametrize("certificate", ["expired", "not-yet-valid", "wrong-host", "self-signed", "untrusted-root"])
def test_a_bad_certificate_is_refused(certificate: str) -> None:
    """Before a credential was sent (RFC 8314 section 4.1); with its twin all is well, see above."""
    with Pop3sServer(certificate=certificate) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            connected(server)
        assert server.transcript.keywords == []


@pytest.mark.parametrize("client_certificate", ["required", "optional"])
def test_a_client_certificate_is_known_by_its_name(client_certificate: str) -> None:
    """RFC 8314 section 4.2; the test makes it in one call."""
    with Pop3sServer(client_certificate=client_certificate) as server:  # type: ignore[arg-type]
        mine: ClientCertificate = server.authority.client_certificate("ann")
        context = server.client_context(client_certificate=mine)
        client = poplib.POP3_SSL(server.host, server.port, context=context, timeout=BOUND)
        client.user(server.login.user)
        client.pass_(server.login.password)
        client.quit()
        assert server.transcript.last_session.tls.client_certificate == "ann"
