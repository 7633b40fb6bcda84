"""A process of its own for a server, or for what must not share a process with one.

``python child.py SPEC`` reads one question a line on its standard input and writes one answer a line, both JSON, and
ends with its input.  Knows how each kind of server is made and how its processor time and memory are read (``/proc``,
so Linux); knows nothing of bounds.
"""

from __future__ import annotations

import contextlib
import cProfile
import faulthandler
import io
import itertools
import json
import poplib
import pstats
import resource
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pop3s_fake
from client import Client, trusting
from content import PASSWORD, USER, canned, message, streamed
from floors import B, F, Floor
from pop3s_fake.sweep import Sweep

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Sequence

    Answer = dict[str, Any]

LONGEST = 1800  # seconds after which a forgotten child ends itself
PROFILED_LINES = 45


def spread(count: int, octets: int) -> pop3s_fake.Maildrop:
    """A maildrop of stored messages, all of one size."""
    maildrop = pop3s_fake.Maildrop()
    maildrop.add(*[message(octets)] * count)
    return maildrop


def generated(count: int, octets: int) -> pop3s_fake.Maildrop:
    """A maildrop of messages that are made when they are asked for."""
    maildrop = pop3s_fake.Maildrop()
    maildrop.generate(count, lambda _: streamed(octets), octets=octets)
    return maildrop


def ours(maildrop: pop3s_fake.Maildrop, **options: Any) -> pop3s_fake.Pop3sServer:
    """The server of this project, with this mail for its account."""
    return pop3s_fake.Pop3sServer(
        accounts=(pop3s_fake.Account(USER, PASSWORD, maildrop=maildrop),),
        deadline=LONGEST,
        **options,
    )


@contextlib.contextmanager
def running(
    kind: str,
    *,
    count: int,
    octets: int,
    make: str = "stored",
    rules: Sequence[str] = (),
    dialect: str | None = None,
) -> Iterator[tuple[int, str]]:
    """A server of this kind: its port, and the certificate of its authority; a floor has none of the last two."""
    if kind == "ours":
        maildrop = (spread if make == "stored" else generated)(count, octets)
        # Sessions that are held open together, or left in the middle of a reply, share the maildrop.
        with ours(maildrop, exclusive=make == "stored", rules=rules, dialect=dialect) as server:
            yield server.port, server.ca_pem
    else:
        authority = pop3s_fake.Authority()
        replies = canned(count, octets, stream=make == "generated")
        with floor(kind)(authority.server_context(), replies) as server_:
            yield server_.port, authority.ca_pem


def floor(kind: str) -> type[Floor]:
    """The floor of this name."""
    return {"F": F, "B": B}[kind]


def timed(work: dict[str, Callable[[], None]], rounds: int, kinds: list[str]) -> Answer:
    """Seconds of each piece of work, taken in turn; the first two rounds fill caches and are not counted."""
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _, kind in itertools.product(range(rounds + 2), kinds):
        start = time.perf_counter()
        work[kind.removesuffix(" again")]()
        taken[kind].append(time.perf_counter() - start)
    return {kind: values[2:] for kind, values in taken.items()}


def start_and_stop(rounds: int, kinds: list[str]) -> Answer:
    """Start each kind and stop it; certificate and contexts are made before."""
    context = pop3s_fake.Authority().server_context()

    def listen_thread_join() -> None:
        with F(context, {}):
            pass

    def server() -> None:
        with pop3s_fake.Pop3sServer():
            pass

    return timed({"F": listen_thread_join, "ours": server}, rounds, kinds)


def fixture(rounds: int, kinds: list[str], octets: int) -> Answer:
    """What a test does with its fixture: start, poplib's login, STAT, RETR, QUIT, stop."""
    authority = pop3s_fake.Authority()
    context, replies = authority.server_context(), canned(1, octets)
    content = message(octets)
    trust = {"floors": trusting(authority.ca_pem)}
    if "ours" in kinds:
        with pop3s_fake.Pop3sServer() as server:
            trust["ours"] = trusting(server.ca_pem)

    def with_floor(kind: type[Floor]) -> None:
        with kind(context, replies) as server:
            fetch(server.port, trust["floors"])

    def with_ours() -> None:
        with pop3s_fake.Pop3sServer() as server:
            server.maildrop.add(content)
            fetch(server.port, trust["ours"])

    work = {"B": lambda: with_floor(B), "ours": with_ours, "F": lambda: with_floor(F)}
    return timed(work, rounds, kinds)


def swept(points: int) -> Answer:
    """Seconds a point of a sweep, whose client fetches and deletes three messages, cut, and comes again; and a floor.

    The floor is two sessions with F, whole ones, by the same client; it is taken before and after, in one process.
    """
    authority = pop3s_fake.Authority()
    trust = trusting(authority.ca_pem)
    with pop3s_fake.Pop3sServer() as warm:
        trust_ours = trusting(warm.ca_pem)

    def floor_() -> float:
        with F(authority.server_context(), canned(3, 300)) as server:
            start = time.perf_counter()
            for _ in range(points):
                fetch_and_delete(server.port, trust)
                fetch_and_delete(server.port, trust)
            return (time.perf_counter() - start) / points

    def sweep() -> tuple[float, int]:
        start = time.perf_counter()
        visited = 0
        for visited, point in enumerate(Sweep("cut", messages=[message(300)] * 3)):  # the last is wanted
            if visited > points:
                break
            with point as server:
                with contextlib.suppress(OSError, poplib.error_proto):
                    fetch_and_delete(server.port, trust_ours)
                server.heal()
                fetch_and_delete(server.port, trust_ours)
                server.ledger.assert_nothing_lost()
        return (time.perf_counter() - start) / visited, visited

    before = floor_()
    taken, visited = sweep()
    return {"F": before, "ours": taken, "F again": floor_(), "visited": visited}


