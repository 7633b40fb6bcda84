"""What is measured, against which floor, and within what bound: one function a measure, in the order of the table.

Knows the bounds and where the numbers come from; how a server is made and how time is read is in ``child``.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import dialects
import dovecot
import front
from bench import AGAIN, Bench, Server, in_turn, stopwatch
from client import Client, session
from rows import Noise, Row, absolute, compared, left_out, noise

if TYPE_CHECKING:
    from collections.abc import Callable

MB = 1_000_000
ALL_MODULES = "import json, sys; sys.stderr.write(json.dumps(sorted(sys.modules)))"
DEAR = ("ssl", "trustme", "cryptography", "cattrs", "factory", "faker", "asyncio", "click", "rich")
NEVER = "XYZZ#9 -> end rst; optional"
OPEN_FILES_A_SESSION = 4  # more than any server needs; a server that runs out of them would be measured wrongly


def against(
    what: str,
    unit: str,
    taken: dict[str, list[float]],
    bounds: dict[str, str],
) -> list[Row]:
    """Rows of what was taken in turn: ours against each floor, one floor against the other, and against itself."""
    again = next((kind for kind in taken if kind.endswith(AGAIN)), "")
    floor = again.removesuffix(AGAIN)
    itself, around = noise(taken[floor], taken[again]) if again else (None, Noise())
    rows = []
    for kind, samples in taken.items():
        if "ours" in taken and kind not in {"ours", again}:
            bound = bounds.get(kind, "")
            rows.append(compared(what, unit, taken["ours"], samples, kind, bound=bound, around=around))
        elif "ours" not in taken and kind not in {floor, again}:
            rows.append(compared(f"{what}, {kind}", unit, samples, taken[floor], floor))
    return [*rows, itself] if itself else rows


def start(bench: Bench) -> list[Row]:
    """Server start + stop, certificate ready."""
    with bench.child("empty") as child:
        kinds = bench.kinds("F", "ours", "F again")
        taken = child.ask("start_and_stop", rounds=bench.number(300, 5), kinds=kinds)
    return against("start + stop", "s", taken, {"F": "<= 2"})


def fixture(bench: Bench) -> list[Row]:
    """Start, poplib's login, STAT, RETR, QUIT over TLS 1.3, stop; client and server in one process, as in a test."""
    with bench.child("empty") as child:
        kinds = bench.kinds("B", "ours", "F", "B again")
        taken = child.ask("fixture", rounds=bench.number(150, 3), kinds=kinds, octets=2000)
    return against("start, poplib session, stop", "s", taken, {"B": "<= 1.3"})


