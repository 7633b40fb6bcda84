"""SASLprep (RFC 4013): names and passwords in one form, so that the same text is the same octets.

Knows stringprep's tables (RFC 3454); must not know whose name it is or what is done when there is none.
"""

from __future__ import annotations

import stringprep
import unicodedata
from typing import Final

__all__ = ("Unprepared", "saslprep")

_PROHIBITED: Final = (
    (stringprep.in_table_c12, "a space that is no ASCII space"),
    (stringprep.in_table_c21_c22, "a control character"),
    (stringprep.in_table_c3, "a character of private use"),
    (stringprep.in_table_c4, "a code point that is no character"),
    (stringprep.in_table_c5, "a surrogate"),
    (stringprep.in_table_c6, "a character that is unfit for plain text"),
    (stringprep.in_table_c7, "a character that is unfit for canonical representation"),
    (stringprep.in_table_c8, "a character that changes display or is deprecated"),
    (stringprep.in_table_c9, "a tagging character"),
)


class Unprepared(ValueError):  # noqa: N818  # what it is, in a word
    """The text cannot be prepared; the words say why, to go behind the name of the thing."""


def saslprep(text: str, *, stored: bool = False) -> str:
    r"""The text in the form of RFC 4013; `Unprepared` for what it prohibits.

    Code points that Unicode 3.2 did not know are let through in a query and refused in what is ``stored`` (RFC 3454
    section 7).

    >>> saslprep("I\u00adX"), saslprep("\u00aa"), saslprep("\u2168")
    ('IX', 'a', 'IX')
    >>> saslprep("\u0007")
    Traceback (most recent call last):
    ...
    pop3s_fake.maildrop.saslprep.Unprepared: has a control character, U+0007
    """
    if text.isascii() and text.isprintable():
        return text  # what nearly all are, and nothing of it changes
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    # stringprep is made of Unicode 3.2 and of nothing newer (RFC 3454 section 3.2).
    normal = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    for char in normal:
        for prohibits, what in _PROHIBITED:
            if prohibits(char):
                raise Unprepared(f"has {what}, U+{ord(char):04X}")
        if stored and stringprep.in_table_a1(char):
            raise Unprepared(f"has a code point that Unicode 3.2 does not know, U+{ord(char):04X}")
    _check_directions(normal)
    return normal


def _check_directions(text: str) -> None:
    """Right-to-left text stands alone, from the first character to the last (RFC 3454 section 6)."""
    right = [stringprep.in_table_d1(char) for char in text]
    if not any(right):
        return
    if any(map(stringprep.in_table_d2, text)):
        raise Unprepared("has left-to-right and right-to-left characters")
    if not (right[0] and right[-1]):
        raise Unprepared("has right-to-left characters, but not first and last")
