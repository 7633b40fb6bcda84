"""The accounts of a server by name.

Knows names only.  Must not know sessions or how somebody proves who they are.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.maildrop.account import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pop3s_fake.maildrop.form import Form
    from pop3s_fake.maildrop.policy import Policy

__all__ = ("Accounts",)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


class Accounts:
    """Accounts in the order in which they were added; iteration gives their names.

    Tokens live, and messages grow old, by the clock ``now``; ``check`` raises for an account that cannot be added.
    ``policy``: what the site does with their mail beside what RFC 1939 asks for; ``form``: how a maildrop keeps it.

    >>> accounts = Accounts([Account("ann", "a"), Account("bob", "b")])
    >>> list(accounts), accounts["bob"], accounts.get("eve")
    (['ann', 'bob'], <Account 'bob'>, None)
    >>> accounts["anne"]
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: no account 'anne'; did you mean 'ann'?
    """

    newcomer: Callable[[str], Account | None] | None
    """Who makes an account for a name that has none, when somebody wants to log in by it; None: nobody does."""
    __slots__ = ("_accounts", "_check", "_form", "_now", "_policy", "newcomer")

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        now: Callable[[], float] | None = None,
        check: Callable[[Account], None] | None = None,
        policy: Policy | None = None,
        form: Callable[[Account], Form] | None = None,
    ) -> None:
        self._accounts: dict[str, Account] = {}
        self._now = now
        self._check = check
        self._policy = policy
        self._form = form
        self.newcomer = None
        for account in accounts:
            self.add(account)

    def add(self, account: Account) -> None:
        """Add an account; `UsageError` if there is one of that name."""
        if not isinstance(account, Account):
            raise UsageError(f"an account must be an Account, not {type(account).__name__}")
        if self._check is not None:
            self._check(account)
        # setdefault is one step, also between threads.
        if self._accounts.setdefault(account.name, account) is not account:
            raise UsageError(f"there is an account {account.name!r} already")
        account.obey(self._policy)
        if self._now is not None:
            account.follow(self._now)
        if self._form is not None:
            account.adopt(self._form(account))

    def get(self, name: str) -> Account | None:
        """The account of that name, or None; a newcomer's is made."""
        account = self._accounts.get(name)
        if account is None:
            made = self._alias(name) or (None if self.newcomer is None else self.newcomer(name))
            if made is not None:
                with contextlib.suppress(UsageError):  # another session was quicker
                    self.add(made)
        return account or self._accounts.get(name)

    def _alias(self, name: str) -> Account | None:
        """The account whose other name this is by the site's policy."""
        policy = self._policy
        if policy is None or not (policy.recent or policy.folders):
            return None
        from pop3s_fake.maildrop.alias import Alias, Folder  # noqa: PLC0415  # for those who have such names

        if policy.recent and name.startswith(policy.recent):
            account = self._accounts.get(name.removeprefix(policy.recent))
            return None if account is None else Alias(name, account)
        user, mark, folder = name.partition(policy.folders) if policy.folders else (name, "", "")
        account = self._accounts.get(user) if mark and folder else None
        return None if account is None else Folder(name, account)

    def secrets(self) -> set[bytes]:
        """Every password, shared secret and token: what nobody wants to see in a transcript."""
        return {secret.encode() for user in self.values() for secret in user.secrets()}

    def save(self) -> object:
        """The accounts and all that is theirs, for `restore`."""
        return [(account, account.save()) for account in self.values()]

    def restore(self, saved: Any) -> None:
        """Be again as when `save` was called; accounts that came later are gone."""
        for account, state in saved:
            account.restore(state)
        self._accounts = {account.name: account for account, _ in saved}

    def values(self) -> tuple[Account, ...]:
        """The accounts themselves."""
        return tuple(self._accounts.values())  # in one step: a test may add an account meanwhile

    def __getitem__(self, name: str) -> Account:
        account = self._accounts.get(name)
        if account is None and self._policy is not None and self._policy.folders and self._alias(name) is not None:
            account = self.get(name)
        if account is None:
            known = nearest(str(name), self._accounts) if self._accounts else "; there are no accounts"
            raise UsageError(f"no account {name!r}{known}")
        return account

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._accounts))

    def __contains__(self, name: object) -> bool:
        return name in self._accounts

    def __len__(self) -> int:
        return len(self._accounts)

    def __repr__(self) -> str:
        return f"<Accounts: {', '.join(self._accounts) or 'none'}>"
