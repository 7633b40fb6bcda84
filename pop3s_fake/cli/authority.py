"""An authority that is kept between runs: a certificate and a key in a folder of the user's.

Knows what keeps such a CA harmless, where its files lie, and when it has to be made anew; must not know servers.  Who
trusts it trusts it for this machine's own names only, and for 90 days at most.
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pop3s_fake.cli.files import write_whole
from pop3s_fake.errors import UsageError
from pop3s_fake.tls.authority import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("Kept", "kept_authority")

LIFE: Final = timedelta(days=90)

LEFT: Final = timedelta(days=1)
"""A CA that ends within this time is made anew: a server may run for a day."""

EARLY: Final = timedelta(hours=1)
"""How far a client's clock may be behind ours."""

PERMITTED: Final = (
    x509.DNSName("localhost"),  # and all names below it (RFC 5280 section 4.2.1.10)
    x509.DNSName("test"),
    x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),
    x509.IPAddress(ipaddress.ip_network("::1/128")),
)
"""What it may issue certificates for: names and addresses that are nobody else's (RFC 6761)."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class Kept(NamedTuple):
    """The authority, its CA certificate as a file, until when that is good, and whether it was made just now."""

    authority: Authority
    ca_file: str
    until: datetime
    new: bool


def kept_authority(folder: str, *, now: datetime | None = None) -> Kept:
    """The authority of this folder, which is made where there is none, or none that lasts.

    ``ca.pem`` is for clients; ``ca.key``, key and certificate, is for its owner alone.  Raises a UsageError for a
    folder that cannot be had, a key that others can read, and for what is no authority.
    """
    time = datetime.now(UTC) if now is None else now
    home = Path(folder).absolute()
    key_file, ca_file = home / "ca.key", home / "ca.pem"
    with _alone(home, folder):
        pem = _read(key_file)
        made = pem is None or _ends(pem, key_file) - LEFT < time
        if pem is None or made:
            pem = _new(time)
            write_whole("key", str(key_file), pem.decode("ascii"), 0o600)
        certificate = _certificate(pem).public_bytes(Encoding.PEM)
        if made or not ca_file.is_file() or ca_file.read_bytes() != certificate:
            write_whole("CA file", str(ca_file), certificate.decode("ascii"), 0o644)
    ca = trustme.CA.from_pem(certificate, pem)
    return Kept(Authority.from_trustme(ca), str(ca_file), _certificate(pem).not_valid_after_utc, made)


@contextlib.contextmanager
def _alone(home: Path, folder: str) -> Iterator[None]:
    """Make the folder if it is not there, and be the only one in it for this moment."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(home, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"cannot use the folder {folder!r} of --ca-dir: {error.strerror}; name another") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(key_file: Path) -> bytes | None:
    """Key and certificate, if they are there and nobody else can read them."""
    try:
        mode = key_file.stat().st_mode
        pem = key_file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"cannot read the key '{key_file}': {error.strerror}") from None
    if mode & _OTHERS:
        raise UsageError(
            f"the key '{key_file}' can be read by others, so its CA must not be trusted any more: "
            "remove it, and a new one is made"
        )
    return pem


def _ends(pem: bytes, key_file: Path) -> datetime:
    """When the CA's time is over; a UsageError if this is none of ours."""
    try:
        certificate = _certificate(pem)
        public = load_pem_private_key(pem, None).public_key()
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        right = public == certificate.public_key() and constraints.permitted_subtrees == list(PERMITTED)
    except (ValueError, x509.ExtensionNotFound):
        right = False
    if not right:
        raise UsageError(f"'{key_file}' is no authority that pop3s-fake has made; name another folder for --ca-dir")
    return certificate.not_valid_after_utc


def _certificate(pem: bytes) -> x509.Certificate:
    """The certificate that stands there behind its key."""
    return x509.load_pem_x509_certificate(pem)


def _new(now: datetime) -> bytes:
    """Key and certificate of a CA for this machine's own names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "pop3s-fake"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"pop3s-fake on this machine, {now:%Y-%m-%d}"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_KEY_USAGE, critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.NameConstraints(list(PERMITTED), None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


_KEY_USAGE: Final = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
