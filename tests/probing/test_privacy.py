"""What identifies the user reaches neither a draft, nor what it is made of, nor what is printed."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import Account, Maildrop
from pop3s_fake.dialects import dialect
from pop3s_fake.probing import draft
from pop3s_fake.probing.standins import StandIns
from pop3s_fake.protocol.manner import Texts
from tests.probing.asked import PASSWORD, USER, asked_of, quick, serving

if TYPE_CHECKING:
    from pop3s_fake import Dialect


def saying(texts: dict[str, dict[str, str]], name: str = "dovecot") -> Dialect:
    """A dialect in which these texts stand in place of its own."""
    spoken = dialect(name)
    replies: dict[Any, Texts] = dict(spoken.manner.replies)
    for heading, says in texts.items():
        replies[heading] = Texts({**(replies[heading].says if heading in replies else {}), **says})  # type: ignore[dict-item]
    return replace(spoken, manner=replace(spoken.manner, replies=replies))


def told(user: str, password: str, *, before: str = "") -> StandIns:
    """The stand-ins of a probe that has heard one answer and then said name and password."""
    stand_ins = StandIns(user, password, [])
    stand_ins.replaced(before)
    stand_ins.wire("PASS {password}")
    return stand_ins


def base64(*parts: str) -> str:
    """Parts of a response."""
    return b64encode("\0".join(parts).encode()).decode()


@pytest.mark.parametrize(
    ("user", "password", "said", "kept"),
    [
        ("ann", "pw-secret-1", "-ERR PASS PW-SECRET-1", "-ERR PASS password-x7"),
        ("ann", "pw-secret-1", "-ERR <xpw-secret-1x>", "-ERR <xpassword-x7x>"),
        ("ann", "pö-1", "-ERR pö-1", "-ERR password-x7"),
        ("ann", "pö-1", "-ERR p\xc3\xb6-1", "-ERR password-x7"),
        ("ann", "pö-1", "-ERR P\xc3\x96-1", "-ERR password-x7"),
        ("jörg", "secret", "+OK j\xc3\xb6rg is in", "+OK user-x7 is in"),
        ("ann", "secret", "-ERR " + base64("", "ann", "secret"), "-ERR " + base64("", "user-x7", "password-x7")),
        (
            "ann",
            "secret",
            "-ERR " + base64("", "ann", "secret").upper(),
            "-ERR " + base64("", "user-x7", "password-x7"),
        ),
        ("ann", "secret", "-ERR " + base64("", "ann", "wrong"), "-ERR " + base64("", "user-x7", "wrong")),
        ("ann", "secret", "-ERR " + base64("ann", "ann", "secret"), "-ERR response-x7"),
        ("ann", "secret", "-ERR " + base64("", "ann", "secret")[:10] + "...", "-ERR response-x7..."),
        ("ann", "secret", "-ERR " + base64("secret"), "-ERR response-x7"),
        ("ann", "secret", "-ERR " + base64("ann"), "-ERR response-x7"),
        ("ann@example.org", "secret", "+OK Ann@Example.org", "+OK user-x7"),
        ("ann@example.org", "secret", "+OK ann (example.org)", "+OK user-x7 (host-x7)"),
        ("EXAMPLE\\ann", "secret", "+OK example, Ann", "+OK user-x7, user-x7"),
        ("ann", "secret", "+OK /var/mail/a/n/ann.lock", "+OK /var/mail/user-x7.lock"),
        ("ann", "secret", "+OK annual channels", "+OK annual channels"),
        ("ann", "secret", "+OK from 198.51.100.9.", "+OK from 127.0.0.1."),
        ("ann", "secret", "+OK [2001:db8::9] [::ffff:198.51.100.9]", "+OK [::1] [::1]"),
        ("ann", "secret", "+OK version 6.0.6249.0 at 12:30:05", "+OK version 6.0.6249.0 at 12:30:05"),
        ("host", "user", "+OK host, user", "+OK user-x7, password-x7"),
    ],
)
def test_each_guise_of_what_is_the_users_has_a_stand_in(user: str, password: str, said: str, kept: str) -> None:
    """Shouted, as octets of UTF-8, in base64, cut off, in parts, in paths; and what is no guise stays."""
    assert told(user, password).replaced(said) == kept


def test_a_word_that_the_server_said_before_it_heard_a_name_is_its_own() -> None:
    """But for the answers to a login, which may be about the name."""
    stand_ins = told("no", "Command", before="-ERR no: Invalid Command")
    assert stand_ins.replaced("-ERR no such Command") == "-ERR no such Command"
    assert stand_ins.replaced("-ERR no: Invalid Command", telling=True) == "-ERR no: Invalid Command"
    assert stand_ins.replaced("-ERR no, PASS Command", telling=True) == "-ERR user-x7, PASS password-x7"
    assert stand_ins.ambiguous


@pytest.mark.parametrize(("user", "password"), [("ann@example.org", "pw-secret-1"), ("ann7", "no.")])
def test_a_name_or_a_password_of_more_than_letters_is_no_word_of_the_servers(user: str, password: str) -> None:
    """Whenever it was said."""
    stand_ins = told(user, password, before=f"-ERR {user} {password}")
    assert stand_ins.replaced(f"-ERR {user} {password}") == "-ERR user-x7 password-x7"
    assert not stand_ins.ambiguous


@pytest.mark.parametrize(
    ("greeting", "kept"),
    [
        ("+OK Gpop ready for requests from 198.51.100.9 token", "+OK Gpop ready for requests from 127.0.0.1 token"),
        ("+OK mx17 POP3 server ready", "+OK host-x7 POP3 server ready"),
        ("+OK <1.2@mx17>", "+OK <1.2@host-x7>"),
        ("+OK mail.example.org (mx17.int.example.org)", "+OK host-x7 (host-x7)"),
        (
            "+OK Courier-POP3 by imap4 over tls1, solid-pop3d 0.15",
            "+OK Courier-POP3 by imap4 over tls1, solid-pop3d 0.15",
        ),
    ],
)
def test_hosts_and_addresses_of_a_greeting_have_stand_ins(greeting: str, kept: str) -> None:
    """Domain names, short names with a number, and the address of whoever asks; a protocol is no host."""
    stand_ins = StandIns("", "", [])
    assert stand_ins.replaced(greeting, greeting=True) == kept
    if "mx17" in greeting:
        assert stand_ins.replaced("+OK mx17 bye") == "+OK host-x7 bye"


def test_the_domain_of_a_name_is_a_host() -> None:
    """And the first label of a host is one, if it tells anything."""
    stand_ins = StandIns("ann@example.org", "", ["blackbird.example.net", "pop.example.com"])
    assert stand_ins.replaced("-ERR pop: blackbird: example.org") == "-ERR pop: host-x7: host-x7"


@pytest.mark.parametrize("said", ["+OK 1   {}", "+OK 1 {}  ", "+OK 1 {}"])
def test_a_unique_id_has_a_stand_in_whether_it_was_listed_or_not(said: str) -> None:
    """And however many blanks stand about it; the number before a short one stays a number."""
    stand_ins = told("ann", "secret")
    assert stand_ins.replaced(said.format("marmot-12"), listing=True) == said.format("unique-id-1-x7")
    assert stand_ins.replaced("+OK marmot-12 follows") == "+OK unique-id-1-x7 follows"
    stand_ins.know_uids(["1"])
    assert stand_ins.replaced(said.format("1"), listing=True) == said.format("unique-id-1-x7")


def heard(spoken: Dialect | str | None, *, failed_logins: int = 0, **keywords: Any) -> tuple[str, str]:
    """Draft and what it is made of, and what is printed of the server's, of one probe."""
    lines: list[str] = []
    with serving(spoken, **keywords) as server:
        seen = asked_of(server, shown=lines, failed_logins=failed_logins)
    return "\n".join((draft(seen), repr(seen))), "\n".join(line for line in lines if line.startswith("  S"))


