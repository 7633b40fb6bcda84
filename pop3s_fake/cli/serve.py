"""`pop3s-fake serve`: one server from its start to Ctrl-C or SIGTERM.

Knows the order: mail, server, files, text, signals, end; must not know how any of these is done.
"""

from __future__ import annotations

import contextlib
import errno
import signal
import sys
import time
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.cases import case
from pop3s_fake.cli.files import ready_text, write_ca, write_ready
from pop3s_fake.cli.hints import hints, stls_hint
from pop3s_fake.cli.mail import Served, served
from pop3s_fake.cli.problems import Problems, complain
from pop3s_fake.cli.reach import Reach, reach
from pop3s_fake.cli.view import View, view
from pop3s_fake.cli.watching import Watcher
from pop3s_fake.dialects import Dialect, dialect
from pop3s_fake.dialects.catalogue import is_file
from pop3s_fake.errors import UsageError
from pop3s_fake.server.server import Pop3sServer
from pop3s_fake.tls.settings import Tls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from pop3s_fake.cases import Case
    from pop3s_fake.cli.authority import Kept

__all__ = ("Wishes", "serve")

ANY_LOGIN: Final = ("+SASL OAUTHBEARER XOAUTH2 PLAIN",)
"""What is offered where any password is right: for the other mechanisms the server has to know it."""

CA_FILE: Final = "pop3s-fake-ca.pem"
"""Where the CA certificate is written unless told otherwise."""

