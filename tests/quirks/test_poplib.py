"""What poplib, a client that nobody here wrote, makes of quirks; each test has the name of one.

Waits of a server pass at once, by a manual clock; where a client would hang, time is moved on until the server ends it.
"""

from __future__ import annotations

import base64
import contextlib
import poplib
import socket
import ssl
import struct
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, ManualClock, Pop3sServer
from tests.quirks.talking import connected, in_clear, logged_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.quirks.talking import Client

LETTERS = ["Subject: one\n\n.\nlast\n", "Subject: two\n\nhello\n", "Subject: three\n\nbye\n"]


@contextlib.contextmanager
def serving(*quirks: str, auto: bool = True, **keywords: object) -> Iterator[Pop3sServer]:
    """A server with these quirks and the messages m1, m2 and m3."""
    server = Pop3sServer(quirks=quirks, clock=ManualClock(auto=auto), strict=False, **keywords)  # type: ignore[arg-type]
    for number, letter in enumerate(LETTERS, 1):
        server.account.maildrop.add_one(letter, uid=f"m{number}")
    with server:
        yield server


def uids(client: poplib.POP3) -> list[bytes]:
    """The unique-ids of a listing."""
    return [line.split()[1] for line in client.uidl()[1]]


def refused(do: Callable[[], object], words: str) -> None:
    """The client says so."""
    with pytest.raises(poplib.error_proto) as caught:
        do()
    assert words in str(caught.value)


def waits(server: Pop3sServer, client: Client, number: int) -> list[bytes] | str:
    """What a client has of a message, or says, after it was seen to wait until minutes had passed for the server."""
    result: list[list[bytes] | str] = []

    def ask() -> None:
        try:
            result.append(client.retr(number)[1])
        except poplib.error_proto as error:
            result.append(str(error))

    thread = Thread(target=ask)
    thread.start()
    server.wait_for("RETR", timeout=30)
    server.wait_idle(timeout=30)
    assert not result
    assert isinstance(server.clock, ManualClock)
    server.clock.advance(minutes=20)
    thread.join(30)
    return result[0]


def test_stall_mid_multiline() -> None:
    """It waits for as long as the server does, or as its own bound lets it, which no machine is too slow for."""
    with serving("stall-mid-multiline", auto=False) as server, logged_in(server) as client:
        assert waits(server, client, 2) == [b"Subject: two", b"", b"hello"]
    with serving("stall-mid-multiline", auto=False) as server, logged_in(server) as client:
        client.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.retr(2)


def test_no_crlf_before_dot() -> None:
    """It waits for a dot that has come already."""
    with serving("no-crlf-before-dot", auto=False) as server, logged_in(server) as client:
        assert "EOF" in str(waits(server, client, 2))


def test_retr_err_after_ok() -> None:
    """It takes the refusal for a line of the message, and waits for the dot."""
    with serving("retr-err-after-ok", auto=False) as server, logged_in(server) as client:
        assert "EOF" in str(waits(server, client, 1))


def test_capa_differs_after_auth() -> None:
    """The second list is longer."""
    with serving("capa-differs-after-auth") as server, connected(server) as client:
        before = set(client.capa())
        client.user(server.login.user)
        client.pass_(server.login.password)
        assert set(client.capa()) - before == {"UIDL", "TOP", "PIPELINING"}
        client.quit()


def test_capa_mechanism_that_fails() -> None:
    """It does not speak SASL by itself; what is listed is refused, and a password still taken."""
    with serving("capa-mechanism-that-fails") as server, connected(server) as client:
        assert "CRAM-MD5" in client.capa()["SASL"]
        refused(lambda: client._shortcmd("AUTH CRAM-MD5"), "authentication failed")  # type: ignore[attr-defined]
        client.user(server.login.user)
        client.pass_(server.login.password)
        client.quit()


