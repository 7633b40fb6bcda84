"""Where each action is allowed, and which ones contradict each other.

Knows the laws as tables; must not know how rules are written or carried out.  A rule that could never act is refused
as soon as it is made, so that no test is green because nothing happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pop3s_fake.rules.actions import (
    HALVES,
    NEEDS_PAYLOAD,
    Action,
    Call,
    Edit,
    End,
    Mail,
    Pace,
    Reply,
    Send,
    Tls,
    Wait,
)
from pop3s_fake.rules.values import Wrong
from pop3s_fake.rules.when import LAYERS, POINTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pop3s_fake.rules.when import When

__all__ = ("check_action",)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_MOMENTS: Final = frozenset({"wait", "send", "flood", "tls", "end", "mail", "call"})
"""What can be done at any moment, whether there is a reply or not."""

ALLOWED: Final[dict[str, frozenset[str]]] = {
    "accept": frozenset({"wait", "send", "end", "mail", "call"}),
    "hello": frozenset({"wait", "send", "tls", "end", "mail", "call"}),
    "flight": frozenset({"wait", "send", "tls", "end", "mail", "call", "edit", "pace"}),
    "moment": _MOMENTS,
    "before": _MOMENTS | {"reply"},
    "during": _MOMENTS | {"reply", "edit", "pace"},
    "after": _MOMENTS,
    "below": frozenset({"wait", "send", "end", "mail", "call", "edit", "pace"}),
}
"""The actions of each kind of place: before TLS, the handshake, other points without a reply, the three phases of a
reply, and the places that are counted on a layer below POP3."""

_NO_REPLY: Final[dict[str, str]] = {
    "accept": "accept has no reply",
    "hello": "a handshake has no reply",
    "flight": "a handshake has no reply",
    "moment": "{point} has no reply",
    "before": "there is no reply yet in !before",
    "after": "the reply is over in !after",
}

_EARLY: Final = frozenset({"accept", "hello", "flight"})
"""The places before TLS is up, where nothing can be sealed."""

_WITHOUT_TLS: Final = ("fin", "rst", "half-tcp")
"""How a connection ends without a word of TLS's, which cannot be said yet, or any more."""


def place(when: When) -> str:
    """The kind of place at which a rule stands."""
    point = when.points[0]
    if point in POINTS and not POINTS[point].reply:
        row = POINTS[point]
        return point if point == "accept" else "flight" if row.flight else "moment" if row.spoken else "hello"
    return when.phase if when.offset is None or when.offset.layer == "pop3" else "below"


def check_action(when: When, earlier: Iterable[Action], action: Action) -> None:
    """Refuse an action that cannot act here, or not behind those that come earlier in the same rule."""
    _check_place(when, action)
    for other in earlier:
        _check_pair(other, action)


def _check_place(when: When, action: Action) -> None:
    where, word = place(when), action.verb
    if word not in ALLOWED[where]:
        raise _out_of_place(when, where, word)
    if where in _EARLY:
        _check_early(when, where, action)
    elif isinstance(action, Tls):
        _check_tls(when, action)
    if isinstance(action, Reply):
        _check_reply(when, action)
    if isinstance(action, Edit):
        _check_edit(when, action)
    if where == "below" or (where == "flight" and when.offset is not None):
        _check_layer(when, action)
    if when.tls is False:
        _check_clear(action)


def _out_of_place(when: When, where: str, word: str) -> Wrong:
    """The complaint about an action where there is nothing for it to do."""
    if where in _EARLY and word in {"flood", "tls"}:
        return Wrong(f"nothing can be sealed at {when.named} yet, so there is no {word}", word)
    if where == "below":
        return Wrong(f"{when.offset} counts octets that are on their way down: too late to {word}", word)
    return Wrong(f"{_NO_REPLY[where].format(point=when.named)}, so there is nothing to {word}", word)


