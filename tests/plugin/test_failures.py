"""What people read when a test fails, word for word."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Inner

VIOLATION = """\
C-1939-3.2 (MUST): a command is a keyword and arguments, parted by single spaces and ended by CRLF (RFC 1939 section 3)
  session 1 sent: NOOP  1
  -> mend the client, or allow it in this test with allow=["C-1939-3.2"]"""

LOGIN = """\
 TIME S +OK POP3 server ready <1.STAMP@localhost>
 TIME C USER test
 TIME S +OK name noted, now the password
 TIME C PASS ****
 TIME S +OK maildrop has 0 messages (0 octets)"""

HEAD = """\
------------------------ Captured pop3s transcript call ------------------------
localhost:PORT, --pop3s-seed=7"""

NOOP = """\
 TIME C NOOP  1
 TIME - the client broke C-1939-3.2
 TIME S -ERR NOOP takes no argument: NOOP
 TIME C QUIT
 TIME S +OK signing off"""


def as_error(text: str) -> str:
    """The text as pytest shows it with an error."""
    return textwrap.indent(text, "E   ")


def test_a_client_that_breaks_the_protocol_fails_the_test(inner: Inner) -> None:
    """ProtocolViolation: the test itself is pointed at, and the transcript stands below it, once."""
    report = inner.run("""
        def test_sync(pop3s_server):
            client = Client(pop3s_server)
            client.say("NOOP  1")
            client.quit()
        """)

    assert report.counts == {"failed": 1}
    assert report.block("test_sync") == "\n".join(
        [
            ">   def test_sync(pop3s_server):",
            as_error(f"pop3s_fake.errors.ProtocolViolation: {VIOLATION}"),
            "",
            "test_mail.py:5: ProtocolViolation",
            HEAD,
            "session 1: test, TLS, ended: quit",
            LOGIN,
            NOOP,
        ]
    )
    assert "FAILED test_mail.py::test_sync - pop3s_fake.errors.ProtocolViolation" in report.text


def test_a_test_that_failed_by_itself_keeps_its_failure(inner: Inner) -> None:
    """The problems are notes on it, one each, and the transcript follows."""
    report = inner.run("""
        def test_sync(pop3s_server):
            client = Client(pop3s_server)
            client.say("NOOP  1")
            client.quit()
            assert len(pop3s_server.maildrop) == 3
        """)

    assert report.counts == {"failed": 1}
    head, _, notes = report.block("test_sync").partition("pop3s-fake: ")
    assert ">       assert len(pop3s_server.maildrop) == 3" in head
    assert notes == "\n".join(
        [
            f"ProtocolViolation: {VIOLATION}".replace("\n", "\nE       "),
            "",
            "test_mail.py:9: AssertionError",
            HEAD,
            "session 1: test, TLS, ended: quit",
            LOGIN,
            NOOP,
        ]
    )


def test_a_client_that_hangs_fails_the_test(inner: Inner) -> None:
    """ClientHung: after the deadline the server resets the session, so that the test ends, and then it fails."""
    report = inner.run("""
        @pytest.mark.pop3s(deadline=0.3)
        def test_hang(pop3s_server):
            client = Client(pop3s_server)
            with contextlib.suppress(OSError):
                client.sock.recv(1)
            client.close()
        """)

    assert report.counts == {"failed": 1}
    assert report.block("test_hang") == "\n".join(
        [
            "    @pytest.mark.pop3s(deadline=0.3)",
            ">   def test_hang(pop3s_server):",
            as_error(
                "pop3s_fake.errors.ClientHung: session 1 was still open after 0.3 seconds (deadline=0.3); "
                "its last command was PASS ****. The server has reset it so that the test ends\n"
                "  -> give the client a shorter time-out, close what the test opened, or set another deadline="
            ),
            "",
            "test_mail.py:6: ClientHung",
            HEAD,
            "session 1: test, TLS, ended: server",
            LOGIN,
            " TIME - the deadline of 0.3 seconds of real time is over",
        ]
    )


CALLBACK = """
    def content(n):
        raise LookupError(f"no message {n}")

    def test_fetch(pop3s_server):
        pop3s_server.maildrop.generate(1, content, octets=10)
        client = Client(pop3s_server)
        with contextlib.suppress(Exception):
            client.retr(1)
        client.close()
    """


CALLBACK_SHOWN = """\
>   def test_fetch(pop3s_server):

test_mail.py:8:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _

n = 1

    def content(n):
>       raise LookupError(f"no message {n}")
E       LookupError: no message 1
E       in the server, while answering RETR 1 in session 1

