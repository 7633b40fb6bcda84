"""The defects of AUTH, of the mechanisms and of TLS, as data; those of all else stand in ``defects``.

Knows the rows by their ids; how a defect is planted stands in ``planting``.
"""

from __future__ import annotations

import base64
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from pop3s_fake.connection import Send, authenticating, connection, handshake
from pop3s_fake.protocol.linting import forms
from pop3s_fake.protocol.replies import Err, Reply
from pop3s_fake.protocol.sasl import scram
from pop3s_fake.protocol.session import Session
from pop3s_fake.protocol.states import State
from pop3s_fake.tls import Authority, Tls
from pop3s_fake.tls.records import Records
from tests.conformance.defects import NO, YES, capa, capa_in, commits, dropped, grudges, in_state, swap
from tests.conformance.mechanisms import b64, plain
from tests.conformance.planting import RESPONSE, Defect, exactly, hears, says, twisted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conformance.planting import Go, Twist

__all__ = ("DEFECTS_OF_SASL",)

GOOD = b"AUTH PLAIN " + plain("mrose", "tanstaaf").encode()


def sasl(change: str) -> Callable[[bytes], bytes]:
    """Another mechanism at the end of the list."""
    return lambda octets: re.sub(rb"\r\n(SASL[^\r]*)", rb"\r\n\1 " + change.encode(), octets)


def without_tls(change: Callable[[bytes], bytes]) -> Defect:
    """Another list of capabilities in clear."""

    def twist(session: Any, line: bytes, go: Go) -> Reply:
        reply = go(line)
        return reply if line != b"CAPA" or session._secure else Reply(change(reply.octets()))

    return twisted(twist)


def decoded(line: bytes) -> bytes:
    """The octets of a response, or of the initial one; nothing where there are none."""
    word = line.removeprefix(RESPONSE) if line.startswith(RESPONSE) else line.split(b" ")[-1]
    try:
        return base64.b64decode(word, validate=True)
    except ValueError:
        return b""


def mishears(old: bytes, new: bytes, *, beginning: bytes = b"AUTH ") -> Defect:
    """The session takes one message for another."""

    def change(line: bytes) -> bytes:
        octets = decoded(line)
        if old not in octets or not line.startswith((beginning, RESPONSE)):
            return line
        head = RESPONSE if line.startswith(RESPONSE) else line.rpartition(b" ")[0] + b" "
        return head + b64(octets.replace(old, new)).encode()

    return hears(change)


def answers(part: bytes, answer: bytes) -> Defect:
    """A message that holds this is answered so."""

    def twist(_: Any, line: bytes, go: Go) -> Reply:
        reply = go(line)
        return Reply(answer) if part in decoded(line) else reply

    return twisted(twist)


def challenges(line: bytes, change: Callable[[bytes], bytes]) -> Defect:
    """The challenge after this line is another."""
    return says(
        line,
        lambda octets: (
            b"+ " + b64(change(base64.b64decode(octets[2:]))).encode() + b"\r\n" if octets[:2] == b"+ " else octets
        ),
    )


def any_challenge(old: bytes, new: bytes, mechanism: str = "") -> Defect:
    """A challenge that begins so begins otherwise, of one mechanism perhaps."""

    def twist(session: Any, line: bytes, go: Go) -> Reply:
        name = session.exchange._mechanism.name if session.exchange else ""
        octets = go(line).octets()
        if octets.startswith(b"+ ") and (not mechanism or mechanism == name):
            content = base64.b64decode(octets[2:])
            if content.startswith(old):
                return Reply(b"+ " + b64(content.replace(old, new, 1)).encode() + b"\r\n")
        return Reply(octets)

    return Defect(twist=lambda: _keeping(twist))


def _keeping(twist: Twist) -> Twist:
    """Say what came by itself, where nothing was changed: a reply closes perhaps."""

    def kept(session: Any, line: bytes, go: Go) -> Reply:
        replies: list[Reply] = []

        def gone(given: bytes) -> Reply:
            replies.append(go(given))
            return replies[-1]

        reply = twist(session, line, gone)
        return replies[-1] if replies and reply.octets() == replies[-1].octets() else reply

    return kept


