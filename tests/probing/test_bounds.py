"""How long a server is waited for, how much is taken from it, and that what it was asked until then is not lost."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from pop3s_fake.probing import Place, Unreachable, draft, wire
from pop3s_fake.probing.wire import CHUNK, MOST, Flood, Line
from tests.probing.asked import BOUND, asked_of, serving
from tests.probing.odd import Odd, Paper, seen_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

ENOUGH = 3 * MOST
"""Octets behind which a test fails that should have seen the end long before."""


class Flooding(Paper):
    """A socket from which one thing comes again and again behind the answer to XPROBE."""

    def __init__(self, answer: Callable[[bytes], bytes | None], piece: bytes, clock: list[float]) -> None:
        super().__init__(answer, b"+OK ready\r\n")
        self._piece, self._clock = piece, clock
        self._sent = 0
        self._floods = False

    def sendall(self, octets: bytes) -> None:
        """Take a line, and begin behind that one."""
        super().sendall(octets)
        self._floods = self._floods or octets == b"XPROBE\r\n"

    def recv(self, most: int) -> bytes:
        """First what was answered, and then no end; each piece takes a second."""
        if self._comes or not self._floods:
            return super().recv(most)
        self._sent += len(self._piece)
        self._clock[0] += 1.0
        assert self._sent < ENOUGH
        assert self._clock[0] < 10 * BOUND
        return self._piece


class FloodingServer(Odd):
    """A server of this kind."""

    def __init__(self, answer: bytes, piece: bytes, clock: list[float]) -> None:
        super().__init__({b"XPROBE": answer})
        self._piece, self._clock = piece, clock

    def link(self, answer: Callable[[bytes], bytes | None]) -> Paper:
        """What carries it."""
        return Flooding(answer, self._piece, self._clock)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the sockets, which goes on only with what comes."""
    times = [0.0]
    monkeypatch.setattr(wire, "time", SimpleNamespace(monotonic=lambda: times[0]))
    return times


SENDS = "mail.example.org:110 sends and sends; nobody has asked for more than 4 MiB"


@pytest.mark.parametrize(
    ("answer", "piece", "why"),
    [
        pytest.param(b"", b"x" * CHUNK * 4, SENDS, id="a line without an end"),
        pytest.param(b"-ERR no\r\n", b"x" * CHUNK * 4, SENDS, id="octets without an end behind an answer"),
        pytest.param(b"-ERR no\r\n", b"-ERR no\r\n", SENDS, id="answers that were not asked for, one a second"),
        pytest.param(b"+OK\r\n1 a\r\n", (b"2" * 1022 + b"\r\n") * 256, SENDS, id="a listing without an end"),
        pytest.param(b"+OK\r\n1 a\r\n", b"", "", id="a listing that nobody goes on with"),
    ],
)
def test_what_comes_without_an_end_is_not_taken_for_ever(
    answer: bytes, piece: bytes, why: str, clock: list[float]
) -> None:
    """The draft has what came before, and names the reason."""
    server = FloodingServer(answer, piece, clock)
    seen = seen_of(server, user="", password="")
    assert seen.found(b"CAPA") is not None
    stops = [each for each in seen.not_asked if each.startswith("before the login, or the rest of it")]
    assert stops == (
        [f"before the login, or the rest of it: {why}".replace("mail.example.org", "{host}")] if why else []
    )
    assert "# Not asked:" in draft(seen)


def line_of(link: object) -> Line:
    """A connection on this socket."""
    return Line(Place("mail.example.org", 110, timeout=BOUND), cast("socket.socket", link))


def pieces_of(piece: bytes, clock: list[float]) -> Flooding:
    """A socket from which this comes, once a second."""
    link = Flooding(lambda _: b"", piece, clock)
    link.recv(CHUNK)
    link.sendall(b"XPROBE\r\n")
    return link


def test_a_line_of_which_an_octet_comes_now_and_then_is_waited_for_as_long_as_any(clock: list[float]) -> None:
    """An octet a second is no answer in time."""
    assert line_of(pieces_of(b"x", clock)).line() is None
    assert clock[0] <= BOUND + 1


def test_an_answer_of_which_a_line_comes_now_and_then_is_bounded_too(clock: list[float]) -> None:
    """Four times as long as a line is."""
    with pytest.raises(Flood) as caught:
        line_of(pieces_of(b"2 b\r\n", clock)).payload()
    assert str(caught.value) == "mail.example.org:110 has not ended an answer within 240 s"
    assert clock[0] <= 4 * BOUND + 1


def test_a_payload_has_a_bound_in_octets(clock: list[float]) -> None:
    """Each line is short, and they come fast."""
    with pytest.raises(Flood) as caught:
        line_of(pieces_of((b"2" * 1022 + b"\r\n") * 256, clock)).payload()
    assert str(caught.value) == SENDS


def test_records_that_say_nothing_have_a_bound(clock: list[float]) -> None:
    """TLS that takes and takes, and has nothing to give: whatever time there is."""

    class Mute:
        def read(self, _: int) -> bytes:
            raise ssl.SSLWantReadError

    line = line_of(pieces_of(b"x" * CHUNK, clock))
    line._tls = cast("ssl.SSLObject", Mute())
    line.place = Place("mail.example.org", 110, timeout=1e6)
    with pytest.raises(Flood):
        line.line()


