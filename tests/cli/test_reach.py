"""Where the server listens, and for which names its certificate is good."""

from __future__ import annotations

import errno
import platform

import pytest

from pop3s_fake.cli.reach import Reach, reach
from pop3s_fake.server.listener import _addresses


def to(host: str, *, kept: bool = False) -> Reach:
    """Where others may come, too."""
    return reach(host, allow_remote=True, logins=[], any_login=False, kept=kept)


def test_the_loopback_has_three_names() -> None:
    """All mean both addresses."""
    assert [to(host)[:3] for host in ("localhost", "127.0.0.1", "::1")] == [
        ("localhost", host, ("localhost",)) for host in ("localhost", "127.0.0.1", "::1")
    ]
    assert to("127.0.0.2") == Reach("127.0.0.2", "127.0.0.2", ("localhost", "127.0.0.2"), remote=False)


def test_every_address_is_found_as_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """And by the name of the machine, unless the CA is not good for that, or it is none."""
    monkeypatch.setattr(platform, "node", lambda: "desk.example")
    assert to("0.0.0.0") == Reach("0.0.0.0", "localhost", ("localhost", "desk.example"), remote=True)  # noqa: S104
    assert to("::", kept=True).names == ("localhost",)
    monkeypatch.setattr(platform, "node", lambda: "my_desk")
    assert to("::").names == ("localhost",)


def test_an_address_of_the_machine_is_a_name_of_the_certificate() -> None:
    """Clients connect by it."""
    assert to("192.0.2.1") == Reach("192.0.2.1", "192.0.2.1", ("localhost", "192.0.2.1"), remote=True)


def test_a_kept_ca_is_good_for_names_of_tests() -> None:
    """Such as a container has in its network."""
    assert to("pop3s.test", kept=True) == Reach("pop3s.test", "pop3s.test", ("localhost", "pop3s.test"), remote=True)


def test_a_name_becomes_its_addresses() -> None:
    """Where there are none, the system's error says that it cannot be listened on."""
    assert [address for _, address in _addresses("127.0.0.2")] == ["127.0.0.2"]
    with pytest.raises(OSError, match="codec") as caught:
        _addresses("..")
    assert caught.value.errno == errno.EADDRNOTAVAIL
