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


def test_every_dialect_wants_tls_before_a_login(play: Callable[..., Any]) -> None:
    """Also one whose server takes passwords in clear, and each command that could be a login; STLS is there."""
    words = "-ERR STLS is required.\r\n"
    for name in dialect_ids():
        for line in ("USER ann", f"AUTH PLAIN {GOOD}"):
            said = play(["stls-required-for-login"], ["(greeting)", line], dialect=name).seen
            usual = play([], ["(greeting)", "AUTH PLAIN x"], dialect=name).seen
            unknown = line.startswith("AUTH") and said[1] == usual[1]
            assert said[1] == words or unknown, (name, line)
        said = play(["stls-required-for-login"], ["(greeting)", "STLS"], dialect=name).seen
        assert said[1].startswith("+OK"), name


@pytest.mark.parametrize("mechanism", ["CRAM-MD5", "DIGEST-MD5", "GSSAPI", "LOGIN", "NTLM", "SCRAM-SHA-256"])
def test_a_mechanism_that_fails_leaves_the_others_as_they_are(mechanism: str, play: Callable[..., Any]) -> None:
    """It is listed before them, once, begins with a challenge, and whatever answers that is refused."""
    quirks = [f"capa-mechanism-that-fails(mechanism={mechanism}, how=challenge)", "xoauth2-two-step-only"]
    response = b64encode(b"user=ann\1auth=Bearer a-good-token\1\1").decode()
    said = play(quirks, ["(greeting)", "CAPA", f"AUTH {mechanism}", "eA==", "eA==", "AUTH XOAUTH2", response]).seen
    others = [name for name in ("SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2", "PLAIN") if name != mechanism]
    listed = next(line for line in said[1].split("\r\n") if line.startswith("SASL ")).split()[1:]
    assert listed == [mechanism, *others]
    assert said[2].startswith("+ ")
    rest = [line for line in said[3:] if not line.startswith("+ ")]
    assert rest[-1] == "+OK maildrop has 2 messages (149 octets)\r\n"


@pytest.mark.parametrize("how", ["err", "close"])
def test_a_mechanism_fails_as_it_is_asked_to(how: str, play: Callable[..., Any]) -> None:
    """At once."""
    quirk = f"capa-mechanism-that-fails(mechanism=GSSAPI, how={how})"
    outcome = ["-ERR authentication failed\r\n"] if how == "err" else ["(end fin)"]
    assert play([quirk], ["(greeting)", "AUTH GSSAPI"]).seen[1:] == outcome


def test_logins_are_counted_account_by_account(play: Callable[..., Any]) -> None:
    """Wrong passwords are none, and another account has a count of its own."""
    quirk, again = "throttle-looks-like-bad-password(after=2, seconds=10)", ["(again)", *WORDS]
    said = play([quirk], ["(again)", "USER ann", "PASS guess", "USER ann", "PASS guess", *again, *again]).seen
    assert [line for line in said if line.startswith("+OK maildrop")] == [
        "+OK maildrop has 2 messages (149 octets)\r\n"
    ]
    assert said[-1] == "-ERR Logon failure: unknown user name or bad password.\r\n"
    joe = ["(again)", "USER joe", "PASS not-a-secret"]
    assert play([quirk], [*again, *again, *joe]).seen[-1].startswith("+OK maildrop has 1 message")
    assert play([quirk], [*again, *again, "(later 9)", *again]).seen[-1].startswith("-ERR Logon failure")
    assert play([quirk], [*again, *again, "(later 10)", *again]).seen[-1].startswith("+OK maildrop")


@pytest.mark.parametrize("name", dialect_ids())
def test_who_comes_too_soon_is_told_late(name: str, play: Callable[..., Any]) -> None:
    """By the first command that is asked for; another account may come."""
    quirks = [*LESS.get(name, ()), "poll-limit-late(seconds=20, at=UIDL)"]
    soon = play(quirks, ["QUIT", "(again)", *WORDS, "STAT", "UIDL"], dialect=name).seen
    assert soon[-2].startswith("+OK")
    assert soon[-1].startswith("-ERR Exceeded the login limit for a 15 minute period.")
    for script in (["QUIT", "(later 20)", "(again)", *WORDS], ["QUIT", "(again)", "USER joe", "PASS not-a-secret"]):
        assert play(quirks, [*script, "UIDL"], dialect=name).seen[-1].startswith("+OK")


def test_the_password_for_people_is_told_apart_by_auth_as_well(play: Callable[..., Any]) -> None:
    """PLAIN and LOGIN; the application's is taken, any other is wrong, and a locked maildrop is told of as ever."""
    quirk, application = "app-password-required", b64encode(b"\0ann\0abcdefghijklmnop").decode()
    words = "-ERR [AUTH] Application-specific password required: https://support.example/app-passwords\r\n"
    script = ["(greeting)", f"AUTH PLAIN {BAD}", f"AUTH PLAIN {GOOD}", f"AUTH PLAIN {application}"]
    wrong, taken = "-ERR [AUTH] name or password is wrong\r\n", "+OK maildrop has 2 messages (149 octets)\r\n"
    assert play([quirk], script).seen[1:] == [wrong, words, taken]
    assert play([quirk], [*script, "(other)", f"AUTH PLAIN {application}"]).seen[-1].startswith("-ERR [IN-USE]")
    locked = ["(other)", *WORDS]
    assert play(["locked-says-many-things"], locked, dialect="gmail").seen[-1].startswith("-ERR Can't get lock")


@pytest.mark.parametrize(("script", "how"), [(["(later 30)"], "before"), ([*WORDS, "(later 60)"], "seconds")])
def test_how_long_one_may_be_silent_is_told_before_and_behind_the_login(
    script: list[str], how: str, play: Callable[..., Any]
) -> None:
    """Each has its own time."""
    quirk = "idle-timeout-short(before=30, seconds=60)"
    assert play([quirk], ["(greeting)", *script]).seen[-2:] == ["-ERR Disconnected for inactivity.\r\n", "(end fin)"], (
        how
    )
    assert play([quirk], ["(greeting)", *WORDS, "(later 30)", "NOOP"]).seen[-1] == "+OK\r\n"


def test_a_throttled_server_may_reset_the_connection(play: Callable[..., Any]) -> None:
    """In place of an answer."""
    assert play(["server-unavailable-throttle(after=3, how=reset)"], ["NOOP", "NOOP"]).seen == ["+OK\r\n", "(end rst)"]
