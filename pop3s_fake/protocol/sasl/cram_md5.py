"""CRAM-MD5 (RFC 2195): a fresh message-id, and its HMAC-MD5 under the shared secret.

Knows the one challenge and the one response; must not know how they are framed.
"""

from __future__ import annotations

import hmac
import re
from typing import Final

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
    wrong_credentials,
)

__all__ = ("CRAM_MD5",)

_DIGEST: Final = re.compile(rb"[0-9a-f]{32}")


def _begin(context: Context) -> Exchange:
    challenge = f"<{context.nonce()}.{int(context.now())}@{context.host}>".encode()
    user, _, digest = (yield challenge).rpartition(b" ")  # the last space: a name may have others
    if not user or _DIGEST.fullmatch(digest) is None:
        raise Refused("CRAM-MD5 takes a name, a space and 32 lower-case hex digits (RFC 2195 section 2)", None)
    account = context.accounts.get(prepared(utf8(user, "the name"), "the name"))
    secret = b"" if account is None else account.secret.encode()
    expected = hmac.digest(secret, challenge, "md5").hex().encode()
    if account is None or not hmac.compare_digest(digest, expected):
        raise wrong_credentials()
    return Granted(account)


def _shown(response: bytes, _: int) -> str:
    """The name, and no digest.

    >>> _shown(b"tim b913a602c7eda7a495b4e6e7334d3890", 0)
    'tim ****'
    """
    user, space, _digest = response.rpartition(b" ")
    return f"{visible(user)} {MASK}" if space else MASK


CRAM_MD5 = Mechanism("CRAM-MD5", _begin, _shown, client_first=False)
