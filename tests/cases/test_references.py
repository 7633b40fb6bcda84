"""What one catalogue says of another: every id that stands in the data is the id of something."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import Rule
from pop3s_fake.cases import case, case_ids, impossible
from pop3s_fake.protocol.linting.handshakes import FLAWS
from pop3s_fake.protocol.violations import requirements
from pop3s_fake.quirks import asked, demands, quirk, quirk_ids
from pop3s_fake.quirks.writing import quoted
from pop3s_fake.rules.actions import Tls as TlsAction
from pop3s_fake.tls.certificates import certificate, certificate_ids, client_certificate, client_certificate_ids
from pop3s_fake.tls.handshakes import handshake, handshake_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pop3s_fake.tls.handshakes import Client
    from pop3s_fake.tls.settings import Tls

LEFT_TO_THE_CLIENT: Final = {
    *("untrusted-root", "self-signed", "self-signed-rsa-3072", "missing-intermediate"),
    *("rsa-1024", "sha1", "md5", "sha1-intermediate"),
    "ip-vs-dns",
}
"""What a client may take all the same: it knows it from elsewhere, its policy allows it, or it asked for the name."""


def of_tls(tls: Tls | None) -> Iterator[str]:
    """The certificates that settings name."""
    if tls is not None:
        yield from (name for name in dict(tls.sni).values() if name != "alert")


def of_rules(rules: Iterable[str]) -> Iterator[str]:
    """The certificates that rules name."""
    for rule in rules:
        for action in Rule.parse(rule).actions:
            if isinstance(action, TlsAction) and action.certificate is not None:
                yield action.certificate


def of_clients(*clients: Client | None) -> set[str]:
    """The certificates that clients have."""
    return {client.certificate for client in clients if client is not None and client.certificate}


@pytest.mark.parametrize("name", case_ids())
def test_what_a_case_names_is_there(name: str) -> None:
    """Its certificate, those that its settings and rules name, that of its client, and its twin."""
    entry = case(name)
    assert {entry.certificate, *of_tls(entry.tls), *of_rules(entry.rules)} <= set(certificate_ids())
    assert of_clients(entry.client, entry.lax) <= set(client_certificate_ids())
    assert entry.twin in {"", *case_ids()}


@pytest.mark.parametrize("name", handshake_ids())
def test_what_a_handshake_names_is_there(name: str) -> None:
    """The same of each way to shake hands."""
    entry = handshake(name)
    assert {entry.certificate, *of_tls(entry.tls)} <= set(certificate_ids())
    assert of_clients(entry.client, entry.lax) <= set(client_certificate_ids())
    assert entry.twin in {"", *handshake_ids()}


def test_the_twins_of_certificates_are_certificates() -> None:
    """Of those that a server shows, and of those that a client does."""
    assert {certificate(name).twin for name in certificate_ids()} <= {"", *certificate_ids()}
    assert {client_certificate(name).twin for name in client_certificate_ids()} <= {"", *client_certificate_ids()}


def test_what_a_quirk_sets_or_contradicts_is_there() -> None:
    """Certificates, settings, rules, and other quirks."""
    for name in quirk_ids():
        entry = quirk(name)
        assert set(entry.contradicts) <= set(quirk_ids())
        rules = (*entry.rules, *(rule for rules in entry.variants.values() for rule in rules))
        named = set(re.findall(r"tls certificate=([a-z0-9-]+)", " ".join(rules)))
        named = {entry.parameters[name[1:-1]].default if name[0] == "{" else name for name in named}
        words = [f"{name}({key}={quoted(word)})" for key, each in entry.parameters.items() for word in each.words]
        for wanted in (demands(asked([text])) for text in (name, *words)):
            named |= {wanted.certificate or "good", *of_tls(wanted.tls)}
        assert named <= set(certificate_ids())


def test_the_linter_knows_certificates_that_there_are_and_all_that_must_be_refused() -> None:
    """A certificate that is renamed or added is not forgotten; what is left to a client's trust is named here."""
    assert set(FLAWS) <= set(certificate_ids())
    wrong = {name for name in certificate_ids() if certificate(name).must == "reject"}
    assert set(FLAWS) <= wrong
    assert wrong - set(FLAWS) == LEFT_TO_THE_CLIENT
    assert set(FLAWS.values()) <= set(requirements())


def test_what_is_said_in_place_of_an_impossible_case_is_there() -> None:
    """Where it names a case, or with three dots what several begin with."""
    named = [
        found
        for entry in impossible().values()
        for found in re.findall(r"\b(?:tcp|hs|rec|close|pop|stls|mtls|cert)\.[a-z0-9-]+(?:\.\.\.)?", entry.instead)
    ]
    assert named
    for found in named:
        beginning = found.removesuffix("...")
        assert beginning in case_ids() or (
            beginning != found and any(name.startswith(beginning) for name in case_ids())
        )
