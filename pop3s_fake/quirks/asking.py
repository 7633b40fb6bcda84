r"""Asking for quirks: a text becomes a quirk with its parameters, and several of them become rules and settings.

Knows how the parameters of a quirk are filled in, and when two contradict each other; must not know
servers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pop3s_fake.errors import UsageError
from pop3s_fake.quirks.catalogue import quirk, quirk_ids
from pop3s_fake.quirks.contradicting import ADDING, together
from pop3s_fake.quirks.entry import Setting, Step
from pop3s_fake.quirks.making import Asked, leaves, made, named, rules_of, setting_of
from pop3s_fake.quirks.writing import parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pop3s_fake.rules import Rule

__all__ = ("Asked", "asked", "demands", "in_order", "named", "rules_of", "rules_of_all")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


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
    together(tuple(found.values()))
    return tuple(found.values())


def _taken(name: str, found: dict[str, Asked]) -> None:
    """Take a quirk away that is there."""
    if name not in found:
        quirk(name)  # says so where there is none of this name
        there = ", ".join(found) or "none"
        raise UsageError(f"'-{name}' takes away a quirk that is not among those before it, which are {there}")
    del found[name]


def rules_of_all(several: Sequence[Asked]) -> list[Rule]:
    """The rules of all of them, in an order of their own, in whichever they were asked for.

    What changes replies comes behind all else: first what is told, then how that is written, then what ends it.
    """
    every = [made(one) for one in in_order(several)]
    steps = get_args(Step)
    changes = sorted((each for _, those in every for each in those), key=lambda each: steps.index(each[1].step))
    return [*(rule for rules, _ in every for rule in rules), *(rule for rule, _ in changes)]


def in_order(several: Sequence[Asked]) -> list[Asked]:
    """Those of a dialect as it has them, and then the others as the catalogue has them."""
    ids = quirk_ids()
    return sorted(several, key=lambda one: -1 if one.origin else ids.index(one.quirk.id))


def demands(several: Sequence[Asked]) -> Setting:
    """What all of them demand of the server beside rules, which do not contradict each other."""
    settings = [own for one in in_order(several) if (own := setting_of(one)) is not None]

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
    for path, value in (leaf for each in settings for leaf in leaves(each.manner)):
        table = tables
        for key in path[:-1]:
            table = table.setdefault(key, {})
        last = path[-1]
        table[last] = [*table.get(last, ()), *value] if isinstance(value, list) else value
    return tables
