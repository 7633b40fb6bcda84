"""Any octets in any pieces, in every state: nothing is raised, each line is answered once, the pieces change nothing.

The octets come whole, in pieces each of which is answered before the next comes, and in pieces that come while the
server still speaks.  500 examples each time; ``CONFORMANCE_EXAMPLES=20000 pytest -o faulthandler_timeout=0`` asks for
more.
"""

from __future__ import annotations

import base64
import itertools
import os
import re
import ssl
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pop3s_fake.protocol.lines import LINE_LIMIT, RESPONSE_LIMIT
from tests.conformance.mechanisms import NONCE, Scram, b64, bearer, digest_md5, plain, xoauth2
from tests.conformance.ours import Memory, MemoryPipe
from tests.conformance.talk import Client, is_multi_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.conformance.talk import Over

EXAMPLES: Final = int(os.environ.get("CONFORMANCE_EXAMPLES", "500"))

KEPT: Final = 8 * RESPONSE_LIMIT
"""Octets that a connection holds at most while it waits, whatever was sent to it.

A line is cut at 8 KiB and a response at 64; the worst is SCRAM with a response that is nothing but a nonce, which comes
back in the challenge and stands in both as octets and as text.
"""

STATUS: Final = re.compile(rb"(\+OK|-ERR)( [^\r\n]*)?")
CHALLENGE: Final = re.compile(rb"\+ [A-Za-z0-9+/]*={0,2}")

LOGIN: Final = ("USER mrose", "PASS tanstaaf")
FIRST: Final = b64(f"n,,n=mrose,r={NONCE}")
MAIL: Final = (b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\nend\r\n", "Subject: x\n\nlast")
OFFERED: Final = "+SASL PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-256 OAUTHBEARER XOAUTH2 EXTERNAL ANONYMOUS"


class State(NamedTuple):
    """A state, and how it is reached."""

    lines: tuple[str, ...] = ()
    """What is said first."""
    over: Over | None = None
    """What carries it; None: in clear, as if there were TLS."""
    awaits: Literal["a command", "a response", "TLS"] = "a command"
    then: Callable[[Client], object] | None = None
    """What else is said, by who knows the password."""
    begin: bytes = b""
    """What the octets begin with."""
    setup: dict[str, Any] = {}  # noqa: RUF012  # nobody changes it
    """What the server is told."""


def in_exchange(*lines: str, then: Callable[[Client], object] | None = None) -> State:
    """A state in the middle of AUTH."""
    return State(lines, awaits="a response", then=then)


def proof(client: Client) -> None:
    """SCRAM up to the server's own proof."""
    exchange = Scram(client, "SCRAM-SHA-256", "mrose", "tanstaaf")
    exchange.first()
    exchange.final()


STATES: Final = {
    "AUTHORIZATION": State(),
    "a name was given": State(("USER mrose",)),
    "a login failed": State(("USER mrose", "PASS x")),
    "AUTHORIZATION after UTF8 and LANG": State(("UTF8", "LANG de")),
    "TRANSACTION": State(LOGIN),
    "TRANSACTION with a mark": State((*LOGIN, "DELE 1")),
    "TRANSACTION in German": State((*LOGIN, "LANG de")),
    "UPDATE": State((*LOGIN, "DELE 1"), begin=b"QUIT\r\n"),
    "UPDATE that takes its time": State((*LOGIN, "DELE 1"), begin=b"QUIT\r\n", setup={"rules": ["QUIT -> wait 9"]}),
    "PLAIN has begun": in_exchange("AUTH PLAIN"),
    "LOGIN waits for a name": in_exchange("AUTH LOGIN"),
    "LOGIN waits for a password": in_exchange("AUTH LOGIN", b64("mrose")),
    "CRAM-MD5 has begun": in_exchange("AUTH CRAM-MD5"),
    "DIGEST-MD5 has begun": in_exchange("AUTH DIGEST-MD5"),
    "DIGEST-MD5 waits for an empty line": in_exchange(then=lambda client: digest_md5(client, "mrose", "tanstaaf")),
    "SCRAM has begun": in_exchange("AUTH SCRAM-SHA-256"),
    "SCRAM waits for a proof": in_exchange(f"AUTH SCRAM-SHA-256 {FIRST}"),
    "SCRAM waits for an empty line": in_exchange(then=proof),
    "OAUTHBEARER has begun": in_exchange("AUTH OAUTHBEARER"),
    "OAUTHBEARER has refused a token": in_exchange("AUTH OAUTHBEARER", bearer("mrose", "wrong")),
    "XOAUTH2 has begun": in_exchange("AUTH XOAUTH2"),
    "XOAUTH2 has refused a token": in_exchange(f"AUTH XOAUTH2 {xoauth2('mrose', 'wrong')}"),
    "ANONYMOUS has begun": in_exchange("AUTH ANONYMOUS"),
    "EXTERNAL has begun": in_exchange("AUTH EXTERNAL")._replace(over="tls", setup={"client_certificate": "optional"}),
    "in clear": State(over="clear"),
    "in clear, STLS was said": State(("STLS",), "clear", awaits="TLS"),
    "before the handshake": State(over="tls", awaits="TLS"),
    "AUTHORIZATION inside TLS": State(over="tls"),
    "AUTHORIZATION inside TLS after STLS": State(over="stls"),
    "TRANSACTION inside TLS": State(LOGIN, over="tls"),
    "TRANSACTION, below TLS": State(LOGIN, over="tls", awaits="TLS"),
}

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
    *("AUTH XOAUTH2", xoauth2("mrose", "t"), bearer("mrose", "t"), "AUTH ANONYMOUS", "AUTH EXTERNAL ="),
)

