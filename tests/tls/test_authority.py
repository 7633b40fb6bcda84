from __future__ import annotations

import gc
import os
import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from cryptography import x509

from pop3s_fake.errors import UsageError
from pop3s_fake.tls import Authority, Tls, certificate, certificate_ids, default_authority
from pop3s_fake.tls.authority import _remove

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_context_is_made_once_for_each_combination(authority: Authority) -> None:
    """Equal words give the same object, different ones another."""
    one = authority.server_context("good", names=("localhost",), tls=Tls(versions="1.2"))
    assert authority.server_context(names=["localhost"], tls=Tls(versions="1.2")) is one
    others = [
        authority.server_context("good-rsa", tls=Tls(versions="1.2")),
        authority.server_context(names=("localhost", "pop.test"), tls=Tls(versions="1.2")),
        authority.server_context(tls=Tls(versions="1.3")),
        authority.server_context(tls=Tls(versions="1.2"), client_certificate="required"),
        authority.server_context(tls=Tls(versions="1.2"), client_certificate="optional"),
    ]
    assert len({id(context) for context in [one, *others]}) == 6


def test_a_certificate_is_made_once_whatever_the_settings(pair: Callable[..., Any], authority: Authority) -> None:
    """A key costs more than a context."""
    seen = {
        pair(authority.server_context("good-rsa", tls=tls)).client.getpeercert(binary_form=True)
        for tls in (Tls(versions="1.2"), Tls(versions="1.3"))
    }
    assert len(seen) == 1


def test_threads_that_ask_at_once_get_the_same_context() -> None:
    """Whoever is first makes it."""
    authority, barrier = Authority(), Barrier(8)

    def ask(_: int) -> tuple[int, Path, int]:
        barrier.wait(timeout=30)
        return (
            id(authority.server_context("good-rsa")),
            authority.ca_file,
            id(authority.client_certificate()),
        )

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1


def test_the_authority_of_the_process_is_one() -> None:
    """Every server without an authority of its own uses it."""
    assert default_authority() is default_authority()


def test_the_files_are_private_and_go_with_the_authority() -> None:
    """Keys of client certificates are the only ones on disk."""
    authority = Authority()
    assert authority._directory is None
    client = authority.client_certificate("../ann/é")
    directory = authority.ca_file.parent
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert sorted(path.name for path in directory.iterdir()) == ["ca.pem", "client-1.key", "client-1.pem"]
    assert client.certificate_file.read_text() == client.pem
    assert "PRIVATE" not in client.pem
    assert authority.client_certificate("../ann/é") is client
    assert authority.client_certificate("bob").certificate_file.name == "client-2.pem"
    del authority
    gc.collect()
    assert not directory.exists()


def test_a_forked_child_does_not_remove_its_parents_files(tmp_path: Path) -> None:
    """The directory belongs to the process that made it."""
    _remove(tmp_path, os.getpid() + 1)
    assert tmp_path.exists()
    _remove(tmp_path, os.getpid())
    assert not tmp_path.exists()


