"""What a dialect repeats of a line, or takes for lines of its own: the wire has it, and nothing that is noted does."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake import Dialect
from pop3s_fake.transcript import Session
from tests.dialects.clients import House, Offer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOKEN: Final = "eyJ" + "0123456789abcdefghij" * 80 + "-Zq7-signature"  # as long as those of OAuth are
WORD: Final = "Zq7-topsecretpw"

LINES: Final = {
    "PASS": f"PASS {TOKEN}".encode(),
    "PASS of another kind": f"pass\t{TOKEN}".encode(),
    "AUTH PLAIN": b"AUTH PLAIN " + b64encode(f"\0ann\0{TOKEN}".encode()),
    "AUTH XOAUTH2": b"AUTH XOAUTH2 " + b64encode(f"user=ann\1auth=Bearer {TOKEN}\1\1".encode()),
    "APOP": f"APOP ann {TOKEN}".encode(),
    "a response": b"AUTH PLAIN\r\n" + b64encode(f"\0ann\0{TOKEN}".encode()),
    "a long response": b"AUTH PLAIN\r\n" + b64encode(f"\0ann\0{TOKEN * 50}".encode()),
    "PASS in pieces": f"PASS {'x' * 8190}{WORD}\r\n".encode() + b"PASS " + b"x" * 20_000 + WORD.encode(),
    "AUTH in pieces": f"AUTH XOAUTH2 {'x' * 8190}{WORD}".encode(),
    "PASS behind NUL": f"PASS \0{WORD}".encode(),
}
"""What holds a secret: all of it behind the keyword, and the mechanism."""


def noted(dialect: str | Dialect, *said: bytes, password: str = TOKEN, user: bool = True) -> tuple[bytes, Session]:
    """What came for this, and what was noted of all."""
    house = House(dialect, {"ann": (password, [])})
    client = house.connect(tls=True, offer=Offer())
    for octets in (*([b"USER ann\r\n"] if user else []), *said):
        client.say(octets)
        client.pass_time(house.clock.now() + 3.0)
    assert isinstance(client.log, Session)
    return client.heard, client.log


def secrets_in(line: bytes) -> list[str]:
    """Parts of the octets behind the keyword, from their beginning, from the middle and from the end."""
    secret = (
        line.decode().split("\r\n")[-1].split("XOAUTH2 ")[-1].split("PLAIN ")[-1].split("PASS ")[-1].split("ann ")[-1]
    )
    return [secret[at : at + 12].lower() for at in (0, len(secret) // 2, len(secret) - 12)] + [WORD.lower(), "zq7-"]


@pytest.mark.parametrize("user", [True, False], ids=["behind USER", "at once"])
@pytest.mark.parametrize("what", LINES)
@pytest.mark.parametrize("dialect", ["mailutils", "cyrus", "dovecot", "solid-pop3d"])
def test_no_secret_is_noted_whatever_a_dialect_makes_of_its_line(dialect: str, what: str, user: bool) -> None:  # noqa: FBT001  # a parameter
    """Also where it sends it back, or takes what does not fit for the next command."""
    _, log = noted(dialect, LINES[what] + b"\r\n", b"NOOP\r\n", user=user)

    shown = "\n".join(log.lines()).lower()

    assert [part for part in secrets_in(LINES[what]) if part in shown] == []


def test_a_line_that_comes_back_is_noted_by_what_stands_in_it() -> None:
    """The wire has all of it; one without a secret is noted as it is."""
    heard, log = noted("mailutils", f"PASS {TOKEN}\r\n".encode(), b"NOOP " + b"x y" * 200 + b"\r\n")

    assert heard.count(TOKEN[:100].encode()) == 1
    replies = [entry.text for entry in log.entries if entry.kind == "S"]
    assert replies[-2].startswith("(the line comes back, and in it) -ERR ")
    assert replies[-1].startswith("NOOP x yx y")


def test_all_pieces_of_a_line_that_began_with_a_password_are_noted_as_secret() -> None:
    """They are commands there, each refused; those of another line are noted as they are."""
    long = b"x y " * 2100
    heard, log = noted("cyrus", b"PASS " + b"x" * 8190 + WORD.encode() + b"\r\n", long + b"\r\nNOOP\r\n")

    assert heard.count(b"-ERR") >= 3
    assert log.commands[:3] == ["USER ann", "PASS ****", "****"]
    assert log.commands[-1] == "NOOP"
    assert "".join(log.commands[3:-1]).encode() == long


@pytest.fixture
def own(tmp_path: Path) -> Callable[[str], Dialect]:
    """Makes a dialect of these words, above Dovecot's."""

    def make(words: str) -> Dialect:
        path = tmp_path / "own.toml"
        path.write_text(f'summary = "mine"\nextends = "dovecot"\n{words}\n', encoding="utf-8")
        return Dialect.from_file(path)

    return make


