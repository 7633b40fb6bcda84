"""A server with two ports: implicit TLS on one, STLS on the other, one set of accounts, transcript and rules."""

from __future__ import annotations

import contextlib
import poplib
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import ClientHung, ManualClock, Pop3sServer, UsageError
from pop3s_fake.server.route import Routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOUND = 30.0


@pytest.fixture
def server() -> Iterator[Pop3sServer]:
    """A server with a message and a port in clear."""
    with Pop3sServer(stls=True) as made:
        made.maildrop.add("Subject: one\n\n")
        yield made


@pytest.fixture
def plain() -> Iterator[Callable[[Pop3sServer], poplib.POP3]]:
    """Connect in clear; all are closed at the end."""
    with contextlib.ExitStack() as stack:

        def made(server: Pop3sServer) -> poplib.POP3:
            client = poplib.POP3(server.host, server.stls_port, timeout=BOUND)
            stack.callback(_closed, client)
            return client

        yield made


def _closed(client: poplib.POP3) -> None:
    with contextlib.suppress(OSError):  # the handshake may have closed its socket
        client.close()


def test_a_client_comes_to_tls_by_stls(server: Pop3sServer, plain: Callable[[Pop3sServer], poplib.POP3]) -> None:
    """RFC 2595: the same accounts, the same transcript, the same certificate as on the other port."""
    client = plain(server)
    assert "STLS" in client.capa()
    client.stls(server.client_context())
    client.user(server.login.user)
    client.pass_(server.login.password)
    assert client.stat() == (1, 16)
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        _login(poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=BOUND), server)
    client.quit()

    first, second = server.transcript.sessions
    assert first.keywords == ["CAPA", "CAPA", "STLS", "USER", "PASS", "STAT", "QUIT"]
    assert first.tls.version == "TLSv1.3"
    assert second.keywords == ["USER", "PASS"]
    assert first.ended == "quit"
    assert "-  STLS: TLSv1.3 " in server.transcript.render()


def _login(client: poplib.POP3_SSL, server: Pop3sServer) -> None:
    with contextlib.closing(client):
        client.user(server.login.user)
        client.pass_(server.login.password)


def test_in_clear_nobody_logs_in_by_a_password(
    server: Pop3sServer, plain: Callable[[Pop3sServer], poplib.POP3]
) -> None:
    """RFC 2595 section 2.3; APOP sends none."""
    client = plain(server)
    with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\] a password in clear needs TLS first"):
        client.user(server.login.user)
    assert client.apop(*server.login).startswith(b"+OK ")


def test_what_an_attacker_puts_behind_stls_is_never_executed() -> None:
    """RFC 2595 section 4: in one segment, as it would be injected."""
    with Pop3sServer(stls=True, allow=["C-2595-4.1"]) as server:
        _inject(server)


def _inject(server: Pop3sServer) -> None:
    """Put commands in clear behind STLS, and shake hands."""
    with socket.create_connection((server.host, server.stls_port), timeout=BOUND) as sock:
        file = sock.makefile("rb")
        assert file.readline().startswith(b"+OK ")
        sock.sendall(b"STLS\r\nCAPA\r\nUSER ann\r\n")
        assert file.readline() == b"+OK begin TLS\r\n"
        with server.client_context().wrap_socket(sock, server_hostname="localhost") as tls:
            tls.sendall(b"NOOP\r\n")
            assert tls.recv(100) == b"-ERR NOOP is legal in TRANSACTION, this is AUTHORIZATION\r\n"
        file.close()
    assert server.transcript.keywords == ["STLS", "NOOP"]


def test_a_client_that_does_not_trust_the_certificate_has_no_session(
    server: Pop3sServer, plain: Callable[[Pop3sServer], poplib.POP3]
) -> None:
    """RFC 2595 section 4: the connection is over, and nothing more is said in clear."""
    client = plain(server)
    with pytest.raises(ssl.SSLCertVerificationError):
        client.stls(ssl.create_default_context())
    assert server.transcript.last_session.tls.error is not None
    assert server.transcript.keywords == ["CAPA", "STLS"]


