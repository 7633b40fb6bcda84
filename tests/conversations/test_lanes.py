"""The layers below POP3 in the transcript: what is noted of them, when, and how it is shown."""

from __future__ import annotations

import poplib
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Pop3sServer, Tls, UsageError
from pop3s_fake.connection.lanes import Lane
from pop3s_fake.transcript import Session, Transcript

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pop3s_fake.transcript import Layer

STREAM = b"\x16\x03\x03\x00\x03abc" + b"\x17\x03\x03\x00\x00" + b"\x17\x03\x03\x00\x05hello"
BOUND = 30.0


def told(writes: Iterable[bytes], *, sealed: bool = True, most: int | None = None) -> list[tuple[str, str]]:
    """What is noted of these writes, as layer and text."""
    log = Session(1, started=0.0)
    lane = Lane(log, "S", lambda: 0.0, most)
    for write in writes:
        lane.carry(write, sealed=sealed)
    lane.end()
    return [(below.layer, below.text) for below in log.below]


def records(writes: Iterable[bytes]) -> list[str]:
    """What is noted of the records."""
    return [text for layer, text in told(writes) if layer == "tls"]


def test_several_records_in_one_write_are_told_one_by_one() -> None:
    """With the octets that follow the header."""
    assert told([STREAM]) == [
        ("tcp", "23 octets"),
        ("tls", "handshake, 3 octets"),
        ("tls", "application_data, 0 octets"),
        ("tls", "application_data, 5 octets"),
    ]


@pytest.mark.parametrize("cut", range(1, len(STREAM)))
def test_wherever_a_write_ends_the_records_are_the_same(cut: int) -> None:
    """Only which of them was split differs, and none was where the cut lies between two."""
    split = records([STREAM[:cut], STREAM[cut:]])
    assert [text.removesuffix(", in 2 segments") for text in split] == records([STREAM])
    assert sum(text.endswith(", in 2 segments") for text in split) == (cut not in {8, 13})


def test_a_record_octet_by_octet_is_one_record() -> None:
    """Each octet is a segment."""
    whole = STREAM[:8]
    assert records([whole[at : at + 1] for at in range(8)]) == ["handshake, 3 octets, in 8 segments"]


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"\x17\x03\x03\x01\x00abc", "application_data, 256 octets, of which 3 came"),
        (b"\x17\x03\x03", "3 octets of a record's header"),
        (b"+OK ready\r\n", "no record: 11 octets in clear"),
        (b"\x63\x03\x03\x00\x01a", "type 99, 1 octet"),
        (b"\x17\x09\x09\x00\x01a", "application_data of version 9.9, 1 octet"),
    ],
)
def test_what_is_no_whole_record_is_told_as_what_it_is(octets: bytes, text: str) -> None:
    """It is what a rule leaves."""
    assert records([octets]) == [text]


def test_in_clear_there_are_writes_only() -> None:
    """Nothing is looked for in them."""
    assert told([STREAM], sealed=False) == [("tcp", "23 octets")]


def test_what_nobody_asked_for_is_kept_up_to_a_bound() -> None:
    """And it is told that there was more."""
    assert told([b"a"] * 5, sealed=False, most=2) == [("tcp", "1 octet")] * 2 + [
        ("tcp", "and more, which was not kept")
    ]


# in a server


def held(server: Pop3sServer) -> str:
    """A whole session of poplib's; gives what went wrong."""
    with closing(poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=BOUND)) as client:
        try:
            client.user(server.login.user)
            client.pass_(server.login.password)
            client.retr(1)
            client.quit()
        except (OSError, poplib.error_proto) as error:
            return str(error)
    return ""


def below(text: str) -> list[str]:
    """The lines of a rendering that are about a layer below POP3, without their times."""
    return [line[10:] for line in text.splitlines() if line[12:16] == "    " or line[11:15] == "    "]


MAIL = "Subject: one\n\n" + "hello\n" * 40


