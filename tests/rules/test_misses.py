"""What a rule that never struck says for itself, word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.rules import Rule, RuleBook
from pop3s_fake.rules.pipeline import reply
from pop3s_fake.rules.placing import Parts

if TYPE_CHECKING:
    from collections.abc import Callable

TAIL = ", or .optional() if it need not strike"

SIZES = {"1": 10, "2": 300}


def text_of(rule: str, *sessions: str, where: str = "test_sync.py:41") -> str:
    """What is said of this rule after these sessions, each a few commands parted by semicolons."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    book.add(rule, where=where)
    for number, commands in enumerate(sessions, 1):
        session = book.session(number)
        session.bind("accept")
        session.bind("greeting")
        for command in filter(None, commands.split("; ")):
            keyword, _, argument = command.partition(" ")
            bound = session.bind(keyword, argument, user="bob")
            if bound is not None:
                payload = b"x" * SIZES.get(argument, 0)
                parts = Parts(b"+OK\r\n", lambda payload=payload: [payload])  # type: ignore[misc]
                list(reply(bound, parts if argument else Parts(b"+OK\r\n"), book.now))
    problems = book.unmet()
    assert len(problems) == 1
    return str(problems[0])


TEXTS = [
    (
        "RETR@512 -> end rst",
        ["RETR 2"],
        "RETR was sent once (session 1, message 2); its reply had 308 octets, so @512 lay beyond the end",
        "RETR@50%",
    ),
    (
        "RETR@512 -> end rst",
        ["RETR 1", "RETR 2; RETR 1"],
        "RETR was sent 3 times; the longest reply (session 2, message 2) had 308 octets, so @512 lay beyond the end",
        "RETR@50%",
    ),
    (
        "RETR(2)@body:301 -> end rst",
        ["RETR 1; RETR 2"],
        (
            "RETR was sent 2 times; the longest reply (session 1, message 2) had 300 octets of payload, "
            "so @body:301 lay beyond the end"
        ),
        "RETR(2)@50%",
    ),
    (
        "LIST@body:0 -> end rst",
        ["LIST"],
        "LIST was sent once (session 1); its reply had one line, so there was no @body:0",
        "LIST@50%",
    ),
    (
        "RETR@L4 -> end rst",
        ["RETR 1"],
        "RETR was sent once (session 1, message 1); its reply had 2 lines, so there was no @L4",
        "RETR@50%",
    ),
    (
        "RETR@-99 -> end rst",
        ["RETR 1"],
        "RETR was sent once (session 1, message 1); its reply had 18 octets, so @-99 lay before its beginning",
        "RETR@50%",
    ),
    ("RETR#2 -> end rst", ["RETR 1"], "RETR was sent once (session 1), so #2 never came", "RETR#1"),
    (
        "RETR#5@7 -> end rst",
        ["RETR 1; RETR 1", "RETR 1"],
        "RETR was sent 3 times (sessions 1, 2), at most 2 times in a connection, so #5 never came",
        "RETR#2@7",
    ),
    (
        "RETR,TOP#4 -> end rst",
        ["RETR 1; TOP 1 0; NOOP"],
        "RETR or TOP was sent 2 times (session 1), so #4 never came",
        "RETR,TOP#2",
    ),
    (
        "RETR(3) -> end rst",
        ["RETR 1; RETR 2; RETR 1"],
        "RETR was sent 3 times (session 1), never with the argument 3; what came: 1, 2",
        "RETR(1)",
    ),
    (
        "LIST() -> end rst",
        ["LIST 1"],
        "LIST was sent once (session 1), never with the argument none; what came: 1",
        "LIST(1)",
    ),
    (
        "TOP(1 0) -> end rst",
        ["TOP 1 \x1b"],
        'TOP was sent once (session 1), never with the argument "1 0"; what came: "1 \\x1b"',
        'TOP("1 \\x1b")',
    ),
    (
        "PASS(right) -> end rst",
        ["PASS secret"],
        "PASS was sent once (session 1), never with the argument right; what came: ****",
        "PASS",
    ),
    (
        "RETR session=2.. -> end rst",
        ["RETR 1"],
        "RETR was sent once (session 1); session=2.. did not hold",
        "leave out the filter",
    ),
    (
        "RETR user=ann -> end rst",
        ["RETR 1"],
        "RETR was sent once (session 1); user=ann (it was bob) did not hold",
        "leave out the filter",
    ),
    (
        "RETR tls=no -> end rst",
        ["RETR 1"],
        "RETR was sent once (session 1); tls=no did not hold",
        "leave out the filter",
    ),
    (
        "RETR -> end rst; skip=3",
        ["RETR 1; RETR 2"],
        "RETR was sent 2 times (session 1), and skip=3 let it pass",
        "a smaller skip",
    ),
    (
        "RETR -> end rst; p=0",
        ["RETR 1"],
        "RETR was sent once (session 1), and p=0 let it pass",
        "another seed, a larger p",
    ),
    (
        "LIST -> edit no-terminator",
        ["LIST"],
        "LIST was sent once (session 1); its reply had one line, so there was nothing to edit no-terminator",
        "a reply to which it can happen",
    ),
    (
        "RETR -> edit unstuff",
        ["RETR 1"],
        "RETR was sent once (session 1); its payload had no stuffed dot, so there was nothing to edit unstuff",
        "a reply to which it can happen",
    ),
    (
        "TOP -> end rst",
        ["USER ann; PASS x; RETR 1", "USER ann"],
        "TOP was not sent; what came: USER, PASS, RETR (sessions 1, 2)",
        "one of these",
    ),
    ("TOP,RETR -> end rst", ["QUIT"], "TOP or RETR was not sent; what came: QUIT (session 1)", "one of these"),
    (
        "TOP -> end rst",
        ["USER ann; POP3S-PASSWORD; XTND a; AHRLC3QACG9W"],
        "TOP was not sent; what came: USER, XTND and 2 unknown commands (session 1)",
        "one of these",
    ),
    (
        "TOP -> end rst",
        ["POP3S-PASSWORD"],
        "TOP was not sent; what came: 1 unknown command (session 1)",
        "one of these",
    ),
    (
        "*(zzz) -> end rst",
        ["PASSS pop3s-password; NOOP now"],
        "a command was sent 2 times (session 1), never with the argument zzz; what came: ****, now",
        "*",
    ),
    ("TOP -> end rst", [""], "TOP was not sent: no command came", "let the client connect"),
    ("* -> end rst", [], "a command was not sent: no command came", "let the client connect"),
    ("close -> end rst", ["QUIT"], "no connection was closed; what came: QUIT (session 1)", "one of these"),
    ("greeting -> end rst", [], "no greeting was due: no command came", "let the client connect"),
    (
        "accept session=2 -> end rst",
        ["QUIT"],
        "a connection was accepted once (session 1); session=2 did not hold",
        "leave out the filter",
    ),
]


