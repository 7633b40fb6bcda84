"""What RFC 1939 sections 4, 7 and 13 ask of a server before anybody is logged in: USER, PASS, APOP, the lock.

Each test bears the paragraph that it tests in its name, and holds the very words; ``tests/conformance`` has all rows.
"""

from __future__ import annotations

import re
from hashlib import md5
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.maildrop import Account, Accounts
from pop3s_fake.protocol import Session

if TYPE_CHECKING:
    from tests.protocol.conftest import Conversation, Server

NOTED = b"+OK name noted, now the password\r\n"
OPENED = b"+OK maildrop has 2 messages (320 octets)\r\n"
WRONG = b"-ERR [AUTH] name or password is wrong\r\n"
USER_FIRST = b"-ERR PASS comes immediately after an accepted USER\r\n"
IN_USE = b"-ERR [IN-USE] the maildrop is open in another session\r\n"

TIMESTAMP = re.compile(rb"<[^<>@\x00-\x20\x7f-\xff]+@[^<>@\x00-\x20\x7f-\xff]+>")


def digest(client: Conversation, secret: str) -> str:
    """The digest that APOP needs: the timestamp of the greeting with its angle brackets, then the secret."""
    timestamp = TIMESTAMP.findall(client.greeting)[0]
    return md5(timestamp + secret.encode(), usedforsecurity=False).hexdigest()


def test_1939_4_1_the_greeting_is_one_positive_line(server: Server) -> None:
    """RFC 1939 section 4."""
    greeting = server.connect().greeting
    assert re.fullmatch(rb"\+OK POP3 server ready <[!-~]+>\r\n", greeting)


def test_1939_4_2_there_is_a_way_to_authenticate(server: Server) -> None:
    """RFC 1939 section 4: USER is announced, and the timestamp offers APOP."""
    client = server.connect()
    assert b"\r\nUSER\r\n" in client.ask("CAPA")
    assert TIMESTAMP.search(client.greeting)


def test_1939_4_3_right_credentials_open_the_maildrop_with_nothing_marked(server: Server) -> None:
    """RFC 1939 section 4: the lock is taken, then +OK, then TRANSACTION."""
    client = server.connect()
    assert server.maildrop.in_use_by is None
    assert client.ask("USER mrose", "PASS tanstaaf") == NOTED + OPENED
    assert server.maildrop.in_use_by is not None
    assert client.ask("STAT") == b"+OK 2 320\r\n"


def test_1939_4_4_a_second_session_is_refused_at_its_login(server: Server) -> None:
    """RFC 1939 section 4: not when it connects; and it may try again."""
    first, second = server.login(), server.connect()
    assert second.ask("USER mrose", "PASS tanstaaf") == NOTED + IN_USE
    assert second.ask(f"APOP mrose {digest(second, 'tanstaaf')}") == IN_USE
    assert second.in_step()
    assert first.ask("QUIT") == b"+OK signing off\r\n"
    assert second.ask("USER mrose", "PASS tanstaaf") == NOTED + OPENED


def test_1939_4_6_after_a_refused_login_another_attempt_is_taken(server: Server) -> None:
    """RFC 1939 section 4: the session stays in AUTHORIZATION."""
    client = server.connect()
    for _ in range(20):
        assert client.ask("USER mrose", "PASS bad") == NOTED + WRONG
    assert client.ask("USER mrose", "PASS tanstaaf") == NOTED + OPENED


def test_1939_4_7_numbers_run_from_1_and_all_is_decimal(server: Server) -> None:
    """RFC 1939 section 4: in the order of the maildrop."""
    server.maildrop.add(*(f"Subject: {n}\n\n{n * 'x'}\n" for n in range(3, 13)))
    client = server.login()
    scan = client.payload("LIST").splitlines()
    assert [line.split(b" ")[0] for line in scan] == [b"%d" % n for n in range(1, 13)]
    assert all(re.fullmatch(rb"[1-9][0-9]* [0-9]+", line) for line in scan)
    assert client.payload("UIDL").splitlines() == [
        b"%d %s" % (i, u.encode()) for i, u in enumerate(server.maildrop.uids, 1)
    ]


def test_1939_4_8_a_session_sees_what_there_was_when_it_began(server: Server) -> None:
    """RFC 1939 section 4: mail that comes later has no number."""
    client = server.login()
    server.maildrop.add("Subject: later\n\n")
    assert client.ask("STAT") == b"+OK 2 320\r\n"
    assert client.refuses("RETR 3", "LIST 3")
    assert client.payload("LIST") == b"1 120\r\n2 200\r\n"
    client.ask("QUIT")
    assert server.login().ask("STAT").startswith(b"+OK 3 ")


def test_1939_4_9_quit_before_a_login_ends_the_session(server: Server) -> None:
    """RFC 1939 sections 4 and 6: +OK, closed, no UPDATE; also between USER and PASS."""
    for lines in ((), ("USER mrose",), ("USER mrose", "PASS bad")):
        client = server.connect()
        client.ask(*lines)
        assert client.ask("QUIT") == b"+OK signing off\r\n"
        assert (client.ended, client.log.ended) == ("fin", "quit")


