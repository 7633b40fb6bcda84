from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Pop3sServer, Tls, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Client


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_it_listens_on_both_loopback_addresses_with_one_port(
    connect: Callable[..., Client], host: str, version: str
) -> None:
    """RFC 6724: a client that looks up "localhost" may try either first."""
    with Pop3sServer() as server:
        client = connect(server, host=host, version=version)
        assert client.greeting.startswith(b"+OK POP3 server ready <")
        assert client.sock.getpeername()[1] == server.port
        assert client.quit() == b"+OK signing off\r\n"
        assert server.transcript.last_session.tls.version == f"TLSv{version}"


def test_the_kernel_chooses_the_port() -> None:
    """Two servers never get the same one."""
    with Pop3sServer() as one, Pop3sServer() as other:
        assert one.port > 0
        assert other.port > 0
        assert one.port != other.port


def test_a_port_can_be_asked_for(connect: Callable[..., Client]) -> None:
    """The server of a set-up that lives in several processes."""
    with Pop3sServer() as server:
        connect(server).quit()  # keeps the port from being anybody's source port
        port = server.port
    with Pop3sServer(port=port) as server:
        assert server.port == port
        assert server.url == f"pop3s://localhost:{port}"
        connect(server).quit()


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_in_use_is_an_error_in_the_caller(family: socket.AddressFamily, host: str) -> None:
    """On either address; nothing is left open."""
    with socket.socket(family) as other:
        other.bind((host, 0))
        other.listen()
        server = Pop3sServer(port=other.getsockname()[1])
        with pytest.raises(OSError, match="Address already in use"):
            server.start()
        server.stop()  # it does not run


def test_another_servers_port_is_in_use_too() -> None:
    """SO_REUSEADDR does not let two servers share a port."""
    with Pop3sServer() as one:
        other = Pop3sServer(port=one.port)
        with pytest.raises(OSError, match="Address already in use"):
            other.start()


def test_a_start_that_failed_can_be_tried_again(connect: Callable[..., Client]) -> None:
    """The server is as new."""
    with Pop3sServer() as one:
        connect(one).quit()
        other = Pop3sServer(port=one.port)
        with pytest.raises(OSError, match="Address already in use"):
            other.start()
    with other:
        connect(other).quit()


def test_starting_twice_is_an_error() -> None:
    """The text tells the port."""
    with Pop3sServer() as server:
        with pytest.raises(UsageError) as caught:
            server.start()
        assert str(caught.value) == f"the server runs already, on port {server.port}; stop() it first"


def test_a_server_that_never_started_has_no_port() -> None:
    """Nor a URL."""
    server = Pop3sServer()
    for ask in (lambda: server.port, lambda: server.url, server.environ):
        with pytest.raises(UsageError) as caught:
            ask()
        assert str(caught.value) == "the server has no port yet: start() it, or use it in a with block"
    assert repr(server) == "<Pop3sServer stopped, 0 open sessions>"


def test_what_this_openssl_cannot_do_is_an_error_at_the_start() -> None:
    """Not at the first handshake, where the client would be blamed; and nothing listens."""
    server = Pop3sServer(tls=Tls(ciphers="RC4-SHA"))
    with pytest.raises(UsageError) as caught:
        server.start()
    assert str(caught.value) == f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no cipher 'RC4-SHA'"
    assert repr(server) == "<Pop3sServer stopped, 0 open sessions>"


def test_clients_that_connect_at_once_are_served(connect: Callable[..., Client]) -> None:
    """The kernel queues them from the moment at which start() returns."""
    for _ in range(20):
        with Pop3sServer() as server:
            assert connect(server).quit() == b"+OK signing off\r\n"


def test_every_segment_leaves_at_once(connect: Callable[..., Client]) -> None:
    """TCP_NODELAY: without it a session waits for delayed acknowledgements, 40 ms each."""
    with Pop3sServer() as server:
        connect(server)
        server.settle()
        (worker,) = server._house._workers
        assert worker._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
