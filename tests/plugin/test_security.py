"""`pop3s_security`: one test over implicit TLS, over STLS and in clear."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Pop3sServer, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT = """
    import poplib

    import pytest

    def log_in(server, security):
        port = server.port_for(security)
        if security == "tls":
            client = poplib.POP3_SSL(server.host, port, context=server.client_context(), timeout=30)
        else:
            client = poplib.POP3(server.host, port, timeout=30)
        if security == "stls":
            client.stls(server.client_context())
        client.user(server.login.user)
        client.pass_(server.login.password)
        client.quit()
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[[str], pytest.RunResult]:
    """Run a module of tests in a process of its own."""

    def made(text: str) -> pytest.RunResult:
        pytester.makepyfile(textwrap.dedent(CLIENT) + textwrap.dedent(text))
        return pytester.runpytest_subprocess("-p", "no:faker", "-p", "no:cacheprovider", "-v")

    return made


def test_a_test_runs_three_times(run: Callable[[str], pytest.RunResult]) -> None:
    """And finds the port that it needs, with its own marker in force, too."""
    result = run("""
        @pytest.mark.pop3s(capabilities=["-TOP"])
        def test_it(pop3s_server, pop3s_security):
            log_in(pop3s_server, pop3s_security)
            session = pop3s_server.transcript.last_session
            assert (session.tls.version is None) == (pop3s_security == "plain")
            assert ("STLS" in session.keywords) == (pop3s_security == "stls")
    """)
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines_random(
        ["*::test_it?tls? PASSED*", "*::test_it?stls? PASSED*", "*::test_it?plain? PASSED*"]
    )


def test_a_test_may_choose_among_them(run: Callable[[str], pytest.RunResult]) -> None:
    """By parametrizing it; and over STLS no password is taken in clear."""
    result = run("""
        @pytest.mark.parametrize("pop3s_security", ["stls"])
        def test_it(pop3s_server_factory, pop3s_security):
            server = pop3s_server_factory()
            log_in(server, pop3s_security)
            with pytest.raises(poplib.error_proto, match="needs TLS first"):
                log_in(server, "plain")
    """)
    result.assert_outcomes(passed=1)


def test_a_security_that_is_none_has_its_nearest_word() -> None:
    """At the call; and without a port in clear it is said how to have one."""
    server = Pop3sServer()
    with pytest.raises(UsageError) as caught:
        server.port_for("starttls")  # type: ignore[arg-type]
    assert str(caught.value) == "unknown security 'starttls'; did you mean 'stls'?"
    with pytest.raises(UsageError, match="make it with stls=True"):
        server.port_for("stls")
