"""Every action at every point where it is allowed: the octets, pauses and ends that come of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.protocol.replies import Err, Ok
from pop3s_fake.rules import Rule, RuleBook
from pop3s_fake.rules.operations import Call, Finish, HalfClose, Mail, Octets, Pause
from pop3s_fake.rules.outlet import PIECE
from pop3s_fake.rules.pipeline import before, reply
from pop3s_fake.rules.placing import Parts

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS = b"+OK 20 octets\r\n"
STUFFED = b"Subject: a\r\n\r\n..b\r\nc\r\n"
WHOLE = STATUS + STUFFED + b".\r\n"

MULTI: dict[str, list[Any]] = {
    # time
    "RETR -> wait 2": [2.0, WHOLE],
    "RETR@5 -> wait 2": [WHOLE[:5], 2.0, WHOLE[5:]],
    "RETR -> wait forever": [None],
    "RETR@end -> wait forever": [STATUS + STUFFED, None],
    # chunking
    "RETR@-4 -> pace size=3": [WHOLE[:-4], b"\n.\r", b"\n"],
    "RETR@-4 -> pace size=3 gap=0.5": [WHOLE[:-4], b"\n.\r", 0.5, b"\n"],
    "RETR@end -> pace size=1": [STATUS + STUFFED, b".", b"\r", b"\n"],
    "RETR -> pace rate=100": [WHOLE[:10], 0.1, WHOLE[10:20], 0.1, WHOLE[20:30], 0.1, WHOLE[30:]],
    "RETR@-2 -> pace rate=4": [WHOLE[:-2], b"\r", 0.25, b"\n"],
    # reply
    'RETR -> reply "-ERR no"': [b"-ERR no\r\n"],
    'RETR -> reply "+OK mine" keep': [b"+OK mine\r\n" + STUFFED + b".\r\n"],
    'RETR -> wait 1, reply "-ERR no", wait 2, end fin': [1.0, b"-ERR no\r\n", 2.0, Finish("fin")],
    # outgoing octets
    "RETR -> edit drop": [WHOLE[1:]],
    "RETR@5 -> edit drop 3": [WHOLE[:5] + WHOLE[8:]],
    "RETR@-1 -> edit drop 3": [WHOLE[:-1]],
    "RETR -> edit dup": [b"+" + WHOLE],
    "RETR@5 -> edit dup 3": [WHOLE[:8] + WHOLE[5:]],
    "RETR@-2 -> edit dup 3": [WHOLE + b"\r\n"],
    "RETR -> edit flip": [b"*" + WHOLE[1:]],
    "RETR@5 -> edit flip 2": [WHOLE[:5] + bytes(octet ^ 1 for octet in WHOLE[5:7]) + WHOLE[7:]],
    "RETR -> edit truncate": [],
    "RETR@5 -> edit truncate": [WHOLE[:5]],
    "RETR@5 -> edit truncate, wait forever": [WHOLE[:5], None],
    "RETR -> edit no-terminator": [STATUS + STUFFED],
    "RETR -> edit no-terminator, wait forever": [STATUS + STUFFED, None],
    "RETR -> edit unstuff": [WHOLE.replace(b"..b", b".b")],
    "RETR@body:14 -> edit unstuff": [WHOLE.replace(b"..b", b".b")],
    "RETR@body:15 -> edit unstuff": [WHOLE],
    "RETR -> edit bare-lf": [WHOLE.replace(b"\r\n", b"\n")],
    "RETR@end -> edit bare-lf": [STATUS + STUFFED + b".\n"],
    "RETR -> edit bare-cr": [WHOLE.replace(b"\r\n", b"\r")],
    "RETR@body:0 -> edit bare-cr": [STATUS + STUFFED.replace(b"\r\n", b"\r") + b".\r"],
    "RETR -> edit bare-lf, edit no-terminator": [(STATUS + STUFFED).replace(b"\r\n", b"\n")],
    "RETR -> edit flip, pace size=20": [b"*" + WHOLE[1:20], WHOLE[20:]],
    "RETR@5 -> edit flip, end rst": [WHOLE[:5] + bytes([WHOLE[5] ^ 1]), Finish("rst")],
    "RETR -> edit bare-lf, end fin": [WHOLE.replace(b"\r\n", b"\n"), Finish("fin")],
    # added octets
    'RETR -> send "!"': [b"!" + WHOLE],
    'RETR@5 -> send "!", wait 1': [WHOLE[:5] + b"!", 1.0, WHOLE[5:]],
    'RETR@100% -> send "!"': [WHOLE + b"!"],
    # volume
    'RETR -> flood "ab" octets=5': [STATUS + STUFFED + b"abab.\r\n"],
    'RETR@5 -> flood "ab" octets=4, end fin': [WHOLE[:5] + b"abab", Finish("fin")],
    'RETR -> pace size=30, flood "x" octets=40': [WHOLE[:30], WHOLE[30:-3] + b"x" * 23, b"x" * 17 + b".\r\n"],
    'RETR -> edit bare-lf, wait 1, flood "x" octets=4': [WHOLE.replace(b"\r\n", b"\n"), 1.0, b"xxxx"],
    # connection
    "RETR -> end rst": [Finish("rst")],
    "RETR@5 -> end clean": [WHOLE[:5], Finish("clean")],
    "RETR@100% -> end fin": [WHOLE, Finish("fin")],
    "RETR@5 -> end half-close": [WHOLE[:5], HalfClose()],
    "RETR@5 -> end half-close, wait 1, end rst": [WHOLE[:5], HalfClose(), 1.0, Finish("rst")],
    # maildrop
    "RETR@5 -> mail renumber-uids": [Mail(renumber=True), WHOLE],
    "RETR!after -> mail remove=a": [Mail(remove="a"), WHOLE],
    # after
    'RETR!after -> send "+OK\\r\\n"': [WHOLE + b"+OK\r\n"],
    'RETR!after -> wait 1, send "+OK\\r\\n"': [WHOLE, 1.0, b"+OK\r\n"],
    'RETR!after -> flood "ab" octets=4': [WHOLE + b"abab"],
    "RETR!after -> end half-close": [WHOLE, HalfClose()],
    "RETR!after -> end rst": [WHOLE, Finish("rst")],
    # before
    "RETR!before -> wait 1": [1.0, WHOLE],
    'RETR!before -> send "!"': [b"!", WHOLE],
    'RETR!before -> flood "ab" octets=5': [b"abab", WHOLE],
    'RETR!before -> wait 1, reply "-ERR no", wait 2, end fin': [1.0, b"-ERR no\r\n", 2.0, Finish("fin")],
    "RETR!before -> mail add=a.eml, end clean": [Mail(path="a.eml"), Finish("clean")],
    "RETR!before -> end rst": [Finish("rst")],
}


@pytest.mark.parametrize("text", MULTI)
def test_a_rule_on_a_multi_line_reply(text: str, play: Callable[..., Any]) -> None:
    """The operations, write by write; a rule on any command and on a list is the same."""
    assert play(text).steps == MULTI[text]
    assert play(text.replace("RETR", "*", 1)).steps == MULTI[text]
    assert play(text.replace("RETR", "TOP,RETR", 1)).steps == MULTI[text]


LINE = b"+OK 0 0\r\n"

SINGLE: dict[str, list[Any]] = {
    "STAT -> wait 2": [2.0, LINE],
    "STAT@end -> wait 2": [b"+OK 0 0", 2.0, b"\r\n"],
    "STAT -> pace size=4": [b"+OK ", b"0 0\r", b"\n"],
    'STAT -> reply "+OK\\r\\n1 a\\r\\n.\\r\\n"': [b"+OK\r\n1 a\r\n.\r\n"],
    "STAT@4 -> edit drop 2": [b"+OK 0\r\n"],
    "STAT@end -> edit truncate": [b"+OK 0 0"],
    "STAT -> edit bare-lf": [b"+OK 0 0\n"],
    "STAT -> edit bare-cr": [b"+OK 0 0\r"],
    'STAT -> flood "x" octets=3': [b"+OK 0 0xxx\r\n"],
    'STAT@3 -> send "!"': [b"+OK! 0 0\r\n"],
    "STAT@3 -> end fin": [b"+OK", Finish("fin")],
    'STAT!before -> reply "-ERR"': [b"-ERR\r\n"],
    "STAT!after -> end rst": [LINE, Finish("rst")],
}


@pytest.mark.parametrize("text", SINGLE)
def test_a_rule_on_a_single_line(text: str, play: Callable[..., Any]) -> None:
    """A command's, and the greeting."""
    assert play(text, point="STAT", argument="", parts=Parts(LINE)).steps == SINGLE[text]
    assert (
        play(text.replace("STAT", "greeting"), point="greeting", argument="", parts=Parts(LINE)).steps == SINGLE[text]
    )


