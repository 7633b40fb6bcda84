"""What holds for every client, whatever it sends and however its octets are cut."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pop3s_fake.connection import Connection, Send
from pop3s_fake.protocol.capabilities import Offer
from pop3s_fake.protocol.lines import LINE_LIMIT, OVERLONG, Line, LineReader
from pop3s_fake.protocol.replies import PIECE, Reply, stuffed
from pop3s_fake.protocol.top import top
from pop3s_fake.tls import default_authority
from pop3s_fake.tls.records import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.protocol.conftest import Conversation, Server, Way

DETERMINISTIC = settings(derandomize=True, deadline=None, database=None, max_examples=200)

STATUS_LINE = re.compile(rb"(\+OK|-ERR)( [\x20-\x7e]+)?\r\n|\+ [A-Za-z0-9+/]*={0,2}\r\n")

MULTI_LINE = re.compile(rb"(?is)(RETR |TOP |CAPA\Z|LIST\Z|UIDL\Z).*")
"""The lines whose positive reply has a payload."""

COMMANDS = (
    *(
        "USER mrose",
        "USER nobody",
        "PASS tanstaaf",
        "PASS x",
        f"APOP mrose {32 * '0'}",
        "STAT",
        "LIST",
        "LIST 1",
        "LIST 9",
    ),
    *(
        "RETR 1",
        "RETR 2",
        "RETR 3",
        "retr 1",
        "DELE 1",
        "DELE 2",
        "NOOP",
        "RSET",
        "TOP 1 0",
        "TOP 2 9",
        "UIDL",
        "UIDL 2",
    ),
    *("CAPA", "QUIT", "AUTH PLAIN", "STLS", "", " ", "XYZZY", "LIST x", "RETR", "TOP 1", "RETR 1 2", "NOOP x", "\t"),
)

WAITING = ((), ("USER mrose",), ("USER mrose", "PASS tanstaaf", "DELE 1"), ("USER mrose", "PASS x"))
"""What was said before: nothing, a name, enough to be in TRANSACTION with a mark, or a failed login."""


def cut(octets: bytes, places: Sequence[int]) -> list[bytes]:
    """The octets in pieces, some of them empty perhaps."""
    ends = sorted(place % (len(octets) + 1) for place in places)
    return [octets[start:end] for start, end in zip([0, *ends], [*ends, len(octets)], strict=True)]


def split(octets: bytes, limit: int) -> list[Line]:
    """The lines, read plainly: whole ones at CRLF, and a last one without, if it is too long already."""
    *lines, rest = octets.split(b"\r\n")
    told: list[Line] = [OVERLONG if len(line) > limit - 2 else line for line in lines]
    return [*told, OVERLONG] if len(rest) > limit - 1 else told


places = st.lists(st.integers(0, 1 << 16), max_size=12)
line_ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r\n", b""])
fragments = (
    st.sampled_from([command.encode() for command in COMMANDS])
    | st.binary(max_size=30)
    | st.text("RETRSTAToplist 0123456789\t", max_size=30).map(str.encode)
    | st.integers(250, 260).map(lambda octets: b"USER " + b"a" * octets)
    | st.integers(LINE_LIMIT - 4, LINE_LIMIT + 4).map(lambda octets: b"x" * octets)
)
streams = st.lists(st.tuples(fragments, line_ends), max_size=12).map(
    lambda pairs: b"".join(fragment + end for fragment, end in pairs)
)


@DETERMINISTIC
@given(
    octets=st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"x", b"yy", b"z" * 9]), max_size=40).map(b"".join),
    places=places,
    limit=st.integers(4, 20),
)
def test_lines_are_the_same_however_the_octets_are_cut(octets: bytes, places: list[int], limit: int) -> None:
    """RFC 1939 section 3; and what is kept of an unfinished line is never longer than a line may be."""
    for pieces in (cut(octets, places), [octets[i : i + 1] for i in range(len(octets))], [octets]):
        reader = LineReader(limit)
        lines: list[Line] = []
        for piece in pieces:
            lines += reader.feed(piece)
            while reader.held:
                lines += reader.feed()
            assert len(reader.rest) <= limit - 1
        assert lines == split(octets, limit)


class Outcome(NamedTuple):
    """What is to be the same in every way."""

    said: bytes
    lines: list[str]
    ended: str | None
    broken: set[str]
    """Of the requirements on a line's form; whether others were broken hangs on what had come when."""


FORMS = {"C-1939-3.2", "C-1939-7.PASS.2", "C-2449-4.1", "C-5034-4.1", "C-5034-4.2"}


