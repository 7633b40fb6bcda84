"""What is told of rules: each strike in the transcript, and those that had to strike and did not, word for word."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import ManualClock, Pop3sFailure, Pop3sServer, UnmetRule, UsageError
from pop3s_fake.rules import Rule
from pop3s_fake.server import rules as server_rules

if TYPE_CHECKING:
    import poplib
    from collections.abc import Callable
    from pathlib import Path

    from tests.conversations.conftest import Wire

OPTIONAL = ", or .optional() if it need not strike"


def here(back: int = 0) -> str:
    """The line that calls this, or so many lines before it, as a rule tells where it was made."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return f"test_verdicts.py:{frame.f_back.f_lineno - back}"


# strikes in the transcript


def test_the_transcript_tells_every_strike_with_its_octet(wire: Callable[[Pop3sServer], Wire]) -> None:
    """All of it, as people read it."""
    with Pop3sServer(clock=ManualClock(), seed=7, allow=["C-1939-3.2"]) as server:
        server.maildrop.add("Subject: one\n\n.hello\n", "Subject: two\n\n" + "x" * 100)
        rules = [
            server.rules.add(text)
            for text in (
                "accept -> wait 0.25",
                "greeting@4 -> wait 0.5",
                'PASS!before -> wait 1, reply "-ERR [IN-USE] locked"; times=1',
                "RETR(1)@50% -> pace size=20 gap=0.125",
                "RETR(1) -> edit unstuff",
                'RETR(1)!after -> send "+OK surplus\\r\\n"; optional',
                "STAT -> wait 1",
                "STAT -> wait 2",
                "RETR(2)@body:20 -> end rst",
            )
        ]
        client = wire(server).shake()
        assert client.ask("USER test").startswith(b"+OK")
        assert client.ask("PASS pop3s-password") == b"-ERR [IN-USE] locked\r\n"
        assert client.ask("USER test").startswith(b"+OK")
        assert client.ask("PASS pop3s-password").startswith(b"+OK")
        assert client.ask("RETR 1", b"surplus\r\n").count(b"\r\n.hello\r\n") == 1
        assert client.ask("STAT") == b"+OK 2 142\r\n"
        client.send("RETR 2")
        assert client.rest() == (b"+OK 118 octets\r\nSubject: two\r\n\r\nxxxx", "rst")
        server.heal()
        assert server.transcript.render().splitlines() == [
            "session 1: test, TLSv1.3 TLS_AES_256_GCM_SHA384, ended: server",
            "    0.000 -  rule accept -> wait 0.25 struck at octet 0",
            "    0.250 -  rule greeting@4 -> wait 0.5 struck at octet 4",
            "    0.750 S  +OK POP3 server ready <1.00b78002cbfd7f81@localhost>",
            "    0.750 C  USER test",
            "    0.750 S  +OK name noted, now the password",
            "    0.750 C  PASS ****",
            '    0.750 -  rule PASS!before -> wait 1, reply "-ERR [IN-USE] locked"; times=1 struck at octet 0',
            "    1.750 S  -ERR [IN-USE] locked",
            "    1.750 C  USER test",
            "    1.750 S  +OK name noted, now the password",
            "    1.750 C  PASS ****",
            "    1.750 S  +OK maildrop has 2 messages (142 octets)",
            "    1.750 C  RETR 1",
            "    1.750 -  rule RETR(1)@50% -> pace size=20 gap=0.125 struck at octet 21",
            "    1.750 -  rule RETR(1) -> edit unstuff struck at octet 31",
            '    1.750 -  rule RETR(1)!after -> send "+OK surplus\\r\\n"; optional struck at octet 43',
            "    1.875 S  +OK 24 octets   [55 octets]",
            "    1.875 C  STAT",
            "    1.875 -  rule STAT -> wait 1 gave way to STAT -> wait 2",
            "    1.875 -  rule STAT -> wait 2 struck at octet 0",
            "    3.875 S  +OK 2 142",
            "    3.875 C  RETR 2",
            "    3.875 -  rule RETR(2)@body:20 -> end rst struck at octet 36",
            "    3.875 S  +OK 118 octets   [36 octets]",
            "    3.875 -  a rule ended the connection (rst)",
        ]
        assert [rule.hits for rule in rules] == [1, 1, 1, 1, 1, 1, 0, 1, 1]
        (unmet,) = server.judge()
        assert (
            str(unmet).splitlines()[1]
            == "  STAT was sent once (session 1); `STAT -> wait 2`, added later, took its place"
        )


