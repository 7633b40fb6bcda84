"""One sequence, said to a dialect in memory and to the server itself, and what each of them did.

Knows sockets, TLS and how long a server may be silent; must not know any server, and judges nothing.
"""

from __future__ import annotations

import contextlib
import hmac
import re
import socket
import ssl
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.dialects.clients import Client, House, Offer
from tests.dialects.masking import masked
from tests.dialects.replaying import BARE_LF, EVERY_LF, READS_EVERY_LF, apop
from tests.servers.sequences import PASSWORD, Sequence, Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from pop3s_fake.dialects import Dialect

__all__ = ("Address", "Moment", "Told", "perform", "rehearse")

PATIENCE: Final = 60.0
"""Seconds for which a server may be silent where something has to come; they are waited for only where it does not."""

QUIET: Final = 0.5
"""Seconds of silence behind which what came is all, where it is not what was expected."""

SILENCE: Final = 0.05
"""Seconds in which nothing should come where nothing is expected; what comes later is found in front of the next."""

LEAVES: Final = ("drop", "notify")
"""Steps behind which a client hears nothing."""

AFTERWARDS: Final = ("USER {name}", f"PASS {PASSWORD}", "STAT", "LIST", "UIDL", "QUIT")
"""How the maildrop is looked at when all is over."""

LOOK: Final = 9
"""The number of the connection that does."""


@dataclass(frozen=True)
class Moment:
    """A step, and what it brought: octets, how the connection ended, and after how many seconds."""

    step: Step
    octets: bytes
    end: str
    seconds: float
    since: float = 0.0
    """Seconds since the first step began."""


@dataclass
class Told:
    """What was last heard on a connection, and the greeting: of these and the secret for APOP, proofs are made."""

    secret: str
    greeting: bytes = b""
    last: bytes = b""
    over: bool = False

    def proof(self, step: Step) -> bytes:
        """What the client says to prove that it knows the password."""
        if step.do == "apop":
            stamp = re.search(rb"<[^>]*>", self.greeting)
            return b"APOP %b %b\r\n" % (step.octets, apop(stamp[0].decode() if stamp else "", self.secret).encode())
        challenge = b64decode(self.last[2:]) if self.last.startswith(b"+ ") else b""
        proof = hmac.new(PASSWORD.encode(), challenge, "md5").hexdigest()
        return b64encode(b"%b %b" % (step.octets, proof.encode())) + b"\r\n"

    def hears(self, octets: bytes) -> None:
        """Remember this."""
        self.greeting = self.greeting or octets
        self.last = octets


@dataclass(frozen=True)
class Address:
    """Where a server listens on the loopback, over TLS and in clear; 0: it does not."""

    tls: int
    clear: int
    context: ssl.SSLContext
    secret: str = PASSWORD
    """With which a client proves by APOP that it may come in."""


