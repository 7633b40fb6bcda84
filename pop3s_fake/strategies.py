r"""Strategies for Hypothesis: maildrops and rule sets, which shrink to the simplest that still fails.

Knows how rules and mail are written; must not know servers.  It needs ``pip install 'pop3s-fake[hypothesis]'``.

>>> from hypothesis import find
>>> find(maildrops(), lambda mail: any(b"\r\n." in message for message in mail))
[b'\r\n.\r\n']
>>> find(rule_sets(), lambda rules: any("RETR" in rule and "end" in rule for rule in rules))
['RETR -> end fin; optional']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pop3s_fake.errors import UsageError, nearest

try:
    from hypothesis import strategies as st
except ModuleNotFoundError as _missing:
    if str(_missing.name).partition(".")[0] != "hypothesis":
        raise
    raise ImportError(
        "pop3s_fake.strategies needs Hypothesis: pip install 'pop3s-fake[hypothesis]'", name="hypothesis"
    ) from None

if TYPE_CHECKING:
    from collections.abc import Collection

    from hypothesis.strategies import SearchStrategy

__all__ = ("FAULTS", "maildrops", "messages", "rule_sets", "rules")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_LINES: Final = st.one_of(
    st.sampled_from([b"", b".", b"..", b".x", b"Subject: x", b"+OK", b"-ERR"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=60).map(str.encode),
)
"""Lines that are easily read wrongly first, so that an example shrinks to them; then any text."""


def messages(*, max_lines: int = 6) -> SearchStrategy[bytes]:
    r"""Messages as octets, each line ended by CRLF; the simplest one is empty.

    >>> from hypothesis import find
    >>> find(messages(), lambda message: message.startswith(b"."))
    b'.\r\n'
    """
    return st.lists(_LINES, max_size=max_lines).map(lambda lines: b"".join(line + b"\r\n" for line in lines))


def maildrops(*, min_size: int = 0, max_size: int = 4, max_lines: int = 6) -> SearchStrategy[list[bytes]]:
    """What is in a maildrop: ``server.maildrop.add(*mail)``; it shrinks to few, short messages."""
    return st.lists(messages(max_lines=max_lines), min_size=min_size, max_size=max_size)


_POINTS: Final = ("RETR", "DELE", "QUIT", "LIST", "UIDL", "STAT", "USER", "PASS", "TOP", "CAPA", "greeting", "*")
_NTH: Final = st.one_of(st.just(""), st.integers(1, 4).map("#{}".format))
_OFFSETS: Final = st.one_of(st.integers(0, 600).map("@{}".format), st.sampled_from(["@end", "@-1", "@50%"]))
_ANYWHERE: Final = st.one_of(st.sampled_from(["", "!before", "!after"]), _OFFSETS)

_CODES: Final = ("", "[IN-USE] ", "[SYS/TEMP] ", "[AUTH] ")

FAULTS: Final[dict[str, tuple[SearchStrategy[str], SearchStrategy[str]]]] = {
    "end": (_ANYWHERE, st.sampled_from(["end fin", "end rst", "end clean", "end half-close"])),
    "refuse": (st.sampled_from(["!before", ""]), st.sampled_from(_CODES).map('reply "-ERR {}no"'.format)),
    "pace": (st.one_of(st.just(""), _OFFSETS), st.integers(1, 40).map("pace size={}".format)),
    "wait": (_ANYWHERE, st.integers(1, 30).map(lambda hundredths: f"wait {hundredths / 100:g}")),
    "stall": (_ANYWHERE, st.just("wait forever")),
    "damage": (
        st.one_of(st.just(""), _OFFSETS),
        st.one_of(
            st.just("edit drop"),
            st.integers(2, 40).map("edit drop {}".format),
            st.integers(2, 40).map("edit dup {}".format),
            st.sampled_from(["edit flip", "edit truncate", "edit bare-lf", "edit bare-cr"]),
        ),
    ),
}
"""What can go wrong, by name: where in a reply, and how it is written."""

SURVIVABLE: Final = ("end", "refuse", "pace", "wait")
"""Faults in which every client ends by itself, and in which what it got is either whole or seen not to be."""


def rules(faults: Collection[str] = SURVIVABLE) -> SearchStrategy[str]:
    """Rules as texts, all of which can be carried out and none of which has to strike: ``server.rules.add(rule)``.

    ``faults`` are names of :data:`FAULTS`; left out, those that a correct client survives without any loss.  "stall"
    asks for a client with a short time-out of its own, and "damage" for one that compares what it got with what was
    announced: not even that finds each.  Raises :class:`~pop3s_fake.UsageError` for a name that is none.
    """
    if isinstance(faults, str):
        raise UsageError(f"faults= is a list, not the text {faults!r}")
    for fault in faults:
        if fault not in FAULTS:
            raise UsageError(f"unknown fault {fault!r}{nearest(str(fault), FAULTS)}")
    if not faults:
        raise UsageError("faults= is empty: there would be no rules")
    return st.one_of([_rules(*FAULTS[fault]) for fault in faults])


def _rules(places: SearchStrategy[str], actions: SearchStrategy[str]) -> SearchStrategy[str]:
    """Rules of one kind."""
    points = st.tuples(st.sampled_from(_POINTS), _NTH).map(_point)
    times = st.one_of(st.just(""), st.integers(1, 3).map("times={}, ".format))
    return st.builds("{}{} -> {}; {}optional".format, points, places, actions, times)


def _point(parts: tuple[str, str]) -> str:
    """A point and which of its occurrences is meant; the greeting comes once."""
    point, nth = parts
    return point if point == "greeting" else point + nth


def rule_sets(*, max_size: int = 3, faults: Collection[str] = SURVIVABLE) -> SearchStrategy[list[str]]:
    """Several rules at once, or none; they shrink to few, and each to its simplest form."""
    return st.lists(rules(faults), max_size=max_size)
