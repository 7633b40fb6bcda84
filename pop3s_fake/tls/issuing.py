"""Making certificates: an entry of the catalogue, names and a CA in, a key and a chain out.

Knows trustme, and cryptography for what trustme cannot make; must not know ssl, contexts or files.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, NamedTuple

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from pop3s_fake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pop3s_fake.tls.certificates import Certificate

__all__ = ("Issued", "issue", "issue_to_client", "new_authority")

_LOOPBACK = ("127.0.0.1", "::1")
_ORGANIZATION = "pop3s-fake"
_COMMON_NAME_LONGEST = 64  # characters (RFC 5280 appendix A.1, ub-common-name)
_KEYS = {"ec": trustme.KeyType.ECDSA, "rsa": trustme.KeyType.RSA}


class Issued(NamedTuple):
    """A private key and the certificates to show with it, the leaf first."""

    key: trustme.Blob
    certificates: tuple[trustme.Blob, ...]


def issue(entry: Certificate, names: Sequence[str], root: trustme.CA) -> Issued:
    """Make what ``entry`` describes, for ``names`` and the loopback addresses (unless it has names of its own).

    The first name is also the CN: there are clients that refuse a certificate without one, fetchmail among them.
    Raises UsageError for a name that no certificate can have.

    >>> from pop3s_fake.tls.certificates import certificate
    >>> issued = issue(certificate("good-intermediate"), ["localhost"], trustme.CA())
    >>> len(issued.certificates)
    2
    """
    identities = tuple(dict.fromkeys(entry.names or (*names, *_LOOPBACK)))
    leaf = _leaf(entry, identities, _issuer(entry, root))
    if entry.issuer == "self":
        return _sign_with_own_key(leaf, entry)
    chain = tuple(leaf.cert_chain_pems)
    return Issued(leaf.private_key_pem, chain[:1] if entry.serve == "leaf" else chain)


def issue_to_client(name: str, root: trustme.CA) -> Issued:
    """Make a client certificate whose CN is ``name``; trustme's are good for servers and clients alike.

    Its SAN names nothing that exists: with none at all trustme leaves an empty one, which strict verification refuses.
    """
    if not 1 <= len(str(name)) <= _COMMON_NAME_LONGEST:
        raise UsageError(f"a client certificate's name has 1 to 64 characters, unlike {name!r}")
    leaf = root.issue_cert("client.invalid", common_name=name, organization_name=_ORGANIZATION)
    return Issued(leaf.private_key_pem, tuple(leaf.cert_chain_pems))


def new_authority() -> trustme.CA:
    """A root nobody else trusts."""
    return trustme.CA(organization_name=_ORGANIZATION)


def _issuer(entry: Certificate, root: trustme.CA) -> trustme.CA:
    if entry.issuer == "stranger":
        return new_authority()
    if entry.issuer != "intermediate":
        return root
    try:
        return root.create_child_ca()
    except ValueError:
        raise UsageError(
            f"certificate {entry.id!r} needs a CA that may have an intermediate below it; "
            "this authority's trustme.CA has path_length=0"
        ) from None


def _leaf(entry: Certificate, identities: tuple[str, ...], issuer: trustme.CA) -> trustme.LeafCert:
    common_name = identities[0]
    try:
        return issuer.issue_cert(
            *identities,
            common_name=common_name if len(common_name) <= _COMMON_NAME_LONGEST else None,
            organization_name=_ORGANIZATION,
            not_before=_midnight(entry.not_before),
            not_after=_midnight(entry.not_after),
            key_type=_KEYS[entry.key],
        )
    except ValueError as error:  # idna's errors are among them
        raise UsageError(f"no certificate can be made for the names {', '.join(identities)}: {error}") from None


def _sign_with_own_key(leaf: trustme.LeafCert, entry: Certificate) -> Issued:
    """Make the same certificate once more, but with itself as its issuer."""
    key = load_pem_private_key(leaf.private_key_pem.bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError(f"a key of type {type(key).__name__} cannot sign here")
    model = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
    builder = (
        x509.CertificateBuilder()
        .subject_name(model.subject)
        .issuer_name(model.subject)
        .public_key(model.public_key())
        .serial_number(model.serial_number)
        .not_valid_before(_midnight(entry.not_before))
        .not_valid_after(_midnight(entry.not_after))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    for extension in model.extensions:
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    made = builder.sign(key, hashes.SHA256())
    # from_pem is trustme's public way from PEM to the blobs that write themselves.
    wrapped = trustme.CA.from_pem(made.public_bytes(Encoding.PEM), leaf.private_key_pem.bytes())
    return Issued(wrapped.private_key_pem, (wrapped.cert_pem,))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())
