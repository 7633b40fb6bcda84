r"""When a rule strikes: the point, the occurrence, the argument, the offset, the phase, the filters.

Knows the points as a table and which parts contradict each other; must not know what is done there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from pop3s_fake.rules.values import BARE, Wrong, quoted, word

__all__ = (
    "CODE",
    "KEYWORDS",
    "OFFSETS",
    "PHASES",
    "POINTS",
    "Offset",
    "Phase",
    "Point",
    "When",
    "holds",
    "is_keyword",
    "meet",
)

Layer = Literal["pop3", "tls", "tcp"]
Phase = Literal["before", "during", "after"]

LAYERS: Final[tuple[Layer, ...]] = ("pop3", "tls", "tcp")
PHASES: Final[tuple[Phase, ...]] = ("before", "after")
"""The phases that are written; without one a rule stands in the reply itself."""


class Point(NamedTuple):
    """One row of the table of points that are no commands."""

    reply: bool = False
    """Whether the server says a line there."""
    tls: bool = False
    """Whether it belongs to the handshake."""
    flight: bool = False
    """Whether TLS octets are sent there, in which an offset can count."""
    spoken: bool = False
    """Whether something can be said there, sealed where there is TLS."""
    early: bool = True
    """Whether nobody can be logged in yet."""


POINTS: Final[dict[str, Point]] = {
    "accept": Point(),
    "hello": Point(tls=True),
    "handshake": Point(tls=True, flight=True),
    "secured": Point(tls=True, spoken=True),
    "greeting": Point(reply=True),
    "close": Point(spoken=True, early=False),
    "stls.hello": Point(tls=True),
    "stls.handshake": Point(tls=True, flight=True),
}

ANY: Final = "*"

KEYWORDS: Final[dict[str, bool]] = {
    "USER": False,
    "PASS": False,
    "APOP": False,
    "AUTH": True,
    "STLS": False,
    "CAPA": True,
    "LANG": True,
    "UTF8": False,
    "STAT": False,
    "LIST": True,
    "RETR": True,
    "DELE": False,
    "NOOP": False,
    "RSET": False,
    "TOP": True,
    "UIDL": True,
    "LAST": False,
    "QUIT": False,
}
"""The commands of RFC 1939, 2449, 2595, 5034, 6856 and 1460 (LAST): whether their replies can have several lines.

