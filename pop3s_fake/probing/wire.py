"""The sockets of a probe: connect, shake hands, send, read lines, all within a bound, each trouble one sentence.

Knows TCP, TLS in memory and where lines end; must not know which questions are asked, nor what an answer means.
"""

from __future__ import annotations

import math
import re
import socket
import ssl
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

from pop3s_fake.errors import UsageError
from pop3s_fake.probing.seen import Unreachable

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ("Flood", "Line", "Offer", "Place", "Sockets")

MOST: Final = 4 << 20
"""Octets of one answer; nobody is asked for more."""

PATIENCE: Final = 4
"""How often the time for one line is granted to an answer of many."""

CHUNK: Final = 65536

_ALERT: Final = re.compile(r"^(?:\[ssl\] )?(?:ssl|tls)v\d+ alert ([a-z ]+?)(?: \(.*)?$")

VERSIONS: Final = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
LEGACY: Final = ("1.0", "1.1")


class Flood(Exception):  # noqa: N818  # the name says what is the matter
    """The server sends without end; the text says so."""


@dataclass(frozen=True)
class Place:
    """Where the server is, how TLS begins there, and whom to trust."""

    host: str
    port: int
    tls: Literal["implicit", "stls", "none"] = "implicit"
    ca: str | None = None
    """A file with the certificate of its CA; None: those that the system trusts."""
    verify: bool = True
    timeout: float = 30.0
    """Seconds of silence after which it is not waited for any more."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Offer:
    """What a ClientHello offers: one version alone, or another protocol than POP3."""

    version: str = ""
    alpn: str = ""

    def __str__(self) -> str:
        """What is offered alone; "" where it is all that we have."""
        return f"TLS {self.version}" if self.version else f"ALPN {self.alpn}" if self.alpn else ""


class Sockets:
    """Makes connections to one place."""

    def __init__(self, place: Place) -> None:
        """Read the CA's file; UsageError where it cannot be."""
        self.place = place
        self._context(Offer())

    def open(self) -> Line:
        """A connection; nothing has been said on it, and TLS is still to come."""
        place = self.place
        try:
            link = socket.create_connection((place.host, place.port), timeout=place.timeout)
        except socket.gaierror as error:
            raise Unreachable(f"cannot find the host {place.host!r}: {error.strerror}; is it spelt right?") from None
        except TimeoutError:
            raise Unreachable(
                f"{place} does not answer: no connection within {place.timeout:g} s; is it the right port?"
            ) from None
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "this is no host name"
            raise Unreachable(
                f"cannot connect to {place}: {why}; POP3S mostly has port 995, and POP3 with --stls port 110"
            ) from None
        return Line(place, link)

    def shake(self, line: Line, offer: Offer) -> None:
        """Begin TLS on it; Unreachable with the reason where there is none."""
        line.shake(self._context(offer), str(offer))

    def _context(self, offer: Offer) -> ssl.SSLContext:
        place = self.place
        try:
            if place.ca is None:
                context = ssl.create_default_context()
            else:
                pem = Path(place.ca).read_text("ascii") or "nothing"  # "" would be leave to trust the system
                context = ssl.create_default_context(cadata=pem)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            missing = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
            why = error.strerror if missing and isinstance(error, OSError) else "there is no certificate in it"
            raise UsageError(f"cannot take the CA file {place.ca!r}: {why}; name one in PEM") from None
        if not place.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if offer.version:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = VERSIONS[offer.version]
            if offer.version in LEGACY:
                context.set_ciphers("ALL:@SECLEVEL=0")
        if offer.alpn:
            context.set_alpn_protocols([offer.alpn])
        return context


