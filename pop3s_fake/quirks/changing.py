r"""Changes of a reply: pure functions of its octets, each by the word under which the data ask for it.

Knows how a reply stands on the wire, as a status line or as one with a payload and its terminator; must not know
which command was answered.  A reply that is not positive, or not of the form that a change is about, stays as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("CHANGES", "Changing")

CRLF: Final = b"\r\n"
END: Final = b".\r\n"
_ONE: Final = re.compile(rb"\A(\+OK \d+ )([^\r\n]+)(?=\r\n\Z)")
"""A positive reply of one line about one message."""


class Parts(NamedTuple):
    """A multi-line reply, lines without their CRLF; the terminator is left out."""

    status: bytes
    lines: list[bytes]

    def octets(self) -> bytes:
        """The whole reply."""
        return b"".join(line + CRLF for line in (self.status, *self.lines)) + END


def _parts(octets: bytes) -> Parts | None:
    """The parts of a positive multi-line reply."""
    status, _, rest = octets.partition(CRLF)
    if not status.startswith(b"+OK") or not (rest == END or rest.endswith(CRLF + END)):
        return None
    return Parts(status, rest.removesuffix(END).split(CRLF)[:-1])


class Changing:
    r"""One change with its words, as a function of the octets of a reply.

    >>> change = Changing("uidl-extra-spaces", "lines", find=r"^(\d+) ", put=r"\1   ")
    >>> change(b"+OK\r\n1 a\r\n.\r\n"), change(b"-ERR no\r\n"), change.__name__
    (b'+OK\r\n1   a\r\n.\r\n', b'-ERR no\r\n', 'uidl-extra-spaces')
    """

    pure: Final = True
    """It can be asked what it would change: where that is nothing, the quirk does not strike."""
    __slots__ = ("__name__", "_count", "_does", "_find", "_put")

    def __init__(self, name: str, does: str, *, find: str = "", put: str = "", count: int = 1) -> None:
        self.__name__: str = name
        self._does = CHANGES[does]
        self._find = re.compile(find.encode("latin-1"))
        self._put = put.encode("latin-1")
        self._count = count

    def __call__(self, octets: bytes) -> bytes:
        """The octets to send in place of these."""
        return self._does(octets, self._find, self._put, self._count)


def _lines(octets: bytes, find: re.Pattern[bytes], put: bytes, _: int) -> bytes:
    """Substitute in each line of the payload."""
    parts = _parts(octets)
    if parts is None:
        return octets
    return parts._replace(lines=[find.sub(put, line) for line in parts.lines]).octets()


def _drop_lines(octets: bytes, find: re.Pattern[bytes], _put: bytes, _: int) -> bytes:
    """Leave out the lines of the payload in which this is found."""
    parts = _parts(octets)
    return octets if parts is None else parts._replace(lines=[x for x in parts.lines if not find.search(x)]).octets()


def _put_lines(octets: bytes, find: re.Pattern[bytes], put: bytes, _: int) -> bytes:
    """Put a line before the first line of the payload in which this is found, or behind the last one."""
    parts = _parts(octets)
    if parts is None:
        return octets
    at = next((index for index, line in enumerate(parts.lines) if find.search(line)), len(parts.lines))
    return parts._replace(lines=[*parts.lines[:at], put, *parts.lines[at:]]).octets()


def _status(octets: bytes, find: re.Pattern[bytes], put: bytes, _: int) -> bytes:
    """Substitute in the first line of a positive reply."""
    status, crlf, rest = octets.partition(CRLF)
    return find.sub(put, status) + crlf + rest if status.startswith(b"+OK") else octets


def _refusal(octets: bytes, find: re.Pattern[bytes], put: bytes, _: int) -> bytes:
    """Substitute in a negative reply."""
    return find.sub(put, octets.removesuffix(CRLF)) + CRLF if octets.startswith(b"-ERR") else octets


def _drop_headers(octets: bytes, find: re.Pattern[bytes], _put: bytes, _: int) -> bytes:
    """Leave out the fields of a message's header in which this is found, with the lines that continue them."""
    parts = _parts(octets)
    if parts is None:
        return octets
    kept: list[bytes] = []
    dropping = False
    for index, line in enumerate(parts.lines):
        if not line:
            kept += parts.lines[index:]
            break
        dropping = dropping if line[:1] in (b" ", b"\t") else find.search(line) is not None
        kept += [] if dropping else [line]
    return parts._replace(lines=kept).octets()


