"""The table of all rows as the manual has it: ``python -m tests.conformance.manual`` writes ``docs/conformance.md``.

Knows what is printed; must not know how a row is checked.  Where there is a Dovecot it is asked anew, and what was seen
of it is kept in ``dovecot_seen.toml``.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import dovecot
from tests.conformance.outcome import Outcome, outcome
from tests.conformance.remote import Remote, Where
from tests.conformance.rows import CHECKS, ON_SOCKETS_ONLY, ROWS, Row, load

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("PAGE", "differences", "known", "page", "seen_of_dovecot")

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parent.parent / "docs" / "conformance.md"
SEEN: Final = HERE / "dovecot_seen.toml"

VERSION: Final = "2.3"
"""The Dovecot that is known here."""

PATIENT: Final = """
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""
"""Its set-up is the stock one, but that it does not wait after wrong passwords."""


def differences() -> dict[str, tuple[str, str]]:
    """Where Dovecot differs: what is known of it, and what is seen."""
    return tomllib.loads((HERE / "dovecot.toml").read_text(encoding="utf-8"))


def known() -> dict[str, Outcome]:
    """What was seen of Dovecot, row by row."""
    seen = tomllib.loads(SEEN.read_text(encoding="utf-8")) if SEEN.exists() else {}
    return {id_: Outcome(*words) for id_, words in seen.items()}


def seen_of_dovecot() -> dict[str, Outcome]:
    """What a live one does now; a failure is told by its word alone."""
    with dovecot.running([], password="tanstaaf", settings=PATIENT, stls=True) as running:
        where = Where(
            host="localhost",
            port=running.port,
            user="mrose",
            password="tanstaaf",
            ca_pem=running.ca_pem,
            clear_port=running.clear,
            maildir=running.maildir,
        )
        seen = {id_: outcome(CHECKS[id_], Remote(where)) for id_ in ROWS if id_ in CHECKS}
    return {id_: found._replace(why="") if found.word == "failed" else found for id_, found in seen.items()}


def result(row: Row) -> str:
    """What our own server does: each row with a check has tests, which pass or stop whoever changes something."""
    if row.untested:
        return f"not tested: {row.untested}"
    carriers = ["in memory"] if row.id not in ON_SOCKETS_ONLY else []
    return "passed, " + " and ".join([*carriers, *(["on sockets"] if row.on_sockets else [])])


def cells(*texts: str) -> str:
    """One line of a table."""
    return "| " + " | ".join(text.replace("|", r"\|") for text in texts) + " |"


def _dovecot(found: Outcome | None) -> str:
    if found is None:
        return ""
    return {"failed": "differs", "skipped": "not seen", "in part": "passed in part"}.get(found.word, found.word)


def _rows(rows: Iterable[Row], seen: dict[str, Outcome]) -> list[str]:
    return [
        cells("id", "level", "the server", "here", "Dovecot"),
        cells(*["---"] * 5),
        *(cells(row.id, row.level, row.says, result(row), _dovecot(seen.get(row.id))) for row in rows),
    ]


def page() -> str:
    """The whole page."""
    load()
    seen = known()
    words = [found.word for found in seen.values()]
    tested = [row for row in ROWS.values() if not row.untested]
    lines = [
        "# Conformance",
        "",
        f"{len(ROWS)} requirements on a POP3 server, from RFC 1939, 2449, 2595, 3206, 5034, 6856, 8314, 9325 and those of",
        "SASL. An id is the RFC, the section and a number. Each row that is tested has one check, which is run on a",
        "connection in memory, its octets fed whole and one at a time, and on sockets where it concerns connections. For",
        "each a defect was planted that the check has to find. `python -m tests.conformance.manual` makes this page.",
        "",
        (
            f"Of {len(ROWS)} rows {len(tested)} are tested and pass; "
            f"{len(ROWS) - len(tested)} are not tested, and say why."
        ),
        "",
        "## Any other server",
        "",
        "The same checks can be had of any server:",
        "",
        "```console",
        "pytest tests/conformance --target localhost:995 --user ann --password not-a-secret --ca ca.pem",
        "```",
        "",
        "`--security stls` or `clear` is for a port without TLS, `--insecure` trusts any certificate, `--clear-port N` is",
        "the port in clear of a server with implicit TLS, for the rows about STLS. Rows that need certain mail are skipped",
        "unless `--maildir DIR` names the Maildir of that user, **which is emptied and filled**. Rows that need a server",
        "set up for them are skipped, with what they would need.",
        "",
        (
            f"A live Dovecot {VERSION} in its stock set-up stands in the last column of the tables below: of"
            f" {len(seen)} rows"
        ),
        (
            f"it passes {words.count('passed')}, passes {words.count('in part')} as far as can be seen from outside, differs in"
            f" {words.count('failed')}, and {words.count('skipped')} need a"
        ),
        "server set up for them. Where it differs:",
        "",
        cells("id", "what is known of Dovecot", "what is seen"),
        cells(*["---"] * 3),
        *(cells(id_, *words) for id_, words in differences().items()),
    ]
    sections = dict.fromkeys(row.section for row in ROWS.values())
    for section in sections:
        lines += ["", f"## {section}", ""]
        lines += _rows((row for row in ROWS.values() if row.section == section), seen)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page; ask Dovecot first, if it is there."""
    load()
    if missing := dovecot.missing():
        pass
    else:
        seen = seen_of_dovecot()
        lines = [f'"{id_}" = ["{found.word}", "{found.why}"]' for id_, found in seen.items()]
        SEEN.write_text(
            "# What a live Dovecot does, by row; made by the command that makes the manual.\n\n"
            + "\n".join(lines)
            + "\n",
            encoding="utf-8",
        )
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
