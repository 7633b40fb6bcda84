"""A token that is good, one that has expired, and one that cannot be renewed."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
from oauth_poller import OAuthPoller, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake import Pop3sServer

# The empty line is an answer here, and no command.
pytestmark = pytest.mark.pop3s(allow=["C-1939-3.2"])

REFUSAL = b64encode(json.dumps({"status": "400", "schemes": "Bearer"}).encode()).decode()


class Tokens:
    """A cache that holds one token, and a provider that gives another."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)

    def current(self) -> str:
        """The one at hand."""
        return self._tokens[0]

    def renew(self) -> str:
        """The next one."""
        del self._tokens[0]
        return self._tokens[0]


@pytest.fixture
def poller(pop3s_server: Pop3sServer) -> Callable[..., OAuthPoller]:
    """Make a poller with these tokens, for this test's server."""

    def made(*tokens: str) -> OAuthPoller:
        server = pop3s_server
        return OAuthPoller(server.host, server.port, "ann", Tokens(*tokens), context=server.client_context())

    return made


def presented(token: str) -> str:
    """The client's line for this token."""
    return "C: " + b64encode(f"user=ann\1auth=Bearer {token}\1\1".encode()).decode()


MAIL = ("S: +OK welcome", "C: STAT", "S: +OK 1 20", "C: RETR 1", "S: +OK", "S: Subject: one", "S: ", "S: .")
GOODBYE = ("C: QUIT", "S: +OK")


def test_a_good_token_opens_the_maildrop(pop3s_server: Pop3sServer, poller: Callable[..., OAuthPoller]) -> None:
    """The token goes behind an empty challenge."""
    pop3s_server.dialogue("S: +OK ready", "C: AUTH XOAUTH2", "S: + ", presented("good"), *MAIL, *GOODBYE)

    assert poller("good").poll() == [b"Subject: one\r\n"]


def test_an_expired_token_is_renewed_once(pop3s_server: Pop3sServer, poller: Callable[..., OAuthPoller]) -> None:
    """On the same connection; what the server says before it refuses is answered by an empty line."""
    pop3s_server.dialogue(
        "S: +OK ready",
        *("C: AUTH XOAUTH2", "S: + ", presented("expired"), f"S: + {REFUSAL}", "C: *", "S: -ERR [AUTH] expired"),
        *("C: AUTH XOAUTH2", "S: + ", presented("good"), *MAIL, *GOODBYE),
    )

    assert poller("expired", "good").poll() == [b"Subject: one\r\n"]


def test_a_token_that_no_renewal_helps_is_told(pop3s_server: Pop3sServer, poller: Callable[..., OAuthPoller]) -> None:
    """After two tries, and no third."""
    refused = ("C: AUTH XOAUTH2", "S: + ", "C: *", f"S: + {REFUSAL}", "C: *", "S: -ERR [AUTH] no")
    pop3s_server.dialogue("S: +OK ready", *refused, *refused)

    with pytest.raises(Refused, match="status 400"):
        poller("expired", "revoked").poll()
