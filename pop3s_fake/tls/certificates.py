"""The catalogue of certificates, good and bad, as data: how each is made and what a client must make of it.

Knows ``certificates.toml`` and its closed structure; must not know how certificates are made (neither trustme nor
cryptography is loaded here), so that a mistyped id is refused before anything is generated.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pop3s_fake.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("Certificate", "VerifyError", "certificate", "certificate_ids", "read_catalogue")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


@dataclass(frozen=True)
class VerifyError:
    """What an OpenSSL client must answer: the number (X509_V_ERR_...) and the stable part of its text."""

    code: int
    text: str


@dataclass(frozen=True)
class Certificate:
    """One entry of the catalogue; the fields are described at the top of ``certificates.toml``.

    ``twin`` is ``""`` and ``verify_error`` None for the good ones, which are the controls of the others.
    """

    id: str
    summary: str
    twin: str
    client_must: str
    rfc: str
    key: Literal["ec", "rsa"] = "ec"
    not_before: date = date(2000, 1, 1)
    not_after: date = date(3000, 1, 1)
    names: tuple[str, ...] = ()
    issuer: Literal["root", "intermediate", "stranger", "self"] = "root"
    serve: Literal["chain", "leaf"] = "chain"
    verify_error: VerifyError | None = None

    @property
    def good(self) -> bool:
        """Whether a client must accept it.

        >>> certificate("good").good, certificate("expired").good
        (True, False)
        """
        return self.verify_error is None


def certificate_ids() -> tuple[str, ...]:
    """The ids of all certificates, the good ones first.

    >>> certificate_ids()[0]
    'good'
    """
    return tuple(_catalogue())


def certificate(name: str) -> Certificate:
    """The entry with this id; UsageError with the nearest one otherwise.

    >>> certificate("expired").twin
    'good'
    >>> certificate("expird")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown certificate 'expird'; did you mean 'expired'?
    """
    known = _catalogue()
    if name not in known:
        raise UsageError(f"unknown certificate {name!r}{nearest(str(name), known)}")
    return known[name]


def read_catalogue(text: str) -> dict[str, Certificate]:
    r"""Read a catalogue in TOML; UsageError with every mistake in it, each with its path.

    >>> read_catalogue("[odd]\nsummary = 's'\ntwin = ''\nclient_must = 'm'\nrfc = 'r'\nkey = 'dsa'")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: certificates: expected one of 'ec', 'rsa' @ $['odd'].key
    """
    import cattrs  # noqa: PLC0415 - a tenth of a second that only those pay who ask for a certificate

    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook(date, _only_a_date)
    converter.register_structure_hook(str, _only_a_str)
    tables: Mapping[str, Any] = tomllib.loads(text)
    try:
        return converter.structure(
            {name: {"id": name, **table} for name, table in tables.items()}, dict[str, Certificate]
        )
    except cattrs.BaseValidationError as error:
        raise UsageError("certificates: " + "; ".join(cattrs.transform_error(error, format_exception=_say))) from None


@cache
def _catalogue() -> dict[str, Certificate]:
    return read_catalogue((files(__package__) / "certificates.toml").read_text("utf-8"))


def _say(error: BaseException, expected: type | None) -> str:
    """Word one mistake; cattrs adds its path."""
    if get_origin(expected) is Literal:
        return "expected one of " + ", ".join(map(repr, get_args(expected)))
    if isinstance(error, TypeError):
        return str(error)
    from cattrs.v import format_exception  # noqa: PLC0415 - see read_catalogue

    return format_exception(error, expected)


def _only_a_date(value: object, _: type) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError(f"expected a date such as 2020-01-01, not {value!r}")
    return value


def _only_a_str(value: object, _: type) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string, not {value!r}")
    return value
