"""The settings with which our own session would have done as the server did: tried one by one, the fewest that do.

Knows which values a setting may have, and counts how many exchanges each explains; must not know texts, which
``wording`` finds, nor what was asked to learn what.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pop3s_fake.probing.facts import NOTICED
from pop3s_fake.protocol.manner import OUTCOMES, Manner, Texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pop3s_fake.probing.model import Answer, Line, Model
    from pop3s_fake.probing.seen import Exchange, Seen

__all__ = ("Values", "delayed", "fitted", "made", "marked", "outcomes_of", "unexplained")

Values = dict[str, Any]
"""Settings by their path, such as ``reading.bare_lf``; those that are not there are our own."""

_WORDS: Final = re.compile(r"[A-Za-z]+|\d+")
_NUMBER: Final = re.compile(r"\b\d+\b")

LISTING: Final = "listing"
POSITIVE: Final = frozenset({"ok", "one", "early", "deleting", "listing"})
CANDIDATES: Final[tuple[tuple[str, tuple[Any, ...]], ...]] = (
    ("reading.leading", ("skipped",)),
    ("reading.separators", (" \t",)),
    ("reading.trailing", ("skipped", "one")),
    ("reading.superfluous", ("ignored",)),
    ("reading.bare_lf", (True,)),
    ("reading.nul", ("ends", "refused", "hides")),
    ("numbers.separators", ("run",)),
    ("numbers.trailing", ("ignored",)),
    ("numbers.extra", ("ignored",)),
    ("numbers.noise", ("ignored", "at-end")),
    ("numbers.signs", ("+-", "+", "-")),
    ("numbers.words", ("zero",)),
    ("numbers.wraps", (32,)),
    ("numbers.largest", ((1 << 32) - 1, (1 << 31) - 1, (1 << 63) - 1, 10**40)),
    ("numbers.digits", (9,)),
    ("numbers.negative_lines", ("whole",)),
    ("login.name", ("line", "trimmed")),
    ("login.longest_name", (64,)),
    ("login.octets", ("ascii",)),
    ("login.empty", (("USER",), ("PASS",), ("USER", "PASS"))),
    ("login.user_again", ("refused", "lost")),
    ("login.passwords_in_clear", (True,)),
    ("storage.exclusive", (False,)),
)
"""What is tried beside our own value, the likeliest first."""

ROUNDS: Final = 2
"""How often each is tried: some fit only together."""


def made(values: Mapping[str, Any]) -> Manner:
    """The manner with these settings.

    >>> made({"reading.bare_lf": True, "replies.LIST.says.ok": "+OK"}).replies["LIST"].says
    {'ok': '+OK'}
    """
    groups: dict[str, dict[str, Any]] = defaultdict(dict)
    replies: dict[Any, dict[Any, str]] = defaultdict(dict)
    top: dict[str, Any] = {}
    for path, value in values.items():
        group, _, key = path.partition(".")
        if group == "replies":
            heading, _, outcome = key.partition(".says.")
            replies[heading][outcome] = value
        elif key:
            groups[group][key] = value
        else:
            top[group] = value
    manner = Manner(replies={heading: Texts(says) for heading, says in replies.items()}, **top)
    parts = {each.name: getattr(manner, each.name) for each in fields(Manner)}
    return replace(manner, **{name: replace(parts[name], **changed) for name, changed in groups.items()})


def marked(values: Mapping[str, Any]) -> Manner:
    """The same manner, in which each text is the name of its outcome."""
    says = {outcome: f"{'+OK' if outcome in POSITIVE else '-ERR'} {outcome}" for outcome in OUTCOMES}
    structure = {path: value for path, value in values.items() if not path.startswith("replies.")}
    return replace(made(structure), replies={"any": Texts(says)})


def fitted(seen: Seen, model: Model, settled: Values) -> Values:
    """The settings that are already settled, and those that explain most of what came."""
    values = dict(settled)
    best = _explained(seen, model, values)
    most = sum(2 + len(exchange.answers) for exchange in seen.exchanges())
    for _ in range(ROUNDS):
        before = best
        for path, choices in (*_of_talks(seen, model, values), *CANDIDATES):
            for choice in choices:
                if values.get(path) == choice:
                    continue
                tried = {**values, path: choice} if not isinstance(path, tuple) else {**values, **choice}
                score = _explained(seen, model, tried)
                if score > best:
                    values, best = tried, score
        if best in {before, most}:
            break
    return values


def _of_talks(seen: Seen, model: Model, values: Values) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """What is tried because of lengths that were asked, and of the places at which the server closed."""
    lengths = sorted({len(each.said) for each in seen.exchanges() if each.said.startswith(b"XXX")}, reverse=True)
    known = tuple(values.get("ends.behind", ()))
    for place in ("before", "after"):
        closing = {} if "too_long" in known else {"ends.behind": (*known, "too_long")}
        yield (place, "line"), tuple({f"{place}.line": most} | also for most in lengths for also in ({}, closing))
    behind: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
    ends: Counter[str] = Counter()
    counts: dict[str, set[int]] = {"before": set(), "after": set()}
    for talk, answers in zip(seen.talks, model.answers(marked(values)), strict=True):
        refused = in_a_row = unknown = unknown_in_a_row = 0
        after = False
        for exchange, answer in zip(talk.exchanges, answers, strict=True):
            if after is not any(line.after for line in answer.lines[-1:]) and answer.lines:
                after = answer.lines[-1].after
                refused = in_a_row = unknown = unknown_in_a_row = 0
            bad = bool(exchange.came) and exchange.came[-1].startswith("-ERR")
            outcome = answer.statuses[-1].partition(" ")[2] if answer.statuses else ""
            strange = outcome in {"unknown", "empty", "blank", "wrong_state"}
            refused, in_a_row = refused + bad, in_a_row + 1 if bad else 0
            unknown, unknown_in_a_row = unknown + strange, unknown_in_a_row + 1 if strange else 0
            place = "after" if after else "before"
            if exchange.ended and exchange.said != b"QUIT\r\n":
                counts[place].update((refused, in_a_row, unknown, unknown_in_a_row))
                behind[place][outcome] += 1
                ends[outcome] += 1
    for place, found in counts.items():
        choices = [
            {f"{place}.bad": bad} | ({f"{place}.bad_in_a_row": False} if not row else {}) | kind
            for bad in sorted(found - {0, 1})
            for row in (True, False)
            for kind in ({}, {f"{place}.bad_are": "refused"})
        ]
        yield (place, "bad"), tuple(choices)
    yield "ends.behind", tuple((*known, outcome) for outcome in ends if outcome and outcome not in known)


def _explained(seen: Seen, model: Model, values: Values) -> int:
    """How many exchanges could have come about so, whatever the texts are."""
    groups: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    fitting = 0
    for talk, answers in zip(seen.talks, model.answers(marked(values)), strict=True):
        for exchange, answer in zip(talk.exchanges, answers, strict=True):
            if exchange.ended == answer.ended and _same_signs(exchange, answer):
                fitting += 1
                for outcome, line, status in outcomes_of(exchange, answer):
                    group = line.keyword if outcome in POSITIVE else str(line.after)
                    groups[group, outcome][bare(status, exchange.said)] += 1
    return 2 * fitting + sum(max(found.values()) for found in groups.values())


def _same_signs(exchange: Exchange, answer: Answer) -> bool:
    """Whether as many answers came, each +OK or -ERR as it should be."""
    theirs, ours = exchange.answers, list(answer.statuses)
    if not theirs:  # not a word: there is an empty text for that
        return True
    if not exchange.tail and exchange.ended and len(ours) > 1 and answer.statuses[-1] == "-ERR bad_commands":
        ours.pop()
    return len(theirs) == len(ours) and all(map(_as_good, ours, theirs))


def _as_good(ours: str, theirs: str) -> bool:
    """Whether both are +OK, or both are -ERR; AUTH without a mechanism is a question that may be refused."""
    return ours[:3] == theirs[:3] or ours == f"+OK {LISTING}"


def outcomes_of(exchange: Exchange, answer: Answer) -> list[tuple[str, Line, str]]:
    """What each answer of a marked model says it is, for which line, and what came in its place: as good, or as bad."""
    theirs = exchange.answers or ("",) * len(answer.statuses)
    return [
        (ours.partition(" ")[2], line, status)
        for ours, line, status in zip(answer.statuses, answer.lines, theirs, strict=False)
        if not ours.startswith("+ ") and (not status or _as_good(ours, status))
    ]


@lru_cache(maxsize=4096)
def bare(status: str, said: bytes) -> str:
    """An answer without numbers, and without what it repeats of its question.

    >>> bare("-ERR there is no message 9, FOO", b"FOO 9"), bare("+OK 2 640", b"STAT")
    ('-ERR there is no message #, #', '+OK # #')
    """
    words = sorted(set(_WORDS.findall(said.decode("latin-1"))), key=len, reverse=True)
    for word in words:
        status = status.replace(word, "#")
    return _NUMBER.sub("#", status)


def delayed(seen: Seen, model: Model, values: Values) -> Values:
    """The outcomes whose answers were held back, where those to wrong passwords are."""
    if "delays.failed" not in values:
        return {}
    slow = {"failed"}
    for talk, answers in zip(seen.talks, model.answers(marked(values)), strict=True):
        for exchange, answer in zip(talk.exchanges, answers, strict=True):
            if exchange.seconds >= NOTICED and exchange.came and exchange.came[0].startswith("-ERR"):
                slow.update(outcome for outcome, _, _ in outcomes_of(exchange, answer))
    return {"delays.outcomes": tuple(outcome for outcome in OUTCOMES if outcome in slow - {"in_use"})}


def unexplained(seen: Seen, model: Model, manner: Manner) -> list[tuple[Exchange, Sequence[str]]]:
    """The exchanges that this manner would have answered otherwise, and how."""
    return [
        (exchange, answer.statuses)
        for talk, answers in zip(seen.talks, model.answers(manner), strict=True)
        for exchange, answer in zip(talk.exchanges, answers, strict=True)
        if (exchange.ended, exchange.answers) != (answer.ended, tuple(filter(None, answer.statuses)))
    ]
