"""What varies from run to run, and a name in the place of each such token, on both sides of a comparison.

Knows the form of the masks; must not know what is compared, nor any dialect.
"""

from __future__ import annotations

import re
import tomllib
from base64 import b64decode
from binascii import Error
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("Mask", "all_masks", "masked")

HERE: Final = Path(__file__).parent
CHALLENGE: Final = re.compile(r"^\+ ([A-Za-z0-9+/]+=*)\r$", re.MULTILINE)
"""A line of base64, in which a token is looked for that stands in what it encodes."""


@dataclass(frozen=True)
class Mask:
    """One token: where it stands, and what it looks like."""

    of: tuple[str, ...]
    """The dialects whose servers say it."""
    name: str
    """What stands in its place."""
    token: str
    """A pattern, whose one group is the token."""
    there: str
    """A line of the server that has one."""
    here: str
    """The same line of the dialect."""
    leaves: str
    """What is left of both."""
    unlike: tuple[str, ...]
    """Lines that have none, and nearly look so."""
    tokens: dict[str, int]
    """How many there are in each recording."""
    encoded: bool = False
    """Whether it stands in what a line of base64 encodes; that is put in place of the line."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern."""
        return re.compile(self.token, re.MULTILINE)

    def on(self, text: str) -> str:
        """The text with the name in place of each token, and nothing else touched."""
        return CHALLENGE.sub(self._decoded, text) if self.encoded else self.pattern.sub(self._named, text)

    def found(self, text: str) -> Iterator[str]:
        """The tokens in a text."""
        for each in CHALLENGE.finditer(text) if self.encoded else [text]:
            yield from self.pattern.findall(each if isinstance(each, str) else _plain(each[1]))

    def _named(self, found: re.Match[str]) -> str:
        return f"{found.string[found.start() : found.start(1)]}<{self.name}>{found.string[found.end(1) : found.end()]}"

    def _decoded(self, found: re.Match[str]) -> str:
        text, count = self.pattern.subn(self._named, _plain(found[1]))
        return f"+ {text}\r" if count else found[0]


def _plain(base64: str) -> str:
    """What is encoded; "" where nothing is."""
    try:
        return b64decode(base64, validate=True).decode("latin-1")
    except Error:
        return ""


@cache
def all_masks() -> tuple[Mask, ...]:
    """All of them, in the order in which they are put on."""
    listed: list[dict[str, Any]] = tomllib.loads((HERE / "masks.toml").read_text(encoding="utf-8"))["mask"]
    return tuple(Mask(**each | {key: tuple(each[key]) for key in ("of", "unlike")}) for each in listed)


def masked(name: str, octets: bytes) -> bytes:
    r"""The octets with a name in place of each token that varies in the answers of this server.

    >>> masked("dovecot", b"+OK 1 000000016b041cfa\r\n")
    b'+OK 1 00000001<uidvalidity>\r\n'
    """
    text = octets.decode("latin-1")
    for mask in all_masks():
        if name in mask.of:
            text = mask.on(text)
    return text.encode("latin-1")