def test_oauth_error_as_continuation() -> None:
    """It takes the challenge for success; the refusal comes when that is answered."""
    account = Account("test", "pop3s-password", token="a-good-token")
    with serving("oauth-error-as-continuation", accounts=[account]) as server, connected(server) as client:
        said = client._shortcmd("AUTH XOAUTH2 dXNlcj10ZXN0AWF1dGg9QmVhcmVyIGJhZAEB")  # type: ignore[attr-defined]
        assert said.startswith(b"+ ")
        refused(lambda: client._shortcmd(""), "-ERR [AUTH] the token")  # type: ignore[attr-defined]
        client.quit()


def test_xoauth2_two_step_only() -> None:
    """One line is refused, and nothing comes behind that; in two steps it comes in."""
    response = "dXNlcj10ZXN0AWF1dGg9QmVhcmVyIGEtZ29vZC10b2tlbgEB"
    account = Account("test", "pop3s-password", token="a-good-token")
    with serving("xoauth2-two-step-only", accounts=[account]) as server:
        with connected(server) as client:
            refused(lambda: client._shortcmd(f"AUTH XOAUTH2 {response}"), "Protocol error")  # type: ignore[attr-defined]
            refused(client._getline, "EOF")
        with connected(server) as client:
            assert client._shortcmd("AUTH XOAUTH2") == b"+ "  # type: ignore[attr-defined]
            assert client._shortcmd(response).startswith(b"+OK")  # type: ignore[attr-defined]
            client.quit()


def test_idle_timeout_short() -> None:
    """What stands unread from then is the answer to the next command."""
    with serving("idle-timeout-short", auto=False) as server, logged_in(server) as client:
        assert isinstance(server.clock, ManualClock)
        server.clock.advance(seconds=59)
        client.noop()
        server.clock.advance(seconds=61)
        refused(client.noop, "-ERR Disconnected for inactivity.")


def test_idle_timeout_short_in_total() -> None:
    """Whatever the client says; and nothing is said to it."""
    quirk = 'idle-timeout-short(total=60, says="")'
    with serving(quirk, auto=False) as server, logged_in(server) as client:
        assert isinstance(server.clock, ManualClock)
        server.clock.advance(seconds=40)
        client.noop()
        server.clock.advance(seconds=40)
        with pytest.raises((poplib.error_proto, OSError)):
            client.noop()


def test_list_arg_ignored() -> None:
    """The first line of the listing is the answer, and the next line the answer to the next command."""
    with serving("list-arg-ignored") as server, logged_in(server) as client:
        assert client.list(2).endswith(b"messages (71 octets)")  # type: ignore[attr-defined]  # typeshed has a listing
        refused(client.noop, "b'1 ")


def test_top_zero_gives_all() -> None:
    """It takes what comes."""
    with serving("top-zero-gives-all") as server, logged_in(server) as client:
        assert client.top(2, 0)[1] == [b"Subject: two", b"", b"hello"]
        client.quit()


def test_bad_command_limit() -> None:
    """Who tries what there might be is thrown out."""
    with serving("bad-command-limit(before=2)") as server, connected(server) as client:
        refused(lambda: client._shortcmd("XTND"), "-ERR unknown command")  # type: ignore[attr-defined]
        refused(lambda: client._shortcmd("XSENDER"), "-ERR unknown command")  # type: ignore[attr-defined]
        refused(lambda: client.user(server.login.user), "-ERR Too many bad commands.")


def test_connection_cap() -> None:
    """One more is refused in place of a greeting, until another has gone."""
    with serving('connection-cap(most=1, says="-ERR Too many open connections")') as server:
        with logged_in(server) as client:
            with pytest.raises(poplib.error_proto, match="Too many open connections"), connected(server):
                pass
            client.quit()
        server.settle()
        with logged_in(server) as client:
            client.quit()


def test_connection_cap_of_a_user() -> None:
    """The second session of one user is refused at its login."""
    with (
        serving("connection-cap(user=1)", "no-exclusive-lock") as server,
        logged_in(server),
        connected(server) as client,
    ):
        client.user(server.login.user)
        refused(lambda: client.pass_(server.login.password), "-ERR Too many open connections (no more for this user)")


