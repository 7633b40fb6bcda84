"""No message is fetched unless that is wished, none is lost in any case, and nothing of one is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.probing import draft, questions
from tests.probing.asked import USER, asked_of, serving
from tests.probing.odd import Odd, seen_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pop3s_fake import Pop3sServer

MAIL = [f"Subject: turnip{number}\n\nbody{number} of badgers\nand more\n" for number in range(1, 13)]

TRAPS: dict[str, dict[str, Any]] = {
    "0 is a message": {"quirks": ["message-zero-accepted", "deleted-on-retr"]},
    "TOP sends all of it and counts as reading": {"quirks": ["top-zero-gives-all", "top-sets-seen", "deleted-on-retr"]},
    "sizes are no numbers": {"quirks": ["list-size-not-number", "deleted-on-retr"]},
    "LIST is refused": {"rules": ['LIST -> reply "-ERR not now"'], "quirks": ["deleted-on-retr"]},
    "the listing is short": {"quirks": ["listing-capped(newest=2)", "deleted-on-retr"]},
    "numbers wrap": {"quirks": ["number-wraps", "deleted-on-retr"]},
    "another's sizes": {"dialect": "mailpit-old", "quirks": ["deleted-on-retr"]},
    "another's zero": {"dialect": "stalwart-old", "quirks": ["deleted-on-retr"]},
}
"""Servers that take a question for a fetch, and a fetch for leave to remove."""


def trap(name: str, mail: Sequence[str] = MAIL) -> Pop3sServer:
    """One of them."""
    given = dict(TRAPS[name])
    return serving(given.pop("dialect", None), mail, **given)


@pytest.mark.parametrize("name", TRAPS)
@pytest.mark.parametrize("fetch", [False, True], ids=["", "fetch"])
def test_no_server_loses_mail_to_a_probe(name: str, *, fetch: bool) -> None:
    """Whatever it takes for a fetch, it is not told to go through with it; and RETR is said only if that is wished."""
    with trap(name) as server:
        asked_of(server, fetch=fetch)
        for session in server.transcript.sessions:
            assert session.ended != "quit" or not session.retrieved
            if f"USER {USER}" in session.commands and not fetch:
                assert "RETR" not in session.keywords
        asked_of(server, user="", password="")
        assert len(server.maildrop) == len(MAIL)


def test_without_fetch_no_retr_comes_behind_a_login_and_no_top_of_a_number_that_may_be_misread() -> None:
    """By what is written down."""
    safe = [each.said for each in (*questions.AFTER, *questions.HEADERS)]
    assert not [each for each in safe if each.upper().startswith("RETR")]
    assert [each for each in safe if each.startswith("TOP") and "{one}" not in each] == ["TOP", "TOP {beyond} 0"]
    assert not [each for each in questions.AFTER if each.said.upper().startswith("TOP")]


def test_in_a_large_maildrop_a_number_beyond_is_above_what_stat_says() -> None:
    """More than 5 000 messages are not listed, and nobody is asked for the seventh of them."""
    with serving(None, ["Subject: x\n\ny\n"] * 5001, quirks=["deleted-on-retr"]) as server:
        text = draft(asked_of(server, fetch=True))
        commands = [each for session in server.transcript.sessions for each in session.commands]
        assert len(server.maildrop) == 5001
    assert "# - LIST: it has more than 5000 messages" in text
    assert {"RETR 5008", "TOP 5008 0", "LIST 5008", "UIDL 5008"} <= set(commands)
    assert not [session.retrieved for session in server.transcript.sessions if session.retrieved]


def test_a_listing_that_goes_beyond_stat_counts_too() -> None:
    """A server that counts otherwise in STAT than in LIST or in UIDL."""
    server = Odd({b"UIDL": b"+OK\r\n1 aaaaaaaa\r\n30 bbbbbbbb\r\n.\r\n"})
    seen_of(server, fetch=True)
    assert b"RETR 37" in server.said()


@pytest.mark.parametrize("stat", [b"-ERR no\r\n", b"+OK\r\n", b"+OK many 3\r\n", b"+OK \xb2 3\r\n"])
def test_where_stat_says_no_number_none_is_taken_for_one_that_no_message_has(stat: bytes) -> None:
    """The questions about it are left out, and the draft says so."""
    server = Odd({b"STAT": stat})
    seen = seen_of(server, fetch=True)
    assert {each for each in server.said() if each.startswith(b"RETR")} == {
        b"RETR",
        b"RETR 1",
        b"RETR 0",
        b"RETR abc",
    }
    assert "RETR 999: STAT does not say how many messages there are, so that a number may be one's" in seen.not_asked


def test_a_message_is_known_by_its_number_and_not_by_its_place_in_the_listing() -> None:
    """The short one is the second here, and its number is 9."""
    server = Odd({b"LIST": b"+OK\r\n1 x\r\n4 500\r\n9 60\r\n.\r\n"})
    seen_of(server)
    said = {each for each in server.said() if each.startswith(b"TOP ")}
    assert b"TOP 9 0" in said
    assert not [each for each in said if each.split(b" ")[1] == b"1"]


def test_what_retr_and_top_bring_is_let_go_to_the_last_line() -> None:
    """Also for a number that no message has: nothing of it is read as an answer, and nothing is kept."""
    mail = b"+OK 36 octets\r\nSubject: turnip\r\n\r\n+OK badgers\r\n-ERR ferrets\r\n.\r\n"
    shown: list[str] = []
    server = Odd({b"RETR": mail, b"TOP": mail})
    seen = seen_of(server, shown, fetch=True)
    text = draft(seen) + repr(seen) + "\n".join(shown)
    for word in ("turnip", "badgers", "ferrets"):
        assert word not in text
    assert {each.came for each in seen.exchanges() if each.said.startswith(b"RETR") and each.lines is None} >= {
        ("+OK 36 octets",)
    }
    assert seen.found(b"NOOP  ") is not None


LISTING = b"1 aaaaaaaa\r\n2 bbbbbbbb\r\n.\r\n"


def test_a_listing_in_place_of_one_line_is_let_go() -> None:
    """A server that does not look at the argument of UIDL and LIST; what comes next answers what is asked next."""
    server = Odd({b"UIDL": b"+OK\r\n" + LISTING, b"LIST": b"+OK\r\n1 40\r\n2 60\r\n.\r\n"})
    seen = seen_of(server)
    for said in (b"LIST 1", b"UIDL 1", b"UIDL abc"):
        exchange = seen.found(said)
        assert exchange is not None
        assert exchange.answers == ("+OK",)
    assert {each.answers for each in seen.exchanges() if each.said == b"NOOP\r\n"} == {("+OK",)}
    assert "aaaaaaaa" not in repr(seen)


def test_a_listing_that_comes_late_is_let_go() -> None:
    """Behind the next question, before its answer."""
    late: list[bytes] = []

    def uidl(_: bytes) -> bytes:
        late.append(LISTING)
        return b"+OK\r\n"

    def answer(octets: bytes) -> bytes:
        return late.pop() + octets if late else octets

    says = {
        b"UIDL 0": uidl,
        b"UIDL 9": lambda _: answer(b"-ERR there is none\r\n"),
    }
    server = Odd(says)
    seen = seen_of(server)
    exchange = seen.found(b"UIDL 9")
    assert exchange is not None
    assert exchange.answers == ("-ERR there is none",)
    assert "aaaaaaaa" not in repr(seen)


def test_a_listing_without_an_end_gives_the_connection_up() -> None:
    """Nobody knows what would be an answer; the rest is asked on another."""
    server = Odd({b"LIST abc": b"+OK\r\n1 40\r\n2 60\r\n"})
    seen = seen_of(server)
    assert [each.answers for each in seen.exchanges() if each.said in {b"LIST abc\r\n", b"UIDL 0\r\n"}] == [
        ("+OK",),
        ("-ERR no",),
    ]
    last = next(heard for heard in server.heard if b"LIST abc" in heard)
    assert last[-1] == b"LIST abc"


def test_a_line_behind_an_answer_that_is_none_is_not_kept() -> None:
    """As some say more behind a refusal."""
    server = Odd({b"XPROBE": b"-ERR no\r\nsee http://example.com/\r\n"})
    seen = seen_of(server)
    assert "example.com" not in repr(seen.exchanges()[:20])
