"""Which rules strike at one occurrence, and why the others do not.

Knows how a hit is counted, once a rule and occurrence, and what is noted for the explanation of rules that never
strike; must not know where octets are nor what any action does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.rules.misses import Reason
from pop3s_fake.rules.operations import Struck
from pop3s_fake.rules.when import POINTS

if TYPE_CHECKING:
    from collections.abc import Generator

    from pop3s_fake.rules.bound import Bound, Item
    from pop3s_fake.rules.operations import Operation
    from pop3s_fake.rules.rule import Rule
    from pop3s_fake.rules.when import Layer

__all__ = ("Striking",)


class Striking:
    """The strikes of one occurrence; all layers of it share one."""

    __slots__ = ("_noted", "bound", "ended_by", "placed")

    def __init__(self, bound: Bound, *, placed: bool = True) -> None:
        """``placed`` says whether the places of the rules can be met: before the reply none of them is there."""
        self.bound: Bound = bound
        self.placed: tuple[Item, ...] = bound.during if placed else ()
        self.ended_by: str | None = None
        """What ended the conversation, as a sentence's beginning; None while nothing has."""
        self._noted: set[int] = set()

    def strikes(self, item: Item, octet: int, layer: Layer = "pop3") -> Generator[Operation, None, bool]:
        """Whether this item's rule strikes; the first of its actions counts the hit."""
        struck, rule = self.bound.struck, item.rule
        known = struck.get(id(rule))
        if known is None:
            if item.spot.follows:
                return False
            known = struck[id(rule)] = rule.strike(self.bound.session)
            if known:
                yield Struck(rule, octet, layer)
        return known

    def ends(self, item: Item, octet: int, layer: Layer = "pop3") -> None:
        """This rule ends the conversation, or our half of it, at this octet."""
        self.ended_by = f"`{item.rule}` had ended the conversation{self._at(octet, layer)}"

    def missed(self, item: Item, detail: str) -> None:
        """Something was not there to strike at."""
        self._note(item.rule, Reason.NOTHING, detail=detail)

    def beyond(self, item: Item, size: int, detail: str) -> None:
        """The offset of a rule lies outside of what was sent."""
        self._note(item.rule, Reason.BEYOND, size=size, detail=detail)

    def cut(self, octet: int) -> None:
        """It is over, at this octet of the reply, before the rest of the rules had their turn."""
        bound = self.bound
        why = self.ended_by or f"the conversation was over{self._at(octet, 'pop3')}"
        for item in (*bound.before, *bound.during, *bound.after):
            self._note(item.rule, Reason.CUT, detail=why)

    def _at(self, octet: int, layer: Layer) -> str:
        """Where that is, in words; at a moment there is no place on the POP3 layer."""
        if layer != "pop3":
            return f" at octet {octet} of the {layer.upper()} layer"
        point = POINTS.get(self.bound.command)
        return f" at octet {octet} of its reply" if point is None or point.reply else ""

    def _note(self, rule: Rule, reason: Reason, *, detail: str, size: int = 0) -> None:
        """Remember for the explanation why a rule did not strike, unless it did or more is known."""
        bound = self.bound
        if id(rule) not in bound.struck and id(rule) not in self._noted:
            self._noted.add(id(rule))
            rule.misses.note(reason, bound.session, size=size, about=bound.about, detail=detail)
