"""What a client sees of each documented dialect over the wire: what our own server does otherwise.

The client is poplib, which nobody here wrote; where it cannot say or show something, its socket does.
"""

from __future__ import annotations

import base64
import contextlib
import json
import poplib
import ssl
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, ManualClock, Pop3sServer
from pop3s_fake.dialects import dialect
from pop3s_fake.dialects.bundle import problems_with
from pop3s_fake.dialects.catalogue import DOCUMENTED
from tests.quirks.talking import connected, in_clear, logged_in

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = {
    "gmail": ("Gmail", "pop.gmail.com"),
    "exchange-online": ("Exchange", "Outlook", "Office 365", "outlook.office365.com"),
    "exchange-2000": ("Exchange",),
    "maillennium": ("Maillennium",),
    "netease": ("163",),
    "hmailserver": ("hMailServer",),
    "davmail": ("DavMail",),
    "uw": ("UW",),
    "jpop": ("JPOP",),
    "mailpit-old": ("Mailpit",),
    "stalwart-old": ("Stalwart",),
}
"""Who a dialect is, as the quirks tell who does them."""


@contextlib.contextmanager
def speaking(name: str, *quirks: str, mail: int = 3, auto: bool = True, **keywords: object) -> Iterator[Pop3sServer]:
    """A server of this dialect with so many messages, on a clock that costs nothing."""
    clock = ManualClock(auto=auto)
    server = Pop3sServer(dialect=name, quirks=quirks, clock=clock, strict=False, seed=1, **keywords)  # type: ignore[arg-type]  # by name
    for number in range(1, mail + 1):
        server.account.maildrop.add_one(f"Subject: {number}\n\n.dot\nlast\n", uid=f"m{number}")
    with server:
        yield server


def told(client: poplib.POP3, line: str) -> bytes:
    """The first line of the answer, whatever it is; behind the end b"-ERR EOF", which is poplib's."""
    try:
        return client._shortcmd(line)  # type: ignore[attr-defined,no-any-return]  # poplib's own way
    except poplib.error_proto as refusal:
        words = refusal.args[0]
        return words if isinstance(words, bytes) else str(words).encode()


def read(client: poplib.POP3, line: str, end: bytes) -> bytes:
    """What is answered, up to this end."""
    client.sock.sendall(f"{line}\r\n".encode())
    octets = b""
    while not octets.endswith(end):
        more = client.file.read(1)
        assert more, octets
        octets += more
    return octets


def ended(client: poplib.POP3) -> bool:
    """Whether the server has closed the connection, without another word."""
    left: bytes = client.file.read()
    return left == b""


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_is_marked_and_has_its_evidence(name: str) -> None:
    """It is documented, not recorded, tells by whom, and each of its quirks is one that its server is said to have."""
    chosen = dialect(name)
    assert list(problems_with(chosen)) == []
    assert chosen.made_of == "documented, not recorded"
    assert chosen.evidence
    assert chosen.manner.greeting.evidence
    for one in chosen.brings:
        assert any(each in one.quirk.who + one.quirk.summary for each in NAMES[name]), one.quirk.id
    server = Pop3sServer(dialect=name)
    assert server.transcript.heading.startswith(f"dialect {name} (documented, not recorded); quirk")
    assert server.quirks == tuple(map(str, chosen.brings))


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_is_ours_in_all_else(name: str) -> None:
    """It greets as its server does, lets the client in and out, and its words are ours."""
    with speaking(name) as server, connected(server) as client:
        assert client.welcome != b"+OK POP3 server ready"
        assert told(client, "FOO") == b"-ERR unknown command"
        assert told(client, "USER test") == b"+OK name noted, now the password"
        assert told(client, f"PASS {server.login.password}").startswith(b"+OK maildrop has ")
        assert told(client, "NOOP") == b"+OK"
        assert told(client, "QUIT") == (b"-ERR EOF" if name == "stalwart-old" else b"+OK signing off")


# gmail


def test_gmail_greets_and_announces_as_gmail_does() -> None:
    """PIPELINING, and what else it has, is told of after the login only."""
    with speaking("gmail") as server, connected(server) as client:
        assert client.welcome.startswith(b"+OK Gpop ready for requests from ")
        before = client.capa()
        assert before["SASL"] == ["PLAIN", "XOAUTH2", "OAUTHBEARER"]
        assert (before["EXPIRE"], before["LOGIN-DELAY"]) == (["0"], ["300"])
        assert "X-GOOGLE-RICO" in before
        client.user(server.login.user)
        client.pass_(server.login.password)
        assert client.capa().keys() - before.keys() == {"PIPELINING"}
        client.quit()