@pytest.mark.parametrize("way_out", ["quit", "end", "reset", "timeout", "stop"])
def test_1939_4_10_the_lock_is_free_after_every_way_out(server: Server, way_out: str) -> None:
    """RFC 1939 section 4."""
    client = server.login()
    if way_out == "quit":
        client.ask("QUIT")
    elif way_out == "end":
        client.hang_up()
    elif way_out == "reset":
        client.reset()
    elif way_out == "timeout":
        client.wait(600)
    else:
        client.connection.close()
    assert server.maildrop.in_use_by is None
    assert server.login().ask("STAT") == b"+OK 2 320\r\n"


def test_1939_7_user_1_a_name_is_needed_and_may_be_given_again(server: Server) -> None:
    """RFC 1939 section 7, USER: after the greeting, an unsuccessful USER or an unsuccessful PASS."""
    client = server.connect()
    assert client.refuses("USER", "USER ", "USER  ")
    assert client.ask("USER mrose", "PASS bad", "USER mrose") == NOTED + WRONG + NOTED
    assert client.ask("PASS tanstaaf") == OPENED


def test_1939_7_user_1_a_second_user_replaces_the_first(server: Server) -> None:
    """RFC 1939 section 7 leaves open what a USER after a good USER does; real servers differ."""
    client = server.connect()
    assert client.ask("USER nobody", "USER mrose", "PASS tanstaaf") == NOTED * 2 + OPENED


def test_1939_7_user_2_a_name_that_does_not_exist_is_taken(server: Server) -> None:
    """RFC 1939 section 7, USER: and fails at PASS."""
    assert server.connect().ask("USER nobody", "PASS x") == NOTED + WRONG


@pytest.mark.parametrize("name", ["a.b+c@example.org", "100%", "back\\slash", "[code]", "~", '"quoted"', "<a@b>"])
def test_1939_7_user_3_the_name_is_one_opaque_argument(server: Server, name: str) -> None:
    """RFC 1939 section 7, USER: significant only to the server; upper and lower case differ."""
    server.accounts.add(Account(name, "not-a-secret"))
    client = server.connect()
    assert client.ask(f"USER {name}", "PASS not-a-secret") == NOTED + b"+OK maildrop has 0 messages (0 octets)\r\n"
    assert client.log.user == name
    assert server.connect().ask("USER MROSE", "PASS tanstaaf") == NOTED + WRONG
    assert server.connect().refuses(f"USER {name} second")


def test_1939_7_pass_1_pass_comes_immediately_after_user(server: Server) -> None:
    """RFC 1939 section 7, PASS: only after a successful USER; CAPA may stand between, nothing else."""
    client = server.connect()
    assert client.ask("PASS tanstaaf") == USER_FIRST
    assert client.ask("USER mrose", "PASS bad", "PASS tanstaaf") == NOTED + WRONG + USER_FIRST
    for between in ("NOOP", "XYZZY", "STAT", "CAPA x", "PASS", "", "USER", "APOP", "x" * 9000):
        assert client.ask("USER mrose", between, "PASS tanstaaf").endswith(b"\r\n" + USER_FIRST), between
    said = client.ask("USER mrose", "CAPA", "PASS tanstaaf")
    assert said.startswith(NOTED + b"+OK capability list follows\r\n")
    assert said.endswith(b"\r\n.\r\n" + OPENED)


def test_1939_7_pass_2_the_password_is_all_that_follows_the_first_space(server: Server) -> None:
    """RFC 1939 section 7, PASS: spaces are part of it, before, within and behind."""
    server.accounts.add(Account("spacey", " two  words "))
    for wrong in ("two  words ", " two  words", " two words ", "  two  words "):
        assert server.connect().ask("USER spacey", f"PASS {wrong}") == NOTED + WRONG
    client = server.connect()
    assert client.ask("USER spacey", "PASS  two  words ") == NOTED + b"+OK maildrop has 0 messages (0 octets)\r\n"
    assert server.complaints == []


def test_1939_7_pass_3_a_wrong_password_takes_no_lock(server: Server) -> None:
    """RFC 1939 section 7, PASS."""
    client = server.connect()
    assert client.ask("USER mrose", "PASS bad") == NOTED + WRONG
    assert server.maildrop.in_use_by is None
    assert server.login().ask("STAT") == b"+OK 2 320\r\n"


def test_1939_7_apop_1_without_a_timestamp_there_is_no_apop(server: Server) -> None:
    """RFC 1939 section 7, APOP: the timestamp announces it."""
    silent = Session(server.accounts)
    assert silent.greeting().octets() == b"+OK POP3 server ready\r\n"
    assert silent.execute(b"APOP mrose c4c9334bac560ecc979e58001b3e22fb").octets() == b"-ERR unknown command\r\n"
    assert silent.execute(b"APOP").octets() == b"-ERR unknown command\r\n"


