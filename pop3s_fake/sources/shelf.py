"""Messages that stand on the disk, numbered from 1, and what is the same for all that are a file each.

Knows how a message is measured, read and removed; must not know where its file's name comes from.
"""

from __future__ import annotations

import os
from array import array
from typing import TYPE_CHECKING, Protocol

from pop3s_fake.errors import UsageError
from pop3s_fake.sources.files import read, reason, sync_folder
from pop3s_fake.sources.octets import in_crlf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ("MessageFiles", "Shelf")


class Shelf(Protocol):
    """What :meth:`Maildrop.generate <pop3s_fake.maildrop.Maildrop.generate>` needs of messages that come from files."""

    def __len__(self) -> int:
        """How many messages there were when it was made."""
        ...

    def uid(self, n: int) -> str:
        """The unique-id of message n, the same after a restart."""
        ...

    def octets(self, n: int) -> int:
        """The size of message n with CRLF line ends; 0 if it cannot be read, which is told."""
        ...

    def content(self, n: int) -> Iterator[bytes]:
        """Message n with CRLF line ends; `UsageError` that names the file if it cannot be read as it was."""
        ...

    def remove(self, numbers: Sequence[int]) -> list[int]:
        """Remove these from the disk; those that could not be removed, of which each was told."""
        ...


class MessageFiles:
    """Messages that are a file each: a folder, and their names in it.

    A message costs its name and 8 octets, for its size once somebody asked.
    """

    def __init__(self, folder: str, names: list[str], complain: Callable[[str], None]) -> None:
        self._folder = folder
        self._names = names
        self._complain = complain
        self._sizes = array("q", [-1]) * len(names)

    def __len__(self) -> int:
        return len(self._names)

    def path(self, n: int) -> str:
        """Where message n stands."""
        return os.path.join(self._folder, self._names[n - 1])  # noqa: PTH118 - an object a message would cost too much

    def read(self, n: int) -> Iterator[bytes]:
        """The octets of the file."""
        return read(self.path(n))

    def unlink(self, n: int) -> None:
        """Remove the file."""
        os.unlink(self.path(n))  # noqa: PTH108 - as above

    def octets(self, n: int) -> int:
        """The size of message n, from its file at the first call."""
        size = self._sizes[n - 1]
        if size < 0:
            try:
                size = sum(map(len, in_crlf(self.read(n))))
            except OSError as error:
                self._complain(self._unreadable(n, error))
                size = 0
            self._sizes[n - 1] = size
        return size

    def content(self, n: int) -> Iterator[bytes]:
        """The octets of message n."""
        announced = self.octets(n)
        size = 0
        try:
            for piece in in_crlf(self.read(n)):
                size += len(piece)
                yield piece
        except OSError as error:
            raise UsageError(self._unreadable(n, error)) from error
        if size != announced:
            raise UsageError(
                f"the message {self.path(n)!r} was changed by another program: "
                f"it was announced with {announced} octets and now has {size}",
            )

    def remove(self, numbers: Sequence[int]) -> list[int]:
        """Remove the files one by one: whenever this is cut off, each is there or not; one that is gone is no error."""
        stayed = []
        folders = set()
        for n in numbers:
            try:
                self.unlink(n)
            except FileNotFoundError:
                pass
            except OSError as error:
                self._complain(f"cannot remove the message {self.path(n)!r}: {reason(error)}")
                stayed.append(n)
            folders.add(os.path.dirname(self.path(n)))  # noqa: PTH120 - as above
        for folder in folders:
            sync_folder(folder)
        return stayed

    def _unreadable(self, n: int, error: OSError) -> str:
        return f"cannot read the message {self.path(n)!r}: {reason(error)}"