A keyword that begins with X is taken, too: extensions of that name may reply as they like.
"""

_EXTENSION: Final = re.compile(r"X[A-Z0-9-]*")


def is_keyword(word: str) -> bool:
    """Whether this is a legal keyword or that of an extension; what is none may be anything, a password, too.

    >>> is_keyword("RETR"), is_keyword("XTND"), is_keyword("OPEN-SESAME")
    (True, True, False)
    """
    return word in KEYWORDS or _EXTENSION.fullmatch(word) is not None


_ONE_LINE_WITH_ARGUMENT: Final = frozenset({"LIST", "UIDL"})

OffsetKind = Literal["octet", "body", "back", "percent", "line", "end"]

OFFSETS: Final = "@512, @body:512, @-3, @50%, @L4, @end, @tls:512 or @tcp:512"

PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Offset:
    """A place in a reply, between two octets.

    >>> str(Offset("octet", 512)), str(Offset("back", 3, "tls")), str(Offset("end"))
    ('@512', '@tls:-3', '@end')
    """

    kind: OffsetKind
    count: int = 0
    layer: Layer = "pop3"

    def __post_init__(self) -> None:
        """Refuse what no reply can have."""
        if self.kind in {"back", "line"} and self.count < 1:
            raise Wrong(f"{self} counts from 1", "offset")
        if self.kind == "percent" and self.count > PERCENT:
            raise Wrong(f"{self} is more than the whole reply", "offset")

    def __str__(self) -> str:
        """As it is written."""
        layer = "" if self.layer == "pop3" else f"{self.layer}:"
        forms: dict[OffsetKind, str] = {
            "octet": f"{self.count}",
            "body": f"body:{self.count}",
            "back": f"-{self.count}",
            "percent": f"{self.count}%",
            "line": f"L{self.count}",
            "end": "end",
        }
        return f"@{layer}{forms[self.kind]}"


YES_NO: Final = ("tls", "ahead", "parted")
"""The filters that are yes or no."""
_OF_COMMANDS: Final = {
    "ahead": "no command was sent behind it",
    "parted": "it does not come in pieces",
}
"""Filters on how a command came, and why there is nothing to them elsewhere."""


@dataclass(frozen=True, slots=True)
class When:
    """When a rule strikes; the parts that are None hold always.

    >>> str(When(("RETR", "TOP"), nth=2, offset=Offset("percent", 50), sessions=(2, None), tls=False))
    'RETR,TOP#2@50% session=2.. tls=no'
    """

    points: tuple[str, ...]
    """Keywords, or one name of :data:`POINTS`, or ``*``."""
    nth: int | None = None
    argument: str | None = None
    """The exact text behind the keyword and its space; "" where there is none."""
    offset: Offset | None = None
    phase: Phase = "during"
    sessions: tuple[int, int | None] | None = None
    user: str | None = None
    tls: bool | None = None
    answer: str | None = None
    """How the command was answered: "ok", "err", or a response code, such as "SYS" or "SYS/TEMP", in a refusal."""
    ahead: bool | None = None
    """Whether the client had sent another command already (RFC 2449 section 6.6)."""
    parted: bool | None = None
    """Whether the command came in several pieces."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.nth is not None and self.nth < 1:
            raise Wrong(f"occurrences count from 1, so there is no #{self.nth}", "nth")
        self._check_sessions()
        point = self.points[0]
        if self.phase != "during" and self.offset is not None:
            raise Wrong(f"{self.offset} and !{self.phase} contradict each other: an offset lies in the reply", "phase")
        if point in POINTS:
            self._check_point(point, POINTS[point])
        if self.answer is not None and (self.phase == "before" or point in POINTS):
            raise Wrong(f"no command has been answered at {point}{self._phase}, so answer= never holds", "answer")
        if self.tls is False and self.offset is not None and self.offset.layer == "tls":
            raise Wrong(f"tls=no and {self.offset} contradict each other: without TLS nothing is sealed", "tls")
        if self.one_line and self.offset is not None:
            if self.offset.kind == "body":
                raise Wrong(f"{self.named} has single-line replies only, so there is no {self.offset}", "offset")
            if self.offset.kind == "line" and self.offset.count > 1:
                raise Wrong(f"{self.named} has single-line replies only, so there is no {self.offset}", "offset")

    def _check_sessions(self) -> None:
        if self.sessions is None:
            return
        first, last = self.sessions
        if first < 1 or (last is not None and last < first):
            raise Wrong("session takes 2, 2.. or 2..5, counted from 1", "session")

    def _check_point(self, name: str, point: Point) -> None:
        if self.argument is not None:
            raise Wrong(f"{name} is no command, so it has no argument", "argument")
        if self.nth is not None and self.nth > 1:
            raise Wrong(f"{name} comes once in a connection, so there is no #{self.nth}", "nth")
        if self.phase != "during" and not point.reply:
            raise Wrong(f"{name} has no reply, so there is no !{self.phase}", "phase")
        if self.offset is not None and not point.reply:
            if not point.flight:
                raise Wrong(f"{name} has no reply, so there is no {self.offset}", "offset")
            if self.offset.layer == "pop3":
                raise Wrong(f"{name} has TLS octets only: an offset is @tls:512 or @tcp:512 there", "offset")
            if self.offset.kind != "octet":
                raise Wrong(f"a handshake has several flights, so there is no {self.offset}", "offset")
        self._check_filters(name, point)

    def _check_filters(self, name: str, point: Point) -> None:
        for each, why in _OF_COMMANDS.items():
            if getattr(self, each) is not None:
                raise Wrong(f"{name} is no command, so {why}", each)
        if self.user is not None and point.early:
            raise Wrong(f"nobody is logged in at {name}, so user= never holds", "user")

    @property
    def _phase(self) -> str:
        return "" if self.phase == "during" else f"!{self.phase}"

    @property
    def named(self) -> str:
        """The point in a sentence."""
        return " or ".join(self.points)

    @property
    def one_line(self) -> bool:
        """Whether what is said there never has more than one line."""
        if self.points[0] in POINTS:
            return POINTS[self.points[0]].reply
        return all(
            not KEYWORDS.get(each, True) or (each in _ONE_LINE_WITH_ARGUMENT and bool(self.argument))
            for each in self.points
        )

    @property
    def session_filter(self) -> str:
        """The filter on sessions as it is written; "" where there is none."""
        if self.sessions is None:
            return ""
        first, last = self.sessions
        return f"session={first}" if first == last else f"session={first}..{last or ''}"

    def __str__(self) -> str:
        """As it is written."""
        parts = [",".join(self.points)]
        if self.nth is not None:
            parts.append(f"#{self.nth}")
        if self.argument is not None:
            bare = self.argument == "" or BARE.fullmatch(self.argument.replace(" ", "_"))
            parts.append(f"({self.argument if bare else quoted(self.argument.encode('utf-8', 'surrogateescape'))})")
        if self.offset is not None:
            parts.append(str(self.offset))
        if self.phase != "during":
            parts.append(f"!{self.phase}")
        if self.sessions is not None:
            parts.append(f" {self.session_filter}")
        if self.user is not None:
            parts.append(f" user={word(self.user)}")
        for name in YES_NO:
            wanted = getattr(self, name)
            if wanted is not None:
                parts.append(f" {name}={'yes' if wanted else 'no'}")
        if self.answer is not None:
            parts.append(f" answer={self.answer}")
        return "".join(parts)


