"""A token that is good, one that has expired, and one that cannot be renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from oauth_poller import OAuthPoller, Refused

from pop3s_fake import Account, ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake import Pop3sServer

HOUR = 3600.0
FIRST = "ya29.first"


class Provider:
    """Who gives tokens, which the server knows of; ``revoked`` is one who gives none that are good any more."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._current = account.token or ""
        self.renewed = 0
        self.revoked = False

    def current(self) -> str:
        """The one at hand."""
        return self._current

    def renew(self) -> str:
        """The next one; long, as they are."""
        self.renewed += 1
        self._current = f"ya29.renewed-{self.renewed}-" + "x" * 2000
        if not self.revoked:
            self._account.issue_token(self._current, expires=HOUR)
        return self._current


@pytest.fixture
def clock() -> ManualClock:
    """The server's time."""
    return ManualClock()


@pytest.fixture
def server(pop3s_server_factory: Callable[..., Pop3sServer], clock: ManualClock) -> Pop3sServer:
    """One user, whose token is good for an hour, and one message."""
    ann = Account("ann", "not-a-secret", token=FIRST, token_expires=HOUR)
    server = pop3s_server_factory(accounts=[ann], clock=clock)
    server.maildrop.add("Subject: one\n\n")
    return server


@pytest.fixture
def provider(server: Pop3sServer) -> Provider:
    """It has given the token that the server knows."""
    return Provider(server.account)


@pytest.fixture
def poller(server: Pop3sServer, provider: Provider) -> OAuthPoller:
    """What is tested."""
    return OAuthPoller(server.host, server.port, "ann", provider, context=server.client_context())


def test_a_good_token_opens_the_maildrop(poller: OAuthPoller, provider: Provider) -> None:
    """And nobody is asked for another."""
    assert poller.poll() == [b"Subject: one\r\n"]
    assert provider.renewed == 0


def test_an_expired_token_is_renewed_once(
    poller: OAuthPoller, provider: Provider, server: Pop3sServer, clock: ManualClock
) -> None:
    """On the same connection; the next poll has the new one."""
    poller.poll()
    clock.advance(HOUR)

    assert poller.poll() == [b"Subject: one\r\n"]
    assert provider.renewed == 1
    assert server.transcript.last_session.keywords == ["AUTH", "AUTH", "STAT", "RETR", "QUIT"]
    assert poller.poll() == [b"Subject: one\r\n"]
    assert provider.renewed == 1


def test_a_token_that_no_renewal_helps_is_told(poller: OAuthPoller, provider: Provider, server: Pop3sServer) -> None:
    """After two tries, and no third."""
    provider.revoked = True
    server.account.expire_token()

    with pytest.raises(Refused, match="status 401"):
        poller.poll()
    assert server.transcript.keywords == ["AUTH", "AUTH"]


def test_no_token_is_in_the_transcript(poller: OAuthPoller, provider: Provider, server: Pop3sServer) -> None:
    """Neither the old one nor the new one; who came is."""
    server.account.expire_token()
    poller.poll()

    shown = server.transcript.render()
    assert r"(response) user=ann\x01auth=****\x01\x01" in shown
    assert "ya29" not in shown
    assert provider.current() not in shown
