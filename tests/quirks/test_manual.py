"""The page of the manual about quirks is what the data say: ``python -m tests.quirks.test_manual`` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pop3s_fake.quirks import Quirk, quirk, quirk_ids
from pop3s_fake.quirks.entry import LAYERS
from tests.quirks.seen import Seen, by_poplib, seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PAGE = Path(__file__).parents[2] / "docs" / "quirks.md"

HEAD = """# Quirks

What real servers do otherwise, and how to have it in a test. `quirks=` is a list of ids; a quirk with parameters is
written with those that are not the default, and several combine. Two that contradict each other are an error that
names both.

```python
import poplib

import pytest


@pytest.mark.pop3s(quirks=["uidl-extra-spaces", "terminator-split(later=2, gap=0.1)"])
def test_with_a_difficult_server(pop3s_server, pop3s_client_context):
    message = pop3s_server.maildrop.add_one("Subject: one\\n\\n", uid="m1")
    client = poplib.POP3_SSL(pop3s_server.host, pop3s_server.port, context=pop3s_client_context, timeout=10)
    client.user(pop3s_server.login.user)
    client.pass_(pop3s_server.login.password)

    assert [line.split() for line in client.uidl()[1]] == [[b"1", message.uid.encode()]]
    client.quit()
```

`pop3s-fake serve --quirk terminator-split` is the same for a client in any language, and `pop3s-fake catalog quirks`
lists them, with `--json` all that is known of each. The rules of a quirk need not strike; the transcript names the
quirk where they do. A rule that the test makes itself stands above them, and `server.heal()` takes them away; what a
quirk sets, such as a certificate, a list of capabilities or what becomes of stored mail, stays. What an account
remembers from session to session, such as what was retrieved, `server.reset()` takes back.

Quirks stand on top of a dialect, where there is one: what they change is changed, and all else stays as the dialect has
it. One that is about something that the dialect has not, such as the list of a server without CAPA, changes nothing
there. What a message was marked as by `retr-sets-seen` or `top-sets-seen` no client sees; a test asks
`server.account.seen`.

The tier tells how often one meets it: S nearly always, A commonly, B sometimes, C rarely, or in old servers only. Where
it is told of a quirk stands in the list as JSON, as do the octets by which one sees it, with the quirk and without: a
test holds that conversation with each of them.

"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(_safe(cell) for cell in line) + " |\n" for line in lines)


def _safe(cell: str) -> str:
    """A cell as it is meant: words in angle brackets are no tags."""
    return cell.replace("|", r"\|").replace("<", "&lt;").replace("*ENV", r"\*ENV")


def parameters(entry: Quirk) -> str:
    """Each parameter with its default."""
    told = []
    for name, each in entry.parameters.items():
        words = f", one of {', '.join(each.words)}" if each.words else ""
        told.append(f"`{name}={each.default if each.default.strip() else repr(each.default)}` ({each.means}{words})")
    return "; ".join(told)


def how(entry: Quirk) -> str:
    """With which parameters it can be asked for."""
    always = "always so" if entry.always else ""
    return "; ".join(filter(None, [always, parameters(entry)])) or "none"


CLIENTS = ("poplib", "curl", "fetchmail", "getmail6", "mpop")


def clients_of() -> dict[str, list[str]]:
    """The clients that nobody here wrote with which each quirk is tested."""
    found: dict[str, set[str]] = {name: {"poplib"} for name in by_poplib()}
    for each in seen():
        found.setdefault(each.quirk, set()).add(each.client)
    return {name: [client for client in CLIENTS if client in clients] for name, clients in found.items()}


OUTCOMES = """
## What clients make of them

Three messages, m1, m2 and m3, are there; a client delivers and deletes them, or is told to keep them, and curl fetches
the first. So it ends without a quirk, and with each that was tried; what was delivered is counted over all runs. The
clients are curl 7.88.1, fetchmail 6.4.37, getmail6 6.18.11 and mpop 1.4.18, with settings as their manuals have them.
Where all ended as it does without the quirk and all else alike, there is the reason why; a test sees to it that there
is one only there, and that the quirk did something nevertheless.

"""


def beside(each: Seen) -> list[str]:
    """How a client was run, where that is not told by the quirk's name."""
    told = [f"`{one}`" for one in (*each.quirks, *each.rules) if one != each.name]
    return [*told, *(["keeping"] if each.keep else []), *(["fetching all again"] if each.again else [])]


def outcomes() -> str:
    """What the data have, client by client."""
    rows = [
        (
            f"`{name}`" if name != "none" else "none",
            each.client,
            ", ".join(beside(each)),
            " / ".join(each.outcome) + (f" (the same: {each.same})" if each.same else ""),
        )
        for name in ("none", *quirk_ids())
        for each in seen()
        if each.quirk == name
    ]
    return OUTCOMES + table(("quirk", "client", "with", "how its runs ended, what was delivered, what was left"), rows)


def page() -> str:
    """All of it."""
    with_whom = clients_of()
    entries = [quirk(name) for name in quirk_ids()]

    def count(tier: str) -> tuple[str, ...]:
        mine = [each for each in entries if each.tier in tier]
        seen_there = [each for each in mine if each.id in with_whom]
        return tier if len(tier) == 1 else "all", str(len(mine)), str(len(seen_there))

    text = HEAD + table(("tier", "quirks", "tested with a real client"), map(count, [*"SABC", "SABC"]))
    for layer in LAYERS:
        rows = [
            (
                f"`{each.id}`",
                each.tier,
                each.summary,
                each.who,
                how(each),
                each.client,
                ", ".join(with_whom.get(each.id, ())),
            )
            for each in entries
            if each.layer == layer
        ]
        head = ("id", "tier", "what it is", "who does it", "parameters", "a client should", "tested with")
        text += f"\n## {layer.capitalize() if layer not in {'tcp', 'tls'} else layer.upper()}\n\n{table(head, rows)}"
    return text + outcomes()


def test_all_of_tiers_s_and_a_is_tested_with_a_real_client() -> None:
    """One that nobody here wrote."""
    wanted = {name for name in quirk_ids() if quirk(name).tier in "SA"}
    assert wanted - clients_of().keys() == set()


def test_the_page_is_that_of_the_data() -> None:
    """Written anew by the command above."""
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
