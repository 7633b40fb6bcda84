"""Fetches mail and deletes what it has: the code under test."""

from __future__ import annotations

import poplib
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


def fetch_and_delete(
    host: str, port: int, login: tuple[str, str], *, context: ssl.SSLContext, kept: list[bytes]
) -> None:
    """Append every message to ``kept`` and delete it; whatever happens, nothing is deleted that is not kept."""
    user, password = login
    with closing(poplib.POP3_SSL(host, port, context=context, timeout=10)) as client:
        client.user(user)
        client.pass_(password)
        # Not STAT: where the connection breaks, poplib takes half a line for a whole one; LIST has a terminator.
        for number in range(1, len(client.list()[1]) + 1):
            kept.append(b"".join(line + b"\r\n" for line in client.retr(number)[1]))
            client.dele(number)
        client.quit()
