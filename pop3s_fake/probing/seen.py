"""What was seen of a server: talks, exchanges and facts, and which of their words vary from connection to connection.

Knows what is kept, all of which has gone through :class:`~pop3s_fake.probing.standins.StandIns`; must not know how
questions are asked, nor what is made of the answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pop3s_fake.errors import Pop3sFakeError
from pop3s_fake.probing.standins import PID, TIME, TOKEN, StandIns, without

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ("Exchange", "Seen", "StandIns", "Talk", "Unreachable")

_WORD: Final = re.compile(r"[0-9A-Za-z]+")
_STAT: Final = re.compile(r"\+OK ([0-9]+) ([0-9]+)\b")
_EPOCH: Final = re.compile(r"1\d{9}")
_LONGEST_PID: Final = 9
_TELLING: Final = 6
"""Octets of a word with a digit that is a connection's own where it varies, and is so wherever it stands."""


class Unreachable(Pop3sFakeError):  # noqa: N818  # the name says what is the matter
    """The server could not be reached, spoke no POP3, could not be trusted, or refused the login."""


@dataclass(frozen=True)
class Exchange:
    """One question and what came, both with stand-ins; ``tail`` came behind the answer, before the server closed."""

    said: bytes
    came: tuple[str, ...]
    """The first line of each answer; none: silence."""
    tail: str = ""
    ended: bool = False
    """Whether the server closed behind it."""
    seconds: float = 0.0
    lines: tuple[str, ...] | None = None
    """What else the answer to CAPA, or to AUTH alone, held."""

    @property
    def answers(self) -> tuple[str, ...]:
        """All first lines, with that behind the last answer."""
        return (*self.came, self.tail) if self.tail else self.came


@dataclass
class Talk:
    """One connection."""

    label: str
    secure: bool
    greeting: str
    exchanges: list[Exchange] = field(default_factory=list)
    beside: bool = False
    """Whether another session had the maildrop then."""
    end: str = ""
    """How the server ended it behind QUIT: close_notify, fin, reset, or "" where it did not."""


@dataclass
class Seen:
    """All that was seen."""

    talks: list[Talk] = field(default_factory=list)
    capabilities: dict[tuple[bool, bool], tuple[str, ...]] = field(default_factory=dict)
    """The lines of CAPA, by whether they came behind the login, and over TLS."""
    sizes: tuple[int, ...] = ()
    unique_id: str = ""
    """The form of unique-ids, as far as it can be told."""
    logged_in: bool = False
    versions: dict[str, bool] = field(default_factory=dict)
    """Whether a client that speaks this version of TLS alone came through."""
    alpn_ignored: bool | None = None
    not_asked: list[str] = field(default_factory=list)
    """What was not asked, and why."""
    ambiguous: bool = False
    """Whether the name in ``--user`` is also a word that the server says to anybody."""

    @property
    def held(self) -> tuple[str, str]:
        """Messages and octets of the maildrop as STAT has them, else as they were listed."""
        for exchange in self.exchanges():
            if exchange.said == b"STAT\r\n" and exchange.came and (found := _STAT.match(exchange.came[0])):
                return found[1], found[2]
        return str(len(self.sizes)), str(sum(self.sizes))

    def exchanges(self) -> list[Exchange]:
        """All of them, in order."""
        return [exchange for talk in self.talks for exchange in talk.exchanges]

    def found(self, said: bytes) -> Exchange | None:
        """The first exchange in which this was said."""
        return next((exchange for exchange in self.exchanges() if exchange.said == said + b"\r\n"), None)

    def settle(self) -> None:
        """Put stand-ins in place of what varies from connection to connection: numbers of processes, times, tokens.

        They are looked for in greetings, in the answers to logins, and, where they are long enough to be nothing else,
        in all that was asked on several connections; a connection's own word is one in all that it said.
        """
        _, total = self.held
        own: dict[int, set[str]] = {id(talk): set() for talk in self.talks}
        greetings = _settled([talk.greeting for talk in self.talks], total)
        logins: dict[bytes, list[str]] = {}
        asked: dict[bytes, dict[int, str]] = {}
        for talk in self.talks:
            own[id(talk)].update(_telling(talk.greeting, greetings[talk.greeting]))
            for exchange in talk.exchanges:
                if _is_login(exchange):
                    logins.setdefault(exchange.said, []).append(exchange.came[0])
                if exchange.came:
                    asked.setdefault(exchange.said, {})[id(talk)] = exchange.came[0]
        settled = {said: _settled(came, total) for said, came in logins.items()}
        for came in asked.values():
            for place, word in _varying(came):
                own[place].add(word)
        for talk in self.talks:
            talk.greeting = greetings[talk.greeting]
            talk.exchanges = [
                replace(each, came=(settled[each.said][each.came[0]], *each.came[1:])) if _is_login(each) else each
                for each in talk.exchanges
            ]
            for word in own[id(talk)]:
                talk.exchanges = [
                    replace(
                        each,
                        came=tuple(without(line, word, TOKEN) for line in each.came),
                        tail=without(each.tail, word, TOKEN),
                    )
                    for each in talk.exchanges
                ]


