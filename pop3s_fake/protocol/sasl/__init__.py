"""Every way to log in by AUTH (RFC 5034), one file a mechanism, each a generator of challenges without any I/O.

Knows the mechanisms by name; must not know how they are framed or which of them a server offers.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.sasl.anonymous import ANONYMOUS
from pop3s_fake.protocol.sasl.cram_md5 import CRAM_MD5
from pop3s_fake.protocol.sasl.digest_md5 import DIGEST_MD5
from pop3s_fake.protocol.sasl.exchange import Context, Exchange, Granted, Mechanism, Refused, challenge_shown
from pop3s_fake.protocol.sasl.external import EXTERNAL
from pop3s_fake.protocol.sasl.login import LOGIN
from pop3s_fake.protocol.sasl.ntlm import MSN, NTLM
from pop3s_fake.protocol.sasl.oauth import OAUTHBEARER, XOAUTH2
from pop3s_fake.protocol.sasl.plain import PLAIN
from pop3s_fake.protocol.sasl.scram import SCRAM

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("MECHANISMS", "Context", "Exchange", "Granted", "Mechanism", "Refused", "challenge_shown")

_STRONGEST_FIRST: Final = (
    *SCRAM,
    EXTERNAL,
    OAUTHBEARER,
    XOAUTH2,
    DIGEST_MD5,
    CRAM_MD5,
    NTLM,
    MSN,
    PLAIN,
    LOGIN,
    ANONYMOUS,
)

MECHANISMS: Final[Mapping[str, Mechanism]] = MappingProxyType({each.name: each for each in _STRONGEST_FIRST})
"""All mechanisms by their names, the strongest first."""
