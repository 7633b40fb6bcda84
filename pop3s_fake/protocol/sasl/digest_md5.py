"""DIGEST-MD5 (RFC 2831; historic since RFC 6331): a challenge of directives, and a digest over those of the answer.

Knows the directives and the arithmetic; must not know how messages are framed.  There is no security layer, and no
subsequent authentication.
"""

from __future__ import annotations

import re
from hashlib import md5
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.sasl.exchange import (
    MASK,
    Context,
    Exchange,
    Mechanism,
    Refused,
    acting,
    prepared,
    visible,
    wrong_credentials,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("DIGEST_MD5",)

_LONGEST: Final = 4095  # octets of a response (RFC 2831 section 2.1.2)
_NEEDED: Final = ("username", "nonce", "cnonce", "nc", "digest-uri", "response")
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VALUE: Final = rb'"((?:[^"\\]|\\.)*)"|(%b)' % _TOKEN
_DIRECTIVE: Final = re.compile(rb"[ \t]*(%b)[ \t]*=[ \t]*(?:%b)[ \t]*(?:,|\Z)" % (_TOKEN, _VALUE), re.DOTALL)
_HEX: Final = re.compile("[0-9a-f]{32}")
_OPEN: Final = frozenset(
    ("username", "realm", "nonce", "nc", "cnonce", "qop", "digest-uri", "charset", "authzid", "maxbuf", "cipher")
)


def _begin(context: Context) -> Exchange:
    nonce, realm = context.nonce(), context.host
    challenge = f'realm="{realm}",nonce="{nonce}",qop="auth",algorithm=md5-sess,charset=utf-8'
    said = _directives((yield challenge.encode()))
    _check(said, nonce=nonce, context=context)
    account = context.accounts.get(prepared(said["username"], "the name"))
    if account is None or said.get("realm", "") not in {realm, ""}:
        raise wrong_credentials()
    session = _session_key(said, account.password)
    if not compare_digest(said["response"], _digest(session, said, "AUTHENTICATE")):
        raise wrong_credentials()
    granted = acting(account, said.get("authzid", ""))
    # POP3 has no data with +OK: the server's own proof is one more challenge (RFC 5034 section 4).
    if (yield f"rspauth={_digest(session, said, '')}".encode()):
        raise Refused("the server's proof is answered by an empty line", None)
    return granted


def _directives(response: bytes) -> dict[str, str]:
    """What the response says, each once; `Refused` where it is no list of directives."""
    if len(response) > _LONGEST:
        raise Refused("a response of DIGEST-MD5 has less than 4096 octets", None)
    found: dict[str, bytes] = {}
    place = 0
    while place < len(response):
        directive = _DIRECTIVE.match(response, place)
        if directive is None:
            raise Refused("DIGEST-MD5 takes directives, name=value, parted by commas", None)
        name = directive[1].decode("ascii").lower()
        if name in found:
            raise Refused("a directive stands twice", None)
        found[name] = re.sub(rb"\\(.)", rb"\1", directive[2], flags=re.DOTALL) if directive[3] is None else directive[3]
        place = directive.end()
    # Without charset=utf-8 everything is ISO 8859-1 (RFC 2831 section 2.1.2).
    charset = "utf-8" if found.get("charset", b"").lower() == b"utf-8" else "latin-1"
    try:
        return {name: value.decode(charset) for name, value in found.items()}
    except UnicodeDecodeError:
        raise Refused("the response is not UTF-8, as its charset says", None) from None


def _check(said: Mapping[str, str], *, nonce: str, context: Context) -> None:
    """All that can be wrong with a response but name and digest (RFC 2831 section 2.1.2)."""
    missing = [name for name in _NEEDED if not said.get(name)]
    if missing:
        raise Refused(f"the response lacks {', '.join(missing)}", None)
    if said["nonce"] != nonce:
        raise Refused("the nonce is not the one that was sent")
    if said["nc"] != "00000001":
        raise Refused("nc is 00000001 in the first use of a nonce, which is the only one here", None)
    if said.get("qop", "auth") != "auth":
        raise Refused("qop is auth: no other was offered", None)
    if said.get("charset", "utf-8").lower() != "utf-8":
        raise Refused("charset is utf-8, if it is given", None)
    if _HEX.fullmatch(said["response"]) is None:
        raise Refused("response is 32 lower-case hex digits", None)
    service, _, host = said["digest-uri"].lower().partition("/")
    if service != "pop" or (host != context.host.lower() and host not in context.hosts):
        raise Refused(f"digest-uri is pop/{context.host}", None)


def _session_key(said: Mapping[str, str], password: str) -> str:
    """``HEX(H(A1))`` of RFC 2831 section 2.1.2.1, the md5-sess form."""
    secret = b":".join(map(_octets, (said["username"], said.get("realm", ""), password)))
    parts = [md5(secret, usedforsecurity=False).digest(), said["nonce"].encode(), said["cnonce"].encode()]
    if said.get("authzid"):
        parts.append(said["authzid"].encode())
    return _hash(b":".join(parts))


def _octets(text: str) -> bytes:
    """As ISO 8859-1 where that can be, as clients did before there was a charset directive."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def _digest(session: str, said: Mapping[str, str], method: str) -> str:
    """The digest that proves the client with AUTHENTICATE, and the server with nothing in its place."""
    inner = _hash(f"{method}:{said['digest-uri']}".encode())
    return _hash(f"{session}:{said['nonce']}:{said['nc']}:{said['cnonce']}:auth:{inner}".encode())


def _hash(octets: bytes) -> str:
    return md5(octets, usedforsecurity=False).hexdigest()


def _shown(response: bytes, _: int) -> str:
    """The directives that are no secret; nothing at all of what is no list of directives.

    >>> _shown(b'username="chris",qop=auth,response=b0d56d2f054c24b62072322106468db9', 0)
    'username="chris",qop=auth,response=****'
    """
    parts: list[str] = []
    place = 0
    while place < len(response):
        directive = _DIRECTIVE.match(response, place)
        if directive is None:
            return ",".join([*parts, MASK])
        name = visible(directive[1])
        parts.append(visible(directive[0].strip(b", \t")) if name.lower() in _OPEN else f"{name}={MASK}")
        place = directive.end()
    return ",".join(parts)


DIGEST_MD5 = Mechanism("DIGEST-MD5", _begin, _shown, client_first=False)
