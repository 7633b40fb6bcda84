r"""Asking for quirks: a text becomes a quirk with its parameters, and several of them become rules and settings.

Knows how the parameters of a quirk are filled in, and when two contradict each other; must not know
servers.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pop3s_fake.errors import UsageError
from pop3s_fake.quirks.catalogue import quirk
from pop3s_fake.quirks.changing import Changing
from pop3s_fake.quirks.entry import Quirk, Setting
from pop3s_fake.quirks.writing import parsed, quoted
from pop3s_fake.rules import Rule
from pop3s_fake.rules.actions import Edit
from pop3s_fake.rules.when import meet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pop3s_fake.rules.when import When

__all__ = ("Asked", "asked", "demands", "named", "rules_of", "rules_of_all")

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
    "serves_marked": "what becomes of marked messages",
    "lists_marked": "how marked messages are listed",
    "reads": "whether retrieving is reading",
    "top_reads": "whether TOP is reading",
    "waits": "whether deletions wait for the client",
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


class Asked(NamedTuple):
    """A quirk that somebody asked for, and its parameters, all of them."""

    quirk: Quirk
    values: dict[str, str]
    origin: str = ""
    """What it comes with, such as "dialect 'gmail'", where nobody has asked for it by itself."""

    def __str__(self) -> str:
        """As it is written, with the parameters that are not the default.

        >>> str(asked(["terminator-split(later=2)"])[0]), str(asked(["terminator-split(later=1)"])[0])
        ('terminator-split(later=2)', 'terminator-split')
        """
        known = self.quirk.parameters
        given = [f"{name}={quoted(value)}" for name, value in self.values.items() if value != known[name].default]
        return f"{self.quirk.id}({', '.join(given)})" if given else self.quirk.id


def asked(texts: Iterable[str], beside: Iterable[Asked] = (), *, origin: str = "") -> tuple[Asked, ...]:
    """The quirks that these texts ask for, each once; UsageError for what is none, and where two contradict each other.

    ``beside``: quirks that come with something else, a dialect.  A text replaces the one of its id, and the text "-id"
    takes it away; that does so with one that a text before it asks for, too.  ``origin``: what these come with; of two
    of its quirks that answer the same command the later one does.

    >>> [str(one) for one in asked(["-capa-err", "lf-only-replies"], beside=asked(["capa-err", "retr-no-answer"]))]
    ['retr-no-answer', 'lf-only-replies']
    >>> asked(["terminator-split(latter=2)"])
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: quirk 'terminator-split' has no parameter 'latter'; did you mean 'later'?
    """
    found = {one.quirk.id: one for one in beside}
    for text in texts:
        if text.strip().startswith("-"):
            _taken(text.strip()[1:], found)
            continue
        one = Asked(*parsed(text), origin)
        if one.quirk.id in found and found[one.quirk.id].origin:
            del found[one.quirk.id]
        before = found.setdefault(one.quirk.id, one)
        if before != one:
            raise UsageError(f"quirk {one.quirk.id!r} is there twice, as {before} and as {one}; leave one of them out")
    _together(tuple(found.values()))
    return tuple(found.values())


def named(one: Asked) -> str:
    """A quirk in a sentence about it."""
    return f"{one.quirk.id!r} (of {one.origin})" if one.origin else repr(one.quirk.id)


def _taken(name: str, found: dict[str, Asked]) -> None:
    """Take a quirk away that is there."""
    if name not in found:
        quirk(name)  # says so where there is none of this name
        there = ", ".join(found) or "none"
        raise UsageError(f"'-{name}' takes away a quirk that is not among those before it, which are {there}")
    del found[name]


def rules_of(one: Asked) -> list[Rule]:
    """The rules that make a quirk; they know to whom they belong.

    >>> rules_of(asked(["terminator-split(later=2)"])[0])[0].origin
    'quirk terminator-split(later=2)'
    """
    rules = [Rule(_filled(text, one, quoted=True)) for text in _texts(one)]
    for change in one.quirk.changes:
        words = {name: _filled(getattr(change, name), one) for name in ("find", "put", "count")}
        function = Changing(one.quirk.id, change.does, find=words["find"], put=words["put"], count=int(words["count"]))
        rules.append(Rule(_filled(change.when, one)).edit(function))
    for rule in rules:
        rule.origin = f"quirk {one}"
    return rules


def _texts(one: Asked) -> list[str]:
    """The rules that stand in the data, for these parameters."""
    return [*one.quirk.rules, *(text for name in one.values for text in one.quirk.variants.get(_pair(one, name), ()))]


def _pair(one: Asked, name: str) -> str:
    return f"{name}={one.values[name]}"


def rules_of_all(several: Sequence[Asked]) -> list[Rule]:
    """The rules of all of them; what takes a reply its form comes behind what needs it."""
    rules = [(one, rule) for one in several for rule in rules_of(one)]
    return [
        rule for _, rule in sorted(rules, key=lambda each: any(x.does == "last-end" for x in each[0].quirk.changes))
    ]


def demands(several: Sequence[Asked]) -> Setting:
    """What all of them demand of the server beside rules, which do not contradict each other."""
    settings = [made for one in several if (made := _setting(one)) is not None]

    def last(name: str) -> object:
        return next((value for each in settings if (value := getattr(each, name)) is not None), None)

    return Setting(
        **{name: last(name) for name in ("certificate", "tls", "stls", "exclusive")},  # type: ignore[arg-type]  # by name
        capabilities=tuple(line for each in settings for line in each.capabilities),
        late=tuple(tag for each in settings for tag in each.late),
        policy=_policies(settings),
        manner=_manners(settings),
    )


def _policies(settings: Iterable[Setting]) -> dict[str, str]:
    """The words of all of them; what is added to messages adds up."""
    words: dict[str, str] = {}
    for word, value in (item for each in settings for item in each.policy.items()):
        words[word] = words.get(word, "") + value if word == ADDING else value
    return words


def _manners(settings: Iterable[Setting]) -> dict[str, Any]:
    """The tables of all of them as one."""
    tables: dict[str, Any] = {}
    for path, value in (leaf for each in settings for leaf in _leaves(each.manner)):
        table = tables
        for key in path[:-1]:
            table = table.setdefault(key, {})
        last = path[-1]
        table[last] = [*table.get(last, ()), *value] if isinstance(value, list) else value
    return tables


def _leaves(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each value of nested tables, behind the keys that lead to it."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _setting(one: Asked) -> Setting | None:
    """The setting of a quirk with the parameters in it."""
    setting = one.quirk.setting
    if setting is None:
        return None
    certificate = None if setting.certificate is None else _filled(setting.certificate, one)
    return replace(
        setting,
        certificate=certificate,
        capabilities=tuple(_filled(x, one) for x in setting.capabilities),
        policy={word: _filled(value, one) for word, value in setting.policy.items()},
        manner=_manner(setting.manner, one),
    )


def _manner(value: Any, one: Asked) -> Any:
    """A table of settings, or a value there, with the parameters in it; what is nothing but a number becomes one."""
    if isinstance(value, dict):
        return {key: _manner(each, one) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    parameter = one.quirk.parameters.get(value[1:-1]) if value[:1] == "{" else None
    text = _filled(value, one)
    if parameter is not None and parameter.kind in {"whole", "seconds"}:
        return int(text) if parameter.kind == "whole" else float(text)
    return text


def _filled(text: str, one: Asked, *, quoted: bool = False) -> str:
    """A text of the data with the parameters in it."""
    for name, value in one.values.items():
        inserted = value.replace("\\", "\\\\").replace('"', '\\"') if quoted else value
        text = text.replace(f"{{{name}}}", inserted)
    return text


# contradictions


class Claim(NamedTuple):
    """What a quirk decides: a part of what happens, and at which point."""

    what: str
    when: When | None
    value: object = None
    """Two quirks may decide the same."""


def _together(several: Sequence[Asked]) -> None:
    """Refuse two quirks that contradict each other."""
    claims = {one.quirk.id: list(_claims(one)) for one in several}
    for one, other in combinations(several, 2):
        if other.quirk.id in one.quirk.contradicts or one.quirk.id in other.quirk.contradicts:
            raise _contradiction(one, other, "one server does not do both")
        for mine in claims[one.quirk.id]:
            for yours in claims[other.quirk.id]:
                ordered = bool(one.origin) and one.origin == other.origin and mine.when is not None
                if mine.what == yours.what and not ordered and _collide(mine, yours):
                    raise _contradiction(one, other, f"both decide {mine.what}{_at(mine)}")


def _contradiction(one: Asked, other: Asked, why: str) -> UsageError:
    given, brought = sorted((one, other), key=lambda each: bool(each.origin))
    right = "leave one of them out"
    if brought.origin and not given.origin:
        right = f"leave {given.quirk.id!r} out, or take the other one away by '-{brought.quirk.id}'"
    return UsageError(f"quirks {named(one)} and {named(other)} contradict each other: {why}; {right}")


def _collide(one: Claim, other: Claim) -> bool:
    if one.when is None or other.when is None:
        return one.value is None or one.value != other.value
    return meet(one.when, other.when)


def _at(claim: Claim) -> str:
    return "" if claim.when is None else f" {claim.when.named}"


def _claims(one: Asked) -> Iterator[Claim]:
    """What a quirk decides."""
    changes = len(_texts(one))
    for index, rule in enumerate(rules_of(one)):
        if index >= changes:
            yield Claim(f"the {one.quirk.changes[index - changes].of} in what is replied to", rule.when)
            continue
        for action in rule.actions:
            if action.dimension is not None:
                kind = f" (edit {action.kind})" if isinstance(action, Edit) else ""
                yield Claim(f"{WHAT[action.dimension]}{kind}", rule.when)
    setting = _setting(one)
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
    for path, value in _leaves(setting.manner):
        if not isinstance(value, list):  # lists add up
            yield Claim(f"{'.'.join(path)} of the manner", None, repr(value))
    for tag in setting.late:
        yield Claim(f"the capability {tag}", None, f"late {tag}")
