"""How poplib and curl take what rules do to them: what was seen of these clients elsewhere is seen here."""

from __future__ import annotations

import poplib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from pop3s_fake import Pop3sServer
from tests.sockets import remembered

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Ran = subprocess.CompletedProcess[bytes]

MESSAGE: Final = b"Subject: fault\r\n\r\na\r\n.\r\nb\r\n"
REPLY: Final = b"+OK 27 octets\r\nSubject: fault\r\n\r\na\r\n..\r\nb\r\n.\r\n"

PATIENCE: Final = 30.0  # seconds of real time that a client is told to wait
SHORT: Final = 1.5  # the same where it will have to give up

OK: Final = 0
REFUSED: Final = 7  # curl's exit codes
WEIRD: Final = 8
TIMED_OUT: Final = 28
TLS_FAILED: Final = 35
RECV_FAILED: Final = 56
DENIED: Final = 67
TOO_LARGE: Final = 100


class Fault(NamedTuple):
    """A fault, by its name in the catalogue, and what two clients make of it."""

    rules: tuple[str, ...]
    poplib: str
    """The steps that went well, and how the next one failed: ``user pass stat: error_proto .*EOF``."""
    curl: dict[int, bytes | None]
    """Its exit codes, which differ by version, and what it printed then; None: whatever it is."""


ALL_WELL: Final = "user pass stat retr dele quit"

EOF: Final = "(error_proto -ERR EOF|ConnectionResetError .*)"
"""How poplib puts it that nothing more comes; a reset, from Python 3.12 on."""