def test_gmail_shows_nobody_twice_what_was_retrieved() -> None:
    """No other session finds it, but for one under the name of recent mail; all sent mail is found, too."""
    with speaking("gmail") as server:
        with logged_in(server) as client:
            assert client.stat()[0] == 4
            client.retr(1)
            client.quit()
        with logged_in(server) as client:
            assert [line.split()[1] for line in client.uidl()[1][:2]] == [b"m2", b"m3"]
            assert client.retr(3)[1][2] == b"Subject: what I have sent"
            client.quit()
        with connected(server) as client:
            client.user(f"recent:{server.login.user}")
            client.pass_(server.login.password)
            assert client.uidl()[1][0] == b"1 m1"
            client.quit()


def test_gmail_shows_the_oldest_mail_first() -> None:
    """So many at a time; the size of a batch is the user's who asks for it."""
    with speaking("gmail", "gmail-batches(size=2)", "-gmail-scope") as server:
        for batch in ([b"1 m1", b"2 m2"], [b"1 m3"]):
            with logged_in(server) as client:
                assert client.uidl()[1] == batch
                for number in range(1, len(batch) + 1):
                    client.retr(number)
                client.quit()
        assert server.quirks[-1] == "gmail-batches(size=2)"
        assert "gmail-scope" not in server.quirks


def test_gmail_keeps_what_is_deleted() -> None:
    """It is hidden, and there."""
    with speaking("gmail") as server:
        with logged_in(server) as client:
            client.dele(1)
            client.quit()
        with logged_in(server) as client:
            assert client.uidl()[1][0] == b"1 m2"
            client.quit()
        assert server.maildrop.uids[0] == "m1"


def test_gmail_wants_another_password() -> None:
    """It says so where one is for people, and takes the one that the test knows."""
    with speaking("gmail") as server, connected(server) as client:
        client.user(server.login.user)
        assert told(client, "PASS guess") == b"-ERR [AUTH] name or password is wrong"
        client.user(server.login.user)
        words = b"-ERR [AUTH] Application-specific password required: https://support.example/app-passwords"
        assert told(client, "PASS password-for-people") == words
        client.user(server.login.user)
        client.pass_(server.login.password)
        client.quit()


def test_gmail_tells_why_a_token_is_wrong() -> None:
    """By one more challenge, which has to be answered."""
    account = Account("ann", "not-a-secret", token="not-a-token")
    with speaking("gmail", accounts=[account], mail=0) as server, connected(server) as client:
        response = base64.b64encode(b"user=ann\1auth=Bearer wrong\1\1").decode()
        challenge = read(client, f"AUTH XOAUTH2 {response}", b"\r\n")
        assert challenge.startswith(b"+ ")
        assert "status" in json.loads(base64.b64decode(challenge[2:]))
        assert told(client, "").startswith(b"-ERR [AUTH] ")


def test_gmail_wants_to_be_named_in_the_handshake() -> None:
    """Who names nobody is shown a certificate that nobody trusts."""
    with speaking("gmail") as server:
        context = server.client_context()
        context.check_hostname = False
        with pytest.raises(ssl.SSLCertVerificationError, match=r"self.signed"), connected(server, context, named=False):
            pass


# exchange-online


def token(account: Account) -> str:
    """A response of XOAUTH2 that is right."""
    return base64.b64encode(f"user={account.name}\1auth=Bearer {account.token}\1\1".encode()).decode()


def test_exchange_online_takes_a_token_in_two_steps() -> None:
    """Behind a plus that nothing follows; in the line of AUTH it is refused, and the connection ends."""
    account = Account("ann", "not-a-secret", token="not-a-token")
    with speaking("exchange-online", accounts=[account], mail=0) as server:
        with connected(server) as client:
            assert client.welcome.startswith(b"+OK The Microsoft Exchange POP3 service is ready. [")
            assert client.capa().keys() == {"TOP", "UIDL", "SASL", "USER"}
            assert told(client, f"AUTH XOAUTH2 {token(account)}") == b"-ERR Protocol error. Connection is closed. 10"
            assert ended(client)
        with connected(server) as client:
            assert read(client, "AUTH XOAUTH2", b"\r\n") == b"+\r\n"
            assert told(client, token(account)).startswith(b"+OK")
            client.quit()


