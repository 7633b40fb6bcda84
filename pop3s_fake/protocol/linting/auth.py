"""The AUTH line: a predicate a row for which mechanism is taken and what stands beside it (RFC 5034 sections 3 and 4).

Knows what was listed; must not know what the exchange says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.linting.exchange import SERVER_FIRST
from pop3s_fake.protocol.linting.memory import Command, Memory, mechanisms, tags
from pop3s_fake.protocol.states import State

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("ROWS",)


def no_name_where_none_is_listed(memory: Memory, command: Command) -> bool:
    """C-2449-5.4: `AUTH`, a space and nothing, where the client was told an empty list."""
    if command.rest is None or command.rest.strip(b" ") or memory.listed is None:
        return False
    return "SASL" in tags(memory.listed) and not memory.mechanisms


def initial_response_without_sasl(memory: Memory, command: Command) -> bool:
    """C-5034-3.1."""
    return command.initial_response is not None and "SASL" not in tags(memory.offered())


def unlisted(memory: Memory, command: Command) -> bool:
    """C-5034-3.2: the client was told a list, and takes what is not on it."""
    known = memory.mechanisms
    return bool(known) and _name(command) != "" and _name(command) not in (known or ())


def listed_before_tls(memory: Memory, command: Command) -> bool:
    """C-2595-4.2: it was on the list before STLS and is not offered any more."""
    if memory.before_tls is None or memory.listed is not None:
        return False
    return _name(command) in mechanisms(memory.before_tls) - mechanisms(memory.offered())


def initial_response_out_of_turn(_: Memory, command: Command) -> bool:
    """C-5034-4.3."""
    return command.initial_response is not None and _name(command) in SERVER_FIRST


def after_a_login(_: Memory, command: Command) -> bool:
    """C-5034-4.11."""
    return command.state is State.TRANSACTION and command.refused and _name(command) != ""


def external_without_certificate(memory: Memory, command: Command) -> bool:
    """C-4422-A.1."""
    return _name(command) == "EXTERNAL" and not memory.certified


def _name(command: Command) -> str:
    """The mechanism's name."""
    return command.mechanism.decode("latin-1")


ROWS: Final[tuple[tuple[str, Callable[[Memory, Command], bool]], ...]] = (
    ("C-2449-5.4", no_name_where_none_is_listed),
    ("C-5034-3.1", initial_response_without_sasl),
    ("C-5034-3.2", unlisted),
    ("C-2595-4.2", listed_before_tls),
    ("C-5034-4.3", initial_response_out_of_turn),
    ("C-5034-4.11", after_a_login),
    ("C-4422-A.1", external_without_certificate),
)
"""What an AUTH line may break."""
