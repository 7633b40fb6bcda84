"""Quirks on top of a dialect: what they change is changed there, too, and all else stays as the dialect has it."""

from __future__ import annotations

import poplib
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import ManualClock, Pop3sServer, UsageError
from pop3s_fake.quirks import Quirk, quirk, quirk_ids
from tests.quirks.talking import connected, logged_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

UNSEEN = {
    "bare-auth-lists-mechanisms": "it is one of those that do it",
    "apop-token-anywhere": "it has no APOP",
    "apop-token-not-msgid": "it has no APOP",
    "capa-user-missing": "it lists USER in another place",
    "capa-xoauth2-missing": "it lists no XOAUTH2",
    "expire-advisory": "it lists no EXPIRE",
    "quit-unlocks-others": "a lock that was taken away looks like the one that it has not",
    "no-exclusive-lock": "it is one of those that do it",
    "restored-queue-delay": "its answer to PASS does not count messages",
    "old-mail-removed": "its answer to PASS does not count messages",
}
"""Quirks that the conversation of the data does not show with Dovecot, and why."""

SHOWN = [
    pytest.param(entry, id=entry.id)
    for entry in map(quirk, quirk_ids())
    if entry.shows is not None and not entry.always and not (entry.setting and entry.setting.stls)
]


@pytest.mark.parametrize("entry", SHOWN)
def test_a_quirk_changes_a_dialect_as_well(entry: Quirk, play: Callable[..., Any]) -> None:
    """The same script, with the dialect and with both."""
    assert entry.shows is not None
    plain = play([], entry.shows.script, dialect="dovecot").seen
    bent = play([entry.shows.quirk or entry.id], entry.shows.script, dialect="dovecot").seen
    assert (plain == bent) == (entry.id in UNSEEN)


def test_what_a_quirk_leaves_alone_stays_the_dialect_s(play: Callable[..., Any]) -> None:
    """Words, and what is counted as a bad command."""
    script = ["LIST 1", "LIST 9", "FOO"]
    assert play(["list-arg-ignored"], script, dialect="dovecot").seen == [
        "+OK 2 messages:\r\n1 81\r\n2 68\r\n.\r\n",
        "-ERR There's no message 9.\r\n",
        "-ERR Unknown command: FOO\r\n",
    ]


def test_a_list_of_a_dialect_is_added_to(play: Callable[..., Any]) -> None:
    """Dovecot ends the connection behind a line that is too long, and still does."""
    quirks = ["xoauth2-two-step-only"]
    script = ["(greeting)", "AUTH XOAUTH2 eA==", "(again)", "USER " + 5000 * "x"]
    assert play(quirks, script, dialect="dovecot").seen == [
        "+OK Dovecot (Debian) ready.\r\n",
        "-ERR Protocol error. Connection is closed. 10\r\n",
        "(end fin)",
        "+OK Dovecot (Debian) ready.\r\n",
        "-ERR Input buffer full, aborting\r\n",
        "(end fin)",
    ]


def test_poplib_meets_both() -> None:
    """The keyword of a server takes both, and its transcript names both."""
    quirks = ["idle-timeout-short", "message-zero-accepted"]
    with Pop3sServer(dialect="dovecot", quirks=quirks, clock=ManualClock(auto=False), strict=False) as server:
        server.maildrop.add_one("Subject: one\n\n", uid="m1")
        with logged_in(server) as client:
            assert client.retr(0)[0] == b"+OK 16 octets"
            assert isinstance(server.clock, ManualClock)
            server.clock.advance(seconds=60)
            with pytest.raises(poplib.error_proto, match="Disconnected for inactivity"):
                client.noop()
        told = server.transcript.render()
    assert told.startswith("dialect dovecot; quirks idle-timeout-short, message-zero-accepted\n")


def test_a_text_that_no_server_could_say_is_refused() -> None:
    """As it is in a dialect's file."""
    with pytest.raises(UsageError) as caught:
        Pop3sServer(quirks=['idle-timeout-short(says="-ERR {numbr}")'])
    assert str(caught.value) == (
        "quirk idle-timeout-short(says=\"-ERR {numbr}\"): replies.before.says.idle: nothing stands for '{numbr}'; "
        "did you mean '{user}'?; replies.after.says.idle: nothing stands for '{numbr}'; did you mean '{number}'?"
    )


def test_a_language_is_spoken_with_a_quirk() -> None:
    """What a server of ours says besides is ours."""
    with Pop3sServer(quirks=["user-rejects-unknown"], capabilities=["+LANG"]) as server, connected(server) as client:
        assert client._shortcmd("LANG de").startswith(b"+OK de")  # type: ignore[attr-defined]
        client.user(server.login.user)
        with pytest.raises(poplib.error_proto, match="Name oder"):
            client.pass_("wrong")
        client.quit()
