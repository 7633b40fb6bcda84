from __future__ import annotations

import os
import pwd
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import ManualClock, Pop3sServer, Tls
from tests.quirks.seen import Seen, outcomes, seen_by

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from pop3s_fake.tls.authority import ClientCertificate

    Ran = subprocess.CompletedProcess[bytes]

BY_USER: Final = ["USER", "PASS", "UIDL", "LIST", "UIDL", "LIST"]

ADDED: Final = re.compile(
    rb"Return-Path: <unknown>\nDelivered-To: unknown\n"
    rb"Received: from localhost \(.*\) by .* with POP3-SSL\n  getmail6 msgid:.*; .*\n"
)


LAUNCHER: Final = """
import os, runpy, sys
from getmailcore.baseclasses import ForkingBase
ForkingBase._prepare_child = lambda self: None
ForkingBase._wait_for_child = lambda self, child: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Starts getmail with one thing mended: it delivers by a child, and listens for its end only after it was forked.

A child that is quicker is waited for until the time-out, and its message taken for one that could not be delivered.
"""


@pytest.fixture
def identity() -> tuple[int, int] | None:
    """Somebody but root, for whom getmail delivers no mail; None where the tests are run by somebody already."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


@pytest.fixture
def home(identity: tuple[int, int] | None, tmp_path: Path) -> Iterator[Path]:
    """A directory of theirs, which they can reach: not below root's."""
    if identity is None:
        yield tmp_path
        return
    path = Path(tempfile.mkdtemp(prefix="getmail-"))
    os.chown(path, *identity)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def maildir(home: Path, identity: tuple[int, int] | None) -> Path:
    """A Maildir, which getmail wants to be there."""
    path = home / "Maildir"
    for folder in (path, path / "cur", path / "new", path / "tmp"):
        folder.mkdir()
        if identity is not None:
            os.chown(folder, *identity)
    return path


@pytest.fixture
def started(getmail: str, run: Callable[..., Ran], home: Path, identity: tuple[int, int] | None) -> Callable[..., Ran]:
    """Run getmail with these arguments."""
    shebang = Path(getmail).read_text(encoding="utf-8").partition("\n")[0]
    python = shebang.removeprefix("#!").split()

    def made(*arguments: object) -> Ran:
        return run(*python, "-c", LAUNCHER, getmail, *arguments, home=home, identity=identity)

    try:
        trial = made("--version")
    except OSError as error:
        pytest.skip(f"getmail delivers no mail for root, and nobody else can be had: {error}")
    if identity is not None and trial.returncode:
        pytest.skip(f"getmail delivers no mail for root, and the user nobody cannot run {getmail}")
    assert b"getmail" in trial.stdout, trial
    return made


@pytest.fixture
def fetch(
    started: Callable[..., Ran], home: Path, maildir: Path, identity: tuple[int, int] | None
) -> Callable[..., Ran]:
    """Run getmail once, with settings as its manual has them; it delivers to the Maildir unless they differ."""
    settings_folder = home / "getmail"
    settings_folder.mkdir(mode=0o700)

    def theirs(path: Path) -> Path:
        if identity is not None:
            os.chown(path, *identity)
        return path

    def copied(path: Path, name: str) -> Path:
        return theirs(Path(shutil.copyfile(path, home / name)))

    def made(
        server: Pop3sServer,
        *options: str,
        retriever: str = "",
        destination: str = "",
        password: str | None = None,
        client: ClientCertificate | None = None,
        again: bool = False,
    ) -> Ran:
        user, right = server.login
        settings = settings_folder / "getmailrc"
        settings.touch(mode=0o600)
        to_maildir = f"type = Maildir\npath = {maildir}/\n"
        if client is not None:
            retriever += f"certfile = {copied(client.certificate_file, 'client.pem')}\n"
            retriever += f"keyfile = {copied(client.key_file, 'client.key')}\n"
        settings.write_text(
            f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {server.port}\ntimeout = 30\n"
            f"username = {user}\npassword = {right if password is None else password}\n"
            f"ca_certs = {copied(server.ca_file, 'ca.pem')}\n{retriever}\n"
            f"[destination]\n{destination or to_maildir}\n"
            f"[options]\nread_all = {str(again).lower()}\n" + "".join(f"{line}\n" for line in options)
        )
        theirs(settings_folder)
        theirs(settings)
        return started(f"--getmaildir={settings_folder}", f"--rcfile={settings.name}")

    return made


def well(ran: Ran) -> Ran:
    """What ran, after it ended well; what it said is shown otherwise."""
    assert ran.returncode == 0, (ran.stdout + ran.stderr).decode(errors="replace")
    return ran


