"""Clients for the cases: Python's poplib and OpenSSL's own, each asked what it makes of one server.

Knows how a session goes and how a client says what went wrong; judges nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import ManualClock, Pop3sServer, UsageError
from tests.cases.talking import BOUND, MAIL, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pop3s_fake.cases import Case

    Talk = Callable[[Pop3sServer, Case], str]


@contextlib.contextmanager
def serving(name: str | Case, **keywords: Any) -> Iterator[Pop3sServer]:
    """A server that is this case, with mail; skipped, with the reason, where this machine cannot be it."""
    made = Pop3sServer(
        case=name if isinstance(name, str) else name.id, clock=ManualClock(), strict=False, seed=1, **keywords
    )
    made.maildrop.add(*MAIL)
    try:
        made.start()
    except UsageError as error:
        pytest.skip(str(error))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def serve() -> Callable[..., contextlib.AbstractContextManager[Pop3sServer]]:
    """Make servers that are cases."""
    return serving


@pytest.fixture
def pop() -> Iterator[Talk]:
    """Let poplib hold a session, and say what went wrong.

    Its connection stays until the end of the test where it gave up waiting: it may have done so before the server had
    its turn, which it gets then.
    """
    with contextlib.ExitStack() as stack:

        def made(server: Pop3sServer, case: Case) -> str:
            session = Session(server, case)
            stack.callback(session.close)
            said = session.run()
            if not case.hangs:
                session.close()
            return said

        yield made


@pytest.fixture(scope="session")
def openssl() -> str:
    """The path of OpenSSL's command."""
    path = shutil.which("openssl")
    if path is None:
        pytest.skip("openssl is not installed; install it, for example with: apt-get install openssl")
    return path


@pytest.fixture
def s_client(openssl: str) -> Talk:
    """Let ``openssl s_client`` hold a session, and give all it printed; it sends its commands without waiting."""

    def made(server: Pop3sServer, case: Case) -> str:
        login = server.login
        commands = f"USER {login.user}\nPASS {login.password}\nSTAT\nRETR 1\nQUIT\n"
        words = [openssl, "s_client", "-crlf", "-ign_eof", "-CAfile", str(server.ca_file), "-verify_return_error"]
        words += ["-servername", "localhost", "-verify_hostname", "localhost"]
        words += ["-connect", f"{server.address}:{server.stls_port if case.stls else server.port}"]
        words += ["-starttls", "pop3"] if case.stls else []
        ran = subprocess.run(
            words,
            input=commands.encode(),
            capture_output=True,
            timeout=BOUND,
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )
        return (ran.stderr + ran.stdout).decode(errors="replace")

    return made
