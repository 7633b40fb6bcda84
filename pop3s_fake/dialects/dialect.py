"""One dialect: a closed structure, and how a file becomes it.

Knows what can stand in a file, and that one may extend another; must not know which files there are, nor quirks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pop3s_fake.dialects.bundle import brought, problems_with
from pop3s_fake.errors import UsageError
from pop3s_fake.protocol.capabilities import Offer
from pop3s_fake.protocol.manner import Manner
from pop3s_fake.protocol.settled import problems_of
from pop3s_fake.tls.catalogue import structured
from pop3s_fake.tls.settings import Tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pop3s_fake.quirks import Asked

__all__ = ("Dialect", "read")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_LISTED: Final = ("capabilities", "capabilities_in_clear")
_ADDED: Final = frozenset({"evidence", "quirks"})
"""Keys whose lists add up."""

_WITH_COMMANDS: Final = (
    *((place, name, "; `capabilities` says what ours lists") for place in ("before", "after") for name in _LISTED),
    *(("login", name, "; `capabilities` says what ours lists") for name in ("mechanisms", "mechanisms_in_clear")),
    *(("login", name, "") for name in ("passwords_in_clear", "user_again", "between")),
    ("storage", "expunged", ""),
)
"""Settings that ours does not read, and what would be right."""

MADE_OF: Final = {"recorded": "recorded", "documented": "documented, not recorded", "own": "your own"}


@dataclass(frozen=True)
class Dialect:
    """How one server words and bends things.

    >>> from pop3s_fake.dialects import dialect
    >>> dialect("dovecot").summary
    'Dovecot 2.3.19.1 as Debian packages it, with its settings as they come'
    """

    id: str
    summary: str
    source: Literal["recorded", "documented", "own"] = "own"
    """Whether it was held against a recording, made of what is told of a server, or is somebody's own."""
    extends: str = ""
    """The dialect of which it says only what is different."""
    quirks: tuple[str, ...] = ()
    """Quirks that it brings, as ``quirks=`` has them; those of the dialect that it extends come first."""
    capabilities: tuple[str, ...] = ()
    """What CAPA lists, as ``capabilities=`` has it."""
    evidence: tuple[str, ...] = ()
    """What tells that it brings them."""
    manner: Manner = field(default_factory=Manner)

    @property
    def made_of(self) -> str:
        """What it is made of, in words.

        >>> from pop3s_fake.dialects import dialect
        >>> dialect("gmail").made_of
        'documented, not recorded'
        """
        return MADE_OF[self.source]

    @property
    def names_commands(self) -> bool:
        """Whether it says itself which commands there are; where it does not, they are those of ours."""
        return bool(self.manner.before.commands or self.manner.after.commands)

    @cached_property
    def brings(self) -> tuple[Asked, ...]:
        """Its quirks."""
        return brought(self)

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Dialect:
        r"""Read a dialect of your own, which may extend one that is there; its id is the name of the file.

        Raises :class:`~pop3s_fake.UsageError` with every mistake in it, each with the path of its key.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "ours.toml")
        ...     _ = path.write_text('summary = "ours"\nextends = "dovecot"\ngreeting.text = "+OK gateway"\n')
        ...     Dialect.from_file(path).manner.greeting.text
        '+OK gateway'
        """
        from pop3s_fake.dialects.catalogue import text  # noqa: PLC0415  # it knows us

        if not isinstance(path, str | PathLike):
            raise UsageError(f"Dialect.from_file takes the path of a file, not {path!r}")
        file = Path(path)
        try:
            written = file.read_text("utf-8-sig")
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read the dialect {str(file)!r}: {_why(error)}") from None
        return read(written, file.stem, base=text, origin=str(file))


