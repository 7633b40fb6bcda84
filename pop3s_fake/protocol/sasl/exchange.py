"""What a SASL mechanism is: a generator of challenges, what it may know, and how it ends (RFC 4422 section 3).

Knows accounts and what they are proved by; must not know POP3's framing, base64, replies or lines: a challenge and a
response are raw octets here, and the module that frames them stands beside the session.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pop3s_fake.maildrop.saslprep import Unprepared, saslprep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pop3s_fake.maildrop import Account, Accounts

__all__ = (
    "LOOPBACK",
    "MASK",
    "Context",
    "Exchange",
    "Granted",
    "Mechanism",
    "Refused",
    "acting",
    "challenge_shown",
    "prepared",
    "utf8",
    "visible",
    "with_password",
    "wrong_credentials",
)

MASK: Final = "****"
"""What stands in a transcript for a secret."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""The names under which every server of ours is reached."""

FIELD_LIMIT: Final = 255
"""Octets that an authentication identity, authorization identity or password may have (RFC 4616 section 2)."""


class Granted(NamedTuple):
    """The end of an exchange that went well: who may come in."""

    account: Account


Exchange = Generator[bytes, bytes, Granted]
"""One authentication: yields challenges, is sent responses, returns `Granted` or raises `Refused`.

The empty challenge in front of a client's first message is yielded, too; the framing answers it with the initial
response where there is one.  Data that some mechanisms send with success (SCRAM's ``v=``, DIGEST-MD5's ``rspauth``) is
one more challenge, answered by an empty response (RFC 5034 section 4).  A cancelled exchange is closed.
"""


class Refused(Exception):  # noqa: N818  # no error of ours: the client is told so
    """The end of an exchange that went badly: the words behind ``-ERR`` and the response code, if any."""

    text: str
    code: str | None

    def __init__(self, text: str, code: str | None = "AUTH") -> None:
        super().__init__(text)
        self.text = text
        self.code = code


@dataclass(frozen=True, slots=True)
class Context:
    """What a mechanism may know.

    ``now`` is the server's clock in seconds; ``nonce`` gives fresh text of letters and digits at each call; ``host`` is
    the server's own name, ``hosts`` and ``ports`` are what a client may name as the place it has connected to (no
    ports: any); ``bindings`` are octets by the type of channel binding (RFC 5056), none without TLS; ``identities`` the
    names that a verified client certificate holds; ``offered`` the mechanisms announced now; ``seed`` makes the salts.
    """

    accounts: Accounts
    now: Callable[[], float]
    nonce: Callable[[], str]
    host: str = "localhost"
    hosts: frozenset[str] = LOOPBACK
    ports: frozenset[int] = frozenset()
    secure: bool = False
    bindings: Mapping[str, bytes] = field(default_factory=dict)
    identities: tuple[str, ...] = ()
    offered: frozenset[str] = frozenset()
    seed: int = 0


class Mechanism(NamedTuple):
    """One way to log in.

    ``client_first``: the client has the first word, so its first challenge is empty and AUTH may carry an initial
    response; ``plaintext``: who reads the wire can log in, so never without TLS; ``needs``: what a connection must have
    for it to be announced, a channel binding or a client's certificate; ``shown``: a response, and which it is, from 0,
    as the transcript may show it, without anything secret.
    """

    name: str
    begin: Callable[[Context], Exchange]
    shown: Callable[[bytes, int], str]
    client_first: bool = True
    plaintext: bool = False
    needs: Literal["", "binding", "certificate"] = ""


def wrong_credentials() -> Refused:
    """One refusal for an unknown name, a wrong password and a forged proof: nobody learns which it was."""
    return Refused("name or password is wrong")


def utf8(octets: bytes, what: str) -> str:
    """The text of these octets; `Refused` if they are no UTF-8 or contain NUL."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{what} is not UTF-8", None) from None
    if "\0" in text:
        raise Refused(f"{what} has a NUL in it", None)
    return text


def prepared(text: str, what: str) -> str:
    """The text after SASLprep (RFC 4013); `Refused` if that fails, or leaves nothing, or there is too much.

    >>> prepared("I\u00adX", "the name")
    'IX'
    >>> prepared("\u00ad", "the name")
    Traceback (most recent call last):
    ...
    pop3s_fake.protocol.sasl.exchange.Refused: the name is empty after SASLprep
    """
    if len(text.encode()) > FIELD_LIMIT:
        raise Refused(f"{what} has more than {FIELD_LIMIT} octets", None)
    try:
        text = saslprep(text)
    except Unprepared as error:
        raise Refused(f"{what} {error}", None) from None
    if not text:
        raise Refused(f"{what} is empty after SASLprep", None)
    return text


def with_password(context: Context, name: str, password: str) -> Account:
    """The account of that name if this is its password, both prepared on both sides; else `Refused`."""
    name = prepared(name, "the name")
    password = prepared(password, "the password")
    account = context.accounts.get(name)
    if account is None or not account.check_password(password.encode()):
        raise wrong_credentials()
    return account


def acting(account: Account, authzid: str) -> Granted:
    """Let an authenticated account act as ``authzid``: only as itself, and an empty one means just that."""
    if authzid and prepared(authzid, "the authorization identity") != account.name:
        raise Refused("this account may act as nobody but itself")
    return Granted(account)


def visible(octets: bytes) -> str:
    r"""Octets as one line of text, everything but printable ASCII escaped; NUL is ``\0``.

    >>> print(visible(b"\0ann\0\xc3\xa9\x01"))
    \0ann\0\xc3\xa9\x01
    """
    text = octets.decode("latin-1")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join("\\0" if octet == 0 else repr(bytes([octet]))[2:-1] for octet in octets)


def challenge_shown(octets: bytes) -> str:
    """A challenge of whatever mechanism as the transcript may show it: the proofs of SCRAM and DIGEST-MD5 masked.

    >>> challenge_shown(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), challenge_shown(b"Username:")
    ('v=****', 'Username:')
    """
    for proof in (b"v=", b"rspauth="):
        if octets.startswith(proof):
            return f"{proof.decode()}{MASK}"
    return visible(octets)
