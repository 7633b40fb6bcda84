"""A session that reads and words things as some other server does.

Knows how outcomes become replies; what the commands do is :class:`Session`'s, and the settings are ``manner``'s.  Must
not know which server it is, how octets come and go, nor the time.
Longer than 400 lines because every outcome passes here, from before a command is tried to what follows from it.
"""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING, Any, Final, Literal

from pop3s_fake.protocol import replies
from pop3s_fake.protocol.bending import Bending
from pop3s_fake.protocol.lines import OVERLONG, Line, Piece
from pop3s_fake.protocol.replies import Repeating, Reply, told
from pop3s_fake.protocol.scene import Scene, Text
from pop3s_fake.protocol.states import State
from pop3s_fake.protocol.understanding import Said
from pop3s_fake.protocol.wording import REFUSALS, overwritten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pop3s_fake.maildrop import Accounts, OpenMaildrop
    from pop3s_fake.protocol.loose import LooseReader
    from pop3s_fake.protocol.manner import Outcome
    from pop3s_fake.protocol.transaction import Handlers
    from pop3s_fake.protocol.wording import Voice

__all__ = ("Mannered",)

_RESPONSES: Final[dict[Outcome, Outcome]] = {"not_base64": "response_not_base64", "too_long": "response_too_long"}
"""What is worded otherwise where it is about a line of an AUTH exchange."""

_ALPHABET: Final = re.compile(rb"[A-Za-z0-9+/=]*")
_UNKNOWN: Final[frozenset[Outcome]] = frozenset({"unknown", "empty", "blank", "wrong_state"})
_LOGINS: Final = frozenset({"PASS", "APOP", "AUTH"})
_DATA: Final = frozenset({"STAT", "LAST"})
_ONE: Final = frozenset({"LIST", "UIDL"})
"""The commands that are answered with data in one line: these if they have a number."""

_NOTHING: Final = Said("")
"""What was said before anything was."""


