"""Greeting, USER, PASS, APOP, the lock: RFC 1939 sections 4, 7 and 13."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pop3s_fake import Account
from pop3s_fake.protocol import Session
from tests.conformance.rows import row
from tests.conformance.talk import TIMESTAMP, Ended

if TYPE_CHECKING:
    from tests.conformance.talk import Client, Reply, Server, Talk


def credentials(server: Server, password: str | None = None) -> tuple[str, str]:
    """USER and PASS."""
    return f"USER {server.user}", f"PASS {server.password if password is None else password}"


def tries(server: Server, *commands: str | bytes) -> list[Reply]:
    """The replies that a new connection gets, which is closed afterwards."""
    client = server.connect()
    replies = client.asks(*commands)
    client.close()
    return replies


@row("1939-4.1")
def the_greeting_is_one_positive_line(talk: Talk) -> None:
    """And nothing follows."""
    client = talk.server().connect()
    assert re.fullmatch(rb"\+OK( [\x20-\x7e]+)?\r\n", client.greeting)
    assert client.pending() == b""
    assert client.in_step()


@row("1939-4.2")
def there_is_a_way_to_authenticate(talk: Talk) -> None:
    """USER, SASL or the timestamp of APOP."""
    client = talk.server().connect()
    ways = [line for line in client.capabilities() if re.match(r"USER\b|SASL .", line)]
    assert ways or TIMESTAMP.search(client.greeting)


@row("1939-4.3")
def right_credentials_open_the_maildrop_with_nothing_marked(talk: Talk) -> None:
    """In TRANSACTION."""
    server = talk.server()
    client = server.connect()
    assert client.ok(*credentials(server))
    assert client.stat() == (2, 320)


@row("1939-4.4")
def a_second_session_is_refused_at_its_login(talk: Talk) -> None:
    """Not when it connects; and it may try again."""
    server = talk.server()
    first, second = server.login(), server.connect()
    user, password = second.asks(*credentials(server))
    assert user.ok
    assert password.err
    assert password.code == "IN-USE"
    assert second.ask("STAT").err
    assert first.quit().ok
    assert second.ok(*credentials(server), "STAT")


@row("1939-4.5")
def a_maildrop_that_cannot_be_opened_is_refused_and_left_free(talk: Talk) -> None:
    """The next login, without the fault, works."""
    rule = 'PASS!before -> reply "-ERR [SYS/TEMP] the maildrop cannot be read"; times=1'
    server = talk.server(rules=[rule])
    client = server.connect()
    user, password = client.asks(*credentials(server))
    assert user.ok
    assert password.code == "SYS/TEMP"
    assert client.ask("STAT").err
    assert server.connect().ok(*credentials(server), "STAT")


@row("1939-4.6")
def after_a_refused_login_another_attempt_is_taken(talk: Talk) -> None:
    """Or the connection is closed."""
    server = talk.server()
    client = server.connect()
    assert client.asks(*credentials(server, "bad"))[1].err
    try:
        assert client.asks(*credentials(server, "bad"))[1].err
        assert client.ok(*credentials(server), "STAT")
    except Ended:
        pass


@row("1939-4.7")
def numbers_run_from_1_and_all_is_decimal(talk: Talk) -> None:
    """In the order of the maildrop."""
    client = talk.server(mail=[b"Subject: %d\r\n\r\n" % n + n * b"x" + b"\r\n" for n in range(12)]).login()
    scan = client.ask("LIST").lines
    assert [line.split(b" ")[0] for line in scan] == [b"%d" % n for n in range(1, 13)]
    assert all(re.fullmatch(rb"[1-9][0-9]* [0-9]+", line) for line in (*scan, client.ask("STAT").data))
    assert client.ask("RETR 12").content.startswith(b"Subject: 11\r\n")


@row("1939-4.8")
def a_session_sees_what_there_was_when_it_began(talk: Talk) -> None:
    """Mail that comes later has no number."""
    server = talk.server()
    client = server.login()
    assert client.stat() == (2, 320)
    server.deliver(b"Subject: later\r\n\r\n")
    assert client.stat() == (2, 320)
    assert client.refuses("RETR 3", "LIST 3")
    assert client.quit().ok
    assert server.login().stat()[0] == 3


@row("1939-4.9")
def quit_before_a_login_ends_the_session(talk: Talk) -> None:
    """Also between USER and PASS, and after a failed login."""
    server = talk.server()
    for lines in ((), (credentials(server)[0],), credentials(server, "bad")):
        client = server.connect()
        client.asks(*lines)
        assert client.quit().ok


@row("1939-4.10")
def the_lock_is_free_after_every_way_out(talk: Talk) -> None:
    """QUIT, the end, a reset, closing TLS, the timer."""
    server = talk.server()

    def comes_in() -> Client:
        settled(server)
        client = server.connect()
        assert client.ok(*credentials(server))
        return client

    assert comes_in().quit().ok
    comes_in().close()
    comes_in().close("rst")
    comes_in().close_notify()
    last = comes_in()
    server.passes(601)
    assert last.ends()
    assert comes_in().quit().ok


def settled(server: Server) -> None:
    """Let the server notice who is gone."""
    server.inside.wait_idle()


@row("1939-7.USER.1")
def a_name_is_needed_and_may_be_given_again(talk: Talk) -> None:
    """After a failed USER and a failed PASS."""
    server = talk.server()
    client = server.connect()
    assert client.refuses("USER")
    assert [reply.ok for reply in client.asks(*credentials(server, "bad"))] == [True, False]
    assert client.ok(*credentials(server))


@row("1939-7.USER.2")
def a_name_that_does_not_exist_is_taken(talk: Talk) -> None:
    """And fails at PASS."""
    assert [reply.ok for reply in tries(talk.server(), "USER nobody", "PASS x")] == [True, False]


@row("1939-7.USER.3")
def the_name_is_one_opaque_argument(talk: Talk) -> None:
    """Punctuation means nothing, and case matters."""
    names = ("a.b+c@example.org", "100%", "back\\slash", "[code]", '"quoted"', "<a@b>")
    server = talk.server(accounts=[Account(name, "not-a-secret") for name in names])
    for name in names:
        assert server.connect().ok(f"USER {name}", "PASS not-a-secret", "STAT")
    assert tries(server, f"USER {server.user.upper()}", f"PASS {server.password}")[1].err
    assert server.connect().refuses("USER two names")


@row("1939-7.PASS.1")
def pass_comes_immediately_after_user(talk: Talk) -> None:
    """CAPA may stand between, nothing else."""
    server = talk.server()
    user, password = credentials(server)
    assert server.connect().refuses(password)
    assert [reply.ok for reply in tries(server, user, "PASS bad", password)] == [True, False, False]
    for between in ("NOOP", "XYZZY", "STAT", "PASS", "", "USER"):
        assert tries(server, user, between, password)[-1].err, between
    assert server.connect().ok(user, "CAPA", password)


@row("1939-7.PASS.2")
def the_password_is_all_that_follows_the_first_space(talk: Talk) -> None:
    """Spaces before, within and behind are part of it."""
    server = talk.server(accounts=[Account("spacey", " two  words ")])
    for wrong in ("two  words ", " two  words", " two words ", "  two  words "):
        assert tries(server, "USER spacey", f"PASS {wrong}")[1].err
    assert server.connect().ok("USER spacey", "PASS  two  words ")


@row("1939-7.PASS.3")
def a_wrong_password_takes_no_lock(talk: Talk) -> None:
    """Somebody else can log in at once."""
    server = talk.server()
    client = server.connect()
    assert client.asks(*credentials(server, "bad"))[1].err
    assert client.ask("STAT").err
    assert server.connect().ok(*credentials(server), "STAT")


@row("1939-7.APOP.1")
def without_a_timestamp_there_is_no_apop(talk: Talk) -> None:
    """It is answered as a command that nobody knows."""
    server = talk.server()
    client = server.connect()
    unknown, apop = client.asks("XYZZY", f"APOP nobody {32 * '0'}")
    assert apop.err
    assert apop != unknown or TIMESTAMP.search(client.greeting) is None
    silent = Session(server.inside.accounts)
    assert b"<" not in silent.greeting().octets()
    assert silent.execute(b"APOP").octets() == silent.execute(b"XYZZY").octets()


@row("1939-7.APOP.2")
def the_timestamp_is_a_message_id(talk: Talk) -> None:
    """There is one, in angle brackets."""
    greeting = talk.server().connect().greeting
    if b"<" not in greeting and b">" not in greeting:
        return  # it offers no APOP
    assert len(TIMESTAMP.findall(greeting)) == greeting.count(b"<") == greeting.count(b">") == 1


@row("1939-7.APOP.3")
def no_two_greetings_have_the_same_timestamp(talk: Talk) -> None:
    """Of many connections."""
    server = talk.server()
    stamps = []
    for _ in range(100):
        client = server.connect()
        stamps.append(client.greeting)
        client.close()
        if not TIMESTAMP.search(client.greeting):
            return  # it offers no APOP
    assert len(set(stamps)) == 100


@row("1939-7.APOP.4")
def the_digest_of_timestamp_and_secret_logs_in(talk: Talk) -> None:
    """The secret may differ from the password."""
    server = talk.server(accounts=[Account("ann", "not-a-secret", secret="shared")])
    client = server.connect()
    assert client.ok(f"APOP {server.user} {client.digest(server.password)}", "STAT")
    other = server.connect()
    assert other.ask(f"APOP ann {other.digest('not-a-secret')}").err
    assert other.ok(f"APOP ann {other.digest('shared')}", "STAT")
    vector = server.inside.accounts["mrose"]
    assert vector.check_digest("<1896.697170952@dbc.mtview.ca.us>", "c4c9334bac560ecc979e58001b3e22fb")


@row("1939-7.APOP.5")
def a_wrong_digest_or_name_is_refused_and_another_attempt_taken(talk: Talk) -> None:
    """In AUTHORIZATION still."""
    server = talk.server(account={"secret": "tanstaaf"})
    client = server.connect()
    right = client.digest(server.password)
    flipped = right[:-1] + ("0" if right[-1] != "0" else "1")
    assert client.refuses(f"APOP {server.user} {flipped}", f"APOP nobody {right}", "STAT")
    assert client.ok(f"APOP {server.user} {right}", "STAT")


@row("1939-7.APOP.6")
def name_and_32_lower_case_digits_are_needed(talk: Talk) -> None:
    """Capitals are none of them."""
    server = talk.server(account={"secret": "tanstaaf"})
    client = server.connect()
    right = client.digest(server.password)
    for wrong in (right[:31], f"{right}0", "ABCDEF" + right[6:], 31 * "0" + "g"):
        assert client.refuses(f"APOP {server.user} {wrong}")
    upper = server.connect()
    assert upper.refuses(f"APOP {server.user} {upper.digest(server.password).upper()}")
    assert client.refuses("APOP", f"APOP {server.user}", f"APOP {server.user} {right} x")
    assert client.ask("APOP").line != client.ask("XYZZY").line


@row("1939-7.APOP.7")
def apop_does_not_come_between_user_and_pass(talk: Talk) -> None:
    """After a failed PASS it may."""
    server = talk.server(account={"secret": "tanstaaf"})
    client = server.connect()
    apop = f"APOP {server.user} {client.digest(server.password)}"
    assert [reply.ok for reply in client.asks(f"USER {server.user}", apop)] == [True, False]
    assert [reply.ok for reply in client.asks(*credentials(server, "bad"), apop)] == [True, False, True]


@row("1939-13.2")
def nobody_learns_which_names_exist(talk: Talk) -> None:
    """Known and unknown names get the same octets."""
    server = talk.server()
    lines = ("USER {}", "PASS bad", f"APOP {{}} {32 * '0'}")
    known, unknown = (tries(server, *(line.format(name) for line in lines)) for name in (server.user, "nobody"))
    assert known == unknown
    assert known[0].ok
