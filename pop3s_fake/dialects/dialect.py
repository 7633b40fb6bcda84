"""One dialect: a closed structure, and how a file becomes it.

Knows what can stand in a file, and that one may extend another; must not know which files there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pop3s_fake.errors import UsageError
from pop3s_fake.protocol.manner import Manner
from pop3s_fake.protocol.wording import problems_of
from pop3s_fake.tls.catalogue import structured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

__all__ = ("Dialect", "read")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_EVIDENCE: Final = "evidence"


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
    manner: Manner = field(default_factory=Manner)

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

        file = Path(path)
        try:
            written = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
            raise UsageError(f"cannot read the dialect {str(file)!r}: {why}") from None
        return read(written, file.stem, base=text, origin=str(file))


def read(text: str, name: str, *, base: Callable[[str], str], origin: str = "") -> Dialect:
    r"""Read a dialect; UsageError with every mistake in it.  ``base`` gives the text of a dialect that it extends.

    >>> read("summary = 'x'\nreading.null = 'ends'", "own", base=str)
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: dialect own: extra fields found (null) @ $['own'].reading
    """
    what = origin or f"dialect {name}"
    tables = _whole(text, what, base)
    own = {each.name for each in fields(Dialect)} - {"manner"}
    manner = {key: value for key, value in tables.items() if key not in own}
    table = {key: value for key, value in tables.items() if key in own} | {"manner": manner}
    try:
        made = structured({name: table}, Dialect, what)[name]
    except UsageError as error:  # a file has no table named manner: its keys are
        raise UsageError(str(error).replace(f"$[{name!r}].manner", f"$[{name!r}]")) from None
    problems = problems_of(made.manner)
    if problems:
        raise UsageError(f"{what}: " + "; ".join(problems))
    return made


def _whole(text: str, what: str, base: Callable[[str], str], seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """The tables of a file over those of the dialect that it extends."""
    import tomllib  # noqa: PLC0415  # only where somebody asks for a dialect

    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{what}: this is no TOML: {error}") from None
    below = tables.get("extends", "")
    if not isinstance(below, str) or not below:
        return tables
    if below in seen:
        raise UsageError(f"{what}: it extends itself, by way of {', '.join(seen)}")
    return _over(_whole(base(below), f"dialect {below}", base, (*seen, below)), tables)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One table over another: tables within are joined, and so is evidence; of all else the upper one stands."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            result[key] = _over(under, value)
        elif key == _EVIDENCE and isinstance(under, list) and isinstance(value, list):
            result[key] = [*under, *value]
        else:
            result[key] = value
    return result
