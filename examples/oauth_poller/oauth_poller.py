"""Fetches mail with an access token in place of a password: AUTH XOAUTH2, as the large providers want it.

Knows how a token is presented, and that one which is refused may be renewed once; must not know where tokens come from.
"""

from __future__ import annotations

import json
import poplib
from base64 import b64decode, b64encode
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import ssl


class Tokens(Protocol):
    """Where access tokens come from: a cache with an OAuth client behind it."""

    def current(self) -> str:
        """The token that is at hand; it may have expired."""

    def renew(self) -> str:
        """A fresh one, which costs a journey to the provider."""


class Refused(Exception):  # noqa: N818  # the word that the server uses
    """The server does not take the token; the text is why."""


class OAuthPoller:
    """Polls one maildrop of one user."""

    def __init__(self, host: str, port: int, user: str, tokens: Tokens, *, context: ssl.SSLContext) -> None:
        self._address = host, port
        self._user = user
        self._tokens = tokens
        self._context = context

    def poll(self) -> list[bytes]:
        """All messages.  A token that is refused is renewed once; :class:`Refused` if that does not help."""
        with closing(poplib.POP3_SSL(*self._address, context=self._context, timeout=10)) as client:
            try:
                authenticate(client, self._user, self._tokens.current())
            except Refused:
                authenticate(client, self._user, self._tokens.renew())
            mails = [b"\r\n".join(client.retr(number)[1]) for number in range(1, client.stat()[0] + 1)]
            client.quit()
            return mails


def authenticate(client: poplib.POP3, user: str, token: str) -> None:
    """AUTH XOAUTH2; the token goes in a line of its own, for a command has 255 octets at most (RFC 5034 section 4)."""
    client._shortcmd("AUTH XOAUTH2")  # noqa: SLF001  # poplib has no public way to say anything else
    answer = client._shortcmd(b64encode(f"user={user}\1auth=Bearer {token}\1\1".encode()).decode())  # noqa: SLF001
    if answer.startswith(b"+OK"):
        return
    # What begins with "+ " is no success, although poplib takes it for one: the server says why in JSON, and refuses
    # once an empty line has told it that the client has heard.
    why = json.loads(b64decode(answer.removeprefix(b"+ ")))
    try:
        client._shortcmd("")  # noqa: SLF001
    except poplib.error_proto:
        raise Refused(f"status {why.get('status')}") from None
    raise AssertionError("the server said why it refuses, and then did not refuse")
