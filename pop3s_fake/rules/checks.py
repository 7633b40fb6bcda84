"""Where each action is allowed, which ones contradict each other, and what is not carried out yet.

Knows the laws as tables; must not know how rules are written or carried out.  A rule that could never act is refused
as soon as it is made, so that no test is green because nothing happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pop3s_fake.rules.actions import LATER_ENDS, NEEDS_PAYLOAD, Action, Call, Edit, End, Mail, Pace, Reply, Tls, Wait
from pop3s_fake.rules.values import Wrong
from pop3s_fake.rules.when import POINTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pop3s_fake.rules.when import When

__all__ = ("check_action", "missing")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_MOMENTS: Final = frozenset({"wait", "send", "flood", "tls", "end", "mail", "call"})
"""What can be done at any moment, whether there is a reply or not."""

ALLOWED: Final[dict[str, frozenset[str]]] = {
    "accept": frozenset({"wait", "tls", "end", "mail", "call"}),
    "close": _MOMENTS,
    "before": _MOMENTS | {"reply"},
    "during": _MOMENTS | {"reply", "edit", "pace"},
    "after": _MOMENTS,
    "tls": _MOMENTS | {"edit", "pace"},
}
"""The actions of each kind of place: two points, the three phases of a reply, and the handshake."""

_NO_REPLY: Final[dict[str, str]] = {
    "accept": "accept has no reply",
    "close": "close has no reply",
    "before": "there is no reply yet in !before",
    "after": "the reply is over in !after",
    "tls": "a handshake has no reply",
}

_AT_ACCEPT: Final = ("fin", "rst")


def place(when: When) -> str:
    """The kind of place at which a rule stands."""
    point = when.points[0]
    if point in POINTS and not POINTS[point].reply:
        return "tls" if POINTS[point].tls else point
    return when.phase


def check_action(when: When, earlier: Iterable[Action], action: Action) -> None:
    """Refuse an action that cannot act here, or not behind those that come earlier in the same rule."""
    _check_place(when, action)
    for other in earlier:
        _check_pair(other, action)


def _check_place(when: When, action: Action) -> None:
    where, word = place(when), action.verb
    if word not in ALLOWED[where]:
        if where == "accept" and word in _MOMENTS:
            raise Wrong(f"nothing can be sent at accept, TLS comes first, so there is no {word}", word)
        raise Wrong(f"{_NO_REPLY[where]}, so there is nothing to {word}", word)
    if isinstance(action, End) and where == "accept" and action.how not in _AT_ACCEPT:
        raise Wrong(f"there is no TLS at accept yet: end fin or end rst, not end {action.how}", word)
    if isinstance(action, Reply):
        if when.offset is not None:
            raise Wrong(f"reply takes the place of the whole reply, so it stands without {when.offset}", word)
        if action.keep and when.phase == "before":
            raise Wrong("keep keeps the payload, and there is none in !before", "keep")
        if action.keep and when.one_line:
            raise Wrong(f"keep keeps the payload, and {when.named} has single-line replies only", "keep")
    if isinstance(action, Edit):
        _check_edit(when, action)


def _check_edit(when: When, action: Edit) -> None:
    if callable(action.kind):
        if when.offset is not None:
            raise Wrong(f"a function edits the whole reply, so it stands without {when.offset}", "edit")
        return
    if action.kind == "no-terminator" and when.offset is not None:
        raise Wrong(f"the terminator has its own place, so edit no-terminator stands without {when.offset}", "edit")
    if action.kind in NEEDS_PAYLOAD and when.one_line:
        raise Wrong(f"{when.named} has single-line replies only, so there is nothing to edit {action.kind}", "edit")


def _check_pair(earlier: Action, action: Action) -> None:
    word = action.verb
    if isinstance(earlier, Wait) and earlier.span is None:
        raise Wrong(f"nothing comes after wait forever, so {word} never acts", word)
    if isinstance(earlier, End):
        if earlier.how not in {"half-close", *LATER_ENDS}:
            raise Wrong(f"nothing comes after end {earlier.how}, so {word} never acts", word)
        again = isinstance(action, End) and action.how == earlier.how
        if again or not isinstance(action, Wait | End | Call | Mail):
            raise Wrong(f"nothing can be sent after end {earlier.how}, so this {word} never acts", word)
    once = isinstance(action, Reply | Tls) or (isinstance(earlier, Pace) and isinstance(action, Pace))
    if once and type(earlier) is type(action) and getattr(earlier, "layer", "") == getattr(action, "layer", ""):
        raise Wrong(f"a second {word} takes the place of the first, which never acts", word)


def missing(when: When, actions: Iterable[Action]) -> str | None:
    """The part of a rule that is not carried out yet, in words; None where all of it is."""
    point = when.points[0]
    if point in POINTS and POINTS[point].tls:
        return f"the point {point}"
    if when.offset is not None and when.offset.layer != "pop3":
        return f"the offset {when.offset} on the {when.offset.layer.upper()} layer"
    for action in actions:
        layer = getattr(action, "layer", "pop3")
        if layer != "pop3":
            return f"{action.verb} on the {layer.upper()} layer"
        if isinstance(action, Tls):
            return "the action tls"
        if isinstance(action, End) and action.how in LATER_ENDS:
            return f"end {action.how}"
    return None