def found(folder: Path) -> list[bytes]:
    """The messages in the folder; sorted."""
    return sorted(path.read_bytes() for path in folder.iterdir())


def delivered(maildir: Path) -> list[bytes]:
    """The messages without the three header fields that getmail writes before each; sorted."""
    messages = found(maildir / "new")
    assert all(ADDED.match(content) for content in messages)
    return sorted(ADDED.sub(b"", content, count=1) for content in messages)


def local(contents: list[bytes]) -> list[bytes]:
    """The messages with the line ends of this system, and an empty line before what is no header; sorted."""
    headed = (content if content.startswith(b"Subject") else b"\n" + content.lstrip(b"\r\n") for content in contents)
    return sorted(content.replace(b"\r\n", b"\n") for content in headed)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_messages_arrive_octet_by_octet(
    fetch: Callable[..., Ran], maildir: Path, contents: list[bytes], version: str
) -> None:
    """But for what the manual tells, three fields more, and other line ends.

    Delivered-To and Received are put before each message (``delivered_to``, ``received``), in front of them Return-Path
    with the sender of the envelope, all "unknown" here; in a Maildir line ends are the system's own.  Where a message
    has no header, the added one is ended by an empty line.
    """
    with Pop3sServer(tls=Tls(versions=version)) as server:
        messages = server.maildrop.add(*contents)
        well(fetch(server, "delete = false"))
        assert delivered(maildir) == local(contents)
        session = server.transcript.last_session
        assert session.keywords == [*BY_USER, *["RETR"] * len(contents), "QUIT"]
        assert session.retrieved == [message.uid for message in messages]
        assert (session.ended, session.tls.version) == ("quit", f"TLSv{version}")


def test_a_command_gets_the_messages(fetch: Callable[..., Ran], home: Path, contents: list[bytes]) -> None:
    """``MDA_external``, without the fields that can be left out; the message itself is what the command reads."""
    inbox, script = home / "inbox", home / "deliver"
    inbox.mkdir()
    inbox.chmod(0o777)
    script.write_text(f'cat >"$(mktemp {inbox}/XXXXXX)"\n')
    destination = f'type = MDA_external\npath = /bin/sh\narguments = ("{script}",)\n'
    with Pop3sServer() as server:
        server.maildrop.add(*contents)
        well(fetch(server, "delete = true", "delivered_to = false", "received = false", destination=destination))
        bare = [content.removeprefix(b"Return-Path: <unknown>\n") for content in found(inbox)]
        assert sorted(bare) == local(contents)
        assert len(server.maildrop) == 0


def test_apop_is_spoken(fetch: Callable[..., Ran], maildir: Path) -> None:
    """``use_apop`` (RFC 1939 section 7): no password leaves getmail."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\n.\n")
        well(fetch(server, retriever="use_apop = true\n"))
        assert server.transcript.commands[0] == "APOP test ****"
        assert delivered(maildir) == [b"Subject: one\n\n.\n"]


def test_messages_are_deleted_after_delivery(fetch: Callable[..., Ran], maildir: Path, contents: list[bytes]) -> None:
    """DELE for each when it is delivered, and QUIT; the next run finds nothing."""
    with Pop3sServer() as server:
        uids = [message.uid for message in server.maildrop.add(*contents)]
        well(fetch(server, "delete = true"))
        session = server.transcript.last_session
        each = [word for n in range(1, len(contents) + 1) for word in (f"RETR {n}", f"DELE {n}")]
        assert session.commands[len(BY_USER) :] == [*each, "QUIT"]
        assert (session.deleted, session.ended) == (uids, "quit")
        assert len(server.maildrop) == 0
        well(fetch(server, "delete = true"))
        assert server.transcript.last_session.keywords == [*BY_USER, "QUIT"]
        assert delivered(maildir) == local(contents)


def test_messages_that_are_kept_are_fetched_once(
    fetch: Callable[..., Ran], maildir: Path, contents: list[bytes]
) -> None:
    """The unique-ids of what was fetched are in a file; a message that came since is new (RFC 1939 section 7)."""
    with Pop3sServer() as server:
        server.maildrop.add(*contents)
        well(fetch(server, "delete = false"))
        said = well(fetch(server, "delete = false"))
        assert b"%d skipped" % len(contents) in said.stdout
        assert server.transcript.last_session.keywords == [*BY_USER, "QUIT"]
        late = b"Subject: late\r\n\r\n.\r\n"
        server.maildrop.add(late)
        well(fetch(server, "delete = false"))
        number = len(contents) + 1
        assert server.transcript.last_session.commands[len(BY_USER) :] == [f"RETR {number}", "QUIT"]
        assert delivered(maildir) == local([*contents, late])
        assert len(server.maildrop) == number


def test_a_message_that_cannot_be_delivered_is_not_deleted(fetch: Callable[..., Ran], maildir: Path) -> None:
    """The command for delivery fails; when delivery works again the message comes."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\n")
        assert fetch(server, "delete = true", destination="type = MDA_external\npath = /bin/false\n").returncode
        assert server.transcript.last_session.deleted == []
        assert len(server.maildrop) == 1
        well(fetch(server, "delete = true"))
        assert delivered(maildir) == [b"Subject: one\n\n"]
        assert len(server.maildrop) == 0


