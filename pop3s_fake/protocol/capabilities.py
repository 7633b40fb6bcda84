"""What a server offers (RFC 2449): the capability list as data, what of it is announced where, and what none may say.

Knows tags, their parameters and the states in which they stand; must not know sessions, or how anything is done that is
listed.  What is listed is what is done: whoever carries out commands asks an :class:`Offer` which there are.
"""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pop3s_fake.maildrop import Account

__all__ = ("DAY", "DEFAULT", "MECHANISMS", "Capability", "Offer", "edited")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

LINE_LIMIT: Final = 512
"""Octets of a capability line with its CRLF (RFC 2449 section 5)."""

DAY: Final = 86400
"""Seconds in one of EXPIRE's days."""

LINES: Final = (
    "TOP",
    "UIDL",
    "USER",
    "SASL",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    "PIPELINING",
    "EXPIRE NEVER",
    "STLS",
    "IMPLEMENTATION pop3s-fake",
)
"""The default list; SASL stands for :data:`MECHANISMS`, and STLS is there on a server that has a port for it."""

ANCIENT: Final = frozenset({"TOP", "UIDL", "USER"})
"""What a server without CAPA has: the commands of RFC 1939."""

MECHANISMS: Final[dict[str, str]] = {
    "SCRAM-SHA-256-PLUS": "binding",
    "SCRAM-SHA-256": "",
    "EXTERNAL": "certificate",
    "OAUTHBEARER": "token",
    "XOAUTH2": "token",
    "PLAIN": "",
}
"""The mechanisms that are offered unless told otherwise, the strongest first, and what must be there for each: an
account's token, a client's certificate, nothing, or a channel binding that every client with -PLUS knows."""

COMMON_BINDINGS: Final = frozenset({"tls-unique", "tls-exporter"})
"""The channel bindings that a client takes unless told otherwise: RFC 5802 section 6.1 up to TLS 1.2, then RFC 9266.

Python's ssl gives only the first, so under TLS 1.3 -PLUS is there for those who ask for it by name, and name
``tls-server-end-point`` in their client, too.
"""

PLAINTEXT: Final = frozenset({"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"})
"""The mechanisms with which whoever reads the wire can log in (RFC 5034 section 4): not offered without TLS.

This stands here, too, so that a session without AUTH does not load the mechanisms.
"""

_TAG: Final = re.compile(r"[!-\x2d\x2f-~]+")
_WORD: Final = re.compile(r"[!-~]+")
_SECONDS: Final = re.compile(r"[0-9]{1,9}( USER)?", re.IGNORECASE)
_DAYS: Final = re.compile(r"([0-9]{1,6}|NEVER)( USER)?", re.IGNORECASE)
_PRIVATE: Final = "X"

_PARAMETERS: Final[dict[str, tuple[Callable[[str], object], str]]] = {
    "SASL": (bool, "names its mechanisms, as in 'SASL PLAIN' (RFC 5034 section 3)"),
    "LOGIN-DELAY": (_SECONDS.fullmatch, "takes seconds, as in 'LOGIN-DELAY 900' (RFC 2449 section 6.5)"),
    "EXPIRE": (_DAYS.fullmatch, "takes days or NEVER, as in 'EXPIRE 30' (RFC 2449 section 6.7)"),
    "IMPLEMENTATION": (bool, "takes words, as in 'IMPLEMENTATION pop3s-fake' (RFC 2449 section 6.9)"),
    "UTF8": (lambda words: words.upper() in {"", "USER"}, "takes nothing or USER (RFC 6856 section 2)"),
}
"""The parameters of the tags that take any: how to tell right ones, and what would be right."""

_EXTREMES: Final[dict[str, tuple[Callable[[float, float], float], str]]] = {
    "LOGIN-DELAY": (max, "6.5"),
    "EXPIRE": (min, "6.7"),
}
"""The tags whose values may be a user's own: which of all values is told before the login, and the section."""

_TAGS: Final = (
    *("TOP", "USER", "SASL", "RESP-CODES", "LOGIN-DELAY", "PIPELINING", "EXPIRE", "UIDL", "IMPLEMENTATION", "STLS"),
    *("AUTH-RESP-CODE", "UTF8", "LANG", "LAST", "CAPA"),
)
"""The registered tags, LAST for the command of RFC 1460, and CAPA, which some servers list."""


