"""Capabilities: what is listed is what is done, and what no server may list is refused in words."""

from __future__ import annotations

import base64
import hashlib
import poplib
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import Account, ManualClock, Pop3sServer, UsageError
from pop3s_fake.connection import Connection, Send, Settings
from pop3s_fake.maildrop import Accounts
from pop3s_fake.protocol import Session
from pop3s_fake.protocol.capabilities import MECHANISMS, PLAINTEXT, Offer, _needs
from pop3s_fake.protocol.sasl import MECHANISMS as ALL
from pop3s_fake.server.options import merged
from pop3s_fake.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pop3s_fake.connection.steps import Steps

EIGHT_BIT = "Subject: \u00fcber\n\nbody\n"


def _heard(steps: Steps) -> bytes:
    """All that is said until the client is to say something, or to the end."""
    said = b""
    for step in steps:
        if not isinstance(step, Send):
            break
        said += step.octets
    return said


class Server:
    """Sessions in clear, in which nothing is refused because of that, on one clock and with one maildrop."""

    def __init__(self, capabilities: Sequence[str] | None, **account: Any) -> None:
        self.time = 0.0
        self.account = Account("ann", "not-a-secret", **account)
        self.transcript = Transcript()
        offer = Offer(capabilities, stls=False)
        accounts = Accounts([self.account], lambda: self.time, offer.agree)
        self.settings = Settings(accounts, now=lambda: self.time, offer=offer)

    def ask(self, *lines: str | bytes) -> list[bytes]:
        """What one session says to these lines, each reply for itself; then it is cut."""
        connection = Connection(self.settings, self.transcript.begin(self.time))
        steps = connection.steps()
        said = [_heard(steps)]
        for line in lines:
            connection.feed((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
            said.append(_heard(steps))
        connection.close()
        return said[1:]

    def session(self, *lines: str | bytes) -> list[bytes]:
        """The same behind a login."""
        user, password, *said = self.ask("USER ann", "PASS not-a-secret", *lines)
        assert user.startswith(b"+OK"), user
        assert password.startswith(b"+OK"), password
        return said

    def capabilities(self, *, login: bool = False) -> list[str]:
        """What CAPA lists."""
        (said,) = self.session("CAPA") if login else self.ask("CAPA")
        return said.decode().split("\r\n")[1:-2]


UNKNOWN = b"-ERR unknown command\r\n"


def test_what_is_not_listed_is_not_done() -> None:
    """RFC 2449 sections 6.1, 6.2 and 6.8, RFC 5034 section 3: and what is listed stays."""
    server = Server(["-TOP", "-UIDL", "-SASL"])
    assert server.session("TOP 1 0", "UIDL", "STAT") == [UNKNOWN, UNKNOWN, b"+OK 0 0\r\n"]
    assert server.ask("AUTH PLAIN", "TOP 1 0") == [UNKNOWN] * 2
    server = Server(["UIDL", "SASL PLAIN"])
    assert server.capabilities() == ["UIDL", "SASL PLAIN"]
    assert server.ask("USER ann", "PASS not-a-secret", "AUTH SCRAM-SHA-256") == [
        UNKNOWN,
        UNKNOWN,
        b"-ERR this mechanism is not offered\r\n",
    ]


def test_changes_edit_the_default_list() -> None:
    """In place of the tag's line, or at the end."""
    server = Server(["+SASL CRAM-MD5", "+X-ODD one two", "-EXPIRE"])
    assert server.capabilities() == [
        "TOP",
        "UIDL",
        "USER",
        "SASL CRAM-MD5",
        "RESP-CODES",
        "AUTH-RESP-CODE",
        "PIPELINING",
        "IMPLEMENTATION pop3s-fake",
        "X-ODD one two",
    ]
    assert server.ask("AUTH CRAM-MD5")[0].startswith(b"+ PG")


def test_without_capa_the_rest_is_as_ever() -> None:
    """RFC 2449 section 5: CAPA is a command that is not there."""
    server = Server(["-CAPA"])
    assert server.ask("CAPA") == [UNKNOWN]
    assert server.session("CAPA", "UIDL") == [UNKNOWN, b"+OK unique-id listing follows\r\n.\r\n"]


def test_an_empty_list_is_a_server_of_rfc_1939() -> None:
    """No CAPA, no AUTH, no response codes; USER, TOP and UIDL are there."""
    server = Server([])
    assert server.ask("CAPA", "AUTH PLAIN") == [UNKNOWN] * 2
    assert server.ask("USER ann", "PASS guess")[1] == b"-ERR name or password is wrong\r\n"
    assert server.session("TOP 1 0", "UIDL") == [
        b"-ERR no such message\r\n",
        b"+OK unique-id listing follows\r\n.\r\n",
    ]


@pytest.mark.parametrize(
    ("changes", "wrong", "in_use"),
    [
        (["-RESP-CODES"], b"-ERR name", b"-ERR the maildrop"),
        (["-AUTH-RESP-CODE"], b"-ERR name", b"-ERR [IN-USE] the maildrop"),
        ([], b"-ERR [AUTH] name", b"-ERR [IN-USE] the maildrop"),
    ],
)
def test_codes_are_sent_only_where_they_are_announced(changes: list[str], wrong: bytes, in_use: bytes) -> None:
    """RFC 2449 section 6.4, RFC 3206 section 6: in AUTH as in PASS."""
    server = Server(changes or None)
    plain = [base64.b64encode(b"\0ann\0" + password).decode() for password in (b"guess", b"not-a-secret")]
    assert [each.startswith(wrong) for each in server.ask("USER ann", "PASS x", f"AUTH PLAIN {plain[0]}")[1:]] == [
        True,
        True,
    ]
    holder = server.account.open("somebody")
    said = server.ask("USER ann", "PASS not-a-secret", f"AUTH PLAIN {plain[1]}")[1:]
    assert [each.startswith(in_use) for each in said] == [True, True]
    holder.close()


def test_a_login_too_soon_after_another_is_refused() -> None:
    """RFC 2449 section 6.5: counted from the last login that went well, whatever way it went."""
    server = Server(["+LOGIN-DELAY 900"])
    assert "LOGIN-DELAY 900" in server.capabilities(login=True)
    server.time = 899.0
    refused = b"-ERR [LOGIN-DELAY] the last login was too short a time ago\r\n"
    plain = base64.b64encode(b"\0ann\0not-a-secret").decode()
    assert server.ask("USER ann", "PASS not-a-secret", f"AUTH PLAIN {plain}")[1:] == [refused, refused]
    assert server.ask("USER ann", "PASS guess")[1].startswith(b"-ERR [AUTH]")
    server.time = 900.0
    assert server.session("NOOP") == [b"+OK\r\n"]


def test_a_login_delay_of_ones_own_is_told_after_the_login() -> None:
    """RFC 2449 section 6.5: before it, the largest there is."""
    server = Server(["+LOGIN-DELAY 900 USER"], login_delay=300)
    assert "LOGIN-DELAY 900 USER" in server.capabilities()
    assert "LOGIN-DELAY 300" in server.capabilities(login=True)
    server.time = 300.0
    assert server.session("NOOP") == [b"+OK\r\n"]
    with pytest.raises(UsageError) as caught:
        Account("ann", "x", login_delay=-1)
    assert str(caught.value) == "login_delay must be a number of seconds from 0, not -1"


def test_under_expire_0_what_was_retrieved_goes_at_update() -> None:
    """RFC 2449 section 6.7: by RETR, not by TOP, and not without QUIT."""
    server = Server(["+EXPIRE 0"])
    server.account.maildrop.add("Subject: one\n\n", "Subject: two\n\n", "Subject: three\n\n")
    server.session("RETR 1")
    assert len(server.account.maildrop) == 3
    server.session("RETR 1", "TOP 2 9", "RETR 9", "QUIT")
    assert len(server.account.maildrop) == 2
    assert server.transcript.sessions[-1].deleted == [server.transcript.sessions[0].retrieved[0]]
    other = Server(None)
    other.account.maildrop.add("Subject: one\n\n")
    other.session("RETR 1", "QUIT")
    assert len(other.account.maildrop) == 1


DAY = 86400


def test_messages_are_gone_when_they_are_as_old_as_expire_says() -> None:
    """RFC 2449 section 6.7: at the login, counted for each from when it came; a session keeps what it saw."""
    server = Server(["+EXPIRE 30"])
    assert "EXPIRE 30" in server.capabilities()
    server.account.maildrop.add("Subject: one\n\n", "Subject: two\n\n")
    server.time = 2.0 * DAY
    server.account.maildrop.add("Subject: three\n\n")
    server.time = 29.0 * DAY
    assert server.session("STAT") == [b"+OK 3 50\r\n"]
    server.time = 30.0 * DAY - 1
    assert server.session("STAT") == [b"+OK 3 50\r\n"]
    server.time = 30.0 * DAY
    assert server.session("STAT", "RETR 1", "RSET", "QUIT")[0] == b"+OK 1 18\r\n"
    assert len(server.account.maildrop) == 1
    server.time = 32.0 * DAY
    assert server.session("STAT") == [b"+OK 0 0\r\n"]


def test_a_login_that_is_refused_lets_nothing_expire() -> None:
    """Whoever has the maildrop open keeps it."""
    server = Server(["+EXPIRE 1"])
    server.account.maildrop.add("Subject: one\n\n")
    holder = server.account.open("somebody")
    server.time = 3.0 * DAY
    assert server.ask("USER ann", "PASS guess", "USER ann", "PASS not-a-secret")[3].startswith(b"-ERR [IN-USE]")
    assert (holder.stat(), len(server.account.maildrop)) == ((1, 16), 1)
    holder.close()
    assert server.session("STAT") == [b"+OK 0 0\r\n"]


@pytest.mark.parametrize(
    ("line", "own", "told", "days"),
    [
        ("EXPIRE 5 USER", 30, "EXPIRE 30", 30),
        ("EXPIRE 5 USER", None, "EXPIRE 5", 5),
        ("EXPIRE 5 USER", "NEVER", "EXPIRE NEVER", None),
        ("EXPIRE 0 USER", 2, "EXPIRE 2", 2),
        ("EXPIRE NEVER", None, "EXPIRE NEVER", None),
    ],
)
def test_the_days_of_an_account_are_told_after_the_login(line: str, own: Any, told: str, days: int | None) -> None:
    """RFC 2449 section 6.7: before it the smallest there are, and USER only there; and they are what counts."""
    server = Server([f"+{line}"], expire=own)
    server.account.maildrop.add("Subject: one\n\n")
    assert line in server.capabilities()
    assert told in server.capabilities(login=True)
    assert server.session("RETR 1", "QUIT")[0].startswith(b"+OK")
    server.time = (days or 1000) * DAY - 1.0
    assert len(server.session("STAT")) == len(server.account.maildrop) == 1
    server.time = (days or 1000) * DAY
    server.session("NOOP")
    assert len(server.account.maildrop) == (days is None)


def test_under_expire_0_each_account_has_its_own() -> None:
    """RFC 2449 section 6.7."""
    for own, left in ((None, 0), (0, 0), (9, 1), ("NEVER", 1)):
        server = Server(["+EXPIRE 0 USER"], expire=own)
        server.account.maildrop.add("Subject: one\n\n")
        server.session("RETR 1", "QUIT")
        assert len(server.account.maildrop) == left


SMALLEST = "before the login it tells the smallest value of all accounts, and that each may have its own, as in "
LARGEST = SMALLEST.replace("smallest", "largest")


@pytest.mark.parametrize(
    ("capabilities", "own", "text"),
    [
        (["+EXPIRE 30"], {"expire": 5}, f"has expire=5, but CAPA lists 'EXPIRE 30': {SMALLEST}'EXPIRE 5 USER'"),
        (
            ["+EXPIRE 30 USER"],
            {"expire": 5},
            f"has expire=5, but CAPA lists 'EXPIRE 30 USER': {SMALLEST}'EXPIRE 5 USER'",
        ),
        (["+EXPIRE 5"], {"expire": 30}, f"has expire=30, but CAPA lists 'EXPIRE 5': {SMALLEST}'EXPIRE 5 USER'"),
        (None, {"expire": 5}, f"has expire=5, but CAPA lists 'EXPIRE NEVER': {SMALLEST}'EXPIRE 5 USER'"),
        (["-EXPIRE"], {"expire": 5}, f"has expire=5, but CAPA does not list EXPIRE: {SMALLEST}'EXPIRE 5 USER'"),
        (
            ["+LOGIN-DELAY 60 USER"],
            {"login_delay": 900},
            f"has login_delay=900, but CAPA lists 'LOGIN-DELAY 60 USER': {LARGEST}'LOGIN-DELAY 900 USER'",
        ),
        (
            ["+LOGIN-DELAY 900"],
            {"login_delay": 60},
            f"has login_delay=60, but CAPA lists 'LOGIN-DELAY 900': {LARGEST}'LOGIN-DELAY 900 USER'",
        ),
        (
            None,
            {"login_delay": 60},
            f"has login_delay=60, but CAPA does not list LOGIN-DELAY: {LARGEST}'LOGIN-DELAY 60 USER'",
        ),
    ],
)
def test_an_account_that_contradicts_what_is_listed_is_refused(
    capabilities: list[str] | None, own: dict[str, Any], text: str
) -> None:
    """RFC 2449 sections 6.5 and 6.7: the value before the login holds for everybody."""
    section = "6.7" if "expire" in own else "6.5"
    with pytest.raises(UsageError) as caught:
        Server(capabilities, **own)
    assert str(caught.value) == f"account 'ann' {text} (RFC 2449 section {section})"
    with Pop3sServer(capabilities=capabilities) as server, pytest.raises(UsageError):
        server.add_account("bob", "not-a-secret", **own)


@pytest.mark.parametrize("expire", [-1, True, 1.5, "never", "5"])
def test_the_days_of_an_account_are_a_number(expire: Any) -> None:
    """Or NEVER."""
    with pytest.raises(UsageError) as caught:
        Account("ann", "not-a-secret", expire=expire)
    assert str(caught.value) == f'expire must be a number of days from 0, or "NEVER", not {expire!r}'


def test_a_month_passes_on_the_servers_clock() -> None:
    """29 days and 31, from when each message came."""
    clock = ManualClock()
    with Pop3sServer(clock=clock, capabilities=["+EXPIRE 30"]) as server:

        def count() -> int:
            client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=60)
            client.user(server.login.user)
            client.pass_(server.login.password)
            found = client.stat()[0]
            client.quit()
            return found

        server.maildrop.add("Subject: one\n\n")
        clock.advance(days=29)
        assert count() == 1
        server.maildrop.add("Subject: two\n\n")
        clock.advance(days=2)
        assert count() == 1
        clock.advance(days=29)
        assert count() == 0


def test_last_is_there_for_those_who_ask_for_it() -> None:
    """RFC 1460 section 5: the highest number retrieved; RSET takes it back."""
    server = Server(["+LAST"])
    server.account.maildrop.add("Subject: one\n\n", "Subject: two\n\n")
    said = server.session("LAST", "RETR 2", "RETR 1", "LAST", "TOP 2 0", "RSET", "LAST", "RETR 9", "LAST")
    assert [said[i] for i in (0, 3, 6, 8)] == [b"+OK 0\r\n", b"+OK 2\r\n", b"+OK 0\r\n", b"+OK 0\r\n"]
    assert Server(None).session("LAST") == [UNKNOWN]


def test_raw_headers_are_for_clients_in_utf8_mode() -> None:
    """RFC 6856 section 2.1: RETR and TOP are refused outside it; a body may hold what it likes."""
    server = Server(["+UTF8"])
    server.account.maildrop.add(EIGHT_BIT, "Subject: one\n\n\u00fcber\n")
    needs = b"-ERR [UTF8] the message has a header in UTF-8; say UTF8 before the login\r\n"
    said = server.session("RETR 1", "TOP 1 0", "RETR 2", "TOP 2 0", "LIST 1", "UTF8")
    assert said[:2] == [needs, needs]
    assert all(each.startswith(b"+OK") for each in said[2:5])
    assert said[5] == b"-ERR UTF8 is legal in AUTHORIZATION, this is TRANSACTION\r\n"
    said = server.ask("UTF8", "UTF8 x", "USER ann", "PASS not-a-secret", "RETR 1", "TOP 1 0")
    assert said[:2] == [b"+OK UTF-8 mode\r\n", b"-ERR UTF8 takes no argument: UTF8\r\n"]
    assert all("\u00fcber".encode() in each for each in said[-2:])
    assert Server(None).ask("UTF8") == [UNKNOWN]


def test_names_and_passwords_in_utf8() -> None:
    """RFC 6856 section 2.2: prepared on both sides, where UTF8 USER is listed and nowhere else."""
    said = {}
    for words in ("+UTF8", "+UTF8 USER"):
        server = Server([words])
        server.settings.accounts.add(Account("jos\u00e9", "pass w\u00f6rd"))
        said[words] = server.ask("USER jose\u0301", "PASS pass wo\u0308rd", "STAT")
    assert [each[:4] for each in said["+UTF8"]] == [b"-ERR"] * 3
    assert said["+UTF8 USER"][-1] == b"+OK 0 0\r\n"
    server = Server(["+UTF8 USER"])
    assert (
        server.ask(b"USER \xc3(", b"USER \xff", "USER \u00ad")
        == [b"-ERR this is not UTF-8, or nothing that a name or a password may hold\r\n"] * 3
    )


def test_apop_takes_a_name_in_utf8_where_user_does() -> None:
    """RFC 6856 section 2.2: prepared, with the digest as ever behind it."""
    jose = Account("jos\u00e9", "pass w\u00f6rd")

    def said(line: str, name: str | bytes) -> list[bytes]:
        octets = name if isinstance(name, bytes) else name.encode()
        session = Session(Accounts([jose]), timestamp="<1@localhost>", offer=Offer([line]))
        digest = hashlib.md5(b"<1@localhost>" + "pass w\u00f6rd".encode(), usedforsecurity=False).hexdigest().encode()
        lines = (b"APOP %b %b" % (octets, digest), b"APOP %b %b" % (octets, b"0" * 32), b"APOP %b x" % octets)
        result = []
        for each in lines:
            result.append(session.execute(each).octets())
            session.close()
            session = Session(Accounts([jose]), timestamp="<1@localhost>", offer=Offer([line]))
        return result

    wrong = b"-ERR [AUTH] name or password is wrong\r\n"
    form = b"-ERR APOP takes a digest of 32 lower-case hexadecimal digits, not that: APOP name digest\r\n"
    for name in ("jos\u00e9", "jose\u0301"):
        assert said("+UTF8 USER", name) == [b"+OK maildrop has 0 messages (0 octets)\r\n", wrong, form]
    not_utf8 = b"-ERR this is not UTF-8, or nothing that a name or a password may hold\r\n"
    assert said("+UTF8 USER", b"jos\xe9") == said("+UTF8 USER", "\u00ad") == [not_utf8] * 3
    malformed = b"-ERR a command is a keyword and printable arguments, parted by single spaces\r\n"
    assert said("+UTF8", "jos\u00e9") == [malformed] * 3
    session = Session(Accounts([jose]), timestamp="<1@localhost>", offer=Offer(["+UTF8 USER"]))
    assert session.execute("APOP jos\u00e9".encode()).octets() == b"-ERR APOP is not complete: APOP name digest\r\n"
    assert session.execute("USER jos\u00e9 x".encode()).octets() == b"-ERR USER takes fewer arguments: USER name\r\n"
    assert session.execute("APOP  jos\u00e9 x".encode()).octets() == not_utf8
    assert session.execute("PASS pass w\u00f6rd".encode()).octets().startswith(b"-ERR PASS comes immediately after")


@pytest.mark.parametrize(
    ("capabilities", "text"),
    [
        (["UILD"], "unknown capability 'UILD'; did you mean 'UIDL'?"),
        (["TOP.1"], "'TOP.1' is no capability line: a tag without a dot and its parameters, printable "),
        (["IMPLEMENTATION a  b"], "'IMPLEMENTATION a  b' is no capability line"),
        ([""], "'' is no capability line"),
        (
            ["X-" + 512 * "a"],
            "the line of X-" + 512 * "a" + " has 516 octets with its CRLF; RFC 2449 section 5 allows 512",
        ),
        (["TOP", "top"], "TOP is there twice"),
        (["TOP 3"], "TOP takes no parameters, not '3'"),
        (["SASL"], "SASL names its mechanisms, as in 'SASL PLAIN' (RFC 5034 section 3)"),
        (["SASL PLIAN"], "unknown SASL mechanism 'PLIAN'; did you mean 'PLAIN'?"),
        (["LOGIN-DELAY"], "LOGIN-DELAY takes seconds, as in 'LOGIN-DELAY 900' (RFC 2449 section 6.5)"),
        (["EXPIRE soon"], "EXPIRE takes days or NEVER, as in 'EXPIRE 30' (RFC 2449 section 6.7), not 'soon'"),
        (["UTF8 ALL"], "UTF8 takes nothing or USER (RFC 6856 section 2), not 'ALL'"),
        (["-SASL PLAIN"], "'-SASL PLAIN' drops a line by its tag alone, '-SASL'"),
        (["-UILD"], "unknown capability 'UILD'; did you mean 'UIDL'?"),
    ],
)
def test_what_no_server_may_list_is_refused(capabilities: list[str], text: str) -> None:
    """RFC 2449 sections 3, 5 and 9, and those of the tags."""
    with pytest.raises(UsageError) as caught:
        Offer(capabilities)
    assert str(caught.value).startswith(f"capabilities=: {text}")


def test_a_list_is_no_change_and_a_change_no_list() -> None:
    """What stands between the two is a mistake; and STLS needs a port."""
    with pytest.raises(UsageError) as caught:
        Offer(["+TOP", "UIDL"])
    assert str(caught.value) == (
        "capabilities= is either a list, or changes to the default one, which all begin with + or -; 'UIDL' beside "
        "'+TOP' is neither"
    )
    with pytest.raises(UsageError) as caught:
        Offer(["+STLS"])
    assert str(caught.value) == (
        "capabilities= lists STLS, and the server has no port in clear: it needs stls=True, too"
    )


def test_changes_of_several_layers_add_up() -> None:
    """A list replaces what was there; changes change it."""

    def together(*layers: list[str]) -> list[str]:
        result: list[str] = merged([{"capabilities": layer} for layer in layers])["capabilities"]
        return result

    assert together(["-TOP"], ["+X-ODD"]) == ["-TOP", "+X-ODD"]
    assert together(["TOP", "USER"], ["-TOP"]) == ["USER"]
    assert together(["-TOP"], ["USER"]) == ["USER"]
    assert together(["-TOP"], []) == []


def test_the_table_of_mechanisms_agrees_with_the_mechanisms() -> None:
    """Which of them send a password, and what each needs, stands in two places so that AUTH alone loads them."""
    assert {name for name, each in ALL.items() if each.plaintext} == PLAINTEXT
    assert MECHANISMS.keys() <= ALL.keys()
    needs = {"": "", "binding": "any binding", "certificate": "certificate"}
    assert {name: _needs(name) for name in ALL} == {name: needs[each.needs] for name, each in ALL.items()}
