"""The servers themselves, where they are installed: each set up as it was recorded, on the loopback.

Knows how each is configured and started, and where it keeps mail; must not know what is said to it.  A server that is
not there is a reason in words, and no failure.
"""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import dovecot
from tests.servers.sequences import PASSWORD
from tests.servers.talking import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ("HOUSES", "House", "Place")

OPEN: Final = """
ssl = yes
mail_location = maildir:~/%u
"""
RICH: Final = """
auth_mechanisms = plain login cram-md5 apop digest-md5
pop3_lock_session = yes
pop3_enable_last = yes
"""


@dataclass(frozen=True)
class Place:
    """A server that runs: where it listens, and what gives one of its accounts a maildrop with this mail."""

    address: Address
    fill: Callable[[str, Sequence[bytes]], None]


@dataclass(frozen=True)
class House:
    """How to start a server for these accounts, and why that is not possible, if it is not."""

    missing: Callable[[], str]
    running: Callable[[Collection[str]], AbstractContextManager[Place]]


def _delivered(maildir: Path, messages: Sequence[bytes]) -> None:
    """Put these messages into a Maildir, in their order."""
    for number, octets in enumerate(messages):
        (maildir / "new" / f"{1_700_000_000 + number}.M{number}.localhost").write_bytes(octets)


def _dovecot(settings: str) -> House:
    """Dovecot with these settings over its stock set-up."""

    @contextlib.contextmanager
    def running(names: Collection[str]) -> Iterator[Place]:
        with dovecot.running([], password=PASSWORD, settings=OPEN + settings, stls=True, users=names) as server:
            context = ssl.create_default_context(cadata=server.ca_pem)
            yield Place(
                Address(server.port, server.clear, context),
                lambda name, messages: _delivered(server.maildrop(name), messages),
            )

    return House(dovecot.missing, running)


HOUSES: Final[dict[str, House]] = {"dovecot": _dovecot(""), "dovecot-rich": _dovecot(RICH)}
"""The server of each recorded dialect that can be started here, by the name of the dialect."""
