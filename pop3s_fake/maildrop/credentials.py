"""What may be a name, a password or a secret of an account, and how it is kept.

Knows characters and SASLprep (RFC 4013); must not know accounts, and shows no password to anybody.
"""

from __future__ import annotations

import re

from pop3s_fake.errors import Pop3sFakeError, UsageError

__all__ = ("OrdinaryPassword", "checked_name", "checked_password", "checked_secret")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


class OrdinaryPassword(Pop3sFakeError):  # noqa: N818  # it is an answer
    """The password is that of the person, and a site's policy has programs log in by another one."""


def checked_name(name: object) -> str:
    """The name of an account as it is kept."""
    if not isinstance(name, str):
        raise UsageError(f"the name of an account must be a str, not {type(name).__name__}")
    if not name:
        raise UsageError("the name of an account is empty")
    _check_printable(name, f"account name {name!r}")
    stored = _prepared(name, "the name of an account")
    if stored != name:
        _check_printable(stored, f"account name {name!r}, after SASLprep {stored!r},")
    return stored


def _check_printable(name: str, told: str) -> None:
    for place, char in enumerate(name):
        if char == " " or not char.isprintable():
            raise UsageError(
                f"{told} has {char!r} at position {place}; "
                "USER takes printable characters without spaces (RFC 2449 section 3, RFC 6856 section 2.2)",
            )


def _prepared(text: str, what: str) -> str:
    """The text as it is stored (RFC 4013): what a client says comes to the same form, however it was typed."""
    if text.isascii():
        return text
    from pop3s_fake.maildrop.saslprep import Unprepared, saslprep  # noqa: PLC0415  # for those who need it

    try:
        stored = saslprep(text, stored=True)
    except Unprepared as error:
        raise UsageError(f"{what} {error}: nobody could log in with it (RFC 4013 section 2)") from None
    if not stored:
        raise UsageError(f"{what} is empty after SASLprep (RFC 4013 section 2.1)")
    return stored


def checked_secret(secret: object) -> str:
    """The secret as it is kept; it is never sent, so any text will do that SASLprep leaves something of."""
    if not isinstance(secret, str):
        raise UsageError(f"the secret of an account must be a str, not {type(secret).__name__}")
    if not secret:
        raise UsageError("the secret of an account is empty")
    return _prepared(secret, "the secret of an account")


def checked_password(password: object) -> str:
    """The password as it is kept; what is wrong with it is told without showing it."""
    if not isinstance(password, str):
        raise UsageError(f"the password of an account must be a str, not {type(password).__name__}")
    if not password:
        raise UsageError("the password of an account is empty")
    wrong = re.search(r"[\x00-\x1f\x7f]", password)
    if wrong is not None:
        raise UsageError(
            f"the password has the control character {wrong[0]!r} at position {wrong.start()}: "
            "no PASS line can carry it (RFC 1939 section 3)",
        )
    return _prepared(password, "the password of an account")