def _one_line(octets: bytes, find: re.Pattern[bytes], put: bytes, count: int) -> bytes:
    """Substitute in the first line of a positive reply that has one line."""
    return _status(octets, find, put, count) if octets.find(CRLF) == len(octets) - len(CRLF) else octets


def _cut(octets: bytes, _find: re.Pattern[bytes], _put: bytes, count: int) -> bytes:
    """End the payload after so many octets, at the end of a line."""
    parts = _parts(octets)
    if parts is None:
        return octets
    kept, size = [], 0
    for line in parts.lines:
        size += len(line) + len(CRLF)
        if size > count:
            break
        kept.append(line)
    return parts._replace(lines=kept).octets()


def _last_end(octets: bytes, _find: re.Pattern[bytes], put: bytes, _: int) -> bytes:
    """Put this in place of the line end before the terminator."""
    parts = _parts(octets)
    if parts is None or not parts.lines:
        return octets
    return octets[: -len(CRLF + END)] + put + END


def _sizes(octets: bytes, find: re.Pattern[bytes], _put: bytes, count: int) -> bytes:
    """Round the number that is found as the first group up to the next multiple of so many octets."""

    def rounded(match: re.Match[bytes]) -> bytes:
        size = -(-int(match[1]) // count) * count
        start = match.start(1) - match.start()
        return match[0][:start] + b"%d" % size + match[0][start + len(match[1]) :]

    return find.sub(rounded, octets) if octets.startswith(b"+OK") else octets


def _lower(octets: bytes, _find: re.Pattern[bytes], _put: bytes, _: int) -> bytes:
    """Say the first word of each line of the payload in lower case."""
    parts = _parts(octets)
    if parts is None:
        return octets
    split = [line.partition(b" ") for line in parts.lines]
    return parts._replace(lines=[word.lower() + blank + rest for word, blank, rest in split]).octets()


def _pad(octets: bytes, _find: re.Pattern[bytes], put: bytes, count: int) -> bytes:
    """Make what follows a number, in each line of the payload or in the only one, so many octets long if it is any."""
    parts = _parts(octets)
    if parts is None:
        return _ONE.sub(lambda match: match[1] + match[2].ljust(count, put), octets)
    split = [line.partition(b" ") for line in parts.lines]
    padded = [word + blank + (rest and rest.ljust(count, put)) for word, blank, rest in split]
    return parts._replace(lines=padded).octets()


def _edge(octets: bytes, _find: re.Pattern[bytes], _put: bytes, count: int) -> bytes:
    """Take the second dot away where a line that begins with dots begins at a multiple of so many octets."""
    parts = _parts(octets)
    if parts is None:
        return octets
    lines, at = [], 0
    for line in parts.lines:
        stuffed = line.startswith(b"..")
        lines.append(line[1:] if stuffed and at and at % count == 0 else line)
        at += len(line) - stuffed + len(CRLF)
    return parts._replace(lines=lines).octets()


def _listing(octets: bytes, find: re.Pattern[bytes], put: bytes, _: int) -> bytes:
    """Answer in several lines what was answered in one, found as a whole."""
    if octets.find(CRLF) != len(octets) - len(CRLF):
        return octets
    match = find.fullmatch(octets.removesuffix(CRLF))
    return octets if match is None else match.expand(put)


CHANGES: Final[dict[str, Callable[[bytes, re.Pattern[bytes], bytes, int], bytes]]] = {
    "lines": _lines,
    "drop-lines": _drop_lines,
    "put-lines": _put_lines,
    "status": _status,
    "refusal": _refusal,
    "drop-headers": _drop_headers,
    "one-line": _one_line,
    "cut": _cut,
    "last-end": _last_end,
    "sizes": _sizes,
    "listing": _listing,
    "lower": _lower,
    "pad": _pad,
    "edge": _edge,
}
"""The functions, by the words of the data."""