def test_1939_7_apop_2_the_timestamp_is_a_message_id(server: Server) -> None:
    """RFC 1939 section 7, APOP; RFC 2449 section 3: one, in angle brackets."""
    greeting = server.connect().greeting
    assert len(TIMESTAMP.findall(greeting)) == greeting.count(b"<") == greeting.count(b">") == 1


def test_1939_7_apop_3_no_two_greetings_have_the_same_timestamp(server: Server) -> None:
    """RFC 1939 section 7, APOP."""
    stamps = [TIMESTAMP.findall(server.connect().greeting)[0] for _ in range(1000)]
    assert len(set(stamps)) == 1000


def test_1939_7_apop_4_the_digest_of_timestamp_and_secret_logs_in(server: Server) -> None:
    """RFC 1939 section 7, APOP: its own example, and a live one; the secret may differ from the password."""
    pinned = Session(server.accounts, timestamp="<1896.697170952@dbc.mtview.ca.us>")
    assert pinned.execute(b"APOP mrose c4c9334bac560ecc979e58001b3e22fb").octets() == OPENED
    pinned.close()
    client = server.connect()
    assert client.ask(f"APOP mrose {digest(client, 'tanstaaf')}") == OPENED
    assert client.log.user == "mrose"
    server.accounts.add(Account("ann", "not-a-secret", secret="shared"))
    other = server.connect()
    assert other.ask(f"APOP ann {digest(other, 'not-a-secret')}") == WRONG
    assert other.ask(f"APOP ann {digest(other, 'shared')}").startswith(b"+OK")


def test_1939_7_apop_5_a_wrong_digest_or_name_is_refused_and_another_attempt_taken(server: Server) -> None:
    """RFC 1939 section 7, APOP."""
    client = server.connect()
    right = digest(client, "tanstaaf")
    flipped = right[:-1] + ("0" if right[-1] != "0" else "1")
    assert client.ask(f"APOP mrose {flipped}", f"APOP nobody {right}") == WRONG * 2
    assert client.ask(f"APOP mrose {right}") == OPENED


def test_1939_7_apop_6_name_and_32_lower_case_digits_are_needed(server: Server) -> None:
    """RFC 1939 section 7, APOP: sixteen octets in lower-case hexadecimal."""
    client = server.connect()
    right = digest(client, "tanstaaf")
    no_digest = b"-ERR APOP takes a digest of 32 lower-case hexadecimal digits, not that: APOP name digest\r\n"
    for wrong in (right[:31], f"{right}0", "ABCDEF" + right[6:], 31 * "0" + "g", 31 * "0" + "-"):
        assert client.ask(f"APOP mrose {wrong}") == no_digest
    assert client.refuses("APOP", "APOP mrose", f"APOP {right}", f"APOP mrose {right} x", f"APOP  {right}")
    assert client.ask(f"APOP mrose {right}") == OPENED


def test_1939_7_apop_7_apop_does_not_come_between_user_and_pass(server: Server) -> None:
    """RFC 1939 section 7, APOP: only after the greeting or an unsuccessful USER or PASS."""
    client = server.connect()
    right = f"APOP mrose {digest(client, 'tanstaaf')}"
    assert client.ask("USER mrose", right, "PASS tanstaaf") == NOTED + b"-ERR after USER comes PASS\r\n" + USER_FIRST
    assert client.ask("USER mrose", "PASS bad", right) == NOTED + WRONG + OPENED


def test_1939_13_2_nobody_learns_which_names_exist(server: Server) -> None:
    """RFC 1939 section 13: known and unknown names get the same octets, at USER, PASS and APOP."""
    lines = ("USER {}", "PASS bad", f"APOP {{}} {32 * '0'}")
    known, unknown = (
        [client.ask(line.format(name)) for line in lines]
        for client, name in ((server.connect(), "mrose"), (server.connect(), "nobody"))
    )
    assert known == unknown == [NOTED, WRONG, WRONG]


def test_a_server_that_is_not_exclusive_gives_each_session_its_own_numbers_and_marks(server: Server) -> None:
    """As providers with many clients do, against RFC 1939 section 4."""
    server.exclusive = False
    first, second = server.login(), server.login()
    assert first.ask("DELE 1", "QUIT").endswith(b"+OK signing off\r\n")
    assert second.ask("STAT", "DELE 2", "QUIT") == b"+OK 2 320\r\n+OK message 2 deleted\r\n+OK signing off\r\n"
    assert server.maildrop.uids == []


def test_each_account_has_its_own_maildrop() -> None:
    """Two sessions of two accounts do not meet."""
    ann, bob = Account("ann", "not-a-secret"), Account("bob", "not-a-secret")
    ann.maildrop.add("Subject: for ann\n\n")
    accounts = Accounts([ann, bob])
    sessions = {name: Session(accounts) for name in ("ann", "bob")}
    for name, session in sessions.items():
        session.execute(f"USER {name}".encode())
        assert session.execute(b"PASS not-a-secret").positive
    assert sessions["ann"].execute(b"STAT").octets() == b"+OK 1 20\r\n"
    assert sessions["bob"].execute(b"STAT").octets() == b"+OK 0 0\r\n"
