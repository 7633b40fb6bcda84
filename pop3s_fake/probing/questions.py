"""The questions of a probe, as data: what is said, in which state, and what it may cost.

Knows the words and which of them are safe: none marks a message, none names another account behind which a password
comes; those that may fetch a message stand apart, and so do those that may count as a failed login.  Must not know how
they are asked, nor what they tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ("AFTER", "BEFORE", "FETCHING", "HEADERS", "IN_CLEAR", "PLAIN", "REFUSED", "SENTINEL", "UNKNOWN", "Question")

UNKNOWN: Final = "XPROBE"
"""No command of any server."""

SENTINEL: Final = f"{UNKNOWN}\r\n"


@dataclass(frozen=True)
class Question:
    r"""One thing that is said, without its last CRLF.

    In braces: ``{user}``, ``{password}``, ``{plain}`` for the response of AUTH PLAIN, ``{wrong}`` for one with a wrong
    password, ``{one}`` for the number of a short message, ``{beyond}`` for one that no message has.
    """

    said: str
    multi: bool = False
    """Whether a positive answer has more lines."""
    batch: bool = False
    """Whether these are several lines, the last of which is :data:`UNKNOWN`: the answers up to its refusal count."""
    needs: str = ""
    """What must be there: "messages", or the tag of a capability."""
    last: bool = False
    """Whether the connection is given up behind it, since nobody knows what a server makes of it."""


def _lines(*said: str, multi: bool = False, needs: str = "") -> tuple[Question, ...]:
    return tuple(Question(each, multi=multi, needs=needs) for each in said)


def _long(*octets: int) -> tuple[Question, ...]:
    """Words so long that they are lines of so many octets, with CRLF."""
    return _lines(*("X" * (each - 2) for each in octets))


BEFORE: Final[tuple[Question, ...]] = (
    Question("CAPA", multi=True),
    *_lines(UNKNOWN, "xprobe and more", "", "   ", "STAT", "NOOP", "LIST 1", "RETR", "TOP", "UIDL", "LAST"),
    *_lines("PASS", "PASS ", "PASS probe", "APOP", "APOP probe"),
    Question("UTF8", needs="UTF8"),
    *_lines("USER", "USER ", "USER " + "u" * 64, "USER " + "u" * 65, "USER pröbe", "USER probe and more"),
    Question("AUTH", multi=True),
    Question("USER probe"),
    Question("USER probe2"),
    *_long(200, 255, 512, 1024, 4096, 8192),
    Question("STLS", last=True),
)
"""Before the login."""

AFTER: Final[tuple[Question, ...]] = (
    *_lines("STAT"),
    *_lines("LIST", "UIDL", multi=True),
    Question("CAPA", multi=True),
    *_lines("NOOP", "RSET", "LAST"),
    *_lines(UNKNOWN, "xprobe and more", "", "   ", "USER probe"),
    *_lines(" NOOP", "NOOP ", "NOOP  ", "NOOP more", "STAT more", "RSET more"),
    Question(f"NOOP\nNOOP\r\n{UNKNOWN}", batch=True),
    Question(f"NOOP\0\r\nNOOP\r\n{UNKNOWN}", batch=True),
    *_lines("LIST 1", "UIDL 1", "LIST  1", "LIST\t1", "LIST 1 ", needs="messages"),
    *_lines("LIST 1abc", "LIST 1 2", "LIST +1", "LIST 0000000001", "LIST 4294967297", needs="messages"),
    *_lines("LIST 0", "LIST {beyond}", "LIST -1", "LIST abc", "LIST 4294967296", "LIST 99999999999999999999"),
    *_lines("UIDL 0", "UIDL {beyond}", "UIDL abc"),
    *_long(255, 1024, 4096, 8192),
)
"""Behind it; nothing of a message comes, whatever a server reads in a number."""

HEADERS: Final[tuple[Question, ...]] = (
    Question("STAT"),
    *_lines("TOP {one} 0", "TOP {one} 1", "TOP  {one} 0", "TOP {one}  0", multi=True, needs="messages"),
    *_lines("TOP {one}", "TOP {one} abc", "TOP {one} 0 0", "TOP {one} 0abc", multi=True, needs="messages"),
    *_lines("TOP", "TOP {beyond} 0", multi=True),
)
"""The header of a short message, which some servers take for reading it: so no QUIT comes behind these."""

IN_CLEAR: Final[tuple[Question, ...]] = (Question("CAPA", multi=True), Question("USER probe"))
"""Before TLS, where it begins by STLS."""

PLAIN: Final = Question("AUTH PLAIN {plain}")
"""The other way in, where it is announced."""

FETCHING: Final[tuple[Question, ...]] = (
    Question("STAT"),
    Question("RETR {one}", multi=True, needs="messages"),
    *_lines("RETR", "RETR {beyond}", "RETR 0", "RETR abc", multi=True),
    *_lines("TOP {one} -1", "TOP {one} 99999999999999999999", multi=True, needs="messages"),
    *_lines("TOP 0 0", "TOP abc 1", multi=True),
)
"""What fetches a message, or might: a server may read 0, or a word, as the number of one.

Some take that for a sign that the message need not be kept: asked only if the user says so, and no QUIT comes behind.
"""

REFUSED: Final[tuple[tuple[Question, ...], ...]] = (
    (Question("USER {user}"), Question("PASS wrong")),
    (Question("AUTH XPROBE"),),
    (Question("AUTH PLAIN", needs="SASL"), Question("*", needs="SASL")),
    (Question("AUTH PLAIN !!!!", needs="SASL"),),
    (Question("AUTH PLAIN {wrong}", needs="SASL"),),
)
"""What may count as a failed login, each one time, the most telling first."""
