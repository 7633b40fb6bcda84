"""In which order a client says what: a predicate a row for commands behind what the client was told before.

Knows states and numbers; must not know credentials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.linting.memory import LOGINS, Command, Memory

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("ROWS",)

_GARBLED_THEN: Final = {
    b"": LOGINS,  # the greeting
    b"USER": frozenset({b"PASS"}),
    b"RETR": frozenset({b"DELE"}),
    b"TOP": frozenset({b"DELE"}),
}
"""What nobody says who has not taken an odd status for a positive one."""


def built_on_an_odd_status(memory: Memory, command: Command) -> bool:
    """C-1939-3.10."""
    last = memory.last
    return last is not None and last.odd and command.keyword in _GARBLED_THEN.get(last.keyword, ())


def in_spite_of_the_refusal(memory: Memory, command: Command) -> bool:
    """C-1939-4.2: what the client may have sent before it heard the refusal does not count."""
    return memory.rejected and command.only_after_login and not memory.pipelines


def number_of_no_message(memory: Memory, command: Command) -> bool:
    """C-1939-5.LIST.2: a number that no listing of this session holds."""
    return _beyond(memory, command) and memory.messages != 0


def message_of_an_empty_maildrop(memory: Memory, command: Command) -> bool:
    """C-1939-5.LIST.3."""
    return _beyond(memory, command) and memory.messages == 0


def _beyond(memory: Memory, command: Command) -> bool:
    """Whether it names a message that is not there, and the client was told how many are."""
    number = command.number
    if not memory.counted or number is None or memory.pipelines or not command.refused:
        return False
    return command.keyword in _FETCHED and memory.messages is not None and not 0 < number <= memory.messages


def deletes_what_was_withheld(memory: Memory, command: Command) -> bool:
    """C-1939-5.RETR.2: RETR was refused, and the DELE is accepted."""
    return command.accepted and command.number in memory.withheld and not memory.pipelines


def refers_to_a_deleted_message(memory: Memory, command: Command) -> bool:
    """C-1939-5.DELE.1."""
    return command.keyword in _NUMBERED and command.number in memory.deleted


def tls_after_utf8(memory: Memory, _: Command) -> bool:
    """C-6856-2.1."""
    return memory.utf8


_FETCHED: Final = frozenset({b"RETR", b"DELE", b"TOP"})
_NUMBERED: Final = frozenset({b"RETR", b"DELE", b"TOP", b"LIST", b"UIDL"})

Row = tuple[str, "Callable[[Memory, Command], bool]"]

_ANY: Final[tuple[Row, ...]] = (("C-1939-3.10", built_on_an_odd_status),)

_AFTER_LOGIN: Final[tuple[Row, ...]] = (("C-1939-4.2", in_spite_of_the_refusal),)

_OF_A_MESSAGE: Final[tuple[Row, ...]] = (
    *_AFTER_LOGIN,
    ("C-1939-5.LIST.2", number_of_no_message),
    ("C-1939-5.LIST.3", message_of_an_empty_maildrop),
    ("C-1939-5.DELE.1", refers_to_a_deleted_message),
)

ROWS: Final[dict[bytes, tuple[Row, ...]]] = {
    b"USER": _ANY,
    b"PASS": _ANY,
    b"APOP": _ANY,
    b"AUTH": _ANY,
    b"STAT": _AFTER_LOGIN,
    b"NOOP": _AFTER_LOGIN,
    b"RSET": _AFTER_LOGIN,
    b"LIST": _OF_A_MESSAGE,
    b"UIDL": _OF_A_MESSAGE,
    b"RETR": _OF_A_MESSAGE,
    b"TOP": _OF_A_MESSAGE,
    b"DELE": (*_ANY, *_OF_A_MESSAGE, ("C-1939-5.RETR.2", deletes_what_was_withheld)),
    b"STLS": (("C-6856-2.1", tls_after_utf8),),
}
"""By keyword, what it may break."""
