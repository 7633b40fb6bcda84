"""Rules of a whole server: what is kept between examples, what is shown of them, and what they may do to it."""

from __future__ import annotations

import contextlib
import poplib

import pytest

from pop3s_fake import Pop3sServer, UnmetRule, UsageError


def logged_in(server: Pop3sServer) -> poplib.POP3_SSL:
    """A client that has logged in."""
    client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=20)
    client.user(server.login.user)
    client.pass_(server.login.password)
    return client


def test_unique_ids_are_new_each_time_also_behind_a_deletion() -> None:
    """RFC 1939 section 7, UIDL: none comes back, however often the server loses its index."""
    seen: set[bytes] = set()
    with Pop3sServer(rules=["PASS!before -> mail renumber-uids"]) as server:
        server.maildrop.add("Subject: one\n\n", "Subject: two\n\n", "Subject: three\n\n")
        for left in (3, 2, 1):
            client = logged_in(server)
            uids = {line.split()[1] for line in client.uidl()[1]}
            client.dele(1)
            client.quit()

            assert len(uids) == left
            assert not uids & seen
            seen |= uids


def test_a_rule_of_the_server_must_strike_in_each_example() -> None:
    """It is there again in each one, and asked about in each one."""
    with Pop3sServer(rules=["RETR -> wait 0"]) as server:
        for _ in range(2):
            with (
                pytest.raises(UnmetRule, match=r"^RETR -> wait 0   \(test_rules.py:\d+\) never struck"),
                server.example(),
            ):
                logged_in(server).quit()
        with server.example():
            server.maildrop.add("Subject: one\n\n")
            client = logged_in(server)
            client.retr(1)
            client.quit()


def test_a_rule_that_an_example_would_forget_is_an_error() -> None:
    """It would never strike, and nobody would be told."""
    with Pop3sServer() as server:
        rule = server.on("RETR").end("rst")
        with pytest.raises(UsageError) as caught, server.example():
            pass
        assert str(caught.value).startswith("rule RETR -> end rst   (test_rules.py:")
        assert str(caught.value).endswith(") would be forgotten when the example begins; make it inside the example")
        server.rules.remove(rule)

        server.dialogue("S: +OK ready", "C: QUIT", "S: +OK")
        with (
            pytest.raises(UsageError, match=r"^a dialogue would be forgotten when the example begins"),
            server.example(),
        ):
            pass
        client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=20)
        client.quit()


def test_a_rule_may_stop_its_own_server() -> None:
    """A server that dies in the middle of a conversation: the thread that stops it does not wait for itself."""
    with Pop3sServer() as server:
        server.on("STAT").call(lambda _: server.stop())
        client = logged_in(server)
        with pytest.raises((poplib.error_proto, OSError)):
            client.stat()
        client.close()

        assert repr(server).startswith("<Pop3sServer stopped")


def test_no_password_is_in_the_text_of_an_unmet_rule() -> None:
    """Neither one that the rule names nor one that the client sent in a wrong place."""
    server = Pop3sServer().start()
    server.on("PASS(pop3s-password)@900").end("rst")
    client = logged_in(server)
    with contextlib.suppress(poplib.error_proto):
        client._shortcmd("pop3s-password")  # type: ignore[attr-defined]
    client.quit()
    problems = server.judge()
    server.stop()

    assert len(problems) == 1
    assert str(problems[0]).startswith("PASS(****)@900 -> end rst   (test_rules.py:")
    assert "pop3s-password" not in str(problems[0]).lower()
    assert "pop3s-password" not in server.transcript.render()
