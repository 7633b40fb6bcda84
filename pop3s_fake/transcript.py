"""What was really said: sessions, commands, entries, the queries that tests ask, and the rendering that people read.

Knows how a conversation is noted and shown; must not know who carries it or what the words mean.  Entries are plain
tuples while the conversation runs; everything that people see is made from them when somebody asks.
Longer than 400 lines because what is noted, asked for and shown is one thing.
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.masking import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableSequence, Sequence

__all__ = ("Below", "Ended", "Entry", "Layer", "Session", "TlsNotes", "Transcript")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

Ended = Literal["quit", "eof", "reset", "autologout", "server"]
"""How a session ended: by QUIT, by the client's closing, its reset, the autologout timer, or the server's doing."""

Layer = Literal["pop3", "tls", "tcp"]
"""The layers that a transcript can show: lines, records, and what was written to the socket or read from it."""

Kind = Literal["C", "R", "S", "-"]

_LAYERS: Final[tuple[Layer, ...]] = get_args(Layer)
_LINES: Final[frozenset[Layer]] = frozenset({"pop3"})

_OFTEN: Final = 4
"""How often the same is told before it is told once."""


class Entry(NamedTuple):
    """One line of a session: what the client said (C), the server's first line (S), or what happened (-).

    What the client said in an AUTH exchange is no command: it is a response (R), shown decoded and masked.
    """

    time: float
    """Seconds on the server's clock."""
    kind: Kind
    text: str
    """The line without its CRLF, credentials masked, odd octets escaped."""
    octets: int
    """Octets of the whole line or reply, its CRLF, payload and terminator counted; 0 for a happening."""


class Below(NamedTuple):
    """One write, read or record, on its layer below POP3."""

    time: float
    """Seconds on the server's clock."""
    kind: Literal["C", "S"]
    """Whose octets these are."""
    layer: Literal["tls", "tcp"]
    text: str
    """Such as "application_data, 245 octets, in 2 segments"; the octets of a record without its header."""
    before: int
    """How many entries of the session there were."""


class TlsNotes(NamedTuple):
    """What TLS was agreed on, and what the client had offered."""

    version: str | None = None
    """Such as "TLSv1.3"; None without TLS."""
    cipher: str | None = None
    """In OpenSSL's words, such as "TLS_AES_256_GCM_SHA384"."""
    alpn: str | None = None
    """The protocol that was agreed on, "pop3"; None if the client offered none."""
    server_name: str | None = None
    """The host name that the client asked for (SNI)."""
    offered_alpn: tuple[str, ...] = ()
    """The protocols that the client offered, in its order."""
    offered_versions: tuple[str, ...] = ()
    """The versions that the client offered, in its order."""
    resumed: bool = False
    """Whether it came back with a ticket or session of an earlier connection."""
    client_certificate: str | None = None
    """The common name of the client's certificate, if it showed one that was verified."""
    error: str | None = None
    """Why there was no handshake, in OpenSSL's words; None if there was one."""

    def __str__(self) -> str:
        """The facts that people look for, in one phrase."""
        if self.error is not None:
            return f"no TLS: {self.error}"
        parts = [self.version or "no TLS", self.cipher or "", f"alpn={self.alpn}" if self.alpn else ""]
        if self.client_certificate:
            parts.append(f"client certificate {self.client_certificate!r}")
        return " ".join(filter(None, parts))