def test_exchange_online_is_short_of_patience() -> None:
    """A wrong password ends the connection, and after some logins a right one does so, too; so does a wait."""
    with speaking("exchange-online", auto=False) as server:
        with connected(server) as client:
            client.user(server.login.user)
            assert told(client, "PASS guess").startswith(b"-ERR")
            assert ended(client)
        for _ in range(3):
            with logged_in(server) as client:
                client.quit()
        with connected(server) as client:
            client.user(server.login.user)
            words = told(client, f"PASS {server.login.password}")
            assert words == b"-ERR Logon failure: unknown user name or bad password."
    with speaking("exchange-online", auto=False) as server, logged_in(server) as client:
        assert isinstance(server.clock, ManualClock)
        server.clock.advance(61)
        assert client.noop() == b"+OK"
    with speaking("exchange-online", auto=False) as server, connected(server) as client:
        assert isinstance(server.clock, ManualClock)
        server.clock.advance(60)
        assert client.file.readline() == b"-ERR Disconnected for inactivity.\r\n"
        assert ended(client)


def test_exchange_online_answers_oddly() -> None:
    """DELE by an empty line, sizes by multiples, TOP by another header than RETR."""
    with speaking("exchange-online") as server, logged_in(server) as client:
        assert client.list()[1] == [b"1 1024", b"2 1024", b"3 1024"]
        assert b"X-Only-In-TOP: yes" in client.top(1, 0)[1]
        assert b"X-Only-In-TOP: yes" not in client.retr(1)[1]
        with pytest.raises(poplib.error_proto) as caught:
            client.dele(1)
        assert caught.value.args == (b"",)


