"""The fixtures, each through a project that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Pop3sFakeError, Pop3sServer

if TYPE_CHECKING:
    from tests.plugin.conftest import Inner


def test_every_fixture_does_what_it_says(inner: Inner) -> None:
    """One test each, in another project's words."""
    report = inner.run("""
        import os, ssl, subprocess, sys
        import pop3s_fake

        BEFORE = os.environ.get("SSL_CERT_FILE")

        def test_server(pop3s_server, pop3s_maildrop):
            pop3s_maildrop.add("Subject: hello")
            assert isinstance(pop3s_server, pop3s_fake.Pop3sServer)
            assert pop3s_maildrop is pop3s_server.maildrop
            client = Client(pop3s_server)
            assert client.stat() == (1, 16)
            client.quit()

        def test_factory(pop3s_server, pop3s_server_factory):
            one, two = pop3s_server_factory(), pop3s_server_factory(certificate="expired")
            assert len({pop3s_server.port, one.port, two.port}) == 3
            Client(one).quit()
            with pytest.raises(ssl.SSLCertVerificationError):
                Client(two)

        def test_authority(pop3s_authority, pop3s_ca_file, pop3s_server):
            assert pop3s_server.authority is pop3s_authority
            assert pop3s_ca_file.read_text() == pop3s_authority.ca_pem == pop3s_server.ca_pem

        def test_context(pop3s_client_context, pop3s_server):
            import poplib
            client = poplib.POP3_SSL(pop3s_server.host, pop3s_server.port, context=pop3s_client_context)
            client.quit()
            assert pop3s_client_context.verify_mode is ssl.CERT_REQUIRED

        def test_trusted(pop3s_trusted, pop3s_server, pop3s_ca_file):
            import poplib
            assert pop3s_trusted == pop3s_ca_file
            poplib.POP3_SSL(pop3s_server.host, pop3s_server.port, context=ssl.create_default_context()).quit()
            program = (
                "import poplib, ssl, sys;"
                "poplib.POP3_SSL('localhost', int(sys.argv[1]), context=ssl.create_default_context()).quit()"
            )
            subprocess.run([sys.executable, "-c", program, str(pop3s_server.port)], check=True, timeout=30)
            assert pop3s_server.transcript.keywords == ["QUIT", "QUIT"]

        def test_trusted_no_more():
            assert os.environ.get("SSL_CERT_FILE") == BEFORE
        """)

    assert report.counts == {"passed": 6}


def test_an_authority_of_ones_own_issues_everything(inner: Inner) -> None:
    """By overriding the fixture, or as a keyword among the options."""
    report = inner.run("""
        from pop3s_fake import Authority

        MINE, OTHER = Authority(), Authority()

        @pytest.fixture(scope="session")
        def pop3s_authority():
            return MINE

        def test_by_fixture(pop3s_server, pop3s_ca_file, pop3s_client_context):
            assert pop3s_server.authority is MINE
            assert pop3s_ca_file == MINE.ca_file

        @pytest.mark.pop3s(authority=OTHER)
        def test_by_marker(pop3s_server, pop3s_ca_file):
            assert pop3s_server.authority is OTHER
            assert pop3s_ca_file == OTHER.ca_file

        @pytest.mark.pop3s(authority=OTHER)
        class TestCleared:
            @pytest.mark.pop3s(authority=None)
            def test_by_nothing(self, pop3s_server, pop3s_ca_file):
                assert pop3s_server.authority is MINE
                assert pop3s_ca_file == MINE.ca_file
        """)

    assert report.counts == {"passed": 3}