def read(text: str, name: str, *, base: Callable[[str], str], origin: str = "", trusted: bool = False) -> Dialect:
    r"""Read a dialect; UsageError with every mistake in it.  ``base`` gives the text of a dialect that it extends.

    ``origin``: the file of a dialect that does not come with the package.  ``trusted``: one that does, and is only
    read: what its values come to was looked at when it was made.

    >>> read("summary = 'x'\nreading.null = 'ends'", "own", base=str)
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: dialect own: extra fields found (null) @ $['own'].reading
    """
    what = origin or f"dialect {name}"
    tables = _whole(text, name, what, base)
    problems = _passed_off(tables, name) if origin else []
    own = {each.name for each in fields(Dialect)} - {"manner"}
    manner = {key: value for key, value in tables.items() if key not in own}
    table = {key: value for key, value in tables.items() if key in own} | {"manner": manner}
    try:
        made = structured({name: table}, Dialect, what)[name]
    except UsageError as error:  # a file has no table named manner: its keys are
        told = str(error).replace(f"$[{name!r}].manner", f"$[{name!r}]")
        raise UsageError("; ".join([told, *problems])) from None
    if not trusted:
        problems += [*problems_of(made.manner), *_without_commands(made), *problems_with(made), *_refused(made)]
    if problems:
        raise UsageError(f"{what}: " + "; ".join(problems))
    return made


def _passed_off(tables: dict[str, Any], name: str) -> list[str]:
    """What would let a file pass for a dialect that it is not; it is left out of the tables."""
    problems = []
    if tables.pop("id", None) is not None:
        problems.append(f"the id of a dialect is the name of its file, and does not stand in it @ $[{name!r}].id")
    if tables.get("source") in ("recorded", "documented"):  # it may be a list
        told = f"only dialects that come with the package are {tables.pop('source')!r}, a file is 'own'"
        problems.append(f"{told} @ $[{name!r}].source")
    return problems


def _refused(made: Dialect) -> Iterator[str]:
    """What a server refuses where it is asked for by its keywords, and what nobody could show in one line."""
    keywords: dict[str, Callable[[], object]] = {
        "capabilities": lambda: Offer(made.capabilities or None, stls=True),
        "versions": lambda: made.manner.versions and Tls(versions=made.manner.versions),
    }
    for name, asked in keywords.items():
        try:
            asked()
        except UsageError as error:
            yield f"{error} @ $[{made.id!r}].{name}"
    if not made.summary.isprintable():
        yield f"expected one line of printable characters, not {made.summary!r} @ $[{made.id!r}].summary"


def _why(error: OSError | ValueError) -> str | None:
    """Why a file cannot be read."""
    if isinstance(error, OSError):
        return error.strerror
    return "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else "no file has such a name"


def _without_commands(made: Dialect) -> Iterator[str]:
    """What would be passed over in a dialect that names no commands, since those are ours."""
    for group, name, instead in () if made.names_commands else _WITH_COMMANDS:
        if getattr(getattr(made.manner, group), name) != getattr(getattr(Manner(), group), name):
            yield f"{group}.{name} is for a dialect that names its commands, in before.commands{instead}"


def _whole(text: str, name: str, what: str, base: Callable[[str], str], seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """The tables of a file over those of the dialect that it extends."""
    import tomllib  # noqa: PLC0415  # only where somebody asks for a dialect

    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{what}: this is no TOML: {error}") from None
    below = tables.get("extends", "")
    if not isinstance(below, str) or not below:
        return tables
    tables.setdefault("source", "own")  # it is not what the other one is made of
    if below in seen:
        raise UsageError(f"{what}: it extends itself, by way of {', '.join(seen)}")
    try:
        under = base(below)
    except UsageError as error:
        raise UsageError(f"{what}: {error} @ $[{name!r}].extends") from None
    return _over(_whole(under, below, f"dialect {below}", base, (*seen, below)), tables)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One table over another: tables within are joined, evidence and quirks too; of all else the upper one stands."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            result[key] = _over(under, value)
        elif key in _ADDED and isinstance(under, list) and isinstance(value, list):
            result[key] = [*under, *value]
        else:
            result[key] = value
    return result
