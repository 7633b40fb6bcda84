"""Quirks of the login: each is met by whatever command a client logs in with, and with whatever dialect."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake.dialects import dialect_ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

GOOD: Final = b64encode(b"\0ann\0not-a-secret").decode()
BAD: Final = b64encode(b"\0ann\0wrong-secret").decode()

WORDS: Final = ["USER ann", "PASS not-a-secret"]
"""How ann logs in."""

WITHHELD: Final = {
    "account-pop-disabled": "-ERR POP3 access disabled for this account.\r\n",
    "account-locked-maintenance": "-ERR Your account is temporarily unavailable\r\n",
    "sys-temp-perm": "-ERR [SYS/TEMP] the maildrop cannot be opened\r\n",
    "sys-temp-perm(code=SYS/PERM)": "-ERR [SYS/PERM] the maildrop cannot be opened\r\n",
    "sys-temp-perm(code=none)": "-ERR the maildrop cannot be opened\r\n",
    "login-referral": "-ERR [REFERRAL/pop3://ann@mail.example] log in there\r\n",
}
"""What is said to a good login."""

LESS: Final = {
    "uw": ["-session-stolen"],
    "hmailserver": ["-stls-required-for-login", "-plus-err"],
    "exchange-online": ["-close-on-bad-login"],
}
"""What of a dialect is no part of these conversations."""

REFUSED: Final = {
    "close-on-bad-login": ["-ERR [AUTH] name or password is wrong\r\n", "(end fin)"],
    "close-on-bad-login(says=no)": ["(end fin)"],
    "slow-login-failure": ["(wait 3)", "-ERR [AUTH] name or password is wrong\r\n"],
    "plus-err": ["+ERR [AUTH] name or password is wrong\r\n"],
    "auth-err-without-text": ["-ERR\r\n"],
    "non-ascii-error-text": ["-ERR ÇëÊ¹\r\n"],
    "user-needs-full-address": [
        "-ERR Invalid user name or password. Please use full email address as user name.\r\n",
    ],
}
"""What comes of a bad login."""


@pytest.mark.parametrize("quirk", WITHHELD)
def test_a_maildrop_is_withheld_from_a_good_login_only(quirk: str, play: Callable[..., Any]) -> None:
    """However one logs in; a wrong password is wrong as ever, and nothing is locked behind the refusal."""
    said = play([quirk], ["(greeting)", "USER ann", "PASS wrong-secret", *WORDS, f"AUTH PLAIN {GOOD}", "STAT"]).seen
    assert said[2] == "-ERR [AUTH] name or password is wrong\r\n"
    assert said[4:] == [WITHHELD[quirk]] * 2 + ["-ERR STAT is legal in TRANSACTION, this is AUTHORIZATION\r\n"]


@pytest.mark.parametrize("quirk", WITHHELD)
@pytest.mark.parametrize("name", dialect_ids())
def test_it_is_so_with_each_dialect(quirk: str, name: str, play: Callable[..., Any]) -> None:
    """In the words of the quirk."""
    quirks = [*LESS.get(name, ()), quirk]
    assert play(quirks, ["(greeting)", *WORDS], dialect=name).seen[2] == WITHHELD[quirk]


@pytest.mark.parametrize("quirk", REFUSED)
def test_a_refused_auth_is_a_refused_login(quirk: str, play: Callable[..., Any]) -> None:
    """AUTH PLAIN, as curl logs in."""
    assert play([quirk], ["(greeting)", f"AUTH PLAIN {BAD}"]).seen[1:] == REFUSED[quirk]
    assert play([quirk], ["(greeting)", "USER ann", "PASS wrong-secret"]).seen[2:] == REFUSED[quirk]


@pytest.mark.parametrize("login", [WORDS, [f"AUTH PLAIN {GOOD}"]], ids=["PASS", "AUTH"])
def test_a_slow_login_has_the_lock_while_it_waits(login: list[str], play: Callable[..., Any]) -> None:
    """A refusal does not wait; who has waited long enough finds the maildrop locked next time."""
    right = ["(wait 120)", "+OK maildrop has 2 messages (149 octets)\r\n"]
    assert play(["slow-pass"], ["(greeting)", *login]).seen[-2:] == right
    assert "(wait 120)" not in play(["slow-pass"], ["(greeting)", "USER ann", "PASS guess", f"AUTH PLAIN {BAD}"]).seen
    quirks = ["slow-pass", "lock-survives-drop"]
    assert play(quirks, ["(greeting)", *login, "(again)", *login]).seen[-1].startswith("-ERR [IN-USE]")


@pytest.mark.parametrize("login", [WORDS, [f"AUTH PLAIN {GOOD}"]], ids=["PASS", "AUTH"])
def test_a_locked_maildrop_is_told_of_in_words(login: list[str], play: Callable[..., Any]) -> None:
    """The same words, however one logs in."""
    said = play(["locked-says-many-things"], ["STAT", "(other)", *login]).seen
    assert said[-1] == "-ERR Can't get lock. Mailbox in use\r\n"


@pytest.mark.parametrize("name", dialect_ids())
def test_a_lock_is_one_with_each_dialect(name: str, play: Callable[..., Any]) -> None:
    """Also where the server that a dialect is has none."""
    less = LESS.get(name, [])

    def refused(quirks: list[str], script: list[str]) -> list[str]:
        """Who says it last, and what is refused."""
        said = play([*less, *quirks], script, dialect=name).seen
        return [line for line in said if line.startswith("-ERR")]

    lock, other = ["lock-survives-drop(seconds=30)"], ["(other)", *WORDS]
    assert len(refused(lock, ["(again)", *WORDS])) == 1
    assert refused(lock, ["(again)", "(later 31)", *WORDS]) == []
    assert refused(["locked-says-many-things"], other) == ["-ERR Can't get lock. Mailbox in use\r\n"]
    assert len(refused(lock, other)) == 1
    assert refused([*lock, "quit-unlocks-others"], ["(other)", "USER ann", "QUIT", *other]) == []
    stolen = play([*less, "session-stolen"], [*other, "(first)", "STAT"], dialect=name).seen
    assert stolen[-3].startswith("+OK")
    assert stolen[-2:] == ["-ERR Received Kiss of Death\r\n", "(end fin)"]
