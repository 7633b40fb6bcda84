"""The cases that follow from other catalogues: what a server shows, and how it shakes hands.

Knows how an entry there becomes a case here; must not know how certificates or contexts are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.cases.case import Case, Client
from pop3s_fake.tls.certificates import certificate, certificate_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("of_certificates",)


def of_certificates() -> Iterator[Case]:
    """A case for each certificate that a server can show.

    >>> {entry.id: entry.certificate for entry in of_certificates()}["cert.expired"]
    'expired'
    """
    for name in certificate_ids():
        entry = certificate(name)
        says = entry.verify_error.text if entry.verify_error else entry.tls_error
        host = "" if entry.host == "{name}" else entry.host
        twin = f"cert.{entry.twin}" if entry.twin else "" if name == "good" else "cert.good"
        yield Case(
            id=f"cert.{name}",
            summary=entry.summary,
            must=entry.must,
            client_must=entry.client_must,
            rfc=entry.rfc,
            twin=twin,
            certificate=name,
            client=Client(host=host, crl=entry.needs == "crl"),
            poplib=(says,) if says else (),
            note=entry.note,
        )
