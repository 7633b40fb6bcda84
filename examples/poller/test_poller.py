"""Five logins with an outage in between, and a connection that breaks in the middle of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from poller import Offline, Poller

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pop3s_fake import Pop3sServer

A, B, C = "Subject: a\n\nthe first\n", "Subject: b\n\nthe second\n", "Subject: c\n\nthe third\n"


@pytest.fixture
def inbox() -> list[str]:
    """The subjects of what was delivered."""
    return []


@pytest.fixture
def poll(pop3s_server: Pop3sServer, inbox: list[str], tmp_path: Path) -> Callable[[], int]:
    """Poll once, as a process of its own would do it: nothing but the file is kept from poll to poll."""

    def poll() -> int:
        poller = Poller(
            pop3s_server.host,
            pop3s_server.port,
            pop3s_server.login,
            context=pop3s_server.client_context(),
            state=tmp_path / "seen.json",
        )
        return poller.poll(lambda mail: inbox.append(mail.decode().split("\r\n")[0]))

    return poll


def test_each_message_is_delivered_once(pop3s_server: Pop3sServer, poll: Callable[[], int], inbox: list[str]) -> None:
    """Over five logins: mail comes, nobody is there, mail goes, and all is gone."""
    pop3s_server.account.script([A], [A, B], [A, B], [B, C], [])

    assert poll() == 1
    assert poll() == 1
    with pop3s_server.outage("refuse"), pytest.raises(Offline):
        poll()
    assert poll() == 0
    assert poll() == 1
    assert poll() == 0

    assert inbox == ["Subject: a", "Subject: b", "Subject: c"]
    pop3s_server.ledger.assert_nothing_twice()


def test_a_broken_connection_costs_one_message(
    pop3s_server: Pop3sServer, poll: Callable[[], int], inbox: list[str]
) -> None:
    """What came before it is remembered; the message that was cut is fetched again, and no other."""
    pop3s_server.maildrop.add(A, B, C)
    pop3s_server.on("RETR#2@50%").end("rst").times(1)

    with pytest.raises(Offline):
        poll()
    assert inbox == ["Subject: a"]
    assert poll() == 2

    assert inbox == ["Subject: a", "Subject: b", "Subject: c"]
    pop3s_server.ledger.assert_nothing_twice()


def test_a_maildrop_in_use_is_another_time(pop3s_server: Pop3sServer, poll: Callable[[], int]) -> None:
    """Somebody else reads it just now (RFC 1939 section 4)."""
    pop3s_server.maildrop.add(A)
    pop3s_server.on("PASS!before").reply("-ERR [IN-USE] somebody else reads it").times(1)

    with pytest.raises(Offline, match="IN-USE"):
        poll()
    assert poll() == 1
