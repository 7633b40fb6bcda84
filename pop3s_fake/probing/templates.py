"""Texts with something in braces: which of them could have made the answers that came.

Knows answers and the values that tokens had; must not know what is said when.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, get_args

from pop3s_fake.protocol.manner import Keyword

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ("KEYWORDS", "best", "filled", "templates", "without_keyword")

KEYWORDS: Final = frozenset(get_args(Keyword))

LIKELY: Final = ("host", "pid", "time", "token", "user", "uid", "number", "octets", "rest", "argument")
UNLIKELY: Final = ("keyword", "typed", "total", "count")
ORDER: Final = (*LIKELY, *UNLIKELY)
"""Which token a word is that could be several."""

MOST: Final = 64
"""Templates of one answer that are tried."""

_DIVIDED: Final = re.compile(r"\d[.:]$")
_DIVIDES: Final = re.compile(r"[.:]\d")

SAMPLES: Final = 6
"""Answers from which they are made."""


def templates(status: str, tokens: Mapping[str, str]) -> list[str]:
    """Each template that makes this answer of these values, those with the most tokens first.

    >>> templates("+OK 2 apples", {"number": "2", "count": "2"})
    ['+OK {number} apples', '+OK {count} apples', '+OK 2 apples']
    >>> templates("+OK 2 at 198.51.2.9", {"count": "2"})
    ['+OK {count} at 198.51.2.9', '+OK 2 at 198.51.2.9']
    """
    known = [(name, tokens[name]) for name in ORDER if tokens.get(name, "").strip()]
    found: list[str] = []
    for each in _from(status, 0, known):
        found.append(each)
        if len(found) == MOST:
            break
    return found


def _from(status: str, start: int, known: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The ways to write what is left."""
    for at in range(start, len(status)):
        if at and status[at - 1].isalnum() and status[at].isalnum():
            continue
        for name, value in known:
            if status.startswith(value, at) and _is_word(status, at, at + len(value)):
                head = _literal(status[start:at]) + f"{{{name}}}"
                yield from (head + tail for tail in _from(status, at + len(value), known))
    yield _literal(status[start:])


def _is_word(status: str, start: int, end: int) -> bool:
    """Whether a word begins and ends there; a space at its beginning is one more than what parts it from others.

    A number between dots or colons is a piece of an address, a version or a time.
    """
    if status[start:end].isdigit() and (_DIVIDED.search(status[:start]) or _DIVIDES.match(status, end)):
        return False
    begins = start == 0 or not (status[start - 1].isalnum() and status[start].isalnum())
    if start and status[start] == " " != status[start - 1]:
        return False
    return begins and (end == len(status) or not (status[end - 1].isalnum() and status[end].isalnum()))


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def filled(template: str, tokens: Mapping[str, str]) -> str:
    """What a template says of these values."""
    return template.format_map(_Known(tokens))


class _Known(dict[str, str]):
    """Tokens, of which those that nobody knows are nothing."""

    def __missing__(self, name: str) -> str:
        return ""


def best(group: Sequence[tuple[str, Mapping[str, str]]]) -> str:
    """The template that makes most of these answers; of several, the one with the most tokens.

    >>> best([("-ERR no FOO", {"keyword": "FOO"}), ("-ERR no BAR", {"keyword": "BAR"})])
    '-ERR no {keyword}'
    """
    own = {tokens.get("keyword", "") for _, tokens in group}
    if len(own) == 1 and own <= KEYWORDS:  # what is said of one command alone need not repeat its name
        group = [(status, without_keyword(tokens)) for status, tokens in group]
    tried: dict[str, None] = {}
    seen: set[str] = set()
    for status, tokens in group:
        if status not in seen and len(seen) < SAMPLES:
            seen.add(status)
            tried |= dict.fromkeys(templates(status, tokens))
    return max(tried, key=lambda each: sum(filled(each, tokens) == status for status, tokens in group))


def without_keyword(tokens: Mapping[str, str]) -> dict[str, str]:
    """These tokens, but for the name of the command."""
    return {name: value for name, value in tokens.items() if name not in {"keyword", "typed"}}
