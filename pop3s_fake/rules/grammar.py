r"""The grammar of rules: a text becomes its parts, or an error that names the column and the nearest legal word.

    POINT[#nth][(argument)][@offset][!phase] [filters] -> action, action ...; limit, limit ...

Knows how a rule is written; must not know conversations.  What the parts mean stands in ``when``, ``actions``,
``limits`` and ``checks``.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pop3s_fake.errors import UsageError
from pop3s_fake.rules.checks import check_action
from pop3s_fake.rules.forms import FORMS, real, whole
from pop3s_fake.rules.limits import LIMITS, Limits
from pop3s_fake.rules.values import Token, Wrong, known, natural, unquote
from pop3s_fake.rules.when import ANY, CODE, KEYWORDS, OFFSETS, PHASES, POINTS, YES_NO, Offset, When, is_keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake.rules.actions import Action
    from pop3s_fake.rules.when import Layer, OffsetKind

__all__ = ("Parsed", "parse")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


class Parsed(NamedTuple):
    """The parts of a rule."""

    when: When
    actions: tuple[Action, ...]
    limits: Limits


_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9.]*(?:-[A-Za-z0-9.]+)*|\*")
_DIGITS: Final = re.compile(r"\d+", re.ASCII)
_OFFSET: Final = re.compile(r"(?:[A-Za-z0-9:%+]|-(?!>))*")
_PLACE: Final = re.compile(r"(?:([a-z]+):)?(-?)(\d+)(%?)", re.ASCII)
_LINE: Final = re.compile(r"[Ll](\d+)", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*")
_PAIR: Final = re.compile(r"([A-Za-z][A-Za-z-]*)=")
_VALUE: Final = re.compile(r'(?:[^\s,;"-]|-(?!>))+')
_BLANKS: Final = re.compile(r"\s*")
_COUNTERS: Final = {"times": whole, "exactly": whole, "skip": whole, "p": real, "expires": real}
FILTERS: Final = ("session", "user", "tls", "answer", "ahead", "parted")


def parse(text: str) -> Parsed:
    r"""The parts of the rule that is written here; a :class:`UsageError` where it is none.

    >>> parse("RETR#2@512 -> wait 0.2, end rst; times=1").when.offset
    Offset(kind='octet', count=512, layer='pop3')
    >>> parse("RETR -> wiat 1")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: column 9 of `RETR -> wiat 1`: unknown action 'wiat'; did you mean 'wait'?
    """
    if not isinstance(text, str):
        raise UsageError(f"a rule is written as a text such as 'RETR -> end rst', not as {text!r}")
    reader = _Reader(text)
    try:
        return reader.rule()
    except Wrong as wrong:
        column = reader.columns.get(wrong.part, reader.start) if wrong.part else reader.start
        raise UsageError(f"column {column + 1} of `{text}`: {wrong}") from None


class _Reader:
    """One pass over one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.start = 0
        """Where the part begins that is being read: what a complaint without a part of its own is about."""
        self.columns: dict[str, int] = {}
        """Where the parts stand."""

    # small steps

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What stands here, if it has this form."""
        match = pattern.match(self.text, self.place)
        if match is not None:
            self.place = match.end()
        return match

    def sign(self, sign: str) -> bool:
        """Whether this sign stands here; it is taken."""
        if not self.text.startswith(sign, self.place):
            return False
        self.place += len(sign)
        return True

    def blanks(self) -> None:
        """Pass over blanks, and begin a part."""
        self.take(_BLANKS)
        self.start = self.place

    def mark(self, part: str) -> None:
        """A part begins here."""
        self.start = self.columns[part] = self.place

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self.place == len(self.text)

    def expected(self, what: str) -> Wrong:
        """The complaint that something else stands here, or nothing."""
        words = self.text[self.place :].split()
        return Wrong(f"{what} belongs here, not {words[0]!r}" if words else f"{what} is missing here")

    def value(self, part: str) -> Token:
        """A bare word or a quoted text."""
        column = self.place
        if self.text.startswith('"', column):
            with self._inside_quotes():
                octets, self.place = unquote(self.text, column)
            return Token(octets.decode("utf-8", "surrogateescape"), octets, column)
        match = self.take(_VALUE)
        if match is None:
            raise Wrong(f"a value is missing behind {part}", part)
        if match[0].startswith("<"):
            raise Wrong(f"{match[0]} stands for something of Python's, so it can be given in Python only", part)
        return Token(match[0], None, column)

    @contextmanager
    def _inside_quotes(self) -> Iterator[None]:
        try:
            yield
        except Wrong as wrong:
            self.columns["quotes"] = getattr(wrong, "place", self.place)
            raise Wrong(str(wrong), "quotes") from None

    # the rule

    def rule(self) -> Parsed:
        """All of it."""
        when = self._when()
        actions: tuple[Action, ...] = ()
        limits = Limits()
        if self.sign("->"):
            actions = self._actions(when)
        if self.sign(";"):
            limits = self._limits()
        if not self.over:
            self.start = self.place
            what = "'->'" if not actions and limits == Limits() else "',' or ';'"
            raise self.expected(what)
        return Parsed(when, actions, limits)

    def _when(self) -> When:
        self.blanks()
        parts: dict[str, Any] = {"points": self._points()}
        self.mark("nth")
        if self.sign("#"):
            match = self.take(_DIGITS)
            if match is None:
                raise self.expected("the number of the occurrence, as in #2,")
            parts["nth"] = natural(match[0], "#")
        self.mark("argument")
        if self.sign("("):
            parts["argument"] = self._argument()
        self.mark("offset")
        if self.sign("@"):
            parts["offset"] = self._offset()
        self.mark("phase")
        if self.sign("!"):
            match = self.take(_WORD)
            phase = match[0] if match else ""
            if phase not in PHASES:
                raise Wrong(f"unknown phase {'!' + phase!r}{known('!' + phase, [f'!{each}' for each in PHASES])}")
            parts["phase"] = phase
        self._filters(parts)
        return When(**parts)

    def _points(self) -> tuple[str, ...]:
        points: list[str] = []
        while True:
            self.start = self.place
            match = self.take(_NAME)
            if match is None:
                raise self.expected("a point such as RETR")
            point = self._point(match[0])
            if points and (point in POINTS or points[0] in POINTS or ANY in {point, points[0]}):
                alone = point if point in POINTS or point == ANY else points[0]
                raise Wrong(f"a list is made of keywords, {alone} stands alone")
            if point in points:
                raise Wrong(f"{point} stands twice in the list")
            points.append(point)
            if not self.sign(","):
                return tuple(points)
            self.take(_BLANKS)

    def _point(self, name: str) -> str:
        if name == ANY or name.lower() in POINTS:
            return name.lower()
        keyword = name.upper()
        if is_keyword(keyword):
            return keyword
        raise Wrong(f"unknown point {name!r}{known(name, [*POINTS, *KEYWORDS, ANY])}")

    def _argument(self) -> str:
        if self.text.startswith('"', self.place):
            argument = self.value("argument").text
            end = self.place
        else:
            end = self.text.find(")", self.place)
            argument = self.text[self.place : end]
        if end < 0 or not self.text.startswith(")", end):
            raise Wrong("the closing ) of this argument is missing")
        self.place = end + 1
        return argument

    def _offset(self) -> Offset:
        match = self.take(_OFFSET)
        text = match[0] if match else ""
        if text == "end":
            return Offset("end")
        line = _LINE.fullmatch(text)
        if line is not None:
            return Offset("line", natural(line[1], "@L"))
        place = _PLACE.fullmatch(text)
        if place is None:
            near = known(f"@{text}", ["@end"])
            raise Wrong(f"unknown offset '@{text}'{near if '?' in near else f'; an offset is {OFFSETS}'}")
        prefix, back, digits, percent = place.groups()
        layers: dict[str | None, Layer] = {"tls": "tls", "tcp": "tcp"}
        if prefix not in {None, "body", *layers}:
            near = known(f"@{text}", [f"@{each}:{back}{digits}" for each in ("body", *layers)])
            raise Wrong(f"unknown offset '@{text}'{near}")
        if percent and not (prefix or back):
            return Offset("percent", natural(digits, "@"))
        if percent or (prefix == "body" and back):
            raise Wrong(f"unknown offset '@{text}'; an offset is {OFFSETS}")
        kind: OffsetKind = "body" if prefix == "body" else "back" if back else "octet"
        return Offset(kind, natural(digits, "@"), layers.get(prefix, "pop3"))

    def _filters(self, parts: dict[str, Any]) -> None:
        while True:
            self.blanks()
            if self.over or self.text.startswith(("->", ";"), self.place):
                return
            match = self.take(_PAIR)
            name = match[1] if match else ""
            if match is None:
                raise self.expected("'->' or a filter such as session=2..")
            if name not in FILTERS:
                raise Wrong(f"unknown filter {name!r}{known(name, FILTERS)}")
            field = "sessions" if name == "session" else name
            if field in parts:
                raise Wrong(f"{name} stands twice")
            self.columns[name] = self.start
            parts[field] = self._filter(name, self.value(name))

    def _filter(self, name: str, token: Token) -> Any:
        if name == "user":
            return token.text
        if name in YES_NO:
            if token.text not in {"yes", "no"}:
                raise Wrong(f"{name} takes yes or no, not {token.text!r}")
            return token.text == "yes"
        if name == "answer":
            if token.text not in {"ok", "err"} and not CODE.fullmatch(token.text):
                raise Wrong(f"answer takes ok, err or a response code such as IN-USE, not {token.text!r}")
            return token.text
        first, dots, last = token.text.partition("..")
        if not _DIGITS.fullmatch(first) or (last and not _DIGITS.fullmatch(last)):
            raise Wrong(f"session takes 2, 2.. or 2..5, not {token.text!r}")
        begin = natural(first, "session")
        return begin, (natural(last, "session") if last else None) if dots else begin

    def _actions(self, when: When) -> tuple[Action, ...]:
        actions: list[Action] = []
        while True:
            self.blanks()
            begin = self.start
            match = self.take(_WORD)
            if match is None:
                raise self.expected("an action such as wait")
            verb = match[0]
            if verb not in FORMS:
                raise Wrong(f"unknown action {verb!r}{_limit(verb) or known(verb, FORMS)}")
            self.columns = {verb: begin}
            if verb == "call":
                raise Wrong("call takes a Python function, so it can be given in Python only: .call(function)")
            fields = self._parameters(verb)
            self.start = begin
            action = FORMS[verb].make(**fields)
            self.columns[verb] = begin
            check_action(when, actions, action)
            actions.append(action)
            if not self.sign(","):
                return tuple(actions)

    def _parameters(self, verb: str) -> dict[str, Any]:
        form = FORMS[verb]
        fields: dict[str, Any] = {}
        values = list(form.values)
        flags = dict(form.flags)
        pairs = {parameter.name: parameter for parameter in form.pairs}
        words = (*(f"{name}=" for name in pairs), *flags)
        while True:
            self.blanks()
            if self.over or self.text[self.place] in ",;":
                break
            match = self.take(_PAIR)
            if match is not None:
                name = match[1]
                if name not in pairs:
                    raise Wrong(f"{verb} takes no {name}={_limit(name) or _takes(verb, f'{name}=', words)}")
                parameter = pairs[name]
                if parameter.field in fields:
                    raise Wrong(f"{name} stands twice")
                self.columns[name] = self.start
                fields[parameter.field] = parameter.read(self.value(name))
                continue
            token = self.value(verb)
            if token.octets is None and token.text in flags:
                self.columns[token.text] = self.start
                fields[flags[token.text]] = True
            elif values:
                parameter = values.pop(0)
                self.columns[parameter.name] = self.start
                self.columns[verb] = self.start
                fields[parameter.field] = parameter.read(token)
            else:
                raise Wrong(f"{verb} takes no {token.text!r}{_limit(token.text) or _takes(verb, token.text, words)}")
        for parameter in values:
            if parameter.needed:
                raise Wrong(f"{verb} is not complete: {verb} {parameter.name}", verb)
        return fields

    def _limits(self) -> Limits:
        fields: dict[str, Any] = {}
        while True:
            self.blanks()
            match = self.take(_PAIR) or self.take(_WORD)
            if match is None:
                raise self.expected("a limit such as times=1")
            name = match[0].removesuffix("=")
            if name not in LIMITS:
                raise Wrong(f"unknown limit {name!r}{known(name, LIMITS)}")
            if name in fields:
                raise Wrong(f"{name} stands twice")
            self.columns[name] = self.start
            if match[0].endswith("=") == (name == "optional"):
                raise Wrong("optional takes no value" if name == "optional" else f"{name} takes a value: {name}=1")
            fields[name] = True if name == "optional" else _COUNTERS[name](name)(self.value(name))
            self.take(_BLANKS)
            if not self.sign(","):
                return Limits(**fields)


def _limit(name: str) -> str:
    """The tail of a complaint about a limit among the actions; "" for what is no limit."""
    return f"; limits stand behind ';', as in `; {name}{'' if name == 'optional' else '=1'}`" if name in LIMITS else ""


def _takes(verb: str, name: str, words: tuple[str, ...]) -> str:
    """The tail of a complaint about a parameter."""
    return known(name, words) if words else f": {verb} takes one value"
