"""A client without a socket, which says what a recording says, over TLS or in clear, and hears what a dialect answers.

Knows steps, TLS in memory and time; must not know recordings, and judges nothing.
"""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from pop3s_fake import Account, Maildrop, Pop3sServer
from pop3s_fake.connection import EOF, EXPIRED, Connection, End, Receive, Send, Wait
from pop3s_fake.server.clocks import SystemClock
from pop3s_fake.tls import default_authority

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pop3s_fake.connection import Settings, Step
    from pop3s_fake.dialects import Dialect

__all__ = ("Client", "House", "Offer")

How = Literal["", "close_notify", "tcp FIN", "tcp FIN without close_notify", "tcp RST", "alert"]
"""How a server ended a connection, as a recording says it; "" where it did not."""

VERSIONS: Final = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1_1": ssl.TLSVersion.TLSv1_1,
    "TLSv1_2": ssl.TLSVersion.TLSv1_2,
    "TLSv1_3": ssl.TLSVersion.TLSv1_3,
}


class Time(SystemClock):
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def now(self) -> float:
        """The time."""
        return self.time


@dataclass(frozen=True)
class Offer:
    """What a client offers in its ClientHello."""

    version: str = ""
    alpn: tuple[str, ...] = ()
    name: str | None = "localhost"

    def context(self) -> ssl.SSLContext:
        """A context that offers it."""
        context = default_authority().client_context()
        context.check_hostname = self.name == "localhost"
        if self.version:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = VERSIONS[self.version]
            if self.version in {"TLSv1", "TLSv1_1"}:
                context.set_ciphers("ALL:@SECLEVEL=0")
        if self.alpn:
            context.set_alpn_protocols(list(self.alpn))
        return context


class House:
    """A server that is not started, and the time of its connections."""

    def __init__(self, dialect: str | Dialect, users: Mapping[str, tuple[str, list[bytes]]]) -> None:
        self.clock = Time()
        accounts = []
        for name, (password, messages) in users.items():
            maildrop = Maildrop()
            maildrop.add(*messages)
            accounts.append(Account(name, password, maildrop=maildrop))
        self.server = Pop3sServer(dialect=dialect, accounts=accounts, stls=True, clock=self.clock, seed=1, strict=False)
        self.server._certify(("localhost",))
        self._begun = [account.save() for account in self.server.accounts.values()]
        self._settings: Settings = self.server._settings()

    def reset(self) -> None:
        """Put the maildrops back."""
        for account, saved in zip(self.server.accounts.values(), self._begun, strict=True):
            account.restore(saved)

    def connect(self, *, tls: bool, offer: Offer | None = None) -> Client:
        """A new connection, over TLS or in clear."""
        settings = self._settings if tls else replace(self._settings, stls=True)
        log = self.server.transcript.begin(self.clock.now())
        client = Client(self, Connection(settings, log))
        if tls and offer is not None:
            client.shake(offer)
        return client


class Client:
    """One connection; ``heard`` is what came since it was last taken, ``ended`` how the server closed."""

    def __init__(self, house: House, connection: Connection) -> None:
        self.house = house
        self.heard = b""
        self.ended: How = ""
        self.version = ""
        self._connection = connection
        self._generator = connection.steps()
        self._until: float | None = None
        self._tls: ssl.SSLObject | None = None
        self._shaken = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._run()

    @property
    def log(self) -> object:
        """What the server noted of it."""
        return self._connection.log

    def shake(self, offer: Offer) -> None:
        """Begin TLS, and go as far as it goes."""
        self._tls = offer.context().wrap_bio(self._incoming, self._outgoing, server_hostname=offer.name)
        self._shaken = False
        self._flow()

    def say(self, octets: bytes) -> None:
        """Send these."""
        if self.ended:
            return
        if self._tls is None:
            self._feed(octets)
        else:
            self._tls.write(octets)
            self._flow()

    def half_close(self) -> None:
        """Send nothing more."""
        if not self.ended:
            self._connection.feed(EOF)
            self._run()

    def leave(self, *, notify: bool) -> None:
        """Close the connection, over TLS with a word or without."""
        if not self.ended and notify and self._tls is not None:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                self._feed(self._outgoing.read())
        self.half_close()
        self._connection.close()

    def pass_time(self, to: float) -> None:
        """It is later now; what falls due is done."""
        clock = self.house.clock
        while not self.ended and self._until is not None and self._until <= to:
            clock.time = max(clock.time, self._until)
            self._connection.feed(EXPIRED)
            self._run()
        clock.time = max(clock.time, to)

    # performing

    def _feed(self, octets: bytes) -> None:
        self._connection.feed(octets)
        self._run()

    def _flow(self) -> None:
        """Octets go both ways until nobody has any."""
        while not self.ended:
            self._read()
            octets = self._outgoing.read()
            if not octets:
                return
            self._feed(octets)

    def _run(self) -> None:
        """Perform steps to the next Receive, or the end."""
        while not self.ended:
            step = next(self._generator)
            self._perform(step)
            if isinstance(step, Receive):
                self._until = step.until
                return

    def _perform(self, step: Step) -> None:
        match step:
            case Send():
                self._receive(step.octets)
            case Wait():
                self.house.clock.time += step.seconds or 0.0
            case End():
                if not self.ended:
                    self.ended = self._how(step.how)

    def _how(self, how: str) -> How:
        if how == "rst":
            return "tcp RST"
        return "tcp FIN" if self._tls is None or not self._shaken else "tcp FIN without close_notify"

    def _receive(self, octets: bytes) -> None:
        if self._tls is None:
            self.heard += octets
            return
        self._incoming.write(octets)
        self._read()

    def _read(self) -> None:
        """Shake hands and read as far as it goes."""
        assert self._tls is not None
        try:
            if not self._shaken:
                self._tls.do_handshake()
                self._shaken = True
                self.version = self._tls.version() or ""
            while octets := self._tls.read(1 << 20):
                self.heard += octets
            self.ended = "close_notify"
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = "close_notify"
        except ssl.SSLError:
            self.ended = "alert"
