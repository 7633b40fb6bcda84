"""The quirks that a dialect brings.

Knows how a dialect names them; must not know what a quirk does.  The catalogue of quirks is loaded only for a dialect
that names any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake.dialects.dialect import Dialect
    from pop3s_fake.quirks import Asked

__all__ = ("brought", "problems_with")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


def brought(dialect: Dialect) -> tuple[Asked, ...]:
    """The quirks of a dialect, which know that they are its.

    >>> from pop3s_fake.dialects import dialect
    >>> brought(dialect("jpop"))[0].origin
    "dialect 'jpop'"
    """
    if not dialect.quirks:
        return ()
    from pop3s_fake.quirks import asked  # noqa: PLC0415  # loads the catalogue of quirks

    return asked(dialect.quirks, origin=f"dialect {dialect.id!r}")


def problems_with(dialect: Dialect) -> Iterator[str]:
    """What is wrong with the quirks that a dialect names, and where: each by itself, and then all together."""
    if not dialect.quirks:
        return
    from pop3s_fake.quirks import asked  # noqa: PLC0415  # the same

    alone = True
    for text in dialect.quirks:
        try:
            asked([text] if not text.startswith("-") else [])
        except UsageError as error:
            alone = False
            yield f"{error} @ $[{dialect.id!r}].quirks[{dialect.quirks.index(text)}]"
    if alone:
        try:
            brought(dialect)
        except UsageError as error:
            yield f"{error} @ $[{dialect.id!r}].quirks"