def _check_reply(when: When, action: Reply) -> None:
    if when.offset is not None:
        raise Wrong(f"reply takes the place of the whole reply, so it stands without {when.offset}", "reply")
    if action.keep and when.phase == "before":
        raise Wrong("keep keeps the payload, and there is none in !before", "keep")
    if action.keep and when.one_line:
        raise Wrong(f"keep keeps the payload, and {when.named} has single-line replies only", "keep")


def _check_early(when: When, where: str, action: Action) -> None:
    """Before there is TLS nothing is sealed, and only what is raw can be sent."""
    named = when.named
    if isinstance(action, End) and action.how not in _WITHOUT_TLS:
        raise Wrong(f"there is no TLS at {named} yet: end fin or end rst, not end {action.how}", "end")
    layer = getattr(action, "layer", "tcp")
    if isinstance(action, Send) and layer != "tcp":
        raise Wrong(f"nothing can be sealed at {named} yet: send with layer=tcp sends octets as they are", "send")
    if isinstance(action, Edit | Pace) and layer == "pop3":
        raise Wrong(f"{named} has TLS octets only: {action.verb} with layer=tls or layer=tcp", action.verb)
    if isinstance(action, Tls):
        if action.request:
            raise Wrong(f"at {named} it is client_certificate= that asks; request-client-cert is for later", "tls")
        if action.certificate is not None and where == "flight":
            raise Wrong(f"the certificate is chosen at hello, not at {named}", "certificate")


def _check_tls(when: When, action: Tls) -> None:
    """Once TLS is up little can be done to it."""
    if action.alert is not None:
        raise Wrong("once TLS is up, Python sends no alert of choice: tls alert= stands at hello or handshake", "alert")
    if action.certificate is not None:
        raise Wrong(f"the certificate is chosen at hello, not at {when.named}", "certificate")


def _check_layer(when: When, action: Action) -> None:
    """At a place that is counted below POP3 only that layer, and those below it, can still be changed."""
    assert when.offset is not None
    if isinstance(action, End) and action.how not in _WITHOUT_TLS:
        raise Wrong(
            f"at {when.offset} records are sealed already, and no alert can be read between or within them: "
            f"end {', '.join(_WITHOUT_TLS[:-1])} or {_WITHOUT_TLS[-1]}, or an offset without {when.offset.layer}:",
            "end",
        )
    layer, own = getattr(action, "layer", None), when.offset.layer
    if layer is None:
        return
    if LAYERS.index(layer) < LAYERS.index(own) or (isinstance(action, Send) and layer == "tls"):
        right = "layer=tcp" if own == "tcp" or isinstance(action, Send) else "layer=tls or layer=tcp"
        raise Wrong(f"at {when.offset} it is sealed already: {action.verb} with {right}", action.verb)


def _check_clear(action: Action) -> None:
    """In clear there is nothing of TLS's to change."""
    if getattr(action, "layer", None) == "tls":
        raise Wrong(f"tls=no and {action.verb} layer=tls contradict each other: without TLS nothing is sealed", "layer")
    if isinstance(action, Tls):
        raise Wrong("tls=no and tls contradict each other: in clear there is no TLS in which to say it", "tls")
    if isinstance(action, End) and action.how == "half-tls":
        raise Wrong("tls=no and end half-tls contradict each other: in clear there is no TLS to close", "half-tls")


def _check_edit(when: When, action: Edit) -> None:
    if action.kind == "swap" and when.offset is not None:
        raise Wrong(f"edit swap exchanges the next two records, so it stands without {when.offset}", "edit")
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
        if earlier.how not in HALVES:
            raise Wrong(f"nothing comes after end {earlier.how}, so {word} never acts", word)
        again = isinstance(action, End) and action.how == earlier.how
        if again or not isinstance(action, Wait | End | Call | Mail):
            raise Wrong(f"nothing can be sent after end {earlier.how}, so this {word} never acts", word)
    once = isinstance(action, Reply | Tls) or (isinstance(earlier, Pace) and isinstance(action, Pace))
    if once and type(earlier) is type(action) and getattr(earlier, "layer", "") == getattr(action, "layer", ""):
        raise Wrong(f"a second {word} takes the place of the first, which never acts", word)
