"""Catalogues: what is read quickly is what is read with care, and every mistake is told."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pop3s_fake import UsageError
from pop3s_fake.cases.case import Case, Impossible
from pop3s_fake.cases.case import read as read_cases
from pop3s_fake.cases.catalogue import FILES
from pop3s_fake.dialects import dialect_ids
from pop3s_fake.dialects.catalogue import text
from pop3s_fake.dialects.dialect import read as read_dialect
from pop3s_fake.quirks.entry import LAYERS
from pop3s_fake.quirks.entry import read as read_quirks
from pop3s_fake.tls import catalogue
from pop3s_fake.tls.certificates import Certificate
from pop3s_fake.tls.handshakes import Handshake

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Inner:
    """A part of an entry."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outer:
    """An entry."""

    id: str
    count: int
    large: bool = False
    share: float = 0.0
    way: Literal["in", "out", 1] = "in"
    named: dict[Literal["a", "b"], str] = field(default_factory=dict)
    shares: tuple[float, ...] = ()
    inner: Inner | None = None


def written(package: str, name: str) -> str:
    """A file of the package."""
    return (files(f"pop3s_fake.{package}") / f"{name}.toml").read_text("utf-8")


READERS: dict[str, Callable[[], Any]] = {
    **{
        name: partial(catalogue.read, written("tls", name), kind, name)
        for name, kind in {
            "certificates": Certificate,
            "client_certificates": Certificate,
            "handshakes": Handshake,
        }.items()
    },
    **{f"cases {name}": partial(read_cases, written("cases", name), Case, name) for name in FILES},
    "impossible": partial(read_cases, written("cases", "impossible"), Impossible, "impossible"),
    **{f"quirks {layer}": partial(read_quirks, written("quirks", layer), layer, layer) for layer in LAYERS},
    **{f"dialect {name}": partial(read_dialect, text(name), name, base=text) for name in dialect_ids()},
}


class Unused:
    """A converter that reads nothing."""

    def __init__(self) -> None:
        self.asked = 0

    def structure(self, *_: object) -> Any:
        """Refuse."""
        self.asked += 1
        raise ValueError


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_both_converters_make_the_same_of_what_is_shipped(
    reader: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quick one is alone first, and takes all of it; then the one that explains is, and makes the same."""
    never, refused = Unused(), Unused()
    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "_explaining", lambda: never)
        quick = reader()
    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "_quick", lambda: refused)
        explained = reader()
    assert quick == explained
    assert (never.asked, refused.asked) == (0, 1)


@pytest.mark.parametrize(
    ("table", "mistake"),
    [
        ("count = 'many'", "expected a whole number, not 'many' @ $['a'].count"),
        ("", "required field missing @ $['a'].count"),
        ("count = 1\nodd = 1", "extra fields found (odd) @ $['a']"),
        ("count = 1\ninner.names = [1]", "expected a string, not 1 @ $['a'].inner.names[0]"),
        ("count = 1\ninner.odd = 1", "extra fields found (odd) @ $['a'].inner"),
        (
            "inner.odd = 1\ncount = 'many'",
            "expected a whole number, not 'many' @ $['a'].count; extra fields found (odd) @ $['a'].inner",
        ),
    ],
)
def test_mistakes_are_told_with_their_paths(table: str, mistake: str) -> None:
    """Whatever the quick converter makes of one."""
    with pytest.raises(UsageError) as raised:
        catalogue.read(f"[a]\n{table}", Outer, "things")
    assert str(raised.value) == f"things: {mistake}"


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ('large = "false"', "expected true or false, not 'false' @ $['a'].large"),
        ("large = 0", "expected true or false, not 0 @ $['a'].large"),
        ("large = []", "expected true or false, not [] @ $['a'].large"),
        ("count = 1.9", "expected a whole number, not 1.9 @ $['a'].count"),
        ("count = 2.0", "expected a whole number, not 2.0 @ $['a'].count"),
        ('count = "3"', "expected a whole number, not '3' @ $['a'].count"),
        ("count = true", "expected a whole number, not true @ $['a'].count"),
        ('share = "60"', "expected a number, not '60' @ $['a'].share"),
        ("share = false", "expected a number, not false @ $['a'].share"),
        ("share = nan", "expected a number, not nan @ $['a'].share"),
        ("share = -inf", "expected a number, not -inf @ $['a'].share"),
        (f"share = 1{'0' * 309}", f"expected a number, not 1{'0' * 309} @ $['a'].share"),
        ("way = 'on'", "expected one of 'in', 'out', 1, not 'on' @ $['a'].way"),
        ("way = true", "expected one of 'in', 'out', 1, not true @ $['a'].way"),
        ("way = 1.0", "expected one of 'in', 'out', 1, not 1.0 @ $['a'].way"),
        ("way = ['in']", "expected one of 'in', 'out', 1, not ['in'] @ $['a'].way"),
        ("inner.names = 'TOP'", "expected a list, such as ['TOP'], not 'TOP' @ $['a'].inner.names"),
        ("inner.names = 5", "expected a list, not 5 @ $['a'].inner.names"),
        ("inner.names = {x = 1}", "expected a list, not {'x': 1} @ $['a'].inner.names"),
        ("inner.names = ['x', true]", "expected a string, not true @ $['a'].inner.names[1]"),
        ("shares = [1, '2']", "expected a number, not '2' @ $['a'].shares[1]"),
        ("inner = 5", "expected a table, not 5 @ $['a'].inner"),
        ("inner = []", "expected a table, not [] @ $['a'].inner"),
        ("inner = 'names'", "expected a table, not 'names' @ $['a'].inner"),
        ("named = []", "expected a table, not [] @ $['a'].named"),
        ("named = 'x'", "expected a table, not 'x' @ $['a'].named"),
        ("named.a = 1", "expected a string, not 1 @ $['a'].named['a']"),
        ("named.c = 'x'", "expected one of 'a', 'b', not 'c' @ $['a'].named['c']"),
    ],
)
def test_nothing_is_made_of_what_only_looks_like_it(line: str, mistake: str) -> None:
    """A text that reads as a number is none, nor is true, and a text is no list of its letters; by either converter."""
    table = line if line.startswith("count") else f"count = 1\n{line}"
    with pytest.raises(TypeError, match=r"^expected "):
        catalogue._quick().structure({"id": "a", **tomllib.loads(table)}, Outer)
    with pytest.raises(UsageError) as raised:
        catalogue.read(f"[a]\n{table}", Outer, "things")
    assert str(raised.value) == f"things: {mistake}"


def test_a_whole_number_is_a_number() -> None:
    """Where one with a fraction may stand, and is one then; the other way round it is not."""
    entry = catalogue.read("[a]\ncount = 1\nshare = 2\nshares = [1, 0.5]", Outer, "things")["a"]
    assert (repr(entry.share), repr(entry.shares)) == ("2.0", "(1.0, 0.5)")


def test_an_entry_is_read_with_what_is_in_it() -> None:
    """Its parts are of their kinds, and lists are tuples."""
    entries = catalogue.read("[a]\ncount = 1\n[b]\ncount = 2\ninner.names = ['x', 'y']", Outer, "things")
    assert entries == {"a": Outer("a", 1), "b": Outer("b", 2, inner=Inner(("x", "y")))}
