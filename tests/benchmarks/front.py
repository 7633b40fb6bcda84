"""The front door: from the command line to the first greeting, and a Maildir that is large.

Knows how the command is started and where Linux tells what a process costs; the bounds stand here, too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from client import Client, trusting
from rows import Row, absolute, left_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench import Bench

MB = 1_000_000
PATIENCE = 60.0  # seconds of real time to make a large Maildir in
COMMAND = (sys.executable, "-m", "pop3s_fake.cli", "serve", "--port", "0", "--ready-file", "ready.json")
OURS = "import pop3s_fake.cli.commands, pop3s_fake.cli.serve, pop3s_fake.tls.authority, pop3s_fake.tls.records"
NAMES = (
    f"import json, sys; {OURS}; print(json.dumps([name for name in sys.modules if not name.startswith('pop3s_fake')]))"
)
SHARES = f"""
import contextlib, importlib, json, sys, time
begun = time.process_time()
for name in json.loads(sys.argv[1]):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
others = time.process_time()
{OURS}
print(json.dumps([time.process_time() - others, others - begun]))
"""


@contextlib.contextmanager
def served(folder: str, *options: str) -> Iterator[tuple[int, int]]:
    """The process and the port of a server that listens; the ready file is there before the first line is printed."""
    with subprocess.Popen([*COMMAND, *options], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            yield process.pid, json.loads(Path(folder, "ready.json").read_text(encoding="utf-8"))["port"]
        finally:
            process.terminate()
            process.communicate()


def processor_time(pid: int) -> float:
    """Seconds that a process has used, in user and in kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """Octets of a process that are in memory."""
    (found,) = re.findall(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), re.MULTILINE)
    return int(found) * 1024


def said(folder: str, program: str, *arguments: str) -> str:
    """What a program prints."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout


def command_line(bench: Bench) -> list[Row]:
    """``pop3s-fake serve`` from its start to its first greeting, files in the cache, and what imports take of it."""
    what = "`pop3s-fake serve` to the first greeting, processor time"
    if sys.platform != "linux":
        return [left_out(what, "there is no /proc")]
    times = []
    with tempfile.TemporaryDirectory(prefix="benchmark-front-") as folder:
        for _ in range(bench.number(11, 2) + 1):
            with served(folder) as (pid, port):
                ca = Path(folder, "pop3s-fake-ca.pem").read_text(encoding="ascii")
                with Client(port, trusting(ca)):
                    times.append(processor_time(pid))
        names = said(folder, NAMES)
        shares = [json.loads(said(folder, SHARES, names)) for _ in range(bench.number(11, 2))]
    ours, others = (statistics.median(each) for each in zip(*shares, strict=True))
    return [
        absolute(what, "s", statistics.median(times[1:]), at_most=0.6),
        absolute("  of this, importing our own modules", "s", ours),
        absolute("  of this, importing everything else", "s", others),
    ]


def in_memory(files: int) -> str | None:
    """Where small files are made in memory, if there is room for so many: a slow disk takes minutes for them."""
    folder = Path("/dev/shm")  # noqa: S108  # what is made in it has a name of its own
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        return None
    room = os.statvfs(folder)
    return str(folder) if min(room.f_ffree, room.f_bavail) > 2 * files else None  # a page and an inode each


def maildir(bench: Bench) -> list[Row]:
    """A large Maildir, until the server listens."""
    count = bench.number(100_000, 1_000)
    what = f"`pop3s-fake serve` of a Maildir of {count} messages, processor time"
    if sys.platform != "linux":
        return [left_out(what, "there is no /proc")]
    with tempfile.TemporaryDirectory(prefix="benchmark-front-", dir=in_memory(count)) as folder:
        new = Path(folder, "Maildir", "new")
        new.mkdir(parents=True)
        begun = time.monotonic()
        for number in range(count):
            name = f"{1_700_000_000 + number}.M{number}P1.host.example"
            (new / name).write_bytes(b"Subject: %d\n\nhello\n" % number)
            if time.monotonic() - begun > PATIENCE:
                return [left_out(what, f"to make {number + 1} files took more than {PATIENCE:.0f} s")]
        with served(folder, "--mail", "Maildir") as (pid, _):
            seconds, octets = processor_time(pid), memory(pid)
    return [absolute(what, "s", seconds, at_most=3.0), absolute("  its memory", "octets", octets, at_most=120 * MB)]