FAULTS: Final = {
    "accept-rst": Fault(
        ("accept -> end rst",),
        "(ConnectionResetError|SSLEOFError|SSLZeroReturnError).*",
        {REFUSED: b"", TLS_FAILED: b""},
    ),
    "accept-fin": Fault(
        ("accept -> end fin",), "(ConnectionResetError|SSLEOFError|SSLZeroReturnError).*", {TLS_FAILED: b""}
    ),
    "accept-silent": Fault(
        ("accept -> wait forever",), "TimeoutError .*handshake operation timed out.*", {TIMED_OUT: b""}
    ),
    "rst": Fault(("RETR@20 -> end rst",), f"user pass stat: {EOF}", {RECV_FAILED: None, OK: None}),
    "half-close": Fault(
        ("RETR!after -> end half-close",), f"user pass stat retr: {EOF}", {OK: MESSAGE, RECV_FAILED: MESSAGE}
    ),
    "drip": Fault(("RETR -> pace size=3 gap=0.001",), ALL_WELL, {OK: MESSAGE}),
    "stall": Fault(("RETR@20 -> wait 0.1",), ALL_WELL, {OK: MESSAGE}),
    "stall-for-ever": Fault(
        ("RETR@20 -> wait forever",), "user pass stat: TimeoutError .*read operation timed out.*", {TIMED_OUT: None}
    ),
    "byte": Fault(("RETR -> pace size=1",), ALL_WELL, {OK: MESSAGE}),
    "split-terminator": Fault(("RETR@end -> pace size=1",), ALL_WELL, {OK: MESSAGE}),
    "truncate": Fault(
        ("RETR@50% -> end fin",), f"user pass stat: {EOF}", {OK: REPLY[15 : len(REPLY) // 2], RECV_FAILED: None}
    ),
    "truncate-closed": Fault(("RETR@50% -> end clean",), f"user pass stat: {EOF}", {OK: REPLY[15 : len(REPLY) // 2]}),
    "coalesce": Fault(
        ('RETR!after -> send "+OK surplus\\r\\n"',), "user pass stat retr dele=surplus quit=message", {TIMED_OUT: None}
    ),
    "greeting-err": Fault(('greeting -> reply "-ERR busy"',), "error_proto b?'?-ERR busy'?", {WEIRD: b""}),
    "greeting-imap": Fault(
        ('greeting -> reply "* OK IMAP4rev1"',), "error_proto b?'?.* OK IMAP4rev1'?", {TIMED_OUT: b"", WEIRD: b""}
    ),
    "greeting-two": Fault(
        ('greeting!after -> send "+OK again\\r\\n"',), "user=again pass=name: (IndexError|ValueError) .*", {OK: MESSAGE}
    ),
    "greeting-lower": Fault(('greeting -> reply "+ok hello"',), ALL_WELL, {WEIRD: b""}),
    "greeting-long": Fault(
        ('greeting@4 -> flood "x" octets=100000',),
        "error_proto line too long",
        {OK: MESSAGE, WEIRD: b"", TOO_LARGE: b""},
    ),
    "long-line": Fault(
        ('RETR@body:18 -> flood "x" octets=200000',), "user pass stat: error_proto line too long", {OK: None}
    ),
    "no-terminator": Fault(
        ("RETR -> edit no-terminator, wait forever",),
        "user pass stat: TimeoutError .*read operation timed out.*",
        {TIMED_OUT: None},
    ),
    "unstuffed": Fault(("RETR -> edit unstuff",), "user pass stat retr: error_proto b'b'", {OK: None}),
    "bare-lf": Fault(("RETR -> edit bare-lf",), ALL_WELL, {TIMED_OUT: None, OK: None}),
    "stat-huge": Fault(('STAT -> reply "+OK 100000000000000000000 1"',), ALL_WELL, {OK: MESSAGE}),
    "stat-text": Fault(('STAT -> reply "+OK many messages"',), "user pass: ValueError .*", {OK: MESSAGE}),
    "pass-cut": Fault(("PASS,APOP,AUTH -> end fin",), f"user: {EOF}", {RECV_FAILED: b"", DENIED: b"", WEIRD: b""}),
    "pass-blank": Fault(('PASS,APOP,AUTH -> reply ""',), "user: error_proto b''", {TIMED_OUT: b"", DENIED: b""}),
    "echo-password": Fault(
        ('PASS,APOP,AUTH!before -> reply "-ERR invalid password pop3s-password"',),
        "user: error_proto b'-ERR invalid password pop3s-password'",
        {DENIED: b""},
    ),
    "dele-err": Fault(('DELE -> reply "-ERR no"',), "user pass stat retr: error_proto b'-ERR no'", {OK: MESSAGE}),
    "quit-err": Fault(('QUIT -> reply "-ERR no"',), "user pass stat retr dele: error_proto b'-ERR no'", {OK: MESSAGE}),
    "quit-cut": Fault(("QUIT -> end fin",), f"user pass stat retr dele: {EOF}", {OK: MESSAGE}),
}


SECOND_WORDS: Final = {"user": "name", "pass": "maildrop", "dele": "message", "quit": "signing"}


def told(step: str, answer: object) -> str:
    """A step, and the answer that poplib took for its own where it was another one's."""
    word = answer.split()[1].decode() if isinstance(answer, bytes) and len(answer.split()) > 1 else ""
    return step if word == SECOND_WORDS.get(step, word) else f"{step}={word}"


def by_poplib(server: Pop3sServer, patience: float) -> str:
    """Fetch a message and delete it: the steps that went well, and how the next one failed."""
    steps: list[str] = []
    context = server.client_context()
    made = remembered(context)
    try:
        client = poplib.POP3_SSL(server.host, server.port, context=context, timeout=patience)
        steps.append(told("user", client.user(server.login.user)))
        steps.append(told("pass", client.pass_(server.login.password)))
        for step, call in (
            ("stat", client.stat),
            ("retr", lambda: client.retr(1)),
            ("dele", lambda: client.dele(1)),
            ("quit", client.quit),
        ):
            steps.append(told(step, call()))
    except (poplib.error_proto, OSError, ValueError, IndexError) as error:
        return f"{' '.join(steps)}: {type(error).__name__} {error}".removeprefix(": ")
    finally:
        for sock in made:
            sock.close()
    return " ".join(steps)


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest) -> Fault:
    """One of them."""
    return FAULTS[request.param]


@pytest.fixture
def server(fault: Fault) -> Pop3sServer:
    """A server with this fault, not started; a client that hangs in it is reset by nobody else."""
    return Pop3sServer(rules=fault.rules)


def test_poplib_takes_a_fault_as_it_was_seen_to(server: Pop3sServer, fault: Fault) -> None:
    """Step by step, to the words of its error where they are poplib's own."""
    with server:
        server.maildrop.add(MESSAGE)
        seen = by_poplib(server, SHORT if "TimeoutError" in fault.poplib else PATIENCE)
        for rule in server.rules:
            rule.optional()
            assert rule.hits or rule.when.points[0] not in {*server.transcript.keywords, "accept", "greeting"}
    assert re.fullmatch(fault.poplib, seen), f"{seen!r} is not {fault.poplib!r}"


def test_curl_takes_a_fault_as_it_was_seen_to(
    server: Pop3sServer, fault: Fault, curl: str, run: Callable[..., Ran]
) -> None:
    """Its exit code and what it printed: it ignores what it need not know, and takes a close-notify for an end."""
    patience = SHORT if TIMED_OUT in fault.curl else PATIENCE
    with server:
        server.maildrop.add(MESSAGE)
        ran = run(
            curl, "--disable", "-sS", "--max-time", patience, "--cacert", server.ca_file,
            "--user", ":".join(server.login), f"{server.url}/1",
        )  # fmt: skip
        for rule in server.rules:
            rule.optional()
    assert ran.returncode in fault.curl, ran
    assert fault.curl[ran.returncode] in {None, ran.stdout}, ran
    assert server.login.password.encode() not in ran.stderr
