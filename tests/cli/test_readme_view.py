"""The README shows what a terminal shows."""

from __future__ import annotations

import json
import os
import poplib
import pty
import re
import signal
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BOUND = 60.0
OPTIONS = ("--rule", "RETR#2@100 -> end rst")


def on_a_terminal(folder: Path) -> str:
    """What stands on a terminal of 100 columns after a first look, by a client whose second fetch is cut off."""
    ours, theirs = pty.openpty()
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    child = subprocess.Popen(
        [sys.executable, "-m", "pop3s_fake.cli", "serve", "--port", "0", "--ready-file", "ready.json", *OPTIONS],
        cwd=folder,
        env={**kept, "HOME": str(folder), "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    alarm = threading.Timer(BOUND, child.kill)
    alarm.start()
    try:
        text = read(ours, "answer")
        ready = json.loads((folder / "ready.json").read_text(encoding="utf-8"))
        context = ssl.create_default_context(cafile=ready["ca_file"])
        client = poplib.POP3_SSL(ready["host"], ready["port"], context=context, timeout=BOUND)
        client.user("demo")
        client.pass_("demo-password")
        client.list()
        client.retr(1)
        with pytest.raises((poplib.error_proto, OSError)):
            client.retr(2)
        client.close()
        text += read(ours, "(rst)")
        child.send_signal(signal.SIGINT)
        assert child.wait(BOUND) == 0
    finally:
        alarm.cancel()
        child.kill()
        child.wait()
        os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r\n", "\n")  # bold and dim are no colours


def read(terminal: int, last: str) -> str:
    """What comes, up to the line with this in it; an error once the child has ended."""
    text = b""
    while last.encode() not in text or not text.endswith(b"\n"):
        text += os.read(terminal, 4096)
    return text.decode()


def settled(text: str) -> str:
    """Without what differs from run to run: time of day, port, the greeting's timestamp, the folder."""
    text = re.sub(r"^\d\d:\d\d:\d\d", "00:00:00", text, flags=re.MULTILINE)
    text = re.sub(r"\S*?([\w.]*pop3s-fake-ca\.pem)", r"/\1", text.replace('"', " "))
    return re.sub(r"<1\.\w+@localhost>|localhost:\d+|\blocalhost , \d+,", "N", text)


def test_the_readme_shows_the_terminal(tmp_path: Path) -> None:
    """At the start, and with each command as it comes."""
    (shown,) = re.findall(
        r"```text\n\$ pop3s-fake serve (.*?)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    assert shown[0] == f"{OPTIONS[0]} '{OPTIONS[1]}'"
    assert settled(shown[1]) == settled(on_a_terminal(tmp_path))
