"""AUTH as POP3 frames it (RFC 5034): what stands in its line, what in the lines behind it, and how it ends."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.protocol import Session
from pop3s_fake.protocol.lines import RESPONSE_LIMIT
from pop3s_fake.protocol.sasl import Context, Granted, Mechanism, Refused

if TYPE_CHECKING:
    from pop3s_fake.protocol.sasl import Exchange
    from tests.protocol.conftest import Server

GOOD = base64.b64encode(b"\0mrose\0tanstaaf").decode()
BAD = base64.b64encode(b"\0mrose\0guess").decode()
OPENED = b"+OK maildrop has 2 messages (320 octets)\r\n"
REFUSED = b"-ERR [AUTH] name or password is wrong\r\n"
NOT_BASE64 = b"-ERR this is not base64\r\n"
EMPTY = b"+ \r\n"

EVERY_WAY = pytest.mark.parametrize("way", ["whole", "octet", "tls", "tls-octet"], indirect=True)


@EVERY_WAY
def test_an_initial_response_logs_in_at_once(server: Server) -> None:
    """RFC 5034 section 4; keyword and mechanism in whatever case (section 5)."""
    for line in (f"AUTH PLAIN {GOOD}", f"auth plain {GOOD}"):
        client = server.connect()
        assert client.ask(line, "STAT", "QUIT") == OPENED + b"+OK 2 320\r\n+OK signing off\r\n"
        assert client.log.user == "mrose"


@EVERY_WAY
def test_without_one_the_challenge_is_empty(server: Server) -> None:
    """RFC 5034 section 4: a plus sign and a space, and the response on a line of its own."""
    client = server.connect()
    assert client.ask("AUTH PLAIN") == EMPTY
    assert client.ask(GOOD) == OPENED
    assert client.ask("STAT") == b"+OK 2 320\r\n"


def test_a_failure_leaves_all_as_if_there_had_been_no_auth(server: Server) -> None:
    """RFC 5034 section 4: another attempt, and any other way to log in, may follow."""
    client = server.connect()
    assert client.ask(f"AUTH PLAIN {BAD}", "AUTH PLAIN", BAD, "AUTH PLAIN", "*") == (
        REFUSED + EMPTY + REFUSED + EMPTY + b"-ERR AUTH cancelled\r\n"
    )
    assert client.in_step()
    assert client.ask("USER mrose", "PASS tanstaaf").endswith(OPENED)


@pytest.mark.parametrize(
    "word", ["=AAA", "AAA=BBB", "AAA", "A===", "AAAA=", "AA==AAAA", "_w==", "-w==", "A", "AA=", "===", "A\x7fAA"]
)
def test_what_is_not_base64_is_refused(server: Server, word: str) -> None:
    """RFC 5034 section 4: nothing foreign is skipped, and the equals sign stands at the end only."""
    client = server.connect()
    assert client.ask("AUTH PLAIN", word) == EMPTY + NOT_BASE64
    assert client.in_step()
    if word.isprintable():
        assert client.ask(f"AUTH PLAIN {word}") == NOT_BASE64
        assert client.in_step()


def test_a_space_in_a_response_is_not_skipped(server: Server) -> None:
    """The same; in the AUTH line it makes one word too many."""
    client = server.connect()
    assert client.ask("AUTH PLAIN", f"{GOOD[:4]} {GOOD[4:]}") == EMPTY + NOT_BASE64
    assert client.ask("AUTH PLAIN", f"{GOOD} ") == EMPTY + NOT_BASE64
    assert client.ask("AUTH PLAIN", f" {GOOD}") == EMPTY + NOT_BASE64
    assert client.refuses(f"AUTH PLAIN {GOOD} {GOOD}", f"AUTH PLAIN  {GOOD}", f"AUTH PLAIN {GOOD} ")


def test_a_single_equals_sign_is_an_initial_response_without_octets(server: Server) -> None:
    """RFC 5034 section 4; on a line of its own it is no base64."""
    client = server.connect()
    assert client.ask("AUTH PLAIN =").startswith(b"-ERR PLAIN")
    assert client.ask("AUTH PLAIN", "") == EMPTY + client.ask("AUTH PLAIN =")
    assert client.ask("AUTH PLAIN", "=") == EMPTY + NOT_BASE64


def test_in_an_exchange_every_line_is_a_response(server: Server) -> None:
    """RFC 5034 section 4: QUIT, NOOP and STAT are base64 of three octets."""
    for line in ("QUIT", "NOOP", "STAT", "CAPA", "quit", "AUTH PLAIN", "PASS tanstaaf"):
        client = server.connect()
        client.ask("AUTH PLAIN")
        assert client.ask(line).startswith(b"-ERR ")
        assert client.ended is None
        assert client.in_step()


def test_unknown_mechanisms_and_bad_names_are_refused_at_once(server: Server) -> None:
    """RFC 5034 section 4, RFC 4422 section 3.1."""
    client = server.connect()
    assert client.ask("AUTH FOOBAR", f"AUTH FOOBAR {GOOD}") == b"-ERR this mechanism is not offered\r\n" * 2
    told = b"-ERR AUTH takes a mechanism of 1 to 20 letters, digits, hyphens and underscores, not that: "
    told += b"AUTH mechanism or AUTH mechanism initial-response\r\n"
    assert client.ask("AUTH pl@in", f"AUTH {21 * 'A'}") == told * 2
    assert client.ask("AUTH") == (b"-ERR AUTH is not complete: AUTH mechanism or AUTH mechanism initial-response\r\n")
    assert client.refuses("AUTH ", "AUTH  PLAIN", "AUTH PLAIN ")


def test_auth_is_for_those_who_have_not_logged_in(server: Server) -> None:
    """RFC 5034 section 4: however they did."""
    client = server.connect()
    client.ask(f"AUTH PLAIN {GOOD}")
    assert client.refuses(f"AUTH PLAIN {GOOD}", "AUTH PLAIN", "AUTH")
    assert server.connect().refuses()


def test_good_credentials_do_not_open_a_maildrop_that_is_in_use(server: Server) -> None:
    """RFC 5034 section 4, RFC 2449 section 8.1.2: and bad ones do not tell that it is."""
    server.login()
    client = server.connect()
    assert client.ask(f"AUTH PLAIN {GOOD}") == b"-ERR [IN-USE] the maildrop is open in another session\r\n"
    assert client.ask("AUTH PLAIN", BAD) == EMPTY + REFUSED
    assert client.in_step()


def test_auth_after_user_forgets_the_name(server: Server) -> None:
    """Nothing forbids it; a failure then is one of AUTH, and PASS comes immediately after USER."""
    client = server.connect()
    assert client.ask("USER mrose", f"AUTH PLAIN {BAD}").endswith(REFUSED)
    assert client.refuses("PASS tanstaaf")
    assert client.ask("USER mrose", f"AUTH PLAIN {GOOD}").endswith(OPENED)


# how long a line may be


@pytest.mark.parametrize(("octets", "broken"), [(253, False), (257, True)])
def test_the_auth_line_is_a_command_of_255_octets(server: Server, octets: int, broken: bool) -> None:  # noqa: FBT001
    """RFC 5034 section 4, RFC 2449 section 4: a longer one is taken and recorded as what it is."""
    initial = base64.b64encode(b"\0" + b"u" * 60 + b"\0" + b"p" * (118 + octets // 257)).decode()
    line = f"AUTH PLAIN {initial}"
    assert len(line) + 2 == octets
    client = server.connect()
    assert client.ask(line) == REFUSED
    assert [str(complaint).split(" ")[0] for complaint in server.complaints] == ["C-5034-4.1"] * broken
    assert "uuuuuuuu" not in str(server.complaints)
    assert client.in_step()


@EVERY_WAY
def test_a_response_may_be_much_longer(server: Server) -> None:
    """RFC 5034 section 4: a kilobyte of PLAIN is understood, and 16 KiB of a bearer token would be."""
    client = server.connect()
    for octets in (1021, 16_384, 40_000):
        assert client.ask("AUTH PLAIN") == EMPTY
        told = client.ask(base64.b64encode(b"\0" + b"u" * octets + b"\0p"))
        assert told.startswith(b"-ERR ")
        assert b"too long" not in told
        assert client.in_step()
    assert not server.complaints
    assert client.ask("AUTH PLAIN", GOOD) == EMPTY + OPENED


def test_an_endless_response_ends_the_exchange_once(server: Server) -> None:
    """RFC 2449 section 4: its tail is no command and no response."""
    client = server.connect()
    assert client.ask("AUTH PLAIN", "A" * 100_000 + "NOOP", "AUTH PLAIN", GOOD) == (
        EMPTY + b"-ERR the line is too long\r\n" + EMPTY + OPENED
    )


def test_what_follows_an_exchange_is_bounded_as_a_command_again(server: Server) -> None:
    """However it is cut: a line that AUTH makes a response may be long, the next one may not."""
    client = server.connect()
    long = "A" * 20_000
    assert client.ask("AUTH PLAIN", long, long, "AUTH PLAIN", "*") == client.ask("AUTH PLAIN", long) + (
        b"-ERR the line is too long\r\n" + EMPTY + b"-ERR AUTH cancelled\r\n"
    )


# mechanisms in which the server begins, or has the last word


def _duel(context: Context) -> Exchange:
    """A mechanism with a challenge of its own, and final data: the response is the name."""
    answer = yield b"who?"
    account = context.accounts.get(answer.decode())
    if account is None:
        raise Refused("nobody", "AUTH")
    empty = yield b"v=you"
    if empty:
        raise Refused("that was to be empty", None)
    return Granted(account)


@pytest.fixture
def duel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer it."""
    mechanism = Mechanism("DUEL", _duel, lambda octets, which: f"{which}:{octets.decode()}", client_first=False)
    names = {"DUEL": mechanism}
    monkeypatch.setattr("pop3s_fake.protocol.authentication.MECHANISMS", names)
    monkeypatch.setattr("pop3s_fake.protocol.sasl.MECHANISMS", names)
    monkeypatch.setattr("pop3s_fake.protocol.capabilities.MECHANISMS", {"DUEL": ""})


