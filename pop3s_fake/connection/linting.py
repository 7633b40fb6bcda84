"""What the client linter is told of one conversation, and who is told what it finds.

Knows when an answer was a clean one; must not know any requirement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.lines import OVERLONG, Line, Piece
from pop3s_fake.protocol.linting import Linter, Visit, first_line

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable, Sequence

    from pop3s_fake.connection.following import Follower
    from pop3s_fake.connection.notes import Notes
    from pop3s_fake.connection.outcome import Outcome
    from pop3s_fake.connection.settings import Settings
    from pop3s_fake.protocol.lines import LineReader
    from pop3s_fake.protocol.linting import Breach
    from pop3s_fake.protocol.replies import Reply
    from pop3s_fake.protocol.session import Session
    from pop3s_fake.transcript import Ended, TlsNotes

__all__ = ("Linting",)

_ALWAYS_LONG: Final = frozenset({b"RETR", b"TOP", b"CAPA"})
_LONG_ALONE: Final = frozenset({b"LIST", b"UIDL"})
"""Commands whose positive answer is more than one line: always, or without an argument."""


class Linting:
    """Between a conversation and its linter."""

    __slots__ = (
        "_line",
        "_lines",
        "_linter",
        "_notes",
        "_past",
        "_pending",
        "_reader",
        "_session",
        "_visit",
        "batch",
        "watched",
    )

    batch: int
    """How many times octets came."""
    watched: set[bytes]
    """The keywords of which the linter wants to hear also where all is well."""

    def __init__(self, settings: Settings, session: Session, notes: Notes) -> None:
        self._session: Session | Follower = session
        self._notes = notes
        self._linter = Linter(
            settings.accounts,
            offered=lambda: tuple(session.capabilities().decode("ascii").split("\r\n")[:-1]),
            messages=lambda: None if session.maildrop is None else session.maildrop.last_number,
            past=settings.past,
            certificate=settings.certificate,
            secure=settings.records is None,
        )
        self.watched = self._linter.watched
        self._past = settings.past
        self._visit: Visit | None = None
        self.batch = 0
        self._line: Line = b""
        self._pending = False
        self._lines: deque[Line] | None = None
        self._reader: LineReader | None = None

    def follows(self, dialogue: Follower) -> None:
        """A dialogue is followed, which may say anything: only the form of lines is looked at."""
        self._session = dialogue
        self._linter.distrust()

    # TLS

    def shaken(self, tls: TlsNotes, certificate: str | None, *, upgrade: bool) -> None:
        """There was a handshake, or none; ``certificate``: the one that a rule had shown, ``upgrade``: behind STLS."""
        linter = self._linter
        if tls.version is None:
            linter.failed()
        self._tell(linter.hello(tls.offered_versions, tls.offered_alpn, tls.server_name))
        if tls.error is None and tls.version is not None:
            self._tell(
                linter.secured(tls.version, certified=tls.client_certificate is not None, certificate=certificate)
            )
        elif upgrade and tls.error is not None and tls.error.startswith("the client speaks POP3 in clear"):
            self._tell(linter.unsecured(tls.error))

    # what is said

    def greeted(self, status: bytes | None, *, early: bool) -> None:
        """The greeting went out; ``early``: octets had come before it."""
        self._tell(self._linter.greeted(status, early=early))

    def reads(self, lines: deque[Line], reader: LineReader) -> None:
        """From where lines come."""
        self._lines, self._reader = lines, reader

    def unfinished(self, octets: bytes) -> None:
        """A line that is not finished holds a bare LF."""
        self._line = octets
        self._tell(self._linter.unfinished(octets))

    def heard(self, line: Line) -> None:
        """A line is to be answered."""
        self._line = line
        self._pending = bool(self._lines) or (self._reader is not None and bool(self._reader.rest))

    def answered(self, reply: Reply | None) -> None:
        """The answer is on its way as it is; None: there will be none."""
        payload = None if reply is None or not isinstance(reply.payload, bytes) else reply.payload
        self._answered(None if reply is None else reply.status, payload=payload)

    def went_out(self, outcome: Outcome, *, early: bool = False) -> None:
        """This went out in place of an answer, under rules; ``early``: more had come before it had gone out."""
        self._pending = self._pending or early
        status, reply = outcome.status, outcome.reply
        if not self._clean(outcome):
            self._answered(None)
            return
        own = b"" if reply is None else reply.status
        payload = reply.payload if outcome.whole and reply is not None and isinstance(reply.payload, bytes) else None
        self._answered(status, own=None if own == status else own, payload=payload)

    # mail

    def fetched(self, reply: Reply, *, whole: bool) -> None:
        """A message was sent, or the first part of it."""
        visit = self._visit
        if visit is None:
            user = self._session.user
            if user is None:
                return
            visit = self._visit = Visit(self._past, user)
        if reply.uid is not None:
            visit.sent(reply.uid, whole=whole)

    def removed(self, uids: Sequence[str], *, left: bool) -> None:
        """UPDATE removed these messages; ``left``: the client had closed the connection before that was answered."""
        user = self._session.user
        if uids and user is not None:
            self._tell(Visit(self._past, user).removed(uids) if self._visit is None else self._visit.removed(uids))
            if left:
                self._tell(self._linter.left())

    def ended(self, how: Ended | None, *, truncated: bool = False) -> None:
        """The conversation is over; ``truncated``: by the client, who did not close TLS before."""
        if truncated:
            self._tell(self._linter.truncated())
        if self._visit is not None and how is not None:
            self._visit.ended(how)

    def _clean(self, outcome: Outcome) -> bool:
        """Whether the client has got one whole answer and nothing else."""
        status, reply = outcome.status, outcome.reply
        if outcome.size == len(status):
            return status.endswith(b"\r\n") and not (status.startswith(b"+OK") and self._long())
        if not outcome.whole or reply is None or reply.payload is None:
            return False
        return not isinstance(reply.payload, bytes) or outcome.size == len(reply.octets())

    def _long(self) -> bool:
        """Whether the line in hand is answered by more than one."""
        if self._line is OVERLONG:
            return False
        keyword, _, rest = self._line.partition(b" ")
        keyword = keyword.upper()
        return keyword in _ALWAYS_LONG or (keyword in _LONG_ALONE and not rest)

    def _answered(self, told: bytes | None, *, own: bytes | None = None, payload: bytes | None = None) -> None:
        """Tell the linter."""
        self._tell(
            self._linter.answered(
                self._line,
                told,
                self._session.state,
                own=own,
                payload=payload,
                batch=self.batch,
                pending=self._pending,
            )
        )

    def _tell(self, breaches: Iterable[Breach]) -> None:
        """Tell whoever is to know what was broken."""
        for breach in breaches:
            self._notes.broke(breach.row, breach.said or self._shown())

    def _shown(self) -> str:
        """The line in hand as it may be shown."""
        line = self._line
        if line is OVERLONG:
            return "an endless line"
        return self._notes.masked(line if isinstance(line, Piece) else first_line(line))
