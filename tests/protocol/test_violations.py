"""What the server tells of a client that breaks a rule: which, how often, and in which words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.protocol.lines import OVERLONG
from pop3s_fake.protocol.linting.forms import broken
from pop3s_fake.protocol.violations import Requirement, allowed, read_requirements, requirement, requirements

if TYPE_CHECKING:
    from tests.protocol.conftest import Server

EVERY_WAY = pytest.mark.parametrize("way", ["whole", "octet", "tls", "tls-octet"], indirect=True)

FORM, LENGTH = "C-1939-3.2", "C-2449-4.1"

TEXT = {
    FORM: (
        "C-1939-3.2 (MUST): a command is a keyword and arguments, parted by single spaces and ended by CRLF "
        "(RFC 1939 section 3)\n"
        "  session 1 sent: {}\n"
        '  -> mend the client, or allow it in this test with allow=["C-1939-3.2"]'
    ),
    LENGTH: (
        "C-2449-4.1 (MUST): a command has at most 255 octets, its CRLF counted (RFC 2449 section 4)\n"
        "  session 1 sent: {}\n"
        '  -> mend the client, or allow it in this test with allow=["C-2449-4.1"]'
    ),
}


def complaints(server: Server, octets: bytes) -> list[str]:
    """What is told of a client that sends this before its login."""
    client = server.connect()
    client.say(octets)
    client.close_notify()
    client.hang_up()
    return [str(complaint) for complaint in server.complaints]


@EVERY_WAY
@pytest.mark.parametrize(
    ("octets", "row", "said"),
    [
        pytest.param(b"CAPA\n", FORM, r"CAPA\n", id="a bare LF, and nothing else"),
        pytest.param(b"CAPA\nQUIT\n", FORM, r"CAPA\n", id="several"),
        pytest.param(b"CAPA\nQUIT\r\n", FORM, r"CAPA\n", id="a bare LF, then a CRLF"),
        pytest.param(b"CAPA\r\r\n", FORM, r"CAPA\r", id="a bare CR"),
        pytest.param(b"USER  mrose\r\n", FORM, "USER  mrose", id="two spaces"),
        pytest.param(b"USER mrose \r\n", FORM, "USER mrose ", id="a trailing space"),
        pytest.param(b" CAPA\r\n", FORM, " CAPA", id="a leading space"),
        pytest.param(b"\r\n", FORM, "", id="an empty line"),
        pytest.param(b"USER\tmrose\r\n", FORM, r"USER\tmrose", id="a tab"),
        pytest.param(b"XYZZY  a\r\n", FORM, "XYZZY  a", id="an unknown keyword is no excuse"),
        pytest.param(b"USER mrose\r\nPASS tan\tstaaf\r\n", FORM, "PASS ****", id="a tab in a password"),
        pytest.param(b"PASS tanstaaf\nSTAT\r\n", FORM, "PASS ****", id="a password before a bare LF"),
        pytest.param(b"X\nPASS tanstaaf", FORM, r"X\n", id="half a password behind a bare LF"),
        pytest.param(b"USER " + b"a" * 249 + b"\r\n", LENGTH, "USER " + "a" * 95 + " ...", id="256 octets"),
        pytest.param(b"X" * 300 + b"\r\n", LENGTH, "X" * 100 + " ...", id="an unknown long line"),
        pytest.param(b"RETR " + b"0" * 249 + b"\r\n", LENGTH, "RETR " + "0" * 95 + " ...", id="a long number"),
        pytest.param(b"PASS " + b"a" * 300 + b"\r\n", LENGTH, "PASS ****", id="a long password"),
        pytest.param(b"X" * 101 + b"  \r\n", FORM, "X" * 100 + " ...", id="101 octets are cut"),
        pytest.param(b"X" * 98 + b"  \r\n", FORM, "X" * 98 + "  ", id="100 are not"),
        pytest.param(b"X" * 9000 + b"\r\n", LENGTH, "an endless line", id="more than 8 KiB"),
        pytest.param(b"X" * 9000, LENGTH, "an endless line", id="a line that does not end"),
        pytest.param(b"CAPA\n" * 60, FORM, r"CAPA\n", id="LF for line ends, more than 255 octets of them"),
    ],
)
def test_a_broken_rule_is_told_word_for_word(server: Server, octets: bytes, row: str, said: str) -> None:
    """However the octets come, the sentence is the same."""
    assert complaints(server, octets) == [TEXT[row].format(said)]


@EVERY_WAY
@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"XYZZY\r\nSTAT\r\nPASS x\r\nRETR\r\nRETR x y z\r\nUSER\r\n", id="a refused command"),
        pytest.param(b"USER mrose\r\nPASS  two  words \r\n", id="spaces in a password"),
        pytest.param(b"USER mrose\r\npass  two  words \r\nPASS \r\n", id="the same in lower case"),
        pytest.param(b"USER " + b"a" * 248 + b"\r\nPASS " + b"a" * 248 + b"\r\n", id="255 octets"),
        pytest.param(b"RETR " + b"0" * 248 + b"\r\n", id="255 octets of a number"),
        pytest.param(b"US", id="half a line"),
        pytest.param(b"CAPA\r", id="half a line end"),
        pytest.param(b"CAPA\x00\r\nCAPA \xff\r\n", id="odd octets"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_breaks_no_rule_is_not_told(server: Server, octets: bytes) -> None:
    """An unknown keyword, a wrong state, an end without QUIT: a client may do all this."""
    assert complaints(server, octets) == []
    assert not [entry for entry in server.transcript.last_session.entries if "broke" in entry.text]


def test_each_rule_is_told_once_a_session(server: Server) -> None:
    """A client that does it does it always."""
    server.login()
    client = server.connect()
    client.ask("CAPA ", " CAPA", "x" * 300, "CAPA ", "y" * 9000)
    assert [str(complaint) for complaint in server.complaints] == [
        TEXT[FORM].format("CAPA ").replace("session 1", "session 2"),
        TEXT[LENGTH].format("x" * 100 + " ...").replace("session 1", "session 2"),
    ]
    assert [entry.text for entry in client.log.entries if entry.kind == "-"] == [
        "the client broke C-1939-3.2",
        "the client broke C-2449-4.1",
    ]
    server.connect().ask("CAPA ")
    assert len(server.complaints) == 3


@pytest.mark.parametrize(
    ("strict", "told"), [(True, [FORM]), (False, []), ("should", [FORM, LENGTH])], ids=["true", "false", "should"]
)
def test_strictness_decides_what_is_told(
    server: Server, monkeypatch: pytest.MonkeyPatch, strict: Literal[True, False, "should"], told: list[str]
) -> None:
    """A MUST always but with False, a SHOULD only with "should"; the transcript notes all."""
    monkeypatch.setitem(requirements(), LENGTH, replace(requirement(LENGTH), level="SHOULD", verdict="warns"))
    server.strict = strict
    client = server.connect()
    client.ask(" CAPA", "x" * 300)
    assert [str(complaint).split(" ")[0] for complaint in server.complaints] == told
    assert [entry.text for entry in client.log.entries if entry.kind == "-"] == [
        "the client broke C-1939-3.2",
        "the client broke C-2449-4.1",
    ]


def test_what_is_allowed_is_not_told(server: Server) -> None:
    """Nor anything else of the session kept back; the transcript notes it."""
    server.allow = frozenset({FORM})
    client = server.connect()
    client.ask(" CAPA", "x" * 300)
    assert [str(complaint).split(" ")[0] for complaint in server.complaints] == [LENGTH]
    assert next(entry.text for entry in client.log.entries if entry.kind == "-") == "the client broke C-1939-3.2"


def test_a_client_that_breaks_a_rule_is_answered_all_the_same(server: Server) -> None:
    """The verdict is the test's, the server goes on."""
    client = server.connect()
    assert client.ask(" CAPA", "USER mrose", "PASS tanstaaf", "").count(b"\r\n") == 4
    assert client.ask("STAT") == b"+OK 2 320\r\n"


