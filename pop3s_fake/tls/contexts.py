"""Server contexts: TLS settings and a certificate in, one ``ssl.SSLContext`` out.

Knows what this Python's ssl and this OpenSSL can do, and says so where they cannot; must not know which certificate it
is handed or why.
"""

from __future__ import annotations

import difflib
import os
import platform
import ssl
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from pop3s_fake.errors import Unavailable, UsageError, nearest
from pop3s_fake.tls.groups import dh_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pop3s_fake.tls.issuing import Issued
    from pop3s_fake.tls.settings import Tls

__all__ = ("ServerContext", "by_name", "server_context")

_CLIENT_CERTIFICATE: dict[str | None, ssl.VerifyMode] = {
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
_DH_ENOUGH = 2048  # bits, from security level 2 on
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
    wants no CertificateRequest unless certificates are mapped to users.  Raises UsageError for what this Python or its
    OpenSSL lacks, and for what could serve nobody.
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
    context.verify_mode = _CLIENT_CERTIFICATE[client_certificate]
    context.post_handshake_auth = client_certificate == "later"
    if client_certificate is not None:
        context.load_verify_locations(cadata=client_ca)
    _load(context, tls, issued)
    _check_ciphers(context, tls, issued)
    if tls.keylog is not None:
        try:
            context.keylog_filename = os.fspath(tls.keylog)
        except OSError as error:
            raise UsageError(f"the key log {tls.keylog!r} cannot be written: {error.strerror}") from None
    return context


def client_context(ca_pem: str) -> ssl.SSLContext:
    """Make a client's context that trusts this authority (PEM) and nobody else, and speaks TLS 1.2 and newer.

    That is Python's own default, but a distribution's Python takes the oldest version from the system's settings.
    """
    context = ssl.create_default_context(cadata=ca_pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def by_name(context: ServerContext, others: Mapping[str, ServerContext | None]) -> None:
    """Let the host name that a client asks for choose the context; None is the alert unrecognized_name.

    "*" stands for every name that is not there, "" for clients that ask for none (RFC 6066 section 3).
    """

    def choose(connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        asked = (name or "").lower()
        known = asked if asked in others or not asked else "*"
        if known not in others:
            return None
        chosen = others[known]
        if chosen is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = chosen
        return None

    context.sni_callback = choose


def _set_versions(context: ssl.SSLContext, tls: Tls) -> None:
    for version in (tls.lowest, tls.highest):
        if not _VERSIONS[version][1]:
            raise Unavailable(f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no TLS {version}")
    with warnings.catch_warnings():  # to speak a deprecated version is what the old ones are asked for
        if tls.lowest in _LEGACY:
            warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[tls.lowest][0]
        context.maximum_version = _VERSIONS[tls.highest][0]


def _set_ciphers(context: ssl.SSLContext, tls: Tls, *, weak: bool) -> None:
    ciphers = tls.ciphers
    if ciphers is None and tls.dh is not None:
        ciphers = "DHE:!aNULL"
    weak = weak or tls.lowest in _LEGACY or (tls.dh or _DH_ENOUGH) < _DH_ENOUGH
    if weak and "@SECLEVEL" not in (ciphers or ""):
        # Above level 0 OpenSSL 3 signs no handshake below TLS 1.2, and uses no key, group or digest that is too weak.
        ciphers = f"{ciphers or 'DEFAULT'}:@SECLEVEL=0"
    if ciphers is None:
        return
    try:
        context.set_ciphers(ciphers)
    except ssl.SSLError:
        raise Unavailable(_no_cipher(tls.ciphers or ciphers)) from None


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
            raise Unavailable(
                "several groups need a Python with ssl.SSLContext.set_groups, which "
                f"{platform.python_implementation()} {platform.python_version()} has not; "
                f"name one, such as groups={asked[0]!r}"
            )
        try:
            context.set_groups(":".join(names))
        except ssl.SSLError:
            raise Unavailable(f"this OpenSSL ({ssl.OPENSSL_VERSION}) lacks one of the groups {asked!r}") from None
        return
    try:
        context.set_ecdh_curve(names[0])
    except (ValueError, ssl.SSLError):
        if names[0] in _GROUPS:  # an old CPython (3.11.2) asks for an elliptic curve of the kind that X25519 is not
            raise Unavailable(
                f"Python {platform.python_version()} with {ssl.OPENSSL_VERSION} cannot choose the group {asked[0]!r}"
            ) from None
        raise Unavailable(
            f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no group {asked[0]!r}{nearest(asked[0], _GROUPS)}"
        ) from None


def _load(context: ssl.SSLContext, tls: Tls, issued: Issued) -> None:
    """Hand over key, chain and group; ssl takes them from a file only, so there is one, private, for a moment."""
    with tempfile.TemporaryDirectory(prefix="pop3s-fake-") as directory:
        path = Path(directory) / "chain.pem"
        path.write_bytes(b"".join((issued.key, *issued.certificates)))
        try:
            context.load_cert_chain(path)
        except ssl.SSLError as error:
            raise Unavailable(f"this OpenSSL ({ssl.OPENSSL_VERSION}) cannot show it: {error.reason or error}") from None
        if tls.dh is not None:
            path.write_bytes(dh_group(tls.dh))
            context.load_dh_params(str(path))


def _check_ciphers(context: ssl.SSLContext, tls: Tls, issued: Issued) -> None:
    """Refuse settings below TLS 1.3 with which there would be no cipher for anybody: every client would be blamed."""
    if tls.highest == "1.3":
        return
    ciphers = [cipher for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"]  # they are always there
    kind = "RSA" if issued.rsa else "EC"
    auths = {"auth-rsa" if issued.rsa else "auth-ecdsa", "auth-null", "auth-psk", "auth-any"}
    if not any(cipher["auth"] in auths for cipher in ciphers):
        asked = f"ciphers={tls.ciphers!r}" if tls.ciphers else f"dh={tls.dh}"
        right = "an EC key, such as 'good'" if issued.rsa else "an RSA key, such as 'good-rsa'"
        raise UsageError(f"{asked} goes with no certificate that has an {kind} key; ask for a certificate with {right}")
    if tls.dh is not None and not any(cipher["kea"] == "kx-dhe" for cipher in ciphers):
        raise UsageError(
            f"dh={tls.dh} has no effect with ciphers={tls.ciphers!r}, of which none begins with DHE; leave ciphers out"
        )
