"""Several rules on the layers below POP3 at one reply, and what stands at its end: octet for octet, order for order."""

from __future__ import annotations

import re
import socket
import ssl
from typing import Any

import pytest

from pop3s_fake import Pop3sServer, Rule, Tls
from pop3s_fake.rules.operations import Call, Finish, HalfClose, Octets
from tests.conversations.test_below import RECORD, WHOLE, Below, joined, sealed

TENS = "RETR -> pace size=10 layer=tls"

TOGETHER: dict[tuple[str, ...], list[Any]] = {
    ('RETR@tcp:10 -> send "xx" layer=tcp', "RETR@tcp:15 -> end fin"): [
        RECORD[:10] + b"xx" + RECORD[10:13],  # what a rule puts between counts
        Finish("fin"),
    ],
    ("RETR@tls:7 -> wait 1", "RETR@tls:20 -> wait 2"): [RECORD[:7], 1.0, RECORD[7:20], 2.0, RECORD[20:]],
    (TENS, "RETR@14 -> pace size=5 layer=tls"): [
        b"".join(map(sealed, (WHOLE[:10], WHOLE[10:14], WHOLE[14:19], WHOLE[19:24], WHOLE[24:])))
    ],
    (TENS, 'RETR@14 -> send "own" layer=tls'): [
        b"".join(map(sealed, (WHOLE[:10], WHOLE[10:14], b"own", WHOLE[14:24], WHOLE[24:])))
    ],
    (TENS, "RETR@14 -> wait 2"): [
        sealed(WHOLE[:10]) + sealed(WHOLE[10:14]),
        2.0,
        sealed(WHOLE[14:24]) + sealed(WHOLE[24:]),
    ],
    ("RETR@tcp:-1 -> edit dup 3 layer=tcp", 'RETR@tcp:33 -> send "x" layer=tcp'): [RECORD + RECORD[-1:] + b"x"],
    ("RETR -> edit swap layer=tls", TENS): [
        sealed(WHOLE[5:10]) + sealed(WHOLE[:5]) + sealed(WHOLE[10:20]) + sealed(WHOLE[20:])  # only one is halved
    ],
}


@pytest.mark.parametrize("rules", TOGETHER, ids=" and ".join)
def test_rules_below_pop3_go_together(rules: tuple[str, ...]) -> None:
    """Each in its place, and none takes anything away from another."""
    assert joined(Below(*rules).steps) == TOGETHER[rules]


def test_a_pace_of_writes_goes_on_over_the_records_of_a_reply() -> None:
    """Whatever the records are, and however many writes there would have been."""
    steps = Below("RETR -> pace size=7 layer=tcp", "RETR -> pace size=10 layer=pop3").steps
    whole = sealed(WHOLE[:10]) + sealed(WHOLE[10:20]) + sealed(WHOLE[20:])
    assert [step for step in steps if step] == [whole[at : at + 7] for at in range(0, len(whole), 7)]


def test_what_the_client_reads_it_reads_once_the_record_is_whole() -> None:
    """Where writes are small that is the last one of a record, and not the first."""
    below = Below("RETR -> pace size=16 layer=tcp", TENS)
    stream, told = b"", []
    for operation in below.operations:
        if isinstance(operation, Octets):
            stream += operation.octets
            if operation.says:
                told.append((len(stream), operation.says))
    # the records end behind octets 17, 34 and 47
    assert told == [(32, WHOLE[:10]), (47, WHOLE[10:])]
    below = Below("RETR -> pace size=17 layer=tcp", TENS, "RETR@tcp:34 -> end fin")
    assert below.says == WHOLE[:20]


def test_a_function_is_called_when_what_stands_before_it_has_left() -> None:
    """On the layers below, too: who looks at the client then sees what it has."""
    for layer, place in (("tls", 10), ("tcp", 10)):
        rule = Rule(f"RETR@{layer}:{place}").call(print)
        before, call, behind = (each for each in Below(rule).operations if isinstance(each, Octets | Call))
        assert isinstance(before, Octets)
        assert isinstance(call, Call)
        assert isinstance(behind, Octets)
        assert (before.octets, behind.octets) == (RECORD[:place], RECORD[place:])


def test_who_strikes_is_told_the_octet_of_its_place() -> None:
    """Also of an edit in a record that is not the first."""
    below = Below(TENS, "RETR@tls:7 -> edit flip layer=tls", "RETR@tls:20 -> edit flip layer=tls")
    assert below.strikes == [(0, "pop3"), (7, "tls"), (20, "tls")]


def test_a_half_that_is_closed_below_ends_the_reply_for_the_rules_behind_it() -> None:
    """They are told which rule closed it, and where; the rest of the connection can still be ended."""
    below = Below(
        "RETR@tcp:10 -> end half-tcp", "RETR@tcp:20 -> end rst", "RETR -> pace size=5", "RETR!after -> wait 1"
    )
    assert [step for step in joined(below.steps) if not isinstance(step, bytes)] == [
        HalfClose("half-tcp"),
        Finish("rst"),
    ]
    below = Below("RETR@tcp:10 -> end half-tcp", "RETR -> pace size=5", "RETR!after -> wait 1")
    (unmet,) = below.book.unmet()
    assert str(unmet) == (
        "RETR!after -> wait 1 never struck\n"
        "  RETR was sent once (session 1); `RETR@tcp:10 -> end half-tcp` had ended the conversation at octet 10 of the "
        "TCP layer\n"
        "  -> a place before that, or .optional() if it need not strike"
    )


