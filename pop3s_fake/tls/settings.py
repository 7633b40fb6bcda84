"""How a server shakes hands: the TLS settings as one immutable, checked value.

Knows what can be asked for and which words are legal; must not know ssl: what this OpenSSL can do is found out where
the context is made (:mod:`pop3s_fake.tls.contexts`), so that settings cost nothing to import.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from pop3s_fake.errors import UsageError, nearest

if TYPE_CHECKING:
    from typing import Self

__all__ = ("CLIENT_CERTIFICATES", "DH_BITS", "Tls")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_VERSIONS = ("1.0", "1.1", "1.2", "1.3")
_LEGAL = (*_VERSIONS, *("-".join(pair) for pair in combinations(_VERSIONS, 2)))
CLIENT_CERTIFICATES = ("required", "optional")
"""The ways of asking for a client certificate in the handshake."""
DH_BITS = (768, 1024, 1536, 2048, 3072, 4096)
"""The groups of RFC 2409 section 6 and RFC 3526."""
_ALPN_POLICIES = ("refuse", "ignore", "require")
_ALPN_LONGEST = 255  # one octet of length (RFC 7301 section 3.1)


@dataclass(frozen=True)
class Tls:
    """TLS settings of a server; the defaults are what RFC 9325 asks for.  Equal settings share one context.

    ``versions``: one of 1.0, 1.1, 1.2, 1.3, or a range such as ``"1.2-1.3"``.  ``ciphers``: an OpenSSL cipher string
    for TLS 1.2 and below (Python's ssl does not let one choose among the suites of TLS 1.3); below 1.2 it gets
    ``@SECLEVEL=0`` unless it names a level.  ``groups``: the key-exchange group, or several in order of preference
    (needs ``ssl.SSLContext.set_groups``).  ``alpn``: the protocols to choose from, preferred first; ``()`` leaves ALPN
    out.  ``alpn_policy``: what becomes of a client that offers others only: "refuse" it (RFC 7301 section 3.2), or
    "ignore" what it offers; "require" refuses those, too, that offer nothing.  ``tickets``: how many session tickets
    follow a TLS 1.3 handshake; 0 also turns off the one of TLS 1.2, where OpenSSL still remembers
    sessions by their id.  ``dh``: the bits of the group for the ciphers of
    TLS 1.2 and below whose names begin with DHE, which are then the default; they need a certificate with an RSA key.
    ``sni``: certificates by the host name that a client asks for, such as ``{"mail.test": "expired", "*": "alert"}``:
    an id of the catalogue, issued for that name, or "alert", the refusal unrecognized_name (RFC 6066 section 3); "*" is
    every other name, "" a client that asks for none; who is not in it sees the server's own certificate.  ``keylog``:
    a file to which the secrets of each connection are appended, as Wireshark reads them.

    >>> Tls(versions="1.2").highest
    '1.2'
    >>> Tls(versions="1.4")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown TLS versions '1.4'; did you mean '1.3'?
    """

    versions: str = "1.2-1.3"
    ciphers: str | None = None
    groups: str | tuple[str, ...] | None = None
    alpn: tuple[str, ...] = ("pop3",)
    tickets: int = 2
    alpn_policy: Literal["refuse", "ignore", "require"] = "refuse"
    dh: int | None = None
    sni: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    keylog: str | os.PathLike[str] | None = None

    def __new__(cls, *_: object, **keywords: object) -> Self:
        """Refuse a keyword that is not there, with the nearest one."""
        for keyword in keywords:
            if keyword not in cls.__dataclass_fields__:
                raise UsageError(f"Tls has no keyword {keyword!r}{nearest(keyword, cls.__dataclass_fields__)}")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        """Refuse what cannot be, with the nearest legal word; make lists tuples, so that settings can be hashed."""
        if isinstance(self.alpn, list):
            object.__setattr__(self, "alpn", tuple(self.alpn))
        if isinstance(self.groups, list):
            object.__setattr__(self, "groups", tuple(self.groups))
        self._check_versions()
        self._check_ciphers()
        self._check_groups()
        self._check_alpn()
        if type(self.tickets) is not int or self.tickets < 0:
            raise UsageError(f"tickets is a number from 0, not {self.tickets!r}")
        self._check_dh()
        self._check_sni()
        if isinstance(self.keylog, os.PathLike):
            object.__setattr__(self, "keylog", os.fspath(self.keylog))
        if self.keylog is not None and (not isinstance(self.keylog, str) or not self.keylog):
            raise UsageError(f"keylog is the path of a file, not {self.keylog!r}")

    @property
    def lowest(self) -> str:
        """The lowest TLS version allowed, such as ``"1.2"``."""
        return self.versions.partition("-")[0]

    @property
    def highest(self) -> str:
        """The highest TLS version allowed, such as ``"1.3"``."""
        return self.versions.rpartition("-")[2]

    @property
    def certificates(self) -> tuple[tuple[str, str], ...]:
        """What ``sni`` says, as pairs."""
        return tuple(self.sni.items()) if isinstance(self.sni, Mapping) else self.sni

    def _check_versions(self) -> None:
        if self.versions in _LEGAL:
            return
        if not _is_word(self.versions):
            raise UsageError(f"versions is a str such as '1.2' or '1.2-1.3', not {self.versions!r}")
        lowest, _, highest = self.versions.partition("-")
        if f"{highest}-{lowest}" in _LEGAL:
            raise UsageError(
                f"TLS versions {self.versions!r} begin with the higher one; did you mean '{highest}-{lowest}'?"
            )
        words = _LEGAL if "-" in self.versions else _VERSIONS
        raise UsageError(f"unknown TLS versions {self.versions!r}{nearest(self.versions, words)}")

    def _check_ciphers(self) -> None:
        if self.ciphers is None:
            return
        if not _is_word(self.ciphers):
            raise UsageError(f"ciphers is an OpenSSL cipher string such as 'ECDHE+AESGCM', not {self.ciphers!r}")
        if self.lowest == "1.3" and "@SECLEVEL" not in self.ciphers:
            raise UsageError(
                f"ciphers={self.ciphers!r} has no effect with versions='1.3': Python's ssl cannot choose among the "
                "suites of TLS 1.3; ask for versions='1.2' or leave ciphers out"
            )

    def _check_groups(self) -> None:
        if self.groups is None:
            return
        names = (self.groups,) if isinstance(self.groups, str) else self.groups
        if not _is_tuple(names) or not names or not all(map(_is_word, names)):
            raise UsageError(f"groups is a name such as 'X25519' or a tuple of names, not {self.groups!r}")

    def _check_alpn(self) -> None:
        if not _is_tuple(self.alpn):
            raise UsageError(f"alpn is a tuple of protocol names such as ('pop3',), not {self.alpn!r}")
        for name in self.alpn:
            if not _is_word(name) or len(name) > _ALPN_LONGEST:
                raise UsageError(f"an ALPN protocol name is a str of 1 to 255 ASCII characters, not {name!r}")
        if self.alpn_policy not in _ALPN_POLICIES:
            raise UsageError(f"unknown alpn_policy {self.alpn_policy!r}{nearest(self.alpn_policy, _ALPN_POLICIES)}")
        if self.alpn_policy == "require" and not self.alpn:
            raise UsageError("alpn_policy='require' refuses everybody where alpn=() leaves ALPN out; name a protocol")

    def _check_dh(self) -> None:
        if self.dh is None:
            return
        if type(self.dh) is not int or self.dh not in DH_BITS:
            raise UsageError(f"dh is one of {', '.join(map(str, DH_BITS))} bits, not {self.dh!r}")
        if self.highest == "1.3":
            raise UsageError(
                f"dh={self.dh} has no effect where TLS 1.3 is spoken, whose groups are fixed; ask for versions='1.2'"
            )

    def _check_sni(self) -> None:
        if isinstance(self.sni, Mapping):
            object.__setattr__(self, "sni", tuple(self.sni.items()))
        elif self.sni != () and not _is_tuple(self.sni):
            raise UsageError(
                f"sni is a dict from host names to ids of certificates, such as {{'mail.test': 'expired'}}, "
                f"not {self.sni!r}"
            )
        if not self.sni:
            return
        from pop3s_fake.tls.certificates import certificate  # noqa: PLC0415 - settings without it cost nothing to import

        for name, shown in self.certificates:
            if name and not _is_word(name):
                raise UsageError(f"sni has host names in their ASCII form (RFC 6066 section 3), unlike {name!r}")
            if shown != "alert":
                certificate(shown)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value.isascii()


def _is_tuple(value: object) -> bool:
    return isinstance(value, tuple)