def _telling(line: str, settled: str) -> set[str]:
    """The words of a line that are a connection's own, and can be nothing else."""
    left = set(_WORD.findall(settled))
    return {word for word in _WORD.findall(line) if word not in left and _tells(word)}


def _tells(word: str) -> bool:
    return len(word) >= _TELLING and not word.isalpha()


def _varying(came: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    """Answers to the same question, by connection: the words in which alone they differ, if these tell."""
    if len({_WORD.sub("", line) for line in came.values()}) > 1:
        return
    rows = {talk: _WORD.findall(line) for talk, line in came.items()}
    columns = list(zip(*rows.values(), strict=True))
    differing = [place for place, column in enumerate(columns) if len(set(column)) > 1]
    if all(map(_tells, (word for place in differing for word in columns[place]))):
        yield from ((talk, words[place]) for talk, words in rows.items() for place in differing)


def _is_login(exchange: Exchange) -> bool:
    """Whether it has brought somebody in."""
    login = exchange.said.startswith((b"PASS ", b"AUTH PLAIN "))
    return login and bool(exchange.came) and exchange.came[0].startswith("+OK")


def _settled(statuses: Sequence[str], total: str) -> dict[str, str]:
    """Answers to the same question, with stand-ins for the words in which they differ, and for times of day."""
    forms = {status: _WORD.split(status) for status in statuses}
    words = {status: _WORD.findall(status) for status in statuses}
    first = statuses[0]
    if any(form != forms[first] for form in forms.values()):
        return _middle(list(forms))
    columns = list(zip(*words.values(), strict=True))
    kinds = [_kind(set(column), total) for column in columns]
    return {
        status: "".join(
            f"{gap}{kind or word}"
            for gap, kind, word in zip(forms[status], [*kinds, ""], [*words[status], ""], strict=True)
        )
        for status in forms
    }


def _kind(found: set[str], total: str) -> str:
    """What stands for a word that was each of these; "" where it is always the same."""
    if all(map(_EPOCH.fullmatch, found)) and total not in found:
        return TIME
    if len(found) == 1:
        return ""
    return PID if all(word.isdigit() and len(word) <= _LONGEST_PID for word in found) else TOKEN


def _middle(statuses: Sequence[str]) -> dict[str, str]:
    """Answers of different forms: what stands between a common beginning and a common end is a token."""
    if len({status[:1] for status in statuses}) > 1:
        return {status: status for status in statuses}
    first, last = min(statuses), max(statuses)
    head = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    while head and first[head - 1].isalnum():
        head -= 1
    shortest = min(map(len, statuses)) - head
    tail = 0
    while tail < shortest and len({status[-tail - 1] for status in statuses}) == 1:
        tail += 1
    while tail and first[-tail].isalnum():
        tail -= 1
    if not head:
        return {status: status for status in statuses}
    return {status: f"{status[:head]}{TOKEN}{status[len(status) - tail :]}" for status in statuses}
