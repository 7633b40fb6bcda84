r"""Changing octets on their way: one pass, whatever the chunks are, nothing held but a single CR.

Knows what each edit does to octets; must not know rules or replies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ("Edits",)

_CRLF: Final = b"\r\n"
_STUFFED: Final = b"\r\n."
_ENDS: Final = {"bare-lf": b"\n", "bare-cr": b"\r"}
_FLIPPED: Final = bytes(octet ^ 1 for octet in range(256))


@dataclass(slots=True)
class _Counted:
    """An edit of the next so many octets."""

    kind: str
    left: int
    memory: bytearray = field(default_factory=bytearray)


class Edits:
    r"""The edits that are at work in one reply.

    >>> edits = Edits()
    >>> edits.begin("bare-lf")
    b''
    >>> edits.apply(b"+OK\r"), edits.apply(b"\n1 x\r\n"), edits.finish(), edits.changed
    (b'+OK', b'\n1 x\n', b'', True)
    """

    __slots__ = ("_counted", "_cr", "_ends", "_tail", "changed", "truncated", "unstuffing")

    def __init__(self) -> None:
        self.changed: bool = False
        """Whether any octet went out otherwise than it came."""
        self.truncated: bool = False
        self.unstuffing: bool = False
        self._counted: list[_Counted] = []
        self._ends: str | None = None
        self._cr = False
        """The last octet was CR: withheld for ``bare-lf``, sent for ``bare-cr``."""
        self._tail = _CRLF
        """The last two octets of the payload so far: a line begins after CRLF, and at its beginning."""

    def begin(self, kind: str, count: int = 1) -> bytes:
        """Begin an edit at the octet that comes next; gives octets that have to go out before it."""
        if kind in {"truncate", "no-terminator"}:
            self.truncated = True
        elif kind == "unstuff":
            self.unstuffing = True
        elif kind in _ENDS:
            withheld = b"\r" if self._ends == "bare-lf" and self._cr and kind != "bare-lf" else b""
            self._ends = kind
            return withheld
        else:
            self._counted.append(_Counted(kind, count))
        return b""

    def stuffed(self, chunk: bytes) -> int | None:
        """Where in this chunk of the payload the first stuffed dot stands; None where there is none."""
        found = (self._tail + chunk).find(_STUFFED)
        return None if found < 0 else found + len(_CRLF) - len(self._tail)

    def apply(self, chunk: bytes, *, payload: bool = False) -> bytes:
        """What goes out for this chunk; ``payload`` says that it belongs to the payload, not to the lines around."""
        if self.truncated:
            self.changed = self.changed or bool(chunk)
            return b""
        if not (self._counted or self.unstuffing or self._ends):
            if payload:
                self._tail = (self._tail + chunk[-2:])[-2:]
            return chunk
        out = []
        while chunk:
            step = min((edit.left for edit in self._counted), default=len(chunk))
            out.append(self._step(chunk[:step], payload=payload))
            chunk = chunk[step:]
        return b"".join(out)

    def finish(self) -> bytes:
        """What goes out behind the last octet: what was still withheld."""
        withheld = b"\r" if self._ends == "bare-lf" and self._cr else b""
        self._cr = False
        return withheld + b"".join(bytes(edit.memory) for edit in self._counted)

    def _step(self, octets: bytes, *, payload: bool) -> bytes:
        """Octets in which no counted edit ends before the last one."""
        piece = octets
        if payload:
            if self.unstuffing:
                piece = (self._tail + octets).replace(_STUFFED, _CRLF)[len(self._tail) :]
            self._tail = (self._tail + octets[-2:])[-2:]
        again = b""
        for edit in self._counted:
            edit.left -= len(octets)
            if edit.kind == "drop":
                piece = b""
            elif edit.kind == "flip":
                piece = piece.translate(_FLIPPED)
            else:
                edit.memory += piece
                again += b"" if edit.left else bytes(edit.memory)
        if self._counted or piece != octets:
            self.changed = True
            self._counted = [edit for edit in self._counted if edit.left]
        return self._ended(piece + again)

    def _ended(self, octets: bytes) -> bytes:
        """The octets with the line ends that are asked for."""
        if self._ends is None or not octets:
            return octets
        if self._ends == "bare-lf":
            if self._cr:
                octets = b"\r" + octets
            self._cr = octets.endswith(b"\r")
            octets = octets[: len(octets) - self._cr]
            result = octets.replace(_CRLF, b"\n")
        else:
            before = self._cr and octets.startswith(b"\n")
            self._cr = octets.endswith(b"\r")
            result = octets[before:].replace(_CRLF, b"\r")
        self.changed = self.changed or result != octets
        return result