def test_connection_cap_without_a_word() -> None:
    """One more hears nothing."""
    with serving("connection-cap(most=1)") as server, logged_in(server) as client:
        with pytest.raises((poplib.error_proto, OSError)), connected(server):
            pass
        client.quit()


def test_subfolder_by_user_name() -> None:
    """The folder is a maildrop of its own, which a test fills by the same name."""
    with serving("subfolder-by-user-name") as server:
        folder = f"{server.login.user}+lists"
        server.accounts[folder].maildrop.add_one("Subject: four\n\n", uid="m4")
        for user, there in ((folder, [b"m4"]), (server.login.user, [b"m1", b"m2", b"m3"])):
            with connected(server) as client:
                client.user(user)
                client.pass_(server.login.password)
                assert uids(client) == there
                client.quit()


def test_utf8_wrapped() -> None:
    """The message is the attachment of another, whose size is told, unless the client has said UTF8."""
    with serving("utf8-wrapped") as server:
        server.maildrop.add_one("Subject: très bien\n\nhello\n", uid="m4")
        seen = []
        for mode in (False, True):
            with connected(server) as client:
                if mode:
                    client.utf8()
                client.user(server.login.user)
                client.pass_(server.login.password)
                _, lines, octets = client.retr(4)
                assert client.list(4).endswith(b" %d" % octets)  # type: ignore[attr-defined]  # typeshed has a listing
                seen.append(lines)
                client.quit()
    assert seen[1][0] == "Subject: très bien".encode()
    assert seen[1][0] in seen[0][1:]
    assert b"Content-Type: message/global" in seen[0]


def test_reply_after_terminator_same_segment() -> None:
    """Both answers are in one record; poplib keeps what it has not asked for yet."""
    with serving("reply-after-terminator-same-segment") as server, logged_in(server) as client:
        client.sock.sendall(b"LIST 1\r\nSTAT\r\nNOOP\r\nQUIT\r\n")
        assert client.sock.recv(4096) == b"+OK 1 25\r\n+OK 3 71\r\n+OK\r\n"
        assert client.sock.recv(4096) == b"+OK signing off\r\n"


def test_stls_failed_handshake_continues() -> None:
    """What comes behind a handshake that failed is answered in clear."""
    with serving("stls-failed-handshake-continues") as server, in_clear(server) as client:
        client._shortcmd("STLS")  # type: ignore[attr-defined]
        client._putcmd("NOOP")  # type: ignore[attr-defined]  # where a ClientHello would come
        assert client._getline()[0] == b"\x15\x03\x03\x00\x02\x02"  # type: ignore[attr-defined]  # an alert, as a line
        assert "STLS" in client.capa()
        client.quit()


def test_pipelining_unadvertised() -> None:
    """Who does not wait for an answer waits for one in vain."""
    with serving("pipelining-unadvertised", auto=False) as server, logged_in(server) as client:
        client.sock.sendall(b"STAT\r\nNOOP\r\n")
        assert client.sock.recv(4096) == b"+OK 3 71\r\n"
        client.sock.sendall(b"QUIT\r\n")
        assert client.sock.recv(4096) == b"+OK signing off\r\n"


def test_retr_sets_seen() -> None:
    """Nothing on the wire shows it; a test asks the account."""
    with serving("retr-sets-seen") as server:
        with logged_in(server) as client:
            client.retr(1)
            client.top(3, 0)
            client.quit()
        assert server.account.seen == {"m1"}
        server.reset()
        assert server.account.seen == set()


def test_top_sets_seen() -> None:
    """LAST shows it, where there is one."""
    with serving("top-sets-seen", "retr-sets-seen", "last-command") as server:
        with logged_in(server) as client:
            client.retr(1)
            client.top(3, 0)
            assert client._shortcmd("LAST") == b"+OK 3"  # type: ignore[attr-defined]
            client.quit()
        assert server.account.seen == {"m1", "m3"}


