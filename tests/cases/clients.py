"""Every case against the clients of this machine: a program that writes what each of them did to ``clients.json``.

    python -m tests.cases.clients [SECTION...]

Knows how each client is called; judges by how it ended and by what became of the mail.  Not a test: clients change, and
what they did stands in the manual with their versions.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from pop3s_fake import ManualClock, Pop3sServer, UnmetRule, UsageError, pop3s_cases
from pop3s_fake.cases import Case, case
from pop3s_fake.tls.handshakes import Client
from tests.cases.talking import MAIL, Session

FILE: Final = Path(__file__).parent / "clients.json"
OWN: Final = 5
"""Seconds after which each client is told to give up by itself."""
ENDED: Final = 12.0
"""Seconds after which it is ended."""
AT_ONCE: Final = 4

Command: TypeAlias = Callable[[Pop3sServer, Case, Path], list[str] | None]
"""The command line of a client; None where it cannot be what the case asks for."""


def common(entry: Case) -> bool:
    """Whether a client without such settings can meet the case as it is meant."""
    return replace(entry.client, host="localhost", certificate="") == Client()


def names(server: Pop3sServer, entry: Case) -> tuple[str, str]:
    """The client's certificate and key, "" if it has none."""
    if not entry.client.certificate:
        return "", ""
    mine = server.authority.client_certificate("ann", entry.client.certificate)
    return str(mine.certificate_file), str(mine.key_file)


def port(server: Pop3sServer, entry: Case) -> int:
    """Where it is to connect."""
    return server.stls_port if entry.stls else server.port


def curl(server: Pop3sServer, entry: Case, _: Path) -> list[str] | None:
    """One message, to standard output."""
    if not common(entry):
        return None
    certificate, key = names(server, entry)
    host, login = entry.client.host, server.login
    words = [
        "curl",
        "-sS",
        "--max-time",
        str(OWN),
        "--cacert",
        str(server.ca_file),
        "-u",
        f"{login.user}:{login.password}",
    ]
    words += ["--connect-to", f"{host}:{port(server, entry)}:127.0.0.1:{port(server, entry)}"]
    words += ["--ssl-reqd"] if entry.stls else []
    words += ["--cert", certificate, "--key", key] if certificate else []
    words += ["--crlfile", str(server.authority.crl_file)] if entry.crl else []
    return [*words, f"{'pop3' if entry.stls else 'pop3s'}://{host}:{port(server, entry)}/1"]


def fetchmail(server: Pop3sServer, entry: Case, folder: Path) -> list[str] | None:
    """All messages, to a command, deleted behind it."""
    if not common(entry) or entry.crl or entry.client.host == "127.0.0.1":
        return None
    certificate, key = names(server, entry)
    (folder / "inbox").mkdir()
    settings = folder / "fetchmailrc"
    settings.touch(mode=0o600)
    settings.write_text(
        f'set pidfile "{folder / "fetchmail.pid"}"\n'
        f"poll localhost service {port(server, entry)} protocol pop3 auth password uidl timeout {OWN}\n"
        f'  user "{server.login.user}" password "{server.login.password}"\n'
        f'  {"sslproto TLS1.2+" if entry.stls else "ssl"} sslcertck sslcertfile "{server.ca_file}"\n'
        + (f'  sslcommonname "{entry.client.host}"\n' if entry.client.host != "localhost" else "")
        + (f'  sslcert "{certificate}" sslkey "{key}"\n' if certificate else "")
        + f'  fetchall mda "cat >$(mktemp {folder / "inbox"}/XXXXXX)"\n'
    )
    return ["fetchmail", "--fetchmailrc", str(settings)]


def mpop(server: Pop3sServer, entry: Case, folder: Path) -> list[str] | None:
    """All messages, to a Maildir, deleted behind it."""
    if not common(entry) or entry.client.host == "127.0.0.1":
        return None
    certificate, key = names(server, entry)
    for name in ("cur", "new", "tmp"):
        (folder / "Maildir" / name).mkdir(parents=True)
    settings = folder / "mpoprc"
    settings.touch(mode=0o600)
    settings.write_text(
        f"account work\nhost localhost\nport {port(server, entry)}\ntimeout {OWN}\n"
        f"tls on\ntls_starttls {'on' if entry.stls else 'off'}\ntls_trust_file {server.ca_file}\n"
        + (f"tls_host_override {entry.client.host}\n" if entry.client.host != "localhost" else "")
        + (f"tls_crl_file {server.authority.crl_file}\n" if entry.crl else "")
        + (f"tls_cert_file {certificate}\ntls_key_file {key}\n" if certificate else "")
        + f"user {server.login.user}\npassword {server.login.password}\nauth user\nkeep off\n"
        f"delivery maildir {folder / 'Maildir'}\nuidls_file {folder / 'uidls'}\n"
    )
    return ["mpop", f"--file={settings}", "work"]


