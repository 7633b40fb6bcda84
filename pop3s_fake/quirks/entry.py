"""One quirk: closed structures, and how the tables of a file become them.

Knows what can stand in a table; must not know which tables there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from pop3s_fake.tls.catalogue import structured

__all__ = ("LAYERS", "Change", "Parameter", "Quirk", "Setting", "Shown", "read")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

Layer = Literal[
    "tcp", "tls", "greeting", "capability", "authentication", "transaction", "framing", "content", "update", "session"
]
LAYERS: Final[tuple[Layer, ...]] = get_args(Layer)
"""Where a client first notices a quirk, from below to above; each is a file."""

Tier = Literal["S", "A", "B", "C"]
"""How often one meets it: nearly always, commonly, sometimes, rarely or in old servers only."""

Does = Literal[
    "lines",
    "drop-lines",
    "put-lines",
    "drop-headers",
    "status",
    "refusal",
    "one-line",
    "cut",
    "last-end",
    "sizes",
    "listing",
    "lower",
    "pad",
    "edge",
]

Step = Literal["shape", "value", "spelling", "words", "parting", "lines", "end"]
"""The order of the changes of one reply: whether it has one line or several, what is told, how that is written, which
words there are, what parts them, what stands before lines and how many of them come, and how the last one ends."""


@dataclass(frozen=True)
class Parameter:
    """One parameter, given as ``id(name=value)``; the default is written as a value is."""

    default: str
    means: str
    kind: Literal["whole", "seconds", "text", "field", "name", "word"] = "text"
    """A whole number, a time, any text, a field of a header or its name, or one of ``words``."""
    least: int | None = None
    most: int | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """A change of the replies of one point: which function of ``changing`` makes it, and of which part of the reply.

    Two quirks that change the same part contradict each other.
    """

    when: str
    does: Does
    of: str
    find: str = ""
    put: str = ""
    count: str = "1"
    step: Step = "value"


@dataclass(frozen=True)
class Setting:
    """Keywords of a server, the capabilities that are announced after the login only, a site's policy, its manner."""

    certificate: str | None = None
    tls: Any = None
    """Keywords of a `Tls`, or one."""
    stls: bool | None = None
    exclusive: bool | None = None
    capabilities: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    policy: dict[str, str] = field(default_factory=dict)
    """What the site does with stored mail beside what RFC 1939 asks for, by words that the maildrop knows."""
    manner: dict[str, Any] = field(default_factory=dict)
    """What is otherwise in the manner of the server, whichever it has, by the tables of a dialect's file."""


@dataclass(frozen=True)
class Shown:
    """The octets by which one sees it: what comes without it and with it, step by step, when a client says this.

    The script begins after the login, or with ``(greeting)`` from the beginning; ``(again)`` is a new connection,
    ``(other)`` one beside the first, to which ``(first)`` goes back; ``(later 60)`` is a minute that passes, and at
    ``(reset)`` the client has closed the connection with an answer unread; where a command has ``(parted)`` in it, it
    comes in two pieces; at ``(seen)`` it is asked which messages are marked as read.  What comes is octets, or in
    parentheses what else happens: ``(wait 0.3)``, ``(end fin)``, ``(seen m1)``.
    """

    script: tuple[str, ...]
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    quirk: str = ""
    """How it is asked for, where it is not by its id alone."""


@dataclass(frozen=True)
class Quirk:
    """One quirk; the fields are described at the top of ``tcp.toml``.

    >>> from pop3s_fake.quirks import quirk
    >>> quirk("terminator-split").tier, quirk("terminator-split").layer
    ('S', 'tcp')
    """

    id: str
    layer: Layer
    tier: Tier
    summary: str
    who: str
    evidence: str
    client: str
    rfc: str = ""
    parameters: dict[str, Parameter] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    variants: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """More rules where a parameter has this value, as ``how=close``."""
    changes: tuple[Change, ...] = ()
    setting: Setting | None = None
    contradicts: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    """The commands at whose success alone its setting is seen."""
    untouched: tuple[str, ...] = ()
    """Commands whose answers must have no rule of another quirk, or it never shows."""
    always: bool = False
    """Whether every correct server does it, ours as well: asking for it changes nothing but the setting it needs."""
    shows: Shown | None = None


def read(text: str, layer: str, what: str) -> dict[str, Quirk]:
    r"""Read the tables of a layer's file into quirks by their ids; UsageError with every mistake in them.

    >>> read("[odd]\nsummary = 1", "tcp", "quirks")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: quirks: ... expected a string, not 1 @ $['odd'].summary; ...
    """
    import tomllib  # noqa: PLC0415  # only where somebody asks for a quirk

    tables: dict[str, Any] = {name: {"layer": layer, **table} for name, table in tomllib.loads(text).items()}
    return structured(tables, Quirk, what)
