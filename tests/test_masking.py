"""No password is ever shown, whatever line carries it."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pop3s_fake.connection import EOF, Connection, End, Event, Receive, Settings
from pop3s_fake.maildrop import Account, Accounts
from pop3s_fake.masking import masked, shown
from pop3s_fake.transcript import Transcript

if TYPE_CHECKING:
    from pop3s_fake.errors import ProtocolViolation

SECRET = "open sesame"


def transcript(octets: bytes, *accounts: Account, piece: int | None = None) -> tuple[str, list[str]]:
    """The rendered transcript of a client that sends these octets, and what is told of it."""
    log = Transcript()
    complaints: list[ProtocolViolation] = []
    settings = Settings(
        Accounts(accounts or [Account("ann", SECRET)]), now=lambda: 0.0, complain=complaints.append, strict="should"
    )
    connection = Connection(settings, log.begin(0.0))
    steps = connection.steps()
    step = next(steps)
    size = piece or max(1, len(octets))
    events: list[bytes | Event] = [octets[i : i + size] for i in range(0, len(octets), size)]
    for event in [*events, EOF]:
        while not isinstance(step, Receive):
            step = next(steps)
        connection.feed(event)
        step = next(steps)
    assert [step, *steps][-1] == End("fin")
    return log.render(), [str(complaint) for complaint in complaints]


def commands(octets: bytes, *accounts: Account) -> list[str]:
    """The client's lines, as the transcript shows them."""
    rendered, _ = transcript(octets, *accounts)
    return [line.partition(" C  ")[2] for line in rendered.split("\n") if " C  " in line]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"PASS open sesame", "PASS ****"),
        (b"pass open sesame", "pass ****"),
        (b"PaSs wrong", "PaSs ****"),
        (b"PASS  open sesame ", "PASS ****"),
        (b"PASS\topen sesame", "PASS ****"),
        (b"PASS:open sesame", "PASS ****"),
        (b"PASS=wrong", "PASS ****"),
        (b"PASS\0wrong", "PASS ****"),
        (b"PASSwrong", "PASS ****"),
        (b"PASSWORD wrong", "PASS ****"),
        (b" PASS wrong", " PASS ****"),
        (b"\tPASS wrong", r"\tPASS ****"),
        (b"PASS ", "PASS ****"),
        (b"PASS", "PASS"),
        (b"USER ann\nPASS wrong", r"USER ann\nPASS ****"),
        (b"USER ann\nPASS wrong\nSTAT", r"USER ann\nPASS ****"),
        (b"PASS\nwrong", "PASS ****"),
        (b"USER ann\rPASS wrong", r"USER ann\rPASS ****"),
        (b"APOP ann c4c9334bac560ecc979e58001b3e22fb", "APOP ann ****"),
        (b"apop ann wrong", "apop ann ****"),
        (b"APOP  ann  wrong", "APOP  ann ****"),
        (b"APOP\tann\twrong", r"APOP\tann ****"),
        (b"APOP\nann\nwrong", r"APOP\nann ****"),
        (b"APOP ann", "APOP ann"),
        (b"AUTH PLAIN AHdyb25nAHdyb25n", "AUTH PLAIN ****"),
        (b"auth login d3Jvbmc=", "auth login ****"),
        (b"AUTH\tPLAIN\tAHdyb25n", r"AUTH\tPLAIN ****"),
        (b"AUTH PLAIN", "AUTH PLAIN"),
        (b"AUTH", "AUTH"),
    ],
)
def test_credentials_are_masked_by_their_place(line: bytes, text: str) -> None:
    """Also wrong ones, which may be right elsewhere."""
    assert masked(line) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"XYZZY open sesame", "XYZZY ****"),
        (b"open sesame", "****"),
        (b"USER open sesame", "USER ****"),
        (b"USER ann open sesame", "USER ann ****"),
        (b"STATopen sesame", "STAT****"),
        (b"RETR open sesame", "RETR ****"),
        (b"LOGIN ann open sesame\nSTAT", r"LOGIN ann ****\nSTAT"),
        (b"open sesameopen sesame", "********"),
        (b64encode(b"open sesame"), "****"),
        (b64encode(b"\0ann\0open sesame"), "****"),
        (b"* " + b64encode(b"ann\0ann\0open sesame").rstrip(b"="), "* ****"),
        (b"OPEN SESAME", "OPEN SESAME"),
    ],
)
def test_a_known_secret_is_masked_wherever_it_stands(line: bytes, text: str) -> None:
    """As a client shows it that mistakes the command, or goes on with SASL after a refusal."""
    assert masked(line, [b"open sesame"]) == text


@pytest.mark.parametrize("line", [b"STAT", b"stat x", b"RETR two", b"USER ann", b"LIST ", b"", b"XYZZY", b"COMPASS 1"])
def test_what_holds_no_secret_is_shown_as_it_is(line: bytes) -> None:
    """Word for word."""
    assert masked(line, [b"open sesame"], [b"ann"]) == line.decode()


