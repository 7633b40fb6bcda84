"""Every handshake of the catalogue, with clients that nobody here wrote: OpenSSL's own and Python's ssl."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import warnings
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import Pop3sServer, Tls
from pop3s_fake.errors import Unavailable
from pop3s_fake.tls.handshakes import Client, Handshake, handshake, handshake_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ran = subprocess.CompletedProcess[bytes]

WORDS: Final = {"1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.3"}
VERSIONS: Final = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
SAYING: Final = {"id", "summary", "must", "client_must", "rfc", "twin", "openssl", "lax", "note"}


@contextlib.contextmanager
def serving(entry: Handshake) -> Iterator[Pop3sServer]:
    """A server that shakes hands so; skipped, with the reason, where this OpenSSL cannot.

    Some of the clients are to be as bad as the handshake needs them: they are not judged.
    """
    server = Pop3sServer(
        tls=entry.tls, certificate=entry.certificate, client_certificate=entry.client_certificate, strict=False
    )
    try:
        server.start()
    except Unavailable as error:
        pytest.skip(str(error))
    try:
        yield server
        server.check()
    finally:
        server.stop()


def tried(error: str, said: str) -> None:
    """Hold what a client said against the catalogue."""
    if error:
        assert error.casefold() in said.casefold()
    else:
        assert said == ""


@pytest.fixture
def s_client(openssl: str, run: Callable[..., Ran]) -> Callable[..., Ran]:
    """Run ``openssl s_client`` as such a client."""

    def made(server: Pop3sServer, client: Client, *options: str) -> Ran:
        lowest, highest = client.versions.partition("-")[0], client.versions.rpartition("-")[2]
        like: list[object] = ["-min_protocol", WORDS[lowest], "-max_protocol", WORDS[highest]]
        like += ["-cipher", client.ciphers, "-verify_hostname", client.host or "localhost"]
        like += ["-servername", client.host] if client.host else ["-noservername"]
        like += ["-alpn", ",".join(client.alpn)] if client.alpn else []
        if client.certificate:
            mine = server.authority.client_certificate("ann", client.certificate)
            like += ["-cert", mine.certificate_file, "-key", mine.key_file]
        place = ("-connect", f"localhost:{server.port}", "-CAfile", server.ca_file, "-verify_return_error")
        return run(openssl, "s_client", "-crlf", "-ign_eof", *place, *like, *options, said=b"QUIT\n")

    return made


def python(server: Pop3sServer, client: Client) -> str:
    """Be such a client with Python's ssl; what it says, "" if it came to a greeting."""
    mine = server.authority.client_certificate("ann", client.certificate) if client.certificate else None
    context = server.client_context(client_certificate=mine)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # some clients are as old as that
        context.minimum_version = VERSIONS[client.versions.partition("-")[0]]
        context.maximum_version = VERSIONS[client.versions.rpartition("-")[2]]
    context.set_ciphers(client.ciphers)
    if client.alpn:
        context.set_alpn_protocols(list(client.alpn))
    with socket.create_connection((server.address, server.port), timeout=60) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=client.host) as connection:
                heard = connection.recv(100)
                assert heard.startswith(b"+OK ")
                connection.sendall(b"QUIT\r\n")
                assert connection.recv(100).startswith(b"+OK ")
        except ssl.SSLError as error:
            return str(error)
    return ""


@pytest.mark.parametrize("name", handshake_ids())
def test_openssl_says_what_the_catalogue_promises_and_gets_through_where_it_should(
    s_client: Callable[..., Ran], name: str
) -> None:
    """It refuses, or is refused, in these words; the twin and the lax client, who get through, are the controls."""
    entry = handshake(name)
    with serving(entry) as server:
        ran = s_client(server, entry.client)
        heard = (ran.stderr + ran.stdout).decode(errors="replace")
        tried(entry.openssl, heard if b"+OK signing off" not in ran.stdout else "")
        assert server.transcript.keywords == ([] if entry.openssl else ["QUIT"])
        if entry.lax is not None:
            assert b"+OK signing off" in s_client(server, entry.lax).stdout
    if entry.twin:
        twin = handshake(entry.twin)
        with serving(twin) as server:
            assert b"+OK signing off" in s_client(server, twin.client).stdout