MOMENTS: dict[str, list[Any]] = {
    "accept -> wait 1, end rst": [1.0, Finish("rst")],
    "accept -> end fin": [Finish("fin")],
    "accept -> mail renumber-uids": [Mail(renumber=True)],
    'close -> wait 1, send "late"': [1.0, b"late"],
    'close -> flood "ab" octets=4, end rst': [b"abab", Finish("rst")],
    "close -> end half-close, wait 1": [HalfClose(), 1.0],
    "close -> wait forever": [None],
    "close -> end clean": [Finish("clean")],
}


@pytest.mark.parametrize("text", MOMENTS)
def test_a_rule_where_there_is_no_reply(text: str, play: Callable[..., Any]) -> None:
    """Accept and close."""
    assert play(text, point=text.split(maxsplit=1)[0], argument="").steps == MOMENTS[text]


# replies given in Python


@pytest.mark.parametrize(
    ("answer", "octets"),
    [
        ("-ERR nö", "-ERR nö\r\n".encode()),
        (b"\xff\r\n", b"\xff\r\n"),
        (Err("no", code="IN-USE"), b"-ERR [IN-USE] no\r\n"),
        (lambda command: f"-ERR not {command}", b"-ERR not RETR 1\r\n"),
        (lambda _: Ok("fine"), b"+OK fine\r\n"),
        (lambda _: b"+OK\r\n1 a\r\n.\r\n", b"+OK\r\n1 a\r\n.\r\n"),
    ],
)
def test_a_reply_is_whatever_can_be_said(answer: Any, octets: bytes, play: Callable[..., Any]) -> None:
    """Text, octets, Ok and Err, or a function of the command that gives one of them."""
    assert play(Rule("RETR").reply(answer)).octets == octets
    played = play(Rule("RETR!before").reply(answer))
    assert (played.octets, played.executed) == (octets, False)


