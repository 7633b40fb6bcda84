"""The exclusive-access lock of a maildrop (RFC 1939 section 4): who has it, and that nobody else gets it.

Knows owners by identity; must not know who they are.  It is no lock of threads: whoever uses it sees to it that calls
do not overlap.
"""

from __future__ import annotations

from pop3s_fake.errors import Pop3sFakeError

__all__ = ("ExclusiveAccess", "MaildropInUse")


class MaildropInUse(Pop3sFakeError):  # noqa: N818 - the response code of RFC 2449 section 8.1.2 is IN-USE
    """Another session has the maildrop: the login that found this out is answered ``-ERR [IN-USE]``.

    ``owner`` is the one who has it.
    """

    owner: object

    def __init__(self, owner: object) -> None:
        """Keep the owner; how it is shown is worked out only if somebody looks."""
        super().__init__(owner)
        self.owner = owner

    def __str__(self) -> str:
        return f"the maildrop is in use by {self.owner!r}"


class ExclusiveAccess:
    """The lock: taken by an owner, any number of times, and free again when all it took is released.

    >>> access = ExclusiveAccess()
    >>> first = access.take("session 1")
    >>> access.take("session 2")
    Traceback (most recent call last):
    ...
    pop3s_fake.maildrop.lock.MaildropInUse: the maildrop is in use by 'session 1'
    >>> access.release(first)
    >>> second = access.take("session 2")
    """

    __slots__ = ("_owner", "_taken")

    def __init__(self) -> None:
        self._owner: object = None
        self._taken: set[object] = set()

    @property
    def owner(self) -> object:
        """Who has the lock; None if nobody has it."""
        return self._owner

    def take(self, owner: object) -> object:
        """What to release again, or `MaildropInUse` if another owner has the lock."""
        if self._taken and self._owner is not owner:
            raise MaildropInUse(self._owner)
        taken = object()
        self._owner = owner
        self._taken.add(taken)
        return taken

    def release(self, taken: object) -> None:
        """Give back what `take` gave; a second time does nothing."""
        self._taken.discard(taken)
        if not self._taken:
            self._owner = None
