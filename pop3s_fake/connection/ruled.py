"""What rules do in a conversation: the operations of the pipeline as steps, and each strike in the transcript.

Knows how rules meet replies; must not know what any rule is about, nor the order of the conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pop3s_fake.connection import steps
from pop3s_fake.connection.lanes import MOST, Lane
from pop3s_fake.connection.outcome import Outcome
from pop3s_fake.connection.steps import Gone, Send, Wait
from pop3s_fake.errors import UsageError
from pop3s_fake.protocol.lines import OVERLONG, Line, Piece
from pop3s_fake.protocol.replies import TERMINATOR, stuffed
from pop3s_fake.rules import pipeline
from pop3s_fake.rules.actions import Tls
from pop3s_fake.rules.descent import Descent
from pop3s_fake.rules.operations import Call, Finish, HalfClose, Mail, Octets, Pause, Struck
from pop3s_fake.rules.placing import Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from pop3s_fake import transcript
    from pop3s_fake.connection.clear import Clear
    from pop3s_fake.connection.notes import Notes
    from pop3s_fake.connection.settings import Settings
    from pop3s_fake.connection.steps import Step, Steps
    from pop3s_fake.maildrop import Maildrop
    from pop3s_fake.protocol.replies import Reply
    from pop3s_fake.rules import Bound
    from pop3s_fake.rules.operations import Operation
    from pop3s_fake.rules.striking import Striking
    from pop3s_fake.tls.records import Records

    Link = Records | Clear
    Half = Literal["half-close", "half-tls", "half-tcp"]

__all__ = ("Flights", "Ruled", "parts_of_reply", "words")


def parts_of_reply(reply: Reply) -> Parts:
    """A reply as the pipeline wants it."""
    return Parts(reply.status, reply.raw, stuffed, TERMINATOR)


def words(line: Line) -> tuple[str, str]:
    """Keyword and argument of any line, for the rules; the argument of AUTH is its mechanism alone, in upper case.

    A piece in the middle of a line has no argument: it may be that of a password.

    >>> words(b"auth plain AGFubgBub3QtYS1zZWNyZXQ=")
    ('AUTH', 'PLAIN')
    """
    if line is OVERLONG:
        return "", ""
    keyword, _, argument = line.decode("latin-1").partition(" ")
    keyword = keyword.upper()
    if isinstance(line, Piece):
        return keyword, ""
    return keyword, argument.partition(" ")[0].upper() if keyword == "AUTH" else argument


class Ruled:
    """Carries out rules in one conversation."""

    __slots__ = ("_lane", "_log", "_notes", "_now", "_read", "_silent", "asked", "below", "certificate")

    def __init__(self, settings: Settings, log: transcript.Session, notes: Notes) -> None:
        self._notes = notes
        self._log = log
        self._now = settings.now
        self._read = settings.read
        self._silent = False
        self.below: bool = False
        """Whether the rules that are carried out now are about a layer below POP3."""
        self._lane: Lane | None = None
        self.certificate: str | None = None
        """The certificate that a rule wants shown."""
        self.asked: bool = False
        """Whether the client's certificate was asked for behind the handshake, and is not known to have come."""

    @property
    def silent(self) -> bool:
        """Whether our direction is closed, so that nothing can be sent any more."""
        return self._silent

    def fall_silent(self) -> None:
        """Our direction is closed, by no rule: nothing can be sent any more."""
        self._silent = True

    def reply(
        self,
        bound: Bound,
        link: Link,
        execute: Callable[[], Generator[Step, None, Reply]],
        maildrop: Callable[[], Maildrop],
        outcome: Outcome,
    ) -> Steps:
        """One command under its rules, from before its execution to behind its reply; fills in the outcome."""
        self._name_losers(bound)
        run = pipeline.before(bound, self._now)
        yield from self._carry_out(run, link, maildrop, outcome)
        outcome.harmed = outcome.damaged = outcome.damaged or run.damaged
        parts = run.answer
        if parts is None:
            outcome.reply = yield from execute()
            parts = parts_of_reply(outcome.reply)
        run = pipeline.reply(bound, parts, self._now)
        try:
            yield from self._carry_out(run, link, maildrop, outcome)
        finally:
            outcome.damaged = outcome.damaged or run.damaged
            outcome.harmed = outcome.harmed or run.damaged
            sent = run.sent_all and outcome.size == outcome.given
            outcome.whole = sent and not outcome.harmed and outcome.reply is not None and not outcome.unsaid

    def moment(self, bound: Bound, link: Link | None, maildrop: Callable[[], Maildrop]) -> Steps:
        """A point without a reply; without a link there is nothing over which anything could be sealed."""
        self._name_losers(bound)
        yield from self._carry_out(pipeline.moment(bound, self._now), link, maildrop, Outcome())

    def handshake(self, bound: Bound, maildrop: Callable[[], Maildrop]) -> Flights:
        """The server's side of a handshake, flight by flight."""
        self._name_losers(bound)
        return Flights(self, pipeline.moment(bound, self._now), maildrop)

    def said(self, outcome: Outcome) -> None:
        """Note what went out in place of a reply, and that something did not."""
        if outcome.size:
            self._notes.went_out(self._now(), outcome)
        if outcome.unsaid:
            self.unsaid()

    def unsaid(self) -> None:
        """Note that a reply, or the rest of one, was not sent."""
        self._log.happened(self._now(), "no reply can be sent: our direction is closed")

    def _name_losers(self, bound: Bound) -> None:
        """Note which rules do not have their way here, and because of which; here begins what they are bound to."""
        self._begin()
        for loser, winner in bound.losers:
            self._happened(f"rule {loser} gave way to {winner}")

    def _begin(self) -> None:
        """Keep the layers below of what is said now, if they are not kept anyway."""
        if self._log.layers == {"pop3"}:
            if self._lane is None:
                self._lane = Lane(self._log, "S", self._now)
            self._lane.begin(MOST)

    def _send(self, octets: bytes, link: Link | None) -> Send:
        """These octets go over the wire; before there is a link they belong to the handshake."""
        if self._lane is not None:
            self._lane.carry(octets, sealed=link is None or link.secure)
        return Send(octets)

    def _happened(self, what: str) -> None:
        octets = what.encode("utf-8", "surrogateescape")
        self._log.happened(self._now(), self._notes.hidden(octets).decode("utf-8", "surrogateescape"))

    def _carry_out(
        self, run: pipeline.Run, link: Link | None, maildrop: Callable[[], Maildrop], outcome: Outcome
    ) -> Generator[Step, None, None]:
        """One operation after the other, through the layers below where a rule is about them."""
        descent = self._descent(run.striking, link) if run.striking.bound.lower else None
        self.below = descent is not None
        try:
            for operation in run:
                if not isinstance(operation, Octets):
                    yield from self._through(descent, operation, link, maildrop, outcome)
                elif link is None or self._silent:
                    outcome.unsaid = True
                elif descent is None:
                    yield self._send(link.seal(operation.octets), link)
                    outcome.given += len(operation.octets)
                    outcome.sent(operation.octets)
                else:
                    outcome.given += len(operation.octets)
                    yield from self._through(descent, operation, link, maildrop, outcome)
            if descent is not None:
                for each in descent.finish():
                    yield from self.perform(each, link, maildrop, outcome)
        finally:
            run.close()
            if self._lane is not None:
                self._lane.end()
            if descent is not None:
                outcome.damaged = outcome.damaged or descent.damaged
                outcome.harmed = outcome.harmed or descent.harmed
                outcome.unsaid = outcome.unsaid or (self._silent and outcome.size < outcome.given)

    def _descent(self, striking: Striking, link: Link | None) -> Descent:
        """The layers below POP3, as far as there are any."""
        if link is None or not link.secure:
            return Descent(striking, None, secure=False)
        return Descent(striking, lambda octets: b"" if self._silent else link.seal(octets), secure=True)

    def _through(
        self,
        descent: Descent | None,
        operation: Operation,
        link: Link | None,
        maildrop: Callable[[], Maildrop],
        outcome: Outcome,
    ) -> Generator[Step, None, None]:
        """One operation on its way through the layers below, if there is anything for them to do."""
        for each in (operation,) if descent is None else descent.feed(operation):
            yield from self.perform(each, link, maildrop, outcome)

    def perform(  # noqa: C901  # one case for each operation
        self, operation: Operation, link: Link | None, maildrop: Callable[[], Maildrop], outcome: Outcome
    ) -> Generator[Step, None, None]:
        """One operation, as it comes out at the bottom."""
        match operation:
            case Octets() if self._silent:
                outcome.unsaid = True
            case Octets():
                if operation.octets:
                    yield self._send(operation.octets, link)
                outcome.sent(operation.says)
            case Struck():
                self._log.struck_below = self._log.struck_below or self.below
                layer = "" if operation.layer == "pop3" else f" of the {operation.layer.upper()} layer"
                whose = f"{operation.rule.origin}: " if operation.rule.origin else ""
                self._happened(f"{whose}rule {operation.rule} struck at octet {operation.octet}{layer}")
            case Pause():
                yield from _wait(operation.seconds)
            case Call():
                operation.function(self._log)
            case HalfClose():
                yield from self._half_close(link, operation.how)
            case Finish():
                raise _ended(operation.how)
            case Mail():
                self._change(maildrop(), operation)
            case Tls():
                yield from self._change_tls(operation, link)
            case _:  # it was for the layers below
                raise AssertionError(operation)

    def _half_close(self, link: Link | None, how: Half) -> Generator[Step, None, None]:
        """Close our direction: TLS's, where there is one, TCP's, or both."""
        if how != "half-tcp":
            notify = b"" if link is None else link.close_notify()
            if notify:
                yield self._send(notify, link)
            elif how == "half-tls":
                raise UsageError("end half-tls: the connection is in clear, so there is no TLS to close")
        if how != "half-tls":
            yield steps.Half()
        self._silent = True

    def _change_tls(self, tls: Tls, link: Link | None) -> Generator[Step, None, None]:
        """Send an alert in clear, choose the certificate that is about to be shown, or ask for the client's."""
        if tls.alert is not None:
            from pop3s_fake.tls.hello import alert  # noqa: PLC0415  # a conversation in clear does not load TLS

            yield self._send(alert(tls.alert), link)
        elif tls.certificate is not None:
            self.certificate = tls.certificate
        else:
            octets = None if link is None else link.request_certificate()
            if octets is None:
                raise UsageError(f"tls request-client-cert: {self._unasked()}")
            yield self._send(octets, link)
            self.asked = True

    def _unasked(self) -> str:
        """Why the client cannot be asked for its certificate now."""
        version = self._log.tls.version
        if version is None:
            return "the connection is in clear, so there is no TLS in which to ask"
        if version != "TLSv1.3":
            return (
                f"this is {version}, and only TLS 1.3 has authentication after the handshake (RFC 8446 section 4.6.2)"
            )
        return (
            "the client does not offer authentication after the handshake "
            "(RFC 8446 section 4.6.2), which Python's ssl does with context.post_handshake_auth = True"
        )

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


class Flights:
    """The octets of a handshake under its rules; all flights are counted together."""

    __slots__ = ("_descent", "_maildrop", "_outcome", "_ruled", "_run")

    def __init__(self, ruled: Ruled, run: pipeline.Run, maildrop: Callable[[], Maildrop]) -> None:
        self._ruled = ruled
        self._run = run
        self._maildrop = maildrop
        self._descent = Descent(run.striking, None, secure=True)
        ruled.below = run.striking.bound.lower
        self._outcome = Outcome()

    def send(self, octets: bytes) -> Steps:
        """One flight; what stands at the handshake without an offset comes before the first."""
        for operation in self._run:
            yield from self._down(self._descent.feed(operation))
        yield from self._down(self._descent.flight(octets))

    def finish(self) -> Steps:
        """The handshake is done."""
        yield from self._down(self._descent.finish())

    def close(self) -> None:
        """It is over, whether it was done or not."""
        self._run.close()

    def _down(self, operations: Iterable[Operation]) -> Steps:
        for operation in operations:
            yield from self._ruled.perform(operation, None, self._maildrop, self._outcome)


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
