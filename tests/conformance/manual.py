"""The table of all rows as the manual has it: ``python -m tests.conformance.manual`` writes ``docs/conformance.md``.

Knows what is printed; must not know how a row is checked.  Where there is a Dovecot it is asked anew, and what was seen
of it is kept in ``dovecot_seen.toml``.
"""

from __future__ import annotations

import itertools
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import dovecot
from tests.conformance.outcome import Outcome, outcome
from tests.conformance.remote import Remote, Where
from tests.conformance.rows import CHECKS, ON_SOCKETS_ONLY, ROWS, Row, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ("PAGE", "differences", "kept", "known", "page", "seen_of_dovecot")

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parent.parent / "docs" / "conformance.md"
SEEN: Final = HERE / "dovecot_seen.toml"

VERSION: Final = "2.3"
"""The Dovecot that is known here."""

AT_ONCE: Final = 4
"""How many Dovecots share the rows: most of the time is waiting."""

PATIENT: Final = """
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
mail_location = maildir:~/%u
"""
"""Its set-up is the stock one, but that it does not wait after wrong passwords and that each user has a maildrop."""


def differences() -> dict[str, tuple[str, str]]:
    """Where Dovecot differs: what is known of it, and what is seen."""
    return tomllib.loads((HERE / "dovecot.toml").read_text(encoding="utf-8"))


def known() -> dict[str, Outcome]:
    """What was seen of Dovecot, row by row."""
    seen = tomllib.loads(SEEN.read_text(encoding="utf-8")) if SEEN.exists() else {}
    return {id_: Outcome(*words) for id_, words in seen.items()}


def seen_of_dovecot() -> dict[str, Outcome]:
    """What a live one does now, asked by several at once."""
    load()
    rows = [id_ for id_ in ROWS if id_ in CHECKS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        shares = pool.map(_asked, [rows[start::AT_ONCE] for start in range(AT_ONCE)])
        found = {id_: outcome for share in shares for id_, outcome in share.items()}
    return {id_: found[id_] for id_ in rows}


def kept(found: dict[str, Outcome]) -> dict[str, Outcome]:
    """As it is written down: a failure by its word alone, as what it says varies."""
    return {id_: outcome._replace(why="") if outcome.word == "failed" else outcome for id_, outcome in found.items()}


def _asked(rows: Sequence[str]) -> dict[str, Outcome]:
    """These rows, of a Dovecot of their own."""
    with dovecot.running([], password="tanstaaf", settings=PATIENT, stls=True) as running:
        users = map("mrose{}".format, itertools.count(1))

        def where() -> Where:
            """For another user each time: behind a session that was left Dovecot still writes into the maildrop."""
            user = next(users)
            return Where(
                host="localhost",
                port=running.port,
                user=user,
                password="tanstaaf",
                ca_pem=running.ca_pem,
                clear_port=running.clear,
                maildir=running.maildrop(user),
            )

        return {id_: outcome(CHECKS[id_], Remote(where)) for id_ in rows}


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
    untested = sum(bool(row.untested) for row in ROWS.values())
    numbers = {
        "rows": len(ROWS),
        "tested": len(ROWS) - untested,
        "untested": untested,
        "version": VERSION,
        "seen": len(words),
        **{word.replace(" ", "_"): words.count(word) for word in ("passed", "in part", "failed", "skipped")},
    }
    lines = [
        (HERE / "manual.md").read_text(encoding="utf-8").format(**numbers),
        cells("id", "what is known of Dovecot", "what is seen"),
        cells(*["---"] * 3),
        *(cells(id_, *words) for id_, words in differences().items()),
    ]
    for section in dict.fromkeys(row.section for row in ROWS.values()):
        lines += ["", f"## {section}", ""]
        lines += _rows((row for row in ROWS.values() if row.section == section), seen)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page; ask Dovecot first, if it is there."""
    load()
    missing = dovecot.missing()
    if missing:
        sys.stderr.write(f"what is told of Dovecot stays as it is: {missing}\n")
    else:
        lines = [f'"{id_}" = ["{found.word}", "{found.why}"]\n' for id_, found in kept(seen_of_dovecot()).items()]
        head = "# What a live Dovecot does, by row; made by the command that makes the manual.\n\n"
        SEEN.write_text(head + "".join(lines), encoding="utf-8")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
