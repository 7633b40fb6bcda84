r"""What no connection could say or do: settings that are of the right kind, and mean nothing all the same.

Knows which values a setting may have, and what stands for the tokens of each text; must not know how a setting is
carried out, nor where it was written.  What is not in a table here goes by its kind: a number is none below 0, and a
text a line that goes out in Latin-1.
"""

from __future__ import annotations

import re
from dataclasses import fields
from math import inf
from string import Formatter, punctuation
from typing import TYPE_CHECKING, Any, Final

from pop3s_fake.errors import nearest
from pop3s_fake.protocol.commands import COMMANDS, FOREIGN, Argument
from pop3s_fake.protocol.manner import (
    Answers,
    Delays,
    Ends,
    Greeting,
    Login,
    Numbers,
    Place,
    Reading,
    Storage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pop3s_fake.protocol.manner import Manner

    Check = Callable[[Any], Iterator[str]]

__all__ = ("problems_of",)

OF_CONNECTION: Final = ("pid", "time", "host", "token")
OF_COMMAND: Final = ("keyword", "typed", "argument", "rest", "user", "stamp", *OF_CONNECTION)
OF_MAILDROP: Final = ("count", "total")
OF_MESSAGE: Final = ("number", "octets", "uid")
"""What may stand in the braces of a text that answers a command: any, one that may find a maildrop, or a message."""

WITHOUT_MAILDROP: Final = frozenset({"USER", "STLS"})
WITH_NUMBERS: Final = frozenset(
    {"any", "after"}
    | {word.decode() for word, each in {**COMMANDS, **FOREIGN}.items() if Argument.NUMBER in each.arguments}
)
"""The headings of texts, by what they may be about."""

WHOLE: Final = frozenset({"arrival", "validity", "next"})
"""The tokens that are numbers; all others are texts."""

FORMS: Final[dict[bool, tuple[re.Pattern[str], object, str]]] = {
    True: (re.compile(r"(.?[<>^])?0?\d{0,3}[dxX]?"), 0, "a number, such as '08x' or '>20'"),
    False: (re.compile(r"(.?[<>^])?\d{0,3}(\.\d{1,3})?"), "", "a text, such as '>8' or '.8'"),
}
"""What may stand behind the colon of a token, by whether it is a number, what is tried there, and what is right."""

MECHANISMS: Final = (
    *("SCRAM-SHA-512-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"),
    *("EXTERNAL", "OAUTHBEARER", "XOAUTH2", "DIGEST-MD5", "CRAM-MD5", "NTLM", "MSN", "PLAIN", "LOGIN", "ANONYMOUS"),
)
"""The names of the mechanisms, which stand here, too, so that a dialect is read without loading them."""

PARTING: Final = " \t\v\f\r" + punctuation
"""What may part words; not what they are made of, nor what ends a line."""

_KINDS: Final = frozenset({Answers, Delays, Ends, Greeting, Login, Numbers, Place, Reading, Storage})
"""The groups of settings."""

_FIELD: Final = re.compile(r"[!-9;-~]+: ?.*")


def problems_of(manner: Manner) -> list[str]:
    """The sentences, each behind the path of its setting.

    >>> from pop3s_fake.protocol.manner import Manner, Place, Texts
    >>> problems_of(Manner(replies={"STAT": Texts({"ok": "+OK {sum}"})}))
    ["replies.STAT.says.ok: nothing stands for '{sum}'; did you mean '{stamp}'?"]
    >>> problems_of(Manner(after=Place(idle=-5)))
    ['after.idle: expected a number from 0.001, not -5']
    """
    return list(_problems(manner))


def _problems(manner: Manner) -> Iterator[str]:
    for heading, texts in manner.replies.items():
        tokens = _told_of(heading)
        for outcome, text in texts.says.items():
            yield from (f"replies.{heading}.says.{outcome}: {each}" for each in _unfilled(text, tokens))
    for group in fields(manner):
        settings = getattr(manner, group.name)
        kind = type(settings)
        for setting in fields(kind) if kind in _KINDS else ():
            if setting.name != "evidence":
                value, check = getattr(settings, setting.name), _RIGHT.get((kind, setting.name))
                yield from (f"{group.name}.{setting.name}{each}" for each in _wrong(value, check))
    for name, place in (("before", manner.before), ("after", manner.after)):
        if place.longer == "echoed" and place.block <= place.line:
            yield f"{name}.block: expected more than {name}.line, which is {place.line}, not {place.block}"


def _wrong(value: Any, check: Check | None) -> Iterator[str]:
    """What is wrong with a value, or with each of several, behind its place among them."""
    if isinstance(value, tuple):
        if not value and check is _seconds:
            yield ": expected one number at least, and there is none"
        for place, each in enumerate(value):
            yield from (f"[{place}]{problem}" for problem in _wrong(each, check))
        return
    check = check or (_line if isinstance(value, str) else _counted)
    yield from (f": {problem}" for problem in check(value))


def _told_of(heading: str) -> tuple[str, ...]:
    """What may stand in the texts under a heading."""
    found = () if heading in WITHOUT_MAILDROP else OF_MAILDROP
    return OF_COMMAND + found + (OF_MESSAGE if heading in WITH_NUMBERS else ())


def _from(least: float, most: float = inf) -> Check:
    """A number between these."""

    def check(value: float) -> Iterator[str]:
        if not least <= value <= most:
            yield f"expected a number from {least:g}{'' if most == inf else f' to {most:g}'}, not {value}"

    return check


_counted: Final = _from(0)
_seconds: Final = _from(0)


def _of(characters: str, *, least: int = 0) -> Check:
    """So many of these characters, or more."""

    def check(value: str) -> Iterator[str]:
        if len(value) < least or not set(value) <= set(characters):
            yield f"expected {'one or more' if least else 'some'} of {characters!r}, not {value!r}"

    return check


def _line(value: str) -> Iterator[str]:
    """A line that can be sent."""
    if not value.isprintable() or not _is_latin_1(value):
        yield f"expected a line of printable characters of Latin-1, not {value!r}"


def _is_latin_1(value: str) -> bool:
    return not value or max(value) <= "\xff"


def _capability(value: str) -> Iterator[str]:
    """A line of CAPA's list, which goes out in UTF-8; one that is a dot would end it."""
    if not value.isprintable() or not value or value.startswith("."):
        yield f"expected a line of printable characters that begins with no dot, not {value!r}"


def _mechanism(value: str) -> Iterator[str]:
    """A mechanism that there is."""
    if value not in MECHANISMS:
        yield f"unknown mechanism {value!r}{nearest(value, MECHANISMS)}"


def _filled(*tokens: str) -> Check:
    """A text with any of these tokens."""
    return lambda text: _unfilled(text, tokens)


def _unfilled(text: str, known: Collection[str]) -> Iterator[str]:
    """What is wrong with a text with tokens."""
    yield from _line(text)
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        yield f"{text!r}: {error}"
        return
    for _, name, spec, conversion in parsed:
        if name is None:
            continue
        if name not in known:
            yield f"nothing stands for '{{{name}}}'" + nearest(f"{{{name}}}", [f"{{{each}}}" for each in known])
            continue
        form, example, right = FORMS[name in WHOLE]
        if conversion:
            yield f"'{{{name}!{conversion}}}' is filled in as '{{{name}}}' is: leave '!{conversion}' out"
        if not form.fullmatch(spec or "") or not _formats(example, spec or ""):
            yield f"'{{{name}:{spec}}}': {spec!r} is no form of {right}"


def _formats(example: object, spec: str) -> bool:
    """Whether such a thing has this form."""
    try:
        format(example, spec)
    except ValueError:
        return False
    return True


def _field(*tokens: str) -> Check:
    """A header field with any of these tokens, or nothing."""

    def check(text: str) -> Iterator[str]:
        yield from _unfilled(text, tokens)
        if text and not _FIELD.fullmatch(text):
            yield f"expected a header field, such as 'X-Mark: {{{tokens[0]}}}', not {text!r}"

    return check


_RIGHT: Final[dict[tuple[type, str], Check]] = {
    (Greeting, "text"): _filled("stamp", *OF_CONNECTION),
    (Greeting, "full"): _filled("stamp", *OF_CONNECTION),
    (Greeting, "stamp"): _filled(*OF_CONNECTION),
    (Place, "capabilities"): _capability,
    (Place, "capabilities_in_clear"): _capability,
    (Place, "line"): _from(3),  # an octet and its CRLF
    (Place, "block"): _from(1),
    (Place, "idle"): _from(0.001),
    (Reading, "separators"): _of(PARTING, least=1),
    (Numbers, "signs"): _of("+-"),
    (Numbers, "parting"): _of(PARTING),
    (Numbers, "leading"): _of(PARTING),
    (Numbers, "wraps"): _from(0, 64),
    (Login, "mechanisms"): _mechanism,
    (Login, "mechanisms_in_clear"): _mechanism,
    (Login, "initial"): _mechanism,
    (Login, "two_steps"): _mechanism,
    (Delays, "penalty"): _seconds,
    (Storage, "unique_id"): _filled("arrival", "validity", "digest"),
    (Storage, "named"): _field("uid"),
    (Storage, "found"): _field("arrival", "status"),
    (Storage, "first"): _field("validity", "next"),
}
"""What a setting may be, where its kind does not tell."""
