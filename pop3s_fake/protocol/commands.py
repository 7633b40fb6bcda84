"""The commands as a table: keyword, the states in which it is legal, and the grammar of its arguments.

Knows RFC 1939 sections 4 to 7, RFC 2449 section 5, RFC 2595, 5034 and 6856, and LAST of RFC 1460, as data; must not
know what a command does.
"""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import Final, NamedTuple

from pop3s_fake.protocol.replies import MALFORMED, NOT_UTF8, Err
from pop3s_fake.protocol.states import State

__all__ = ("COMMANDS", "FOREIGN", "INTERNATIONAL", "Argument", "Command", "arguments", "international", "plain")


class Argument(enum.Enum):
    """What may stand in an argument's place; the value is how people call it."""

    NUMBER = "a message-number"
    LINES = "a number of lines"
    NAME = "a name"
    DIGEST = "a digest of 32 lower-case hexadecimal digits"
    MECHANISM = "a mechanism of 1 to 20 letters, digits, hyphens and underscores"
    RESPONSE = "an initial response"
    LANGUAGE = "a language tag or *"
    REST = "a password"
    """All that follows the first space, verbatim: a password may hold spaces (RFC 1939 section 7, PASS)."""


class Command(NamedTuple):
    """One row of the table.

    >>> COMMANDS[b"TOP"].form
    'TOP message-number lines'
    """

    keyword: str
    states: frozenset[State]
    arguments: tuple[Argument, ...] = ()
    optional: int = 0
    """How many arguments may be left out, counted from the end."""

    @property
    def form(self) -> str:
        """The command as a person would write it down."""
        words = {
            Argument.NUMBER: "message-number",
            Argument.LINES: "lines",
            Argument.NAME: "name",
            Argument.DIGEST: "digest",
            Argument.REST: "password",
            Argument.MECHANISM: "mechanism",
            Argument.RESPONSE: "initial-response",
            Argument.LANGUAGE: "language-tag",
        }
        parts = [self.keyword, *(words[argument] for argument in self.arguments)]
        form = " ".join(parts)
        return f"{' '.join(parts[: -self.optional])} or {form}" if self.optional else form


_A: Final = frozenset({State.AUTHORIZATION})
_T: Final = frozenset({State.TRANSACTION})

COMMANDS: Final[dict[bytes, Command]] = {
    command.keyword.encode(): command
    for command in (
        Command("USER", _A, (Argument.NAME,)),
        Command("PASS", _A, (Argument.REST,)),
        Command("APOP", _A, (Argument.NAME, Argument.DIGEST)),
        Command("STAT", _T),
        Command("LIST", _T, (Argument.NUMBER,), optional=1),
        Command("RETR", _T, (Argument.NUMBER,)),
        Command("DELE", _T, (Argument.NUMBER,)),
        Command("NOOP", _T),
        Command("RSET", _T),
        Command("TOP", _T, (Argument.NUMBER, Argument.LINES)),
        Command("UIDL", _T, (Argument.NUMBER,), optional=1),
        Command("LAST", _T),
        Command("AUTH", _A, (Argument.MECHANISM, Argument.RESPONSE), optional=1),
        Command("STLS", _A),
        Command("UTF8", _A),
        Command("LANG", _A | _T, (Argument.LANGUAGE,), optional=1),
        Command("CAPA", _A | _T),
        Command("QUIT", _A | _T),
    )
}

FOREIGN: Final[dict[bytes, Command]] = {b"*ENV": Command("*ENV", _T, (Argument.NUMBER,))}
"""Commands that no specification knows, and some server had: who sent a message to whom (Demon's SDPS)."""

INTERNATIONAL: Final = frozenset({b"USER", b"PASS", b"APOP"})
"""The commands that may carry UTF-8 where UTF8 USER is listed (RFC 6856 section 2.2)."""

PLAIN_LIMIT: Final = 47
"""Octets of a line that is remembered: RFC 1939 section 3 knew no longer ones."""

_COUNTS: Final = frozenset({Argument.NUMBER, Argument.LINES})

_WORDS: Final = frozenset({Argument.NAME, Argument.RESPONSE, Argument.LANGUAGE})

_VCHAR: Final = bytes(range(0x21, 0x7F))
_PRINTABLE: Final = bytes(range(0x20, 0x7F))
_HEX: Final = b"0123456789abcdef"
_DIGEST_DIGITS: Final = 32
_MECHANISM: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_MECHANISM_LENGTH: Final = 20
"""RFC 4422 section 3.1; and who calls is handed the name in upper case."""
_NUMBER_DIGITS: Final = 18
"""Digits that are read as a number; no maildrop has so many messages, and Python refuses to read 4 301 of them."""


