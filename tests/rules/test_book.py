"""Which rules apply where: occurrences, arguments, filters, limits, chance, and what many sessions do at once."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.rules import Rule, RuleBook, SessionRules

if TYPE_CHECKING:
    from collections.abc import Iterable


def book_of(*rules: str | Rule, seed: int = 1) -> RuleBook:
    """A rule book on a clock that stands still."""
    book = RuleBook(seed, now=lambda: 0.0)
    for rule in rules:
        book.add(rule)
    return book


def bound(session: SessionRules, commands: Iterable[str]) -> list[bool]:
    """Whether each of these commands, or points, finds a rule."""
    return [session.bind(*command.split(" ", 1)) is not None for command in commands]


def struck(book: RuleBook, session: SessionRules, *commands: str) -> list[bool]:
    """Whether each of these commands finds a rule, each of which strikes at once."""
    results = []
    for command in commands:
        found = session.bind(*command.split(" ", 1))
        results.append(found is not None and found.rules[0].strike(session.number))
    assert len(book)
    return results


def test_a_book_without_rules_is_not_armed() -> None:
    """Armed is all that a server without rules has to look at."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    assert (book.armed, len(book), list(book)) == (False, 0, [])
    rule = book.add("RETR -> end rst")
    assert (book.armed, len(book), list(book)) == (True, 1, [rule])
    book.remove(rule)
    assert (book.armed, len(book)) == (False, 0)


def test_adding_gives_the_rule_itself() -> None:
    """A rule that was built, and the one made of a text."""
    book = book_of()
    rule = Rule("RETR").end("rst")
    assert book.add(rule, where="test_sync.py:41") is rule
    assert rule.where == "test_sync.py:41"
    assert book.add("RETR -> end fin") == Rule("RETR").end("fin")


def test_a_rule_is_in_one_book_at_a_time() -> None:
    """Its hits are those of one server."""
    rule = Rule("RETR -> end rst")
    first = book_of(rule)
    with pytest.raises(UsageError) as caught:
        book_of(rule)
    assert str(caught.value) == "rule `RETR -> end rst` is in a rule book already; add its .copy()"
    book_of(rule.copy())
    first.clear()
    book_of(rule)


def test_only_a_rule_that_is_in_the_book_can_be_removed() -> None:
    """An equal one is not the same."""
    book = book_of("RETR -> end rst")
    with pytest.raises(UsageError) as caught:
        book.remove(Rule("RETR -> end rst"))
    assert str(caught.value) == "rule `RETR -> end rst` is not in this rule book"


def test_what_is_no_rule_cannot_be_added() -> None:
    """A text or a Rule."""
    with pytest.raises(UsageError) as caught:
        book_of(5)  # type: ignore[arg-type]  # the mistake this is about
    assert str(caught.value) == "a rule is a text such as 'RETR -> end rst' or a Rule, not 5"


# points


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("RETR", [False, False, True, True, False, True, False, False]),
        ("RETR,TOP", [False, False, True, True, True, True, False, False]),
        ("*", [False, False, True, True, True, True, True, False]),
        ("*#2", [False, False, False, True, False, False, False, False]),
        ("RETR#3", [False, False, False, False, False, True, False, False]),
        ("RETR,TOP#3", [False, False, False, False, True, False, False, False]),
        ("RETR(1)", [False, False, True, False, False, True, False, False]),
        ("RETR()", [False] * 8),
        ("*(1)", [False, False, True, False, False, True, False, False]),
        ("QUIT()", [False, False, False, False, False, False, True, False]),
        ("greeting", [False, True, False, False, False, False, False, False]),
        ("accept", [True, False, False, False, False, False, False, False]),
        ("close#1", [False, False, False, False, False, False, False, True]),
    ],
)
def test_a_rule_applies_at_its_point(when: str, expected: list[bool]) -> None:
    """Keywords, lists, any command, and the points that are none; occurrences count all of a list together."""
    session = book_of(Rule(when).wait(1)).session(1)
    commands = ["accept", "greeting", "RETR 1", "RETR 2", "TOP 1 0", "RETR 1", "QUIT", "close"]
    assert bound(session, commands) == expected


def test_occurrences_count_in_each_connection() -> None:
    """And from its beginning, also for a rule that comes later."""
    book = book_of("NOOP -> wait 1")
    first, second = book.session(1), book.session(2)
    assert bound(first, ["RETR 1"]) == [False]
    book.add("RETR#2 -> wait 1")
    assert bound(first, ["RETR 1", "RETR 1"]) == [True, False]
    assert bound(second, ["RETR 1", "RETR 1"]) == [False, True]


def test_keywords_that_a_client_makes_up_do_not_fill_the_memory() -> None:
    """They are counted together after a while, and keywords of the standard still by themselves."""
    session = book_of("*#1003 -> wait 1", "RETR#2 -> wait 1").session(1)
    assert not any(bound(session, [f"X{number}" for number in range(1000)]))
    assert bound(session, ["RETR 1", "RETR 1", "X1"]) == [False, True, True]
    assert len(session.seen) < 100


