"""Every certificate of the catalogue, shown to clients that nobody here wrote."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import Pop3sServer, Tls
from pop3s_fake.tls.certificates import Certificate, certificate, certificate_ids

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Ran = subprocess.CompletedProcess[bytes]

LEVEL: Final = "DEFAULT:@SECLEVEL=2"  # what is too weak depends on it, and not every OpenSSL has the same


def host_of(entry: Certificate) -> str:
    """The name or address under which the client looks."""
    return entry.host.replace("{name}", "localhost")


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
    with Pop3sServer(certificate=name, tls=Tls(versions=version)) as server:
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
    if entry.twin:
        with Pop3sServer(certificate=entry.twin, tls=Tls(versions=version)) as server:
            assert s_client(server, certificate(entry.twin), crl=crl).returncode == 0
