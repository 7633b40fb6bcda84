"""Catalogues: TOML read into closed, typed entries, with every mistake in it told at once.

Knows cattrs; must not know what the entries are about.
"""

from __future__ import annotations

import contextlib
import tomllib
from dataclasses import is_dataclass
from datetime import date, datetime
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from pop3s_fake.errors import UsageError
from pop3s_fake.tls.settings import Tls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cattrs import BaseConverter, Converter

__all__ = ("read", "structured")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

Entry = TypeVar("Entry")
Hook: TypeAlias = "Callable[[Any, Any], Any]"
"""What reads a value into one of this kind."""


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

    def entries(kind: type[Entry]) -> Hook:
        expected = get_type_hints(kind)
        reader = cache(lambda key: converter.get_structure_hook(expected[key]))
        return lambda table, _: kind(**{key: reader(key)(value, expected[key]) for key, value in table.items()})

    def tables(kind: Any) -> Hook:
        names, values = get_args(kind)
        name, value = converter.get_structure_hook(names), converter.get_structure_hook(values)
        return lambda table, _: {name(key, names): value(each, values) for key, each in table.items()}

    _teach(converter, entries, tables)
    return converter


@cache
def _explaining() -> Converter:
    """What finds every mistake; it learns each kind of entry once."""
    import cattrs  # noqa: PLC0415 - see structured
    from cattrs.gen import make_dict_structure_fn, make_mapping_structure_fn  # noqa: PLC0415 - the same

    converter = cattrs.Converter(forbid_extra_keys=True)
    _teach(
        converter,
        lambda kind: make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True),
        lambda kind: make_mapping_structure_fn(kind, converter),
    )
    return converter


def _teach(converter: BaseConverter, entries: Callable[[Any], Hook], tables: Callable[[Any], Hook]) -> None:
    """What both take, where cattrs by itself would make what is wanted of almost anything.

    ``entries`` and ``tables`` make what reads a dataclass, and a table with any keys, of what is a table.
    """

    def table(make: Callable[[Any], Hook]) -> Callable[[Any], Hook]:
        def strict(kind: Any) -> Hook:
            reads = make(kind)
            return lambda value, kind: reads(_only_a_table(value), kind)

        return strict

    def row(value: Any, kind: Any) -> tuple[Any, ...]:
        return tuple(converter.structure(_only_a_list(value), list[get_args(kind)[0]]))  # type: ignore[misc,arg-type]  # at run time

    converter.register_structure_hook_factory(_of(dict), table(tables))
    converter.register_structure_hook_factory(
        lambda kind: isinstance(kind, type) and is_dataclass(kind), table(entries)
    )
    converter.register_structure_hook_func(_of(tuple), row)
    converter.register_structure_hook_func(_of(Literal), _only_one_of)
    converter.register_structure_hook(Tls, lambda value, _: Tls(**_only_a_table(value)))
    for kind, only in _ONLY.items():
        converter.register_structure_hook(kind, only)


def _of(origin: object) -> Callable[[Any], bool]:
    """Whether a kind is one of these."""
    return lambda kind: get_origin(kind) is origin


def _say(error: BaseException, expected: type | None) -> str:
    """Word one mistake; cattrs adds its path."""
    if isinstance(error, TypeError | UsageError):
        return str(error)
    from cattrs.v import format_exception  # noqa: PLC0415 - see structured

    return format_exception(error, expected)


def _wrong(right: str, value: object) -> TypeError:
    """The sentence for a value that stands where something else belongs."""
    return TypeError(f"expected {right}, not {str(value).lower() if isinstance(value, bool) else repr(value)}")


def _only_a_table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong("a table", value)
    return value


def _only_a_list(value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(f"a list, such as [{value!r}]" if isinstance(value, str) else "a list", value)
    return value


def _only_one_of(value: object, kind: Any) -> object:
    words = get_args(kind)
    if value not in words or type(value) is not type(words[words.index(value)]):  # 1 equals True
        raise _wrong("one of " + ", ".join(map(repr, words)), value)
    return value


def _only_a_date(value: object, _: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _wrong("a date such as 2020-01-01", value)
    return value


def _only_a_str(value: object, _: Any) -> str:
    if not isinstance(value, str):
        raise _wrong("a string", value)
    return value


def _only_a_bool(value: object, _: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong("true or false", value)
    return value


def _only_an_int(value: object, _: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong("a whole number", value)
    return value


def _only_a_float(value: object, _: Any) -> float:
    with contextlib.suppress(OverflowError):
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            return float(value)
    raise _wrong("a number", value)


_ONLY: Final[dict[type, Hook]] = {
    bool: _only_a_bool,
    int: _only_an_int,
    float: _only_a_float,
    str: _only_a_str,
    date: _only_a_date,
}
"""What reads a value of each of these kinds, and nothing that only looks like one."""
