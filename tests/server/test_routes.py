"""Connections to names of the real world: where they go, whose certificate they see, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import poplib
import socket
import ssl
from contextlib import closing
from functools import partial
from socket import create_connection as imported_earlier
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import Pop3sServer, UsageError
from pop3s_fake.server.route import Routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.server.conftest import Client

NAME = "pop.example.invalid"  # a name that nobody answers for (RFC 6761 section 6.4)


@pytest.fixture
def server() -> Iterator[Pop3sServer]:
    """A server that is routed to."""
    with Pop3sServer() as server:
        yield server


@pytest.fixture
def routes() -> Iterator[Routes]:
    """Routes, undone at the end."""
    with closing(Routes()) as routes:
        yield routes


def stat(server: Pop3sServer, host: str = NAME, port: int = 995) -> tuple[int, int]:
    """What a client that verifies the name finds there."""
    with closing(poplib.POP3_SSL(host, port, context=server.client_context(), timeout=20)) as client:
        client.user(server.login.user)
        client.pass_(server.login.password)
        found = client.stat()
        client.quit()
    return found


def test_poplib_gets_to_the_server_and_verifies_the_name(server: Pop3sServer, routes: Routes) -> None:
    """Several names, on several ports; the server goes on to be localhost."""
    server.maildrop.add("Subject: x\n\n")
    routes.add(NAME, 995, server)
    routes.add("imap.example.invalid", 1, server)

    assert stat(server) == (1, 14)
    assert stat(server, "imap.example.invalid", 1) == (1, 14)
    assert stat(server, "localhost", server.port) == (1, 14)
    assert [session.tls.server_name for session in server.transcript.sessions] == [
        NAME,
        "imap.example.invalid",
        "localhost",
    ]


def test_asyncio_gets_there_too(server: Pop3sServer, routes: Routes) -> None:
    """It looks names up in a thread of its own."""
    routes.add(NAME, 995, server)

    async def greeting() -> bytes:
        reader, writer = await asyncio.open_connection(NAME, 995, ssl=server.client_context())
        line = await reader.readline()
        writer.write(b"QUIT\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()
        return line

    assert asyncio.run(greeting()).startswith(b"+OK POP3 server ready")


def test_what_was_imported_earlier_is_reached(server: Pop3sServer, routes: Routes) -> None:
    """``create_connection`` looks ``getaddrinfo`` up when it is called."""
    routes.add(NAME, 995, server)

    with imported_earlier((NAME, 995), timeout=20) as sock:
        assert sock.getpeername()[1] == server.port


@pytest.mark.parametrize("host", [NAME, NAME.upper(), f"{NAME}.", NAME.encode(), bytearray(NAME, "ascii")])
@pytest.mark.parametrize("port", [995, "995", "pop3s", b"995", b"pop3s"])
def test_a_name_and_a_port_can_be_given_in_any_form(server: Pop3sServer, routes: Routes, host: Any, port: Any) -> None:
    """As ``getaddrinfo`` takes them, by position and by name."""
    routes.add(NAME, 995, server)

    for found in (
        socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM),
        socket.getaddrinfo(host=host, port=port, type=socket.SOCK_STREAM),
        socket.getaddrinfo(host, port, family=socket.AF_INET, proto=socket.IPPROTO_TCP),
    ):
        assert {address[4][1] for address in found} == {server.port}


def test_a_name_beyond_ascii_is_one_name(server: Pop3sServer, routes: Routes) -> None:
    """Its certificate is for the form that goes over the wire."""
    routes.add("b\u00fccher.invalid", "pop3s", server)

    for name in ("b\u00fccher.invalid", "xn--bcher-kva.invalid", b"xn--bcher-kva.invalid"):
        assert socket.getaddrinfo(name, 995, type=socket.SOCK_STREAM)[0][4][1] == server.port
    assert stat(server, "xn--bcher-kva.invalid") == (0, 0)


def test_everything_else_goes_where_it_went(
    server: Pop3sServer, routes: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another port, another name, none at all, and numbers only; the arguments are not touched."""
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(routes, "_before", lambda *arguments: asked.append(arguments))
    routes.add(NAME, 995, server)

    socket.getaddrinfo(NAME, 110)
    socket.getaddrinfo(NAME, "imaps", proto=6)
    socket.getaddrinfo(f"x.{NAME}", "995", socket.AF_INET6)
    socket.getaddrinfo(b"\xff", b"\xff")
    socket.getaddrinfo(None, 995)
    socket.getaddrinfo(NAME, None)
    socket.getaddrinfo(NAME, 995, flags=socket.AI_NUMERICHOST)

    assert asked == [
        (NAME, 110, 0, 0, 0, 0),
        (NAME, "imaps", 0, 0, 6, 0),
        (f"x.{NAME}", "995", socket.AF_INET6, 0, 0, 0),
        (b"\xff", b"\xff", 0, 0, 0, 0),
        (None, 995, 0, 0, 0, 0),
        (NAME, None, 0, 0, 0, 0),
        (NAME, 995, 0, 0, 0, socket.AI_NUMERICHOST),
    ]