@pytest.mark.parametrize(
    ("filters", "number", "user", "tls", "expected"),
    [
        ("session=2", 2, "ann", True, True),
        ("session=2", 3, "ann", True, False),
        ("session=2..", 1, "ann", True, False),
        ("session=2..", 9, "ann", True, True),
        ("session=2..3", 3, "ann", True, True),
        ("session=2..3", 4, "ann", True, False),
        ("user=ann", 1, "ann", True, True),
        ("user=ann", 1, "bob", True, False),
        ("user=ann", 1, None, True, False),
        ("tls=yes", 1, "ann", True, True),
        ("tls=yes", 1, "ann", False, False),
        ("tls=no", 1, "ann", False, True),
        ("session=1 user=ann tls=yes", 1, "ann", True, True),
    ],
)
def test_filters_all_have_to_hold(filters: str, number: int, user: str, tls: bool, expected: bool) -> None:  # noqa: FBT001
    """The session's number, who is logged in, and whether TLS is up."""
    session = book_of(f"RETR {filters} -> wait 1").session(number)
    assert (session.bind("RETR", "1", user=user, tls=tls) is not None) == expected


# limits


def test_times_is_the_most() -> None:
    """In all sessions together."""
    book = book_of("RETR -> wait 1; times=2")
    first, second = book.session(1), book.session(2)
    assert struck(book, first, "RETR 1") + struck(book, second, "RETR 1", "RETR 1") == [True, True, False]
    assert next(iter(book)).sessions == (1, 2)


def test_skip_lets_the_first_ones_pass() -> None:
    """Those that match in all else; in all sessions together."""
    book = book_of("RETR(1) -> wait 1; skip=2, times=1")
    first, second = book.session(1), book.session(2)
    assert struck(book, first, "RETR 1", "RETR 2") == [False, False]
    assert struck(book, second, "RETR 1", "RETR 1", "RETR 1") == [False, True, False]


def test_a_rule_expires_on_the_clock() -> None:
    """Counted from when it was added."""
    time = [100.0]
    book = RuleBook(1, now=lambda: time[0])
    book.add("RETR -> wait 1; expires=30")
    session = book.session(1)
    time[0] = 130.0
    assert bound(session, ["RETR 1"]) == [True]
    time[0] = 130.1
    assert bound(session, ["RETR 1"]) == [False]


def test_chance_repeats_with_the_seed_and_is_its_own_in_each_session() -> None:
    """Parallel sessions do not disturb each other, whatever their order."""
    commands = ["NOOP"] * 40

    def alone(seed: int, number: int) -> list[bool]:
        return bound(book_of("NOOP -> wait 1; p=0.5", seed=seed).session(number), commands)

    book = book_of("NOOP -> wait 1; p=0.5")
    first, second = book.session(1), book.session(2)
    together = [(bound(second, ["NOOP"])[0], bound(first, ["NOOP"])[0]) for _ in commands]
    assert [hit for _, hit in together] == alone(1, 1)
    assert [hit for hit, _ in together] == alone(1, 2)
    assert alone(1, 1) != alone(1, 2)
    assert alone(1, 1) != alone(2, 1)
    assert 5 < sum(alone(1, 1)) < 35


def test_chance_of_one_rule_does_not_depend_on_another() -> None:
    """Each rule has its own dice."""
    alone = bound(book_of("NOOP -> wait 1; p=0.5").session(1), ["NOOP"] * 40)
    book = book_of('NOOP -> send "x"; p=0.3', "NOOP -> wait 1; p=0.5")
    session = book.session(1)
    beside = [
        found is not None and len([rule for rule in found.rules if rule.limits.p == 0.5]) == 1
        for found in (session.bind("NOOP") for _ in range(40))
    ]
    assert beside == alone


def test_two_rules_of_the_same_chance_do_not_strike_together() -> None:
    """What a rule says is part of its seed."""
    session = book_of("NOOP -> wait 1; p=0.5", 'NOOP -> send "x"; p=0.5').session(1)
    found = [session.bind("NOOP") for _ in range(40)]
    assert {len(bound.rules) for bound in found if bound is not None} == {1, 2}


def test_two_rules_of_the_same_text_do_not_strike_together() -> None:
    """Their order is part of the seed, too; the first strikes as if it were alone."""
    alone = bound(book_of("NOOP -> wait 1; p=0.5").session(1), ["NOOP"] * 40)
    book = book_of("STAT -> wait 1", *["NOOP -> wait 1; p=0.5"] * 3)
    session = book.session(1)
    series = [[], [], []]  # type: list[list[bool]]
    _, *rules = book
    for _ in range(40):
        struck = session.bind("NOOP")
        for rule, strikes in zip(rules, series, strict=True):
            strikes.append(struck is not None and any(rule is other for other in struck.rules))
    assert series[0] == alone
    assert series[1] != alone
    assert series[2] not in series[:2]


