from __future__ import annotations

import pickle
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pop3s_fake.tls.hello import ClientHello, NotTls, alert, alpn_refused, client_hello


def real_hello(
    server_hostname: str | None = None,
    alpn: tuple[str, ...] = (),
    lowest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> tuple[bytes, ssl.SSLContext]:
    """The first flight of Python's own client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")  # all of them from TLS 1.2 on, so that each one is offered
    context.minimum_version, context.maximum_version = lowest, highest
    if alpn:
        context.set_alpn_protocols(list(alpn))
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server_hostname)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read(), context


def refragmented(octets: bytes, size: int) -> bytes:
    """The same handshake message in records of at most ``size`` octets (RFC 8446 section 5.1)."""
    header, body = octets[:3], octets[5:]
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(header + len(part).to_bytes(2) + part for part in parts)


def test_a_real_hello_is_read() -> None:
    """SNI, ALPN, versions and the number of suites, as Python's client sends them."""
    octets, context = real_hello("pop.example.test", ("pop3", "imap"))
    hello = client_hello(octets)
    assert hello is not None
    assert hello._replace(ciphers=0) == ClientHello("pop.example.test", ("pop3", "imap"), ("TLSv1.3", "TLSv1.2"))
    listed = len(context.get_ciphers())
    assert hello.ciphers in {listed, listed + 1}  # and one for secure renegotiation


def test_a_hello_without_extensions_of_ours_is_read() -> None:
    """No SNI, no ALPN; one version."""
    octets, _ = real_hello(highest=ssl.TLSVersion.TLSv1_2)
    hello = client_hello(octets)
    assert hello is not None
    assert hello[:3] == (None, (), ("TLSv1.2",))


def test_an_ip_address_is_no_server_name() -> None:
    """RFC 6066 section 3: literal addresses are not permitted in SNI; Python leaves them out."""
    octets, _ = real_hello("127.0.0.1")
    hello = client_hello(octets)
    assert hello is not None
    assert hello.server_name is None


def test_a_hello_of_old_has_no_extensions() -> None:
    """A ClientHello may end after the compression methods."""
    body = b"\x03\x01" + bytes(32) + b"\0" + b"\0\4\0\x2f\0\x35" + b"\1\0"
    message = b"\x01" + len(body).to_bytes(3) + body
    assert client_hello(b"\x16\x03\x01" + len(message).to_bytes(2) + message) == ClientHello(
        versions=("TLSv1",), ciphers=2
    )


@pytest.mark.parametrize("size", [1, 2, 7, 100, 16384])
def test_a_hello_over_many_records_is_the_same(size: int) -> None:
    """RFC 8446 section 5.1: a handshake message may be spread over several records."""
    octets, _ = real_hello("localhost", ("pop3",))
    assert client_hello(refragmented(octets, size)) == client_hello(octets)


@pytest.mark.parametrize("size", [5, 16384])
def test_a_hello_is_wanted_to_its_last_octet(size: int) -> None:
    """Every proper beginning is incomplete; what follows is not looked at."""
    octets, _ = real_hello("localhost", ("pop3",))
    octets = refragmented(octets, size)
    assert [client_hello(octets[:end]) for end in range(len(octets))] == [None] * len(octets)
    assert client_hello(bytearray(octets) + b"garbage") == client_hello(octets)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"CAPA\r\n", "the client speaks POP3 in clear where TLS was expected: it began with b'CAPA'"),
        (b"quit\r\n", "the client speaks POP3 in clear where TLS was expected: it began with b'quit'"),
        (b"PASS secret\r\n", "the client speaks POP3 in clear where TLS was expected: it began with b'PASS'"),
        (b"GET / HTTP/1.1\r\n", "the client speaks HTTP where TLS was expected: it began with b'GET'"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "the client began with a TLS alert record where a ClientHello was expected"),
        (b"\x80\x2e\x01\x03\x01", r"the client does not speak TLS: it began with b'\x80.\x01\x03\x01'"),
        (b"hunter2 is my password", "the client does not speak TLS: it began with b'hunte'"),
        (b"     ", "the client does not speak TLS: it began with b'     '"),
        (b"\x16\x02\x00\x00\x05", r"the client does not speak TLS: it began with b'\x16\x02\x00\x00\x05'"),
    ],
)
def test_what_is_no_tls_is_told_by_name(octets: bytes, text: str) -> None:
    """The sentence depends on the first five octets only, so neither on cuts nor on what may be a password."""
    for end in range(5):
        assert client_hello(octets[:end]) is None
    for end in {5, len(octets)}:
        with pytest.raises(NotTls) as caught:
            client_hello(octets[:end])
        assert str(caught.value) == text
        assert caught.value.octets == octets[:5]
        assert str(pickle.loads(pickle.dumps(caught.value))) == text  # noqa: S301 - our own, as xdist does it