def test_sasl_ir_buffer_limit() -> None:
    """A long line is refused where it is one of AUTH, and taken where it answers a challenge."""
    long_token = base64.b64encode(b"user=test\x01auth=Bearer " + 2000 * b"t" + b"\x01\x01").decode()
    account = Account("test", "pop3s-password", token=2000 * "t")
    with serving("sasl-ir-buffer-limit", accounts=[account]) as server:
        with connected(server) as client:
            refused(lambda: client._shortcmd(f"AUTH XOAUTH2 {long_token}"), "Input buffer full")  # type: ignore[attr-defined]
        with connected(server) as client:
            client._shortcmd("AUTH XOAUTH2")  # type: ignore[attr-defined]
            assert client._shortcmd(long_token).startswith(b"+OK")  # type: ignore[attr-defined]
            client.quit()


def test_close_on_bad_login() -> None:
    """The words come, and then nothing more."""
    with serving("close-on-bad-login") as server, connected(server) as client:
        client.user(server.login.user)
        refused(lambda: client.pass_("wrong"), "name or password is wrong")
        refused(client._getline, "EOF")


def test_locked_says_many_things() -> None:
    """The words are all there is."""
    with serving("locked-says-many-things") as server, logged_in(server), connected(server) as client:
        client.user(server.login.user)
        refused(lambda: client.pass_(server.login.password), "-ERR Can't get lock. Mailbox in use")


def test_dot_stuffed_lines() -> None:
    """It takes one dot off."""
    with serving("dot-stuffed-lines") as server, logged_in(server) as client:
        assert client.retr(1)[1] == [b"Subject: one", b"", b".", b"last"]
        client.quit()


def test_long_lines() -> None:
    """It gives up at 2048 octets, and the next answer is the rest of the line."""
    with serving("long-lines(octets=3000)") as server, logged_in(server) as client:
        refused(lambda: client.retr(2), "line too long")
        refused(client.noop, "xxx")


def test_single_vs_multi_by_argument() -> None:
    """Decided by the argument."""
    with serving("single-vs-multi-by-argument") as server, logged_in(server) as client:
        assert client.list(2) == b"+OK 2 23"  # type: ignore[comparison-overlap]  # typeshed knows one form only
        assert client.list()[1][1] == b"2 23"
        client.quit()


def test_no_quit_means_no_delete() -> None:
    """A connection that is lost deletes nothing."""
    with serving("no-quit-means-no-delete") as server:
        with logged_in(server) as client:
            client.dele(1)
        assert server.maildrop.uids == ["m1", "m2", "m3"]


def test_lock_survives_drop() -> None:
    """Each login is refused until the minutes are over."""
    with serving("lock-survives-drop") as server:
        with logged_in(server):
            pass
        server.settle()
        with connected(server) as client:
            client.user(server.login.user)
            refused(lambda: client.pass_(server.login.password), "[IN-USE]")
        assert isinstance(server.clock, ManualClock)
        server.clock.advance(seconds=121)
        with logged_in(server) as client:
            client.quit()


def test_gmail_popped() -> None:
    """What it has retrieved it does not see again, deleted or not."""
    with serving("gmail-popped") as server:
        with logged_in(server) as client:
            client.retr(2)
            client.quit()
        with logged_in(server) as client:
            assert uids(client) == [b"m1", b"m3"]
            client.quit()
        assert server.maildrop.uids == ["m1", "m2", "m3"]


def test_gmail_batches() -> None:
    """It must come again and again."""
    found = []
    with serving("gmail-batches(size=2)") as server:
        for _ in range(3):
            with logged_in(server) as client:
                found.append(uids(client))
                for number in range(1, len(found[-1]) + 1):
                    client.retr(number)
                client.quit()
    assert found == [[b"m1", b"m2"], [b"m3"], []]


def test_gmail_recent() -> None:
    """It says any name."""
    with serving("gmail-recent") as server:
        with logged_in(server) as client:
            client.retr(1)
            client.quit()
        with connected(server) as client:
            client.user(f"recent:{server.login.user}")
            client.pass_(server.login.password)
            assert uids(client) == [b"m1", b"m2", b"m3"]
            client.quit()


