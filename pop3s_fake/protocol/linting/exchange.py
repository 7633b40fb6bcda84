"""AUTH's exchanges as the client conducts them: what each response breaks (RFC 5034 section 4 and the mechanisms').

Knows base64 and what the mechanisms' messages look like; must not know whether a response is the right one.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.linting.breach import Breach
from pop3s_fake.protocol.linting.memory import Memory, mechanisms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("BEARER", "PLAINTEXT", "SERVER_FIRST", "Exchange", "unbased")

PLAINTEXT: Final = frozenset({"PLAIN", "LOGIN"})
"""Mechanisms by which the password itself is sent."""
BEARER: Final = frozenset({"XOAUTH2", "OAUTHBEARER"})
"""Mechanisms by which a token is sent that is as good as a password."""
SERVER_FIRST: Final = frozenset({"CRAM-MD5", "LOGIN"})
"""Mechanisms that begin with the server; DIGEST-MD5 does, but not where a client comes back (RFC 2831 section 2.2)."""

FEWEST_ITERATIONS: Final = 4096

_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_CRAM: Final = re.compile(rb"(?s).+ [0-9a-f]{32}")
_CANCEL: Final = b"*"


def unbased(word: bytes) -> bytes | None:
    """The octets that this is the base64 of; None where it is none, or not padded.

    >>> unbased(b"dGVzdA=="), unbased(b""), unbased(b"dGVzdA"), unbased(b"QUIT 1")
    (b'test', b'', None, None)
    """
    return binascii.a2b_base64(word) if _BASE64.fullmatch(word) else None


@dataclass(slots=True)
class Exchange:
    """One exchange, as the client sees it."""

    mechanism: str
    """In upper case."""
    responses: list[bytes] = field(default_factory=list)
    """What the client answered, decoded."""
    challenge: bytes | None = b""
    """What the client was told last, decoded; None where it cannot be decoded."""
    proven: bool = False
    """Whether the server has proved itself."""
    forged: bool = False
    """Whether what it said was not what it had to say."""

    @property
    def scram(self) -> bool:
        """Whether it is one of SCRAM's."""
        return self.mechanism.startswith("SCRAM-")

    def told(self, status: bytes, own: bytes | None) -> None:
        """A challenge as it went out, and what it was to be."""
        self.challenge = challenge = unbased(status[2:].rstrip(b"\r\n"))
        if challenge is None:
            return
        proof = challenge.startswith(b"v=") if self.scram else challenge.startswith(b"rspauth=")
        if proof and self._mutual:
            self.proven = True
            self.forged = own is not None and own.startswith(b"+ ")

    @property
    def unproven(self) -> str:
        """What going on breaks after +OK; "" where nothing is wrong."""
        if not self._mutual:
            return ""
        if not self.proven:
            return "C-5034-4.9"
        return "C-5802-2" if self.forged and self.scram else ""

    @property
    def _mutual(self) -> bool:
        """Whether the server has to prove itself."""
        return self.scram or self.mechanism == "DIGEST-MD5"

    def answered(self, memory: Memory, word: bytes, *, initial: bool = False) -> Iterator[Breach]:
        """A response as it came, or the initial response; tells what it breaks."""
        said = f"a response of AUTH {self.mechanism}"
        if word == _CANCEL and not initial:
            return
        if not initial:
            for row, demands in _TO_BE_CANCELLED:
                if demands(self):
                    yield Breach(row, said)
                    return
        if word == b"=" and not initial:
            yield Breach("C-5034-4.2", said)
            return
        octets = b"" if word == b"=" else unbased(word)
        if octets is None:
            yield Breach("C-5034-4.5", said)
            return
        for row, breaks in _CONTENTS:
            if breaks(memory, self, octets):
                yield Breach(row, said)
        self.responses.append(octets)


def no_base64(exchange: Exchange) -> bool:
    """C-5034-4.4; LOGIN's challenges are to be ignored, whatever they are (C-LOGIN-2.1)."""
    return exchange.challenge is None and exchange.mechanism != "LOGIN"


def no_nonce_or_two(exchange: Exchange) -> bool:
    """C-2831-2."""
    if exchange.mechanism != "DIGEST-MD5" or exchange.responses or exchange.challenge is None:
        return False
    return len(re.findall(rb"(?:^|,)\s*nonce=", exchange.challenge)) != 1


def foreign_nonce(exchange: Exchange) -> bool:
    """C-5802-1: the nonce of the server's first message must go on from the client's."""
    ours, theirs = _nonces(exchange)
    return ours is not None and theirs is not None and (not theirs.startswith(ours) or theirs == ours)


def demanded_extension(exchange: Exchange) -> bool:
    """C-5802-4."""
    return _server_first(exchange).startswith(b"m=")


def too_few_iterations(exchange: Exchange) -> bool:
    """C-5802-5: RFC 5802 section 5.1 and RFC 7677 section 4 want 4096 at least."""
    found = re.search(rb",i=([0-9]{1,9})(?:,|$)", _server_first(exchange))
    return found is not None and int(found[1]) < FEWEST_ITERATIONS