def test_hits_and_sessions_are_counted_over_all_sessions(wire: Callable[[Pop3sServer], Wire]) -> None:
    """A session in which a rule struck twice is named once."""
    with Pop3sServer() as server:
        rule = server.on("NOOP").wait(0)
        for strikes in (2, 0, 1):
            client = wire(server).login()
            for _ in range(strikes):
                client.ask("NOOP")
            client.ask("QUIT", b"off\r\n")
        assert (rule.hits, rule.sessions) == (3, (1, 3))


# rules that did not strike


def unmet(server: Pop3sServer) -> list[list[str]]:
    """The complaints, line by line."""
    problems = server.judge()
    assert {type(problem) for problem in problems} <= {UnmetRule}
    return [str(problem).splitlines() for problem in problems]


def test_a_rule_that_never_struck_fails_the_test_and_tells_what_came_nearest(
    fetcher: Callable[..., poplib.POP3_SSL],
) -> None:
    """The text of the design, word for word, at the end of the block, with the transcript."""
    with pytest.raises(UnmetRule) as caught, Pop3sServer() as server:  # noqa: PT012  # leaving the block raises
        server.maildrop.add(b"Subject: one\r\n\r\n" + b"x" * 345 + b"\r\n")
        server.on("RETR#1@512").end("rst")
        made = here(back=1)
        client = fetcher(server)
        assert client.retr(1)[2] == 363
        client.quit()
    assert str(caught.value).splitlines() == [
        f"RETR#1@512 -> end rst   ({made}) never struck",
        ("  RETR was sent once (session 1, message 1); its reply had 382 octets, so @512 lay beyond the end"),
        f"  -> RETR#1@50%{OPTIONAL}",
    ]
    assert caught.value.__notes__[0].startswith("pop3s-fake transcript:\nsession 1: test, TLSv1.3 ")


def test_every_way_of_making_a_rule_tells_its_own_line() -> None:
    """server.on, server.rules.add with a text and with a Rule, and the constructor; through helpers of ours, too."""
    with Pop3sServer(rules=["RETR -> wait 1", Rule("TOP").wait(1)]) as server:
        made = [here(back=1)] * 2
        server.on("STAT").wait(1)
        made.append(here(back=1))
        server.rules.add("LIST -> wait 1")
        made.append(here(back=1))
        server.rules.add(Rule("UIDL").wait(1))
        made.append(here(back=1))
        server.rules.add("NOOP -> wait 1", where="set-up.toml:3")
        made.append("set-up.toml:3")
        assert [lines[0] for lines in unmet(server)] == [
            f"{keyword} -> wait 1   ({where}) never struck"
            for keyword, where in zip(("RETR", "TOP", "STAT", "LIST", "UIDL", "NOOP"), made, strict=True)
        ]


def test_a_neighbour_whose_name_begins_like_ours_is_a_caller_like_others() -> None:
    """A project may lie beside this package."""
    neighbour = f"{server_rules._OURS.rstrip('/')}_demo/test_x.py"
    made: dict[str, Any] = {}
    exec(compile("\n\nmade['where'] = caller()", neighbour, "exec"), {"caller": server_rules.caller, "made": made})  # noqa: S102
    assert made["where"] == "test_x.py:3"