class Mannered(Bending):
    r"""The state machine of one connection, in the manner of a :class:`Voice`.

    >>> from pop3s_fake.maildrop import Account, Accounts
    >>> from pop3s_fake.protocol.manner import Manner, Place, Texts
    >>> from pop3s_fake.protocol.wording import Voice
    >>> manner = Manner(before=Place(commands=("USER",)), replies={"USER": Texts({"ok": "+OK {argument}?"})})
    >>> session = Mannered(Accounts([Account("ann", "not-a-secret")]), voice=Voice(manner), tokens=dict)
    >>> session.execute(b"USER ann").octets(), session.execute(b"STAT").octets()
    (b'+OK ann?\r\n', b'-ERR unknown command\r\n')
    """

    __slots__ = (
        "_bad",
        "_closed",
        "_gone",
        "_idle",
        "_line",
        "_said",
        "_scene",
        "_until",
        "_withheld",
        "deaf",
        "delay",
        "reader",
    )

    deaf: bool
    delay: float
    reader: LooseReader | None
    """Where its lines come from; what may be longest is told to it."""

    def __init__(
        self, accounts: Accounts, *, voice: Voice, tokens: Callable[[], Mapping[str, str]], **others: Any
    ) -> None:
        """Begin in AUTHORIZATION; ``tokens``: what texts may hold of this connection, ``others``: as for a session."""
        self._voice = voice
        self._tokens = tokens
        self._line = b""
        self._said = _NOTHING
        self._bad = 0
        self._gone = 0
        self.reader = None
        self.delay = 0.0
        self._closed = False
        self._withheld: bytes | None = None
        super().__init__(accounts, **others)

    @property
    def longest(self) -> int:
        """Octets of the longest line that is read now."""
        return self._scene.place.line

    @property
    def ended(self) -> Literal["quit", "server"]:
        """How a conversation ends whose last word is this session's."""
        return "server" if self._closed else super().ended

    @property
    def patience(self) -> float:  # type: ignore[override]  # nobody sets it from without
        """Seconds of silence after which it ends now."""
        return self._idle if self._until is inf else max(0.0, min(self._idle, self._until - self._time()))

    @property
    def farewell(self) -> Reply:  # type: ignore[override]  # the same
        """What is said then."""
        return self._filled(self._scene.farewell)

    @property
    def notifies(self) -> bool:  # type: ignore[override]  # the same
        """Whether TLS is closed before TCP."""
        return self._voice.manner.ends.close_notify

    @property
    def gap(self) -> bytes:  # type: ignore[override]  # the same
        """What TOP sends between a header and lines of the body."""
        return b"\r\n" if self._voice.manner.storage.gap else b""

    def _time(self) -> float:
        return 0.0 if self._now is None else self._now()

    def secured(self) -> None:
        """There is TLS now."""
        name = self._name
        super().secured()
        if self._voice.manner.login.over_stls == "kept":
            self._name = name

    def greeting(self) -> Reply:
        """The first line, or what one connection too many is sent away with."""
        if not self._voice.comes(self):
            greeting = self._voice.manner.greeting
            return self._closing(self._filled(Text(greeting.full)))
        return self._greeted()

    def _greeted(self) -> Reply:
        """The first line."""
        return self._filled(self._voice.greeting)

    def close(self) -> None:
        """End the session, which makes room for another."""
        super().close()
        self._voice.goes(self)

    def execute(self, line: Line) -> Reply:
        """Carry out one line and answer it."""
        scene = self._scene
        self.delay, self.deaf = 0.0, scene.deaf
        self._line = b"" if line is OVERLONG else line
        usual = scene.usual.get(line)
        if usual is None or self._name is not None or self._withheld is not None or self._bad:
            return self._carry_out(line, scene)
        self._said, word, text = usual
        reply = self._handlers[word](self, *self._said.values)
        if not reply.status.startswith(b"+OK"):
            outcome = self._outcome(reply)
            return self._done(self._worded(reply, outcome), outcome)
        return reply if text is None else self._saying(text, reply)

    def _carry_out(self, line: Line, scene: Scene) -> Reply:
        """The same for any line."""
        if line is OVERLONG:
            self._said = _NOTHING
            return self._done(self._told("too_long"), "too_long")
        if self._withheld is not None:
            line, self._withheld = self._withheld, None
            self._line = line
        if scene.whole is not None and len(line) > scene.whole:
            reply = self.execute(line[: scene.whole])
            return overwritten(line, scene.whole, reply)
        said = self._said = scene.understood(line)
        if said.number is not None or self._name is not None or said.outcome != "ok":
            if said.outcome == "hidden":
                self._withheld = Piece(said.typed) if isinstance(line, Piece) else said.typed
                return Reply(b"")
            outcome = self._before(said)
            if outcome != "ok":
                return self._done(self._told(outcome), outcome)
            if self._voice.manner.login.between != "kept" and said.keyword != "PASS":
                self._name = None
        reply = self._handlers[said.keyword.encode()](self, *said.values)
        if said.number and reply.positive and said.keyword in self._voice.manner.answers.noted:
            self._highest = max(self._highest, said.number)
        outcome = self._outcome(reply)
        return self._done(self._worded(reply, outcome), outcome)

    def respond(self, line: Line) -> Reply:
        """Take a line of the AUTH exchange that is under way, and answer it."""
        self.delay, self.deaf = 0.0, self._scene.deaf
        assert self.exchange is not None
        reply = self._went_on(self.exchange, self.exchange.respond(line))
        outcome: Outcome = "too_long" if reply is replies.OVERLONG_LINE else self._outcome(reply)
        outcome = _RESPONSES.get(outcome, outcome)
        if outcome == "response_not_base64" and isinstance(line, bytes) and _ALPHABET.fullmatch(line):
            outcome = "response_unpadded"
        return self._done(self._worded(reply, outcome), outcome)

    # what is said

    def _before(self, said: Said) -> Outcome:
        """Whether it can be carried out, or why not, as far as that is known before it is tried."""
        outcome = said.outcome
        between = self._voice.manner.login.between
        if between == "refused" and self._name is not None and said.keyword not in {"PASS", "QUIT"}:
            self._name = None
            return "unknown"
        manner = self._voice.manner
        first = (manner.top or manner.numbers).lines_first
        early = first == "always" or (first == "unparted" and outcome == "lines_missing")
        if (
            said.number is not None
            and not (early and outcome.startswith("lines"))
            and (outcome == "ok" or outcome.startswith("lines"))
        ):
            maildrop = self._open_maildrop
            number = said.number
            if maildrop.octets(number) is None or (said.keyword == "DELE" and maildrop.is_marked(number)):
                return _missing(maildrop, number)
            if said.keyword in {"RETR", "TOP"} and outcome == "ok" and self._expunged(number):
                return "expunged"
        if outcome == "malformed" and self._voice.manner.login.malformed_apop == "names":
            self._name = self._known(said.argument.decode("utf-8", "replace").partition(" ")[0])
        if outcome == "ok" and said.keyword == "USER" and self._name is not None:
            again = self._voice.manner.login.user_again
            if again != "replaces":
                self._name = None if again == "lost" else self._name
                return "again"
        if outcome not in {"ok", "listing"} and between == "lost":
            self._name = None
        return outcome

    def _expunged(self, number: int) -> bool:
        """Whether the message was removed meanwhile, and this server minds."""
        return self._voice.manner.storage.expunged == "told" and self._open_maildrop.vanished(number)

    def _outcome(self, reply: Reply) -> Outcome:
        """How a command of ours ended."""
        if self.exchange is not None:
            return "ok"
        keyword = self._said.keyword
        if reply.status.startswith(b"+OK"):
            if keyword == "QUIT":
                return "early" if self.state is State.AUTHORIZATION else "deleting" if self.removed else "ok"
            data = keyword in _DATA or (keyword in _ONE and self._said.number is not None)
            return "one" if data and reply.payload is None else "ok"
        if keyword == "QUIT":
            return "kept"
        told = REFUSALS.get(reply, "failed")
        return "bad_response" if told == "failed" and not reply.status.startswith(b"-ERR [") else told

    def _worded(self, reply: Reply, outcome: Outcome) -> Reply:
        """A reply of ours in the words of this server."""
        if self.exchange is not None:
            return reply
        text = self._voice.worded(self._said.keyword, outcome, self.user is not None)
        return reply if text is None else self._saying(text, reply)

    def _saying(self, text: Text, reply: Reply) -> Reply:
        """A reply with this text."""
        if text.reply is not None and reply.payload is None and not reply.closes:
            return text.reply
        return self._filled(text, reply)

    def _told(self, outcome: Outcome) -> Reply:
        """A reply that nothing of ours stands behind."""
        text = self._voice.told(self._said.keyword, outcome, after=self.state is State.TRANSACTION)
        payload = None
        if outcome == "listing" and text.startswith("+OK"):
            payload = b"".join(f"{name}\r\n".encode() for name in self._listed())
        return self._filled(Text(text), Reply(b"", payload))

    def _filled(self, text: Text, reply: Reply = replies.NOTHING) -> Reply:
        """A reply with this text as it is now."""
        filled = reply.saying(text.status(self.token))
        return Repeating(filled, self._line, text.told(self.token)) if text.repeats else filled

    def _listed(self) -> Sequence[str]:
        """The mechanisms that are announced, where any are, and else those that there are."""
        lines = self._voice.capabilities(after=self.state is State.TRANSACTION, secure=self._secure)
        announced = next((line.split(" ")[1:] for line in lines if line.startswith("SASL ")), None)
        return self._mechanisms() if announced is None else announced

    def _done(self, reply: Reply, outcome: Outcome) -> Reply:
        """What follows from an outcome: delays, and the end."""
        scene, keyword = self._scene, self._said.keyword
        if keyword in _LOGINS:
            self._delayed(outcome)
            if self.delay > self.patience:
                self.delay = self.patience
                return self._closing(Reply(b""))
            if keyword == "PASS" and outcome == "ok" and self._voice.manner.login.ahead == "lost":
                self.deaf = True
        if outcome in scene.behind:
            return self._closing(reply)
        place = scene.place
        if place.bad and keyword not in place.bad_beside and self._handlers:
            bad = outcome in _UNKNOWN if place.bad_are == "unknown" else reply.status.startswith(b"-ERR")
            bad = bad or (outcome == "expunged" and self._asked_again())
            self._bad = self._bad + 1 if bad else 0 if place.bad_in_a_row else self._bad
            if self._bad >= place.bad:
                last = self._told("bad_commands")
                both = reply.saying(reply.status + last.status)
                return self._closing(Repeating(both, self._line, told(reply) + told(last)))
        return reply

    def _asked_again(self) -> bool:
        """Whether this message, or one behind it, was asked for before, and told to be gone."""
        number, gone = self._said.number or 0, self._gone
        self._gone = max(number, gone)
        return number <= gone

    def _delayed(self, outcome: Outcome) -> None:
        """How long the answer to a login is held back."""
        delays = self._voice.manner.delays
        failed = outcome in delays.outcomes
        if not (failed or outcome in {"ok", "in_use"}) or self.exchange is not None:
            return
        before = self._voice.refused_before("failed" if failed else outcome)
        self.delay = delays.penalty[min(before, len(delays.penalty) - 1)]
        self.delay += delays.failed if failed else delays.in_use if outcome == "in_use" else 0.0

    def _closing(self, reply: Reply) -> Reply:
        """The same reply as the last one."""
        self.close()
        self._closed = True
        last = reply.saying(reply.status)
        last.closes = True
        return last

    def token(self, name: str) -> str:
        """What stands for a token in a text."""
        found = _TOKENS.get(name)
        return self._tokens()[name] if found is None else found(self)

    def _octets(self) -> str:
        """The size of the message in hand, as this command tells it."""
        if self.maildrop is None:
            return ""
        told = self.maildrop.retrieval if self._said.keyword == "RETR" else self.maildrop.octets
        octets = told(self._said.number or 0)
        return "" if octets is None else str(octets)

    # what is done otherwise

    def _enter(self) -> None:
        """Take up the commands of this state; which of them there are is a matter of reading."""
        scene = self._staged()
        self._handlers = scene.handlers
        self._begin(scene)

    def _staged(self) -> Scene:
        """This state, worked out by the first session that comes to it."""
        after, voice = self.state is State.TRANSACTION, self._voice
        key = after, self._secure, after and self._open_maildrop.retrieves
        scene = voice.scenes.get(key)
        if scene is None:
            place = voice.manner.after if after else voice.manner.before
            handlers, farewell = self._commands(place.commands), Text(voice.told("", "idle", after=after))

            def worded(keyword: str, outcome: Outcome) -> Text | None:
                return voice.worded(keyword, outcome, after)

            scene = voice.scenes[key] = Scene(voice.manner, handlers, farewell, worded, after=after)
        return scene

    def _begin(self, scene: Scene) -> None:
        """The limits of a state begin to run."""
        place = scene.place
        self._scene = scene
        self.deaf = scene.deaf
        self._bad = self._bad if place.bad_carried else 0
        self._idle = place.idle
        self._until = self._time() + place.lasts if place.lasts else inf
        if self.reader is not None:
            block = place.block if place.longer == "echoed" else 0
            self.reader.takes(place.line, cuts=place.longer == "cut", block=block)

    def _commands(self, keywords: Sequence[str]) -> Handlers:
        """What carries out these commands."""
        tags = frozenset(keywords) | ({"SASL"} if "AUTH" in keywords else set()) | (self._offer.tags & {"EXPIRE 0"})
        if self.state is State.TRANSACTION:
            return self._formed(self._noted(self._transaction(tags)))
        login = self._voice.manner.login
        passwords = self._secure or (login.passwords_in_clear and not login.needs_tls)
        return self._authorization(tags, "APOP" in keywords, passwords)

    def capabilities(self) -> bytes:
        """What CAPA lists, or would list, as things stand."""
        lines = self._voice.capabilities(after=self.state is State.TRANSACTION, secure=self._secure)
        return b"".join(f"{line}\r\n".encode() for line in lines)


def _missing(maildrop: OpenMaildrop, number: int) -> Outcome:
    """Why a message-number means nothing."""
    if maildrop.is_marked(number):
        return "deleted"
    if maildrop.expunged(number):
        return "expunged"
    return "no_such" if number > 0 else "zero" if number == 0 else "negative"


_TOKENS: Final[dict[str, Callable[[Mannered], str]]] = {
    "octets": lambda self: self._octets(),
    "uid": lambda self: "" if self.maildrop is None else self.maildrop.uid(self._said.number or 0) or "",
    "count": lambda self: "" if self.maildrop is None else str(self.maildrop.stat()[0]),
    "total": lambda self: "" if self.maildrop is None else str(self.maildrop.stat()[1]),
    "keyword": lambda self: self._said.keyword,
    "typed": lambda self: self._said.typed.decode("latin-1"),
    "argument": lambda self: self._said.argument.decode("latin-1"),
    "rest": lambda self: self._said.rest.decode("latin-1"),
    "number": lambda self: "" if self._said.number is None else str(self._said.number),
    "user": lambda self: self.about or "",
    "stamp": lambda self: self._timestamp or "",
}
"""What stands for each token that is not the connection's."""
