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

    from pop3s_fake.quirks.entry import Parameter, Quirk

__all__ = ("parsed", "quoted")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_ASKED: Final = re.compile(r"\s*([^\s()]+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_GIVEN: Final = re.compile(r'\s*([a-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))\s*(?:,|$)')


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
    for name, value in _given(match[2] or "", text):
        if name not in found.parameters:
            known = nearest(name, found.parameters) if found.parameters else "; it has none"
            raise UsageError(f"quirk {found.id!r} has no parameter {name!r}{known}")
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
    if parameter.kind == "text":
        return value
    form = r"\d{1,9}" if parameter.kind == "whole" else r"\d{1,6}(\.\d{1,6})?"
    inside = re.fullmatch(form, value, re.ASCII) and _within(parameter, float(value))
    if not inside:
        what = "a whole number" if parameter.kind == "whole" else "a number of seconds"
        raise UsageError(f"{begin} is {what}{_bounds(parameter)}, not {value!r}")
    return value


def _within(parameter: Parameter, number: float) -> bool:
    least, most = parameter.least, parameter.most
    return (least is None or number >= least) and (most is None or number <= most)


def _bounds(parameter: Parameter) -> str:
    least = "" if parameter.least is None else f" from {parameter.least:g}"
    return least + ("" if parameter.most is None else f" to {parameter.most:g}")