def test_each_near_miss_is_told_of_a_real_conversation(fetcher: Callable[..., poplib.POP3_SSL]) -> None:
    """One rule for each way not to strike, all judged together."""
    near = {
        "RETR#3 -> wait 1": ("RETR was sent 2 times (session 1), so #3 never came", "RETR#2"),
        "RETR(9) -> wait 1": (
            "RETR was sent 2 times (session 1), never with the argument 9; what came: 1, 2",
            "RETR(1)",
        ),
        "PASS(wrong) -> wait 1": (
            "PASS was sent once (session 1), never with the argument wrong; what came: ****",
            "PASS",
        ),
        "RETR session=2.. -> wait 1": (
            "RETR was sent 2 times (session 1); session=2.. did not hold",
            "leave out the filter",
        ),
        "STAT user=bob -> wait 1": (
            "STAT was sent once (session 1); user=bob (it was test) did not hold",
            "leave out the filter",
        ),
        "STAT tls=no -> wait 1": ("STAT was sent once (session 1); tls=no did not hold", "leave out the filter"),
        "STAT -> wait 1; skip=2": ("STAT was sent once (session 1), and skip=2 let it pass", "a smaller skip"),
        "STAT -> wait 1; p=0": ("STAT was sent once (session 1), and p=0 let it pass", "another seed, a larger p"),
        "RETR@999 -> wait 1": (
            "RETR was sent 2 times; the longest reply (session 1, message 2) had 47 octets, so @999 lay beyond the end",
            "RETR@50%",
        ),
        "RETR@L9 -> wait 1": (
            "RETR was sent 2 times; the longest reply (session 1, message 2) had 5 lines, so there was no @L9",
            "RETR@50%",
        ),
        "RETR -> edit unstuff": (
            ("RETR was sent 2 times (session 1); its payload had no stuffed dot, so there was nothing to edit unstuff"),
            "a reply to which it can happen",
        ),
        "TOP -> wait 1": (
            "TOP was not sent; what came: USER, PASS, STAT, RETR, QUIT (session 1)",
            "one of these",
        ),
        "close user=bob -> wait 1": (
            "a connection was closed once (session 1); user=bob (it was test) did not hold",
            "leave out the filter",
        ),
        "greeting tls=no -> wait 1": (
            "a greeting was due once (session 1); tls=no did not hold",
            "leave out the filter",
        ),
    }
    with Pop3sServer() as server:
        server.maildrop.add("Subject: one\n\nhi\n", "Subject: two\n\nhello world\n")
        for rule in near:
            server.rules.add(rule, where="test_sync.py:41")
        client = fetcher(server)
        client.stat()
        client.retr(1)
        client.retr(2)
        client.quit()
        told = unmet(server)
        assert [lines[0] for lines in told] == [f"{rule}   (test_sync.py:41) never struck" for rule in near]
        assert [(lines[1], lines[2]) for lines in told] == [
            (f"  {text}", f"  -> {hint}{OPTIONAL}") for text, hint in near.values()
        ]


def test_a_rule_that_a_vanishing_client_cut_off_says_so(wire: Callable[[Pop3sServer], Wire]) -> None:
    """It waited for its turn."""
    with Pop3sServer() as server:
        server.rules.add("STAT@3 -> wait forever")
        server.rules.add("STAT!after -> wait 1", where="test_sync.py:41")
        client = wire(server).login()
        client.send("STAT")
        assert client.recv() == b"+OK"
        client.reset()
        assert unmet(server) == [
            [
                "STAT!after -> wait 1   (test_sync.py:41) never struck",
                "  STAT was sent once (session 1); the conversation was over at octet 3 of its reply",
                f"  -> a place before that{OPTIONAL}",
            ]
        ]


def test_several_rules_that_never_struck_are_one_failure() -> None:
    """Numbered, in the order in which they were made."""
    with pytest.raises(Pop3sFailure) as caught, Pop3sServer() as server:  # noqa: PT012  # leaving the block raises
        server.rules.add("RETR -> wait 1", where="a.py:1")
        server.rules.add("TOP", where="a.py:2")
    assert str(caught.value).splitlines() == [
        "2 problems:",
        (
            "1. UsageError: rule TOP   (a.py:2) has no action; say what is to be done there, "
            "as in `TOP -> wait 1` or .wait(1)"
        ),
        "2. UnmetRule: RETR -> wait 1   (a.py:1) never struck",
        "  RETR was not sent: no command came",
        f"  -> let the client connect{OPTIONAL}",
    ]


