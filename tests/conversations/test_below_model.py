"""Rules on three layers at once against a model of a few lines: octets in, octets out.

The model knows streams and nothing of operations: the POP3 layer's octets are cut into records, the records are
changed, joined, added to and changed once more.
"""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pop3s_fake.rules import Rule
from pop3s_fake.rules.book import RuleBook
from pop3s_fake.rules.descent import Descent
from pop3s_fake.rules.operations import Finish, Octets
from pop3s_fake.rules.pipeline import reply
from pop3s_fake.rules.placing import Parts
from pop3s_fake.rules.records import records_of

STATUS = b"+OK\r\n"
FULL = 16384


def sealed(octets: bytes) -> bytes:
    """A record that anybody can read: the header, and the content with a tag of two octets."""
    return b"".join(
        b"\x17\x03\x03" + (len(piece) + 2).to_bytes(2, "big") + piece + b"##"
        for piece in (octets[at : at + FULL] for at in range(0, len(octets), FULL))
    )


def edited(stream: list[bytes], kind: str, first: int, count: int) -> list[bytes]:
    """Atoms of a stream, octets or records, of which so many from the first one on are changed."""
    touched = stream[first : first + count]
    if kind == "flip":
        touched = [bytes(octet ^ 1 for octet in atom) for atom in touched]
    elif kind == "dup":
        touched = touched * 2
    elif kind == "truncate":
        return stream[:first]
    else:
        touched = []
    return stream[:first] + touched + stream[first + count :]


def atoms(octets: bytes) -> list[bytes]:
    """Each octet on its own."""
    return [octets[at : at + 1] for at in range(len(octets))]


def at_tls(stream: bytes, kind: str, place: int, count: int) -> bytes:
    """An edit of the TLS layer: a flip counts octets, all others the records from that one on in which it stands."""
    if kind == "flip":
        return b"".join(edited(atoms(stream), kind, place, count))
    records = list(records_of(stream))
    first, begin = 0, 0
    while begin + len(records[first]) <= place:
        begin += len(records[first])
        first += 1
    if kind == "dup":  # each of them
        return b"".join(record * (1 + (first <= number < first + count)) for number, record in enumerate(records))
    return b"".join(edited(records, kind, first, count))


def out(rules: list[str], whole: bytes, *, secure: bool) -> tuple[bytes, list[Rule]]:
    """What leaves, and the rules with their hits."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    made = [book.add(rule) for rule in rules]
    bound = book.session(1).bind("RETR", "1")
    if bound is None:
        return sealed(whole) if secure else whole, made
    payload = whole[len(STATUS) : -3]
    run = reply(bound, Parts(STATUS, lambda: (payload,)), book.now)
    descent = Descent(run.striking, sealed if secure else None, secure=secure)
    left = bytearray()
    for operations in (*(descent.feed(operation) for operation in run), descent.finish()):
        for operation in operations:
            if isinstance(operation, Octets):
                left += operation.octets
            elif isinstance(operation, Finish):
                return bytes(left), made
    return bytes(left), made


PLACES = st.integers(0, 90)
COUNTS = st.integers(1, 4) | st.integers(1, 40)
KINDS = st.sampled_from(["flip", "drop", "dup", "truncate"])
EDITS = st.none() | st.tuples(KINDS, PLACES, COUNTS)


def written(layer: str, edit: tuple[str, int, int]) -> str:
    """The rule of an edit."""
    kind, place, count = edit
    return f"RETR@{layer}:{place} -> edit {kind}{'' if kind == 'truncate' else f' {count}'} layer={layer}"


class Case(NamedTuple):
    """One reply and what is to become of it."""

    size: int
    secure: bool
    pace: int | None
    """Octets of a record."""
    tls: tuple[str, int, int] | None
    writes: int | None
    """Octets of a write."""
    raw: int | None
    """Where the TCP layer has octets of a rule's own; no other place of that layer then."""
    tcp: tuple[str, int, int] | None
    end: int | None


CASES = st.builds(
    Case,
    size=st.integers(0, 60),
    secure=st.booleans(),
    pace=st.none() | st.integers(1, 30),
    tls=EDITS,
    writes=st.none() | st.integers(1, 30),
    raw=st.none() | PLACES,
    tcp=EDITS,
    end=st.none() | PLACES,
)


