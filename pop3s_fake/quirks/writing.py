"""How a quirk is written: its id, and its parameters in parentheses.

Knows the form, and what each parameter can be; must not know what a quirk does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.quirks.catalogue import quirk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake.quirks.entry import Quirk

__all__ = ("parsed", "quoted")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_ASKED: Final = re.compile(r"\s*([^\s()]+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_GIVEN: Final = re.compile(r'\s*([a-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))\s*(?:,|$)')

MOST: Final = {"whole": 999_999_999, "seconds": 999_999}
"""The largest number of each kind where a parameter has no other."""
LONGEST: Final = 400
"""Characters of a text, which is a part of a line of 512 octets (RFC 1939 section 3)."""
SHOWN: Final = 40
LATIN: Final = 0xFF
RIGHT: Final = {
    "text": (".*", "text"),
    "field": ("[!-9;-~]+: ?.*", "a field of a header, such as 'Status: RO',"),
    "name": ("[!-9;-~]+", "the name of a field, such as 'Message-ID',"),
}
"""The form of each kind of text, and what that is."""


def parsed(text: str) -> tuple[Quirk, dict[str, str]]:
    """The quirk that a text asks for, and its parameters, all of them; UsageError for what is none.

    >>> parsed("terminator-split(later=2)")[1]
    {'later': '2', 'gap': '0.3'}
    """
    match = _ASKED.fullmatch(text)
    if match is None:
        raise UsageError(f"a quirk is written as 'uidl-extra-spaces' or 'terminator-split(later=2)', not {text!r}")
    found = quirk(match[1])
    values = {name: parameter.default for name, parameter in found.parameters.items()}
    given: dict[str, str] = {}
    for name, value in _given(match[2] or "", text):
        if name not in found.parameters:
            known = nearest(name, found.parameters) if found.parameters else "; it has none"
            raise UsageError(f"quirk {found.id!r} has no parameter {name!r}{known}")
        if name in given:
            raise UsageError(
                f"parameter {name!r} of quirk {found.id!r} stands there twice, as {given[name]!r} and as {value!r}; "
                "leave one of them out"
            )
        given[name] = value
        values[name] = _checked(found, name, value)
    return found, values


def _given(text: str, whole: str) -> Iterator[tuple[str, str]]:
    """The parameters as they are written."""
    place = 0
    while text[place:].strip():
        match = _GIVEN.match(text, place)
        if match is None:
            raise UsageError(f"parameters are written as name=value, parted by commas, unlike those of {whole!r}")
        yield match[1], re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        place = match.end()


def quoted(value: str) -> str:
    """A value as it is written.

    >>> quoted("2"), quoted("two words")
    ('2', '"two words"')
    """
    if re.fullmatch(r'[^\s",()]+', value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _checked(found: Quirk, name: str, value: str) -> str:
    """A value that the parameter can have."""
    parameter = found.parameters[name]
    begin = f"parameter {name!r} of quirk {found.id!r}"
    if parameter.kind == "word":
        if value not in parameter.words:
            raise UsageError(f"{begin} is one of {', '.join(parameter.words)}, not {value!r}")
        return value
    if parameter.kind in RIGHT:
        return _text(found, name, value, begin)
    whole = parameter.kind == "whole"
    form = r"\d{1,18}" if whole else r"\d{1,6}(\.\d{1,9})?"
    least = 0 if parameter.least is None else parameter.least
    most = MOST[parameter.kind] if parameter.most is None else parameter.most
    if not re.fullmatch(form, value, re.ASCII) or not least <= (int(value) if whole else float(value)) <= most:
        what = "a whole number" if whole else "a number of seconds"
        raise UsageError(f"{begin} is {what} from {least} to {most}, not {_brief(value)}")
    return value


def _text(found: Quirk, name: str, value: str, begin: str) -> str:
    """A text that can stand where the quirk has it."""
    form, right = RIGHT[found.parameters[name].kind]
    if not value.isprintable() or len(value) > LONGEST or not re.fullmatch(form, value):
        raise UsageError(f"{begin} is {right} of at most {LONGEST} printable characters, not {_brief(value)}")
    setting = found.setting
    texts = [*(text for each in found.changes for text in (each.find, each.put))]
    texts += [] if setting is None else [*setting.policy.values(), *setting.capabilities]
    odd = next((letter for letter in value if ord(letter) > LATIN), None)
    if odd is not None and any(f"{{{name}}}" in text for text in texts):
        raise UsageError(f"{begin} is {right} in Latin-1, of which {odd!r} is not")
    return value


def _brief(value: str) -> str:
    """A value in a message."""
    return repr(value) if len(value) <= SHOWN else f"{value[:SHOWN]!r}... of {len(value)} characters"