def test_servers_stop_in_reverse_order(inner: Inner, monkeypatch: pytest.MonkeyPatch) -> None:
    """LIFO, also when a test fails and when one of them cannot be stopped, which is told."""
    stopped: list[int] = []
    stop = Pop3sServer.stop

    def told(server: Pop3sServer) -> None:
        stopped.append(server.seed)
        stop(server)
        if server.seed == 1:
            raise Pop3sFakeError("1 of the server's threads did not end within 2 seconds: conn-1")

    monkeypatch.setattr(Pop3sServer, "stop", told)
    report = inner.run("""
        def test_three(pop3s_server_factory):
            for number in range(3):
                pop3s_server_factory(seed=number)
            assert 0
        """)

    assert stopped == [2, 1, 0]
    assert report.counts == {"failed": 1, "errors": 1}
    assert "threads did not end within 2 seconds: conn-1" in report.block("ERROR at teardown of test_three")


def test_accounts_of_a_marker_are_untouched_in_the_next_test(inner: Inner) -> None:
    """An account is made once, when the module is loaded; what one test does to it ends with that test."""
    report = inner.run("""
        from pop3s_fake import Account, Maildrop

        ANN = Account("ann", "not-a-secret", maildrop=Maildrop())
        ANN.maildrop.add("Subject: always there")

        @pytest.mark.pop3s(accounts=[ANN])
        @pytest.mark.parametrize("n", range(3))
        def test_delete_all(pop3s_server, n):
            assert len(pop3s_server.maildrop) == 1
            pop3s_server.maildrop.add("Subject: only here")
            client = Client(pop3s_server)
            client.dele(1), client.dele(2), client.quit()
            assert len(pop3s_server.maildrop) == 0
        """)

    assert report.counts == {"passed": 3}


ATTACHED = """
    from pop3s_fake import Pop3sServer

    @pytest.fixture(scope="class")
    def shared():
        with Pop3sServer() as server:
            server.maildrop.add("Subject: from the class")
            yield server

    class TestMail:
        @pytest.fixture
        def server(self, shared, pop3s_attach):
            assert pop3s_attach(shared) is shared
            return pop3s_attach(shared)

    """


def test_an_attached_server_is_in_each_test_as_it_was_in_the_first(inner: Inner) -> None:
    """Mail that the class's fixture delivered, one test deletes, and the next one finds; sessions do not leak."""
    report = inner.run(
        ATTACHED
        + """
        @pytest.mark.parametrize("n", range(3))
        def test_delete_all(self, server, n):
            assert server.transcript.keywords == []
            client = Client(server)
            assert client.stat()[0] == 1
            client.dele(1)
            client.quit()
            assert len(server.maildrop) == 0
            server.add_account(f"test-{n}", "not-a-secret")
            assert list(server.accounts) == ["test", f"test-{n}"]
            self.left_open = Client(server)
            self.left_open.close()
        """
    )

    assert report.counts == {"passed": 3}


def test_an_attached_server_is_judged_test_by_test(inner: Inner) -> None:
    """The verdict fails the test that is to blame, with its transcript; the class's own ``with`` has nothing left."""
    report = inner.run(
        ATTACHED
        + """
        def test_bad(self, server):
            client = Client(server)
            client.say("NOOP  1")
            client.quit()

        def test_good(self, server):
            Client(server).quit()

        def test_own(self, server):
            Client(server).quit()
            assert 0
        """
    )

    assert report.counts == {"failed": 2, "passed": 1}
    assert "E   pop3s_fake.errors.ProtocolViolation: C-1939-3.2" in report.block("TestMail.test_bad")
    own = report.block("TestMail.test_own")
    assert "localhost:PORT, seed=" in own
    assert own.count("session 1:") == 1
    assert "session 2" not in own


def test_only_a_server_can_be_attached(inner: Inner) -> None:
    """A UsageError at the call."""
    report = inner.run("""
        def test_mail(pop3s_attach):
            pop3s_attach("localhost:995")
        """)

    assert "E       pop3s_fake.errors.UsageError: pop3s_attach takes a running Pop3sServer, not 'localhost:995'" in (
        report.lines
    )


