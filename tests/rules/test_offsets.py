"""Every kind of offset, at its borders: where a cut leaves the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pop3s_fake.rules import RuleBook
from pop3s_fake.rules.operations import Octets
from pop3s_fake.rules.pipeline import reply
from pop3s_fake.rules.placing import Layout, Parts, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STATUS = b"+OK 20 octets\r\n"
STUFFED = b"Subject: a\r\n\r\n..b\r\nc\r\n"
WHOLE = STATUS + STUFFED + b".\r\n"
SIZE = len(WHOLE)

PLACES = {
    "@0": 0,
    "@1": 1,
    f"@{len(STATUS)}": len(STATUS),
    f"@{SIZE - 1}": SIZE - 1,
    f"@{SIZE}": SIZE,
    f"@{SIZE + 1}": None,
    "@body:0": len(STATUS),
    "@body:14": len(STATUS) + 14,
    f"@body:{len(STUFFED)}": len(STATUS) + len(STUFFED),
    f"@body:{len(STUFFED) + 1}": None,
    "@-1": SIZE - 1,
    "@-3": SIZE - 3,
    f"@-{SIZE}": 0,
    f"@-{SIZE + 1}": None,
    "@0%": 0,
    "@50%": SIZE // 2,
    "@99%": SIZE * 99 // 100,
    "@100%": SIZE,
    "@L1": 0,
    "@L2": len(STATUS),
    "@L3": len(STATUS) + 12,
    "@L4": len(STATUS) + 14,
    "@L6": SIZE - 3,
    "@L7": None,
    "@end": SIZE - 3,
}


@pytest.mark.parametrize("offset", PLACES)
def test_a_cut_leaves_the_octets_before_its_offset(offset: str, play: Callable[..., Any]) -> None:
    """Offsets count octets as they stand on the wire, stuffed; one beyond the end never strikes."""
    played = play(f"RETR{offset} -> end rst")
    octet = PLACES[offset]
    assert played.octets == WHOLE[:octet]
    assert played.strikes == ([] if octet is None else [(f"RETR{offset} -> end rst", octet)])
    assert played.run.sent_all == (octet in {None, SIZE})
    assert not played.run.damaged


SINGLE = {"@0": 0, "@3": 3, "@8": 8, "@9": 9, "@10": None, "@end": 7, "@-1": 8, "@-9": 0, "@50%": 4, "@L1": 0}


@pytest.mark.parametrize("offset", SINGLE)
def test_the_end_of_a_single_line_is_before_its_only_crlf(offset: str, play: Callable[..., Any]) -> None:
    """That is what tells the client that it is complete."""
    octet = SINGLE[offset]
    played = play(f"STAT{offset} -> end fin", point="STAT", argument="", parts=Parts(b"+OK 0 0\r\n"))
    assert played.octets == b"+OK 0 0\r\n"[:octet]


@pytest.mark.parametrize("offset", ["@body:0", "@L2"])
def test_a_refusal_has_no_payload_and_one_line(offset: str, play: Callable[..., Any]) -> None:
    """The same command may be refused, and then there is nothing to strike at."""
    played = play(f"RETR{offset} -> end fin", parts=Parts(b"-ERR no such message\r\n"))
    assert played.octets == b"-ERR no such message\r\n"
    assert played.strikes == []


@pytest.mark.parametrize("edit", ["drop", "dup", "flip", "truncate", "bare-lf", "bare-cr", "unstuff"])
@pytest.mark.parametrize("offset", [f"@{SIZE}", "@100%", "@1000"])
def test_an_edit_needs_an_octet(edit: str, offset: str, play: Callable[..., Any]) -> None:
    """Behind the last one there is nothing to change, so nothing strikes."""
    played = play(f"RETR{offset} -> edit {edit}")
    assert (played.octets, played.strikes, played.run.damaged) == (WHOLE, [], False)


def test_offsets_count_in_the_reply_that_replaces(play: Callable[..., Any]) -> None:
    """A scripted reply comes before everything else."""
    rules = ['UIDL -> reply "+OK\\r\\n1 abc\\r\\n.\\r\\n"', "UIDL@end -> wait 1", 'UIDL@body:2 -> send "!"']
    assert play(*rules, point="UIDL", argument="").steps == [b"+OK\r\n1 !abc\r\n", 1.0, b".\r\n"]


def test_offsets_count_before_the_edits_of_the_same_reply(play: Callable[..., Any]) -> None:
    """Octets that an edit takes away or adds do not move the others."""
    played = play("RETR -> edit drop 2", "RETR@5 -> edit dup 2", "RETR@10 -> end fin")
    assert played.octets == WHOLE[2:7] + WHOLE[5:7] + WHOLE[7:10]


CHUNKS = st.lists(st.sampled_from([b"a", b".", b"\r\n", b"\r", b"\n", b"bc.\r\n.", b""]), max_size=12)

RULES = st.lists(
    st.sampled_from(
        [
            "RETR@7 -> wait 1",
            "RETR@body:3 -> edit drop 2",
            "RETR@body:1 -> edit dup 4",
            "RETR@L3 -> edit flip",
            'RETR@-4 -> send "<\\r\\n>"',
            "RETR@50% -> pace size=3 gap=1",
            "RETR@end -> edit bare-lf",
            "RETR -> edit unstuff",
            "RETR@body:2 -> edit bare-cr",
            "RETR -> edit no-terminator",
            "RETR@60% -> end half-close, wait 1",
            "RETR@80% -> end rst",
            'RETR!after -> send "x"',
            'RETR -> flood "ab" octets=5',
        ]
    ),
    unique=True,
    max_size=5,
)


def _stuffed(chunks: Any) -> Iterator[bytes]:
    last = b"\r\n"
    for chunk in chunks:
        if chunk:
            yield (last + chunk).replace(b"\r\n.", b"\r\n..")[len(last) :]
            last = (last + chunk)[-2:]


@example([b"a", b"\r\n", b"b\r\n."], ["RETR@7 -> pace size=3 gap=1", "RETR -> edit unstuff"], 1)
@given(CHUNKS, RULES, st.integers(1, 5))
def test_where_the_chunks_are_cut_never_matters(chunks: list[bytes], texts: list[str], size: int) -> None:
    """The very same operations come of a payload in one chunk, in its own, and cut small."""
    whole = b"".join(chunks)
    cuts = [[whole], chunks, [whole[at : at + size] for at in range(0, len(whole), size)]]
    results = []
    for cut in cuts:
        book = RuleBook(seed=1, now=lambda: 0.0)
        for text in texts:
            book.add(text)
        bound = book.session(1).bind("RETR", "1")
        if bound is None:
            return
        run = reply(bound, Parts(b"+OK\r\n", lambda cut=cut: cut, _stuffed), book.now)  # type: ignore[misc]
        results.append((list(run), run.damaged, run.sent_all, [str(problem) for problem in book.unmet()]))
    assert results[0] == results[1] == results[2]


@given(CHUNKS, st.integers(0, 60))
def test_a_cut_at_any_octet_leaves_so_many(chunks: list[bytes], octet: int) -> None:
    """The promise of every sweep over octets."""
    parts = Parts(b"+OK\r\n", lambda: chunks, _stuffed)
    whole = b"".join(Layout(parts).all())
    book = RuleBook(seed=1, now=lambda: 0.0)
    book.add(f"RETR@{octet} -> end rst")
    bound = book.session(1).bind("RETR", "1")
    assert bound is not None
    run = reply(bound, parts, book.now)
    assert b"".join(each.octets for each in run if isinstance(each, Octets)) == whole[:octet]


@given(CHUNKS)
def test_the_measures_are_those_of_the_octets(chunks: list[bytes]) -> None:
    """Length, end and lines, however the chunks are cut."""
    layout = Layout(Parts(b"+OK\r\n", lambda: chunks, _stuffed))
    whole = b"".join(layout.all())
    assert (layout.total, layout.end) == (len(whole), len(whole) - 3)
    starts = [0] + [at + 2 for at in range(len(whole) - 2) if whole[at : at + 2] == b"\r\n"]
    assert [layout.line(number) for number in range(1, len(starts) + 1)] == starts
    assert layout.line(len(starts) + 1) is None


@pytest.mark.parametrize(
    ("octets", "several", "end"),
    [
        (b"+OK\r\n", False, 3),
        (b"+OK", False, 3),
        (b"+OK\r\n.\r\n", True, 5),
        (b"+OK\r\n1 a\r\n.\r\n", True, 10),
        (b"+OK\r\n1 a\r\n", True, 10),
    ],
)
def test_octets_are_taken_apart_as_a_client_would(octets: bytes, several: bool, end: int) -> None:  # noqa: FBT001
    """Status, payload, terminator; what has no terminator ends where it ends."""
    layout = Layout(parts_of(octets))
    assert (layout.several, layout.end, b"".join(layout.all())) == (several, end, octets)
