"""The servers themselves, where they are installed: each set up as it was recorded, on the loopback.

Knows how each is configured and started, and where it keeps mail; must not know what is said to it.  A server that is
not there is a reason in words, and no failure.
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import dovecot
from tests.servers.sequences import PASSWORD
from tests.servers.talking import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractContextManager

__all__ = ("HOUSES", "House", "Place")

OPEN: Final = """
ssl = yes
mail_location = maildir:~/%u
"""
RICH: Final = """
auth_mechanisms = plain login cram-md5 apop digest-md5
pop3_lock_session = yes
pop3_enable_last = yes
"""


UNPACKED: Final = "POP3S_FAKE_SERVERS"
"""The variable that names a folder of unpacked packages: those of most servers cannot be installed together."""

UID: Final = 20003
MAIL: Final = 8  # Debian's group of the spool
READY: Final = 60.0  # seconds for a program to be started or ended
ENVELOPE: Final = b"From ann@example.org Mon Jan  1 10:00:00 2024\n"
FOLDERS: Final = ("etc", "run", "var/mail", "var/lib/popa3d", "var/lib/solid-pop3d/bulletins")
USERS: Final = {
    "etc/passwd": "{name}:x:{uid}:8::/nonexistent:/bin/sh",
    "etc/group": "",
    "etc/shadow": "{name}:{proof}:19000:0:99999:7:::",
}
"""What an account is, in the files that have them."""

SYSTEM: Final = {
    "etc/passwd": (
        "popa3d:x:20001:20001::/var/lib/popa3d:/bin/false\nspop3d:x:20002:65534::/var/lib/solid-pop3d:/bin/false\n"
    ),
    "etc/group": "popa3d:x:20001:\n",
}
"""The accounts of the servers themselves."""


@dataclass(frozen=True)
class Place:
    """A server that runs: where it listens, and what gives one of its accounts a maildrop with this mail."""

    address: Address
    fill: Callable[[str, Sequence[bytes]], None]
    kept: Callable[[bytes], bytes] = bytes
    """How a message is kept there, before the server has seen it."""


@dataclass(frozen=True)
class House:
    """How to start a server for these accounts, and why that is not possible, if it is not."""

    missing: Callable[[], str]
    running: Callable[[Collection[str]], AbstractContextManager[Place]]


class Estate(NamedTuple):
    """A machine of its own: what is laid over the real one, and the port of its program."""

    home: Path
    port: int


def _delivered(maildir: Path, messages: Sequence[bytes]) -> None:
    """Put these messages into a Maildir, in their order."""
    for number, octets in enumerate(messages):
        (maildir / "new" / f"{1_700_000_000 + number}.M{number}.localhost").write_bytes(octets)


def _dovecot(settings: str) -> House:
    """Dovecot with these settings over its stock set-up."""

    @contextlib.contextmanager
    def running(names: Collection[str]) -> Iterator[Place]:
        with dovecot.running([], password=PASSWORD, settings=OPEN + settings, stls=True, users=names) as server:
            context = ssl.create_default_context(cadata=server.ca_pem)
            yield Place(
                Address(server.port, server.clear, context),
                lambda name, messages: _delivered(server.maildrop(name), messages),
            )

    return House(dovecot.missing, running)


@contextlib.contextmanager
def _estate(names: Collection[str], program: Sequence[str], begun: Sequence[Sequence[str]] = ()) -> Iterator[Estate]:
    """A machine of its own for a program that speaks on its standard input, with these accounts."""
    with tempfile.TemporaryDirectory(prefix="pop3s-estate-") as directory:
        home = Path(directory)
        home.chmod(0o755)
        for folder in FOLDERS:
            (home / folder).mkdir(parents=True)
        (home / "var/mail").chmod(0o1777)
        crypt = ["openssl", "passwd", "-6", "-salt", "salt", PASSWORD]
        proof = subprocess.run(crypt, capture_output=True, text=True, check=True, timeout=READY).stdout.strip()
        for file, line in USERS.items():
            lines = "".join(line.format(name=name, proof=proof, uid=UID) + "\n" for name in names)
            there = Path("/", file).read_text(encoding="utf-8")
            (home / file).write_text(there + SYSTEM.get(file, "") + lines, encoding="utf-8")
        given = {
            "home": directory,
            "unpacked": os.environ.get(UNPACKED, ""),
            "begun": begun,
            "program": program,
            "environment": {"PATH": "/usr/sbin:/usr/bin"},
        }
        command = ["unshare", "--mount", sys.executable, str(Path(__file__).parent / "inetd.py"), json.dumps(given)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            try:
                yield Estate(home, int(server.stdout.readline()))
            finally:
                server.stdin.close()
                server.wait(READY)


def _lacking(program: str) -> Callable[[], str]:
    """Why this program cannot be started in a machine of its own."""

    def missing() -> str:
        unpacked = Path(os.environ.get(UNPACKED, "/"))
        if not any(Path(root, program.lstrip("/")).exists() for root in ("/", unpacked)):
            return f"{program} is not installed, nor unpacked where {UNPACKED} says"
        if os.geteuid():
            return f"{program} has to be started by root"
        if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False, timeout=READY).returncode:
            return "no mount namespace can be made here"
        return ""

    return missing


def _mbox(program: str) -> House:
    """A program that speaks on its standard input, and serves the spool."""

    @contextlib.contextmanager
    def running(names: Collection[str]) -> Iterator[Place]:
        with _estate(names, [program]) as estate:

            def fill(name: str, messages: Sequence[bytes]) -> None:
                spool = estate.home / "var/mail" / name
                spool.write_bytes(b"".join(b"%b%b\n" % (ENVELOPE, each) for each in messages))
                spool.chmod(0o600)
                os.chown(spool, UID, MAIL)

            yield Place(Address(0, estate.port, ssl.create_default_context()), fill, _ended)

    return House(_lacking(program), running)


def _ended(message: bytes) -> bytes:
    """A message with an end of its last line, as who delivers to an mbox leaves it."""
    return message if message.endswith(b"\n") else message + b"\n"


HOUSES: Final[dict[str, House]] = {
    "dovecot": _dovecot(""),
    "dovecot-rich": _dovecot(RICH),
    "popa3d": _mbox("/usr/sbin/popa3d"),
    "solid-pop3d": _mbox("/usr/sbin/solid-pop3d"),
}
"""The server of each recorded dialect that can be started here, by the name of the dialect."""
