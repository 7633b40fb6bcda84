"""A probe of our own server in some dialect, in no time: how it is asked, and what of the answers is compared.

Knows the server's keywords and what a probe is told to do; judges nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pop3s_fake import Account, Dialect, Maildrop, ManualClock, Pop3sServer
from pop3s_fake.dialects import dialect
from pop3s_fake.probing import Place, Seen, Sockets, Wishes, ask

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("MAIL", "PASSWORD", "USER", "asked_of", "flat", "lines_of", "quick", "serving")

USER: Final = "wilhelmine"
PASSWORD: Final = "not-a-secret"
MAIL: Final = ("Subject: apricot\n\nmarmot\n", "Subject: quince\n\ntapir\ntapir\n", "Subject: medlar\n\nokapi\n")
BOUND: Final = 60.0
"""Seconds of real time after which a probe gives up; costs only a test that fails."""


def quick(name: str) -> Dialect:
    """A dialect in which a login beside another session is answered at once: no manual clock leaps while one idles."""
    spoken = dialect(name)
    return replace(spoken, manner=replace(spoken.manner, delays=replace(spoken.manner.delays, in_use=0.0)))


def serving(spoken: str | Dialect | None, mail: Sequence[str] = MAIL, **keywords: Any) -> Pop3sServer:
    """A server with this mail, whose time is a manual clock's."""
    maildrop = Maildrop()
    maildrop.add(*mail)
    given: dict[str, Any] = {
        "clock": ManualClock(),
        "seed": 3,
        "strict": False,
        "stls": True,
        "deadline": 2 * BOUND,
    } | keywords
    given.setdefault("accounts", [Account(USER, PASSWORD, maildrop=maildrop)])
    return Pop3sServer(dialect=spoken, **given)


def asked_of(server: Pop3sServer, shown: list[str] | None = None, *, stls: bool = False, **wishes: Any) -> Seen:
    """What a probe sees of a server that runs; ``shown`` takes the lines that it prints."""
    port = server.stls_port if stls else server.port
    assert port is not None
    place = Place(
        server.host,
        port,
        tls="stls" if stls else "implicit",
        ca=str(server.ca_file),
        timeout=wishes.pop("timeout", BOUND),
    )
    wished: dict[str, Any] = {"user": USER, "password": PASSWORD, "pause": 0, "linger": 0} | wishes
    return ask(
        Sockets(place),
        Wishes(**wished),
        tell=(shown if shown is not None else list[str]()).append,
        wait=lambda _: None,
        now=server.clock.now,
    )


def flat(seen: Seen) -> list[Any]:
    """All that a server did, to be compared."""
    return [
        (
            talk.label,
            talk.greeting,
            talk.end,
            [(each.said, each.answers, each.ended, each.lines) for each in talk.exchanges],
        )
        for talk in seen.talks
    ]


def lines_of(draft: str) -> list[str]:
    """The values of a draft, without what shows them."""
    return [line for line in draft.splitlines() if line and not line.startswith("#")]
