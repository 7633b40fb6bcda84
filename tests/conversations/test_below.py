"""Rules on the layers below POP3: records and writes, without a socket, and the handshake, with one.

The octets that a rule counts are those of the reply as it was sealed: for each record a header of five octets, the
content, and what the cipher adds.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pop3s_fake import Pop3sServer, Rule, Tls, UsageError
from pop3s_fake.rules.book import RuleBook
from pop3s_fake.rules.descent import Descent
from pop3s_fake.rules.operations import Finish, HalfClose, Octets, Pause, Struck
from pop3s_fake.rules.pipeline import reply
from pop3s_fake.rules.placing import Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pop3s_fake.rules.operations import Operation

STATUS = b"+OK 9 octets\r\n"
PAYLOAD = b"abc\r\n.\r\n"
STUFFED = b"abc\r\n..\r\n"
WHOLE = STATUS + STUFFED + b".\r\n"


def sealed(octets: bytes) -> bytes:
    """A record that anybody can read: the header, and the content with a tag of two octets."""
    return b"\x17\x03\x03" + (len(octets) + 2).to_bytes(2, "big") + octets + b"##"


RECORD = sealed(WHOLE)


class Below:
    """What came out at the bottom for one reply to RETR."""

    def __init__(
        self, *rules: str | Rule, edit: tuple[str, Callable[[bytes], bytes]] | None = None, secure: bool = True
    ) -> None:
        self.book = RuleBook(seed=1, now=lambda: 0.0)
        for rule in rules:
            self.book.add(rule)
        if edit is not None:
            self.book.add("RETR").edit(edit[1], layer=edit[0])  # type: ignore[arg-type]  # a parameter of these tests
        bound = self.book.session(1).bind("RETR", "1")
        assert bound is not None
        run = reply(bound, Parts(STATUS, lambda: (STUFFED,)), self.book.now)
        descent = Descent(run.striking, sealed if secure else None, secure=secure)
        self.operations: list[Operation] = []
        self._perform(run, descent)
        run.close()
        self.damaged = run.damaged or descent.damaged

    def _perform(self, run: Any, descent: Descent) -> None:
        for operation in run:
            for each in descent.feed(operation):
                self.operations.append(each)
                if isinstance(each, Finish) or (isinstance(each, Pause) and each.seconds is None):
                    return
        for each in descent.finish():
            self.operations.append(each)
            if isinstance(each, Finish):
                return

    @property
    def steps(self) -> list[Any]:
        """Octets and seconds bare, strikes left out."""
        return list(self._short())

    def _short(self) -> Iterator[Any]:
        for operation in self.operations:
            if isinstance(operation, Octets):
                yield operation.octets
            elif isinstance(operation, Pause):
                yield operation.seconds
            elif not isinstance(operation, Struck):
                yield operation

    @property
    def says(self) -> bytes:
        """What the client can read of the reply."""
        return b"".join(operation.says for operation in self.operations if isinstance(operation, Octets))

    @property
    def strikes(self) -> list[tuple[int, str]]:
        """Where rules struck."""
        return [(each.octet, each.layer) for each in self.operations if isinstance(each, Struck)]


ONE_EACH = b"".join(sealed(WHOLE[at : at + 1]) for at in range(len(WHOLE)))

STEPS: dict[str, list[Any]] = {
    "RETR@tls:10 -> end fin": [RECORD[:10], Finish("fin")],
    "RETR@tls:0 -> end rst": [Finish("rst")],
    "RETR@tls:-1 -> end fin": [RECORD[:-1], Finish("fin")],
    "RETR@tcp:10 -> wait 2": [RECORD[:10], 2.0, RECORD[10:]],
    "RETR@tcp:-4 -> end half-tcp": [RECORD[:-4], HalfClose("half-tcp"), RECORD[-4:]],
    "RETR@tls:3 -> wait 1, end rst": [RECORD[:3], 1.0, Finish("rst")],
    "RETR -> pace size=1 layer=tls": [ONE_EACH],
    "RETR@14 -> pace size=100 layer=tls": [sealed(WHOLE[:14]), sealed(WHOLE[14:])],
    "RETR -> pace size=10 gap=0.5 layer=tls": [sealed(WHOLE[:10]), 0.5, sealed(WHOLE[10:20]), 0.5, sealed(WHOLE[20:])],
    "RETR -> pace size=20 layer=tcp": [RECORD[:20], RECORD[20:]],
    "RETR -> pace size=20 gap=1 layer=tcp": [RECORD[:20], 1.0, RECORD[20:]],
    "RETR@tcp:12 -> pace size=15 layer=tcp": [RECORD[:12], RECORD[12:27], RECORD[27:]],
    "RETR -> edit flip layer=tls": [RECORD[:5] + b"*" + RECORD[6:]],
    "RETR@tls:7 -> edit flip 2 layer=tls": [RECORD[:7] + bytes([RECORD[7] ^ 1, RECORD[8] ^ 1]) + RECORD[9:]],
    "RETR@tls:7 -> edit drop layer=tls": [],
    "RETR@tls:7 -> edit dup layer=tls": [RECORD + RECORD],
    "RETR -> edit truncate layer=tls": [],
    "RETR@5 -> edit truncate layer=tls": [sealed(WHOLE[:5])],
    "RETR -> edit swap layer=tls": [sealed(WHOLE[13:]) + sealed(WHOLE[:13])],
    "RETR@3 -> edit flip layer=tcp": [sealed(WHOLE[:3]), b"\x16" + sealed(WHOLE[3:])[1:]],
    "RETR@tcp:5 -> edit drop 3 layer=tcp": [RECORD[:5] + RECORD[8:]],
    "RETR@tcp:5 -> edit dup 3 layer=tcp": [RECORD[:8] + RECORD[5:]],
    "RETR@tcp:5 -> edit truncate layer=tcp": [RECORD[:5]],
    'RETR -> send "raw" layer=tcp': [b"raw" + RECORD],
    'RETR@14 -> send "raw" layer=tcp': [sealed(WHOLE[:14]), b"raw" + sealed(WHOLE[14:])],
    'RETR@14 -> send "own" layer=tls': [sealed(WHOLE[:14]), sealed(b"own") + sealed(WHOLE[14:])],
    'RETR@tls:14 -> send "raw" layer=tcp': [RECORD[:14], b"raw" + RECORD[14:]],
    'RETR@tcp:14 -> send "raw" layer=tcp': [RECORD[:14], b"raw" + RECORD[14:]],
    'RETR!after -> send "raw" layer=tcp, end rst': [RECORD, b"raw", Finish("rst")],
    "RETR@tls:7 -> edit truncate layer=tls, end fin": [Finish("fin")],
    "RETR@tls:7 -> edit dup layer=tls, end fin": [RECORD + RECORD, Finish("fin")],
    "RETR@tls:7 -> edit flip layer=tls, end fin": [
        RECORD[:7] + bytes([RECORD[7] ^ 1]),
        Finish("fin"),
    ],
    "RETR@tls:7 -> pace size=9 layer=tcp, wait 3": [RECORD, 3.0],
    "RETR@tcp:7 -> edit truncate layer=tcp, end fin": [RECORD[:7], Finish("fin")],
    "RETR@tcp:-7 -> edit truncate layer=tcp, wait 2, end rst": [RECORD[:-7], 2.0, Finish("rst")],
    "RETR@tcp:7 -> edit dup 2 layer=tcp, wait 3": [RECORD[:9] + RECORD[7:9], 3.0, RECORD[9:]],
    "RETR@tls:7 -> edit drop 3 layer=tcp": [RECORD[:7] + RECORD[10:]],
    "RETR@tls:7 -> edit flip 30 layer=tcp": [RECORD[:7] + bytes(octet ^ 1 for octet in RECORD[7:])],
    "RETR@tcp:30 -> edit dup 10 layer=tcp": [RECORD + RECORD[30:]],
}


@pytest.mark.parametrize("rule", STEPS)
def test_what_leaves_for_a_rule_below_pop3(rule: str) -> None:
    """Octet for octet and write for write; joined writes are compared joined."""
    assert joined(Below(rule).steps) == joined(STEPS[rule])


def joined(steps: list[Any]) -> list[Any]:
    """The steps with neighbouring writes joined."""
    result: list[Any] = []
    for step in steps:
        if isinstance(step, bytes) and result and isinstance(result[-1], bytes):
            result[-1] += step
        elif step != b"":
            result.append(step)
    return result


PIECES = {
    "RETR -> pace size=20 layer=tcp": [20, len(RECORD) - 20],
    "RETR -> pace size=1 layer=tcp": [1] * len(RECORD),
    "RETR -> pace size=1 layer=tls": [len(ONE_EACH)],
    "RETR -> pace size=20 layer=pop3": [len(sealed(WHOLE[:20])), len(sealed(WHOLE[20:]))],
    "RETR@tcp:12 -> pace size=15 layer=tcp": [12, 15, len(RECORD) - 27],
    'RETR -> send "raw" layer=tcp': [3 + len(RECORD)],
    'RETR!after -> send "raw" layer=tcp': [len(RECORD) + 3],
    'RETR@14 -> send "raw" layer=tcp': [len(sealed(WHOLE[:14])) + 3, len(sealed(WHOLE[14:]))],
    "RETR@14 -> edit flip layer=tcp": [len(sealed(WHOLE[:14])), len(sealed(WHOLE[14:]))],
}


@pytest.mark.parametrize("rule", PIECES)
def test_a_pace_cuts_on_its_own_layer_only(rule: str) -> None:
    """POP3: each piece a record and a write; TLS: a record, the writes joined; TCP: records whole, writes cut.

    What a rule puts behind a reply stands in the same write, so that a client reads both at once.
    """
    steps = Below(rule).steps
    assert [len(step) for step in steps if isinstance(step, bytes) and step] == PIECES[rule]


@pytest.mark.parametrize(
    ("rule", "says", "damaged"),
    [
        ("RETR@tls:10 -> end fin", b"", False),
        ("RETR@tls:-1 -> end fin", b"", False),
        ("RETR@tcp:-0 -> wait 1", WHOLE, False),
        ("RETR -> pace size=4 layer=tls", WHOLE, False),
        ("RETR -> pace size=4 layer=tcp", WHOLE, False),
        ("RETR -> edit flip layer=tls", b"", True),
        ("RETR -> edit dup layer=tls", WHOLE, True),
        ('RETR -> send "x" layer=tls', WHOLE, True),
        ('RETR -> send "x" layer=tcp', b"", True),
        ('RETR@14 -> send "x" layer=tcp', WHOLE[:14], True),
        ('RETR!after -> send "x" layer=tcp', WHOLE, True),
        ("RETR@14 -> edit drop layer=tls", WHOLE[:14], True),
        ("RETR@14 -> edit truncate layer=tls", WHOLE[:14], True),
        ("RETR@tcp:12 -> edit truncate layer=tcp", b"", True),
        ("RETR@tcp:12 -> edit flip layer=tcp", b"", True),
        ("RETR -> edit swap layer=tls", b"", True),
    ],
)
def test_a_client_can_read_what_reached_it_in_whole_records(rule: str, says: bytes, damaged: bool) -> None:  # noqa: FBT001
    """So the ledger knows what was delivered."""
    if "-0" in rule:
        rule = rule.replace("-0", str(len(RECORD)))
    below = Below(rule)
    assert (below.says, below.damaged) == (says, damaged)


def test_places_on_two_layers_compose() -> None:
    """The TCP layer counts what the TLS layer leaves of it, injections included."""
    below = Below("RETR@tls:8 -> wait 1", 'RETR -> send "raw" layer=tcp', "RETR@tcp:13 -> end rst")
    assert joined(below.steps) == [b"raw" + RECORD[:8], 1.0, RECORD[8:10], Finish("rst")]
    assert below.strikes == [(0, "pop3"), (8, "tls"), (13, "tcp")]


def test_a_function_edits_the_records_or_the_writes() -> None:
    """All octets of the reply on that layer, and what it gives goes out in their place."""
    seen: list[bytes] = []

    def upset(octets: bytes) -> bytes:
        seen.append(octets)
        return octets[::-1]

    assert joined(Below(edit=("tls", upset)).steps) == [RECORD[::-1]]
    assert joined(Below(edit=("tcp", upset)).steps) == [RECORD[::-1]]
    assert seen == [RECORD, RECORD]


def test_in_clear_there_is_a_tcp_layer_and_no_tls_layer() -> None:
    """A place on the TLS layer is never met, and the rule says why."""
    assert joined(Below("RETR@tcp:5 -> wait 1", secure=False).steps) == [WHOLE[:5], 1.0, WHOLE[5:]]
    below = Below("RETR@tls:5 -> end fin", secure=False)
    assert joined(below.steps) == [WHOLE]
    (unmet,) = below.book.unmet()
    assert str(unmet) == (
        "RETR@tls:5 -> end fin never struck\n"
        "  RETR was sent once (session 1); it went out in clear, so there was no TLS layer\n"
        "  -> a reply to which it can happen, or .optional() if it need not strike"
    )


def test_a_place_beyond_what_was_sent_says_how_much_there_was() -> None:
    """In the octets of its own layer, and with a place that there is."""
    below = Below("RETR@tls:99 -> end fin", "RETR@tcp:-99 -> end fin")
    tls, tcp = below.book.unmet()
    assert str(tls) == (
        "RETR@tls:99 -> end fin never struck\n"
        "  RETR was sent once (session 1, message 1); its reply had 33 octets on the TLS layer, "
        "so @tls:99 lay beyond the end\n"
        "  -> RETR@tls:16, or .optional() if it need not strike"
    )
    assert str(tcp) == (
        "RETR@tcp:-99 -> end fin never struck\n"
        "  RETR was sent once (session 1, message 1); its reply had 33 octets on the TCP layer, "
        "so @tcp:-99 lay before its beginning\n"
        "  -> RETR@tcp:16, or .optional() if it need not strike"
    )


NOTHING_THERE = ("RETR@tls:33 -> pace size=1 layer=tcp", "RETR@tls:33 -> edit drop layer=tls")


@pytest.mark.parametrize("rule", NOTHING_THERE)
def test_what_works_on_what_follows_does_not_strike_where_nothing_does(rule: str) -> None:
    """A strike without an effect would be a green test for nothing."""
    below = Below(rule, rule.replace("tls", "tcp"))
    assert joined(below.steps) == [RECORD]
    assert [str(unmet).partition(", so ")[2].splitlines()[0] for unmet in below.book.unmet()] == [
        "@tls:33 lay beyond the end",
        "@tcp:33 lay beyond the end",
    ]


def test_a_flip_goes_on_in_the_next_record() -> None:
    """Its octets are counted, and no record ends them."""
    stream = sealed(WHOLE[:10]) + sealed(WHOLE[10:20]) + sealed(WHOLE[20:])
    below = Below("RETR@tls:15 -> edit flip 10 layer=tls", "RETR -> pace size=10 layer=tls")
    (octets,) = joined(below.steps)
    assert octets == stream[:15] + bytes(octet ^ 1 for octet in stream[15:25]) + stream[25:]
    (octets,) = joined(Below("RETR -> edit flip 20 layer=tls", "RETR -> pace size=10 layer=tls").steps)
    assert octets == stream[:5] + bytes(octet ^ 1 for octet in stream[5:25]) + stream[25:]


def test_records_of_one_octet_can_be_exchanged() -> None:
    """Where a record cannot be halved, it is exchanged with the next."""
    for layer in ("tls", "pop3"):
        below = Below("RETR -> edit swap layer=tls", f"RETR -> pace size=1 layer={layer}")
        first, second = (sealed(WHOLE[at : at + 1]) for at in range(2))
        assert joined(below.steps) == [second + first + ONE_EACH[2 * len(first) :]]


def test_a_place_from_the_end_has_so_many_octets_behind_it_whatever_is_put_before() -> None:
    """``@tcp:-3`` is three octets before the last, also where another rule adds to what is sent."""
    below = Below('RETR@tcp:-20 -> send "raw" layer=tcp', "RETR@tcp:-3 -> wait 2", 'RETR -> send "own" layer=tcp')
    assert joined(below.steps) == [b"own" + RECORD[:-20] + b"raw" + RECORD[-20:-3], 2.0, RECORD[-3:]]


def test_records_are_exchanged_although_there_is_a_pause_between_them() -> None:
    """The first one waits for the second."""
    first, second, third = (sealed(WHOLE[at : at + 1]) for at in range(3))
    below = Below("RETR -> edit swap layer=tls", "RETR -> pace size=1 gap=0.5 layer=tls")
    assert joined(below.steps)[:4] == [0.5, second + first, 0.5, third]


def test_a_record_that_has_none_to_be_exchanged_with_is_not_lost() -> None:
    """What waits leaves at the end."""
    below = Below("RETR -> edit swap layer=tls", "RETR@1 -> end fin", "RETR -> pace size=1 layer=tls")
    assert joined(below.steps) == [sealed(WHOLE[:1]), Finish("fin")]


def test_so_many_records_are_left_out_and_no_more() -> None:
    """On the TLS layer the count of ``drop`` and ``dup`` is one of records."""
    first, second, third = sealed(WHOLE[:10]), sealed(WHOLE[10:20]), sealed(WHOLE[20:])
    pace = "RETR -> pace size=10 layer=tls"
    assert joined(Below("RETR@tls:0 -> edit drop 2 layer=tls", pace).steps) == [third]
    assert joined(Below("RETR@tls:0 -> edit dup 2 layer=tls", pace).steps) == [first * 2 + second * 2 + third]


def test_where_a_place_below_ended_it_is_said_in_its_own_octets() -> None:
    """A rule that comes too late says which rule was first, and where on its layer."""
    below = Below("RETR@tls:10 -> end fin", "RETR@tls:20 -> wait 1")
    (unmet,) = below.book.unmet()
    assert str(unmet) == (
        "RETR@tls:20 -> wait 1 never struck\n"
        "  RETR was sent once (session 1); `RETR@tls:10 -> end fin` had ended the conversation at octet 10 of the TLS "
        "layer\n"
        "  -> a place before that, or .optional() if it need not strike"
    )


# whole conversations, without a socket


@pytest.mark.parametrize("layer", ["tls", "tcp"])
def test_a_place_below_is_met_in_the_reply_and_not_before_its_command(pure: Any, layer: str) -> None:
    """``QUIT@tcp:0`` deletes and does not say so, as ``QUIT@0`` does."""
    server = pure(f"QUIT@{layer}:0 -> end rst", tls=True)
    talk = server.talk().login()
    talk.say("DELE 1")
    talk.say("QUIT")
    assert (talk.ended, list(server.account.maildrop.uids)) == ("rst", ["m2"])


DELIVERED: dict[str, tuple[bool, str]] = {
    'RETR!after -> send "x" layer=tcp': (True, "RETR sent it whole"),
    "RETR -> edit dup layer=tls": (True, "RETR sent it whole"),
    'RETR!after -> send "x\\r\\n" layer=tls': (True, "RETR sent it whole"),
    "RETR@tls:-1 -> wait 1": (True, "RETR sent it whole"),
    'RETR -> send "x" layer=tcp': (False, "RETR sent it damaged (0 octets)"),
    'RETR@20 -> send "x" layer=tls': (False, "RETR sent it damaged (51 octets)"),
    "RETR@20 -> edit drop layer=tls": (False, "RETR sent it damaged (20 octets)"),
    'RETR!before -> send "+OK\\r\\n"': (False, "RETR sent it damaged (56 octets)"),
    'RETR!before -> send "x" layer=tcp': (False, "RETR sent it damaged (51 octets)"),
    "RETR@tls:5 -> edit flip layer=tls": (False, "RETR sent it damaged (0 octets)"),
}


@pytest.mark.parametrize("rule", DELIVERED)
def test_the_ledger_knows_whether_the_client_could_read_the_message(pure: Any, rule: str) -> None:
    """What comes behind its last octet harms it no more; behind a broken record nothing can be read."""
    server = pure(rule, tls=True)
    talk = server.talk().login()
    talk.take("RETR 1")
    talk.hang_up()
    delivered, story = DELIVERED[rule]
    assert server.ledger.story("m1") == [f"session 1: {story}"]
    assert server.ledger.delivered == ["m1"] * delivered


@pytest.mark.parametrize("how", ["clean", "half-tls", "half-close"])
@pytest.mark.parametrize("offset", ["@tls:5", "@tcp:-3"])
def test_no_alert_stands_between_octets_that_are_sealed_already(how: str, offset: str) -> None:
    """It would have the number of another record (RFC 8446 section 5.3), so that nobody could read it."""
    with pytest.raises(UsageError) as caught:
        Rule(f"RETR{offset}").end(how)  # type: ignore[arg-type]  # a parameter of this test
    assert str(caught.value) == (
        f"rule `RETR{offset}`: at {offset} records are sealed already, and no alert can be read between or within "
        f"them: end fin, rst or half-tcp, or an offset without {offset[1:4]}:"
    )


# the handshake, over a socket


def shake(server: Pop3sServer) -> bytes:
    """Shake hands as Python does, and read the greeting."""
    with (
        socket.create_connection((server.host, server.port), timeout=10) as sock,
        server.client_context().wrap_socket(sock, server_hostname="localhost") as client,
    ):
        return client.recv(100)


@pytest.mark.parametrize("versions", ["1.2", "1.3"])
@pytest.mark.parametrize("rule", ["handshake -> pace size=1 layer=tls", "handshake -> pace size=7 layer=tcp"])
def test_a_handshake_in_small_pieces_is_a_handshake(rule: str, versions: str) -> None:
    """RFC 8446 section 5.1 and RFC 5246 section 6.2.1: handshake messages may be cut at any octet."""
    with Pop3sServer(rules=[rule], tls=Tls(versions=versions)) as server:
        assert shake(server).startswith(b"+OK")


REFUSED: dict[str, tuple[type[Exception], str]] = {
    "hello -> tls alert=handshake_failure": (ssl.SSLError, "handshake failure"),
    "hello -> tls alert=unrecognized_name, end fin": (ssl.SSLError, "unrecognized name"),
    'hello -> send "+OK ready\\r\\n" layer=tcp, end fin': (ssl.SSLError, "wrong version number"),
    'accept -> send "HTTP/1.1 400 Bad Request\\r\\n\\r\\n" layer=tcp, end fin': (ssl.SSLError, "wrong version number"),
    "hello -> tls certificate=expired": (ssl.SSLCertVerificationError, "certificate has expired"),
    "hello -> end rst": (ConnectionResetError, ""),
    "hello -> end fin": (ssl.SSLError, "EOF"),
    "handshake@tcp:60 -> end fin": (ssl.SSLError, "EOF"),
    "handshake@tls:60 -> end rst": (ConnectionResetError, ""),
    "handshake@tls:200 -> edit flip layer=tls": (ssl.SSLError, "bad record mac"),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_a_handshake_that_fails_fails_as_the_rule_says(rule: str) -> None:
    """What OpenSSL says of it."""
    kind, text = REFUSED[rule]
    with Pop3sServer(rules=[rule]) as server:
        with pytest.raises(kind) as caught:
            shake(server)
        assert text in str(caught.value)
        assert server.transcript.keywords == []


def test_a_rule_asks_for_the_certificate_after_the_handshake() -> None:
    """RFC 8446 section 4.6.2: where the client offers it; where it does not, the test is told."""
    with Pop3sServer(rules=["CAPA!before -> tls request-client-cert; times=1"]) as server:
        context = server.client_context(client_certificate=server.authority.client_certificate("ann"))
        context.post_handshake_auth = True
        with (
            socket.create_connection((server.host, server.port), timeout=10) as sock,
            context.wrap_socket(sock, server_hostname="localhost") as client,
            client.makefile("rb") as lines,
        ):
            lines.readline()
            client.sendall(b"CAPA\r\n")
            assert lines.readline() == b"+OK capability list follows\r\n"
    server = Pop3sServer(rules=["greeting -> tls request-client-cert"]).start()
    with contextlib.suppress(ConnectionResetError):  # which may come first
        assert shake(server) == b""
    server.stop()
    with pytest.raises(UsageError) as caught:
        server.check()
    assert str(caught.value) == (
        "tls request-client-cert: the client does not offer authentication after the handshake "
        "(RFC 8446 section 4.6.2), which Python's ssl does with context.post_handshake_auth = True"
    )


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("asks", [None, "optional", "required"])
def test_asking_later_leaves_what_the_handshake_asks_as_it_is(
    asks: Literal["optional", "required"] | None, *, shown: bool
) -> None:
    """OpenSSL asks again behind a handshake that asked already; one keyword never changes what another means."""
    rule = Rule("CAPA!before -> tls request-client-cert")
    rule.limits = replace(rule.limits, optional=True)  # who is refused before comes to no CAPA
    with Pop3sServer(rules=[rule], client_certificate=asks, tls=Tls(versions="1.3")) as server:
        mine = server.authority.client_certificate("ann") if shown else None
        context = server.client_context(client_certificate=mine)
        context.post_handshake_auth = True
        seen: list[str | None] = []
        refused = ""
        try:
            with (
                socket.create_connection((server.host, server.port), timeout=10) as sock,
                context.wrap_socket(sock, server_hostname="localhost") as client,
                client.makefile("rb") as lines,
            ):
                for command in (b"NOOP\r\n", b"CAPA\r\n"):
                    assert lines.readline()
                    seen.append(server.transcript.peek()[0].tls.client_certificate)
                    client.sendall(command)
                assert b".\r\n" in iter(lines.readline, b"")
                client.sendall(b"NOOP\r\n")
                assert lines.readline().startswith(b"-ERR")
        except (ssl.SSLError, ConnectionError) as error:
            refused = getattr(error, "reason", "TLSV13_ALERT_CERTIFICATE_REQUIRED")  # a reset may come before the alert
        (session,) = server.transcript.peek()
        noted = [entry.text for entry in session.entries if "shown its certificate" in entry.text]
    if shown:
        early = None if asks is None else "ann"
        assert (seen, refused, session.tls.client_certificate) == ([early, early], "", "ann")
        assert noted == ["the client has shown its certificate 'ann'"]
    else:
        wanted = "" if asks == "optional" else "TLSV13_ALERT_CERTIFICATE_REQUIRED"
        told = 0 if asks == "required" else 2
        assert (len(seen), refused, session.tls.client_certificate, noted) == (told, wanted, None, [])


def test_a_certificate_cannot_be_asked_for_later_where_there_is_no_later() -> None:
    """Up to TLS 1.2 a client without one shakes hands as ever, and the test is told: at once, where that is known."""
    rule = "greeting -> tls request-client-cert"
    server = Pop3sServer(rules=[rule]).start()
    context = server.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((server.host, server.port), timeout=10) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as client,
        contextlib.suppress(ConnectionResetError),  # which may come first
    ):
        assert client.recv(100) == b""
    server.stop()
    with pytest.raises(UsageError) as caught:
        server.check()
    assert str(caught.value) == (
        "tls request-client-cert: this is TLSv1.2, and only TLS 1.3 has authentication after the handshake "
        "(RFC 8446 section 4.6.2)"
    )
    with pytest.raises(UsageError) as caught:
        Pop3sServer(rules=[rule], tls=Tls(versions="1.2"))
    assert str(caught.value) == (
        f"rule `{rule}`: this server has no TLS 1.3, and only that has authentication after the handshake "
        "(RFC 8446 section 4.6.2)"
    )


@pytest.mark.parametrize("versions", ["1.2", "1.3"])
@pytest.mark.parametrize("how", ["fin", "clean"])
def test_secured_is_when_the_handshake_is_over_for_the_client_too(how: str, versions: str) -> None:
    """Up to TLS 1.2 the server has the last word of it (RFC 5246 section 7.3)."""
    with Pop3sServer(rules=[f"secured -> end {how}"], tls=Tls(versions=versions)) as server:
        assert shake(server) == b""


def test_the_server_s_second_flight_is_under_the_rules_of_the_handshake(wire: Any) -> None:
    """TLS 1.2: ChangeCipherSpec and Finished, 51 octets with the GCM suites, come last."""
    rule = "handshake@tls:{} -> edit flip layer=tls; optional"
    hits = []
    for place in (0, 400, 100_000):
        with Pop3sServer(rules=[rule.format(place)], tls=Tls(versions="1.2")) as server:
            with contextlib.suppress(OSError):
                wire(server).shake()
            server.settle()
            hits.append(next(iter(server.rules)).hits)
    assert hits == [1, 1, 0]
    with Pop3sServer(rules=["handshake -> wait 0; optional"], tls=Tls(versions="1.2")) as server:
        client = wire(server).shake()
        assert client.greeting.startswith(b"+OK")


UNKNOWN = {
    "hello -> tls certificate=expird": (
        "rule `hello -> tls certificate=expird`: unknown certificate 'expird'; did you mean 'expired'?"
    ),
}


@pytest.mark.parametrize("rule", UNKNOWN)
def test_a_certificate_that_is_not_there_is_refused_at_once(rule: str) -> None:
    """With the nearest that is."""
    with pytest.raises(UsageError) as caught:
        Pop3sServer(rules=[rule])
    assert str(caught.value) == UNKNOWN[rule]
