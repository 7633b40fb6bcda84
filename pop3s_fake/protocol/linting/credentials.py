"""How a client shows who it is by USER, PASS and APOP: a predicate a row.

Knows the accounts, so that it can tell a wrong password from one that was sent wrongly; must not know what is said
of either.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.linting.memory import LOGINS, Command, Memory, tags

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("LOGIN_ROWS", "ROWS")

_BRACKETS: Final = re.compile(rb"<[^>]*>")
_MSG_ID: Final = re.compile(rb"<[^<>@\x00-\x20\x7f-\xff]+@[^<>@\x00-\x20\x7f-\xff]+>")
_APOP: Final = re.compile(rb"[^ ]+ ([0-9a-f]{32})")


def after_a_negative_greeting(memory: Memory, _: Command) -> bool:
    """C-1939-4.1."""
    return memory.greeting.startswith(b"-ERR")


def behind_a_refused_user(memory: Memory, _: Command) -> bool:
    """C-1939-7.USER.1."""
    last = memory.last
    return last is not None and last.keyword == b"USER" and last.refused and not memory.pipelines


def password_changed_on_its_way(memory: Memory, command: Command) -> bool:
    """C-1939-7.PASS.1: quoted, or its spaces made fewer."""
    last, sent = memory.last, command.rest
    if last is None or last.keyword != b"USER" or last.rest is None or sent is None:
        return False
    account = memory.accounts.get(last.rest.decode("latin-1"))
    password = b"" if account is None else account.login.password.encode()
    if b" " not in password or sent == password:
        return False
    return sent in {b'"%b"' % password, b"'%b'" % password, password.strip(), b" ".join(password.split())}


def digest_of_another_form(memory: Memory, command: Command) -> bool:
    """C-1939-7.APOP.1: no digest, or one of what should not have been digested."""
    found = _APOP.fullmatch(command.rest or b"")
    if found is None:
        return True
    timestamp = _MSG_ID.search(memory.greeting)
    account = memory.accounts.get((command.rest or b"").partition(b" ")[0].decode("latin-1"))
    if timestamp is None or account is None:
        return False
    secret, stamp = account.secret.encode(), timestamp[0]
    wrong = (stamp[1:-1] + secret, secret + stamp, stamp + secret + b"\r\n", stamp + secret + b"\n", secret)
    digests = {hashlib.md5(octets, usedforsecurity=False).hexdigest().encode() for octets in wrong}
    return found[1] in digests


def apop_without_timestamp(memory: Memory, _: Command) -> bool:
    """C-1939-7.APOP.2."""
    return memory.greeting.startswith(b"+OK") and not _BRACKETS.search(memory.greeting)


def apop_without_msg_id(memory: Memory, _: Command) -> bool:
    """C-1939-7.APOP.3."""
    return bool(_BRACKETS.search(memory.greeting)) and not _MSG_ID.search(memory.greeting)


def user_is_not_listed(memory: Memory, command: Command) -> bool:
    """C-2449-6.2: the client was told so, or sends a password in clear for all to read."""
    if memory.listed is not None:
        return "USER" not in tags(memory.listed)
    return command.keyword == b"PASS" and not memory.secure and "USER" not in tags(memory.offered())


def not_ascii(memory: Memory, command: Command) -> bool:
    """C-6856-2.2."""
    if command.rest is None or command.rest.isascii():
        return False
    return not any(line.upper().split() == ["UTF8", "USER"] for line in memory.offered())


def capabilities_of_before(memory: Memory, _: Command) -> bool:
    """C-2595-4.3: the client had asked before STLS, and not again."""
    return memory.before_tls is not None and memory.listed is None


def in_clear_for_want_of_tls(memory: Memory, _: Command) -> bool:
    """C-2595-4.5."""
    return memory.stls_refused and not memory.secure


def another_way_to_the_same_fault(memory: Memory, command: Command) -> bool:
    """C-3206-4.1."""
    return bool(memory.broke_down) and command.mechanism not in {memory.broke_down, _FIRST_HALF.get(memory.broke_down)}


def others_than_the_right_ones(memory: Memory, command: Command) -> bool:
    """C-2449-8.5: another way to log in, or another password for the same name; a refusal hid nothing but time."""
    if not memory.right or command.keyword == b"USER":
        return False
    mechanism, *known = memory.right
    if command.mechanism != mechanism:
        return True
    last = memory.last
    if command.keyword != b"PASS" or last is None or last.keyword != b"USER":
        return False
    return last.rest == known[0] and command.rest != known[1]


def in_clear_instead_of_tls(memory: Memory, command: Command) -> bool:
    """C-8314-5.2."""
    return memory.past.without_tls and not memory.secure and command.keyword != b"USER"


_FIRST_HALF: Final = {b"PASS": b"USER"}
"""PASS is tried again by USER."""

Row = tuple[str, "Callable[[Memory, Command], bool]"]

LOGIN_ROWS: Final[tuple[Row, ...]] = (
    ("C-1939-4.1", after_a_negative_greeting),
    ("C-2595-4.3", capabilities_of_before),
    ("C-2595-4.5", in_clear_for_want_of_tls),
    ("C-3206-4.1", another_way_to_the_same_fault),
    ("C-2449-8.5", others_than_the_right_ones),
    ("C-8314-5.2", in_clear_instead_of_tls),
)
"""What any way to log in may break; they rest on what the client was told."""

_OF_A_NAME: Final[tuple[Row, ...]] = (("C-2449-6.2", user_is_not_listed), ("C-6856-2.2", not_ascii))

ROWS: Final[dict[bytes, tuple[Row, ...]]] = dict.fromkeys(LOGINS, LOGIN_ROWS) | {
    b"USER": (*LOGIN_ROWS, *_OF_A_NAME),
    b"PASS": (
        *LOGIN_ROWS,
        *_OF_A_NAME,
        ("C-1939-7.USER.1", behind_a_refused_user),
        ("C-1939-7.PASS.1", password_changed_on_its_way),
    ),
    b"APOP": (
        *LOGIN_ROWS,
        ("C-6856-2.2", not_ascii),
        ("C-1939-7.APOP.1", digest_of_another_form),
        ("C-1939-7.APOP.2", apop_without_timestamp),
        ("C-1939-7.APOP.3", apop_without_msg_id),
    ),
}
"""By keyword, what it may break."""
