"""Each edit gives the same octets whether it is fed whole or octet by octet."""

from __future__ import annotations

import pytest

from pop3s_fake.rules.edits import Edits

PAYLOAD = b"..a\r\nb.\r\n...\r\n\r\n..\r\r\n\n..c\r"

EDITED = {
    ("drop", 3): PAYLOAD[3:],
    ("dup", 3): PAYLOAD[:3] + PAYLOAD,
    ("flip", 3): bytes(octet ^ 1 for octet in PAYLOAD[:3]) + PAYLOAD[3:],
    ("truncate", 1): b"",
    ("unstuff", 1): b".a\r\nb.\r\n..\r\n\r\n.\r\r\n\n..c\r",
    ("bare-lf", 1): b"..a\nb.\n...\n\n..\r\n\n..c\r",
    ("bare-cr", 1): b"..a\rb.\r...\r\r..\r\r\n..c\r",
    ("dup", 99): PAYLOAD * 2,
}


@pytest.mark.parametrize("piece", [1, 2, 3, 99])
@pytest.mark.parametrize(("kind", "count"), EDITED)
def test_an_edit_does_not_see_where_octets_are_cut(kind: str, count: int, piece: int) -> None:
    """CRLF and stuffed dots are found across every cut."""
    edits = Edits()
    assert edits.begin(kind, count) == b""
    pieces = [PAYLOAD[at : at + piece] for at in range(0, len(PAYLOAD), piece)]
    octets = b"".join(edits.apply(each, payload=True) for each in pieces) + edits.finish()
    assert octets == EDITED[kind, count]
    assert edits.changed


@pytest.mark.parametrize("piece", [1, 2, 3, 99])
def test_unstuffing_may_begin_anywhere(piece: int) -> None:
    """Where lines begin is known from the first octet on."""
    edits = Edits()
    octets = edits.apply(PAYLOAD[:9], payload=True)
    rest = PAYLOAD[9:]
    edits.begin("unstuff")
    for at in range(0, len(rest), piece):
        octets += edits.apply(rest[at : at + piece], payload=True)
    assert octets == b"..a\r\nb.\r\n..\r\n\r\n.\r\r\n\n..c\r"[: len(octets)]
    assert len(octets) == len(PAYLOAD) - 2


@pytest.mark.parametrize(
    ("first", "second", "octets"),
    [("bare-lf", "bare-cr", b"a\rb\r"), ("bare-cr", "bare-lf", b"a\r\nb\n"), ("bare-lf", "bare-lf", b"a\nb\n")],
)
def test_line_ends_may_change_between_cr_and_lf(first: str, second: str, octets: bytes) -> None:
    """No octet is lost there, and none comes twice."""
    edits = Edits()
    edits.begin(first)
    given = edits.apply(b"a\r") + edits.begin(second) + edits.apply(b"\nb\r\n") + edits.finish()
    assert given == octets


def test_edits_that_overlap_count_the_octets_of_the_reply() -> None:
    """Not those that the others leave."""
    edits = Edits()
    edits.begin("dup", 2)
    edits.begin("drop", 4)
    assert edits.apply(b"abcdef") == b"abef"


def test_an_edit_that_found_nothing_changed_nothing() -> None:
    """The octets went out as they came."""
    edits = Edits()
    edits.begin("unstuff")
    edits.begin("bare-lf")
    assert edits.apply(b"a.b", payload=True) == b"a.b"
    assert not edits.changed
