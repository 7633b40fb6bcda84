"""What a client must not do, as data: the rows that this server can tell from the octets alone.

Knows the requirement's id, its level, its words and the sentence that tells of a client that broke it; must not know
whether that is told to anybody.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from pop3s_fake.errors import ProtocolViolation
from pop3s_fake.protocol.lines import COMMAND_LIMIT, OVERLONG, Line

__all__ = ("VIOLATIONS", "Requirement", "broken")

Level = Literal["MUST", "SHOULD"]

SHOWN: Final = 100
"""Characters of a client's line that a sentence shows."""


class Requirement(NamedTuple):
    """One thing that a specification asks of a client."""

    row: str
    level: Level
    text: str

    def violation(self, session: int, said: str) -> ProtocolViolation:
        """What tells the test that the client sent this line, masked already, in the session of this number."""
        return ProtocolViolation(
            f"{self.row} ({self.level}): {self.text}\n"
            f"  session {session} sent: {said if len(said) <= SHOWN else said[:SHOWN] + ' ...'}\n"
            f'  -> mend the client, or allow it in this test with allow=["{self.row}"]'
        )


VIOLATIONS: Final[dict[str, Requirement]] = {
    requirement.row: requirement
    for requirement in (
        Requirement(
            "C-1939-3.2",
            "MUST",
            "a command is a keyword and arguments, parted by single spaces and ended by CRLF (RFC 1939 section 3)",
        ),
        Requirement(
            "C-2449-4.1",
            "MUST",
            f"a command has at most {COMMAND_LIMIT} octets, its CRLF counted (RFC 2449 section 4)",
        ),
    )
}


def broken(line: Line) -> str | None:
    """The id of the requirement that this line breaks, or None.

    An unknown keyword breaks none, and a password may hold any spaces.

    >>> broken(b"RETR 2"), broken(b"RETR  2"), broken(b"PASS  a b "), broken(b"a" * 254)
    (None, 'C-1939-3.2', None, 'C-2449-4.1')
    """
    if line is OVERLONG or len(line) > COMMAND_LIMIT - 2:
        return "C-2449-4.1"
    if b"\n" in line or b"\r" in line or b"\t" in line or line[:1] in {b"", b" "}:
        return "C-1939-3.2"
    if (b"  " in line or line.endswith(b" ")) and line[:5].upper() != b"PASS ":
        return "C-1939-3.2"
    return None
