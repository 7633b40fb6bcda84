"""`pop3s-fake catalog`: cases, dialects, quirks, what a server can show and how it can shake hands, by name.

Knows the catalogues and how to lay them out: a table on a terminal, a line each in a pipe, JSON when asked for.  Must
not load what makes certificates: a list is only read.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from pop3s_fake.cases import Case, case, case_ids
from pop3s_fake.dialects import Dialect, dialect, dialect_ids
from pop3s_fake.quirks import Quirk, quirk, quirk_ids
from pop3s_fake.tls.certificates import Certificate, certificate, certificate_ids
from pop3s_fake.tls.certificates import client_certificate as client
from pop3s_fake.tls.certificates import client_certificate_ids as client_ids
from pop3s_fake.tls.handshakes import Handshake, handshake, handshake_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("Row", "catalog", "entries", "row")

Entry: TypeAlias = Case | Certificate | Dialect | Handshake | Quirk

HEADS: Final = {"cases": ("must", "poplib"), "dialects": ("made of", "extends"), "quirks": ("tier", "seen in")}
"""What stands above the second and third column, where that is not what OpenSSL says."""

COLUMN: Final = 11
"""Columns of a terminal for what a client says, which is broken where it is longer."""


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


def entries(which: str) -> tuple[Entry, ...]:
    """All entries of a catalogue: cases, dialects, quirks, certificates, client-certificates or handshakes."""
    if which == "cases":
        return tuple(map(case, case_ids()))
    if which == "dialects":
        return tuple(map(dialect, dialect_ids()))
    if which == "quirks":
        return tuple(map(quirk, quirk_ids()))
    if which == "handshakes":
        return tuple(map(handshake, handshake_ids()))
    ids, named = (client_ids, client) if which == "client-certificates" else (certificate_ids, certificate)
    return tuple(map(named, ids()))


def catalog(which: str, *, as_json: bool) -> int:
    """Print a catalogue; gives the exit code."""
    listed = entries(which)
    if as_json:
        text = json.dumps([_whole(entry) for entry in listed], indent=2, ensure_ascii=False, default=str)
        sys.stdout.write(f"{text}\n")
    elif sys.stdout.isatty():
        _table([row(entry) for entry in listed], *HEADS.get(which, ("must", "OpenSSL")))
    else:
        _lines([row(entry) for entry in listed])
    return 0


def _whole(entry: Entry) -> dict[str, Any]:
    """All of an entry, with what it is made of, in words, where that is a dialect."""
    return asdict(entry) | ({"made_of": entry.made_of} if isinstance(entry, Dialect) else {})


def _lines(rows: Sequence[Row]) -> None:
    """One line each, for grep and awk: the columns are as wide as they must be, and nothing is broken."""
    widths = [max(len(each[column]) for each in rows) for column in range(3)]
    for each in rows:
        padded = [cell.ljust(width) for cell, width in zip(each, widths, strict=False)]
        sys.stdout.write("  ".join([*padded, each.summary]) + "\n")


def _table(rows: Sequence[Row], must: str, who: str) -> None:
    """As wide as the terminal, the sentences broken where they must be."""
    from rich.console import Console  # noqa: PLC0415  # loaded when it is shown
    from rich.table import Table  # noqa: PLC0415  # the same
    from rich.text import Text  # noqa: PLC0415  # the same

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("id", must, who, "what it is"):
        table.add_column(name, no_wrap=name == "id", max_width=COLUMN if name == who else None)
    colours = {"accept": "green", "reject": "red", "decide": "yellow"}
    for each in rows:
        table.add_row(each.id, Text(each.must, style=colours.get(each.must, "")), each.says, each.summary)
    Console().print(table)
