"""Catalogues: TOML read into closed, typed entries, with every mistake in it told at once.

Knows cattrs; must not know what the entries are about.
"""

from __future__ import annotations

import contextlib
import tomllib
from dataclasses import is_dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from pop3s_fake.errors import UsageError
from pop3s_fake.tls.settings import Tls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cattrs import BaseConverter, Converter

__all__ = ("read", "structured")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

Entry = TypeVar("Entry")


def read(text: str, kind: type[Entry], what: str) -> dict[str, Entry]:
    r"""Read tables into entries of this dataclass by their id, which is its field ``id``; UsageError with each mistake.

    >>> from pop3s_fake.tls.certificates import VerifyError
    >>> read("[odd]\ncode = 1", VerifyError, "errors")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: errors: required field missing @ $['odd'].text; extra fields found (id) @ $['odd']
    """
    return structured(tomllib.loads(text), kind, what)


def structured(tables: Mapping[str, Any], kind: type[Entry], what: str) -> dict[str, Entry]:
    """The same for tables that were read already, by the ids of their entries."""
    import cattrs  # noqa: PLC0415 - a tenth of a second that only those pay who ask for an entry

    entries: type[dict[str, Entry]] = dict[str, kind]  # type: ignore[valid-type]  # known at run time only
    named = {name: {"id": name, **table} for name, table in tables.items()}
    with contextlib.suppress(Exception):  # whichever it is: the other converter tells all of them
        return _quick().structure(named, entries)
    try:
        return _explaining().structure(named, entries)
    except cattrs.BaseValidationError as error:
        raise UsageError(f"{what}: " + "; ".join(cattrs.transform_error(error, format_exception=_say))) from None


@cache
def _quick() -> BaseConverter:
    """What checks and converts, and says of a mistake only that there is one.

    It reads a table by the annotations of its kind, where the other one compiles a function for each kind: a
    fifth of the time, for a catalogue that is read once.
    """
    import cattrs  # noqa: PLC0415 - see structured

    converter = cattrs.BaseConverter(detailed_validation=False)

    def reads(kind: type[Entry]) -> Callable[[Mapping[str, Any], Any], Entry]:
        expected = get_type_hints(kind)
        reader = cache(lambda key: converter.get_structure_hook(expected[key]))
        return lambda table, _: kind(**{key: reader(key)(value, expected[key]) for key, value in table.items()})

    converter.register_structure_hook_factory(lambda kind: isinstance(kind, type) and is_dataclass(kind), reads)
    _teach(converter)
    return converter


@cache
def _explaining() -> Converter:
    """What finds every mistake; it learns each kind of entry once."""
    import cattrs  # noqa: PLC0415 - see structured

    converter = cattrs.Converter(forbid_extra_keys=True)
    _teach(converter)
    return converter


def _teach(converter: BaseConverter) -> None:
    """What both take, which cattrs by itself would take otherwise."""
    converter.register_structure_hook(date, _only_a_date)
    converter.register_structure_hook(str, _only_a_str)
    converter.register_structure_hook(Tls, _settings)


def _say(error: BaseException, expected: type | None) -> str:
    """Word one mistake; cattrs adds its path."""
    if get_origin(expected) is Literal:
        return "expected one of " + ", ".join(map(repr, get_args(expected)))
    if isinstance(error, TypeError | UsageError):
        return str(error)
    from cattrs.v import format_exception  # noqa: PLC0415 - see structured

    return format_exception(error, expected)


def _settings(value: dict[str, Any], _: type) -> Tls:
    return Tls(**value)


def _only_a_date(value: object, _: type) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError(f"expected a date such as 2020-01-01, not {value!r}")
    return value


def _only_a_str(value: object, _: type) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string, not {value!r}")
    return value
