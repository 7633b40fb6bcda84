"""The fixture `pop3s_route`: names of the real world that lead to the test's server."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Inner

FETCH = """
    import poplib, socket, ssl

    def fetch(host="pop.gmail.com", port=995):
        client = poplib.POP3_SSL(host, port, context=ssl.create_default_context(), timeout=20)
        client.user("test")
        client.pass_("pop3s-password")
        count, _ = client.stat()
        client.quit()
        return count

    """


def test_code_with_a_name_in_it_gets_to_the_tests_server(inner: Inner) -> None:
    """Several names; the server that is meant comes back."""
    before = socket.getaddrinfo

    report = inner.run(
        FETCH
        + """
    def test_one(pop3s_server, pop3s_route, pop3s_trusted):
        assert pop3s_route("pop.gmail.com", 995) is pop3s_server
        assert pop3s_route("pop.example.com") is pop3s_server
        pop3s_server.maildrop.add("Subject: x")
        assert fetch() == 1
        assert fetch("pop.example.com") == 1
        assert len(pop3s_server.transcript.sessions) == 2
        assert repr(pop3s_route).startswith("<Route: <Routes: pop.gmail.com:995 to <Pop3sServer on")

    def test_without_asking_for_a_server(pop3s_route, pop3s_trusted):
        pop3s_route("pop.gmail.com")
        assert fetch() == 0

    def test_another_server(pop3s_server_factory, pop3s_route, pop3s_trusted, monkeypatch):
        server = pop3s_server_factory()
        server.maildrop.add("Subject: x")
        assert pop3s_route("pop.gmail.com", "pop3s", server=server) is server
        assert fetch() == 1
        """
    )

    assert report.counts == {"passed": 3}
    assert socket.getaddrinfo is before


def test_it_is_undone_at_the_end_of_the_test(inner: Inner) -> None:
    """Also of one that fails; and a route that cannot be is an error at the call."""
    report = inner.run(
        FETCH
        + """
    REAL = socket.getaddrinfo

    def test_fails(pop3s_route):
        pop3s_route("pop.gmail.com", 995)
        assert socket.getaddrinfo is not REAL
        pop3s_route("192.0.2.1", 995)

    def test_undone():
        assert socket.getaddrinfo is REAL
        """
    )

    assert report.counts == {"passed": 1, "failed": 1}
    block = report.block("test_fails")
    assert "'192.0.2.1' is an address, which nobody looks up" in block
    assert "servers.py" not in block


def test_its_docstring_says_what_it_cannot_reach(inner: Inner) -> None:
    """`pytest --fixtures` shows it."""
    report = inner.run("", "--fixtures", "-v")

    for word in ("other processes", "c-ares", "aiodns", "from socket import getaddrinfo", "numeric"):
        assert word in report.text
