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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import trustme

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

APART: Final = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
"""Programs behind it see other folders, and end with the first of them."""

UID: Final = 20003
MAIL: Final = 8  # Debian's group of the spool
READY: Final = 60.0  # seconds for a program to be started or ended
UNKNOWN: Final = "nobody has a secret"
ENVELOPE: Final = b"From ann@example.org Mon Jan  1 10:00:00 2024\n"
FOLDERS: Final = (
    "etc/courier",
    "run/courier/authdaemon",
    "mail",
    "var/mail",
    "var/lib/popa3d",
    "var/lib/solid-pop3d/bulletins",
)
USERS: Final = {
    "etc/passwd": "{name}:x:{uid}:8::/nonexistent:/bin/sh",
    "etc/group": "",
    "etc/shadow": "{name}:{proof}:19000:0:99999:7:::",
}
"""What an account is, in the files that have them."""

SYSTEM: Final = {
    "etc/passwd": (
        "courier:x:20004:20004::/var/lib/courier:/bin/false\n"
        "popa3d:x:20001:20001::/var/lib/popa3d:/bin/false\nspop3d:x:20002:65534::/var/lib/solid-pop3d:/bin/false\n"
    ),
    "etc/group": "popa3d:x:20001:\ncourier:x:20004:\n",
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


COURIER_SETTINGS: Final = {
    "pop3d-ssl": "\nTLS_DHPARAMS=\nTLS_CACHEFILE=\n",
    "authdaemonrc": '\nauthmodulelist="authuserdb"\n',
}
"""What a set-up has to say beside what it comes with."""

COURIER_USER: Final = "{name}\tuid={uid}|gid=8|home={home}/mail/{name}|shell=/bin/sh|hmac-md5pw=PROOF|systempw=CRYPT\n"
COURIER_BEGUN: Final = (
    f"echo {PASSWORD} | userdbpw -hmac-md5 >/run/proof && openssl passwd -6 -salt salt {PASSWORD} >/run/crypt",
    'sed -i "s,PROOF,$(cat /run/proof),; s,CRYPT,$(cat /run/crypt)," /etc/courier/userdb && makeuserdb',
    "chown -R courier:courier /run/courier && authdaemond start",
)
COURIER_LOGIN: Final = "/usr/lib/courier/courier/courierpop3login /usr/lib/courier/courier/courierpop3d Maildir"
COURIER_SETS: Final = "set -a; . /etc/courier/pop3d; . /etc/courier/pop3d-ssl"
COURIER_CLEAR: Final = ("sh", "-c", f"{COURIER_SETS}; exec {COURIER_LOGIN}")
COURIER_TLS: Final = (
    "sh",
    "-c",
    f"{COURIER_SETS}; POP3_TLS=1; POP3_STARTTLS=NO; exec $COURIERTLS -server -tcpd -user=courier {COURIER_LOGIN}",
)
MAILUTILS: Final = """
mode inetd;
mailbox {{ mail-spool /var/mail; }};
tls-mode {mode};
tls {{ ssl-certificate-file /etc/courier/certificate.pem; ssl-key-file /etc/courier/key.pem; }};
"""
COURIER_RICH: Final = '\nPOP3AUTH="PLAIN LOGIN CRAM-MD5 CRAM-SHA1 CRAM-SHA256"\nPOP3AUTH_TLS="LOGIN PLAIN"\n'


class Estate(NamedTuple):
    """A machine of its own: what is laid over the real one, and the ports of its programs."""

    home: Path
    ports: list[int]


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
def _estate(
    names: Collection[str],
    *programs: Sequence[str],
    begun: Sequence[str] = (),
    prepare: Callable[[Path], None] | None = None,
) -> Iterator[Estate]:
    """A machine of its own with these accounts, for programs that speak on their standard input.

    ``prepare`` puts more into its home, and ``begun`` are the commands that are carried out before it serves.
    """
    with tempfile.TemporaryDirectory(prefix="pop3s-estate-") as directory:
        home = Path(directory)
        home.chmod(0o755)
        for folder in FOLDERS:
            (home / folder).mkdir(parents=True)
        (home / "var/mail").chmod(0o1777)
        crypt = ["openssl", "passwd", "-6", "-salt", "salt", PASSWORD]
        proof = subprocess.run(crypt, capture_output=True, text=True, check=True, timeout=READY).stdout.strip()
        for file, line in USERS.items():
            lines = "".join(line.format(name=name, proof=proof, uid=UID) + "\n" for name in names if line)
            there = Path("/", file).read_text(encoding="utf-8")
            (home / file).write_text(there + SYSTEM.get(file, "") + lines, encoding="utf-8")
        if prepare is not None:
            prepare(home)
        unpacked = os.environ.get(UNPACKED, "")
        given = {"home": directory, "unpacked": unpacked, "begun": begun, "programs": programs}
        script = str(Path(__file__).parent / "inetd.py")
        command = [*APART, sys.executable, script, json.dumps(given)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            try:
                yield Estate(home, [int(port) for port in server.stdout.readline().split()])
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
        if subprocess.run([*APART, "true"], capture_output=True, check=False, timeout=READY).returncode:
            return "no mount namespace can be made here"
        return ""

    return missing


def _mbox(program: str) -> House:
    """A program that speaks on its standard input, and serves the spool."""

    @contextlib.contextmanager
    def running(names: Collection[str]) -> Iterator[Place]:
        with _estate(names, [program]) as estate:
            address = Address(0, estate.ports[0], ssl.create_default_context(), UNKNOWN)
            yield Place(address, partial(_spooled, estate.home), _ended)

    return House(_lacking(program), running)


def _courier(settings: str) -> House:
    """Courier with these settings over those that it comes with; its accounts are in its own database."""

    @contextlib.contextmanager
    def running(names: Collection[str]) -> Iterator[Place]:
        authority = trustme.CA()

        def prepare(home: Path) -> None:
            leaf = authority.issue_cert("localhost", "127.0.0.1")
            folder, shipped = home / "etc/courier", Path(os.environ.get(UNPACKED, "/"), "etc/courier")
            for file in ("pop3d", "pop3d-ssl", "authdaemonrc"):
                given = COURIER_SETTINGS.get(file, "") + (settings if file == "pop3d" else "")
                (folder / file).write_text((shipped / file).read_text(encoding="utf-8") + given, encoding="utf-8")
            leaf.private_key_and_cert_chain_pem.write_to_path(folder / "pop3d.pem")
            users = folder / "userdb"
            users.write_text("".join(COURIER_USER.format(name=name, home=home, uid=UID) for name in names))
            users.chmod(0o600)

        with _estate(names, COURIER_TLS, COURIER_CLEAR, begun=COURIER_BEGUN, prepare=prepare) as estate:

            def fill(name: str, messages: Sequence[bytes]) -> None:
                maildir = estate.home / "mail" / name / "Maildir"
                for folder in ("new", "cur", "tmp"):
                    (maildir / folder).mkdir(parents=True)
                _delivered(maildir, messages)
                for path in (maildir.parent, *maildir.parent.rglob("*")):
                    os.chown(path, UID, MAIL)

            context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
            yield Place(Address(estate.ports[0], estate.ports[1], context), fill)

    return House(_lacking("/usr/lib/courier/courier/courierpop3d"), running)


def _mailutils() -> House:
    """GNU Mailutils, as inetd starts it."""

    @contextlib.contextmanager
    def running(names: Collection[str]) -> Iterator[Place]:
        authority = trustme.CA()

        def prepare(home: Path) -> None:
            leaf = authority.issue_cert("localhost", "127.0.0.1")
            for mode in ("connection", "ondemand"):
                text = MAILUTILS.format(mode=mode)
                (home / f"etc/courier/{mode}.conf").write_text(text, encoding="utf-8")
            leaf.cert_chain_pems[0].write_to_path(home / "etc/courier/certificate.pem")
            leaf.private_key_pem.write_to_path(home / "etc/courier/key.pem")

        programs = [
            ("pop3d", "--inetd", f"--config-file=/etc/courier/{mode}.conf") for mode in ("connection", "ondemand")
        ]
        with _estate(names, *programs, begun=["chmod 600 /etc/courier/key.pem"], prepare=prepare) as estate:
            context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
            address = Address(estate.ports[0], estate.ports[1], context, UNKNOWN)
            yield Place(address, partial(_spooled, estate.home), _whole)

    return House(_lacking("/usr/sbin/pop3d"), running)


def _spooled(home: Path, name: str, messages: Sequence[bytes]) -> None:
    """Put these messages into the mbox of an account."""
    spool = home / "var/mail" / name
    spool.write_bytes(b"".join(b"%b%b\n" % (ENVELOPE, each) for each in messages))
    spool.chmod(0o600)
    os.chown(spool, UID, MAIL)


def _whole(message: bytes) -> bytes:
    """The same with a body, without which an mbox has no end of a message there."""
    ended = _ended(message)
    return ended if b"\n\n" in ended else ended + b"\n"


def _ended(message: bytes) -> bytes:
    """A message with an end of its last line, as who delivers to an mbox leaves it."""
    return message if message.endswith(b"\n") else message + b"\n"


HOUSES: Final[dict[str, House]] = {
    "dovecot": _dovecot(""),
    "dovecot-rich": _dovecot(RICH),
    "courier": _courier(""),
    "courier-rich": _courier(COURIER_RICH),
    "mailutils": _mailutils(),
    "popa3d": _mbox("/usr/sbin/popa3d"),
    "solid-pop3d": _mbox("/usr/sbin/solid-pop3d"),
}
"""The server of each recorded dialect that can be started here, by the name of the dialect."""
