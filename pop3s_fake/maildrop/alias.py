"""Another name of an account, under which a session finds other messages.

Knows the account; must not know why it has the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.maildrop.account import Account

if TYPE_CHECKING:
    from pop3s_fake.maildrop.maildrop import Maildrop
    from pop3s_fake.maildrop.open_maildrop import OpenMaildrop

__all__ = ("Alias",)


class Alias(Account):
    """An account that shares all but its name with another: what proves it, the maildrop, the lock.

    >>> account = Account("ann", "not-a-secret")
    >>> alias = Alias("recent:ann", account)
    >>> alias, alias.check_password(b"not-a-secret"), alias.maildrop is account.maildrop
    (<Alias 'recent:ann'>, True, True)
    """

    __slots__ = ("_account",)

    def __init__(self, name: str, account: Account) -> None:
        super().__init__(
            name,
            account.login.password,
            secret=account.secret,
            login_delay=account.login_delay,
            expire=account.expire,
        )
        self._account = account

    @property
    def maildrop(self) -> Maildrop:
        """That of the account."""
        return self._account.maildrop

    @property
    def token(self) -> str | None:
        """That of the account."""
        return self._account.token

    def secrets(self) -> set[str]:
        """Those of the account."""
        return self._account.secrets()

    def check_token(self, octets: bytes) -> bool:
        """Whether these octets are the account's token, and it is still good."""
        return self._account.check_token(octets)

    def open(
        self, owner: object, *, exclusive: bool = True, expired: float | None = None, recent: bool = True
    ) -> OpenMaildrop:
        """Open the account's maildrop, as one sees it under this name."""
        return self._account.open(owner, exclusive=exclusive, expired=expired, recent=recent)

    def abandon(self) -> None:
        """A session under this name ended without QUIT."""
        self._account.abandon()

    def unlock(self) -> None:
        """Take the lock from whoever has it."""
        self._account.unlock()

    def __repr__(self) -> str:
        return f"<Alias {self.name!r}>"
