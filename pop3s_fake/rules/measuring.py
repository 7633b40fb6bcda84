r"""A conversation measured while it goes on: which replies there were, and where their lines end, as rules count.

Knows what a rule's offset counts; must not know who wants to know it.  Offsets count a reply as it would stand on the
wire before the edits of other rules, which the transcript cannot tell, so the measures are taken where rules act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pop3s_fake.rules.actions import CRLF
from pop3s_fake.rules.book import SessionRules
from pop3s_fake.rules.bound import Bound
from pop3s_fake.rules.misses import discreet
from pop3s_fake.rules.when import ANY, POINTS, is_keyword

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.rules.book import RuleBook
    from pop3s_fake.rules.placing import Layout

__all__ = ("Measured", "Measuring")


class Measured(NamedTuple):
    """One reply; or a handshake, which says nothing on the POP3 layer and is there to have its place among them."""

    session: int
    point: str
    """What a rule calls its command: a keyword, ``greeting``, ``handshake``, or ``*`` for what is no keyword."""
    nth: int
    """The how manieth of these in its session."""
    command: str
    """The command as people read it, without credentials; "" for greeting and handshake."""
    lines: tuple[int, ...]
    """The octets of each line, its CRLF counted."""
    end: int
    """Octets before what completes it: the terminator, or the CRLF of an only line."""

    @property
    def octets(self) -> int:
        """All octets."""
        return sum(self.lines)


class Measuring(SessionRules):
    r"""What one connection asks of its rule book, and is measured by.

    >>> from pop3s_fake.rules import RuleBook
    >>> from pop3s_fake.rules.pipeline import reply
    >>> from pop3s_fake.rules.placing import parts_of
    >>> book = RuleBook(seed=1, now=lambda: 0.0)
    >>> book.sessions_by = lambda book, number: Measuring(book, number, print)
    >>> bound = book.session(1).bind("LIST")
    >>> operations = list(reply(bound, parts_of(b"+OK\r\n1 9\r\n.\r\n"), book.now))
    Measured(session=1, point='LIST', nth=1, command='LIST', lines=(5, 5, 3), end=10)
    """

    __slots__ = ("_measure",)

    def __init__(self, book: RuleBook, number: int, measure: Callable[[Measured], object]) -> None:
        """Call ``measure`` with each reply and handshake, in the connection's thread, before it is sent."""
        super().__init__(book, number)
        self._measure = measure

    def bind(
        self,
        point: str,
        argument: str = "",
        *,
        user: str | None = None,
        tls: bool = True,
        ahead: bool = False,
        parted: bool = False,
    ) -> Bound | None:
        """The rules that apply; where a reply follows, never None."""
        bound = super().bind(point, argument, user=user, tls=tls, ahead=ahead, parted=parted)
        if point in POINTS and not POINTS[point].reply:
            if POINTS[point].flight:
                self._measure(Measured(self.number, point, 1, "", (), 0))
            return bound
        if bound is None:
            bound = Bound(self.number, f"{point} {argument}" if argument else point, [])
        said = "" if point in POINTS else discreet(bound.command)
        name = point if point in POINTS or is_keyword(point) else ANY
        nth = self._nth((name,))

        def measure(layout: Layout) -> None:
            *lines, rest = b"".join(layout.all()).split(CRLF)
            octets = [len(line) + len(CRLF) for line in lines] + [len(rest)] * bool(rest)
            self._measure(Measured(self.number, name, nth, said, tuple(octets), layout.end))

        bound.measure = measure
        return bound
