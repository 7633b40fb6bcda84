"""Fetches each message once, and remembers in a file which ones it has: the maildrop is somebody else's, too.

Knows unique-ids (RFC 1939 section 7) and how to be interrupted; must not know what is done with the mail.
"""

from __future__ import annotations

import json
import poplib
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path


class Offline(Exception):  # noqa: N818  # it is no error: the next poll finds out
    """The server was not there, or went away in the middle."""


class Poller:
    """Polls one maildrop; ``state`` is the file in which it remembers the unique-ids of what it has."""

    def __init__(self, host: str, port: int, login: tuple[str, str], *, context: ssl.SSLContext, state: Path) -> None:
        self._address = host, port
        self._login = login
        self._context = context
        self._state = state

    def poll(self, deliver: Callable[[bytes], None]) -> int:
        """Deliver each new message and remember it at once; tells how many there were.

        Raises :class:`Offline` when the server is not there, or no longer; what was delivered until then is remembered.
        """
        try:
            client = poplib.POP3_SSL(*self._address, context=self._context, timeout=10)
            with closing(client):
                return self._fetch(client, deliver)
        except (OSError, poplib.error_proto) as error:
            raise Offline(str(error)) from error

    def _fetch(self, client: poplib.POP3_SSL, deliver: Callable[[bytes], None]) -> int:
        user, password = self._login
        client.user(user)
        client.pass_(password)
        there = {uid.decode(): int(number) for number, uid in (line.split() for line in client.uidl()[1])}
        seen = self._load() & there.keys()  # what is gone for good may be forgotten
        new = [uid for uid in there if uid not in seen]
        for uid in new:
            deliver(b"\r\n".join(client.retr(there[uid])[1]))
            seen.add(uid)
            self._save(seen)
        self._save(seen)
        client.quit()
        return len(new)

    def _load(self) -> set[str]:
        return set(json.loads(self._state.read_text())) if self._state.exists() else set()

    def _save(self, seen: set[str]) -> None:
        """Write by rename, so that the file is whole at any moment."""
        draft = self._state.with_suffix(".new")
        draft.write_text(json.dumps(sorted(seen)))
        draft.replace(self._state)
