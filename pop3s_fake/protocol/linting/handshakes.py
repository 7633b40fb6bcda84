"""What a client offers and gets in TLS: which requirements that breaks (RFC 9325 section 3).

Knows the facts of a handshake; must not know how one is made.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.linting.breach import Breach

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ("FLAWS", "offered")

FLAWS: Final[dict[str, str]] = {
    certificate: row
    for row, certificates in {
        "C-8314-5.3": (
            *("expired", "expired-a-second-ago", "expired-intermediate", "not-yet-valid", "wrong-eku", "wrong-ku"),
            *("name-constraint", "name-excluded", "pathlen", "ca-false-issuer", "no-bc-issuer"),
            *("unknown-critical", "bad-signature"),
        ),
        "C-2595-2.4": ("wrong-host", "no-names", "nul-in-san"),
        "C-9525-2": ("cn-only", "cn-right-san-wrong"),
        "C-9525-6.3.2": ("wildcard-two-labels", "wildcard-apex", "wildcard-partial"),
        "C-9525-6.4": ("ip-in-dns",),
    }.items()
    for certificate in certificates
}
"""The requirement that a login over one of these certificates breaks.

Not those of which the client's own trust decides: it may know a self-signed certificate, a strange root or a missing
intermediate from elsewhere.  Nor those of which its policy does, such as a weak key.
"""

OLD: Final = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})
"""Versions that nobody may negotiate (RFC 9325 section 3.1)."""


def offered(versions: Sequence[str], alpn: Sequence[str], server_name: str | None) -> Iterator[Breach]:
    """What a ClientHello breaks: its versions in ssl's words, its protocols, and the name it asks for.

    >>> [breach.row for breach in offered(["TLSv1.1", "TLSv1"], ["h2"], "127.0.0.1")]
    ['C-9325-3.1', 'C-9325-3.7', 'C-9325-3.8']
    """
    if versions and OLD.issuperset(versions):
        yield Breach("C-9325-3.1", f"a ClientHello with nothing above {_best(versions)}")
    if server_name is not None and _is_address(server_name):
        yield Breach("C-9325-3.7", f"a ClientHello that asks for the name {server_name}")
    if alpn and "pop3" not in alpn:
        yield Breach("C-9325-3.8", f"a ClientHello that offers {', '.join(alpn)}")


def _best(versions: Sequence[str]) -> str:
    """The newest of versions that are all old; their words sort as they are."""
    return max(versions)


def _is_address(name: str) -> bool:
    """Whether it is an address and no host name."""
    if not name[-1:].isdigit() and ":" not in name:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
