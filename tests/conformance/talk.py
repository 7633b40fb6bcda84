"""A client that can say anything, whatever carries it, and what a check asks of a server.

Knows POP3's lines and TLS in memory; must not know whether there is a socket below, nor whose server answers.
"""

from __future__ import annotations

import contextlib
import re
import ssl
from abc import ABC, abstractmethod
from hashlib import md5
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ("M1", "M2", "Client", "Ended", "InUse", "Pipe", "Reply", "Server", "Silence", "Talk", "Unavailable")

M1: Final = b"Subject: one\r\n\r\n" + b"x" * 102 + b"\r\n"
M2: Final = b"Subject: two\r\n\r\n" + b"y" * 182 + b"\r\n"
"""The two messages, of 120 and 200 octets, that there are unless a check asks for others."""

RAW: Final = 1 << 15  # octets of a handshake that are kept

TIMESTAMP: Final = re.compile(rb"<[^<>@\x00-\x20\x7f-\xff]+@[^<>@\x00-\x20\x7f-\xff]+>")
CODE: Final = re.compile(rb"(?:\+OK|-ERR) \[([^\]]+)\]")

Over = Literal["clear", "tls", "stls"]
"""How a connection is carried: in clear, TLS from the first octet, or TLS after STLS."""


class Unavailable(Exception):  # noqa: N818  # no error: this server cannot be asked
    """The carrier has not what the check needs; the words say what that is."""


class Silence(AssertionError):  # noqa: N818  # it names what there was
    """Nothing came where something had to."""


class Ended(AssertionError):  # noqa: N818  # it names what happened
    """The connection was closed in place of an answer."""


class InUse(AssertionError):  # noqa: N818  # it names what there was
    """The maildrop is another session's."""


class Pipe(ABC):
    """Octets to a server and back."""

    @abstractmethod
    def write(self, octets: bytes) -> None:
        """Send these; where nobody reads any more nothing happens."""

    @abstractmethod
    def read(self, *, wait: bool = True) -> bytes:
        """What came; ``b""`` at the end.  Where nothing came :class:`Silence` is raised, after a bound if ``wait``."""

    @abstractmethod
    def close(self, how: Literal["fin", "rst"] = "fin") -> None:
        """Hang up."""


class Reply(NamedTuple):
    """One reply: its first line without CRLF, and what stands between that and the terminator."""

    line: bytes
    payload: bytes | None = None

    @property
    def ok(self) -> bool:
        """Whether it is positive: ``+OK``, alone or with a space behind it."""
        return self.line == b"+OK" or self.line.startswith(b"+OK ")

    @property
    def err(self) -> bool:
        """Whether it is negative, and so a single line."""
        return (self.line == b"-ERR" or self.line.startswith(b"-ERR ")) and self.payload is None

    @property
    def code(self) -> str | None:
        """The response code, without its brackets."""
        found = CODE.match(self.line)
        return None if found is None else found[1].decode().upper()

    @property
    def data(self) -> bytes:
        """What stands behind ``+OK`` and its space."""
        return self.line[4:]

    @property
    def lines(self) -> list[bytes]:
        """The lines of the payload, byte-stuffed still."""
        assert self.payload is not None, self.line
        return self.payload.split(b"\r\n")[:-1]

    @property
    def content(self) -> bytes:
        """The payload as a client keeps it: without the stuffed dots."""
        return b"".join(line.removeprefix(b".") + b"\r\n" for line in self.lines)


def is_multi_line(command: bytes) -> bool:
    """Whether a positive reply to this has a payload."""
    return re.fullmatch(rb"(?is)(RETR |TOP |(CAPA|LIST|UIDL|LANG|AUTH)\Z).*", command) is not None


