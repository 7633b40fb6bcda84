"""What can be read off the answers directly: greeting, commands, capabilities, mechanisms, TLS, delays.

Knows how each of these settings shows; must not know texts, nor the settings that have to be tried.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pop3s_fake.probing.model import OF_CONNECTION
from pop3s_fake.probing.questions import UNKNOWN
from pop3s_fake.probing.standins import holds
from pop3s_fake.probing.templates import templates
from pop3s_fake.protocol.sasl import MECHANISMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pop3s_fake.probing.fitting import Values
    from pop3s_fake.probing.seen import Exchange, Seen, Talk

__all__ = ("facts", "states")

_STAMP: Final = re.compile(r"<[^<>]*>$")
_PARTS: Final = re.compile(r"([.@<>])")
_STAND_INS: Final = {instead: f"{{{name}}}" for name, instead in OF_CONNECTION.items()}

NOTICED: Final = 0.5
"""Seconds from which an answer was held back on purpose."""

ALWAYS: Final[dict[bool, tuple[str, ...]]] = {
    False: ("USER", "PASS", "QUIT"),
    True: ("STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "QUIT"),
}
SOMETIMES: Final[dict[bool, tuple[str, ...]]] = {
    False: ("APOP", "AUTH", "STLS", "UTF8", "LANG", "CAPA"),
    True: ("TOP", "UIDL", "LAST", "LANG", "CAPA"),
}
"""The commands of each state, by whether somebody is logged in: those of RFC 1939, and those that a server may have."""


USUAL: Final = ("TOP", "UIDL")
"""What there is behind a login that nobody has seen, with those of RFC 1939: a dialect has to name its commands."""


def states(talk: Talk) -> Iterator[tuple[Exchange, bool]]:
    """Each exchange, and whether somebody was logged in before it."""
    after = False
    for exchange in talk.exchanges:
        yield exchange, after
        login = exchange.said.startswith((b"PASS", b"AUTH PLAIN "))
        after = after or (login and bool(exchange.came) and exchange.came[0].startswith("+OK"))


def facts(seen: Seen) -> Values:
    """The settings that need no trying, each by its path; our own are left out."""
    values: Values = {}
    spoken = [version for version, through in seen.versions.items() if through]
    if spoken and (spoken[0], spoken[-1]) != ("1.2", "1.3"):
        values["versions"] = spoken[0] if len(spoken) == 1 else f"{spoken[0]}-{spoken[-1]}"
    if seen.alpn_ignored:
        values["alpn"] = "ignore"
    values |= _greeting(seen.talks[0].greeting)
    values |= _announced(seen)
    values |= _commands(seen, apop="greeting.stamp" in values, sasl="login.mechanisms" in values)
    if seen.unique_id:
        values["storage.unique_id"] = seen.unique_id
    ends = {talk.end for talk in seen.talks if talk.end and (talk.secure or _has_stls(talk))}
    if ends == {"fin"}:
        values["ends.close_notify"] = False
    return values | _delays(seen)


def _has_stls(talk: Talk) -> bool:
    return any(each.said == b"STLS\r\n" and each.came[0].startswith("+OK") for each in talk.exchanges if each.came)


def _greeting(line: str) -> Values:
    """The greeting's text and its timestamp."""
    found = _STAMP.search(line)
    if not line.isprintable():
        return {}
    if found is None:
        return {"greeting.text": templates(line, OF_CONNECTION)[0]}
    head = templates(line[: found.start()], OF_CONNECTION)[0]
    stamp = "".join(_STAND_INS.get(part, part) for part in _PARTS.split(found[0]))
    return {"greeting.text": f"{head}{{stamp}}", "greeting.stamp": stamp}


def _announced(seen: Seen) -> Values:
    """The capability lists and the mechanisms in them."""
    values: Values = {}
    for (after, secure), lines in seen.capabilities.items():
        kept = tuple(line for line in lines if not holds(line) and line.isprintable())
        values[f"{'after' if after else 'before'}.capabilities{'' if secure else '_in_clear'}"] = kept
        words = next((line.split()[1:] for line in kept if line.split(" ")[0] == "SASL"), [])
        known = tuple(word for word in words if word in MECHANISMS)
        if known and not after:
            values[f"login.mechanisms{'' if secure else '_in_clear'}"] = known
    if "login.mechanisms" not in values:
        listed = next((each.lines for each in seen.exchanges() if each.said == b"AUTH\r\n" and each.lines), ())
        known = tuple(word for word in listed if word in MECHANISMS)
        values |= {"login.mechanisms": known} if known else {}
    return values


def _commands(seen: Seen, *, apop: bool, sasl: bool) -> Values:
    """The commands of each state, and those that are known and switched off."""
    values: Values = {}
    for after, place in ((False, "before"), (True, "after")):
        *first, last = ALWAYS[after]
        if after and not seen.logged_in:
            values["after.commands"] = (*first, *USUAL, last)
            continue
        asked = [exchange for talk in seen.talks for exchange, then in states(talk) if then is after]
        tags = {line.split(" ")[0].upper() for lines in seen.capabilities.values() for line in lines}
        tags |= {"AUTH"} & ({"AUTH"} if "SASL" in tags else set())
        known = [keyword for keyword in SOMETIMES[after] if keyword in tags or _is_known(keyword, asked)]
        works = {"APOP": apop, "AUTH": sasl or len(_answers("AUTH", asked)) > 1}
        off = [keyword for keyword, does in works.items() if keyword in known and not does]
        here = [keyword for keyword in known if keyword not in off]
        values[f"{place}.commands"] = (*first, *here, last)
        if off:
            values[f"{place}.disabled"] = tuple(off)
    return values


def _is_known(keyword: str, asked: Sequence[Exchange]) -> bool:
    """Whether the command is answered otherwise than one that no server knows."""
    unknown = {_bare(each) for each in asked if each.said.split()[:1] == [UNKNOWN.encode()]}
    return any(answer.startswith("+") or answer not in unknown for answer in _answers(keyword, asked))


def _answers(keyword: str, asked: Sequence[Exchange]) -> set[str]:
    """The different answers to a command."""
    return {_bare(each) for each in asked if each.said.split()[:1] == [keyword.encode()] and each.came}


def _bare(exchange: Exchange) -> str:
    """The first answer without what it repeats."""
    status = exchange.came[0] if exchange.came else ""
    for word in exchange.said.decode("latin-1").split():
        status = status.replace(word, "#")
    return status


def _delays(seen: Seen) -> Values:
    """How long a wrong password is answered, and a login that finds the maildrop taken."""
    values: Values = {}
    wrong = seen.found(b"PASS wrong")
    if wrong is not None and wrong.seconds >= NOTICED:
        values["delays.failed"] = round(wrong.seconds, 1)
    for talk in seen.talks:
        for exchange in talk.exchanges if talk.beside else ():
            refused = bool(exchange.came) and exchange.came[0].startswith("-ERR")
            if exchange.said.startswith(b"PASS") and refused and exchange.seconds >= NOTICED:
                values["delays.in_use"] = round(exchange.seconds, 1)
    return values
