"""One certificate made once more, with the one thing changed that its maker would not have changed.

Knows cryptography's builder, keys and signatures; must not know the catalogue, trustme or files.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from pop3s_fake.tls import surgery

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

__all__ = ("Extensions", "PrivateKey", "again", "key_pem", "loaded_key", "named_by", "shared_key", "signed_list")

PrivateKey: TypeAlias = (
    ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
)
Extensions: TypeAlias = "Mapping[type[x509.ExtensionType], x509.ExtensionType | None]"
"""Extensions by their kind; None leaves one out."""

_MAKERS: Final[dict[str, Callable[[], PrivateKey]]] = {
    "ec-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505  # that it is weak is the point
    "rsa-3072": lambda: rsa.generate_private_key(65537, 3072),
    "rsa-4096": lambda: rsa.generate_private_key(65537, 4096),
}
# AlgorithmIdentifier and digest of md5WithRSAEncryption and sha1WithRSAEncryption (RFC 3279 section 2.2.1).
_OLD: Final[dict[str, tuple[bytes, hashes.HashAlgorithm]]] = {
    "md5": (bytes.fromhex("300d06092a864886f70d0101040500"), hashes.MD5()),  # noqa: S303  # that it is dead is the point
    "sha1": (bytes.fromhex("300d06092a864886f70d0101050500"), hashes.SHA1()),  # noqa: S303  # the same
}


@cache
def shared_key(kind: str) -> PrivateKey:
    """One key of a kind for the whole process: to find RSA's primes takes up to seconds, and no test needs its own.

    >>> shared_key("ed25519") is shared_key("ed25519")
    True
    """
    return _MAKERS[kind]()


def loaded_key(pem: bytes) -> PrivateKey:
    """The private key in a PEM; TypeError for one that signs no certificate."""
    key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)  # we or trustme made it
    if not isinstance(
        key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
    ):
        raise TypeError(f"a key of type {type(key).__name__} cannot sign here")
    return key


def key_pem(key: PrivateKey) -> bytes:
    """The private key as PEM, without a password."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def again(
    model: x509.Certificate,
    signer: PrivateKey,
    *,
    key: PrivateKey,
    extensions: Extensions,
    not_after: datetime | None = None,
    signature: str = "sha256",
    serial: int | None = None,
    by_itself: bool = False,
) -> x509.Certificate:
    """The same certificate for ``key``, with these things changed, signed by ``signer``.

    ``extensions`` take the place of those of their kind or come behind them.  ``signature``: sha256, md5 and sha1 (of
    RSA only), or broken, which is one bit away from the right one.  ``by_itself``: its issuer is its subject.
    """
    kept = {type(each.value): each for each in model.extensions}
    wanted: dict[type[x509.ExtensionType], x509.ExtensionType | None] = {
        kind: each.value for kind, each in kept.items()
    }
    wanted[x509.SubjectKeyIdentifier] = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    if by_itself:
        wanted[x509.AuthorityKeyIdentifier] = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    wanted |= extensions
    builder = (
        x509.CertificateBuilder()
        .subject_name(model.subject)
        .issuer_name(model.subject if by_itself else model.issuer)
        .public_key(key.public_key())
        .serial_number(serial or model.serial_number)
        .not_valid_before(model.not_valid_before_utc)
        .not_valid_after(not_after or model.not_valid_after_utc)
    )
    for kind, value in wanted.items():
        if value is not None:
            builder = builder.add_extension(value, critical=kept[kind].critical if kind in kept else _critical(kind))
    made = builder.sign(signer, _digest(signer))
    if signature == "sha256":
        return made
    der = made.public_bytes(Encoding.DER)
    if signature == "broken":
        return x509.load_der_x509_certificate(surgery.broken(der))
    algorithm, digest = _OLD[signature]
    old = cast("rsa.RSAPrivateKey", signer)
    return x509.load_der_x509_certificate(
        surgery.resigned(der, algorithm, lambda octets: old.sign(octets, padding.PKCS1v15(), digest))
    )


def named_by(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """How what ``issuer`` signed names its key (RFC 5280 section 4.2.1.1)."""
    key = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key)


def signed_list(builder: x509.CertificateRevocationListBuilder, key: PrivateKey) -> bytes:
    """Sign a revocation list; as PEM."""
    return builder.sign(key, _digest(key)).public_bytes(Encoding.PEM)


def _critical(kind: type[x509.ExtensionType]) -> bool:
    """Whether a new extension of this kind is critical: name constraints must be (RFC 5280 section 4.2.1.10)."""
    return kind in {x509.NameConstraints, x509.UnrecognizedExtension}


def _digest(key: PrivateKey) -> hashes.SHA256 | None:
    """Ed25519 and Ed448 have a digest of their own."""
    return None if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA256()