def model(case: Case) -> tuple[bytes, bytes, dict[str, bool]]:
    """The reply, what leaves of it, and which rules strike."""
    whole = stream = STATUS + b"m" * case.size + b".\r\n"
    rules = {}
    if case.secure:
        size = case.pace or FULL
        stream = b"".join(sealed(whole[at : at + size]) for at in range(0, len(whole), size))
        if case.pace is not None:
            rules[f"RETR -> pace size={case.pace} layer=tls"] = True
        if case.tls is not None:
            rules[written("tls", case.tls)] = there = case.tls[1] < len(stream)
            stream = at_tls(stream, *case.tls) if there else stream
    if case.writes is not None:
        rules[f"RETR -> pace size={case.writes} layer=tcp"] = True
    if case.raw is not None:
        rules[f'RETR@tcp:{case.raw} -> send "raw" layer=tcp'] = there = case.raw <= len(stream)
        stream = stream[: case.raw] + b"raw" * there + stream[case.raw :]
        return whole, stream, rules
    if case.end is not None:
        rules[f"RETR@tcp:{case.end} -> end fin"] = case.end <= len(stream)
        stream = stream[: case.end]
    if case.tcp is not None and case.tcp[1] != case.end and (case.tcp[0] != "dup" or case.end is None):
        rules[written("tcp", case.tcp)] = there = case.tcp[1] < len(stream)
        stream = b"".join(edited(atoms(stream), *case.tcp)) if there else stream
    return whole, stream, rules


@settings(max_examples=200, deadline=None)
@given(case=CASES)
def test_what_leaves_is_what_a_simple_model_says(case: Case) -> None:
    """Octet for octet; and a rule has struck if and only if its place was there."""
    whole, stream, rules = model(case)

    left, made = out(list(rules), whole, secure=case.secure)

    assert left == stream
    struck = {str(rule): rule.hits > 0 for rule in made}
    wanted = {str(Rule(rule)): there for rule, there in rules.items()}
    if case.end is not None:  # what is cut below may end before a place above is reached
        struck, wanted = ({rule: each[rule] for rule in each if "@tls:" not in rule} for each in (struck, wanted))
    assert struck == wanted


def test_a_reply_of_many_records_is_counted_to_its_end() -> None:
    """What stands in the third record is as far from the beginning as the octets before it are many."""
    whole = STATUS + b"m" * 40_000 + b".\r\n"
    stream = sealed(whole)
    for rule, wanted in {
        "RETR@tls:16391 -> end fin": stream[:16391],
        "RETR@tls:33000 -> edit flip 3 layer=tls": b"".join(
            (stream[:33000], bytes(octet ^ 1 for octet in stream[33000:33003]), stream[33003:])
        ),
        "RETR@tcp:-7000 -> end rst": stream[:-7000],
        "RETR@tls:20000 -> edit drop layer=tls": stream[:16391] + stream[2 * 16391 :],
    }.items():
        assert out([rule], whole, secure=True)[0] == wanted


def test_records_are_cut_anew_whatever_the_pieces_of_the_reply_are() -> None:
    """A pace of the TLS layer decides the records, and one of the POP3 layer only when they come."""
    whole = STATUS + b"m" * 20 + b".\r\n"
    left, made = out(["RETR -> pace size=4", "RETR -> pace size=10 layer=tls"], whole, secure=True)
    assert left == b"".join(sealed(whole[at : at + 10]) for at in range(0, len(whole), 10))
    assert [rule.hits for rule in made] == [1, 1]


def test_a_piece_that_becomes_two_records_leaves_whole() -> None:
    """TLS 1.0 sends the first octet alone where its suite is one of CBC; a place in the second is counted on."""
    book = RuleBook(seed=1, now=lambda: 0.0)
    book.add("RETR@tls:10 -> edit flip layer=tls")
    bound = book.session(1).bind("RETR", "1")
    assert bound is not None
    run = reply(bound, Parts(b"+OK\r\n"), book.now)
    descent = Descent(run.striking, lambda octets: sealed(octets[:1]) + sealed(octets[1:]), secure=True)
    left = b"".join(
        operation.octets
        for operations in (*(descent.feed(operation) for operation in run), descent.finish())
        for operation in operations
        if isinstance(operation, Octets)
    )
    wanted = sealed(b"+") + sealed(b"OK\r\n")
    assert left == wanted[:10] + bytes([wanted[10] ^ 1]) + wanted[11:]