class Client:
    """One connection."""

    def __init__(
        self, pipe: Pipe, *, context: ssl.SSLContext | None, name: str = "localhost", over: Over = "clear"
    ) -> None:
        """Connect and hear the greeting; with "stls" the greeting comes in clear and TLS follows."""
        self.pipe = pipe
        self.context = context
        self.clean = False
        """Whether a close_notify came."""
        self._heard = bytearray()
        self._over = False
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls: ssl.SSLObject | None = None
        self.raw = b""
        """The first octets that came, as they came: in them is the server's side of the handshake."""
        self.revive: Callable[[], Client] | None = None
        """Makes another one in the same state; for servers that hang up on who makes mistakes."""
        if over == "tls":
            self.secure(context, name)
        self.greeting = self.line()
        if over == "stls":
            assert self.ask("STLS").ok
            self.secure(context, name)

    # octets

    def secure(self, context: ssl.SSLContext | None = None, name: str | None = "localhost") -> None:
        """Shake hands."""
        context = context or self.context
        assert context is not None, "this client has no context"
        self.tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        self._through(self.tls.do_handshake)

    def _flush(self) -> None:
        if octets := self._out.read():
            self.pipe.write(octets)

    def _through(self, call: Callable[[], Any], *, wait: bool = True) -> Any:
        """What the call of TLS gives, after as many octets as it needs."""
        while True:
            try:
                return call()
            except ssl.SSLWantReadError:
                self._flush()
                octets = self.pipe.read(wait=wait)
                if octets:
                    self.raw += octets if len(self.raw) < RAW else b""
                    self._in.write(octets)
                else:
                    raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "an end without close_notify") from None
            finally:
                self._flush()

    def send(self, octets: bytes) -> None:
        """Send these octets and hear nothing."""
        if self.tls is None:
            self.pipe.write(octets)
        else:
            with contextlib.suppress(ssl.SSLError):  # it is closed
                self.tls.write(octets)
            self._flush()

    def _more(self, *, wait: bool = True) -> bool:
        """Hear more; whether there was any: not at the end."""
        if self._over:
            return False
        tls = self.tls
        try:
            octets = self.pipe.read(wait=wait) if tls is None else self._through(lambda: tls.read(1 << 18), wait=wait)
        except ssl.SSLEOFError:
            octets = b""  # an end without close_notify
        except ssl.SSLZeroReturnError:
            octets, self.clean = b"", True
        else:
            self.clean = self.clean or (tls is not None and not octets)
        self._heard += octets
        self._over = not octets
        return bool(octets)

    def until(self, end: bytes) -> bytes:
        """What comes up to this, included; at the end of the connection, what there is."""
        start = 0
        while (at := self._heard.find(end, start)) < 0:
            start = max(len(self._heard) - len(end) + 1, 0)
            if not self._more():
                at = len(self._heard)
                break
        at += len(end)
        octets = bytes(self._heard[:at])
        del self._heard[:at]
        return octets

    def line(self) -> bytes:
        """The next line with its CRLF; at the end, what there is."""
        return self.until(b"\r\n")

    def pending(self) -> bytes:
        """What came without being waited for."""
        with contextlib.suppress(Silence):
            while self._more(wait=False):
                pass
        return bytes(self._heard)

    def rest(self) -> bytes:
        """All that comes up to the end of the connection, which has to come."""
        while self._more():
            pass
        octets = bytes(self._heard)
        self._heard.clear()
        return octets

    # lines

    def reply(self, command: str | bytes = b"") -> Reply:
        """The next reply, as the one to this command."""
        line = self.line()
        if not line:
            raise Ended("the server closed the connection in place of an answer")
        assert line.endswith(b"\r\n"), f"no whole line: {line!r}"
        reply = Reply(line[:-2])
        if not reply.ok or not is_multi_line(_octets(command)):
            return reply
        payload = b""
        while (line := self.line()) != b".\r\n":
            assert line.endswith(b"\r\n"), f"no terminator: {payload[-100:]!r}"
            payload += line
        return Reply(reply.line, payload)

    def asks(self, *commands: str | bytes) -> list[Reply]:
        """Send commands at once and hear their replies."""
        self.send(b"".join(_octets(command) + b"\r\n" for command in commands))
        return [self.reply(command) for command in commands]

    def ask(self, command: str | bytes) -> Reply:
        """Send one command and hear its reply."""
        return self.asks(command)[0]

    def auth(self, mechanism: str, *responses: bytes | str) -> Reply:
        """Go through an exchange: the reply to AUTH, or to the last response that was given."""
        reply = self.ask(f"AUTH {mechanism}")
        for response in responses:
            assert reply.line == b"+" or reply.line.startswith(b"+ "), f"no challenge for {response!r}: {reply.line!r}"
            reply = self.ask(response)
        return reply

    def ok(self, *commands: str | bytes) -> bool:
        """Whether each of these is answered positively."""
        return all(reply.ok for reply in self.asks(*commands))

    def surely(self, command: str | bytes) -> tuple[Client, Reply]:
        """The reply, and from whom it is: another client in the same state, where the server has left this one.

        Some servers close the connection after so many mistakes; none is asked not to.
        """
        try:
            return self, self.ask(command)
        except Ended:
            if self.revive is None:
                raise
        other = self.revive()
        return other, other.ask(command)

    def refuses(self, *commands: str | bytes) -> bool:
        """Whether each of these gets one negative line of at most 512 octets, after which all is in step."""
        client = self
        for command in commands:
            client, reply = client.surely(command)
            if not reply.err or len(reply.line) > 510:
                return False
        client, _ = client.surely("CAPA")
        return client.in_step()

    def in_step(self) -> bool:
        """Whether the next commands get the replies that are their own."""
        first, second = self.asks("CAPA", "CAPA")
        return first == second and not self.pending()

    def capabilities(self) -> list[str]:
        """The lines that CAPA gives."""
        reply = self.ask("CAPA")
        assert reply.ok, reply
        return [line.decode() for line in reply.lines]

    def stat(self) -> tuple[int, int]:
        """The count and the octets that STAT gives, whatever stands behind them."""
        line = self.ask("STAT").line
        found = re.fullmatch(rb"\+OK ([0-9]+) ([0-9]+)( .*)?", line)
        assert found is not None, line
        return int(found[1]), int(found[2])

    def digest(self, secret: str) -> str:
        """The digest that APOP needs: the greeting's timestamp with its angle brackets, then the secret."""
        return md5(TIMESTAMP.findall(self.greeting)[0] + secret.encode(), usedforsecurity=False).hexdigest()

    # ends

    def has_ended(self) -> bool:
        """Whether the server has closed the connection, as far as can be known now."""
        self.pending()
        return self._over

    def ends(self) -> bool:
        """Whether the connection ends now, without another octet."""
        return self.rest() == b""

    def quit(self) -> Reply:
        """Say QUIT and hear the answer and the end."""
        reply = self.ask("QUIT")
        assert self.ends(), "something follows the answer to QUIT"
        return reply

    def close_notify(self) -> None:
        """Close TLS and leave the connection open; in clear there is nothing but to hang up."""
        if self.tls is None:
            self.pipe.close()
            return
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()
        self._flush()

    def close(self, how: Literal["fin", "rst"] = "fin") -> None:
        """Hang up without a word."""
        self._over = True
        self.pipe.close(how)


