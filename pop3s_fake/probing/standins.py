"""What of the user's may stand in an answer, and what takes its place before anything is kept.

Knows the guises of a name and a password, and what addresses, hosts and paths look like; must not know which questions
there are, nor what is made of the answers.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = (
    "HOST",
    "PASSWORD",
    "PID",
    "PLAIN",
    "RESPONSE",
    "TIME",
    "TOKEN",
    "UID",
    "USER",
    "WRONG",
    "StandIns",
    "holds",
    "named",
    "without",
)

USER: Final = "user-x7"
PASSWORD: Final = "password-x7"  # noqa: S105  # what stands for one
RESPONSE: Final = "response-x7"
HOST: Final = "host-x7"
PID: Final = "pid-x7"
TIME: Final = "time-x7"
TOKEN: Final = "token-x7"  # noqa: S105  # what stands for one
UID: Final = "unique-id-{}-x7"
"""What takes the place of what must not be kept, and of what varies from connection to connection."""


def _response(*parts: str) -> str:
    """Parts of a response, as SASL sends them (RFC 4616, section 2)."""
    return b64encode("\0".join(parts).encode()).decode()


PLAIN: Final = _response("", USER, PASSWORD)
WRONG: Final = _response("", USER, "wrong")
"""The responses of AUTH PLAIN that are kept in place of those that were said."""

_NAMES: Final = {
    PLAIN: "{plain}",
    WRONG: "{wrong}",
    PASSWORD: "{password}",
    RESPONSE: "{response}",
    **{each: f"{{{each.removesuffix('-x7')}}}" for each in (USER, HOST, PID, TIME, TOKEN)},
}
_STAND_IN: Final = re.compile("|".join([*map(re.escape, _NAMES), UID.format(r"\d+")]))

_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_HEX: Final = r"[0-9A-Fa-f]"
_ADDRESSES: Final = (
    (rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\w|\.\w)", "127.0.0.1"),
    (rf"(?<![\w:.])(?=:*{_HEX})(?=[:\w]*::|(?:{_HEX}+:){{7}})(?:{_HEX}{{0,4}}:){{2,7}}[\w.]*\b", "::1"),
)
"""Addresses; the client of a server on this machine has the one that takes their place."""
_HOSTLIKE: Final = re.compile(
    r"(?<=@)[\w.-]+|(?<![\w.@-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}\b"
    r"|(?<![\w.@/-])(?!(?:pop|imap|smtp|tls|ssl|utf|rfc|sha)\d)[a-z]{2}[a-z-]*\d+(?![\w.-])"
)
"""What is a host in a greeting: a domain name, or a short name with a number, such as ``mx17``."""
_ROLES: Final = frozenset({"localhost", "mail", "pop", "pop3", "pop3s", "imap", "smtp", "mx", "www"})
"""First labels of hosts that are no names."""
_SIGNS: Final = re.compile(r"([@%+\\/])")
"""What parts a name: ``ann@example.org``, ``ann+list``, ``EXAMPLE\\ann``."""
_PATH: Final = r"(?:(?<=/)(?:\w{1,2}/)+)?"
"""The folders by first letters in which a server may have somebody's mail."""
_LISTED: Final = re.compile(r"\+OK\s+(\d+)\s+(\S+)\s*$")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=]{8,}")
_TELLING: Final = 6
"""Octets of a unique-id that is one wherever it stands, and of a password that is one even within a word."""


