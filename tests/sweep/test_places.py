"""Which places a conversation has, without a server: names, rules, boundaries, samples."""

from __future__ import annotations

from typing import get_args

import pytest

from pop3s_fake import UsageError
from pop3s_fake.rules import Rule
from pop3s_fake.rules.measuring import Measured
from pop3s_fake.sweep.places import KINDS, UNITS, KindName, UnitName, chosen, kind_of, places

GREETING = Measured(1, "greeting", 1, "", (5,), 3)
RETR = Measured(1, "RETR", 2, "RETR 7", (5, 4, 3), 9)
QUIT = Measured(1, "QUIT", 1, "QUIT", (4,), 2)
HANDSHAKE = Measured(1, "handshake", 1, "", (), 0)
UPGRADE = Measured(1, "stls.handshake", 1, "", (), 0)


def test_each_octet_of_a_reply_has_its_place() -> None:
    """Before the command, before, between and behind the octets; the conversation's octets are counted, and lines."""
    found = places(KINDS["cut"], "octets", [GREETING, RETR])

    assert [(place.text, place.rule) for place in found] == [
        ("cut after octet 0: before the greeting", "greeting@0 session=1 -> end fin"),
        ("cut after octet 1: in the greeting", "greeting@1 session=1 -> end fin"),
        ("cut after octet 2: in the greeting", "greeting@2 session=1 -> end fin"),
        ("cut after octet 3: in the greeting", "greeting@3 session=1 -> end fin"),
        ("cut after octet 4: in the greeting", "greeting@4 session=1 -> end fin"),
        ("cut after octet 5: behind the greeting", "greeting!after session=1 -> end fin"),
        ("cut after octet 5: before RETR 7 is carried out", "RETR#2!before session=1 -> end fin"),
        ("cut after octet 5: before the answer to RETR 7", "RETR#2@0 session=1 -> end fin"),
        ("cut after octet 6: in RETR 7, line 1", "RETR#2@1 session=1 -> end fin"),
        ("cut after octet 7: in RETR 7, line 1", "RETR#2@2 session=1 -> end fin"),
        ("cut after octet 8: in RETR 7, line 1", "RETR#2@3 session=1 -> end fin"),
        ("cut after octet 9: in RETR 7, line 1", "RETR#2@4 session=1 -> end fin"),
        ("cut after octet 10: in RETR 7, before line 2", "RETR#2@5 session=1 -> end fin"),
        ("cut after octet 11: in RETR 7, line 2", "RETR#2@6 session=1 -> end fin"),
        ("cut after octet 12: in RETR 7, line 2", "RETR#2@7 session=1 -> end fin"),
        ("cut after octet 13: in RETR 7, line 2", "RETR#2@8 session=1 -> end fin"),
        ("cut after octet 14: in RETR 7, before line 3", "RETR#2@9 session=1 -> end fin"),
        ("cut after octet 15: in RETR 7, line 3", "RETR#2@10 session=1 -> end fin"),
        ("cut after octet 16: in RETR 7, line 3", "RETR#2@11 session=1 -> end fin"),
        ("cut after octet 17: behind the answer to RETR 7", "RETR#2!after session=1 -> end fin"),
    ]


@pytest.mark.parametrize(
    ("unit", "ends"),
    [
        ("lines", ["!before", "@0", "@5", "@9", "!after"]),
        ("commands", ["!before", "@0", "!after"]),
        ("records", ["!before", "@0", "@tls:1", "@tls:5", "@tls:-1", "!after"]),
        ("segments", ["!before", "@0", "@tcp:1", "@tcp:-1", "!after"]),
        ("boundaries", ["!before", "@0", "@5", "@9", "@10", "@11", "!after"]),
    ],
)
def test_a_unit_says_where_a_reply_can_be_broken(unit: str, ends: list[str]) -> None:
    """Between lines; around the reply; and at boundaries: the first line, the terminator, and within that."""
    found = places(KINDS["reset"], unit, [RETR])

    assert [place.rule for place in found] == [f"RETR#2{end} session=1 -> end rst" for end in ends]


@pytest.mark.parametrize("unit", ["records", "segments"])
def test_an_orderly_end_of_tls_stands_between_records_only(unit: str) -> None:
    """Among octets that are sealed already nobody can read its alert (RFC 8446 section 5.3)."""
    found = places(KINDS["close-notify"], unit, [RETR])

    assert [place.rule for place in found] == [
        f"RETR#2{end} session=1 -> end clean" for end in ("!before", "@0", "!after")
    ]


def test_records_and_segments_begin_in_the_handshake() -> None:
    """Before it, in and behind what can be counted in it, and behind it; with STLS it has another name."""
    records = places(KINDS["cut"], "records", [HANDSHAKE, GREETING])
    segments = places(KINDS["reset"], "segments", [GREETING, UPGRADE])

    assert [(place.text, place.rule) for place in records[:5]] == [
        ("cut after octet 0: before the TLS handshake is answered", "hello session=1 -> end fin"),
        (
            "cut after octet 0: in the header of the first TLS record of the handshake",
            "handshake@tls:1 session=1 -> end fin",
        ),
        (
            "cut after octet 0: behind the header of the first TLS record of the handshake",
            "handshake@tls:5 session=1 -> end fin",
        ),
        ("cut after octet 0: behind the TLS handshake", "secured session=1 -> end fin"),
        ("cut after octet 0: before the greeting", "greeting@0 session=1 -> end fin"),
    ]
    assert [(place.text, place.rule) for place in segments[-3:]] == [
        ("reset after octet 5: before the TLS handshake is answered", "stls.hello session=1 -> end rst"),
        (
            "reset after octet 5: behind the first octet of the first segment of the handshake",
            "stls.handshake@tcp:1 session=1 -> end rst",
        ),
        ("reset after octet 5: behind the TLS handshake", "secured session=1 -> end rst"),
    ]
    assert all(place.boundary for place in (*records[:4], *segments[-3:]))


