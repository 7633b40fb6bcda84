"""A quirk with its parameters filled in: the rules and settings that make it.

Knows how what stands in the data becomes rules and settings; must not know other quirks, or servers.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pop3s_fake.quirks.changing import Changing
from pop3s_fake.quirks.writing import quoted
from pop3s_fake.rules import Rule
from pop3s_fake.tls.settings import Tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pop3s_fake.quirks.entry import Change, Quirk, Setting

__all__ = ("Asked", "leaves", "made", "named", "rules_of", "setting_of")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


class Asked(NamedTuple):
    """A quirk that somebody asked for, and its parameters, all of them."""

    quirk: Quirk
    values: dict[str, str]
    origin: str = ""
    """What it comes with, such as "dialect 'gmail'", where nobody has asked for it by itself."""

    def __str__(self) -> str:
        """As it is written, with the parameters that are not the default.

        >>> from pop3s_fake.quirks import asked
        >>> str(asked(["terminator-split(later=2)"])[0]), str(asked(["terminator-split(later=1)"])[0])
        ('terminator-split(later=2)', 'terminator-split')
        """
        known = self.quirk.parameters
        given = [f"{name}={quoted(value)}" for name, value in self.values.items() if value != known[name].default]
        return f"{self.quirk.id}({', '.join(given)})" if given else self.quirk.id


def named(one: Asked) -> str:
    """A quirk in a sentence about it."""
    return f"{one.quirk.id!r} (of {one.origin})" if one.origin else repr(one.quirk.id)


def rules_of(one: Asked) -> list[Rule]:
    """The rules that make a quirk; they know to whom they belong.

    >>> from pop3s_fake.quirks import asked
    >>> rules_of(asked(["terminator-split(later=2)"])[0])[0].origin
    'quirk terminator-split(later=2)'
    """
    rules = made(one)
    return [*rules[0], *(rule for rule, _ in rules[1])]


def made(one: Asked) -> tuple[list[Rule], list[tuple[Rule, Change]]]:
    """The rules that stand in the data, and those of its changes, each with what it is made of."""
    rules = [Rule(_filled(text, one, _in_quotes)) for text in _texts(one)]
    changes = []
    for change in one.quirk.changes:
        find, put = _filled(change.find, one, re.escape), _filled(change.put, one, _as_replacement)
        function = Changing(one.quirk.id, change.does, find=find, put=put, count=int(_filled(change.count, one)))
        changes.append((Rule(_filled(change.when, one)).edit(function), change))
    for rule in [*rules, *(rule for rule, _ in changes)]:
        rule.origin = f"quirk {one}"
    return rules, changes


def _texts(one: Asked) -> list[str]:
    """The rules that stand in the data, for these parameters."""
    return [*one.quirk.rules, *(text for name in one.values for text in one.quirk.variants.get(_pair(one, name), ()))]


def _pair(one: Asked, name: str) -> str:
    return f"{name}={one.values[name]}"


def leaves(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each value of nested tables, behind the keys that lead to it."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def setting_of(one: Asked) -> Setting | None:
    """The setting of a quirk with the parameters in it."""
    setting = one.quirk.setting
    if setting is None:
        return None
    certificate = None if setting.certificate is None else _filled(setting.certificate, one)
    return replace(
        setting,
        certificate=certificate,
        tls=None if setting.tls is None else Tls(**_manner(setting.tls, one)),
        capabilities=tuple(_filled(x, one) for x in setting.capabilities),
        late=tuple(tag.upper() for x in setting.late for tag in _filled(x, one).split()),
        policy={word: _filled(value, one) for word, value in setting.policy.items()},
        manner=_manner(setting.manner, one),
    )


def _manner(value: Any, one: Asked) -> Any:
    """A table of settings, or a value there, with the parameters in it; what is nothing but a number becomes one."""
    if isinstance(value, dict):
        return {key: _manner(each, one) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    parameter = one.quirk.parameters.get(value[1:-1]) if value[:1] == "{" else None
    text = _filled(value, one)
    if parameter is not None and parameter.kind in {"whole", "seconds"}:
        return int(text) if parameter.kind == "whole" else float(text)
    return text


def _filled(text: str, one: Asked, written: Callable[[str], str] = str) -> str:
    """A text of the data with the parameters in it, each as it is ``written`` there."""
    for name, value in one.values.items():
        text = text.replace(f"{{{name}}}", written(value))
    return text


def _in_quotes(value: str) -> str:
    """A value within the quotes of a rule."""
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _as_replacement(value: str) -> str:
    r"""A value in what is put in place of what was found: nothing but ``\1`` means anything there.

    >>> _as_replacement(r"UID\1-\9")
    'UID\\1-\\\\9'
    """
    return re.sub(r"\\(?!1)", r"\\\\", value)
