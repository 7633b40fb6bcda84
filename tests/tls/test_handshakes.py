from __future__ import annotations

import platform
import ssl
import warnings
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.tls import Tls
from pop3s_fake.tls.groups import dh_prime
from pop3s_fake.tls.settings import DH_BITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pop3s_fake.tls import Authority

VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


def client_of(authority: Authority, lowest: str, highest: str = "", *, certificate: Any = None) -> ssl.SSLContext:
    """A client that speaks these versions, also the deprecated ones."""
    client = authority.client_context(client_certificate=certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version, client.maximum_version = VERSIONS[lowest], VERSIONS[highest or lowest]
    if lowest < "1.2":
        client.set_ciphers("DEFAULT:@SECLEVEL=0")
    return client


@pytest.mark.parametrize("certificate", ["good", "good-rsa"])
@pytest.mark.parametrize(
    ("version", "name"), [("1.0", "TLSv1"), ("1.1", "TLSv1.1"), ("1.2", "TLSv1.2"), ("1.3", "TLSv1.3")]
)
def test_each_version_can_be_spoken_and_no_other_is(
    pair: Callable[..., Any], authority: Authority, version: str, name: str, certificate: str
) -> None:
    """A server of one version meets a client of this one, and refuses one of any other."""
    server = authority.server_context(certificate, tls=Tls(versions=version))
    made = pair(server, client_of(authority, version))
    assert (made.client_error, made.server_error) == (None, None)
    assert made.records.facts().version == name
    for other in set(VERSIONS) - {version}:
        refused = pair(server, client_of(authority, other))
        assert refused.client_error is not None
        assert refused.server_error is not None


def test_the_default_is_tls_1_2_and_1_3(pair: Callable[..., Any], authority: Authority) -> None:
    """RFC 9325 section 3.1.1: below 1.2 never, 1.3 preferred."""
    assert pair().records.facts().version == "TLSv1.3"
    assert pair(client=client_of(authority, "1.2")).records.facts().version == "TLSv1.2"
    refused = pair(client=client_of(authority, "1.1"))
    assert "PROTOCOL_VERSION" in (refused.client_error.reason or "")


def test_a_range_takes_the_highest_both_speak(pair: Callable[..., Any], authority: Authority) -> None:
    """A server for everything."""
    server = authority.server_context(tls=Tls(versions="1.0-1.2"))
    assert pair(server, client_of(authority, "1.0", "1.3")).records.facts().version == "TLSv1.2"
    assert pair(server, client_of(authority, "1.0", "1.1")).records.facts().version == "TLSv1.1"


def test_a_strong_cipher_and_a_big_group_can_be_asked_for(pair: Callable[..., Any], authority: Authority) -> None:
    """ECDHE-RSA with AES-256 over secp521r1, as large providers have it."""
    server = authority.server_context(
        "good-rsa", tls=Tls(versions="1.2", ciphers="ECDHE-RSA-AES256-GCM-SHA384", groups="secp521r1")
    )
    made = pair(server)
    facts = made.records.facts()
    assert (facts.version, facts.cipher) == ("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384")
    other = authority.client_context()
    other.maximum_version = ssl.TLSVersion.TLSv1_2
    other.set_ecdh_curve("prime256v1")
    assert pair(server, other).server_error.reason == "NO_SHARED_CIPHER"  # the only group is really the only one


def can_choose(group: str) -> bool:
    """Whether this Python lets a context ask for a group; an old one (3.11.2) only for some."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ecdh_curve(group)
    except ssl.SSLError:
        return False
    return True


@pytest.mark.parametrize("groups", ["X25519", "x25519", "P-384", "secp256r1", ("P-521",)])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_group_goes_by_its_common_names(
    pair: Callable[..., Any], authority: Authority, groups: str | tuple[str, ...], version: str
) -> None:
    """RFC 8446 says secp256r1, NIST says P-256, OpenSSL says prime256v1; X25519 is not for every Python to choose."""
    if groups in {"X25519", "x25519"} and not can_choose("X25519"):
        with pytest.raises(UsageError) as caught:
            authority.server_context("good-rsa", tls=Tls(versions=version, groups=groups))
        python = f"Python {platform.python_version()} with {ssl.OPENSSL_VERSION}"
        assert str(caught.value) == f"{python} cannot choose the group {groups!r}"
        return
    made = pair(authority.server_context("good-rsa", tls=Tls(versions=version, groups=groups)))
    assert (made.client_error, made.server_error) == (None, None)


def test_an_old_version_takes_a_level_with_its_ciphers(pair: Callable[..., Any], authority: Authority) -> None:
    """The level is added where the cipher string names none, and left alone where it does."""
    for ciphers in ("AES128-SHA", "AES128-SHA:@SECLEVEL=0"):
        server = authority.server_context("good-rsa", tls=Tls(versions="1.0", ciphers=ciphers))
        client = client_of(authority, "1.0")
        assert pair(server, client).records.facts().cipher == "AES128-SHA"


@pytest.mark.parametrize(
    ("tls", "text"),
    [
        (Tls(ciphers="RC4-SHA"), f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no cipher 'RC4-SHA'"),
        (
            Tls(ciphers="ECDHE-RSA-AES256-GCM-SHA348"),
            (
                f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no cipher 'ECDHE-RSA-AES256-GCM-SHA348'; "
                "did you mean 'ECDHE-RSA-AES256-GCM-SHA384'?"
            ),
        ),
        (Tls(versions="1.0", ciphers="RC4-SHA"), f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no cipher 'RC4-SHA'"),
        (
            Tls(ciphers="TLS_AES_128_GCM_SHA256"),
            (
                "'TLS_AES_128_GCM_SHA256' is a suite of TLS 1.3, and Python's ssl cannot choose among those; "
                "leave ciphers out"
            ),
        ),
        (
            Tls(groups="secp512r1"),
            f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no group 'secp512r1'; did you mean 'secp521r1'?",
        ),
        (
            Tls(groups="kyber"),
            (
                f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no group 'kyber'; "
                "known are: X25519, X448, prime256v1, secp384r1, secp521r1"
            ),
        ),
    ],
)
def test_what_this_openssl_lacks_is_told_when_the_context_is_made(authority: Authority, tls: Tls, text: str) -> None:
    """Not at the handshake, where the client would be blamed."""
    with pytest.raises(UsageError) as caught:
        authority.server_context(tls=tls)
    assert str(caught.value) == text


def test_a_version_this_openssl_lacks_is_told(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some builds come without the old ones."""
    from pop3s_fake.tls import contexts  # noqa: PLC0415 - its table is the subject

    monkeypatch.setitem(contexts._VERSIONS, "1.1", (ssl.TLSVersion.TLSv1_1, False))
    with pytest.raises(UsageError) as caught:
        authority.server_context(tls=Tls(versions="1.1-1.2", tickets=7))
    assert str(caught.value) == f"this OpenSSL ({ssl.OPENSSL_VERSION}) has no TLS 1.1"


def test_several_groups_need_a_python_that_can_set_them(pair: Callable[..., Any], authority: Authority) -> None:
    """Where it can, they work; where it cannot, it is told."""
    tls = Tls(groups=("X25519", "P-256"))
    if hasattr(ssl.SSLContext, "set_groups"):
        assert pair(authority.server_context(tls=tls)).client_error is None
        return
    with pytest.raises(UsageError) as caught:
        authority.server_context(tls=tls)
    assert str(caught.value) == (
        f"several groups need a Python with ssl.SSLContext.set_groups, which {platform.python_implementation()} "
        f"{platform.python_version()} has not; name one, such as groups='X25519'"
    )


@pytest.mark.parametrize(
    ("offered", "spoken", "chosen"),
    [
        (["h2", "pop3"], ("pop3",), "pop3"),
        (["b", "a"], ("a", "b"), "a"),
        (["pop3"], (), None),
        ([], ("pop3",), None),
    ],
)
def test_alpn_takes_one_of_the_offer_by_the_servers_preference(
    pair: Callable[..., Any], authority: Authority, offered: list[str], spoken: tuple[str, ...], chosen: str | None
) -> None:
    """RFC 7301 sections 3.1 and 3.2."""
    client = authority.client_context()
    if offered:
        client.set_alpn_protocols(offered)
    made = pair(authority.server_context(tls=Tls(alpn=spoken)), client)
    assert made.records.facts().alpn == chosen
    assert made.client.selected_alpn_protocol() == chosen
    assert made.records.hello.alpn == tuple(offered)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("tickets", [0, 1])
def test_no_tickets_means_none(pair: Callable[..., Any], authority: Authority, version: str, tickets: int) -> None:
    """In TLS 1.2 the ticket is part of the handshake (RFC 5077), in 1.3 it follows (RFC 8446 section 4.6.1)."""
    made = pair(authority.server_context(tls=Tls(versions=version, tickets=tickets)))
    made.incoming.write(made.records.seal(b"+OK\r\n"))
    assert made.hear() == b"+OK\r\n"
    assert made.client.session.has_ticket is bool(tickets)


@pytest.mark.parametrize(("version", "resumed"), [("1.2", True), ("1.3", False)])
def test_without_tickets_only_a_session_of_tls_1_2_can_be_resumed(
    pair: Callable[..., Any],
    authority: Authority,
    version: str,
    resumed: bool,  # noqa: FBT001
) -> None:
    """By its id (RFC 5246 section 7.3), which OpenSSL remembers and Python's ssl cannot make it forget."""
    server, client = authority.server_context(tls=Tls(versions=version, tickets=0)), client_of(authority, version)
    first = pair(server, client)
    first.incoming.write(first.records.seal(b"+OK\r\n"))
    first.hear()
    assert pair(server, client, session=first.client.session).records.facts().resumed is resumed


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_client_that_comes_back_with_its_ticket_is_known(
    pair: Callable[..., Any], authority: Authority, version: str
) -> None:
    """Resumption is a fact of the session (RFC 8446 section 2.2)."""
    client = client_of(authority, version)
    first = pair(client=client)
    first.incoming.write(first.records.seal(b"+OK\r\n"))
    first.hear()
    second = pair(client=client, session=first.client.session)
    assert (first.records.facts().resumed, second.records.facts().resumed) == (False, True)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_client_certificate_is_known_by_its_common_name(
    pair: Callable[..., Any], authority: Authority, version: str
) -> None:
    """Required or optional, it is verified; without a request none is sent (RFC 8314 section 4.2)."""
    client = client_of(authority, version, certificate=authority.client_certificate("ann"))
    asked: tuple[Literal["required", "optional"], ...] = ("required", "optional")
    for client_certificate in asked:
        made = pair(authority.server_context(client_certificate=client_certificate), client)
        assert (made.client_error, made.server_error) == (None, None)
        assert made.records.facts().client_certificate == "ann"
    assert pair(authority.server_context(), client).records.facts().client_certificate is None


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_client_without_a_certificate_passes_where_it_is_optional(
    pair: Callable[..., Any], authority: Authority, version: str
) -> None:
    """And nothing is known of it."""
    made = pair(authority.server_context(client_certificate="optional"), client_of(authority, version))
    assert (made.client_error, made.server_error) == (None, None)
    assert made.records.facts().client_certificate is None


def test_a_missing_client_certificate_is_refused_in_the_handshake_of_tls_1_2(
    pair: Callable[..., Any], authority: Authority
) -> None:
    """RFC 5246 section 7.4.6: handshake_failure."""
    made = pair(authority.server_context(client_certificate="required"), client_of(authority, "1.2"))
    assert made.server_error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    assert "HANDSHAKE_FAILURE" in made.client_error.reason


def test_a_missing_client_certificate_is_refused_after_the_client_believes_it_is_done_in_tls_1_3(
    pair: Callable[..., Any], authority: Authority
) -> None:
    """RFC 8446 section 4.4.2.4: certificate_required, which the client meets at its first read."""
    made = pair(authority.server_context(client_certificate="required"), client_of(authority, "1.3"))
    assert made.server_error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    assert made.client_error is None
    with pytest.raises(ssl.SSLError, match="certificate required"):
        made.hear()


def test_a_strangers_client_certificate_is_refused(pair: Callable[..., Any], authority: Authority) -> None:
    """Only those of the same authority are accepted."""
    stranger = type(authority)()
    client = client_of(authority, "1.2", certificate=stranger.client_certificate("ann"))
    made = pair(authority.server_context(client_certificate="optional"), client)
    assert made.server_error.reason == "CERTIFICATE_VERIFY_FAILED"
    assert "UNKNOWN_CA" in made.client_error.reason


@pytest.mark.parametrize("bits", DH_BITS)
def test_the_groups_are_those_of_the_rfcs(bits: int) -> None:
    """RFC 2409 section 6 and RFC 3526: a prime of so many bits, whose half is prime, too."""
    prime = dh_prime(bits)
    assert prime.bit_length() == bits
    assert hex(prime).startswith("0xffffffffffffffffc90fdaa2")
    assert hex(prime).endswith("f" * 16)
    for number in (prime, prime // 2):
        assert pow(2, number - 1, number) == 1
        assert pow(3, number - 1, number) == 1


def test_a_small_group_is_used_and_told_to_who_takes_it(pair: Callable[..., Any], authority: Authority) -> None:
    """RFC 9325 section 4.5: 2048 bits are the least; OpenSSL refuses less at security level 2."""
    server = authority.server_context("good-rsa", tls=Tls(versions="1.2", dh=1024))
    client = client_of(authority, "1.2")
    client.set_ciphers("DHE:@SECLEVEL=2")
    assert "dh key too small" in str(pair(server, client).client_error)
    client.set_ciphers("DHE:@SECLEVEL=0")
    made = pair(server, client)
    assert (made.client_error, made.server_error) == (None, None)
    assert made.records.facts().cipher.startswith("DHE-RSA-")


@pytest.mark.parametrize(
    ("certificate", "tls", "text"),
    [
        (
            "good",
            Tls(versions="1.2", dh=1024),
            (
                "dh=1024 goes with no certificate that has an EC key; "
                "ask for a certificate with an RSA key, such as 'good-rsa'"
            ),
        ),
        (
            "good",
            Tls(versions="1.2", ciphers="AES128-SHA"),
            (
                "ciphers='AES128-SHA' goes with no certificate that has an EC key; "
                "ask for a certificate with an RSA key, such as 'good-rsa'"
            ),
        ),
        (
            "good-rsa",
            Tls(versions="1.2", ciphers="ECDHE-ECDSA-AES128-SHA"),
            (
                "ciphers='ECDHE-ECDSA-AES128-SHA' goes with no certificate that has an RSA key; "
                "ask for a certificate with an EC key, such as 'good'"
            ),
        ),
        (
            "good-rsa",
            Tls(versions="1.2", dh=2048, ciphers="ECDHE"),
            "dh=2048 has no effect with ciphers='ECDHE', of which none begins with DHE; leave ciphers out",
        ),
        (
            "good",
            Tls(keylog="no/such/folder/keys"),
            "the key log 'no/such/folder/keys' cannot be written: No such file or directory",
        ),
    ],
)
def test_what_could_serve_nobody_is_told_when_the_context_is_made(
    authority: Authority, certificate: str, tls: Tls, text: str
) -> None:
    """Not at the handshake, where every client would be blamed."""
    with pytest.raises(UsageError) as caught:
        authority.server_context(certificate, tls=tls)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("asked", "code"), [("mail.test", None), ("MAIL.test", None), ("old.test", 10), ("other.test", 62), (None, 62)]
)
def test_each_name_has_a_certificate_of_its_own(
    pair: Callable[..., Any], authority: Authority, asked: str | None, code: int | None
) -> None:
    """RFC 6066 section 3: in whatever case the client writes it, and none is a name, too."""
    sni = {"mail.test": "good", "Old.Test": "expired", "*": "wrong-host", "": "self-signed"}
    client = authority.client_context()
    client.check_hostname = asked is not None
    made = pair(authority.server_context(tls=Tls(sni=sni)), client, server_hostname=asked)
    assert getattr(made.client_error, "verify_code", None) == (code if asked else 18)


def test_who_is_not_in_the_map_sees_the_servers_own_certificate(pair: Callable[..., Any], authority: Authority) -> None:
    """Without "*" nothing changes for other names, and without "" nothing for those who ask for none."""
    server = authority.server_context(tls=Tls(sni={"mail.test": "expired"}))
    assert pair(server).client_error is None
    client = authority.client_context()
    client.check_hostname = False
    assert pair(server, client, server_hostname=None).client_error is None


def test_an_unknown_name_can_be_refused(pair: Callable[..., Any], authority: Authority) -> None:
    """RFC 6066 section 3: unrecognized_name is fatal."""
    made = pair(authority.server_context(tls=Tls(sni={"localhost": "good", "*": "alert"})), server_hostname="a.test")
    assert "unrecognized name" in str(made.client_error)
    assert made.server_error is not None


def test_a_weak_certificate_can_be_one_of_several(pair: Callable[..., Any], authority: Authority) -> None:
    """The security level is that of the context in which the handshake begins."""
    server = authority.server_context(tls=Tls(sni={"mail.test": "rsa-1024"}))
    client = authority.client_context()
    client.set_ciphers("DEFAULT:@SECLEVEL=2")
    assert pair(server, client, server_hostname="mail.test").client_error.verify_code == 66
    assert pair(server, client).client_error is None


@pytest.mark.parametrize(("version", "lines"), [("1.2", 1), ("1.3", 5)])
def test_the_key_log_has_what_wireshark_needs(
    pair: Callable[..., Any], authority: Authority, tmp_path: Path, version: str, lines: int
) -> None:
    """The format of NSS: a label, the client's random, the secret; five secrets in TLS 1.3."""
    keys = tmp_path / "keys"
    pair(authority.server_context(tls=Tls(versions=version, keylog=keys)))
    said = [line.split() for line in keys.read_text().splitlines() if not line.startswith("#")]
    assert len(said) >= lines
    assert len({random for _, random, _ in said}) == 1
    labels = {label for label, _, _ in said}
    assert labels >= ({"CLIENT_RANDOM"} if version == "1.2" else {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"})


def test_a_client_can_be_asked_for_its_certificate_later(pair: Callable[..., Any], authority: Authority) -> None:
    """RFC 8446 section 4.6.2, if it offered post_handshake_auth; if not, it cannot be asked."""
    server = authority.server_context(client_certificate="later")
    client = authority.client_context(client_certificate=authority.client_certificate("ann"))
    assert pair(server, client).records.request_certificate() is None
    client.post_handshake_auth = True
    made = pair(server, client)
    assert made.records.facts().client_certificate is None
    made.incoming.write(made.records.request_certificate() + made.records.seal(b"+OK\r\n"))
    assert made.hear() == b"+OK\r\n"
    made.say(b"NOOP\r\n")
    assert made.records.read() == b"NOOP\r\n"
    assert made.records.facts().client_certificate == "ann"
