from __future__ import annotations

import dataclasses
import re
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from pop3s_fake.errors import Unavailable, UsageError
from pop3s_fake.tls import Tls, building
from pop3s_fake.tls.certificates import (
    Certificate,
    Key,
    certificate,
    certificate_ids,
    client_certificate,
    client_certificate_ids,
    read_catalogue,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.tls import Authority

CLIENTS = client_certificate_ids()
GOOD = [name for name in certificate_ids() if certificate(name).good]


def shown(pair: Callable[..., Any], server: ssl.SSLContext) -> x509.Certificate:
    """The leaf a client gets to see, unverified."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    return x509.load_der_x509_certificate(pair(server, client).client.getpeercert(binary_form=True))


def client_of(authority: Authority, entry: Certificate, *, strict: bool) -> ssl.SSLContext:
    """A client at security level 2, with what Python 3.13 demands (VERIFY_X509_STRICT) or without."""
    client = authority.client_context()
    client.set_ciphers("DEFAULT:@SECLEVEL=2")
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    if not strict:
        client.verify_flags ^= ssl.VERIFY_X509_STRICT
    if entry.needs == "crl":
        client.load_verify_locations(authority.crl_file)
        client.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return client


@pytest.mark.parametrize("pair", [None], indirect=True, ids=["whole"])
@pytest.mark.parametrize("strict", [False, True], ids=["", "strict"])
@pytest.mark.parametrize("name", certificate_ids())
def test_a_certificate_does_to_openssl_what_the_catalogue_says_and_its_twin_passes(
    pair: Callable[..., Any],
    authority: Authority,
    name: str,
    strict: bool,  # noqa: FBT001
) -> None:
    """Exactly the X509_V_ERR of the catalogue, also with what Python 3.13 demands."""
    entry = certificate(name)
    client = client_of(authority, entry, strict=strict)
    try:
        server = authority.server_context(name)
    except Unavailable as error:
        pytest.skip(str(error))
    made = pair(server, client, server_hostname=entry.host.replace("{name}", "localhost"))
    if entry.verify_error is not None:
        assert isinstance(made.client_error, ssl.SSLCertVerificationError)
        assert made.client_error.verify_code == entry.verify_error.code
        assert entry.verify_error.text.casefold() in made.client_error.verify_message.casefold()
        assert made.server_error is not None  # the client's alert
    elif entry.tls_error:
        assert entry.tls_error in str(made.client_error)
    else:
        assert (made.client_error, made.server_error) == (None, None)
    if entry.twin:
        twin = certificate(entry.twin)
        server = authority.server_context(entry.twin)
        passed = pair(server, client, server_hostname=twin.host.replace("{name}", "localhost"))
        assert (passed.client_error, passed.server_error) == (None, None)


@pytest.mark.parametrize("pair", [None], indirect=True, ids=["whole"])
@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "::1"])
@pytest.mark.parametrize("name", [name for name in GOOD if certificate(name).names is None])
def test_a_good_certificate_is_valid_for_localhost_and_the_loopback_addresses(
    pair: Callable[..., Any], authority: Authority, name: str, address: str
) -> None:
    """The controls, under strict verification; a wrong name still fails."""
    client = authority.client_context()
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    made = pair(authority.server_context(name), client, server_hostname=address)
    assert (made.client_error, made.server_error) == (None, None)


@pytest.mark.parametrize("pair", [None], indirect=True, ids=["whole"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_certificate_does_to_the_server_what_the_catalogue_says(
    pair: Callable[..., Any], authority: Authority, name: str, version: str
) -> None:
    """The server finds the X509_V_ERR, the client is told by the alert: in TLS 1.3 only when it reads."""
    entry = client_certificate(name)
    asked: tuple[Literal["required", "optional"], ...] = ("required", "optional")
    for client_asked in asked:
        server = authority.server_context(tls=Tls(versions=version), client_certificate=client_asked)
        client = authority.client_context(client_certificate=authority.client_certificate("ann", name))
        made = pair(server, client)
        if entry.verify_error is None:
            assert (made.client_error, made.server_error) == (None, None)
            assert made.records.facts().client_certificate == "ann"
            continue
        assert isinstance(made.server_error, ssl.SSLCertVerificationError)
        assert made.server_error.verify_code == entry.verify_error.code
        assert entry.verify_error.text.casefold() in made.server_error.verify_message.casefold()
        with pytest.raises(ssl.SSLError, match=entry.tls_error):
            raise made.client_error or made.hear()


def test_the_wrong_host_is_wrong_by_address_too(pair: Callable[..., Any], authority: Authority) -> None:
    """RFC 9525 section 6.4: 64 is X509_V_ERR_IP_ADDRESS_MISMATCH."""
    made = pair(authority.server_context("wrong-host"), server_hostname="127.0.0.1")
    assert made.client_error.verify_code == 64


@pytest.mark.parametrize("name", ["good", "good-intermediate"])
def test_names_are_those_asked_for_and_the_first_is_the_common_name(
    pair: Callable[..., Any], authority: Authority, name: str
) -> None:
    """There are clients that refuse a certificate without a CN."""
    server = authority.server_context(name, names=("pop.example.test", "*.mail.example.test"))
    for host in ("pop.example.test", "a.mail.example.test", "127.0.0.1"):
        made = pair(server, server_hostname=host)
        assert (made.client_error, made.server_error) == (None, None)
        assert ("commonName", "pop.example.test") in [
            pair for part in made.client.getpeercert()["subject"] for pair in part
        ]
    assert pair(server, server_hostname="localhost").client_error.verify_code == 62


@pytest.mark.parametrize("name", ["expired", "self-signed"])
def test_a_fault_combines_with_any_name(pair: Callable[..., Any], authority: Authority, name: str) -> None:
    """The certificate is bad in its one way for this name, too."""
    entry = certificate(name)
    made = pair(authority.server_context(name, names=("pop.example.test",)), server_hostname="pop.example.test")
    assert entry.verify_error is not None
    assert made.client_error.verify_code == entry.verify_error.code


@pytest.mark.parametrize("name", [name for name in certificate_ids() if "{names}" in str(certificate(name))])
def test_names_may_be_addresses_and_wildcards(pair: Callable[..., Any], authority: Authority, name: str) -> None:
    """As those of constraints, too: an address is a network of one (RFC 5280 section 4.2.1.10)."""
    server = authority.server_context(name, names=("mail.test", "*.pop.test", "127.0.0.1"))
    found = certificate(name).verify_error
    made = pair(server, server_hostname="mail.test")
    code = 0 if found is None or found.code == 64 else found.code
    assert getattr(made.client_error, "verify_code", 0) == code


def test_what_cannot_be_made_or_shown_here_is_told(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason, so that a test can skip."""

    def cannot() -> None:
        raise UnsupportedAlgorithm("no such curve")

    monkeypatch.setitem(building._MAKERS, "ec-p384", cannot)
    building.shared_key.cache_clear()
    with pytest.raises(Unavailable) as caught:
        authority.server_context("good-p384", names=("unheard-of.test",))
    assert str(caught.value) == "certificate 'good-p384' cannot be made by this OpenSSL: no such curve"
    with pytest.raises(Unavailable) as caught:
        authority.server_context("rsa-1024", tls=Tls(ciphers="DEFAULT:@SECLEVEL=2"))
    assert str(caught.value) == f"this OpenSSL ({ssl.OPENSSL_VERSION}) cannot show it: EE_KEY_TOO_SMALL"


def test_a_name_too_long_for_a_common_name_is_in_the_names_only(pair: Callable[..., Any], authority: Authority) -> None:
    """RFC 5280 appendix A.1: a CN has at most 64 characters, a host name may have 253."""
    name = ".".join(["label" * 5] * 3)
    made = pair(authority.server_context(names=(name,)), server_hostname=name)
    assert made.client_error is None


def test_the_self_signed_one_differs_in_nothing_but_its_issuer(pair: Callable[..., Any], authority: Authority) -> None:
    """The twin has the same names, dates and extensions."""
    alone, good = (shown(pair, authority.server_context(name)) for name in ("self-signed", "good"))
    assert alone.issuer == alone.subject
    assert {extension.oid for extension in alone.extensions} == {extension.oid for extension in good.extensions}
    for kind in (x509.SubjectAlternativeName, x509.KeyUsage, x509.ExtendedKeyUsage, x509.BasicConstraints):
        assert alone.extensions.get_extension_for_class(kind) == good.extensions.get_extension_for_class(kind)
    assert (alone.not_valid_before_utc, alone.not_valid_after_utc) == (
        good.not_valid_before_utc,
        good.not_valid_after_utc,
    )


def test_dates_are_those_of_the_catalogue(pair: Callable[..., Any], authority: Authority) -> None:
    """Fixed dates do not depend on the clock of the machine or on a frozen one."""
    assert shown(pair, authority.server_context("expired")).not_valid_after_utc == datetime(2020, 1, 1, tzinfo=UTC)
    assert shown(pair, authority.server_context("not-yet-valid")).not_valid_before_utc.year == 2999


# What a certificate is for is one thing, in whichever field it stands.
SUBJECT = {"names", "more_names", "common_name", "host"}
SAYING = {"id", "summary", "twin", "must", "client_must", "rfc", "needs", "verify_error", "tls_error", "note"}
ENTRIES = [
    *(pytest.param(certificate(name), certificate, id=name) for name in certificate_ids()),
    *(pytest.param(client_certificate(name), client_certificate, id=f"client-{name}") for name in CLIENTS),
]


@pytest.mark.parametrize(("entry", "among"), ENTRIES)
def test_an_entry_says_what_it_is_and_its_twin_differs_in_one_thing(
    entry: Certificate, among: Callable[[str], Certificate]
) -> None:
    """A case without a control proves nothing."""
    assert entry.summary
    assert re.match("(accept|refuse|decide|stay|show|say)[ :,]?", entry.client_must)
    assert re.fullmatch(r"RFC \d{4} section \d+(\.\d+)*", entry.rfc)
    assert entry.good is not bool(entry.twin)
    if entry.good:
        assert (entry.verify_error, entry.tls_error) == (None, "")
        return
    twin = among(entry.twin)
    assert twin.good
    differing = {
        "subject" if field.name in SUBJECT else field.name
        for field in dataclasses.fields(Certificate)
        if field.name not in SAYING and getattr(entry, field.name) != getattr(twin, field.name)
    }
    assert len(differing) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("expird", "unknown certificate 'expird'; did you mean 'expired'?"),
        ("xyz", f"unknown certificate 'xyz'; known are: {', '.join(sorted(certificate_ids()))}"),
    ],
)
def test_an_unknown_certificate_is_refused_with_the_nearest(authority: Authority, name: str, text: str) -> None:
    """At the call, before anything is made."""
    for ask in (certificate, authority.server_context):
        with pytest.raises(UsageError) as caught:
            ask(name)
        assert str(caught.value) == text


