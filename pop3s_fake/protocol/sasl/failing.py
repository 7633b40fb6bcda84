"""A mechanism that begins as ever, and lets nobody in.

Knows the mechanisms by name; must not know who asked for one that fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.protocol.sasl import MECHANISMS
from pop3s_fake.protocol.sasl.exchange import MASK, Mechanism, wrong_credentials

if TYPE_CHECKING:
    from pop3s_fake.protocol.sasl.exchange import Context, Exchange

__all__ = ("failing",)


def failing(name: str) -> Mechanism:
    """The mechanism of that name, whose end is a refusal; one that there is not has an empty challenge.

    >>> failing("GSSAPI").name, failing("CRAM-MD5").client_first
    ('GSSAPI', False)
    """
    known = MECHANISMS.get(name)

    def begin(context: Context) -> Exchange:
        if known is None:
            yield b""
        else:
            yield from known.begin(context)
        raise wrong_credentials()

    if known is None:
        return Mechanism(name, begin, lambda _, __: MASK)
    return known._replace(begin=begin)