@pytest.mark.usefixtures("duel")
def test_a_mechanism_in_which_the_server_begins_takes_no_initial_response(server: Server) -> None:
    """RFC 5034 section 4."""
    client = server.connect()
    told = b"-ERR DUEL begins with the server: it takes no initial response\r\n"
    assert client.ask("AUTH DUEL dGVzdA==", "AUTH DUEL =") == told * 2
    assert client.in_step()


@pytest.mark.usefixtures("duel")
def test_final_data_is_one_more_challenge(server: Server) -> None:
    """RFC 5034 section 4: answered by an empty line; no data stands in the reply."""
    client = server.connect()
    name = base64.b64encode(b"mrose").decode()
    assert client.ask("AUTH DUEL") == b"+ d2hvPw==\r\n"
    assert client.ask(name) == b"+ dj15b3U=\r\n"
    assert client.ask("") == OPENED
    other = server.connect()
    assert other.ask("AUTH DUEL", "bm8=", "AUTH DUEL", name, "bm8=") == (
        b"+ d2hvPw==\r\n-ERR [AUTH] nobody\r\n+ d2hvPw==\r\n+ dj15b3U=\r\n-ERR that was to be empty\r\n"
    )
    assert other.in_step()


# what is noted


@EVERY_WAY
def test_the_transcript_shows_an_exchange_decoded_and_masked(server: Server) -> None:
    """The command is AUTH and its mechanism; responses are no commands; no secret is there in whatever form."""
    client = server.connect()
    for line in (f"AUTH PLAIN {BAD}", "AUTH PLAIN", GOOD, "QUIT"):
        client.ask(line)
    assert client.log.commands == ["AUTH PLAIN", "AUTH PLAIN", "QUIT"]
    assert client.log.keywords == ["AUTH", "AUTH", "QUIT"]
    told = [(entry.kind, entry.text, entry.octets) for entry in client.log.entries[1:]]
    assert told == [
        ("C", "AUTH PLAIN", 29),
        ("R", r"\0mrose\0****", 0),
        ("S", "-ERR [AUTH] name or password is wrong", 39),
        ("C", "AUTH PLAIN", 12),
        ("S", "+ ", 4),
        ("R", r"\0mrose\0****", 22),
        ("S", "+OK maildrop has 2 messages (320 octets)", 42),
        ("C", "QUIT", 6),
        ("S", "+OK signing off", 17),
    ]
    shown = server.transcript.render()
    assert r"C  (response) \0mrose\0****" in shown
    assert "tanstaaf" not in shown
    assert GOOD not in shown