def sessions(bench: Bench) -> list[Row]:
    """Handshake, login, STAT, QUIT, one session after the other: what it costs the server, and how many a second."""
    batch, rounds = bench.number(40, 3), bench.number(25, 3)
    with bench.servers(bench.kinds("F", "B", "ours", "F again", *others()), count=10, octets=10_000) as servers:
        cpu: dict[str, list[float]] = {kind: [] for kind, server in servers.items() if server.child}
        rate: dict[str, list[float]] = {kind: [] for kind in servers}
        for _ in range(rounds):
            for kind, server in servers.items():
                before = server.cpu if server.child else 0.0
                count = batch if server.child else max(1, batch // 5)  # Dovecot starts a process for each
                with stopwatch() as taken:
                    for _ in range(count):
                        session(server.port, server.context)
                rate[kind].append(count / taken[0])
                if server.child:
                    cpu[kind].append((server.cpu - before) / batch)
    rows = against("server processor time a session", "s", cpu, {"B": "<= 1.3"})
    rows += against("sessions a second", "/s", rate, {"F": ">= 0.85", "Dovecot": ">= 1"})
    return rows if others() else [*rows, left_out("sessions a second, Dovecot", dovecot.missing())]


def rule(bench: Bench) -> list[Row]:
    """The same session with a rule that never matches: what it costs that each command is looked up."""
    what = "server processor time a session, with a rule"
    kinds = bench.kinds("without", "ours", "without again")
    if "ours" not in kinds:
        return [left_out(what, "the floors have no rules")]
    batch = bench.number(40, 3)
    with contextlib.ExitStack() as stack:
        servers = {
            kind: stack.enter_context(
                bench.server("ours", count=10, octets=10_000, rules=[NEVER] if kind == "ours" else [])
            )
            for kind in kinds
        }
        taken = in_turn(servers, bench.number(50, 3), lambda server: server.cost(batch))
    return against(what, "s", taken, {"without": "<= 1.05"})


def plain(bench: Bench) -> list[Row]:
    """The same session with SASL PLAIN in place of USER and PASS: what it costs that a mechanism is begun."""
    what = "server processor time a session, with AUTH PLAIN"
    kinds = bench.kinds("USER, PASS", "ours", "USER, PASS again")
    if "ours" not in kinds:
        return [left_out(what, "the floors have no SASL")]
    with contextlib.ExitStack() as stack:
        servers = {kind: stack.enter_context(bench.server("ours", count=10, octets=10_000)) for kind in kinds}
        batch = bench.number(40, 3)
        taken = in_turn(
            servers, bench.number(50, 3), lambda server: server.cost(batch, plain=server is servers["ours"])
        )
    return against(what, "s", taken, {"USER, PASS": "<= 1.05"})


SHARDED = """
import contextlib, os, poplib, sys
import pytest
sys.path.insert(0, {here!r})
from child import fetch_and_delete
from client import trusting


@pytest.mark.pop3s_shards({shards})
def test_sync(pop3s_sweep):
    for point in pop3s_sweep("cut", messages=3):
        with point as server:
            trust = trusting(server.ca_pem)
            with contextlib.suppress(OSError, poplib.error_proto):
                fetch_and_delete(server.port, trust)
            server.heal()
            fetch_and_delete(server.port, trust)
            server.ledger.assert_nothing_lost()
"""


def sweep(bench: Bench) -> list[Row]:
    """A sweep over every octet of a conversation about three messages: a point, and as subtests in two processes."""
    if "ours" not in bench.kinds("ours"):
        return [left_out("a point of a sweep", "the floors have no sweeps")]
    points, rounds = bench.number(1500, 20), bench.number(3, 2)
    taken: dict[str, list[float]] = {"ours": [], "F": [], "F again": []}
    for _ in range(rounds):
        with bench.child("empty") as child:
            answer = child.ask("swept", points=points)
        for kind, samples in taken.items():
            samples.append(answer[kind])
    rows = against("a point of a sweep, two sessions", "s", taken, {"F": "<= 2.5"})
    rows.append(absolute("  points of it", "", answer["visited"]))
    return [*rows, *shards(bench)]


def shards(bench: Bench) -> list[Row]:
    """The same sweep as a test, whole in one process, and as four tests in two."""
    taken: dict[str, list[float]] = {"one": [], "four": []}
    for _ in range(bench.number(3, 1)):
        for name, count, arguments in (("one", 1, ()), ("four", 4, ("-n", "2"))):
            with tempfile.TemporaryDirectory(prefix="benchmark-sweep-") as directory:
                text = SHARDED.format(here=str(Path(__file__).parent), shards=count)
                if bench.quick:
                    text = text.replace("messages=3", "messages=1, over='commands'")
                Path(directory, "test_sync.py").write_text(text, encoding="utf-8")
                command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
                with stopwatch() as taken_:
                    subprocess.run(command, check=True, cwd=directory, capture_output=True, timeout=900)
                taken[name].append(taken_[0])
    what = "the sweep as tests: one shard against four under -n 2"
    return [compared(what, "s", taken["one"], taken["four"], "four", bound=">= 1.5")]


def others() -> list[str]:
    """The servers that are not in Python."""
    return [] if dovecot.missing() else ["Dovecot"]


def retr(bench: Bench, what: str, octets: int, calls: int, bounds: dict[str, str]) -> list[Row]:
    """RETR of one message after the other in one session: octets a second."""
    count = 10
    buffer = bytearray(1 << 18)
    commands = [b"RETR %d\r\n" % (n % count + 1) for n in range(calls)]

    def throughput(server: Server) -> float:
        with Client(server.port, server.context).login() as client:
            client.fetch(b"RETR 1\r\n", buffer)  # what is cached is cached
            with stopwatch() as taken:
                got = sum(client.fetch(command, buffer) for command in commands)
            client.command(b"QUIT\r\n")
        assert got > octets * calls, f"{got} octets came for {calls} messages of {octets}"
        return got / taken[0]

    with bench.servers(bench.kinds("F", "B", "ours", "F again", *others()), count=count, octets=octets) as servers:
        taken = in_turn(servers, bench.number(25, 3), throughput)
    return against(what, "octets/s", taken, bounds)


def small_messages(bench: Bench) -> list[Row]:
    """RETR of 10 kB messages."""
    return retr(bench, "RETR of 10 kB", 10_000, bench.number(300, 10), {"F": ">= 0.8"})


def large_messages(bench: Bench) -> list[Row]:
    """RETR of 1 MB messages."""
    return retr(bench, "RETR of 1 MB", MB, bench.number(20, 2), {"F": ">= 0.85", "B": ">= 0.95"})


def million(bench: Bench) -> list[Row]:
    """LIST and UIDL of a million generated messages: the first octet against that of ten, and the memory it takes."""
    count, rounds = bench.number(1_000_000, 1000), bench.number(15, 3)
    if "ours" not in bench.kinds("ours"):
        return [left_out("LIST and UIDL of a million", "the floors hold no mail")]
    rows = []
    with (
        bench.server("ours", count=count, octets=1000, make="generated") as many,
        bench.server("ours", count=10, octets=1000, make="generated") as few,
    ):
        for command in (b"LIST\r\n", b"UIDL\r\n"):

            def first_octet(server: Server, line: bytes = command) -> float:
                with Client(server.port, server.context).login() as client:
                    return client.first_octet(line)

            taken = in_turn({"ours": many, "ten": few}, rounds, first_octet)
            name = f"{command.decode().strip()} of {count:,}"
            rows.append(compared(f"{name}, first octet", "s", taken["ours"], taken["ten"], "ten", bound="<= 20"))
            buffer = bytearray(1 << 18)
            with Client(many.port, many.context).login() as client, stopwatch() as whole:
                octets = client.fetch(command, buffer)
            rows.append(absolute(f"  {name}, whole", "octets/s", octets / whole[0]))
        with stopwatch() as login, Client(many.port, many.context).login() as client:
            client.command(b"STAT\r\n")
        rows.append(absolute("  login and STAT there", "s", login[0]))
        rows.append(absolute("  memory of the server", "octets", many.memory["peak"], at_most=150 * MB))
    return rows


def held(bench: Bench) -> list[Row]:
    """Sessions that are held open together, then NOOP on each; the client is in another process."""
    count = bench.number(1000, 20)
    what = f"{count} sessions held open"
    rows = []
    for kind in bench.kinds("F", "B", "ours"):
        with bench.server(kind, count=10, octets=1000, make="generated") as server, bench.child("client") as client:
            assert server.child
            needed = count * OPEN_FILES_A_SESSION + 100
            limit = min(child.ask("files", count=needed)["limit"] for child in (server.child, client))
            if limit < needed:
                return [left_out(what, f"{limit} open files are allowed, {needed} may be needed")]
            client.ask("open", port=server.port, ca_pem=server.ca_pem, count=1)  # what the first one loads
            before = server.memory["now"]
            client.ask("open", port=server.port, ca_pem=server.ca_pem, count=count - 1)
            each = (server.memory["now"] - before) / (count - 1)
            noop = client.ask("noop")
            assert noop["answered"] == count
            client.ask("quit")
        mine = kind == "ours"
        bound = 100_000 if mine and not bench.quick else None
        rows.append(absolute(f"{what}, memory of each{'' if mine else ', ' + kind}", "octets", each, at_most=bound))
        rows.append(
            absolute(f"  NOOP on each, all answered{'' if mine else ', ' + kind}", "s", noop["seconds"] / count)
        )
    return rows


def streamed(bench: Bench) -> list[Row]:
    """One generated message of 2 GiB."""
    octets = bench.number(2 << 30, 32 << 20)
    what = f"RETR of {octets >> 20} MiB, generated"
    buffer = bytearray(1 << 18)
    rate: dict[str, list[float]] = {}
    memory = {}
    kinds = bench.kinds("B", "ours")
    with bench.servers(kinds, count=1, octets=octets, make="generated") as servers:
        for kind, server in servers.items():
            with Client(server.port, server.context).login() as client:
                with stopwatch() as taken:
                    got = client.fetch(b"RETR 1\r\n", buffer)
                client.command(b"QUIT\r\n")
            assert got > octets
            rate[kind] = [got / taken[0]]
            memory[kind] = server.memory["peak"]
    rows = []
    if "ours" in kinds:
        if "B" in kinds:
            rows.append(compared(what, "octets/s", rate["ours"], rate["B"], "B"))
        rows.append(absolute("  memory of the server", "octets", memory["ours"], at_most=100 * MB))
    else:
        rows.append(absolute(what + ", B", "octets/s", rate["B"][0]))
    return rows


def modules(bench: Bench) -> list[Row]:
    """What a start of pytest loads because the plugin is installed, and what ``import pop3s_fake`` loads."""
    del bench  # two processes are quick enough
    with tempfile.TemporaryDirectory(prefix="benchmark-modules-") as directory:
        hook = f"import atexit\n\n\ndef show():\n    {ALL_MODULES}\n\n\natexit.register(show)\n"
        Path(directory, "show_modules.py").write_text(hook, encoding="utf-8")
        Path(directory, "empty").mkdir()
        pytest = ("-m", "pytest", "--collect-only", "-p", "show_modules")
        added = loaded(directory, *pytest) - loaded(directory, *pytest, "-p", "no:pytest_pop3s_fake")
        dear = loaded(directory, "-c", f"import pop3s_fake; {ALL_MODULES}") & set(DEAR)
    rows = [absolute("modules at the start of pytest", "", len(added), at_most=1)]
    verdict = f"MISSED: {', '.join(sorted(dear))}" if dear else "met"
    return [*rows, Row("dear modules of `import pop3s_fake`", str(len(dear)), bound="0", verdict=verdict, numbers=(1,))]


def loaded(directory: str, *arguments: str) -> set[str]:
    """The modules that such a Python has loaded when it ends."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    path = os.pathsep.join(filter(None, (directory, environment.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=Path(directory, "empty"),
        env=environment | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if not done.stderr.startswith("["):
        raise RuntimeError(f"{arguments} says: {done.stdout}{done.stderr}")
    names: list[str] = json.loads(done.stderr)
    return set(names)


MEASURES: dict[str, Callable[[Bench], list[Row]]] = {
    "start": start,
    "fixture": fixture,
    "session": sessions,
    "rule": rule,
    "plain": plain,
    "dialect": dialects.dialects,
    "load": dialects.loading,
    "sweep": sweep,
    "retr-10k": small_messages,
    "retr-1m": large_messages,
    "million": million,
    "held": held,
    "stream": streamed,
    "modules": modules,
    "serve": front.command_line,
    "maildir": front.maildir,
}
