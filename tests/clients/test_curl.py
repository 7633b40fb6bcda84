from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from pop3s_fake import Account, ManualClock, Pop3sServer, Tls
from tests.quirks.seen import Seen, outcomes, seen_by

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Ran = subprocess.CompletedProcess[bytes]

VERSIONS: Final = ["1.2", "1.3"]
PEER_FAILED_VERIFICATION: Final = 60  # curl's exit codes
LOGIN_DENIED: Final = 67


@pytest.fixture
def fetch(curl: str, run: Callable[..., Ran]) -> Callable[..., Ran]:
    """Run curl against a server, as one who trusts its CA and has a login."""

    def made(server: Pop3sServer, path: str = "", *options: object, trusting: bool = True) -> Ran:
        trust = ("--cacert", server.ca_file) if trusting else ()
        login = ":".join(server.login)
        return run(curl, "--disable", "-sS", *trust, "--user", login, *options, f"{server.url}/{path}")

    return made


def heard(ran: Ran) -> bytes:
    """What it printed, after it went well."""
    assert (ran.returncode, ran.stderr) == (0, b"")
    return ran.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_messages_arrive_octet_by_octet(fetch: Callable[..., Ran], contents: list[bytes], version: str) -> None:
    """RETR, one run for each; for a message of no octets curl itself writes a line end."""
    with Pop3sServer(tls=Tls(versions=version)) as server:
        messages = server.maildrop.add(*contents)
        for number, content in enumerate(contents, 1):
            assert heard(fetch(server, str(number))) in ({content} if content else {b"", b"\r\n"})
            session = server.transcript.last_session
            assert session.keywords == ["CAPA", "AUTH", "RETR", "QUIT"]
            assert session.retrieved == [messages[number - 1].uid]
            assert (session.ended, session.tls.version) == ("quit", f"TLSv{version}")


def test_three_megabytes_arrive(fetch: Callable[..., Ran]) -> None:
    """Streamed by both sides."""
    content = b"".join(b".%07d %s\r\n" % (n, b"x" * 50) for n in range(50_000))
    with Pop3sServer() as server:
        server.maildrop.add(content)
        assert heard(fetch(server, "1")) == content


