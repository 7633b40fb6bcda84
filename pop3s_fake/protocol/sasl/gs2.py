"""The GS2 header in front of SCRAM's and OAUTHBEARER's messages (RFC 5801 section 4), and names as they stand there.

Knows the grammar; must not know what is done with the flag or the identity.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pop3s_fake.protocol.sasl.exchange import Refused

__all__ = ("Gs2", "gs2", "saslname")

_HEADER: Final = re.compile(r"(n|y|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,")


class Gs2(NamedTuple):
    """``flag`` is ``n``, ``y`` or ``p``; ``binding`` the type behind ``p=``; ``rest`` what follows the header."""

    header: str
    flag: str
    binding: str
    authzid: str
    rest: str


def gs2(message: str) -> Gs2:
    """Part header and message; `Refused` if there is no header.

    >>> gs2("p=tls-unique,a=us=2Cer,n=ann")
    Gs2(header='p=tls-unique,a=us=2Cer,', flag='p', binding='tls-unique', authzid='us,er', rest='n=ann')
    """
    found = _HEADER.match(message)
    if found is None:
        raise Refused("the message begins with n, y or p=type, then a comma, [a=authzid] and a comma", None)
    return Gs2(
        found[0],
        found[1][0],
        found[2] or "",
        saslname(found[3] or "", "the authorization identity"),
        message[found.end() :],
    )


def saslname(text: str, what: str) -> str:
    """A name whose commas and equals signs stand as ``=2C`` and ``=3D`` (RFC 5802 section 5.1), and no others.

    >>> saslname("us=2Cer=3D", "the name")
    'us,er='
    """
    if re.search("=(?!2C|3D)", text):
        raise Refused(f"{what} has an equals sign that is neither =2C nor =3D", None)
    return text.replace("=2C", ",").replace("=3D", "=")
