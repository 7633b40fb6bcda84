"""One POP3 session: what each command does in each state (RFC 1939 sections 4 to 7, RFC 2449 section 5).

Knows the accounts and the open maildrop; takes whole lines and gives replies.  Must not know how octets come and go,
nor the time: a session that is not ended by QUIT is ended by whoever carries it, with :meth:`Session.close`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from pop3s_fake.maildrop import MaildropInUse
from pop3s_fake.protocol import replies
from pop3s_fake.protocol.commands import COMMANDS, arguments, plain
from pop3s_fake.protocol.lines import OVERLONG, Line
from pop3s_fake.protocol.replies import Err, Ok, Reply, stuffed
from pop3s_fake.protocol.states import State
from pop3s_fake.protocol.top import top

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from pop3s_fake.maildrop import Account, Accounts, Message, OpenMaildrop

__all__ = ("CAPABILITIES", "Session")

CAPABILITIES: Final = (
    "TOP",
    "UIDL",
    "USER",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    "PIPELINING",
    "EXPIRE NEVER",
    "IMPLEMENTATION pop3s-fake",
)
"""What CAPA lists, in both states (RFC 2449 section 5)."""

LISTING_CHUNK: Final = 256
"""Lines of a listing that are made at once: few enough that the first octets of a huge one leave soon."""

PREPARED_LISTING: Final = 64
"""Messages up to which a listing is one piece of octets, ready to send."""


class Session:
    r"""The state machine of one connection.

    >>> from pop3s_fake.maildrop import Account, Accounts
    >>> session = Session(Accounts([Account("ann", "not-a-secret")]))
    >>> [session.execute(line).octets() for line in (b"USER ann", b"PASS not-a-secret", b"STAT")]
    [b'+OK name noted, now the password\r\n', b'+OK maildrop has 0 messages (0 octets)\r\n', b'+OK 0 0\r\n']
    """

    __slots__ = (
        "_accounts",
        "_exclusive",
        "_handlers",
        "_name",
        "_timestamp",
        "abandoned",
        "maildrop",
        "removed",
        "state",
        "user",
    )

    ended: Final = "quit"
    """How a conversation ends whose last word is a session's own."""
    maildrop: OpenMaildrop | None
    """What this session sees of the maildrop; None outside TRANSACTION."""
    state: State
    user: str | None
    """Who is logged in, also after the end."""
    removed: tuple[str, ...]
    """The unique-ids that UPDATE removed."""
    abandoned: tuple[str, ...]
    """The unique-ids that were marked when the session ended without UPDATE."""

    def __init__(self, accounts: Accounts, *, timestamp: str | None = None, exclusive: bool = True) -> None:
        """Begin in AUTHORIZATION; with a ``timestamp`` such as ``<1@localhost>`` the greeting offers APOP."""
        self._accounts = accounts
        self._timestamp = timestamp
        self._exclusive = exclusive
        self._name: str | None = None
        self._handlers = self._AUTHORIZATION if timestamp is not None else self._WITHOUT_APOP
        self.state = State.AUTHORIZATION
        self.maildrop = None
        self.user = None
        self.removed = ()
        self.abandoned = ()

    def greeting(self) -> Reply:
        """The first line, which the server says unasked (RFC 1939 section 4)."""
        timestamp = "" if self._timestamp is None else f" {self._timestamp}"
        return Reply(f"+OK {replies.GREETING}{timestamp}\r\n".encode())

    def execute(self, line: Line) -> Reply:
        """Carry out one command line, given without its CRLF, and answer it."""
        if line is OVERLONG:
            self._name = None
            return replies.OVERLONG_LINE
        known = plain(line)
        if known is not None:
            handler = self._handlers.get(known[0])
            if handler is not None:
                return handler(self, *known[1])
        keyword, space, rest = line.partition(b" ")
        handler = self._handlers.get(keyword)
        if handler is None:
            keyword = keyword.upper()
            handler = self._handlers.get(keyword)
            if handler is None:
                self._name = None
                return self._refuse(keyword)
        values = arguments(COMMANDS[keyword], rest if space else None)
        if isinstance(values, Err):
            self._name = None
            return values
        return handler(self, *values)

    @property
    def open(self) -> bool:
        """Whether it takes commands; not after QUIT."""
        return bool(self._handlers)

    @property
    def about(self) -> str | None:
        """Who is logged in, or has said USER and is about to."""
        return self.user or self._name

    def close(self) -> None:
        """End the session without UPDATE: nothing is removed and the maildrop is free again.  Does so once."""
        maildrop, self.maildrop = self.maildrop, None
        self._handlers = {}
        if maildrop is not None:
            self.abandoned = tuple(maildrop.marked_uids())
            maildrop.close()

    def _refuse(self, keyword: bytes) -> Reply:
        """Why there is no handler for this keyword here."""
        command = COMMANDS.get(keyword)
        if command is None or (command.keyword == "APOP" and self._timestamp is None):
            return Err("unknown command")
        states = " and ".join(state.value for state in State if state in command.states)
        return Err(f"{command.keyword} is legal in {states}, this is {self.state.value}")

    # AUTHORIZATION

    def _user(self, name: bytes) -> Reply:
        """USER (RFC 1939 section 7): any name is taken, so that nobody learns which exist (section 13)."""
        self._name = name.decode("ascii")
        return replies.NAME_TAKEN

    def _pass(self, password: bytes) -> Reply:
        """PASS (RFC 1939 section 7): only immediately after an accepted USER; CAPA may stand between."""
        name, self._name = self._name, None
        if name is None:
            return replies.PASS_FIRST_USER
        account = self._accounts.get(name)
        if account is None or not account.check_password(password):
            return replies.AUTH_FAILED
        return self._open(account)

    def _apop(self, name: bytes, digest: bytes) -> Reply:
        """APOP (RFC 1939 section 7): not between USER and PASS."""
        pending, self._name = self._name, None
        if pending is not None:
            return Err("after USER comes PASS")
        assert self._timestamp is not None
        account = self._accounts.get(name.decode("ascii"))
        if account is None or not account.check_digest(self._timestamp, digest.decode("ascii")):
            return replies.AUTH_FAILED
        return self._open(account)

    def _open(self, account: Account) -> Reply:
        """Take the exclusive-access lock and enter TRANSACTION (RFC 1939 section 4)."""
        try:
            maildrop = account.open(self, exclusive=self._exclusive)
        except MaildropInUse:
            return replies.IN_USE
        self.maildrop = maildrop
        self.user = account.name
        self.state = State.TRANSACTION
        self._handlers = self._TRANSACTION
        return Reply(f"+OK maildrop has {_summary(maildrop)}\r\n".encode())

    def _leave(self) -> Reply:
        """QUIT in AUTHORIZATION: no UPDATE (RFC 1939 section 4)."""
        self._handlers = {}
        return replies.SIGNING_OFF

    # both states

    def _capa(self) -> Reply:
        """CAPA (RFC 2449 section 5): keeps the name that USER gave."""
        return Reply(b"+OK capability list follows\r\n", _CAPA)

    # TRANSACTION

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
            return _listing(maildrop, _summary(maildrop), b"%d %d\r\n", maildrop.listing)
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
            lambda: top(message.chunks(), lines),
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
        return Ok(f"maildrop has {_summary(maildrop)}")

    def _quit(self) -> Reply:
        """QUIT in TRANSACTION: UPDATE, then the lock is freed, then the answer (RFC 1939 section 6)."""
        self.state = State.UPDATE
        try:
            result = self._open_maildrop.update()
        finally:
            self.close()
        self.removed = result.removed
        self.abandoned = ()
        return replies.NOT_ALL_REMOVED if result.kept else replies.SIGNING_OFF

    def _missing(self, number: int) -> Reply:
        """Why a message-number means nothing."""
        return replies.ALREADY_DELETED if self._open_maildrop.is_marked(number) else replies.NO_SUCH_MESSAGE

    _AUTHORIZATION: ClassVar[dict[bytes, Callable[..., Reply]]] = {
        b"USER": _user,
        b"PASS": _pass,
        b"APOP": _apop,
        b"CAPA": _capa,
        b"QUIT": _leave,
    }

    _WITHOUT_APOP: ClassVar = {keyword: handler for keyword, handler in _AUTHORIZATION.items() if keyword != b"APOP"}

    _TRANSACTION: ClassVar[dict[bytes, Callable[..., Reply]]] = {
        b"STAT": _stat,
        b"LIST": _list,
        b"RETR": _retr,
        b"DELE": _dele,
        b"NOOP": _noop,
        b"RSET": _rset,
        b"TOP": _top,
        b"UIDL": _uidl,
        b"CAPA": _capa,
        b"QUIT": _quit,
    }


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


def _summary(maildrop: OpenMaildrop) -> str:
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


_CAPA: Final = "".join(f"{capability}\r\n" for capability in CAPABILITIES).encode()