def afterwards(sequence: Sequence, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps that look at the maildrop when these are done."""
    lines = (line.format(name=sequence.name) for line in AFTERWARDS)
    return (Step(LOOK, steps[0].do), *(Step(LOOK, "say", f"{line}\r\n".encode()) for line in lines))


def rehearse(dialect: str | Dialect, sequence: Sequence, *, tls: bool = True, secret: str = PASSWORD) -> list[Moment]:
    """Say it to a dialect; then look at the maildrop, if anybody had logged in."""
    end = EVERY_LF if (dialect if isinstance(dialect, str) else dialect.id) in READS_EVERY_LF else BARE_LF
    messages = [end.sub(b"\r\n", each) for each in sequence.messages]
    house = House(dialect, {sequence.name: (PASSWORD, messages)})
    rehearsal = _Rehearsal(house, secret, tls=tls)
    moments = list(rehearsal.moments(sequence.steps))
    if any(log.user for log in house.server.transcript.sessions):
        moments += rehearsal.moments(afterwards(sequence, sequence.steps))
    return moments


@dataclass
class _Rehearsal:
    """The clients of one sequence, in memory."""

    house: House
    secret: str
    tls: bool
    clients: dict[int, Client] = field(default_factory=dict)
    told: dict[int, Told] = field(default_factory=dict)

    def moments(self, steps: tuple[Step, ...]) -> Iterator[Moment]:
        """What each step brings; a step on a connection that is over is no step, and none is left open."""
        for step in steps:
            told = self.told.setdefault(step.on, Told(self.secret))
            if told.over or (step.do == "shake" and not told.last.startswith(b"+OK")):
                continue
            begun = self.house.clock.now()
            self.do(step, told)
            client = self.clients[step.on]
            octets, client.heard = client.heard, b""
            told.hears(octets)
            told.over = bool(client.ended) or step.do in LEAVES
            end = "" if step.do in LEAVES else client.ended
            now = self.house.clock.now()
            yield Moment(step, octets, end, now - begun, now)
        if left := tuple(Step(on, "drop") for on, told in self.told.items() if not told.over):
            yield from self.moments(left)

    def do(self, step: Step, told: Told) -> None:
        """Do it."""
        match step.do:
            case "open" if self.tls:
                self.clients[step.on] = self.house.connect(tls=True, offer=Offer())
            case "open" | "clear":
                self.clients[step.on] = self.house.connect(tls=False)
            case "shake":
                self.clients[step.on].shake(Offer())
            case "say":
                self.clients[step.on].say(step.octets)
            case "apop" | "cram":
                self.clients[step.on].say(told.proof(step))
            case "half":
                self.clients[step.on].half_close()
            case how:
                self.clients[step.on].leave(notify=how == "notify")


def perform(address: Address, dialect: str, expected: list[Moment], *, place: int) -> list[Moment]:
    """Say the same to the server; end with the first step that brings something else.

    What is expected is only waited for: it is told apart from what came by whoever compares.  Before the client leaves
    it listens once more, since nothing should come there.  Each ``place`` is a pair of addresses that nobody else comes
    from, since servers are slow with those who come from where a login failed.
    """
    moments: list[Moment] = []
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        wires: dict[int, Wire] = {}
        told: dict[int, Told] = {}
        for moment in expected:
            step, begun = moment.step, time.monotonic()
            known = told.setdefault(step.on, Told(address.secret))
            if step.do in {"open", "clear"}:
                if step.on == LOOK:
                    for each in wires.values():
                        each.leave(notify=False)
                port = address.clear if step.do == "clear" or not address.tls else address.tls
                wires[step.on] = stack.enter_context(Wire(port, _source(place, own=step.on == LOOK)))
                if port == address.tls:
                    wires[step.on].shake(address.context)
            wire = wires[step.on]
            if step.do in LEAVES:
                octets, seconds = wire.hear(dialect, moment), 0.0
                _do(wire, step, known, address.context)
            else:
                _do(wire, step, known, address.context)
                octets = wire.hear(dialect, moment)
                seconds = time.monotonic() - begun
                known.hears(octets)
            moments.append(Moment(step, octets, wire.ended, seconds, time.monotonic() - start))
            if masked(dialect, octets) != masked(dialect, moment.octets) or bool(wire.ended) != bool(moment.end):
                break
    return moments


def _source(place: int, *, own: bool) -> str:
    """An address of the loopback that is not the server's."""
    return f"127.{2 + 2 * (place // 62500) + own}.{place // 250 % 250}.{2 + place % 250}"


def _do(wire: Wire, step: Step, told: Told, context: ssl.SSLContext) -> None:
    """Do it."""
    match step.do:
        case "shake":
            wire.shake(context)
        case "say":
            wire.say(step.octets)
        case "apop" | "cram":
            wire.say(told.proof(step))
        case "half":
            wire.half_close()
        case "drop" | "notify" as how:
            wire.leave(notify=how == "notify")


class Wire:
    """A connection to a server; ``ended`` tells how the server closed it, if it did."""

    def __init__(self, port: int, source: str) -> None:
        self.ended = ""
        self.rest = b""
        raw = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(source, 0))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket: socket.socket | ssl.SSLSocket = raw
        self._all: list[socket.socket] = [raw]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._all:
            each.close()

    def shake(self, context: ssl.SSLContext) -> None:
        """Begin TLS."""
        self.socket.settimeout(PATIENCE)
        wrapped = context.wrap_socket(
            self.socket, server_hostname="localhost", do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
        self._all.append(wrapped)
        self.socket = wrapped
        with self._seen():
            wrapped.do_handshake()

    def say(self, octets: bytes) -> None:
        """Send these; a server that has closed is found out by reading."""
        self.socket.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            self.socket.sendall(octets)

    def half_close(self) -> None:
        """Send nothing more."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_WR)  # that of ssl would forget TLS as well

    def leave(self, *, notify: bool) -> None:
        """Close, over TLS with a word or without."""
        if notify and isinstance(self.socket, ssl.SSLSocket):
            self.socket.settimeout(PATIENCE)
            with contextlib.suppress(OSError, ValueError):
                self.socket.unwrap()
        for each in self._all:
            each.close()

    def hear(self, dialect: str, expected: Moment) -> bytes:
        """What comes, until it is what was expected, or cannot be."""
        wanted, octets = masked(dialect, expected.octets), b""
        deadline = time.monotonic() + (PATIENCE if wanted or expected.end else SILENCE)
        while not self.ended and (masked(dialect, octets) != wanted or expected.end or not wanted):
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            with self._seen():
                came = self.socket.recv(1 << 16)
                if not came:
                    self.ended = "close_notify" if isinstance(self.socket, ssl.SSLSocket) else "tcp FIN"
                octets += came
            if time.monotonic() >= deadline:
                break
            if not wanted.startswith(masked(dialect, octets)):
                deadline = min(deadline, time.monotonic() + QUIET)
        return octets

    @contextlib.contextmanager
    def _seen(self) -> Iterator[None]:
        """How it ended, by what Python says of it."""
        try:
            yield
        except TimeoutError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = "close_notify"
        except ssl.SSLEOFError:
            self.ended = "tcp FIN without close_notify"
        except ConnectionError:
            self.ended = "tcp RST"
        except ssl.SSLError:
            self.ended = "alert"