def meet(one: When, other: When) -> bool:
    """Whether both can hold at the same place: the same point and occurrence, phase and octet.

    >>> retr, second, any_command = (When((point,), nth=nth) for point, nth in (("RETR", None), ("RETR", 2), ("*", 1)))
    >>> meet(retr, second), meet(retr, any_command), meet(second, any_command), meet(retr, When(("greeting",)))
    (True, True, False, False)
    """
    if (one.phase, one.offset) != (other.phase, other.offset):
        return False
    commands = one.points[0] not in POINTS and other.points[0] not in POINTS
    if not set(one.points) & set(other.points) and not (commands and ANY in (one.points[0], other.points[0])):
        return False
    parts = ("nth", "argument", "user", "tls", "ahead", "parted")
    pairs = [(getattr(one, part), getattr(other, part)) for part in parts]
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        return False
    if one.answer is not None and other.answer is not None and not _both(one.answer, other.answer):
        return False
    (first, last), (begin, end) = one.sessions or (1, None), other.sessions or (1, None)
    return (last is None or begin <= last) and (end is None or first <= end)


CODE: Final = re.compile(r"[A-Z0-9-]+(?:/[A-Z0-9-]+)*")
"""A response code as ``answer=`` takes it, its levels parted as in SYS/TEMP (RFC 2449 section 8)."""


def holds(answer: str, status: str) -> bool:
    """Whether a reply that begins so is the answer that a rule asks for.

    >>> holds("SYS", "-ERR [SYS/TEMP] later"), holds("err", "-ERR no"), holds("IN-USE", "-ERR [IN-USER] no")
    (True, True, False)
    """
    if answer in {"ok", "err"}:
        return status.startswith("+OK") == (answer == "ok")
    return re.match(rf"-ERR \[{re.escape(answer)}[]/]", status) is not None


def _both(one: str, other: str) -> bool:
    """Whether a reply can be both answers."""
    if "ok" in {one, other} or one == other:
        return one == other
    return "err" in {one, other} or one.startswith(f"{other}/") or other.startswith(f"{one}/")
