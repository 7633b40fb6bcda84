"""The conversations by which a quirk is seen, as pure objects in clear: a script goes in, what happens comes out.

Knows how steps are performed; judges nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

from pop3s_fake import Account
from pop3s_fake.connection import EOF, EXPIRED, Connection, End, Gone, Half, Receive, Send, Settings, Wait
from pop3s_fake.maildrop import Accounts, Policy
from pop3s_fake.protocol.capabilities import Offer
from pop3s_fake.quirks import demands, rules_of_all
from pop3s_fake.rules import RuleBook
from pop3s_fake.server.dialecting import with_dialect
from pop3s_fake.server.options import ServerOptions
from pop3s_fake.server.quirking import quirks_of, spoken_of
from pop3s_fake.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pop3s_fake.connection import Step

    Play = Callable[..., "House"]

ONE: Final = b'Subject: one\r\nContent-Type: multipart/mixed; boundary="frontier"\r\n\r\n.x\r\n.\r\nlast\r\n'
TWO: Final = b"Subject: two\r\nX-Mailer: old\r\n y\r\nTo: ann\r\n\r\n" + b"a line\r\n" * 3
THREE: Final = "From: Zoe <zoe@example.org>\r\nSubject: très bien\r\n\r\nhello\r\n".encode()
STAMP: Final = re.compile(rb"<\d+\.[0-9a-f]{16}(@localhost)?>")
LOGIN: Final = ("USER ann", "PASS not-a-secret")


class House:
    """A server without a socket, with these quirks; ``seen`` is what happened since the script began."""

    def __init__(self, quirks: Sequence[str], *, stls: bool = False, dialect: str | None = None) -> None:
        several = quirks_of(ServerOptions(dialect=dialect, quirks=quirks))
        setting = demands(several)
        stls = stls or bool(setting.stls)
        offer = Offer(setting.capabilities or None, stls=stls, late=setting.late)
        spoken, exclusive = spoken_of(several, offer), setting.exclusive
        if dialect is not None:
            capabilities = [line for line in setting.capabilities if line != "-PIPELINING"] or None
            options = ServerOptions(
                dialect=dialect, quirks=quirks, stls=stls, capabilities=capabilities, exclusive=exclusive
            )
            options, spoken = with_dialect(options, 1, several)
            offer, exclusive = options.offer, options.exclusive
        self.time = 0.0
        account = Account("ann", "not-a-secret", token="a-good-token")
        account.maildrop.add_one(ONE, uid="m1")
        account.maildrop.add_one(TWO, uid="m2")
        joe = Account("joe", "not-a-secret")
        joe.maildrop.add_one(THREE, uid="m3")
        self.transcript = Transcript()
        book = RuleBook(1, now=lambda: self.time)
        for rule in rules_of_all(several):
            book.add(rule, must=False)
        self.settings = Settings(
            Accounts(
                [account, Account("zoe", "très-secret"), joe],
                lambda: self.time,
                policy=Policy.of(setting.policy) if setting.policy else None,
                form=spoken and spoken.form,
            ),
            now=lambda: self.time,
            rules=book,
            offer=offer,
            voice=spoken and spoken.voice,
            stls=stls,
            records=_never if stls else None,
            exclusive=exclusive is not False,
            strict=False,
        )
        self.seen: list[str] = []

    def play(self, script: Sequence[str]) -> House:
        """What a client says, and what comes of it."""
        said = list(script)
        first = talk = Talk(self)
        if said[:1] == ["(greeting)"]:
            said = said[1:]
        else:
            for line in LOGIN:
                talk.say(line)
            self.seen.clear()
        for line in said:
            if line == "(again)":
                talk.lose()
                talk = Talk(self)
            elif line == "(other)":
                first, talk = talk, Talk(self)
            elif line == "(seen)":
                self.seen.append(f"(seen {' '.join(sorted(self.settings.accounts['ann'].seen))})")
            elif line == "(reset)":
                talk.reset()
            elif line == "(first)":
                first, talk = talk, first
            elif line.startswith("(later "):
                self.time += float(line.removeprefix("(later ").rstrip(")"))
                talk.wait()
            else:
                talk.say(line)
        return self


class Talk:
    """One connection."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.over = False
        self.until: float | None = None
        self.connection = Connection(house.settings, house.transcript.begin(house.time))
        self.steps = self.connection.steps()
        self._run()

    def say(self, line: str) -> None:
        """One command."""
        if not self.over:
            for piece in (line + "\r\n").split("(parted)"):
                self.connection.feed(piece.encode("latin-1"))
                self._run()

    def lose(self) -> None:
        """The client is gone."""
        if not self.over:
            before = len(self.house.seen)
            self.connection.feed(EOF)
            self._run()
            del self.house.seen[before:]
        self.connection.close()

    def wait(self) -> None:
        """Time has passed."""
        if not self.over and self.until is not None and self.house.time >= self.until:
            self.connection.feed(EXPIRED)
            self._run()

    def reset(self) -> None:
        """The client is gone with octets unread, which resets the connection."""
        if not self.over:
            self._perform(self.steps.throw(Gone("reset", "the connection is gone", "rst")))

    def _run(self) -> None:
        for step in self.steps:
            if isinstance(step, Receive):
                self.until = step.until
                return
            self._perform(step)
            if self.over:
                return

    def _perform(self, step: Step) -> None:
        seen = self.house.seen
        match step:
            case Send(octets=b""):
                pass  # a greeting that has no words
            case Send():
                seen.append(STAMP.sub(rb"<stamp\1>", bytes(step.octets)).decode("latin-1"))
            case Wait(seconds=None):
                seen.append("(wait forever)")
                self.over = True
            case Wait():
                assert step.seconds is not None
                self.house.time += step.seconds
                seen.append(f"(wait {step.seconds:g})")
            case Half():
                seen.append("(half)")
            case End():
                seen.append(f"(end {step.how})")
                self.over = True


def _never(hello: object, certificate: object) -> NoReturn:
    """Nobody shakes hands here: whoever says STLS says nothing after it."""
    raise AssertionError(hello, certificate)


@pytest.fixture
def play() -> Play:
    """Hold a conversation with a server that has these quirks."""

    def made(quirks: Sequence[str], script: Sequence[str], *, stls: bool = False, dialect: str | None = None) -> House:
        return House(quirks, stls=stls, dialect=dialect).play(script)

    return made
