"""Any octets in any pieces, in every state: nothing is raised, each line is answered once, the pieces change nothing.

500 examples each time; ``CONFORMANCE_EXAMPLES=20000 pytest -o faulthandler_timeout=0`` asks for more.
"""

from __future__ import annotations

import base64
import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pop3s_fake.connection import connection
from pop3s_fake.protocol.lines import LINE_LIMIT, RESPONSE_LIMIT, LineReader
from tests.conformance.mechanisms import NONCE, b64, bearer, plain
from tests.conformance.ours import Memory, MemoryPipe
from tests.conformance.talk import is_multi_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.conformance.talk import Over

EXAMPLES: Final = int(os.environ.get("CONFORMANCE_EXAMPLES", "500"))

STATUS: Final = re.compile(rb"(\+OK|-ERR)( [^\r\n]*)?")
CHALLENGE: Final = re.compile(rb"\+ [A-Za-z0-9+/]*={0,2}")

LOGIN: Final = ("USER mrose", "PASS tanstaaf")
FIRST: Final = b64(f"n,,n=mrose,r={NONCE}")

STATES: Final[dict[str, tuple[Over | None, tuple[str, ...]]]] = {
    "AUTHORIZATION": (None, ()),
    "a name was given": (None, ("USER mrose",)),
    "a login failed": (None, ("USER mrose", "PASS x")),
    "TRANSACTION": (None, LOGIN),
    "a message is marked": (None, (*LOGIN, "DELE 1")),
    "PLAIN has begun": (None, ("AUTH PLAIN",)),
    "LOGIN waits for a password": (None, ("AUTH LOGIN", b64("mrose"))),
    "CRAM-MD5 has begun": (None, ("AUTH CRAM-MD5",)),
    "DIGEST-MD5 has begun": (None, ("AUTH DIGEST-MD5",)),
    "SCRAM waits for a proof": (None, (f"AUTH SCRAM-SHA-256 {FIRST}",)),
    "a token was refused": (None, ("AUTH OAUTHBEARER", bearer("mrose", "wrong"))),
    "in clear": ("clear", ()),
    "after STLS": ("clear", ("STLS",)),
    "before the handshake": ("tls", ()),
}
"""How a state is reached: over what, and by which lines."""

COMMANDS: Final = (
    *("USER mrose", "USER x", "PASS tanstaaf", "PASS x", f"APOP mrose {32 * '0'}", "STAT", "LIST", "LIST 1", "LIST 9"),
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
    *("LANG", "LANG de", "LANG *", "LANG x", "UTF8"),
    *("CAPA", "QUIT", "", " ", "XYZZY", "LIST x", "RETR", "TOP 1", "RETR 1 2", "NOOP x", "\t", "*", "=", "AUTH"),
    *(
        "AUTH PLAIN",
        f"AUTH PLAIN {plain('mrose', 'tanstaaf')}",
        "AUTH PLAIN =",
        "AUTH LOGIN",
        "AUTH CRAM-MD5",
        "AUTH X",
    ),
    *(f"AUTH SCRAM-SHA-256 {FIRST}", plain("mrose", "tanstaaf"), plain("mrose", "x"), b64("mrose"), b64("tanstaaf")),
    *("AUTH DIGEST-MD5", "AUTH OAUTHBEARER", bearer("mrose", "wrong"), "AQ==", "AAA", "AAAA="),
)

fragments = (
    st.sampled_from([command.encode() for command in COMMANDS])
    | st.binary(max_size=40)
    | st.binary(max_size=40).map(base64.b64encode)
    | st.text("RETRSTAToplistAUTH 0123456789\t", max_size=30).map(str.encode)
    | st.integers(LINE_LIMIT - 4, LINE_LIMIT + 4).map(lambda octets: b"x" * octets)
    | st.integers(RESPONSE_LIMIT - 4, RESPONSE_LIMIT + 4).map(lambda octets: b"A" * octets)
)
ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b""])
streams = st.lists(st.tuples(fragments, ends), max_size=12).map(lambda pairs: b"".join(map(b"".join, pairs)))
places = st.lists(st.integers(0, 1 << 20), max_size=12)


