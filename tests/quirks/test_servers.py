"""Quirks of a server, over sockets: the keyword, the verdict, the transcript, and what is seen below POP3."""

from __future__ import annotations

import poplib
import ssl
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import ManualClock, Pop3sServer, Tls, UnmetRule, UsageError
from pop3s_fake.quirks import quirk as catalogued
from tests.quirks.talking import connected, logged_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.quirks.talking import Client


def test_a_quirk_need_not_strike() -> None:
    """A client that never asks for a listing has nothing to answer for."""
    with Pop3sServer(quirks=["uidl-extra-spaces"]) as server, logged_in(server) as client:
        client.quit()


def test_the_transcript_names_the_quirks_and_their_strikes() -> None:
    """In its heading, and at each strike."""
    with Pop3sServer(quirks=["uidl-extra-spaces", "no-exclusive-lock"]) as server:
        server.maildrop.add_one("Subject: one\n\n", uid="m1")
        with logged_in(server) as client:
            assert client.uidl()[1] == [b"1   m1"]
            client.quit()
        told = server.transcript.render()
    assert told.startswith("quirks uidl-extra-spaces, no-exclusive-lock\n")
    assert "quirk uidl-extra-spaces: rule UIDL -> edit <uidl-extra-spaces> struck at octet 0" in told


def test_a_rule_of_the_test_stands_above_a_quirk() -> None:
    """The one that was added last decides."""
    server = Pop3sServer(quirks=["capa-err"], rules=['CAPA!before -> reply "-ERR mine"'])
    with server, logged_in(server) as client:
        with pytest.raises(poplib.error_proto):
            client.capa()
        client.quit()
    assert "-ERR mine" in server.transcript.render()


def test_a_quirk_outlives_a_reset_and_not_healing() -> None:
    """It belongs to the server, as its other keywords do."""
    with Pop3sServer(quirks=["stat-negative"]) as server:
        for octets in (-5, -5):
            with logged_in(server) as client:
                assert client.stat() == (0, octets)
                client.quit()
            server.reset()
        server.heal()
        with logged_in(server) as client:
            assert client.stat() == (0, 0)
            client.quit()


@pytest.mark.parametrize(
    ("keywords", "complaint"),
    [
        ({"quirks": ["terminator-splitt"]}, "unknown quirk 'terminator-splitt'; did you mean 'terminator-split'?"),
        ({"quirks": "capa-err"}, "quirks= is a list, not the text 'capa-err'"),
        ({"quirks": [1]}, "quirks= is a list of the ids of quirks, such as ['terminator-split'], not [1]"),
        (
            {"quirks": ["cert-wrong-name-or-self-signed"], "certificate": "expired"},
            (
                "quirk 'cert-wrong-name-or-self-signed' is a server with certificate='wrong-host', which "
                "certificate='expired' contradicts; leave one of them out"
            ),
        ),
        (
            {"quirks": ["tls-version-floor"], "tls": Tls(versions="1.2")},
            (
                "quirk 'tls-version-floor' is a server with tls=Tls(versions='1.3'), which tls=Tls(versions='1.2') "
                "contradicts; leave one of them out"
            ),
        ),
    ],
)
def test_a_server_that_cannot_be_is_refused(keywords: dict[str, object], complaint: str) -> None:
    """At the call, word for word."""
    with pytest.raises(UsageError) as caught:
        Pop3sServer(**keywords)  # type: ignore[arg-type]  # that is what is tested
    assert str(caught.value) == complaint


def test_capabilities_of_a_quirk_and_of_the_test_add_up() -> None:
    """Changes to the list from both."""
    with Pop3sServer(quirks=["last-command"], capabilities=["-TOP"]) as server, logged_in(server) as client:
        listed = client.capa()
        client.quit()
    assert "LAST" in listed
    assert "TOP" not in listed


@pytest.mark.parametrize(
    ("asked", "reason"),
    [("", "Hostname mismatch"), ("(certificate=self-signed)", "self-signed"), ("(certificate=expired)", "expired")],
)
def test_cert_wrong_name_or_self_signed(asked: str, reason: str) -> None:
    """A client that verifies says what is wrong; without the quirk it comes in."""
    with Pop3sServer(quirks=[f"cert-wrong-name-or-self-signed{asked}"]) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match=reason), connected(server):
            pass
        assert server.transcript.keywords == []


def test_sni_required() -> None:
    """Who names the host sees the good certificate, who names none another one."""
    with Pop3sServer(quirks=["sni-required"]) as server:
        with logged_in(server) as client:
            client.quit()
        context = server.client_context()
        context.check_hostname = False
        failing = pytest.raises(ssl.SSLCertVerificationError, match="self-signed")
        with failing, connected(server, context, named=False):
            pass


