r"""The rule book of a server: all rules, which of them match at a point, and which should have struck and did not.

Knows points, occurrences, filters and limits; must not know how a rule is carried out (``pipeline``).  A lock is
held for a moment to count, never while anything of the test's runs.
"""

from __future__ import annotations

from collections import Counter, deque
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Final

from pop3s_fake.errors import UnmetRule, UsageError
from pop3s_fake.rules.bound import Bound, Found
from pop3s_fake.rules.misses import Reason, Sent, argument_shown, explain
from pop3s_fake.rules.rule import Rule
from pop3s_fake.rules.values import times
from pop3s_fake.rules.when import ANY, KEYWORDS, POINTS, YES_NO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("RuleBook", "SessionRules")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


class Entry:
    """One rule in the book."""

    __slots__ = ("added", "must", "order", "rule", "told", "withdrawn")

    def __init__(self, rule: Rule, order: int, added: float, *, must: bool) -> None:
        self.rule: Rule = rule
        self.order: int = order
        self.added: float = added
        self.must: bool = must
        self.told: bool = False
        """Whether its failure has been judged."""
        self.withdrawn: dict[str, int] | None = None
        """What had come when it was withdrawn."""

    @property
    def owes(self) -> bool:
        """Whether it had to strike and did not, or not as often as it had to."""
        limits, hits = self.rule.limits, self.rule.hits
        return self.must and not limits.optional and hits != (limits.exactly or hits or -1)


class Index:
    """Which rules name a keyword; made anew when rules come or go, and never changed."""

    __slots__ = ("_entries", "_twins", "any", "points")

    def __init__(self, entries: list[Entry]) -> None:
        self.any: tuple[Entry, ...] = tuple(entry for entry in entries if entry.rule.when.points == (ANY,))
        self._entries: tuple[Entry, ...] = tuple(entries)
        self._twins: dict[int, int] | None = None
        named = {point for entry in entries for point in entry.rule.when.points}
        self.points: dict[str, tuple[Entry, ...]] = dict.fromkeys(POINTS, ())
        for point in named - {ANY}:
            self.points[point] = tuple(
                entry
                for entry in entries
                if point in entry.rule.when.points or (entry in self.any and point not in POINTS)
            )

    def twin(self, order: int) -> int:
        """How many rules of the same text stand before the rule of this order."""
        twins = self._twins
        if twins is None:  # made when a rule strikes: until then rules may grow
            twins, count = {}, Counter[str]()
            for entry in self._entries:
                text = str(entry.rule)
                twins[entry.order] = count[text]
                count[text] += 1
            self._twins = twins
        return twins.get(order, 0)


MOST_KEYWORDS: Final = 64
"""Different keywords that are counted one by one in a session; there are 17 legal ones, a client may send any."""

OTHERS: Final = "others"
"""What the rest is counted as; matched by ``*`` only."""

MOST_SESSIONS: Final = 64
"""Sessions whose commands are remembered for the explanation of rules that never struck."""


