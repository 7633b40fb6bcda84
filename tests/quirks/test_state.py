"""Quirks that hang on what was before: in the session, or in earlier ones of the same account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake import ManualClock, Pop3sServer
from pop3s_fake.connection import EOF, Connection, Receive, Wait
from tests.quirks.talking import connected

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

AGAIN = ["(again)", "USER ann", "PASS not-a-secret"]
OF_JOE = ["(again)", "USER joe", "PASS not-a-secret"]


@pytest.mark.parametrize("dialect", [None, "dovecot"])
def test_rset_keeps_what_was_retrieved(play: Callable[..., Any], dialect: str | None) -> None:
    """RFC 1939 section 5: nothing of what was before RSET is carried out; what comes behind it is."""
    script = ["RETR 1", "RSET", "RETR 2", "QUIT", *AGAIN, "UIDL 1", "UIDL 2"]
    seen = play(["deleted-on-retr"], script, dialect=dialect).seen
    assert seen[-2].endswith(" m1\r\n")
    assert seen[-1].startswith("-ERR")


def test_what_is_retrieved_is_kept_where_deletions_do_nothing(play: Callable[..., Any]) -> None:
    """Both decide their own part."""
    seen = play(["deleted-on-retr", "dele-only-hides(how=not)"], ["RETR 1", "QUIT", *AGAIN, "STAT"]).seen
    assert seen[-1] == "+OK 2 149\r\n"


@pytest.mark.parametrize("dialect", [None, "courier", "dovecot", "popa3d"])
def test_deleted_on_retr_lists_nothing(play: Callable[..., Any], dialect: str | None) -> None:
    """The list of capabilities stays as it is."""
    assert play(["deleted-on-retr"], ["CAPA"], dialect=dialect).seen == play([], ["CAPA"], dialect=dialect).seen


def test_a_message_that_somebody_else_deletes_is_gone_once(play: Callable[..., Any]) -> None:
    """RSET does not bring it back, QUIT deletes it no more, and the next session has all its messages."""
    script = ["TOP 1 0", "RSET", "LIST", "DELE 1", "QUIT", *AGAIN, "TOP 1 0", "STAT"]
    assert play(["retr-expunged"], script).seen == [
        "-ERR Message 1 expunged.\r\n",
        "+OK maildrop has 1 message (68 octets)\r\n",
        "+OK 1 message (68 octets)\r\n2 68\r\n.\r\n",
        "-ERR Message 1 expunged.\r\n",
        "+OK signing off\r\n",
        "(end fin)",
        "+OK POP3 server ready <stamp@localhost>\r\n",
        "+OK name noted, now the password\r\n",
        "+OK maildrop has 1 message (68 octets)\r\n",
        "+OK top of message follows\r\nSubject: two\r\nX-Mailer: old\r\n y\r\nTo: ann\r\n\r\n",
        ".\r\n",
        "+OK 1 68\r\n",
    ]


def test_which_message_is_gone_is_a_parameter(play: Callable[..., Any]) -> None:
    """The others can be fetched."""
    seen = play(["retr-expunged(message=2)"], ["RETR 2", "UIDL"]).seen
    assert seen == ["-ERR Message 2 expunged.\r\n", "+OK unique-id listing follows\r\n1 m1\r\n.\r\n"]


def test_a_message_that_is_gone_and_asked_for_again_is_a_bad_command(play: Callable[..., Any]) -> None:
    """Dovecot counts it from the second time on, and ends the connection after twenty."""
    seen = play(["retr-expunged"], ["RETR 1"] * 21, dialect="dovecot").seen
    assert seen[:20] == ["-ERR Message 1 expunged.\r\n"] * 20
    assert seen[20:] == ["-ERR Message 1 expunged.\r\n-ERR Too many bad commands.\r\n", "(end fin)"]


def test_a_quota_is_that_of_an_account(play: Callable[..., Any]) -> None:
    """What ann has fetched is not counted to joe."""
    seen = play(["retr-quota(messages=1)"], ["RETR 1", "RETR 2", *OF_JOE, "RETR 1", "RETR 1", *AGAIN, "RETR 2"]).seen
    assert [line.partition(" ")[0] for line in seen if "octets\r\n" in line[:16] or "exceed" in line] == [
        *("+OK", "-ERR", "+OK", "-ERR", "-ERR"),
    ]


def test_a_quota_may_be_one_of_octets(play: Callable[..., Any]) -> None:
    """A message that is too large for what is left is refused, and a smaller one is not."""
    seen = play(["retr-quota(messages=0, octets=140)"], ["RETR 2", "RETR 1", "RETR 2", "RETR 2"]).seen
    assert [line[:6] for line in seen] == ["+OK 68", "-ERR D", "+OK 68", "-ERR D"]


def test_the_unique_ids_of_each_account_change() -> None:
    """Whoever comes in first."""
    with Pop3sServer(quirks=["uidl-all-changed"], clock=ManualClock()) as server:
        logins = [(server.login.user, server.login.password), ("bob", "bob's password")]
        for maildrop in (server.maildrop, server.add_account(*logins[1])):
            maildrop.add_one("Subject: one\n\n", uid="m1")
        told = []
        for user, password in [*logins, *logins, *logins]:
            with connected(server) as client:
                client.user(user)
                client.pass_(password)
                told += client.uidl()[1]
                client.quit()
    assert told == [b"1 m1"] * 2 + [b"1 renumbered-1-1"] * 4


@pytest.mark.parametrize(
    ("text", "stat", "listed", "retrieved"),
    [
        ("how=lf", 135, (75, 60), 60),
        ("how=zero", 0, (0, 0), 0),
        ("how=more, by=7", 163, (88, 75), 75),
        ("how=less, by=70", 11, (11, 0), 0),
        ("by=50", 200, (100, 100), 100),
        ("by=50, stat=no", 149, (100, 100), 100),
        ("by=50, list=no", 200, (81, 68), 100),
        ("by=50, retr=no", 200, (100, 100), 68),
    ],
)
def test_sizes_are_wrong_in_many_ways(
    play: Callable[..., Any], text: str, stat: int, listed: tuple[int, int], retrieved: int
) -> None:
    """STAT tells the sum of what LIST would tell, and each of the three can be right."""
    for dialect in (None, "dovecot"):
        seen = play([f"size-wrong({text})"], ["STAT", "LIST", "LIST 2", "RETR 2", "STAT"], dialect=dialect).seen
        assert seen[0] == seen[-1] == f"+OK 2 {stat}\r\n"
        assert seen[1].endswith(f"\r\n1 {listed[0]}\r\n2 {listed[1]}\r\n.\r\n")
        assert seen[2] == f"+OK 2 {listed[1]}\r\n"
        assert seen[3].startswith(f"+OK {retrieved} octets\r\nSubject: two")


@pytest.mark.parametrize(
    ("quirk", "stays", "left"),
    [
        ("quit-slow(deletes=first)", False, 1),
        ("quit-slow(deletes=first)", True, 1),
        ("quit-slow(deletes=last)", False, 2),
        ("quit-slow(deletes=last)", True, 1),
    ],
)
def test_a_client_that_does_not_wait_for_quit_may_lose_its_deletions(
    play: Callable[..., Any], *, quirk: str, stays: bool, left: int
) -> None:
    """Where the server deletes last, and finds nobody there any more."""
    house = play([quirk], ["(greeting)"])
    connection = Connection(house.settings, house.transcript.begin(0.0))
    said = iter([b"USER ann", b"PASS not-a-secret", b"DELE 1", b"QUIT"])
    waited = False
    for step in connection.steps():
        if isinstance(step, Wait):
            waited = True
            if not stays:
                connection.feed(EOF)
        elif isinstance(step, Receive):
            connection.feed(next(said) + b"\r\n")
    connection.close()
    assert waited
    assert len(house.settings.accounts["ann"].maildrop) == left


AHEAD = "RETR 1\r\nRETR 2\r\nNOOP"


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("how=drop", ["+OK 81 octets\r\nSubject: one\r\nContent-Type", "(end fin)"]),
        ("how=none, ahead=lost", ["+OK 81 octets\r\nSubject: one\r\nContent-Type"]),
    ],
)
def test_whoever_sends_ahead_is_let_down(play: Callable[..., Any], text: str, answers: list[str]) -> None:
    """Who waits for each answer is not."""
    quirk = [f"pipelining-advertised-broken({text})"]
    seen = play(quirk, [AHEAD]).seen
    assert len(seen) == len(answers)
    assert all(said.startswith(answer) for said, answer in zip(seen, answers, strict=True))
    assert play(quirk, AHEAD.split("\r\n")).seen == play([], AHEAD.split("\r\n")).seen


def test_the_next_answer_may_come_within_a_message(play: Callable[..., Any]) -> None:
    """There is no dot before it; what is asked for by itself has its dot."""
    quirk = ["pipelining-advertised-broken(how=mixed)"]
    mixed = "".join(play(quirk, [AHEAD]).seen)
    assert "\r\nlast\r\n+OK 68 octets\r\n" in mixed
    assert "\r\n.\r\n" not in mixed
    assert mixed.endswith("+OK\r\n")
    assert play(quirk, AHEAD.split("\r\n")).seen == play([], AHEAD.split("\r\n")).seen


def test_the_terminator_alone_may_end_in_lf(play: Callable[..., Any]) -> None:
    """Lines, answers of one line and refusals are as ever."""
    script = ["LIST", "LIST 1", "RETR 2", "TOP 1 0", "UIDL", "CAPA", "RETR 9"]
    right, wrong = ("".join(play(quirks, script).seen) for quirks in ([], ["lf-only-replies(where=terminator)"]))
    assert wrong == right.replace("\r\n.\r\n", "\r\n.\n")
    assert wrong.count("\r\n.\n") == 5


@pytest.mark.parametrize("dialect", [None, "courier"])
def test_bare_auth_lists_what_is_offered(play: Callable[..., Any], dialect: str | None) -> None:
    """And an unknown mechanism is refused as ever."""
    script = ["(greeting)", "AUTH", "CAPA", "AUTH X-ODD"]
    lines = "".join(play(["bare-auth-lists-mechanisms"], script, dialect=dialect).seen).splitlines()[1:]
    offered = next((line.split()[1:] for line in lines if line.startswith("SASL ")), ["PLAIN", "LOGIN", "CRAM-MD5"])
    assert lines[: len(offered) + 2] == ["+OK", *offered, "."]
    assert "-ERR" in lines[-1]


def test_success_is_said_too_early_only_where_a_message_is(play: Callable[..., Any]) -> None:
    """A refusal stays one."""
    seen = play(["retr-err-after-ok(number=3)"], ["RETR 3", "RETR 1"]).seen
    assert seen[0].startswith("-ERR no such message")
    assert seen[1].startswith("+OK 81 octets")