RECORDS: Final = (
    b"\x16\x03\x01\x00\x05\x01",
    b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03",
    b"\x15\x03\x03\x00\x02\x01\x00",
)
"""How records begin: ClientHellos, and an alert."""

fragments = (
    st.sampled_from([command.encode() for command in COMMANDS])
    | st.binary(max_size=40)
    | st.binary(max_size=40).map(base64.b64encode)
    | st.text("RETRSTAToplistAUTH 0123456789\t", max_size=30).map(str.encode)
    | st.integers(LINE_LIMIT - 4, LINE_LIMIT + 4).map(lambda octets: b"x" * octets)
    | st.integers(RESPONSE_LIMIT - 4, RESPONSE_LIMIT + 4).map(lambda octets: b"A" * octets)
    | st.sampled_from(RECORDS)
)
ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b""])
streams = st.lists(st.tuples(fragments, ends), max_size=12).map(lambda pairs: b"".join(map(b"".join, pairs)))
places = st.lists(st.integers(0, 1 << 20), max_size=12)


def cut(octets: bytes, places: Sequence[int]) -> list[bytes]:
    """The octets in pieces, none of them empty."""
    borders = sorted({place % (len(octets) + 1) for place in places} | {0, len(octets)})
    return [octets[start:end] for start, end in itertools.pairwise(borders)]


class Said(NamedTuple):
    """What came of it."""

    octets: bytes
    ended: bool
    left: int
    """Messages in the maildrop."""


class Talking:
    """A client in this state, whose octets come below TLS, inside it, or in clear."""

    def __init__(self, state: State) -> None:
        self.server = Memory().server(
            mail=MAIL,
            **{"stls": True, "capabilities": [OFFERED, "+LANG", "+UTF8"], "account": {"token": "t"}, **state.setup},
        )
        self.client: Client | None = None
        if state.over == "tls" and state.awaits == "TLS" and not state.lines:
            pipe = self.server.pipe("tls")
        else:
            inside = self.server.inside
            known = inside.client_context(client_certificate=inside.authority.client_certificate("mrose"))
            self.client = self.server.connect(state.over, known if "client_certificate" in state.setup else None)
            for line in state.lines:
                self.client.ask(line)
            if state.then is not None:
                state.then(self.client)
            assert not self.client.pending()
            pipe = self.client.pipe
        assert isinstance(pipe, MemoryPipe)
        self.pipe = pipe
        self.sealed = state.over in {"tls", "stls"} and state.awaits != "TLS"

    def seal(self, octets: bytes) -> bytes:
        """As they are sent."""
        if not self.sealed:
            return octets
        assert self.client is not None
        assert self.client.tls is not None
        self.client.tls.write(octets)
        return self.client._out.read()

    def heard(self) -> bytes:
        """What was answered; what only TLS says is none of it."""
        if self.client is None:
            return bytes(self.pipe._out)
        try:
            return self.client.pending()
        except ssl.SSLError as alert:
            assert "ALERT" in (alert.reason or "")  # noqa: PT017  # others do not concern the server
            return b""


