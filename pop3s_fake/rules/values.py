r"""How the values in a rule are written, read and checked: numbers, quoted octets, words, ranges.

Knows the spelling of single values and how a complaint about one is carried; must not know which rule they stand in.
"""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ("Token", "Wrong", "brief", "known", "named", "number", "quoted", "times", "word")


class Wrong(Exception):  # noqa: N818  # no error of its own: whoever reads the rule makes a UsageError of it
    """What is wrong with a rule, and with which part of it; the reader adds where that part stands."""

    def __init__(self, why: str, part: str = "") -> None:
        super().__init__(why)
        self.part = part


class Token(NamedTuple):
    """One value as it stands in the text."""

    text: str
    """A bare word, or what stands between the quotes where they are UTF-8."""
    octets: bytes | None
    """What stands between quotes, escapes undone; None for a bare word."""
    column: int


NUMBER: Final = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
BARE: Final = re.compile(r"[A-Za-z0-9_./~@+-]+")
"""What is written without quotes; everything else gets them, so that no text can be taken for grammar."""

MOST_DIGITS: Final = 18
"""Digits of a whole number: more than enough for octets and occurrences."""
TOO_MUCH: Final = 10**MOST_DIGITS

MOST_SHOWN: Final = 40
"""Characters of a long value that are shown."""

_ESCAPES: Final = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", '"': b'"', "\\": b"\\"}
_ESCAPED: Final = {value[0]: f"\\{name}" for name, value in _ESCAPES.items()}
_PRINTABLE: Final = range(0x20, 0x7F)
_HEX: Final = re.compile(r"[0-9A-Fa-f]{2}")


def known(word: str, words: Iterable[str]) -> str:
    """The tail of a complaint about an unknown word; upper and lower case are the same here.

    >>> known("RTER", ["RETR", "TOP"]), known("zzz", ["RETR", "TOP"])
    ("; did you mean 'RETR'?", '; known are: RETR, TOP')
    """
    legal = {each.lower(): each for each in words}
    near = difflib.get_close_matches(word.lower(), legal, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {legal[near[0]]!r}?"
    return f"; known are: {', '.join(legal.values())}"


def number(value: float) -> str:
    """A number as it is written, so that reading gives the same again.

    >>> number(0.25), number(3.0), number(1e-7)
    ('0.25', '3', '1e-07')
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)  # noqa: PLR2004  # still exact


def quoted(octets: bytes) -> str:
    r"""Octets as a quoted text; what is not printable ASCII is escaped.

    >>> print(quoted(b'+OK "x"\r\n\xff'))
    "+OK \"x\"\r\n\xff"
    """
    return '"' + "".join(_ESCAPED.get(o) or (chr(o) if o in _PRINTABLE else f"\\x{o:02x}") for o in octets) + '"'


def unquote(text: str, start: int) -> tuple[bytes, int]:
    r"""The octets of the quoted text whose opening quote stands at ``start``, and the place behind the closing one.

    >>> unquote(r'send "a\x0d\n" x', 5)
    (b'a\r\n', 14)
    """
    octets = bytearray()
    place = start + 1
    while place < len(text):
        character = text[place]
        if character == '"':
            return bytes(octets), place + 1
        if character != "\\":
            octets += character.encode("utf-8", "surrogateescape")
            place += 1
            continue
        escape = text[place + 1 : place + 2]
        if escape == "x" and _HEX.fullmatch(text, place + 2, place + 4):
            octets.append(int(text[place + 2 : place + 4], 16))
            place += 4
        elif escape in _ESCAPES and escape:
            octets += _ESCAPES[escape]
            place += 2
        else:
            raise _Unquotable(rf"unknown escape '\{escape}'; known are: \r \n \t \0 \xHH \" \\", place)
    raise _Unquotable("the closing quote of this text is missing", start)


class _Unquotable(Wrong):
    """What is wrong inside quotes, and where."""

    def __init__(self, why: str, place: int) -> None:
        super().__init__(why)
        self.place = place


def word(text: str) -> str:
    """A word bare where it can be, else in quotes.

    >>> word("ann"), word("ann smith")
    ('ann', '"ann smith"')
    """
    return text if BARE.fullmatch(text) else quoted(text.encode("utf-8", "surrogateescape"))


def named(function: Callable[..., object]) -> str:
    """How a Python function is shown in a rule's text; it cannot be read back.

    >>> named(len), named(lambda: 0)
    ('<len>', '<lambda>')
    """
    return f"<{getattr(function, '__name__', type(function).__name__).strip('<>')}>"


def times(count: int) -> str:
    """So many times, in words.

    >>> times(1), times(3)
    ('once', '3 times')
    """
    return "once" if count == 1 else f"{count} times"


def brief(value: object) -> str:
    """A value that a test's function gave, in a complaint: as Python shows it, cut where it is long.

    >>> brief(None), brief(b"x" * 100)
    ('None', "b'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ...")
    """
    text = shown(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} ..."


def whole(value: object, name: str, least: int = 1) -> int:
    """The value, if it is a whole number that is large enough."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise Wrong(f"{name} takes a whole number from {least}, not {shown(value)}", name)
    if value >= TOO_MUCH:
        raise Wrong(f"{name} takes a whole number of up to {MOST_DIGITS} digits, not {shown(value)}", name)
    return value


def natural(digits: str, name: str) -> int:
    """The whole number that these digits write, unless they are more than anything here can be counted with.

    Python itself refuses to read more than some thousand digits, with an error of its own.
    """
    if len(digits) > MOST_DIGITS:
        raise Wrong(f"{name} has {len(digits)} digits, which is too much: up to {MOST_DIGITS} are read", name)
    return int(digits)


def positive(value: object, name: str) -> float:
    """The value, if it is a finite number above zero."""
    if not is_number(value) or not value > 0:  # type: ignore[operator]  # just seen to be a number
        raise Wrong(f"{name} takes a number above 0, not {shown(value)}", name)
    return float(value)  # type: ignore[arg-type]  # the same


def not_negative(value: object, name: str) -> float:
    """The value, if it is a finite number from zero."""
    if not is_number(value) or value < 0:  # type: ignore[operator]  # just seen to be a number
        raise Wrong(f"{name} takes seconds from 0, not {shown(value)}", name)
    return float(value)  # type: ignore[arg-type]  # the same


def is_number(value: object) -> bool:
    """Whether this is a finite number; True and False are none."""
    if isinstance(value, int):
        return not isinstance(value, bool) and -TOO_MUCH < value < TOO_MUCH
    return isinstance(value, float) and math.isfinite(value)


def shown(value: object) -> str:
    """A value in a complaint: numbers as rules write them, all else as Python does."""
    if isinstance(value, int) and not -TOO_MUCH < value < TOO_MUCH:
        return "one that is longer"
    return number(value) if is_number(value) else repr(value)  # type: ignore[arg-type]  # just seen to be a number