def test_both_ports_are_kept_over_a_restart() -> None:
    """And are two; before the first start there is none."""
    server = Pop3sServer(stls=True)
    with pytest.raises(UsageError, match="the server has no port yet"):
        server.stls_port  # noqa: B018  # it raises
    with server:
        ports = server.port, server.stls_port
        assert len(set(ports)) == 2
    with server:
        assert (server.port, server.stls_port) == ports


def test_a_port_that_is_taken_leaves_nothing_behind() -> None:
    """OSError at the start, and the first port is free again."""
    with Pop3sServer() as other:
        server = Pop3sServer(stls=other.port)
        with pytest.raises(OSError, match="use"):
            server.start()
        assert "stopped" in repr(server)


def test_a_server_without_it_says_how_to_have_it() -> None:
    """There is one port then."""
    with Pop3sServer() as server, pytest.raises(UsageError) as caught:
        server.stls_port  # noqa: B018  # it raises
    assert str(caught.value) == "the server has no port in clear; make it with stls=True"
    with Pop3sServer() as server:
        assert "POP3S_STLS_PORT" not in server.environ()
    with Pop3sServer(stls=True) as server:
        assert server.environ()["POP3S_STLS_PORT"] == str(server.stls_port)


@pytest.mark.parametrize("how", ["refuse", "reset", "silent"])
def test_an_outage_is_one_of_both_ports(server: Pop3sServer, how: str) -> None:
    """And both are there again afterwards."""
    with server.outage(how):  # type: ignore[arg-type]
        for port in (server.port, server.stls_port):
            if how == "silent":
                with socket.create_connection((server.host, port), timeout=BOUND):
                    pass
                continue
            assert _said(server.host, port) == b""
    client = poplib.POP3(server.host, server.stls_port, timeout=BOUND)
    client.quit()


def _said(host: str, port: int) -> bytes:
    """The first octet that somebody says there, if anybody does."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=BOUND) as sock:
        return sock.recv(1)
    return b""


def test_ten_minutes_of_silence_end_a_session_in_clear(plain: Callable[[Pop3sServer], poplib.POP3]) -> None:
    """RFC 1939 section 3, on the server's clock: before STLS, in its handshake, and behind it."""
    clock = ManualClock()
    with Pop3sServer(stls=True, clock=clock) as server:
        first, second, third = plain(server), plain(server), plain(server)
        second._shortcmd("STLS")  # type: ignore[attr-defined]  # and no handshake
        third.stls(server.client_context())
        clock.advance(minutes=11)
        assert [session.ended for session in server.transcript.sessions] == ["autologout"] * 3
        assert first.file.read() == b""


def test_a_session_that_hangs_in_clear_is_one_that_hangs(plain: Callable[[Pop3sServer], poplib.POP3]) -> None:
    """The deadline is one of real time, on both ports."""
    server = Pop3sServer(stls=True, deadline=0.2)
    server.start()
    with contextlib.suppress(OSError, poplib.error_proto):
        assert plain(server).file.read() == b""
    server.stop()
    with pytest.raises(ClientHung, match="session 1 was still open after"):
        server.check()


def test_a_standard_port_in_clear_leads_to_the_port_in_clear(server: Pop3sServer) -> None:
    """Where there is one; the others lead to implicit TLS."""
    with contextlib.closing(Routes()) as routes:
        routes.add("pop.example.com", 110, server)
        routes.add("pop.example.com", 995, server)
        client = poplib.POP3("pop.example.com", 110, timeout=BOUND)
        client.stls(server.client_context())
        client.quit()
        poplib.POP3_SSL("pop.example.com", 995, context=server.client_context(), timeout=BOUND).quit()
    assert server.transcript.keywords == ["CAPA", "STLS", "QUIT", "QUIT"]