def test_the_places_of_writes_count_what_a_function_made_of_them() -> None:
    """It comes first, as on the POP3 layer; what lies behind all that it gave is told in its octets."""
    below = Below("RETR@tcp:10 -> end rst", edit=("tcp", lambda octets: b"new" + octets))
    assert joined(below.steps) == [b"new" + RECORD[:7], Finish("rst")]
    below = Below("RETR@tcp:10 -> wait 1", edit=("tcp", lambda _: b"short"))
    assert joined(below.steps) == [b"short"]
    (unmet,) = below.book.unmet()
    assert str(unmet).splitlines()[1].endswith("its reply had 5 octets on the TCP layer, so @tcp:10 lay beyond the end")


def test_a_place_from_the_end_keeps_its_distance_from_it_while_the_reply_passes() -> None:
    """Also where what was put between is gone long before the end has come."""
    fives = b"".join(sealed(WHOLE[at : at + 5]) for at in range(0, len(WHOLE), 5))
    below = Below("RETR -> pace size=5", 'RETR@tcp:5 -> send "xx" layer=tcp', "RETR@tcp:-3 -> end fin")
    assert joined(below.steps) == [fives[:5] + b"xx" + fives[5:-3], Finish("fin")]


@pytest.mark.parametrize("layer", ["tls", "tcp"])
def test_what_a_function_changed_is_damaged_and_what_it_left_is_not(layer: str) -> None:
    """Behind what was changed the client can read nothing; a function that looks on harms nobody."""
    looked = Below(edit=(layer, lambda octets: octets))
    assert (looked.says, looked.damaged) == (WHOLE, False)
    changed = Below(edit=(layer, lambda octets: octets[::-1]))
    assert (changed.says, changed.damaged) == (b"", True)


@pytest.mark.parametrize(
    "rule",
    [
        "RETR@tls:99 -> edit truncate layer=tls, end fin",
        "RETR@tcp:99 -> edit dup layer=tcp, wait 1",
        "RETR@99 -> edit drop, wait 1",
    ],
)
def test_what_follows_an_action_that_had_no_place_has_none_either(rule: str) -> None:
    """The actions of one rule run in order, or not at all."""
    below = Below(rule)
    assert joined(below.steps) == [RECORD]
    assert len(below.book.unmet()) == 1


@pytest.mark.parametrize(
    ("how", "notified", "closed"), [("half-tls", True, False), ("half-tcp", False, True), ("half-close", True, True)]
)
def test_each_half_closes_what_it_says_and_the_server_reads_on(
    pure: Any, how: str, *, notified: bool, closed: bool
) -> None:
    """TLS by its alert (RFC 8446 section 6.1), TCP by a FIN, or both; what is asked then is done and not answered."""
    server = pure(f"STAT!after -> end {how}", tls=True)
    talk = server.talk().login()
    steps = talk.say("STAT")
    assert (talk.notified, "half" in steps) == (notified, closed)
    assert talk.ask("DELE 1") == b""
    assert talk.ask("QUIT") == b""
    assert list(server.account.maildrop.uids) == ["m2"]
    told = [entry.text for entry in talk.log.entries if entry.kind == "-"]
    assert told.count("no reply can be sent: our direction is closed") == 2


def shake(server: Pop3sServer) -> bytes:
    """Shake hands, and read the greeting."""
    with (
        socket.create_connection((server.host, server.port), timeout=30) as sock,
        server.client_context().wrap_socket(sock, server_hostname="localhost") as client,
    ):
        return client.recv(100)


@pytest.mark.parametrize("versions", ["1.2", "1.3"])
def test_all_flights_of_a_handshake_are_counted_and_what_lies_beyond_is_told(versions: str) -> None:
    """Up to TLS 1.2 the server has the last word: ChangeCipherSpec and Finished, 51 octets with the GCM suites."""
    with Pop3sServer(rules=["handshake@tls:100000 -> end fin"], tls=Tls(versions=versions)) as server:
        assert shake(server).startswith(b"+OK")
        (unmet,) = server.judge()
    told = re.fullmatch(
        r"handshake@tls:100000 -> end fin   \(test_below_together\.py:\d+\) never struck\n"
        r"  a handshake began once \(session 1\); it had (\d+) octets on the TLS layer, "
        r"so @tls:100000 lay beyond the end\n"
        r"  -> handshake@tls:\d+, or \.optional\(\) if it need not strike",
        str(unmet),
    )
    assert told is not None
    nearly = int(told[1]) - 20  # a signature may be shorter by a few octets
    with (
        Pop3sServer(rules=[f"handshake@tls:{nearly} -> end fin"], tls=Tls(versions=versions)) as server,
        pytest.raises(ssl.SSLError),
    ):
        shake(server)
    (session,) = server.transcript.peek()
    went_out = [each.text.partition(",")[0] for each in session.below if each.layer == "tls"]
    assert "change_cipher_spec" in went_out
