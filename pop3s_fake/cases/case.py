"""One case, and what no case can be made of: closed structures, and how tables become them.

Knows what can stand in a table; must not know which tables there are.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

from pop3s_fake.errors import UsageError
from pop3s_fake.tls.settings import Tls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("Case", "Client", "Impossible", "Must", "read")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

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


@dataclass(frozen=True)
class Client:
    """What a client must be like to see it, where an ordinary one does not."""

    versions: str = "1.2-1.3"
    ciphers: str = ""
    """An OpenSSL cipher string; "": what it has."""
    alpn: tuple[str, ...] = ()
    host: str = ""
    """The name or address that it connects to; "": the server's first name."""
    certificate: str = ""
    """The id of its own certificate; "": it has none."""
    crl: bool = False
    """Whether it must be given the authority's revocation list."""


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
    client_certificate: Literal["required", "optional"] | None = None
    stls: bool = False
    capabilities: tuple[str, ...] | None = None
    outage: Literal["refuse", "backlog-full"] | None = None
    client: Client = Client()
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


def read(text: str, kind: type[Any], what: str) -> dict[str, Any]:
    r"""Read the tables of a file, family by family, into entries by their ids; UsageError with every mistake in them.

    >>> read("[hs.odd]\nwhat = 'w'\nraeson = 'r'", Impossible, "cases")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: cases: required field missing @ $['hs.odd'].reason; extra fields found (raeson) @ \
$['hs.odd']
    """
    import tomllib  # noqa: PLC0415  # only where somebody asks for a case

    import cattrs  # noqa: PLC0415  # the same

    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook(str, _only_a_str)
    converter.register_structure_hook(Tls, _settings)
    tables = {key: {"id": key, **table} for key, table in _flat(tomllib.loads(text))}
    try:
        entries: dict[str, Any] = converter.structure(tables, dict[str, kind])  # type: ignore[valid-type]  # known at run time only
    except cattrs.BaseValidationError as error:
        raise UsageError(f"{what}: " + "; ".join(cattrs.transform_error(error, format_exception=_say))) from None
    return entries


def _flat(families: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return ((f"{family}.{name}", table) for family, tables in families.items() for name, table in tables.items())


def _settings(value: dict[str, Any], _: type) -> Tls:
    return Tls(**value)


def _only_a_str(value: object, _: type) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string, not {value!r}")
    return value


def _say(error: BaseException, expected: type | None) -> str:
    """Word one mistake; cattrs adds its path."""
    if get_origin(expected) is Literal:
        return "expected one of " + ", ".join(map(repr, get_args(expected)))
    if isinstance(error, TypeError | UsageError):
        return str(error)
    from cattrs.v import format_exception  # noqa: PLC0415  # see read

    return format_exception(error, expected)