def outcome(server: Server, before: tuple[str, ...], pieces: Sequence[bytes]) -> Outcome:
    """What comes of a client that says this, in these pieces."""
    client: Conversation = server.connect()
    client.ask(*before)
    said = b""
    for piece in pieces:
        said += client.say(piece)
    complaints = {entry.text for entry in client.log.entries if entry.kind == "-"}
    broken = {text for text in complaints if text.rpartition(" ")[2] in FORMS}
    result = Outcome(said, [entry.text for entry in client.log.entries if entry.kind != "-"], client.log.ended, broken)
    client.hang_up()
    assert server.maildrop.in_use_by is None
    if result.ended is None:
        assert len(server.maildrop) == 2
    return result


def is_legal(said: bytes, lines: Sequence[Line]) -> bool:
    """Whether this is exactly one legal reply to each of these lines, the first QUIT being the last."""
    for line in lines:
        status, _, rest = said.partition(b"\r\n")
        if not STATUS_LINE.fullmatch(status + b"\r\n") or len(status) > 510:
            return False
        if line is not OVERLONG and status.startswith(b"+OK"):
            if line.upper() == b"QUIT":
                return not rest
            if MULTI_LINE.fullmatch(line):
                payload, terminator, rest = (b"\r\n" + rest).partition(b"\r\n.\r\n")
                if not terminator or b"\n" in payload.replace(b"\r\n", b""):
                    return False
        said = rest
    return not said


@DETERMINISTIC
@given(octets=streams, places=places, before=st.sampled_from(WAITING))
@example(octets=b"QUIT\r\nUSER mrose\n", places=[6], before=()).via("a line behind QUIT that is not finished")
@example(octets=b"QUIT\r\nUSER  mrose\r\n", places=[6], before=()).via("a line behind QUIT")
@example(octets=b"QUIT\r\nUSER mrose\n", places=[8], before=("USER mrose", "PASS tanstaaf", "DELE 1"))
@example(octets=b"QUIT\r\n" + b"x" * 9000, places=[6, 300], before=())
@example(octets=b"STLS\r\nUSER mrose\n\r\n", places=[6], before=())
def test_every_line_gets_one_legal_reply_however_the_octets_are_cut(
    make_server: Callable[[Way], Server], clear: Way, octets: bytes, places: list[int], before: tuple[str, ...]
) -> None:
    """RFC 1939 section 3, RFC 2449 section 4: nothing is raised, nothing lost, nothing said twice."""
    whole = outcome(make_server(clear), before, [octets])
    pieces = outcome(make_server(clear), before, cut(octets, places))
    lines = split(octets, LINE_LIMIT)
    if lines[-1:] == [OVERLONG] and whole.lines[-1] == "+ ":
        del lines[-1]  # a response may be longer, and is not whole yet
    assert is_legal(whole.said, lines)
    if OVERLONG in lines:  # where such a line is dropped early, nobody has seen what else was wrong with it
        whole, pieces = whole._replace(broken=set()), pieces._replace(broken=set())
    assert pieces == whole


@DETERMINISTIC
@given(ahead=streams, behind=streams, places=places)
@example(ahead=b"", behind=b"USER mrose\n", places=[6]).via("a line behind STLS that is not finished")
@example(ahead=b"USER mrose\r\n", behind=b"PASS tanstaaf\r\nSTAT\r\n", places=[]).via("commands behind STLS")
@example(ahead=b"", behind=b"\x16\x03\x01\x00\x01\x01", places=[6, 9]).via("what looks like a handshake")
def test_what_stands_behind_stls_is_never_a_command(
    make_server: Callable[[Way], Server], clear: Way, ahead: bytes, behind: bytes, places: list[int]
) -> None:
    """RFC 2595 section 4: in the same piece it is forgotten, in a later one it is no ClientHello, and ends all."""
    ahead = b"".join(
        line + b"\r\n" for line in ahead.split(b"\r\n") if line[:4].upper() not in {b"QUIT", b"STLS", b"AUTH"}
    )
    server = make_server(clear)
    context = default_authority().server_context()
    known: dict[str, Any] = {
        "records": lambda hello, _: Records(context, hello),
        "stls": True,
        "offer": Offer(stls=True),
    }
    told = []
    for pieces in ([ahead + b"STLS\r\n"], [ahead + b"STLS\r\n" + behind], cut(ahead + b"STLS\r\n" + behind, places)):
        connection = Connection(replace(server.settings(), **known), server.transcript.begin(0.0))
        steps = connection.steps()
        octets = b""
        for piece in [b"", *pieces]:
            if piece:
                connection.feed(piece)
            for step in steps:
                if not isinstance(step, Send):
                    break
                octets += step.octets
        connection.close()
        told.append(octets.partition(b"\r\n")[2])
    plain, *others = told
    assert plain.endswith(b"+OK begin TLS\r\n")
    for other in others:
        assert other.startswith(plain)
        assert other[len(plain) :][:1] in {b"", b"\x15"}, "nothing, or an alert"