class Capability(NamedTuple):
    """One line of the list."""

    tag: str
    """In upper case."""
    text: str
    """The whole line as it is announced."""

    @property
    def words(self) -> str:
        """The parameters."""
        return self.text.partition(" ")[2]


class Offer:
    r"""What one server offers, whatever the state and with TLS or without.

    >>> Offer(["TOP", "USER", "X-ODD one"]).payload(transaction=False, secure=True, mechanisms=())
    b'TOP\r\nUSER\r\nX-ODD one\r\n'
    >>> Offer(["UILD"])
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: capabilities=: unknown capability 'UILD'; did you mean 'UIDL'?
    """

    __slots__ = ("_late", "_lines", "clear", "codes", "delay", "expire", "mechanisms", "tags", "timed", "utf8_user")

    tags: frozenset[str]
    """The tags in upper case, and so what there is; beside them `EXPIRE 0`, and `UTF8 TOP` for both."""
    delay: int
    """Seconds that LOGIN-DELAY asks for between two logins of one account, 0 where it is not listed."""
    expire: int | None
    """Days after which messages are gone, None for never; 0: at QUIT, if they were retrieved."""
    timed: bool
    """Whether a login depends on the time: because of LOGIN-DELAY, or of messages that grow old."""
    utf8_user: bool
    """Whether names and passwords may be in UTF-8 (RFC 6856 section 2.2)."""
    clear: frozenset[str]
    """Of USER and SASL, what is offered without TLS, too: what was asked for by name."""
    codes: frozenset[str]
    """The response codes that are sent, by their first level."""
    mechanisms: tuple[str, ...] | None
    """The mechanisms that SASL lists, in upper case; None for those of :data:`MECHANISMS`."""

    def __init__(
        self,
        capabilities: Sequence[str] | None = None,
        *,
        stls: bool = False,
        late: Iterable[str] = (),
        clear: Iterable[str] | None = None,
    ) -> None:
        """Take a list that replaces the default one, or changes to it, which begin with ``+`` or ``-``.

        An empty list is a server without CAPA, that of RFC 1939; ``-CAPA`` takes only CAPA away.  ``stls``: whether
        the server has a port in clear.  ``late``: tags that are there, and announced after the login only.
        ``clear``: of USER and SASL, what is offered without TLS, if it is not what was asked for by name.  Raises
        :class:`~pop3s_fake.errors.UsageError` for what no server can list.
        """
        self._late = frozenset(late)
        given = () if capabilities is None else tuple(capabilities)
        default = [line for line in LINES if stls or line != "STLS"]
        lines = default if capabilities is None else edited(default, given)
        self._lines = tuple(Capability(line.partition(" ")[0].upper(), line) for line in lines if line != "-CAPA")
        tags = {line.tag for line in self._lines}
        if not lines:
            tags |= ANCIENT
        elif "-CAPA" not in lines:
            tags.add("CAPA")
        expire = (self.parameters("EXPIRE") or "NEVER").split()[0].upper()
        self.expire = None if expire == "NEVER" else int(expire)
        if self.expire == 0:
            tags.add("EXPIRE 0")
        if {"UTF8", "TOP"} <= tags:
            tags.add("UTF8 TOP")
        self.tags = frozenset(tags)
        self.utf8_user = (self.parameters("UTF8") or "").upper() == "USER"
        delay = self.parameters("LOGIN-DELAY")
        self.delay = 0 if delay is None else int(delay.split()[0])
        self.timed = bool(self.delay) or self.expire is not None
        asked = {_tag(entry.removeprefix("+")) for entry in given} if lines else {"USER"}
        self.clear = frozenset((asked if clear is None else set(clear)) & {"USER", "SASL"})
        self.codes = _codes(tags)
        sasl = next((line.words for line in self._lines if line.tag == "SASL"), "")
        self.mechanisms = tuple(sasl.upper().split()) or None
        if "STLS" in tags and not stls:
            raise UsageError("capabilities= lists STLS, and the server has no port in clear: it needs stls=True, too")

    def parameters(self, tag: str) -> str | None:
        """What stands behind this tag, or None where it is not listed."""
        return next((line.words for line in self._lines if line.tag == tag), None)

    def days(self, account: Account) -> int | None:
        """The days for which the messages of this account are kept (RFC 2449 section 6.7); None: for ever."""
        return self.expire if account.expire is None else None if account.expire == "NEVER" else account.expire

    def agree(self, account: Account) -> None:
        """Refuse an account whose own values are not announced as RFC 2449 sections 6.5 and 6.7 want it.

        >>> from pop3s_fake.maildrop import Account
        >>> Offer(["EXPIRE 30"]).agree(Account("ann", "not-a-secret", expire=5))  # doctest: +NORMALIZE_WHITESPACE
        Traceback (most recent call last):
        ...
        pop3s_fake.errors.UsageError: account 'ann' has expire=5, but CAPA lists 'EXPIRE 30': before the login it tells
        the smallest value of all accounts, and that each may have its own, as in 'EXPIRE 5 USER' (RFC 2449 section 6.7)
        """
        own = {"LOGIN-DELAY": account.login_delay, "EXPIRE": account.expire}
        for tag, value in own.items():
            if value is None:
                continue
            words = (self.parameters(tag) or "").upper().split()
            told = _number(words[0]) if words else None
            wanted, extreme, section = _number(value), *_EXTREMES[tag]
            if told is not None and (told == wanted or ("USER" in words and extreme(told, wanted) == told)):
                continue
            listed = f"lists {' '.join([tag, *words])!r}" if words else f"does not list {tag}"
            name = "largest" if extreme is max else "smallest"
            right = value if told is None or extreme(told, wanted) == wanted else words[0]
            raise UsageError(
                f"account {account.name!r} has {tag.lower().replace('-', '_')}={value!r}, but CAPA {listed}: before "
                f"the login it tells the {name} value of all accounts, and that each may have its own, as in "
                f"'{tag} {right} USER' (RFC 2449 section {section})"
            )

    def payload(
        self, *, transaction: bool, secure: bool, mechanisms: Sequence[str], account: Account | None = None
    ) -> bytes:
        """What CAPA lists, with these mechanisms, and in TRANSACTION with the account's own values, if it has any."""
        texts = [
            self._announced(line, transaction=transaction, secure=secure, mechanisms=mechanisms)
            for line in self._lines
            if transaction or line.tag not in self._late
        ]
        if transaction:
            own = {} if account is None else {"LOGIN-DELAY": account.login_delay, "EXPIRE": account.expire}
            texts = [_precise(text, own) for text in texts]
        return b"".join(f"{text}\r\n".encode() for text in texts if text)

    def usable(self, *, secure: bool, bindings: frozenset[str], certificate: bool, token: bool) -> tuple[str, ...]:
        """The mechanisms that are announced on a connection that has all this, and accepted there."""
        there = {
            "": True,
            "token": token,
            "certificate": certificate,
            "binding": bool(bindings & COMMON_BINDINGS),
            "any binding": bool(bindings),
        }
        if self.mechanisms is None:
            names = [name for name, needs in MECHANISMS.items() if there[needs]]
        else:
            names = [name for name in self.mechanisms if there[_needs(name)]]
        in_clear = secure or "SASL" in self.clear
        return tuple(name for name in names if in_clear or name not in PLAINTEXT) if "SASL" in self.tags else ()

    def _announced(self, line: Capability, *, transaction: bool, secure: bool, mechanisms: Sequence[str]) -> str:
        """One line as it is announced; "" where it is not."""
        if line.tag == "SASL":
            return f"SASL {' '.join(mechanisms)}" if mechanisms else ""
        if line.tag == "STLS":
            return "" if secure or transaction else line.text
        if line.tag == "USER":
            return line.text if secure or "USER" in self.clear else ""
        return line.text


