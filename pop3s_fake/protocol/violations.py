"""What a client must not do, as data: every requirement on a client, and which of them a server can see by itself.

Knows ``client_rows.toml``, its closed structure, and the sentence that tells of a client that broke a row; must not
know how that is noticed, nor whether it is told to anybody.  The file is read when somebody asks: a conversation in
which nothing is broken does not load it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from pop3s_fake.errors import ProtocolViolation, UsageError, nearest

__all__ = ("Requirement", "allowed", "read_requirements", "requirement", "requirements")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

SHOWN = 100
"""Characters of a client's line that a sentence shows."""


@dataclass(frozen=True)
class Requirement:
    """One thing that a specification asks of a client; the fields are described at the top of ``client_rows.toml``."""

    row: str
    level: Literal[
        "MUST",
        "MUST NOT",
        "MUST (configurable)",
        "must",
        "must not",
        "must(d)",
        "SHOULD",
        "should",
        "should(d)",
        "MAY",
        "may",
        "PROJ",
    ]
    rfc: str
    seen: tuple[Literal["W", "T", "K", "R"], ...]
    requirement: str
    verdict: Literal["fails", "warns", "unseen"]
    why: str = ""

    def __post_init__(self) -> None:
        """A row is watched, or there is a reason."""
        if bool(self.why) != (self.verdict == "unseen"):
            raise ValueError("why= is for what is unseen, and for nothing else")

    @property
    def watched(self) -> bool:
        """Whether the server sees by itself that a client breaks it."""
        return self.verdict != "unseen"

    def violation(self, session: int, said: str) -> ProtocolViolation:
        """What tells the test that the client sent this line, masked already, in the session of this number."""
        word = "MUST" if self.verdict == "fails" else "SHOULD"
        return ProtocolViolation(
            f"{self.row} ({word}): {self.requirement} ({self.rfc})\n"
            f"  session {session} sent: {said if len(said) <= SHOWN else said[:SHOWN] + ' ...'}\n"
            f'  -> mend the client, or allow it in this test with allow=["{self.row}"]'
        )


def requirement(row: str) -> Requirement:
    """The requirement with this id.

    >>> requirement("C-1939-4.1").requirement
    'a client does not log in where the greeting was negative'
    """
    return requirements()[row]


@cache
def requirements() -> dict[str, Requirement]:
    """All of them by their ids, in the order of the file."""
    return read_requirements((files(__package__) / "client_rows.toml").read_text("utf-8"))


def read_requirements(text: str) -> dict[str, Requirement]:
    r"""Read rows in TOML; UsageError with every mistake in them, each with its path.

    >>> read_requirements("[odd]\nlevel = 'MUST'\nrfc = 'r'\nseen = ['X']\nrequirement = 's'\nverdict = 'fails'")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: client rows: expected one of W, T, K, R @ $['odd'].seen[0]
    """
    import cattrs  # noqa: PLC0415  # a tenth of a second that only those pay whose client broke something
    from cattrs.v import format_exception  # noqa: PLC0415  # the same

    def say(error: BaseException, expected: type | None) -> str:
        words = getattr(expected, "__args__", ())
        if words and all(isinstance(word, str) for word in words):
            return f"expected one of {', '.join(words)}"
        return str(error) if type(error) is ValueError else format_exception(error, expected)

    converter = cattrs.Converter(forbid_extra_keys=True)
    tables = {row: {"row": row, **table} for row, table in tomllib.loads(text).items()}
    try:
        return converter.structure(tables, dict[str, Requirement])
    except cattrs.BaseValidationError as error:
        raise UsageError("client rows: " + "; ".join(cattrs.transform_error(error, format_exception=say))) from None


def allowed(row: str) -> str:
    """The id itself, if ``allow=`` can switch it off; UsageError otherwise.

    >>> allowed("C-1939-3.4")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: allow= has 'C-1939-3.4', which this server cannot see by itself: what is left of the \
line stands only in what the client stores
    """
    known = requirements()
    if row not in known:
        raise UsageError(f"unknown requirement in allow= {row!r}{nearest(row.upper(), known)}")
    if not known[row].watched:
        raise UsageError(f"allow= has {row!r}, which this server cannot see by itself: {known[row].why}")
    return row
