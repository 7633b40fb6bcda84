"""The manual: what is made from data is what the data say, and every listing runs.

``python tests/test_manual.py`` writes the tables anew.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Tls
from pop3s_fake.tls.certificates import (
    Certificate,
    certificate,
    certificate_ids,
    client_certificate,
    client_certificate_ids,
)
from pop3s_fake.tls.handshakes import Client, Handshake, handshake, handshake_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PAGES = sorted((Path(__file__).parent.parent / "docs").glob("*.md"))
CERTIFICATES = Path(__file__).parent.parent / "docs" / "certificates.md"
LISTINGS = [
    pytest.param(listing, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, listing in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL), 1)
]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in lines)


def shown(entry: Certificate) -> str:
    """What it is, under which name it is looked at, and what else is worth to be known."""
    text = entry.summary.replace("*", r"\*")
    if entry.host != "{name}" and f"seen as {entry.host}" not in entry.summary:
        text += f"; seen as `{entry.host}`"
    return f"{text} ({entry.note})" if entry.note else text


def said(entry: Certificate) -> str:
    """What OpenSSL says."""
    if entry.verify_error is None:
        return entry.tls_error or "nothing"
    return f"{entry.verify_error.code}: {entry.verify_error.text}"


def certificates(must: str) -> str:
    """The table of the certificates that a client must deal with so."""
    entries = [each for each in map(certificate, certificate_ids()) if each.must == must]
    if must == "accept":
        rows = [(f"`{each.id}`", shown(each), each.client_must, each.rfc) for each in entries]
        return table(("id", "what it is", "a client must", "source"), rows)
    return table(
        ("id", "what it is", "OpenSSL says", "control", "a client must", "source"),
        [(f"`{each.id}`", shown(each), said(each), f"`{each.twin}`", each.client_must, each.rfc) for each in entries],
    )


def client_certificates() -> str:
    """The table of client certificates."""
    return table(
        ("id", "what it is", "the server finds", "the client is told", "control", "a client must", "source"),
        [
            (
                f"`{each.id}`",
                shown(each),
                said(each) if each.verify_error else "nothing",
                each.tls_error or "nothing",
                f"`{each.twin}`" if each.twin else "",
                each.client_must,
                each.rfc,
            )
            for each in map(client_certificate, client_certificate_ids())
        ],
    )


def changed(settings: Tls | Client) -> dict[str, object]:
    """The settings that are not the default."""
    default = type(settings)()
    names = [field.name for field in dataclasses.fields(settings)]
    return {name: getattr(settings, name) for name in names if getattr(settings, name) != getattr(default, name)}


def asked(entry: Handshake) -> str:
    """The keywords of the server."""
    settings = changed(entry.tls)
    if "sni" in settings:
        settings["sni"] = dict(entry.tls.certificates)
    words = [f"tls=Tls({', '.join(f'{name}={value!r}' for name, value in settings.items())})"] if settings else []
    words += [f"certificate={entry.certificate!r}"] if entry.certificate != "good" else []
    words += [f"client_certificate={entry.client_certificate!r}"] if entry.client_certificate else []
    return "`" + ", ".join(words).replace("'", '"') + "`" if words else "the default"


def handshakes() -> str:
    """The table of handshakes."""

    def described(client: Client | None) -> str:
        if client is None:
            return ""
        words = [
            f"{name} `{', '.join(value) if isinstance(value, tuple) else value}`"
            for name, value in changed(client).items()
        ]
        return "a client with " + ", ".join(words) if words else ""

    rows = []
    for each in map(handshake, handshake_ids()):
        text = "; ".join(filter(None, [each.summary, described(each.client)]))
        control = f"`{each.twin}`" if each.twin else described(each.lax)
        note = f" ({each.note})" if each.note else ""
        rows.append(
            (f"`{each.id}`", text + note, asked(each), each.openssl or "nothing", control, each.client_must, each.rfc)
        )
    return table(("id", "what it is", "how", "OpenSSL says", "control", "a client must", "source"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "accept": lambda: certificates("accept"),
    "reject": lambda: certificates("reject"),
    "decide": lambda: certificates("decide"),
    "client": client_certificates,
    "handshakes": handshakes,
}


def written(page: str) -> str:
    """The page with its tables made anew."""
    for name, make in PARTS.items():
        page = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)",
            lambda found, make=make: f"{found[1]}\n{make()}\n{found[2]}",  # type: ignore[misc]
            page,
            flags=re.DOTALL,
        )
    return page


def test_the_tables_are_those_of_the_data() -> None:
    """``python tests/test_manual.py`` writes them."""
    page = CERTIFICATES.read_text(encoding="utf-8")
    for name in PARTS:
        assert page.count(f"<!-- {name} -->") == 1
    assert page == written(page)


def test_every_setting_is_in_the_manual() -> None:
    """A keyword of Tls that nobody can read of is not there."""
    page = CERTIFICATES.read_text(encoding="utf-8")
    for field in dataclasses.fields(Tls):
        assert f"\n| `{field.name}` |" in page


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_listing_runs_by_itself(listing: str, tmp_path: Path) -> None:
    """In an empty directory, by pytest where it holds a test, else as a program."""
    file = tmp_path / "test_manual_listing.py"
    file.write_text(listing, encoding="utf-8")
    command = ["-m", "pytest", "-q", "-p", "no:faker", "-p", "no:cacheprovider"] if "def test_" in listing else []
    done = subprocess.run(
        [sys.executable, *command, file.name], cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


if __name__ == "__main__":
    CERTIFICATES.write_text(written(CERTIFICATES.read_text(encoding="utf-8")), encoding="utf-8")
