"""What a sweep is told of a conversation: where the lines of each reply end, as rules count them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.rules import RuleBook
from pop3s_fake.rules.measuring import Measured, Measuring
from pop3s_fake.rules.pipeline import reply
from pop3s_fake.rules.placing import Parts, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable


class Told:
    """One session of a rule book, and what was measured of it."""

    def __init__(self, *rules: str) -> None:
        self.measured: list[Measured] = []
        self.book = RuleBook(seed=1, now=lambda: 0.0)
        for rule in rules:
            self.book.add(rule)
        self.session = Measuring(self.book, 7, self.measured.append)

    def says(self, point: str, argument: str = "", *, parts: Parts) -> Measured:
        """What is measured of this reply; the octets go nowhere."""
        bound = self.session.bind(point, argument)
        assert bound is not None
        for _ in reply(bound, parts, self.book.now):
            pass
        return self.measured[-1]


def edited(function: Callable[[bytes], bytes]) -> Told:
    """A session in which a function edits the answer to NOOP."""
    told = Told()
    told.book.add("NOOP").edit(function)
    return told


def test_a_reply_is_measured_line_by_line_and_before_its_terminator() -> None:
    """The CRLF counts to its line; what completes an only line is its CRLF."""
    told = Told()
    assert told.says("STAT", parts=parts_of(b"+OK 0 0\r\n")) == Measured(7, "STAT", 1, "STAT", (9,), 7)
    long = Parts(b"+OK\r\n", lambda: (b"abc\r\n", b"..\r\n"))
    assert told.says("RETR", "3", parts=long) == Measured(7, "RETR", 1, "RETR 3", (5, 5, 4, 3), 14)
    assert told.says("RETR", "4", parts=long).nth == 2
    assert told.says("PASS", "not-to-be-told", parts=parts_of(b"+OK\r\n")).command == "PASS ****"


def test_a_reply_that_ends_in_no_line_end_is_measured_to_its_last_octet() -> None:
    """As a function of the test's may make one."""
    measured = edited(lambda octets: octets.removesuffix(b"\r\n")).says("NOOP", parts=parts_of(b"+OK still here\r\n"))
    assert (measured.lines, measured.octets) == ((14,), 14)


def test_what_rules_take_away_is_measured_all_the_same() -> None:
    """Offsets count the reply as it would stand on the wire without them."""
    told = Told("STAT@3 -> edit drop 4", 'STAT -> send "more"')
    assert told.says("STAT", parts=parts_of(b"+OK 0 0\r\n")).lines == (9,)


def test_a_handshake_has_its_place_and_nothing_else() -> None:
    """Its octets are none of POP3's; other points without a reply are not told."""
    told = Told()
    for point in ("accept", "hello", "handshake", "secured"):
        assert told.session.bind(point) is None
    assert told.measured == [Measured(7, "handshake", 1, "", (), 0)]
