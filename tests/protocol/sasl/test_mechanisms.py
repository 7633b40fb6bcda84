"""What is said of the mechanisms in two places is the same in both."""

from __future__ import annotations

import re

import pytest

from pop3s_fake.protocol import capabilities
from pop3s_fake.protocol.sasl import MECHANISMS


def test_names_are_those_of_sasl() -> None:
    """RFC 4422 section 3.1: 1 to 20 of capital letters, digits, hyphen and underscore; each under its own name."""
    assert all(re.fullmatch(r"[A-Z0-9_-]{1,20}", name) for name in MECHANISMS)
    assert [mechanism.name for mechanism in MECHANISMS.values()] == list(MECHANISMS)


def test_what_can_be_read_on_the_wire_is_offered_under_tls_alone() -> None:
    """RFC 5034 section 4; the capabilities have these by name, so that none is loaded for them."""
    assert {name for name, mechanism in MECHANISMS.items() if mechanism.plaintext} == capabilities.PLAINTEXT


@pytest.mark.parametrize("name", MECHANISMS)
def test_what_a_mechanism_needs_is_what_it_is_offered_for(name: str) -> None:
    """A channel binding for -PLUS, a certificate for EXTERNAL, even where they are asked for by name."""
    offer = capabilities.Offer([f"+SASL {name}"])
    needs = MECHANISMS[name].needs

    def usable(*, binding: bool, certificate: bool) -> bool:
        bindings = frozenset({"tls-server-end-point"} if binding else ())
        return name in offer.usable(secure=True, bindings=bindings, certificate=certificate, token=False)

    assert usable(binding=True, certificate=True)
    assert usable(binding=False, certificate=True) is (needs != "binding")
    assert usable(binding=True, certificate=False) is (needs != "certificate")
