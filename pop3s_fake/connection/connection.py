"""One conversation: TLS, protocol and transcript together, octets in and steps out.

Knows the order of things, from the ClientHello to the last octet, and nothing of sockets, threads or clocks: whoever
performs it feeds what came, and carries out the steps that :meth:`Connection.steps` gives, one after the other.  A
step has been performed when the generator is resumed.  Longer than 400 lines because the order of things is one.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Final

from pop3s_fake.clock import AUTOLOGOUT
from pop3s_fake.connection.clear import Clear
from pop3s_fake.connection.following import Follower
from pop3s_fake.connection.linting import Linting
from pop3s_fake.connection.manners import gathering, line_reader, session_for
from pop3s_fake.connection.notes import Notes
from pop3s_fake.connection.outcome import Greeted, Heard
from pop3s_fake.connection.ruled import Ruled, words
from pop3s_fake.connection.steps import EOF, End, Gone, Half, Receive, Send, Wait
from pop3s_fake.protocol.commands import plain
from pop3s_fake.protocol.lines import OVERLONG, Line, LineReader
from pop3s_fake.protocol.replies import PIECE, Repeating
from pop3s_fake.protocol.session import Facts, Session
from pop3s_fake.protocol.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from pop3s_fake import transcript
    from pop3s_fake.connection.outcome import Outcome
    from pop3s_fake.connection.ruled import Flights
    from pop3s_fake.connection.settings import Settings
    from pop3s_fake.connection.steps import Event, Step, Steps
    from pop3s_fake.maildrop import Maildrop
    from pop3s_fake.protocol.replies import Reply
    from pop3s_fake.protocol.sasl import Context
    from pop3s_fake.rules import Bound
    from pop3s_fake.tls.records import Records

__all__ = ("Connection",)


PATIENCE: Final = 3.0
"""Seconds after which a client that has not closed the connection behind QUIT is taken to have read the answer."""


class Connection:
    r"""One conversation as a pure object.

    >>> from pop3s_fake.connection import Settings
    >>> from pop3s_fake.maildrop import Account, Accounts
    >>> from pop3s_fake.transcript import Session as Log
    >>> settings = Settings(Accounts([Account("ann", "not-a-secret")]), now=lambda: 0.0)
    >>> connection = Connection(settings, Log(1, started=0.0))
    >>> steps = connection.steps()
    >>> next(steps).octets[:22], next(steps)
    (b'+OK POP3 server ready ', Receive(until=600.0))
    >>> connection.feed(b"QUIT\r\n")
    >>> list(steps)
    [Send(octets=b'+OK signing off\r\n'), End(how='fin')]
    """

    __slots__ = (
        "_ahead",
        "_eof",
        "_expired",
        "_fed",
        "_link",
        "_linting",
        "_nonces",
        "_notes",
        "_pending",
        "_ruled",
        "_rules",
        "_secure",
        "_session",
        "_settings",
        "_speaks",
        "log",
    )

    def __init__(self, settings: Settings, log: transcript.Session) -> None:
        self._settings = settings
        self.log: transcript.Session = log
        self._link: Records | Clear = Clear()
        self._ahead = b""
        """What came before the greeting went out, or with it."""
        self._pending = b""
        """What had come behind STLS."""
        self._eof = False
        self._expired = False
        self._nonces = count()
        self._fed = False
        self._notes = Notes(settings, log)
        self._ruled = Ruled(settings, log, self._notes)
        self._rules = None if settings.rules is None else settings.rules.session(log.number)
        self._secure = settings.records is not None and not settings.stls
        self._speaks = not self._secure
        """Whether anything can be said: TLS is up, or there is none."""
        session = session_for(settings, log, context=self._sasl, facts=self._facts)
        self._session: Session | Follower = session
        self._linting = Linting(settings, session, self._notes)

    def feed(self, event: bytes | Event) -> None:
        """Take what came; at any time, also in the middle of a reply: it waits for its turn."""
        if isinstance(event, bytes):
            self._link.feed(event)
            self._fed = True
        elif event is EOF:
            self._eof = True
            self._link.feed_eof()
        else:
            self._expired = True

    def close(self, why: str | None = None) -> None:
        """Free the lock and note the end, if that was not done; called always, any number of times."""
        self._session.close()
        self._end(Gone("server", why or "the server ended the connection"))

    def steps(self) -> Steps:
        """The whole conversation, one step at a time."""
        try:
            try:
                yield from self._moment("accept")
                if self._secure:
                    yield from self._handshake()
                yield from self._converse()
            except OSError as error:  # ssl.SSLError, without loading ssl for a conversation in clear
                broken = self._broken(error)
                if broken is None:
                    raise  # it comes from a function of the test's
                self._speaks = False
                raise broken from None
        except Gone as gone:
            self._session.close()
            self._end(gone)
            yield from self._leave(gone)

    def _broken(self, error: OSError) -> Gone | None:
        """What an error means for the conversation, if TLS has it."""
        if self._settings.records is None:
            return None
        from pop3s_fake.connection.handshake import broken_tls  # noqa: PLC0415  # one in clear does not load TLS

        return broken_tls(error, self.log)

    def _leave(self, gone: Gone) -> Steps:
        """Close the connection as it was decided; an orderly end has rules of its own."""
        try:
            try:
                if gone.ended in {"eof", "autologout"}:
                    yield from self._moment("close")
            except Gone as worse:
                gone = worse
            octets = self._link.take()
            mute = self._ruled.silent or not (self._speaks or self._settings.alerts)
            if gone.how == "fin" and gone.notify and not mute:
                octets += self._closure() if self._settings.notifies else b""
                if octets:
                    yield Send(octets)
        except Gone as worse:
            gone = worse
        yield End(gone.how)

    def _closure(self) -> bytes:
        """What closes TLS before TCP is closed, if that is the manner here."""
        return self._link.close_notify() if self._session.notifies else b""

    def _silence(self) -> Steps:
        """The client has said nothing for too long; raises :class:`Gone`, perhaps behind a word."""
        session, time = self._session, self._settings.now()
        farewell = session.farewell
        if farewell.status and not self._ruled.silent:
            yield Send(self._link.seal(farewell.status))
            self._notes.said(time, farewell, len(farewell.status))
        raise Gone("autologout", f"autologout: no command for {session.patience:g} seconds")

    def _moment(self, point: str) -> Steps:
        """A point that has no reply, under its rules."""
        bound = self._bound(point)
        if bound is not None:
            yield from self._ruled.moment(bound, self._link if self._speaks else None, self._maildrop)

    def _bound(self, point: str) -> Bound | None:
        """The rules that apply at a point that comes once."""
        if self._rules is None or point in self._rules.seen:
            return None
        return self._rules.bind(point, user=self._session.about, tls=self._secure)

    def _end(self, gone: Gone) -> None:
        """Note how and why it ended, if that was not done."""
        log = self.log
        if log.ended is None:
            log.happened(self._settings.now(), str(gone))
            log.ended = gone.ended
            self._notes.removed(self._session.removed)
            self._notes.ended(self._session.abandoned)
            self._linting.ended(log.ended)

    def _maildrop(self) -> Maildrop:
        """The stored maildrop that a rule changes: that of the user, before the login that of the first account."""
        accounts = self._settings.accounts
        account = accounts.get(self._session.about or "") or next(iter(accounts.values()))
        return account.maildrop

    # TLS

    def _handshake(self) -> Steps:
        """From clear to TLS; raises :class:`Gone` where nothing comes of it."""
        from pop3s_fake.connection.handshake import Around, handshake  # noqa: PLC0415  # one in clear does not load TLS

        assert isinstance(self._link, Clear)
        self._speaks = False
        until = self._settings.now() + AUTOLOGOUT
        prefix = "stls." if self._settings.stls else ""

        def flights() -> Flights | None:
            bound = self._bound(f"{prefix}handshake")
            return None if bound is None else self._ruled.handshake(bound, self._maildrop)

        around = Around(
            more=lambda: self._more(until),
            hello=lambda: self._moment(f"{prefix}hello"),
            certificate=lambda: self._ruled.certificate,
            begun=self._begin,
            flights=flights,
        )
        try:
            yield from handshake(self._settings, self.log, self._link, around)
        finally:
            self._linting.shaken(self.log.tls, self._ruled.certificate, upgrade=self._settings.stls)
        self._speaks = self._secure = True
        self._session.secured()
        bound = self._bound("secured")
        if bound is not None:
            octets = self._link.take()
            if octets:  # up to TLS 1.2 the handshake is over for the client only now
                yield Send(octets)
            yield from self._ruled.moment(bound, self._link, self._maildrop)

    def _begin(self, tls: Records) -> None:
        """From now on octets are TLS's."""
        self._link = tls
        if self._eof:
            tls.feed_eof()

    def _upgrade(self) -> Steps:
        """What STLS asked for (RFC 2595 section 4); what stands in clear behind it is forgotten."""
        ahead, voice = self._pending + self._link.read(), self._settings.voice
        if ahead and voice is not None and voice.manner.ends.stls_ahead != "forgotten":
            if voice.manner.ends.stls_ahead == "closes":
                raise Gone("server", "there was more behind STLS than a handshake", voice.manner.ends.unshaken)
            self._ahead = ahead
        if voice is not None and voice.manner.ends.stls_failed == "goes-on":
            yield from self._tried()
        else:
            yield from self._handshake()
        octets = self._link.take()
        if octets:
            yield Send(octets)
        self._fed = True
        self.log.happened(self._settings.now(), f"STLS: {self.log.tls}")

    def _tried(self) -> Steps:
        """A handshake behind which the conversation goes on in clear if nothing came of it."""
        try:
            yield from self._handshake()
        except (Gone, OSError) as error:
            gone = error if isinstance(error, Gone) else self._broken(error)
            octets = self._link.take()
            if octets:
                yield Send(octets)
            failed = gone is not None and self.log.tls.error is not None
            if not failed or self._eof or self._link.closed:
                raise
            self._link = Clear()
            self._speaks = True
            self._session.stay()

    def _more(self, until: float) -> Steps:
        """Wait for octets; raises :class:`Gone` where none come."""
        if self._expired:
            yield from self._silence()
        if self._eof or self._link.closed:
            raise Gone("eof", _CLOSED_WITHOUT_QUIT if self._speaks else "the client closed the connection")
        yield Receive(until)

    # POP3

    def _came(self) -> bool:
        """Whether octets came before the greeting: nothing is read while something is sent."""
        self._ahead += self._link.read()
        return bool(self._ahead)

    def _converse(self) -> Steps:
        """Greeting, commands and replies, to QUIT or the end."""
        if self._settings.dialogues is not None:
            dialogue = self._settings.dialogues.take(self.log.number)
            if dialogue is not None:
                self._session = Follower(dialogue)
                self._linting.follows(self._session)
        link, session, time = self._link, self._session, self._settings.now()
        bound = None if self._rules is None else self._rules.bind("greeting", tls=self._secure)
        if bound is None:
            greeting = session.greeting().octets()
            yield Send(link.take() + link.seal(greeting))  # TLS 1.3 tickets leave with the greeting
            self.log.said(time, greeting, len(greeting))
            self._linting.greeted(greeting, early=self._came())
        else:
            octets = link.take()
            if octets:
                yield Send(octets)
            outcome = Greeted(self._came)
            yield from self._under(bound, lambda: _only(session.greeting()), outcome)
            self._linting.greeted(outcome.clean, early=outcome.early)
            time = self._settings.now()
        if not session.open:  # a dialogue that is nothing but a greeting
            yield from self._part(None)
            return
        self._fed = True  # TLS itself may have something to say to what came with the end of the handshake
        while (yield from self._talk(time)):
            yield from self._upgrade()
            time = self._settings.now()

    def _talk(self, time: float) -> Generator[Step, None, bool]:  # noqa: C901, PLR0912, PLR0915  # one loop: it is what a session costs
        """Commands and replies, to the end, or to where TLS is to begin: then it is true; silence began at ``time``."""
        now, log, link, session = self._settings.now, self.log, self._link, self._session
        execute, read, seal = session.execute, link.read, link.seal
        linting = self._linting
        reader = line_reader(self._settings, session, linting.unfinished)
        lines: deque[Line] = deque(reader.feed(self._ahead))
        self._ahead = b""
        linting.reads(lines, reader)
        watched = linting.watched
        gathered = gathering(self._settings, seal)
        if gathered is not None:
            seal = gathered.seal
        bind = None if self._rules is None else self._rules.bind
        parted = False
        while True:
            while not lines:
                if self._fed:
                    octets = read()
                    self._fed = link.broken
                    if octets:
                        parted = bool(reader.rest)
                        if not parted:
                            linting.batch += 1
                        lines.extend(reader.feed(octets))
                    elif answer := link.take():  # TLS itself has something to say, such as no_renegotiation
                        yield Send(answer)
                elif reader.held:
                    lines.extend(reader.feed())
                elif self._expired:
                    yield from self._silence()
                elif self._eof or link.closed:
                    linting.ended(None, truncated=link.secure and not link.closed)
                    raise Gone("eof", _CLOSED_WITHOUT_QUIT)
                else:
                    if reader.rest and b"\n" in reader.rest:  # all before it was answered, and nothing ended with that
                        linting.unfinished(reader.rest)
                    yield Receive(time + session.patience)
            line = lines.popleft()
            time = now()
            known = plain(line) if line.__class__ is bytes else None  # else it is endless, or a piece
            if known is not None:
                log.heard(time, line, len(line) + 2)  # type: ignore[arg-type]  # what is known is no endless line
            else:
                self._notes.heard(time, line)
            if bind is not None:
                if self._ruled.asked and not isinstance(link, Clear):
                    self._ruled.asked = not self._notes.certified(link.facts().client_certificate)
                word, argument = (known.word, known.argument) if known is not None else words(line)
                bound = bind(word, argument, user=session.about, tls=self._secure, ahead=bool(lines), parted=parted)
                parted = False
                if bound is not None or self._ruled.silent:
                    if gathered is not None:
                        yield from gathered.sent()
                    told = yield from self._slowly(bound, line, reader, lines)
                    time = now()
                    if session.upgrading:
                        if told:
                            self._pending = _ahead(lines, reader)
                            return True
                        session.stay()
                    if session.state is State.UPDATE or not session.open:
                        yield from self._part(None)
                        return False
                    continue
            reply = execute(line)
            if known is None or lines or known.keyword in watched or not reply.positive:
                linting.heard(line)
                if session.exchange is not None:
                    if gathered is not None:
                        yield from gathered.sent()
                    reply = yield from self._authenticate(reply, reader, lines)
                    time = now()
                if session.delay:
                    yield Wait(session.delay)
                    time = now()
                if session.deaf:
                    lines.clear()
                    reader.forget()
                linting.answered(reply)
                if gathered is not None and lines and not reply.closes:
                    size = gathered.hold(reply)
                    self._notes.said(time, reply, size)
                    if reply.uid is not None:
                        self._notes.sent(reply, size, whole=True)
                        linting.fetched(reply, whole=True)
                    if session.user is not log.user:
                        self._notes.user(session.user)
                    continue
            if reply.closes and not session.upgrading:
                break
            if not reply.status:  # a dialogue, in which the client goes on
                continue
            payload = reply.payload
            size, whole = 0, False
            try:
                if payload is None or (payload.__class__ is bytes and len(payload) <= PIECE):
                    octets = reply.octets()
                    yield Send(seal(octets))
                    size = len(octets)
                else:
                    for piece in reply.pieces():
                        time = now()
                        yield Send(seal(piece))
                        size += len(piece)
                whole = True
            finally:
                if reply.uid is not None:
                    self._notes.sent(reply, size, whole=whole)
                    linting.fetched(reply, whole=whole)
            if reply.__class__ is Repeating:
                self._notes.said(time, reply, size)
            else:
                log.said(time, reply.status, size)
            if session.user is not log.user:
                self._notes.user(session.user)
            if reply.closes:
                self._pending = _ahead(lines, reader)
                return True
        self._notes.removed(session.removed)
        linting.removed(session.removed, left=self._eof or link.closed)
        if gathered is not None:
            yield from gathered.sent()
        yield from self._part(reply)
        return False

    # AUTH

    def _authenticate(self, reply: Reply, reader: LineReader, lines: deque[Line]) -> Generator[Step, None, Reply]:
        """The exchange that AUTH began, to the reply that ends it; ``reply`` is its first challenge."""
        from pop3s_fake.connection.authenticating import authenticate  # noqa: PLC0415  # for those who say AUTH

        assert isinstance(self._session, Session)

        def response() -> Generator[Step, None, Line]:
            line: Line | None = lines.popleft() if lines else None
            until = self._settings.now() + self._session.patience
            while line is None:
                if self._fed:
                    octets = self._link.read()
                    self._fed = self._link.broken
                    line = reader.response(octets)
                elif reader.held:
                    line = reader.response()
                else:
                    yield from self._more(until)
            return line

        return (
            yield from authenticate(
                self._session, reply, self._link, response, self._notes, self._linting, self._ruled, self._settings.now
            )
        )

    def _facts(self) -> Facts:
        """What TLS has brought."""
        link = self._link
        if isinstance(link, Clear):
            return Facts()
        return Facts(frozenset(link.bindings()), certificate=bool(link.identities()))

    def _sasl(self, offered: frozenset[str]) -> Context:
        """What a mechanism may know of this connection."""
        from pop3s_fake.connection.authenticating import sasl_context  # noqa: PLC0415  # for those who say AUTH

        secure = self._secure or not self._settings.stls
        return sasl_context(self._settings, self.log.serial, self._link, offered, self._nonces, secure=secure)

    def _part(self, reply: Reply | None) -> Steps:
        """The end after QUIT: the answer, if it was not given yet, and the closure alert in one write."""
        link, log = self._link, self.log
        answer = b"" if reply is None else reply.octets()
        time = self._settings.now()
        if self._session.uncommitted:
            if reply is not None and answer:
                yield Send(link.seal(answer))
                self._notes.said(time, reply, len(answer))
                answer = b""
            yield from self._taken()
        bound = self._bound("close")
        if bound is not None:
            if reply is not None and answer:
                yield Send(link.seal(answer))
                self._notes.said(time, reply, len(answer))
                answer = b""
            yield from self._ruled.moment(bound, link, self._maildrop)
        octets = link.seal(answer) if answer else b""
        if not self._ruled.silent:
            octets += self._closure()
        if octets:
            yield Send(octets)
        if reply is not None and answer:
            self._notes.said(time, reply, len(answer))
        log.ended = self._session.ended
        self._notes.ended(self._session.abandoned)
        self._linting.ended(log.ended)
        yield End("fin")

    def _taken(self) -> Steps:
        """UPDATE when the client has closed the connection, or has not for some time; a reset comes as `Gone`."""
        until = self._settings.now() + PATIENCE
        while not (self._eof or self._link.closed or self._expired):
            yield Receive(until)
            self._link.read()
        if not self._expired:
            yield Half()  # fails where the client has closed with the answer unread, which resets the connection
            self._ruled.fall_silent()
        self._session.commit()
        self._notes.removed(self._session.removed)

    def _slowly(
        self, bound: Bound | None, line: Line, reader: LineReader, lines: deque[Line]
    ) -> Generator[Step, None, bool]:
        """A command under rules, or behind a half-closed direction; tells whether the client heard ``+OK``."""
        session, linting, outcome = self._session, self._linting, Heard(self._came_meanwhile)
        linting.heard(line)
        early = False

        def execute() -> Generator[Step, None, Reply]:
            if session.aborts and words(line)[0] == "QUIT" and self._absent(reader):
                raise Gone("eof", "the client closed the connection before UPDATE")
            reply = session.execute(line)
            if session.exchange is not None:
                reply = yield from self._authenticate(reply, reader, lines)
            if session.delay:
                yield Wait(session.delay)
            if session.deaf:
                lines.clear()
                reader.forget()
            self._notes.user(session.user)
            self._notes.removed(session.removed)
            return reply

        if bound is None:
            yield from execute()
            self._ruled.unsaid()
            linting.answered(None)
            return False
        try:
            yield from self._under(bound, execute, outcome)
            early = outcome.early and self._ahead_of(reader)
        finally:
            linting.went_out(outcome, early=early)
            linting.removed(session.removed, left=outcome.early and (self._eof or self._link.closed))
        return outcome.status.startswith(b"+OK")

    def _came_meanwhile(self) -> bool:
        """Whether anything came while an answer was on its way."""
        return self._fed or self._eof

    def _absent(self, reader: LineReader) -> bool:
        """Whether the client is known to have closed the connection."""
        self._ahead_of(reader)
        return self._eof or self._link.closed

    def _ahead_of(self, reader: LineReader) -> bool:
        """Whether that is octets; they wait in the reader for their turn."""
        octets = self._link.read()
        self._fed = self._link.broken
        if octets:
            reader.rest += octets
            reader.held = True
        return bool(octets)

    def _under(self, bound: Bound, execute: Callable[[], Generator[Step, None, Reply]], outcome: Outcome) -> Steps:
        """One reply under rules, and what is noted of it, also where the conversation ends in it."""
        try:
            yield from self._ruled.reply(bound, self._link, execute, self._maildrop, outcome)
        finally:
            reply = outcome.reply
            if reply is not None:
                self._notes.sent(reply, outcome.size, whole=outcome.whole, damaged=outcome.damaged)
                if not outcome.damaged:
                    self._linting.fetched(reply, whole=outcome.whole)
            self._ruled.said(outcome)


def _ahead(lines: Iterable[Line], reader: LineReader) -> bytes:
    """What came behind the line in hand."""
    return b"\r\n".join([*(line for line in lines if line is not OVERLONG), reader.rest])


def _only(reply: Reply) -> Generator[Step, None, Reply]:
    """A reply for which nothing has to be done."""
    return reply
    yield  # makes it a generator


_CLOSED_WITHOUT_QUIT: Final = "the client closed the connection without QUIT"
