"""How a maildrop counts and names what it keeps, and what its sessions write into it.

Knows octets and templates; must not know maildrops, nor which server keeps mail so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from pop3s_fake.maildrop.content import Unfinished

__all__ = ("Form",)

_FIELD: Final = re.compile(rb"([^:\r\n]*):[ \t]*([^\n]*\n?(?:[ \t][^\n]*\n?)*)")
_BEHIND_NUL: Final = re.compile(rb"\0[^\n]*\n?")


@dataclass(frozen=True, slots=True)
class Form:
    r"""A form; the default one is ours.

    >>> from pop3s_fake.maildrop import Maildrop
    >>> maildrop = Maildrop()
    >>> maildrop.adopt(Form("{arrival:08x}{validity:08x}", validity=0x6B041CFA, unfinished=2))
    >>> maildrop.add("Subject: x\n\nlast")
    [<Message '000000016b041cfa', 18 octets, really 20>]
    """

    unique_id: str = ""
    """With ``{arrival}``, ``{validity}`` and ``{digest}``; without a template it follows from the octets."""
    validity: int = 0
    """What the unique-ids of one maildrop have in common."""
    unfinished: int = 0
    """Octets that are not announced of a final CRLF that was added."""

    blank_line: str = ""
    """Whether an empty line is added: "headers", where there is none in a message, or "always"; not behind one whose
    final line end was missing."""

    fields: str = ""
    """Whether header fields are "respaced": one space behind the colon and none before it, and what is no field is lost
    with all of the header behind it; an empty line ends the header, also where none did."""

    nul: str = ""
    """Whether a NUL "cuts" what is sent: it is lost with the rest of its line, and its end."""

    named: str = ""
    """A header field that a message gets when its unique-id is first told, with ``{uid}``."""
    found: tuple[str, ...] = ()
    """Those that it gets at the end of the first session that found it, with ``{arrival}`` and ``{status}``."""
    first: tuple[str, ...] = ()
    """Those before them in the first message, with ``{validity}`` and ``{next}``."""

    bodiless: str = ""
    """Whether a message without a body gets an "empty-line" for one together with those."""

    @property
    def written(self) -> bool:
        """Whether sessions write into messages."""
        return bool(self.named or self.found or self.first)

    def status(self, arrival: int, *, retrieved: bool) -> list[str]:
        """The fields of a message that was found, and retrieved or not."""
        return [each.format(arrival=arrival, status="OR" if retrieved else "O") for each in self.found]

    def sent(self, content: bytes) -> bytes:
        """What is sent of the octets that are kept."""
        return _BEHIND_NUL.sub(b"", content) if self.nul == "cuts" and b"\0" in content else content

    def kept(self, content: bytes) -> bytes:
        """The octets that are kept of these."""
        content = _respaced(content) if self.fields == "respaced" else content
        if not self.blank_line or type(content) is Unfinished:
            return content
        return content + b"\r\n" if self.blank_line == "always" or b"\r\n\r\n" not in content else content

    def uid(self, arrival: int, content: bytes) -> str:
        """The unique-id of these octets; "" where there is no template."""
        if not self.unique_id:
            return ""
        digest = sha256(content).hexdigest() if "{digest" in self.unique_id else ""
        return self.unique_id.format(arrival=arrival, validity=self.validity, digest=digest)

    def octets(self, content: bytes) -> int:
        """The size that is announced."""
        return len(content) - (self.unfinished if type(content) is Unfinished else 0)


def _respaced(content: bytes) -> bytes:
    """The same with one space behind the colon of each header field, as far as there are fields, and an empty line."""
    if content.startswith(b"\r\n"):
        return content  # there is no header, and nothing but its end
    head, blank, body = content.partition(b"\r\n\r\n")
    head += b"\r\n" * bool(blank)
    fields, at = [], 0
    if not head.startswith((b" ", b"\t")):
        while found := _FIELD.match(head, at):
            fields.append(b"%b: %b" % (found[1].rstrip(b" \t"), found[2]))
            at = found.end()
    kept = b"".join(fields) + b"\r\n" + body
    return Unfinished(kept) if type(content) is Unfinished and body else kept