def test_who_names_no_host_may_be_sent_away_by_an_alert() -> None:
    """In place of a certificate."""
    with Pop3sServer(quirks=["sni-required(shown=alert)"]) as server:
        with logged_in(server) as client:
            client.quit()
        context = server.client_context()
        context.check_hostname = False
        with pytest.raises((ssl.SSLError, ConnectionError)), connected(server, context, named=False):
            pass
        alert = server.transcript.last_session.tls.error
    assert alert is not None


def test_an_old_server_speaks_old_versions_only() -> None:
    """The same quirk with another version."""
    with Pop3sServer(quirks=["tls-version-floor(versions=1.2)"]) as server:
        with logged_in(server) as client:
            client.quit()
        assert server.transcript.last_session.tls.version == "TLSv1.2"


def test_tls_version_floor() -> None:
    """An old client is turned away in the handshake."""
    with Pop3sServer(quirks=["tls-version-floor"]) as server:
        with logged_in(server) as client:
            client.quit()
        context = server.client_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)), connected(server, context):
            pass


def test_tls_buffered_data_stall() -> None:
    """A listing comes in records of a few octets, of which a client may have read several before it asks again."""
    with Pop3sServer(quirks=["tls-buffered-data-stall(size=8)"]) as server:
        server.maildrop.add_one("Subject: one\n\n", uid="m1")
        with logged_in(server) as client:
            client._putcmd("UIDL")  # type: ignore[attr-defined]  # to read record by record
            assert client.sock.recv(4096) == b"+OK uniq"


def test_a_slow_server_is_slow_on_its_own_clock() -> None:
    """A manual clock makes its minutes pass at once."""
    with Pop3sServer(quirks=["slow-pass"], clock=ManualClock()) as server, logged_in(server) as client:
        client.quit()


def test_a_rule_for_a_refusal_leaves_a_success_alone() -> None:
    """And says why it never struck, where it had to."""
    server = Pop3sServer(rules=["PASS!after answer=err -> end clean"])
    with pytest.raises(UnmetRule) as caught, server, logged_in(server) as client:
        client.quit()
    assert "PASS was sent once (session 1); answer=err did not hold" in str(caught.value)


SYMPTOMS: list[tuple[str, Callable[[Client], object], object]] = [
    ("terminator-split", lambda client: client.retr(1)[1], [b"Subject: one", b"", b".", b"last"]),
    ("list-split-before-dot", lambda client: client.list()[1], [b"1 25"]),
    ("lf-only-replies", lambda client: client.list()[1], [b"1 25"]),
    ("drop-mid-multiline", lambda client: client.retr(1), "-ERR EOF"),
    ("no-dot-stuffing", lambda client: (client.retr(1)[1], client.noop()), "b'last'"),
    ("capa-err", lambda client: client.capa(), "-ERR CAPA not supported by server"),
    ("capa-closes", lambda client: client.capa(), "-ERR CAPA not supported by server"),
    ("capa-omits-uidl", lambda client: ("UIDL" in client.capa(), client.uidl()[1]), (False, [b"1 m1"])),
    ("size-wrong", lambda client: (client.stat(), client.retr(1)[2]), ((1, 1024), 25)),
    ("uidl-extra-spaces", lambda client: client.uidl()[1], [b"1   m1"]),
    ("uidl-arg-multiline", lambda client: (client.uidl(1), client.noop()), "b'1 m1'"),
    ("uidl-unsupported", lambda client: client.uidl(), "b'-ERR unknown command'"),
    ("top-unsupported", lambda client: client.top(1, 0), "b'-ERR unknown command'"),
    ("stat-negative", lambda client: client.stat(), (1, -5)),
    ("retr-temporary-err", lambda client: client.retr(1), "-ERR Can't get the letter, try again later"),
    ("dele-answered-with-blank-line", lambda client: client.dele(1), "b''"),
    ("quit-no-reply", lambda client: client.quit(), "-ERR EOF"),
    ("top-two-oks", lambda client: client.retr(1)[1][0], b"+OK 25 octets"),
]
"""What poplib makes of a quirk: what it gives, or, as a text, a part of what it raises."""


@pytest.mark.parametrize(("quirk", "do", "outcome"), SYMPTOMS, ids=[quirk for quirk, _, _ in SYMPTOMS])
def test_what_poplib_makes_of_a_quirk(quirk: str, do: Callable[[Client], object], outcome: object) -> None:
    """A client that nobody here wrote; waits pass at once, by a manual clock."""
    with Pop3sServer(quirks=[quirk], clock=ManualClock()) as server:
        server.maildrop.add_one("Subject: one\n\n.\nlast\n", uid="m1")
        with logged_in(server) as client:
            if isinstance(outcome, str):
                with pytest.raises(poplib.error_proto) as caught:
                    do(client)
                assert outcome in str(caught.value)
            else:
                assert do(client) == outcome
        entry = catalogued(quirk)
        struck = f"quirk {quirk}: rule " in server.transcript.render()
        assert struck == bool(entry.rules or entry.changes or entry.variants)
