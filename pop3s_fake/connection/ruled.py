"""What rules do in a conversation: the operations of the pipeline as steps, and each strike in the transcript.

Knows how rules meet replies; must not know what any rule is about, nor the order of the conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pop3s_fake.connection.steps import Gone, Half, Send, Wait
from pop3s_fake.protocol.lines import OVERLONG, Line
from pop3s_fake.protocol.replies import TERMINATOR, stuffed
from pop3s_fake.rules import pipeline
from pop3s_fake.rules.operations import Call, Finish, HalfClose, Octets, Pause, Struck
from pop3s_fake.rules.placing import Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pop3s_fake import transcript
    from pop3s_fake.connection.clear import Clear
    from pop3s_fake.connection.settings import Settings
    from pop3s_fake.connection.steps import Step, Steps
    from pop3s_fake.maildrop import Maildrop
    from pop3s_fake.protocol.replies import Reply
    from pop3s_fake.rules import Bound
    from pop3s_fake.rules.actions import Mail
    from pop3s_fake.tls.records import Records

__all__ = ("Outcome", "Ruled", "parts_of_reply", "words")

HEAD: Final = 512
"""Octets of what was sent that are kept for the transcript: a first line has no more (RFC 1939 section 3)."""


class Outcome:
    """What really went out in place of one reply."""

    __slots__ = ("damaged", "head", "reply", "size", "unsaid", "whole")

    def __init__(self) -> None:
        self.head: bytes = b""
        """The first octets that were sent."""
        self.size: int = 0
        """How many octets were sent."""
        self.whole: bool = False
        """Whether that was the reply, to its last octet and without damage."""
        self.damaged: bool = False
        """Whether the client got other octets than those of the reply."""
        self.unsaid: bool = False
        """Whether octets did not go out, because nothing can be said any more, or yet."""
        self.reply: Reply | None = None
        """The reply of the command, if it was executed."""

    def sent(self, octets: bytes) -> None:
        """These went out."""
        self.size += len(octets)
        if len(self.head) < HEAD:
            self.head += octets[:HEAD]

    @property
    def status(self) -> bytes:
        """The first line that was sent."""
        end = self.head.find(b"\n") + 1
        return self.head[:end] if end else self.head


def parts_of_reply(reply: Reply) -> Parts:
    """A reply as the pipeline wants it."""
    return Parts(reply.status, reply.raw, stuffed, TERMINATOR)


def words(line: Line) -> tuple[str, str]:
    """Keyword and argument of any line, for the rules; the argument of AUTH is its mechanism alone, in upper case.

    >>> words(b"auth plain AGFubgBub3QtYS1zZWNyZXQ=")
    ('AUTH', 'PLAIN')
    """
    if line is OVERLONG:
        return "", ""
    keyword, _, argument = line.decode("latin-1").partition(" ")
    keyword = keyword.upper()
    return keyword, argument.partition(" ")[0].upper() if keyword == "AUTH" else argument


class Ruled:
    """Carries out rules in one conversation."""

    __slots__ = ("_hidden", "_log", "_now", "_read", "_silent")

    def __init__(self, settings: Settings, log: transcript.Session, hidden: Callable[[bytes], bytes]) -> None:
        """``hidden`` makes a rule's text, which may hold a password, fit to be shown."""
        self._hidden = hidden
        self._log = log
        self._now = settings.now
        self._read = settings.read
        self._silent = False

    @property
    def silent(self) -> bool:
        """Whether our direction is closed, so that nothing can be sent any more."""
        return self._silent

    def reply(
        self,
        bound: Bound,
        link: Records | Clear,
        execute: Callable[[], Generator[Step, None, Reply]],
        maildrop: Callable[[], Maildrop],
        outcome: Outcome,
    ) -> Steps:
        """One command under its rules, from before its execution to behind its reply; fills in the outcome."""
        self._name_losers(bound)
        run = pipeline.before(bound, self._now)
        yield from self._carry_out(run, link, maildrop, outcome)
        parts = run.answer
        if parts is None:
            outcome.reply = yield from execute()
            parts = parts_of_reply(outcome.reply)
        run = pipeline.reply(bound, parts, self._now)
        try:
            yield from self._carry_out(run, link, maildrop, outcome)
        finally:
            outcome.damaged = run.damaged
            outcome.whole = run.sent_all and not run.damaged and outcome.reply is not None and not outcome.unsaid

    def moment(self, bound: Bound, link: Records | Clear | None, maildrop: Callable[[], Maildrop]) -> Steps:
        """A point without a reply; without a link there is nothing over which anything could be said."""
        self._name_losers(bound)
        yield from self._carry_out(pipeline.moment(bound, self._now), link, maildrop, Outcome())

    def said(self, outcome: Outcome) -> None:
        """Note what went out in place of a reply, and that something did not."""
        if outcome.size:
            self._log.said(self._now(), self._hidden(outcome.status), outcome.size)
        if outcome.unsaid:
            self.unsaid()

    def unsaid(self) -> None:
        """Note that a reply, or the rest of one, was not sent."""
        self._log.happened(self._now(), "no reply can be sent: our direction is closed")

    def _name_losers(self, bound: Bound) -> None:
        """Note which rules do not have their way here, and because of which."""
        for loser, winner in bound.losers:
            self._happened(f"rule {loser} gave way to {winner}")

    def _happened(self, what: str) -> None:
        octets = what.encode("utf-8", "surrogateescape")
        self._log.happened(self._now(), self._hidden(octets).decode("utf-8", "surrogateescape"))

    def _carry_out(
        self, run: pipeline.Run, link: Records | Clear | None, maildrop: Callable[[], Maildrop], outcome: Outcome
    ) -> Generator[Step, None, None]:
        """One operation after the other."""
        try:
            for operation in run:
                match operation:
                    case Octets():
                        if link is None or self._silent:
                            outcome.unsaid = True
                        else:
                            yield Send(link.seal(operation.octets))
                            outcome.sent(operation.octets)
                    case Struck():
                        self._happened(f"rule {operation.rule} struck at octet {operation.octet}")
                    case Pause():
                        yield from _wait(operation.seconds)
                    case Call():
                        operation.function(self._log)
                    case HalfClose():
                        yield from self._half_close(link)
                    case Finish():
                        raise _ended(operation.how)
                    case _:
                        self._change(maildrop(), operation)
        finally:
            run.close()

    def _half_close(self, link: Records | Clear | None) -> Generator[Step, None, None]:
        """Close our direction: TLS's, where there is one, then TCP's."""
        notify = b"" if link is None else link.close_notify()
        if notify:
            yield Send(notify)
        yield Half()
        self._silent = True

    def _change(self, maildrop: Maildrop, mail: Mail) -> None:
        """Change the stored maildrop as a rule says; sessions that are open see what they saw."""
        if mail.renumber:
            maildrop.renumber()
        elif mail.remove is not None:
            maildrop.remove(mail.remove)
        elif mail.path is None:
            maildrop.add(mail.message)
        elif self._read is not None:
            maildrop.add(self._read(mail.path))


def _wait(seconds: float | None) -> Generator[Step, None, None]:
    """Wait; when the client closes the connection in a wait for ever, nothing comes after it."""
    yield Wait(seconds)
    if seconds is None:
        raise Gone("eof", "the client closed the connection in a wait without an end")


def _ended(how: Literal["clean", "fin", "rst"]) -> Gone:
    """The end that a rule asked for."""
    return Gone(
        "server", f"a rule ended the connection ({how})", "rst" if how == "rst" else "fin", notify=how == "clean"
    )
