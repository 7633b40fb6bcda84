"""The keywords of a server as one checked object, and how several sets of them become one.

Knows which keywords there are, what they may hold, and which wait for a later version; must not know who gives them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.maildrop import Account
from pop3s_fake.protocol.capabilities import Offer, edited
from pop3s_fake.rules import Rule
from pop3s_fake.tls.settings import CLIENT_CERTIFICATES, Tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pop3s_fake.clock import Clock
    from pop3s_fake.dialects import Dialect
    from pop3s_fake.tls.authority import Authority

__all__ = ("ServerOptions", "check_keywords", "merged")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

LISTS: Final = frozenset({"accounts", "quirks", "rules", "allow"})
"""Keywords whose values add up when sets are merged; of the others the last one stands."""

NONES: Final = frozenset({"deadline"})
"""Keywords for which None is a value, which clears nothing: a deadline of None is none at all."""

PORTS: Final = range(65536)

LATER: Final = {
    "cassette": "cassettes",
}
"""Keywords whose mechanism is not there yet, by what they stand for."""


LISTED: Final = frozenset({"accounts", "names", "allow", "rules", "capabilities", "quirks"})
"""Keywords whose values are lists, so that a text is surely a mistake."""


def _anything(value: object) -> bool:  # noqa: ARG001  # it fits whatever it is
    return True


def _list_of(*kinds: type) -> Callable[[object], bool]:
    """Whether a value is a list (tuple, set) of such things."""
    return lambda value: (
        isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(item, kinds) for item in value)
    )


def _number(value: object) -> bool:
    """Whether it counts something; True and False do not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


RIGHT: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "accounts": (lambda value: value is None or _list_of(Account)(value), "a list of Account objects"),
    "certificate": (lambda value: isinstance(value, str), "the id of a certificate, such as 'expired'"),
    "tls": (lambda value: value is None or isinstance(value, Tls), "a Tls object, such as Tls(versions='1.2')"),
    "client_certificate": (
        lambda value: value is None or isinstance(value, str),
        "'required', 'optional' or None",
    ),
    "names": (lambda value: bool(value) and _list_of(str)(value) and "" not in value, "a list of host names"),
    "stls": (
        lambda value: isinstance(value, bool) or (isinstance(value, int) and value in PORTS[1:]),
        "True, False or a port from 1 to 65535",
    ),
    "capabilities": (
        lambda value: value is None or _list_of(str)(value),
        "a list of capability lines, such as ['USER', 'TOP'] or ['+SASL CRAM-MD5', '-TOP']",
    ),
    "quirks": (_list_of(str), "a list of the ids of quirks, such as ['terminator-split']"),
    "rules": (_list_of(str, Rule), "a list of rules, each a text such as 'RETR -> end rst' or a Rule"),
    "port": (lambda value: isinstance(value, int) and _number(value) and value in PORTS, "a number from 0 to 65535"),
    "strict": (lambda value: value in (True, False, "should"), "True, False or 'should'"),
    "allow": (_list_of(str), "a list of the ids of requirements, such as ['C-1939-3.2']"),
    "clock": (
        lambda value: value is None or (hasattr(value, "now") and hasattr(value, "timeout")),
        "a clock, such as ManualClock()",
    ),
    "seed": (lambda value: value is None or (isinstance(value, int) and _number(value)), "a whole number, or None"),
    "deadline": (
        lambda value: value is None or (_number(value) and 0 < value < float("inf")),
        "a number of seconds above 0, or None",
    ),
    "dialect": (
        lambda value: value is None or isinstance(value, str) or hasattr(value, "manner"),
        "the id of a dialect, such as 'dovecot', or a Dialect",
    ),
    "case": (lambda value: value is None or isinstance(value, str), "the id of a case, such as 'rec.truncate'"),
    "exclusive": (lambda value: value is None or isinstance(value, bool), "True, False or None"),
    "authority": (lambda value: value is None or hasattr(value, "server_context"), "an Authority"),
}
"""What a keyword's value must be: how to tell, and what would be right."""


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
    stls: bool | int = False
    capabilities: Sequence[str] | None = None
    dialect: str | Dialect | None = None
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
    exclusive: bool | None = None
    authority: Authority | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be, at the call."""
        from pop3s_fake.protocol.violations import allowed  # noqa: PLC0415  # only where a server is made
        from pop3s_fake.tls.certificates import certificate_ids  # noqa: PLC0415  # the same: it loads cattrs

        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in LATER and value != field.default:
                what = LATER[field.name]
                raise UsageError(f"{field.name}= is not there yet: {what} will come with a later version")
            if field.name in LISTED and isinstance(value, str):
                raise UsageError(f"{field.name}= is a list, not the text {value!r}")
            fits, right = RIGHT.get(field.name, (_anything, ""))
            if not fits(value):
                raise UsageError(f"{field.name}= is {right}, not {value!r}")
        if self.accounts is not None and not self.accounts:
            raise UsageError("accounts= is empty: nobody could log in")
        _known("certificate", self.certificate, certificate_ids())
        if self.client_certificate is not None:
            _known("client_certificate", self.client_certificate, CLIENT_CERTIFICATES)
        self.offer  # noqa: B018  # refuses what no server can list, and what is no quirk
        for row in self.allow:
            allowed(row)

    @property
    def quirky(self) -> bool:
        """Whether there are quirks, asked for or brought by the dialect."""
        if self.quirks or self.dialect is None:
            return bool(self.quirks)
        from pop3s_fake.server.dialecting import chosen  # noqa: PLC0415  # loads the dialect

        return bool(chosen(self.dialect).quirks)

    @property
    def announced(self) -> Sequence[str] | None:
        """What CAPA lists, where anybody has said so: what the keyword makes of what the dialect has."""
        if self.dialect is None:
            return self.capabilities
        from pop3s_fake.server.dialecting import chosen  # noqa: PLC0415  # the same

        its = {"capabilities": list(chosen(self.dialect).capabilities) or None}
        return merged([its, {} if self.capabilities is None else {"capabilities": self.capabilities}]).get(
            "capabilities"
        )

    @property
    def offer(self) -> Offer:
        """The capabilities."""
        late: Sequence[str] = ()
        if self.quirky:
            from pop3s_fake.quirks import demands  # noqa: PLC0415  # loads the catalogue of quirks
            from pop3s_fake.server.quirking import quirks_of  # noqa: PLC0415  # the same

            late = demands(quirks_of(self)).late
        if self.dialect is not None:
            from pop3s_fake.server.dialecting import offer_of  # noqa: PLC0415  # loads the dialect

            return offer_of(self.dialect, self.announced, stls=self.stls is not False, late=late)
        return Offer(self.capabilities, stls=self.stls is not False, late=late)

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
    >>> merged([{"capabilities": ["USER", "TOP"]}, {"capabilities": ["-TOP"]}])
    {'capabilities': ['USER']}
    """
    result: dict[str, Any] = {}
    for layer in layers:
        for keyword, value in layer.items():
            if value is None and keyword not in NONES:
                result.pop(keyword, None)
            elif keyword == "capabilities" and keyword in result and not isinstance(value, str):
                result[keyword] = _together(result[keyword], value)
            elif keyword in LISTS and keyword in result and not isinstance(value, str):
                result[keyword] = [*result[keyword], *value]
            else:
                result[keyword] = value
    return result


def _together(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Two ``capabilities=``: changes add up, and change a list; a list replaces what was there."""
    changes = [all(entry[:1] in {"+", "-"} for entry in each) for each in (before, after)]
    if not after or not changes[1]:
        return list(after)
    return [*before, *after] if changes[0] and before else edited(before, after)
