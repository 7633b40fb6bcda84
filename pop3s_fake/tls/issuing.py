"""Making certificates: an entry of the catalogue, names and a CA in, a key and a chain out.

Knows trustme, which makes everything that it can and the model of what it cannot; must not know ssl, contexts or files.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final, NamedTuple

import trustme
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from pop3s_fake.errors import Unavailable, UsageError
from pop3s_fake.tls.building import again, key_pem, loaded_key, named_by, shared_key, signed_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pop3s_fake.tls.building import PrivateKey
    from pop3s_fake.tls.certificates import Certificate, Intermediate

__all__ = ("Issued", "issue", "issue_to_client", "new_authority", "revocation_list")

_LOOPBACK = ("127.0.0.1", "::1")
_ORGANIZATION = "pop3s-fake"
_COMMON_NAME_LONGEST = 64  # characters (RFC 5280 appendix A.1, ub-common-name)
_RAW = "DNS:"  # before a name that goes in as it is
_REVOKED: Final = 0x7265766F6B6564  # the serial number of what is revoked, so that the list can be made before it
_USAGES = {
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "code": ExtendedKeyUsageOID.CODE_SIGNING,
}
# Of no meaning to anybody: below the arc that is there for examples (RFC 5612 section 2).
_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.1"), b"\x05\x00")
_MUST_STAPLE = x509.TLSFeature([x509.TLSFeatureType.status_request])  # RFC 7633


class Issued(NamedTuple):
    """A private key and the certificates to show with it, the leaf first, each as PEM.

    ``weak``: whether OpenSSL shows it at security level 0 only, ``rsa``: whether the key is an RSA key.
    """

    key: bytes
    certificates: tuple[bytes, ...]
    weak: bool = False
    rsa: bool = False


def issue(entry: Certificate, names: Sequence[str], root: trustme.CA) -> Issued:
    """Make what ``entry`` describes, for ``names`` and the loopback addresses (unless it has names of its own).

    The first name is also the CN: there are clients that refuse a certificate without one, fetchmail among them.
    Raises UsageError for a name that no certificate can have, and for what this OpenSSL cannot make.

    >>> from pop3s_fake.tls.certificates import certificate
    >>> issued = issue(certificate("good-intermediate"), ["localhost"], trustme.CA())
    >>> len(issued.certificates)
    2
    """
    try:
        return _issue(entry, names, root)
    except UnsupportedAlgorithm as error:
        raise Unavailable(f"certificate {entry.id!r} cannot be made by this OpenSSL: {error}") from None


def issue_to_client(entry: Certificate, name: str, root: trustme.CA) -> Issued:
    """Make a client certificate as ``entry`` describes it, whose CN is ``name``.

    Its SAN names nothing that exists: with none at all trustme leaves an empty one, which strict verification refuses.
    """
    if not 1 <= len(str(name)) <= _COMMON_NAME_LONGEST:
        raise UsageError(f"a client certificate's name has 1 to 64 characters, unlike {name!r}")
    return issue(replace(entry, names=("client.invalid",), common_name="{name}"), (name,), root)


def new_authority() -> trustme.CA:
    """A root nobody else trusts."""
    return trustme.CA(organization_name=_ORGANIZATION)


def revocation_list(ca: trustme.CA) -> bytes:
    """The CRL of this CA (RFC 5280 section 5) as PEM: it lists what the catalogue calls revoked, issued or not."""
    certificate = _certificate(ca)
    revoked = x509.RevokedCertificateBuilder().serial_number(_REVOKED).revocation_date(_midnight(date(2020, 1, 1)))
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(_midnight(date(2020, 1, 1)))
        .next_update(_midnight(date(3000, 1, 1)))
        .add_revoked_certificate(revoked.build())
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(named_by(certificate), critical=False)
    )
    return signed_list(builder, _key(ca))


def _issue(entry: Certificate, names: Sequence[str], root: trustme.CA) -> Issued:
    issuer = new_authority() if entry.issuer == "stranger" else root
    _check_room(entry, issuer)
    above: list[x509.Certificate] = []  # from the issuer up to what clients have, which is not among them
    top = issuer
    while top.parent_cert is not None:
        above.append(_certificate(top))
        top = top.parent_cert
    for each in entry.intermediates:
        issuer = _intermediate(each, issuer, names)
        above.insert(0, _certificate(issuer))
    key, leaf = _leaf(entry, names, issuer)
    served = {
        "chain": above,
        "leaf": [],
        "reversed": above[::-1],
        "extra": [*above, _certificate(top), _certificate(new_authority())],
    }
    chain = [leaf, *([] if entry.issuer == "self" else served[entry.serve])]
    return Issued(key, tuple(each.public_bytes(Encoding.PEM) for each in chain), entry.weak, entry.rsa)


def _check_room(entry: Certificate, ca: trustme.CA) -> None:
    """Whether so many intermediates may stand below this CA (RFC 5280 section 4.2.1.9)."""
    most = _certificate(ca).extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    count = len(entry.intermediates)
    if most is not None and most < count:
        needed = "an intermediate" if count == 1 else f"{count} intermediates"
        raise UsageError(
            f"certificate {entry.id!r} needs a CA that may have {needed} below it; "
            f"this authority's trustme.CA has path_length={most}"
        )


def _intermediate(entry: Intermediate, parent: trustme.CA, names: Sequence[str]) -> trustme.CA:
    child = parent.create_child_ca()
    extensions: dict[type[x509.ExtensionType], x509.ExtensionType | None] = {}
    if entry.ca == "left out":
        extensions[x509.BasicConstraints] = None
    elif entry.ca == "no":
        extensions[x509.BasicConstraints] = x509.BasicConstraints(ca=False, path_length=None)
    elif entry.path_length is not None:
        extensions[x509.BasicConstraints] = x509.BasicConstraints(ca=True, path_length=entry.path_length)
    if entry.permitted or entry.excluded:
        permitted = _expanded(entry.permitted, names)
        if "{names}" in entry.permitted:  # then with the addresses: if one is permitted, all others are not
            permitted += [address for address in _LOOPBACK if address not in permitted]
        extensions[x509.NameConstraints] = x509.NameConstraints(
            _general_names(child, permitted) or None,
            _general_names(child, _expanded(entry.excluded, names)) or None,
        )
    key = _key(child) if entry.key == "ec" else shared_key(entry.key)
    made = again(
        _certificate(child),
        _key(parent),
        key=key,
        extensions=extensions,
        not_after=_midnight(entry.not_after),
        signature=entry.signature,
    )
    return trustme.CA.from_pem(made.public_bytes(Encoding.PEM), key_pem(key))


def _leaf(entry: Certificate, names: Sequence[str], issuer: trustme.CA) -> tuple[bytes, x509.Certificate]:
    """The key as PEM, and the certificate: trustme's, where nothing about it is beyond trustme."""
    identities = (*names, *_LOOPBACK) if entry.names is None else _expanded(entry.names, names)
    model = _model(entry, identities, names, issuer)
    certificate = x509.load_pem_x509_certificate(model.cert_chain_pems[0].bytes())
    extensions = _extensions(entry, certificate, identities)
    plain = not (extensions or entry.revoked) and (entry.key, entry.signature) == ("ec", "sha256")
    if plain and entry.issuer != "self":
        return model.private_key_pem.bytes(), certificate
    key = loaded_key(model.private_key_pem.bytes()) if entry.key == "ec" else shared_key(entry.key)
    made = again(
        certificate,
        key if entry.issuer == "self" else _key(issuer),
        key=key,
        extensions=extensions,
        signature=entry.signature,
        serial=_REVOKED if entry.revoked else None,
        by_itself=entry.issuer == "self",
    )
    return key_pem(key), made


