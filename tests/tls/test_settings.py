from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.tls.settings import Tls


def test_equal_settings_are_one_key() -> None:
    """Contexts are kept by their settings; lists are as good as tuples."""
    assert len({Tls(), Tls(versions="1.2-1.3"), Tls(alpn=["pop3"])}) == 1  # type: ignore[arg-type]
    assert Tls(sni={"a.test": "expired"}) == Tls(sni=(("a.test", "expired"),))
    assert hash(Tls(sni={"a.test": "expired"}, keylog=Path("keys"))) == hash(
        Tls(sni={"a.test": "expired"}, keylog="keys")
    )
    assert hash(Tls(groups=["X25519"])) == hash(Tls(groups=("X25519",)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("versions", "lowest", "highest"), [("1.2", "1.2", "1.2"), ("1.0-1.3", "1.0", "1.3"), ("1.2-1.3", "1.2", "1.3")]
)
def test_versions_are_one_or_a_range(versions: str, lowest: str, highest: str) -> None:
    """One version is the range of itself."""
    assert (Tls(versions=versions).lowest, Tls(versions=versions).highest) == (lowest, highest)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"version": "1.2"}, "Tls has no keyword 'version'; did you mean 'versions'?"),
        ({"versions": "1.4"}, "unknown TLS versions '1.4'; did you mean '1.3'?"),
        ({"versions": "TLSv1.2"}, "unknown TLS versions 'TLSv1.2'; did you mean '1.2'?"),
        ({"versions": "ssl3"}, "unknown TLS versions 'ssl3'; known are: 1.0, 1.1, 1.2, 1.3"),
        ({"versions": "1.2-1.4"}, "unknown TLS versions '1.2-1.4'; did you mean '1.2-1.3'?"),
        ({"versions": "1.3-1.2"}, "TLS versions '1.3-1.2' begin with the higher one; did you mean '1.2-1.3'?"),
        ({"versions": 1.2}, "versions is a str such as '1.2' or '1.2-1.3', not 1.2"),
        ({"ciphers": ""}, "ciphers is an OpenSSL cipher string such as 'ECDHE+AESGCM', not ''"),
        ({"ciphers": ["A"]}, "ciphers is an OpenSSL cipher string such as 'ECDHE+AESGCM', not ['A']"),
        (
            {"versions": "1.3", "ciphers": "AES128-SHA"},
            (
                "ciphers='AES128-SHA' has no effect with versions='1.3': Python's ssl cannot choose among the suites "
                "of TLS 1.3; ask for versions='1.2' or leave ciphers out"
            ),
        ),
        ({"groups": ()}, "groups is a name such as 'X25519' or a tuple of names, not ()"),
        ({"groups": ("X25519", 5)}, "groups is a name such as 'X25519' or a tuple of names, not ('X25519', 5)"),
        ({"groups": 5}, "groups is a name such as 'X25519' or a tuple of names, not 5"),
        ({"alpn": "pop3"}, "alpn is a tuple of protocol names such as ('pop3',), not 'pop3'"),
        ({"alpn": ("",)}, "an ALPN protocol name is a str of 1 to 255 ASCII characters, not ''"),
        ({"alpn": ("pöp3",)}, "an ALPN protocol name is a str of 1 to 255 ASCII characters, not 'pöp3'"),
        ({"tickets": -1}, "tickets is a number from 0, not -1"),
        ({"tickets": True}, "tickets is a number from 0, not True"),
        ({"alpn_policy": "refuze"}, "unknown alpn_policy 'refuze'; did you mean 'refuse'?"),
        (
            {"alpn": (), "alpn_policy": "require"},
            "alpn_policy='require' refuses everybody where alpn=() leaves ALPN out; name a protocol",
        ),
        ({"dh": 1023, "versions": "1.2"}, "dh is one of 768, 1024, 1536, 2048, 3072, 4096 bits, not 1023"),
        ({"dh": "1024", "versions": "1.2"}, "dh is one of 768, 1024, 1536, 2048, 3072, 4096 bits, not '1024'"),
        (
            {"dh": 1024},
            "dh=1024 has no effect where TLS 1.3 is spoken, whose groups are fixed; ask for versions='1.2'",
        ),
        (
            {"sni": "expired"},
            ("sni is a dict from host names to ids of certificates, such as {'mail.test': 'expired'}, not 'expired'"),
        ),
        ({"sni": {"mail.test": "expird"}}, "unknown certificate 'expird'; did you mean 'expired'?"),
        (
            {"sni": {"pöp.test": "good"}},
            "sni has host names in their ASCII form (RFC 6066 section 3), unlike 'pöp.test'",
        ),
        ({"sni": {5: "good"}}, "sni has host names in their ASCII form (RFC 6066 section 3), unlike 5"),
        ({"keylog": 5}, "keylog is the path of a file, not 5"),
        ({"keylog": ""}, "keylog is the path of a file, not ''"),
    ],
)
def test_a_mistake_is_named_at_the_call(settings: dict[str, Any], text: str) -> None:
    """Errors are product: what is wrong and what would be right."""
    with pytest.raises(UsageError) as caught:
        Tls(**settings)
    assert str(caught.value) == text


def test_the_security_level_can_be_set_for_tls_1_3() -> None:
    """A level concerns certificates and groups, too, so it has an effect there."""
    assert Tls(versions="1.3", ciphers="DEFAULT:@SECLEVEL=0").ciphers == "DEFAULT:@SECLEVEL=0"


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("from pop3s_fake.tls import Tls, client_hello; Tls()", ("ssl", "trustme", "cryptography", "cattrs")),
        ("from pop3s_fake.tls import certificate_ids; certificate_ids()", ("ssl", "trustme", "cryptography")),
        ("from pop3s_fake.tls import handshake_ids; handshake_ids()", ("ssl", "trustme", "cryptography")),
        ("from pop3s_fake.tls import Records", ("trustme", "cryptography", "cattrs", "socketserver")),
    ],
)
def test_nothing_is_loaded_before_it_is_needed(code: str, absent: tuple[str, ...]) -> None:
    """Settings and ids are checked before anything is generated."""
    code += f"; import sys; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "[]\n"


def test_the_room_lists_what_it_offers() -> None:
    """Every public name can be had, and a wrong one is an AttributeError like any other."""
    import pop3s_fake.tls as room  # noqa: PLC0415 - the room is the subject

    for name in room.__all__:
        assert getattr(room, name).__name__ == name
        assert name in dir(room)
    with pytest.raises(AttributeError, match=r"^module 'pop3s_fake.tls' has no attribute 'Recrods'$"):
        _ = room.Recrods