@pytest.mark.parametrize(("p", "expected"), [(0, False), (1, True)])
def test_certain_chances_are_certain(p: float, expected: bool) -> None:  # noqa: FBT001
    """Nothing is left to chance at 0 and 1."""
    assert bound(book_of(Rule("NOOP").wait(1).p(p)).session(1), ["NOOP"] * 50) == [expected] * 50


def test_a_rule_without_an_action_applies_nowhere_and_is_complained_about() -> None:
    """It may still get one, so the complaint comes with the verdict."""
    book = RuleBook(1, now=lambda: 0.0)
    rule = book.add("RETR#2", where="test_sync.py:41")
    session = book.session(1)
    assert bound(session, ["RETR 1", "RETR 2"]) == [False, False]
    assert [str(problem) for problem in book.check_complete()] == [
        (
            "rule RETR#2   (test_sync.py:41) has no action; say what is to be done there, "
            "as in `RETR#2 -> wait 1` or .wait(1)"
        )
    ]
    assert book.unmet() == []
    rule.end("rst")
    assert book.check_complete() == []


def test_withdrawn_rules_strike_no_more_and_are_still_asked_about() -> None:
    """A server that is healed in the middle of a test forgets nothing that was promised."""
    book = book_of("RETR -> wait 1", "STAT -> wait 1")
    session = book.session(1)
    assert struck(book, session, "RETR 1") == [True]
    book.withdraw()
    assert bound(session, ["RETR 1", "STAT"]) == [False, False]
    assert (book.armed, len(book), len(book.unmet())) == (False, 0, 1)
    book.clear()
    assert book.unmet() == []


def test_strikes_are_counted_right_by_many_threads() -> None:
    """No strike is lost, and ``times`` is never exceeded."""
    book = book_of("NOOP -> wait 1; times=500, skip=100")
    counts: list[int] = []

    def client(number: int) -> None:
        session = book.session(number)
        counts.append(sum(struck(book, session, *["NOOP"] * 200)))

    threads = [Thread(target=client, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rule = next(iter(book))
    assert (sum(counts), rule.hits, rule.skipped) == (500, 500, 100)


class Watched:
    """A lock that notes how often a rule had struck and let pass, when it was taken and when it was given back."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.seen: list[tuple[int, int]] = []

    def __enter__(self) -> None:
        self.seen.append((self.rule.hits, self.rule.skipped))

    def __exit__(self, *_: object) -> None:
        self.seen.append((self.rule.hits, self.rule.skipped))


def test_strikes_are_counted_under_the_lock() -> None:
    """Threads may change places between any two steps."""
    rule = Rule("NOOP -> wait 1; times=1, skip=1")
    rule._lock = watched = Watched(rule)  # type: ignore[assignment]  # all that is used of a lock
    assert (rule.passes(), rule.passes(), rule.strike(1), rule.strike(1)) == (True, False, True, False)
    assert watched.seen == [(0, 0), (0, 1), (0, 1), (0, 1), (0, 1), (1, 1), (1, 1), (1, 1)]


def test_a_command_that_no_rule_names_costs_one_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, and nothing is asked of any rule and nothing made for it."""

    def never(*_: object) -> None:
        pytest.fail("a rule was asked")

    session = book_of("RETR -> end rst").session(1)
    monkeypatch.setattr(SessionRules, "_bind", never)
    assert session.bind("NOOP", "", user="ann", tls=True) is None
    assert session.bind("greeting") is None
    assert session.seen == {"NOOP": 1, "greeting": 1}


def test_a_book_shows_its_rules() -> None:
    """For people."""
    assert repr(book_of("RETR -> end rst", "STAT -> wait 1")) == "<RuleBook: RETR -> end rst, STAT -> wait 1>"
    assert repr(book_of()) == "<RuleBook: no rules>"


def test_a_judged_rule_is_not_complained_about_again() -> None:
    """Each once; a rule that need not strike never."""
    book = book_of("RETR -> end rst", "STAT")
    assert [type(problem).__name__ for problem in book.judge()] == ["UsageError", "UnmetRule"]
    assert book.judge() == []
    book = book_of("RETR -> end rst")
    book.need_not_strike()
    assert book.judge() == []


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("PASS canary-7", "PASS ****"),
        ("APOP ann canary-7", "APOP ****"),
        ("AUTH PLAIN Y2FuYXJ5", "AUTH ****"),
        ("AUTH", "AUTH"),
        ("XAUTH canary-7", "XAUTH ****"),
        ("PASSS canary-7", "****"),
        ("CANARY-7", "****"),
        ("RETR 2", "RETR 2"),
    ],
)
def test_what_tracebacks_show_of_a_command_has_no_credentials(command: str, shown: str) -> None:
    """The arguments of a frame are printed where something fails below it."""
    keyword, _, argument = command.partition(" ")

    assert repr(book_of("* -> wait 1").session(1).bind(keyword, argument)) == f"<Bound {shown}: * -> wait 1>"
