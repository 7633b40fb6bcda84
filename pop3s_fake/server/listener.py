"""Where clients arrive: listening sockets, on both loopback addresses if not elsewhere, one port, one accept thread.

Knows binding, listening and accepting, and the ways of being away; must not know what a connection is for.
Binding and listening happen in the caller, so that errors surface there; from then on the kernel queues connections.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from threading import Thread
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pop3s_fake.server.crowd import Crowd
from pop3s_fake.server.endings import NO_LINGER
from pop3s_fake.server.polling import READ, poller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.server.hub import Hub

__all__ = ("Listener", "Outage")

Outage = Literal["refuse", "silent", "reset", "backlog-full"]
"""How a server is away: it refuses connections, takes them and says nothing, resets them, or lets none be made."""

BACKLOG: Final = 1024
"""Connections that the kernel queues before it drops them; the kernel's own bound may be lower."""

Address: TypeAlias = tuple[int, str]
"""A family of addresses, and one of them."""

PAUSING: Final = 5.0
"""Seconds for the accept thread to see that it is to accept nobody."""

ATTEMPTS: Final = 20
"""Ports that are tried until one is free on both addresses."""


class Listener:
    """The listening side of one server."""

    def __init__(
        self, port: int, *, hub: Hub, accepted: Callable[[socket.socket, int], None], host: str = "localhost"
    ) -> None:
        """Bind and listen; ``accepted`` is called in the accept thread with each new socket and the port."""
        self._hub = hub
        self._accepted = accepted
        self._sockets = _listening(port, _addresses(host))
        self.port: int = self._sockets[0].getsockname()[1]
        self.address: str = self._sockets[0].getsockname()[0]
        self._wake, self._woken = socket.socketpair()
        self._outage: Outage | None = None
        self._crowd: Crowd | None = None
        self._stopping = False
        self._waiting = False
        self._stale = True
        self._thread = Thread(target=self._run, name=f"pop3s-fake:{self.port}:accept", daemon=True)
        self._thread.start()

    def settled(self) -> bool:
        """Whether no client waits to be accepted."""
        if self._stopping or self._outage in {"refuse", "silent", "backlog-full"}:
            return True
        if not self._waiting:
            return False
        peek = poller()
        for sock in self._sockets:
            peek.register(sock.fileno(), READ)
        return not peek.poll(0) and self._waiting

    def outage(self, how: Outage | None) -> Outage | None:
        """Be away in this way from now on, or be there again; gives the way in which it was away before."""
        before, self._outage = self._outage, how
        if self._crowd is not None:
            self._crowd.close()
        if before == "backlog-full" and how != "refuse":
            for sock in self._sockets:
                sock.listen(BACKLOG)
        if how == "refuse" and before != "refuse":
            self._sockets = [_refusing(sock) for sock in self._sockets]
        elif before == "refuse" and how != "refuse":
            for sock in self._sockets:
                _reusable(sock, reusable=True)
                sock.listen(BACKLOG)
        self._poke()
        if how == "backlog-full":
            self._hub.wait_until(lambda: not self._stale, PAUSING)
            self._crowd = Crowd(self._sockets)
        return before

    def stop(self, timeout: float) -> bool:
        """Close everything; tells whether the thread ended in time."""
        self._stopping = True
        self._poke()
        self._thread.join(timeout)
        for sock in (*self._sockets, self._wake, self._woken):
            sock.close()
        if self._crowd is not None:
            self._crowd.close()
        return not self._thread.is_alive()

    @property
    def name(self) -> str:
        """The thread's name."""
        return self._thread.name

    def _poke(self) -> None:
        """Make the accept thread look again."""
        self._stale = True
        self._wake.send(b"\0")

    def _run(self) -> None:
        """Accept until told to stop."""
        poll = poller()
        while not self._stopping:
            if self._stale:
                self._stale = False
                poll = poller()
                poll.register(self._woken.fileno(), READ)
                if self._outage in {None, "reset"}:
                    for sock in self._sockets:
                        poll.register(sock.fileno(), READ)
            self._waiting = True
            self._hub.changed()
            ready = poll.poll()
            self._waiting = False
            for fd, _ in ready:
                if fd == self._woken.fileno():
                    self._woken.recv(4096)
            if not self._stale and not self._stopping:
                for sock in self._sockets:
                    if any(fd == sock.fileno() for fd, _ in ready):
                        self._accept(sock)

    def _accept(self, listening: socket.socket) -> None:
        """Take one connection; one that has already gone is none."""
        try:
            sock, peer = listening.accept()
        except OSError:
            return
        if self._crowd is not None and self._crowd.knows(peer):
            sock.close()
            return
        if self._outage == "reset":
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            sock.close()
            return
        sock.setblocking(False)
        self._accepted(sock, self.port)


def _addresses(host: str) -> list[Address]:
    """Where to listen: 127.0.0.1 and ::1 for localhost, else what the name means on this machine."""
    if host == "localhost":
        return [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise OSError(errno.EADDRNOTAVAIL, str(error)) from None
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _listening(port: int, addresses: list[Address]) -> list[socket.socket]:
    """Sockets that listen on the first address and those of the others that there are, on the same port."""
    for attempt in range(ATTEMPTS):
        sockets: list[socket.socket] = []
        try:
            _bind(sockets, port, addresses)
            for sock in sockets:
                sock.listen(BACKLOG)
        except OSError as error:
            for sock in sockets:
                sock.close()
            if port == 0 and error.errno == errno.EADDRINUSE and attempt < ATTEMPTS - 1:
                continue
            raise
        else:
            return sockets
    raise AssertionError("unreachable")  # pragma: no cover


def _bind(sockets: list[socket.socket], port: int, addresses: list[Address]) -> None:
    """Append the bound sockets, one by one, so that they can be closed if the next one fails."""
    (family, first), *others = addresses
    sockets.append(_bound(family, (first, port)))
    number = sockets[0].getsockname()[1]
    if port == 0 and sys.platform == "linux":  # to refuse and keep the port, it must have been asked for by number
        sockets.append(_bound(family, (first, number)))
        sockets.pop(0).close()
    for other, address in others:
        if other == socket.AF_INET6 and not socket.has_ipv6:
            continue
        try:
            sockets.append(_bound(other, (address, number)))
        except OSError as error:
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                raise  # the port is somebody else's there


def _bound(family: int, address: tuple[str, int]) -> socket.socket:
    """A bound socket that does not listen yet; connections to it are refused, and the port is ours."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _reusable(sock, reusable=True)
        sock.setblocking(False)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _reusable(sock: socket.socket, *, reusable: bool) -> None:
    """Whether a port may be shared with connections that linger, and with others that do not listen."""
    if os.name == "posix":  # elsewhere the option lets anybody take the port
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reusable)


def _refusing(sock: socket.socket) -> socket.socket:
    """This socket, or one in its place, which has the port and does not listen; it can listen again."""
    try:
        sock.shutdown(socket.SHUT_RD)
    except OSError:  # pragma: no cover  # not Linux: for a moment nobody has the port
        address = sock.getsockname()[:2]
        sock.close()
        sock = _bound(sock.family, address)
    _reusable(sock, reusable=False)
    return sock