class Line:
    """One connection; ``ended`` says how the server has closed it, and is "" until then."""

    def __init__(self, place: Place, link: socket.socket) -> None:
        self.place = place
        self.ended: Literal["", "close_notify", "fin", "reset"] = ""
        self._link = link
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._rest = b""
        self._received = 0
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def secure(self) -> bool:
        """Whether there is TLS."""
        return self._tls is not None

    def close(self) -> None:
        """Let go of it, whatever the server thinks of that."""
        self._link.close()

    def shake(self, context: ssl.SSLContext, offered: str = "") -> None:
        """Begin TLS; what has come in clear before that is nobody's word (RFC 2595 §4), and is let go.

        Where only one thing is ``offered``, that it is refused is no sign of a port that is another.
        """
        place = self.place
        self._rest = b""
        advice = "" if offered else "; a port that begins in clear, such as 110, wants --stls"
        alone = f" with a client that offers {offered} alone" if offered else ""
        since = self._received
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=place.host)
        until = time.monotonic() + place.timeout
        try:
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    self._more(until, since)
            self._flush()
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(
                f"the certificate of {place} cannot be trusted: {error.verify_message}; nothing was said to it: "
                "name its CA with --ca, or say --insecure"
            ) from None
        except (TimeoutError, BlockingIOError):
            raise Unreachable(f"{place} does not shake hands{alone} within {place.timeout:g} s{advice}") from None
        except ssl.SSLEOFError:
            raise Unreachable(f"{place} closes the connection in the handshake of TLS{alone}") from None
        except ssl.SSLError as error:
            why = _ALERT.sub(r"it says \1", (error.reason or str(error)).replace("_", " ").lower())
            said = f"{place} does not shake hands{alone}" if offered else f"there is no TLS with {place}"
            raise Unreachable(f"{said}: {why}{advice}") from None
        except OSError as error:
            raise Unreachable(f"{place} breaks off the handshake of TLS{alone}: {error.strerror}") from None
        self._tls = tls

    def say(self, octets: bytes) -> None:
        """Send; that nobody takes it is told by what comes then."""
        with suppress(OSError):
            if self._tls is None:
                self._link.settimeout(self.place.timeout)
                self._link.sendall(octets)
            else:
                self._tls.write(octets)
                self._flush()

    def line(self, until: float = math.inf) -> bytes | None:
        """The next line, without its end; None where the server has closed, or does not end one in time."""
        until = min(until, time.monotonic() + self.place.timeout)
        while b"\n" not in self._rest:
            chunk = self._read(until)
            if not chunk:
                return None
            self._take(chunk)
            if time.monotonic() >= until and b"\n" not in chunk:
                return None
        line, _, self._rest = self._rest.partition(b"\n")
        return line.removesuffix(b"\r")

    def payload(self) -> list[bytes] | None:
        """The lines up to the one that is a dot, unstuffed; None where it does not come.

        Raises :class:`Flood` where it comes neither within the octets nor within the time of an answer.
        """
        lines: list[bytes] = []
        octets = 0
        until = time.monotonic() + PATIENCE * self.place.timeout
        while (line := self.line(until)) is not None:
            if line == b".":
                return lines
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            octets += len(line) + 2
            if octets > MOST:
                raise self._flood()
            if time.monotonic() >= until:
                break
        if lines and not self.ended and time.monotonic() >= until:
            raise Flood(f"{self.place} has not ended an answer within {PATIENCE * self.place.timeout:g} s")
        return None

    def linger(self, seconds: float) -> None:
        """Wait for so long for more, or for the end."""
        if seconds and b"\n" not in self._rest:
            self._take(self._read(time.monotonic() + seconds))

    def waiting(self) -> list[bytes]:
        """The whole lines that have come already; :class:`Flood` where that does not end."""
        until = time.monotonic() + self.place.timeout
        while chunk := self._read(0.0):
            self._take(chunk)
            if time.monotonic() > until:
                raise self._flood()
        *lines, self._rest = self._rest.split(b"\n")
        return [line.removesuffix(b"\r") for line in lines]

    # octets

    def _take(self, chunk: bytes) -> None:
        """Keep octets for the next line."""
        self._rest += chunk
        if len(self._rest) > MOST:
            raise self._flood()

    def _flood(self) -> Flood:
        return Flood(f"{self.place} sends and sends; nobody has asked for more than {MOST >> 20} MiB")

    def _read(self, until: float) -> bytes:
        """Some octets; none where the server has closed, or nothing came in time."""
        if self.ended:
            return b""
        since = self._received
        try:
            if self._tls is None:
                octets = self._receive(until)
                self.ended = "" if octets else "fin"
                return octets
            while True:
                try:
                    octets = self._tls.read(CHUNK)
                except ssl.SSLWantReadError:
                    self._more(until, since)
                    continue
                self.ended = "" if octets else "close_notify"
                return octets
        except (TimeoutError, BlockingIOError):
            return b""
        except ssl.SSLZeroReturnError:
            self.ended = "close_notify"
        except ssl.SSLEOFError:
            self.ended = "fin"
        except OSError:
            self.ended = "reset"
        return b""

    def _more(self, until: float, since: int) -> None:
        """Give TLS what has come, behind what it has to say; how much may come that says nothing is bounded."""
        self._flush()
        octets = self._receive(until)
        if self._received - since > MOST:
            raise self._flood()
        if octets:
            self._incoming.write(octets)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        octets = self._outgoing.read()
        if octets:
            self._link.settimeout(self.place.timeout)
            self._link.sendall(octets)

    def _receive(self, until: float) -> bytes:
        left = until - time.monotonic()
        self._link.settimeout(max(left, 0.0))  # 0 does not wait
        octets = self._link.recv(CHUNK)
        self._received += len(octets)
        return octets