def test_an_unknown_client_certificate_is_refused_with_the_nearest(authority: Authority) -> None:
    """They have a catalogue of their own."""
    with pytest.raises(UsageError) as caught:
        authority.client_certificate("ann", "wrong-ekus")
    assert str(caught.value) == "unknown client certificate 'wrong-ekus'; did you mean 'wrong-eku'?"


def test_all_mistakes_in_a_catalogue_are_reported_at_once() -> None:
    """Unknown keys are errors, each with its path."""
    with pytest.raises(UsageError) as caught:
        read_catalogue(
            """
            [odd]
            summary = 3
            twin = ""
            must = "acept"
            client_must = "m"
            rfc = "r"
            key = "dsa"
            not_after = "2020-01-01"
            verify_error = { code = 1, txt = "" }
            issued_by = "me"
            [empty]
            summary = ""
            """
        )
    assert sorted(str(caught.value).removeprefix("certificates: ").split("; ")) == sorted(
        [
            "expected a string, not 3 @ $['odd'].summary",
            "expected one of 'accept', 'reject', 'decide', not 'acept' @ $['odd'].must",
            f"expected one of {', '.join(map(repr, get_args(Key)))}, not 'dsa' @ $['odd'].key",
            "expected a date such as 2020-01-01, not '2020-01-01' @ $['odd'].not_after",
            "required field missing @ $['odd'].verify_error.text",
            "extra fields found (txt) @ $['odd'].verify_error",
            "extra fields found (issued_by) @ $['odd']",
            "required field missing @ $['empty'].twin",
            "required field missing @ $['empty'].must",
            "required field missing @ $['empty'].client_must",
            "required field missing @ $['empty'].rfc",
        ]
    )
