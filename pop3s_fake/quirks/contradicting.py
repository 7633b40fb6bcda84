"""Quirks that contradict each other: what each decides, and where two decide the same, or one never shows.

Knows what rules, changes and settings are about; must not know how they are carried out.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.errors import UsageError
from pop3s_fake.quirks.catalogue import quirk
from pop3s_fake.quirks.making import Asked, leaves, made, named, setting_of
from pop3s_fake.rules.actions import Edit, End, Reply, Wait
from pop3s_fake.rules.when import meet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pop3s_fake.quirks.entry import Setting
    from pop3s_fake.rules import Rule
    from pop3s_fake.rules.when import When

__all__ = ("ADDING", "POLICIES", "together")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

WHAT: Final = {
    "time": "how long it takes at",
    "chunking": "in which pieces octets go out at",
    "reply": "what is replied to",
    "outgoing octets": "the octets of what is replied to",
    "added octets": "what is said beside the reply to",
    "volume": "how much is said at",
    "TLS state": "what becomes of TLS at",
    "connection": "how the connection ends at",
}
"""What a rule decides, by its dimension, as part of a sentence."""


POLICIES: Final = {
    "newest": "how many messages a session finds",
    "oldest": "how many messages a session finds",
    "popped": "what is found of what was retrieved",
    "descending": "the order of the messages",
    "late": "what comes within a session",
    "recent": "under which name recent messages are found",
    "folders": "which names are folders",
    "wraps": "how messages in UTF-8 are served",
    "recent_days": "how old recent messages are",
    "deletes": "when deletions are carried out",
    "takes": "what becomes of what was retrieved",
    "expunges": "which message somebody else removes",
    "quota": "how many messages can be retrieved",
    "quota_octets": "how many octets can be retrieved",
    "quota_lasts": "for how long that is so",
    "renumbers": "from when on unique-ids are new",
    "sizes": "how sizes are told",
    "sizes_by": "by how much sizes are off",
    "sizes_list": "the sizes that LIST tells",
    "sizes_stat": "the sizes that STAT tells",
    "sizes_retr": "the sizes that RETR tells",
    "serves_marked": "what becomes of marked messages",
    "lists_marked": "how marked messages are listed",
    "reads": "whether retrieving is reading",
    "top_reads": "whether TOP is reading",
    "waits": "whether deletions wait for the client",
    "removes": "whether deletions wait for the answer",
    "keeps": "which deletions fail",
    "lock_hold": "how long the lock stays",
    "unseen": "how long nothing is found",
    "steals": "what a second login does",
    "unlocks": "what QUIT unlocks",
    "application": "which password is taken",
    "ordinary": "which password is refused",
    "enough_logins": "how many logins there may be",
    "enough_for": "how long there may be no login",
    "polls": "how often one may come",
    "first": "the first message",
    "last": "the last message",
    "generated": "how many messages there are",
    "adds": "which field is added to a header",
    "drops": "which field is left out of a header",
    "unfolds": "how a field goes on",
    "body": "what is added to a message",
    "long_line": "how long a line is",
    "header_only": "which message has no body",
    "empty": "which message is empty",
}
"""What a word of a policy decides, as part of a sentence."""

ADDING: Final = "body"
"""The word of a policy of which several quirks may each say something."""

ONE_MESSAGE: Final = frozenset({"empty", "header_only"})
"""Words that say of one message, by its number, what it is."""


class Claim(NamedTuple):
    """What a quirk decides: a part of what happens, and at which point."""

    what: str
    when: When | None
    value: object = None
    """Two quirks may decide the same."""
    change: bool = False
    """Whether it is a change of what is replied, which has to find what it changes."""


def together(several: Sequence[Asked]) -> None:
    """Refuse two quirks that contradict each other."""
    facts = {one.quirk.id: _facts(one.quirk.id, tuple(one.values.items())) for one in several}
    for one, other in combinations(several, 2):
        if other.quirk.id in one.quirk.contradicts or one.quirk.id in other.quirk.contradicts:
            raise _contradiction(one, other, "one server does not do both")
        first, second = facts[one.quirk.id], facts[other.quirk.id]
        for mine in first.claims:
            for yours in second.claims:
                if mine.what == yours.what and not _ordered(one, other, mine) and _collide(mine, yours):
                    raise _contradiction(one, other, f"both decide {mine.what}{_at(mine)}")
        for each, own, others in ((one, first, second), (other, second, first)):
            if others.about and others.about <= own.never:
                left = " or ".join(sorted(others.about))
                raise _contradiction(one, other, f"{each.quirk.id!r} leaves no {left} for the other one to change")
            if not {*each.quirk.untouched, "*"}.isdisjoint(others.points) and each.quirk.untouched:
                left = " or ".join(each.quirk.untouched)
                raise _contradiction(one, other, f"{each.quirk.id!r} needs answers to {left} that no other one touches")


class Facts(NamedTuple):
    """What a quirk with its parameters is about."""

    claims: tuple[Claim, ...]
    never: frozenset[str]
    """The commands that never succeed."""
    about: frozenset[str]
    """The commands at whose success alone it is seen; none where that cannot be told."""
    points: frozenset[str]
    """Where it has rules."""


@lru_cache(maxsize=512)
def _facts(name: str, values: tuple[tuple[str, str], ...]) -> Facts:
    """The facts about a quirk, which are the same however often it is asked for."""
    one = Asked(quirk(name), dict(values))
    rules, changes = made(one)
    points = frozenset(point for rule in [*rules, *(rule for rule, _ in changes)] for point in rule.when.points)
    return Facts(tuple(_claims(one)), _never(one), _about(one), points)


def _ordered(one: Asked, other: Asked, claim: Claim) -> bool:
    """Whether it is known which of two rules has its way: in a dialect the later one, and what stands on top of it."""
    return claim.when is not None and not claim.change and bool(one.origin or other.origin)


def _never(one: Asked) -> frozenset[str]:
    """The commands that never succeed under a quirk."""
    commands: set[str] = set()
    for rule in made(one)[0]:
        when, said = rule.when, [action for action in rule.actions if isinstance(action, (Reply, Wait, End))]
        whole = str(when) == f"{','.join(when.points)}!before" and not str(rule.limits)
        if whole and said and _refuses(rule):
            commands.update(when.points)
    setting = setting_of(one)
    if setting is not None:
        commands.update(line[1:] for line in setting.capabilities if line.startswith("-"))
    return frozenset(commands)


def _refuses(rule: Rule) -> bool:
    """Whether a rule before a command answers it by a refusal, or never."""
    action = rule.actions[0]
    if isinstance(action, Reply):
        return str(rule).partition(' -> reply "')[2].startswith("-ERR")
    return isinstance(action, End) or (isinstance(action, Wait) and action.span is None)


def _about(one: Asked) -> frozenset[str]:
    """The commands at whose success alone a quirk is seen; none where that cannot be told."""
    rules, changes = made(one)
    seen = set(one.quirk.about)
    if not seen and (one.quirk.setting is not None or one.quirk.always):
        return frozenset()
    for rule in rules:
        if rule.when.phase == "before" or rule.when.answer not in {None, "ok"}:
            return frozenset()
        seen.update(rule.when.points)
    for rule, change in changes:
        if change.does == "refusal":
            return frozenset()
        seen.update(rule.when.points)
    return frozenset(seen)


def _contradiction(one: Asked, other: Asked, why: str) -> UsageError:
    given, brought = sorted((one, other), key=lambda each: bool(each.origin))
    right = "leave one of them out"
    if brought.origin and not given.origin:
        right = f"leave {given.quirk.id!r} out, or take the other one away by '-{brought.quirk.id}'"
    return UsageError(f"quirks {named(one)} and {named(other)} contradict each other: {why}; {right}")


def _collide(one: Claim, other: Claim) -> bool:
    if one.value is not None and one.value == other.value:
        return False
    return one.when is None or other.when is None or meet(one.when, other.when)


def _at(claim: Claim) -> str:
    return "" if claim.when is None else f" {claim.when.named}"


def _claims(one: Asked) -> Iterator[Claim]:
    """What a quirk decides."""
    rules, changes = made(one)
    for rule, change in changes:
        yield Claim(f"the {change.of} in what is replied to", rule.when, change=True)
    for rule in rules:
        for action in rule.actions:
            if action.dimension is not None:
                kind = action.kind if isinstance(action, Edit) else None
                yield Claim(f"{WHAT[action.dimension]}{'' if kind is None else f' (edit {kind})'}", rule.when, kind)
    setting = setting_of(one)
    if setting is None:
        return
    yield from _decided(setting)


def _decided(setting: Setting) -> Iterator[Claim]:
    """What the setting of a quirk decides."""
    for name in ("certificate", "tls", "stls", "exclusive"):
        value = getattr(setting, name)
        if value is not None:
            yield Claim(f"{name}=", None, value)
    for line in setting.capabilities:
        yield Claim(f"the capability {line[1:].partition(' ')[0]}", None, line)
    for word, value in setting.policy.items():
        if word in ONE_MESSAGE:
            yield Claim(f"what message {value} is", None, word)
        if word != ADDING:
            yield Claim(POLICIES[word], None, f"{word} {value}")
    for path, value in leaves(setting.manner):
        if not isinstance(value, list):  # lists add up
            yield Claim(f"{'.'.join(path)} of the manner", None, repr(value))
    for tag in setting.late:
        yield Claim(f"the capability {tag}", None, f"late {tag}")
