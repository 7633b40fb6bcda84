"""Every certificate of the catalogue, shown to clients that nobody here wrote."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from pop3s_fake import Pop3sServer, Tls
from pop3s_fake.errors import Unavailable
from pop3s_fake.tls.certificates import Certificate, certificate, certificate_ids

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Ran = subprocess.CompletedProcess[bytes]

FAILED_HANDSHAKE: Final = 35  # curl's exit codes
PEER_FAILED_VERIFICATION: Final = 60
NAMES: Final = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH
LEVEL: Final = "DEFAULT:@SECLEVEL=2"  # what is too weak depends on it, and not every OpenSSL has the same


def host_of(entry: Certificate) -> str:
    """The name or address under which the client looks."""
    return entry.host.replace("{name}", "localhost")


def serving(name: str, **keywords: Any) -> Pop3sServer:
    """A server that shows this, for a with block; skipped, with the reason, where this OpenSSL cannot."""
    server = Pop3sServer(certificate=name, **keywords)
    try:
        server.authority.server_context(name)
    except Unavailable as error:
        pytest.skip(str(error))
    return server


def is_address(host: str) -> bool:
    """Whether it is no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@pytest.fixture
def s_client(openssl: str, run: Callable[..., Ran]) -> Callable[..., Ran]:
    """Run ``openssl s_client`` as a client that looks for one certificate under the host of another."""

    def made(server: Pop3sServer, entry: Certificate, *, crl: bool = False) -> Ran:
        host = host_of(entry)
        asked = ("-verify_ip", host) if is_address(host) else ("-servername", host, "-verify_hostname", host)
        lists = ("-CRL", server.authority.crl_file, "-crl_check") if crl else ()
        place = ("-connect", f"localhost:{server.port}", "-CAfile", server.ca_file, "-cipher", LEVEL)
        return run(
            openssl, "s_client", "-crlf", "-ign_eof", "-verify_return_error", *place, *asked, *lists, said=b"QUIT\n"
        )

    return made


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("name", certificate_ids())
def test_openssl_says_what_the_catalogue_promises_and_accepts_the_twin(
    s_client: Callable[..., Ran], name: str, version: str
) -> None:
    """The number and the text; OpenSSL 1.1.1 wrote "self signed" in two words."""
    entry = certificate(name)
    crl = entry.needs == "crl"
    with serving(name, tls=Tls(versions=version)) as server:
        ran = s_client(server, entry, crl=crl)
        heard = ran.stderr.decode(errors="replace") + ran.stdout.decode(errors="replace")
        refused = entry.verify_error or entry.tls_error
        if entry.verify_error:
            text = re.escape(entry.verify_error.text).replace(r"\-", "[- ]")
            assert re.search(rf"verify error:num={entry.verify_error.code}:(?i:{text})", heard)
        elif entry.tls_error:
            assert entry.tls_error in heard
        else:
            assert "Verify return code: 0 (ok)" in heard
            assert b"+OK signing off" in ran.stdout
        assert (ran.returncode != 0) is bool(refused)
        assert server.transcript.keywords == ([] if refused else ["QUIT"])
        assert bool(server.transcript.last_session.tls.error) is bool(refused)
    if entry.twin and version == "1.3":
        with serving(entry.twin) as server:
            assert s_client(server, certificate(entry.twin), crl=crl).returncode == 0


@pytest.fixture
def fetch(curl: str, run: Callable[..., Ran]) -> Callable[..., Ran]:
    """Run curl, as one who looks for a certificate under its host; skipped where curl is not on OpenSSL."""
    if b"OpenSSL/" not in run(curl, "--version").stdout:
        pytest.skip("this curl is not made with OpenSSL, whose words are held against the catalogue")

    def made(server: Pop3sServer, entry: Certificate) -> Ran:
        host = host_of(entry)
        lists = ("--crlfile", server.authority.crl_file) if entry.needs == "crl" else ()
        place = ("--connect-to", f"{host}:{server.port}:127.0.0.1:{server.port}", f"pop3s://{host}:{server.port}/")
        trust = ("--cacert", server.ca_file, "--ciphers", LEVEL, *lists)
        return run(curl, "--disable", "-sS", "--user", ":".join(server.login), *trust, *place)

    return made


@pytest.mark.parametrize("name", certificate_ids())
def test_curl_refuses_what_openssl_refuses(fetch: Callable[..., Ran], name: str) -> None:
    """Exit code 60 and the same words; names it compares by itself.  What is no verify error is a failed handshake."""
    entry = certificate(name)
    with serving(name) as server:
        ran = fetch(server, entry)
        heard = ran.stderr.decode(errors="replace")
        if entry.verify_error is None and not entry.tls_error:
            assert (ran.returncode, heard) == (0, "")
            return
        assert server.transcript.keywords == []
        if entry.verify_error is None or name == "bad-signature":  # of which curl says only that the handshake failed
            assert ran.returncode in {FAILED_HANDSHAKE, PEER_FAILED_VERIFICATION}
            return
        assert ran.returncode == PEER_FAILED_VERIFICATION
        words = "subject name|common name" if entry.verify_error.code in NAMES else re.escape(entry.verify_error.text)
        assert re.search(words.replace(r"\-", "[- ]"), heard, re.IGNORECASE)
