"""What it costs to speak as another server does: a session, and the loading of a dialect.

Knows the bounds and how a fresh interpreter is asked; how servers are made is in ``child``.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from bench import AGAIN, in_turn
from rows import Row, absolute, compared, left_out, noise

if TYPE_CHECKING:
    from bench import Bench

OURS = "without"
LOAD = """
import json, sys, time
from pop3s_fake import Pop3sServer
Pop3sServer()
before = time.process_time()
from pop3s_fake.dialects import dialect
from pop3s_fake.dialects.catalogue import text
from pop3s_fake.dialects.dialect import read
dialect(sys.argv[1])
first = time.process_time()
read(text(sys.argv[1]), sys.argv[1], base=text)
print(json.dumps([first - before, time.process_time() - first]))
"""
LIST = """
import json, time
before = time.process_time()
from pop3s_fake.dialects import dialect_ids
names = dialect_ids()
print(json.dumps([time.process_time() - before, names]))
"""


def recorded() -> list[str]:
    """The dialects that were recorded."""
    from pop3s_fake.dialects import dialect, dialect_ids  # noqa: PLC0415  # not part of what is measured elsewhere

    return [name for name in dialect_ids() if dialect(name).source == "recorded"]


def dialects(bench: Bench) -> list[Row]:
    """The same session in each recorded dialect: what it costs the server, each beside one that has none."""
    what = "server processor time a session, dialect"
    if "ours" not in bench.kinds("ours"):
        return [left_out(what, "the floors have no dialects")]
    names = recorded()[:2] if bench.quick else recorded()
    batch, rounds = bench.number(20, 3), bench.number(40, 3)

    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(
                bench.server("ours", count=10, octets=10_000, dialect=name if name in names else None)
            )
            for name in (OURS, *names, OURS + AGAIN)
        }
        beside = {
            name: in_turn({OURS: servers[OURS], name: servers[name]}, rounds, lambda server: server.cost(batch))
            for name in (*names, OURS + AGAIN)
        }
    again = beside.pop(OURS + AGAIN)
    itself, around = noise(again[OURS], again[OURS + AGAIN])
    rows = [
        compared(f"{what} {name}", "s", taken[name], taken[OURS], OURS, bound="<= 1.05", around=around)
        for name, taken in beside.items()
    ]
    return [*rows, itself]


def loading(bench: Bench) -> list[Row]:
    """What a fresh interpreter, which has a server, pays for its first dialect, and for one more; and for the list."""
    rounds = bench.number(15, 1)
    with tempfile.TemporaryDirectory(prefix="benchmark-load-") as directory:
        told(directory, LOAD, "dovecot-rich")  # compiles what is imported, as an installation does
        loads = [told(directory, LOAD, "dovecot-rich") for _ in range(rounds)]
        lists = [told(directory, LIST) for _ in range(rounds)]
    first, after = (statistics.median(taken) for taken in zip(*loads, strict=True))
    return [
        absolute("processor time of the first dialect", "s", first, at_most=None if bench.quick else 0.05),
        absolute("  of one more", "s", after, at_most=None if bench.quick else 0.005),
        absolute("  of the list of them, with all that is imported", "s", statistics.median(each[0] for each in lists)),
    ]


def told(directory: str, program: str, *arguments: str) -> list[float]:
    """What a fresh interpreter prints, which keeps its byte code in this directory."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        check=True,
        capture_output=True,
        env=environment | {"PYTHONPYCACHEPREFIX": directory},
        timeout=60,
    )
    answer: list[float] = json.loads(done.stdout)
    return answer
