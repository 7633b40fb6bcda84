"""The stories of the first page, with poplib as the client: what somebody who fetches mail would write."""

from __future__ import annotations

import contextlib
import email
import poplib
import ssl
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import pytest

from pop3s_fake import Err, ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path

    from pop3s_fake import Pop3sServer
    from pytest_pop3s_fake.servers import Route, ServerFactory


def fetch_all(host: str, port: int, user: str, password: str, *, ca_file: Path) -> list[Message]:
    """All mail of a maildrop; nothing is deleted."""
    client = poplib.POP3_SSL(host, port, context=ssl.create_default_context(cafile=ca_file), timeout=20)
    client.user(user)
    client.pass_(password)
    count, _ = client.stat()
    mails = [email.message_from_bytes(b"\r\n".join(client.retr(number)[1])) for number in range(1, count + 1)]
    client.quit()
    return mails


class Client:
    """A client that stays connected, comes back when its session is gone, and tries again when it is told to."""

    def __init__(self, server: Pop3sServer) -> None:
        self._server = server
        self._session: poplib.POP3_SSL | None = None

    def connect(self, server: Pop3sServer | None = None) -> poplib.POP3_SSL:
        """Log in, at this server from now on."""
        self.close()
        self._server = server = server or self._server
        self._session = session = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=20)
        try:
            session.user(server.login.user)
            session.pass_(server.login.password)
        except poplib.error_proto:
            self.close()
            raise
        return session

    def sync(self, *, retries: int = 0) -> int:
        """How many messages there are; tried again as often as this if the server refuses the login."""
        if self._session is not None:
            with contextlib.suppress(poplib.error_proto, OSError):
                return self._session.stat()[0]
        for _ in range(retries):
            with contextlib.suppress(poplib.error_proto):
                return self.connect().stat()[0]
        return self.connect().stat()[0]

    def fetch_and_delete(self) -> list[bytes]:
        """All messages, which are then to be gone."""
        session = self.connect()
        mails = []
        for number in range(1, session.stat()[0] + 1):
            mails.append(b"\r\n".join(session.retr(number)[1]))
            session.dele(number)
        try:
            session.quit()
        except poplib.error_proto as error:
            if str(error) != "-ERR EOF":  # this is how poplib says that nothing came
                raise
            raise ConnectionResetError("the server went away before it answered QUIT") from error
        finally:
            self._session = None
            session.close()
        return mails

    def close(self) -> None:
        """Leave, politely if that is possible."""
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(poplib.error_proto, OSError):
                session.quit()
            session.close()


@pytest.fixture
def client(pop3s_server: Pop3sServer) -> Iterator[Client]:
    """A client of the test's server, until it is told of another."""
    with closing(Client(pop3s_server)) as client:
        yield client


def test_fetches_everything(pop3s_server: Pop3sServer) -> None:
    """There is mail; the client fetches it."""
    pop3s_server.maildrop.add("Subject: one\n\nhello\n", "Subject: two\n\nbye\n")

    mails = fetch_all(pop3s_server.host, pop3s_server.port, *pop3s_server.login, ca_file=pop3s_server.ca_file)

    assert [mail["Subject"] for mail in mails] == ["one", "two"]
    assert pop3s_server.transcript.keywords == ["USER", "PASS", "STAT", "RETR", "RETR", "QUIT"]
    assert pop3s_server.transcript.commands[-2:] == ["RETR 2", "QUIT"]


def test_retries_when_the_maildrop_is_in_use(pop3s_server: Pop3sServer, client: Client) -> None:
    """A scripted answer, once; afterwards the real one."""
    pop3s_server.on("PASS").reply(Err("maildrop locked", code="IN-USE")).times(1)

    client.sync(retries=1)

    assert pop3s_server.transcript.keywords.count("PASS") == 2


def test_gives_up_when_it_was_not_told_to_retry(pop3s_server: Pop3sServer, client: Client) -> None:
    """The same answer reaches a client that takes it as it is."""
    pop3s_server.on("PASS").reply(Err("maildrop locked", code="IN-USE")).times(1)

    with pytest.raises(poplib.error_proto, match=r"-ERR \[IN-USE\] maildrop locked"):
        client.sync()


