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

FETCHED: Final = 0  # mpop's exit codes, from sysexits.h
NO_SERVICE: Final = 69
LOGIN_DENIED: Final = 77

RECEIVED: Final = re.compile(rb"Received: from localhost .*\n\tby .* \(mpop-.*\) with POP3\n\tfor <.*>; .*\n")
SEPARATOR: Final = re.compile(rb"^From MAILER-DAEMON .*\n", re.MULTILINE)
QUOTED: Final = re.compile(rb"^>(>*From )", re.MULTILINE)


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    """A Maildir, which mpop wants to be there."""
    path = tmp_path / "Maildir"
    for name in ("cur", "new", "tmp"):
        (path / name).mkdir(parents=True)
    return path


@pytest.fixture
def fetch(mpop: str, run: Callable[..., Ran], tmp_path: Path, maildir: Path) -> Callable[..., Ran]:
    """Run mpop once, with a file of settings as its manual has them; delivery is to the Maildir unless they differ."""

    def made(server: Pop3sServer, *lines: str, delivery: str = "", password: str | None = None) -> Ran:
        user, right = server.login
        settings = tmp_path / "mpoprc"
        settings.touch(mode=0o600)  # others must not read it
        settings.write_text(
            f"account work\nhost localhost\nport {server.port}\ntimeout 30\n"
            f"tls on\ntls_starttls off\ntls_trust_file {server.ca_file}\n"
            f"user {user}\npassword {right if password is None else password}\n"
            f"delivery {delivery or f'maildir {maildir}'}\n"
            f"uidls_file {tmp_path / 'uidls'}\n" + "".join(f"{line}\n" for line in lines)
        )
        return run(mpop, f"--file={settings}", "work")

    return made


def ended(ran: Ran, code: int) -> Ran:
    """What ran, after it ended with this code; what it said is shown otherwise."""
    assert ran.returncode == code, (ran.stdout + ran.stderr).decode(errors="replace")
    return ran


def found(maildir: Path) -> list[bytes]:
    """The messages in the Maildir; sorted."""
    return sorted(path.read_bytes() for path in (maildir / "new").iterdir())


def delivered(maildir: Path) -> list[bytes]:
    """The messages without the one header field that mpop writes before each; sorted."""
    assert all(RECEIVED.match(content) for content in found(maildir))
    return sorted(RECEIVED.sub(b"", content, count=1) for content in found(maildir))


def local(contents: list[bytes]) -> list[bytes]:
    """The messages with the line ends of this system; sorted."""
    return sorted(content.replace(b"\r\n", b"\n") for content in contents)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_messages_arrive_octet_by_octet(
    fetch: Callable[..., Ran], maildir: Path, contents: list[bytes], version: str
) -> None:
    """But for a Received field, which the manual says is put before each (``received_header``), and other line ends.

    In a Maildir they are the system's own.
    """
    with Pop3sServer(tls=Tls(versions=version)) as server:
        messages = server.maildrop.add(*contents)
        ended(fetch(server, "keep on"), FETCHED)
        assert delivered(maildir) == local(contents)
        session = server.transcript.last_session
        each = ["RETR"] * len(contents)
        assert session.keywords == ["CAPA", "AUTH", "STAT", "LIST", "UIDL", *each, "QUIT"]
        assert session.retrieved == [message.uid for message in messages]
        assert (session.ended, session.tls.version) == ("quit", f"TLSv{version}")


@pytest.mark.parametrize(("authentication", "pipelining"), [("apop", "on"), ("user", "off")])
def test_with_received_header_off_nothing_is_added(
    fetch: Callable[..., Ran], maildir: Path, contents: list[bytes], authentication: str, pipelining: str
) -> None:
    """Behind APOP and behind USER and PASS alike, with commands sent before the answers came and one by one."""
    with Pop3sServer() as server:
        server.maildrop.add(*contents)
        ended(
            fetch(server, "keep on", "received_header off", f"auth {authentication}", f"pipelining {pipelining}"),
            FETCHED,
        )
        assert found(maildir) == local(contents)
        login = {"apop": ["APOP"], "user": ["USER", "PASS"]}[authentication]
        assert server.transcript.keywords[1 : 1 + len(login)] == login


