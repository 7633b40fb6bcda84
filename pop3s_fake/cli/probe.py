"""`pop3s-fake probe`: ask a server, and write a draft of its dialect.

Knows the options, where a password may come from and where a draft may go; must not know questions, sockets, or what is
made of answers, which are ``probing``'s.
"""

from __future__ import annotations

import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from pop3s_fake.cli.files import check_place, write_whole
from pop3s_fake.cli.problems import complain
from pop3s_fake.errors import UsageError
from pop3s_fake.probing import Place, Sockets, Unreachable, Wishes, ask, draft

__all__ = ("Asked", "probe")

VARIABLE: Final = "POP3S_FAKE_PASSWORD"
"""Where the password may stand, beside a file and the terminal."""

LINGER: Final = 0.2
"""Seconds behind a refusal in which a server may say more, or close."""

IMPLICIT: Final = 995
CLEAR: Final = 110
LARGEST: Final = 65535
INTERRUPTED: Final = 130


@dataclass(frozen=True)
class Asked:
    """The options as they were given."""

    address: str
    user: str | None
    password_file: str | None
    ca: str | None
    stls: bool
    clear: bool
    insecure: bool
    output: str | None
    force: bool
    failed_logins: int
    fetch: bool
    connections: int
    pause: float | None
    timeout: float
    quiet: bool


def probe(asked: Asked) -> int:
    """Ask, and write the draft; gives the exit code.

    1: the server cannot be asked, or the draft not be written; 130: interrupted, and half a draft, which would look
    like a whole one, is not written.
    """
    _check(asked)
    host, port = _place(asked)
    place = Place(
        host,
        port,
        tls="none" if asked.clear else "stls" if asked.stls else "implicit",
        ca=asked.ca,
        verify=not asked.insecure,
        timeout=asked.timeout,
    )
    sockets = Sockets(place)
    wishes = Wishes(
        user=asked.user or "",
        password="" if asked.user is None else _password(asked),
        failed_logins=asked.failed_logins,
        fetch=asked.fetch,
        connections=asked.connections,
        pause=asked.pause,
        linger=LINGER if asked.pause is None else min(asked.pause, LINGER),
    )
    try:
        seen = ask(sockets, wishes, tell=_mute if asked.quiet else _tell, wait=time.sleep, now=time.monotonic)
    except Unreachable as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        complain(f"interrupted: {place} was left without QUIT, so that it changes nothing, and no draft was written")
        return INTERRUPTED
    where = _written(asked.output, draft(seen))
    if not asked.quiet:
        questions = f"{len(seen.exchanges())} questions on {len(seen.talks)} connections"
        _tell(f"{questions}; the draft is in {where or 'standard output'}")
    return int(where != _file(asked.output))


def _file(output: str | None) -> str:
    """Which file the draft goes to; "" is standard output."""
    return "" if output in {None, "-"} else str(output)


def _written(output: str | None, text: str) -> str:
    """Write the draft, if not there then to standard output, as it was dear; says where it is."""
    where = _file(output)
    if where:
        try:
            write_whole("draft", where, text, 0o644)
        except UsageError as error:
            complain(f"{error}; this one goes to standard output")
            where = ""
    if not where:
        sys.stdout.write(text)
        sys.stdout.flush()
    return where


def _check(asked: Asked) -> None:
    """What contradicts itself, is not safe, or could not be written in the end."""
    _check_login(asked)
    for seconds, name in ((asked.pause, "--pause"), (asked.timeout, "--timeout")):
        if seconds is not None and math.isnan(seconds):
            raise UsageError(f"{name} nan is no time; give it seconds, such as 1.5")
    where = _file(asked.output)
    if where and Path(where).is_file() and not asked.force:
        raise UsageError(f"--output {where!r} is there already; name another file, or say --force")
    if where:
        check_place("draft", where)


def _check_login(asked: Asked) -> None:
    """How TLS begins, and who logs in."""
    if asked.stls and asked.clear:
        raise UsageError("--stls begins TLS and --clear has none; leave one of them out")
    if asked.ca is not None and (asked.insecure or asked.clear):
        other = "--clear" if asked.clear else "--insecure"
        raise UsageError(f"--ca is for verifying the server, and {other} does not; leave one of them out")
    if asked.user is None:
        for given, name in ((asked.password_file, "--password-file"), (asked.fetch, "--fetch")):
            if given:
                raise UsageError(f"{name} is of no use without a login: add --user")
        if asked.failed_logins:
            raise UsageError("--failed-logins is of no use without a login: add --user")
    elif asked.clear and not asked.insecure:
        raise UsageError(
            "--clear would send the password where anybody can read it: leave it out where TLS comes first, as on port "
            "995, say --stls where it comes later, or --insecure if it is meant"
        )
    elif not asked.user or not asked.user.isprintable():
        raise UsageError(f"--user {asked.user!r} is no name: it needs printable characters")


def _place(asked: Asked) -> tuple[str, int]:
    """Host and port.  The port may be left out; an IPv6 address with one stands in brackets."""
    text, usual = asked.address, CLEAR if asked.stls or asked.clear else IMPLICIT
    host, colon, port = text.rpartition(":")
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        colon, port = port[:1], port[1:]
        if not bracket or colon not in {"", ":"}:
            host = ""
    elif not colon or ":" in host:
        host, colon, port = text, "", ""
    if not host or (colon and not (port.isascii() and port.isdigit() and 0 < int(port) <= LARGEST)):
        raise UsageError(f"{text!r} is no HOST:PORT, such as mail.example.org:{usual} or [::1]:{usual}")
    return host, int(port) if colon else usual


def _password(asked: Asked) -> str:
    """The password: of the file, the environment, or whoever sits there."""
    if asked.password_file is not None:
        try:
            lines = Path(asked.password_file).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
            raise UsageError(f"cannot read the password file {asked.password_file!r}: {why}") from None
        return _usable(lines[0] if lines else "", f"the first line of {asked.password_file!r}")
    if VARIABLE in os.environ:
        return _usable(os.environ[VARIABLE], VARIABLE)
    if not sys.stdin.isatty():
        raise UsageError(
            f"there is no password for --user, and no terminal to ask at: set {VARIABLE}, or name a --password-file"
        )
    given: str = click.prompt(f"Password of {asked.user}", hide_input=True, err=True)
    return _usable(given, "what was typed")


def _usable(password: str, where: str) -> str:
    """The password, if it can be sent."""
    if not password or not password.isprintable():
        raise UsageError(f"{where} is no password: it needs printable characters")
    return password


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _mute(_: str) -> None:
    """Say nothing."""
