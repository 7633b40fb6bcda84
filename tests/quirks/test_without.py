"""Each test of what poplib makes of a quirk fails where the quirk does nothing: it shows the quirk."""

from __future__ import annotations

import poplib
from typing import TYPE_CHECKING, Any, Final

import pytest

from pop3s_fake import UsageError
from pop3s_fake.quirks import asked, quirk, quirk_ids
from tests.quirks import talking, test_poplib

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pop3s_fake import Pop3sServer

OPPOSITES: Final = {
    "dot-stuffed-lines": "no-dot-stuffing",
    "no-quit-means-no-delete": "expunge-without-quit",
    "single-vs-multi-by-argument": "list-arg-ignored",
}
"""What every correct server does, so that its test fails only where the opposite is asked for."""

EXEMPT: Final = {"caps-change-after-stls", "empty-list", "oauth-error-as-continuation"}
"""What every correct server does, and no quirk is the opposite of."""

HASTE: Final = 2.0
"""Seconds of real time after which a client gives up here, which is a failure like any other."""


def about(name: str) -> str | None:
    """The quirk of which a test of this name tells."""
    words = name.removeprefix("test_").replace("_", "-")
    return max((each for each in quirk_ids() if f"{words}-".startswith(f"{each}-")), key=len, default=None)


def lacking(*quirks: str, **keywords: Any) -> AbstractContextManager[Pop3sServer]:
    """A server that has all of these but the first, or its opposite in its place, and STLS where that has it."""
    (first,) = asked(quirks[:1])
    instead = [OPPOSITES[first.quirk.id]] if first.quirk.always else []
    if first.quirk.setting is not None and first.quirk.setting.stls:
        keywords["stls"] = True
    return SERVING(*instead, *quirks[1:], **keywords)


SERVING: Final = test_poplib.serving
TESTS: Final = [
    test
    for name, test in vars(test_poplib).items()
    if name.startswith("test_") and (known := about(name)) is not None and known not in EXEMPT
]


@pytest.mark.parametrize("test", TESTS, ids=lambda test: str(test.__name__).removeprefix("test_"))
def test_it_is_the_quirk_that_is_seen(test: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same test without it fails: by an assertion, because poplib says otherwise or waits in vain, or by our words.

    Those are about what a server without the quirk has not, such as a folder.
    """
    monkeypatch.setattr(test_poplib, "serving", lacking)
    monkeypatch.setattr(talking, "BOUND", HASTE)
    with pytest.raises((AssertionError, pytest.fail.Exception, poplib.error_proto, OSError, LookupError, UsageError)):
        test()


def test_what_is_always_so_has_an_opposite_or_is_known_to_have_none() -> None:
    """Of the quirks that have a test here."""
    always = {name for test in vars(test_poplib) if (name := about(test)) is not None and quirk(name).always}
    assert always == OPPOSITES.keys() | EXEMPT