def test_a_rule_without_an_action_is_no_green_test(fetcher: Callable[..., poplib.POP3_SSL]) -> None:
    """Its point came, and nothing happened."""
    with pytest.raises(UsageError) as caught, Pop3sServer() as server:  # noqa: PT012  # leaving the block raises
        server.on("STAT").times(1)
        made = here(back=1)
        client = fetcher(server)
        client.stat()
        client.quit()
    assert str(caught.value) == (
        f"rule STAT; times=1   ({made}) has no action; say what is to be done there, as in `STAT -> wait 1` or .wait(1)"
    )


def test_a_rule_may_grow_until_it_is_judged(fetcher: Callable[..., poplib.POP3_SSL]) -> None:
    """What it does may come later than when."""
    with Pop3sServer() as server:
        rule = server.on("STAT")
        client = fetcher(server)
        client.stat()
        rule.reply("+OK 7 7")
        assert client.stat() == (7, 7)
        rule.times(1)
        assert client.stat() == (0, 0)


def test_a_file_must_be_there_when_a_rule_names_it(tmp_path: Path) -> None:
    """At the call, however the rule is made; else a thread of the server would find out."""
    path = tmp_path / "new.eml"
    missing = f"rule `NOOP -> mail add={path}`: there is no file {str(path)!r}"
    with Pop3sServer() as server:
        for make in (
            lambda: server.rules.add(f"NOOP -> mail add={path}"),
            lambda: server.rules.add(Rule("NOOP").mail(add=path)),
            lambda: server.on("NOOP").mail(add=path),
            lambda: Pop3sServer(rules=[f"NOOP -> mail add={path}"]),
        ):
            with pytest.raises(UsageError) as caught:
                make()
            assert str(caught.value) == missing
        (rule,) = server.rules
        assert str(rule) == "NOOP"
        path.write_text("Subject: new\n\n")
        rule.mail(add=path).optional()


# how often


def answers(client: Wire, line: str, count: int) -> list[bool]:
    """Whether each of so many commands is answered by the protocol, and not by a rule."""
    return [client.ask(line) == b"+OK\r\n" for _ in range(count)]


def test_an_optional_rule_need_not_strike(wire: Callable[[Pop3sServer], Wire]) -> None:
    """And may; said behind the text or by the method."""
    with Pop3sServer() as server:
        rules = [server.rules.add("NOOP -> wait 0; optional"), server.on("TOP").wait(0).optional()]
        wire(server).login().ask("NOOP")
        assert server.judge() == []
        assert [rule.hits for rule in rules] == [1, 0]


def test_times_is_the_most_over_all_sessions(wire: Callable[[Pop3sServer], Wire]) -> None:
    """Afterwards the protocol answers; once is enough for the verdict."""
    with Pop3sServer(exclusive=False) as server:
        often, once = server.on("NOOP").reply("-ERR no").times(3), server.on("STAT").reply("+OK 1 1").times(9)
        first, second = wire(server).login(), wire(server).login()
        assert answers(first, "NOOP", 2) == [False, False]
        assert answers(second, "NOOP", 3) == [False, True, True]
        assert answers(first, "NOOP", 1) == [True]
        assert first.ask("STAT") == b"+OK 1 1\r\n"
        assert (often.hits, often.sessions, once.hits) == (3, (1, 2), 1)


