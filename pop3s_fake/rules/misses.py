r"""What came near: why a rule did not strike although its point came, and how to say so.

Knows the reasons in the order of their nearness and their wording; must not know how they are found out.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.rules.values import number, times, word
from pop3s_fake.rules.when import KEYWORDS, POINTS, Offset, is_keyword

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pop3s_fake.rules.rule import Rule
    from pop3s_fake.rules.when import When

__all__ = ("MOST_SESSIONS", "Misses", "Reason", "Sent", "discreet", "explain")


class Reason(IntEnum):
    """Why a rule did not strike; the last of them is the nearest to striking."""

    NTH = 1
    ARGUMENT = 2
    FILTER = 3
    EXPIRED = 4
    SKIP = 5
    CHANCE = 6
    LOST = 7
    CUT = 8
    NOTHING = 9
    BEYOND = 10


class Note(NamedTuple):
    """The occurrence that came nearest, for one reason."""

    size: int
    """How near it came: the larger, the nearer."""
    session: int
    about: str
    """The message concerned, such as ``message 1``; "" where there is none."""
    detail: str


MOST_SESSIONS: Final = 10_000
"""Sessions that are remembered of a rule, for a server may run for ever."""

MOST_DETAILS: Final = 8
"""Different arguments that are remembered: enough to see what is wrong."""


class Misses:
    """How often the point of one rule came, and what kept the rule from striking."""

    __slots__ = ("_lock", "arguments", "came", "notes", "sessions")

    def __init__(self) -> None:
        self.came: int = 0
        self.sessions: dict[int, None] = {}
        self.notes: dict[Reason, Note] = {}
        self.arguments: dict[str, None] = {}
        self._lock = Lock()

    def point(self, session: int) -> None:
        """The rule's point came."""
        with self._lock:
            self.came += 1
            if len(self.sessions) < MOST_SESSIONS:
                self.sessions[session] = None

    def note(self, reason: Reason, session: int, *, size: int = 0, about: str = "", detail: str = "") -> None:
        """It did not strike; of several occurrences the first of the nearest is kept."""
        with self._lock:
            known = self.notes.get(reason)
            if known is None or size > known.size:
                self.notes[reason] = Note(size, session, about, detail)
            if reason is Reason.ARGUMENT and len(self.arguments) < MOST_DETAILS:
                self.arguments[detail] = None


MOST_SHOWN: Final = 40
"""Characters of an argument that are shown."""

SECRET: Final = frozenset({"PASS", "APOP", "AUTH"})
"""Commands whose arguments are never shown."""

HIDDEN: Final = "****"
"""What is shown in place of credentials."""


class Sent(NamedTuple):
    """What came, whatever the rules were."""

    points: dict[str, int]
    """How often each point came, in the order in which they came first."""
    sessions: list[int]
    """The sessions in which commands were sent."""

    @property
    def commands(self) -> str:
        """The keywords in a sentence, and how many commands had others: these may be anything, secrets, too."""
        named = ", ".join(point for point in self.points if is_keyword(point))
        others = sum(count for point, count in self.points.items() if point not in POINTS and not is_keyword(point))
        if not others:
            return named
        return f"{named}{' and ' if named else ''}{others} unknown command{'s' if others > 1 else ''}"


def discreet(command: str) -> str:
    """A command without what may be a secret: no credentials, and nothing of what is no command.

    >>> discreet("RETR 2"), discreet("PASS secret"), discreet("XAUTH secret"), discreet("PASSS secret")
    ('RETR 2', 'PASS ****', 'XAUTH ****', '****')
    """
    keyword, space, argument = command.partition(" ")
    if not is_keyword(keyword) and keyword not in POINTS:
        return HIDDEN
    return f"{keyword} {argument_shown(keyword, argument)}" if space else keyword


def argument_shown(keyword: str, argument: str) -> str:
    """The argument, hidden behind all keywords but those with which it is known to be no secret."""
    return argument if keyword in KEYWORDS and keyword not in SECRET else HIDDEN


def otherwise(rule: Rule) -> str:
    """What can be done about a rule that never struck, if that is as it should be."""
    exactly = rule.limits.exactly
    return f"or .optional(){'' if exactly is None else f' instead of .exactly({exactly})'} if it need not strike"


_CAME: Final = {
    "accept": ("a connection was accepted", "no connection was accepted"),
    "hello": ("a ClientHello came", "no ClientHello came"),
    "handshake": ("a handshake began", "no handshake began"),
    "secured": ("TLS was up", "TLS was never up"),
    "greeting": ("a greeting was due", "no greeting was due"),
    "close": ("a connection was closed", "no connection was closed"),
    "stls.hello": ("a ClientHello came behind STLS", "no ClientHello came behind STLS"),
    "stls.handshake": ("a handshake began behind STLS", "no handshake began behind STLS"),
    "*": ("a command was sent", "a command was not sent"),
}
"""What is said of a point that came, and of one that never did."""


