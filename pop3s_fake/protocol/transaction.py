"""The TRANSACTION state: what each command does with the open maildrop (RFC 1939 sections 5 to 7).

Knows the open maildrop, numbers and sizes; must not know who logged in or how, nor which commands are offered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from pop3s_fake.protocol import replies
from pop3s_fake.protocol.replies import Ok, Reply, stuffed
from pop3s_fake.protocol.states import State
from pop3s_fake.protocol.top import top

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pop3s_fake.maildrop import Message, OpenMaildrop

__all__ = ("Handlers", "Transaction", "summary", "under")

Handlers: TypeAlias = "dict[bytes, Callable[..., Reply]]"
"""What carries out each command, by its keyword in upper case."""

LISTING_CHUNK: Final = 256
"""Lines of a listing that are made at once: few enough that the first octets of a huge one leave soon."""

HEADER: Final = 1 << 16
"""Octets of a message that are looked at as its header."""

PREPARED_LISTING: Final = 64
"""Messages up to which a listing is one piece of octets, ready to send."""


class Transaction:
    """The commands of TRANSACTION; :class:`~pop3s_fake.protocol.session.Session` decides which of them there are."""

    __slots__ = ("_fetched", "_highest", "abandoned", "guarded", "maildrop", "removed", "state", "utf8")

    maildrop: OpenMaildrop | None
    """What this session sees of the maildrop; None outside TRANSACTION."""
    state: State
    removed: tuple[str, ...]
    """The unique-ids that UPDATE removed."""
    abandoned: tuple[str, ...]
    """The unique-ids that were marked when the session ended without UPDATE."""
    guarded: bool
    """Whether messages with raw 8-bit headers are for clients in UTF-8 mode only (RFC 6856 section 2.1)."""
    utf8: bool
    """Whether the client has asked for UTF-8 mode."""
    gap: bytes = b""
    """What TOP sends between a header and lines of the body."""

    def __init__(self) -> None:
        self._fetched: set[int] = set()
        self._highest = 0
        self.guarded = False
        self.utf8 = False
        self.state = State.AUTHORIZATION
        self.maildrop = None
        self.removed = ()
        self.abandoned = ()

    def close(self) -> None:
        """End the session without UPDATE: nothing is removed and the maildrop is free again.  Does so once."""
        maildrop, self.maildrop = self.maildrop, None
        if maildrop is not None:
            self.removed = maildrop.lost()
            self.abandoned = tuple(uid for uid in maildrop.marked_uids() if uid not in self.removed)
            maildrop.close()

    def _coded(self, reply: Reply) -> Reply:
        """The reply with its response code, where such codes are sent."""
        return reply

    @property
    def _open_maildrop(self) -> OpenMaildrop:
        """The maildrop, which is there because the handlers of TRANSACTION are."""
        assert self.maildrop is not None
        return self.maildrop

    def _stat(self) -> Reply:
        """STAT (RFC 1939 section 5)."""
        return Reply(b"+OK %d %d\r\n" % self._open_maildrop.stat())

    def _list(self, number: int | None = None) -> Reply:
        """LIST (RFC 1939 section 5): scan listings."""
        maildrop = self._open_maildrop
        if number is None:
            return _listing(maildrop, summary(maildrop), b"%d %d\r\n", maildrop.listing)
        size = maildrop.octets(number)
        return self._missing(number) if size is None else Reply(b"+OK %d %d\r\n" % (number, size))

    def _uidl(self, number: int | None = None) -> Reply:
        """UIDL (RFC 1939 section 7): unique-id listings."""
        maildrop = self._open_maildrop
        if number is None:
            return _listing(
                maildrop,
                "unique-id listing follows",
                b"%d %b\r\n",
                lambda: ((number, uid.encode("ascii")) for number, uid in maildrop.unique_ids()),
            )
        uid = maildrop.uid(number)
        return self._missing(number) if uid is None else Reply(b"+OK %d %b\r\n" % (number, uid.encode("ascii")))

    def _retr(self, number: int) -> Reply:
        """RETR (RFC 1939 section 5)."""
        message = self._open_maildrop.message(number)
        if message is None:
            return self._missing(number)
        reply = message.prepared
        if not isinstance(reply, Reply):
            reply = message.prepared = _retrieval(message)
        return reply

    def _retr_noted(self, number: int) -> Reply:
        """RETR where something hangs on it: LAST (RFC 1460), EXPIRE 0 (RFC 2449 section 6.7), UTF8 (RFC 6856).

        Or a site's policy, for which the open maildrop is told.
        """
        if self._hidden(number):
            return self._coded(replies.NEEDS_UTF8)
        maildrop, reply = self._open_maildrop, self._retr(number)
        if not reply.positive:
            return reply
        if not maildrop.allows(number):
            return replies.EXHAUSTED
        told = maildrop.retrieval(number)
        self._note(number)
        return reply if told == reply.announced or told is None else reply.saying(b"+OK %d octets\r\n" % told)

    def _note(self, number: int) -> None:
        """The message with this number was retrieved."""
        self._fetched.add(number)
        self._open_maildrop.retrieved(number)
        self._highest = max(self._highest, number)

    def _top_noted(self, number: int, lines: int) -> Reply:
        """TOP under a site's policy, by which it may count as retrieving."""
        reply = self._top_guarded(number, lines)
        if reply.positive and self._open_maildrop.top_reads:
            self._note(number)
        return reply

    def _noted(self, handlers: Handlers) -> Handlers:
        """These commands, which note what was retrieved where a site's policy hangs on that."""
        if not self._open_maildrop.retrieves:
            return handlers
        return {**handlers, **{keyword: self.NOTED[keyword] for keyword in self.NOTED.keys() & handlers.keys()}}

    def _top_guarded(self, number: int, lines: int) -> Reply:
        """TOP where UTF8 is offered."""
        return self._coded(replies.NEEDS_UTF8) if self._hidden(number) else self._top(number, lines)

    def _hidden(self, number: int) -> bool:
        """Whether this message must not go to a client that has not asked for UTF-8 mode."""
        if self.utf8 or not self.guarded:
            return False
        message = self._open_maildrop.message(number)
        return message is not None and _international(message)

    def _last(self) -> Reply:
        """LAST (RFC 1460 section 5): the highest number that was retrieved since the login or the last RSET."""
        return Ok(str(self._highest))

    def _rset_last(self) -> Reply:
        """RSET where there is LAST."""
        self._highest = 0
        return self._rset()

    def _expire(self) -> None:
        """EXPIRE 0: what was retrieved goes at UPDATE, marked or not (RFC 2449 section 6.7)."""
        for number in self._fetched:
            self._open_maildrop.mark(number)

    def _top(self, number: int, lines: int) -> Reply:
        """TOP (RFC 1939 section 7)."""
        message = self._open_maildrop.message(number)
        if message is None:
            return self._missing(number)
        # A message has two octets a line at least: who asks for so many lines asks for the whole message, as fetchmail
        # does by `TOP n 99999999`.
        whole = lines * 2 >= message.octets
        return Reply(
            b"+OK top of message follows\r\n",
            lambda: top(message.chunks(), lines, self.gap),
            uid=message.uid if whole else None,
            announced=message.octets,
            by="TOP",
        )

    def _dele(self, number: int) -> Reply:
        """DELE (RFC 1939 section 5): marks; nothing is removed before UPDATE."""
        if self._open_maildrop.mark(number):
            return Ok(f"message {number} deleted")
        return self._missing(number)

    def _noop(self) -> Reply:
        """NOOP (RFC 1939 section 5)."""
        return replies.OK

    def _rset(self) -> Reply:
        """RSET (RFC 1939 section 5)."""
        maildrop = self._open_maildrop
        maildrop.unmark_all()
        return Ok(f"maildrop has {summary(maildrop)}")

    def _missing(self, number: int) -> Reply:
        """Why a message-number means nothing."""
        if self._open_maildrop.expunged(number):
            return replies.EXPUNGED
        return replies.ALREADY_DELETED if self._open_maildrop.is_marked(number) else replies.NO_SUCH_MESSAGE

    COMMANDS: ClassVar[dict[str, Handlers]] = {
        "": {b"STAT": _stat, b"LIST": _list, b"RETR": _retr, b"DELE": _dele, b"NOOP": _noop, b"RSET": _rset},
        "TOP": {b"TOP": _top},
        "UIDL": {b"UIDL": _uidl},
        "LAST": {b"LAST": _last, b"RETR": _retr_noted, b"RSET": _rset_last},
        "EXPIRE 0": {b"RETR": _retr_noted},
        "UTF8": {b"RETR": _retr_noted},
        "UTF8 TOP": {b"TOP": _top_guarded},
    }
    """The commands, by the capability without which they cannot be said."""

    NOTED: ClassVar[Handlers] = {b"RETR": _retr_noted, b"TOP": _top_noted}
    """Those by which a site's policy goes."""