def edited(lines: Sequence[str], entries: Sequence[str]) -> list[str]:
    """These lines after the changes that the entries ask for, or the entries, if they are a list of their own.

    ``+`` puts a line in place of the one of that tag, or at the end; ``-`` drops a tag.  ``-CAPA``, which no list need
    hold, is kept as it is.

    >>> edited(["TOP", "EXPIRE 0"], ["+EXPIRE 30", "-TOP", "+X-ODD"]), edited(["TOP"], ["UIDL"]), edited(["TOP"], [])
    (['EXPIRE 30', 'X-ODD'], ['UIDL'], [])
    """
    changes = [entry for entry in entries if entry[:1] in {"+", "-"}]
    if not changes:
        _check(entries)
        return list(entries)
    if len(changes) < len(entries):
        plain = next(entry for entry in entries if entry not in changes)
        raise UsageError(
            f"capabilities= is either a list, or changes to the default one, which all begin with + or -; {plain!r} "
            f"beside {changes[0]!r} is neither"
        )
    result = {_tag(line): line for line in lines}
    for entry in changes:
        tag = _tag(entry[1:])
        if entry[0] == "+":
            _check([entry[1:]])
            result[tag] = entry[1:]
            continue
        if entry[1:].upper() != tag:
            raise UsageError(f"capabilities=: {entry!r} drops a line by its tag alone, '-{tag}'")
        _known(tag)
        result.pop(tag, None)
        if tag == "CAPA":
            result["-CAPA"] = "-CAPA"
    return list(result.values())


