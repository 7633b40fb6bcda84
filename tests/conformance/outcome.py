"""What came of a check: passed, failed, or not to be had here, in words.

Knows how checks end; must not know rows or carriers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.conformance.talk import Unavailable

if TYPE_CHECKING:
    from tests.conformance.rows import Check
    from tests.conformance.talk import Talk

__all__ = ("Outcome", "outcome")


class Outcome(NamedTuple):
    """One word, and what else there is to say."""

    word: str
    """"passed", "failed", "in part" where all that could be seen was right, or "skipped"."""
    why: str = ""


def outcome(check: Check, talk: Talk) -> Outcome:
    """What comes of this check here; the talk is closed."""
    try:
        check(talk)
    except Unavailable as error:
        return Outcome("in part" if talk.asked else "skipped", str(error))
    except (AssertionError, LookupError, OSError, ValueError) as error:
        return Outcome("failed", str(error).partition("\n")[0])
    finally:
        talk.close()
    return Outcome("passed")
