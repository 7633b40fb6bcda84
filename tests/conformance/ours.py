"""The server of this project as checks see it: in memory, whole or one octet at a time, and on real sockets.

Knows how the steps of a connection are performed without a socket; must not know what checks look for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import socket
import struct
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Literal

from pop3s_fake import Account, Maildrop, ManualClock, Pop3sServer
from pop3s_fake.connection import EOF, EXPIRED, Connection, End, Gone, Receive, Send, Settings
from pop3s_fake.maildrop import Accounts
from pop3s_fake.server.house import House
from pop3s_fake.transcript import Session
from tests.conformance.talk import Client, Over, Pipe, Server, Silence, Talk

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Sequence

    from pop3s_fake.connection import Step

__all__ = ("Memory", "SocketPipe", "Sockets")

USER: Final = "mrose"
PASSWORD: Final = "tanstaaf"

SHARED: Final = (type, FunctionType, BuiltinFunctionType, ModuleType, CodeType, Settings, Session, Accounts, Maildrop)
"""What a connection does not hold for itself: code, what all connections have in common, and the transcript."""

BOUND: Final = 30.0  # seconds of real time after which a socket is silent; costs only a test that fails


class MemoryPipe(Pipe):
    """One connection as a pure object; octets are fed whole, or one at a time."""

    def __init__(self, settings: Settings, log: Session, clock: ManualClock, *, octet: bool) -> None:
        self.log = log
        self.connection = Connection(settings, log)
        self.ahead: list[bytes] = []
        """What comes before anybody waits for it."""
        self._clock = clock
        self._octet = octet
        self._steps = self.connection.steps()
        self._step: Step | None = None
        self._out = bytearray()
        self._ended = False
        self._run()

    def _run(self, gone: Gone | None = None) -> None:
        """Perform steps to the next Receive or the end; where ``gone`` is given it comes instead of the step."""
        while not self._ended:
            step = next(self._steps) if gone is None else self._steps.throw(gone)
            gone = None
            self._step = step
            came = bool(self.ahead)
            if came:
                self.connection.feed(self.ahead.pop(0))
            if isinstance(step, Send):
                self._out += step.octets
            elif isinstance(step, End):
                self._ended = True
                assert next(self._steps, None) is None, "nothing comes behind the end"
            elif isinstance(step, Receive) and not came:
                return

    def _pieces(self, octets: bytes) -> Iterator[bytes]:
        if self._octet:
            yield from (octets[i : i + 1] for i in range(len(octets)))
        else:
            yield octets

    @property
    def ended(self) -> bool:
        """Whether the server has closed the connection."""
        return self._ended

    def hurry(self, pieces: Sequence[bytes]) -> None:
        """Feed the connection a piece at each of its steps, whatever it does."""
        first, *self.ahead = pieces
        self.write(first)

    def kept(self) -> int:
        """How many octets of text the connection holds; what it shares with others is not its own."""
        total, todo = 0, [self._steps, self.connection]
        seen = {id(each) for each in todo}
        while todo:
            each = todo.pop()
            if isinstance(each, (bytes, bytearray, str)):
                total += len(each)
            new = [other for other in gc.get_referents(each) if id(other) not in seen and not isinstance(other, SHARED)]
            seen.update(map(id, new))
            todo += new
        return total

    def write(self, octets: bytes) -> None:
        """Feed the connection; what comes behind the end finds nobody."""
        for piece in self._pieces(octets):
            if not self._ended:
                self.connection.feed(piece)
                self._run()

    def read(self, *, wait: bool = True) -> bytes:
        """What was sent: it is there at once, or never."""
        octets = bytes(self._out)
        self._out.clear()
        if not octets and not self._ended:
            raise Silence("nothing came" if wait else "")
        return octets

    def close(self, how: Literal["fin", "rst"] = "fin") -> None:
        """Tell the connection that the client is gone."""
        if self._ended:
            return
        if how == "rst":
            self._run(Gone("reset", "the connection is gone: Connection reset by peer", "rst"))
        else:
            self.connection.feed(EOF)
            self._run()

    def pass_time(self) -> None:
        """Let the timer strike if it is due."""
        step = self._step
        due = step.until if isinstance(step, Receive) else None
        if not self._ended and due is not None and self._clock.now() >= due:
            self.connection.feed(EXPIRED)
            self._run()

    def stop(self) -> None:
        """The server ends."""
        self.connection.close()
        self._ended = True


class SocketPipe(Pipe):
    """One connection on a socket."""

    def __init__(self, host: str, port: int, bound: float = BOUND) -> None:
        self._bound = bound
        self._sock = socket.create_connection((host, port), timeout=bound)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, octets: bytes) -> None:
        """Send."""
        with contextlib.suppress(ConnectionError):
            self._sock.sendall(octets)

    def read(self, *, wait: bool = True) -> bytes:
        """Receive; after a reset there is an end, too."""
        self._sock.settimeout(self._bound if wait else 0)
        try:
            return self._sock.recv(1 << 18)
        except TimeoutError:
            raise Silence(f"nothing came for {self._bound:g} s") from None
        except BlockingIOError:
            raise Silence from None
        except OSError:
            return b""
        finally:
            with contextlib.suppress(OSError):
                self._sock.settimeout(self._bound)

    def close(self, how: Literal["fin", "rst"] = "fin") -> None:
        """Close, or reset."""
        if how == "rst":
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


class _NoHouse(House):
    """Keeps what connections have in common, for each port, and runs none."""

    def open(
        self,
        port: int,
        settings: Settings,
        settle: Callable[[], None],  # noqa: ARG002  # nobody waits here
        *,
        host: str = "localhost",  # noqa: ARG002  # and nobody listens
    ) -> Any:
        """Take note; there is no listener."""
        self.ports = {**getattr(self, "ports", {}), settings.stls: settings}
        return SimpleNamespace(port=port or 995 - 885 * settings.stls, address="127.0.0.1")


class _Ours(Server):
    """What both have: the server's object, and a hand inside."""

    user, password = USER, PASSWORD

    def __init__(self, mail: tuple[bytes | str, ...], setup: dict[str, Any]) -> None:
        self.mail = mail
        self.clock = ManualClock()
        others = setup.pop("accounts", ())
        self._account = Account(USER, PASSWORD, **setup.pop("account", {}))
        self._server = Pop3sServer(
            **{"clock": self.clock, "seed": 1, "strict": False, **setup, "accounts": [self._account, *others]}
        )
        self.deliver(*mail)

    @property
    def inside(self) -> Pop3sServer:
        """The server itself."""
        return self._server

    def deliver(self, *messages: bytes | str) -> None:
        """Add to the maildrop."""
        self._account.maildrop.add(*messages)

    def count(self) -> int:
        """Ask the maildrop."""
        return len(self._account.maildrop)

    def context(self) -> ssl.SSLContext:
        """A client that trusts the server."""
        return self._server.client_context()