def test_a_first_flood_leaves_nothing_to_draft(clock: list[float]) -> None:
    """A greeting without an end is no server."""

    class Greeting(Odd):
        def link(self, _: Callable[[bytes], bytes | None]) -> Paper:
            return pieces_of(b"x" * CHUNK * 4, clock)

    with pytest.raises(Unreachable) as caught:
        seen_of(Greeting({}))
    assert str(caught.value) == SENDS


# silence


def test_a_server_that_takes_no_notice_of_blank_lines_is_asked_the_rest() -> None:
    """They are no questions to it; before the login and behind it, twice each."""
    shown: list[str] = []
    seen = seen_of(Odd({b"": b"", b"   ": b""}), shown)
    assert [each.came for each in seen.exchanges() if not each.said.strip()] == [(), (), (), ()]
    assert seen.logged_in
    assert seen.found(b"UIDL abc") is not None
    assert not [each for each in shown if each.startswith("stopped")]


def test_a_server_that_falls_silent_keeps_its_draft() -> None:
    """Three questions without an answer are enough, and what came before them is not lost."""
    shown: list[str] = []
    server = Odd({b"LIST 0": b"", b"LIST abc": b"", b"UIDL 0": b"", b"UIDL abc": b""})
    text = draft(seen_of(server, shown))
    why = (
        "mail.example.org:110 has left 3 questions without an answer for 60 s each; is it busy? "
        "--timeout lets it have more time"
    )
    assert f"stopped: {why}" in shown
    why = why.replace("mail.example.org", "{host}")
    assert f"# - after it, or the rest of it: {why}" in text
    assert f"# - TOP, or the rest of it: {why}" in text
    assert "[after]" in text
    assert b"UIDL abc" not in server.said()


# what is no number


@pytest.mark.parametrize("number", [b"\xb2", b"9" * 5000, b"", b"-1"], ids=["superscript", "long", "none", "sign"])
@pytest.mark.parametrize(
    "says",
    [
        (b"STAT", b"+OK %b 3\r\n"),
        (b"LIST", b"+OK\r\n1 %b\r\n%b 40\r\n.\r\n"),
        (b"UIDL", b"+OK\r\n%b aaaaaaaa\r\n.\r\n"),
        (b"CAPA", b"+OK\r\nUSER\r\n\r\n   \r\nLOGIN-DELAY %b\r\nLOGIN-DELAY\r\n.\r\n"),
    ],
    ids=lambda says: says[0].decode(),
)
def test_what_is_no_number_is_taken_for_none(says: tuple[bytes, bytes], number: bytes) -> None:
    """Nor is an empty line among the capabilities a trouble."""
    keyword, answer = says
    server = Odd({keyword: answer.replace(b"%b", number), keyword + b" 1": b"-ERR no\r\n"})
    assert "# Not asked:" in draft(seen_of(server, fetch=True, failed_logins=5, pause=None))


# LOGIN-DELAY


def pauses_before_logins(delay: str, capabilities: str = "") -> list[float]:
    """How long is waited before each connection but the first; on the second and those behind it somebody logs in."""
    waits: list[float] = []
    shown: list[str] = []
    server = Odd(
        {
            b"CAPA": f"+OK\r\nUSER\r\n{capabilities}LOGIN-DELAY {delay}\r\n.\r\n".encode(),
            b"AUTH PLAIN AGFubgBub3QtYS1zZWNyZXQ=": b"+OK in\r\n",
        }
    )
    seen_of(server, shown, waits.append, pause=None, fetch=True, failed_logins=5)
    starts = [each.partition(", ")[2] for each in shown if each.startswith("connection ")]
    assert len(waits) == len(starts) - 1
    return waits


def test_what_login_delay_asks_for_is_kept_before_each_login() -> None:
    """Also before the second of two at a time, before AUTH PLAIN, and before those that may be refused."""
    waited = pauses_before_logins("7", "SASL PLAIN\r\n")
    assert waited[0] == 1.0  # nobody has logged in before
    assert set(waited[1:]) == {7.0}
    assert len(waited) >= 8


def test_no_login_delay_is_kept_for_more_than_a_minute() -> None:
    """Whatever is announced."""
    assert set(pauses_before_logins("600")[1:]) == {60.0}


# TLS


def test_what_came_in_clear_is_not_read_as_what_came_under_tls() -> None:
    """RFC 2595 section 4: an answer that somebody puts behind that to STLS is nobody's."""
    with serving("dovecot", rules=['STLS tls=no -> reply "+OK begin TLS\\r\\n+OK injected"']) as server:
        seen = asked_of(server, stls=True, user="", password="")
    assert seen.found(b"CAPA") is not None
    assert "injected" not in repr(seen)


def test_a_refused_alpn_is_told_as_that() -> None:
    """And not as a port that begins in clear."""
    shown: list[str] = []
    with serving(None) as server:
        seen = asked_of(server, shown, user="", password="")
    assert seen.alpn_ignored is False
    assert (
        f"  localhost:{server.port} does not shake hands with a client that offers ALPN http/1.1 alone: "
        "it says no application protocol"
    ) in shown
    assert not [each for each in shown if "--stls" in each]