@pytest.mark.parametrize(
    ("strikes", "text"),
    [
        ([2, 1], None),
        (
            [1],
            [
                "struck once, not exactly 3 times",
                "  it struck in session 1",
                "  -> .exactly(1), or .times(3) instead of .exactly(3) if it may strike less often",
            ],
        ),
        (
            [2, 0, 2],
            [
                "struck 4 times, not exactly 3 times",
                "  it struck in sessions 1, 3",
                "  -> .times(3) instead of .exactly(3) to let it strike no more often",
            ],
        ),
        (
            [0],
            [
                "never struck",
                "  NOOP was not sent; what came: USER, PASS (session 1)",
                "  -> one of these, or .optional() instead of .exactly(3) if it need not strike",
            ],
        ),
    ],
)
def test_exactly_is_neither_more_nor_less(
    strikes: list[int], text: list[str] | None, wire: Callable[[Pop3sServer], Wire]
) -> None:
    """It keeps nothing from striking: it demands."""
    with Pop3sServer(exclusive=False) as server:
        server.rules.add('NOOP -> reply "-ERR no"; exactly=3', where="test_sync.py:41")
        for count in strikes:
            assert answers(wire(server).login(), "NOOP", count) == [False] * count
        told = unmet(server)
    rule = 'NOOP -> reply "-ERR no"; exactly=3   (test_sync.py:41)'
    assert told == ([] if text is None else [[f"{rule} {text[0]}", *text[1:]]])


def test_exactly_is_asked_again_when_the_server_stops(wire: Callable[[Pop3sServer], Wire]) -> None:
    """A rule that had struck often enough when the test function returned may strike once too often afterwards."""
    with pytest.raises(UnmetRule, match="struck 2 times, not exactly once"), Pop3sServer() as server:  # noqa: PT012  # leaving the block raises
        server.on("NOOP").wait(0).exactly(1)
        client = wire(server).login()
        client.ask("NOOP")
        server.check()
        client.ask("NOOP")


def test_a_rule_that_was_complained_about_is_not_again(wire: Callable[[Pop3sServer], Wire]) -> None:
    """Each failure is told once."""
    with Pop3sServer() as server:
        server.on("NOOP").wait(0)
        assert len(server.judge()) == 1
        assert server.judge() == []
        wire(server).login().ask("NOOP")
        assert server.judge() == []


def test_skip_lets_the_first_ones_pass(wire: Callable[[Pop3sServer], Wire]) -> None:
    """Over all sessions."""
    with Pop3sServer(exclusive=False) as server:
        rule = server.on("NOOP").reply("-ERR no").skip(3).times(1)
        first, second = wire(server).login(), wire(server).login()
        assert answers(first, "NOOP", 2) == [True, True]
        assert answers(second, "NOOP", 3) == [True, False, True]
        assert (rule.hits, rule.skipped, rule.sessions) == (1, 3, (2,))


def test_chance_is_the_same_in_each_run_and_of_each_session_its_own(wire: Callable[[Pop3sServer], Wire]) -> None:
    """The server's seed decides; what another session does in between changes nothing."""

    def run(seed: int, *, turns: list[int]) -> list[list[bool]]:
        with Pop3sServer(seed=seed, exclusive=False) as server:
            server.on("NOOP").reply("-ERR no").p(0.5).optional()
            server.on("NOOP").wait(0).p(0.5).optional()
            clients = [wire(server).login(), wire(server).login()]
            results: list[list[bool]] = [[], []]
            for turn in turns:
                results[turn] += answers(clients[turn], "NOOP", 1)
            return results

    first, second = run(5, turns=[0, 1] * 20)
    assert run(5, turns=[0] * 20 + [1] * 20) == [first, second]
    assert run(5, turns=[1, 1, 0, 0] * 10) == [first, second]
    assert first != second
    assert run(6, turns=[0, 1] * 20) != [first, second]
    assert 3 < sum(first) < 17