def test_a_pickup_directory_gets_the_very_octets(
    fetch: Callable[..., Ran], tmp_path: Path, contents: list[bytes]
) -> None:
    """``delivery exchange`` keeps CRLF, so nothing at all is changed."""
    pickup = tmp_path / "pickup"
    pickup.mkdir()
    with Pop3sServer() as server:
        server.maildrop.add(*contents)
        ended(fetch(server, "received_header off", delivery=f"exchange {pickup}"), FETCHED)
        assert sorted(path.read_bytes() for path in pickup.iterdir()) == sorted(contents)
        assert len(server.maildrop) == 0


def test_an_mbox_gets_all_messages(fetch: Callable[..., Ran], tmp_path: Path, contents: list[bytes]) -> None:
    """In the order of the maildrop, with what the variant MBOXRD adds, which the manual names.

    A From_ line is before each message, an empty line behind it, and one ``>`` before a line of it that could be taken
    for a From_ line, be it quoted already or not.
    """
    mbox = tmp_path / "mbox"
    with Pop3sServer() as server:
        server.maildrop.add(*contents)
        ended(fetch(server, "received_header off", delivery=f"mbox {mbox}"), FETCHED)
        before, *parts = SEPARATOR.split(mbox.read_bytes())
        assert before == b""
        unquoted = [QUOTED.sub(rb"\1", part) for part in parts]
        assert unquoted == [content.replace(b"\r\n", b"\n") + b"\n" for content in contents]
        assert len(server.maildrop) == 0


def test_messages_are_deleted_after_delivery(fetch: Callable[..., Ran], maildir: Path, contents: list[bytes]) -> None:
    """As it is by default: DELE for all when all are delivered, and QUIT; the next run finds nothing."""
    with Pop3sServer() as server:
        uids = [message.uid for message in server.maildrop.add(*contents)]
        ended(fetch(server), FETCHED)
        session = server.transcript.last_session
        each = range(1, len(contents) + 1)
        assert session.commands[5:] == [*(f"RETR {n}" for n in each), *(f"DELE {n}" for n in each), "QUIT"]
        assert (session.deleted, session.ended) == (uids, "quit")
        assert len(server.maildrop) == 0
        ended(fetch(server), FETCHED)
        assert not {"RETR", "TOP"} & set(server.transcript.last_session.keywords)
        assert delivered(maildir) == local(contents)


def test_messages_that_are_kept_are_fetched_once(
    fetch: Callable[..., Ran], maildir: Path, contents: list[bytes]
) -> None:
    """The unique-ids of what was fetched are in a file; a message that came since is new (RFC 1939 section 7)."""
    with Pop3sServer() as server:
        server.maildrop.add(*contents)
        ended(fetch(server, "keep on"), FETCHED)
        said = ended(fetch(server, "keep on"), FETCHED)
        assert b"new: no messages" in said.stdout
        assert server.transcript.last_session.keywords == ["CAPA", "AUTH", "STAT", "LIST", "UIDL", "QUIT"]
        late = b"Subject: late\r\n\r\n.\r\n"
        server.maildrop.add(late)
        ended(fetch(server, "keep on"), FETCHED)
        number = len(contents) + 1
        assert server.transcript.last_session.commands[5:] == [f"RETR {number}", "QUIT"]
        assert delivered(maildir) == local([*contents, late])
        assert len(server.maildrop) == number