def test_listing_capped() -> None:
    """The older ones are out of sight."""
    with serving("listing-capped(newest=2)") as server, logged_in(server) as client:
        assert uids(client) == [b"m2", b"m3"]
        client.quit()


def test_mail_arrives_between_commands() -> None:
    """One listing is longer than the other."""
    with serving("mail-arrives-between-commands") as server, logged_in(server) as client:
        assert (len(client.uidl()[1]), len(client.list()[1])) == (2, 3)
        client.quit()


def test_quit_err_partial() -> None:
    """It says so."""
    with serving("quit-err-partial") as server:
        with logged_in(server) as client:
            client.dele(1)
            client.dele(2)
            refused(client.quit, "some deleted messages were not removed")
        assert server.maildrop.uids == ["m1", "m3"]


def test_early_close_after_quit() -> None:
    """It reads the answer; where it is made not to, nothing is deleted."""
    with serving("early-close-after-quit") as server:
        with connected(server) as client:
            client.user(server.login.user)
            client.pass_(server.login.password)
            client.dele(1)
            client._putcmd("QUIT")  # type: ignore[attr-defined]
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.wait_idle(timeout=30)
        assert server.maildrop.uids == ["m1", "m2", "m3"]
        with logged_in(server) as client:
            client.dele(1)
            client.quit()
        server.wait_idle(timeout=30)
        assert server.maildrop.uids == ["m2", "m3"]
        assert server.transcript.last_session.deleted == ["m1"]


def test_deleted_on_retr() -> None:
    """What it has retrieved is gone, though it did not ask for that."""
    with serving("deleted-on-retr") as server:
        with logged_in(server) as client:
            client.retr(2)
            client.quit()
        assert server.maildrop.uids == ["m1", "m3"]


def test_poll_too_often_closed() -> None:
    """No word comes."""
    with serving("poll-too-often-closed") as server:
        with logged_in(server) as client:
            client.quit()
        with connected(server) as client:
            client.user(server.login.user)
            refused(lambda: client.pass_(server.login.password), "EOF")


def test_bare_lf_dot() -> None:
    """It ends there, and the next answer is the rest of the message."""
    with serving("bare-lf-dot") as server, logged_in(server) as client:
        assert client.retr(2)[1] == [b"Subject: two", b"", b"hello", b"before it"]
        refused(client.noop, "behind it")


def test_pipelining_advertised_broken() -> None:
    """It sends nothing ahead; made to, it gets one answer."""
    with serving("pipelining-advertised-broken") as server, logged_in(server) as client:
        client.noop()
        client.sock.sendall(b"STAT\r\nSTAT\r\n")
        assert client._getresp() == b"+OK 3 71"  # type: ignore[attr-defined]
        refused(client._getresp, "EOF")  # type: ignore[attr-defined]


def test_wrong_protocol_greeting() -> None:
    """It stops at the first line, and shows it."""
    with serving("wrong-protocol-greeting") as server:
        with pytest.raises(poplib.error_proto, match="IMAP4rev1"), connected(server):
            pass
        assert server.transcript.keywords == []


def test_apop_offered_but_refused() -> None:
    """It uses APOP where it is asked to, and must connect anew for a password."""
    with serving("apop-offered-but-refused") as server:
        with connected(server) as client:
            refused(lambda: client.apop(*server.login), "authentication failed")
        with logged_in(server) as client:
            client.quit()


def test_app_password_required() -> None:
    """The password that was good is refused, with the words, which name an address; the other one is taken."""
    with serving("app-password-required") as server, connected(server) as client:
        client.user(server.login.user)
        refused(lambda: client.pass_("wrong"), "name or password is wrong")
        for _ in range(2):
            client.user(server.login.user)
            words = "[AUTH] Application-specific password required: https://support.example/app-passwords"
            refused(lambda: client.pass_(server.login.password), words)
        client.user(server.login.user)
        client.pass_("abcdefghijklmnop")
        client.quit()
    told = server.transcript.render()
    assert "struck" not in told
    assert "abcdefghijklmnop" not in told