def test_a_rule_expires_on_the_servers_clock(wire: Callable[[Pop3sServer], Wire]) -> None:
    """From when it was added, not from the start; and says so."""
    clock = ManualClock()
    with Pop3sServer(clock=clock) as server:
        clock.advance(100)
        rule = server.rules.add('NOOP -> reply "-ERR no"; expires=30')
        late = server.rules.add('STAT -> reply "+OK 1 1"; expires=30', where="test_sync.py:41")
        client = wire(server).login()
        clock.advance(30)
        assert answers(client, "NOOP", 1) == [False]
        clock.advance(0.5)
        assert answers(client, "NOOP", 1) == [True]
        assert client.ask("STAT") == b"+OK 0 0\r\n"
        assert (rule.hits, late.hits) == (1, 0)
        assert unmet(server) == [
            [
                'STAT -> reply "+OK 1 1"; expires=30   (test_sync.py:41) never struck',
                "  STAT was sent once (session 1), after expires=30 was over",
                f"  -> a longer expires{OPTIONAL}",
            ]
        ]


# coming and going


def test_a_server_that_is_healed_forgets_no_promise(wire: Callable[[Pop3sServer], Wire]) -> None:
    """No rule strikes any more, in open sessions, too; those that had to have struck are asked about all the same."""
    with Pop3sServer() as server:
        server.on("NOOP").reply("-ERR no")
        server.rules.add("STAT -> wait 1", where="test_sync.py:41")
        client = wire(server).login()
        assert answers(client, "NOOP", 1) == [False]
        server.heal()
        assert (list(server.rules), answers(client, "NOOP", 1)) == ([], [True])
        client.ask("STAT")
        server.on("NOOP").reply("-ERR again")
        assert client.ask("NOOP") == b"-ERR again\r\n"
        assert [lines[:2] for lines in unmet(server)] == [
            [
                "STAT -> wait 1   (test_sync.py:41) never struck",
                "  STAT was sent only after heal() (session 1)",
            ]
        ]


def test_a_rule_that_was_taken_out_is_not_asked_about(wire: Callable[[Pop3sServer], Wire]) -> None:
    """It can be put in again, also elsewhere."""
    with Pop3sServer() as server:
        rule = server.on("NOOP").reply("-ERR no")
        client = wire(server).login()
        assert answers(client, "NOOP", 1) == [False]
        server.rules.remove(rule)
        assert answers(client, "NOOP", 1) == [True]
        server.rules.remove(server.on("TOP").wait(1))
        with pytest.raises(UsageError) as caught:
            server.rules.remove(rule)
        assert str(caught.value) == 'rule `NOOP -> reply "-ERR no"` is not in this rule book'
        server.rules.add(rule)
        assert answers(client, "NOOP", 1) == [False]


def test_rules_of_the_baseline_need_not_strike_and_come_back(wire: Callable[[Pop3sServer], Wire]) -> None:
    """A server of wider scope: each test finds the rules of the fixture, unspent, and none of another test's."""
    with Pop3sServer() as server:
        server.on("NOOP").reply("-ERR once").times(1)
        made = here(back=1)
        server.on("TOP").wait(1)
        server.baseline()
        for _ in range(3):
            assert server.judge() == []
            client = wire(server).login()
            assert answers(client, "NOOP", 2) == [False, True]
            server.on("STAT").reply("+OK 5 5")
            assert client.ask("STAT") == b"+OK 5 5\r\n"
            server.heal()
            server.reset()
            assert [(str(rule), rule.hits) for rule in server.rules] == [
                ('NOOP -> reply "-ERR once"; times=1', 0),
                ("TOP -> wait 1", 0),
            ]
            assert next(iter(server.rules)).where == made
        server.on("LIST").wait(1)
        assert [lines[0].partition("   ")[0] for lines in unmet(server)] == ["LIST -> wait 1"]


def test_each_example_of_a_property_is_judged_by_itself(wire: Callable[[Pop3sServer], Wire]) -> None:
    """What one example promised, the next one does not owe."""
    with Pop3sServer() as server:
        for number in range(3):
            with server.example():
                server.on("NOOP").reply("-ERR no")
                assert answers(wire(server).login(), "NOOP", 1) == [False]
                assert server.transcript.last_session.number == 1, number
        with pytest.raises(UnmetRule), server.example():
            server.on("NOOP").reply("-ERR no")
