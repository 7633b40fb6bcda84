"""What RFC 2449 sections 5 to 9 and RFC 3206 ask of a server: CAPA, pipelining, response codes.

Each test bears the paragraph that it tests in its name, and holds the very words; ``tests/conformance`` has all rows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.protocol.conftest import Conversation, Server

EVERY_WAY = pytest.mark.parametrize("way", ["whole", "octet", "tls", "tls-octet"], indirect=True)

CAPABILITY = re.compile(rb"[!-\x2d\x2f-~]+( [!-~]+)*")
"""RFC 2449 section 3: a tag without a dot, parameters of printable octets."""

REGISTERED = {
    *("TOP", "USER", "SASL", "RESP-CODES", "LOGIN-DELAY", "PIPELINING", "EXPIRE", "UIDL", "IMPLEMENTATION", "STLS"),
    *("AUTH-RESP-CODE", "UTF8", "LANG"),
}

LIST = [
    "TOP",
    "UIDL",
    "USER",
    "SASL SCRAM-SHA-256 PLAIN",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    "PIPELINING",
    "EXPIRE NEVER",
    "IMPLEMENTATION pop3s-fake",
]


def capabilities(client: Conversation) -> list[str]:
    """The lines that CAPA gives."""
    return client.payload("CAPA").decode("ascii").split("\r\n")[:-1]


def test_2449_5_1_capa_works_before_and_after_the_login(server: Server) -> None:
    """RFC 2449 section 5: and between USER and PASS."""
    client = server.connect()
    assert capabilities(client) == LIST
    client.ask("USER mrose")
    assert capabilities(client) == LIST
    assert client.ask("PASS tanstaaf").startswith(b"+OK")
    assert capabilities(client) == LIST


def test_2449_5_2_there_is_one_capability_a_line(server: Server) -> None:
    """RFC 2449 sections 3 and 5: a tag, then parameters, parted by single spaces."""
    assert all(CAPABILITY.fullmatch(line.encode()) for line in capabilities(server.connect()))


def test_2449_5_3_a_capability_line_has_at_most_512_octets(server: Server) -> None:
    """RFC 2449 section 5: its CRLF counted."""
    assert all(len(line) + 2 <= 512 for line in capabilities(server.connect()))


def test_2449_5_4_no_tag_has_a_dot(server: Server) -> None:
    """RFC 2449 section 3: so nothing in the list is ever byte-stuffed."""
    assert not any("." in line.split(" ")[0] for line in capabilities(server.connect()))


def test_2449_5_5_tags_are_upper_case(server: Server) -> None:
    """RFC 2449 section 5: they compare without regard to case; a tag for a command equals its keyword."""
    tags = [line.split(" ")[0] for line in capabilities(server.connect())]
    assert tags == [tag.upper() for tag in tags]
    assert len(set(tags)) == len(tags)


def test_2449_5_6_what_is_announced_before_the_login_is_announced_after_it(server: Server) -> None:
    """RFC 2449 section 5."""
    assert set(capabilities(server.connect())) <= set(capabilities(server.login()))


def test_2449_5_8_capa_takes_no_argument(server: Server) -> None:
    """RFC 2449 section 5."""
    assert server.connect().refuses("CAPA x", "CAPA ")
    assert server.login().refuses("CAPA x", "CAPA ")


def test_2449_6_0_there_is_no_tag_for_apop(server: Server) -> None:
    """RFC 2449 section 6: the greeting announces it."""
    assert "APOP" not in "".join(capabilities(server.connect()))


def test_2449_6_1_top_is_announced_and_works(server: Server) -> None:
    """RFC 2449 section 6.1."""
    client = server.login()
    assert "TOP" in capabilities(client)
    assert client.payload("TOP 1 0") == b"Subject: one\r\n\r\n"


def test_2449_6_2_user_is_announced_and_works(server: Server) -> None:
    """RFC 2449 section 6.2."""
    client = server.connect()
    assert "USER" in capabilities(client)
    assert client.ask("USER mrose", "PASS tanstaaf").count(b"+OK") == 2


def test_2449_6_4_response_codes_are_announced(server: Server) -> None:
    """RFC 2449 section 6.4: whoever sends them says so."""
    client = server.connect()
    assert "RESP-CODES" in capabilities(client)
    assert client.ask("USER mrose", "PASS bad").endswith(b"\r\n-ERR [AUTH] name or password is wrong\r\n")


@EVERY_WAY
def test_2449_6_6_1_pipelined_commands_are_answered_in_order(server: Server) -> None:
    """RFC 2449 section 6.6: one by one, none lost."""
    client = server.connect()
    assert (
        client.ask("CAPA", "USER mrose", "PASS tanstaaf", "STAT", "LIST", "RETR 9", "UIDL 1", "NOOP", "QUIT")
        == (
            "+OK capability list follows\r\n" + "".join(f"{line}\r\n" for line in LIST) + ".\r\n"
            "+OK name noted, now the password\r\n"
            "+OK maildrop has 2 messages (320 octets)\r\n"
            "+OK 2 320\r\n"
            "+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"
            "-ERR no such message\r\n"
            "+OK 1 whqtswO00WBw418f9t5JxYwZ\r\n"
            "+OK\r\n"
            "+OK signing off\r\n"
        ).encode()
    )


def test_2449_6_6_2_five_thousand_commands_may_come_before_a_reply_is_read(server: Server) -> None:
    """RFC 2449 section 6.6: each is answered; that writing never blocks reading is the server's part."""
    client = server.login()
    once = client.ask("RETR 1")
    assert client.ask(*["RETR 1"] * 5000) == once * 5000
    assert len(client.log.retrieved) == 5001


