"""Sweeps of real conversations, without pytest's part in them."""

from __future__ import annotations

import itertools
import re
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import ClientHung, Pop3sFailure, UnmetRule, UsageError
from pop3s_fake.sweep import NotReproducible, Point, Sweep, SweepFailure
from tests.sweep.conftest import PATIENCE

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable

    from pop3s_fake import Pop3sServer
    from tests.sweep.conftest import Client

    Talk = Callable[..., None]


def settled(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, name in (
        (r"(?m)^ +\d+\.\d{3} ([CS-])  ?", r" TIME \1 "),
        (r"<(\d+)\.[0-9a-f]+@", r"<\1.STAMP@"),
        (r"TLSv1\.3 \w+", "TLS"),
        (r"octet \d+", "octet N"),
    ):
        text = re.sub(pattern, name, text)
    return text


def swept(sweep: Sweep, talk: Talk, ended: contextlib.suppress) -> list[Point]:
    """Let the client talk at each point, and tell the points."""
    points = []
    for point in sweep:
        points.append(point)
        with point as server, ended:
            talk(server)
    return points


def test_the_control_comes_first_and_its_conversation_has_the_points(noop: Talk, ended: contextlib.suppress) -> None:
    """Uncut, with no rule; then each octet of what it said, and what lies around each reply."""
    points = swept(Sweep("cut"), noop, ended)

    control, *others = points
    octets = sent(control)
    assert (str(control), control.rule, control.number) == ("the uncut control", None, 0)
    assert str(others[0]) == "cut after octet 0: before the greeting"
    assert str(others[-1]) == f"cut after octet {octets}: behind the answer to QUIT"
    assert len(others) == octets + 3 + 2  # behind each reply, before each command
    assert [point.number for point in points] == list(range(len(points)))


def sent(point: Point) -> int:
    """Octets that the point's server sent."""
    assert point.server is not None
    sessions = point.server.transcript.peek()
    return sum(entry.octets for session in sessions for entry in session.entries if entry.kind == "S")


def failure_of(loop: Callable[[], object]) -> SweepFailure:
    """What a sweep has gathered."""
    with pytest.raises(SweepFailure) as caught:
        loop()
    return caught.value


@pytest.mark.parametrize(("kind", "end"), [("cut", "fin"), ("reset", "rst"), ("close-notify", "clean")])
def test_each_point_breaks_there_and_as_its_kind_says(
    kind: Any, end: str, noop: Talk, ended: contextlib.suppress
) -> None:
    """The transcript says so; nothing was sent behind it."""
    octets = 0
    for point in Sweep(kind, over="commands"):
        with point as server:
            with ended:
                noop(server)
            (session,) = server.transcript.sessions
            if point.rule is None:
                continue
            assert session.entries[-1].text == f"a rule ended the connection ({end})"
            octets = sum(entry.octets for entry in session.entries if entry.kind == "S")
            assert f" after octet {octets}: " in str(point)
    assert octets


def test_every_octet_is_where_its_name_says(noop: Talk, ended: contextlib.suppress) -> None:
    """What the server sent until the break is as long as the point says."""
    lengths = []
    for point in Sweep("reset"):
        with point as server, ended:
            noop(server)
        if point.rule is not None and "!before" not in point.rule:
            assert point.server is not None
            (session,) = point.server.transcript.peek()
            lengths.append(sum(entry.octets for entry in session.entries if entry.kind == "S"))
    assert sorted(set(lengths)) == list(range(lengths[-1] + 1))


@pytest.mark.parametrize("kind", ["cut", "reset"])
@pytest.mark.parametrize("unit", ["records", "segments"])
def test_records_and_segments_are_broken_within(kind: Any, unit: Any, noop: Talk, ended: contextlib.suppress) -> None:
    """Every point is met, and what is broken below POP3 says nothing on it."""
    points = swept(Sweep(kind, over=unit), noop, ended)

    within = [point for point in points if f"@{'tls' if unit == 'records' else 'tcp'}:" in str(point.rule)]
    assert len(within) == (11 if unit == "records" else 7)
    assert [point.rule.split()[0] for point in points[1:5] if point.rule] == (
        ["hello", "handshake@tls:1", "handshake@tls:5", "secured"]
        if unit == "records"
        else ["hello", "handshake@tcp:1", "secured", "greeting@0"]
    )
    for point in within:
        octets = re.search(r"after octet (\d+):", str(point))
        assert octets is not None
        assert sent(point) == int(octets[1])


def test_a_rule_reproduces_its_point_alone(noop: Talk, ended: contextlib.suppress) -> None:
    """In the control's place, with the same result."""
    seen = []
    rule = "NOOP#1@2 session=1 -> end fin"
    for point in Sweep("cut", over="octets"):
        with point as server, ended:
            noop(server)
        if point.rule == rule:
            assert point.server is not None
            seen.append(point.server.transcript.peek()[0].entries[-2].text)
    for point in itertools.islice(Sweep("cut", rules=[rule]), 1):
        with point as server, ended:
            noop(server)
        assert point.server is not None
        seen.append(point.server.transcript.peek()[0].entries[-2].text)

    assert seen == ["-E", "-E"]


def hasty(client: type[Client]) -> Callable[[Pop3sServer, Point], None]:
    """A client that takes a message for fetched when it asks for it, and deletes it the next time."""

    def synced(server: Pop3sServer, point: Point) -> None:
        state = point.path / "fetched"
        state.touch()
        with client(server, login=True) as talk:
            for line in talk.ask("UIDL", several=True)[1:]:
                number, uid = line.decode().split()
                if uid not in state.read_text().split():
                    with state.open("a") as file:
                        file.write(f"{uid}\n")
                    talk.ask(f"RETR {number}", several=True)
                talk.ask(f"DELE {number}")
            talk.ask("QUIT")

    return synced


def test_a_loss_is_found_and_all_of_it_is_gathered(client: type[Client], ended: contextlib.suppress) -> None:
    """The points by name, neighbours in one, what failed, and the rule that has each of them alone."""
    sync = hasty(client)

    def loop() -> None:
        for point in Sweep("cut", over="commands", messages=["Subject: x\n\n", "Subject: y\n\n"]):
            with point as server:
                with ended:
                    sync(server, point)
                server.heal()
                sync(server, point)
                server.ledger.assert_nothing_lost()

    failure = failure_of(loop)

    assert settled(str(failure)).splitlines() == (
        [
            "6 of 26 points failed:",
            "  cut after octet N: behind the answer to UIDL",
            "  to cut after octet N: before the answer to RETR 1 (3 points)",
            "    AssertionError: 1 message was deleted without ever having been sent whole",
            "    alone: UIDL#1!after session=1 -> end fin",
            "  cut after octet N: behind the answer to DELE 1",
            "  to cut after octet N: before the answer to RETR 2 (3 points)",
            "    AssertionError: 1 message was deleted without ever having been sent whole",
            "    alone: DELE#1!after session=1 -> end fin",
        ]
    )
    first = failure.failures[0]
    assert failure.__cause__ is first
    assert settled(first.__notes__[0]) == (
        "pop3s-fake: cut after octet N: behind the answer to UIDL\n"
        '  alone: server.rules.add("UIDL#1!after session=1 -> end fin")'
    )
    assert first.__notes__[1].startswith("pop3s-fake transcript:\nsession 1: test, ")


def test_a_client_that_reads_to_the_terminator_loses_nothing(fetch: Talk, ended: contextlib.suppress) -> None:
    """Story 6, every line."""
    for point in Sweep("reset", over="lines", messages=2):
        with point as server:
            with ended:
                fetch(server)
            server.heal()
            fetch(server)
            server.ledger.assert_nothing_lost()
            assert len(server.maildrop) == 0


def test_a_control_that_fails_ends_the_sweep(noop: Talk) -> None:
    """With its own failure, on which is noted what it means."""
    points = []

    def loop() -> None:
        for point in Sweep("cut"):
            points.append(point)
            with point as server:
                noop(server)
                _ = 1 / 0

    with pytest.raises(ZeroDivisionError) as caught:
        loop()

    assert len(points) == 1
    assert caught.value.__notes__[0] == (
        "pop3s-fake: this is the uncut control: it has to pass, since the points of the sweep follow from it"
    )


def test_a_control_whose_client_goes_wrong_ends_the_sweep(noop: Talk, ended: contextlib.suppress) -> None:
    """What the verdict on the control says is raised where it is left."""
    with pytest.raises(UnmetRule, match="RETR -> end rst"):
        swept(Sweep("cut", rules=["RETR -> end rst"]), noop, ended)


def test_rules_of_the_author_have_to_strike_in_the_control_only(noop: Talk, ended: contextlib.suppress) -> None:
    """Behind a cut there is nothing at which they could."""
    points = swept(Sweep("cut", over="commands", rules=["QUIT -> pace size=1"]), noop, ended)

    assert len(points) == 9


def test_offsets_count_what_rules_count(noop: Talk, ended: contextlib.suppress) -> None:
    """Octets before the edits of other rules: each point is met, although what goes out is shorter."""
    points = swept(Sweep("cut", over="octets", rules=["NOOP -> edit drop 9"]), noop, ended)

    assert str(points[-1]) == f"cut after octet {sent(points[-1]) + 9}: behind the answer to QUIT"


def test_another_conversation_than_the_control_s_is_not_reproducible(noop: Talk, ended: contextlib.suppress) -> None:
    """Said with both transcripts: a point of the control's conversation is none of another."""
    count = itertools.count()

    failure = failure_of(
        lambda: swept(
            Sweep("cut", over="commands"),
            lambda server: noop(server, *(["STAT"] if next(count) == 5 else []), "NOOP"),
            ended,
        )
    )

    (problem,) = failure.failures
    assert isinstance(problem, NotReproducible)
    at = "behind the answer to NOOP"
    said = "is a command of the TRANSACTION state; log in first"
    text = re.sub(r"-ERR (\w+) .*", rf"-ERR \1 {said}", settled(str(problem)))
    assert text == "\n".join(
        [
            f"cut after octet N: {at} is not reproducible: the conversation was another one than the control's",
            "  control: in session 1 the client sent NOOP",
            "  here: in session 1 the client sent STAT",
            "  -> let the client do the same each time: its state in point.path, no clock, no chance",
            "the control's transcript:",
            "session 1: nobody logged in, TLS, ended: quit",
            " TIME S +OK POP3 server ready <1.STAMP@localhost>",
            " TIME C NOOP",
            f" TIME S -ERR NOOP {said}",
            " TIME C QUIT",
            " TIME S +OK signing off",
            "the transcript here:",
            "session 1: nobody logged in, TLS, ended: server",
            " TIME S +OK POP3 server ready <1.STAMP@localhost>",
            " TIME C STAT",
            f" TIME S -ERR STAT {said}",
            " TIME C NOOP",
            " TIME - rule NOOP#1!after session=1 -> end fin struck at octet N",
            f" TIME S -ERR NOOP {said}",
            " TIME - a rule ended the connection (fin)",
        ]
    )


def test_a_conversation_of_another_length_is_not_reproducible(fetch: Talk, ended: contextlib.suppress) -> None:
    """The client says the same, and the server answers with more octets."""
    visited = itertools.count()

    def talk(server: Pop3sServer) -> None:
        if next(visited) == 12:
            server.maildrop.add(*["Subject: more\n\n"] * 10)
        fetch(server)

    failure = failure_of(lambda: swept(Sweep("reset", over="commands", messages=0), talk, ended))

    said = re.findall(
        r"(control|here): in session 1 the server answered PASS with (\d+) octets", str(failure.failures[0])
    )
    (one, octets), (other, more) = said
    assert (one, other) == ("control", "here")
    assert int(more) == int(octets) + len("10 messages (150 octets)") - len("0 messages (0 octets)")


def test_a_break_that_never_comes_is_not_reproducible(noop: Talk, ended: contextlib.suppress) -> None:
    """A client that is done before."""

    def loop() -> None:
        for point in Sweep("reset", over="commands"):
            with point as server, ended:
                if point.number < 5:
                    noop(server)

    failure = failure_of(loop)

    assert len(failure.failures) == 4
    assert str(failure.failures[0]).splitlines()[1:3] == [
        "  control: in session 1 the server greeted with 54 octets",
        "  here: session 1 said nothing",
    ]


def test_what_comes_behind_heal_is_not_swept(noop: Talk, ended: contextlib.suppress) -> None:
    """It is the way back, which has to work."""
    points = []
    for point in Sweep("cut", over="commands"):
        points.append(point)
        with point as server:
            with ended:
                noop(server)
            server.heal()
            noop(server)

    assert len(points) == 9


def test_without_heal_all_sessions_are_swept(noop: Talk, ended: contextlib.suppress) -> None:
    """Each in turn."""

    def twice(server: Pop3sServer) -> None:
        with ended:
            noop(server)
        noop(server)

    points = swept(Sweep("cut", over="commands"), twice, ended)

    octets = sent(points[0]) // 2
    assert len(points) == 1 + 2 * 8
    assert str(points[8]) == f"cut in session 1 after octet {octets}: behind the answer to QUIT"
    assert str(points[9]) == "cut in session 2 after octet 0: before the greeting"
    assert str(points[-1]) == f"cut in session 2 after octet {octets}: behind the answer to QUIT"


@pytest.mark.parametrize(("command", "name"), [("XTND", "XTND#1"), ("hello", "*#2")])
def test_a_command_that_nobody_knows_has_its_points(
    command: str, name: str, noop: Talk, ended: contextlib.suppress
) -> None:
    """By its keyword where a rule can name it, else by its place among all commands."""
    points = swept(Sweep("cut", over="commands"), lambda server: noop(server, "NOOP", command), ended)

    assert [point.rule for point in points[6:9]] == [
        f"{name}{end} session=1 -> end fin" for end in ("!before", "@0", "!after")
    ]


def test_a_point_has_a_folder_that_stays_only_if_it_fails(noop: Talk, ended: contextlib.suppress) -> None:
    """For what the client keeps, and for who wants to see what it kept."""
    paths = []

    def loop() -> None:
        for point in Sweep("cut", over="commands"):
            with point as server:
                with ended:
                    noop(server)
                assert list(point.path.iterdir()) == []
                (point.path / "state").touch()
                paths.append(point.path)
                assert point.number != 3

    failure_of(loop)

    assert [path.exists() for path in paths] == [number == 3 for number in range(9)]
    (paths[3] / "state").unlink()
    paths[3].rmdir()


def test_shards_visit_each_point_once(noop: Talk, ended: contextlib.suppress) -> None:
    """All have the control; the points are dealt out one by one."""
    shards = [swept(Sweep("cut", over="commands", shard=(number, 3)), noop, ended) for number in (1, 2, 3)]

    assert [[point.number for point in shard] for shard in shards] == [[0, 1, 4, 7], [0, 2, 5, 8], [0, 3, 6]]


def test_a_stall_that_the_client_leaves_is_no_fault_of_its(client: type[Client], ended: contextlib.suppress) -> None:
    """It has its own time-out, and then the server waits for nobody."""
    points = []
    for point in Sweep("stall", timeout=0.05, shard=(2, 2), deadline=60):
        points.append(point)
        with point as server, ended, client(server) as talk:
            talk.say("QUIT")
            if point.rule:
                server.wait_idle(30)  # until the stall has begun, so that no slow machine is taken for it
                assert point.timeout == 0.05
                talk.patience(point.timeout)
            talk.answer()

    assert [point.rule for point in points] == [None, "QUIT#1!before session=1 -> wait forever"]


def test_a_client_that_waits_for_ever_hangs(noop: Talk, ended: contextlib.suppress) -> None:
    """The server lets it go some time behind its time-out, and says so."""

    def loop() -> None:
        for point in Sweep("stall", timeout=0.1, shard=(3, 5), deadline=60):
            with point as server, ended:
                if point.rule:
                    server._house._deadline = 0.5  # the control may take its time
                noop(server)

    (problem,) = failure_of(loop).failures

    assert isinstance(problem, ClientHung | Pop3sFailure)  # slow enough, it hangs before the stall, which is none then
    assert "session 1 was still open after 0.5 seconds" in str(problem)


def test_a_stall_waits_some_time_longer_than_the_client(noop: Talk) -> None:
    """Ten seconds: a slow machine is no client that hangs."""
    point = next(iter(Sweep("stall", timeout=0.1)))
    with point as server:
        noop(server)
        assert server._options.deadline == 10.1


def test_what_interrupts_a_point_interrupts_the_sweep(noop: Talk) -> None:
    """Nobody gathers a Ctrl-C; the server is stopped all the same."""
    servers = []

    def loop() -> None:
        for point in Sweep("cut", over="commands"):
            with point as server:
                servers.append(server)
                if point.rule:
                    raise KeyboardInterrupt
                noop(server)

    with pytest.raises(KeyboardInterrupt):
        loop()

    assert ["stopped" in repr(server) for server in servers] == [True, True]


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"kind": "cuts"}, "unknown kind 'cuts' of a sweep; did you mean 'cut'?"),
        ({"sampel": 3}, "unknown keyword 'sampel' of a sweep; did you mean 'sample'?"),
        ({"certifcate": "x"}, "unknown keyword 'certifcate' of a sweep; did you mean 'certificate'?"),
        ({"certificate": "expird"}, "unknown certificate 'expird'; did you mean 'expired'?"),
        ({"sample": 0}, "sample= is a number of points from 1 on, not 0"),
        ({"messages": -1}, "messages= is a number from 0 on, or a list of messages, not -1"),
        ({"messages": "a"}, "messages= is a number from 0 on, or a list of messages, not 'a'"),
        ({"timeout": 3}, "timeout= is the client's own time-out in a stall; a cut ends by itself"),
        (
            {"kind": "stall"},
            "a stall needs timeout=, the client's own time-out in seconds: without one it waits for ever",
        ),
        ({"kind": "stall", "timeout": 0}, "timeout= is a number of seconds above 0, not 0"),
        ({"shard": (3, 2)}, "shard= is the part and their number, such as (1, 8), not (3, 2)"),
    ],
)
def test_what_cannot_be_is_an_error_at_the_call(keywords: dict[str, Any], says: str) -> None:
    """A UsageError, before any server runs."""
    with pytest.raises(UsageError) as caught:
        Sweep(**keywords)

    assert str(caught.value) == says


