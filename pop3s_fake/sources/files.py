"""Files as octets, in pieces, and the folder they stand in.

Knows the calls of the operating system, and that a symbolic link is not followed; must not know what mail is.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("PIECE", "head", "read", "reason", "sync_folder")

PIECE: Final = 1 << 16
"""Octets that are read at once: a message of gibioctets needs no more memory than this."""

HEAD: Final = 256

# Not every platform has each flag.  Without waiting: a pipe has no end, and somebody may put one where a file was.
_FLAGS: Final = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOCTTY")
)


def read(path: str) -> Iterator[bytes]:
    """The octets of a file, piece by piece; `OSError` if it cannot be read or is a symbolic link."""
    file = os.open(path, _FLAGS)
    try:
        while piece := os.read(file, PIECE):
            yield piece
            if len(piece) < PIECE:
                break  # a regular file gives less only at its end: one call less for each small one
    finally:
        os.close(file)


def head(path: str) -> bytes:
    """The first octets of a file, enough to see what it is."""
    file = os.open(path, _FLAGS)
    try:
        return os.read(file, HEAD)
    finally:
        os.close(file)


def sync_folder(folder: str) -> None:
    """Have the folder's entries on the disk, where the platform can."""
    # Windows cannot open a folder, and some file systems refuse to sync one: what was done is done all the same.
    with contextlib.suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def reason(error: OSError) -> str:
    """Why, in the words of the operating system."""
    return error.strerror or str(error)
