"""LOGIN (draft-murchison-sasl-login): two challenges, a name and a password.

Knows the two questions as deployed clients know them; must not know how they came or whether TLS was there.
"""

from __future__ import annotations

from pop3s_fake.protocol.sasl.exchange import (
    MASK,
    Context,
    Exchange,
    Granted,
    Mechanism,
    Refused,
    utf8,
    visible,
    with_password,
)

__all__ = ("LOGIN",)


def _begin(context: Context) -> Exchange:
    # The draft's "User Name" and "Password" are asked for by nobody; clients that look at the words want these.
    name = utf8((yield b"Username:"), "the name")
    password = utf8((yield b"Password:"), "the password")
    if not name or not password:
        raise Refused("LOGIN takes a name and then a password, and neither is empty", None)
    return Granted(with_password(context, name, password))


def _shown(response: bytes, turn: int) -> str:
    """The first response is the name, and nothing behind it is shown.

    >>> _shown(b"ann", 0), _shown(b"open sesame", 1)
    ('ann', '****')
    """
    return visible(response) if turn == 0 else MASK


LOGIN = Mechanism("LOGIN", _begin, _shown, client_first=False, plaintext=True)
