"""The tables of the page about cases, made from the data; ``python -m tests.cases.manual`` writes them.

Knows how an entry is shown; must not know what a case does.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pop3s_fake import Rule
from pop3s_fake.cases import Case, case, case_ids, impossible
from pop3s_fake.cases.case import SECTIONS
from pop3s_fake.tls.settings import Tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pop3s_fake.tls.handshakes import Client

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "cases.md"
FACTS: Final = Path(__file__).parent / "clients.json"

MOST: Final = 160
"""Characters of a rule that a table has room for."""

TITLES: Final = {
    "control": "Controls",
    "tcp": "Connections and segments",
    "tls.handshake": "Before TLS is up",
    "tls.record": "Records behind the handshake",
    "close": "The end",
    "pop3": "What is said",
    "stls": "From clear to TLS",
    "tls.settings": "How the server shakes hands",
    "tls.client-auth": "Client certificates",
    "tls.cert": "Certificates",
}
WRONG: Final = {"reject": "ends well", "accept": "fails"}
"""What a client should not have done."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in lines)


def changed(settings: Tls | Client) -> dict[str, Any]:
    """The settings that are not the default."""
    default = type(settings)()
    return {
        field.name: value
        for field in fields(settings)
        if (value := getattr(settings, field.name)) != getattr(default, field.name)
    }


def how(entry: Case) -> str:
    """What somebody would write who makes it without the case."""
    rules = [str(Rule.parse(rule)) for rule in entry.rules]
    parts = [f"`{rule}`" if len(rule) <= MOST else "a rule that sends these octets" for rule in rules]
    for name, value in entry.settings.items():
        shown = value
        if isinstance(value, Tls):
            words = {key: dict(value.certificates) if key == "sni" else each for key, each in changed(value).items()}
            shown = f"Tls({', '.join(f'{key}={each!r}' for key, each in words.items())})"
        else:
            shown = repr(value)
        parts.append(f"`{name}={shown}`".replace("'", '"'))
    if entry.outage:
        parts.append(f'`outage("{entry.outage}")`')
    return ", ".join(parts)


def what(entry: Case) -> str:
    """What it is, for which client, and what else is worth to be known."""
    text = entry.summary.replace("*", r"\*")
    like = [f"{name} `{value}`" for name, value in changed(entry.client).items()]
    text += f"; for a client with {', '.join(like)}" if like else ""
    return f"{text} ({entry.note})" if entry.note else text


def cases() -> str:
    """A table for each section."""
    parts = []
    for section, title in TITLES.items():
        entries = [entry for entry in map(case, case_ids()) if entry.section == section]
        rows = [
            (
                f"`{entry.id}`",
                what(entry),
                how(entry),
                entry.must,
                entry.client_must,
                entry.rfc,
                " or ".join(f"`{part}`" for part in entry.poplib) or "nothing",
                f"`{entry.twin}`" if entry.twin else "another client" if entry.lax else "",
            )
            for entry in entries
        ]
        family = next(name for name, its in SECTIONS.items() if its == section)
        head = ("id", "what it is", "how", "must", "a client must", "source", "poplib says", "control")
        parts.append(
            f"### {title}\n\nSection `{section}`, family `{family}`: {len(entries)} cases.\n\n{table(head, rows)}"
        )
    return "\n".join(parts)


def without() -> str:
    """What cannot be made."""
    rows = [
        (f"`{each.id}`", each.what, each.reason, each.instead.replace("*", r"\*")) for each in impossible().values()
    ]
    return table(("id", "what it would be", "why there is none", "instead"), rows)


def clients() -> str:
    """What the clients did, with their versions."""
    facts = json.loads(FACTS.read_text("utf-8"))
    names = [f"{name} {version}" for name, version in facts["versions"].items()]
    rows = []
    for name, did in facts["cases"].items():
        entry = case(name)
        cells = [did[client] for client in facts["versions"]]
        bold = {WRONG.get(entry.must), "hangs", "crashes", "loses mail"}
        rows.append((f"`{name}`", entry.must, *(f"**{cell}**" if cell in bold else cell for cell in cells)))
    return table(("case", "must", *names), rows)


PARTS: Final[dict[str, Callable[[], str]]] = {"cases": cases, "impossible": without, "clients": clients}


def written(page: str) -> str:
    """The page with its tables made anew."""
    for name, make in PARTS.items():
        begin, end = f"<!-- {name} -->\n", "<!-- end -->"
        head, _, rest = page.partition(begin)
        page = f"{head}{begin}\n{make()}\n{end}{rest.partition(end)[2]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
