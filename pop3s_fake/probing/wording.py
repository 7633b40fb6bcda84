"""The texts of a draft: which one stands under which heading, so that the fewest say all that came.

Knows outcomes, headings and where a text is looked for; must not know how answers came about.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.probing.fitting import POSITIVE, marked, outcomes_of
from pop3s_fake.probing.templates import KEYWORDS, best, filled
from pop3s_fake.protocol.wording import INSTEAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pop3s_fake.probing.fitting import Values
    from pop3s_fake.probing.model import Model
    from pop3s_fake.probing.seen import Seen

__all__ = ("texts",)

OF_STATE: Final = frozenset({"bad_commands", "too_long", "idle"})
"""Outcomes that are no command's own."""

OF_NUMBERS: Final = frozenset({"missing", "extra", "not_a_number", "zero", "negative", "noise", "too_large", "no_such"})
"""Outcomes of reading a number, which a server does in one place: one command speaks for all that take one."""

SHARED: Final = 3
"""Commands that say the same of what went well, from which on it stands under ``any``."""


_OF_ONE: Final = re.compile(r"\d|\{(?:count|total|number|octets|uid|user|rest|argument)\}")
"""What only commands about these things say, even if some of them say it in the same words."""


_CONSTANT: Final = re.compile(r"(?<![\w.:-])\d+(?![.:-]?\w)")
"""A number beside that of the messages: it is about the maildrop that was asked, too, and nothing stands for it."""


class Sample(NamedTuple):
    """One answer, and what it was about."""

    keyword: str
    after: bool
    status: str
    tokens: Mapping[str, str]


Says = dict[tuple[str, str], str]
"""Texts by heading and outcome."""


def texts(seen: Seen, model: Model, values: Values) -> Values:
    """A text for each outcome that was seen, by its path; more than are needed, as some follow from others."""
    samples: dict[str, list[Sample]] = defaultdict(list)
    for talk, answers in zip(seen.talks, model.answers(marked(values)), strict=True):
        for exchange, answer in zip(talk.exchanges, answers, strict=True):
            for outcome, line, status in outcomes_of(exchange, answer):
                samples[outcome].append(Sample(line.keyword, line.after, status, model.tokens(line)))
    says: Says = {}
    for outcome, found in samples.items():
        says |= _good(outcome, found) if outcome in POSITIVE else _bad(outcome, found)
    says |= _lifted(says)
    return {
        f"replies.{heading}.says.{outcome}": text
        for (heading, outcome), text in says.items()
        if text.isprintable() and not (outcome in POSITIVE and "{count}" in text and _CONSTANT.search(text))
    }


def _best(samples: Sequence[Sample]) -> str:
    return best([(each.status, each.tokens) for each in samples])


def _good(outcome: str, samples: Sequence[Sample]) -> Says:
    """What went well: each command has its own words, unless many have the same."""
    says: Says = {}
    for keyword in sorted({each.keyword for each in samples} & KEYWORDS):
        says[keyword, outcome] = _best([each for each in samples if each.keyword == keyword])
    common = Counter(text for text in says.values() if not _OF_ONE.search(text)).most_common(1)
    if outcome == "ok" and common and common[0][1] >= SHARED:
        says["any", outcome] = common[0][0]
    return says


def _bad(outcome: str, samples: Sequence[Sample]) -> Says:
    """What was refused: the words for all commands, then those of one state, then of one command."""
    says: Says = {}
    general = _is_general(outcome, samples)
    if general:
        says["any", outcome] = _best(samples)
    for after, heading in ((False, "before"), (True, "after")):
        here = [each for each in samples if each.after is after and _said(says, outcome, each) != each.status]
        if general and outcome not in OF_NUMBERS and _is_general(outcome, here):
            says[heading, outcome] = _best(here)
    for keyword in sorted({each.keyword for each in samples} & KEYWORDS):
        own = [each for each in samples if each.keyword == keyword]
        if any(_said(says, outcome, each) != each.status for each in own) and outcome not in OF_STATE:
            says[keyword, outcome] = _best(own)
    return says


def _is_general(outcome: str, samples: Sequence[Sample]) -> bool:
    """Whether these are about more than one command, or about none."""
    keywords = {each.keyword for each in samples}
    return len(keywords) > 1 or bool(keywords - KEYWORDS) or (bool(samples) and outcome in OF_STATE | OF_NUMBERS)


def _said(says: Says, outcome: str, sample: Sample) -> str | None:
    """What would be said."""
    for heading in (sample.keyword, "after" if sample.after else "before", "any"):
        if (heading, outcome) in says:
            return filled(says[heading, outcome], sample.tokens)
    return None


def _lifted(says: Says) -> Says:
    """Where several outcomes have one text, and one that stands for them all was not seen: that, too."""
    below: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (heading, outcome), text in says.items():
        parent = INSTEAD.get(outcome)  # type: ignore[call-overload]  # asked for any word
        if parent is not None and (heading, parent) not in says:
            below[heading, parent].append(text)
    commonest = {place: Counter(found).most_common(1)[0] for place, found in below.items()}
    return {place: text for place, (text, times) in commonest.items() if times > 1}