def test_what_cannot_be_decoded_is_masked(server: Server) -> None:
    """It may be anything, a password typed at the wrong place, too."""
    client = server.connect()
    client.ask("AUTH PLAIN", "open sesame", "AUTH PLAIN *", "AUTH NONE b3BlbiBzZXNhbWU=", "AUTH PLAIN", "*")
    client.ask("AUTH open-sesame-open-sesame", "AUTH PLAIN", base64.b64encode(b"tanstaaf\0tanstaaf\0x"))
    shown = server.transcript.render()
    assert "sesame" not in shown.replace("AUTH open-sesame-open-sesame", "")
    assert "tanstaaf" not in shown
    assert [entry.text for entry in client.log.entries if entry.kind == "R"] == [
        "****",
        "*",
        "****",
        "*",
        r"****\0****\0****",
    ]


def test_silence_in_an_exchange_is_silence(server: Server) -> None:
    """RFC 1939 section 3: each response restarts the autologout timer, and nothing is said when it strikes."""
    client = server.connect()
    client.wait(599)
    client.ask("AUTH PLAIN")
    assert client.wait(599) == b""
    assert client.ended is None
    assert client.wait(1) == b""
    assert client.ended == "fin"
    assert client.log.ended == "autologout"


def test_who_hangs_up_in_an_exchange_has_not_logged_in(server: Server) -> None:
    """And nothing of it is left."""
    client = server.connect()
    client.ask("AUTH PLAIN")
    client.hang_up()
    assert client.log.ended == "eof"
    assert server.login().ask("QUIT")


def test_without_surroundings_there_is_no_auth(server: Server) -> None:
    """A session of which nobody has said what a mechanism may know."""
    session = Session(server.accounts)
    assert session.execute(b"AUTH PLAIN").octets() == b"-ERR this mechanism is not offered\r\n"


def test_the_bound_of_a_response_is_above_a_token_of_16_kib() -> None:
    """In base64, with what stands around it."""
    assert RESPONSE_LIMIT > 16_384 * 4 / 3 + 500