def test_an_endless_line_costs_no_memory(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 2449 section 4: it is refused once, and dropped while it comes."""
    reader = LineReader()
    monkeypatch.setattr("pop3s_fake.connection.connection.LineReader", lambda: reader)
    client = server.login()
    said = b""
    for _ in range(40):
        said += client.say(b"x" * 1000)
        assert len(reader.rest) < LINE_LIMIT
    assert said == b"-ERR the line is too long\r\n"
    assert client.say(b"\r\nNOOP\r\n") == b"+OK\r\n"


contents = st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"\r\n.", b"a", b"..", b"\0\xff"]), max_size=40).map(
    b"".join
)


def stuff(content: bytes) -> bytes:
    """Byte-stuffing, read plainly: a dot before each line that begins with one."""
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in content.split(b"\r\n"))


def unstuff(payload: bytes) -> bytes:
    """What a client makes of it (RFC 1939 section 3)."""
    return b"\r\n".join(line.removeprefix(b".") for line in payload.split(b"\r\n"))


def first(content: bytes, lines: int) -> bytes:
    """TOP, read plainly."""
    header, blank, body = (b"\r\n" + content).partition(b"\r\n\r\n")
    if not blank:
        return content
    return (header + blank)[2:] + b"".join(re.findall(rb"(?s).*?\r\n|.+\Z", body)[:lines])


@DETERMINISTIC
@given(content=contents, places=places)
def test_stuffing_is_the_same_however_the_content_is_cut(content: bytes, places: list[int]) -> None:
    """RFC 1939 section 3: and can be undone."""
    assert b"".join(stuffed(cut(content, places))) == stuff(content)
    assert b"".join(stuffed(content[i : i + 1] for i in range(len(content)))) == stuff(content)
    assert unstuff(stuff(content)) == content


@DETERMINISTIC
@given(content=contents, places=places, lines=st.integers(0, 12))
@example(content=b"a\r\n\r\n\nb\r\nc\r\n", places=[5], lines=1).via("a bare LF begins the body")
@example(content=b"a\r\n\r\nb\r\n\r\nc\r\n", places=[7], lines=2).via("an empty line behind a line end that is cut")
def test_top_is_the_same_however_the_content_is_cut(content: bytes, places: list[int], lines: int) -> None:
    """RFC 1939 section 7."""
    assert b"".join(top(cut(content, places), lines)) == first(content, lines)
    assert b"".join(top((content[i : i + 1] for i in range(len(content))), lines)) == first(content, lines)


@DETERMINISTIC
@given(content=contents | st.binary(max_size=200), places=places, lines=st.integers(0, 12))
def test_what_a_client_reads_is_what_was_stored(
    make_server: Callable[[Way], Server], clear: Way, content: bytes, places: list[int], lines: int
) -> None:
    """RFC 1939 sections 3, 5, 7 and 11: for stored messages, and for those that are made when they are read."""
    server = make_server(clear)
    [message] = server.maildrop.add(content)
    server.maildrop.generate(1, lambda _: cut(content, places), octets=message.octets)
    client = server.login()
    for number in (3, 4):
        assert client.ask(f"LIST {number}") == b"+OK %d %d\r\n" % (number, len(message.content))
        assert unstuff(client.payload(f"RETR {number}")) == message.content
        assert unstuff(client.payload(f"TOP {number} {lines}")) == first(message.content, lines)
    assert client.in_step()


@pytest.mark.parametrize("status", [b"+OK\r\n", b"+OK 99999999 octets\r\n"])
@pytest.mark.parametrize("beyond", [-30, -4, -3, -1, 0, 1, 5, PIECE - 30, PIECE, 3 * PIECE + 7])
def test_a_reply_is_the_same_in_pieces(status: bytes, beyond: int) -> None:
    """Of any length, given whole or in chunks; no piece is much longer than a good one."""
    payload = (b"0123456789abcd\r\n" * (PIECE // 4))[: PIECE + beyond - 2] + b"\r\n"
    whole = status + payload + b".\r\n"
    chunks = [payload[i : i + 5000] for i in range(0, len(payload), 5000)]
    for reply in (Reply(status, payload), Reply(status, lambda: chunks)):
        pieces = [bytes(piece) for piece in reply.pieces()]
        assert b"".join(pieces) == whole
        assert max(map(len, pieces)) <= PIECE + 5000 + len(status)
        assert reply.octets() == whole
        assert [bytes(piece) for piece in reply.pieces()] == pieces
