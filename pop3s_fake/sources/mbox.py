"""An mbox: one file in which each message begins behind a line that begins with `From `.

Knows where each message stands and how to take some out so that nothing is lost whenever the process ends; must not
know maildrops.  As with the standard library's ``mailbox``, any line that begins with ``From `` parts messages, the
empty line before it belongs to none, and `>From ` stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import sys
from array import array
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.errors import UsageError
from pop3s_fake.sources.files import PIECE, reason, sync_folder
from pop3s_fake.sources.octets import in_crlf
from pop3s_fake.sources.unique_ids import apart, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

if sys.platform != "win32":
    import fcntl

__all__ = ("Mbox",)

_GONE: Final = -1


class _Place(NamedTuple):
    """Where a message stands, in octets from the file's beginning."""

    begin: int
    """Its From_ line."""
    start: int
    """Its first octet, behind that line."""
    stop: int
    """Behind its last octet: the empty line that parts it from the next is not its own."""
    end: int
    """The next From_ line, or the end of the file."""


class Mbox:
    """The messages of an mbox.

    It is read once now, for where the messages stand, how long they are, and their unique-ids, which come from their
    octets; then, message by message, when somebody asks.
    """

    def __init__(self, path: str, complain: Callable[[str], None]) -> None:
        self._path = path
        self._complain = complain
        self._guard = Lock()  # the file and where things stand in it belong together
        self._sizes = array("q")
        self._digests: list[str] = []
        with Path(path).open("rb") as file:
            self._known = _state(file)
            self._places = array("q", (offset for place in _places(file) for offset in place))
            for n in range(1, len(self._places) // 4 + 1):
                self._sizes.append(sum(map(len, in_crlf(_octets(file, self._place(n))))))
                self._digests.append(self._digest(file, n))
        self._uids = apart(self._digests)

    def __len__(self) -> int:
        return len(self._sizes)

    def uid(self, n: int) -> str:
        """A digest of the octets."""
        return self._uids[n - 1]

    def octets(self, n: int) -> int:
        """The size of message n."""
        return self._sizes[n - 1]

    def content(self, n: int) -> Iterator[bytes]:
        """The octets of message n, if they still stand where they stood."""
        with contextlib.ExitStack() as opened:
            try:
                with self._guard:
                    file = opened.enter_context(Path(self._path).open("rb"))
                    place = self._place(n)
                    if place.begin == _GONE:
                        raise UsageError(f"message {n} of the mbox {self._path!r} was removed by another session")
                    if _state(file) != self._known and not self._stands(file, n):
                        raise UsageError(
                            f"the mbox {self._path!r} was changed by another program: "
                            f"message {n} does not stand any more where it stood",
                        )
                yield from in_crlf(_octets(file, place))
            except OSError as error:
                raise UsageError(f"cannot read message {n} of the mbox {self._path!r}: {reason(error)}") from error

    def remove(self, numbers: Sequence[int]) -> list[int]:
        """Write the other messages to a new file and put it in the old one's place: all of these go, or none."""
        with self._guard:
            try:
                self._rewrite([n for n in numbers if self._place(n).begin != _GONE])
            except OSError as error:
                self._complain(f"cannot remove messages from the mbox {self._path!r}: {reason(error)}")
                return list(numbers)
        return []

    def _place(self, n: int) -> _Place:
        return _Place(*self._places[4 * (n - 1) : 4 * n])

    def _digest(self, file: IO[bytes], n: int) -> str:
        return digest(in_crlf(_octets(file, self._place(n))))

    def _stands(self, file: IO[bytes], n: int) -> bool:
        """Whether message n is where it was, in a file that was changed."""
        return self._digest(file, n) == self._digests[n - 1]

    def _rewrite(self, numbers: list[int]) -> None:
        with Path(self._path).open("r+b") as old:
            _lock(old, self._path)
            state = _state(old)
            if state != self._known:
                self._check(old, numbers)
            cuts = sorted(self._place(n) for n in numbers)
            # Always the same name: what a killed process left is cleared by the next.
            beside = Path(self._path).with_name(f".{Path(self._path).name}.pop3s-fake")
            beside.unlink(missing_ok=True)
            try:
                with beside.open("xb") as new:
                    _like(old, new)
                    for piece in _without(old, cuts):
                        new.write(piece)
                    new.flush()
                    os.fsync(new.fileno())
                    written = _state(new)
                beside.replace(self._path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
            sync_folder(str(beside.parent))
        self._known = written
        self._shift(set(numbers))

    def _check(self, file: IO[bytes], numbers: list[int]) -> None:
        """Whether these messages can be cut out of a file that was changed; mail added behind is no obstacle."""
        end = max([0, *self._places[3::4]])
        file.seek(end)
        behind = file.read(5)
        if behind not in {b"", b"From "} or not all(self._stands(file, n) for n in numbers):
            raise OSError("it was changed by another program")

    def _shift(self, numbers: set[int]) -> None:
        """Note where the messages stand without these."""
        cut = 0
        for n in range(1, len(self) + 1):
            place = self._place(n)
            if place.begin == _GONE:
                continue
            if n in numbers:
                cut += place.end - place.begin
                place = _Place(_GONE, _GONE, _GONE, _GONE)
            else:
                place = _Place(*(offset - cut for offset in place))
            self._places[4 * (n - 1) : 4 * n] = array("q", place)


def _state(file: IO[bytes]) -> tuple[int, ...]:
    """What tells that nobody has changed the file."""
    stat = os.fstat(file.fileno())
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _places(file: IO[bytes]) -> Iterator[_Place]:
    """Where the messages stand."""
    begin = start = _GONE
    position = blank = 0  # octets of the line before, if it is empty
    for line in file:
        if line.startswith(b"From "):
            if begin != _GONE:
                yield _Place(begin, start, position - blank, position)
            begin, start, blank = position, position + len(line), 0
        else:
            blank = len(line) if line in {b"\n", b"\r\n"} else 0
        position += len(line)
    if begin != _GONE:
        yield _Place(begin, start, position - blank, position)


def _octets(file: IO[bytes], place: _Place) -> Iterator[bytes]:
    """The octets of a message, piece by piece."""
    return _between(file, place.start, place.stop)


def _between(file: IO[bytes], start: int, stop: int) -> Iterator[bytes]:
    file.seek(start)
    while start < stop and (piece := file.read(min(PIECE, stop - start))):
        start += len(piece)
        yield piece


def _without(file: IO[bytes], cuts: list[_Place]) -> Iterator[bytes]:
    """All octets of the file but these messages, also what somebody has added behind."""
    position = 0
    for cut in cuts:
        yield from _between(file, position, cut.begin)
        position = cut.end
    yield from _between(file, position, sys.maxsize)


def _lock(file: IO[bytes], path: str) -> None:
    """Keep out programs that deliver mail: the lock that they ask for, which ends with the process."""
    if sys.platform == "win32":
        raise OSError(f"this cannot be done on {sys.platform}, where a file that is open cannot be replaced")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise OSError("another program has locked it") from error
    if not os.path.samestat(os.fstat(file.fileno()), Path(path).stat()):
        raise OSError("another program has replaced it")


def _like(old: IO[bytes], new: IO[bytes]) -> None:
    """Give the new file the old one's owner, as far as we may, and its mode."""
    stat = os.fstat(old.fileno())
    with contextlib.suppress(OSError):
        os.fchown(new.fileno(), stat.st_uid, stat.st_gid)
    os.fchmod(new.fileno(), stat.st_mode & 0o7777)
