"""A Maildir: a message is a file in `new/` or `cur/`, whose name without its flags never changes.

Knows the folders and the names of a Maildir, and that other programs move messages while we look; must not know
unique-ids that do not come from a name.  Flags mean nothing here, and `tmp/` holds no messages yet.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pop3s_fake.sources.files import reason
from pop3s_fake.sources.listing import message_files
from pop3s_fake.sources.shelf import MessageFiles
from pop3s_fake.sources.unique_ids import of_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("Maildir", "is_maildir", "maildir")

_FOLDERS: Final = ("cur", "new")


def is_maildir(folder: str) -> bool:
    """Whether it has one of the folders in which a Maildir has its messages."""
    return any(Path(folder, name).is_dir() for name in _FOLDERS)


def maildir(folder: str, complain: Callable[[str], None]) -> Maildir:
    """What is there now, in the order of the names, which begin with the time of delivery."""
    names: list[str] = []
    for name in _FOLDERS:
        path = Path(folder, name)
        if path.is_symlink():
            complain(f"{str(path)!r} is left out: it is a symbolic link, and those are not followed")
        elif path.exists():
            try:
                names += [f"{name}/{file}" for file in message_files(str(path), complain)]
            except OSError as error:
                complain(f"cannot read the folder {str(path)!r}: {reason(error)}")
    names.sort(key=lambda name: (_unique(name), name))
    return Maildir(folder, list(_singly(folder, names, complain)), complain)


def _unique(name: str) -> str:
    """The part of a file's name that it keeps: without folder and flags, as `1700000000.M1P2.host` of all this.

    >>> _unique("cur/1700000000.M1P2.host:2,FS")
    '1700000000.M1P2.host'
    """
    return name[name.index("/") + 1 :].partition(":")[0]


def _singly(folder: str, names: list[str], complain: Callable[[str], None]) -> Iterator[str]:
    """One file a message: of two with one unique name the first, which is the one in `cur/`."""
    last = None
    for name in names:
        unique = _unique(name)
        if unique == last:
            complain(f"{str(Path(folder, name))!r} is left out: another file of the Maildir has its unique name")
        else:
            last = unique
            yield name


class Maildir(MessageFiles):
    """The messages of a Maildir, which are found again where another program gave them flags."""

    def __init__(self, folder: str, names: list[str], complain: Callable[[str], None]) -> None:
        super().__init__(folder, names, complain)
        self._looked: list[int] = []

    def uid(self, n: int) -> str:
        """The file's unique name."""
        return of_name(_unique(self._names[n - 1]))

    def read(self, n: int) -> Iterator[bytes]:
        """The octets of the file, wherever it is now."""
        try:
            yield from super().read(n)
        except FileNotFoundError:
            if not self._find_again(n):
                raise
            yield from super().read(n)

    def unlink(self, n: int) -> None:
        """Remove the file, wherever it is now."""
        try:
            super().unlink(n)
        except FileNotFoundError:
            if not self._find_again(n):
                raise
            super().unlink(n)

    def _find_again(self, n: int) -> bool:
        """Look where the files are now, all at once, for who flags one message flags many; whether this one is there.

        The folders are listed only if they changed since that was done last.
        """
        folders = [path for name in _FOLDERS if (path := Path(self._folder, name)).is_dir()]
        times = [folder.stat().st_mtime_ns for folder in folders]
        if times != self._looked:
            now: dict[str, str] = {}
            for folder in folders:
                for file in os.listdir(folder):  # noqa: PTH208 - as there may be many
                    name = f"{folder.name}/{file}"
                    now.setdefault(_unique(name), name)
            self._names[:] = [now.get(_unique(name), name) for name in self._names]
            self._looked = times
        return os.path.lexists(self.path(n))
