"""What servers were asked while they ran, where no recording has it, and what they said.

Knows the form of the list; must not know how anything is asked.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.servers.sequences import PASSWORD, Sequence, Step

if TYPE_CHECKING:
    from tests.servers.talking import Moment

__all__ = ("Asked", "answers", "asked")

HEARD: Final = Path(__file__).parent / "heard.toml"


@dataclass(frozen=True)
class Asked:
    """Lines of a client, in which ``NAME`` and ``SECRET`` stand for its own, and the lines that came."""

    said: list[str]
    heard: list[str]
    inside: bool = False
    """Whether the client had logged in."""
    message: str = "Subject: one\n\nhello\n"
    """The one in its maildrop."""

    def sequence(self, number: int, name: str) -> Sequence:
        """The same as a sequence, for this account, in whose maildrop the message is."""
        lines = [f"USER {name}", f"PASS {PASSWORD}"] if self.inside else []
        said = [line.replace("NAME", name).replace("SECRET", PASSWORD) for line in self.said]
        octets = [f"{line}\r\n".encode("latin-1") for line in (*lines, *said)]
        steps = (Step(0, "open"), *(Step(0, "say", each) for each in octets), Step(0, "drop"))
        return Sequence(number, "login", name, (self.message.encode("latin-1"),), steps)


def answers(question: Asked, moments: list[Moment]) -> list[str]:
    """The lines that came for what was asked."""
    begun = 3 if question.inside else 1  # behind the greeting, and the login
    end = begun + len(question.said)
    return b"".join(moment.octets for moment in moments[begun:end]).decode("latin-1").split("\r\n")[:-1]


@cache
def asked(dialect: str) -> dict[str, Asked]:
    """What the server of this dialect was asked."""
    found = tomllib.loads(HEARD.read_text(encoding="utf-8"))
    return {question: Asked(**entry) for question, entry in found.get(dialect, {}).items()}
