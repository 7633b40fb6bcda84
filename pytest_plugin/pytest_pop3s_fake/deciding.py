"""What the options of a run say, and the one function that decides with which keywords a server is made.

Knows where options come from, how they are spelt and which beats which; must not know what a server does with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.server.options import check_keywords, merged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pop3s_fake.rules import Rule
    from pop3s_fake.transcript import Layer

__all__ = ("Given", "Settings", "Shown", "decided", "read_settings", "seed_of")

# Frames of this module tell nobody anything; the line of the test that called it does.
__tracebackhide__ = True

Shown = Literal["failed", "all", "none"]

T = TypeVar("T")

_STRICT: Final[dict[str, bool | str]] = {"true": True, "false": False, "should": "should"}
_LAYERS: Final[dict[str, Layer]] = {"pop3": "pop3", "tls": "tls", "tcp": "tcp"}
_SHOWN: Final[dict[str, Shown]] = {"failed": "failed", "all": "all", "none": "none"}


@dataclass(frozen=True)
class Settings:
    """The options of one run."""

    ini: Mapping[str, Any]
    """Keywords of a server that the ini file gives."""
    command_line: Mapping[str, Any]
    """Keywords of a server that the command line gives."""
    transcript: Shown
    """Whose report shows transcripts."""
    layers: tuple[Layer, ...]
    """What transcripts keep and show."""
    transcript_dir: Path | None
    """Where each test leaves a file with its transcripts."""
    seed: int
    """From which the seed of every server follows."""


def read_settings(config: pytest.Config, *, chosen: int) -> Settings:
    """Read all options; a bad one is a `pytest.UsageError` with a sentence.  ``chosen``: the seed if none is given."""
    from_controller: Mapping[str, Any] = getattr(config, "workerinput", {})
    strict, deadline, shown, kept = (_texts(config, name) for name in ("strict", "deadline", "transcript", "layers"))
    directory = config.getoption("pop3s_transcript_dir")
    seed = config.getoption("pop3s_seed")
    keywords = [
        {
            **({"strict": _word(strict_origin, strict_text, _STRICT)} if strict_text else {}),
            **({"deadline": _deadline(deadline_origin, deadline_text)} if deadline_text else {}),
        }
        for (strict_origin, strict_text), (deadline_origin, deadline_text) in zip(strict, deadline, strict=True)
    ]
    words = [_word(origin, text, _SHOWN) for origin, text in shown if text]
    layers = [tuple(_word(origin, word.strip(), _LAYERS) for word in text.split(",")) for origin, text in kept if text]
    return Settings(
        ini=keywords[0],
        command_line=keywords[1],
        transcript=words[-1] if words else "failed",
        layers=layers[-1] if layers else ("pop3",),
        transcript_dir=_directory(config.invocation_params.dir, directory) if directory else None,
        seed=from_controller.get("pop3s_seed", chosen) if seed is None else _seed("--pop3s-seed", seed),
    )


def _texts(config: pytest.Config, name: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Where an option may be given, and what is given there: in the ini file, and on the command line."""
    ini, option = f"pop3s_{name}", f"--pop3s-{name}"
    return (ini, str(config.getini(ini)).strip()), (option, config.getoption(ini) or "")


def _word(origin: str, text: str, words: Mapping[str, T]) -> T:
    """One of these words, in upper or lower case."""
    if text.lower() not in words:
        *most, last = words
        raise pytest.UsageError(f"{origin} is {', '.join(most)} or {last}, not {text!r}")
    return words[text.lower()]


def _deadline(origin: str, text: str) -> float | None:
    """Seconds above 0, or None."""
    if text.lower() == "none":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise pytest.UsageError(f"{origin} is a number of seconds above 0, or none, not {text!r}")
    return seconds


def _seed(origin: str, text: str) -> int:
    """A whole number from 0 on."""
    if not (text.isascii() and text.isdecimal()):
        raise pytest.UsageError(f"{origin} is a whole number from 0 on, not {text!r}")
    return int(text)


def _directory(base: Path, text: str) -> Path:
    """A directory that is there or can be made; relative to where pytest was called."""
    directory = base / text
    if directory.exists() and not directory.is_dir():
        raise pytest.UsageError(f"--pop3s-transcript-dir is a directory, and {text!r} is a file")
    return directory


def decided(
    item: pytest.Item, settings: Settings, *, base: Mapping[str, Any], options: object, call: Mapping[str, Any]
) -> dict[str, Any]:
    """The keywords of a server of this test; its rules, if there are any, as :class:`Given`.

    From the weakest to the strongest: ``base``, the ini file, ``options`` (what `pop3s_server_options` gave), the
    markers from the outermost to the nearest, ``call`` (keywords given to the factory), and the command line.
    """
    if not isinstance(options, Mapping):
        raise UsageError(f"pop3s_server_options gives a dict of Pop3sServer's keywords, not {options!r}")
    chosen = _with_rules(options, "pop3s_server_options")
    called = _with_rules(call, "pop3s_server_factory", must=True, where="")
    return merged([base, settings.ini, chosen, *_markers(item), called, settings.command_line])


@dataclass(frozen=True)
class Given:
    """A rule that stands among the keywords of a server."""

    rule: str | Rule
    must: bool
    """Whether it must strike: it was made for this one test."""
    where: str
    """Who gave it; "" for the test itself, by a call."""


def _with_rules(
    keywords: Mapping[str, Any], origin: str, *, must: bool = False, where: str | None = None
) -> Mapping[str, Any]:
    """Checked keywords, in which each rule knows where it comes from."""
    check_keywords(keywords, origin)
    rules = keywords.get("rules")
    if rules is None:
        return keywords
    if not isinstance(rules, Iterable) or isinstance(rules, str):
        raise UsageError(f"{origin}: rules= is a list such as ['RETR -> end rst'], not {rules!r}")
    return {**keywords, "rules": [Given(rule, must, origin if where is None else where) for rule in rules]}


def _markers(item: pytest.Item) -> Iterator[Mapping[str, Any]]:
    """The keywords of the markers, the outermost first."""
    for node, mark in reversed(list(item.iter_markers_with_node("pop3s"))):
        origin = f"the marker pop3s of {node.nodeid}"
        if mark.args:
            given = ", ".join(map(repr, mark.args))
            raise UsageError(f"{origin} takes keywords only, such as certificate='expired', not {given}")
        if node is item:
            yield _with_rules(mark.kwargs, origin, must=True, where=_line_of(item))
        else:
            yield _with_rules(mark.kwargs, origin)


def _line_of(item: pytest.Item) -> str:
    """Where a test stands, as "test_sync.py:41"; its markers stand there, too."""
    path, line, _ = item.location
    name = PurePath(path).name
    return name if line is None else f"{name}:{line + 1}"


def seed_of(item: pytest.Item, settings: Settings, what: int | str) -> int:
    """The seed of a test's server with this number, or of what has this name.

    It is the same in any order of the tests and in any xdist worker.  It does not follow from the node id itself,
    because xdist appends the name of an ``xdist_group`` to that.
    """
    path, _, name = item.location
    return int.from_bytes(sha256(f"{settings.seed}:{path}:{name}:{what}".encode()).digest()[:4], "big")