def test_a_text_that_repeats_an_argument_is_noted_without_it_where_that_may_be_secret(
    own: Callable[[str], Dialect],
) -> None:
    """A command is no secret, and neither is what the client's line is noted with."""
    dialect = own('replies.PASS.says.failed = "-ERR {typed} {argument}?"\nreplies.USER.says.ok = "+OK {argument}?"')
    heard, log = noted(dialect, f"PASS {WORD}\r\n".encode(), b"USER bob\r\n")

    assert f"-ERR PASS {WORD}?\r\n".encode() in heard
    assert [entry.text for entry in log.entries if entry.kind == "S"][1:] == ["+OK ann?", "-ERR PASS ****?", "+OK bob?"]


def test_a_farewell_that_repeats_the_last_line_is_noted_without_it(own: Callable[[str], Dialect]) -> None:
    """Nobody says anything between the two."""
    dialect = own('replies.any.says.idle = "-ERR nothing behind {argument}, {user}"')
    house = House(dialect, {"ann": (TOKEN, [])})
    client = house.connect(tls=True, offer=Offer())
    client.say(b"USER ann\r\n")
    client.say(f"PASS {WORD}\r\n".encode())
    client.pass_time(house.clock.now() + 5.0)
    client.pass_time(house.clock.now() + 5000.0)

    assert f"-ERR nothing behind {WORD}, \r\n".encode() in client.heard
    assert isinstance(client.log, Session)
    assert [entry.text for entry in client.log.entries if entry.kind == "S"][-1] == "-ERR nothing behind ****, "


@pytest.mark.parametrize("rule", ["* -> wait 1", "* -> edit drop 3", '* -> reply "-ERR no" keep', "PASS@10 -> end fin"])
@pytest.mark.parametrize(
    ("dialect", "line"), [("mailutils", f"PASS {TOKEN}"), ("cyrus", f"PASS {'x' * 8190}{WORD}")], ids=["back", "pieces"]
)
def test_no_secret_is_noted_under_a_rule_nor_told_of_a_client_that_breaks_one(
    dialect: str, line: str, rule: str
) -> None:
    """Of what a rule made of the line that comes back nothing is shown; a violation names no octet of a piece."""
    house = House(dialect, {"ann": (TOKEN, [])})
    house.server.on(rule)
    told: list[BaseException] = []
    house._settings = replace(house._settings, strict="should", complain=told.append, rules=house.server.rules)
    client = house.connect(tls=True, offer=Offer())
    for octets in (b"USER ann\r\n", f"{line}\r\n".encode(), b"NOOP\r\n"):
        client.say(octets)
        client.pass_time(house.clock.now() + 3.0)

    assert isinstance(client.log, Session)
    shown = "\n".join([*client.log.lines(), *map(str, told)]).lower()
    assert "struck" in shown
    assert told
    assert [part for part in secrets_in(line.encode()) if part in shown] == []
