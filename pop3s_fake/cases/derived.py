"""The cases that follow from other catalogues: what a server shows, and how it shakes hands.

Knows how an entry there becomes a case here; must not know how certificates or contexts are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pop3s_fake.cases.case import Case
from pop3s_fake.tls.certificates import certificate, certificate_ids, client_certificate, client_certificate_ids
from pop3s_fake.tls.handshakes import Client, handshake, handshake_ids
from pop3s_fake.tls.settings import Tls

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("of_certificates", "of_client_certificates", "of_handshakes")

VERSIONS: Final = ("1.2", "1.3")
"""The versions of TLS in which a client's certificate is refused in different ways."""


def of_handshakes() -> Iterator[Case]:
    """A case for each way to shake hands; those that ask for a certificate are of a family of their own.

    >>> {entry.id: entry.tls.dh for entry in of_handshakes() if entry.tls}["tls.dh-1024"]
    1024
    """
    for name in handshake_ids():
        entry = handshake(name)
        yield Case(
            id=_named(name),
            summary=entry.summary,
            must=entry.must,
            client_must=entry.client_must,
            rfc=entry.rfc,
            twin=_named(entry.twin) if entry.twin else "",
            certificate=entry.certificate,
            tls=None if entry.tls == Tls() else entry.tls,
            client_certificate=entry.client_certificate,
            client=entry.client,
            lax=entry.lax,
            poplib=(entry.openssl,) if entry.openssl else (),
            openssl=(entry.openssl,) if entry.openssl else (),
            note=entry.note,
        )


def _named(name: str) -> str:
    return f"mtls.{name.removeprefix('client-')}" if name.startswith("client-") else f"tls.{name}"


def of_client_certificates() -> Iterator[Case]:
    """A case for each certificate that a client can show where one is required, in TLS 1.2 and in TLS 1.3.

    >>> {entry.id: entry.client.certificate for entry in of_client_certificates()}["mtls.expired-1.3"]
    'expired'
    """
    for name in client_certificate_ids():
        entry = client_certificate(name)
        for version in VERSIONS:
            twin = entry.twin or ("" if name == "good" else "good")
            yield Case(
                id=f"mtls.{name}-{version}",
                summary=f"requires a client certificate in TLS {version}; the client's: {entry.summary}",
                must=entry.must,
                client_must=entry.client_must,
                rfc=entry.rfc,
                twin=f"mtls.{twin}-{version}" if twin else "",
                tls=Tls(versions=version),
                client_certificate="required",
                client=Client(certificate=name),
                poplib=(entry.tls_error,) if entry.tls_error else (),
                openssl=(entry.tls_error,) if entry.tls_error else (),
                note=entry.note,
            )


def of_certificates() -> Iterator[Case]:
    """A case for each certificate that a server can show.

    >>> {entry.id: entry.certificate for entry in of_certificates()}["cert.expired"]
    'expired'
    """
    for name in certificate_ids():
        entry = certificate(name)
        says = entry.verify_error.text if entry.verify_error else entry.tls_error
        twin = f"cert.{entry.twin}" if entry.twin else "" if name == "good" else "cert.good"
        yield Case(
            id=f"cert.{name}",
            summary=entry.summary,
            must=entry.must,
            client_must=entry.client_must,
            rfc=entry.rfc,
            twin=twin,
            certificate=name,
            client=Client(host=entry.host.replace("{name}", "localhost")),
            crl=entry.needs == "crl",
            poplib=(says,) if says else (),
            openssl=(says,) if says else (),
            note=entry.note,
        )
