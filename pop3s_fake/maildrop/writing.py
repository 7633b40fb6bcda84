"""What one session sees of a maildrop whose messages it writes into, as servers do that keep mail in one file.

Knows when something is written; what is written, and where, is the store's.  Must not know commands or replies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.maildrop.chosen import Chosen
from pop3s_fake.maildrop.open_maildrop import OpenMaildrop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake.maildrop.contents import Contents
    from pop3s_fake.maildrop.store import Store

__all__ = ("WrittenMaildrop",)


class WrittenMaildrop(OpenMaildrop):
    """The maildrop as it was when it was opened, but for what this session writes into its messages."""

    __slots__ = ("_closed", "_retrieved")

    def __init__(self, store: Store, contents: Contents, taken: object) -> None:
        super().__init__(store, contents, taken)
        self._retrieved: set[int] = set()
        self._closed = False

    @property
    def retrieves(self) -> bool:
        """Whether anything hangs on what is retrieved."""
        return True

    def retrieved(self, number: int) -> None:
        """Be told that the message with this number was retrieved."""
        self._retrieved.add(self._contents.arrival(number - 1))

    def uid(self, number: int) -> str | None:
        """The unique-id of the message with this number, which is noted in it."""
        uid = super().uid(number)
        if uid is not None:
            self._tell([(self._contents.arrival(number - 1), uid)])
        return uid

    def unique_ids(self) -> Iterator[tuple[int, str]]:
        """Number and unique-id of each message that is not marked, each noted in its message."""
        lines = list(super().unique_ids())
        self._tell([(self._contents.arrival(number - 1), uid) for number, uid in lines])
        return iter(lines)

    def _tell(self, uids: list[tuple[int, str]]) -> None:
        """Note these in the messages, and see the messages as they are then."""
        self._store.told(uids)
        contents, arrivals = self._store.contents(), self._contents.arrivals()
        places = [place for place in map(contents.place_of, arrivals) if place is not None]
        if len(places) == len(self._contents):  # else somebody has taken one away, and numbers must not change
            self._contents = Chosen(contents, places)

    def close(self) -> None:
        """Note in the messages that they were found, and free the lock."""
        if not self._closed:
            self._closed = True
            self._store.found(self._contents.arrivals(), self._retrieved)
        super().close()