class Session:
    r"""One connection, from its acceptance to its end.

    The attributes may be read at any time; while the connection is open they tell how it stands.

    >>> session = Session(1, started=0.0)
    >>> session.heard(0.1, "RETR 2", 8)
    >>> session.said(0.2, b"+OK 120 octets\r\n", 143)
    >>> session.commands, session.keywords
    (['RETR 2'], ['RETR'])
    """

    number: int
    """From 1, in the order in which the server accepted; a reset begins anew."""
    serial: int
    """The same, but never anew."""
    started: float
    """When it was accepted, in seconds on the server's clock."""
    user: str | None
    """Who logged in; None while nobody has."""
    retrieved: list[str]
    """The unique-ids that RETR, or a TOP of all lines, sent whole, in order."""
    deleted: list[str]
    """The unique-ids that UPDATE removed, in the order of their numbers."""
    ended: Ended | None
    """How it ended; None while it is open."""
    tls: TlsNotes
    below: MutableSequence[Below]
    """What is kept of the layers below POP3: see :attr:`Transcript.layers`."""
    layers: frozenset[Layer]
    """The layers that were asked for when it began."""
    struck_below: bool
    """Whether a rule struck that is about a layer below POP3."""
    __slots__ = (
        "_entries",
        "below",
        "deleted",
        "disconnector",
        "ended",
        "follower",
        "layers",
        "number",
        "retrieved",
        "serial",
        "started",
        "struck_below",
        "tls",
        "user",
        "watch",
    )

    def __init__(self, number: int, *, started: float, serial: int | None = None, remembers: bool = True) -> None:
        self.serial: int = number if serial is None else serial
        self.number = number
        self.started = started
        self.user = None
        self.retrieved = []
        self.deleted = []
        self.ended = None
        self.tls = TlsNotes()
        self.below = [] if remembers else deque(maxlen=0)
        self.layers = _LINES
        self.struck_below = False
        self.disconnector: Callable[[str], None] | None = None
        self.watch: Callable[[], None] | None = None
        self.follower: Callable[[Session, Entry], object] | None = None
        self._entries: MutableSequence[tuple[float, Kind, str | bytes, int]] = [] if remembers else deque(maxlen=0)

    def __repr__(self) -> str:
        """How it stands, in short."""
        count = len(self.commands)
        said = f"{count} {'command' if count == 1 else 'commands'}"
        return f"<Session {self.number}: {self.user or 'nobody'}, {said}, {self._state()}>"

    # written by the connection

    def heard(self, time: float, line: str | bytes, octets: int) -> None:
        """Note a line of the client's, credentials already masked."""
        self._entries.append((time, "C", line, octets))
        if self.follower is not None:
            self._tell(time, "C", line, octets)
        if self.watch is not None:
            self.watch()

    def said(self, time: float, status: bytes | str, octets: int) -> None:
        """Note a reply that was sent whole, by its first line, or by what is shown for it."""
        self._entries.append((time, "S", status, octets))
        if self.follower is not None:
            self._tell(time, "S", status, octets)

    def responded(self, time: float, text: str, octets: int) -> None:
        """Note a response of an AUTH exchange, decoded and masked; one that stood in the AUTH line has no octets."""
        self._entries.append((time, "R", text, octets))
        if self.follower is not None:
            self._tell(time, "R", text, octets)

    def happened(self, time: float, what: str) -> None:
        """Note something that is no line of either side."""
        self._entries.append((time, "-", what, 0))
        if self.follower is not None:
            self._tell(time, "-", what, 0)

    def carried(self, time: float, kind: Literal["C", "S"], layer: Literal["tls", "tcp"], text: str) -> None:
        """Note a record, or octets that were written or read at once."""
        self.below.append(Below(time, kind, layer, text, len(self._entries)))

    def _tell(self, time: float, kind: Kind, text: str | bytes, octets: int) -> None:
        """Tell the follower, whose own troubles are no trouble of the session's."""
        if self.follower is not None:
            with contextlib.suppress(Exception):
                self.follower(self, _entry(time, kind, text, octets))

    # asked by tests

    @property
    def entries(self) -> list[Entry]:
        """All lines and happenings so far, in order."""
        return [_entry(time, kind, text, octets) for time, kind, text, octets in list(self._entries)]

    @property
    def commands(self) -> list[str]:
        """The client's lines in order, credentials masked: ``["USER ann", "PASS ****", "RETR 2"]``."""
        return [
            text if isinstance(text, str) else _line(text) for _, kind, text, _ in list(self._entries) if kind == "C"
        ]

    @property
    def keywords(self) -> list[str]:
        """The keywords of the client's lines in order, in upper case."""
        return [command.partition(" ")[0].upper() for command in self.commands if not command.startswith("(")]

    def disconnect(self, how: Literal["fin", "rst"] = "fin") -> None:
        """End this connection now, from the server's side; nothing is deleted.  Does nothing if it has ended."""
        if how not in {"fin", "rst"}:
            raise UsageError(f"a session cannot be disconnected by {how!r}{nearest(str(how), ('fin', 'rst'))}")
        if self.ended is None and self.disconnector is not None:
            self.disconnector(how)

    def lines(self, layers: Iterable[Layer] | None = None) -> list[str]:
        """The session as people read it: a heading, then a line for each entry.

        ``layers``: those to show; left out, those that were asked for, and all of them where a rule of a layer below
        POP3 struck.
        """
        wanted = frozenset(_LAYERS if self.struck_below else self.layers) if layers is None else frozenset(layers)
        head = f"session {self.number}: {self.user or 'nobody logged in'}, {self.tls}, {self._state()}"
        told = [head]
        below = deque(each for each in list(self.below) if each.layer in wanted)
        for number, entry in enumerate(self.entries):
            told += _told(below, number, self.started)
            if "pop3" in wanted:
                told.append(_shown(entry, self.started))
        return told + _told(below, None, self.started)

    def _state(self) -> str:
        return "open" if self.ended is None else f"ended: {self.ended}"