def test_a_sweep_without_its_control_is_an_error() -> None:
    """It cannot know what to cut."""
    with pytest.raises(UsageError) as caught:
        list(Sweep("cut"))

    assert str(caught.value) == (
        "the first point is the uncut control, and the sweep needs it: `with point as server:`"
    )


def test_a_control_to_which_nobody_spoke_is_an_error(ended: contextlib.suppress) -> None:
    """There is nothing to sweep, and a test that sweeps nothing is never green."""
    with pytest.raises(UsageError) as caught:
        swept(Sweep("cut"), lambda _: None, ended)

    assert str(caught.value) == (
        "no client spoke to the server of the uncut control, so there is nothing to sweep\n"
        "  -> let the client connect in `with point as server:`, before server.heal()"
    )


def test_a_control_whose_client_does_not_get_to_the_greeting_is_an_error() -> None:
    """A client that trusts nobody shakes hands and leaves: there is nothing to sweep, and no green test."""
    points = iter(Sweep("cut", over="records"))
    with (
        next(points) as server,
        socket.create_connection((server.host, server.port), timeout=PATIENCE) as tcp,
        pytest.raises(ssl.SSLCertVerificationError),
        ssl.create_default_context().wrap_socket(tcp, server_hostname=server.host),
    ):
        pytest.fail("it trusts our authority")

    with pytest.raises(UsageError, match="no client spoke to the server of the uncut control"):
        next(points)


def test_a_point_is_one_block(noop: Talk) -> None:
    """A second one would have another server under the same name."""
    point = next(iter(Sweep("cut")))
    with point as server:
        noop(server)

    with pytest.raises(UsageError) as caught:
        point.__enter__()

    assert str(caught.value) == "the uncut control was entered already: each point is one block"


def test_a_sweep_says_what_it_is(noop: Talk, ended: contextlib.suppress) -> None:
    """In a failing test's locals."""
    sweep = Sweep("cut", over="commands")
    assert repr(sweep) == "<Sweep: cut over commands, 0 points visited, 0 failed>"

    points = swept(sweep, noop, ended)

    assert repr(sweep) == "<Sweep: cut over commands, 8 points visited, 0 failed>"
    assert repr(points[1]) == "<Point 1: cut after octet 0: before the greeting>"
