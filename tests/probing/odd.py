"""A server in clear that answers as a test says: each connection has a thread, and what was said is kept.

Knows lines and sockets; judges nothing.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from pop3s_fake.probing import Place, Seen, Sockets, Wishes, ask
from tests.probing.asked import BOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Says = bytes | Callable[[bytes], bytes | None] | None

__all__ = ("SHORT", "Odd", "odd", "seen_of")

SHORT: Final = 0.3
"""Seconds after which a probe gives up what never comes: a wait that always runs out."""

USUAL: Final[Mapping[bytes, bytes]] = {
    b"CAPA": b"+OK\r\nUSER\r\nUIDL\r\nTOP\r\n.\r\n",
    b"STAT": b"+OK 2 100\r\n",
    b"LIST": b"+OK\r\n1 40\r\n2 60\r\n.\r\n",
    b"UIDL": b"+OK\r\n1 aaaaaaaa\r\n2 bbbbbbbb\r\n.\r\n",
    b"USER": b"+OK\r\n",
    b"PASS": b"+OK\r\n",
    b"NOOP": b"+OK\r\n",
    b"QUIT": b"+OK bye\r\n",
}
"""What it says unless a test says otherwise; anything else, and a listing with arguments, is refused."""


class Odd:
    """What was said to it, connection by connection."""

    def __init__(self, port: int, says: Mapping[bytes, Says]) -> None:
        self.place = Place("127.0.0.1", port, tls="none", timeout=BOUND)
        self.heard: list[list[bytes]] = []
        self._says = says

    def said(self) -> list[bytes]:
        """All of it, one connection behind the other."""
        return [line for heard in self.heard for line in heard]

    def converse(self, link: socket.socket) -> None:
        """One connection; None for an answer closes it, and ``b""`` is silence."""
        heard: list[bytes] = []
        self.heard.append(heard)
        with link, link.makefile("rb") as lines, suppress(OSError):
            link.sendall(b"+OK ready\r\n")
            for line in lines:
                said = line.removesuffix(b"\r\n")
                heard.append(said)
                octets = self._answer(said)
                if octets is None:
                    return
                link.sendall(octets)
                if said == b"QUIT":
                    return

    def _answer(self, said: bytes) -> bytes | None:
        """The entry of the whole line, of its keyword, or what is usual."""
        keyword = said.split(b" ")[0]
        for entry in (said, keyword):
            if entry in self._says:
                answer = self._says[entry]
                return answer(said) if callable(answer) else answer
        alone = keyword in {b"USER", b"PASS"} or said == keyword
        return USUAL.get(keyword, b"-ERR no\r\n") if alone else b"-ERR no\r\n"


@contextmanager
def odd(says: Mapping[bytes, Says]) -> Iterator[Odd]:
    """Such a server, which has gone when this ends."""
    threads: list[threading.Thread] = []
    links: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            links.append(link)
            threads.append(threading.Thread(target=server.converse, args=(link,), name="an odd server's connection"))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Odd(listener.getsockname()[1], says)
        accepting = threading.Thread(target=accept, name="an odd server")
        accepting.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(BOUND)
            for link in links:
                with suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *threads):
                thread.join(BOUND)
                assert not thread.is_alive()


def seen_of(place: Place, shown: list[str] | None = None, **wishes: Any) -> Seen:
    """What a probe sees of it that waits for nothing between connections."""
    wished: dict[str, Any] = {"user": "ann", "password": "not-a-secret", "pause": 0, "linger": 0} | wishes
    tell = (shown if shown is not None else list[str]()).append
    return ask(Sockets(place), Wishes(**wished), tell=tell, wait=lambda _: None, now=lambda: 0.0)