def test_a_function_may_keep_the_payload(play: Callable[..., Any]) -> None:
    """Its text is the first line, then."""
    assert play(Rule("RETR").reply(lambda _: "+OK", keep=True)).octets == b"+OK\r\n" + WHOLE[len(STATUS) :]


def test_a_function_edits_the_whole_reply(play: Callable[..., Any]) -> None:
    """It is held for it; offsets count in what it gives."""
    seen = []

    def shout(octets: bytes) -> bytes:
        seen.append(octets)
        return octets.upper()

    played = play(Rule("RETR").edit(shout), "RETR@body:0 -> wait 1")
    assert seen == [WHOLE]
    assert played.steps == [STATUS.upper(), 1.0, (STUFFED + b".\r\n").upper()]
    assert played.run.damaged


def test_a_function_edits_the_reply_that_a_rule_gives(play: Callable[..., Any]) -> None:
    """Whichever of the two was added first."""
    assert play(Rule("RETR").edit(bytes.lower), 'RETR -> reply "+OK MINE"').octets == b"+ok mine\r\n"


def test_a_function_that_changes_nothing_damages_nothing(play: Callable[..., Any]) -> None:
    """The octets count, not the intention."""
    played = play(Rule("RETR").edit(lambda octets: octets))
    assert (played.octets, played.run.damaged, played.run.sent_all) == (WHOLE, False, True)


