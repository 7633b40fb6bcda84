"""The catalogue of handshakes, good and bad, as data: which settings make them and what a client must make of them.

Knows ``handshakes.toml`` and its closed structure; must not know how contexts are made: neither ssl nor trustme is
loaded here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.tls.catalogue import read
from pop3s_fake.tls.settings import Tls

__all__ = ("Client", "Handshake", "handshake", "handshake_ids")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


@dataclass(frozen=True)
class Client:
    """What a client is like; ``versions`` and ``ciphers`` are left out where it has what is safe.

    ``certificate`` is the id of its own certificate, "" if it has none.
    """

    versions: str = "1.2-1.3"
    ciphers: str = "DEFAULT:@SECLEVEL=2"
    alpn: tuple[str, ...] = ()
    host: str = "localhost"
    certificate: str = ""


@dataclass(frozen=True)
class Handshake:
    """One entry of the catalogue; the fields are described at the top of ``handshakes.toml``."""

    id: str
    summary: str
    must: Literal["accept", "reject", "decide"]
    client_must: str
    rfc: str
    tls: Tls = field(default_factory=Tls)
    certificate: str = "good"
    client_certificate: Literal["required", "optional"] | None = None
    twin: str = ""
    client: Client = Client()
    openssl: str = ""
    lax: Client | None = None
    note: str = ""


def handshake_ids() -> tuple[str, ...]:
    """The ids of all handshakes.

    >>> handshake_ids()[:2]
    ('version-1.2', 'version-1.3')
    """
    return tuple(_catalogue())


def handshake(name: str) -> Handshake:
    """The entry with this id; UsageError with the nearest one otherwise.

    >>> handshake("dh-1024").tls.dh
    1024
    """
    known = _catalogue()
    if name not in known:
        raise UsageError(f"unknown handshake {name!r}{nearest(str(name), known)}")
    return known[name]


@cache
def _catalogue() -> dict[str, Handshake]:
    return read((files(__package__) / "handshakes.toml").read_text("utf-8"), Handshake, "handshakes")