class RuleBook:
    """The rules of one server, in the order in which they were added.

    >>> book = RuleBook(seed=1, now=lambda: 0.0)
    >>> book.add("RETR#2 -> end rst", where="test_sync.py:41")
    Rule('RETR#2 -> end rst')
    >>> session = book.session(1)
    >>> session.bind("RETR", "1") is None, session.bind("RETR", "2")
    (True, <Bound RETR 2: RETR#2 -> end rst>)
    >>> print(book.unmet()[0])
    RETR#2 -> end rst   (test_sync.py:41) never struck
      RETR was sent 2 times (session 1), so #2 never came
      -> RETR#1, or .optional() if it need not strike
    """

    armed: bool
    """Whether there are rules."""

    def __init__(self, seed: int, now: Callable[[], float]) -> None:
        self.seed = seed
        self.now = now
        self.armed = False
        self.index: Index = Index([])
        self.sessions_by: Callable[[RuleBook, int], SessionRules] = SessionRules
        self._entries: list[Entry] = []
        self._withdrawn: list[Entry] = []
        self._sessions: deque[SessionRules] = deque(maxlen=MOST_SESSIONS)
        self._lock = Lock()
        self._count = 0

    def __len__(self) -> int:
        """The number of rules."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Rule]:
        """The rules in the order in which they were added."""
        return iter([entry.rule for entry in self._entries])

    def __repr__(self) -> str:
        """The rules."""
        return f"<RuleBook: {', '.join(map(str, self)) or 'no rules'}>"

    def add(self, rule: str | Rule, *, must: bool = True, where: str = "") -> Rule:
        """Put a rule into the book; ``must`` says that it has to strike, ``where`` who made it.

        Raises a :class:`~pop3s_fake.errors.UsageError` for a text that is no rule, for a rule that cannot be carried
        out, and for one that is in a book already.
        """
        made = Rule.parse(rule) if isinstance(rule, str) else rule
        if not isinstance(made, Rule):
            raise UsageError(f"a rule is a text such as 'RETR -> end rst' or a Rule, not {rule!r}")
        if made.owner is not None:
            raise UsageError(f"rule `{made}` is in a rule book already; add its .copy()")
        self.check(made)
        made.where = where or made.where
        made.owner = self.check
        with self._lock:
            self._count += 1
            self._entries.append(Entry(made, self._count, self.now(), must=must))
            self._changed()
        return made

    def check(self, rule: Rule) -> None:
        """Raise a :class:`~pop3s_fake.errors.UsageError` where a rule of this book, as it stands, cannot act."""

    def remove(self, rule: Rule) -> None:
        """Take this very rule out; nobody asks any more whether it struck."""
        with self._lock:
            for entry in self._entries:
                if entry.rule is rule:
                    self._entries.remove(entry)
                    self._changed()
                    rule.owner = None
                    return
        raise UsageError(f"rule `{rule}` is not in this rule book")

    def clear(self) -> None:
        """Forget all rules and what came."""
        with self._lock:
            for entry in self._entries + self._withdrawn:
                entry.rule.owner = None
            self._entries = []
            self._withdrawn = []
            self._sessions.clear()
            self._changed()

    def withdraw(self) -> None:
        """Let no rule strike any more; whether they had to is still asked."""
        with self._lock:
            points = self._sent().points
            for entry in self._entries:
                entry.withdrawn = points
            self._withdrawn += self._entries
            self._entries = []
            self._changed()

    def session(self, number: int) -> SessionRules:
        """What one connection asks, from its beginning."""
        session = self.sessions_by(self, number)
        self._sessions.append(session)
        return session

    def need_not_strike(self) -> None:
        """Ask of none of the rules that are here now whether it struck."""
        for entry in self._all():
            entry.must = False

    def judge(self) -> list[UsageError | UnmetRule]:
        """What :meth:`check_complete` and :meth:`unmet` complain about, each rule once."""
        problems: list[UsageError | UnmetRule] = [*self.check_complete(), *self.unmet()]
        for entry in self._all():
            entry.told = entry.told or not entry.rule.actions or entry.owes
        return problems

    def check_complete(self) -> list[UsageError]:
        """A complaint for each rule without an action."""
        return [
            UsageError(
                f"rule {_made(entry.rule)} has no action; say what is to be done there, "
                f"as in `{entry.rule.when} -> wait 1` or .wait(1)"
            )
            for entry in self._all()
            if not entry.rule.actions and not entry.told
        ]

    def unmet(self) -> list[UnmetRule]:
        """The rules that had to strike and did not, each with what came nearest."""
        problems = []
        sent: Sent | None = None
        for entry in self._all():
            if not entry.rule.actions or entry.told or not entry.owes:
                continue
            if sent is None:
                sent = self._sent()
            problems.append(UnmetRule(_unmet(entry, sent)))
        return problems

    def _all(self) -> list[Entry]:
        return sorted(self._withdrawn + self._entries, key=lambda entry: entry.order)

    def _changed(self) -> None:
        self.index = Index(self._entries)
        self.armed = bool(self._entries)

    def _sent(self) -> Sent:
        """What came in the sessions that are remembered."""
        points: dict[str, int] = {}
        sessions = []
        for session in list(self._sessions):
            seen = dict(session.seen)
            for point, count in seen.items():
                points[point] = points.get(point, 0) + count
            if not seen.keys() <= POINTS.keys():
                sessions.append(session.number)
        return Sent(points, sorted(sessions))


def _made(rule: Rule) -> str:
    return f"{rule}   ({rule.where})" if rule.where else str(rule)


def _unmet(entry: Entry, sent: Sent) -> str:
    """The text of one rule that was not met."""
    rule = entry.rule
    exactly = rule.limits.exactly
    if exactly is None or not rule.hits:
        nearest, hint = explain(rule, sent, entry.withdrawn)
        return f"{_made(rule)} never struck\n  {nearest}\n  {hint}"
    sessions = ", ".join(map(str, rule.sessions))
    lines = [f"{_made(rule)} struck {times(rule.hits)}, not exactly {times(exactly)}"]
    lines.append(f"  it struck in session{'s' if len(rule.sessions) > 1 else ''} {sessions}")
    if rule.hits > exactly:
        lines.append(f"  -> .times({exactly}) instead of .exactly({exactly}) to let it strike no more often")
    else:
        fewer = f"or .times({exactly}) instead of .exactly({exactly}) if it may strike less often"
        lines.append(f"  -> .exactly({rule.hits}), {fewer}")
    return "\n".join(lines)


class SessionRules:
    """What one connection asks of the rule book: the occurrences are counted here, its dice are thrown here."""

    __slots__ = ("_book", "_dice", "number", "seen")

    def __init__(self, book: RuleBook, number: int) -> None:
        self.number: int = number
        self.seen: dict[str, int] = {}
        """How often each point came."""
        self._book = book
        self._dice: dict[int, Random] = {}

    def bind(
        self,
        point: str,
        argument: str = "",
        *,
        user: str | None = None,
        tls: bool = True,
        ahead: bool = False,
        parted: bool = False,
    ) -> Bound | None:
        """The rules that apply to this occurrence, once for each: a keyword in upper case, or greeting, accept, close.

        ``argument`` is what follows the keyword and its space; ``user`` who is logged in, or is about to, ``ahead``
        whether the client has sent the next command already, ``parted`` whether this one came in pieces.  None where
        no rule applies.
        """
        index = self._book.index
        seen = self.seen
        count = seen.get(point)
        if count is not None:
            seen[point] = count + 1
        elif len(seen) < MOST_KEYWORDS or point in KEYWORDS or point in index.points:
            seen[point] = 1
        else:
            seen[OTHERS] = seen.get(OTHERS, 0) + 1
        entries = index.points.get(point, index.any)
        if not entries:
            return None
        return self._bind(entries, point, argument, Found(user, tls, ahead, parted))

    def dice(self, order: int, rule: Rule) -> Random:
        """The random numbers of one rule in this session: no other session or rule disturbs them."""
        dice = self._dice.get(order)
        if dice is None:
            twin = self._book.index.twin(order)
            seed = f"{self._book.seed}:{rule}:{self.number}{f':{twin}' if twin else ''}"
            dice = self._dice[order] = Random(seed)  # noqa: S311  # to be repeated
        return dice

    def _bind(
        self,
        entries: tuple[Entry, ...],
        point: str,
        argument: str,
        found: Found,
    ) -> Bound | None:
        command = f"{point} {argument}" if argument else point
        matching = [entry for entry in entries if self._applies(entry, point, argument, found)]
        if not matching:
            return None
        return Bound(
            self.number,
            command,
            [(entry.rule, self.dice(entry.order, entry.rule)) for entry in matching],
        )

    def _applies(  # noqa: PLR0911  # one line for each way not to apply
        self,
        entry: Entry,
        point: str,
        argument: str,
        found: Found,
    ) -> bool:
        """Whether the rule strikes here, as far as can be known before the reply; else why not is noted."""
        rule = entry.rule
        if not rule.actions:
            return False
        when, limits, misses, session = rule.when, rule.limits, rule.misses, self.number
        misses.point(session)
        if when.nth is not None:
            nth = self._nth(when.points)
            if nth != when.nth:
                misses.note(Reason.NTH, session, size=nth)
                return False
        if when.argument is not None and argument != when.argument:
            misses.note(Reason.ARGUMENT, session, detail=argument_shown(point, argument))
            return False
        unheld = self._unheld(rule, found)
        if unheld is not None:
            misses.note(Reason.FILTER, session, detail=unheld)
            return False
        if limits.expires is not None and self._book.now() - entry.added > limits.expires:
            misses.note(Reason.EXPIRED, session)
            return False
        if limits.times is not None and rule.hits >= limits.times:
            return False
        if rule.passes():
            misses.note(Reason.SKIP, session)
            return False
        if limits.p is not None and self.dice(entry.order, rule).random() >= limits.p:
            misses.note(Reason.CHANCE, session)
            return False
        return True

    def _nth(self, points: tuple[str, ...]) -> int:
        """The how manieth occurrence this is, all points of the rule counted together."""
        if points == (ANY,):
            return sum(count for point, count in self.seen.items() if point not in POINTS)
        return sum(self.seen.get(point, 0) for point in points)

    def _unheld(self, rule: Rule, found: Found) -> str | None:
        """The filter that does not hold, in words."""
        when = rule.when
        if when.sessions is not None:
            first, last = when.sessions
            if self.number < first or (last is not None and self.number > last):
                return when.session_filter
        if when.user is not None and found.user != when.user:
            return f"user={when.user} (it was {found.user or 'nobody'})"
        for name in YES_NO:
            wanted = getattr(when, name)
            if wanted is not None and getattr(found, name) != wanted:
                return f"{name}={'yes' if wanted else 'no'}"
        return None
