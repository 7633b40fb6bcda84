"""PLAIN (RFC 4616): one message, ``[authzid] NUL authcid NUL passwd``.

Knows the message's form; must not know how it came or whether TLS was there.
"""

from __future__ import annotations

from pop3s_fake.protocol.sasl.exchange import (
    MASK,
    Context,
    Exchange,
    Mechanism,
    Refused,
    acting,
    utf8,
    visible,
    with_password,
)

__all__ = ("PLAIN",)

_FIELDS = 3


def _begin(context: Context) -> Exchange:
    fields = (yield b"").split(b"\0")
    if len(fields) != _FIELDS or not fields[1] or not fields[2]:
        raise Refused("PLAIN takes [authzid] NUL authcid NUL passwd (RFC 4616 section 2)", None)
    authzid, authcid, password = (
        utf8(octets, what)
        for octets, what in zip(fields, ("the authorization identity", "the name", "the password"), strict=True)
    )
    return acting(with_password(context, authcid, password), authzid)


def _shown(response: bytes, _: int) -> str:
    r"""Names as they are, the password masked; nothing at all of what is no PLAIN message.

    >>> print(_shown(b"\0ann\0open sesame", 0))
    \0ann\0****
    >>> print(_shown(b"open sesame", 0))
    ****
    """
    fields = response.split(b"\0")
    if len(fields) < _FIELDS:
        return MASK if response else ""
    return f"{visible(fields[0])}\\0{visible(fields[1])}\\0{MASK}"


PLAIN = Mechanism("PLAIN", _begin, _shown, plaintext=True)