def test_each_form_is_broken_by_a_line_of_its_own() -> None:
    """And by nothing that was said before it."""
    assert (broken(b""), broken(OVERLONG), broken(b"NOOP")) == (FORM, LENGTH, None)


def test_a_should_is_told_as_one() -> None:
    """In the same words."""
    asked = Requirement("C-1", "should(d)", "RFC 1 section 1", ("W",), "a client is brief", "warns")
    assert str(asked.violation(7, "blah")) == (
        "C-1 (SHOULD): a client is brief (RFC 1 section 1)\n"
        "  session 7 sent: blah\n"
        '  -> mend the client, or allow it in this test with allow=["C-1"]'
    )


def test_the_data_has_every_row_of_the_list() -> None:
    """In its order, and no others: none is silently missing."""
    listed = (Path(__file__).parent / "client_rows.txt").read_text("utf-8").split()
    assert len(listed) == 137
    assert list(requirements()) == listed


def test_every_row_is_watched_or_says_why_not() -> None:
    """Each requirement is a sentence of its own, and a reason never stands beside a verdict."""
    rows = requirements().values()
    assert all(bool(row.why) == (not row.watched) for row in rows)
    assert len({row.requirement for row in rows}) == len(rows)
    assert not [row.row for row in rows if row.requirement.endswith(".") or row.why.endswith(".")]