def _precise(text: str, own: Mapping[str, int | str | None]) -> str:
    """A line as it stands in TRANSACTION, where the values are this user's (RFC 2449 sections 6.5 and 6.7)."""
    tag, _, words = text.partition(" ")
    if tag.upper() not in _EXTREMES:
        return text
    value = own.get(tag.upper())
    return f"{tag} {words.split()[0] if value is None else value}"


def _number(value: int | str) -> float:
    """A number of seconds or days; NEVER is more than any."""
    return inf if value == "NEVER" else float(value)


def _tag(line: str) -> str:
    return line.partition(" ")[0].upper()


def _check(lines: Iterable[str]) -> None:
    """Refuse a list that no server may give."""
    seen = set()
    for line in lines:
        tag, space, words = line.partition(" ")
        if not _TAG.fullmatch(tag) or (space and not all(map(_WORD.fullmatch, words.split(" ")))):
            raise UsageError(
                f"capabilities=: {line!r} is no capability line: a tag without a dot and its parameters, printable "
                "ASCII parted by single spaces (RFC 2449 section 3)"
            )
        if len(line) + 2 > LINE_LIMIT:
            raise UsageError(
                f"capabilities=: the line of {tag} has {len(line) + 2} octets with its CRLF; RFC 2449 section 5 allows "
                f"{LINE_LIMIT}"
            )
        tag = tag.upper()
        _known(tag)
        if tag in seen:
            raise UsageError(f"capabilities=: {tag} is there twice")
        seen.add(tag)
        _check_words(tag, words)


def _known(tag: str) -> None:
    if tag not in _TAGS and not tag.startswith(_PRIVATE):
        raise UsageError(f"capabilities=: unknown capability {tag!r}{nearest(tag, _TAGS)}")


def _check_words(tag: str, words: str) -> None:
    if tag.startswith(_PRIVATE):
        return
    if tag not in _PARAMETERS:
        if words:
            raise UsageError(f"capabilities=: {tag} takes no parameters, not {words!r}")
        return
    fits, right = _PARAMETERS[tag]
    if not fits(words):
        raise UsageError(f"capabilities=: {tag} {right}" + (f", not {words!r}" if words else ""))
    if tag == "SASL":
        from pop3s_fake.protocol import sasl  # noqa: PLC0415  # only where somebody names mechanisms

        for name in words.split():
            if name.upper() not in sasl.MECHANISMS:
                raise UsageError(
                    f"capabilities=: unknown SASL mechanism {name!r}{nearest(name.upper(), sasl.MECHANISMS)}"
                )


def _needs(name: str) -> str:
    """What a mechanism that was asked for by name needs all the same."""
    return "certificate" if name == "EXTERNAL" else "any binding" if name.endswith("-PLUS") else ""


def _codes(tags: set[str]) -> frozenset[str]:
    """The first levels of the response codes that may be sent (RFC 2449 section 6.4, RFC 3206 section 6)."""
    if "RESP-CODES" not in tags:
        return frozenset()
    codes = {"IN-USE", "LOGIN-DELAY", "UTF8"}
    return frozenset(codes | {"AUTH", "SYS"} if "AUTH-RESP-CODE" in tags else codes)


DEFAULT: Final = Offer()
"""What a server offers unless told otherwise."""
