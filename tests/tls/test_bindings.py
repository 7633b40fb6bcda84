"""Channel bindings, and the names in a client's certificate."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from pop3s_fake.tls import Authority, Records, Tls
from pop3s_fake.tls.bindings import end_point

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

EXPORTER = {"tls-exporter"} & set(ssl.CHANNEL_BINDING_TYPES)
"""What a Python newer than 3.13 may have."""


def certificate(key: CertificateIssuerPrivateKeyTypes, algorithm: hashes.SHA384 | hashes.SHA512 | None) -> bytes:
    """A self-signed certificate whose signature hashes so, as PEM."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(day).not_valid_after(day + timedelta(days=1))
    return builder.sign(key, algorithm).public_bytes(Encoding.PEM)


def hashed(name: str, pem: bytes) -> bytes:
    """The hash of a certificate's DER."""
    return hashlib.new(name, ssl.PEM_cert_to_DER_cert(pem.decode())).digest()


@pytest.mark.parametrize("kind", ["good", "good-rsa", "good-intermediate"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_end_point_is_the_hash_of_the_certificate_that_the_client_sees(
    pair: Callable[..., Any], authority: Authority, kind: str, version: str
) -> None:
    """RFC 5929 section 4; these are signed with SHA-256."""
    made = pair(authority.server_context(kind, tls=Tls(versions=version)))

    seen = made.client.getpeercert(binary_form=True)
    assert made.records.bindings()["tls-server-end-point"] == hashlib.sha256(seen).digest()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: certificate(ec.generate_private_key(ec.SECP384R1()), hashes.SHA384()), "sha384"),
        (lambda: certificate(rsa.generate_private_key(65537, 2048), hashes.SHA512()), "sha512"),
    ],
    ids=["sha384", "sha512"],
)
def test_the_end_point_is_hashed_as_its_signature_is(make: Callable[[], bytes], name: str) -> None:
    """RFC 5929 section 4.1."""
    pem = make()

    assert end_point(pem) == hashed(name, pem)


def test_a_weak_hash_gives_way_to_a_stronger_one(authority: Authority) -> None:
    """RFC 5929 section 4.1: MD5 and SHA-1 become SHA-256."""
    pem = authority.server_context("sha1").certificate

    assert x509.load_pem_x509_certificate(pem).signature_hash_algorithm.name == "sha1"  # type: ignore[union-attr]
    assert end_point(pem) == hashed("sha256", pem)


def test_a_signature_without_a_hash_has_no_end_point() -> None:
    """RFC 5929 section 4.1 leaves it undefined; so Ed25519 has none."""
    assert end_point(certificate(ed25519.Ed25519PrivateKey.generate(), None)) is None


def test_tls_1_2_has_what_both_ends_have_in_common(pair: Callable[..., Any], authority: Authority) -> None:
    """RFC 5929 section 3: tls-unique is the first Finished message."""
    made = pair(authority.server_context(tls=Tls(versions="1.2")))

    found = made.records.bindings()
    assert found["tls-unique"] == made.client.get_channel_binding("tls-unique")
    assert set(found) == {"tls-unique", "tls-server-end-point"}


def test_tls_1_3_has_no_unique(pair: Callable[..., Any], authority: Authority) -> None:
    """RFC 9266 section 3: it is undefined there, whatever OpenSSL gives."""
    made = pair(authority.server_context(tls=Tls(versions="1.3")))

    assert set(made.records.bindings()) == {"tls-server-end-point"} | EXPORTER


def test_a_resumed_session_has_no_unique(pair: Callable[..., Any], authority: Authority) -> None:
    """RFC 7677 section 4: without an extended master secret it would be the same on another connection."""
    context, client = authority.server_context(tls=Tls(versions="1.2")), authority.client_context()
    first = pair(context, client)

    second = pair(context, client, session=first.client.session)

    assert second.records.facts().resumed
    assert set(second.records.bindings()) == {"tls-server-end-point"}


def test_there_is_nothing_before_the_handshake(authority: Authority) -> None:
    """Neither bindings nor names."""
    records = Records(authority.server_context())

    assert records.bindings() == {}
    assert records.identities() == ()


def test_a_context_of_somebody_elses_has_no_end_point(pair: Callable[..., Any], authority: Authority) -> None:
    """Ssl does not tell which certificate a context shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mine = authority.client_certificate("ann")
    context.load_cert_chain(mine.certificate_file, mine.key_file)
    client = authority.client_context()
    client.check_hostname = False

    assert set(pair(context, client).records.bindings()) == EXPORTER


def test_the_clients_certificate_says_who_it_is(pair: Callable[..., Any], authority: Authority) -> None:
    """The common name first, which is what this authority puts a user's name into."""
    context = authority.server_context(client_certificate="optional")
    mine = authority.client_certificate("ann")

    with_one = pair(context, authority.client_context(client_certificate=mine))
    without = pair(context)

    assert with_one.records.identities()[0] == "ann"
    assert without.records.identities() == ()


def test_a_certificate_may_hold_an_address(pair: Callable[..., Any], tmp_path: Path) -> None:
    """RFC 5280 section 4.2.1.6: common names, then e-mail addresses, then host names, and each once."""
    ca = trustme.CA()
    authority = Authority.from_trustme(ca)
    leaf = ca.issue_cert("ann@example.com", "host.example", "ann@example.com", common_name="ann")
    leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / "mine.pem")
    client = authority.client_context()
    client.load_cert_chain(tmp_path / "mine.pem")

    made = pair(authority.server_context(client_certificate="required"), client)

    assert made.records.identities() == ("ann", "ann@example.com", "host.example")
