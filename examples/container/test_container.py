"""The command of the image does what it shall: it serves, and keeps a CA that clients can trust."""

from __future__ import annotations

import json
import poplib
import ssl
import subprocess
import threading
from contextlib import closing
from pathlib import Path

RECIPE = Path(__file__).with_name("Containerfile").read_text(encoding="utf-8")
LINES = [line.split(" ", 1) for line in RECIPE.splitlines() if line and not line.startswith("#")]


def command(folder: Path) -> list[str]:
    """The image's command, but on the loopback, on a free port, and with this folder for the volume."""
    words = json.loads(dict(LINES)["CMD"])
    here = {"0.0.0.0": "127.0.0.1", "/ca": str(folder / "ca")}  # noqa: S104  # it is replaced
    assert here.keys() <= set(words)
    ready = ("--port", "0", "--ready-file", str(folder / "ready.json"))
    return [*(here.get(word, word) for word in words), *ready]


def test_the_recipe_is_whole() -> None:
    """Every instruction is one, and the published port and the volume are those of the command."""
    assert [name for name, _ in LINES] == ["FROM", "RUN", "VOLUME", "EXPOSE", "CMD"]
    parts = dict(LINES)
    page = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    assert f"--publish 127.0.0.1:{parts['EXPOSE']}:{parts['EXPOSE']}" in page
    assert f":{parts['VOLUME']} " in page
    assert "--user ann:not-a-secret" in page
    assert "ann:not-a-secret" in json.loads(parts["CMD"])


def test_the_command_serves(tmp_path: Path) -> None:
    """Twice, as when the container is started anew: the CA is the same."""
    trusted = set()
    for _ in range(2):
        with subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, text=True) as server:  # noqa: S603  # it is ours
            alarm = threading.Timer(60.0, server.kill)
            alarm.start()
            try:
                assert server.stdout is not None
                assert server.stdout.readline().startswith("pop3s-fake listens on 127.0.0.1:")
                ready = json.loads((tmp_path / "ready.json").read_text(encoding="utf-8"))
                context = ssl.create_default_context(cafile=tmp_path / "ca" / "ca.pem")
                with closing(poplib.POP3_SSL("localhost", ready["port"], context=context, timeout=60)) as client:
                    client.user("ann")
                    client.pass_("not-a-secret")
                    assert client.stat() == (0, 0)
                    client.quit()
            finally:
                server.terminate()
            server.communicate()
            alarm.cancel()
        assert server.returncode == 0
        trusted.add((tmp_path / "ca" / "ca.pem").read_text(encoding="ascii"))
    assert len(trusted) == 1
