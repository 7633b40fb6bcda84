"""The test CA: it issues every certificate, keeps every context, and says whom a client has to trust.

Knows the catalogue, how contexts are made and where the CA file lies; must not know servers or connections.  Keys stay
in memory, but for the client certificates that are asked for, which lie in a private directory until the end.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

import trustme

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.tls.certificates import certificate as entry_of
from pop3s_fake.tls.certificates import client_certificate as client_entry_of
from pop3s_fake.tls.contexts import ServerContext, by_name, client_context, server_context
from pop3s_fake.tls.issuing import Issued, issue, issue_to_client, new_authority, revocation_list
from pop3s_fake.tls.settings import CLIENT_CERTIFICATES, Tls

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from pop3s_fake.tls.certificates import Certificate

__all__ = ("Authority", "ClientCertificate", "default_authority")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_DEFAULT_TLS = Tls()


@dataclass(frozen=True)
class ClientCertificate:
    """A client certificate and its key, as files; they last as long as the authority that issued it.

    ``name`` is its common name, ``pem`` the certificate (with its intermediates, if any) as text, without the key.
    """

    name: str
    certificate_file: Path
    key_file: Path
    pem: str


class Authority:
    """A certificate authority for tests.  Safe to share between threads; each thing is made once, at first use.

    >>> authority = Authority()
    >>> authority.server_context("expired") is authority.server_context("expired")
    True
    >>> authority.ca_file.read_text() == authority.ca_pem
    True
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._ca = new_authority()
        self._directory: Path | None = None
        self._issued: dict[tuple[str, tuple[str, ...]], Issued] = {}
        self._contexts: dict[tuple[str, tuple[str, ...], Tls, str | None], ServerContext] = {}
        self._clients: dict[tuple[str, str], ClientCertificate] = {}
        self._ca_file: Path | None = None
        self._crl_file: Path | None = None

    @classmethod
    def from_trustme(cls, ca: trustme.CA) -> Authority:
        """An authority that issues from a ``trustme.CA`` of the test suite's own, root or intermediate.

        >>> Authority.from_trustme("ca.pem")
        Traceback (most recent call last):
        ...
        pop3s_fake.errors.UsageError: from_trustme takes a trustme.CA, not 'ca.pem'
        """
        if not isinstance(ca, trustme.CA):
            raise UsageError(f"from_trustme takes a trustme.CA, not {ca!r}")
        authority = cls()
        authority._ca = ca
        return authority

    @property
    def ca_pem(self) -> str:
        """The root certificate as PEM text: what a client has to trust."""
        return self._root.cert_pem.bytes().decode("ascii")

    @property
    def ca_file(self) -> Path:
        """The root certificate as a PEM file, in a private directory that goes with the authority or the process."""
        with self._lock:
            if self._ca_file is None:
                path = self._private_directory() / "ca.pem"
                self._root.cert_pem.write_to_path(path)
                self._ca_file = path
            return self._ca_file

    @property
    def crl_pem(self) -> str:
        """The revocation list as PEM text: what a client has to be given to notice the certificate "revoked"."""
        return revocation_list(self._ca).decode("ascii")

    @property
    def crl_file(self) -> Path:
        """The revocation list as a PEM file, beside the root certificate."""
        with self._lock:
            if self._crl_file is None:
                path = self._private_directory() / "crl.pem"
                path.write_bytes(revocation_list(self._ca))
                self._crl_file = path
            return self._crl_file

    def client_context(self, *, client_certificate: ClientCertificate | None = None) -> ssl.SSLContext:
        """A new client context that verifies chain and host name and trusts this CA only; yours to change."""
        context = client_context(self.ca_pem)
        if client_certificate is not None:
            context.load_cert_chain(client_certificate.certificate_file, client_certificate.key_file)
        return context

    def client_certificate(self, name: str = "test", certificate: str = "good") -> ClientCertificate:
        """A client certificate with the common name ``name`` (1 to 64 characters); the same at every call.

        ``certificate`` is an id of the client's catalogue, such as "expired"; "good" is what servers accept.

        >>> authority = Authority()
        >>> authority.client_certificate("ann").certificate_file.name
        'client-1.pem'
        """
        entry = client_entry_of(certificate)
        key = (name, certificate)
        with self._lock:
            if key not in self._clients:
                issued = issue_to_client(entry, name, self._ca)
                stem = f"client-{len(self._clients) + 1}"  # never the name itself: it may hold anything
                directory = self._private_directory()
                certificate_file, key_file = directory / f"{stem}.pem", directory / f"{stem}.key"
                pem = b"".join(issued.certificates)
                certificate_file.write_bytes(pem)
                key_file.write_bytes(issued.key)
                self._clients[key] = ClientCertificate(name, certificate_file, key_file, pem.decode("ascii"))
            return self._clients[key]

    def certificate_pem(self, certificate: str = "good", *, names: Sequence[str] = ("localhost",)) -> str:
        """What a server shows with this id and these names, as PEM text: the leaf, then its chain.

        To trust a self-signed certificate, or to pin any, a client needs just this.

        >>> authority = Authority()
        >>> authority.certificate_pem("self-signed").count("BEGIN CERTIFICATE")
        1
        """
        entry = entry_of(certificate)
        names = _checked(names)
        with self._lock:
            return b"".join(self._issue(entry, names).certificates).decode("ascii")

    def server_context(
        self,
        certificate: str = "good",
        *,
        names: Sequence[str] = ("localhost",),
        tls: Tls = _DEFAULT_TLS,
        client_certificate: Literal["required", "optional", "later"] | None = None,
    ) -> ServerContext:
        """The context of a server that shows this certificate for these names and shakes hands as ``tls`` says.

        ``certificate`` is an id of the catalogue; all ids, names, settings combine.  With ``client_certificate`` the
        client is asked for one issued by this authority, and refused without it if "required"; with "later" it is asked
        only when :meth:`Records.request_certificate` is called.  Made once for each combination; shared, so
        not to be changed.  Raises UsageError for what is unknown here, unknown to OpenSSL, or could serve nobody.

        >>> Authority().server_context(client_certificate="require")
        Traceback (most recent call last):
        ...
        pop3s_fake.errors.UsageError: unknown client_certificate 'require'; did you mean 'required'?
        """
        names = _checked(names)
        if client_certificate not in {None, "later", *CLIENT_CERTIFICATES}:
            raise UsageError(
                f"unknown client_certificate {client_certificate!r}"
                f"{nearest(str(client_certificate), CLIENT_CERTIFICATES)}"
            )
        with self._lock:
            return self._context(entry_of(certificate), names, tls, client_certificate)

    def _context(
        self, entry: Certificate, names: tuple[str, ...], tls: Tls, client_certificate: str | None
    ) -> ServerContext:
        key = (entry.id, names, tls, client_certificate)
        if key not in self._contexts:
            issued, plain = self._issue(entry, names), replace(tls, sni=())
            others: dict[str, ServerContext | None] = {}
            for name, shown in tls.certificates:
                if shown == "alert":
                    others[name.lower()] = None
                    continue
                other, whose = entry_of(shown), names if name in {"", "*"} else (name,)
                issued = issued._replace(weak=issued.weak or other.weak)  # the level is that of the first context
                others[name.lower()] = self._context(other, whose, plain, client_certificate)
            made = server_context(tls, issued, client_certificate=client_certificate, client_ca=self.ca_pem)
            if others:
                by_name(made, others)
            self._contexts[key] = made
        return self._contexts[key]

    def _issue(self, entry: Certificate, names: tuple[str, ...]) -> Issued:
        key = (entry.id, names)
        if key not in self._issued:
            self._issued[key] = issue(entry, names, self._ca)
        return self._issued[key]

    @property
    def _root(self) -> trustme.CA:
        root = self._ca
        while root.parent_cert is not None:
            root = root.parent_cert
        return root

    def _private_directory(self) -> Path:
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="pop3s-fake-"))
            weakref.finalize(self, _remove, self._directory, os.getpid())
        return self._directory


def _remove(directory: Path, owner: int) -> None:
    """Remove the directory, but not at the end of a forked child: it is still its parent's."""
    if os.getpid() == owner:
        shutil.rmtree(directory, ignore_errors=True)


def _checked(names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise UsageError(f"names is a tuple of host names such as ({names!r},), not the str {names!r}")
    if not names or "" in names:
        raise UsageError(f"names is a tuple of at least one host name such as ('localhost',), not {names!r}")
    return tuple(names)


_default_lock = Lock()
_default: list[Authority] = []


def default_authority() -> Authority:
    """The authority of this process, made at first use.

    >>> default_authority() is default_authority()
    True
    """
    with _default_lock:
        if not _default:
            _default.append(Authority())
        return _default[0]