def test_a_handshake_has_no_place_on_the_pop3_layer() -> None:
    """Nothing is said in it; and before its end no closure alert can be sealed (RFC 8446 section 6.1)."""
    for name in ("octets", "lines", "commands", "boundaries"):
        unit = [place.rule for place in places(KINDS["cut"], name, [HANDSHAKE, GREETING])]
        assert unit == [place.rule for place in places(KINDS["cut"], name, [GREETING])]
    orderly = places(KINDS["close-notify"], "records", [HANDSHAKE])
    assert [place.rule for place in orderly] == ["secured session=1 -> end clean"]


def test_a_long_reply_has_several_records() -> None:
    """One may hold 16 384 octets (RFC 8446 section 5.1); a place within one is named."""
    found = places(KINDS["cut"], "records", [RETR._replace(lines=(20_000, 20_000, 3), end=40_000)])

    assert [(place.text, place.rule) for place in found[2:-1]] == [
        (
            "cut after octet 0: in the header of the first TLS record of the answer to RETR 7",
            "RETR#2@tls:1 session=1 -> end fin",
        ),
        (
            "cut after octet 0: behind the header of the first TLS record of the answer to RETR 7",
            "RETR#2@tls:5 session=1 -> end fin",
        ),
        ("cut after octet 16384: in RETR 7, line 1", "RETR#2@16384 session=1 -> end fin"),
        ("cut after octet 32768: in RETR 7, line 2", "RETR#2@32768 session=1 -> end fin"),
        (
            "cut after octet 32768: before the last octet of the last TLS record of the answer to RETR 7",
            "RETR#2@tls:-1 session=1 -> end fin",
        ),
    ]


def test_every_place_of_every_kind_and_unit_is_a_rule_that_can_act() -> None:
    """None of them is an error later on."""
    for kind in KINDS.values():
        for unit in kind.units:
            for place in places(kind, unit, [HANDSHAKE, GREETING, UPGRADE, RETR, QUIT]):
                rule = Rule.parse(place.rule)
                assert str(rule) == place.rule


def test_a_stall_has_no_place_behind_a_reply() -> None:
    """Who has the whole reply waits for nothing; what is asked next has a place of its own."""
    found = places(KINDS["stall"], "commands", [GREETING, QUIT])

    assert [place.rule for place in found] == [
        "greeting@0 session=1 -> wait forever",
        "QUIT#1!before session=1 -> wait forever",
        "QUIT#1@0 session=1 -> wait forever",
    ]


def test_several_sessions_are_told_apart() -> None:
    """Octets are counted in each of them."""
    later = [reply._replace(session=2) for reply in (GREETING, QUIT)]

    found = places(KINDS["close-notify"], "commands", [GREETING, QUIT, *later])

    assert (found[0].text, found[0].rule) == (
        "close-notify in session 1 after octet 0: before the greeting",
        "greeting@0 session=1 -> end clean",
    )
    assert (found[-1].text, found[-1].rule) == (
        "close-notify in session 2 after octet 9: behind the answer to QUIT",
        "QUIT#1!after session=2 -> end clean",
    )


def test_a_sample_has_all_boundaries_and_is_as_large_as_it_may_be() -> None:
    """And in the order of the conversation."""
    found = places(KINDS["cut"], "octets", [GREETING, RETR, QUIT])
    boundaries = [place for place in found if place.boundary]

    few, more = chosen(found, 1, seed=7), chosen(found, len(boundaries) + 3, seed=7)

    assert few == boundaries
    assert len(more) == len(boundaries) + 3
    assert set(boundaries) < set(more)
    assert more == sorted(more, key=found.index)


def test_a_sample_is_the_same_for_a_seed_and_another_for_another() -> None:
    """Which of the others are taken follows from the seed alone."""
    found = places(KINDS["cut"], "octets", [RETR._replace(lines=(500, 500, 3), end=1000)])

    assert chosen(found, 50, seed=7) == chosen(found, 50, seed=7) != chosen(found, 50, seed=8)
    assert chosen(found, len(found), seed=7) == chosen(found, None, seed=7) == found


@pytest.mark.parametrize(
    ("kind", "unit", "says"),
    [
        ("cuts", None, "unknown kind 'cuts' of a sweep; did you mean 'cut'?"),
        ("zzz", None, "unknown kind 'zzz' of a sweep; known are: close-notify, cut, reset, stall"),
        ("cut", "line", "unknown unit over='line' of a cut; did you mean 'lines'?"),
        ("stall", "octets", "unknown unit over='octets' of a stall; known are: boundaries, commands"),
    ],
)
def test_a_kind_or_unit_that_is_none_is_an_error_with_the_nearest_word(kind: str, unit: str | None, says: str) -> None:
    """A UsageError at the call."""
    with pytest.raises(UsageError) as caught:
        kind_of(kind, unit)

    assert str(caught.value) == says


def test_the_first_unit_of_a_kind_is_taken_where_none_is_given() -> None:
    """Octets, and commands for a stall, of which each costs the client's time-out."""
    assert {name: kind_of(name, None)[1] for name in KINDS} == {
        "cut": "octets",
        "reset": "octets",
        "close-notify": "octets",
        "stall": "commands",
    }
    assert {unit for kind in KINDS.values() for unit in kind.units} == set(UNITS) == set(get_args(UnitName))
    assert set(KINDS) == set(get_args(KindName))