class _InMemory(_Ours):
    """Connections without sockets."""

    def __init__(self, mail: tuple[bytes | str, ...], setup: dict[str, Any], *, octet: bool) -> None:
        super().__init__(mail, setup)
        self._octet = octet
        self._pipes: list[MemoryPipe] = []
        server = self._server
        self._house = server._house = _NoHouse(
            server.transcript, server.clock, deadline=None, problem=server._problems.append
        )
        server.start()

    def pipe(self, over: Over = "tls") -> MemoryPipe:
        """A connection of which nothing was read yet."""
        settings = self._house.ports[over in {"clear", "stls"}]
        return self._pipe(settings)

    def _pipe(self, settings: Settings) -> MemoryPipe:
        pipe = MemoryPipe(settings, self._server.transcript.begin(self.clock.now()), self.clock, octet=self._octet)
        self._pipes.append(pipe)
        return pipe

    def connect(self, over: Over | None = None, context: ssl.SSLContext | None = None) -> Client:
        """Unless told otherwise, as if there were TLS, and without it: all can be said, and cut up at every octet."""
        if over is None:
            unsealed = dataclasses.replace(self._house.ports[False], records=None)
            return Client(self._pipe(unsealed), context=None)
        return Client(self.pipe(over), context=context or self.context(), over=over)

    def passes(self, seconds: float) -> None:
        """Move the clock and let timers strike."""
        self.clock.advance(seconds)
        for pipe in self._pipes:
            pipe.pass_time()

    def stop(self) -> None:
        """End all connections."""
        for pipe in self._pipes:
            pipe.stop()


class _OnSockets(_Ours):
    """Connections on the loopback."""

    def __init__(self, mail: tuple[bytes | str, ...], setup: dict[str, Any]) -> None:
        super().__init__(mail, setup)
        self._pipes: list[SocketPipe] = []
        self._server.start()
        self.port = self._server.port

    def pipe(self, over: Over = "tls") -> SocketPipe:
        """A connection of which nothing was read yet."""
        pipe = SocketPipe("127.0.0.1", self._server.port if over == "tls" else self._server.stls_port)
        self._pipes.append(pipe)
        return pipe

    def connect(self, over: Over | None = None, context: ssl.SSLContext | None = None) -> Client:
        """Over TLS unless told otherwise."""
        return Client(self.pipe(over or "tls"), context=context or self.context(), over=over or "tls")

    def passes(self, seconds: float) -> None:
        """Move the clock; what falls due is done when this returns."""
        self.clock.advance(seconds)

    def stop(self) -> None:
        """End the server and all clients."""
        self._server.stop()
        for pipe in self._pipes:
            pipe.close()


class _Carrier(Talk):
    """Ends what it began."""

    def __init__(self, defect: dict[str, Any] | None = None) -> None:
        """With a ``defect``, every server has these keywords, too; its rules are added to those of the check."""
        self._defect = dict(defect or {})
        self._servers: list[_InMemory | _OnSockets] = []

    def _server(self, mail: tuple[bytes | str, ...], setup: dict[str, Any]) -> Server:
        rules = [*setup.pop("rules", ()), *self._defect.get("rules", ())]
        server = self._made(mail, {**setup, **self._defect, "rules": rules})
        self._servers.append(server)
        return server

    def _made(self, mail: tuple[bytes | str, ...], setup: dict[str, Any]) -> _InMemory | _OnSockets:
        raise NotImplementedError

    def close(self) -> None:
        """Stop all servers."""
        for server in self._servers:
            server.stop()


class Memory(_Carrier):
    """Without sockets: the client's octets are fed whole, or one at a time."""

    def __init__(self, *, octet: bool = False, defect: dict[str, Any] | None = None) -> None:
        super().__init__(defect)
        self._octet = octet

    def _made(self, mail: tuple[bytes | str, ...], setup: dict[str, Any]) -> _InMemory:
        return _InMemory(mail, setup, octet=self._octet)


class Sockets(_Carrier):
    """A real server on a real port."""

    def _made(self, mail: tuple[bytes | str, ...], setup: dict[str, Any]) -> _OnSockets:
        return _OnSockets(mail, setup)
