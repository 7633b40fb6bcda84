from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.tls import ClientHello, Records, Tls, client_hello

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.tls import Authority


def lengths(octets: bytes) -> list[int]:
    """The lengths of the records in sealed octets, without their headers; complete records only."""
    found = []
    while octets:
        length = int.from_bytes(octets[3:5])
        found.append(length)
        assert len(octets) >= 5 + length
        octets = octets[5 + length :]
    return found


def test_facts_tell_what_the_handshake_came_to(pair: Callable[..., Any], authority: Authority) -> None:
    """Before it there are none."""
    client = authority.client_context()
    client.set_alpn_protocols(["pop3"])
    made = pair(client=client, shake=False)
    assert tuple(made.records.facts()) == (None, None, None, None, False, None)
    made.shake()
    facts = made.records.facts()
    assert facts == ("TLSv1.3", made.client.cipher()[0], "pop3", "localhost", False, None)


def test_the_hello_may_be_read_by_others_first(authority: Authority) -> None:
    """Then it is not read again."""
    hello = ClientHello("elsewhere.test")
    records = Records(authority.server_context(), hello)
    records.feed(b"\x16\x03\x01\x00\x01")
    assert records.facts().server_name == "elsewhere.test"


def test_plaintext_comes_out_as_it_went_in(pair: Callable[..., Any]) -> None:
    """Both ways, and nothing when there is nothing."""
    made = pair()
    assert made.records.read() == b""
    made.say(b"STAT\r\n")
    assert made.records.read() == b"STAT\r\n"
    assert made.records.read() == b""
    made.incoming.write(made.records.seal(b"+OK 0 0\r\n"))
    assert made.hear() == b"+OK 0 0\r\n"


def test_all_records_there_are_read_at_once(pair: Callable[..., Any]) -> None:
    """Pipelined commands, and a record that is not yet whole."""
    made = pair()
    made.say(b"STAT\r\n")
    made.say(b"LIST\r\n")
    made.say(b"x" * 40_000)
    made.client.write(b"QUIT\r\n")
    last = made.outgoing.read()
    made.records.feed(last[:-1])
    assert made.records.read() == b"STAT\r\nLIST\r\n" + b"x" * 40_000
    assert made.records.read() == b""
    made.records.feed(last[-1:])
    assert made.records.read() == b"QUIT\r\n"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(("size", "records"), [(1, 1), (16384, 1), (16385, 2), (65536, 4), (100_000, 7)])
def test_a_record_holds_at_most_16384_octets(
    pair: Callable[..., Any], authority: Authority, version: str, size: int, records: int
) -> None:
    """RFC 8446 section 5.1; full records first, joined."""
    made = pair(authority.server_context(tls=Tls(versions=version)))
    made.records.take()
    octets = bytes(at % 251 for at in range(size))
    sealed = made.records.seal(octets)
    assert len(lengths(sealed)) == records
    made.incoming.write(sealed)
    heard = b""
    while len(heard) < size:
        heard += made.hear()
    assert heard == octets


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_any_buffer_can_be_sealed(pair: Callable[..., Any], kind: type) -> None:
    """Nothing needs to be copied first."""
    made = pair()
    made.incoming.write(made.records.seal(kind(b"+OK\r\n")))
    assert made.hear() == b"+OK\r\n"


def test_nothing_sealed_is_no_record(pair: Callable[..., Any]) -> None:
    """An empty chunk of a reply leaves no trace."""
    made = pair()
    made.records.take()
    assert made.records.seal(b"") == b""


@pytest.mark.parametrize("tickets", [0, 1, 5])
def test_tickets_leave_with_the_greeting_unless_taken_before(authority: Authority, tickets: int) -> None:
    """They stay inside after the handshake, so that one write carries them and the greeting; a record each."""
    for take_first in (False, True):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = authority.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        records = Records(authority.server_context(tls=Tls(versions="1.3", tickets=tickets)))
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        records.feed(outgoing.read())
        assert not records.handshake()
        incoming.write(records.take())
        client.do_handshake()
        records.feed(outgoing.read())
        assert records.handshake()
        taken = records.take() if take_first else b""
        greeting = records.seal(b"+OK\r\n")
        assert len(lengths(taken)) == (tickets if take_first else 0)
        assert len(lengths(taken + greeting)) == tickets + 1
        incoming.write(taken + greeting)
        assert client.read(100) == b"+OK\r\n"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_close_notify_is_told_from_a_bare_end(pair: Callable[..., Any], authority: Authority, version: str) -> None:
    """RFC 8446 section 6.1: without it what was read may have been cut."""
    for notify in (False, True):
        made = pair(authority.server_context(tls=Tls(versions=version)))
        made.client.write(b"QUIT\r\n")
        if notify:
            with pytest.raises(ssl.SSLWantReadError):
                made.client.unwrap()
        for piece in made.pieces(made.outgoing.read()):
            made.records.feed(piece)
        made.records.feed_eof()
        assert made.records.closed is False  # not before it has been come upon
        assert made.records.read() == b"QUIT\r\n"
        assert made.records.read() == b""
        assert made.records.closed is notify