def test_a_server_that_repeats_what_it_is_told_tells_nobody() -> None:
    """The response of AUTH PLAIN is the password, as anybody can read it."""
    texts = {
        "AUTH": dict.fromkeys(("ok", "failed", "mechanism"), "-ERR bad: {typed} {rest}"),
        "PASS": {"ok": "+OK {rest}"},
    }
    found, printed = heard(saying(texts), failed_logins=5)
    for secret in (PASSWORD, base64("", USER, PASSWORD), base64("", USER, "wrong"), USER):
        assert secret not in found
        assert secret not in printed
    assert "{plain}" in found


@pytest.mark.parametrize(
    ("name", "quirks"),
    [("gmail", []), (None, ["uidl-extra-spaces"]), (None, ["uidl-too-long"]), (None, ["uidl-reused"])],
)
def test_no_manner_of_a_server_tells_of_the_user(name: str | None, quirks: list[str]) -> None:
    """No name, password or host, no word of a message, no unique-id with blanks about it, and none that is too long."""
    uids = ("marmot-apricot-1", "marmot-apricot-2")
    maildrop = Maildrop()
    for uid in uids:
        maildrop.add_one("Subject: quince\n\ntapir\n", uid=uid)
    with serving(name and quick(name), quirks=quirks, accounts=[Account(USER, PASSWORD, maildrop=maildrop)]) as server:
        seen = asked_of(server)
    for text in (draft(seen), repr(seen)):
        for private in (USER, PASSWORD, "localhost", "quince", "tapir", "marmot"):
            assert private not in text