def _model(entry: Certificate, identities: Sequence[str], names: Sequence[str], issuer: trustme.CA) -> trustme.LeafCert:
    wanted = [name for name in identities if not name.startswith(_RAW)]
    common_name = entry.common_name
    if common_name is None:
        common_name = identities[0] if len(identities[0]) <= _COMMON_NAME_LONGEST else ""
    try:
        return issuer.issue_cert(
            *(wanted or ["left-out.invalid"]),
            common_name=common_name.replace("{name}", names[0]) or None,
            organization_name=_ORGANIZATION,
            not_before=_midnight(entry.not_before),
            not_after=_a_second_ago() if entry.just_expired else _midnight(entry.not_after),
        )
    except ValueError as error:  # idna's errors are among them
        raise UsageError(f"no certificate can be made for the names {', '.join(identities)}: {error}") from None


def _extensions(
    entry: Certificate, model: x509.Certificate, identities: Sequence[str]
) -> dict[type[x509.ExtensionType], x509.ExtensionType | None]:
    """What trustme would have made otherwise."""
    made: dict[type[x509.ExtensionType], x509.ExtensionType | None] = {}
    raw = [name.removeprefix(_RAW) for name in identities if name.startswith(_RAW)]
    listed = _names_of(model) if len(raw) < len(identities) else []
    more = [x509.DNSName(name) for name in (*raw, *(f"host-{number}.pop.test" for number in range(entry.more_names)))]
    if more or not listed:
        made[x509.SubjectAlternativeName] = x509.SubjectAlternativeName([*listed, *more]) if listed or more else None
    if set(entry.usage) != set(_USAGES):
        usages = [_USAGES[word] for word in entry.usage]
        made[x509.ExtendedKeyUsage] = x509.ExtendedKeyUsage(usages) if usages else None
    usage = _key_usage(entry)
    if usage != model.extensions.get_extension_for_class(x509.KeyUsage).value:
        made[x509.KeyUsage] = usage
    if entry.ca:
        made[x509.BasicConstraints] = x509.BasicConstraints(ca=True, path_length=None)
    if entry.extra:
        extra = {"unknown-critical": _UNKNOWN, "must-staple": _MUST_STAPLE}[entry.extra]
        made[type(extra)] = extra
    return made


