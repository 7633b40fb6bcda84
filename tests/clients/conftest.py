"""Clients that nobody here wrote: where they are, which version they have, and how they are run within bounds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pop3s_fake import Pop3sServer

if TYPE_CHECKING:
    from collections.abc import Callable

MANUAL: Final = Path(__file__).parents[2] / "docs" / "linter.md"
EXCEPTIONS: Final[dict[str, list[str]]] = {}
"""What the manual says that a client breaks: the rows, by the client's name."""
for _client, _row in re.findall(r"^\| (\w+) [^|]*\| `([^`]+)` \|", MANUAL.read_text("utf-8"), flags=re.MULTILINE):
    EXCEPTIONS.setdefault(_client, []).append(_row)

CLIENTS: Final = {"test_certificates": ["openssl", "curl"], "test_rules": ["poplib"]}
"""Whose tests these are, where the file's name does not say so."""

BOUND: Final = 60.0  # seconds of real time after which a client is killed and the test fails


def program(name: str, *ask_version: str, install: str = "apt-get install {0}, or brew install {0}") -> Any:
    """A program as the parameter of a fixture: its path, with its version in the test's name, or the reason to skip."""
    path = shutil.which(name)
    if path is None:
        reason = f"{name} is not installed; install it, for example with: {install.format(name)}"
        return pytest.param(None, id=f"no-{name}", marks=pytest.mark.skip(reason=reason))
    said = subprocess.run([path, *ask_version], capture_output=True, text=True, check=False, timeout=BOUND).stdout
    # They say: curl 7.88.1 (...), OpenSSL 3.0.19 27 Jan 2026, This is fetchmail release 6.4.37+GSS, mpop version 1.4.18
    found = re.search(r"(\w+)(?: release| version)? (\d[\w.]*)", said)
    return pytest.param(path, id="-".join(found.groups()) if found else name)


@pytest.fixture(autouse=True)
def _the_linter_misses_nothing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each server in these tests is strict about what should be, too, but for what the manual says of this client."""
    clients = CLIENTS.get(request.path.stem) or [request.path.stem.removeprefix("test_")]
    defaults = Pop3sServer.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "strict", "should")
    monkeypatch.setitem(defaults, "allow", tuple(row for client in clients for row in EXCEPTIONS.get(client, ())))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run a client in an environment without settings of the machine's or the user's; a hanging one fails the test.

    ``identity`` is the user and the group whose process it is, ``home`` a directory that is theirs.
    """
    kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"LC_ALL": "C", "NO_PROXY": "*"}

    def made(
        *command: object, said: bytes = b"", home: Path = tmp_path, identity: tuple[int, int] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        words = [str(word) for word in command]
        user, group = identity or (None, None)
        try:
            return subprocess.run(
                words,
                input=said,
                capture_output=True,
                timeout=BOUND,
                check=False,
                env={**environment, "HOME": str(home)},
                cwd=home,
                user=user,
                group=group,
                extra_groups=identity and [],
            )
        except subprocess.TimeoutExpired as error:
            heard = (error.stdout or b"") + (error.stderr or b"")
            pytest.fail(
                f"{' '.join(words)} did not end within {BOUND:g} seconds; it said:\n{heard.decode(errors='replace')}"
            )

    return made


@pytest.fixture(params=[program("curl", "--version")])
def curl(request: pytest.FixtureRequest) -> str:
    """The path of curl."""
    path: str = request.param
    return path


@pytest.fixture(params=[program("openssl", "version")])
def openssl(request: pytest.FixtureRequest) -> str:
    """The path of OpenSSL's command."""
    path: str = request.param
    return path


@pytest.fixture(params=[program("fetchmail", "--fetchmailrc", "/dev/null", "--version")])
def fetchmail(request: pytest.FixtureRequest) -> str:
    """The path of fetchmail."""
    path: str = request.param
    return path


@pytest.fixture(params=[program("mpop", "--version")])
def mpop(request: pytest.FixtureRequest) -> str:
    """The path of mpop."""
    path: str = request.param
    return path


@pytest.fixture(params=[program("getmail", "--version", install="apt-get install getmail6, or pipx install getmail6")])
def getmail(request: pytest.FixtureRequest) -> str:
    """The path of getmail6's command."""
    path: str = request.param
    return path


CONTENTS: Final = [
    b"",
    b"\r\n",
    b".\r\n",
    b"Subject: plain\r\n\r\nhello\r\n",
    b"Subject: dots\r\n\r\n.\r\n..\r\n.hidden\r\nx.\r\n.\r\n",
    "Subject: Grüße\r\n\r\nÄÖÜ äöü ß €\r\n".encode(),
    b"Subject: all octets\r\n\r\n" + bytes(octet for octet in range(256) if octet not in b"\r\n") + b"\r\n",
    b"Subject: many lines\r\n\r\n" + b"".join(b".%07d %s\r\n" % (n, b"x" * (n % 70)) for n in range(10_000)),
    b"Subject: separators\r\n\r\nFrom here\r\n>From there\r\n.\r\nFrom everywhere\r\n",
]


@pytest.fixture
def contents() -> list[bytes]:
    """Messages in which clients and servers go wrong; all lines end in CRLF and are short enough for all clients."""
    return list(CONTENTS)