def proof_with_ok(_: Any, line: bytes, go: Go) -> Reply:
    """SCRAM whose last data stand behind +OK."""
    reply = go(line)
    octets = reply.octets()
    if octets.startswith(b"+ ") and (proof := base64.b64decode(octets[2:])).startswith(b"v="):
        return Reply(b"+OK " + proof + b"\r\n")
    return reply


def short_lines(octets: int) -> Defect:
    """Responses have a limit."""
    return twisted(
        lambda _, line, go: Err("too long") if line.startswith(RESPONSE) and len(line) > octets else go(line)
    )


def bound_after_all(session: Any, line: bytes, go: Go) -> Reply:
    """A client that thinks we cannot bind is believed."""
    bound = session._facts().bindings
    if bound and decoded(line).startswith(b"y,,"):
        head, _, word = line.rpartition(b" ")
        return go(head + b" " + b64(b"n,," + base64.b64decode(word)[3:]).encode())
    return Reply(b"+ dj0x\r\n") if bound and decoded(line).startswith(b"c=eSws") else go(line)


def stls_twice(session: Any, line: bytes, go: Go) -> Reply:
    """STLS whatever there is."""
    if line == b"STLS" and session._secure and session.state is State.AUTHORIZATION:
        return Reply(YES)
    return go(line)


def listed_again(session: Any, line: bytes, go: Go) -> Reply:
    """STLS in every list."""
    reply = go(line)
    if line == b"CAPA" and session._secure and reply.positive:
        return Reply(reply.octets().removesuffix(b".\r\n") + b"STLS\r\n.\r\n")
    return reply


def logged_in_by_certificate(session: Any, line: bytes, go: Go) -> Reply:
    """TRANSACTION for whoever shows a certificate."""
    if line == b"STAT" and session._facts().certificate and session.state is State.AUTHORIZATION:
        return Reply(b"+OK 2 320\r\n")
    return go(line)


def login_in_clear(session: Any, line: bytes, go: Go) -> Reply:
    """LOGIN without TLS."""
    return Reply(b"+ VXNlcm5hbWU6\r\n") if line == b"AUTH LOGIN" and not session._secure else go(line)


def password_in_clear(session: Any, line: bytes, go: Go) -> Reply:
    """USER without TLS."""
    return Reply(YES) if line.startswith(b"USER ") and not session._secure else go(line)


def secured(session: Any, **known: Any) -> None:
    """STLS that does not forget a name."""
    _secured(session, **known)
    session._name = "mrose"


def greets_again(self: Any) -> Iterator[Any]:
    """TLS that begins with a greeting, however it was come by."""
    yield from _upgrade(self)
    yield Send(self._link.seal(b"+OK POP3 server ready\r\n"))


def executes(self: Any) -> Iterator[Any]:
    """What stood in clear behind STLS is executed: a name was given."""
    yield from _upgrade(self)
    self._session._name = "mallory"


def hastens(self: Any) -> Iterator[Any]:
    """A greeting before there is TLS."""
    if self._settings.records is not None and not self._settings.stls:
        yield Send(b"+OK early\r\n")
    yield from _steps(self)


def without_notify(self: Any, gone: Any) -> Iterator[Any]:
    """An end without close_notify where the client closes first."""
    gone.notify = False
    yield from _leave(self, gone)


def without_extended_secret(self: Any, *args: Any, **keywords: Any) -> Any:
    """TLS 1.2 as it was before RFC 7627."""
    keywords["names"] = (*keywords.get("names", ("localhost",)), "old.localhost")  # a context of its own: it is changed
    context = _server_context(self, *args, **keywords)
    context.options |= SSL_OP_NO_EXTENDED_MASTER_SECRET
    return context


def bound_to(**bindings: Callable[[Any], bytes]) -> Defect:
    """Channel bindings that are others."""
    named = {name.replace("_", "-"): make for name, make in bindings.items()}

    def found(self: Any) -> dict[str, bytes]:
        return {**_bindings(self), **{name: make(self) for name, make in named.items()}}

    return Defect(patches=[(Records, "bindings", found)])


SSL_OP_NO_EXTENDED_MASTER_SECRET: Final = 1
_secured = Session.secured
_upgrade = connection.Connection._upgrade
_steps = connection.Connection.steps
_leave = connection.Connection._leave
_bindings = Records.bindings
_server_context = Authority.server_context