def _not_ours(_: object) -> Any:
    return "+OK\r\nx"


NOT_TO_BE_SENT: dict[str, tuple[Rule, str]] = {
    "edit-none": (
        Rule("RETR").edit(lambda _: None),  # type: ignore[arg-type,return-value]  # the mistake this is about
        "rule `RETR -> edit <lambda>`: the function of this edit gave None, not the octets to send, which are bytes",
    ),
    "edit-text": (
        Rule("RETR").edit(_not_ours),
        (
            "rule `RETR -> edit <_not_ours>`: the function of this edit gave '+OK\\r\\nx', "
            "not the octets to send, which are bytes"
        ),
    ),
    "edit-number": (
        Rule("RETR").edit(lambda _: 5),  # type: ignore[arg-type,return-value]  # the mistake this is about
        "rule `RETR -> edit <lambda>`: the function of this edit gave 5, not the octets to send, which are bytes",
    ),
    "reply-none": (
        Rule("RETR").reply(lambda _: None),  # type: ignore[arg-type,return-value]  # the mistake this is about
        "rule `RETR -> reply <lambda>`: the function of this reply gave None, not str, bytes, Ok or Err",
    ),
    "reply-class": (
        Rule("RETR!before").reply(lambda _: Ok),  # type: ignore[arg-type,return-value]  # the mistake this is about
        (
            "rule `RETR!before -> reply <lambda>`: the function of this reply gave "
            "<class 'pop3s_fake.protocol.replies.Ok'>, not str, bytes, Ok or Err"
        ),
    ),
    "reply-lines": (
        Rule("RETR").reply(_not_ours, keep=True),
        "rule `RETR -> reply <_not_ours> keep`: keep takes the place of the first line, so its text is one line",
    ),
}


@pytest.mark.parametrize("name", NOT_TO_BE_SENT)
def test_a_function_that_gives_what_cannot_be_sent_is_told_so(name: str, play: Callable[..., Any]) -> None:
    """With the rule, what it gave and what would be right; a number is not so many NULs."""
    rule, complaint = NOT_TO_BE_SENT[name]
    with pytest.raises(UsageError) as caught:
        play(rule.copy())
    assert str(caught.value) == complaint


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_function_may_give_octets_of_any_kind(kind: Callable[[bytes], Any], play: Callable[..., Any]) -> None:
    """Whatever is a row of octets can be sent."""
    assert play(Rule("RETR").edit(lambda _: kind(b"+OK a\r\n"))).octets == b"+OK a\r\n"
    assert play(Rule("RETR").reply(lambda _: kind(b"+OK b"))).octets == b"+OK b\r\n"


def test_a_call_comes_when_what_stands_before_it_was_sent(play: Callable[..., Any]) -> None:
    """The consumer calls the function with the session."""
    assert play(Rule("RETR@5").call(print)).steps == [WHOLE[:5], Call(print), WHOLE[5:]]
    assert play(Rule("RETR!after").call(print)).steps == [WHOLE, Call(print)]


def test_a_message_is_handed_on(play: Callable[..., Any]) -> None:
    """Whatever it is: the server knows what can be stored."""
    assert play(Rule("RETR!before").mail(add="Subject: x\n\n")).steps == [Mail(message="Subject: x\n\n"), WHOLE]


# whole and undamaged

LEDGER = {
    "RETR -> wait 1": (True, False),
    "RETR -> pace size=3": (True, False),
    'RETR!before -> send "!"': (True, False),
    'RETR!after -> send "!"': (True, False),
    "RETR!after -> end rst": (True, False),
    "RETR@100% -> end rst": (True, False),
    'RETR@100% -> send "!"': (True, False),
    'RETR -> reply "+OK mine" keep': (True, False),
    'RETR -> reply "-ERR mine" keep': (True, True),
    'RETR -> reply "+OK"': (True, True),
    'RETR@5 -> send "!"': (True, True),
    'RETR -> flood "a" octets=1': (True, True),
    "RETR -> edit drop": (True, True),
    "RETR -> edit unstuff": (True, True),
    "RETR@body:15 -> edit unstuff": (True, False),
    "RETR -> edit no-terminator": (False, True),
    "RETR@5 -> edit truncate": (False, True),
    "RETR@-1 -> end fin": (False, False),
    "RETR@-1 -> end half-close": (False, False),
    "RETR@-1 -> wait forever": (False, False),
    "RETR!after -> wait forever": (True, False),
}


