"""What became of every message: how much of it was sent, who marked it, what UPDATE removed, and what that means.

Knows sendings, marks and deletions by unique-id and session; must not know commands or octets.  It is written by the
connection and read by tests, who want to know whether their client loses mail or fetches it twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

__all__ = ("Ledger", "Sending")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

ENDS: Final = ("quit", "eof", "reset", "autologout", "server")
"""How a session can end, as in the transcript."""


class Sending(NamedTuple):
    """One RETR, or a TOP of all lines: how much of a message went out in which session."""

    session: int
    uid: str
    announced: int
    """The message's size, as LIST tells it."""
    sent: int
    """Octets of the reply that went out."""
    whole: bool
    """Whether the message went out in one piece, with its terminator and without damage."""
    damaged: bool = False
    """Whether a rule changed what went out."""
    by: str = "RETR"
    """The keyword that asked for it."""

    def __str__(self) -> str:
        """The sending in a phrase."""
        if self.whole:
            return f"{self.by} sent it whole"
        if self.damaged:
            return f"{self.by} sent it damaged ({self.sent} octets)"
        return f"{self.by} sent {self.sent} octets and not the rest (the message has {self.announced})"


class Message(NamedTuple):
    """A message is known by its unique-id, which says nothing about other users' messages (RFC 1939 section 7)."""

    user: str
    """Who found it in the maildrop; "" where nobody said."""
    uid: str


