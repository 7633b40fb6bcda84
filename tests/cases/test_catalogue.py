"""The catalogue of cases as data: whole, sound, and quick to ask."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pop3s_fake import Maildrop, Pop3sServer, Rule, Tls, UnmetRule, UsageError, pop3s_cases
from pop3s_fake.cases import Case, Impossible, case, case_ids, impossible
from pop3s_fake.cases.case import SECTIONS, Client, read
from pop3s_fake.server.casing import arranged
from pop3s_fake.server.options import ServerOptions

LINES = (Path(__file__).parent / "lines.txt").read_text("utf-8").splitlines()
NAMED = [name for line in LINES if not line.startswith("#") for name in line.partition(": ")[2].split()]


def test_every_line_has_its_cases_and_every_case_its_line() -> None:
    """What cannot be made is listed, too, so that the list is whole."""
    assert sorted(name for name in NAMED if name[0] != "-") == sorted(case_ids())
    assert sorted(name[1:] for name in NAMED if name[0] == "-") == sorted(impossible())


@pytest.mark.parametrize("name", case_ids())
def test_a_case_says_what_it_is_and_differs_from_its_twin_in_one_thing(name: str) -> None:
    """Rules, an outage, or one setting of the server or of the client; controls alone have no twin."""
    entry = case(name)
    assert entry.id == name
    assert entry.family in SECTIONS
    assert entry.summary
    assert entry.client_must
    assert re.match(r"RFC \d+ (section|appendix) ", entry.rfc)
    for rule in entry.rules:
        assert Rule.parse(rule).actions
    if not entry.twin:
        assert entry.lax is not None or entry.poplib == entry.openssl == entry.rules == ()
        return
    twin = case(entry.twin)
    assert twin.must == "accept"
    assert not twin.poplib
    differing = {
        field
        for field in ("rules", "certificate", "client_certificate", "stls", "capabilities", "outage")
        if getattr(entry, field) != getattr(twin, field)
    }
    if entry.tls != twin.tls:
        differing.add("tls")
    if not differing and entry.client != twin.client:
        differing.add("client")
    assert len(differing) == 1


def test_what_cannot_be_made_has_a_reason() -> None:
    """And asking for it says so."""
    for entry in impossible().values():
        assert entry.what
        assert entry.reason
    with pytest.raises(UsageError) as caught:
        Pop3sServer(case="cert.dsa")
    assert str(caught.value) == (
        "case 'cert.dsa' cannot be made, a DSA key: no client offers the signature algorithm, "
        "so that the handshake ends before the certificate"
    )


def test_sections_and_families_give_ids() -> None:
    """For parametrize; several are one list, in the catalogue's order."""
    assert pop3s_cases("tls.cert")[:2] == ["cert.good", "cert.good-p384"]
    assert pop3s_cases("cert") == pop3s_cases("tls.cert")
    assert set(pop3s_cases("tls")) > set(pop3s_cases("rec")) | set(pop3s_cases("tls.handshake"))
    assert pop3s_cases("rec", "tcp")[0] == "tcp.refuse"
    assert pop3s_cases("rec.truncate") == ["rec.truncate"]
    assert pop3s_cases() == list(case_ids())
    assert "cert.expired" in pop3s_cases("tls.cert", must="reject")
    assert "cert.good" not in pop3s_cases("tls.cert", must="reject")
    assert {case(name).must for name in pop3s_cases(must="decide")} == {"decide"}


@pytest.mark.parametrize(
    ("sections", "must", "text"),
    [
        (["tls.crt"], None, "unknown section of cases 'tls.crt'; did you mean 'tls.cert'?"),
        (["rec.trunc"], None, "unknown section of cases 'rec.trunc'; did you mean 'rec.truncate'?"),
        (["rec"], "fail", "must= is 'accept', 'reject' or 'decide', not 'fail'"),
    ],
)
def test_a_section_that_is_none_is_an_error_at_the_call(sections: list[str], must: str | None, text: str) -> None:
    """With the nearest."""
    with pytest.raises(UsageError) as caught:
        pop3s_cases(*sections, must=must)  # type: ignore[arg-type]  # that is the point
    assert str(caught.value) == text


