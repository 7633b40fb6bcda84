"""Every way to log in by AUTH (RFC 5034), one file a mechanism, each a generator of challenges without any I/O.

Knows the mechanisms by name and when a connection may have them; must not know how they are framed.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.sasl.exchange import Context, Exchange, Granted, Mechanism, Refused, challenge_shown
from pop3s_fake.protocol.sasl.plain import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("MECHANISMS", "Context", "Exchange", "Granted", "Mechanism", "Refused", "challenge_shown", "usable")

MECHANISMS: Final[Mapping[str, Mechanism]] = MappingProxyType({mechanism.name: mechanism for mechanism in (PLAIN,)})
"""All mechanisms by their names, the strongest first."""


def usable(names: Iterable[str], *, secure: bool, binding: bool, certificate: bool) -> tuple[str, ...]:
    """Those of these mechanisms that a connection can have: what it announces, and what it then does.

    ``secure``: it is under TLS; ``binding``: there is a channel binding; ``certificate``: the client has shown a
    verified certificate.

    >>> usable(["PLAIN"], secure=True, binding=False, certificate=False)
    ('PLAIN',)
    >>> usable(["PLAIN"], secure=False, binding=False, certificate=False)
    ()
    """
    there = {"": True, "binding": binding, "certificate": certificate}
    known = ((name, MECHANISMS[name]) for name in names)
    return tuple(name for name, mechanism in known if there[mechanism.needs] and (secure or not mechanism.plaintext))
