r"""How actions are written: one table from which texts are both read and made.

Knows the words and parameters of each action; must not know the rest of a rule's grammar, nor what actions mean.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pop3s_fake.rules import actions
from pop3s_fake.rules.actions import ALERTS, CRLF, EDITS, ENDINGS, MOST_OCTETS, MOST_SECONDS
from pop3s_fake.rules.values import NUMBER, Token, Wrong, known, named, natural, number, quoted, word
from pop3s_fake.rules.when import LAYERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pop3s_fake.rules.actions import Action

__all__ = ("FORMS", "written")


class Parameter(NamedTuple):
    """One parameter: its name, the action's field, and how its value is read and shown."""

    name: str
    read: Callable[[Token], Any]
    show: Callable[[Any], str]
    field: str
    """The attribute of the action."""
    default: Any = None
    needed: bool = False


class Form(NamedTuple):
    """How one action is written: values in order, then ``name=value``, then words that stand for themselves."""

    make: type[Action]
    values: tuple[Parameter, ...] = ()
    pairs: tuple[Parameter, ...] = ()
    flags: tuple[tuple[str, str], ...] = ()
    """The word and the field that it sets."""


_SPAN: Final = re.compile(rf"({NUMBER})(?:\.\.({NUMBER}))?")
_NUMBER: Final = re.compile(NUMBER)


def _bare(token: Token, name: str, what: str) -> str:
    if token.octets is not None:
        raise Wrong(f"{name} takes {what}, not a quoted text", name)
    return token.text


def _span(token: Token) -> tuple[float, float] | None:
    text = _bare(token, "wait", "seconds")
    if text == "forever":
        return None
    match = _SPAN.fullmatch(text)
    if match is None:
        raise Wrong(f"wait takes seconds such as 0.2, a range such as 0.5..1.5, or forever, not {text!r}", "wait")
    return float(match[1]), float(match[2] or match[1])


def _show_span(span: tuple[float, float] | None) -> str:
    if span is None:
        return "forever"
    return number(span[0]) if span[0] == span[1] else f"{number(span[0])}..{number(span[1])}"


def _octets(name: str) -> Callable[[Token], bytes]:
    def read(token: Token) -> bytes:
        if token.octets is None:
            raise Wrong(f'{name} takes a quoted text such as "+OK\\r\\n", not {token.text!r}', name)
        return token.octets

    return read


def whole(name: str) -> Callable[[Token], int]:
    """A reader of whole numbers."""

    def read(token: Token) -> int:
        text = _bare(token, name, "a whole number")
        if not (text.isascii() and text.isdigit()):
            raise Wrong(f"{name} takes a whole number, not {text!r}", name)
        return natural(text, name)

    return read


def real(name: str) -> Callable[[Token], float]:
    """A reader of numbers."""

    def read(token: Token) -> float:
        text = _bare(token, name, "a number")
        if _NUMBER.fullmatch(text) is None:
            raise Wrong(f"{name} takes a number, not {text!r}", name)
        return float(text)

    return read


def _choice(name: str, words: Sequence[str]) -> Callable[[Token], str]:
    """A reader of one of these words."""

    def read(token: Token) -> str:
        text = _bare(token, name, "a word")
        if text not in words:
            raise Wrong(f"unknown {name} {text!r}{known(text, words)}", name)
        return text

    return read


def _text(token: Token) -> str:
    return token.text


def _alert(token: Token) -> int:
    text = _bare(token, "alert", "a name or a number")
    if text.isascii() and text.isdigit():
        return natural(text, "alert")
    if text not in ALERTS:
        raise Wrong(f"unknown alert {text!r}{known(text, ALERTS)}", "alert")
    return ALERTS[text]


_ALERT_NAMES: Final = {value: name for name, value in ALERTS.items()}


def _show_alert(alert: int) -> str:
    return _ALERT_NAMES.get(alert, str(alert))


def _show_octets(value: bytes | Callable[..., object]) -> str:
    return quoted(value) if isinstance(value, bytes) else named(value)


def _show_text(value: str) -> str:
    return word(value)


def _show_kind(value: str | Callable[..., object]) -> str:
    return named(value) if callable(value) else value


_LAYER: Final = Parameter("layer", _choice("layer", LAYERS), str, "layer", "pop3")

FORMS: Final[dict[str, Form]] = {
    "wait": Form(actions.Wait, (Parameter("seconds", _span, _show_span, "span", needed=True),)),
    "pace": Form(
        actions.Pace,
        pairs=(
            Parameter("size", whole("size"), str, "size"),
            Parameter("gap", real("gap"), number, "gap"),
            Parameter("rate", real("rate"), number, "rate"),
            _LAYER,
        ),
    ),
    "reply": Form(
        actions.Reply,
        (Parameter("text", _octets("reply"), _show_octets, "answer", needed=True),),
        flags=(("keep", "keep"),),
    ),
    "edit": Form(
        actions.Edit,
        (
            Parameter("|".join(EDITS), _choice("edit", EDITS), _show_kind, "kind", needed=True),
            Parameter("count", whole("count"), str, "count", 1),
        ),
        (_LAYER,),
    ),
    "send": Form(actions.Send, (Parameter("octets", _octets("send"), _show_octets, "octets", needed=True),), (_LAYER,)),
    "flood": Form(
        actions.Flood,
        (Parameter("unit", _octets("flood"), _show_octets, "unit", needed=True),),
        (
            Parameter("octets", whole("octets"), str, "octets", MOST_OCTETS),
            Parameter("seconds", real("seconds"), number, "seconds", MOST_SECONDS),
        ),
    ),
    "tls": Form(
        actions.Tls,
        pairs=(
            Parameter("alert", _alert, _show_alert, "alert"),
            Parameter("certificate", _text, _show_text, "certificate"),
        ),
        flags=(("request-client-cert", "request"),),
    ),
    "end": Form(actions.End, (Parameter("|".join(ENDINGS), _choice("end", ENDINGS), str, "how", needed=True),)),
    "mail": Form(
        actions.Mail,
        pairs=(
            Parameter("add", _text, _show_text, "path"),
            Parameter("remove", _text, _show_text, "remove"),
        ),
        flags=(("renumber-uids", "renumber"),),
    ),
    # what is called is not read from a text: the grammar refuses the word before it reads on
    "call": Form(actions.Call, (Parameter("function", _text, named, "function", needed=True),)),
}
"""All actions.  A new one is a row here, a structure in ``actions`` and its place in ``checks``."""


def written(action: Action) -> str:
    r"""An action as it is written.

    >>> written(actions.Pace(size=1, gap=0.5)), written(actions.Reply(b"-ERR no"))
    ('pace size=1 gap=0.5', 'reply "-ERR no"')
    """
    form = FORMS[action.verb]
    words = [action.verb]
    for parameter in form.values:
        value = getattr(action, parameter.field)
        if parameter.needed or value != parameter.default:
            words.append(parameter.show(_without_crlf(action, value)))
    for parameter in form.pairs:
        value = getattr(action, parameter.field)
        if value != parameter.default:
            words.append(f"{parameter.name}={parameter.show(value)}")
    words += [flag for flag, field in form.flags if getattr(action, field)]
    if isinstance(action, actions.Mail) and action.message is not None:
        words.append("add=<message>")
    return " ".join(words)


def _without_crlf(action: Action, value: Any) -> Any:
    """A single-line reply is shown without the CRLF that reading it completes."""
    if isinstance(action, actions.Reply) and isinstance(value, bytes) and value.count(CRLF) == 1:
        return value.removesuffix(CRLF)
    return value