@pytest.mark.parametrize("text", LEDGER)
def test_a_run_tells_whether_the_reply_went_out_whole_and_undamaged(text: str, play: Callable[..., Any]) -> None:
    """For the ledger: what the client got is the message, or is not."""
    run = play(text).run
    assert (run.sent_all, run.damaged) == LEDGER[text]


# several rules


def test_rules_at_different_offsets_all_apply_in_the_order_of_octets(play: Callable[..., Any]) -> None:
    """Whatever the order in which they were added."""
    played = play('RETR@9 -> send "3"', 'RETR@3 -> send "1"', 'RETR@6 -> wait 2, send "2"')
    assert played.steps == [WHOLE[:3] + b"1" + WHOLE[3:6], 2.0, b"2" + WHOLE[6:9] + b"3" + WHOLE[9:]]
    assert [octet for _, octet in played.strikes] == [3, 6, 9]


def test_ties_are_carried_out_in_the_order_added(play: Callable[..., Any]) -> None:
    """Two offsets may come to the same octet."""
    assert play('RETR@15 -> send "a"', 'RETR@L2 -> send "b"', 'RETR@body:0 -> send "c"').octets == (
        STATUS + b"abc" + STUFFED + b".\r\n"
    )


def test_what_ends_a_conversation_comes_last_at_its_octet(play: Callable[..., Any]) -> None:
    """Else the other rules at that octet could not strike."""
    played = play("RETR@5 -> end rst", 'RETR@5 -> send "a"', "RETR@5 -> wait 1")
    assert played.steps == [WHOLE[:5] + b"a", 1.0, Finish("rst")]
    played = play("RETR@5 -> end half-close, wait 2", 'RETR@5 -> send "a"')
    assert played.steps == [WHOLE[:5] + b"a", HalfClose(), 2.0]


def test_of_two_rules_for_one_dimension_the_last_wins(play: Callable[..., Any]) -> None:
    """The loser keeps its other dimensions, and is named."""
    played = play("RETR -> wait 1, edit drop", "RETR -> wait 2")
    assert played.steps == [2.0, WHOLE[1:]]
    assert [(str(loser), str(winner)) for loser, winner in played.bound.losers] == [
        ("RETR -> wait 1, edit drop", "RETR -> wait 2")
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("RETR -> wait 1", "RETR -> pace size=50"),
        ("RETR -> wait 1", "RETR@1 -> wait 2"),
        ("RETR -> wait 1", "RETR!before -> wait 2"),
        ("RETR -> wait 1", "RETR!after -> wait 2"),
        ("RETR -> mail remove=a", "RETR -> mail remove=b"),
    ],
)
def test_rules_fight_only_over_one_dimension_at_one_place(first: str, second: str, play: Callable[..., Any]) -> None:
    """Dimension, phase and offset have to be the same; the maildrop and calls are for all."""
    played = play(first, second)
    assert played.bound.losers == []
    assert len(played.strikes) == 2


def test_actions_of_one_rule_do_not_fight(play: Callable[..., Any]) -> None:
    """They run in order."""
    assert play('RETR -> wait 1, send "a", wait 2, send "b"').steps == [1.0, b"a", 2.0, b"b" + WHOLE]


def test_nothing_comes_after_the_end(play: Callable[..., Any]) -> None:
    """Neither octets nor other rules."""
    played = play("RETR@5 -> end fin", "RETR@6 -> wait 1", "RETR!after -> wait 2")
    assert played.steps == [WHOLE[:5], Finish("fin")]


