"""The session is the one that it says to be."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import manual_session
import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed: apt-get install openssl"
)

TLS = ["Server Temp Key: ECDH, secp521r1, 521 bits", "New, TLSv1.2, Cipher is ECDHE-RSA-AES256-GCM-SHA384"]


@pytest.fixture
def sessions(tmp_path: Path) -> list[list[str]]:
    """The lines of each of the four sessions."""
    shown = "\n".join(manual_session.everything(tmp_path)).replace("self signed", "self-signed")  # OpenSSL 1.1
    return [session.splitlines() for session in shown.replace("Peer Temp Key", "Server Temp Key").split("\n\n$ ")]


def test_openssl_is_a_pop3_client(sessions: list[list[str]]) -> None:
    """Without trust, with trust, without and with a client certificate."""
    without, trusting, refused, known = sessions

    assert without[1] == "verify error:num=18:self-signed certificate"
    for session in sessions:
        assert [line for line in session if line in TLS] == TLS
        assert "Server public key is 3072 bit" in session
    assert "Verify return code: 18 (self-signed certificate)" in without
    for session in (trusting, refused, known):
        assert "Verify return code: 0 (ok)" in session

    hello = without[without.index("+OK 296 octets") + 1 : -3]
    assert manual_session.on_the_wire("".join(f"{line}\n" for line in hello)) == 296
    assert hello == manual_session.HELLO.splitlines()
    assert without[without.index("+OK 15 messages:") + 1 :][:3] == ["1 692", "2 302", "3 296"]
    assert trusting[-1] == without[-1] == known[-1] == "+OK Logging out."
    assert "SSL alert number 40" in refused  # handshake_failure
    assert "+OK Dovecot ready." not in refused