def test_the_client_context_trusts_this_authority_only_and_is_new_each_time(
    pair: Callable[..., Any], authority: Authority
) -> None:
    """Changing one harms nobody; another authority's server is refused."""
    client = authority.client_context()
    assert client is not authority.client_context()
    assert (client.verify_mode, client.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(client.get_ca_certs()) == 1
    assert pair(Authority().server_context(), client).client_error.verify_code == 20


@pytest.mark.parametrize(
    ("depth", "key"), [(0, trustme.KeyType.RSA), (1, trustme.KeyType.ECDSA)], ids=["rsa-root", "ec-intermediate"]
)
@pytest.mark.parametrize("pair", [None], indirect=True, ids=["whole"])
def test_a_trustme_ca_of_ones_own_can_be_used(pair: Callable[..., Any], depth: int, key: trustme.KeyType) -> None:
    """Root or intermediate: the root is what is trusted, and the chain is served up to it."""
    ca = trustme.CA(key_type=key)
    root_pem = ca.cert_pem.bytes().decode()
    for _ in range(depth):
        ca = ca.create_child_ca()
    authority = Authority.from_trustme(ca)
    assert authority.ca_pem == root_pem == authority.ca_file.read_text()
    client = authority.client_context()
    client.set_ciphers("DEFAULT:@SECLEVEL=2")
    for entry in map(certificate, certificate_ids()):
        host = entry.host.replace("{name}", "localhost")
        made = pair(authority.server_context(entry.id), client, server_hostname=host)
        refused = entry.tls_error or (entry.verify_error and not entry.needs)
        assert bool(made.client_error) is bool(refused), entry.id


def test_client_certificates_of_an_intermediate_bring_their_chain(pair: Callable[..., Any]) -> None:
    """Verified against the root."""
    authority = Authority.from_trustme(trustme.CA().create_child_ca())
    client = authority.client_context(client_certificate=authority.client_certificate("ann"))
    made = pair(authority.server_context(client_certificate="required"), client)
    assert made.records.facts().client_certificate == "ann"


def test_client_certificates_pass_strict_verification(pair: Callable[..., Any], authority: Authority) -> None:
    """An empty SAN, as trustme makes it for a CN alone, would not."""
    server = Authority.from_trustme(authority._ca).server_context(client_certificate="required")
    server.verify_flags |= ssl.VERIFY_X509_STRICT
    client = authority.client_context(client_certificate=authority.client_certificate("ann"))
    made = pair(server, client)
    assert made.server_error is None
    assert made.records.facts().client_certificate == "ann"


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"names": "localhost"}, "names is a tuple of host names such as ('localhost',), not the str 'localhost'"),
        ({"names": ()}, "names is a tuple of at least one host name such as ('localhost',), not ()"),
        ({"names": ("",)}, "names is a tuple of at least one host name such as ('localhost',), not ('',)"),
        (
            {"client_certificate": "require"},
            "unknown client_certificate 'require'; did you mean 'required'?",
        ),
        ({"client_certificate": True}, "unknown client_certificate True; known are: optional, required"),
    ],
)
def test_a_mistake_is_named_at_the_call(authority: Authority, keywords: dict[str, Any], text: str) -> None:
    """Errors are product."""
    with pytest.raises(UsageError) as caught:
        authority.server_context(**keywords)
    assert str(caught.value) == text


def test_a_name_no_certificate_can_have_is_refused(authority: Authority) -> None:
    """What is wrong with it is idna's to say."""
    with pytest.raises(UsageError, match=r"^no certificate can be made for the names my_host, 127\.0\.0\.1, ::1: "):
        authority.server_context(names=("my_host",))


def test_a_client_certificate_needs_a_name_that_fits(authority: Authority) -> None:
    """RFC 5280 appendix A.1: at most 64 characters."""
    assert authority.client_certificate("x" * 64).name == "x" * 64
    for name in ("", "x" * 65):
        with pytest.raises(UsageError) as caught:
            authority.client_certificate(name)
        assert str(caught.value) == f"a client certificate's name has 1 to 64 characters, unlike {name!r}"


def test_a_ca_that_may_have_no_intermediate_says_so() -> None:
    """path_length=0 is a promise to issue leaves only (RFC 5280 section 4.2.1.9)."""
    authority = Authority.from_trustme(trustme.CA(path_length=0))
    assert authority.server_context() is not None
    with pytest.raises(UsageError) as caught:
        authority.server_context("missing-intermediate")
    assert str(caught.value) == (
        "certificate 'missing-intermediate' needs a CA that may have an intermediate below it; "
        "this authority's trustme.CA has path_length=0"
    )
    with pytest.raises(UsageError) as caught:
        Authority.from_trustme(trustme.CA(path_length=1)).server_context("pathlen")
    assert str(caught.value) == (
        "certificate 'pathlen' needs a CA that may have 2 intermediates below it; "
        "this authority's trustme.CA has path_length=1"
    )


def test_what_a_server_shows_can_be_had_as_text(pair: Callable[..., Any], authority: Authority) -> None:
    """To trust a self-signed certificate a client needs just this, and nothing else."""
    for name in ("self-signed", "self-signed-rsa-3072"):
        pem = authority.certificate_pem(name, names=("localhost", "pop.test"))
        client = ssl.create_default_context(cadata=pem)
        assert pair(authority.server_context(name, names=("localhost", "pop.test")), client).client_error is None
    assert authority.certificate_pem("pathlen").count("BEGIN CERTIFICATE") == 3
    with pytest.raises(UsageError, match=r"^unknown certificate 'slef-signed'; did you mean 'self-signed'\?$"):
        authority.certificate_pem("slef-signed")


def test_the_revocation_list_is_a_file_beside_the_ca(authority: Authority) -> None:
    """Signed by the authority, and the same in both forms."""
    listed = x509.load_pem_x509_crl(authority.crl_file.read_bytes())
    root = x509.load_pem_x509_certificate(authority.ca_pem.encode())
    assert listed.is_signature_valid(root.public_key())  # type: ignore[arg-type]
    assert listed.issuer == root.subject
    assert authority.crl_file.parent == authority.ca_file.parent
    assert len(list(x509.load_pem_x509_crl(authority.crl_pem.encode()))) == 1