def test_nothing_is_left_of_it(server: Pop3sServer) -> None:
    """Not even where somebody put another function on top meanwhile."""
    before = socket.getaddrinfo
    with closing(Routes()) as routes:
        routes.add(NAME, 995, server)
        assert socket.getaddrinfo is not before
    assert socket.getaddrinfo is before

    routes = Routes()
    routes.add(NAME, 995, server)
    on_top = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", partial(on_top))
        routes.close()
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(NAME, 995, 0, 0, 0, socket.AI_NUMERICHOST)
    socket.getaddrinfo = before


def test_the_innermost_route_counts_and_the_outer_ones_come_back(server: Pop3sServer, routes: Routes) -> None:
    """Nested, and for the same name."""
    routes.add(NAME, 995, server)
    routes.add("other.example.invalid", 995, server)
    with Pop3sServer() as inner:
        inner.maildrop.add("Subject: inner\n\n")
        with closing(Routes()) as nested:
            nested.add(NAME, 995, inner)
            assert stat(inner)[0] == 1
            assert stat(server, "other.example.invalid") == (0, 0)
        assert stat(server) == (0, 0)


def test_a_server_can_be_routed_to_again_and_elsewhere(server: Pop3sServer, routes: Routes) -> None:
    """The last word counts."""
    routes.add(NAME, 995, server)
    routes.add(NAME, 995, server)
    with Pop3sServer() as other:
        other.maildrop.add("Subject: other\n\n")
        routes.add(NAME, 995, other)
        assert stat(other)[0] == 1


def names_of(server: Pop3sServer, name: str) -> set[str]:
    """The names in the certificate that a client of this name sees."""
    with server.client_context().wrap_socket(
        socket.create_connection(("127.0.0.1", server.port), timeout=20), server_hostname=name
    ) as sock:
        certificate: Any = sock.getpeercert()
    return {name for kind, name in certificate["subjectAltName"] if kind == "DNS"}


def test_an_open_connection_keeps_its_certificate(server: Pop3sServer, connect: Callable[..., Client]) -> None:
    """A name that is added is for those who come later."""
    client = connect(server).login()
    server.add_name(NAME)

    assert client.ask("NOOP") == b"+OK\r\n"
    assert names_of(server, NAME) == {"localhost", NAME}


def test_names_are_kept_over_a_stop_and_forgotten_by_a_reset() -> None:
    """They belong to what a baseline remembers."""
    with Pop3sServer(names=["localhost", "first.invalid"]) as server:
        server.add_name("second.invalid")
        server.stop()
        server.start()
        assert names_of(server, "localhost") == {"localhost", "first.invalid", "second.invalid"}
        server.reset()
        assert names_of(server, "localhost") == {"localhost", "first.invalid"}
        server.add_name("third.invalid")
        server.baseline()
        server.reset()
        assert names_of(server, "localhost") == {"localhost", "first.invalid", "third.invalid"}


@pytest.mark.parametrize("certificate", ["wrong-host", "expired"])
def test_a_bad_certificate_stays_bad(routes: Routes, certificate: str) -> None:
    """A route is no way around a refusal."""
    with Pop3sServer(certificate=certificate) as server:
        routes.add(NAME, 995, server)
        with pytest.raises(ssl.SSLCertVerificationError):
            poplib.POP3_SSL(NAME, 995, context=server.client_context(), timeout=20)


@pytest.mark.parametrize(
    ("name", "port", "sentence"),
    [
        ("", 995, "a route begins at a host name such as 'pop.example.com', not ''"),
        (995, 995, "a route begins at a host name such as 'pop.example.com', not 995"),
        (NAME, 0, "a route begins at a port such as 995 or 'pop3s', not 0"),
        (NAME, 65536, "a route begins at a port such as 995 or 'pop3s', not 65536"),
        (NAME, "pop4", "a route begins at a port such as 995 or 'pop3s', not 'pop4'"),
        (NAME, None, "a route begins at a port such as 995 or 'pop3s', not None"),
        (NAME, 995.0, "a route begins at a port such as 995 or 'pop3s', not 995.0"),
        (
            "*.gmail.com",
            995,
            "a route begins at one host name, and '*.gmail.com' is a pattern; add a route for each name",
        ),
        ("192.0.2.1", 995, "'192.0.2.1' is an address, which nobody looks up; a route begins at a host name"),
        ("::1", 995, "'::1' is an address, which nobody looks up; a route begins at a host name"),
    ],
)
def test_what_cannot_be_routed_is_an_error(
    server: Pop3sServer, routes: Routes, name: Any, port: Any, sentence: str
) -> None:
    """At the call."""
    with pytest.raises(UsageError) as caught:
        routes.add(name, port, server)
    assert str(caught.value) == sentence
    assert repr(routes) == "<Routes: none>"


def test_its_repr_says_what_goes_where(server: Pop3sServer, routes: Routes) -> None:
    """For those who look for a name."""
    routes.add(NAME, "pop3s", server)

    assert repr(routes) == f"<Routes: {NAME}:995 to {server!r}>"
