"""A server that cannot be asked: each trouble is one sentence that says what would be right."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

import pytest

from pop3s_fake import UsageError
from pop3s_fake.probing import Place, Sockets, Unreachable, Wishes, ask
from pop3s_fake.probing.wire import Line
from pop3s_fake.tls import Authority
from tests.probing.asked import BOUND, asked_of, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHORT = 0.3
"""Seconds after which a probe gives up a server that never says anything: a wait that always runs out."""


def told(place: Place, **wishes: Any) -> str:
    """The sentence."""
    with pytest.raises(Unreachable) as caught:
        ask(
            Sockets(place),
            Wishes(pause=0, linger=0, **wishes),
            tell=lambda _: None,
            wait=lambda _: None,
            now=lambda: 0.0,
        )
    return str(caught.value)


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port on which each connection is treated so."""

    def loop() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=loop, name="a server of another kind")
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(BOUND)
            assert not thread.is_alive()


def until_closed(connection: socket.socket) -> None:
    """Take what comes until nobody is there any more."""
    try:
        while connection.recv(4096):
            pass
    except OSError:
        return


def test_a_host_that_is_not_there_is_named() -> None:
    """With the reason of the system."""
    said = told(Place("no-such-host.invalid", 995))
    assert said.startswith("cannot find the host 'no-such-host.invalid': ")
    assert said.endswith("; is it spelt right?")


def test_a_port_at_which_nobody_listens_is_named() -> None:
    """A socket that is bound and does not listen holds it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        assert told(Place("127.0.0.1", port)) == (
            f"cannot connect to 127.0.0.1:{port}: Connection refused; "
            "POP3S mostly has port 995, and POP3 with --stls port 110"
        )


def test_a_server_that_closes_at_once_is_told() -> None:
    """Before TLS and in clear."""
    with listening(lambda _: None) as port:
        said = told(Place("127.0.0.1", port, tls="none", timeout=BOUND))
    assert said == f"127.0.0.1:{port} closes the connection before it says anything"


def test_a_server_that_speaks_no_tls_is_told() -> None:
    """What would be right is the other way to begin."""

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"+OK hello\r\n")
        until_closed(connection)

    with listening(serve) as port:
        said = told(Place("127.0.0.1", port, timeout=BOUND))
    assert said.startswith(f"there is no TLS with 127.0.0.1:{port}: ")
    assert said.endswith("; a port that begins in clear, such as 110, wants --stls")


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_asked() -> None:
    """In the handshake, and where a greeting should come."""
    with listening(until_closed) as port:
        assert told(Place("127.0.0.1", port, timeout=SHORT)) == (
            f"127.0.0.1:{port} does not shake hands within 0.3 s; "
            "a port that begins in clear, such as 110, wants --stls"
        )
        assert told(Place("127.0.0.1", port, tls="stls", timeout=SHORT)) == (
            f"127.0.0.1:{port} says nothing within 0.3 s; where TLS comes first, as on port 995, "
            "leave --stls and --clear out"
        )


@pytest.mark.parametrize(
    ("greeting", "sentence"),
    [
        (b"220 mail ESMTP\r\n", "speaks no POP3: it begins with '220 mail ESMTP'"),
        (b"\x00\x01\x02\n", r"speaks no POP3: it begins with '\\x00\\x01\\x02'"),
        (b"-ERR too many connections\r\n", "turns clients away: '-ERR too many connections'"),
    ],
)
def test_what_greets_otherwise_is_no_server_to_ask(greeting: bytes, sentence: str) -> None:
    """With what it said."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(greeting)
        until_closed(connection)

    with listening(serve) as port:
        assert told(Place("127.0.0.1", port, tls="none", timeout=BOUND)) == f"127.0.0.1:{port} {sentence}"


def test_a_server_that_refuses_stls_gets_no_password() -> None:
    """And is told."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"+OK\r\n")
        connection.recv(4096)
        connection.sendall(b"-ERR no TLS here\r\n")
        until_closed(connection)

    with listening(serve) as port:
        place = Place("127.0.0.1", port, tls="stls", timeout=BOUND)
        assert told(place, user="ann", password="secret") == (
            f"127.0.0.1:{port} has no TLS by STLS: '-ERR no TLS here'; no password was sent: "
            "leave --stls out where TLS comes first, as on port 995"
        )


def test_a_server_that_is_silent_again_and_again_is_given_up() -> None:
    """Three questions, on three connections."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"+OK\r\n")
        until_closed(connection)

    with listening(serve) as port:
        assert told(Place("127.0.0.1", port, tls="none", timeout=SHORT)) == (
            f"127.0.0.1:{port} has left 3 questions without an answer for 0.3 s each; is it busy? "
            "--timeout lets it have more time"
        )


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        ("expired", "certificate has expired"),
        ("wrong-host", "Hostname mismatch, certificate is not valid for 'localhost'."),
    ],
)
def test_a_certificate_that_is_not_good_gets_no_password(certificate: str, why: str) -> None:
    """Nothing is said at all."""
    with serving("dovecot", certificate=certificate) as server:
        with pytest.raises(Unreachable) as caught:
            asked_of(server)
        assert server.transcript.keywords == []
    assert str(caught.value) == (
        f"the certificate of localhost:{server.port} cannot be trusted: {why}; nothing was said to it: "
        "name its CA with --ca, or say --insecure"
    )


def test_a_server_that_cuts_every_connection_behind_a_word_is_asked_as_far_as_that_goes() -> None:
    """The rest is asked on new connections."""
    with serving("dovecot") as server:
        server.on("CAPA").end("rst").optional()
        seen = asked_of(server, user="", password="", connections=12)
    capa, stat = seen.found(b"CAPA"), seen.found(b"STAT")
    assert capa is not None
    assert (capa.came, capa.ended) == ((), True)
    assert stat is not None
    assert stat.came == ("-ERR Unknown command.",)


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), ("no certificate", "there is no certificate in it")]
)
def test_a_ca_file_that_is_none_is_told(tmp_path: Path, content: str | None, why: str) -> None:
    """Before anything is connected to."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        Sockets(Place("localhost", 995, ca=str(path)))
    assert str(caught.value) == f"cannot take the CA file {str(path)!r}: {why}; name one in PEM"


class Vanishing:
    """A socket behind which TLS begins, and whose other side has gone when the client has its part of the handshake."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._flights = 0

    def sendall(self, octets: bytes) -> None:
        """Take the ClientHello, and nothing behind it."""
        self._flights += 1
        if self._flights > 1:
            raise ConnectionResetError(104, "Connection reset by peer")
        self._incoming.write(octets)
        with suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()

    def recv(self, _: int) -> bytes:
        """The server's flight."""
        return self._outgoing.read()

    def settimeout(self, _: float) -> None:
        """Nothing here waits."""

    def setsockopt(self, *_: int) -> None:
        """Nor does anything else matter."""


def test_a_server_that_is_gone_at_the_end_of_the_handshake_is_told() -> None:
    """In TLS 1.3 the client is done when it has to send its last octets, and that is when it finds out."""
    authority = Authority()
    line = Line(Place("localhost", 995), cast("socket.socket", Vanishing(authority.server_context())))
    with pytest.raises(Unreachable) as caught:
        line.shake(authority.client_context())
    assert str(caught.value) == "localhost:995 breaks off the handshake of TLS: Connection reset by peer"