def _entry(time: float, kind: Kind, text: str | bytes, octets: int) -> Entry:
    return Entry(time, kind, text if isinstance(text, str) else _line(text), octets)


def _line(status: bytes) -> str:
    return shown(status.removesuffix(b"\r\n"))


def _shown(entry: Entry, started: float) -> str:
    """One entry as people read it; the octets stand there where the first line does not tell them."""
    time = f"{entry.time - started:9.3f}"
    if entry.kind == "R":
        return f"{time} C  (response) {entry.text}"
    if entry.kind == "S" and entry.octets > len(entry.text) + 2 and not entry.text.startswith("+ "):
        return f"{time} S  {entry.text}   [{entry.octets} octets]"
    return f"{time} {entry.kind}  {entry.text}"


def _told(below: deque[Below], number: int | None, started: float) -> list[str]:
    """What lies before the entry with this number, or before the end; taken out, and what repeats itself told once."""
    run = []
    while below and (number is None or below[0].before <= number):
        run.append(below.popleft())
    told: list[str] = []
    words = [each[1:4] for each in run]
    at = 0
    while at < len(run):
        period, times = next(
            ((period, times) for period in (1, 2) if (times := _repeated(words, at, period)) >= _OFTEN), (1, 1)
        )
        told += [
            f"{each.time - started:9.3f} {each.kind}    {each.layer}  {each.text}" for each in run[at : at + period]
        ]
        if times > 1:
            told.append(f"{'':14} and the same {times - 1} times more")
        at += period * times
    return told


def _repeated(words: Sequence[object], at: int, period: int) -> int:
    """How often so many of these words follow each other from here on."""
    first = words[at : at + period]
    times = 1
    while words[at + times * period : at + (times + 1) * period] == first:
        times += 1
    return times


