"""EXTERNAL (RFC 4422 appendix A): whoever TLS says it is, by a client certificate that was verified.

Knows the names that the certificate holds; must not know certificates.
"""

from __future__ import annotations

from pop3s_fake.protocol.sasl.exchange import (
    Context,
    Exchange,
    Granted,
    Mechanism,
    Refused,
    prepared,
    utf8,
    visible,
)

__all__ = ("EXTERNAL",)


def _begin(context: Context) -> Exchange:
    """The account is the one asked for, if the certificate holds its name, or else the first that it holds."""
    asked = utf8((yield b""), "the authorization identity")
    if not context.identities:
        raise Refused("EXTERNAL needs a client certificate, and there is none")
    names = context.identities
    if asked:
        asked = prepared(asked, "the authorization identity")
        names = (asked,) if asked in names else ()
    account = next((account for name in names if (account := context.accounts.get(name)) is not None), None)
    if account is None:
        raise Refused("the client certificate is not that of such an account")
    return Granted(account)


def _shown(response: bytes, _: int) -> str:
    """Whom the client wants to act as: no secret."""
    return visible(response)


EXTERNAL = Mechanism("EXTERNAL", _begin, _shown, needs="certificate")