def test_a_failure_shows_where_a_record_was_split() -> None:
    """Where a rule of a lower layer struck, without being asked."""
    with Pop3sServer(rules=["RETR -> pace size=120 layer=tcp"], tls=Tls(versions="1.3")) as server:
        server.maildrop.add(MAIL)
        assert held(server) == ""
        server.settle()
        assert below(server.story()) == [
            "S    tcp  120 octets",
            "S    tcp  120 octets",
            "S    tcp  97 octets",
            "S    tls  application_data, 332 octets, in 3 segments",
        ]
        assert below(server.transcript.render()) == []


def test_a_failure_shows_how_much_of_a_record_came() -> None:
    """A cut inside of one."""
    with Pop3sServer(rules=["RETR@tls:60 -> end fin"]) as server:
        server.maildrop.add(MAIL)
        assert held(server) != ""
        server.settle()
        assert below(server.story()) == [
            "S    tcp  60 octets",
            "S    tls  application_data, 332 octets, of which 55 came",
        ]


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        (
            "RETR -> pace size=1 layer=tcp",
            [
                "S    tcp  1 octet",
                "     and the same 336 times more",
                "S    tls  application_data, 332 octets, in 337 segments",
            ],
        ),
        (
            "RETR -> pace size=1",
            ["S    tcp  23 octets", "S    tls  application_data, 18 octets", "     and the same 314 times more"],
        ),
    ],
)
def test_what_repeats_itself_is_told_once(rule: str, lines: list[str]) -> None:
    """Else the rest of the story would be lost behind it."""
    with Pop3sServer(rules=[rule], tls=Tls(versions="1.3")) as server:
        server.maildrop.add(MAIL)
        assert held(server) == ""
        server.settle()
        assert below(server.transcript.render(layers=("pop3", "tls", "tcp"))) == lines


def test_of_what_a_rule_is_bound_to_the_layers_are_kept_and_shown_when_asked_for() -> None:
    """A rule on the POP3 layer does not make a report longer."""
    with Pop3sServer(rules=["RETR -> pace size=200"], tls=Tls(versions="1.3")) as server:
        server.maildrop.add(MAIL)
        assert held(server) == ""
        server.settle()
        assert below(server.story()) == []
        assert below(server.transcript.render(layers=("pop3", "tls"))) == [
            "S    tls  application_data, 217 octets",
            "S    tls  application_data, 132 octets",
        ]


def test_without_rules_nothing_is_kept_below_pop3() -> None:
    """It costs nothing."""
    with Pop3sServer() as server:
        server.maildrop.add(MAIL)
        assert held(server) == ""
        assert list(server.transcript.last_session.below) == []


def test_a_transcript_that_was_asked_for_records_has_all_of_both_sides() -> None:
    """From the ClientHello to close_notify; sessions that had begun are as they were."""
    with Pop3sServer(tls=Tls(versions="1.3")) as server:
        server.maildrop.add(MAIL)
        server.transcript.layers = ("pop3", "tls")
        assert server.transcript.layers == {"pop3", "tls"}
        assert held(server) == ""
        server.settle()
        lines = below(server.story())
        assert lines[0].startswith("C    tls  handshake, ")
        assert lines[-1] == "S    tls  application_data, 19 octets"
        assert not any("tcp" in line for line in lines)
        wire = server.transcript.render(layers=("tcp",)).splitlines()
        assert all("  tcp  " in line for line in wire[1:])
        assert "RETR" not in server.transcript.render(layers=("tls", "tcp"))


def test_a_fault_in_the_handshake_is_shown_in_records() -> None:
    """The server's part of it."""
    with Pop3sServer(rules=["handshake@tls:60 -> end fin"], tls=Tls(versions="1.3")) as server:
        with pytest.raises(OSError, match="EOF"):
            held(server)
        server.settle()
        assert "S    tcp  60 octets" in below(server.story())


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        (("pop3", "tsl"), "unknown layer 'tsl' of the transcript; did you mean 'tls'?"),
        ("tls", "layers= is a list, not the text 'tls'"),
    ],
)
def test_a_layer_that_is_none_is_an_error_at_the_call(layers: tuple[Layer, ...], text: str) -> None:
    """Of the rendering and of the attribute."""
    transcript = Transcript()
    with pytest.raises(UsageError) as caught:
        transcript.render(layers)
    assert str(caught.value) == text
    with pytest.raises(UsageError) as caught:
        transcript.layers = layers
    assert str(caught.value) == text
