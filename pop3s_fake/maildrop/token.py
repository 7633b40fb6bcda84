"""An OAuth access token and how long it is good (RFC 6750).

Knows seconds, and nothing of clocks, accounts or how a token is presented.
"""

from __future__ import annotations

import re
from hmac import compare_digest
from math import isfinite
from typing import Final, NamedTuple

from pop3s_fake.errors import UsageError

__all__ = ("Token",)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_OTHER: Final = re.compile(r"[^\x21-\x7e]")


class Token(NamedTuple):
    """All tokens that an account ever had, of which the last is good while it lives.

    ``since``: when it was issued, ``lives``: for how many seconds, None: for ever.

    >>> token = Token.issued("ya29.first", 3600, now=0.0)
    >>> token.proved_by(b"ya29.first", 3599.0), token.proved_by(b"ya29.first", 3600.0)
    (True, False)
    >>> token
    <Token, 1 issued>
    """

    texts: tuple[str, ...] = ()
    since: float = 0.0
    lives: float | None = None

    @classmethod
    def issued(cls, text: object, lives: object, *, now: float) -> Token:
        """Check what a test gave; without a text there is no token.  What is wrong is told without showing it."""
        if text is None:
            if lives is not None:
                raise UsageError("token_expires needs a token; give the account one: token=...")
            return cls()
        if not isinstance(text, str):
            raise UsageError(f"the token of an account must be a str, not {type(text).__name__}")
        if not text:
            raise UsageError("the token of an account is empty")
        wrong = _OTHER.search(text)
        if wrong is not None:
            raise UsageError(
                f"the token has {wrong[0]!r} at position {wrong.start()}; "
                "a token is printable ASCII without spaces (RFC 6750 section 2.1)"
            )
        if lives is not None and (
            isinstance(lives, bool) or not isinstance(lives, (int, float)) or not isfinite(lives) or lives < 0
        ):
            raise UsageError(f"a token expires after a number of seconds from 0, not {lives!r}")
        return cls((text,), now, None if lives is None else float(lives))

    def proved_by(self, octets: bytes, now: float) -> bool:
        """Whether these octets are the token, and it is good now."""
        if not self.texts or (self.lives is not None and now >= self.since + self.lives):
            return False
        return compare_digest(octets, self.texts[-1].encode("ascii"))

    def __repr__(self) -> str:
        return f"<Token, {len(self.texts)} issued>"