def test_a_lost_connection_loses_no_mail(pop3s_server: Pop3sServer, client: Client) -> None:
    """DELE counts only after QUIT."""
    pop3s_server.maildrop.add("Subject: keep me\n\n")
    pop3s_server.on("QUIT!before").end("rst")

    with pytest.raises(ConnectionError):
        client.fetch_and_delete()

    assert len(pop3s_server.maildrop) == 1
    pop3s_server.heal()
    assert len(client.fetch_and_delete()) == 1
    assert len(pop3s_server.maildrop) == 0
    pop3s_server.ledger.assert_nothing_lost()
    pop3s_server.ledger.assert_nothing_twice(except_after=["server"])


@pytest.mark.parametrize("certificate", ["expired", "not-yet-valid", "wrong-host", "self-signed", "untrusted-root"])
def test_rejects_a_bad_certificate(pop3s_server_factory: ServerFactory, certificate: str) -> None:
    """What must be refused is refused, and no password was sent."""
    server = pop3s_server_factory(certificate=certificate)

    with pytest.raises(ssl.SSLCertVerificationError):
        fetch_all(server.host, server.port, *server.login, ca_file=server.ca_file)

    assert server.transcript.keywords == []


def test_reconnects_after_autologout(pop3s_server_factory: ServerFactory, client: Client) -> None:
    """Ten minutes pass in no time."""
    clock = ManualClock()
    server = pop3s_server_factory(clock=clock)
    client.connect(server)

    clock.advance(minutes=11)
    client.sync()

    assert [session.ended for session in server.transcript.sessions] == ["autologout", None]


class Poller:
    """Fetches what it has not seen, by unique-id."""

    def __init__(self, server: Pop3sServer) -> None:
        self._server = server
        self._seen: set[bytes] = set()

    def poll(self) -> int | Literal["offline"]:
        """How many messages were new, or that nobody was there."""
        server = self._server
        try:
            client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=20)
        except OSError:
            return "offline"
        with closing(client):
            client.user(server.login.user)
            client.pass_(server.login.password)
            uids = {line.split()[1] for line in client.uidl()[1]}
            client.quit()
        new = uids - self._seen
        self._seen |= uids
        return len(new)


@pytest.fixture
def poller(pop3s_server: Pop3sServer) -> Poller:
    """A client that looks for new mail again and again."""
    return Poller(pop3s_server)


# poplib leaves its socket to the collector where the server resets it before the greeting.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("how", ["refuse", "reset"])
def test_a_poller(pop3s_server: Pop3sServer, poller: Poller, tmp_path: Path, how: Literal["refuse", "reset"]) -> None:
    """The maildrop changes from poll to poll, and the server is away in between."""
    a, b = tmp_path / "a.eml", tmp_path / "b.eml"
    a.write_text("Subject: a\n\nthe first\n", encoding="utf-8")
    b.write_text("Subject: b\n\nthe second\n", encoding="utf-8")

    pop3s_server.account.script([a], [a, b], [])  # what the 1st, 2nd and every later login finds
    assert poller.poll() == 1
    with pop3s_server.outage(how):
        assert poller.poll() == "offline"
    assert poller.poll() == 1
    assert poller.poll() == 0
    assert poller.poll() == 0
    assert len(pop3s_server.transcript.sessions) == 4


class Application:
    """Code with a host name in it, which trusts whom the system trusts."""

    def fetch(self) -> int:
        """How many messages there are."""
        client = poplib.POP3_SSL("pop.gmail.com", 995, context=ssl.create_default_context(), timeout=20)
        client.user("test")
        client.pass_("pop3s-password")
        count, _ = client.stat()
        client.quit()
        return count


def test_the_real_thing(pop3s_server: Pop3sServer, pop3s_route: Route, pop3s_trusted: Path) -> None:
    """Code with a host name in it, or that trusts only the system's CAs."""
    pop3s_route("pop.gmail.com", 995)

    assert Application().fetch() == 0

    assert pop3s_server.transcript.last_session.tls.server_name == "pop.gmail.com"
    assert pop3s_trusted == pop3s_server.ca_file