def test_asking_for_cases_loads_no_cryptography() -> None:
    """It happens while pytest collects."""
    program = (
        "from pop3s_fake import pop3s_cases\nfrom pop3s_fake.cases import case\n"
        "assert case(pop3s_cases('tls.cert')[0])\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert loaded.isdisjoint({"ssl", "_ssl", "trustme", "cryptography", "asyncio", "click", "rich"})


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            "[hs.odd]\nsummary = 's'\nmust = 'fail'\nclient_must = 'm'\nrfc = 'r'",
            Case,
            "cases: expected one of 'accept', 'reject', 'decide', not 'fail' @ $['hs.odd'].must",
        ),
        ("[hs.odd]\nwhat = 1\nreason = 'r'", Impossible, "cases: expected a string, not 1 @ $['hs.odd'].what"),
    ],
)
def test_a_mistake_in_the_data_is_told_with_its_path(text: str, kind: type[object], message: str) -> None:
    """All of them at once."""
    with pytest.raises(UsageError) as caught:
        read(text, kind, "cases")
    assert str(caught.value) == message


# case=


def test_an_unknown_case_names_the_nearest() -> None:
    """At the call."""
    with pytest.raises(UsageError) as caught:
        Pop3sServer(case="rec.trunacte")
    assert str(caught.value) == "unknown case 'rec.trunacte'; did you mean 'rec.truncate'?"


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        (
            {"case": "cert.expired", "certificate": "wrong-host"},
            "case='cert.expired' is a server with certificate='expired', which certificate='wrong-host'",
        ),
        (
            {"case": "hs.refragment", "tls": Tls(versions="1.3")},
            "case='hs.refragment' is a server with tls=Tls(versions='1.2'",
        ),
    ],
)
def test_a_keyword_that_contradicts_the_case_is_an_error_at_the_call(keywords: dict[str, object], text: str) -> None:
    """Two things cannot both be shown."""
    with pytest.raises(UsageError) as caught:
        Pop3sServer(**keywords)  # type: ignore[arg-type]  # any of them
    assert str(caught.value).startswith(text)
    assert str(caught.value).endswith(" contradicts; leave one of them out")


def test_a_keyword_that_says_the_same_or_something_else_stands_beside_the_case() -> None:
    """Certificates go with rules, and a port for STLS may be named."""
    options, chosen = arranged(ServerOptions(case="rec.truncate", certificate="good-rsa", rules=["DELE -> wait 1"]))
    assert chosen == case("rec.truncate")
    assert options.certificate == "good-rsa"
    assert arranged(ServerOptions(case="cert.expired", certificate="expired"))[0].certificate == "expired"
    assert arranged(ServerOptions(case="stls.err", stls=11000))[0].stls == 11000
    assert arranged(ServerOptions()) == (ServerOptions(), None)


def test_the_rules_of_a_case_must_strike() -> None:
    """The complaint names the case as the place where the rule was made."""
    with pytest.raises(UnmetRule) as caught, Pop3sServer(case="rec.truncate"):
        pass
    assert str(caught.value).splitlines()[0] == "RETR@50% -> end fin   (case rec.truncate) never struck"


def test_a_case_without_rules_must_be_met_by_somebody() -> None:
    """Else a test would be green for nothing."""
    with pytest.raises(UnmetRule) as caught, Pop3sServer(case="cert.expired"):
        pass
    assert str(caught.value) == (
        "case cert.expired: no longer valid since 2020\n  no client has connected, so none has met it"
    )


def test_a_password_stands_in_a_rule_as_it_is() -> None:
    """Whatever is in it; the verdict masks it."""
    from pop3s_fake import Account  # noqa: PLC0415  # only here

    server = Pop3sServer(case="pop.echo-password", accounts=[Account("ann", 'a "quoted" \\ one', maildrop=Maildrop())])
    (rule,) = server.rules
    assert str(rule) == r'PASS -> reply "-ERR invalid password a \"quoted\" \\ one"'
    (problem,) = server.judge()
    assert str(problem).startswith('PASS -> reply "-ERR invalid password ****"   (case pop.echo-password) never struck')


def test_a_client_is_a_client_unless_it_must_be_another() -> None:
    """Most cases are for any."""
    assert case("rec.truncate").client == Client()
    assert replace(case("cert.wildcard").client, host="localhost") == Client()
