"""The page of the manual about quirks is what the data say: ``python tests/quirks/test_manual.py`` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pop3s_fake.quirks import Quirk, quirk, quirk_ids
from pop3s_fake.quirks.entry import LAYERS

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
quirk sets, such as a certificate or a list of capabilities, stays.

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
    """Whether it can be asked for, and with which parameters."""
    if entry.made == "not yet":
        return f"not yet: it waits for {entry.waits_for}"
    always = "always so" if entry.always else ""
    return "; ".join(filter(None, [always, parameters(entry)])) or "yes"


def page() -> str:
    """All of it."""
    entries = [quirk(name) for name in quirk_ids()]
    made = [entry for entry in entries if entry.made == "yes"]
    counts = [
        (tier, str(sum(each.tier == tier for each in made)), str(sum(each.tier == tier for each in entries)))
        for tier in "SABC"
    ]
    text = HEAD + table(("tier", "made", "of"), [*counts, ("all", str(len(made)), str(len(entries)))])
    for layer in LAYERS:
        rows = [
            (f"`{each.id}`", each.tier, each.summary, each.who, how(each), each.client)
            for each in entries
            if each.layer == layer
        ]
        head = ("id", "tier", "what it is", "who does it", "made, and parameters", "a client should")
        text += f"\n## {layer.capitalize() if layer not in {'tcp', 'tls'} else layer.upper()}\n\n{table(head, rows)}"
    return text


def test_the_page_is_that_of_the_data() -> None:
    """Written anew by the command above."""
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