@pytest.mark.parametrize(("rule", "sessions", "nearest", "hint"), TEXTS)
def test_an_unmet_rule_tells_what_came_nearest(rule: str, sessions: list[str], nearest: str, hint: str) -> None:
    """The rule, where it was made, the nearest miss, and what could be done."""
    assert text_of(rule, *sessions) == f"{rule}   (test_sync.py:41) never struck\n  {nearest}\n  -> {hint}{TAIL}"


def test_an_unmet_rule_of_unknown_origin_stands_alone() -> None:
    """Nobody said where it was made."""
    assert text_of("RETR -> end rst", "", where="").splitlines()[0] == "RETR -> end rst never struck"


def test_a_rule_that_came_too_late_says_so() -> None:
    """The commands before it are known, and do not count."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    book.session(1).bind("RETR", "1")
    book.add("RETR -> end rst")
    assert str(book.unmet()[0]).splitlines()[1:] == [
        "  RETR was sent only before the rule was added (session 1)",
        f"  -> add it earlier{TAIL}",
    ]


@pytest.mark.parametrize(
    ("before", "after", "nearest", "hint"),
    [
        ("", "RETR 1", "RETR was sent only after heal() (session 1)", "heal later"),
        ("RETR 1", "", "RETR was sent only before the rule was added (session 1)", "add it earlier"),
        (
            "RETR 1",
            "RETR 1",
            "RETR was sent only before the rule was added and after heal() (session 1)",
            "add it earlier, or heal later",
        ),
        ("", "NOOP", "RETR was not sent; what came: NOOP (session 1)", "one of these"),
    ],
)
def test_a_rule_that_was_withdrawn_too_early_says_so(before: str, after: str, nearest: str, hint: str) -> None:
    """What came before it was added is told from what came when it was gone."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    session = book.session(1)
    if before:
        session.bind(*before.split())
    book.add("RETR -> end rst")
    book.withdraw()
    if after:
        session.bind(*after.split())
    assert str(book.unmet()[0]).splitlines()[1:] == [f"  {nearest}", f"  -> {hint}{TAIL}"]