def test_no_thread_survives_a_test(inner: Inner) -> None:
    """Whether it passes, fails or errs, and with connections that nobody closed."""
    report = inner.run("""
        import threading

        @pytest.fixture
        def broken(pop3s_server):
            raise LookupError

        left_open = []

        def test_failing(pop3s_server_factory):
            left_open.append(Client(pop3s_server_factory()))
            left_open.append(Client(pop3s_server_factory()))
            assert 0

        def test_erring(broken):
            pass

        def test_threads():
            assert [thread.name for thread in threading.enumerate() if thread.name.startswith("pop3s")] == []
            for client in left_open:
                client.close()
        """)

    assert report.counts == {"failed": 1, "errors": 1, "passed": 1}


def test_no_server_is_kept_after_its_test(inner: Inner) -> None:
    """A run of many tests does not hold the mail of all of them."""
    report = inner.run("""
        import gc, weakref

        servers = []

        def test_mail(pop3s_server):
            servers.append(weakref.ref(pop3s_server))
            Client(pop3s_server).quit()

        def test_next():
            gc.collect()
            assert [server() for server in servers] == [None]
        """)

    assert report.counts == {"passed": 2}


def test_no_password_is_shown_with_local_variables(inner: Inner) -> None:
    """--showlocals prints the reprs of what a test holds."""
    report = inner.run(
        """
        def test_mail(pop3s_server, pop3s_server_factory, pop3s_attach):
            login, account, accounts = pop3s_server.login, pop3s_server.account, pop3s_server.accounts
            maildrop, transcript = pop3s_server.maildrop, pop3s_server.transcript
            Client(pop3s_server).quit()
            session = transcript.last_session
            entries = session.entries
            environ = pop3s_server.environ()
            assert 0

        def test_mistaken(pop3s_server):
            pop3s_server.add_account("a b", "hunter2secret")

        def test_mistaken_again(pop3s_server):
            pop3s_server.add_account("test", "hunter2secret".upper())
        """,
        "--showlocals",
    )

    assert "login      = Login(user='test', password='***')" in report.lines
    assert "entries    = [Entry(" in report.text
    assert "pop3s-password" not in report.text
    assert "HUNTER2SECRET" not in report.text
    assert report.text.count("hunter2secret") == 2  # the lines of the tests themselves


def test_the_plugin_may_be_named_again(inner: Inner, pytester: pytest.Pytester) -> None:
    """``pytest_plugins`` and ``-p`` do nothing where the plugin is loaded by itself already."""
    inner.file("conftest.py", 'pytest_plugins = ["pytest_pop3s_fake"]')
    tests = "def test_mail(pop3s_server): Client(pop3s_server).quit()"

    assert inner.run(tests).counts == {"passed": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
        assert inner.run_apart(tests).counts == {"passed": 1}
        (inner.path / "conftest.py").unlink()
        pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=60).assert_outcomes(passed=1)


def test_the_plugin_may_be_switched_off(inner: Inner, pytester: pytest.Pytester) -> None:
    """``-p no:pytest_pop3s_fake``: then its fixtures are unknown."""
    inner.file("test_mail.py", "def test_mail(pop3s_server): pass")
    result = pytester.runpytest_subprocess("-p", "no:pytest_pop3s_fake", timeout=60)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'pop3s_server' not found"])


def test_each_fixture_explains_itself(inner: Inner) -> None:
    """``pytest --fixtures`` lists them all, with a text."""
    report = inner.run("", "--fixtures")
    names = (
        "pop3s_server",
        "pop3s_server_factory",
        "pop3s_server_options",
        "pop3s_maildrop",
        "pop3s_authority [session scope]",
        "pop3s_client_context",
        "pop3s_ca_file",
        "pop3s_trusted",
        "pop3s_attach",
    )

    for name in names:
        place = next(i for i, line in enumerate(report.lines) if line.startswith(f"{name} -- "))
        assert report.lines[place + 1].startswith("    ")
        assert "no docstring" not in report.lines[place + 1]