def cut(octets: bytes, places: Sequence[int]) -> list[bytes]:
    """The octets in pieces, some of them empty perhaps."""
    borders = sorted(place % (len(octets) + 1) for place in places)
    return [octets[start:end] for start, end in zip([0, *borders], [*borders, len(octets)], strict=True)]


def drained(pipe: MemoryPipe) -> bytes:
    """What has come."""
    octets = bytes(pipe._out)
    pipe._out.clear()
    return octets


class Said(NamedTuple):
    """What came of it."""

    octets: bytes
    ended: bool
    challenged: bool
    """Whether the state was one in which a response was awaited."""
    left: int
    """Messages in the maildrop."""


def said(state: str, pieces: Sequence[bytes]) -> Said:
    """What a server says to this in this state; everything that is kept of a line has its bound."""
    over, lines = STATES[state]
    readers: list[LineReader] = []

    def reader() -> LineReader:
        readers.append(LineReader())
        return readers[-1]

    with mock.patch.object(connection, "LineReader", reader):
        sasl = "+SASL PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-256 OAUTHBEARER"
        server = Memory().server(stls=True, capabilities=[sasl, "+LANG", "+UTF8"], account={"token": "t"})
        pipe = server.pipe(over) if over is not None else server.connect().pipe
        assert isinstance(pipe, MemoryPipe)
        drained(pipe)
        for line in lines:
            pipe.write(line.encode() + b"\r\n")
        challenged = drained(pipe).rpartition(b"\r\n")[0].rpartition(b"\r\n")[2].startswith(b"+ ")
        octets = b""
        for piece in pieces:
            if piece:
                pipe.write(piece)
            octets += drained(pipe)
            assert all(len(reader.rest) <= RESPONSE_LIMIT for reader in readers)
        ended = pipe._ended
        pipe.stop()
        return Said(octets, ended, challenged, server.count())


def replies(octets: bytes, heard: bytes, *, challenged: bool) -> Iterator[str]:
    """What is wrong: each line has to have one legal reply, up to QUIT, and nothing else may be said."""
    while heard:
        limit = RESPONSE_LIMIT if challenged else LINE_LIMIT
        line, end, heard = heard.partition(b"\r\n")
        if not end and len(line) < limit:
            break
        status, _, octets = octets.partition(b"\r\n")
        command = b"" if challenged or len(line) > limit - 2 else line
        if challenged and CHALLENGE.fullmatch(status):
            continue
        if CHALLENGE.fullmatch(status) and line[:4].upper() == b"AUTH":
            challenged = True
            continue
        if not STATUS.fullmatch(status) or len(status) > 510:
            yield f"{line[:60]!r} is answered by {status[:60]!r}"
            return
        challenged = False
        if status.startswith(b"+OK") and command.upper() == b"QUIT":
            break
        if status.startswith(b"+OK") and is_multi_line(command) and command:
            payload, terminator, octets = (b"\r\n" + octets).partition(b"\r\n.\r\n")
            if not terminator or b"\n" in payload.replace(b"\r\n", b""):
                yield f"{line[:60]!r} has no terminator"
    if octets:
        yield f"nobody has asked for {octets[:60]!r}"


@pytest.mark.parametrize("state", STATES)
@settings(derandomize=True, deadline=None, database=None, max_examples=max(1, EXAMPLES // len(STATES)))
@given(octets=streams, places=places)
def test_any_octets_in_any_pieces_are_answered_line_by_line(state: str, octets: bytes, places: list[int]) -> None:
    """RFC 1939 section 3, RFC 2449 section 4, RFC 5034 section 4."""
    whole = said(state, [octets])
    assert said(state, cut(octets, places)) == whole
    assert whole.left in {2, *({0, 1} if b"QUIT" in octets.upper() else ())}
    if state not in {"after STLS", "before the handshake"}:
        assert list(replies(whole.octets, octets, challenged=whole.challenged)) == []
    else:
        assert b"OK" not in whole.octets
