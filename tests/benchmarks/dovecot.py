"""Dovecot where it is installed: its stock set-up, on a free port of the loopback.

Knows how Dovecot is configured and started; everything it writes is in a temporary directory.  The benchmarks measure
it, the conformance suite is run against it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

READY = 15.0  # seconds in which it must listen
POLL = 0.02
OWNER = "nobody"  # Dovecot refuses to read mail as root
TRIES = 5  # ports: what was free a moment ago may be taken

CONFIGURATION = """
protocols = pop3
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
ssl = required
ssl_cert = <{home}/certificate.pem
ssl_key = <{home}/key.pem
mail_location = maildir:{home}/mail
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={home}/mail
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {clear}
  }}
  inet_listener pop3s {{
    port = {port}
    ssl = yes
  }}
}}
"""


def missing() -> str:
    """Why it cannot be measured here; ``""`` if it can."""
    if not shutil.which("dovecot"):
        return "dovecot is not installed"
    if os.geteuid():
        return "dovecot has to be started by root"
    return ""


class Running(NamedTuple):
    """Where it is and what it serves."""

    port: int
    ca_pem: str
    """The certificate of its authority."""
    maildir: Path
    """The mail that every user finds."""
    clear: int
    """The port in clear, for STLS; 0: none."""


@contextlib.contextmanager
def running(messages: Iterable[bytes], *, password: str, settings: str = "", stls: bool = False) -> Iterator[Running]:
    """Dovecot with this mail, for any user with this password; ``settings`` are added to its configuration."""
    with tempfile.TemporaryDirectory(prefix="pop3s-dovecot-") as directory:
        home, owner = Path(directory), pwd.getpwnam(OWNER)
        home.chmod(0o755)  # its processes run as several users
        for folder in ("new", "cur", "tmp"):
            (home / "mail" / folder).mkdir(parents=True)
        for number, octets in enumerate(messages):
            name = f"{1_700_000_000 + number}.M{number}.localhost"
            (home / "mail" / "new" / name).write_bytes(octets)
        for path in (home / "mail", *(home / "mail").rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        authority = trustme.CA()
        leaf = authority.issue_cert("localhost", "127.0.0.1")
        leaf.cert_chain_pems[0].write_to_path(home / "certificate.pem")
        leaf.private_key_pem.write_to_path(home / "key.pem")
        ca_pem = authority.cert_pem.bytes().decode()
        with contextlib.ExitStack() as stack:
            for left in reversed(range(TRIES)):
                port, clear = free_port(), free_port() if stls else 0
                configuration = CONFIGURATION.format(home=home, owner=owner, port=port, clear=clear, password=password)
                (home / "dovecot.conf").write_text(configuration + settings, encoding="utf-8")
                try:
                    stack.enter_context(_listening(port, home))
                except RuntimeError:
                    if not left:
                        raise
                else:
                    break
            yield Running(port, ca_pem, home / "mail", clear)


@contextlib.contextmanager
def _listening(port: int, home: Path) -> Iterator[None]:
    """The process, once it listens."""
    with subprocess.Popen(["dovecot", "-F", "-c", str(home / "dovecot.conf")]) as master:
        try:
            listening(port, master, home / "log")
            yield
        finally:
            master.send_signal(signal.SIGTERM)
            master.wait(READY)


def free_port() -> int:
    """A port that was free a moment ago: Dovecot cannot be handed a bound socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def listening(port: int, master: subprocess.Popen[bytes], log: Path) -> None:
    """Return when it accepts connections; say what its log says if it does not."""
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline and master.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=READY):
            return
        time.sleep(POLL)  # the only way to know: it takes no bound socket and tells nobody that it listens
    raise RuntimeError(f"dovecot did not start: {log.read_text(encoding='utf-8') if log.exists() else 'no log'}")
