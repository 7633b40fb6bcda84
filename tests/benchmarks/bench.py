"""The servers of one run: started as they are needed, asked in turn, all ended together.

Knows processes and pipes; which server does what better is the business of ``measures``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dovecot
from client import session, trusting
from content import PASSWORD, message

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Self

GRACE = 30.0  # seconds for a child to end when its input ends
AGAIN = " again"


class Child:
    """A process that answers questions; see ``child.py``."""

    def __init__(self, kind: str, **spec: Any) -> None:
        program = Path(__file__).with_name("child.py")
        self.process = subprocess.Popen(
            [sys.executable, str(program), json.dumps({"kind": kind, **spec})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do: str, **given: Any) -> dict[str, Any]:
        """One question, one answer; the child's own words on standard error say why there is none."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"do": do, **given}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise ChildProcessError(f"{self.process.args!r} ended with status {self.process.wait(GRACE)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self.process, contextlib.suppress(BrokenPipeError):
            assert self.process.stdin
            self.process.stdin.close()
            try:
                self.process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise


@dataclasses.dataclass(frozen=True)
class Server:
    """A server in its own process, and how a client reaches it."""

    port: int
    ca_pem: str
    context: ssl.SSLContext
    child: Child | None = None  # Dovecot has none that could be asked

    @property
    def cpu(self) -> float:
        """Processor time its process has used so far, in seconds."""
        assert self.child
        return float(self.child.ask("cpu")["seconds"])

    def cost(self, sessions: int, *, plain: bool = False) -> float:
        """Processor time of each of so many sessions, one after the other, in seconds."""
        before = self.cpu
        for _ in range(sessions):
            session(self.port, self.context, plain=plain)
        return (self.cpu - before) / sessions

    @property
    def memory(self) -> dict[str, int]:
        """Resident octets of its process: now, and at most so far."""
        assert self.child
        return self.child.ask("memory")


@dataclasses.dataclass(frozen=True)
class Bench:
    """How this run measures."""

    quick: bool = False
    profile: bool = False
    floors_only: bool = False
    told: Callable[[str], object] = lambda _: None

    def number(self, full: int, quick: int) -> int:
        """A count: small where it is only to be seen that all of it works."""
        return quick if self.quick else full

    def kinds(self, *wanted: str) -> list[str]:
        """Those of the wanted kinds that this run has."""
        if self.profile:
            return ["ours"]
        return [kind for kind in wanted if not (kind == "ours" and self.floors_only)]

    @contextlib.contextmanager
    def child(self, kind: str, **spec: Any) -> Iterator[Child]:
        """A child; with ``--profile`` what it says of itself is told when it ends."""
        with Child(kind, profile=self.profile, **spec) as child:
            yield child
            if self.profile and (kind in {"ours", "empty"}):
                self.told(child.ask("profile")["text"])

    @contextlib.contextmanager
    def server(
        self,
        kind: str,
        *,
        count: int,
        octets: int,
        make: str = "stored",
        rules: Sequence[str] = (),
        dialect: str | None = None,
    ) -> Iterator[Server]:
        """A server of this kind."""
        if kind == "Dovecot":
            with dovecot.running([message(octets)] * count, password=PASSWORD) as running:
                yield Server(running.port, running.ca_pem, trusting(running.ca_pem))
            return
        spec = {"count": count, "octets": octets, "make": make, "rules": rules, "dialect": dialect}
        with self.child(kind.removesuffix(AGAIN), **spec) as child:
            where = child.ask("where")
            yield Server(where["port"], where["ca_pem"], trusting(where["ca_pem"]), child)

    @contextlib.contextmanager
    def servers(
        self, kinds: Sequence[str], *, count: int, octets: int, make: str = "stored"
    ) -> Iterator[dict[str, Server]]:
        """Several, all with the same mail."""
        with contextlib.ExitStack() as stack:
            yield {
                kind: stack.enter_context(self.server(kind, count=count, octets=octets, make=make)) for kind in kinds
            }


def in_turn(
    servers: dict[str, Server],
    rounds: int,
    work: Callable[[Server], float],
) -> dict[str, list[float]]:
    """What the work yields for each server, one after the other, round by round; the first round is not counted."""
    taken: dict[str, list[float]] = {kind: [] for kind in servers}
    for number in range(rounds + 1):
        for kind, server in servers.items():
            value = work(server)
            if number:
                taken[kind].append(value)
    return taken


@contextlib.contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Seconds from the block's start to its end, as the list's only item."""
    taken: list[float] = []
    start = time.perf_counter()
    yield taken
    taken.append(time.perf_counter() - start)
