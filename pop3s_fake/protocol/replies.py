r"""Replies: status indicator, text, response code, and the byte-stuffed payload of a multi-line reply.

Knows how a reply stands on the wire (RFC 1939 section 3, RFC 2449 section 8); must not know which command asked.
All texts that the server says stand here, once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pop3s_fake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

__all__ = ("TERMINATOR", "Err", "Ok", "Repeating", "Reply", "stuffed", "told", "uncoded")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

TERMINATOR: Final = b".\r\n"

STATUS_LIMIT: Final = 512
"""Octets of a first line with its CRLF (RFC 1939 section 3)."""

RECORD: Final = 16384
"""Octets of plaintext in one TLS record (RFC 8446 section 5.1)."""

PIECE: Final = 5 * RECORD
"""Octets of a streamed reply that are sent at once: five full TLS records, where sending is fastest."""

_CODED: Final = re.compile(rb"-ERR \[([^]/]+)[^]]*\] ?")
_CODE = frozenset(range(0x21, 0x7F)) - frozenset(b"]")


class Reply:
    r"""One reply: a first line, and for a multi-line one its payload.

    ``status`` is the first line with its CRLF.  ``payload`` is None for a single-line reply; octets that are
    already byte-stuffed; or a callable that gives the chunks anew at each call, not yet stuffed, so that a listing of a
    million messages is never held.  ``closes`` says that the conversation ends with this reply; ``uid`` is the
    unique-id of the message that it carries whole, ``announced`` that message's size, and ``by``
    the keyword that asked for it.

    >>> Reply(b"+OK 2 octets\r\n", b".\r\n".replace(b".", b"..")).octets()
    b'+OK 2 octets\r\n..\r\n.\r\n'
    """

    __slots__ = ("_raw", "_wire", "announced", "by", "closes", "payload", "status", "uid")

    def __init__(
        self,
        status: bytes,
        payload: bytes | Callable[[], Iterable[bytes]] | None = None,
        *,
        closes: bool = False,
        uid: str | None = None,
        announced: int = 0,
        by: str = "RETR",
        raw: Callable[[], Iterable[bytes]] | None = None,
    ) -> None:
        """Keep the parts as they are; ``raw`` gives the payload before byte-stuffing, where that changed anything."""
        self.status: bytes = status
        self.payload: bytes | Callable[[], Iterable[bytes]] | None = payload
        self.closes: bool = closes
        self.uid: str | None = uid
        self.announced: int = announced
        self.by: str = by
        self._raw = raw
        self._wire: bytes | None = None

    @property
    def raw(self) -> Callable[[], Iterable[bytes]] | None:
        """Gives the chunks of the payload anew at each call, not byte-stuffed; None for a single-line reply."""
        payload = self.payload
        if self._raw is not None or payload is None:
            return self._raw
        return (lambda: (payload,)) if isinstance(payload, bytes) else payload

    def saying(self, status: bytes) -> Reply:
        """The same reply with another first line, given with its CRLF."""
        return Reply(
            status,
            self.payload,
            closes=self.closes,
            uid=self.uid,
            announced=self.announced,
            by=self.by,
            raw=self._raw,
        )

    @property
    def positive(self) -> bool:
        """Whether the status indicator is ``+OK``."""
        return self.status.startswith(b"+OK")

    def octets(self) -> bytes:
        """The whole reply as it stands on the wire; kept where it fits into a TLS record, for it may come again."""
        if self._wire is not None:
            return self._wire
        payload = self.payload
        if payload is None:
            return self.status
        if not isinstance(payload, bytes):
            return b"".join(self.pieces())
        wire = b"".join((self.status, payload, TERMINATOR))
        if len(wire) <= RECORD:
            self._wire = wire
        return wire

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The whole reply in pieces that are good to send; the first one comes as soon as there is anything."""
        payload = self.payload
        if payload is None or (isinstance(payload, bytes) and len(payload) <= PIECE):
            yield self.octets()
        elif isinstance(payload, bytes):
            view = memoryview(payload)
            first = PIECE - len(self.status)
            yield b"".join((self.status, view[:first]))
            last = first
            while len(payload) - last > PIECE:
                yield view[last : last + PIECE]
                last += PIECE
            yield b"".join((view[last:], TERMINATOR))
        else:
            yield from _gathered(self.status, stuffed(payload()))