class StandIns:
    """What of the user's may stand in an answer, and what takes its place.

    A server knows neither name nor password before it was told: so where either is a word of letters, which
    it has said before that, it is the server's own, and stays, but for answers to what told them.

    >>> stand_ins = StandIns("ann", "not-a-secret", ["mx17.example.org"])
    >>> stand_ins.replaced("+OK mx17.example.org ready for 198.51.100.9", greeting=True)
    '+OK host-x7 ready for 127.0.0.1'
    >>> stand_ins.wire("PASS {password}"), stand_ins.record("PASS {password}")
    (b'PASS not-a-secret', b'PASS password-x7')
    >>> stand_ins.replaced("+OK Ann at mx17, NOT-A-SECRET, /var/mail/a/ann")
    '+OK user-x7 at host-x7, password-x7, /var/mail/user-x7'
    """

    def __init__(self, user: str, password: str, hosts: Iterable[str]) -> None:
        self.user: str = user
        self.password: str = password
        self._uids: dict[str, str] = {}
        self._hosts: set[str] = set()
        self._told = False
        self._heard: set[str] = set()
        """What the server said before it was told."""
        self._own: set[str] = set()
        """Which of the common words below stood in that."""
        first, *others = _SIGNS.split(user)
        domains = [piece for sign, piece in zip(others[::2], others[1::2], strict=True) if sign in "@%"]
        pieces = [piece for piece in (first, *others[1::2]) if len(piece) > 1 and piece not in domains]
        self._names: list[str] = [_PATH + _word(each) for each in dict.fromkeys([user, *pieces]) if each]
        self._passwords: list[str] = []
        if password:
            self._passwords = [_word(password) if len(password) < _TELLING else _guises(password)]
        self._responses: dict[str, str] = dict.fromkeys(
            filter(None, (_response(user, user, password), _response(password), _response(user))), RESPONSE
        )
        if user:
            self._responses |= {_response("", user, password): PLAIN, _response("", user, "wrong"): WRONG}
        self._common: list[str] = (self._passwords if password.isalpha() else []) + (
            self._names if user.isalpha() else []
        )
        for host in (*hosts, *domains):
            self._know_host(host)

    @property
    def ambiguous(self) -> bool:
        """Whether the name is also a word that the server says to anybody."""
        return not self._own.isdisjoint(self._names)

    def know_uids(self, uids: Sequence[str]) -> None:
        """These are unique-ids."""
        self._uids |= {uid: UID.format(number) for number, uid in enumerate(uids, 1) if uid}

    def _know_host(self, host: str) -> None:
        """This is a host, and so is its first label, if it tells anything."""
        label, dot, _ = host.partition(".")
        self._hosts.update({host, label} if dot and label.lower() not in _ROLES and not label.isdigit() else {host})

    def replaced(self, text: str, *, greeting: bool = False, listing: bool = False, telling: bool = False) -> str:
        """The text without them; what looks like a host in a greeting is one from then on.

        A short unique-id may be any number, so it is one only at the end of an answer of a unique-id ``listing``.
        ``telling``: it is the answer to a question that held the name or the password.
        """
        if greeting:
            for host in _HOSTLIKE.findall(text):
                self._know_host(host)
        if listing and (found := _LISTED.match(text)):
            self._uids.setdefault(found[2], UID.format(found[1]))
        if not self._told:
            self._heard.add(text)
            self._own.update(each for each in self._common if re.search(each, text, re.IGNORECASE))
        own = frozenset[str]() if telling and text not in self._heard else self._own
        kinds = [
            *((rf"(?<![\w+/]){re.escape(each)}(?![\w+/=])", instead) for each, instead in self._responses.items()),
            *((each, PASSWORD) for each in self._passwords if each not in own),
            *self._uids_in(text, listing=listing),
            *_ADDRESSES,
            *((_word(host), HOST) for host in sorted(self._hosts, key=len, reverse=True)),
            *((each, USER) for each in self._names if each not in own),
        ]
        pattern = "|".join(f"({each})" for each, _ in kinds)
        text = re.sub(pattern, lambda found: kinds[(found.lastindex or 0) - 1][1], text, flags=re.IGNORECASE)
        return _BASE64.sub(self._piece, text)

    def _piece(self, found: re.Match[str]) -> str:
        """A run of base64, which may be a response that was cut."""
        run = found[0].lower().rstrip("=")
        return RESPONSE if found[0] not in _NAMES and any(run in each.lower() for each in self._responses) else found[0]

    def _uids_in(self, text: str, *, listing: bool) -> list[tuple[str, str]]:
        """The unique-ids that may stand there, the longest first."""
        here = sorted((uid for uid in self._uids if uid in text), key=len, reverse=True)
        found = [(rf"(?<!\w){re.escape(uid)}(?!\w)", self._uids[uid]) for uid in here if len(uid) >= _TELLING]
        if listing:
            found += [(rf"(?<=\s){re.escape(uid)}(?=\s*$)", self._uids[uid]) for uid in here]
        return found

    def record(self, question: str) -> bytes:
        """A question as it is kept."""
        return _filled(question, USER, PASSWORD)

    def wire(self, question: str) -> bytes:
        """A question as it is said."""
        self._told = self._told or "{" in question
        return _filled(question, self.user, self.password)


def _filled(question: str, user: str, password: str) -> bytes:
    """A question with a name and a password, and AUTH PLAIN's response made of both."""
    if "{" not in question:
        return question.encode()
    plain, wrong = _response("", user, password), _response("", user, "wrong")
    for name, value in (("{plain}", plain), ("{wrong}", wrong), ("{user}", user), ("{password}", password)):
        question = question.replace(name, value)
    return question.encode()


def _guises(word: str) -> str:
    """A pattern for a word, which may be shouted, or be the octets of UTF-8 read as Latin-1, as answers are here."""
    cases = {word, word.upper(), word.lower()}
    forms = cases | {each.encode().decode("latin-1") for each in cases}
    return f"(?:{'|'.join(map(re.escape, sorted(forms)))})"


def _word(word: str) -> str:
    """The same for a word that stands alone."""
    return rf"(?<![^\W_]){_guises(word)}(?![^\W_])"


def without(text: str, word: str, instead: str) -> str:
    """The text with this whole word replaced."""
    return re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", lambda _: instead, text)


def holds(text: str) -> bool:
    """Whether something stands there that takes the place of something else."""
    return _STAND_IN.search(text) is not None


def named(text: str) -> str:
    """The text as people may read it.

    >>> named("-ERR user-x7 at host-x7: no unique-id-3-x7")
    '-ERR {user} at {host}: no {uid}'
    """
    return _STAND_IN.sub(lambda found: _NAMES.get(found[0], "{uid}"), text)