class Transcript:
    """All sessions of one server, in the order in which they began.

    Reading waits until the server has read and answered what the client has sent, so that a test sees what its
    client did, without sleeping.

    >>> transcript = Transcript()
    >>> transcript.keywords, transcript.ever("PASS")
    ([], False)
    """

    remembers: bool
    """Whether the sessions can be asked for; else they are forgotten as they go on."""
    heading: str
    """What stands above all when it is shown, such as the case that the server is; "" for nothing."""
    __slots__ = ("_begun", "_follower", "_layers", "_sessions", "_settle", "heading", "remembers")

    def __init__(self, settle: Callable[[], None] | None = None) -> None:
        """Call ``settle`` before anything is read."""
        self._sessions: list[Session] = []
        self._begun = 0
        self.remembers = True
        self._follower: Callable[[Session, Entry], object] | None = None
        self._settle = settle
        self.heading = ""
        self._layers = _LINES

    def __repr__(self) -> str:
        """The number of sessions; does not wait."""
        count = len(self._sessions)
        return f"<Transcript: {count} {'session' if count == 1 else 'sessions'}>"

    def begin(self, started: float) -> Session:
        """A new session; called by the server, from one thread."""
        self._begun += 1
        number = len(self._sessions) + 1 if self.remembers else self._begun
        session = Session(number, started=started, serial=self._begun, remembers=self.remembers)
        session.follower = self._follower
        session.layers = self._layers
        if self.remembers:
            self._sessions.append(session)
        return session

    def follow(self, callback: Callable[[Session, Entry], object], *, remember: bool = True) -> None:
        """Hear each entry as it is noted, of the sessions that begin from now on; a second follower replaces the first.

        Without ``remember`` nothing else is kept of them, so that a server may run for ever.

        ``callback(session, entry)`` is called in the session's own thread, which waits for it: it should do no more
        than put the entry somewhere.  What it raises is dropped.

        >>> transcript = Transcript()
        >>> transcript.follow(lambda session, entry: print(session.number, entry.text))
        >>> transcript.begin(0.0).heard(0.1, "NOOP", 6)
        1 NOOP
        """
        self._follower = callback
        self.remembers = remember

    def clear(self) -> None:
        """Forget all sessions; those that are still open go on unseen."""
        self._sessions = []

    def peek(self) -> Sequence[Session]:
        """The sessions as they stand, without waiting."""
        return tuple(self._sessions)

    @property
    def sessions(self) -> Sequence[Session]:
        """The sessions, the first one first."""
        if self._settle is not None:
            self._settle()
        return tuple(self._sessions)

    @property
    def last_session(self) -> Session:
        """The session that began last; a :class:`UsageError` where there was none."""
        sessions = self.sessions
        if not sessions:
            raise UsageError("there is no last session: no client has connected")
        return sessions[-1]

    @property
    def commands(self) -> list[str]:
        """The commands of all sessions, session by session: ``["USER ann", "PASS ****", "RETR 2"]``."""
        return [command for session in self.sessions for command in session.commands]

    @property
    def keywords(self) -> list[str]:
        """The keywords of all sessions, session by session, in upper case."""
        return [keyword for session in self.sessions for keyword in session.keywords]

    def ever(self, keyword: str) -> bool:
        """Whether any session sent this keyword; upper and lower case are the same."""
        return keyword.upper() in self.keywords

    @property
    def layers(self) -> frozenset[Layer]:
        """The layers that are kept of all that is said, for sessions that begin from now on: at first ``("pop3",)``.

        The others are ``"tls"``, records, and ``"tcp"``, what was written or read at once.  Where they are not asked
        for they are kept of what a rule is bound to, up to a thousand entries for each reply.

        >>> transcript = Transcript()
        >>> transcript.layers = ("pop3", "tls")
        >>> sorted(transcript.layers)
        ['pop3', 'tls']
        """
        return self._layers

    @layers.setter
    def layers(self, layers: Iterable[Layer]) -> None:
        self._layers = _check(layers)

    def render(self, layers: Iterable[Layer] = ("pop3",)) -> str:
        """All of it as text for people, passwords masked; "" where nobody connected.

        ``layers``: what to show of it, as far as it was kept (see :attr:`layers`); each is known by its word.
        """
        wanted = _check(layers)
        told = [line for session in self.sessions for line in session.lines(wanted)]
        return "\n".join([self.heading, *told] if told and self.heading else told)


def _check(layers: Iterable[Layer]) -> frozenset[Layer]:
    """The layers as a set; those that are not there are refused."""
    if isinstance(layers, str):
        raise UsageError(f"layers= is a list, not the text {layers!r}")
    wanted = tuple(layers)
    for layer in wanted:
        if layer not in _LAYERS:
            raise UsageError(f"unknown layer {layer!r} of the transcript{nearest(str(layer), _LAYERS)}")
    return frozenset(wanted)