def test_what_is_forbidden_fails_and_what_should_not_be_warns() -> None:
    """A must that only warns is one that a correct client may seem to break; no SHOULD fails by itself."""
    warned = {row.row for row in requirements().values() if row.verdict == "warns" and row.level[0] in "Mm"}
    assert warned == {
        *("C-1939-3.1", "C-1939-3.10", "C-1939-3.13", "C-1939-5.LIST.2", "C-1939-6.1"),
        *("C-2449-8.5", "C-2595-4.5", "C-4422-A.1", "C-8446-6.2"),
    }
    assert not [row.row for row in requirements().values() if row.verdict == "fails" and row.level[:2] in {"SH", "sh"}]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (
            "[a]\nlevel = 'MUST'\nrfc = 'r'\nseen = ['W']\nrequirement = 'q'\nverdict = 'fail'\nodd = 1",
            "client rows: expected one of fails, warns, unseen @ $['a'].verdict; extra fields found (odd) @ $['a']",
        ),
        (
            "[a]\nlevel = 'Must'\nrfc = 'r'\nseen = []\nrequirement = 'q'\nverdict = 'fails'",
            (
                "client rows: expected one of MUST, MUST NOT, MUST (configurable), must, must not, must(d), SHOULD, "
                "should, should(d), MAY, may, PROJ @ $['a'].level"
            ),
        ),
        (
            "[a]\nlevel = 'MUST'\nrfc = 'r'\nseen = []\nrequirement = 'q'\nverdict = 'unseen'",
            "client rows: why= is for what is unseen, and for nothing else @ $['a']",
        ),
    ],
)
def test_a_mistake_in_the_data_is_told_with_its_place(rows: str, complaint: str) -> None:
    """All of them at once."""
    with pytest.raises(UsageError) as caught:
        read_requirements(rows)
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("C-1939-3.22", "unknown requirement in allow= 'C-1939-3.22'; did you mean 'C-1939-3.2'?"),
        (
            "C-1939-3.15",
            (
                "allow= has 'C-1939-3.15', which this server cannot see by itself: the deadline does this: ClientHung "
                "tells of a client that waits for longer"
            ),
        ),
    ],
)
def test_what_cannot_be_allowed_is_told(row: str, complaint: str) -> None:
    """The nearest id, or why there is nothing to be allowed."""
    with pytest.raises(UsageError) as caught:
        allowed(row)
    assert str(caught.value) == complaint
