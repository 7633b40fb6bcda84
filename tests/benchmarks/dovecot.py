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
STARTED = "starting up"  # what it logs as soon as it listens
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
  driver = {passdb}
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

    def maildrop(self, user: str) -> Path:
        """An empty one for this user alone; the settings have to say ``mail_location = maildir:~/%u``."""
        return _folders(self.maildir / user)


@contextlib.contextmanager
def running(
    messages: Iterable[bytes], *, password: str, settings: str = "", stls: bool = False, users: Iterable[str] = ()
) -> Iterator[Running]:
    """Dovecot with this mail, for any user with this password, or only for those that are told.

    ``settings`` are added to its configuration.
    """
    with tempfile.TemporaryDirectory(prefix="pop3s-dovecot-") as directory:
        home, owner = Path(directory), pwd.getpwnam(OWNER)
        home.chmod(0o755)  # its processes run as several users
        _folders(home / "mail")
        for number, octets in enumerate(messages):
            name = f"{1_700_000_000 + number}.M{number}.localhost"
            (home / "mail" / "new" / name).write_bytes(octets)
            os.chown(home / "mail" / "new" / name, owner.pw_uid, owner.pw_gid)
        (home / "passwd").write_text("".join(f"{user}:{password}\n" for user in users), encoding="utf-8")
        known = f"passwd-file\n  args = scheme=PLAIN {home}/passwd", f"static\n  args = password={password}"
        passdb = known[not users]
        authority = trustme.CA()
        leaf = authority.issue_cert("localhost", "127.0.0.1")
        leaf.cert_chain_pems[0].write_to_path(home / "certificate.pem")
        leaf.private_key_pem.write_to_path(home / "key.pem")
        ca_pem = authority.cert_pem.bytes().decode()
        with contextlib.ExitStack() as stack:
            for left in reversed(range(TRIES)):
                port, clear = free_port(), free_port() if stls else 0
                configuration = CONFIGURATION.format(home=home, owner=owner, port=port, clear=clear, passdb=passdb)
                (home / "dovecot.conf").write_text(configuration + settings, encoding="utf-8")
                try:
                    stack.enter_context(_process(home))
                except RuntimeError:
                    if not left:
                        raise
                else:
                    break
            yield Running(port, ca_pem, home / "mail", clear)


def _folders(maildir: Path) -> Path:
    """A Maildir without mail, which Dovecot may write to."""
    owner = pwd.getpwnam(OWNER)
    for path in (maildir, *(maildir / folder for folder in ("new", "cur", "tmp"))):
        path.mkdir()
        os.chown(path, owner.pw_uid, owner.pw_gid)
    return maildir


@contextlib.contextmanager
def _process(home: Path) -> Iterator[None]:
    """The process, once it listens."""
    with subprocess.Popen(["dovecot", "-F", "-c", str(home / "dovecot.conf")]) as master:
        try:
            started(master, home / "log")
            yield
        finally:
            master.send_signal(signal.SIGTERM)
            master.wait(READY)


def free_port() -> int:
    """A port that was free a moment ago: Dovecot cannot be handed a bound socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def started(master: subprocess.Popen[bytes], log: Path) -> None:
    """Return when it listens, which its log says; say what that says if it does not.

    That somebody listens on its port would not do: a port that was free a moment ago may be somebody else's by now.
    """
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline and master.poll() is None:
        if STARTED in _text(log):
            return
        time.sleep(POLL)  # the only way to know: it takes no bound socket and tells nobody else that it listens
    raise RuntimeError(f"dovecot did not start: {_text(log) or 'no log'}")


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8") if log.exists() else ""
