from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import ManualClock, Pop3sServer, Tls
from tests.quirks.seen import Seen, outcomes, seen_by

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Ran = subprocess.CompletedProcess[bytes]

FETCHED: Final = 0  # fetchmail's exit codes
NOTHING_NEW: Final = 1
NO_CONNECTION: Final = 2
LOGIN_DENIED: Final = 3

RECEIVED: Final = re.compile(rb"Received: from localhost .*\n\tby .* with POP3 \(fetchmail-.*\)\n\tfor <.*\n")
HEADERLESS: Final = re.compile(rb"From: FETCHMAIL-DAEMON\nTo: .*\nSubject: Headerless mail from .*\n\n")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """The folder into which messages are delivered, one file for each."""
    path = tmp_path / "inbox"
    path.mkdir()
    return path


@pytest.fixture
def fetch(fetchmail: str, run: Callable[..., Ran], tmp_path: Path, inbox: Path) -> Callable[..., Ran]:
    """Run fetchmail once, with a file of settings as its manual has them; delivery is to a command."""

    def made(server: Pop3sServer, *words: str, of_server: str = "", password: str | None = None) -> Ran:
        user, right = server.login
        settings = tmp_path / "fetchmailrc"
        settings.touch(mode=0o600)  # others must not read it
        settings.write_text(
            f'set pidfile "{tmp_path / "fetchmail.pid"}"\n'
            f"poll localhost service {server.port} protocol pop3 uidl timeout 30 {of_server}\n"
            f'  user "{user}" password "{right if password is None else password}"\n'
            f'  ssl sslcertck sslcertfile "{server.ca_file}"\n'
            f'  mda "cat >$(mktemp {inbox}/XXXXXX)" {" ".join(words)}\n'
        )
        return run(fetchmail, "--fetchmailrc", settings)

    return made


def ended(ran: Ran, code: int) -> Ran:
    """What ran, after it ended with this code; what it said is shown otherwise."""
    assert ran.returncode == code, (ran.stdout + ran.stderr).decode(errors="replace")
    return ran


def delivered(inbox: Path) -> list[bytes]:
    """The messages without the one header field that fetchmail writes before each; sorted."""
    files = [path.read_bytes() for path in inbox.iterdir()]
    assert all(RECEIVED.match(content) for content in files)
    return sorted(RECEIVED.sub(b"", content, count=1) for content in files)


def local(contents: list[bytes]) -> list[bytes]:
    """The messages with the line ends that fetchmail gives to a command; sorted."""
    return sorted(content.replace(b"\r\n", b"\n") for content in contents)


