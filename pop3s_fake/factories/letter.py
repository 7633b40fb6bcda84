"""What one message is to be: header fields, text and varieties, checked.

Knows which varieties there are and which contradict each other.  Must not know how they are written.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.factories.seeding import check_switch
from pop3s_fake.maildrop.generated import check_natural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pop3s_fake.factories.words import Words

__all__ = ("LARGEST", "Letter")

LARGEST: Final = 256 * 1024 * 1024
"""Octets of the largest message that is made in memory; `Maildrop.generate` streams larger ones."""

_TEXTS: Final = ("subject", "sender", "recipient", "message_id", "text")
_SWITCHES: Final = (
    "html",
    "encoded_headers",
    "folded_headers",
    "leading_dots",
    "lone_dots",
    "eight_bit",
    "no_final_newline",
    "empty_body",
    "broken_mime",
)
_OF_A_BODY: Final = (
    "attachments",
    "html",
    "long_lines",
    "leading_dots",
    "lone_dots",
    "eight_bit",
    "no_final_newline",
    "huge",
    "broken_mime",
)
_LONG: Final = 5000  # octets: above the 998 of RFC 5322 section 2.1.1, and above the 2048 at which poplib gives up


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One message before it is written; the fields are described at `MessageFactory`."""

    words: Words
    subject: str
    sender: str
    recipient: str
    date: datetime
    message_id: str
    text: str
    attachments: int = 0
    html: bool = False
    encoded_headers: bool = False
    folded_headers: bool = False
    long_lines: int = 0
    leading_dots: bool = False
    lone_dots: bool = False
    eight_bit: bool = False
    no_final_newline: bool = False
    empty_body: bool = False
    huge: int = 0
    broken_mime: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Letter:
        """The letter that these values make; an unknown name is a `UsageError`."""
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise UsageError(f"a message has no {name!r}{nearest(name, [*known, 'faked', 'maildrop', 'seed'])}")
        return cls(**values)

    def __post_init__(self) -> None:
        """Refuse what cannot be, at the call."""
        for name in _TEXTS:
            _check_text(name, getattr(self, name))
        if not isinstance(self.date, datetime):
            raise UsageError(f"date of a message is a datetime, not {self.date!r}")
        for name in _SWITCHES:
            check_switch(name, getattr(self, name))
        check_natural("attachments of a message", self.attachments)
        if not isinstance(self.long_lines, bool):
            check_natural("long_lines of a message, unless True,", self.long_lines)
        if check_natural("huge of a message", self.huge) > LARGEST:
            raise UsageError(
                f"huge={self.huge} is more than the {LARGEST} octets of the largest message that is made in memory; "
                "Maildrop.generate() streams larger ones",
            )
        self._check_together()

    def _check_together(self) -> None:
        """Refuse what contradicts itself."""
        if self.empty_body:
            others = [f"{name}={getattr(self, name)!r}" for name in _OF_A_BODY if getattr(self, name)]
            if self.text:
                others.insert(0, "text")
            if others:
                raise UsageError(f"empty_body=True contradicts {', '.join(others)}: a message without a body has none")
        if self.encoded_headers and (self.subject + self.sender + self.recipient).isascii():
            raise UsageError(
                "encoded_headers=True contradicts subject, sender and recipient, which are all ASCII: "
                "leave one of them out, or give it a character that must be encoded",
            )

    @property
    def octets_of_long_line(self) -> int:
        """How long the long line is; 0 for none."""
        return _LONG if self.long_lines is True else self.long_lines


def _check_text(name: str, text: object) -> None:
    """Refuse what is no text, or none that can be sent."""
    if not isinstance(text, str):
        raise UsageError(f"{name} of a message is a str, not {text!r}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{name} of a message has {text[error.start]!r} at position {error.start}, for which UTF-8 has no octets",
        ) from error
