from __future__ import annotations

import poplib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, Maildrop, Pop3sServer, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Client


def test_reset_goes_back_to_how_the_server_was_at_its_start(connect: Callable[..., Client]) -> None:
    """Maildrops, accounts, transcript, problems; the open sessions are gone."""
    maildrop = Maildrop()
    (message,) = maildrop.add("Subject: stays\n\n")
    with Pop3sServer(accounts=[Account("ann", "not-a-secret", maildrop=maildrop)]) as server:
        port = server.port
        for _ in range(3):
            server.maildrop.add("Subject: goes\n\n")
            server.add_account("bob", "not-a-secret")
            client = connect(server).login()
            assert client.ask("DELE 1").startswith(b"+OK")
            assert client.ask("QUIT").startswith(b"+OK")
            client = connect(server).login()
            client.ask("nonsense  ")  # a violation
            server.reset()
            with pytest.raises(ConnectionResetError):
                client.line()
            assert server.maildrop.uids == [message.uid]
            assert server.maildrop is maildrop
            assert list(server.accounts) == ["ann"]
            assert list(server.transcript.sessions) == []
            assert server.judge() == []
            assert maildrop.in_use_by is None
            assert server.port == port
        assert connect(server).login().quit() == b"+OK signing off\r\n"
        assert [session.number for session in server.transcript.sessions] == [1]


def test_a_baseline_of_ones_own_can_be_set(connect: Callable[..., Client]) -> None:
    """What a fixture of wider scope prepares before the tests."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\n", "Subject: two\n\n")
        server.add_account("bob", "not-a-secret").add("Subject: his\n\n")
        server.baseline()
        connect(server).login().ask("DELE 1")
        client = connect(server).login("bob", "not-a-secret")
        client.ask("DELE 1")
        client.quit()
        server.reset()
        assert len(server.maildrop) == 2
        assert len(server.accounts["bob"].maildrop) == 1


def test_reset_does_not_wait_for_a_client_that_does_not_read(blocked: Callable[..., Client]) -> None:
    """It belongs to the test before."""
    with Pop3sServer() as server:
        client = blocked(server)
        server.reset()
        with pytest.raises(ConnectionResetError):
            client.rest()
        assert len(server.maildrop) == 0
        assert server.judge() == []


def test_what_a_script_was_about_to_give_is_restored(connect: Callable[..., Client]) -> None:
    """The next test begins with the first login again."""
    with Pop3sServer() as server:
        server.account.script(["Subject: one\n\n"], ["Subject: one\n\n", "Subject: two\n\n"])
        server.baseline()
        for _ in range(2):
            for count in (1, 2, 2):
                client = connect(server).login()
                assert client.ask("STAT").startswith(b"+OK %d " % count)
                client.quit()
            server.reset()


def test_a_server_that_has_stopped_can_be_reset(connect: Callable[..., Client]) -> None:
    """Or that never ran: then there is nothing to go back to."""
    server = Pop3sServer()
    server.reset()
    with server:
        server.maildrop.add("Subject: goes\n\n")
        connect(server).quit()
    server.reset()
    assert len(server.maildrop) == 0
    assert list(server.transcript.sessions) == []


def test_accounts_can_be_added_while_it_runs(connect: Callable[..., Client]) -> None:
    """Each has its maildrop; the first one is the server's own."""
    with Pop3sServer(accounts=[Account("ann", "not-a-secret")]) as server:
        maildrop = server.add_account("bob", "secret two", secret="three")
        maildrop.add("Subject: his\n\n")
        assert server.accounts["bob"].maildrop is maildrop
        assert server.accounts["bob"].secret == "three"
        assert connect(server).login("bob", "secret two").fetch("LIST") == b"1 16\r\n"
        assert connect(server).login().fetch("LIST") == b""
        assert server.account is server.accounts["ann"]
        assert server.login == ("ann", "not-a-secret")
        with pytest.raises(UsageError) as caught:
            server.add_account("bob", "again")
        assert str(caught.value) == "there is an account 'bob' already"
        with pytest.raises(UsageError) as caught:
            server.accounts["bobb"]
        assert str(caught.value) == "no account 'bobb'; did you mean 'bob'?"
        assert [session.user for session in server.transcript.sessions] == ["bob", "ann"]


def test_a_client_in_another_process_finds_all_it_needs_in_its_environment() -> None:
    """Values are text, as an environment has them."""
    with Pop3sServer() as server:
        assert server.environ() == {
            "POP3S_HOST": "localhost",
            "POP3S_PORT": str(server.port),
            "POP3S_USER": "test",
            "POP3S_PASSWORD": "pop3s-password",
            "POP3S_CA_FILE": str(server.ca_file),
            "SSL_CERT_FILE": str(server.ca_file),
        }


def test_the_face_tells_where_it_is_and_whom_to_trust() -> None:
    """In the forms that clients take."""
    with Pop3sServer() as server:
        assert (server.host, server.address) == ("localhost", "127.0.0.1")
        assert server.url == f"pop3s://localhost:{server.port}"
        assert isinstance(server.ca_file, Path)
        assert server.ca_file.read_text() == server.ca_pem
        assert server.ca_pem.startswith("-----BEGIN CERTIFICATE-----")
        assert server.client_context() is not server.client_context()
        assert server.client_context().verify_mode.name == "CERT_REQUIRED"


def test_no_password_is_shown(connect: Callable[..., Client]) -> None:
    """Not by the server, its account, its login, or a session."""
    with Pop3sServer(accounts=[Account("ann", "canary-7")]) as server:
        connect(server).login()
        for each in (server, server.account, server.accounts, server.login, server.transcript, server.clock):
            assert "canary-7" not in repr(each)
        assert repr(server) == f"<Pop3sServer on localhost:{server.port}, 1 open sessions>"
        assert repr(server.login) == "Login(user='ann', password='***')"
        assert repr(server.transcript.last_session) == "<Session 1: ann, 2 commands, open>"
        assert "canary-7" not in server.transcript.render()


def test_a_port_that_is_not_there_says_what_makes_it() -> None:
    """Nothing is silently without effect."""
    with pytest.raises(UsageError) as caught:
        _ = Pop3sServer().stls_port
    assert str(caught.value) == "the server has no port in clear; make it with stls=True"


def test_no_greeting_comes_twice_also_behind_a_reset() -> None:
    """RFC 1939 section 7, APOP: the timestamp is another one in each greeting, whatever number the session has."""
    with Pop3sServer(seed=1) as server:
        greetings = []
        for _ in range(2):
            client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=20)
            greetings.append(client.getwelcome())
            client.quit()
            assert server.transcript.last_session.number == 1
            server.reset()

    assert greetings[0] != greetings[1]


def test_a_restart_keeps_the_baseline() -> None:
    """What a test adds is gone behind a reset, also where it stopped and started the server."""
    with Pop3sServer() as server:
        server.maildrop.add("Subject: from the test\n\n")
        server.on("RETR").wait(0).optional()
        server.stop()
        server.start()
        server.reset()

        assert (len(server.maildrop), len(server.rules)) == (0, 0)