def test_exchange_online_has_room_for_so_many() -> None:
    """Sixteen for one user, and any number that nobody has logged in on; one more is refused at PASS."""
    with (
        speaking("exchange-online", "-throttle-looks-like-bad-password", "-server-unavailable-throttle") as server,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(16):
            stack.enter_context(logged_in(server))
        late = stack.enter_context(connected(server))
        late.user(server.login.user)
        words = told(late, f"PASS {server.login.password}")
        assert words == b"-ERR Too many open connections (no more for this user)"


# the others


def test_exchange_2000_puts_the_dot_behind_the_last_line() -> None:
    """So that a client waits for it; and AUTH says OK where it should say go on."""
    with speaking("exchange-2000") as server:
        with logged_in(server) as client:
            assert client.welcome.startswith(b"+OK Microsoft Exchange 2000 POP3 server version ")
            assert read(client, "RETR 1", b"last.\r\n").startswith(b"+OK 1024 octets\r\n")
        with connected(server) as client:
            assert client.capa()["SASL"] == ["NTLM"]
            assert read(client, "AUTH NTLM", b"\r\n") == b"+OK\r\n"
            challenge = read(client, "TlRMTVNTUAABAAAABgIIAAAAAAAAAAAAAAAAAAAAAAA=", b"\r\n")
            assert challenge.startswith(b"+ TlRMTVNT")


def test_maillennium_cuts_top_and_spaces_unique_ids() -> None:
    """RETR is whole."""
    with speaking("maillennium", mail=1) as server:
        server.maildrop.add("Subject: long\n\n" + "x" * 70 + "\n" + "y" * 70 + "\n" + ("z" * 70 + "\n") * 1400)
        with logged_in(server) as client:
            assert client.welcome == b"+OK Maillennium POP3/PROXY server"
            assert client.uidl()[1][0] == b"1   m1"
            assert len(client.retr(2)[1]) == 1404
            assert client.top(2, 9999)[2] <= 65536
            client.quit()


def test_netease_lets_so_many_be_retrieved() -> None:
    """And one never."""
    with speaking("netease", mail=12) as server, logged_in(server) as client:
        assert client.welcome.startswith(b"+OK Welcome to coremail Mail Pop3 Server (163coms[")
        assert told(client, "RETR 1") == b"-ERR Can't get the letter, try again later"
        answers = []
        for number in range(2, 13):
            try:
                answers.append(client.retr(number)[0])
            except poplib.error_proto as refusal:
                answers.append(refusal.args[0])
        assert answers[-1] == b"-ERR Download exceed. msg=10"
        assert answers[0].endswith(b" octets")
        client.quit()


def test_hmailserver_refuses_as_if_it_agreed() -> None:
    """A client on poplib takes that for a login; and a message has one line too many."""
    with speaking("hmailserver") as server:
        with connected(server) as client:
            client.user(server.login.user)
            assert client.pass_("guess").startswith(b"+ERR")
        with logged_in(server) as client:
            assert client.welcome == b"+OK POP3"
            assert (client.top(2, 9)[1][-2:], client.retr(2)[1][-1]) == ([b"last", b""], b"last")
            client.quit()
        with in_clear(server) as plain:
            assert told(plain, "USER test").startswith(b"-ERR")


def test_hmailserver_does_not_answer_for_a_message_that_is_lost() -> None:
    """However long the client waits."""
    with speaking("hmailserver", auto=False) as server, logged_in(server) as client:
        client.sock.sendall(b"RETR 1\r\n")
        server.wait_for("RETR", timeout=30)
        server.wait_idle(timeout=30)
        assert isinstance(server.clock, ManualClock)
        server.clock.advance(minutes=20)
        server.wait_idle(timeout=30)
        client.sock.setblocking(False)
        with pytest.raises(ssl.SSLWantReadError):
            client.sock.recv(1)


def test_davmail_says_yes_before_it_knows() -> None:
    """The refusal stands where the message should, and no dot follows."""
    with speaking("davmail") as server, logged_in(server) as client:
        assert client.welcome.startswith(b"+OK DavMail ")
        answer = read(client, "RETR 1", b"message\r\n")
        assert answer == b"+OK \r\n-ERR error retrieving message\r\n"
        assert told(client, "NOOP") == b"+OK"


def test_davmail_deletes_at_once() -> None:
    """RSET brings nothing back; the listing has it all the same."""
    with speaking("davmail") as server, logged_in(server) as client:
        client.dele(2)
        assert [line.split()[0] for line in client.list()[1]] == [b"1", b"2", b"3"]
        assert server.maildrop.uids == ["m1", "m3"]
        assert told(client, "RSET") == b"+OK RSET"
        assert server.maildrop.uids == ["m1", "m3"]
        client.quit()


def test_uw_gives_the_maildrop_to_whoever_comes_last() -> None:
    """And tells the first one so."""
    with speaking("uw") as server, logged_in(server) as first:
        assert first.welcome == b"+OK POP3 localhost 2001.80 server ready"
        assert first.retr(2)[1][1] == b"Status: RO"
        assert told(first, "LAST") == b"+OK 2"
        with logged_in(server) as second:
            assert told(first, "NOOP") == b"-ERR Received Kiss of Death"
            assert ended(first)
            assert second.stat()[0] == 3
            second.quit()


def test_uw_lists_mechanisms_and_waits_three_minutes_for_a_login() -> None:
    """AUTH alone is answered by a listing."""
    with speaking("uw", auto=False) as server, connected(server) as client:
        assert read(client, "AUTH", b"\r\n.\r\n").startswith(b"+OK\r\n")
        assert isinstance(server.clock, ManualClock)
        server.clock.advance(180)
        assert client.file.readline() == b"-ERR Autologout\r\n"
        assert ended(client)


def test_jpop_has_unique_ids_and_does_not_say_so() -> None:
    """The list is that of the log."""
    with speaking("jpop") as server, logged_in(server) as client:
        assert client.welcome == b"+OK Maildrop ready, (JPOP server ready)."
        assert client.capa() == {"TOP": [], "USER": [], "SASL": ["LOGIN", "PLAIN"], "IMPLEMENTATION": ["jpop-0.1"]}
        assert client.uidl()[1] == [b"1 m1", b"2 m2", b"3 m3"]
        client.quit()


def test_mailpit_old_lists_what_was_not_asked_for() -> None:
    """And stuffs no dots, tells sizes that are none, and shows a hundred messages."""
    with speaking("mailpit-old", mail=101) as server, logged_in(server) as client:
        assert client.welcome == b"+OK Mailpit POP3 server"
        assert client.uidl()[1][0] == b"1 m2"
        listing = read(client, "LIST 1", b"\r\n.\r\n").split(b"\r\n")
        assert len(listing) == 103
        assert listing[1].startswith(b"1 %!d(float64=")
        assert read(client, "UIDL 1", b"\r\n.\r\n").endswith(b"1 m2\r\n.\r\n")
        assert b"\r\n.dot\r\n" in read(client, "RETR 1", b"\r\n.\r\n")
        client.quit()


def test_stalwart_old_counts_otherwise_and_leaves_without_a_word() -> None:
    """TOP 1 0 is the whole message, 0 is message 1, and what was marked is gone although QUIT was not answered."""
    with speaking("stalwart-old") as server:
        with logged_in(server) as client:
            assert client.welcome == b"+OK Stalwart POP3 at your service."
            assert client.top(1, 0)[1] == [b"Subject: 1", b"", b".dot", b"last"]
            assert client.top(1, 1)[1] == [b"Subject: 1"]
            assert client.retr(0)[1][0] == b"Subject: 1"
            client.dele(1)
            assert client.uidl()[1][0] == b"1 m1"
            with pytest.raises(poplib.error_proto, match="EOF"):
                client.quit()
        assert server.maildrop.uids == ["m2", "m3"]
