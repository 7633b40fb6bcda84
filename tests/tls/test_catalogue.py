"""Catalogues: what is read quickly is what is read with care, and every mistake is told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

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
        ("count = 'many'", "invalid value for type, expected int @ $['a'].count"),
        ("", "required field missing @ $['a'].count"),
        ("count = 1\nodd = 1", "extra fields found (odd) @ $['a']"),
        ("count = 1\ninner.names = [1]", "expected a string, not 1 @ $['a'].inner.names[0]"),
        ("count = 1\ninner.odd = 1", "extra fields found (odd) @ $['a'].inner"),
        (
            "inner.odd = 1\ncount = 'many'",
            "invalid value for type, expected int @ $['a'].count; extra fields found (odd) @ $['a'].inner",
        ),
    ],
)
def test_mistakes_are_told_with_their_paths(table: str, mistake: str) -> None:
    """Whatever the quick converter makes of one."""
    with pytest.raises(UsageError) as raised:
        catalogue.read(f"[a]\n{table}", Outer, "things")
    assert str(raised.value) == f"things: {mistake}"


def test_an_entry_is_read_with_what_is_in_it() -> None:
    """Its parts are of their kinds, and lists are tuples."""
    entries = catalogue.read("[a]\ncount = 1\n[b]\ncount = 2\ninner.names = ['x', 'y']", Outer, "things")
    assert entries == {"a": Outer("a", 1), "b": Outer("b", 2, Inner(("x", "y")))}