def tls(**settings: Any) -> Defect:
    """Other settings of TLS."""
    return Defect(options={"tls": Tls(**settings)})


DEFECTS_OF_SASL: Final[dict[str, Defect]] = {
    "5034-3.1": capa(sasl("BOGUS")),
    "5034-3.2": capa_in(State.TRANSACTION, dropped(b"SASL")),
    "5034-4.1": says(b"AUTH FOOBAR", b"+ \r\n"),
    "5034-4.2": hears(lambda line: line.replace(b"auth plain", b"auth xplain")),
    "5034-4.3": says(b"AUTH LOGIN", swap(b"+ ", b"+ Name ")),
    "5034-4.4": says(b"AUTH PLAIN", swap(b"+ \r\n", b"+\r\n")),
    "5034-4.5": hears(lambda line: b"AUTH PLAIN" if line == b"AUTH PLAIN =" else line),
    "5034-4.6": hears(lambda line: line.replace(b"LOGIN dGVzdA==", b"LOGIN")),
    "5034-4.7": exactly(RESPONSE + b"*", b"+OK never mind\r\n"),
    "5034-4.8": hears(lambda line: RESPONSE + line[2:].replace(b" ", b"") if line.startswith(RESPONSE) else line),
    "5034-4.9": in_state(State.TRANSACTION, b"AUTH PLAIN", YES),
    "5034-4.10": short_lines(8000),
    "5034-4.11": Defect(patches=[(forms, "COMMAND_LIMIT", 10_000)]),
    "5034-4.12": Defect(twist=lambda: grudges(b"AUTH")),
    "5034-4.13": says(RESPONSE + plain("mrose", "tanstaaf").encode(), NO),
    "5034-4.14": twisted(proof_with_ok),
    "5034-4.15": capa(swap(b" PLAIN", b"")),
    "5034-4.22": capa(lambda octets: re.sub(rb"\r\nSASL[^\r]*", rb"\r\nSASL PLAIN", octets)),
    "5034-4.17": mishears(b"\a\0", b"\0"),
    "5034-4.18": challenges(b"AUTH DIGEST-MD5", swap(b'qop="auth"', b'qop="auth,auth-int"')),
    "5034-4.19": says(GOOD, swap(b"[IN-USE]", b"[AUTH]")),
    "5034-4.20": says(b"AUTH", b"+OK\r\n.\r\n"),
    "5034-4.21": says(RESPONSE + b"QUIT", YES),
    "4422-3.1": says(b"AUTH pl@in", b"+ \r\n"),
    "4422-3.5": answers(b"nobody", b"-ERR [AUTH] there is no such user\r\n"),
    "4616-2.1": mishears(b"tanstaaf\0", b"tanstaaf"),
    "4616-2.2": short_lines(1000),
    "4616-2.3": mishears(b"ursel\0mrose", b"mrose\0mrose"),
    "4616-2.4": mishears(b"mrose\0\xc2\xad", b"mrose\0tanstaaf"),
    "4616-5.1": without_tls(sasl("PLAIN")),
    "LOGIN-2.2": challenges(b"AUTH LOGIN", lambda _: b"Who?"),
    "LOGIN-1": twisted(login_in_clear),
    "2195-2.1": challenges(b"AUTH CRAM-MD5", lambda _: b"<1.2@localhost>"),
    "2195-2.2": hears(
        lambda line: (
            RESPONSE + b64(octets.lower()).encode()
            if line.startswith(RESPONSE) and re.fullmatch(rb"mrose [0-9A-F]{32}", octets := decoded(line))
            else line
        )
    ),
    "2831-2.1": challenges(b"AUTH DIGEST-MD5", lambda challenge: challenge + b',opaque="x"'),
    "2831-2.2": any_challenge(b"rspauth=", b"rspauth=0"),
    "2831-2.3": answers(b"pop/wrong.example", b"+ cnNwYXV0aD0w\r\n"),
    "5802-5.1": mishears(b"x,,", b"n,,"),
    "5802-5.2": mishears(b"n=a=20b", b"n=a"),
    "5802-5.3": Defect(
        patches=[(authenticating, "blake2b", lambda *_, **__: SimpleNamespace(hexdigest=lambda: "0123456789"))]
    ),
    "5802-5.4": Defect(options={"seed": 2}, patches=[(scram, "ITERATIONS", 4095)]),
    "5802-5.5": twisted(
        lambda session, line, go: (
            Reply(b"+ dj0x\r\n") if not session._facts().bindings and decoded(line).startswith(b"c=eSws") else go(line)
        )
    ),
    "5802-5.6": twisted(bound_after_all),
    "5802-5.7": mishears(b"p=tls-bogus", b"p=tls-server-end-point"),
    "5802-5.8": capa(swap(b"SCRAM-SHA-256-PLUS ", b"")),
    "5802-5.9": mishears(b"m=x,", b""),
    "5802-5.10": any_challenge(b"v=", b"v=00", "SCRAM-SHA-512"),
    "5802-5.11": answers(f"c={b64('n,a=other,')}".encode(), YES),
    "5802-6.1": bound_to(tls_unique=lambda records: records._tls.get_channel_binding("tls-unique")),
    "7677-4": Defect(patches=[(Authority, "server_context", without_extended_secret)]),
    "5929-4": bound_to(tls_server_end_point=lambda _: bytes(32)),
    "7628-3.1": answers(b"\x01x=y\x01", NO),
    "7628-3.2": mishears(b"wrong.example", b"localhost"),
    "7628-3.3": answers(b"a=mrose,\x01auth=Bearer wrong", NO),
    "7628-3.4": without_tls(sasl("OAUTHBEARER")),
    "XOAUTH2-1": answers(b"user=mrose\x01auth=Bearer wrong", NO),
    "4422-A.1": hears(lambda line: b"AUTH EXTERNAL =" if line == b"AUTH EXTERNAL bm9ib2R5" else line),
    "4505-2": capa(sasl("ANONYMOUS")),
    "5034-3.3": without_tls(sasl("PLAIN")),
    # TLS
    "2595-4.1": twisted(listed_again),
    "2595-4.2": hears(lambda line: b"STLS" if line == b"STLS x" else line),
    "2595-4.3": Defect(patches=[(connection.Connection, "_upgrade", greets_again)]),
    "2595-4.4": twisted(stls_twice),
    "2595-4.5": twisted(logged_in_by_certificate),
    "2595-4.6": without_tls(lambda octets: octets.removesuffix(b".\r\n") + b"USER\r\n.\r\n"),
    "2595-4.7": Defect(patches=[(connection.Connection, "_upgrade", executes)]),
    "2595-4.8": Defect(patches=[(Session, "secured", secured)]),
    "2595-4.9": Defect(patches=[(handshake, "alert", lambda _: b"+OK capability list follows\r\n.\r\n")]),
    "2595-2.2": Defect(patches=[(handshake, "alert", lambda _: b"OK\r\n")]),
    "2595-2.3": twisted(password_in_clear),
    "5034-4.16": without_tls(sasl("LOGIN")),
    "8314-3.1": Defect(patches=[(connection.Connection, "steps", hastens)]),
    "8314-3.4": Defect(patches=[(Records, "close_notify", lambda _: b"")]),
    "8314-4.1": Defect(options={"tls": Tls(versions="1.0-1.3"), "certificate": "good-rsa"}),
    "8314-4.2": Defect(options={"client_certificate": "optional"}),
    "9325-3.1.1": tls(versions="1.2"),
    "9325-3.2": Defect(options={"stls": True}),
    "9325-3.5": Defect(patches=[(Authority, "server_context", without_extended_secret)]),
    "9325-3.8": tls(alpn=()),
    "9325-4.5": Defect(options={"certificate": "rsa-1024"}),
    "7301-3.1": tls(alpn=("h2", "pop3")),
    "7301-3.2": tls(alpn=("pop3", "imap")),
    "7301-3.3": Defect(patches=[(handshake, "alpn_refused", lambda hello, *_: not hello.alpn)]),
    "ALPN-id": tls(alpn=("pop3s",)),
    "8446-6.1": Defect(patches=[(connection.Connection, "_leave", without_notify)]),
    "8446-6.2": Defect(patches=[(Session, "close", commits)]),
}