def test_a_point_that_is_no_command_may_come_too_early_or_too_late() -> None:
    """It came, so nobody says that it did not."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    session = book.session(1)
    session.bind("accept")
    book.add("accept -> end rst")
    book.add("close -> wait 1")
    book.withdraw()
    session.bind("close")
    assert [str(problem).splitlines()[1] for problem in book.unmet()] == [
        "  a connection was accepted only before the rule was added",
        "  a connection was closed only after heal()",
    ]


def test_a_rule_that_expired_says_so() -> None:
    """It was too late on the server's clock."""
    time = [0.0]
    book = RuleBook(seed=1, now=lambda: time[0])
    book.add("RETR -> end rst; expires=30")
    time[0] = 31.0
    book.session(1).bind("RETR", "1")
    assert str(book.unmet()[0]).splitlines()[1:] == [
        "  RETR was sent once (session 1), after expires=30 was over",
        f"  -> a longer expires{TAIL}",
    ]


def test_a_loser_names_the_winner(play: Callable[..., Any]) -> None:
    """Two rules that fight over one dimension do not end in silence."""
    played = play("RETR -> wait 1", "RETR -> wait 2")
    assert [str(problem).splitlines() for problem in played.book.unmet()] == [
        [
            "RETR -> wait 1 never struck",
            "  RETR was sent once (session 1); `RETR -> wait 2`, added later, took its place",
            f"  -> another offset or phase for one of them{TAIL}",
        ]
    ]


def test_a_rule_that_another_one_cut_off_names_it(play: Callable[..., Any]) -> None:
    """Its place was never reached."""
    played = play("RETR@20 -> wait 1", "RETR@10 -> end rst")
    assert str(played.book.unmet()[0]).splitlines()[1:] == [
        "  RETR was sent once (session 1); `RETR@10 -> end rst` had ended the conversation at octet 10 of its reply",
        f"  -> a place before that{TAIL}",
    ]


def test_a_rule_that_waited_when_the_client_left_says_so(play: Callable[..., Any]) -> None:
    """The run was closed before the rule had its turn."""
    played = play("RETR@10 -> wait forever", "RETR!after -> wait 1")
    assert str(played.book.unmet()[0]).splitlines()[1:] == [
        "  RETR was sent once (session 1); the conversation was over at octet 10 of its reply",
        f"  -> a place before that{TAIL}",
    ]


def test_an_end_before_the_command_cuts_off_the_rules_for_its_reply(play: Callable[..., Any]) -> None:
    """They are of the same occurrence."""
    played = play("QUIT -> wait 1", "QUIT!before -> end rst", point="QUIT", argument="")
    assert str(played.book.unmet()[0]).splitlines()[1] == (
        "  QUIT was sent once (session 1); `QUIT!before -> end rst` had ended the conversation at octet 0 of its reply"
    )


def test_a_rule_that_was_bound_and_forgotten_has_a_text_too() -> None:
    """Where nobody carried it out."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    book.add("RETR -> wait 1")
    book.session(1).bind("RETR", "1")
    assert str(book.unmet()[0]).splitlines()[1:] == [
        "  RETR was sent once (session 1); the conversation was over before the rule had its turn",
        f"  -> see there{TAIL}",
    ]


@pytest.mark.parametrize(
    ("limits", "hits", "text"),
    [
        (
            "exactly=2",
            1,
            (
                "struck once, not exactly 2 times\n  it struck in session 1\n"
                "  -> .exactly(1), or .times(2) instead of .exactly(2) if it may strike less often"
            ),
        ),
        (
            "exactly=1",
            3,
            (
                "struck 3 times, not exactly once\n  it struck in session 1\n"
                "  -> .times(1) instead of .exactly(1) to let it strike no more often"
            ),
        ),
        ("exactly=2", 2, None),
        ("times=2", 1, None),
    ],
)
def test_exactly_means_neither_more_nor_less(limits: str, hits: int, text: str | None) -> None:
    """At most and at least once is what ``times`` says."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    rule = book.add(f"NOOP -> wait 1; {limits}")
    for _ in range(hits):
        assert rule.strike(1)
    assert [str(problem) for problem in book.unmet()] == ([] if text is None else [f"{rule} {text}"])


def test_what_is_to_strike_exactly_is_not_made_optional_beside_it() -> None:
    """The two limits contradict each other, so one takes the place of the other."""
    assert text_of("RETR#2 -> end rst; exactly=2", "RETR 1").splitlines()[2] == (
        "  -> RETR#1, or .optional() instead of .exactly(2) if it need not strike"
    )


def test_a_rule_that_need_not_strike_is_not_asked() -> None:
    """By its limit, or because of where it comes from."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    book.add("RETR -> wait 1; optional")
    book.add("RETR -> wait 1", must=False)
    book.add(Rule("RETR").wait(1)).optional()
    assert book.unmet() == []