def test_a_message_that_cannot_be_delivered_is_not_deleted(fetch: Callable[..., Ran], maildir: Path) -> None:
    """The command for delivery fails; when delivery works again the message comes."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\n")
        assert fetch(server, delivery="mda cat >/dev/null; exit 75").returncode != FETCHED
        assert server.transcript.last_session.deleted == []
        assert len(server.maildrop) == 1
        ended(fetch(server), FETCHED)
        assert delivered(maildir) == [b"Subject: one\n\n"]
        assert len(server.maildrop) == 0


def test_a_wrong_password_is_denied(fetch: Callable[..., Ran]) -> None:
    """After one try."""
    with Pop3sServer() as server:
        ended(fetch(server, password="canary-7"), LOGIN_DENIED)
        assert server.transcript.commands[:2] == ["CAPA", "AUTH PLAIN"]
        assert server.transcript.keywords.count("AUTH") == 1
        assert "canary-7" not in server.transcript.render()


@pytest.mark.parametrize("certificate", ["good", "good-rsa", "good-intermediate"])
def test_a_good_certificate_is_accepted(fetch: Callable[..., Ran], maildir: Path, certificate: str) -> None:
    """The control for the test below."""
    with Pop3sServer(certificate=certificate) as server:
        server.maildrop.add("Subject: one\n\n")
        ended(fetch(server), FETCHED)
        assert delivered(maildir) == [b"Subject: one\n\n"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        ("expired", "uses expired certificate"),
        ("not-yet-valid", "not yet (activated|valid)"),
        ("wrong-host", "name in the certificate does not match"),
        ("self-signed", "issuer is unknown"),
        ("untrusted-root", "issuer is unknown"),
        ("missing-intermediate", "issuer is unknown"),
    ],
)
def test_a_bad_certificate_is_refused(
    fetch: Callable[..., Ran], maildir: Path, certificate: str, why: str, version: str
) -> None:
    """With the CA trusted; no credential was sent.

    mpop looks at the certificate when the handshake is done and then closes without an alert, so that the server has no
    error to tell of.
    """
    with Pop3sServer(certificate=certificate, tls=Tls(versions=version)) as server:
        server.maildrop.add("Subject: one\n\n")
        said = ended(fetch(server), NO_SERVICE)
        assert re.search(f"TLS certificate verification failed: .*{why}", said.stderr.decode())
        assert server.transcript.keywords == []
        assert found(maildir) == []


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_client_certificate_that_is_required_must_be_shown(
    fetch: Callable[..., Ran], maildir: Path, version: str
) -> None:
    """With it the message comes; without it no credential is sent, and the server says why."""
    with Pop3sServer(client_certificate="required", tls=Tls(versions=version)) as server:
        server.maildrop.add("Subject: one\n\n")
        mine = server.authority.client_certificate("ann")
        assert fetch(server).returncode != FETCHED
        session = server.transcript.last_session
        assert (session.keywords, session.tls.error) == ([], "PEER_DID_NOT_RETURN_A_CERTIFICATE")
        shown = (f"tls_cert_file {mine.certificate_file}", f"tls_key_file {mine.key_file}")
        ended(fetch(server, *shown), FETCHED)
        assert delivered(maildir) == [b"Subject: one\n\n"]
        assert server.transcript.last_session.tls.client_certificate == "ann"


@pytest.mark.parametrize("each", seen_by("mpop"), ids=lambda each: each.name)
def test_what_it_makes_of_a_quirk(fetch: Callable[..., Ran], maildir: Path, each: Seen) -> None:
    """As the data have it; the waits of a server pass at once."""
    with Pop3sServer(quirks=each.quirks, rules=each.rules, clock=ManualClock(), strict=False) as server:

        def run() -> tuple[int, list[bytes]]:
            lines = f"keep {'on' if each.keep else 'off'}", f"only_new {'off' if each.again else 'on'}"
            code = fetch(server, *lines).returncode
            return code, [RECEIVED.sub(b"", content, count=1) for content in found(maildir)]

        assert outcomes(each, server, run) == each.outcome
