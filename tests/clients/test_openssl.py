from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from pop3s_fake import Pop3sServer, Tls

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Ran = subprocess.CompletedProcess[bytes]

VERSIONS: Final = ["1.2", "1.3"]


@pytest.fixture
def s_client(openssl: str, run: Callable[..., Ran]) -> Callable[..., Ran]:
    """Run ``openssl s_client``, which says its lines at once and stays until the server closes."""

    def made(server: Pop3sServer, *options: object, said: str = "", trusting: bool = True) -> Ran:
        trust = ("-CAfile", server.ca_file) if trusting else ("-no-CAfile", "-no-CApath", "-no-CAstore")
        place = ("-connect", f"localhost:{server.port}", "-servername", "localhost", "-verify_hostname", "localhost")
        return run(openssl, "s_client", "-crlf", "-ign_eof", *place, *trust, *options, said=said.encode())

    return made


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_by_hand(s_client: Callable[..., Ran], version: str) -> None:
    """Greeting, login, LIST, RETR, QUIT: nothing but the server's own octets on standard output."""
    with Pop3sServer(tls=Tls(versions=version)) as server:
        server.maildrop.add("Subject: one\n\n.dot\n", "Subject: two\n\n")
        user, password = server.login
        said = f"USER {user}\nPASS {password}\nLIST\nRETR 1\nNOOP\nQUIT\n"
        ran = s_client(server, "-quiet", "-verify_return_error", said=said)
        assert ran.returncode == 0
        session = server.transcript.last_session
        assert ran.stdout == session.entries[0].text.encode() + (
            b"\r\n+OK name noted, now the password\r\n+OK maildrop has 2 messages (38 octets)\r\n"
            b"+OK 2 messages (38 octets)\r\n1 22\r\n2 16\r\n.\r\n"
            b"+OK 22 octets\r\nSubject: one\r\n\r\n..dot\r\n.\r\n+OK\r\n+OK signing off\r\n"
        )
        assert session.keywords == ["USER", "PASS", "LIST", "RETR", "NOOP", "QUIT"]
        assert (session.ended, session.tls.version) == ("quit", f"TLSv{version}")


def test_without_the_ca_the_chain_ends_nowhere(s_client: Callable[..., Ran]) -> None:
    """Number 20: the issuer is not known."""
    with Pop3sServer() as server:
        ran = s_client(server, "-verify_return_error", trusting=False, said="QUIT\n")
        assert ran.returncode != 0
        assert b"verify error:num=20:unable to get local issuer certificate" in ran.stderr + ran.stdout
        assert server.transcript.keywords == []


def test_the_protocol_pop3_is_agreed_on(s_client: Callable[..., Ran]) -> None:
    """RFC 7301 section 3.1; who offers only others is refused (section 3.2)."""
    with Pop3sServer(allow=["C-1939-3.1", "C-9325-3.8"]) as server:
        assert b"ALPN protocol: pop3" in s_client(server, "-alpn", "h2,pop3", said="QUIT\n").stdout
        assert server.transcript.last_session.tls.alpn == "pop3"
        ran = s_client(server, "-alpn", "h2", said="QUIT\n")
        assert ran.returncode != 0
        assert b"no application protocol" in ran.stderr
        assert server.transcript.last_session.tls.offered_alpn == ("h2",)
        assert server.transcript.last_session.commands == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_certificate_that_is_required_must_be_shown(s_client: Callable[..., Ran], version: str) -> None:
    """With it all is well, without it the server's alert says why."""
    keywords: dict[str, Any] = {"client_certificate": "required", "tls": Tls(versions=version)}
    with Pop3sServer(**keywords) as server:
        mine = server.authority.client_certificate("ann")
        ran = s_client(server, "-quiet", "-cert", mine.certificate_file, "-key", mine.key_file, said="QUIT\n")
        assert ran.stdout.endswith(b"+OK signing off\r\n")
        assert server.transcript.last_session.tls.client_certificate == "ann"
        ran = s_client(server, "-quiet", said="QUIT\n")
        assert b"+OK" not in ran.stdout
        alert = {"1.2": b"handshake failure", "1.3": b"certificate required"}[version]
        assert alert in ran.stderr
        assert server.transcript.last_session.keywords == []


def test_a_session_can_be_resumed_with_its_ticket(s_client: Callable[..., Ran], tmp_path: Any) -> None:
    """RFC 8446 section 2.2: the tickets come with the greeting."""
    with Pop3sServer() as server:
        ticket = tmp_path / "ticket.pem"
        s_client(server, "-sess_out", ticket, said="QUIT\n")
        ran = s_client(server, "-sess_in", ticket, said="QUIT\n")
        assert b"Reused, TLSv1.3" in ran.stdout
        assert [session.tls.resumed for session in server.transcript.sessions] == [False, True]


def test_a_client_of_an_old_version_is_refused(s_client: Callable[..., Ran]) -> None:
    """RFC 8996: TLS 1.0 and 1.1 are gone."""
    with Pop3sServer(allow=["C-9325-3.1"]) as server:
        ran = s_client(server, "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0", said="QUIT\n")
        assert ran.returncode != 0
        assert b"protocol version" in ran.stderr
        assert server.transcript.keywords == []