test_mail.py:6: LookupError
"""


def test_what_a_callback_raises_fails_the_test(inner: Inner) -> None:
    """The exception itself, from the test to the line in the callback; what lies between is ours and not shown."""
    report = inner.run(CALLBACK)

    assert report.counts == {"failed": 1}
    shown, _, transcript = report.block("test_fetch").partition(HEAD)
    assert shown == CALLBACK_SHOWN
    assert transcript.splitlines()[-1] == " TIME - the server failed"


def test_several_problems_are_one_failure(inner: Inner) -> None:
    """Pop3sFailure numbers them all; what a callback raised is shown as its cause."""
    report = inner.run("""
        def content(n):
            raise LookupError(f"no message {n}")

        def test_fetch(pop3s_server):
            pop3s_server.maildrop.generate(1, content, octets=10)
            client = Client(pop3s_server)
            client.say("NOOP  1")
            with contextlib.suppress(Exception):
                client.retr(1)
            client.close()
        """)

    assert report.counts == {"failed": 1}
    cause, _, shown = report.block("test_fetch").partition(
        "\n\nThe above exception was the direct cause of the following exception:\n\n"
    )
    assert cause.splitlines()[-1] == "test_mail.py:6: LookupError"
    assert shown.partition(HEAD)[0] == "\n".join(
        [
            ">   def test_fetch(pop3s_server):",
            as_error(
                "pop3s_fake.errors.Pop3sFailure: 2 problems:\n"
                f"1. ProtocolViolation: {VIOLATION}\n"
                "2. LookupError: no message 1\n"
                "in the server, while answering RETR 1 in session 1"
            ),
            "",
            "test_mail.py:8: Pop3sFailure",
            "",
        ]
    )


def test_a_failure_without_a_connection_says_so(inner: Inner) -> None:
    """Whoever wonders why nothing came reads that nobody connected."""
    report = inner.run("""
        def test_sync(pop3s_server):
            raise AssertionError
        """)

    assert report.block("test_sync").endswith(f"\n{HEAD}\nno client has connected")


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        (
            'certifcate="expired"',
            "the marker pop3s of test_mail.py::test_sync: unknown keyword 'certifcate'; did you mean 'certificate'?",
        ),
        (
            '"expired", 3',
            (
                "the marker pop3s of test_mail.py::test_sync takes keywords only, such as certificate='expired', "
                "not 'expired', 3"
            ),
        ),
        ('certificate="expird"', "unknown certificate 'expird'; did you mean 'expired'?"),
        ('allow="C-1939-3.2"', "allow= is a list, not the text 'C-1939-3.2'"),
        ('dialect="dovcot"', "unknown dialect 'dovcot'; did you mean 'dovecot'?"),
    ],
)
def test_a_marker_that_cannot_be_is_an_error_at_set_up(inner: Inner, marker: str, sentence: str) -> None:
    """UsageError, at the test that bears the marker; no frame of ours is shown."""
    report = inner.run(f"""
        @pytest.mark.pop3s({marker})
        def test_sync(pop3s_server):
            pass
        """)

    assert report.counts == {"errors": 1}
    assert report.block("ERROR at setup of test_sync") == "\n".join(
        [
            f"    @pytest.mark.pop3s({marker})",
            ">   def test_sync(pop3s_server):",
            f"E   pop3s_fake.errors.UsageError: {sentence}",
            "",
            "test_mail.py:6: UsageError",
        ]
    )


def test_a_marker_of_a_module_is_named_by_its_module(inner: Inner) -> None:
    """The sentence says which of several markers it is."""
    report = inner.run("""
        pytestmark = pytest.mark.pop3s(sede=3)

        @pytest.mark.pop3s(seed=4)
        def test_sync(pop3s_server):
            pass
        """)

    sentence = "the marker pop3s of test_mail.py: unknown keyword 'sede'; did you mean 'seed'?"
    assert f"E   pop3s_fake.errors.UsageError: {sentence}" in report.lines


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("sede=3", "pop3s_server_factory: unknown keyword 'sede'; did you mean 'seed'?"),
        ("deadline=0", "deadline= is a number of seconds above 0, or None, not 0"),
    ],
)
def test_a_call_that_cannot_be_is_an_error_at_the_call(inner: Inner, call: str, sentence: str) -> None:
    """UsageError at the line of the test that is to blame."""
    report = inner.run(f"""
        def test_sync(pop3s_server_factory):
            pop3s_server_factory({call})
        """)

    assert report.block("test_sync") == "\n".join(
        [
            "pop3s_server_factory = <ServerFactory: 0 servers>",
            "",
            "    def test_sync(pop3s_server_factory):",
            f">       pop3s_server_factory({call})",
            f"E       pop3s_fake.errors.UsageError: {sentence}",
            "",
            "test_mail.py:6: UsageError",
        ]
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("['expired']", "pop3s_server_options gives a dict of Pop3sServer's keywords, not ['expired']"),
        ("{'sede': 3}", "pop3s_server_options: unknown keyword 'sede'; did you mean 'seed'?"),
    ],
)
def test_options_that_cannot_be_are_an_error_at_set_up(inner: Inner, options: str, sentence: str) -> None:
    """UsageError, with the name of the fixture."""
    report = inner.run(f"""
        @pytest.fixture
        def pop3s_server_options():
            return {options}

        def test_sync(pop3s_server):
            pass
        """)

    assert report.counts == {"errors": 1}
    assert f"E   pop3s_fake.errors.UsageError: {sentence}" in report.lines


def test_no_style_of_traceback_loses_the_verdict(inner: Inner) -> None:
    """``--tb`` in each of its forms names the failure and the line of the test."""
    for style in ("long", "short", "line", "native"):
        report = inner.run(
            """
            def test_sync(pop3s_server):
                client = Client(pop3s_server)
                client.say("NOOP  1")
                client.quit()
            """,
            f"--tb={style}",
        )

        assert "ProtocolViolation: C-1939-3.2 (MUST)" in report.text
        assert "test_mail.py" in report.text.partition("short test summary")[0]