@pytest.fixture
def headed(contents: list[bytes]) -> list[bytes]:
    """The messages that have a header, and one that has no body."""
    return [*(content for content in contents if content.startswith(b"Subject")), b"Subject: no body\r\n\r\n"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("keyword", ["TOP", "RETR"])
def test_messages_arrive_octet_by_octet(
    fetch: Callable[..., Ran], inbox: Path, headed: list[bytes], version: str, keyword: str
) -> None:
    """But for what the manual tells, a field more and other line ends.

    It is a Received field, put before each message (``set invisible`` would leave it out).  Before a command gets the
    message, carriage returns at the ends of lines are stripped (``stripcr``).  The manual tells too that TOP with a
    great number of lines is used, so that no message counts as read; with ``fetchall`` it is RETR.
    """
    with Pop3sServer(tls=Tls(versions=version)) as server:
        messages = server.maildrop.add(*headed)
        ended(fetch(server, "keep", "fetchall" if keyword == "RETR" else ""), FETCHED)
        assert delivered(inbox) == local(headed)
        session = server.transcript.last_session
        each = [word for n in range(1, len(headed) + 1) for word in (f"LIST {n}", f"{keyword} {n}")]
        commands = [command.removesuffix(" 99999999") for command in session.commands]
        assert commands == ["CAPA", "USER test", "PASS ****", "STAT", "UIDL", *each, "QUIT"]
        assert session.retrieved == [message.uid for message in messages]
        assert (session.ended, session.tls.version) == ("quit", f"TLSv{version}")


def test_a_message_without_a_header_gets_one(fetch: Callable[..., Ran], inbox: Path) -> None:
    """From, To and Subject are written for it."""
    with Pop3sServer() as server:
        server.maildrop.add(b"", b"\r\n", b"\r\n.\r\n..\r\n")
        ended(fetch(server, "nokeep"), FETCHED)
        found = delivered(inbox)
        assert all(HEADERLESS.match(content) for content in found)
        assert sorted(HEADERLESS.sub(b"", content) for content in found) == [b"", b"", b".\n..\n"]
        assert len(server.maildrop) == 0


def test_a_message_with_a_bad_header_stays_where_it_is(fetch: Callable[..., Ran], inbox: Path) -> None:
    """The manual: such a message is rejected, unless ``bad-header accept`` is set."""
    with Pop3sServer() as server:
        message = server.maildrop.add_one(b".\r\n")
        for _ in range(2):
            said = ended(fetch(server, "nokeep"), FETCHED)
            assert b"incorrect header line found" in said.stdout + said.stderr
            assert server.transcript.last_session.deleted == []
        assert delivered(inbox) == []
        assert server.maildrop.uids == [message.uid]
        ended(fetch(server, "nokeep", of_server="bad-header accept"), FETCHED)
        assert delivered(inbox) == [b".\n\n"]  # the line, and the end of the header
        assert len(server.maildrop) == 0


def test_messages_are_deleted_after_delivery(fetch: Callable[..., Ran], inbox: Path, headed: list[bytes]) -> None:
    """DELE for each when it is delivered, and QUIT; the next run finds nothing, which the exit code tells."""
    with Pop3sServer() as server:
        uids = [message.uid for message in server.maildrop.add(*headed)]
        ended(fetch(server, "nokeep"), FETCHED)
        session = server.transcript.last_session
        assert session.commands[5:8] == ["LIST 1", "TOP 1 99999999", "DELE 1"]
        assert (session.deleted, session.ended) == (uids, "quit")
        assert len(server.maildrop) == 0
        ended(fetch(server, "nokeep"), NOTHING_NEW)
        assert delivered(inbox) == local(headed)


def test_messages_that_are_kept_are_fetched_once(fetch: Callable[..., Ran], inbox: Path, headed: list[bytes]) -> None:
    """The unique-ids of what was fetched are in a file; a message that came since is new (RFC 1939 section 7)."""
    with Pop3sServer() as server:
        server.maildrop.add(*headed)
        ended(fetch(server, "keep"), FETCHED)
        ended(fetch(server, "keep"), NOTHING_NEW)
        assert server.transcript.last_session.keywords == ["CAPA", "USER", "PASS", "STAT", "UIDL", "QUIT"]
        late = b"Subject: late\r\n\r\n.\r\n"
        server.maildrop.add(late)
        ended(fetch(server, "keep"), FETCHED)
        number = len(headed) + 1
        assert server.transcript.last_session.commands[5:] == [f"LIST {number}", f"TOP {number} 99999999", "QUIT"]
        assert delivered(inbox) == local([*headed, late])
        assert len(server.maildrop) == number


def test_a_message_that_cannot_be_delivered_is_not_deleted(fetch: Callable[..., Ran], inbox: Path) -> None:
    """The command for delivery fails, because its folder is gone; when it is back the message comes."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\n")
        inbox.rmdir()
        fetch(server, "nokeep")
        assert server.transcript.last_session.deleted == []
        assert len(server.maildrop) == 1
        inbox.mkdir()
        ended(fetch(server, "nokeep"), FETCHED)
        assert delivered(inbox) == [b"Subject: one\n\n"]
        assert len(server.maildrop) == 0


def test_a_wrong_password_is_denied(fetch: Callable[..., Ran]) -> None:
    """Exit code 3, after one try."""
    with Pop3sServer() as server:
        ended(fetch(server, "keep", password="canary-7"), LOGIN_DENIED)
        assert server.transcript.keywords[:3] == ["CAPA", "USER", "PASS"]
        assert server.transcript.keywords.count("PASS") == 1
        assert "canary-7" not in server.transcript.render()


@pytest.mark.parametrize("certificate", ["good", "good-rsa", "good-intermediate"])
def test_a_good_certificate_is_accepted(fetch: Callable[..., Ran], inbox: Path, certificate: str) -> None:
    """The control for the test below; fetchmail refuses any certificate without a common name."""
    with Pop3sServer(certificate=certificate) as server:
        server.maildrop.add("Subject: one\n\n")
        ended(fetch(server, "nokeep"), FETCHED)
        assert delivered(inbox) == [b"Subject: one\n\n"]


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        ("expired", "certificate has expired"),
        ("not-yet-valid", "certificate is not yet valid"),
        ("wrong-host", "Server CommonName mismatch: wrong-host.invalid != localhost"),
        ("self-signed", "self[- ]signed certificate"),
        ("untrusted-root", "unable to get local issuer certificate"),
        ("missing-intermediate", "unable to get local issuer certificate"),
    ],
)
def test_a_bad_certificate_is_refused(fetch: Callable[..., Ran], inbox: Path, certificate: str, why: str) -> None:
    """``sslcertck``, with the CA trusted; no credential was sent."""
    with Pop3sServer(certificate=certificate) as server:
        server.maildrop.add("Subject: one\n\n")
        said = ended(fetch(server, "nokeep"), NO_CONNECTION)
        assert re.search(why, said.stderr.decode())
        assert server.transcript.keywords == []
        assert server.transcript.last_session.tls.error is not None
        assert delivered(inbox) == []


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_client_certificate_that_is_required_must_be_shown(
    fetch: Callable[..., Ran], inbox: Path, version: str
) -> None:
    """With it the message comes; without it no credential is sent, and the server says why."""
    with Pop3sServer(client_certificate="required", tls=Tls(versions=version)) as server:
        server.maildrop.add("Subject: one\n\n")
        mine = server.authority.client_certificate("ann")
        assert fetch(server).returncode not in {FETCHED, NOTHING_NEW}
        session = server.transcript.last_session
        assert (session.keywords, session.tls.error) == ([], "PEER_DID_NOT_RETURN_A_CERTIFICATE")
        shown = f'sslcert "{mine.certificate_file}" sslkey "{mine.key_file}"'
        ended(fetch(server, shown), FETCHED)
        assert delivered(inbox) == [b"Subject: one\n\n"]
        assert server.transcript.last_session.tls.client_certificate == "ann"


@pytest.mark.parametrize("each", seen_by("fetchmail"), ids=lambda each: each.name)
def test_what_it_makes_of_a_quirk(fetch: Callable[..., Ran], inbox: Path, each: Seen) -> None:
    """As the data have it; the waits of a server pass at once."""
    with Pop3sServer(quirks=each.quirks, rules=each.rules, clock=ManualClock(), strict=False) as server:

        def run() -> tuple[int, list[bytes]]:
            code = fetch(server, "keep" if each.keep else "nokeep", "fetchall" if each.again else "").returncode
            return int(code not in {FETCHED, NOTHING_NEW}), [
                RECEIVED.sub(b"", path.read_bytes(), count=1) for path in inbox.iterdir()
            ]

        assert outcomes(each, server, run) == each.outcome
