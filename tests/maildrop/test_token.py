"""An account's access token, and how long it is good."""

from __future__ import annotations

import pytest

from pop3s_fake import Account, ManualClock, Pop3sServer, UsageError
from pop3s_fake.maildrop import Accounts


def test_only_the_token_is_the_token() -> None:
    """To the octet; an account without one has none that could be shown."""
    account = Account("ann", "not-a-secret", token="ya29.vF9df")

    assert account.token == "ya29.vF9df"
    assert account.check_token(b"ya29.vF9df")
    assert not account.check_token(b"ya29.vF9d")
    assert not account.check_token(b"")
    assert Account("bob", "not-a-secret").token is None
    assert not Account("bob", "not-a-secret").check_token(b"")


def test_a_token_lives_by_the_servers_clock_from_when_the_server_got_the_account() -> None:
    """Wherever the clock stands by then."""
    clock = ManualClock()
    clock.advance(hours=1)
    server = Pop3sServer(accounts=[Account("ann", "not-a-secret", token="first", token_expires=60)], clock=clock)
    account = server.accounts["ann"]

    clock.advance(59)
    assert account.check_token(b"first")
    clock.advance(1)
    assert not account.check_token(b"first")


def test_a_token_without_an_end_has_none() -> None:
    """A test that wants no expiry need not think of it."""
    time = 0.0
    account = Account("ann", "not-a-secret", token="first")
    Accounts([account], lambda: time)

    time = 1e12
    assert account.check_token(b"first")


def test_a_token_expires_when_a_test_says_so_and_a_new_one_is_good() -> None:
    """The new one lives from when it was issued; the old one is gone even while it would still be good."""
    time = 100.0
    account = Account("ann", "not-a-secret", token="first")
    Accounts([account], lambda: time)

    account.expire_token()
    assert not account.check_token(b"first")
    account.issue_token("second", expires=10)
    assert account.token == "second"
    assert account.check_token(b"second")
    account.issue_token("third")
    assert not account.check_token(b"second")
    account.issue_token("fourth", expires=10)
    time = 109.0
    assert account.check_token(b"fourth")
    time = 110.0
    assert not account.check_token(b"fourth")


def test_who_has_no_token_is_told_so() -> None:
    """A test that lets nothing expire tests nothing."""
    with pytest.raises(UsageError) as caught:
        Account("ann", "not-a-secret").expire_token()
    assert str(caught.value) == "account 'ann' has no token that could expire; give it one: token=..."


def test_tokens_are_secrets_also_when_they_are_old() -> None:
    """What nobody wants to see in a transcript."""
    account = Account("ann", "not-a-secret", secret="shared", token="first")
    account.issue_token("second")

    assert Accounts([account]).secrets() == {b"not-a-secret", b"shared", b"first", b"second"}
    assert "first" not in repr(account._token)


def test_a_reset_gives_back_the_token_and_its_time() -> None:
    """As it was when the server began."""
    time = 0.0
    account = Account("ann", "not-a-secret", token="first", token_expires=60)
    accounts = Accounts([account], lambda: time)
    saved = accounts.save()
    account.issue_token("second")
    account.expire_token()
    time = 1000.0

    accounts.restore(saved)

    assert account.check_token(b"first")
    time = 1060.0
    assert not account.check_token(b"first")
