"""`pop3s-fake catalog`: cases, dialects, quirks, what a server can show and how it can shake hands, by name.

Knows the catalogues and how to lay them out: a table on a terminal, a line each in a pipe, JSON when asked for.  Must
not load what makes certificates: a list is only read.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from pop3s_fake.cases import Case, case, case_ids
from pop3s_fake.dialects import Dialect, dialect, dialect_ids
from pop3s_fake.dialects.catalogue import text
from pop3s_fake.quirks import Quirk, quirk, quirk_ids
from pop3s_fake.tls.certificates import Certificate, certificate, certificate_ids
from pop3s_fake.tls.certificates import client_certificate as client
from pop3s_fake.tls.certificates import client_certificate_ids as client_ids
from pop3s_fake.tls.handshakes import Handshake, handshake, handshake_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ("Row", "catalog", "entries", "entry", "row")

Entry: TypeAlias = Case | Certificate | Dialect | Handshake | Quirk

HEADS: Final = {"cases": ("must", "poplib"), "dialects": ("made of", "extends"), "quirks": ("tier", "seen in")}
"""What stands above the second and third column, where that is not what OpenSSL says."""

COLUMN: Final = 14
"""Columns of a terminal for what a client says, which is broken where it is longer."""

SENTENCE: Final = 40
"""Columns that a sentence needs beside the rest, with what parts them."""


class Row(NamedTuple):
    """What a list shows of an entry: ``says`` is the number of OpenSSL's verify error, or a client's words, or ok.

    That client is OpenSSL's own, and for a case Python's poplib.  Of a quirk it is the tier and where one sees it, of
    a dialect what it is made of and which it extends.
    """

    id: str
    must: str
    says: str
    summary: str


def row(entry: Entry) -> Row:
    """The row of an entry.

    >>> row(certificate("expired"))
    Row(id='expired', must='reject', says='10', summary='no longer valid since 2020')
    """
    if isinstance(entry, Case):
        return Row(entry.id, entry.must, (entry.poplib or entry.openssl or ("ok",))[0], entry.summary)
    if isinstance(entry, Dialect):
        told = f"{entry.summary} ({entry.made_of})" if entry.source == "documented" else entry.summary
        return Row(entry.id, entry.source, entry.extends or "-", told)
    if isinstance(entry, Quirk):
        return Row(entry.id, entry.tier, entry.layer, entry.summary)
    if isinstance(entry, Handshake):
        return Row(entry.id, entry.must, entry.openssl or "ok", entry.summary)
    found = str(entry.verify_error.code) if entry.verify_error else entry.tls_error
    return Row(entry.id, entry.must, found or "ok", entry.summary)


CATALOGUES: Final[dict[str, tuple[Callable[[], Sequence[str]], Callable[[str], Entry]]]] = {
    "cases": (case_ids, case),
    "dialects": (dialect_ids, dialect),
    "quirks": (quirk_ids, quirk),
    "certificates": (certificate_ids, certificate),
    "client-certificates": (client_ids, client),
    "handshakes": (handshake_ids, handshake),
}
"""The ids of each catalogue, and what gives an entry by its id."""


def entries(which: str) -> tuple[Entry, ...]:
    """All entries of a catalogue: cases, dialects, quirks, certificates, client-certificates or handshakes."""
    ids, named = CATALOGUES[which]
    return tuple(map(named, ids()))


def entry(which: str, name: str) -> Entry:
    """The entry of a catalogue with this id; UsageError with the nearest one otherwise.

    >>> entry("quirks", "terminator-split").summary
    'the last line of a listing or message arrives in two pieces, the cut inside of its line end'
    """
    return CATALOGUES[which][1](name)


def catalog(which: str, wanted: Sequence[str] = (), *, as_json: bool) -> int:
    """Print a catalogue, or all that is known of the entries that are wanted; gives the exit code."""
    listed = [entry(which, name) for name in wanted] or entries(which)
    try:
        if as_json:
            _json(listed)
        elif wanted:
            _pages(listed)
        elif sys.stdout.isatty():
            _table([row(each) for each in listed], *HEADS.get(which, ("must", "OpenSSL")))
        else:
            _lines([row(each) for each in listed])
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is said to nobody
        if isinstance(error, BrokenPipeError):  # whoever read it has seen enough
            return 0
        sys.stderr.write(f"pop3s-fake: cannot write the list: {error.strerror}\n")
        return 1
    return 0


def _json(listed: Sequence[Entry]) -> None:
    """All that is known, for programs."""
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    text = json.dumps([_whole(each) for each in listed], indent=2, ensure_ascii=plain, default=str)
    sys.stdout.write(f"{text}\n")


def _pages(listed: Sequence[Entry]) -> None:
    """All that is known of each, for people: a name and its value a line, and of a dialect its file."""
    for number, each in enumerate(listed):
        _say("\n" * bool(number))
        if isinstance(each, Dialect):
            _say(text(each.id))
            continue
        told = dict(_leaves(_whole(each)))
        width = max(map(len, told)) + 2
        for name, value in told.items():
            _say(f"{name:{width}}{value}\n")


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """What is set, by the names that lead to it."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, f"{name}.{key}" if name else key)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value, 1):
            yield from _leaves(each, f"{name}.{index}" if len(value) > 1 else name)
    elif value not in (None, "", False):
        told = f"{value:g}" if isinstance(value, float) else str(value)
        yield name, told.replace("\r", "\\r").replace("\n", "\\n")


def _whole(entry: Entry) -> dict[str, Any]:
    """All of an entry, with what it is made of, in words, where that is a dialect."""
    return asdict(entry) | ({"made_of": entry.made_of} if isinstance(entry, Dialect) else {})


def _say(told: str) -> None:
    """Print a text, whatever the characters of the terminal are."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(told.encode(encoding, "backslashreplace").decode(encoding))


def _lines(rows: Sequence[Row]) -> None:
    """One line each, for grep and awk: the columns are as wide as they must be, and nothing is broken."""
    widths = _widths(rows)
    for each in rows:
        padded = [cell.ljust(width) for cell, width in zip(each, widths, strict=False)]
        _say("  ".join([*padded, each.summary]) + "\n")


def _widths(rows: Sequence[Row]) -> list[int]:
    """What the first three columns need."""
    return [max(len(each[column]) for each in rows) for column in range(3)]


def _table(rows: Sequence[Row], must: str, who: str) -> None:
    """As wide as the terminal, the sentences broken where they must be, or under the rest where there is no room."""
    from rich.console import Console  # noqa: PLC0415  # loaded when it is shown
    from rich.padding import Padding  # noqa: PLC0415  # the same
    from rich.table import Table  # noqa: PLC0415  # the same
    from rich.text import Text  # noqa: PLC0415  # the same

    console = Console()
    colours = {"accept": "green", "reject": "red", "decide": "yellow"}
    widths = _widths(rows)
    if console.width >= sum(widths[:2]) + min(widths[2], COLUMN) + SENTENCE:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("id", no_wrap=True)
        table.add_column(must)
        table.add_column(who, max_width=COLUMN, overflow="fold")
        table.add_column("what it is")
        for each in rows:
            table.add_row(each.id, Text(each.must, style=colours.get(each.must, "")), each.says, each.summary)
        console.print(table)
        return
    for each in rows:
        head = Text.assemble((each.id, "bold"), "  ", (each.must, colours.get(each.must, "")))
        fits = len(head) + 2 + len(each.says) <= console.width
        console.print(head + Text(f"  {each.says}") if fits else head)
        under = each.summary if fits else f"{each.says}\n{each.summary}"
        console.print(Padding(Text(under), (0, 0, 0, 4)))
