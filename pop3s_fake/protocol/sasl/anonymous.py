"""ANONYMOUS (RFC 4505): no name, perhaps a trace; comes in as the account ``anonymous``, if there is one.

Knows the trace's form; must not know what is done with it.
"""

from __future__ import annotations

import re
from typing import Final

from pop3s_fake.protocol.sasl.exchange import Context, Exchange, Granted, Mechanism, Refused, utf8, visible

__all__ = ("ANONYMOUS",)

ACCOUNT: Final = "anonymous"
"""What is open to everybody is an account like others: whoever wants it makes it, and lists the mechanism."""

_LONGEST: Final = 255  # characters (RFC 4505 section 2)
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")


def _begin(context: Context) -> Exchange:
    trace = utf8((yield b""), "the trace")
    if len(trace) > _LONGEST or _CONTROL.search(trace):
        raise Refused("the trace of ANONYMOUS has at most 255 characters and no controls (RFC 4505 section 2)", None)
    account = context.accounts.get(ACCOUNT)
    if account is None:
        raise Refused("nobody may come in without a name: there is no account 'anonymous'")
    return Granted(account)


def _shown(response: bytes, _: int) -> str:
    """The trace: it is there to be seen."""
    return visible(response)


ANONYMOUS = Mechanism("ANONYMOUS", _begin, _shown)
