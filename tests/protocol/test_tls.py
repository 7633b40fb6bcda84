"""A conversation over TLS, once hands are shaken: what leaves when, how it is closed, what breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake.connection import EOF, End, Send
from pop3s_fake.tls import Tls, default_authority

if TYPE_CHECKING:
    from tests.protocol.conftest import Server

pytestmark = pytest.mark.parametrize("way", ["tls", "tls-octet"], indirect=True)

M1, M2 = "whqtswO00WBw418f9t5JxYwZ", "QhdPYR:00WBw1Ph7x7"


def test_close_notify_leaves_with_the_answer_to_quit(server: Server) -> None:
    """In one write; RFC 8446 section 6.1."""
    client = server.login()
    client.ask("DELE 1")
    before = len(client.sent)
    assert client.ask("QUIT") == b"+OK signing off\r\n"
    assert len(client.sent) == before + 1
    assert client.clean
    assert isinstance(client.steps[-2], Send)
    assert client.steps[-1] == End("fin")


def test_closing_tls_without_quit_is_answered_and_removes_nothing(server: Server) -> None:
    """RFC 8446 section 6.1: close_notify for close_notify; RFC 1939 section 6: no UPDATE."""
    client = server.login()
    client.ask("DELE 1")
    before = len(client.sent)
    client.close_notify()
    assert (client.ended, client.log.ended) == ("fin", "eof")
    assert client.log.entries[-1].text == "the client closed the connection without QUIT"
    assert len(client.sent) == before + 1
    assert server.uids() == [M1, M2]


def test_closing_without_close_notify_is_answered_as_well(server: Server) -> None:
    """Many clients just hang up."""
    client = server.login()
    client.ask("DELE 1")
    client.hang_up()
    assert (client.ended, client.log.ended, client.clean) == ("fin", "eof", True)
    assert server.uids() == [M1, M2]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("fin", [False, True])
def test_a_record_that_cannot_be_opened_ends_the_session(server: Server, version: str, fin: bool) -> None:  # noqa: FBT001
    """RFC 8446 section 5.2: bad_record_mac; and once OpenSSL has seen it, it seals no answer to what came before."""
    server.tls = Tls(versions=version)
    client = server.login()
    assert client.client is not None
    client.client.write(b"DELE 1\r\n")
    good = client._outgoing.read()
    client.client.write(b"QUIT\r\n")
    bad = bytearray(client._outgoing.read())
    bad[-1] ^= 1
    if fin:
        client.connection.feed(good + bytes(bad))
        client.connection.feed(EOF)
        client.run()
    else:
        client.feed(good + bytes(bad))
    assert client.heard() == (b"+OK message 1 deleted\r\n" if client.way.octet and not fin else b"")
    assert client.log.commands[-1] == "DELE 1"
    assert "BAD_RECORD_MAC" in (client.alert or "")
    assert (client.ended, client.log.ended) == ("fin", "server")
    assert client.log.entries[-1].text == "TLS failed: DECRYPTION_FAILED_OR_BAD_RECORD_MAC"
    assert client.log.tls.error is None
    assert client.log.tls.version is not None
    assert server.uids() == [M1, M2]


def test_clear_text_in_the_middle_of_a_session_ends_it(server: Server) -> None:
    """It is no record."""
    client = server.login()
    client.feed(b"QUIT\r\n")
    assert (client.ended, client.log.ended) == ("fin", "server")
    assert client.log.entries[-1].text.startswith("TLS failed: ")
    assert server.uids() == [M1, M2]


def test_a_session_may_be_resumed(server: Server) -> None:
    """RFC 8446 section 2.2: and the transcript tells."""
    server.client_context = default_authority().client_context()
    first = server.login()
    assert first.client is not None
    ticket = first.client.session
    first.ask("QUIT")
    second = server.conversation()
    second.run()
    second.client = server.client_context.wrap_bio(
        second._incoming, second._outgoing, server_hostname="localhost", session=ticket
    )
    assert second.heard().startswith(b"+OK")
    assert (first.log.tls.resumed, second.log.tls.resumed) == (False, True)


def test_a_long_message_comes_in_full_records(server: Server) -> None:
    """Each write holds five of them, where sending is fastest."""
    server.maildrop.add(b"x" * 300_000)
    client = server.login()
    before = len(client.sent)
    assert client.payload("RETR 3") == b"x" * 300_000 + b"\r\n"
    writes = client.sent[before:]
    assert len(writes) == 4
    assert len({len(write) for write in writes[:-1]}) == 1
    assert writes[0][:3] == b"\x17\x03\x03"