def _retrieval(message: Message) -> Reply:
    """The reply to RETR; a stored message is byte-stuffed once, or not copied if nothing is to be stuffed."""
    payload: bytes | Callable[[], Iterable[bytes]] = message.chunks
    if message.size is not None:
        payload = message.content
        if payload.startswith(b".") or b"\r\n." in payload:
            payload = b"".join(stuffed([payload]))
    return Reply(
        b"+OK %d octets\r\n" % message.octets, payload, uid=message.uid, announced=message.octets, raw=message.chunks
    )


def _international(message: Message) -> bool:
    """Whether there are raw 8-bit octets in the header."""
    head = b""
    for chunk in message.chunks():
        head += chunk
        end = head.find(b"\r\n\r\n")
        if end >= 0 or len(head) > HEADER:
            return not head[: end if end >= 0 else HEADER].isascii()
    return not head.isascii()


def under(tags: frozenset[str], *tables: dict[str, Handlers]) -> Handlers:
    """The commands that these capabilities bring."""
    return {
        keyword: handler
        for table in tables
        for tag, group in table.items()
        if not tag or tag in tags
        for keyword, handler in group.items()
    }


def summary(maildrop: OpenMaildrop) -> str:
    """How much there is, in words."""
    count, octets = maildrop.stat()
    return f"{count} message{'' if count == 1 else 's'} ({octets} octets)"


def _listing(maildrop: OpenMaildrop, text: str, form: bytes, entries: Callable[[], Iterable[tuple[Any, ...]]]) -> Reply:
    """A listing as one piece where it is short, else made while it is sent."""
    status = Ok(text).status
    if maildrop.stat()[0] <= PREPARED_LISTING:
        return Reply(status, b"".join([form % entry for entry in entries()]))

    def chunks() -> Iterator[bytes]:
        lines: list[bytes] = []
        for entry in entries():
            lines.append(form % entry)
            if len(lines) == LISTING_CHUNK:
                yield b"".join(lines)
                lines.clear()
        yield b"".join(lines)

    return Reply(status, chunks)
