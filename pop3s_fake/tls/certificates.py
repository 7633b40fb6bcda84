"""The catalogue of certificates, good and bad, as data: how each is made and what a client must make of it.

Knows ``certificates.toml`` and its closed structure; must not know how certificates are made (neither trustme nor
cryptography is loaded here), so that a mistyped id is refused before anything is generated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.tls.catalogue import read

__all__ = (
    "Certificate",
    "Intermediate",
    "Key",
    "VerifyError",
    "certificate",
    "certificate_ids",
    "client_certificate",
    "client_certificate_ids",
    "read_catalogue",
)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

Key: TypeAlias = Literal["ec", "ec-p384", "ed25519", "ed448", "rsa", "rsa-1024", "rsa-3072", "rsa-4096"]
"""The kinds of keys: the curve P-256 and others, and RSA with its bits, 2048 if none are named."""


@dataclass(frozen=True)
class VerifyError:
    """What an OpenSSL client must answer: the number (X509_V_ERR_...) and the stable part of its text."""

    code: int
    text: str


@dataclass(frozen=True)
class Intermediate:
    """A CA between the root and the leaf; the fields are described at the top of ``certificates.toml``."""

    key: Literal["ec", "rsa"] = "ec"
    not_after: date = date(3000, 1, 1)
    ca: Literal["yes", "no", "left out"] = "yes"
    path_length: int | None = None
    permitted: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    signature: Literal["sha256", "sha1"] = "sha256"


@dataclass(frozen=True)
class Certificate:
    """One entry of the catalogue; the fields are described at the top of ``certificates.toml``.

    ``twin`` is ``""`` for those that a client must accept: they are the controls of the others.  ``verify_error`` is
    None where OpenSSL accepts, which is not always what a client must do.
    """

    id: str
    summary: str
    twin: str
    must: Literal["accept", "reject", "decide"]
    client_must: str
    rfc: str
    key: Key = "ec"
    not_before: date = date(2000, 1, 1)
    not_after: date = date(3000, 1, 1)
    just_expired: bool = False
    names: tuple[str, ...] | None = None
    more_names: int = 0
    common_name: str | None = None
    usage: tuple[Literal["server", "client", "code"], ...] = ("client", "server", "code")
    key_usage: tuple[Literal["digital-signature", "key-encipherment", "crl-sign"], ...] = (
        "digital-signature",
        "key-encipherment",
    )
    ca: bool = False
    extra: Literal["", "unknown-critical", "must-staple"] = ""
    signature: Literal["sha256", "sha1", "md5", "broken"] = "sha256"
    revoked: bool = False
    issuer: Literal["root", "stranger", "self"] = "root"
    intermediates: tuple[Intermediate, ...] = ()
    serve: Literal["chain", "leaf", "reversed", "extra"] = "chain"
    host: str = "{name}"
    needs: Literal["", "crl"] = ""
    verify_error: VerifyError | None = None
    tls_error: str = ""
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether a client must accept it.

        >>> certificate("good").good, certificate("expired").good
        (True, False)
        """
        return self.must == "accept"

    @property
    def weak(self) -> bool:
        """Whether OpenSSL takes it at security level 0 only, on the server's side, too."""
        inner = any(each.signature != "sha256" for each in self.intermediates)
        return inner or self.signature in {"sha1", "md5"} or self.key == "rsa-1024"

    @property
    def rsa(self) -> bool:
        """Whether its key is an RSA key."""
        return self.key.startswith("rsa")


def certificate_ids() -> tuple[str, ...]:
    """The ids of all certificates, the good ones first.

    >>> certificate_ids()[0]
    'good'
    """
    return tuple(_catalogue("certificates"))


def certificate(name: str) -> Certificate:
    """The entry with this id; UsageError with the nearest one otherwise.

    >>> certificate("expired").twin
    'good'
    >>> certificate("expird")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown certificate 'expird'; did you mean 'expired'?
    """
    return _entry(name, "certificates", "certificate")


def client_certificate_ids() -> tuple[str, ...]:
    """The ids of all client certificates, the good one first.

    >>> client_certificate_ids()[0]
    'good'
    """
    return tuple(_catalogue("client_certificates"))


def client_certificate(name: str) -> Certificate:
    """The entry of the client's catalogue with this id; UsageError with the nearest one otherwise.

    >>> client_certificate("untrusted-root").twin
    'good'
    """
    return _entry(name, "client_certificates", "client certificate")


def _entry(name: str, catalogue: str, what: str) -> Certificate:
    known = _catalogue(catalogue)
    if name not in known:
        raise UsageError(f"unknown {what} {name!r}{nearest(str(name), known)}")
    return known[name]


def read_catalogue(text: str) -> dict[str, Certificate]:
    r"""Read a catalogue in TOML; UsageError with every mistake in it, each with its path.

    >>> read_catalogue("[odd]\nsummary = 's'\ntwin = ''\nmust = 'no'\nclient_must = 'm'\nrfc = 'r'")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: certificates: expected one of 'accept', 'reject', 'decide', not 'no' @ $['odd'].must
    """
    return read(text, Certificate, "certificates")


@cache
def _catalogue(name: str) -> dict[str, Certificate]:
    return read_catalogue((files(__package__) / f"{name}.toml").read_text("utf-8"))
