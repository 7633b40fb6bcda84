"""Unique-ids that a restart does not change: from the name of a file, or from a digest of octets (RFC 1939 section 7).

Knows the grammar of unique-ids; must not know files.  The digests are longer than those that a maildrop derives for
what is added to it, so the two never meet.
"""

from __future__ import annotations

import os
import re
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ("apart", "digest", "of_name")

_legal = re.compile(r"[\x21-\x7e]{1,70}", re.ASCII).fullmatch
_DIGEST_SIZE = 16  # octets: 32 characters


def digest(pieces: Iterable[bytes]) -> str:
    r"""The unique-id of these octets, however they are cut.

    >>> digest([b"Subject: one", b"\r\n"]) == digest([b"Subject: one\r\n"])
    True
    """
    hashed = blake2b(digest_size=_DIGEST_SIZE)
    for piece in pieces:
        hashed.update(piece)
    return hashed.hexdigest()


def of_name(name: str) -> str:
    """The name itself if it can be a unique-id, else a digest of it.

    >>> of_name("1700000000.M1P2.host"), of_name("a name with spaces")
    ('1700000000.M1P2.host', '7826e56babb72d6f24aa465303d363ef')
    """
    return name if _legal(name) else digest([os.fsencode(name)])


def apart(uids: Iterable[str], taken: Collection[str] = ()) -> list[str]:
    """The unique-ids with a number for the second and later of the same, and none that is taken already.

    >>> apart(["x", "y", "x", "x"], taken=["y"])
    ['x', 'y-2', 'x-2', 'x-3']
    """
    given = set(taken)
    copies: dict[str, int] = {}
    names = []
    for uid in uids:
        name = uid
        while name in given:
            copies[uid] = copies.get(uid, 1) + 1
            name = of_name(f"{uid}-{copies[uid]}")
        given.add(name)
        names.append(name)
    return names