def openssl(server: Pop3sServer, entry: Case, _: Path) -> list[str] | None:
    """A session that somebody types; what it says is read, for it ends with 0 whatever was said: it speaks no POP3."""
    if entry.family == "pop":
        return None
    like = entry.client
    certificate, key = names(server, entry)
    versions = {"1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.3"}
    words = ["openssl", "s_client", "-crlf", "-ign_eof", "-quiet", "-CAfile", str(server.ca_file)]
    words += ["-verify_return_error", "-connect", f"127.0.0.1:{port(server, entry)}", "-cipher", like.ciphers]
    words += ["-min_protocol", versions[like.versions.partition("-")[0]]]
    words += ["-max_protocol", versions[like.versions.rpartition("-")[2]]]
    if like.host == "127.0.0.1":
        words += ["-verify_ip", like.host]
    else:
        words += ["-servername", like.host, "-verify_hostname", like.host]
    words += ["-starttls", "pop3"] if entry.stls else []
    words += ["-alpn", ",".join(like.alpn)] if like.alpn else []
    words += ["-cert", certificate, "-key", key, "-cert_chain", certificate] if certificate else []
    words += ["-CRL", str(server.authority.crl_file), "-crl_check"] if entry.crl else []
    return [*words, "-enable_pha"] if any("request-client-cert" in rule for rule in entry.rules) else words


PROGRAMS: Final[dict[str, tuple[Command, tuple[str, ...]]]] = {
    "curl": (curl, ("--version",)),
    "openssl": (openssl, ("version",)),
    "fetchmail": (fetchmail, ("--fetchmailrc", "/dev/null", "--version")),
    "mpop": (mpop, ("--version",)),
}


def versions() -> dict[str, str]:
    """The clients that are there, with their versions."""
    found = {"poplib": f"CPython {platform.python_version()}, {ssl.OPENSSL_VERSION.rsplit(' ', 3)[0]}"}
    for name, (_, words) in PROGRAMS.items():
        if shutil.which(name):
            said = subprocess.run([name, *words], capture_output=True, text=True, check=False).stdout
            number = re.search(r"\d+\.\d[\w.]*", said)
            found[name] = number.group() if number else "?"
    return found


def outcome(entry: Case, client: str) -> str:
    """What one client did, in one of the words that the manual explains; "-" where it cannot meet the case."""
    server = Pop3sServer(case=entry.id, clock=ManualClock(), strict=False, seed=1, deadline=60)
    server.maildrop.add(*MAIL)
    with tempfile.TemporaryDirectory() as folder:
        try:
            server.start()
        except UsageError:
            return "-"
        try:
            did = poplib(server, entry) if client == "poplib" else program(server, entry, client, Path(folder))
            if entry.outage is None:
                server.disconnect_all("rst")
            if any(isinstance(problem, UnmetRule) for problem in server.judge()):
                return "-" if did == "-" else "not met"
            return "loses mail" if entry.must == "reject" and server.ledger.lost else did
        finally:
            server.stop()


def poplib(server: Pop3sServer, entry: Case) -> str:
    """A session of poplib's, as the tests have it."""
    session = Session(server, entry)
    said = session.run()
    session.close()
    return "gives up" if "TimeoutError" in said else "fails" if said else "ends well"


def program(server: Pop3sServer, entry: Case, client: str, folder: Path) -> str:
    """A program, once."""
    words = PROGRAMS[client][0](server, entry, folder)
    if words is None:
        return "-"
    login = server.login
    typed = f"USER {login.user}\nPASS {login.password}\nRETR 1\nQUIT\n" if client == "openssl" else ""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C", "NO_PROXY": "*"}
    with (folder / "out").open("wb") as file:
        try:
            ran = subprocess.run(
                words, input=typed.encode(), stdout=file, stderr=file, timeout=ENDED, check=False, env=environment
            )
        except subprocess.TimeoutExpired:
            return "hangs"
    said = (folder / "out").read_bytes()[-4096:].decode(errors="replace")
    if ran.returncode < 0:
        return "crashes"
    if client == "openssl":
        return "ends well" if "+OK signing off" in said else "fails"
    if ran.returncode == 0:
        return "ends well"
    gave_up = (client == "curl" and ran.returncode == 28) or re.search(r"time[d ]*out|timeout", said) is not None
    return "gives up" if gave_up else "fails"


def main(sections: list[str]) -> None:
    """Ask all clients about these sections, or all, and write what they did beside what is known of the others."""
    clients = versions()
    known: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.exists() and sections else {"cases": {}}
    entries = [case(name) for name in pop3s_cases(*sections)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {(entry.id, name): pool.submit(outcome, entry, name) for entry in entries for name in clients}
        for (name, client), job in jobs.items():
            known["cases"].setdefault(name, {})[client] = job.result()
    ordered = {name: known["cases"][name] for name in pop3s_cases() if name in known["cases"]}
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(did)}" for name, did in ordered.items())
    text = f'{{\n "versions": {json.dumps(clients)},\n "cases": {{\n{lines}\n }}\n}}\n'
    FILE.write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
