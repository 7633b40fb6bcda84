"""A dialect that names no commands is our own server, with something else in it: the two are led side by side."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, Dialect, Pop3sServer
from pop3s_fake.maildrop import Accounts
from pop3s_fake.protocol import Session
from pop3s_fake.protocol.bent import Bent
from pop3s_fake.server.dialecting import with_dialect
from pop3s_fake.server.options import ServerOptions
from tests.quirks.talking import connected, logged_in

if TYPE_CHECKING:
    from pathlib import Path

LINES = (
    *("USER ann", "user ann", "USER", "USER a b", "PASS not-a-secret", "PASS guess", "PASS", "CAPA", "NOOP", "NOOP x"),
    *("STAT", "STAT ", " STAT", "LIST", "LIST 1", "LIST 3", "LIST 0", "LIST x", "LIST -1", "LIST 99999999999999999999"),
    *("RETR 1", "RETR", "DELE 1", "DELE 9", "TOP 1 0", "TOP 1", "TOP 1 x", "UIDL", "UIDL 2", "RSET", "LAST", "LANG"),
    *("AUTH", "AUTH PLAIN", "AUTH FOO", "AUTH PLAIN AGFubgBub3QtYS1zZWNyZXQ=", "=", "*", "STLS", "UTF8", "FOO", ""),
    *("APOP ann 00000000000000000000000000000000", "QUIT"),
)


@pytest.fixture
def plain(tmp_path: Path) -> Dialect:
    """A file that says next to nothing."""
    path = tmp_path / "plain.toml"
    path.write_text('summary = "ours, but for a name"\nreading.bare_lf = true\n', encoding="utf-8")
    return Dialect.from_file(path)


def mail() -> Accounts:
    """One account with two messages."""
    accounts = Accounts([Account("ann", "not-a-secret")])
    accounts["ann"].maildrop.add("Subject: one\n\nx\n.y\n", "Subject: two\n\nz\n")
    return accounts


@pytest.mark.parametrize("changes", [[], ["+LAST", "+UTF8", "+LANG"], ["-UIDL", "-SASL", "-RESP-CODES"]])
def test_whatever_is_said_both_do_the_same(plain: Dialect, changes: list[str]) -> None:
    """The same greeting, and for each line the same octets and the same state."""
    options = ServerOptions(dialect=plain, capabilities=changes or None)
    voice = with_dialect(options, 1)[1].voice
    for seed in range(150):
        chance = random.Random(seed)  # noqa: S311  # reproducible, and nobody's secret
        stamp = "<1.x@localhost>"
        ours = Session(mail(), timestamp=stamp, offer=options.offer)
        theirs = Bent(mail(), voice=voice, tokens=dict, timestamp=stamp, offer=options.offer)
        assert ours.greeting().octets() == theirs.greeting().octets()
        while ours.open and not ours.upgrading:
            line = chance.choice(LINES[:5] * 2 + LINES).encode()
            one, other = (
                (each.respond(line) if each.exchange is not None else each.execute(line)).octets()
                for each in (ours, theirs)
            )
            assert one == other, (seed, line)
            assert (ours.state, ours.about, ours.open) == (theirs.state, theirs.about, theirs.open), (seed, line)


def test_it_is_served_whole(plain: Dialect) -> None:
    """Over TLS, with all that a client finds in our own server."""
    with Pop3sServer(dialect=plain) as server:
        server.maildrop.add("Subject: one\n\nhello\n")
        with connected(server) as client:
            capabilities = client.capa()
            assert {"UIDL", "TOP", "SASL", "IMPLEMENTATION"} <= set(capabilities)
            client.apop(server.login.user, server.login.password)
            assert client.list() == (b"+OK 1 message (23 octets)", [b"1 23"], 6)
            client.dele(1)
            client.quit()


def test_a_sites_policy_knows_what_was_retrieved() -> None:
    """Also where another dialect is spoken: what was retrieved is not found again."""
    with Pop3sServer(dialect="dovecot", quirks=["gmail-popped"]) as server:
        server.maildrop.add("Subject: one\n\n", "Subject: two\n\n")
        with logged_in(server) as client:
            client.retr(1)
            client.quit()
        with logged_in(server) as client:
            assert client.stat() == (1, 16)
            client.quit()