class Connection(poplib.POP3_SSL):
    """poplib, which by itself leaves the connection open where it breaks before the greeting."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        try:
            super().__init__("127.0.0.1", port, timeout=60, context=context)
        except (OSError, poplib.error_proto):
            if hasattr(self, "file"):
                self.close()
            raise


def fetch_and_delete(port: int, context: ssl.SSLContext) -> None:
    """What a client of a sweep does."""
    with contextlib.closing(Connection(port, context)) as client:
        client.user(USER)
        client.pass_(PASSWORD)
        for number in range(1, len(client.list()[1]) + 1):
            client.retr(number)
            client.dele(number)
        client.quit()


def fetch(port: int, context: ssl.SSLContext) -> None:
    """What a small test does."""
    client = poplib.POP3_SSL("127.0.0.1", port, timeout=60, context=context)
    client.user(USER)
    client.pass_(PASSWORD)
    client.stat()
    client.retr(1)
    client.quit()


class Held:
    """Sessions that stay open, from the client's side."""

    def __init__(self) -> None:
        self.clients: list[Client] = []

    def open(self, port: int, ca_pem: str, count: int) -> Answer:
        """Open so many sessions and log each in."""
        context = trusting(ca_pem)
        self.clients += [Client(port, context).login() for _ in range(count)]
        return {"open": len(self.clients)}

    def noop(self) -> Answer:
        """NOOP on each: how many answered, and in how many seconds."""
        start = time.perf_counter()
        for client in self.clients:
            client.command(b"NOOP\r\n")
        return {"answered": len(self.clients), "seconds": time.perf_counter() - start}

    def quit(self) -> Answer:
        """End all sessions."""
        while self.clients:
            with self.clients.pop() as client:
                client.command(b"QUIT\r\n")
        return {}


def files_for(count: int) -> Answer:
    """Raise the limit of open files as far as it takes; ``limit`` says how far that was."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        soft = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return {"limit": soft}


def memory() -> Answer:
    """Resident octets of this process: now, and at most so far."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return {name: int(fields[key].split()[0]) * 1024 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))}


class Profiler:
    """cProfile over the threads that serve connections, one after the other, in processor time.

    Two threads at once cannot be told apart by cProfile from Python 3.12 on, so a thread that starts while another
    is profiled is left out; the measures take one connection at a time.
    """

    def __init__(self) -> None:
        self.profiles: list[cProfile.Profile] = []
        self.one = threading.Lock()

    def install(self) -> None:
        """Profile every thread that is started from now on, but for the one that accepts."""
        run = threading.Thread.run

        def profiled(thread: threading.Thread) -> None:
            accepts = thread.name.endswith("accept") or "(accept)" in thread.name
            if accepts or not self.one.acquire(blocking=False):
                run(thread)
                return
            profile = cProfile.Profile(time.thread_time)  # what it uses, not how long it waits
            try:
                profile.runcall(run, thread)
            finally:
                self.profiles.append(profile)
                self.one.release()

        threading.Thread.run = profiled  # type: ignore[assignment, method-assign] # mypy compares the name `self`

    def around(self, work: Callable[..., Answer]) -> Callable[..., Answer]:
        """The same work, profiled where it is called, once all is loaded that it needs."""

        def profiled(**given: Any) -> Answer:
            work(**given | {"rounds": 0})
            profile = cProfile.Profile()
            self.profiles.append(profile)
            return profile.runcall(work, **given)

        return profiled

    def text(self) -> str:
        """The profiles added up, by time spent in each function itself."""
        if not self.profiles:
            return "no connection was profiled\n"
        out = io.StringIO()
        stats = pstats.Stats(*self.profiles, stream=out)
        stats.strip_dirs().sort_stats("tottime").print_stats(PROFILED_LINES)
        return out.getvalue()


@contextlib.contextmanager
def questions(spec: Answer, profiler: Profiler | None) -> Iterator[dict[str, Callable[..., Answer]]]:
    """What a child of this kind can be asked."""
    common: dict[str, Callable[..., Answer]] = {
        "cpu": lambda: {"seconds": time.process_time()},
        "memory": memory,
        "files": files_for,
        "profile": lambda: {"text": profiler.text() if profiler else ""},
        "start_and_stop": profiler.around(start_and_stop) if profiler else start_and_stop,
        "fixture": fixture,
        "swept": swept,
    }
    kind = spec.pop("kind")
    if kind == "client":
        held = Held()
        yield {**common, "open": held.open, "noop": held.noop, "quit": held.quit}
    elif kind == "empty":
        yield common
    else:
        with running(kind, **spec) as (port, ca_pem):
            yield {**common, "where": lambda: {"port": port, "ca_pem": ca_pem}}


def main() -> None:
    """Answer questions until there are no more."""
    faulthandler.dump_traceback_later(LONGEST, exit=True)
    spec = json.loads(sys.argv[1])
    profiler = Profiler() if spec.pop("profile", False) else None
    if profiler:
        profiler.install()
    with questions(spec, profiler) as known:
        for line in sys.stdin:
            question = json.loads(line)
            answer = known[question.pop("do")](**question)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
