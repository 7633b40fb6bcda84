r"""A rule: when, do, limits; written as a text or built by its methods, one object either way.

Knows what a rule consists of, and counts its strikes and what came near; must not know how it is carried out.
"""

from __future__ import annotations

import os
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pop3s_fake.errors import UsageError
from pop3s_fake.rules import actions
from pop3s_fake.rules.actions import ALERTS, MOST_OCTETS, MOST_SECONDS, Action, Answer, answered
from pop3s_fake.rules.checks import check_action
from pop3s_fake.rules.forms import written
from pop3s_fake.rules.grammar import parse
from pop3s_fake.rules.limits import Limits
from pop3s_fake.rules.misses import MOST_SESSIONS, Misses
from pop3s_fake.rules.values import Wrong, brief, known

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.rules.actions import EditKind, Ending
    from pop3s_fake.rules.when import Layer, When

__all__ = ("Rule",)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


class Rule:
    r"""When, do, limits.

    The methods add actions and limits and return the rule; ``str`` gives the text that :meth:`parse` reads.  Two
    rules are equal if they say the same.  A :class:`~pop3s_fake.errors.UsageError` says what a rule cannot be.

    >>> Rule("RETR#2@512").wait(0.2).end("rst").times(1)
    Rule('RETR#2@512 -> wait 0.2, end rst; times=1')
    >>> Rule.parse("RETR#2@512 -> wait 0.2, end rst; times=1") == _
    True
    """

    __slots__ = (
        "_lock",
        "_sessions",
        "actions",
        "hits",
        "limits",
        "misses",
        "origin",
        "owner",
        "skipped",
        "when",
        "where",
    )

    when: When
    actions: tuple[Action, ...]
    limits: Limits
    hits: int
    """How often it struck."""
    where: str
    """Where it was made, such as ``test_sync.py:41``; "" where nobody said."""
    origin: str
    """To what it belongs, such as ``quirk terminator-split``; "" for a rule of its own."""
    owner: Callable[[Rule], None] | None
    """What checks it when it grows, if it is in a rule book."""

    def __init__(self, when: str) -> None:
        """Begin with when it strikes; a whole rule is taken, too."""
        self.when, self.actions, self.limits = parse(when)
        self.hits = 0
        self.skipped: int = 0
        self.where = ""
        self.origin = ""
        self.owner = None
        self.misses: Misses = Misses()
        self._sessions: dict[int, None] = {}
        self._lock = Lock()

    @classmethod
    def parse(cls, text: str) -> Rule:
        """The rule that is written here.

        >>> Rule.parse("QUIT!before -> end rst").when.phase
        'before'
        """
        return cls(text)

    def copy(self) -> Rule:
        """The same rule without its hits, for another rule book.

        >>> rule = Rule("RETR -> end rst")
        >>> rule.copy() == rule, rule.copy() is rule
        (True, False)
        """
        rule = Rule(str(self.when))
        rule.actions, rule.limits, rule.where, rule.origin = self.actions, self.limits, self.where, self.origin
        return rule

    @property
    def sessions(self) -> tuple[int, ...]:
        """The numbers of the sessions in which it struck, of the first 10 000 of them."""
        return tuple(self._sessions)

    def __str__(self) -> str:
        """As it is written; what only Python has, stands in angle brackets and cannot be read back."""
        text = str(self.when)
        if self.actions:
            text += f" -> {', '.join(map(written, self.actions))}"
        limits = str(self.limits)
        return f"{text}; {limits}" if limits else text

    def __repr__(self) -> str:
        """The text, as Python would make the rule again."""
        return f"Rule({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        """Whether both say the same; hits do not count."""
        if not isinstance(other, Rule):
            return NotImplemented
        return (self.when, self.actions, self.limits) == (other.when, other.actions, other.limits)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # rules grow, so they are no keys

    # actions

    def wait(self, seconds: float | tuple[float, float] | Literal["forever"]) -> Rule:
        """Wait so many seconds on the server's clock, a time between two, or ``"forever"``.

        >>> Rule("RETR@50%").wait((0.5, 1.5)), Rule("UIDL").wait("forever")
        (Rule('RETR@50% -> wait 0.5..1.5'), Rule('UIDL -> wait forever'))
        """
        match seconds:
            case "forever":
                return self._do(actions.Wait, span=None)
            case (_, _) if isinstance(seconds, tuple):
                return self._do(actions.Wait, span=seconds)
            case str() | tuple() | list():
                raise self._wrong(
                    Wrong(f"wait takes seconds, two as in (0.5, 1.5), or 'forever', not {brief(seconds)}")
                )
            case _:
                return self._do(actions.Wait, span=(seconds, seconds))

    def pace(
        self, *, size: int | None = None, gap: float | None = None, rate: float | None = None, layer: Layer = "pop3"
    ) -> Rule:
        """Send in pieces of ``size`` octets, ``gap`` seconds between them, or ``rate`` octets a second.

        >>> Rule("RETR").pace(size=1, gap=0.01)
        Rule('RETR -> pace size=1 gap=0.01')
        """
        return self._do(actions.Pace, size=size, gap=gap, rate=rate, layer=layer)

    def reply(self, answer: Answer | Callable[[str], Answer], *, keep: bool = False) -> Rule:
        """Say this instead; ``keep`` replaces the first line only.  CRLF is added where it is missing.

        A function is called with the command, such as ``"RETR 2"``, when the rule strikes.

        >>> Rule("PASS").reply("-ERR [IN-USE] locked").times(1)
        Rule('PASS -> reply "-ERR [IN-USE] locked"; times=1')
        """
        try:
            given = answer if callable(answer) and not isinstance(answer, actions.HasOctets) else answered(answer)
        except Wrong as wrong:
            raise self._wrong(wrong) from None
        return self._do(actions.Reply, answer=given, keep=keep)

    def edit(self, kind: EditKind | Callable[[bytes], bytes], count: int = 1, *, layer: Layer = "pop3") -> Rule:
        """Change what goes out: ``"drop"``, ``"dup"`` or ``"flip"`` so many octets, ``"truncate"``, ``"unstuff"`` ...

        >>> Rule("RETR@512").edit("drop", 3)
        Rule('RETR@512 -> edit drop 3')
        """
        return self._do(actions.Edit, kind=kind, count=count, layer=layer)

    def send(self, octets: str | bytes, *, layer: Layer = "pop3") -> Rule:
        r"""Put octets of your own there.

        >>> Rule("NOOP!after").send("+OK surplus\r\n")
        Rule('NOOP!after -> send "+OK surplus\\r\\n"')
        """
        return self._do(actions.Send, octets=_octets(octets), layer=layer)

    def flood(self, unit: str | bytes, *, octets: int = MOST_OCTETS, seconds: float = MOST_SECONDS) -> Rule:
        r"""Repeat the unit, whole, until so many octets were sent or so many seconds are over.

        >>> Rule("RETR").flood("x\r\n", octets=3000)
        Rule('RETR -> flood "x\\r\\n" octets=3000')
        """
        return self._do(actions.Flood, unit=_octets(unit), octets=octets, seconds=seconds)

    def tls(
        self, *, alert: str | int | None = None, certificate: str | None = None, request_client_cert: bool = False
    ) -> Rule:
        """Send a TLS alert, show another certificate, or ask for the client's.

        >>> Rule("hello").tls(alert="handshake_failure")
        Rule('hello -> tls alert=handshake_failure')
        """
        if isinstance(alert, str):
            if alert not in ALERTS:
                raise self._wrong(Wrong(f"unknown alert {alert!r}{known(alert, ALERTS)}"))
            alert = ALERTS[alert]
        return self._do(actions.Tls, alert=alert, certificate=certificate, request=request_client_cert)

    def end(self, how: Ending) -> Rule:
        """End the connection: ``"clean"``, ``"fin"``, ``"rst"``; or one direction of it: ``"half-close"``.

        >>> Rule("QUIT!before").end("rst")
        Rule('QUIT!before -> end rst')
        """
        return self._do(actions.End, how=how)

    def mail(
        self, *, add: Any = None, remove: str | None = None, renumber_uids: bool = False, **unknown: object
    ) -> Rule:
        """Change the stored maildrop: ``add`` a message or the file at a path, ``remove`` a unique-id, or renew all.

        >>> Rule("UIDL!before").mail(remove="uid-1")
        Rule('UIDL!before -> mail remove=uid-1')
        """
        for name in unknown:
            raise self._wrong(Wrong(f"mail takes no {name}={known(name, ['add', 'remove', 'renumber_uids'])}"))
        path = os.fsdecode(add) if isinstance(add, os.PathLike) else None
        message = None if path is not None else add
        return self._do(actions.Mail, path=path, message=message, remove=remove, renumber=renumber_uids)

    def call(self, function: Callable[[Any], object]) -> Rule:
        """Call this with the transcript's session; in Python only.

        >>> Rule("RETR!after").call(print)
        Rule('RETR!after -> call <print>')
        """
        return self._do(actions.Call, function=function)

    # limits

    def times(self, count: int) -> Rule:
        """Strike at most so often."""
        return self._limit(times=count)

    def exactly(self, count: int) -> Rule:
        """Demand so many strikes: more or fewer fail the test."""
        return self._limit(exactly=count)

    def skip(self, count: int) -> Rule:
        """Let so many occurrences pass first."""
        return self._limit(skip=count)

    def p(self, probability: float) -> Rule:
        """Strike with this probability, from 0 to 1; the server's seed decides, session by session."""
        return self._limit(p=probability)

    def expires(self, seconds: float) -> Rule:
        """Strike no more when so many seconds have passed on the server's clock since the rule was added."""
        return self._limit(expires=seconds)

    def optional(self) -> Rule:
        """Do not fail the test if this never strikes."""
        return self._limit(optional=True)

    # for the rule book and the pipeline

    def strike(self, session: int) -> bool:
        """Count a strike, if ``times`` leaves one; one step, whatever other sessions do."""
        with self._lock:
            if self.limits.times is not None and self.hits >= self.limits.times:
                return False
            self.hits += 1
            if len(self._sessions) < MOST_SESSIONS:
                self._sessions[session] = None
            return True

    def passes(self) -> bool:
        """Whether ``skip`` lets this occurrence pass; counted in one step."""
        skip = self.limits.skip
        if skip is None:
            return False
        with self._lock:
            if self.skipped >= skip:
                return False
            self.skipped += 1
            return True

    def _do(self, make: Callable[..., Action], **fields: Any) -> Rule:
        try:
            action = make(**fields)
            check_action(self.when, self.actions, action)
        except Wrong as wrong:
            raise self._wrong(wrong) from None
        before = self.actions
        self.actions = (*before, action)
        if self.owner is not None:
            try:
                self.owner(self)
            except UsageError:
                self.actions = before
                raise
        return self

    def _limit(self, **fields: Any) -> Rule:
        try:
            for name in fields:
                if getattr(self.limits, name) is not Limits.__dataclass_fields__[name].default:
                    raise Wrong(f"{name} stands twice")  # noqa: TRY301  # it is worded like all the others
            self.limits = replace(self.limits, **fields)
        except Wrong as wrong:
            raise self._wrong(wrong) from None
        return self

    def _wrong(self, wrong: Wrong) -> UsageError:
        return UsageError(f"rule `{self}`: {wrong}")


def _octets(value: object) -> object:
    """A text as octets; what is neither is complained about by the action."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
