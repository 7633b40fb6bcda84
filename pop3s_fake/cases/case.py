"""One case, and what no case can be made of: closed structures, and how tables become them.

Knows what can stand in a table; must not know which tables there are.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from pop3s_fake.tls.catalogue import structured
from pop3s_fake.tls.handshakes import Client
from pop3s_fake.tls.settings import Tls  # noqa: TC001  # cattrs reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ("Case", "Client", "Impossible", "Must", "read")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

Entry = TypeVar("Entry")

Must = Literal["accept", "reject", "decide"]

SECTIONS: Final = {
    "control": "control",
    "tcp": "tcp",
    "hs": "tls.handshake",
    "tls": "tls.settings",
    "mtls": "tls.client-auth",
    "cert": "tls.cert",
    "rec": "tls.record",
    "close": "close",
    "pop": "pop3",
    "stls": "stls",
}
"""The section of each family."""


ANY: Final = Client()
"""A client that knows what is safe, and asks for localhost."""


@dataclass(frozen=True)
class Case:
    """One case; the fields are described at the top of ``tcp.toml``.

    >>> from pop3s_fake.cases import case
    >>> case("rec.truncate").rules
    ('RETR@50% -> end fin',)
    """

    id: str
    summary: str
    must: Must
    client_must: str
    rfc: str
    twin: str = ""
    rules: tuple[str, ...] = ()
    certificate: str = "good"
    tls: Tls | None = None
    client_certificate: Literal["required", "optional", "post-handshake"] | None = None
    stls: bool = False
    capabilities: tuple[str, ...] | None = None
    outage: Literal["refuse", "backlog-full"] | None = None
    client: Client = ANY
    lax: Client | None = None
    crl: bool = False
    hangs: Literal["", "connect", "stls", "list", "retr", "quit"] = ""
    poplib: tuple[str, ...] = ()
    openssl: tuple[str, ...] = ()
    note: str = ""

    @property
    def family(self) -> str:
        """What stands before the first dot of its id, such as "rec"."""
        return self.id.partition(".")[0]

    @property
    def section(self) -> str:
        """The section of the catalogue it belongs to, such as "tls.record"."""
        return SECTIONS[self.family]

    @property
    def settings(self) -> dict[str, Any]:
        """The keywords of a server that this case sets, without its rules."""
        names = ("certificate", "tls", "client_certificate", "stls", "capabilities")
        defaults = {field.name: field.default for field in fields(self)}
        return {name: value for name in names if (value := getattr(self, name)) != defaults[name]}


@dataclass(frozen=True)
class Impossible:
    """Something of which no case can be made, and why."""

    id: str
    what: str
    reason: str
    instead: str = ""


def read(text: str, kind: type[Entry], what: str) -> dict[str, Entry]:
    r"""Read the tables of a file, family by family, into entries by their ids; UsageError with every mistake in them.

    >>> read("[hs.odd]\nwhat = 1\nreason = 'r'", Impossible, "cases")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: cases: expected a string, not 1 @ $['hs.odd'].what
    """
    import tomllib  # noqa: PLC0415  # only where somebody asks for a case

    return structured(dict(_flat(tomllib.loads(text))), kind, what)


def _flat(families: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for family, tables in families.items():
        for name, table in tables.items():
            key = f"{family}.{name}"
            yield key, {"id": key, **table}