@pytest.mark.parametrize("name", handshake_ids())
def test_python_says_the_same(name: str) -> None:
    """Another client on the same library, with the same settings."""
    entry = handshake(name)
    with serving(entry) as server:
        tried(entry.openssl, python(server, entry.client))
        if entry.lax is not None:
            assert python(server, entry.lax) == ""


@pytest.mark.parametrize("name", handshake_ids())
def test_an_entry_has_a_control_that_differs_in_one_thing(name: str) -> None:
    """Another server for the same client, or another client for the same server."""
    entry = handshake(name)
    assert entry.id == name
    assert entry.summary
    assert entry.client_must
    assert entry.rfc.startswith("RFC ")
    assert not entry.openssl or entry.twin or entry.lax
    assert (entry.must == "reject") is bool(entry.openssl)
    if entry.twin:
        twin = handshake(entry.twin)
        assert twin.must == "accept"
        settings = {
            field
            for field in ("certificate", "client_certificate", "client")
            if getattr(entry, field) != getattr(twin, field)
        }
        settings |= {field for field in vars(entry.tls) if getattr(entry.tls, field) != getattr(twin.tls, field)}
        assert len(settings) == 1


def test_a_group_the_client_sent_no_key_for_is_asked_for(s_client: Callable[..., Ran]) -> None:
    """RFC 8446 section 4.1.4: a second ClientHello answers the HelloRetryRequest."""
    for name, hellos in (("version-1.3", 1), ("hello-retry", 2)):
        entry = handshake(name)
        with serving(entry) as server:
            assert s_client(server, entry.client, "-msg").stdout.count(b"ClientHello") == hellos


def test_who_asks_for_no_name_gets_the_certificate_for_those(s_client: Callable[..., Ran]) -> None:
    """RFC 6066 section 3: the name is the client's to send."""
    with serving(handshake("sni-map")) as server:
        ran = s_client(server, Client(host=""))
        assert b"num=62:" in ran.stderr + ran.stdout
        assert s_client(server, Client()).returncode == 0


@pytest.fixture
def by_hand(openssl: str) -> Iterator[Callable[[Pop3sServer], Typed]]:
    """Start ``openssl s_client`` with its one-letter commands, for somebody who types."""
    with contextlib.ExitStack() as stack:

        def made(server: Pop3sServer) -> Typed:
            words = [
                openssl,
                "s_client",
                "-crlf",
                "-connect",
                f"localhost:{server.port}",
                "-CAfile",
                str(server.ca_file),
            ]
            process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return Typed(process)

        yield made


class Typed:
    """A terminal: what is typed goes in a line at a time, and what is printed is waited for."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.printed = b""

    def type(self, line: bytes) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")

    def wait_for(self, text: bytes) -> None:
        """Read until this has been printed; the bound of the whole test is that of the suite."""
        assert self.process.stdout is not None
        while text not in self.printed:
            piece = self.process.stdout.read(4096)
            assert piece, f"{text!r} was not printed, but {self.printed!r}"
            self.printed += piece


def test_a_client_may_renew_its_keys(by_hand: Callable[[Pop3sServer], Typed]) -> None:
    """RFC 8446 section 4.6.3: OpenSSL answers KeyUpdate by itself."""
    with Pop3sServer() as server:
        terminal = by_hand(server)
        terminal.wait_for(b"+OK ")
        terminal.type(b"K")
        terminal.wait_for(b"KEYUPDATE")
        terminal.type(b"NOOP")
        terminal.wait_for(b"-ERR ")  # nobody is logged in
        terminal.type(b"Q")
        terminal.wait_for(b"DONE")


def test_nobody_renegotiates(by_hand: Callable[[Pop3sServer], Typed]) -> None:
    """RFC 5246 section 7.2.2: the server may refuse; the client is told at once, and may give up."""
    with Pop3sServer(tls=Tls(versions="1.2")) as server:
        terminal = by_hand(server)
        terminal.wait_for(b"+OK ")
        terminal.type(b"R")
        terminal.wait_for(b"no renegotiation")
