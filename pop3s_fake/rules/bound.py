"""The rules that apply to one occurrence of a point, sorted by phase, the fights between them settled.

Knows whole rules and their order; must not know how octets are counted nor how actions are carried out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.rules.misses import Reason, discreet
from pop3s_fake.rules.placing import Spot, spots
from pop3s_fake.rules.when import holds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from pop3s_fake.rules.actions import Action
    from pop3s_fake.rules.placing import Layout
    from pop3s_fake.rules.rule import Rule
    from pop3s_fake.rules.when import Offset, Phase

__all__ = ("Bound", "Item")


class Item(NamedTuple):
    """One action that is to be carried out."""

    rule: Rule
    action: Action
    spot: Spot
    order: tuple[int, int]
    """Which rule it belongs to, in the order added, and which of its actions it is."""
    dice: Random

    def between(self, span: tuple[float, float]) -> float:
        """The seconds to wait."""
        return span[0] if span[0] == span[1] else self.dice.uniform(*span)

    @property
    def sorted_by(self) -> tuple[int, tuple[int, int]]:
        """The order of actions at the same octet."""
        return self.spot.rank, self.order


_WITH_MESSAGE: Final = ("RETR", "TOP")


class Found(NamedTuple):
    """How things stand at a point, as far as rules ask for it."""

    user: str | None
    tls: bool
    ahead: bool
    parted: bool


class Bound:
    """What is to be done at one occurrence, in each phase; empty phases are false.

    Of two rules for the same dimension in the same phase, layer and offset the one added last wins.
    """

    __slots__ = (
        "about",
        "after",
        "asks_answer",
        "before",
        "command",
        "deferred",
        "during",
        "losers",
        "lower",
        "measure",
        "rules",
        "session",
        "struck",
    )

    def __init__(self, session: int, command: str, rules: Sequence[tuple[Rule, Random]]) -> None:
        self.session: int = session
        self.command: str = command
        """The keyword in upper case and its argument."""
        keyword, _, argument = command.partition(" ")
        number = argument.partition(" ")[0]
        self.about: str = f"message {number}" if keyword in _WITH_MESSAGE and number.isdigit() else ""
        self.rules: list[Rule] = [rule for rule, _ in rules]
        self.losers: list[tuple[Rule, Rule]] = []
        """Who lost to whom, so that the transcript can name it."""
        self.struck: dict[int, bool] = {}
        """By rule (its id): whether it struck here; False where ``times`` left none."""
        self.deferred: list[Item] = []
        """What follows a ``reply`` in ``!before``: done behind that reply."""
        self.measure: Callable[[Layout], None] | None = None
        """Who wants to know the measures of the reply."""
        phases: dict[Phase, list[Item]] = {"before": [], "during": [], "after": []}
        winners = {key: rule for rule, _ in rules for action in rule.actions if (key := _fights_for(rule, action))}
        for order, (rule, dice) in enumerate(rules):
            actions = rule.actions
            for index, (action, spot) in enumerate(zip(actions, spots(rule.when, actions), strict=True)):
                key = _fights_for(rule, action)
                winner = rule if key is None else winners[key]
                if winner is rule:
                    phases[rule.when.phase].append(Item(rule, action, spot, (order, index), dice))
                elif not any(loser is rule and other is winner for loser, other in self.losers):
                    self.losers.append((rule, winner))
                    rule.misses.note(Reason.LOST, session, detail=str(winner))
        self.before: tuple[Item, ...] = tuple(phases["before"])
        self.during: tuple[Item, ...] = tuple(phases["during"])
        self.after: tuple[Item, ...] = tuple(phases["after"])
        self.asks_answer: bool = any(rule.when.answer is not None for rule in self.rules)
        """Whether a rule holds for one kind of answer only."""
        self.lower: bool = any(_lower(item) for items in phases.values() for item in items)
        """Whether anything is to be done on a layer below POP3."""

    def answered(self, status: str) -> None:
        """Leave out the rules that are for other answers than this one, given by its first line."""
        held: dict[str | None, bool] = {None: True}
        for item in (*self.during, *self.after):
            answer = item.rule.when.answer
            if answer is not None and not held.setdefault(answer, holds(answer, status)):
                item.rule.misses.note(Reason.FILTER, self.session, detail=f"answer={answer}")
        self.during = tuple(item for item in self.during if held[item.rule.when.answer])
        self.after = tuple(item for item in self.after if held[item.rule.when.answer])

    def __repr__(self) -> str:
        """The command, without credentials, and the rules: tracebacks show it."""
        return f"<Bound {discreet(self.command)}: {', '.join(map(str, self.rules))}>"


def _lower(item: Item) -> bool:
    """Whether an action, or its place, belongs to a layer below POP3."""
    offset = item.spot.offset
    return getattr(item.action, "layer", "pop3") != "pop3" or (offset is not None and offset.layer != "pop3")


def _fights_for(rule: Rule, action: Action) -> tuple[str, Phase, str, Offset | None] | None:
    """What only one rule can decide; None where all do their part, as the edits of quirks do, which combine."""
    if action.dimension is None or (rule.origin and action.verb == "edit"):
        return None
    return action.dimension, rule.when.phase, getattr(action, "layer", "pop3"), rule.when.offset
