"""TLS without a socket: the test CA, the certificates good and bad, the ClientHello, the records.

Knows TLS and X.509; must not know POP3, sockets, threads (but for a lock) or time.  The names below are loaded on first
use, so that :mod:`pop3s_fake.tls.settings` and :mod:`pop3s_fake.tls.hello` can be had without loading ssl or trustme.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pop3s_fake.tls.authority import Authority, ClientCertificate, default_authority
    from pop3s_fake.tls.certificates import (
        Certificate,
        VerifyError,
        certificate,
        certificate_ids,
        client_certificate,
        client_certificate_ids,
    )
    from pop3s_fake.tls.handshakes import Handshake, handshake, handshake_ids
    from pop3s_fake.tls.hello import ClientHello, NotTls, alert, alpn_refused, client_hello
    from pop3s_fake.tls.records import Records, TlsFacts
    from pop3s_fake.tls.settings import Tls

__all__ = (
    "Authority",
    "Certificate",
    "ClientCertificate",
    "ClientHello",
    "Handshake",
    "NotTls",
    "Records",
    "Tls",
    "TlsFacts",
    "VerifyError",
    "alert",
    "alpn_refused",
    "certificate",
    "certificate_ids",
    "client_certificate",
    "client_certificate_ids",
    "client_hello",
    "default_authority",
    "handshake",
    "handshake_ids",
)

_MODULES = {
    "authority": ("Authority", "ClientCertificate", "default_authority"),
    "certificates": (
        "Certificate",
        "VerifyError",
        "certificate",
        "certificate_ids",
        "client_certificate",
        "client_certificate_ids",
    ),
    "handshakes": ("Handshake", "handshake", "handshake_ids"),
    "hello": ("ClientHello", "NotTls", "alert", "alpn_refused", "client_hello"),
    "records": ("Records", "TlsFacts"),
    "settings": ("Tls",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load the module a public name lives in, at its first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
