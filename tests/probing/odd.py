"""A server that answers as a test says, without a network and in no time: the sockets of the probe are of paper.

Knows lines, and what a socket does that nothing comes from; judges nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pop3s_fake.probing import Place, Seen, Sockets, Wishes, ask
from pop3s_fake.probing.wire import Line
from tests.probing.asked import BOUND

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    Says = bytes | Callable[[bytes], bytes | None] | None

__all__ = ("Odd", "Paper", "seen_of")

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


class Paper:
    """A socket on the other side of which lines are answered; where nothing comes, it says so without waiting."""

    def __init__(self, answer: Callable[[bytes], bytes | None], begins: bytes = b"") -> None:
        self._answer = answer
        self._typed = b""
        self._comes = begins
        self._over = False

    def sendall(self, octets: bytes) -> None:
        """Take lines, and lay ready what is answered; None for an answer closes."""
        *lines, self._typed = (self._typed + octets).split(b"\r\n")
        for line in lines:
            if not self._over:
                answer = self._answer(line)
                self._comes += answer or b""
                self._over = answer is None or line == b"QUIT"

    def recv(self, most: int) -> bytes:
        """What is ready; TimeoutError where nothing is."""
        octets, self._comes = self._comes[:most], self._comes[most:]
        if not octets and not self._over:
            raise TimeoutError
        return octets

    def settimeout(self, seconds: float) -> None:
        """Nothing here waits."""

    def setsockopt(self, *_: int) -> None:
        """Nor does anything else matter."""

    def close(self) -> None:
        """Nothing comes from here any more."""
        self._over = True


class Odd(Sockets):
    """Such a server, and what was said to it, connection by connection; ``b""`` for an answer is silence."""

    def __init__(self, says: Mapping[bytes, Says]) -> None:
        super().__init__(Place("mail.example.org", 110, tls="none", timeout=BOUND))
        self.heard: list[list[bytes]] = []
        self._says = says

    def open(self) -> Line:
        """One more connection."""
        heard: list[bytes] = []
        self.heard.append(heard)

        def answer(said: bytes) -> bytes | None:
            heard.append(said)
            return self._answer(said)

        return Line(self.place, cast("socket.socket", self.link(answer)))

    def link(self, answer: Callable[[bytes], bytes | None]) -> Paper:
        """What carries it."""
        return Paper(answer, b"+OK ready\r\n")

    def said(self) -> list[bytes]:
        """All of it, one connection behind the other."""
        return [line for heard in self.heard for line in heard]

    def _answer(self, said: bytes) -> bytes | None:
        """The entry of the whole line, of its keyword, or what is usual."""
        keyword = said.split(b" ")[0]
        for entry in (said, keyword):
            if entry in self._says:
                answer = self._says[entry]
                return answer(said) if callable(answer) else answer
        alone = keyword in {b"USER", b"PASS"} or said == keyword
        return USUAL.get(keyword, b"-ERR no\r\n") if alone else b"-ERR no\r\n"


def seen_of(
    server: Odd, shown: list[str] | None = None, wait: Callable[[float], None] = lambda _: None, **wishes: Any
) -> Seen:
    """What a probe sees of it."""
    wished: dict[str, Any] = {"user": "ann", "password": "not-a-secret", "pause": 0, "linger": 0} | wishes
    tell = (shown if shown is not None else list[str]()).append
    return ask(server, Wishes(**wished), tell=tell, wait=wait, now=lambda: 0.0)
