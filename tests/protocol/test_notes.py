"""What the transcript holds of a whole conversation: every line both ways, with its time and its octets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake.protocol.replies import PIECE

if TYPE_CHECKING:
    from tests.protocol.conftest import Server

EVERY_WAY = pytest.mark.parametrize("way", ["whole", "octet", "tls", "tls-octet"], indirect=True)

LINES: tuple[tuple[bytes, str, int], ...] = (
    # what is sent, how it is noted, octets of the line
    (b"CAPA", "CAPA", 6),
    (b"USER nobody", "USER nobody", 13),
    (b"PASS open sesame", "PASS ****", 18),
    (b"user mrose", "user mrose", 12),
    (b"pass bad", "pass ****", 10),
    (b"mrose", "mrose", 7),
    (b"USER tanstaaf", "USER ****", 15),
    (b"USER mrose", "USER mrose", 12),
    (b"PASS tanstaaf", "PASS ****", 15),
    (b"STAT", "STAT", 6),
    (b"retr 1", "retr 1", 8),
    (b"TOP 1 0", "TOP 1 0", 9),
    (b"RETR  1", "RETR  1", 9),
    (b"NOOP tanstaaf\x00", r"NOOP ****\x00", 16),
    (b"RETR 3", "RETR 3", 8),
    (b"x" * 9000, "(a line of more than 8192 octets)", 0),
    (b"QUIT", "QUIT", 6),
)


@EVERY_WAY
def test_every_line_is_noted_both_ways(server: Server) -> None:
    """Time, text, octets; passwords masked, the payload counted and not kept."""
    server.maildrop.generate(1, lambda _: [b"x" * 9998 + b"\r\n"] * 25, octets=250_000)
    client = server.connect()
    assert client.log.entries[0] == (0.0, "S", client.greeting.decode().rstrip(), len(client.greeting))
    for second, (line, text, octets) in enumerate(LINES, 1):
        server.time = float(second)
        said = client.ask(line)
        heard, replied = [entry for entry in client.log.entries if entry.kind != "-"][-2:]
        assert heard == (second, "C", text, octets)
        assert replied == (second, "S", said.partition(b"\r\n")[0].decode(), len(said))
    [streamed] = [entry for entry in client.log.entries if entry.text == "+OK 250000 octets"]
    assert streamed.octets == len("+OK 250000 octets\r\n") + 250_000 + len(".\r\n")


def test_a_stored_message_of_one_piece_leaves_in_one_write(server: Server) -> None:
    """A longer one in several, so that nothing long is ever sealed at once."""
    server.maildrop.add(b"x" * (PIECE - 2) + b"\r\n", b"x" * (PIECE - 1) + b"\r\n")
    client = server.login()
    before = len(client.sent)
    client.ask("RETR 3")
    assert len(client.sent) == before + 1
    client.ask("RETR 4")
    assert len(client.sent) == before + 3