def test_2449_6_6_3_what_follows_a_failed_login_runs_before_a_login(server: Server) -> None:
    """RFC 2449 section 6.6: pipelined commands behind a refused PASS are refused, too."""
    said = server.connect().ask("USER mrose", "PASS bad", "STAT", "DELE 1").splitlines()
    assert [line[:4] for line in said] == [b"+OK ", b"-ERR", b"-ERR", b"-ERR"]
    assert server.uids() == server.maildrop.uids


def test_2449_6_7_1_expire_has_days_or_never(server: Server) -> None:
    """RFC 2449 section 6.7."""
    [expire] = [line for line in capabilities(server.login()) if line.startswith("EXPIRE")]
    assert re.fullmatch(r"EXPIRE (NEVER|[0-9]+)", expire)


def test_2449_6_7_4_a_server_that_never_expires_mail_says_never(server: Server) -> None:
    """RFC 2449 section 6.7: and retrieving deletes nothing."""
    client = server.login()
    assert "EXPIRE NEVER" in capabilities(client)
    client.ask("RETR 1", "TOP 2 9", "QUIT")
    assert len(server.maildrop) == 2


def test_2449_6_8_uidl_is_announced_and_works(server: Server) -> None:
    """RFC 2449 section 6.8."""
    client = server.login()
    assert "UIDL" in capabilities(client)
    assert client.payload("UIDL").count(b"\r\n") == 2


def test_2449_6_9_the_implementation_is_announced(server: Server) -> None:
    """RFC 2449 section 6.9: in both states, which is allowed, without a version, so that tests stay the same."""
    assert "IMPLEMENTATION pop3s-fake" in capabilities(server.connect())
    assert "IMPLEMENTATION pop3s-fake" in capabilities(server.login())


def test_2449_9_1_only_registered_capabilities_are_announced(server: Server) -> None:
    """RFC 2449 section 9: a private one would begin with X."""
    assert {line.split(" ")[0] for line in capabilities(server.login())} <= REGISTERED


def test_2449_8_1_a_response_code_stands_at_the_beginning_of_the_text(server: Server) -> None:
    """RFC 2449 section 8: and nowhere else."""
    server.maildrop.protect(*server.maildrop.uids)
    first, second = server.login(), server.connect()
    said = second.ask("USER mrose", "PASS bad", "USER mrose", "PASS tanstaaf") + first.ask("DELE 1", "QUIT")
    coded = [line for line in said.splitlines() if b"[" in line]
    assert [line.partition(b"] ")[0] for line in coded] == [b"-ERR [AUTH", b"-ERR [IN-USE", b"-ERR [SYS/TEMP"]
    assert all(line.count(b"[") == 1 for line in coded)


def test_2449_8_1_2_in_use_is_said_only_to_whom_the_maildrop_belongs(server: Server) -> None:
    """RFC 2449 section 8.1.2: only where the credentials were right."""
    server.login()
    second = server.connect()
    assert second.ask("USER mrose", "PASS bad", f"APOP mrose {32 * '0'}").count(b"[AUTH]") == 2
    assert second.ask("USER mrose", "PASS tanstaaf").count(b"[IN-USE]") == 1


def test_3206_4_1_a_passing_fault_of_the_server_is_sys_temp(server: Server) -> None:
    """RFC 3206 section 4: the client may try again later."""
    server.maildrop.protect(*server.maildrop.uids)
    assert server.login().ask("DELE 1", "QUIT").splitlines()[1].startswith(b"-ERR [SYS/TEMP] ")


def test_3206_5_1_wrong_credentials_are_auth(server: Server) -> None:
    """RFC 3206 section 5: at PASS and APOP; an unknown name is not refused at USER."""
    said = server.connect().ask("USER nobody", "PASS x", "USER mrose", "PASS x", f"APOP mrose {32 * '0'}").splitlines()
    assert [line.partition(b"] ")[0] for line in said[1::2]] == [b"-ERR [AUTH", b"-ERR [AUTH"]
    assert said[0] == said[2] == b"+OK name noted, now the password"
    assert said[4].startswith(b"-ERR [AUTH] ")


def test_3206_6_1_every_refusal_of_credentials_and_no_other_has_the_code(server: Server) -> None:
    """RFC 3206 sections 5 and 6: it is announced; a command in the wrong place is no matter of credentials."""
    client = server.connect()
    assert "AUTH-RESP-CODE" in capabilities(client)
    others = ("PASS x", "APOP x", "USER", "AUTH", "STAT", "XYZZY")
    assert not any(b"[" in client.ask(line) for line in others)
    server.login()
    assert b"[AUTH]" not in client.ask("USER mrose", "PASS tanstaaf")
