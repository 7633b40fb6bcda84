"""The client's side of SASL, from the specifications: what a right client says, and where it can be made to err.

Knows RFC 4616, 2195, 2831, 5802 and 7628; must not know anything of the server's code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import ssl
import warnings
from typing import TYPE_CHECKING, Any, Final

from tests.conformance.talk import Reply, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.talk import Client, Over, Server, Talk

__all__ = (
    "b64",
    "bearer",
    "cram",
    "digest_md5",
    "mechanisms",
    "need",
    "offering",
    "plain",
    "scram",
    "un64",
    "version",
    "xoauth2",
)

NONCE: Final = "fyko+d2lbbFgONRv9qkxdawL"


def b64(octets: bytes | str) -> str:
    """As it stands on the wire."""
    return base64.b64encode(octets.encode() if isinstance(octets, str) else octets).decode()


def un64(reply: Reply) -> bytes:
    """The octets of a challenge."""
    assert re.fullmatch(rb"\+ [A-Za-z0-9+/]*={0,2}", reply.line), reply.line
    return base64.b64decode(reply.line[2:], validate=True)


def mechanisms(client: Client) -> list[str]:
    """What SASL lists."""
    return next((line.split(" ")[1:] for line in client.capabilities() if line.startswith("SASL")), [])


def offering(talk: Talk, *wanted: str, over: Over | None = None, **setup: Any) -> Server:
    """A server that offers these mechanisms: the default one, if it does so by itself."""
    if not setup:
        server = talk.server()
        if set(wanted) <= set(mechanisms(server.connect(over))):
            return server
    return talk.server(capabilities=[f"+SASL {' '.join(wanted)}"], **setup)


def plain(user: str, password: str | bytes, authzid: str = "") -> str:
    """The one message of PLAIN."""
    secret = password.encode() if isinstance(password, str) else password
    return b64(authzid.encode() + b"\0" + user.encode() + b"\0" + secret)


def cram(client: Client, user: str, secret: str, change: Callable[[str], str] = lambda digest: digest) -> Reply:
    """CRAM-MD5, with another digest perhaps."""
    challenge = un64(client.ask("AUTH CRAM-MD5"))
    return client.ask(b64(f"{user} {change(hmac.new(secret.encode(), challenge, 'md5').hexdigest())}"))


def md5(text: bytes) -> bytes:
    """The digest's octets."""
    return hashlib.md5(text, usedforsecurity=False).digest()


def directives(challenge: bytes) -> list[tuple[str, str]]:
    """The names and values of a DIGEST-MD5 challenge, as they stand there."""
    return re.findall(r'([a-z-]+)=(?:"([^"]*)"|[^,]*)', challenge.decode())


def digest_md5(
    client: Client, user: str, password: str, *, uri: str | None = None, spoil: bool = False, extra: str = ""
) -> tuple[Reply, str]:
    """DIGEST-MD5 up to the answer to the digest, and the ``rspauth`` that has to stand there."""
    said = dict(directives(un64(client.ask("AUTH DIGEST-MD5"))))
    realm, nonce, cnonce = said.get("realm", ""), said["nonce"], "OA6MHXh6VqTrRk"
    uri = uri or f"pop/{realm or 'localhost'}"
    a1 = md5(f"{user}:{realm}:{password}".encode()) + f":{nonce}:{cnonce}".encode()

    def proof(a2: str) -> str:
        tail = f":{nonce}:00000001:{cnonce}:auth:{md5(a2.encode()).hex()}"
        return md5((md5(a1).hex() + tail).encode()).hex()

    response = proof(f"AUTHENTICATE:{uri}")
    if spoil:
        response = response[:-1] + ("0" if response[-1] != "0" else "1")
    text = (
        f'charset=utf-8,username="{user}",realm="{realm}",nonce="{nonce}",nc=00000001,cnonce="{cnonce}",'
        f'digest-uri="{uri}",response={response},qop=auth{extra}'
    )
    return client.ask(b64(text)), proof(f":{uri}")


class Scram:
    """One SCRAM exchange, step by step, so that each step can be spoilt."""

    def __init__(self, client: Client, mechanism: str, user: str, password: str, gs2: str = "n,,") -> None:
        self.client, self.mechanism, self.password, self.gs2 = client, mechanism, password, gs2
        self.hash = re.sub(r"SCRAM-(SHA)-?(\d+)(-PLUS)?", r"\1\2", mechanism).lower()
        self.bare = f"n={user},r={NONCE}"
        self.server_first = ""
        self.signature = ""

    def first(self, bare: str | None = None) -> Reply:
        """AUTH with the first message as its initial response."""
        self.bare = self.bare if bare is None else bare
        reply = self.client.ask(f"AUTH {self.mechanism} {b64(self.gs2 + self.bare)}")
        if reply.line.startswith(b"+ "):
            self.server_first = un64(reply).decode()
        return reply

    @property
    def values(self) -> dict[str, str]:
        """What the server's first message holds."""
        return dict(part.split("=", 1) for part in self.server_first.split(","))

    def final(
        self, *, binding: bytes = b"", cbind: str | None = None, nonce: str | None = None, spoil: bool = False
    ) -> Reply:
        """The last message; with a wrong proof, nonce or binding perhaps."""
        channel = b64(self.gs2.encode() + binding) if cbind is None else cbind
        without = f"c={channel},r={self.values['r'] if nonce is None else nonce}"
        salted = hashlib.pbkdf2_hmac(
            self.hash, self.password.encode(), base64.b64decode(self.values["s"]), int(self.values["i"])
        )
        key = hmac.digest(salted, b"Client Key", self.hash)
        message = f"{self.bare},{self.server_first},{without}".encode()
        signed = hmac.digest(hashlib.new(self.hash, key).digest(), message, self.hash)
        proof = bytes(a ^ b for a, b in zip(key, signed, strict=True))
        if spoil:
            proof = bytes([proof[0] ^ 1]) + proof[1:]
        self.signature = b64(hmac.digest(hmac.digest(salted, b"Server Key", self.hash), message, self.hash))
        return self.client.ask(b64(f"{without},p={b64(proof)}"))


def scram(client: Client, mechanism: str, user: str, password: str, gs2: str = "n,,", binding: bytes = b"") -> Reply:  # noqa: PLR0917  # what it is made of
    """A whole exchange as a right client has it: the server's proof is checked."""
    exchange = Scram(client, mechanism, user, password, gs2)
    reply = exchange.first()
    if not reply.line.startswith(b"+ "):
        return reply
    reply = exchange.final(binding=binding)
    if not reply.line.startswith(b"+ "):
        assert not reply.ok, "success without a proof"
        return reply
    assert un64(reply) == f"v={exchange.signature}".encode()
    return client.ask("")


def bearer(user: str, token: str, **pairs: str | int) -> str:
    """The message of OAUTHBEARER."""
    body = "".join(f"{key}={value}\x01" for key, value in pairs.items())
    return b64(f"n,a={user},\x01{body}auth=Bearer {token}\x01\x01")


def xoauth2(user: str, token: str) -> str:
    """The message of XOAUTH2."""
    return b64(f"user={user}\x01auth=Bearer {token}\x01\x01")


def need(client: Client, mechanism: str) -> None:
    """Go on only where it is offered."""
    if mechanism not in mechanisms(client):
        raise Unavailable(f"does not offer {mechanism}")


def version(server: Server, highest: str) -> ssl.SSLContext:
    """The context of a client that knows this version of TLS, such as "TLSv1_2", and no newer one."""
    client = server.connect("tls")
    client.close()
    context = client.context
    assert context is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = ssl.TLSVersion[highest]
    return context
