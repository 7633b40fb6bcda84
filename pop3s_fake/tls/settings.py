"""How a server shakes hands: the TLS settings as one immutable, checked value.

Knows what can be asked for and which words are legal; must not know ssl: what this OpenSSL can do is found out where
the context is made (:mod:`pop3s_fake.tls.contexts`), so that settings cost nothing to import.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from pop3s_fake.errors import UsageError, nearest

__all__ = ("Tls",)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_VERSIONS = ("1.0", "1.1", "1.2", "1.3")
_LEGAL = (*_VERSIONS, *("-".join(pair) for pair in combinations(_VERSIONS, 2)))
_ALPN_LONGEST = 255  # one octet of length (RFC 7301 section 3.1)


@dataclass(frozen=True)
class Tls:
    """TLS settings of a server; the defaults are what RFC 9325 asks for.  Equal settings share one context.

    ``versions``: one of 1.0, 1.1, 1.2, 1.3, or a range such as ``"1.2-1.3"``.  ``ciphers``: an OpenSSL cipher string
    for TLS 1.2 and below (Python's ssl does not let one choose among the suites of TLS 1.3); below 1.2 it gets
    ``@SECLEVEL=0`` unless it names a level.  ``groups``: the key-exchange group, or several in order of preference
    (needs ``ssl.SSLContext.set_groups``).  ``alpn``: the protocols to choose from, preferred first; ``()`` leaves ALPN
    out; a client that offers only others is refused (RFC 7301 section 3.2).  ``tickets``: how many session tickets
    follow a TLS 1.3 handshake; 0 also turns off the one of TLS 1.2.

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

    @property
    def lowest(self) -> str:
        """The lowest TLS version allowed, such as ``"1.2"``."""
        return self.versions.partition("-")[0]

    @property
    def highest(self) -> str:
        """The highest TLS version allowed, such as ``"1.3"``."""
        return self.versions.rpartition("-")[2]

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


def _is_word(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value.isascii()


def _is_tuple(value: object) -> bool:
    return isinstance(value, tuple)
