"""The form of unique-ids: which template of a dialect could have made them.

Knows templates and what they are made of; must not keep a unique-id, nor know where they come from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("form_of",)

_DIGITS: Final = re.compile(r"\d+")
_HEX: Final = re.compile(r"[0-9a-f]+")
_BORDER: Final = re.compile(r"[A-Za-z]{0,4}[-._:]?")
"""What may stand between numbers and tell nothing of anybody."""

_FEW: Final = 2
_HALF: Final = 8
_LONG: Final = 8
_DIGESTS: Final = (16, 32)


def form_of(uids: Sequence[str]) -> str:
    """The template of these; "" where they have none, or are too few to tell.

    >>> form_of(["UID1-1700000000", "UID2-1700000000", "UID7-1700000000"])
    'UID{arrival}-{validity}'
    >>> form_of(["000000016b041cfa", "000000026b041cfa"])
    '{arrival:08x}{validity:08x}'
    >>> form_of(["9f86d081884c7d65", "60303ae22b998861"])
    '{digest:.16}'
    >>> form_of(["ann-1", "someone-2"])
    ''
    """
    if len(set(uids)) < _FEW:
        return ""
    length = len(uids[0])
    if all(_HEX.fullmatch(uid) and len(uid) == length for uid in uids) and not all(map(str.isdigit, uids)):
        if length == 2 * _HALF and len({uid[_HALF:] for uid in uids}) == 1:
            return "{arrival:08x}{validity:08x}"
        return f"{{digest:.{length}}}" if length in _DIGESTS else ""
    gaps = [_DIGITS.split(uid) for uid in uids]
    if any(gap != gaps[0] for gap in gaps) or not all(map(_BORDER.fullmatch, gaps[0])):
        return ""
    columns = list(zip(*map(_DIGITS.findall, uids), strict=True))
    names = [_name(column) for column in columns]
    if sorted(names) not in (["{arrival}"], ["{arrival}", "{validity}"]):
        return ""
    return "".join(f"{gap}{name}" for gap, name in zip(gaps[0], [*names, ""], strict=True))


def _name(column: Sequence[str]) -> str:
    """What these numbers are."""
    if len(set(column)) == 1:
        return "{validity}" if len(column[0]) >= _LONG else column[0]
    return "{arrival}" if len(set(column)) == len(column) else ""
