"""The session and the reader of lines of one conversation, in the manner that its server was given.

Knows which there are; must not know what they do.  What only servers of another manner need is loaded for them alone.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.protocol.lines import LineReader
from pop3s_fake.protocol.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake import transcript
    from pop3s_fake.connection.following import Follower
    from pop3s_fake.connection.gathering import Gathering
    from pop3s_fake.connection.settings import Settings
    from pop3s_fake.protocol.bent import Bent
    from pop3s_fake.protocol.loose import LooseReader
    from pop3s_fake.protocol.mannered import Mannered
    from pop3s_fake.protocol.sasl import Context
    from pop3s_fake.protocol.session import Facts

__all__ = ("gathering", "line_reader", "session_for")

BEGINNING: Final = 1_700_000_000
"""The time of day, in seconds, at the clock's zero: what ``{time}`` counts from."""

PROCESS: Final = 1000
"""The number of the process that would serve the connection before the first."""


class _Kinds(NamedTuple):
    """What only servers of another manner need."""

    mannered: type[Mannered]
    bent: type[Bent]
    reader: type[LooseReader]


@cache
def _kinds() -> _Kinds:
    """These, which are loaded once: every connection asks for them."""
    from pop3s_fake.protocol.bent import Bent  # noqa: PLC0415  # for servers of another manner
    from pop3s_fake.protocol.loose import LooseReader  # noqa: PLC0415  # the same
    from pop3s_fake.protocol.mannered import Mannered  # noqa: PLC0415  # the same

    return _Kinds(Mannered, Bent, LooseReader)


def session_for(
    settings: Settings,
    log: transcript.Session,
    *,
    context: Callable[[frozenset[str]], Context],
    facts: Callable[[], Facts],
) -> Session:
    """The session of this connection."""
    token = blake2b(f"{settings.seed}:apop:{log.serial}".encode(), digest_size=8).hexdigest()
    if settings.voice is None:
        return Session(
            settings.accounts,
            timestamp=f"<{log.serial}.{token}@{settings.name}>",
            exclusive=settings.exclusive,
            offer=settings.offer,
            secure=not settings.stls,
            context=context,
            facts=facts,
            now=settings.now,
        )
    ours = settings.voice.ours is not None
    stamp = settings.voice.manner.greeting.stamp if settings.voice.greets else "<{number}.{token}@{host}>"

    known: dict[str, str] = {}

    def tokens() -> dict[str, str]:
        if not known:
            known["pid"] = str(PROCESS + log.serial)
            known["time"] = str(int(BEGINNING + log.started))
            known["host"] = settings.name
            known["number"] = str(log.serial)
            known["token"] = token
        return known

    kinds = _kinds()
    return (kinds.bent if ours else kinds.mannered)(
        settings.accounts,
        voice=settings.voice,
        tokens=tokens,
        timestamp=stamp.format_map(tokens()) if stamp else None,
        exclusive=settings.exclusive,
        offer=settings.offer,
        secure=not settings.stls,
        context=context,
        facts=facts,
        now=settings.now,
    )


def gathering(settings: Settings, seal: Callable[[bytes | memoryview], bytes]) -> Gathering | None:
    """Where answers wait that go out together; None: each goes out by itself."""
    if settings.voice is None or settings.voice.manner.reading.pieces == "own":
        return None
    from pop3s_fake.connection.gathering import Gathering  # noqa: PLC0415  # for servers of that manner

    return Gathering(seal)


def line_reader(settings: Settings, session: Session | Follower, tell: Callable[[bytes], None]) -> LineReader:
    """What makes lines of octets; ``tell`` hears of lines that do not end in CRLF, where they are lines."""
    if settings.voice is None:
        return LineReader()
    kinds = _kinds()
    if not isinstance(session, kinds.mannered):
        return LineReader()
    session.reader = kinds.reader.of(settings.voice.manner, session.longest, tell)
    return session.reader