def test_throttle_looks_like_bad_password() -> None:
    """A good password is called wrong, and later is good again."""
    with serving("throttle-looks-like-bad-password(after=1)", auto=False) as server:
        with logged_in(server) as client:
            client.quit()
        with connected(server) as client:
            client.user(server.login.user)
            refused(lambda: client.pass_(server.login.password), "bad password")
        assert isinstance(server.clock, ManualClock)
        server.clock.advance(seconds=900)
        with logged_in(server) as client:
            client.quit()


def test_slow_pass() -> None:
    """It waits."""
    with serving("slow-pass") as server, logged_in(server) as client:
        client.quit()
        assert isinstance(server.clock, ManualClock)
        assert server.clock.now() == 120


def test_quit_slow() -> None:
    """It says what was said in the end; where its bound is shorter, the deletions were carried out nevertheless."""
    with serving("quit-slow", auto=False) as server, logged_in(server) as client:
        client.dele(1)
        client.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.quit()
        server.wait_idle(timeout=30)
        assert server.maildrop.uids == ["m2", "m3"]


def test_slow_drip() -> None:
    """Each octet comes by itself, and it bounds each read alone: all comes in the end."""
    with serving("slow-drip") as server, logged_in(server) as client:
        client._putcmd("STAT")  # type: ignore[attr-defined]
        assert client.sock.recv(4096) == b"+"
        assert client._getline()[0] == b"OK 3 71"
        client.quit()


def test_uidl_blank() -> None:
    """It gives a line without a unique-id."""
    with serving("uidl-blank") as server, logged_in(server) as client:
        assert client.uidl()[1] == [b"1 ", b"2 m2", b"3 m3"]
        client.quit()


def test_uidl_duplicate() -> None:
    """It gives them as they are."""
    with serving("uidl-duplicate") as server, logged_in(server) as client:
        assert uids(client) == [b"same"] * 3
        client.quit()


def test_uidl_all_changed() -> None:
    """None is known the next time."""
    with serving("uidl-all-changed") as server:
        with logged_in(server) as client:
            first = uids(client)
            client.quit()
        with logged_in(server) as client:
            assert not set(uids(client)) & set(first)
            client.quit()


def test_top_truncated() -> None:
    """It cannot know."""
    with serving("top-truncated(octets=20)") as server, logged_in(server) as client:
        assert client.top(2, 99)[1] == [b"Subject: two", b""]
        client.quit()


def test_top_differs_from_retr() -> None:
    """It gives what it is given."""
    with serving("top-differs-from-retr") as server, logged_in(server) as client:
        assert b"X-Only-In-TOP: yes" in client.top(2, 0)[1]
        assert b"X-Only-In-TOP: yes" not in client.retr(2)[1]
        client.quit()


def test_top_not_stuffed() -> None:
    """It ends at the dot of the message."""
    with serving("top-not-stuffed") as server, logged_in(server) as client:
        assert client.top(1, 9)[1] == [b"Subject: one", b""]
        refused(client.noop, "last")


def test_retr_quota() -> None:
    """It says what was said."""
    with serving("retr-quota(messages=1)") as server, logged_in(server) as client:
        client.retr(1)
        refused(lambda: client.retr(2), "Download exceed. msg=1")
        client.quit()


def test_retr_expunged() -> None:
    """The others can be had."""
    with serving("retr-expunged") as server, logged_in(server) as client:
        refused(lambda: client.retr(1), "Message 1 expunged.")
        assert client.retr(2)[1][0] == b"Subject: two"
        client.quit()


def test_empty_list() -> None:
    """It gives an empty list."""
    with serving("empty-list") as server, logged_in(server) as client:
        for number in (1, 2, 3):
            client.dele(number)
        assert client.list()[1] == []
        client.quit()