def test_a_client_that_closed_its_side_is_still_answered(pair: Callable[..., Any]) -> None:
    """A half-closed connection may wait for its replies."""
    made = pair()
    made.say(b"QUIT\r\n")
    made.records.feed_eof()
    assert made.records.read() == b"QUIT\r\n"
    assert made.records.read() == b""
    made.incoming.write(made.records.seal(b"+OK\r\n") + made.records.close_notify())
    assert made.hear() == b"+OK\r\n"
    assert made.hear() == b""  # a clean end


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("unread", [b"", b"NOOP\r\n"])
def test_close_notify_is_sent_once_and_waits_for_nobody(
    pair: Callable[..., Any], authority: Authority, version: str, unread: bytes
) -> None:
    """Also when the client has said something nobody read."""
    made = pair(authority.server_context(tls=Tls(versions=version)))
    if unread:
        made.say(unread)
    made.records.take()
    alert = made.records.close_notify()
    assert len(lengths(alert)) == 1
    assert made.records.close_notify() == b""
    made.incoming.write(alert)
    assert made.hear() == b""
    with pytest.raises(ssl.SSLError, match="protocol is shutdown"):
        made.records.seal(b"more")
    assert made.records.read() == b""


def test_there_is_no_close_notify_in_the_middle_of_a_handshake(authority: Authority) -> None:
    """There is nothing to close yet."""
    assert Records(authority.server_context()).close_notify() == b""


def test_both_sides_may_close(pair: Callable[..., Any]) -> None:
    """Whoever is first, the other's alert is still seen."""
    made = pair()
    made.incoming.write(made.records.close_notify())
    assert made.client.unwrap() is None
    for piece in made.pieces(made.outgoing.read()):
        made.records.feed(piece)
    assert made.records.read() == b""
    assert made.records.closed


def test_a_record_that_cannot_be_opened_fails_after_what_came_before_it(pair: Callable[..., Any]) -> None:
    """And the client gets bad_record_mac (RFC 8446 section 5.2)."""
    made = pair()
    made.say(b"STAT\r\n")
    made.client.write(b"LIST\r\n")
    broken = bytearray(made.outgoing.read())
    broken[-1] ^= 1
    made.records.feed(broken)
    assert made.records.read() == b"STAT\r\n"
    for _ in range(2):
        with pytest.raises(ssl.SSLError, match="bad record mac"):
            made.records.read()
    made.incoming.write(made.records.take())
    with pytest.raises(ssl.SSLError, match="bad record mac"):
        made.hear()


@pytest.mark.parametrize(
    "octets", [b"CAPA\r\n", b"GET / HTTP/1.0\r\n\r\n", bytes(100), b"\x16\x03\x01\x00\x04\x02\0\0\0"]
)
def test_garbage_fails_the_handshake(pair: Callable[..., Any], octets: bytes) -> None:
    """With OpenSSL's error, however it is cut."""
    made = pair(shake=False)

    def shake() -> None:
        for piece in made.pieces(octets):
            made.records.feed(piece)
            made.records.handshake()

    with pytest.raises(ssl.SSLError) as caught:
        shake()
    assert not isinstance(caught.value, ssl.SSLWantReadError)
    assert made.records.hello in {None, ClientHello()}


def test_an_end_in_the_middle_of_the_handshake_fails_it(pair: Callable[..., Any]) -> None:
    """Nothing waits for a peer that has gone."""
    made = pair(shake=False)
    made.records.feed(b"\x16\x03\x01")
    assert made.records.handshake() is False
    made.records.feed_eof()
    with pytest.raises(ssl.SSLEOFError):
        made.records.handshake()


def test_a_handshake_that_arrived_with_the_end_is_finished(authority: Authority) -> None:
    """The last flight, a command and the end may come at once."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = authority.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    records = Records(authority.server_context())
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    first = outgoing.read()
    records.feed(first)
    assert records.hello == client_hello(first)
    assert not records.handshake()
    incoming.write(records.take())
    client.do_handshake()
    client.write(b"QUIT\r\n")
    records.feed(outgoing.read())
    records.feed_eof()
    assert records.handshake()
    assert records.read() == b"QUIT\r\n"
    incoming.write(records.seal(b"+OK\r\n"))
    assert client.read(100) == b"+OK\r\n"