@pytest.mark.parametrize(
    "octets",
    [
        b"\x16\x03\x01\x40\x01\x01",  # a record of more than 16384 octets
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",  # a ServerHello
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",  # a ClientHello of 16 MiB
        b"\x16\x03\x01\x00\x02\x01\x00\x17\x03\x03\x00\x01x",  # cut by application data
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",  # an empty one
    ],
)
def test_a_broken_hello_is_left_to_openssl(octets: bytes) -> None:
    """It is TLS, and OpenSSL answers it with the right alert; waiting for more would wait for ever."""
    assert client_hello(octets) == ClientHello()


def test_a_hello_broken_inside_is_reported_as_far_as_it_goes() -> None:
    """Whatever octet of a real hello is changed, something is returned, and nothing but NotTls is raised."""
    octets, _ = real_hello("localhost", ("pop3",))
    for at in range(5, len(octets)):
        assert isinstance(client_hello(octets[:at] + bytes([octets[at] ^ 0xFF]) + octets[at + 1 :]), ClientHello | None)


def read_or_refuse(octets: bytes) -> ClientHello | str | None:
    """The result, with the refusal as its text."""
    try:
        return client_hello(octets)
    except NotTls as refusal:
        return str(refusal)


@given(st.binary(max_size=300))
def test_garbage_raises_nothing_but_not_tls(octets: bytes) -> None:
    """Any octets at all; and behind a record header that promises a ClientHello."""
    read_or_refuse(octets)
    message = b"\x01" + len(octets).to_bytes(3) + octets
    hello = read_or_refuse(b"\x16\x03\x01" + len(message).to_bytes(2) + message)
    assert isinstance(hello, ClientHello)


@given(st.binary(max_size=100), st.binary(max_size=20))
def test_a_verdict_stands_whatever_follows(octets: bytes, more: bytes) -> None:
    """What has been decided on a beginning is not changed by what comes later."""
    early = read_or_refuse(octets)
    assert early is None or read_or_refuse(octets + more) == early


@pytest.mark.parametrize(
    ("offered", "spoken", "refused"),
    [
        (("imap",), ("pop3",), True),
        (("h2", "pop3"), ("pop3",), False),
        ((), ("pop3",), False),
        (("imap",), (), False),
    ],
)
def test_an_offer_without_overlap_is_refused(offered: tuple[str, ...], spoken: tuple[str, ...], refused: bool) -> None:  # noqa: FBT001
    """RFC 7301 section 3.2, and section 3.1 for clients that offer nothing."""
    assert alpn_refused(ClientHello(alpn=offered), spoken) is refused


@pytest.mark.parametrize(
    ("offered", "policy", "refused"),
    [(("imap",), "ignore", False), ((), "require", True), (("pop3",), "require", False), (("imap",), "require", True)],
)
def test_the_policy_can_be_laxer_or_stricter(
    offered: tuple[str, ...],
    policy: str,
    refused: bool,  # noqa: FBT001
) -> None:
    """A server that ignores what it does not know, and one that wants ALPN of everybody."""
    assert alpn_refused(ClientHello(alpn=offered), ("pop3",), policy) is refused
    assert not alpn_refused(ClientHello(alpn=offered), (), policy)


def test_an_alert_in_clear_is_understood_by_openssl() -> None:
    """RFC 8446 section 6: level 2 is fatal, 120 is no_application_protocol."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    incoming = ssl.MemoryBIO()
    client = context.wrap_bio(incoming, ssl.MemoryBIO(), server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    incoming.write(alert(120))
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        client.do_handshake()
    assert len(alert(120)) == 7
    with pytest.raises(ValueError, match=r"range\(0, 256\)"):
        alert(256)
