"""Connections of this process to a name and port of the real world, sent to a server here.

Knows how Python code looks up names; must not know TLS or pytest.  All that goes through ``socket.getaddrinfo`` when it
connects is reached: ``socket.create_connection``, ``poplib``, asyncio, and what is built on them.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pop3s_fake.errors import UsageError

if TYPE_CHECKING:
    from pop3s_fake.server.server import Pop3sServer

__all__ = ("Routes",)

Name: TypeAlias = str | bytes | bytearray | None
Port: TypeAlias = str | bytes | int | None

PORTS: Final = range(1, 65536)

SERVICES: Final = {"pop3": 110, "pop3s": 995}
"""The services that are known where the system has no list of them."""


class Routes:
    """Names and ports whose connections go to a server of this process, until :meth:`close`.

    >>> import poplib
    >>> from pop3s_fake import Pop3sServer
    >>> with Pop3sServer() as server, contextlib.closing(Routes()) as routes:
    ...     routes.add("pop.example.com", 995, server)
    ...     client = poplib.POP3_SSL("pop.example.com", 995, context=server.client_context())
    ...     client.quit()
    b'+OK signing off'
    """

    def __init__(self) -> None:
        """Look up names through this from now on; nothing is routed yet."""
        self._servers: dict[tuple[str, int], Pop3sServer] = {}
        self._before: Any = socket.getaddrinfo
        self._instead = self._getaddrinfo  # one object, to be known again
        socket.getaddrinfo = self._instead

    def __repr__(self) -> str:
        """What goes where."""
        routes = [f"{name}:{port} to {server!r}" for (name, port), server in self._servers.items()]
        return f"<Routes: {', '.join(routes) or 'none'}>"

    def add(self, name: object, port: Port, server: Pop3sServer) -> None:
        """Send connections to this name and port to this server, whose certificate is for the name from now on.

        Raises :class:`~pop3s_fake.UsageError` for what is no host name or no port.
        """
        number = _number(port)
        host = _host(name) if isinstance(name, str) else ""
        if not host:
            raise UsageError(f"a route begins at a host name such as 'pop.example.com', not {name!r}")
        if "*" in host:
            raise UsageError(f"a route begins at one host name, and {name!r} is a pattern; add a route for each name")
        if number is None or number not in PORTS:
            raise UsageError(f"a route begins at a port such as 995 or 'pop3s', not {port!r}")
        if _is_address(host):
            raise UsageError(f"{name!r} is an address, which nobody looks up; a route begins at a host name")
        server.add_name(host)
        self._servers[host, number] = server

    def close(self) -> None:
        """Let names be what they are again; once."""
        self._servers.clear()
        if socket.getaddrinfo is self._instead:  # else somebody has put something on top, which we must not remove
            socket.getaddrinfo = self._before

    def _getaddrinfo(  # noqa: PLR0917  # the signature is that of the function for which it stands
        self,
        host: Name,
        port: Port,
        family: int = 0,
        type: int = 0,  # noqa: A002  # the same
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        """What ``socket.getaddrinfo`` gives, or the server's addresses."""
        server = None if flags & socket.AI_NUMERICHOST or not self._servers else self._server(host, port)
        if server is not None:
            host, port = server.host, _port_of(server, _number(port))
        return self._before(host, port, family, type, proto, flags)

    def _server(self, host: Name, port: Port) -> Pop3sServer | None:
        number = _number(port)
        if number is None or host is None:
            return None
        return self._servers.get((_host(host), number))


def _port_of(server: Pop3sServer, number: int | None) -> int:
    """The port in place of this one: the standard port in clear leads to the one with STLS, where there is one."""
    return server.stls_port if number == SERVICES["pop3"] and server.has_stls else server.port


def _host(name: str | bytes | bytearray) -> str:
    """A host name in the one form in which it is compared: lower case, IDNA, without the final dot."""
    text = name if isinstance(name, str) else bytes(name).decode("latin-1")
    if not text.isascii():
        with contextlib.suppress(UnicodeError):
            text = text.encode("idna").decode("ascii")
    return text.lower().removesuffix(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _number(port: Port) -> int | None:
    """The number of a port, given as such, as digits, or as the name of a service; None for what is none."""
    if isinstance(port, int):
        return port
    if not isinstance(port, str | bytes):
        return None
    text = port if isinstance(port, str) else port.decode("latin-1")
    if text.isascii() and text.isdecimal():
        return int(text)
    if text in SERVICES:
        return SERVICES[text]
    with contextlib.suppress(OSError):
        return socket.getservbyname(text, "tcp")
    return None