def said(state: State, pieces: Sequence[bytes], *, hurried: bool = False) -> Said:
    """What a server says to this in this state, where all that it keeps meanwhile has its bound."""
    talking = Talking(state)
    pipe = talking.pipe
    sealed = [talking.seal(piece) for piece in pieces]
    if hurried:
        pipe.hurry(sealed)
    else:
        for piece in sealed:
            pipe.write(piece)
            assert pipe.kept() <= KEPT
    result = Said(talking.heard(), pipe.ended, talking.server.count())
    pipe.connection.feed(b"NOOP\r\n")  # it is too late, or it is not
    pipe.stop()
    assert talking.server.login().quit().ok, "the maildrop is free"
    return result


def payload_of(octets: bytes) -> tuple[bytes, bytes] | None:
    """A payload and what follows its terminator, where there is one and all is byte-stuffed."""
    payload, terminator, rest = (b"\r\n" + octets).partition(b"\r\n.\r\n")
    sound = terminator and b"\n" not in payload.replace(b"\r\n", b"") and not re.search(rb"\r\n\.(?!\.)", payload)
    return (payload, rest) if sound else None


def mistakes(octets: bytes, heard: bytes, *, ended: bool, challenged: bool) -> Iterator[str]:
    """What is wrong: each line has to have one legal reply, up to QUIT, and nothing else may be said."""
    left = False
    while heard and not left:
        limit = RESPONSE_LIMIT if challenged else LINE_LIMIT
        line, end, heard = heard.partition(b"\r\n")
        if not end and len(line) < limit:
            break
        status, _, octets = octets.partition(b"\r\n")
        command = b"" if challenged or len(line) > limit - 2 else line
        if CHALLENGE.fullmatch(status) and (challenged or line[:4].upper() == b"AUTH"):
            challenged = True
            continue
        if not STATUS.fullmatch(status) or len(status) > 510:
            yield f"{line[:60]!r} is answered by {status[:60]!r}"
            return
        challenged = False
        left = status.startswith(b"+OK") and command.upper() == b"QUIT"
        if status.startswith(b"+OK") and command and is_multi_line(command):
            found = payload_of(octets)
            if found is None:
                yield f"the answer to {line[:60]!r} has no terminator, a bare LF, or a dot that is not doubled"
                return
            octets = found[1]
    if octets:
        yield f"nobody has asked for {octets[:60]!r}"
    if ended is not left:
        yield "the end comes with QUIT, and with nothing else"


@pytest.mark.parametrize("name", STATES)
@settings(derandomize=True, deadline=None, database=None, max_examples=-(-EXAMPLES // len(STATES)))
@given(octets=streams, places=places)
def test_any_octets_in_any_pieces_are_answered_line_by_line(name: str, octets: bytes, places: list[int]) -> None:
    """RFC 1939 section 3, RFC 2449 section 4, RFC 5034 section 4."""
    state = STATES[name]
    octets = state.begin + (octets or b"\r\n")
    whole = said(state, [octets])
    pieces = cut(octets, places)
    assert said(state, pieces) == whole
    assert said(state, pieces, hurried=True) == whole
    assert whole.left == 2 or (whole.ended and b"QUIT" in octets.upper() and whole.left in {0, 1})
    if state.awaits == "TLS":
        assert not re.search(rb"OK|ERR", whole.octets), "what is no TLS gets no answer of POP3's"
    else:
        challenged = state.awaits == "a response"
        assert list(mistakes(whole.octets, octets, ended=whole.ended, challenged=challenged)) == []


def test_a_long_session_keeps_no_more_than_a_short_one() -> None:
    """Whatever is remembered of what was said has its bound, too."""
    talking = Talking(STATES["TRANSACTION"])
    lines = [b"%s\r\n" % line.encode() for line in COMMANDS if not line.startswith(("QUIT", "DELE"))]
    kept = []
    for _ in range(3):
        for _ in range(20):
            for line in lines:
                talking.pipe.write(line)
        kept.append(talking.pipe.kept())

    assert kept[0] == kept[1] == kept[2]


ENDLESS: Final = {
    "octets": 20 * [b"A" * RESPONSE_LIMIT],
    "lines": 20 * [b"\r\n".join(8 * [b"A" * (LINE_LIMIT - 2)])],
    "a nonce": [b64(f"n,,n=mrose,r={45_000 * 'x'}").encode() + b"\r\n"],
    "a ClientHello": 20 * [b"\x16\x03\x01\x00\x01\x01" * 10_000],
}
"""What goes on for ever, or nearly."""


@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.parametrize("name", STATES)
def test_octets_without_end_are_not_kept(name: str, what: str) -> None:
    """Nowhere more than the bound."""
    said(STATES[name], ENDLESS[what])
