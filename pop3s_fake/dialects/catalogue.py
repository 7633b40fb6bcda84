"""All dialects that come with the package.

Knows their names and where their files are; must not know what stands in one.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from pop3s_fake.dialects.dialect import Dialect, read
from pop3s_fake.errors import UsageError, nearest

__all__ = ("dialect", "dialect_ids", "is_file")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

RECORDED: Final = ("dovecot", "dovecot-rich", "courier", "courier-rich", "cyrus", "mailutils", "popa3d", "solid-pop3d")
DOCUMENTED: Final = (
    *("gmail", "exchange-online", "exchange-2000", "maillennium", "netease", "hmailserver", "davmail", "uw", "jpop"),
    *("mailpit-old", "stalwart-old"),
)
IDS: Final = (*RECORDED, *DOCUMENTED)


def dialect_ids() -> tuple[str, ...]:
    """The ids of all dialects.

    >>> dialect_ids()[0]
    'dovecot'
    """
    return IDS


def is_file(word: str) -> bool:
    """Whether a word is meant as the path of a file, and not as an id.

    >>> is_file("ours.toml"), is_file("./ours"), is_file("dovecot-rich")
    (True, True, False)
    """
    return word.endswith(".toml") or "/" in word or "\\" in word


@cache
def dialect(name: str) -> Dialect:
    """The dialect with this id; UsageError with the nearest one otherwise.

    >>> dialect("dovecot").manner.after.idle
    600.0
    >>> dialect("dovecott")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown dialect 'dovecott'; did you mean 'dovecot'?
    """
    if name not in IDS:
        right = "; a file is read by Dialect.from_file" if is_file(name) else nearest(name, IDS)
        raise UsageError(f"unknown dialect {name!r}{right}")
    return read(text(name), name, base=text, trusted=True)


def text(name: str) -> str:
    """The file of a dialect as it is written."""
    if name not in IDS:
        raise UsageError(f"unknown dialect {name!r}{nearest(name, IDS)}")
    return (files(__package__) / f"{name}.toml").read_text("utf-8")