def explain(rule: Rule, sent: Sent, withdrawn: Mapping[str, int] | None = None) -> tuple[str, str]:
    """What came nearest to a strike, and what could be done.

    ``withdrawn`` tells what had come when the rule was withdrawn; None where it was not.
    """
    nearest, hint = _nearest(rule, sent, withdrawn)
    return nearest, f"-> {hint}, {otherwise(rule)}"


def _nearest(rule: Rule, sent: Sent, withdrawn: Mapping[str, int] | None) -> tuple[str, str]:
    misses, when = rule.misses, rule.when
    if not misses.came:
        return _never_came(when, sent, withdrawn)
    came = _words(when)[0]
    head = f"{came} {times(misses.came)}"
    where = _sessions(list(misses.sessions))
    if not misses.notes:
        return f"{head} ({where}); the conversation was over before the rule had its turn", "see there"
    reason = max(misses.notes)
    note = misses.notes[reason]
    if reason is Reason.BEYOND:
        return _beyond(when, head, note, several=misses.came > 1)
    text, hint = _WORDS[reason]
    if reason is Reason.NTH and len(misses.sessions) > 1:
        text = f", at most {times(note.size)} in a connection{text}"
    fields = {
        "nth": when.nth,
        "times": times(note.size),
        "argument": _shown(when.argument or ""),
        "arguments": ", ".join(map(_shown, misses.arguments)),
        "detail": note.detail,
        "skip": rule.limits.skip,
        "p": number(rule.limits.p or 0),
        "expires": f"{rule.limits.expires or 0:g}",
        "earlier": replace(when, nth=note.size) if reason is Reason.NTH else "",
        "other": replace(when, argument=None if note.detail == HIDDEN else note.detail)
        if reason is Reason.ARGUMENT
        else "",
    }
    return f"{head} ({where}){text.format(**fields)}", hint.format(**fields)


_WORDS: Final[dict[Reason, tuple[str, str]]] = {
    Reason.NTH: (", so #{nth} never came", "{earlier}"),
    Reason.ARGUMENT: (", never with the argument {argument}; what came: {arguments}", "{other}"),
    Reason.FILTER: ("; {detail} did not hold", "leave out the filter"),
    Reason.EXPIRED: (", after expires={expires} was over", "a longer expires"),
    Reason.SKIP: (", and skip={skip} let it pass", "a smaller skip"),
    Reason.CHANCE: (", and p={p} let it pass", "another seed, a larger p"),
    Reason.LOST: ("; `{detail}`, added later, took its place", "another offset or phase for one of them"),
    Reason.CUT: ("; {detail}", "a place before that"),
    Reason.NOTHING: ("; {detail}", "a reply to which it can happen"),
}
"""What is said behind how often the point came, and what could be done."""


def _beyond(when: When, head: str, note: Note, *, several: bool) -> tuple[str, str]:
    """The reply was too short for the offset."""
    where = f"session {note.session}" + (f", {note.about}" if note.about else "")
    it = "its reply" if when.points[0] not in POINTS or POINTS[when.points[0]].reply else "it"
    if several:
        text = f"{head}; the longest {'reply' if it != 'it' else 'one'} ({where}) had {note.detail}"
    else:
        text = f"{head} ({where}); {it} had {note.detail}"
    layer = "pop3" if when.offset is None else when.offset.layer
    halfway = Offset("percent", 50) if layer == "pop3" else Offset("octet", note.size // 2, layer)
    return text, str(replace(when, offset=halfway))


def _never_came(when: When, sent: Sent, withdrawn: Mapping[str, int] | None) -> tuple[str, str]:
    point = _words(when)[1]
    where = f" ({_sessions(sent.sessions)})" if sent.sessions else ""
    total = _count(when, sent.points)
    if total:  # while the rule was there its point never came
        early = total if withdrawn is None else _count(when, withdrawn)
        text = _words(when)[0]
        if not early:
            return f"{text} only after heal(){where}", "heal later"
        if total > early:
            return f"{text} only before the rule was added and after heal(){where}", "add it earlier, or heal later"
        return f"{text} only before the rule was added{where}", "add it earlier"
    if not sent.sessions:
        return f"{point}: no command came", "let the client connect"
    return f"{point}; what came: {sent.commands}{where}", "one of these"


def _count(when: When, points: Mapping[str, int]) -> int:
    """How often the point of the rule is among these."""
    if when.points == ("*",):
        return sum(count for point, count in points.items() if point not in POINTS)
    return sum(points.get(point, 0) for point in when.points)


def _words(when: When) -> tuple[str, str]:
    return _CAME.get(when.points[0], (f"{when.named} was sent", f"{when.named} was not sent"))


def _shown(text: str) -> str:
    """What a client sent, as far as it is fit to be read."""
    if text in {"", HIDDEN}:
        return text or "none"
    return word(text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} ...")


def _sessions(numbers: Sequence[int]) -> str:
    """Sessions in a sentence; of many only the first ones."""
    if len(numbers) == 1:
        return f"session {numbers[0]}"
    shown = ", ".join(map(str, numbers[:MOST_DETAILS]))
    return f"sessions {shown}{' ...' if len(numbers) > MOST_DETAILS else ''}"