def test_several_messages_come_over_one_connection(fetch: Callable[..., Ran], contents: list[bytes]) -> None:
    """The connection is kept for the next URL."""
    with Pop3sServer() as server:
        server.maildrop.add(*contents)
        assert heard(fetch(server, "[3-5]")) == b"".join(contents[2:5])
        assert server.transcript.keywords == ["CAPA", "AUTH", "RETR", "RETR", "RETR", "QUIT"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_scan_listing_is_listed(fetch: Callable[..., Ran], version: str) -> None:
    """LIST, of some messages and of none, where curl itself writes a line end."""
    with Pop3sServer(tls=Tls(versions=version)) as server:
        assert heard(fetch(server)) in {b"", b"\r\n"}
        server.maildrop.add("Subject: one\n\n", "Subject: three\n\n")
        assert heard(fetch(server)) == b"1 16\r\n2 18\r\n"


def test_the_top_of_a_message_can_be_had(fetch: Callable[..., Ran]) -> None:
    """TOP, the header fields and one line."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: top\n\n.one\ntwo\n")
        assert heard(fetch(server, "", "--request", "TOP 1 1")) == b"Subject: top\r\n\r\n.one\r\n"


def test_the_unique_id_listing_can_be_had(fetch: Callable[..., Ran]) -> None:
    """UIDL."""
    with Pop3sServer() as server:
        server.maildrop.add_one("Subject: one\n\n", uid="whqtswO00WBw418f9t5JxYwZ")
        server.maildrop.add_one("Subject: two\n\n", uid=".QhdPYR:00WBw1Ph7x7")
        listing = heard(fetch(server, "", "--request", "UIDL"))
        assert listing == b"1 whqtswO00WBw418f9t5JxYwZ\r\n2 .QhdPYR:00WBw1Ph7x7\r\n"


def test_a_message_can_be_deleted(fetch: Callable[..., Ran]) -> None:
    """DELE, which counts because curl says QUIT (RFC 1939 section 6)."""
    with Pop3sServer() as server:
        one, two = server.maildrop.add("Subject: one\n\n", "Subject: two\n\n")
        heard(fetch(server, "1", "--request", "DELE", "--head"))
        assert server.transcript.commands[-2:] == ["DELE 1", "QUIT"]
        assert server.transcript.last_session.deleted == [one.uid]
        assert server.maildrop.uids == [two.uid]


@pytest.mark.parametrize("version", VERSIONS)
def test_apop_is_spoken(fetch: Callable[..., Ran], version: str) -> None:
    """RFC 1939 section 7: no password leaves curl."""
    account = Account("ann", "tanstaaf")
    with Pop3sServer(accounts=[account], tls=Tls(versions=version)) as server:
        server.maildrop.add("Subject: one\n\n")
        assert heard(fetch(server, "1", "--login-options", "AUTH=+APOP")) == b"Subject: one\r\n\r\n"
        assert server.transcript.keywords == ["CAPA", "APOP", "RETR", "QUIT"]
        assert server.transcript.last_session.user == "ann"


def test_a_wrong_password_is_denied(curl: str, run: Callable[..., Ran]) -> None:
    """Exit code 67, and the password is in no transcript."""
    with Pop3sServer() as server:
        ran = run(curl, "--disable", "-sS", "--cacert", server.ca_file, "--user", "test:canary-7", server.url)
        assert ran.returncode == LOGIN_DENIED
        assert server.transcript.commands == ["CAPA", "AUTH PLAIN"]
        assert "canary-7" not in server.transcript.render()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_message_that_is_not_there_is_an_error(fetch: Callable[..., Ran], version: str) -> None:
    """And the next run is served as if nothing had been."""
    with Pop3sServer(tls=Tls(versions=version)) as server:
        server.maildrop.add("Subject: one\n\n")
        assert fetch(server, "2").returncode != 0
        assert heard(fetch(server, "1")) == b"Subject: one\r\n\r\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_without_the_ca_it_refuses(fetch: Callable[..., Ran], version: str) -> None:
    """Before it sends a credential."""
    with Pop3sServer(tls=Tls(versions=version)) as server:
        ran = fetch(server, "1", trusting=False)
        assert ran.returncode == PEER_FAILED_VERIFICATION
        assert server.transcript.keywords == []
        assert server.transcript.last_session.tls.error is not None


@pytest.mark.parametrize(
    "certificate", ["expired", "not-yet-valid", "wrong-host", "self-signed", "untrusted-root", "missing-intermediate"]
)
def test_a_bad_certificate_is_refused(fetch: Callable[..., Ran], certificate: str) -> None:
    """With the CA trusted; no credential was sent."""
    with Pop3sServer(certificate=certificate) as server:
        assert fetch(server, "1").returncode == PEER_FAILED_VERIFICATION
        assert server.transcript.keywords == []


@pytest.mark.parametrize("certificate", ["good", "good-rsa", "good-intermediate"])
def test_a_good_certificate_is_accepted(fetch: Callable[..., Ran], certificate: str) -> None:
    """The control for the tests above."""
    with Pop3sServer(certificate=certificate) as server:
        server.maildrop.add("Subject: one\n\n")
        assert heard(fetch(server, "1")) == b"Subject: one\r\n\r\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_certificate_that_is_required_must_be_shown(fetch: Callable[..., Ran], version: str) -> None:
    """In TLS 1.3 the refusal comes when the client believes that it is done (RFC 8446 section 4.4.2.4)."""
    keywords: dict[str, Any] = {"client_certificate": "required", "tls": Tls(versions=version)}
    with Pop3sServer(**keywords) as server:
        server.maildrop.add("Subject: one\n\n")
        mine = server.authority.client_certificate("ann")
        shown = ("--cert", mine.certificate_file, "--key", mine.key_file)
        assert heard(fetch(server, "1", *shown)) == b"Subject: one\r\n\r\n"
        assert server.transcript.last_session.tls.client_certificate == "ann"
        assert fetch(server, "1").returncode != 0
        session = server.transcript.last_session
        assert session.keywords == []
        assert session.tls.error == "PEER_DID_NOT_RETURN_A_CERTIFICATE"


@pytest.mark.parametrize("each", seen_by("curl"), ids=lambda each: each.name)
def test_what_it_makes_of_a_quirk(fetch: Callable[..., Ran], each: Seen) -> None:
    """As the data have it, for message 1; the waits of a server pass at once."""
    with Pop3sServer(quirks=each.quirks, clock=ManualClock(), strict=False) as server:

        def run() -> tuple[int, list[bytes]]:
            ran = fetch(server, "1")
            return ran.returncode, [ran.stdout] if ran.stdout else []

        assert outcomes(each, server, run) == each.outcome