def test_a_wrong_password_is_denied(fetch: Callable[..., Ran], maildir: Path) -> None:
    """After one try."""
    with Pop3sServer() as server:
        assert fetch(server, password="canary-7").returncode != 0
        assert server.transcript.keywords.count("PASS") == 1
        assert not {"UIDL", "LIST", "RETR"} & set(server.transcript.keywords)
        assert "canary-7" not in server.transcript.render()
        assert found(maildir / "new") == []


@pytest.mark.parametrize("certificate", ["good", "good-rsa", "good-intermediate"])
def test_a_good_certificate_is_accepted(fetch: Callable[..., Ran], maildir: Path, certificate: str) -> None:
    """The control for the tests below."""
    with Pop3sServer(certificate=certificate) as server:
        server.maildrop.add("Subject: one\n\n")
        well(fetch(server))
        assert delivered(maildir) == [b"Subject: one\n\n"]


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        ("expired", "certificate has expired"),
        ("not-yet-valid", "certificate is not yet valid"),
        ("self-signed", "self[- ]signed certificate"),
        ("untrusted-root", "unable to get local issuer certificate"),
        ("missing-intermediate", "unable to get local issuer certificate"),
    ],
)
def test_a_bad_certificate_is_refused(fetch: Callable[..., Ran], maildir: Path, certificate: str, why: str) -> None:
    """With the CA trusted; no credential was sent."""
    with Pop3sServer(certificate=certificate) as server:
        server.maildrop.add("Subject: one\n\n")
        ran = fetch(server)
        assert ran.returncode != 0
        assert re.search(why, ran.stderr.decode())
        assert server.transcript.keywords == []
        assert server.transcript.last_session.tls.error is not None
        assert found(maildir / "new") == []


def test_a_certificate_for_another_host_is_refused(fetch: Callable[..., Ran], maildir: Path) -> None:
    """The names are compared when the handshake is done; getmail takes leave with RSET, but sends no credential."""
    with Pop3sServer(certificate="wrong-host") as server:
        server.maildrop.add("Subject: one\n\n")
        ran = fetch(server)
        assert ran.returncode != 0
        assert "wrong-host.invalid" in ran.stderr.decode()
        assert server.transcript.keywords in ([], ["RSET"])
        assert found(maildir / "new") == []


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_client_certificate_that_is_required_must_be_shown(
    fetch: Callable[..., Ran], maildir: Path, version: str
) -> None:
    """With it the message comes; without it no credential is sent, and the server says why."""
    with Pop3sServer(client_certificate="required", tls=Tls(versions=version)) as server:
        server.maildrop.add("Subject: one\n\n")
        assert fetch(server).returncode != 0
        session = server.transcript.last_session
        assert (session.keywords, session.tls.error) == ([], "PEER_DID_NOT_RETURN_A_CERTIFICATE")
        well(fetch(server, client=server.authority.client_certificate("ann")))
        assert delivered(maildir) == [b"Subject: one\n\n"]
        assert server.transcript.last_session.tls.client_certificate == "ann"


@pytest.mark.parametrize("each", seen_by("getmail6"), ids=lambda each: each.name)
def test_what_it_makes_of_a_quirk(fetch: Callable[..., Ran], maildir: Path, each: Seen) -> None:
    """As the data have it; the waits of a server pass at once."""
    with Pop3sServer(quirks=each.quirks, rules=each.rules, clock=ManualClock(), strict=False) as server:

        def run() -> tuple[int, list[bytes]]:
            code = fetch(server, f"delete = {str(not each.keep).lower()}", again=each.again).returncode
            return code, [ADDED.sub(b"", content, count=1) for content in found(maildir / "new")]

        assert outcomes(each, server, run) == each.outcome
