"""What the linter remembers of a conversation, and a command with what the client was told.

Knows values; must not know what they prove.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.protocol.commands import COMMANDS
from pop3s_fake.protocol.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pop3s_fake.maildrop import Accounts
    from pop3s_fake.protocol.lines import Line
    from pop3s_fake.protocol.linting.exchange import Exchange
    from pop3s_fake.protocol.linting.past import Past

__all__ = ("LOGINS", "Command", "Memory", "tags")

LOGINS: Final = frozenset({b"USER", b"PASS", b"APOP", b"AUTH"})
"""The keywords that carry credentials, or begin to."""

_STATUS: Final = re.compile(rb"(\+OK|-ERR)(?=[ \r])")

_ONLY_AFTER_LOGIN: Final = frozenset(
    keyword for keyword, command in COMMANDS.items() if State.AUTHORIZATION not in command.states
)


class Command(NamedTuple):
    """One line, and what the client was told."""

    keyword: bytes
    """In upper case."""
    rest: bytes | None
    """What stands behind the first space; None where there is none."""
    told: bytes | None
    """The first line of the answer as it went out; None where the client got something else than one clean answer."""
    state: State
    """Where the session stands behind it."""
    line: Line = b""
    """All of it."""
    blind: bool = False
    """Whether it may have been sent before the answer to the last command had come."""
    pending: bool = False
    """Whether more had come before it was answered."""
    own: bytes | None = None
    """The session's own answer, where that was not what went out."""
    payload: bytes | None = None
    """What CAPA listed."""

    @property
    def challenged(self) -> bool:
        """Whether the client was told a challenge, so that its next line is no command."""
        return self.told is not None and self.told.startswith((b"+ ", b"+\r"))

    @property
    def accepted(self) -> bool:
        """Whether the client was told ``+OK``."""
        return self.told is not None and self.told.startswith(b"+OK")

    @property
    def refused(self) -> bool:
        """Whether the client was told ``-ERR``."""
        return self.told is not None and self.told.startswith(b"-ERR")

    @property
    def odd(self) -> bool:
        """Whether the client was told neither, nor a challenge."""
        return self.told is not None and not self.challenged and not _STATUS.match(self.told)

    @property
    def number(self) -> int | None:
        """The message-number that it names."""
        word = (self.rest or b"").partition(b" ")[0]
        return int(word) if word.isdigit() and len(word) < 19 else None  # noqa: PLR2004  # no maildrop has so many

    @property
    def mechanism(self) -> bytes:
        """How it logs in: the keyword, or the name of AUTH's mechanism."""
        return (self.rest or b"").partition(b" ")[0].upper() if self.keyword == b"AUTH" else self.keyword

    @property
    def initial_response(self) -> bytes | None:
        """What stands behind AUTH's mechanism."""
        return (self.rest or b"").partition(b" ")[2] or None if self.keyword == b"AUTH" else None

    @property
    def only_after_login(self) -> bool:
        """Whether it is one of TRANSACTION's own."""
        return self.keyword in _ONLY_AFTER_LOGIN


@dataclass(slots=True)
class Memory:
    """What was said so far, as far as a later line may break something because of it."""

    accounts: Accounts
    offered: Callable[[], Sequence[str]]
    """The capabilities that CAPA would list now."""
    past: Past
    """What earlier conversations have seen."""
    greeting: bytes = b""
    trusts: bool = True
    """Whether the client heard nothing so far but clean answers."""
    secure: bool = False
    version: str | None = None
    certified: bool = False
    """Whether the client has shown a certificate."""
    flaw: str = ""
    """The requirement that a login over this certificate breaks."""
    listed: tuple[str, ...] | None = None
    """The capabilities that the client was told and that still hold."""
    before_tls: tuple[str, ...] | None = None
    """Those that it was told before STLS."""
    stls_refused: bool = False
    utf8: bool = False
    last: Command | None = None
    """The command before this one, if the linter was told of it."""
    login: bytes = b""
    """The way to log in that was tried last."""
    rejected: bool = False
    """Whether that was refused."""
    broke_down: bytes = b""
    """The way to log in that failed for a reason of the system's."""
    right: tuple[bytes, ...] = ()
    """The credentials that were refused and are right: mechanism, name and password, as far as they are known."""
    unproven: str = ""
    """The requirement that going on breaks: the server said +OK and proved nothing."""
    counted: bool = False
    """Whether the client was told how many messages there are."""
    messages: int | None = None
    """The highest message-number then; None where that is unknown."""
    deleted: set[int] = field(default_factory=set)
    withheld: set[int] = field(default_factory=set)
    """The messages that the client wanted and was refused."""
    awaited: set[int] = field(default_factory=set)
    """The messages that were asked for in octets that came with those in hand, so that none of them has come yet."""
    exchange: Exchange | None = None

    pipelined: bool = False
    """Whether the client has sent a command before the answer to the one before."""

    @property
    def pipelines(self) -> bool:
        """Whether the client may do so again, so that what it says need not rest on what it was told."""
        return self.pipelined or "PIPELINING" in self.past.announced

    @property
    def mechanisms(self) -> frozenset[str] | None:
        """The mechanisms that the client was told; None where it was told no list."""
        return None if self.listed is None else mechanisms(self.listed)


def tags(listed: Sequence[str]) -> frozenset[str]:
    """The first words of capabilities, in upper case."""
    return frozenset(line.partition(" ")[0].upper() for line in listed)


def mechanisms(listed: Sequence[str]) -> frozenset[str]:
    """The mechanisms that these capabilities name.

    >>> sorted(mechanisms(["TOP", "SASL PLAIN scram-sha-256"]))
    ['PLAIN', 'SCRAM-SHA-256']
    """
    return frozenset(word for line in listed if line.upper().startswith("SASL ") for word in line.upper().split()[1:])
