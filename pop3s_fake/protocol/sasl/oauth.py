"""Bearer tokens: OAUTHBEARER (RFC 7628) and its forerunner XOAUTH2.

Knows the two messages and the challenge that says what was wrong; must not know how tokens are got or how long they
last: an account knows which of its tokens is good, and the clock tells when.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.sasl.exchange import (
    MASK,
    Context,
    Exchange,
    Granted,
    Mechanism,
    Refused,
    prepared,
    utf8,
    visible,
)
from pop3s_fake.protocol.sasl.gs2 import gs2

if TYPE_CHECKING:
    from pop3s_fake.maildrop import Account

__all__ = ("OAUTHBEARER", "XOAUTH2")

_XOAUTH2: Final = re.compile("user=([^\x01]+)\x01auth=Bearer ([^\x01 ]+)\x01\x01", re.IGNORECASE)
_BEARER: Final = re.compile("bearer +([^ ]+)", re.IGNORECASE)
_PAIR: Final = re.compile("[A-Za-z]+=[^\x01]*", re.DOTALL)

# What Google's server says, in its words (the page on XOAUTH2); the line end is its own, too.
_XOAUTH2_ERROR: Final = b'{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}\n'


class _Wrong(Exception):  # noqa: N818  # how it went, not an error
    """The status that goes into the error challenge (RFC 7628 section 3.2.2)."""


def _xoauth2(context: Context) -> Exchange:
    message = yield b""
    try:
        return Granted(_by_user(context, _text(message)))
    except _Wrong:
        answer = yield _XOAUTH2_ERROR
    if answer:
        raise Refused("the error is acknowledged by an empty line", None)
    raise Refused("the token is not that of this account, or has expired")


def _by_user(context: Context, message: str) -> Account:
    """The account of an XOAUTH2 message: two pairs that end in ``^A`` each, ``^A``."""
    found = _XOAUTH2.fullmatch(message)
    if found is None:
        raise _Wrong
    return _bearer(context, found[1], found[2])


def _oauthbearer(context: Context) -> Exchange:
    message = yield b""
    try:
        return Granted(_by_message(context, _text(message)))
    except _Wrong as wrong:
        challenge = {"status": str(wrong), "scope": "mail"}
    # Never at once: the client may want to know why, and so acknowledges first (RFC 7628 section 3.2.3).
    if (yield json.dumps(challenge, separators=(",", ":")).encode()) != b"\x01":
        raise Refused("the error is acknowledged by one octet 1, AQ== (RFC 7628 section 3.2.3)", None)
    if challenge["status"] == "invalid_request":
        raise Refused("OAUTHBEARER takes a header, host, port and auth=Bearer token (RFC 7628 section 3.1)", None)
    raise Refused("the token is not that of this account, or has expired")


def _by_message(context: Context, message: str) -> Account:
    """The account of an OAUTHBEARER message: the header, ``^A``, pairs that end in ``^A`` each, ``^A``."""
    try:
        start = gs2(message)
    except Refused:
        raise _Wrong("invalid_request") from None
    if start.flag == "p" or not start.rest.startswith("\x01") or not start.rest.endswith("\x01\x01"):
        raise _Wrong("invalid_request")
    pairs = start.rest[1:-2].split("\x01")
    if not all(map(_PAIR.fullmatch, pairs)):
        raise _Wrong("invalid_request")
    values = dict(pair.split("=", 1) for pair in pairs)
    if len(values) != len(pairs) or "auth" not in values or not _here(context, values):
        raise _Wrong("invalid_request")
    bearer = _BEARER.fullmatch(values["auth"])
    if bearer is None:
        raise _Wrong("invalid_token")
    return _bearer(context, start.authzid, bearer[1])


def _here(context: Context, values: dict[str, str]) -> bool:
    """Whether host and port, where they are given, are ours (RFC 7628 section 3.1)."""
    host = values.get("host", context.host).lower()
    if host != context.host.lower() and host not in context.hosts:
        return False
    return "port" not in values or not context.ports or values["port"] in map(str, context.ports)


def _bearer(context: Context, name: str, token: str) -> Account:
    """The account whose token this is; without a name, the token says whose."""
    if name:
        try:
            account = context.accounts.get(prepared(name, "the name"))
        except Refused:
            raise _Wrong("invalid_token") from None
        accounts = [] if account is None else [account]
    else:
        accounts = list(context.accounts.values())
    for account in accounts:
        if account.check_token(token.encode()):
            return account
    raise _Wrong("invalid_token")


def _text(message: bytes) -> str:
    try:
        return utf8(message, "the message")
    except Refused:
        raise _Wrong("invalid_request") from None


def _shown(response: bytes, _: int) -> str:
    r"""User, host and port; of ``auth`` and of what is not known nothing but its key.

    >>> print(_shown(b"n,a=ann,\x01host=localhost\x01port=995\x01auth=Bearer ya29.vF9df\x01\x01", 0))
    n,a=ann,\x01host=localhost\x01port=995\x01auth=****\x01\x01
    """
    return r"\x01".join(map(_part, response.split(b"\x01")))


def _part(part: bytes) -> str:
    if part.startswith((b"user=", b"host=", b"port=", b"n,", b"y,")) or not part:
        return visible(part)
    return f"auth={MASK}" if part.startswith(b"auth=") else MASK


OAUTHBEARER = Mechanism("OAUTHBEARER", _oauthbearer, _shown, plaintext=True)
XOAUTH2 = Mechanism("XOAUTH2", _xoauth2, _shown, plaintext=True)
