"""What was seen of a server: talks, exchanges and facts, in which nothing of the user's is left.

Knows the stand-ins that take the place of names, passwords, unique-ids and hosts before anything is kept; must not know
how questions are asked, nor what is made of the answers.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pop3s_fake.errors import Pop3sFakeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ("HOST", "PASSWORD", "PID", "TIME", "TOKEN", "USER", "Exchange", "Seen", "StandIns", "Talk", "Unreachable")

USER: Final = "user-x7"
PASSWORD: Final = "password-x7"  # noqa: S105  # what stands for one
HOST: Final = "host-x7"
PID: Final = "pid-x7"
TIME: Final = "time-x7"
TOKEN: Final = "token-x7"  # noqa: S105  # what stands for one
UID: Final = "unique-id-{}-x7"
"""What takes the place of what must not be kept, and of what varies from connection to connection."""

_HOSTLIKE: Final = re.compile(
    r"(?<=@)[\w.-]+|(?<![\w.@-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}\b"
)
_WORD: Final = re.compile(r"[0-9A-Za-z]+")
_EPOCH: Final = re.compile(r"1\d{9}")
_LONGEST_PID: Final = 9
_TELLING: Final = 6
"""Octets of a unique-id that is one wherever it stands."""


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

    def exchanges(self) -> list[Exchange]:
        """All of them, in order."""
        return [exchange for talk in self.talks for exchange in talk.exchanges]

    def found(self, said: bytes) -> Exchange | None:
        """The first exchange in which this was said."""
        return next((exchange for exchange in self.exchanges() if exchange.said == said + b"\r\n"), None)

    def settle(self) -> None:
        """Put stand-ins in place of what varies from connection to connection: numbers of processes, times, tokens.

        Only greetings and the answers to logins hold such things, as far as is known.
        """
        total = str(sum(self.sizes))
        greetings = _settled([talk.greeting for talk in self.talks], total)
        logins: dict[bytes, list[str]] = {}
        for exchange in self.exchanges():
            if _is_login(exchange):
                logins.setdefault(exchange.said, []).append(exchange.came[0])
        settled = {said: _settled(came, total) for said, came in logins.items()}
        for talk in self.talks:
            talk.greeting = greetings[talk.greeting]
            talk.exchanges = [
                replace(each, came=(settled[each.said][each.came[0]], *each.came[1:])) if _is_login(each) else each
                for each in talk.exchanges
            ]


def _is_login(exchange: Exchange) -> bool:
    """Whether it has brought somebody in."""
    login = exchange.said.startswith((b"PASS ", b"AUTH PLAIN "))
    return login and bool(exchange.came) and exchange.came[0].startswith("+OK")


class StandIns:
    """What of the user's may stand in an answer, and what takes its place.

    >>> stand_ins = StandIns("ann", "not-a-secret", ["mail.example.org"])
    >>> stand_ins.replaced("+OK ann at mail.example.org, not-a-secret")
    '+OK user-x7 at host-x7, password-x7'
    >>> stand_ins.record("USER {user}")
    b'USER user-x7'
    """

    def __init__(self, user: str, password: str, hosts: Iterable[str]) -> None:
        self.user: str = user
        self.password: str = password
        self.uids: dict[str, str] = {}
        self._hosts = set(hosts)

    def know_uids(self, uids: Sequence[str]) -> None:
        """These are unique-ids."""
        self.uids = {uid: UID.format(number) for number, uid in enumerate(uids, 1)}

    def replaced(self, text: str, *, greeting: bool = False, listing: bool = False) -> str:
        """The text without them; what looks like a host in a greeting is one from then on.

        A short unique-id may be any number, so it is one only in a unique-id ``listing``.
        """
        if greeting:
            self._hosts.update(_HOSTLIKE.findall(text))
        if self.password:
            text = text.replace(self.password, PASSWORD)
        for uid, instead in self.uids.items():
            if uid in text and (listing or len(uid) >= _TELLING):
                text = (
                    f"{text.removesuffix(uid)}{instead}" if text.endswith(f" {uid}") else _without(text, uid, instead)
                )
        for host in sorted(self._hosts, key=len, reverse=True):
            text = _without(text, host, HOST)
        return text if greeting or not self.user else _without(text, self.user, USER)

    def record(self, question: str) -> bytes:
        """A question as it is kept."""
        return _filled(question, USER, PASSWORD)

    def wire(self, question: str) -> bytes:
        """A question as it is said."""
        return _filled(question, self.user, self.password)


def _filled(question: str, user: str, password: str) -> bytes:
    """A question with a name and a password, and AUTH PLAIN's response made of both (RFC 4616)."""
    if "{" not in question:
        return question.encode()
    plain = b64encode(f"\0{user}\0{password}".encode()).decode()
    wrong = b64encode(f"\0{user}\0wrong".encode()).decode()
    for name, value in (("{plain}", plain), ("{wrong}", wrong), ("{user}", user), ("{password}", password)):
        question = question.replace(name, value)
    return question.encode()


def _without(text: str, word: str, instead: str) -> str:
    """The text with this whole word replaced."""
    return re.sub(rf"(?<![\w]){re.escape(word)}(?![\w])", lambda _: instead, text)


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
