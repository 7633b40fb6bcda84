"""One requirement that a client broke.

Knows its id and what to show of it; must not know how it was noticed.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ("Breach",)


class Breach(NamedTuple):
    """A requirement that was broken; ``said`` tells by what, where that is not the line in hand."""

    row: str
    said: str = ""
