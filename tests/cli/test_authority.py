"""The CA that is kept: harmless by what it may issue, by who can read its key, and by how long it lasts."""

from __future__ import annotations

import socket
import ssl
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Pop3sServer, UsageError
from pop3s_fake.cli.authority import kept_authority

if TYPE_CHECKING:
    from pathlib import Path


def greeted(server: Pop3sServer, host: str, ca_file: str) -> bool:
    """Whether a client that verifies strictly gets as far as the greeting."""
    context = ssl.create_default_context(cafile=ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(("localhost", server.port), timeout=60) as sock,
        context.wrap_socket(sock, server_hostname=host) as client,
    ):
        return client.recv(3) == b"+OK"


@pytest.mark.parametrize("name", ["localhost", "pop.localhost", "pop.test", "127.0.0.1"])
def test_this_machines_own_names_are_vouched_for(tmp_path: Path, name: str) -> None:
    """RFC 6761 sections 6.2 and 6.3: nobody else has them."""
    kept = kept_authority(str(tmp_path))
    with Pop3sServer(authority=kept.authority, names=["localhost", name], strict=False) as server:
        assert greeted(server, name, kept.ca_file)


@pytest.mark.parametrize("name", ["pop.example.com", "localhost.example.com", "192.0.2.1"])
def test_no_other_name_is(tmp_path: Path, name: str) -> None:
    """Whoever has the key cannot be somebody else with it (RFC 5280 section 4.2.1.10)."""
    kept = kept_authority(str(tmp_path))
    with (
        Pop3sServer(authority=kept.authority, names=[name], strict=False) as server,
        pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"),
    ):
        greeted(server, name, kept.ca_file)


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    """And so is the folder, where it is made."""
    kept_authority(str(tmp_path / "kept"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "kept").iterdir()}
    assert modes == {"ca.key": 0o600, "ca.pem": 0o644}
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o700
    assert "PRIVATE" not in (tmp_path / "kept" / "ca.pem").read_text(encoding="ascii")


def test_it_is_the_same_until_it_ends(tmp_path: Path) -> None:
    """Ninety days; made anew a day before, so that no server runs into its end at once."""
    now = datetime.now(UTC)
    first = kept_authority(str(tmp_path), now=now)
    again = kept_authority(str(tmp_path), now=now + timedelta(days=88))
    later = kept_authority(str(tmp_path), now=now + timedelta(days=89, minutes=1))
    assert abs(first.until - now - timedelta(days=90)) < timedelta(seconds=2)
    assert [first.new, again.new, later.new] == [True, False, True]
    assert again.authority.ca_pem == first.authority.ca_pem != later.authority.ca_pem
    assert (tmp_path / "ca.pem").read_text(encoding="ascii") == later.authority.ca_pem


def test_a_ca_file_that_was_lost_is_written_again(tmp_path: Path) -> None:
    """From the key's own file, which has the certificate, too."""
    first = kept_authority(str(tmp_path))
    (tmp_path / "ca.pem").unlink()
    again = kept_authority(str(tmp_path))
    assert (again.new, (tmp_path / "ca.pem").read_text(encoding="ascii")) == (False, first.authority.ca_pem)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Word for word."""
    kept_authority(str(tmp_path))
    (tmp_path / "ca.key").chmod(0o640)
    with pytest.raises(UsageError) as caught:
        kept_authority(str(tmp_path))
    assert str(caught.value) == (
        f"the key '{tmp_path}/ca.key' can be read by others, so its CA must not be trusted any more: "
        "remove it, and a new one is made"
    )


@pytest.mark.parametrize("text", ["", "no key", "-----BEGIN CERTIFICATE-----\n"])
def test_what_is_no_authority_is_left_alone(tmp_path: Path, text: str) -> None:
    """Somebody else's file is not overwritten."""
    (tmp_path / "ca.key").write_text(text, encoding="ascii")
    (tmp_path / "ca.key").chmod(0o600)
    with pytest.raises(UsageError) as caught:
        kept_authority(str(tmp_path))
    assert str(caught.value) == (
        f"'{tmp_path}/ca.key' is no authority that pop3s-fake has made; name another folder for --ca-dir"
    )
    assert (tmp_path / "ca.key").read_text(encoding="ascii") == text
