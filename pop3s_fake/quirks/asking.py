r"""Asking for quirks: a text becomes a quirk with its parameters, and several of them become rules and settings.

Knows how a quirk is written, how its parameters are filled in, and when two contradict each other; must not know
servers.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.quirks.catalogue import quirk
from pop3s_fake.quirks.changing import Changing
from pop3s_fake.quirks.entry import Parameter, Quirk, Setting
from pop3s_fake.rules import Rule
from pop3s_fake.rules.actions import Edit
from pop3s_fake.rules.when import meet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pop3s_fake.rules.when import When

__all__ = ("Asked", "asked", "demands", "rules_of", "rules_of_all")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_ASKED: Final = re.compile(r"\s*([^\s()]+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_GIVEN: Final = re.compile(r'\s*([a-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))\s*(?:,|$)')

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

    def __str__(self) -> str:
        """As it is written, with the parameters that are not the default.

        >>> str(asked(["terminator-split(later=2)"])[0]), str(asked(["terminator-split(later=1)"])[0])
        ('terminator-split(later=2)', 'terminator-split')
        """
        known = self.quirk.parameters
        given = [f"{name}={_written(value)}" for name, value in self.values.items() if value != known[name].default]
        return f"{self.quirk.id}({', '.join(given)})" if given else self.quirk.id


def asked(texts: Iterable[str]) -> tuple[Asked, ...]:
    """The quirks that these texts ask for, each once; UsageError for what is none, and where two contradict each other.

    >>> asked(["terminator-split(latter=2)"])
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: quirk 'terminator-split' has no parameter 'latter'; did you mean 'later'?
    """
    found: dict[str, Asked] = {}
    for text in texts:
        one = _one(text)
        before = found.setdefault(one.quirk.id, one)
        if before != one:
            raise UsageError(f"quirk {one.quirk.id!r} is there twice, as {before} and as {one}; leave one of them out")
    _together(tuple(found.values()))
    return tuple(found.values())


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


def _one(text: str) -> Asked:
    """One quirk and its parameters."""
    match = _ASKED.fullmatch(text)
    if match is None:
        raise UsageError(f"a quirk is written as 'uidl-extra-spaces' or 'terminator-split(later=2)', not {text!r}")
    found = quirk(match[1])
    if found.made == "not yet":
        raise UsageError(f"quirk {found.id!r} is not there yet: it waits for {found.waits_for}")
    values = {name: parameter.default for name, parameter in found.parameters.items()}
    for name, value in _given(match[2] or "", text):
        if name not in found.parameters:
            known = nearest(name, found.parameters) if found.parameters else "; it has none"
            raise UsageError(f"quirk {found.id!r} has no parameter {name!r}{known}")
        values[name] = _checked(found, name, value)
    return Asked(found, values)


def _given(text: str, whole: str) -> Iterator[tuple[str, str]]:
    """The parameters as they are written."""
    place = 0
    while text[place:].strip():
        match = _GIVEN.match(text, place)
        if match is None:
            raise UsageError(f"parameters are written as name=value, parted by commas, unlike those of {whole!r}")
        yield match[1], re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        place = match.end()


def _written(value: str) -> str:
    """A value as it is written."""
    if re.fullmatch(r'[^\s",()]+', value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _checked(found: Quirk, name: str, value: str) -> str:
    """A value that the parameter can have."""
    parameter = found.parameters[name]
    begin = f"parameter {name!r} of quirk {found.id!r}"
    if parameter.kind == "word":
        if value not in parameter.words:
            raise UsageError(f"{begin} is one of {', '.join(parameter.words)}, not {value!r}")
        return value
    if parameter.kind == "text":
        return value
    form = r"\d{1,9}" if parameter.kind == "whole" else r"\d{1,6}(\.\d{1,6})?"
    inside = re.fullmatch(form, value, re.ASCII) and _within(parameter, float(value))
    if not inside:
        what = "a whole number" if parameter.kind == "whole" else "a number of seconds"
        raise UsageError(f"{begin} is {what}{_bounds(parameter)}, not {value!r}")
    return value


def _within(parameter: Parameter, number: float) -> bool:
    least, most = parameter.least, parameter.most
    return (least is None or number >= least) and (most is None or number <= most)


def _bounds(parameter: Parameter) -> str:
    least = "" if parameter.least is None else f" from {parameter.least:g}"
    return least + ("" if parameter.most is None else f" to {parameter.most:g}")


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
        names = one.quirk.id, other.quirk.id
        if other.quirk.id in one.quirk.contradicts or one.quirk.id in other.quirk.contradicts:
            raise _contradiction(names, "one server does not do both")
        for mine in claims[names[0]]:
            for yours in claims[names[1]]:
                if mine.what == yours.what and _collide(mine, yours):
                    raise _contradiction(names, f"both decide {mine.what}{_at(mine)}")


def _contradiction(names: tuple[str, str], why: str) -> UsageError:
    return UsageError(f"quirks {names[0]!r} and {names[1]!r} contradict each other: {why}; leave one of them out")


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
