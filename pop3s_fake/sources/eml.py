"""`.eml` files: one message each, alone or in a folder.

Knows how their unique-ids follow from their octets; must not know other kinds of folders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.sources.octets import in_crlf
from pop3s_fake.sources.shelf import MessageFiles
from pop3s_fake.sources.unique_ids import apart, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ("EmlFiles",)


class EmlFiles(MessageFiles):
    """Files whose unique-ids come from their octets, so each is read once now, and again when somebody asks.

    A file that cannot be read is left out, and told.
    """

    def __init__(self, folder: str, names: Iterable[str], complain: Callable[[str], None]) -> None:
        super().__init__(folder, list(names), complain)
        self._digests: list[str] = []
        readable = []
        for n, name in enumerate(self._names, 1):
            try:
                self._digests.append(self._digest(n))
            except OSError as error:
                complain(self._unreadable(n, error))
            else:
                readable.append(name)
        self._names = readable
        self._uids = apart(self._digests)

    def _digest(self, n: int) -> str:
        return digest(in_crlf(self.read(n)))

    def uid(self, n: int) -> str:
        """A digest of the octets."""
        return self._uids[n - 1]

    def unlink(self, n: int) -> None:
        """Remove the file, if it still is the message that was deleted: another one would be lost unread."""
        if self._digest(n) != self._digests[n - 1]:
            raise OSError("another program has put other octets there")
        super().unlink(n)