class Repeating(Reply):
    r"""A reply whose first line repeats what the client said, which may be a secret.

    ``line`` is the client's, and ``told`` what may be shown of the first line if nothing may be of that.

    >>> reply = Repeating(Reply(b"-ERR what is FOO?\r\n"), b"FOO", b"-ERR what is ****?\r\n")
    >>> reply.octets(), told(reply), told(Err("no"))
    (b'-ERR what is FOO?\r\n', b'-ERR what is ****?\r\n', b'-ERR no\r\n')
    """

    __slots__ = ("line", "told")

    def __init__(self, reply: Reply, line: bytes, told: bytes) -> None:
        """The same as this reply."""
        super().__init__(
            reply.status,
            reply.payload,
            closes=reply.closes,
            uid=reply.uid,
            announced=reply.announced,
            by=reply.by,
            raw=reply._raw,  # noqa: SLF001  # its own kind's
        )
        self.line: bytes = line
        self.told: bytes = told

    def saying(self, status: bytes) -> Reply:
        """The same reply with another first line, of which no more may be told."""
        return Repeating(super().saying(status), self.line, self.told)


def told(reply: Reply) -> bytes:
    """What may be shown of a first line in any case."""
    return reply.told if isinstance(reply, Repeating) else reply.status


def _gathered(head: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks of any size as pieces of about ``PIECE`` octets; the first chunk goes out at once, behind the head."""
    held, size = [head], PIECE
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    held.append(TERMINATOR)
    yield b"".join(held)


def stuffed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    r"""The chunks with every leading dot of a line doubled (RFC 1939 section 3), wherever they are cut.

    A line starts at the beginning and after CRLF, nowhere else: a bare LF does not end one.

    >>> b"".join(stuffed([b".a\r", b"\n", b".\r\n", b"b.\n.\r\n"]))
    b'..a\r\n..\r\nb.\n.\r\n'
    """
    last = b"\r\n"
    for chunk in chunks:
        if not chunk:
            continue
        octets = last + chunk
        yield octets.replace(b"\r\n.", b"\r\n..")[len(last) :]
        last = octets[-2:]


class Ok(Reply):
    r"""A positive single-line reply with a text of your own.

    >>> Ok("15 messages:").octets()
    b'+OK 15 messages:\r\n'
    >>> Ok().octets()
    b'+OK\r\n'
    """

    __slots__ = ()

    def __init__(self, text: str = "", *, code: str | None = None) -> None:
        """Put the words behind ``+OK``; ``code`` is a response code such as ``"IN-USE"``."""
        super().__init__(_first_line(b"+OK", text, code))


class Err(Reply):
    r"""A negative single-line reply with a text of your own.

    >>> Err("maildrop locked", code="IN-USE").octets()
    b'-ERR [IN-USE] maildrop locked\r\n'
    """

    __slots__ = ()

    def __init__(self, text: str = "", *, code: str | None = None) -> None:
        """Put the words behind ``-ERR``; ``code`` is a response code such as ``"SYS/TEMP"`` (RFC 2449 section 8)."""
        super().__init__(_first_line(b"-ERR", text, code))


def _first_line(indicator: bytes, text: str, code: str | None) -> bytes:
    """Check and join the parts of a first line."""
    parts = [indicator]
    if code is not None:
        if not code or not all(octet in _CODE for octet in code.encode()) or not all(code.split("/")):
            raise UsageError(
                f"response code {code!r} is none: it is made of printable characters without ']', "
                "its levels parted by '/', as in 'SYS/TEMP' (RFC 2449 section 8)"
            )
        parts.append(f"[{code}]".encode())
    if "\r" in text or "\n" in text:
        raise UsageError(f"the text {text!r} has a line end: a status line is one line")
    if text:
        parts.append(text.encode())
    line = b" ".join(parts) + b"\r\n"
    if len(line) > STATUS_LIMIT:
        raise UsageError(f"the status line has {len(line)} octets; RFC 1939 section 3 allows {STATUS_LIMIT}")
    return line


def uncoded(reply: Reply, codes: Collection[str]) -> Reply:
    r"""The reply, without its response code unless the first level of that is among these.

    >>> uncoded(Err("later", code="SYS/TEMP"), {"AUTH"}).octets(), uncoded(Err("no", code="AUTH"), {"AUTH"}).octets()
    (b'-ERR later\r\n', b'-ERR [AUTH] no\r\n')
    """
    coded = _CODED.match(reply.status)
    if coded is None or coded[1].decode() in codes:
        return reply
    return Reply(b"-ERR " + reply.status[coded.end() :], closes=reply.closes)


# What the server says.  Clients must not depend on these words (RFC 1939 section 9), people read them.
OK: Final = Ok()
NOTHING: Final = Reply(b"")
GREETING: Final = "POP3 server ready"
NAME_TAKEN: Final = Ok("name noted, now the password")
SIGNING_OFF: Final = Reply(Ok("signing off").status, closes=True)
NOT_ALL_REMOVED: Final = Reply(Err("some deleted messages were not removed", code="SYS/TEMP").status, closes=True)
AUTH_FAILED: Final = Err("name or password is wrong", code="AUTH")
IN_USE: Final = Err("the maildrop is open in another session", code="IN-USE")
AUTH_CANCELLED: Final = Err("AUTH cancelled")
NOT_BASE64: Final = Err("this is not base64")
NOT_OFFERED: Final = Err("this mechanism is not offered")
TWO_STEPS: Final = Err("this mechanism takes no initial response here")
NO_SUCH_USER: Final = Err("there is no such user")
TOO_MANY: Final = Err("too many open connections", code="SYS/TEMP")
WITHHELD: Final = Err("the maildrop cannot be opened", code="SYS/TEMP")
THROTTLED: Final = Err("name or password is wrong", code="AUTH")
ORDINARY: Final = Err("this password is for people, and programs have another one", code="AUTH")
POLLS: Final = Err("one comes too often")
TOO_MANY_LINES: Final = Err("too many lines")
NEEDS_TLS: Final = Err("a password in clear needs TLS first", code="AUTH")
BEGIN_TLS: Final = Reply(Ok("begin TLS").status, closes=True)
NEEDS_UTF8: Final = Err("the message has a header in UTF-8; say UTF8 before the login", code="UTF8")
UTF8_MODE: Final = Ok("UTF-8 mode")
TOO_SOON: Final = Err("the last login was too short a time ago", code="LOGIN-DELAY")
EVICTED: Final = Reply(Err("another session has the maildrop now").status, closes=True)
NOT_UTF8: Final = Err("this is not UTF-8, or nothing that a name or a password may hold")
TLS_ALREADY: Final = Err("TLS is there already")
PASS_FIRST_USER: Final = Err("PASS comes immediately after an accepted USER")
OVERLONG_LINE: Final = Err("the line is too long")
NO_SUCH_LANGUAGE: Final = Err("there is no such language here")
MALFORMED: Final = Err("a command is a keyword and printable arguments, parted by single spaces")
NO_SUCH_MESSAGE: Final = Err("no such message")
EXPUNGED: Final = Err("the message is gone")
EXHAUSTED: Final = Err("no more messages can be retrieved for now")
ALREADY_DELETED: Final = Err("the message is marked as deleted")
