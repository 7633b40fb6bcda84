"""All quirks, by layer.

Knows the files and their order; must not know what a quirk does.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.quirks.entry import LAYERS, Quirk, read

__all__ = ("quirk", "quirk_ids")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


def quirk_ids() -> tuple[str, ...]:
    """The ids of all quirks, layer by layer.

    >>> quirk_ids()[0]
    'terminator-split'
    """
    return tuple(_catalogue())


def quirk(name: str) -> Quirk:
    """The quirk with this id; UsageError with the nearest one otherwise.

    >>> quirk("uidl-extra-spaces").layer
    'transaction'
    >>> quirk("terminator-splitt")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown quirk 'terminator-splitt'; did you mean 'terminator-split'?
    """
    known = _catalogue()
    if name not in known:
        raise UsageError(f"unknown quirk {name!r}{nearest(name, known)}")
    return known[name]


@cache
def _catalogue() -> dict[str, Quirk]:
    quirks: dict[str, Quirk] = {}
    for layer in LAYERS:
        quirks |= read(_text(layer), layer, f"quirks, {layer}.toml")
    return quirks


def _text(layer: str) -> str:
    return (files(__package__) / f"{layer}.toml").read_text("utf-8")
