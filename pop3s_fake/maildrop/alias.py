"""Another name of an account, under which a session finds other messages, or another maildrop.

Knows the account; must not know why it has the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.maildrop.account import Account

if TYPE_CHECKING:
    from pop3s_fake.maildrop.maildrop import Maildrop
    from pop3s_fake.maildrop.open_maildrop import OpenMaildrop

__all__ = ("Alias", "Folder")


class Folder(Account):
    """An account that is proved by all that proves another one, and has a maildrop of its own.

    >>> account = Account("ann", "not-a-secret")
    >>> folder = Folder("ann+lists", account)
    >>> folder.check_password(b"not-a-secret"), folder.maildrop is account.maildrop
    (True, False)
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
    def token(self) -> str | None:
        """That of the account."""
        return self._account.token

    def secrets(self) -> set[str]:
        """Those of the account."""
        return self._account.secrets()

    def check_token(self, octets: bytes) -> bool:
        """Whether these octets are the account's token, and it is still good."""
        return self._account.check_token(octets)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class Alias(Folder):
    """An account that shares all but its name with another: what proves it, the maildrop, the lock.

    >>> account = Account("ann", "not-a-secret")
    >>> alias = Alias("recent:ann", account)
    >>> alias, alias.check_password(b"not-a-secret"), alias.maildrop is account.maildrop
    (<Alias 'recent:ann'>, True, True)
    """

    __slots__ = ()

    @property
    def maildrop(self) -> Maildrop:
        """That of the account."""
        return self._account.maildrop

    def open(
        self,
        owner: object,
        *,
        exclusive: bool = True,
        expired: float | None = None,
        recent: bool = True,
        utf8: bool = False,
    ) -> OpenMaildrop:
        """Open the account's maildrop, as one sees it under this name."""
        return self._account.open(owner, exclusive=exclusive, expired=expired, recent=recent, utf8=utf8)

    def came_in(self) -> None:
        """A login under this name went well."""
        self._account.came_in()

    @property
    def away(self) -> bool:
        """Whether there were enough logins of the account for now."""
        return self._account.away

    def abandon(self) -> None:
        """A session under this name ended without QUIT."""
        self._account.abandon()

    def unlock(self) -> None:
        """Take the lock from whoever has it."""
        self._account.unlock()
