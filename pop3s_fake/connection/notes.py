"""What is noted of a conversation: in the transcript, in the ledger, and as a complaint about the client.

Knows who is to be told what; must not know the order of the conversation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pop3s_fake.ledger import Sending
from pop3s_fake.masking import MASK, hidden, masked, shown
from pop3s_fake.protocol.lines import COMMAND_LIMIT, LINE_LIMIT, OVERLONG, Line, Piece
from pop3s_fake.protocol.replies import Repeating
from pop3s_fake.protocol.violations import requirement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pop3s_fake import transcript
    from pop3s_fake.connection.outcome import Outcome
    from pop3s_fake.connection.settings import Settings
    from pop3s_fake.maildrop import Accounts
    from pop3s_fake.protocol.replies import Reply

__all__ = ("Notes", "without_secrets")

_AUTH: Final = re.compile(rb"(?i:AUTH) ([A-Za-z0-9_-]{1,20})(?: ([^ ]+))?")
"""An AUTH line of a sound form; what is none may hold anything, and is shown as other lines are."""


_RESPONSE: Final = re.compile(rb"[A-Za-z0-9+/]{%d,}={0,2}[\r\n]*" % (COMMAND_LIMIT - 1))
"""What can be nothing but a response, also where there is no exchange any more."""

_CHANGED: Final = b"(what repeats the client's line, changed by a rule)"


def without_secrets(line: bytes, accounts: Accounts) -> str:
    """A line of the client's as it may be shown: no credentials, and none of these accounts' secrets."""
    return masked(line, accounts.secrets(), {user.name.encode() for user in accounts.values()})


class Notes:
    """The notes of one conversation."""

    __slots__ = ("_broken", "_discreet", "_log", "_mechanism", "_responses", "_settings")

    def __init__(self, settings: Settings, log: transcript.Session) -> None:
        self._settings = settings
        self._log = log
        self._broken: set[str] = set()
        self._mechanism = ""
        self._responses = 0
        self._discreet = False
        """Whether the line in hand is shown without what may be secret, and so are pieces that go on in it."""

    def heard(self, time: float, line: Line) -> None:
        """A line of the client's that may hold credentials."""
        log = self._log
        if line is OVERLONG:
            log.heard(time, f"(a line of more than {LINE_LIMIT} octets)", 0)
        elif self._discreet and isinstance(line, Piece):
            log.heard(time, MASK, len(line) + 2)
        elif line[:5].upper() == b"PASS ":
            self._discreet = True
            log.heard(time, f"{line[:4].decode()} {MASK}", len(line) + 2)
        elif line[:5].upper() == b"USER " and line[5:].decode("latin-1") in self._settings.accounts:
            self._discreet = False
            log.heard(time, line, len(line) + 2)
        elif line[:5].upper() == b"AUTH " and (auth := _AUTH.fullmatch(line)) is not None:
            self._discreet = True
            log.heard(time, line[: auth.end(1)].decode(), len(line) + 2)
            self._mechanism, self._responses = auth[1].decode("ascii"), 0
            if auth[2] is not None:
                self.responded(time, auth[2], octets=0)
        else:
            text = self.masked(line)
            self._discreet = text != shown(line)
            log.heard(time, text, len(line) + 2)

    def challenged(self, time: float, reply: Reply) -> None:
        """A challenge of the AUTH exchange that is under way."""
        from pop3s_fake.protocol.authentication import challenge_told  # noqa: PLC0415  # for those who say AUTH

        told = challenge_told(reply.status).encode()
        self._log.said(time, self.hidden(told).decode(), len(reply.status))  # as text: its octets are escaped already

    def responded(self, time: float, line: Line, octets: int | None = None) -> None:
        """A response of the client's: decoded, and without what is secret in it."""
        from pop3s_fake.protocol.authentication import response_told  # noqa: PLC0415  # for those who say AUTH

        told = response_told(self._mechanism, line, self._responses).encode()
        self._responses += 1
        self._discreet = True
        if octets is None:
            octets = 0 if line is OVERLONG else len(line) + 2
        self._log.responded(time, self.hidden(told).decode(), octets)

    def user(self, name: str | None) -> None:
        """Who is logged in now."""
        self._log.user = name
        if name is not None and self._settings.ledger is not None:
            self._settings.ledger.opened(self._log.number, name)

    def certified(self, name: str | None) -> bool:
        """Note the client's certificate that was asked for behind the handshake, if it has come by now."""
        if name is None:
            return False
        self._log.tls = self._log.tls._replace(client_certificate=name)
        self._log.happened(self._settings.now(), f"the client has shown its certificate {name!r}")
        return True

    def broke(self, row: str, said: str) -> None:
        """Note and tell, once a session, that the client broke this requirement by what it said, masked already."""
        if row in self._broken:
            return
        self._broken.add(row)
        asked, settings, log = requirement(row), self._settings, self._log
        log.happened(settings.now(), f"the client broke {row}")
        wanted = settings.strict == "should" or (settings.strict and asked.verdict == "fails")
        if wanted and row not in settings.allow and settings.complain is not None:
            settings.complain(asked.violation(log.number, said))

    def hidden(self, octets: bytes) -> bytes:
        """Octets of ours as they may be shown: a rule may tell a client its own password."""
        return hidden(octets, self._settings.accounts.secrets())

    def masked(self, line: bytes) -> str:
        """A line that may hold credentials, as it may be shown."""
        if self._discreet and isinstance(line, Piece):
            return MASK
        if self._mechanism and _RESPONSE.fullmatch(line):
            return MASK
        return without_secrets(line, self._settings.accounts)

    def said(self, time: float, reply: Reply, octets: int) -> None:
        """A reply that was sent as it is."""
        self._log.said(time, self._told(reply), octets)

    def went_out(self, time: float, outcome: Outcome) -> None:
        """What was sent in place of a reply."""
        reply, status = outcome.reply, outcome.status or b"(its first line did not come)"  # a rule dropped its record
        if reply is not None and (told := self._told(reply)) is not reply.status:
            status = told if reply.status.startswith(status) else _CHANGED
        self._log.said(time, self.hidden(status), outcome.size)

    def _told(self, reply: Reply) -> bytes:
        """The first line, without what it repeats of a line of which not all is shown."""
        if not isinstance(reply, Repeating):
            return reply.status
        line = reply.line
        whole = not isinstance(line, Piece) and self.masked(line) == shown(line)
        return reply.status if whole else reply.told

    def sent(self, reply: Reply, size: int, *, whole: bool, damaged: bool = False) -> None:
        """A reply that carries a message, and how much of it went out."""
        uid, ledger = reply.uid, self._settings.ledger
        if uid is None:
            return
        if whole:
            self._log.retrieved.append(uid)
        if ledger is not None:
            ledger.sent(Sending(self._log.number, uid, reply.announced, size, whole, damaged, reply.by))

    def removed(self, uids: Sequence[str]) -> None:
        """What UPDATE removed; told again, it is not noted again."""
        if uids and not self._log.deleted:
            self._log.deleted.extend(uids)
            if self._settings.ledger is not None:
                self._settings.ledger.removed(self._log.number, uids)

    def ended(self, abandoned: Sequence[str]) -> None:
        """How the session ended, with these messages still marked."""
        ledger, number = self._settings.ledger, self._log.number
        if ledger is not None:
            ledger.marked(number, abandoned)
            ledger.ended(number, self._log.ended or "server")
