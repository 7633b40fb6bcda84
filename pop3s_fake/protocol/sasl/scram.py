"""SCRAM (RFC 5802, 7677) with SHA-1, SHA-256 and SHA-512, each bare and bound to the channel (-PLUS).

Knows the messages and the arithmetic; must not know where bindings come from or how messages are framed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from functools import lru_cache
from typing import Final, NamedTuple

from pop3s_fake.protocol.sasl.exchange import (
    MASK,
    Context,
    Exchange,
    Mechanism,
    Refused,
    acting,
    prepared,
    utf8,
    visible,
    wrong_credentials,
)
from pop3s_fake.protocol.sasl.gs2 import Gs2, gs2, saslname

__all__ = ("SCRAM",)

ITERATIONS: Final = 4096
"""The least that RFC 5802 section 5.1 and RFC 7677 section 3 recommend: a test has no secrets to slow anybody for."""

_FIRST: Final = re.compile(r"n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)((?:,[A-Za-z]=[^,]*)*)")
_FINAL: Final = re.compile(r"(c=([^,]+),r=([^,]+)(?:,[A-Za-z]=[^,]*)*),p=([^,]+)")
_VISIBLE: Final = re.compile(rb"[anrcm]=.*|[ny]|", re.DOTALL)
_BINDING: Final = re.compile(rb"p=[a-z-]+")


class _Keys(NamedTuple):
    """What a server stores of a password (RFC 5802 section 3)."""

    stored: bytes
    server: bytes


def salt(seed: int, name: str) -> bytes:
    """The salt of a name, the same whenever it is asked for, and whether or not there is such an account."""
    return hmac.digest(str(seed).encode(), name.encode(), "sha256")[:16]


@lru_cache(maxsize=1024)
def _keys(digest: str, password: str, salt: bytes) -> _Keys:
    """Derive the keys: thousands of rounds, so once an account and hash, and not once a login."""
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, ITERATIONS)
    client = hmac.digest(salted, b"Client Key", digest)
    return _Keys(hashlib.new(digest, client).digest(), hmac.digest(salted, b"Server Key", digest))


def _begin(digest: str, *, name: str, plus: bool, context: Context) -> Exchange:
    start = gs2(utf8((yield b""), "the message"))
    bound = _binding(start, name=name, plus=plus, context=context)
    user, nonce = _first(start.rest)
    account = context.accounts.get(user)
    nonce += context.nonce()
    salted = salt(context.seed, user)
    challenge = f"r={nonce},s={_base64(salted)},i={ITERATIONS}"

    final = _FINAL.fullmatch(utf8((yield challenge.encode()), "the message"))
    if final is None:
        raise Refused("SCRAM ends with c=binding,r=nonce,p=proof (RFC 5802 section 7)", None)
    if _octets(final[2]) != start.header.encode() + bound:
        raise Refused("c= is not the header of the first message and the channel binding")
    if final[3] != nonce:
        raise Refused("the nonce is not the one that was sent")
    said = f"{start.rest},{challenge},{final[1]}".encode()
    keys = None if account is None else _keys(digest, account.password, salted)
    if account is None or keys is None or not _proves(digest, keys, said, _octets(final[4])):
        raise wrong_credentials()
    granted = acting(account, start.authzid)
    # POP3 has no data with +OK: the server's own proof is one more challenge (RFC 5034 section 4).
    if (yield b"v=" + base64.b64encode(hmac.digest(keys.server, said, digest))):
        raise Refused("the server's proof is answered by an empty line", None)
    return granted


def _binding(start: Gs2, *, name: str, plus: bool, context: Context) -> bytes:
    """The octets of the channel that this exchange is bound to (RFC 5802 section 6)."""
    if plus and start.flag != "p":
        raise Refused(f"the first message of {name}-PLUS names a channel binding, p=type", None)
    if not plus and start.flag == "p":
        raise Refused(f"the first message of {name} names no channel binding: it begins with n or y", None)
    if start.flag == "y" and f"{name}-PLUS" in context.offered:
        raise Refused(f"y says that the server knows no channel binding, but it announced {name}-PLUS")
    if not plus:
        return b""
    if start.binding not in context.bindings:
        there = ", ".join(context.bindings) or "none"
        raise Refused(f"there is no such channel binding here; there is: {there}", None)
    return context.bindings[start.binding]


def _first(bare: str) -> tuple[str, str]:
    """The name and the client's nonce; extensions that are optional change nothing (RFC 5802 section 5.1)."""
    if bare.startswith("m="):
        raise Refused("m= asks for an extension that is not known here", None)
    found = _FIRST.fullmatch(bare)
    if found is None:
        raise Refused("SCRAM begins with n=name,r=nonce behind its header (RFC 5802 section 7)", None)
    return prepared(saslname(found[1], "the name"), "the name"), found[2]


def _proves(digest: str, keys: _Keys, said: bytes, proof: bytes) -> bool:
    """Whether this proof of all that was said shows the client key (RFC 5802 section 3)."""
    signature = hmac.digest(keys.stored, said, digest)
    if len(proof) != len(signature):
        return False
    client = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return hmac.compare_digest(hashlib.new(digest, client).digest(), keys.stored)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _octets(text: str) -> bytes:
    """Base64 undone; nothing for what is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _shown(response: bytes, turn: int) -> str:
    """The attributes that are no secret, and no proof.

    >>> _shown(b"n,,n=ann,r=abc", 0), _shown(b"c=biws,r=abcdef,p=dHzbZapWIk4jUhN=", 1)
    ('n,,n=ann,r=abc', 'c=biws,r=abcdef,p=****')
    """
    first, *rest = response.split(b",")
    binding = turn == 0 and _BINDING.fullmatch(first)  # in all other places p= is a proof
    return ",".join([visible(first) if binding else _part(first), *map(_part, rest)])


def _part(part: bytes) -> str:
    """One attribute."""
    if _VISIBLE.fullmatch(part):
        return visible(part)
    return f"p={MASK}" if part.startswith(b"p=") else MASK


def _mechanism(digest: str, *, plus: bool) -> Mechanism:
    name = "SCRAM-" + digest.upper().replace("SHA", "SHA-")
    return Mechanism(
        f"{name}-PLUS" if plus else name,
        lambda context: _begin(digest, name=name, plus=plus, context=context),
        _shown,
        needs="binding" if plus else "",
    )


SCRAM: Final = tuple(_mechanism(digest, plus=plus) for plus in (True, False) for digest in ("sha512", "sha256", "sha1"))