def arguments(  # noqa: PLR0911  # one line for each way to be wrong
    command: Command, rest: bytes | None
) -> tuple[bytes | int, ...] | Err:
    r"""The arguments behind the keyword, read by the command's grammar, or the reply that refuses them.

    ``rest`` is what follows the first space, or None where there is no space.  Message-numbers and line counts come
    as numbers; one that is too long for any maildrop comes as 0, which no message has.

    >>> arguments(COMMANDS[b"RETR"], b"2")
    (2,)
    >>> arguments(COMMANDS[b"RETR"], b"two").octets()
    b'-ERR RETR takes a message-number, not that: RETR message-number\r\n'
    """
    wanted = command.arguments
    least = len(wanted) - command.optional
    if rest is None:
        return _refusal(command, "is not complete") if least else ()
    if not wanted:
        return _refusal(command, "takes no argument")
    if wanted[0] is Argument.REST:
        return (rest,) if rest and not rest.translate(None, _PRINTABLE) else MALFORMED
    words = rest.split(b" ")
    if b"" in words or rest.translate(None, _PRINTABLE):
        return MALFORMED
    if not least <= len(words) <= len(wanted):
        return _refusal(command, "is not complete" if len(words) < least else "takes fewer arguments")
    values: list[bytes | int] = []
    for argument, word in zip(wanted, words, strict=False):
        value = _value(argument, word)
        if value is None:
            return _refusal(command, f"takes {argument.value}, not that")
        values.append(value)
    return tuple(values)


def international(command: Command, rest: bytes) -> tuple[bytes | int, ...] | Err:
    r"""The same for a line of :data:`INTERNATIONAL` that is not ASCII: what is in UTF-8 comes after SASLprep.

    >>> international(COMMANDS[b"USER"], "jose\u0301".encode())
    (b'jos\xc3\xa9',)
    >>> international(COMMANDS[b"PASS"], b"\xc3(").octets()
    b'-ERR this is not UTF-8, or nothing that a name or a password may hold\r\n'
    """
    from pop3s_fake.maildrop.saslprep import Unprepared, saslprep  # noqa: PLC0415  # for those who need it

    words = [rest] if command.arguments[0] is Argument.REST else rest.split(b" ")
    try:
        words[0] = saslprep(words[0].decode()).encode()
    except (UnicodeDecodeError, Unprepared):
        return NOT_UTF8
    if not words[0]:
        return NOT_UTF8
    values = arguments(command, b" ".join([b"x", *words[1:]]))  # the others are as ever
    return values if isinstance(values, Err) else (words[0], *values[1:])


class Plain(NamedTuple):
    """A line that is understood: its keyword in upper case, its numbers, and both as text."""

    keyword: bytes
    values: tuple[bytes | int, ...]
    word: str
    argument: str


def plain(line: bytes) -> Plain | None:
    """What a well-formed line says that carries nothing but a keyword and numbers; None for all others.

    Most lines are such, and the same ones come again and again; none of them can hold a secret.

    >>> plain(b"retr 2")
    Plain(keyword=b'RETR', values=(2,), word='RETR', argument='2')
    >>> plain(b"RETR two"), plain(b"PASS 2")
    (None, None)
    """
    return _plain(line) if len(line) <= PLAIN_LIMIT else None  # a cache of long lines would be a client's to fill


@lru_cache(maxsize=4096)
def _plain(line: bytes) -> Plain | None:
    """The same for a short line, remembered."""
    keyword, space, rest = line.partition(b" ")
    keyword = keyword.upper()
    command = COMMANDS.get(keyword)
    if command is None or not _COUNTS.issuperset(command.arguments):
        return None
    values = arguments(command, rest if space else None)
    return None if isinstance(values, Err) else Plain(keyword, values, command.keyword, rest.decode())


def _value(argument: Argument, word: bytes) -> bytes | int | None:
    """One argument, or None where it does not fit."""
    if argument in _WORDS:
        return word
    if argument is Argument.MECHANISM:
        return word.upper() if len(word) <= _MECHANISM_LENGTH and not word.translate(None, _MECHANISM) else None
    if argument is Argument.DIGEST:
        return word if len(word) == _DIGEST_DIGITS and not word.translate(None, _HEX) else None
    if not word.isdigit():
        return None
    if len(word) > _NUMBER_DIGITS:
        return 0 if argument is Argument.NUMBER else 10**_NUMBER_DIGITS
    return int(word)


def _refusal(command: Command, why: str) -> Err:
    """The reply to a command of the wrong form."""
    return Err(f"{command.keyword} {why}: {command.form}")