def _octets(command: str | bytes) -> bytes:
    return command.encode() if isinstance(command, str) else command


class Server(ABC):
    """One server with one account of which the checks know all, and others perhaps."""

    user: str
    password: str
    mail: Sequence[bytes | str]
    """The messages that the account has, as they are sent."""
    port: int | None = None

    @abstractmethod
    def pipe(self, over: Over = "tls") -> Pipe:
        """A connection of which nothing was read yet; "clear" and "stls" are the port on which TLS comes by STLS."""

    @abstractmethod
    def connect(self, over: Over | None = None, context: ssl.SSLContext | None = None) -> Client:
        """A client that has heard the greeting; left out, the carrier decides what carries it."""

    _last: Client | None = None

    def login(self, over: Over | None = None) -> Client:
        """A client in TRANSACTION; the one of before leaves first, and deletes nothing."""
        if self._last is not None and not self._last.has_ended():
            with contextlib.suppress(AssertionError):  # it ends just now
                self._last.asks("RSET", "QUIT")
                self._last.rest()
        client = self._last = self.connect(over)
        first, second = client.asks(f"USER {self.user}", f"PASS {self.password}")
        assert first.ok, first
        if second.code == "IN-USE":
            raise InUse(second)
        assert second.ok, second
        return client

    def uids(self) -> list[bytes]:
        """The unique-ids that a new session finds, which so must be able to log in."""
        client = self.login()
        found = [line.partition(b" ")[2] for line in client.ask("UIDL").lines]
        assert client.quit().ok
        return found

    @property
    def stat(self) -> tuple[int, int]:
        """What STAT has to say."""
        return len(self.mail), sum(map(len, self.mail))

    # what needs more than a connection

    @abstractmethod
    def deliver(self, *messages: bytes | str) -> None:
        """Put mail into the account's maildrop, from outside."""

    @abstractmethod
    def count(self) -> int:
        """How many messages the account's maildrop holds, seen from outside."""

    def may_remove(self) -> None:  # noqa: B027  # ours always may
        """Said by a check that removes mail: :class:`Unavailable` where it is somebody's own."""

    @property
    def inside(self) -> Any:
        """The server itself, for what only its owner can ask of it."""
        raise Unavailable("needs a hand inside the server")

    def passes(self, seconds: float) -> None:  # noqa: ARG002  # it has no clock
        """Let time pass."""
        raise Unavailable("needs a clock that a test drives")


class Talk(ABC):
    """One carrier: how conversations with servers are had."""

    asked = 0
    """How many servers were had: where it is not 0, a check has begun."""

    def server(self, *, mail: Iterable[bytes | str] = (M1, M2), **setup: Any) -> Server:
        """A server with this mail, set up as told; :class:`Unavailable` where this carrier has none."""
        server = self._server(tuple(mail), setup)
        self.asked += 1
        return server

    @abstractmethod
    def _server(self, mail: tuple[bytes | str, ...], setup: dict[str, Any]) -> Server:
        """The same, for each carrier."""

    @abstractmethod
    def close(self) -> None:
        """End all conversations and servers."""
