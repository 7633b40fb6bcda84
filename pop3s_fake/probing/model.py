"""What a server of some manner would have answered to the same questions: our own session, asked without a socket.

Knows talks, manners and how a session is fed; must not know which settings there are to choose from, nor any text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.maildrop import Account, Accounts, Maildrop
from pop3s_fake.probing.standins import HOST, PASSWORD, PID, TIME, TOKEN, UID, USER
from pop3s_fake.protocol.capabilities import Offer
from pop3s_fake.protocol.loose import LooseReader
from pop3s_fake.protocol.mannered import Mannered
from pop3s_fake.protocol.sasl import Context
from pop3s_fake.protocol.understanding import Said, understood
from pop3s_fake.protocol.wording import Voice

if TYPE_CHECKING:
    from pop3s_fake.probing.seen import Exchange, Seen, Talk
    from pop3s_fake.protocol.manner import Manner
    from pop3s_fake.protocol.replies import Reply

__all__ = ("OF_CONNECTION", "Answer", "Line", "Model")

OF_CONNECTION: Final = {"pid": PID, "time": TIME, "host": HOST, "token": TOKEN}
"""What a connection's tokens are here: the stand-ins."""

_AUTH: Final = Said("AUTH")
_OVERLONG: Final = Said("")


class Line(NamedTuple):
    """One line of an exchange as the model read it: what it says, and whether somebody was logged in."""

    said: Said
    after: bool

    @property
    def keyword(self) -> str:
        """The command."""
        return self.said.keyword


class Answer(NamedTuple):
    """What the model answered to one exchange: a line and its first line or lines for each, and whether it closed."""

    statuses: tuple[str, ...]
    lines: tuple[Line, ...]
    ended: bool


class Model:
    """A maildrop like the one that was seen, and sessions in any manner."""

    def __init__(self, seen: Seen) -> None:
        maildrop = Maildrop()
        for number, octets in enumerate(seen.sizes, 1):
            maildrop.add_one("Subject: x\n\n", uid=UID.format(number), octets=octets)
        self._seen = seen
        self._accounts = Accounts([Account(USER, PASSWORD, maildrop=maildrop)])
        self._count, self._total = seen.held
        self._offer = Offer()

    def answers(self, manner: Manner) -> list[list[Answer]]:
        """What a server of this manner would have answered, talk by talk, exchange by exchange."""
        voice = Voice(manner)
        mechanisms = manner.login.mechanisms
        self._offer = Offer([f"SASL {' '.join(mechanisms)}"] if mechanisms else ["-SASL"], stls=True, clear={"SASL"})
        return [self._talk(manner, voice, talk) for talk in self._seen.talks]

    def _talk(self, manner: Manner, voice: Voice, talk: Talk) -> list[Answer]:
        """One connection."""
        first = None
        if talk.beside:
            first = self._session(manner, voice, secure=True)
            for line in (f"USER {USER}", f"PASS {PASSWORD}"):
                if first.open:
                    first.execute(line.encode())
        session = self._session(manner, voice, secure=talk.secure)
        try:
            session.reader = reader = LooseReader.of(manner, session.longest, lambda _: None)
            return [self._exchange(voice, session, reader, exchange) for exchange in talk.exchanges]
        finally:
            session.close()
            if first is not None:
                first.close()

    def _exchange(self, voice: Voice, session: Mannered, reader: LooseReader, exchange: Exchange) -> Answer:
        statuses: list[str] = []
        lines: list[Line] = []
        if not session.open:
            return Answer((), (), ended=True)
        octets = exchange.said
        while session.open:
            if session.exchange is not None:
                line = reader.response(octets)
                octets = b""
                if line is None:
                    break
                self._take(session.respond(line), Line(_AUTH, after=False), statuses, lines)
                continue
            found = reader.feed(octets)
            octets = b""
            if not found:
                break
            for place, line in enumerate(found):
                after = session.user is not None
                said = understood(voice.manner, line, after=after) if isinstance(line, bytes) else _OVERLONG
                self._take(session.execute(line), Line(said, after), statuses, lines)
                if session.upgrading:
                    session.secured()
                if _waits(session):
                    octets = b"".join(each + b"\r\n" for each in found[place + 1 :] if isinstance(each, bytes))
                    break
        return Answer(tuple(statuses), tuple(lines), ended=not session.open)

    def _take(self, reply: Reply, line: Line, statuses: list[str], lines: list[Line]) -> None:
        """Keep the first line or lines of a reply."""
        told = _text(reply)
        for each in told.split("\r\n") if told else ():
            statuses.append(each)
            lines.append(line)

    def tokens(self, line: Line) -> dict[str, str]:
        """What the tokens of a text would be in the answer to this line."""
        said, sizes = line.said, self._seen.sizes
        number = said.number
        there = number is not None and 0 < number <= len(sizes)
        counts = line.after or said.keyword in {"PASS", "AUTH"}
        return {
            "user": USER,
            "number": "" if number is None else str(number),
            "octets": str(sizes[said.number - 1]) if said.number is not None and there else "",
            "uid": UID.format(number) if there else "",
            "rest": said.rest.decode("latin-1"),
            "argument": said.argument.decode("latin-1"),
            "keyword": said.keyword,
            "typed": said.typed.decode("latin-1"),
            "total": self._total if counts else "",
            "count": self._count if counts else "",
            **OF_CONNECTION,
        }

    def _session(self, manner: Manner, voice: Voice, *, secure: bool) -> Mannered:
        stamp = manner.greeting.stamp
        return Mannered(
            self._accounts,
            voice=voice,
            tokens=lambda: OF_CONNECTION,
            timestamp=stamp.format_map(OF_CONNECTION) if stamp else None,
            exclusive=manner.storage.exclusive,
            offer=self._offer,
            secure=secure,
            context=lambda offered: Context(
                self._accounts, lambda: 0.0, lambda: "nonce", secure=secure, offered=offered
            ),
        )


def _waits(session: Mannered) -> bool:
    """Whether the next line is no command."""
    return session.exchange is not None or not session.open


def _text(reply: Reply) -> str:
    """The first line or lines of a reply, without the last CRLF."""
    return reply.status.decode("latin-1").removesuffix("\r\n")
