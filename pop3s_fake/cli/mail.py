"""Who may log in and what they find, from the words of the command line.

Knows `--account`, `--any-login`, `--mail` and `--write-back`; must not know how mail is read, or how it is served.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pop3s_fake.cli import demo
from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.maildrop import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pop3s_fake.sources import Loaded

__all__ = ("Anybody", "Served", "served")

OWN_MAIL: Final = ("~/Maildir", "~/.maildir", "~/Mail", "~/mail", "~/.mail", "~/mbox", "/var/mail", "/var/spool/mail")
"""Where people's own mail lies; also where MAIL and MAILDIR of the environment point to."""


class Anybody(Account):
    """An account for which every password is right, and every token.

    >>> Anybody("ann", "some-password").check_password(b"another")
    True
    """

    __slots__ = ()

    def check_password(self, octets: bytes) -> bool:  # noqa: ARG002  # whatever it is
        """Yes."""
        return True

    def check_digest(self, timestamp: str, digest: str) -> bool:  # noqa: ARG002  # the same
        """Yes."""
        return True

    def check_token(self, octets: bytes) -> bool:  # noqa: ARG002  # the same
        """Yes."""
        return True


class Served(NamedTuple):
    """The accounts in their order, what was loaded for them, and a line about each that says so."""

    accounts: list[Account]
    loaded: list[Loaded]
    lines: list[str]
    newcomer: Callable[[str], Account | None] | None = None
    """Makes an account for a name that has none; None: nobody is let in who has none."""


def served(
    accounts: Sequence[str],
    mail: Sequence[str],
    *,
    any_login: bool = False,
    write_back: bool = False,
    yes: bool = False,
    strict: bool = False,
) -> Served:
    """The accounts that these words make, with their mail.

    With ``any_login`` everybody else is let in with any password, and has a copy of the first account's mail.  Raises a
    UsageError for two accounts of one name, for mail of nobody, for ``write_back`` on somebody's own mail without
    ``yes`` or on copies, and with ``strict`` for a path that is no mail, which is otherwise told in ``loaded``.

    >>> served(["ann:secret"], []).accounts
    [<Account 'ann'>]
    >>> served([], []).lines
    ['demo: 3 demo messages']
    """
    if write_back and not mail:
        raise UsageError("--write-back has nothing to write back: it needs --mail")
    if write_back and any_login:
        raise UsageError(
            "--write-back cannot be had with --any-login: each name has a copy of the mail, and not the mail"
        )
    users = dict(_users(accounts)) or {demo.ACCOUNT[0]: (Anybody if any_login else Account)(*demo.ACCOUNT)}
    wanted = [_owner(word, users) for word in mail]
    if write_back and not yes:
        for _, path in wanted:
            _refuse_own(path)
    lines = []
    found: list[Loaded] = []
    if not accounts and not mail:
        users[demo.ACCOUNT[0]].maildrop.add(*demo.MESSAGES)
        lines.append(f"{demo.ACCOUNT[0]}: {_messages(len(demo.MESSAGES), 'demo ')}")
    for name, path in wanted:
        loaded = _load(path, write_back=write_back, strict=strict, into=users[name].maildrop)
        found.append(loaded)
        if loaded.kind != "nothing":
            lines.append(f"{name}: {_loaded(loaded, write_back=write_back)}")
    lines += [f"{name}: no messages" for name, user in users.items() if not len(user.maildrop)]
    if not any_login:
        return Served(list(users.values()), found, lines)
    first = next(iter(users))
    copied = [path for name, path in wanted if name == first]
    lines.append(f"anybody else: a copy of what {first} has")
    return Served(
        list(users.values()), found, lines, _newcomers(copied, found, () if accounts or mail else demo.MESSAGES)
    )


def _newcomers(paths: Sequence[str], found: list[Loaded], messages: Sequence[str]) -> Callable[[str], Account | None]:
    """Makes an account for a name, with a copy of this mail; what is loaded for it is added to what was ``found``."""

    def newcomer(name: str) -> Account | None:
        try:
            account = Anybody(name, demo.ACCOUNT[1])
        except UsageError:  # it is no name
            return None
        account.maildrop.add(*messages)
        found.extend(_load(path, into=account.maildrop) for path in paths)
        return account

    return newcomer


def _load(path: str, **how: Any) -> Loaded:
    from pop3s_fake.sources import load  # noqa: PLC0415  # only where there is something to load

    return load(path, **how)


def _loaded(loaded: Loaded, *, write_back: bool) -> str:
    """What was found, where, and what becomes of deletions."""
    kind = "" if loaded.kind in {"eml", "folder"} else f"{loaded.kind} "
    how = "deletions are carried out there, at QUIT" if write_back else "read-only: deletions live in memory"
    return f"{_messages(loaded.count)} of {kind}{loaded.path} ({how})"


def _messages(count: int, kind: str = "") -> str:
    return f"{count} {kind}message{'' if count == 1 else 's'}"


def _users(words: Sequence[str]) -> Iterator[tuple[str, Account]]:
    """Each account by its name."""
    names: set[str] = set()
    for word in words:
        name, colon, password = word.partition(":")
        if not colon:
            raise UsageError(f"--account is NAME:PASSWORD, such as ann:secret; {word!r} has no colon")
        if name in names:
            raise UsageError(f"--account has {name!r} twice; each account needs a name of its own")
        names.add(name)
        yield name, Account(name, password)


def _owner(word: str, users: dict[str, Account]) -> tuple[str, str]:
    """Whose mail it is, and where: the first account's unless an account's name and = stand before the path."""
    name, equals, path = word.partition("=")
    if equals and name in users:
        word = path
    elif equals and "/" not in name and not Path(word).exists():
        raise UsageError(f"--mail {word!r} is for nobody: no account {name!r}{nearest(name, users)}")
    else:
        name = next(iter(users))
    if not word:
        raise UsageError("--mail needs a path: a Maildir, an mbox, an .eml file or a folder of them")
    return name, word


def _refuse_own(path: str) -> None:
    """Raise a UsageError if this looks like somebody's own mail, which no test should delete."""
    real = Path(os.path.realpath(path))
    for word in (*OWN_MAIL, os.environ.get("MAIL", ""), os.environ.get("MAILDIR", "")):
        own = Path(os.path.realpath(os.path.expanduser(word))) if word else None  # noqa: PTH111  # unlike Path's, no error
        if own is not None and real.is_relative_to(own):
            raise UsageError(
                f"--write-back would delete mail in {path!r}, which looks like your own; "
                "add --yes if that is meant, or leave --write-back out"
            )
