"""What a line says to a server of another manner: its keyword, its numbers, or why it cannot be carried out.

Knows the settings of reading and the table of commands; must not know sessions, nor what is answered.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.protocol.commands import COMMANDS, FOREIGN, Argument

if TYPE_CHECKING:
    from pop3s_fake.protocol.commands import Command
    from pop3s_fake.protocol.manner import Login, Manner, Numbers, Outcome, Place

__all__ = ("Said", "understood")

_COUNTS: Final = frozenset({Argument.NUMBER, Argument.LINES})
_SCAN: Final = re.compile(rb"([+-]?)([0-9]+)")
_DIGITS: Final = 4000
"""Digits that are read; Python itself refuses more."""

_ZERO: Final = re.compile(rb"()()")
_MD5: Final = re.compile(rb"[0-9a-fA-F]{32}")
_LONG: Final = (1 << 63) - 1
"""What a larger number is read as where numbers wrap; and the number of lines of a whole message."""

_LINES: Final[dict[Outcome, Outcome]] = {
    "missing": "lines_missing",
    "not_a_number": "lines_not_a_number",
    "negative": "lines_negative",
    "noise": "lines_noise",
    "too_large": "lines_too_large",
    "extra": "lines_extra",
}
"""The outcomes of the second number."""


class Said(NamedTuple):
    """One line, understood as far as it goes."""

    keyword: str
    typed: bytes = b""
    argument: bytes = b""
    values: tuple[bytes | int, ...] = ()
    outcome: Outcome = "ok"
    """Whether it can be carried out, or why not."""
    rest: bytes = b""
    """What could not be read."""
    number: int | None = None


def understood(manner: Manner, line: bytes, *, after: bool) -> Said:
    """Read a line by this manner, before the login or after it.

    >>> from pop3s_fake.protocol.manner import Manner, Numbers, Place
    >>> manner = Manner(after=Place(commands=("LIST",)), numbers=Numbers(noise="ignored"))
    >>> understood(manner, b"LIST 1abc", after=True).values, understood(manner, b"LIST a", after=True).outcome
    ((1,), 'not_a_number')
    """
    reading, separators = manner.reading, manner.reading.separators.encode()
    if reading.nul != "part" and b"\0" in line:
        if reading.nul == "refused":
            return Said("", line, outcome="nul")
        if reading.nul == "hides":
            return Said("", line.partition(b"\0")[0], outcome="hidden")
        line = line.partition(b"\0")[0]
    if reading.leading == "skipped":
        line = line.lstrip(separators)
    typed, argument, parted = _parted(line, separators)
    said = Said(typed.upper().decode("latin-1"), typed, argument)
    here, elsewhere = (manner.after, manner.before) if after else (manner.before, manner.after)
    outcome = _not_here(said, here, elsewhere, parted=parted)
    if outcome is None:
        return _read(manner, said, separators, parted=parted)
    if outcome == "wrong_state":
        outcome = _earlier(manner, said, separators, parted=parted) or outcome
    return said._replace(outcome=outcome)


def _earlier(manner: Manner, said: Said, separators: bytes, *, parted: bool) -> Outcome | None:
    """What is told of a command ahead of its state being wrong."""
    reading = manner.reading
    if not COMMANDS[said.typed.upper()].arguments:
        return "extra" if reading.superfluous == "first" and said.argument.strip(separators) else None
    if said.keyword not in {*reading.missing_first, *reading.extra_first}:
        return None
    told = _read(manner, said, separators, parted=parted).outcome
    missing = told in {"missing", "blank"} and said.keyword in reading.missing_first
    return told if missing or (told == "extra" and said.keyword in reading.extra_first) else None


def _parted(line: bytes, separators: bytes) -> tuple[bytes, bytes, bool]:
    """The keyword, what is behind the first separator, and whether there is one."""
    if len(separators) == 1:
        typed, separator, argument = line.partition(separators)
        return typed, argument, bool(separator)
    found = _one_of(separators).search(line)
    return (line, b"", False) if found is None else (line[: found.start()], line[found.end() :], True)


@lru_cache(maxsize=64)
def _one_of(separators: bytes) -> re.Pattern[bytes]:
    """Any of these."""
    return re.compile(b"[%b]" % re.escape(separators))


def _not_here(said: Said, here: Place, elsewhere: Place, *, parted: bool) -> Outcome | None:
    """Why there is no such command in this state."""
    if not said.typed:
        return "blank" if parted and not said.argument.strip(b" \t\r") else "empty"
    if said.keyword in here.disabled:
        return "disabled"
    if said.keyword in here.commands:
        return None
    known = said.keyword in elsewhere.commands or said.keyword in elsewhere.disabled
    return "wrong_state" if known else "unknown"


def _read(manner: Manner, said: Said, separators: bytes, *, parted: bool) -> Said:
    """The arguments of a command that there is; ``parted``: whether anything parts them from the keyword."""
    keyword = said.keyword.encode()
    command = COMMANDS.get(keyword) or FOREIGN[keyword]
    if not command.arguments:
        return _alone(manner, said, separators, parted=parted)
    if _COUNTS.issuperset(command.arguments):
        return _numbers(manner, said, command, separators, parted=parted)
    if said.keyword == "AUTH":
        return _mechanism(said, separators)
    if said.keyword == "APOP":
        return _digest(said, separators)
    return _secret(manner, said, separators, parted=parted)


def _alone(manner: Manner, said: Said, separators: bytes, *, parted: bool) -> Said:
    """A command that takes nothing."""
    if not parted:
        return said
    if said.argument.strip(separators):
        return said if manner.reading.superfluous == "ignored" else said._replace(outcome="extra")
    trailing = manner.reading.trailing
    return (
        said if trailing == "skipped" or (trailing == "one" and not said.argument) else said._replace(outcome="blank")
    )


def _secret(manner: Manner, said: Said, separators: bytes, *, parted: bool) -> Said:
    """USER, PASS and what else takes words as they are."""
    login = manner.login
    word = said.argument
    form = login.name if said.keyword == "USER" else login.password if said.keyword == "PASS" else "word"
    if form == "first-word":
        word = _one_of(separators).split(word, maxsplit=1)[0]
    elif form != "line":
        word = word.rstrip(separators)
    if not word and said.keyword == "LANG":
        return said
    if not word and said.keyword not in login.empty:
        return said._replace(outcome="blank" if parted else "missing")
    if form == "word" and any(octet in separators for octet in word):
        return said._replace(outcome="extra")
    if said.keyword == "USER" and _bad_name(login, word):
        return said._replace(outcome="bad_name")
    return Said(said.keyword, said.typed, said.argument, (word,))


def _bad_name(login: Login, name: bytes) -> bool:
    """Whether USER takes no such name, whoever has it."""
    return (0 < login.longest_name < len(name)) or (login.octets == "ascii" and not name.isascii())


def _mechanism(said: Said, separators: bytes) -> Said:
    """AUTH: a mechanism and perhaps an initial response."""
    words = said.argument.split(separators[:1])
    if not words[0]:
        return said._replace(outcome="listing")
    return said._replace(values=(words[0].upper(), *words[1:2]))


def _digest(said: Said, separators: bytes) -> Said:
    """APOP: a name and a digest."""
    name, _, digest = said.argument.partition(separators[:1])
    if not name or not digest:
        return said._replace(outcome="digest_missing" if name else "missing")
    return said._replace(values=(name, digest)) if _MD5.fullmatch(digest) else said._replace(outcome="malformed")


def _numbers(manner: Manner, said: Said, command: Command, separators: bytes, *, parted: bool) -> Said:
    """One number or two, as far as they can be read."""
    numbers = (said.keyword == "TOP" and manner.top) or manner.numbers
    skipped = numbers.leading.encode()
    if numbers.trailing == "lost":
        said = said._replace(argument=said.argument.rstrip(separators))
    separators = numbers.parting.encode() or separators
    if numbers.separators == "run":
        separators += skipped
    text = said.argument.lstrip(separators) if numbers.separators == "run" else said.argument
    if not text:
        return _none(manner, said, command, parted=parted)
    values: list[int] = []
    for place, argument in enumerate(command.arguments):
        last = place == len(command.arguments) - 1
        lines = argument is Argument.LINES
        largest = (lines and numbers.largest_lines) or numbers.largest
        open_end = numbers.lines_first == "unparted" and text.endswith(tuple(map(bytes, zip(separators, strict=True))))
        outcome, value, text = _number(numbers, text.lstrip(skipped), separators, largest, last=last)
        if outcome != "ok":
            told = _LINES.get(outcome, outcome) if lines else outcome
            return said._replace(outcome=told, rest=text, number=values[0] if values else None)
        if lines and value < 0:
            if numbers.negative_lines == "refused":
                return said._replace(outcome="lines_negative", number=values[0])
            value = _LONG
        if value == 0 and argument is Argument.NUMBER and numbers.zero == "first":
            value = 1
        values.append(value)
        if not last and not text and not open_end:
            return said._replace(outcome="lines_missing", number=values[0])
    return said._replace(values=tuple(values), number=values[0])


def _none(manner: Manner, said: Said, command: Command, *, parted: bool) -> Said:
    """No number at all, where one or two belong."""
    if said.argument and manner.numbers.blank == "word":
        return said._replace(outcome="not_a_number")
    if command.optional and (not said.argument or manner.numbers.separators == "run"):
        return said if not parted or manner.reading.trailing != "refused" else said._replace(outcome="blank")
    return said._replace(outcome="missing")


def _number(  # noqa: PLR0911  # one for each way
    numbers: Numbers, text: bytes, separators: bytes, largest: int, *, last: bool
) -> tuple[Outcome, int, bytes]:
    """Read one number: how that ended, the number, and what follows or could not be read."""
    found = _SCAN.match(text) or (_ZERO.match(text) if numbers.words == "zero" else None)
    if found is None or (found[1] and found[1].decode() not in numbers.signs):
        return "not_a_number", 0, text
    digits, tail = found[2].lstrip(b"0"), text[found.end() :]
    value = int(digits[:_DIGITS] or b"0")
    if (numbers.digits and len(found[2]) > numbers.digits) or (not numbers.wraps and value > largest):
        # Dovecot tells the digits where they are no number of 64 bits, and otherwise what stands behind them.
        return "too_large", 0, text if value >= 1 << 64 else tail
    if found[1] == b"-":
        value = -value
    if numbers.wraps:
        value = _wrapped(value, numbers.wraps)
    if not tail:
        return "ok", value, b""
    if tail[0] not in separators:
        if numbers.noise != "ignored" and not (last and numbers.noise == "at-end"):
            return "noise", value, tail
        tail = tail.lstrip(bytes(set(range(256)) - set(separators)))
    if last:
        blank = not tail.strip(separators)
        ignored = "ignored" if len(tail) > 1 else "one"
        if tail and (numbers.trailing not in {"ignored", ignored} if blank else numbers.extra == "refused"):
            return "extra", value, tail
        return "ok", value, b""
    return "ok", value, tail.lstrip(separators) if numbers.separators == "run" else tail[1:]


def _wrapped(value: int, bits: int) -> int:
    """What is left of a number of 64 bits in so many, the first of which is the sign."""
    kept = max(-_LONG - 1, min(value, _LONG)) & ((1 << bits) - 1)
    return kept - (1 << bits) if kept >> (bits - 1) else kept
