"""Server contexts: TLS settings and a certificate in, one ``ssl.SSLContext`` out.

Knows what this Python's ssl and this OpenSSL can do, and says so where they cannot; must not know which certificate it
is handed or why.
"""

from __future__ import annotations

import difflib
import platform
import ssl
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from pop3s_fake.errors import UsageError, nearest

if TYPE_CHECKING:
    from pop3s_fake.tls.issuing import Issued
    from pop3s_fake.tls.settings import Tls

__all__ = ("CLIENT_CERTIFICATE", "ServerContext", "server_context")

CLIENT_CERTIFICATE: dict[str | None, ssl.VerifyMode] = {
    None: ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
    "later": ssl.CERT_REQUIRED,
}
_VERSIONS = {
    "1.0": (ssl.TLSVersion.TLSv1, ssl.HAS_TLSv1),
    "1.1": (ssl.TLSVersion.TLSv1_1, ssl.HAS_TLSv1_1),
    "1.2": (ssl.TLSVersion.TLSv1_2, ssl.HAS_TLSv1_2),
    "1.3": (ssl.TLSVersion.TLSv1_3, ssl.HAS_TLSv1_3),
}
_LEGACY = ("1.0", "1.1")
_GROUPS = ("X25519", "X448", "prime256v1", "secp384r1", "secp521r1")  # as set_ecdh_curve wants them
_GROUP_ALIASES = {
    "x25519": "X25519",
    "x448": "X448",
    "P-256": "prime256v1",
    "secp256r1": "prime256v1",
    "P-384": "secp384r1",
    "P-521": "secp521r1",
}


class ServerContext(ssl.SSLContext):
    """A context that remembers which certificate it shows, as ssl does not tell; ``certificate`` is that as PEM."""

    certificate: bytes


def server_context(tls: Tls, issued: Issued, *, client_certificate: str | None, client_ca: str) -> ServerContext:
    """Make a context that shakes hands as ``tls`` says and shows ``issued``.

    ``client_certificate`` is None, "optional", "required", or "later", which is not in the handshake but behind it (RFC
    8446 section 4.6.2); those issued by ``client_ca`` (PEM) are accepted.  None asks for none: RFC 8314 section 4.2
    wants no CertificateRequest unless certificates are mapped to users.  Raises
    UsageError for what this Python or its OpenSSL lacks.
    """
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.certificate = issued.certificates[0]
    _set_versions(context, tls)
    _set_ciphers(context, tls, weak=issued.weak)
    _set_groups(context, tls)
    if tls.alpn:
        context.set_alpn_protocols(list(tls.alpn))
    if ssl.HAS_TLSv1_3:
        context.num_tickets = tls.tickets
    if not tls.tickets:
        context.options |= ssl.OP_NO_TICKET
    context.verify_mode = CLIENT_CERTIFICATE[client_certificate]
    if client_certificate is not None:
        context.load_verify_locations(cadata=client_ca)
    if client_certificate == "later":
        context.post_handshake_auth = True
    _load(context, issued)
    return context


def _set_versions(context: ssl.SSLContext, tls: Tls) -> None:
    for version in (tls.lowest, tls.highest):
        if not _VERSIONS[version][1]:
            raise UsageError(f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no TLS {version}")
    with warnings.catch_warnings():  # to speak a deprecated version is what the old ones are asked for
        if tls.lowest in _LEGACY:
            warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[tls.lowest][0]
        context.maximum_version = _VERSIONS[tls.highest][0]


def _set_ciphers(context: ssl.SSLContext, tls: Tls, *, weak: bool) -> None:
    ciphers = tls.ciphers
    if (weak or tls.lowest in _LEGACY) and "@SECLEVEL" not in (ciphers or ""):
        # Above level 0 OpenSSL 3 signs no handshake below TLS 1.2, and shows nobody a key or a digest that is too weak.
        ciphers = f"{ciphers or 'DEFAULT'}:@SECLEVEL=0"
    if ciphers is None:
        return
    try:
        context.set_ciphers(ciphers)
    except ssl.SSLError:
        raise UsageError(_no_cipher(tls.ciphers or ciphers)) from None


def _no_cipher(ciphers: str) -> str:
    if ciphers.startswith("TLS_"):
        return f"{ciphers!r} is a suite of TLS 1.3, and Python's ssl cannot choose among those; leave ciphers out"
    everything = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    everything.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    names = [cipher["name"] for cipher in everything.get_ciphers()]
    near = difflib.get_close_matches(ciphers.upper(), names, n=1, cutoff=0.9)  # they all look much alike
    tail = f"; did you mean {near[0]!r}?" if near else ""
    return f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no cipher {ciphers!r}{tail}"


def _set_groups(context: ssl.SSLContext, tls: Tls) -> None:
    if tls.groups is None:
        return
    asked = (tls.groups,) if isinstance(tls.groups, str) else tls.groups
    names = [_GROUP_ALIASES.get(name, name) for name in asked]
    if len(names) > 1:
        if not hasattr(context, "set_groups"):
            raise UsageError(
                "several groups need a Python with ssl.SSLContext.set_groups, which "
                f"{platform.python_implementation()} {platform.python_version()} has not; "
                f"name one, such as groups={asked[0]!r}"
            )
        try:
            context.set_groups(":".join(names))
        except ssl.SSLError:
            raise UsageError(f"this OpenSSL ({ssl.OPENSSL_VERSION}) lacks one of the groups {asked!r}") from None
        return
    try:
        context.set_ecdh_curve(names[0])
    except (ValueError, ssl.SSLError):
        raise UsageError(
            f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no group {asked[0]!r}{nearest(asked[0], _GROUPS)}"
        ) from None


def _load(context: ssl.SSLContext, issued: Issued) -> None:
    """Hand over key and chain; ssl takes them from a file only, so there is one, private, for a moment."""
    with tempfile.TemporaryDirectory(prefix="pop3s-fake-") as directory:
        path = Path(directory) / "chain.pem"
        path.write_bytes(b"".join((issued.key, *issued.certificates)))
        context.load_cert_chain(path)