ENDINGS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the command line asks for, option by option."""

    host: str = "localhost"
    port: int = 3995
    stls_port: int | None = None
    accounts: tuple[str, ...] = ()
    any_login: bool = False
    mail: tuple[str, ...] = ()
    write_back: bool = False
    yes: bool = False
    strict: bool = False
    certificate: str = "good"
    tls: str = "1.2-1.3"
    case: str | None = None
    dialect: str | None = None
    quirks: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    seed: int | None = None
    ca_out: str | None = None
    ca_dir: str | None = None
    ready_file: str | None = None
    log_file: str | None = None
    quiet: bool = False
    allow_remote: bool = False


def serve(wishes: Wishes) -> int:
    """Serve until SIGINT or SIGTERM; gives the exit code, 0 or, where the system does not let us, 1.

    Raises a UsageError for what cannot be, which is the caller's to show.
    """
    if wishes.ca_out is not None and wishes.ca_dir is not None:
        raise UsageError("--ca-out is for a CA of this run only, and --ca-dir for one that is kept; choose one of them")
    mail = served(
        wishes.accounts,
        wishes.mail,
        any_login=wishes.any_login,
        write_back=wishes.write_back,
        yes=wishes.yes,
        strict=wishes.strict,
    )
    at = reach(
        wishes.host,
        allow_remote=wishes.allow_remote,
        logins=[account.login for account in mail.accounts],
        any_login=wishes.any_login,
        kept=wishes.ca_dir is not None,
    )
    kept = None if wishes.ca_dir is None else _kept(wishes.ca_dir)
    spoken = None if wishes.dialect is None else _spoken(wishes.dialect)
    server = Pop3sServer(
        accounts=mail.accounts,
        names=at.names,
        authority=None if kept is None else kept.authority,
        certificate=wishes.certificate,
        tls=None if wishes.tls == Wishes.tls else Tls(versions=wishes.tls),
        case=wishes.case,
        port=wishes.port,
        stls=False if wishes.stls_port is None else wishes.stls_port or True,
        dialect=spoken,
        quirks=wishes.quirks,
        capabilities=ANY_LOGIN if wishes.any_login else None,
        strict=False,
        seed=wishes.seed,
        deadline=None,
    )
    server.accounts.newcomer = mail.newcomer
    server.expose(at.listens_at)
    server.rules.need_not_strike()  # those of the case
    for rule in wishes.rules:
        server.rules.add(rule, must=False, where="--rule")
    for problem in server.rules.judge():  # such as one without an action
        raise UsageError(str(problem))
    problems = Problems(mail, server)
    problems.tell()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    with _log(wishes.log_file) as log, _signals_held():
        shown = view(quiet=wishes.quiet)
        watcher = Watcher(shown, log, offset=time.time() - server.clock.now(), after=problems.tell)
        server.transcript.follow(watcher, remember=False)
        try:
            code = _run(server, wishes, Facts(mail, at, kept, spoken), shown, problems)
        finally:
            watcher.close()
    problems.tell()
    return 1 if problems.failed else code


class Facts(NamedTuple):
    """What was found out before anything runs."""

    mail: Served
    at: Reach
    kept: Kept | None
    spoken: Dialect | None


def _spoken(word: str) -> Dialect:
    """The dialect of this id, or in this file."""
    return Dialect.from_file(word) if is_file(word) else dialect(word)


def _kept(folder: str) -> Kept:
    from pop3s_fake.cli.authority import kept_authority  # noqa: PLC0415  # only where it is asked for

    return kept_authority(folder)


def _run(server: Pop3sServer, wishes: Wishes, facts: Facts, shown: View, problems: Problems) -> int:
    """From the start to the end of the server."""
    try:
        server.start()
    except OSError as error:
        complain(_no_port(wishes, error))
        return 1
    try:
        ca_file = facts.kept.ca_file if facts.kept is not None else write_ca(wishes.ca_out or CA_FILE, server.ca_pem)
        if wishes.ready_file is not None:
            logins = [account.login for account in facts.mail.accounts]
            write_ready(wishes.ready_file, ready_text(facts.at.host, server.port, _stls_port(server), ca_file, logins))
        try:
            _announce(server, wishes, facts, ca_file, shown)
            signal.sigwait(ENDINGS)
        finally:
            if wishes.ready_file is not None:
                Path(wishes.ready_file).unlink(missing_ok=True)
    finally:
        problems.stopped()
    return 0


def _announce(server: Pop3sServer, wishes: Wishes, facts: Facts, ca_file: str, shown: View) -> None:
    """Everything that one has to know, and the lines to paste."""
    user, password = server.login
    remote = ", for whoever can reach this machine" if facts.at.remote else ""
    shown.say(f"pop3s-fake listens on {wishes.host}:{server.port} (POP3 over TLS){remote}; Ctrl-C ends it", "bold")
    if server.has_stls:
        shown.say(f"  in clear  {wishes.host}:{server.stls_port}, for clients that come to TLS by STLS")
    for account in facts.mail.accounts:
        shown.say(f"  account   {account.name}, password {account.login.password}")
    if wishes.any_login:
        shown.say("  account   any other name, any password")
    for line in facts.mail.lines:
        shown.say(f"  mail      {line}")
    if wishes.case is not None:
        _announce_case(case(wishes.case), server, shown)
    if facts.spoken is not None:
        spoken = facts.spoken
        shown.say(f"  dialect   {spoken.id}" + (f" ({spoken.made_of})" if spoken.source == "documented" else ""))
    for quirk in server.quirks:
        shown.say(f"  quirk     {quirk}")
    kept = facts.kept
    ca = "" if kept is None else f" ({'new' if kept.new else 'as before'}, good until {kept.until:%Y-%m-%d})"
    shown.say(f"  CA file   {ca_file}{ca}")
    shown.say("")
    shown.say("Paste one of these into another terminal:", "bold")
    lines: tuple[str, ...] = hints(
        facts.at.host, server.port, user, password, ca_file, mail=bool(len(server.account.maildrop))
    )
    if server.has_stls:
        lines = (*lines, stls_hint(facts.at.host, server.stls_port, user, password, ca_file))
    for line in lines:
        shown.say("")
        shown.say(line, "cyan")
    shown.say("")
    shown.head()


def _announce_case(chosen: Case, server: Pop3sServer, shown: View) -> None:
    """What clients meet, and the certificate for those who are to show one."""
    shown.say(f"  case      {chosen.id}: {chosen.summary}")
    if chosen.client.certificate:
        its = server.authority.client_certificate(server.login.user, chosen.client.certificate)
        shown.say(f"  client    certificate {its.certificate_file}, key {its.key_file}, until the server ends")


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Keep the signals that end us until they are waited for, in this thread and those that begin meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    try:
        yield
    finally:
        while signal.sigpending() & set(ENDINGS):  # somebody pressed Ctrl-C twice
            signal.sigwait(ENDINGS)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _log(path: str | None) -> Iterator[TextIO | None]:
    """The log file, if there shall be one, open to be appended to."""
    if path is None:
        yield None
        return
    try:
        file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115  # closed below
    except OSError as error:
        raise UsageError(f"cannot write the log file {path!r}: {error.strerror}; name another") from None
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):  # the disk is full
            file.close()


def _stls_port(server: Pop3sServer) -> int | None:
    return server.stls_port if server.has_stls else None


def _no_port(wishes: Wishes, error: OSError) -> str:
    """Why a port cannot be had, and what can be done."""
    wanted = {"--port": wishes.port, "--stls-port": wishes.stls_port}
    named = {option: port for option, port in wanted.items() if port} or {"--port": 0}  # a free one is not taken
    host, port, option = wishes.host, " or ".join(map(str, named.values())), " or ".join(named)
    free = f"{next(iter(named))} 0 for a free one"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host!r} is no address of this machine, and no name of one"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken, perhaps by another pop3s-fake; choose another with {option}, such as {free}"
    if error.errno == errno.EACCES:
        return f"port {port} is not for every user; choose one above 1023 with {option}, or {free}"
    return f"cannot listen on port {port}: {error.strerror}; choose another with {option}"