_TO_BE_CANCELLED: Final[tuple[tuple[str, Callable[[Exchange], bool]], ...]] = (
    ("C-5034-4.4", no_base64),
    ("C-2831-2", no_nonce_or_two),
    ("C-5802-1", foreign_nonce),
    ("C-5802-4", demanded_extension),
    ("C-5802-5", too_few_iterations),
)
"""Challenges that can only be answered by `*`."""


def _server_first(exchange: Exchange) -> bytes:
    """SCRAM's first message of the server's, if that is what stands there."""
    return exchange.challenge or b"" if exchange.scram and len(exchange.responses) == 1 else b""


def _nonces(exchange: Exchange) -> tuple[bytes | None, bytes | None]:
    """The client's nonce and the server's."""
    if not _server_first(exchange):
        return None, None
    ours = re.search(rb",r=([^,]*)", exchange.responses[0])
    theirs = re.match(rb"r=([^,]*)", _server_first(exchange))
    return ours and ours[1], theirs and theirs[1]


def readable_by_all(memory: Memory, exchange: Exchange, octets: bytes) -> bool:
    """C-5034-4.10: in clear, where the server does not even offer it there."""
    if memory.secure or exchange.mechanism not in PLAINTEXT or not octets:
        return False
    return exchange.mechanism not in mechanisms(memory.offered())


def token_readable_by_all(memory: Memory, exchange: Exchange, octets: bytes) -> bool:
    """C-7628-2."""
    return not memory.secure and exchange.mechanism in BEARER and bool(octets)


def plain_of_another_form(_: Memory, exchange: Exchange, octets: bytes) -> bool:
    """C-4616-2."""
    if exchange.mechanism != "PLAIN" or exchange.responses:
        return False
    try:
        octets.decode()
    except UnicodeDecodeError:
        return True
    return octets.count(b"\0") != 2  # noqa: PLR2004  # authorization identity NUL name NUL password


def password_before_name(memory: Memory, exchange: Exchange, octets: bytes) -> bool:
    """C-LOGIN-2.1."""
    if exchange.mechanism != "LOGIN" or len(exchange.responses) != 1:
        return False
    account = memory.accounts.get(octets.decode("latin-1"))
    return account is not None and exchange.responses[0] == account.login.password.encode() != octets


def cram_of_another_form(_: Memory, exchange: Exchange, octets: bytes) -> bool:
    """C-2195-2."""
    return exchange.mechanism == "CRAM-MD5" and not exchange.responses and not _CRAM.fullmatch(octets)


def flag_that_cannot_be(memory: Memory, exchange: Exchange, octets: bytes) -> bool:
    """C-5802-6: -PLUS binds, others do not, and `y` says that no -PLUS is listed."""
    if not exchange.scram or exchange.responses:
        return False
    flag, plus = octets[:1], exchange.mechanism.endswith("-PLUS")
    if plus != (flag == b"p"):
        return True
    listed = memory.mechanisms
    return flag == b"y" and listed is not None and f"{exchange.mechanism}-PLUS" in listed


def unescaped_name(_: Memory, exchange: Exchange, octets: bytes) -> bool:
    """C-5802-7."""
    if not exchange.scram or exchange.responses:
        return False
    fields = octets.split(b",")[2:]
    if fields[:1] and fields[0].startswith(b"m="):
        del fields[0]
    if not fields or not fields[0].startswith(b"n="):
        return False
    return bool(re.search(rb"=(?!2C|3D)", fields[0][2:])) or not (fields[1:] and fields[1].startswith(b"r="))


def tls_unique(memory: Memory, exchange: Exchange, octets: bytes) -> bool:
    """C-7677-4."""
    return exchange.scram and not exchange.responses and memory.version == "TLSv1.3" and octets[:13] == b"p=tls-unique,"


def unanswered_error(_: Memory, exchange: Exchange, octets: bytes) -> bool:
    """C-7628-1: the error is the one challenge behind the token."""
    return exchange.mechanism == "OAUTHBEARER" and len(exchange.responses) == 1 and octets != b"\x01"


def unanswered_status(_: Memory, exchange: Exchange, octets: bytes) -> bool:
    """C-XOAUTH2-1."""
    return exchange.mechanism == "XOAUTH2" and len(exchange.responses) == 1 and octets != b""


_CONTENTS: Final[tuple[tuple[str, Callable[[Memory, Exchange, bytes], bool]], ...]] = (
    ("C-5034-4.10", readable_by_all),
    ("C-7628-2", token_readable_by_all),
    ("C-4616-2", plain_of_another_form),
    ("C-LOGIN-2.1", password_before_name),
    ("C-2195-2", cram_of_another_form),
    ("C-5802-6", flag_that_cannot_be),
    ("C-5802-7", unescaped_name),
    ("C-7677-4", tls_unique),
    ("C-7628-1", unanswered_error),
    ("C-XOAUTH2-1", unanswered_status),
)
"""What a response may break by what it says."""
