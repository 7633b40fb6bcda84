"""A session that reads and words things as some other server does.

Knows how outcomes become replies; what the commands do is :class:`Session`'s, and the settings are ``manner``'s.  Must
not know which server it is, how octets come and go, nor the time.
"""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING, Any, Final, Literal

from pop3s_fake.protocol import replies
from pop3s_fake.protocol.bending import Bending
from pop3s_fake.protocol.lines import OVERLONG, Line
from pop3s_fake.protocol.replies import Reply
from pop3s_fake.protocol.states import State
from pop3s_fake.protocol.understanding import Said
from pop3s_fake.protocol.wording import REFUSALS, Filling, overwritten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pop3s_fake.maildrop import Accounts
    from pop3s_fake.protocol.loose import LooseReader
    from pop3s_fake.protocol.manner import Outcome, Place
    from pop3s_fake.protocol.transaction import Handlers
    from pop3s_fake.protocol.wording import Voice

__all__ = ("Mannered",)

_RESPONSES: Final[dict[Outcome, Outcome]] = {"not_base64": "response_not_base64", "too_long": "response_too_long"}
"""What is worded otherwise where it is about a line of an AUTH exchange."""

_ALPHABET: Final = re.compile(rb"[A-Za-z0-9+/=]*")
_UNKNOWN: Final[frozenset[Outcome]] = frozenset({"unknown", "empty", "blank", "wrong_state"})
_LOGINS: Final = frozenset({"PASS", "APOP", "AUTH"})


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
        "_idle",
        "_said",
        "_until",
        "_withheld",
        "deaf",
        "delay",
        "farewell",
        "gap",
        "notifies",
        "reader",
    )

    farewell: bytes
    gap: bytes
    deaf: bool
    delay: float
    notifies: bool
    reader: LooseReader | None
    """Where its lines come from; what may be longest is told to it."""

    def __init__(
        self, accounts: Accounts, *, voice: Voice, tokens: Callable[[], Mapping[str, str]], **others: Any
    ) -> None:
        """Begin in AUTHORIZATION; ``tokens``: what texts may hold of this connection, ``others``: as for a session."""
        self._voice = voice
        self._tokens = tokens
        self._said = Said("")
        self._bad = 0
        self.reader = None
        self.delay = 0.0
        self.deaf = False
        self._closed = False
        self._withheld: bytes | None = None
        self.notifies = voice.manner.ends.close_notify
        self.gap = b"\r\n" if voice.manner.storage.gap else b""
        super().__init__(accounts, **others)

    @property
    def longest(self) -> int:
        """Octets of the longest line that is read now."""
        manner = self._voice.manner
        return (manner.after if self.state is State.TRANSACTION else manner.before).line

    @property
    def ended(self) -> Literal["quit", "server"]:
        """How a conversation ends whose last word is this session's."""
        return "server" if self._closed else super().ended

    @property
    def patience(self) -> float:  # type: ignore[override]  # nobody sets it from without
        """Seconds of silence after which it ends now."""
        return self._idle if self._until == inf else max(0.0, min(self._idle, self._until - self._time()))

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
        greeting = self._voice.manner.greeting
        if not self._voice.comes(self):
            return self._closing(Reply(self._filled(greeting.full) + b"\r\n" if greeting.full else b""))
        return self._greeted()

    def _greeted(self) -> Reply:
        """The first line."""
        return Reply(self._filled(self._voice.manner.greeting.text) + b"\r\n")

    def close(self) -> None:
        """End the session, which makes room for another."""
        super().close()
        self._voice.goes(self)

    def execute(self, line: Line) -> Reply:
        """Carry out one line and answer it."""
        self.delay = 0.0
        if line is OVERLONG:
            self._said = Said("")
            return self._done(self._told("too_long"), "too_long")
        if self._withheld is not None:
            line, self._withheld = self._withheld, None
        after = self.state is State.TRANSACTION
        place = self._voice.manner.after if after else self._voice.manner.before
        if place.longer == "echoed" and len(line) > place.line:
            reply = self.execute(line[: place.line])
            return reply.saying(overwritten(line, place.line, reply.status))
        said = self._said = self._voice.understood(line, after)
        if said.outcome == "hidden":
            self._withheld = said.typed
            return Reply(b"")
        outcome = self._before(said)
        if outcome != "ok":
            return self._done(self._told(outcome), outcome)
        handler = self._handlers[said.keyword.encode()]
        if self._voice.manner.login.between != "kept" and said.keyword != "PASS":
            self._name = None
        reply = handler(self, *said.values)
        if said.number and reply.positive and said.keyword in self._voice.manner.answers.noted:
            self._highest = max(self._highest, said.number)
        outcome = self._outcome(reply)
        return self._done(self._worded(reply, outcome), outcome)

    def respond(self, line: Line) -> Reply:
        """Take a line of the AUTH exchange that is under way, and answer it."""
        self.delay = 0.0
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
                if maildrop.is_marked(number):
                    return "deleted"
                return "no_such" if number > 0 else "zero" if number == 0 else "negative"
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
        if reply.positive:
            if self._said.keyword == "QUIT":
                return "early" if self.state is State.AUTHORIZATION else "deleting" if self.removed else "ok"
            alone = self._said.keyword in {"LIST", "UIDL"} and self._said.number is not None
            return "one" if reply.payload is None and (alone or self._said.keyword in {"STAT", "LAST"}) else "ok"
        if self._said.keyword == "QUIT":
            return "kept"
        told = REFUSALS.get(reply, "failed")
        return "bad_response" if told == "failed" and not reply.status.startswith(b"-ERR [") else told

    def _worded(self, reply: Reply, outcome: Outcome) -> Reply:
        """A reply of ours in the words of this server."""
        if self.exchange is not None:
            return reply
        text = self._voice.text(self._said.keyword, outcome, after=self.user is not None)
        return reply if text is None else reply.saying(self._filled(text) + b"\r\n" if text else b"")

    def _told(self, outcome: Outcome) -> Reply:
        """A reply that nothing of ours stands behind."""
        text = self._voice.told(self._said.keyword, outcome, after=self.state is State.TRANSACTION)
        payload = None
        if outcome == "listing" and text.startswith("+OK"):
            payload = b"".join(f"{name}\r\n".encode() for name in self._listed())
        return Reply(self._filled(text) + b"\r\n" if text else b"", payload)

    def _listed(self) -> Sequence[str]:
        """The mechanisms that are announced, where any are, and else those that there are."""
        lines = self._voice.capabilities(after=self.state is State.TRANSACTION, secure=self._secure)
        announced = next((line.split(" ")[1:] for line in lines if line.startswith("SASL ")), None)
        return self._mechanisms() if announced is None else announced

    def _done(self, reply: Reply, outcome: Outcome) -> Reply:
        """What follows from an outcome: delays, and the end."""
        manner = self._voice.manner
        if self._said.keyword in _LOGINS:
            self._delayed(outcome)
            if self.delay > self.patience:
                self.delay = self.patience
                return self._closing(Reply(b""))
        self.deaf = manner.reading.ahead == "lost" or (
            self._said.keyword == "PASS" and outcome == "ok" and manner.login.ahead == "lost"
        )
        if outcome in manner.ends.behind:
            return self._closing(reply)
        if not self.open:
            return reply
        place = manner.after if self.state is State.TRANSACTION else manner.before
        if place.bad and self._said.keyword not in place.bad_beside:
            bad = outcome in _UNKNOWN if place.bad_are == "unknown" else reply.status.startswith(b"-ERR")
            self._bad = self._bad + 1 if bad else 0 if place.bad_in_a_row else self._bad
            if self._bad >= place.bad:
                last = self._told("bad_commands")
                return self._closing(reply.saying(reply.status + last.status))
        return reply

    def _delayed(self, outcome: Outcome) -> None:
        """How long the answer to a login is held back."""
        voice, delays = self._voice, self._voice.manner.delays
        failed = outcome in delays.outcomes
        if not (failed or outcome in {"ok", "in_use"}) or self.exchange is not None:
            return
        self.delay = delays.penalty[min(voice.failures, len(delays.penalty) - 1)]
        if failed:
            self.delay += delays.failed
            voice.failures += 1
        elif outcome == "in_use":
            self.delay += delays.in_use
        else:
            voice.failures = 0

    def _closing(self, reply: Reply) -> Reply:
        """The same reply as the last one."""
        self.close()
        self._closed = True
        last = reply.saying(reply.status)
        last.closes = True
        return last

    def _filled(self, text: str) -> bytes:
        """A text with what stands in it in braces."""
        if "{" in text:
            text = text.format_map(Filling(self.token))
        return text.encode("latin-1", "replace")

    def token(self, name: str) -> str:
        """What stands for a token in a text."""
        said, maildrop = self._said, self.maildrop
        number = said.number or 0
        if name in {"octets", "uid"} and maildrop is not None:
            return str(maildrop.octets(number) if name == "octets" else maildrop.uid(number))
        if name in {"count", "total"} and maildrop is not None:
            return str(maildrop.stat()[name == "total"])
        known = {
            "keyword": said.keyword,
            "typed": said.typed.decode("latin-1"),
            "argument": said.argument.decode("latin-1"),
            "rest": said.rest.decode("latin-1"),
            "number": "" if said.number is None else str(said.number),
            "user": self.about or "",
            "stamp": self._timestamp or "",
        }
        return known.get(name) or self._tokens().get(name, "")

    # what is done otherwise

    def _enter(self) -> None:
        """Take up the commands of this state; which of them there are is a matter of reading."""
        manner = self._voice.manner
        after = self.state is State.TRANSACTION
        place = manner.after if after else manner.before
        found = self._voice.places.get((after, self._secure))
        if found is None:
            found = self._voice.places[after, self._secure] = (
                self._commands(place.commands),
                self._told("idle").status,
            )
        self._handlers, self.farewell = found
        if after and self._open_maildrop.retrieves:
            self._handlers = {**self._handlers, **self.NOTED}
        self._begin(place)

    def _begin(self, place: Place) -> None:
        """The limits of a state begin to run."""
        self._bad = self._bad if place.bad_carried else 0
        self._idle = place.idle
        self._until = self._time() + place.lasts if place.lasts else inf
        if self.reader is not None:
            self.reader.takes(place.line)

    def _commands(self, keywords: Sequence[str]) -> Handlers:
        """What carries out these commands."""
        tags = frozenset(keywords) | ({"SASL"} if "AUTH" in keywords else set()) | (self._offer.tags & {"EXPIRE 0"})
        if self.state is State.TRANSACTION:
            return self._formed(self._noted(self._transaction(tags)))
        passwords = self._secure or self._voice.manner.login.passwords_in_clear
        return self._authorization(tags, "APOP" in keywords, passwords)

    def capabilities(self) -> bytes:
        """What CAPA lists, or would list, as things stand."""
        lines = self._voice.capabilities(after=self.state is State.TRANSACTION, secure=self._secure)
        return b"".join(f"{line}\r\n".encode() for line in lines)