class Ledger:
    """The story of each message, over all sessions.

    A message is *delivered* when RETR sent it whole at least once, *deleted* when UPDATE removed it, *lost* when it was
    deleted without ever having been delivered, and sent *twice* when it went out whole more than once.

    >>> ledger = Ledger()
    >>> ledger.sent(Sending(1, "a", announced=380, sent=190, whole=False))
    >>> ledger.removed(2, ["a"])
    >>> ledger.ended(2, "quit")
    >>> ledger.lost
    ['a']
    >>> ledger.assert_nothing_lost()
    Traceback (most recent call last):
    ...
    AssertionError: 1 message was deleted without ever having been sent whole
      message a
        session 1: RETR sent 190 octets and not the rest (the message has 380)
        session 2: UPDATE deleted it
    """

    __slots__ = ("_deletions", "_ends", "_marks", "_sendings", "_settle", "_users")

    def __init__(self, settle: Callable[[], None] | None = None) -> None:
        """Call ``settle`` before anything is read."""
        self._settle = settle
        self.clear()

    def __repr__(self) -> str:
        """How much there is; does not wait."""
        return f"<Ledger: {len(self._sendings)} sendings, {len(self._deletions)} deletions>"

    def clear(self) -> None:
        """Forget everything."""
        self._sendings: list[Sending] = []
        self._marks: list[tuple[int, str]] = []
        self._deletions: list[tuple[int, str]] = []
        self._ends: dict[int, str] = {}
        self._users: dict[int, str] = {}

    # written by the connection

    def opened(self, session: int, user: str) -> None:
        """Somebody logged in: what follows in this session is about messages of this user."""
        self._users[session] = user

    def sent(self, sending: Sending) -> None:
        """RETR was answered, whole or not."""
        self._sendings.append(sending)

    def marked(self, session: int, uids: Iterable[str]) -> None:
        """A session ended with these messages marked as deleted, and without UPDATE."""
        self._marks.extend((session, uid) for uid in uids)

    def removed(self, session: int, uids: Iterable[str]) -> None:
        """UPDATE removed these messages."""
        self._deletions.extend((session, uid) for uid in uids)

    def ended(self, session: int, how: str) -> None:
        """A session ended: "quit", "eof", "reset", "autologout" or "server"."""
        self._ends[session] = how

    # asked by tests

    @property
    def sendings(self) -> Sequence[Sending]:
        """Every RETR, in order."""
        self._wait()
        return tuple(self._sendings)

    @property
    def delivered(self) -> list[str]:
        """The unique-ids of the messages that were sent whole, in the order of their first time."""
        self._wait()
        return [message.uid for message in self._delivered()]

    @property
    def deleted(self) -> list[str]:
        """The unique-ids of the messages that UPDATE removed, in order."""
        self._wait()
        return [uid for _, uid in self._deletions]

    @property
    def lost(self) -> list[str]:
        """The unique-ids of the messages that were deleted without ever having been sent whole."""
        self._wait()
        return [message.uid for message in self._lost()]

    @property
    def twice(self) -> list[str]:
        """The unique-ids of the messages that were sent whole more than once."""
        self._wait()
        return [message.uid for message in self._repeated(())]

    def assert_nothing_lost(self) -> None:
        """Fail where a message was lost, with the story of each one."""
        self._wait()
        lost = self._lost()
        if lost:
            count = "1 message was" if len(lost) == 1 else f"{len(lost)} messages were"
            raise AssertionError("\n".join([f"{count} deleted without ever having been sent whole", *self._told(lost)]))

    def assert_nothing_twice(self, except_after: Collection[str] = ()) -> None:
        """Fail where a message was sent whole more than once, with the story of each one.

        ``except_after`` names ends of sessions that excuse it, such as ``("reset", "eof")``: a client may fetch a
        message again when it could not know what became of the session in which it had fetched it.  Raises
        :class:`~pop3s_fake.UsageError` for what is no such end.
        """
        if isinstance(except_after, str):
            raise UsageError(f"except_after= is a list, not the text {except_after!r}")
        for end in except_after:
            if end not in ENDS:
                raise UsageError(f"unknown end {end!r} in except_after={nearest(str(end), ENDS)}")
        self._wait()
        twice = self._repeated(except_after)
        if twice:
            count = "1 message was" if len(twice) == 1 else f"{len(twice)} messages were"
            raise AssertionError("\n".join([f"{count} sent whole more than once", *self._told(twice)]))

    def story(self, uid: str) -> list[str]:
        """What happened to one message, a line each, session by session; several users may have one of that name."""
        self._wait()
        return [line for user in dict.fromkeys(["", *self._users.values()]) for line in self._story(Message(user, uid))]

    def _story(self, message: Message) -> list[str]:
        of = self._of
        lines = [(sending.session, 0, str(sending)) for sending in self._sendings if of(*sending[:2]) == message]
        lines += [
            (session, 1, f"it was marked, and the session ended without UPDATE ({self._ends.get(session, 'open')})")
            for session, uid in self._marks
            if of(session, uid) == message
        ]
        lines += [(session, 2, "UPDATE deleted it") for session, uid in self._deletions if of(session, uid) == message]
        return [f"session {session}: {line}" for session, _, line in sorted(lines, key=lambda line: line[:2])]

    def _wait(self) -> None:
        if self._settle is not None:
            self._settle()

    def _of(self, session: int, uid: str) -> Message:
        """The message that has this name in this session."""
        return Message(self._users.get(session, ""), uid)

    def _delivered(self) -> list[Message]:
        """Those that were sent whole, in the order of their first time."""
        return list(
            dict.fromkeys(self._of(sending.session, sending.uid) for sending in self._sendings if sending.whole)
        )

    def _lost(self) -> list[Message]:
        """Those that were deleted without ever having been sent whole."""
        delivered = set(self._delivered())
        return [
            message for message in (self._of(*deletion) for deletion in self._deletions) if message not in delivered
        ]

    def _repeated(self, excused: Collection[str]) -> list[Message]:
        """Those that were sent whole again after a sending that nothing excuses."""
        before: set[Message] = set()
        repeated: dict[Message, None] = {}
        for sending in self._sendings:
            if sending.whole:
                message = self._of(sending.session, sending.uid)
                if message in before:
                    repeated[message] = None
                if self._ends.get(sending.session) not in excused:
                    before.add(message)
        return list(repeated)

    def _told(self, messages: Iterable[Message]) -> list[str]:
        """The stories of these messages, for an error text; whose they are, where there are several users."""
        several = len(set(self._users.values())) > 1
        lines = []
        for message in messages:
            lines.append(f"  message {message.uid}{f' of {message.user}' if several else ''}")
            lines += [f"    {line}" for line in self._story(message)]
        return lines