def test_before_with_a_reply_lets_other_rules_work_on_that_reply(play: Callable[..., Any]) -> None:
    """It is the reply, then; the command is not executed."""
    played = play('RETR!before -> reply "-ERR no"', "RETR@4 -> wait 1", 'RETR!after -> send "x"')
    assert played.steps == [b"-ERR", 1.0, b" no\r\nx"]
    assert not played.executed


def test_what_follows_an_action_that_did_not_act_does_not_act(play: Callable[..., Any]) -> None:
    """Here the reply has no terminator to leave out, and there no stuffed dot."""
    refusal = Parts(b"-ERR no\r\n")
    assert play("RETR -> edit no-terminator, wait forever", parts=refusal).steps == [b"-ERR no\r\n"]
    plain = Parts(b"+OK\r\n", lambda: [b"a\r\n"])
    assert play("RETR -> edit unstuff, end rst", parts=plain).steps == [b"+OK\r\na\r\n.\r\n"]


def test_a_rule_whose_strikes_are_used_up_elsewhere_does_not_strike() -> None:
    """Two sessions are bound; the first to reach the octet takes the only strike."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    rule = book.add("RETR@5 -> end rst; times=1")
    first, second = (book.session(number).bind("RETR", "1") for number in (1, 2))
    assert first is not None
    assert second is not None
    assert list(reply(second, Parts(LINE), book.now))[-1] == Finish("rst")
    assert list(reply(first, Parts(LINE), book.now)) == [Octets(LINE)]
    assert (rule.hits, rule.sessions) == (1, (2,))


def test_a_hit_is_counted_when_the_rule_strikes() -> None:
    """Not when it is bound, nor when the run begins."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    rule = book.add("STAT@5 -> wait 1, wait 1")
    bound = book.session(7).bind("STAT")
    assert bound is not None
    run = reply(bound, Parts(LINE), book.now)
    assert (rule.hits, rule.sessions) == (0, ())
    assert type(next(run)).__name__ == "Struck"
    assert (rule.hits, rule.sessions) == (1, (7,))
    assert [type(each) for each in run] == [Octets, Pause, Pause, Octets]
    assert rule.hits == 1


def test_a_random_wait_lies_between_its_bounds_and_repeats() -> None:
    """The seed decides, session by session."""

    def waits(seed: int, session: int) -> list[float]:
        book = RuleBook(seed=seed, now=lambda: 0.0)
        book.add("NOOP!before -> wait 0.5..1.5")
        rules = book.session(session)
        found = []
        for _ in range(5):
            bound = rules.bind("NOOP")
            assert bound is not None
            found += [each.seconds for each in before(bound, book.now) if isinstance(each, Pause)]
        return [seconds for seconds in found if seconds is not None]

    assert waits(1, 1) == waits(1, 1)
    assert waits(1, 1) != waits(2, 1)
    assert waits(1, 1) != waits(1, 2)
    assert all(0.5 <= seconds <= 1.5 for seconds in waits(1, 1))
    assert len(set(waits(1, 1))) == 5


def test_a_flood_ends_with_its_seconds() -> None:
    """The clock is looked at before each piece."""
    time = [0.0]
    book = RuleBook(seed=1, now=lambda: time[0])
    book.add('NOOP -> flood "x" seconds=3')
    bound = book.session(1).bind("NOOP")
    assert bound is not None
    sent = 0
    for each in reply(bound, Parts(b"+OK\r\n"), book.now):
        if isinstance(each, Octets):
            sent += len(each.octets)
            time[0] += 1.0
    assert sent == 3 * PIECE + len(b"+OK\r\n")


def test_a_flood_has_bounds_of_its_own(play: Callable[..., Any]) -> None:
    """64 MiB, in whole units."""
    played = play('RETR@end -> flood "abc", end rst')
    assert sum(map(len, played.pieces)) == len(STATUS + STUFFED) + 64 * 1024 * 1024 // 3 * 3
    assert max(map(len, played.pieces)) == PIECE
