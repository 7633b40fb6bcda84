"""Unique-ids: what one may look like, and how one follows from a message's octets (RFC 1939 section 7).

Knows the grammar and the digest; must not know maildrops, nor who has which unique-id.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from pop3s_fake.errors import UsageError

__all__ = ("check_uid", "derived_uid")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_LONGEST = 70
_legal = re.compile(r"[\x21-\x7e]{1,70}", re.ASCII).fullmatch
_DIGEST_SIZE = 10  # octets: 20 characters; two of a million messages share one with a chance below 1e-12


def check_uid(uid: object) -> str:
    """The unique-id itself, if it has 1 to 70 octets from 0x21 to 0x7E (RFC 1939 section 7), else a `UsageError`.

    >>> check_uid("whqtswO00WBw418f9t5JxYwZ")
    'whqtswO00WBw418f9t5JxYwZ'
    >>> check_uid("a b")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unique-id 'a b' has ' ' at position 1; a unique-id has 1 to 70 octets, each 0x21 \
to 0x7E (RFC 1939 section 7)
    """
    if isinstance(uid, str) and _legal(uid):
        return uid
    if not isinstance(uid, str):
        problem = f"unique-id {uid!r} is of type {type(uid).__name__}, not str"
    elif not uid:
        problem = "the unique-id is empty"
    elif (wrong := re.search(r"[^\x21-\x7e]", uid)) is not None:
        problem = f"unique-id {uid!r} has {wrong[0]!r} at position {wrong.start()}"
    else:
        problem = f"unique-id {uid!r} has {len(uid)} octets, more than {_LONGEST}"
    raise UsageError(f"{problem}; a unique-id has 1 to 70 octets, each 0x21 to 0x7E (RFC 1939 section 7)")


def derived_uid(content: bytes) -> str:
    r"""The unique-id of these octets: the same in every run, and after a restart, so that clients keep their state.

    >>> derived_uid(b"Subject: one\r\n\r\nhello\r\n")
    'b3b3dfca182d15c1c114'
    """
    return blake2b(content, digest_size=_DIGEST_SIZE).hexdigest()