def test_server_unavailable_throttle() -> None:
    """It says what was said, and the connection is gone."""
    with serving("server-unavailable-throttle(after=3)") as server, logged_in(server) as client:
        client.noop()
        refused(client.noop, "Server Unavailable. 21")
        with pytest.raises((poplib.error_proto, OSError)):
            client.noop()


def test_stls_advertised_broken() -> None:
    """It sends no password."""
    with serving("stls-advertised-broken") as server, in_clear(server) as client:
        refused(lambda: client.stls(server.client_context()), "TLS not available")
        assert server.transcript.keywords == ["CAPA", "STLS"]


def test_stls_required_for_login() -> None:
    """It is refused before it has said the password."""
    with serving("stls-required-for-login") as server, in_clear(server) as client:
        refused(lambda: client.user(server.login.user), "-ERR STLS is required.")
        client.stls(server.client_context())
        client.user(server.login.user)
        client.pass_(server.login.password)
        client.quit()


@pytest.mark.parametrize("name", ["courier", "mailutils", "popa3d", "solid-pop3d", "hmailserver", "jpop"])
def test_a_server_that_takes_passwords_in_clear_wants_tls_by_a_quirk(name: str) -> None:
    """It is refused before it has said the password, and comes in behind STLS."""
    with serving("stls-required-for-login", dialect=name) as server, in_clear(server) as client:
        refused(lambda: client.user(server.login.user), "b'-ERR STLS is required.'")
        client._shortcmd("STLS")  # type: ignore[attr-defined]  # stls() asks for CAPA, which some have not
        context = server.client_context()
        with context.wrap_socket(client.sock, server_hostname=server.host) as over_tls:
            client.sock = over_tls
            client.file.close()
            client.file = over_tls.makefile("rb")
            client.user(server.login.user)
            client.pass_(server.login.password)
            client.quit()


def test_stls_agreed_to_and_then_no_handshake() -> None:
    """It hears an alert behind the agreement."""
    with serving("stls-advertised-broken(how=alert)") as server, in_clear(server) as client:
        client._shortcmd("STLS")  # type: ignore[attr-defined]  # stls() closes no socket where it fails
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = server.client_context().wrap_bio(incoming, outgoing, server_hostname=server.host)
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        client.sock.sendall(outgoing.read())
        incoming.write(client.file.read())
        with pytest.raises(ssl.SSLError, match=r"(?i)handshake.failure"):
            tls.do_handshake()


def test_caps_change_after_stls() -> None:
    """It forgets the first list, and asks again where it is asked to."""
    with serving("caps-change-after-stls") as server, in_clear(server) as client:
        before = client.capa()
        client.stls(server.client_context())
        after = client.capa()
        assert "STLS" in before
        assert "STLS" not in after
        assert len(after["SASL"]) > len(before["SASL"])
        client.quit()


def test_stls_response_injection() -> None:
    """It throws away what it has read before the handshake; what it has not read spoils the handshake."""
    with serving("stls-response-injection") as server, in_clear(server) as client:
        assert client._shortcmd("STLS") == b"+OK begin TLS"  # type: ignore[attr-defined]
        assert client._getline()[0] == b"+OK forged"  # type: ignore[attr-defined]
        with in_clear(server) as other, contextlib.suppress(ssl.SSLError, OSError):
            other.stls(server.client_context())
            assert b"forged" not in other.user(server.login.user)


def test_a_reset_takes_back_what_an_account_remembers() -> None:
    """As it takes back the mail."""
    with serving("gmail-popped") as server:
        for _ in range(2):
            with logged_in(server) as client:
                assert len(client.uidl()[1]) == 3
                client.retr(1)
                client.quit()
            server.reset()


def test_an_account_of_a_test_is_served_by_the_same_policy() -> None:
    """Also one that comes later."""
    with serving("listing-capped(newest=1)", accounts=[Account("ann", "not-a-secret")]) as server:
        server.add_account("bob", "not-a-secret").add("Subject: one\n\n", "Subject: two\n\n")
        with connected(server) as client:
            client.user("bob")
            client.pass_("not-a-secret")
            assert client.stat()[0] == 1
            client.quit()
