"""Delete messages with write-back and be killed in the middle of it, round after round: `test_killed.py` starts this.

Arguments: a folder, the name of the mail in it, how many processes shall die, a seed, and by what: "outside", killed
by the parent at some moment, or "inside", by itself before some line of ours is run, so that every line is as likely as
another.  Each round begins with a fresh copy of the mail, and is a process of its own, forked from this one, which has
no thread.  It deletes a few messages a session and says after each that QUIT would be answered now.  Then the mail is
loaded as after a restart, and whatever is wrong with it is printed.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pop3s_fake.sources import Loaded, load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

ROOM = str(Path("pop3s_fake", "sources"))
TOGETHER = 3  # messages that one session deletes
SPARED = 6

Batches = list[list[str]]
Seen = dict[str, bytes]


def tracing(reached: Callable[[str], None]) -> Callable[..., Any]:
    """A trace function that tells every line of the room before it is run."""

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if ROOM not in frame.f_code.co_filename:
            return None
        if event == "line":
            reached(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
        return trace

    return trace


def killing(line: str, time: int) -> Callable[[str], None]:
    """Ends this process when that line is reached for that time."""
    reached: Counter[str] = Counter()

    def kill(at: str) -> None:
        reached[at] += 1
        if at == line and reached[at] == time:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


def sessions(loaded: Loaded, batches: Batches, done: Callable[[], object]) -> None:
    """Delete batch after batch, each in a session of its own."""
    for batch in batches:
        session = loaded.maildrop.open("session")
        for number, uid in list(session.unique_ids()):
            if uid in batch:
                session.mark(number)
        assert len(session.update().removed) == len(batch)
        session.close()
        done()


def forked(work: Callable[[Callable[[bytes], object]], object]) -> tuple[int, int]:
    """A process that does the work and may write what the parent reads, which begins with one octet."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            os.write(writing, b">")
            work(lambda octets: os.write(writing, octets))
        finally:
            os._exit(0)
    os.close(writing)
    assert os.read(reading, 1) == b">"
    return child, reading


def rest(child: int, reading: int) -> tuple[bytes, bool]:
    """What the child wrote, and whether it was killed."""
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    return said, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def wrong(before: Seen, batches: Batches, done: int, after: Sequence[tuple[str, bytes]]) -> str | None:
    """What is wrong with the mail, after so many sessions were told that their messages are gone."""
    there = dict(after)
    if len(there) != len(after):
        return "a message is there twice"
    if any(before.get(uid) != content for uid, content in after):
        return "a message is not whole"
    gone = before.keys() - there.keys()
    told = {uid for batch in batches[:done] for uid in batch}
    if not told <= gone:
        return "a message is there that was deleted"
    if not gone <= told.union(*batches[done : done + 1]):
        return "a message is lost that nobody deleted"
    return None


def main() -> None:
    """Rounds until so many processes have died in the middle."""
    folder, name, deaths, seed, how = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
    chance = random.Random(seed)  # noqa: S311 - to choose moments, and the same again
    scratch = folder.with_name("scratch")
    mail = scratch / name
    before = {message.uid: message.content for message in load(folder / name, strict=True).maildrop}
    uids = chance.sample(list(before), len(before) - SPARED)
    batches = [uids[i : i + TOGETHER] for i in range(0, len(uids), TOGETHER)]

    def fresh() -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(folder, scratch)

    lines: Counter[str] = Counter()

    def measure(say: Callable[[bytes], object], loaded: Loaded) -> None:
        if how == "inside":
            sys.settrace(tracing(lambda line: lines.update([line])))
        sessions(loaded, batches, lambda: None)
        sys.settrace(None)
        say(json.dumps(lines).encode())

    took = []
    for _ in range(3):  # the least counts: where the machine stands still for a while, hardly anybody would die
        fresh()
        loaded = load(mail, write_back=True)
        start = perf_counter()
        said, _killed = rest(*forked(partial(measure, loaded=loaded)))
        took.append(perf_counter() - start)
    seconds = min(took)
    lines.update(json.loads(said))

    died = rounds = 0
    while died < deaths and rounds < 10 * deaths:
        rounds += 1
        fresh()
        loaded = load(mail, write_back=True)
        line = chance.choice(sorted(lines) or [""])
        time = chance.randint(1, lines[line] or 1)

        def work(say: Callable[[bytes], object], loaded: Loaded = loaded, line: str = line, time: int = time) -> None:
            if how == "inside":
                sys.settrace(tracing(killing(line, time)))
            sessions(loaded, batches, lambda: say(b"."))

        child, reading = forked(work)
        if how == "outside":
            select.select([], [], [], chance.uniform(0, seconds))
            os.kill(child, signal.SIGKILL)
        said, killed = rest(child, reading)
        died += killed and len(said) < len(batches)
        loaded = load(mail)
        problem = wrong(before, batches, len(said), [(message.uid, message.content) for message in loaded.maildrop])
        for sentence in (*loaded.problems, *([problem] if problem else ())):
            sys.stdout.write(f"round {rounds}, {line}, {time}, {said!r}: {sentence}\n")
    sys.stdout.write(f"{died} died\n")


if __name__ == "__main__":
    main()
