"""The keywords of a server as one checked object, and how several sets of them become one.

Knows which keywords there are, what they may hold, and which wait for a later version; must not know who gives them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal

from pop3s_fake.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pop3s_fake.clock import Clock
    from pop3s_fake.maildrop import Account
    from pop3s_fake.rules import Rule
    from pop3s_fake.tls.authority import Authority
    from pop3s_fake.tls.settings import Tls

__all__ = ("ServerOptions", "check_keywords", "merged")

LISTS: Final = frozenset({"accounts", "quirks", "rules", "allow"})
"""Keywords whose values add up when sets are merged; of the others the last one stands."""

NONES: Final = frozenset({"deadline"})
"""Keywords for which None is a value, which clears nothing: a deadline of None is none at all."""

PORTS: Final = range(65536)

LATER: Final = {
    "stls": "STLS",
    "capabilities": "a capability list of your own",
    "dialect": "dialects",
    "quirks": "quirks",
    "case": "cases",
    "cassette": "cassettes",
}
"""Keywords whose mechanism is not there yet, by what they stand for."""


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """What a server is made of; the keywords of :class:`~pop3s_fake.Pop3sServer`, checked.

    >>> ServerOptions(certificate="expired").certificate
    'expired'
    >>> ServerOptions.of({"certifcate": "expired"})
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown keyword 'certifcate'; did you mean 'certificate'?
    """

    accounts: Sequence[Account] | None = None
    certificate: str = "good"
    tls: Tls | None = None
    client_certificate: Literal["required", "optional"] | None = None
    names: Sequence[str] = ("localhost",)
    stls: bool = False
    capabilities: Sequence[str] | None = None
    dialect: str | None = None
    quirks: Sequence[str] = ()
    rules: Sequence[str | Rule] = ()
    case: str | None = None
    cassette: str | None = None
    port: int = 0
    strict: bool | Literal["should"] = True
    allow: Sequence[str] = ()
    clock: Clock | None = None
    seed: int | None = None
    deadline: float | None = 30.0
    exclusive: bool = True
    authority: Authority | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be, at the call."""
        from pop3s_fake.protocol.violations import VIOLATIONS  # noqa: PLC0415  # only where a server is made
        from pop3s_fake.tls.certificates import certificate_ids  # noqa: PLC0415  # the same: it loads cattrs

        for keyword, what in LATER.items():
            if getattr(self, keyword):
                raise UsageError(f"{keyword}= is not there yet: {what} will come with a later version")
        for keyword in ("accounts", "names", "allow", "rules"):
            if isinstance(getattr(self, keyword), str):
                raise UsageError(f"{keyword}= is a list, not the text {getattr(self, keyword)!r}")
        _known("certificate", self.certificate, certificate_ids())
        if self.client_certificate is not None:
            _known("client_certificate", self.client_certificate, ("required", "optional"))
        for row in self.allow:
            _known("requirement in allow=", row, VIOLATIONS)
        self._check_values()

    def _check_values(self) -> None:
        """Refuse values out of range."""
        if self.strict not in {True, False, "should"}:
            raise UsageError(f"strict= is True, False or 'should', not {self.strict!r}")
        if self.port not in PORTS:
            raise UsageError(f"port= is a number from 0 to {PORTS[-1]}, not {self.port!r}")
        if self.deadline is not None and not self.deadline > 0:
            raise UsageError(f"deadline= is a number of seconds above 0, or None, not {self.deadline!r}")
        if self.accounts is not None and not self.accounts:
            raise UsageError("accounts= is empty: nobody could log in")

    @classmethod
    def of(cls, keywords: Mapping[str, Any]) -> ServerOptions:
        """The options that these keywords make; an unknown one is a :class:`UsageError`."""
        check_keywords(keywords)
        return cls(**keywords)


def check_keywords(keywords: Iterable[str], origin: str = "") -> None:
    """Refuse keywords that a server does not have, in a sentence that may begin with where they come from.

    >>> check_keywords(["sede"], "the marker")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: the marker: unknown keyword 'sede'; did you mean 'seed'?
    """
    known = [field.name for field in fields(ServerOptions)]
    for keyword in keywords:
        if keyword not in known:
            beginning = f"{origin}: " if origin else ""
            raise UsageError(f"{beginning}unknown keyword {keyword!r}{nearest(str(keyword), known)}")


def _known(what: str, word: str, words: Iterable[str]) -> None:
    """Refuse a word that is not among those that are known."""
    if word not in set(words):
        raise UsageError(f"unknown {what} {word!r}{nearest(word, words)}")


def merged(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Several sets of keywords as one, the weakest first: single values are replaced, lists add up, None clears.

    >>> merged([{"certificate": "good", "allow": ["a"]}, {"allow": ["b"], "port": 995}, {"port": None}])
    {'certificate': 'good', 'allow': ['a', 'b']}
    >>> merged([{"deadline": 5.0}, {"deadline": None}])
    {'deadline': None}
    """
    result: dict[str, Any] = {}
    for layer in layers:
        for keyword, value in layer.items():
            if value is None and keyword not in NONES:
                result.pop(keyword, None)
            elif keyword in LISTS and keyword in result and not isinstance(value, str):
                result[keyword] = [*result[keyword], *value]
            else:
                result[keyword] = value
    return result