def _key_usage(entry: Certificate) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature="digital-signature" in entry.key_usage,
        content_commitment=False,
        key_encipherment="key-encipherment" in entry.key_usage,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=entry.ca,  # goes with it (RFC 5280 section 4.2.1.9)
        crl_sign="crl-sign" in entry.key_usage,
        encipher_only=False,
        decipher_only=False,
    )


def _expanded(patterns: Iterable[str], names: Sequence[str]) -> list[str]:
    """The names that these stand for: ``{names}`` is all that the server has, ``{name}`` the first of them."""
    found: list[str] = []
    for pattern in patterns:
        found += names if pattern == "{names}" else [pattern.replace("{name}", names[0])]
    return found


def _general_names(ca: trustme.CA, names: Sequence[str]) -> list[x509.GeneralName]:
    """The names as trustme reads them, as the bases of constraints: whatever is below one is meant, too."""
    if not names:
        return []
    model = ca.issue_cert(*(name.removeprefix("*.") for name in names))
    found = _names_of(x509.load_pem_x509_certificate(model.cert_chain_pems[0].bytes()))
    return [x509.IPAddress(ip_network(each.value)) if isinstance(each, x509.IPAddress) else each for each in found]


def _names_of(certificate: x509.Certificate) -> list[x509.GeneralName]:
    return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def _certificate(ca: trustme.CA) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ca.cert_pem.bytes())


def _key(ca: trustme.CA) -> PrivateKey:
    return loaded_key(ca.private_key_pem.bytes())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _a_second_ago() -> datetime:
    """The one date that is no fixed one; X.509 has whole seconds (RFC 5280 section 4.1.2.5)."""
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None) - timedelta(seconds=1)