def test_the_longest_secret_is_masked_first() -> None:
    """So that nothing of it is left over where another is its beginning."""
    for secrets in ([b"sesame", b"sesame street"], [b"sesame street", b"sesame"]):
        assert masked(b"X sesame street, sesame", secrets) == "X ****, ****"


def test_a_keyword_is_no_secret_even_if_it_is_the_password() -> None:
    """A test asks for keywords; and who has the password "pass" has none to lose."""
    assert masked(b"stat x", [b"stat"]) == "stat x"
    assert masked(b"pass pass", [b"pass"]) == "pass ****"
    assert masked(b"user pass", [b"pass", b"user"]) == "user ****"


def test_the_name_of_an_account_is_no_secret_even_if_it_is_the_password() -> None:
    """Behind USER, where it belongs."""
    twin = Account("tester", "tester")
    assert commands(b"USER tester\r\nPASS tester\r\nX tester\r\nUSER tester2\r\n", twin) == [
        "USER tester",
        "PASS ****",
        "X ****",
        "USER ****2",
    ]
    for line in (b"USER tester", b"user tester"):
        assert masked(line, [b"tester"], [b"tester"]) == line.decode()
    assert masked(b"USES tester", [b"tester"], [b"tester"]) == "USES ****"


def test_a_short_password_is_masked_in_its_place_only() -> None:
    """It would be found in half of all lines, and give itself away by that."""
    assert commands(b"USER a\r\nPASS a\r\nSTAT\r\nLANG a\r\n", Account("a", "a")) == [
        "USER a",
        "PASS ****",
        "STAT",
        "LANG a",
    ]


def test_a_number_is_no_secret_in_its_place() -> None:
    """Message-numbers and sizes stay, whoever chose them for a password."""
    account = Account("ann", "1234")
    assert commands(b"USER ann\r\nPASS 1234\r\nRETR 1234\r\nX 1234\r\n", account) == [
        "USER ann",
        "PASS ****",
        "RETR 1234",
        "X ****",
    ]


def test_the_secret_of_apop_is_masked_too() -> None:
    """It may differ from the password."""
    account = Account("ann", SECRET, secret="shared \u00e9")
    assert commands("X shared \u00e9\r\nX open sesame\r\n".encode(), account) == ["X ****", "X ****"]


def test_an_endless_line_is_not_shown() -> None:
    """Only that there was one."""
    rendered, complaints = transcript(b"PASS " + SECRET.encode() * 1000 + b"\r\n")
    assert "(a line of more than 8192 octets)" in rendered
    assert SECRET not in rendered + "".join(complaints)


@pytest.mark.parametrize("piece", [None, 1, 7])
def test_half_a_password_is_not_shown_either(piece: int | None) -> None:
    """Where a line never ends, what has come of it stays unseen."""
    rendered, complaints = transcript(b"X\nopen ses", piece=piece)
    assert "open" not in rendered + "".join(complaints)
    assert len(complaints) == 1


def test_odd_octets_are_escaped() -> None:
    """A transcript is printed to terminals; each line stays one line."""
    assert shown(b"plain ASCII ~") == "plain ASCII ~"
    assert shown(b"\x1b[2J\r\n\xe9\0") == r"\x1b[2J\r\n\xe9\x00"
    assert shown(b"back\\slash") == r"back\\slash"


PASSWORDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="*\\'\""), min_size=4)
NOISE = st.binary(max_size=20) | st.sampled_from([b" ", b"\n", b"\r", b"\t", b"\0", b":", b"=", b"USER ", b"ann "])
KEYWORDS = [
    b"PASS",
    b"pass ",
    b"USER ",
    b"USER ann ",
    b"XYZZY ",
    b"RETR ",
    b"AUTH PLAIN ",
    b"APOP ",
    b"APOP ann ",
    b"",
    b"+",
]
DETERMINISTIC = settings(derandomize=True, deadline=None, database=None, max_examples=200)


@DETERMINISTIC
@given(
    password=PASSWORDS, before=NOISE, after=NOISE, keyword=st.sampled_from(KEYWORDS), piece=st.sampled_from([None, 1])
)
def test_no_line_shows_the_password(
    password: str, before: bytes, after: bytes, keyword: bytes, piece: int | None
) -> None:
    """In the transcript and in what is told of the client, whole or broken, however it comes."""
    assume(not re.fullmatch(r"[0-9 ]*", password))
    assume(password.upper() not in {"USER", "PASS", "APOP", "AUTH", "RETR"})
    octets = keyword + before + password.encode() + after + b"\r\n"
    rendered, complaints = transcript(octets * 2, Account("ann", password), piece=piece)
    said = [line.partition(" C  ")[2] for line in rendered.split("\n") if " C  " in line]
    said += [line.partition(" sent: ")[2] for text in complaints for line in text.split("\n") if " sent: " in line]
    assert not any(password in line for line in said), said


@DETERMINISTIC
@given(st.binary(max_size=60), st.lists(st.binary(min_size=4, max_size=8), max_size=3))
def test_what_is_shown_is_one_printable_line(line: bytes, secrets: list[bytes]) -> None:
    """Whatever was sent."""
    text = masked(line, secrets)
    assert text.isascii()
    assert text.isprintable()
