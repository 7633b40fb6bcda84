"""Channel bindings (RFC 5056): octets that both ends of one TLS connection know and nobody in between does.

Knows which types there are for which version of TLS, and the server's certificate; must not know what is bound.
"""

from __future__ import annotations

import hashlib
import ssl
from functools import lru_cache
from typing import Final

__all__ = ("bindings", "end_point")

_WEAK: Final = frozenset({"md5", "sha1"})


def bindings(tls: ssl.SSLObject, certificate: bytes | None) -> dict[str, bytes]:
    """All that this side of a connection can offer, by type; ``certificate`` is the server's own, as PEM.

    ``tls-exporter`` (RFC 9266), which is the default in TLS 1.3, is there where Python's ssl has it, as no version up
    to 3.13 does.  ``tls-unique`` (RFC 5929 section 3) is nothing in TLS 1.3, although OpenSSL gives octets, and stands
    back where a session was resumed, for ssl does not say whether its master secret was an extended one (RFC 7677
    section 4).
    """
    found: dict[str, bytes] = {}
    if tls.version() is None:
        return found
    modern = tls.version() == "TLSv1.3"
    for kind in ssl.CHANNEL_BINDING_TYPES:
        if kind == "tls-unique" and (modern or tls.session_reused):
            continue
        octets = tls.get_channel_binding(kind)
        if octets:
            found[kind] = octets
    hashed = None if certificate is None else end_point(certificate)
    if hashed is not None:
        found["tls-server-end-point"] = hashed
    return found


@lru_cache(maxsize=128)
def end_point(certificate: bytes) -> bytes | None:
    """``tls-server-end-point`` (RFC 5929 section 4) of a certificate as PEM: its hash, as its own signature hashes.

    MD5 and SHA-1 give way to SHA-256.  None where the signature has no hash of its own, as Ed25519 has none, for there
    it is undefined.
    """
    from cryptography import x509  # noqa: PLC0415  # is there, for it made the certificate; TLS alone does without

    parsed = x509.load_pem_x509_certificate(certificate)
    algorithm = parsed.signature_hash_algorithm
    if algorithm is None:
        return None
    name = "sha256" if algorithm.name in _WEAK else algorithm.name
    return hashlib.new(name, ssl.PEM_cert_to_DER_cert(certificate.decode("ascii"))).digest()
