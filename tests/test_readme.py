"""Every listing of the README and of the manual runs, and what the README shows is what is printed."""

from __future__ import annotations

import poplib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pop3s_fake import Pop3sServer
from pop3s_fake.rules import Rule

README = Path(__file__).parent.parent / "README.md"
MANUAL = sorted((README.parent / "docs").glob("*.md"))
PAGES = {page.name: page.read_text(encoding="utf-8") for page in (README, *MANUAL)}


def listings(page: str) -> list[str]:
    """The programs and tests of a page."""
    return re.findall(r"```python\n(.*?)```", PAGES[page], flags=re.DOTALL)


LISTINGS = listings("README.md")
EVERYWHERE = [listing for page in PAGES for listing in listings(page)]
NAMES = [re.search(r"^def (test_\w+)|^(with|for) ", listing, flags=re.MULTILINE) for listing in EVERYWHERE]


@pytest.mark.parametrize("listing", EVERYWHERE, ids=[name.group().strip() if name else "?" for name in NAMES])
def test_a_listing_runs_by_itself(listing: str, tmp_path: Path) -> None:
    """In an empty directory, by pytest where it holds a test, else as a program."""
    if '"curl"' in listing and shutil.which("curl") is None:
        pytest.skip("curl is not installed: apt-get install curl")
    file = tmp_path / "test_mail.py"
    file.write_text(listing, encoding="utf-8")
    command = ["-m", "pytest", "-q", "-p", "no:faker", "-p", "no:cacheprovider"] if "def test_" in listing else []

    done = subprocess.run(
        [sys.executable, *command, file.name], cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_transcript_is_the_one_of_the_first_test(tmp_path: Path) -> None:
    """But for times, port, seed and timestamp, the README shows what a failure of its first test prints."""
    (tmp_path / "test_mail.py").write_text(LISTINGS[0].replace('"Subject: two"]', '"Subject: 2"]'), encoding="utf-8")
    command = ["-m", "pytest", "-p", "no:faker", "-p", "no:cacheprovider"]
    shown = re.findall(r"```text\n(-+ Captured pop3s.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)

    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False
    )

    def settled(text: str) -> str:
        return re.sub(r"\d+\.\d{3} |:\d+,|seed=\d+|<1\.\w+@", "N", text)

    assert len(shown) == 1
    assert settled(shown[0]) in settled(done.stdout)


@pytest.mark.parametrize("text", re.findall(r"`([^`\n]* -> [^`\n]*)`", "\n".join(PAGES.values())))
def test_a_rule_that_is_shown_is_one(text: str) -> None:
    """Written as it would be written."""
    assert str(Rule.parse(text)) == text


def test_the_unmet_rule_is_what_is_told() -> None:
    """But for the place, the README shows what a rule that never struck says."""
    shown = re.findall(r"```text\n(UnmetRule:.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\n")
        server.on("RETR#2@512").end("rst")
        client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=20)
        client.user(server.login.user)
        client.pass_(server.login.password)
        client.retr(1)
        client.quit()
        (problem,) = server.judge()

    told = re.sub(r"\(\S+\.py:\d+\)", "(test_mail.py:9)", f"{type(problem).__name__}: {problem}\n")
    assert shown == [told]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed: apt-get install openssl")
def test_the_session_by_hand_is_what_its_example_prints() -> None:
    """But for the ports, and for what other versions of OpenSSL word in another way."""
    shown = re.findall(r"```text\n(\$ openssl s_client.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    example = README.parent / "examples" / "manual_session" / "manual_session.py"

    done = subprocess.run([sys.executable, example], capture_output=True, text=True, timeout=100, check=True)

    def settled(text: str) -> str:
        text = re.sub(r"localhost:\d+", "localhost:N", text)
        return text.replace("self signed", "self-signed").replace("Peer Temp Key", "Server Temp Key")

    assert [settled(text) for text in shown] == [settled(done.stdout)]


def test_the_first_listing_is_the_first_story() -> None:
    """The README begins with the server fixture and the transcript."""
    assert "def test_fetches_everything(pop3s_server" in LISTINGS[0]
