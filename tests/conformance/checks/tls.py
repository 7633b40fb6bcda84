"""STLS, implicit TLS, versions, ALPN, closing: RFC 2595, 8314, 9325, 7301, 8446, and what SASL binds to."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pop3s_fake import UsageError
from tests.conformance.checks.auth import good
from tests.conformance.checks.authorization import credentials
from tests.conformance.handshakes import CERTIFICATE_REQUEST, SERVER_HELLO, extensions, hello, messages
from tests.conformance.mechanisms import bearer, mechanisms, need, offering, scram, version
from tests.conformance.rows import row
from tests.conformance.talk import Silence, Unavailable

if TYPE_CHECKING:
    from tests.conformance.talk import Client, Pipe, Server, Talk

SHOWS_PASSWORDS = {"USER", "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"}


def drained(pipe: Pipe) -> bytes:
    """All that comes up to the end of the connection."""
    octets = b""
    while piece := pipe.read():
        octets += piece
    return octets


def refused(server: Server, octets: bytes) -> bytes:
    """What a TLS port says to this before it closes."""
    pipe = server.pipe("tls")
    pipe.write(octets)
    return drained(pipe)


def offered(client: Client) -> set[str]:
    """All words of the list of capabilities."""
    return set(" ".join(client.capabilities()).split())


@row("2595-4.1")
def stls_is_announced_where_it_can_be_used(talk: Talk) -> None:
    """In clear before the login, and nowhere else."""
    server = talk.server(stls=True)
    assert "STLS" in server.connect("clear").capabilities()
    assert "STLS" not in server.connect("stls").capabilities()
    assert "STLS" not in server.login("stls").capabilities()
    assert "STLS" not in server.connect("tls").capabilities()
    assert "STLS" not in talk.server().connect("tls").capabilities()


@row("2595-4.2")
def stls_takes_no_argument_and_comes_before_the_login(talk: Talk) -> None:
    """After it, it is refused."""
    server = talk.server(stls=True)
    assert server.connect("clear").refuses("STLS x")
    assert server.login("stls").refuses("STLS")


@row("2595-4.3")
def after_the_answer_there_is_tls_and_no_second_greeting(talk: Talk) -> None:
    """And nothing else in clear."""
    server = talk.server(stls=True)
    client = server.connect("clear")
    assert client.ask("STLS").ok
    assert client.pending() == b""
    client.secure()
    assert client.pending() == b""
    assert client.in_step()


@row("2595-4.4")
def stls_under_tls_is_refused(talk: Talk) -> None:
    """And the connection goes on."""
    server = talk.server(stls=True)
    assert server.connect("tls").refuses("STLS")
    assert server.connect("stls").refuses("STLS")


@row("2595-4.5")
def after_stls_nobody_is_logged_in(talk: Talk) -> None:
    """Not even who has shown a certificate."""
    server = talk.server(stls=True, client_certificate="optional")
    inside = server.inside
    context = inside.client_context(client_certificate=inside.authority.client_certificate(server.user))
    client = server.connect("stls", context)
    assert client.refuses("STAT")
    assert client.auth("EXTERNAL =").ok


@row("2595-4.6")
def capabilities_may_change_with_stls(talk: Talk) -> None:
    """They do: passwords may be shown then."""
    server = talk.server(stls=True)
    assert "USER" not in offered(server.connect("clear"))
    assert {"USER", "PLAIN"} <= offered(server.connect("stls"))


@row("2595-4.7")
def octets_in_clear_behind_stls_are_never_executed(talk: Talk) -> None:
    """They are dropped, or the connection is."""
    server = talk.server(stls=True)
    client = server.connect("clear")
    client.send(b"STLS\r\nUSER mallory\r\nCAPA\r\n")
    assert client.reply().ok
    try:
        client.secure()
    except ssl.SSLError:
        return
    assert client.pending() == b""
    assert client.ask("PASS x").code is None
    assert client.in_step()


@row("2595-4.8")
def what_was_said_before_stls_is_forgotten(talk: Talk) -> None:
    """A name, for example."""
    server = talk.server(stls=True, capabilities=["+USER"])
    client = server.connect("clear")
    user, password = credentials(server)
    assert client.ok(user, "STLS")
    client.secure()
    assert client.ask(password).err
    assert client.ok(user, password, "STAT")


@row("2595-4.9")
def a_failed_handshake_ends_the_connection(talk: Talk) -> None:
    """It never goes on in clear."""
    server = talk.server(stls=True)
    client = server.connect("clear")
    assert client.ask("STLS").ok
    client.pipe.write(b"CAPA\r\nNOOP\r\nQUIT\r\n")
    assert b"+OK" not in drained(client.pipe)


@row("2595-2.2")
def there_is_a_mode_without_logins_in_clear(talk: Talk) -> None:
    """Implicit TLS is one: nothing is understood in clear, and closing TLS ends the connection."""
    server = talk.server()
    assert b"OK" not in refused(server, b"CAPA\r\nUSER mrose\r\nQUIT\r\n")
    client = server.connect("tls")
    assert client.ok(*credentials(server))
    client.close_notify()
    client.pipe.write(b"STAT\r\nQUIT\r\n")
    assert b"OK" not in drained(client.pipe)


@row("2595-2.3")
def passwords_in_clear_are_refused_without_tls(talk: Talk) -> None:
    """After STLS they are taken."""
    server = talk.server(stls=True)
    client = server.connect("clear")
    assert client.refuses(f"USER {server.user}", f"PASS {server.password}", "AUTH PLAIN", f"AUTH PLAIN {good(server)}")
    assert server.connect("stls").auth(f"PLAIN {good(server)}").ok


@row("5034-4.16")
def nothing_that_shows_a_password_is_announced_in_clear(talk: Talk) -> None:
    """By default, and whatever mechanisms there are."""
    server = talk.server(stls=True)
    client = server.connect("clear")
    assert not SHOWS_PASSWORDS & offered(client)
    assert client.refuses("USER x", "AUTH PLAIN", "AUTH LOGIN", "AUTH XOAUTH2", "AUTH OAUTHBEARER")


@row("8314-3.1")
def with_implicit_tls_the_handshake_comes_first(talk: Talk) -> None:
    """Then the greeting, and nobody is logged in."""
    server = talk.server()
    try:
        first = server.pipe("tls").read(wait=False)
    except Silence:
        first = b""
    assert first == b""
    client = server.connect("tls")
    assert client.greeting.startswith(b"+OK")
    assert client.refuses("STAT")


@row("8314-3.4")
def tls_is_closed_before_the_connection(talk: Talk) -> None:
    """After QUIT in both states."""
    server = talk.server()
    for commands in ((), credentials(server)):
        client = server.connect("tls")
        client.asks(*commands)
        assert client.quit().ok
        assert client.clean


@row("8314-4.1")
def nothing_below_tls_1_2_is_served(talk: Talk) -> None:
    """TLS 1.1 and 1.0 get no ServerHello."""
    server = talk.server()
    for number in (0x0302, 0x0301):
        assert SERVER_HELLO not in messages(refused(server, hello(number)))


@row("8314-4.2")
def a_client_certificate_is_asked_for_only_where_it_means_something(talk: Talk) -> None:
    """Then EXTERNAL works."""
    server = talk.server()
    old = version(server, "TLSv1_2")
    assert CERTIFICATE_REQUEST not in messages(server.connect("tls", old).raw)
    server = talk.server(client_certificate="optional")
    inside = server.inside
    context = inside.client_context(client_certificate=inside.authority.client_certificate(server.user))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = server.connect("tls", context)
    assert CERTIFICATE_REQUEST in messages(client.raw)
    assert "EXTERNAL" in mechanisms(client)
    assert client.auth("EXTERNAL =").ok


@row("9325-3.1.1")
def tls_1_2_is_supported_and_1_3_preferred(talk: Talk) -> None:
    """Nothing older, and no SSL."""
    server = talk.server()
    client = server.connect("tls")
    assert client.tls is not None
    assert client.tls.version() == "TLSv1.3"
    other = server.connect("tls", version(server, "TLSv1_2"))
    assert other.tls is not None
    assert other.tls.version() == "TLSv1.2"
    for number in (0x0300, 0x0301, 0x0302):
        assert SERVER_HELLO not in messages(refused(server, hello(number)))
    assert b"OK" not in refused(server, bytes.fromhex("802e0100020015000000100100800300800700c0") + bytes(28))


@row("9325-3.2")
def implicit_tls_is_preferred_to_the_upgrade(talk: Talk) -> None:
    """There is no port in clear unless one is asked for."""
    server = talk.server()
    assert server.connect("tls").greeting.startswith(b"+OK")
    with contextlib.suppress(UsageError):
        raise AssertionError(f"there is a port in clear, {server.inside.stls_port}")


@row("9325-3.5")
def tls_1_2_has_its_two_extensions(talk: Talk) -> None:
    """Of renegotiation (0xff01) and of the master secret (0x0017)."""
    server = talk.server()
    client = server.connect("tls", version(server, "TLSv1_2"))
    assert {0xFF01, 0x0017} <= extensions(client.raw).keys()


@row("9325-3.8")
def alpn_is_supported(talk: Talk) -> None:
    """What the client offers is selected."""
    assert selected(talk.server(), "pop3") == "pop3"


def selected(server: Server, *protocols: str) -> str | None:
    """The protocol that the server selects."""
    context = version(server, "TLSv1_3")
    context.set_alpn_protocols(list(protocols))
    client = server.connect("tls", context)
    assert client.tls is not None
    return client.tls.selected_alpn_protocol()


@row("7301-3.1")
def one_protocol_is_selected_from_the_offer(talk: Talk) -> None:
    """Whatever comes before it."""
    server = talk.server()
    assert selected(server, "h2", "pop3") == "pop3"
    assert selected(server, "pop3", "imap", "h2") == "pop3"


@row("7301-3.2")
def an_offer_of_other_protocols_is_refused(talk: Talk) -> None:
    """With the alert for it."""
    server = talk.server()
    try:
        protocol = selected(server, "imap")
    except ssl.SSLError as error:
        assert "application protocol" in str(error).lower().replace("_", " ")  # noqa: PT017  # without pytest, too
    else:
        raise AssertionError(f"the handshake went on, with {protocol}")


@row("7301-3.3")
def a_client_without_alpn_is_served(talk: Talk) -> None:
    """As ever."""
    client = talk.server().connect("tls")
    assert client.tls is not None
    assert client.tls.selected_alpn_protocol() is None
    assert client.in_step()


@row("ALPN-id")
def the_protocols_name_is_pop3(talk: Talk) -> None:
    """Four octets, in the ServerHello of TLS 1.2 to be seen."""
    server = talk.server()
    context = version(server, "TLSv1_2")
    context.set_alpn_protocols(["pop3"])
    assert extensions(server.connect("tls", context).raw)[16] == bytes.fromhex("000504706f7033")


@row("9325-3.10", on_sockets_only=True)
def early_data_is_not_taken(talk: Talk) -> None:
    """Tickets allow none."""
    server = talk.server()
    if shutil.which("openssl") is None:
        raise Unavailable("needs the program openssl")
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"localhost:{server.port}", "-tls1_3", "-ign_eof"],
        input=b"QUIT\r\n",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Max Early Data: 0\n" in shown.stdout


@row("9325-4.5")
def keys_and_signatures_are_strong(talk: Talk) -> None:
    """2048 bits of RSA, or an elliptic curve; SHA-2."""
    client = talk.server().connect("tls")
    assert client.tls is not None
    der = client.tls.getpeercert(binary_form=True)
    assert der is not None
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    assert key.key_size >= (2048 if isinstance(key, rsa.RSAPublicKey) else 224)
    assert certificate.signature_hash_algorithm is not None
    assert certificate.signature_hash_algorithm.name not in {"md5", "sha1"}


@row("8446-6.1")
def close_notify_comes_before_the_end(talk: Talk) -> None:
    """After QUIT, and where the client closes first."""
    server = talk.server()
    client = server.connect("tls")
    assert client.quit().ok
    assert client.clean
    other = server.connect("tls")
    other.close_notify()
    assert other.rest() == b""
    assert other.clean


@row("8446-6.2")
def an_end_without_quit_removes_nothing(talk: Talk) -> None:
    """With close_notify or without."""
    server = talk.server()
    for notify in (True, False):
        client = server.login("tls")
        assert client.ok("DELE 1")
        if notify:
            client.close_notify()
            assert client.rest() == b""
        else:
            client.close()
            server.inside.wait_idle()
        assert server.login("tls").stat() == (2, 320)


# SASL and TLS


@row("5034-3.3")
def the_mechanisms_may_change_with_stls(talk: Talk) -> None:
    """Those that show a password come then."""
    server = talk.server(stls=True)
    assert "PLAIN" not in mechanisms(server.connect("clear"))
    assert "PLAIN" in mechanisms(server.connect("stls"))


@row("4616-5.1")
def plain_is_not_announced_in_clear(talk: Talk) -> None:
    """Nor taken."""
    client = talk.server(stls=True).connect("clear")
    assert "PLAIN" not in mechanisms(client)
    assert client.refuses("AUTH PLAIN")


@row("LOGIN-1")
def login_is_not_offered_in_clear(talk: Talk) -> None:
    """Nor taken; after STLS it is."""
    server = talk.server(stls=True)
    client = server.connect("clear")
    assert "LOGIN" not in mechanisms(client)
    assert client.refuses("AUTH LOGIN")


@row("7628-3.4")
def tokens_are_taken_under_tls_only(talk: Talk) -> None:
    """OAUTHBEARER is not announced in clear."""
    server = talk.server(stls=True, account={"token": "ya29.token"})
    client = server.connect("clear")
    assert "OAUTHBEARER" not in mechanisms(client)
    assert client.refuses("AUTH OAUTHBEARER", f"AUTH OAUTHBEARER {bearer(server.user, 'ya29.token')}")
    secured = server.connect("stls")
    assert "OAUTHBEARER" in mechanisms(secured)
    assert secured.auth("OAUTHBEARER", bearer(server.user, "ya29.token")).ok


@row("5802-5.8")
def bare_and_plus_are_announced_together(talk: Talk) -> None:
    """Where a channel can be bound; else only the bare one."""
    server = talk.server(stls=True)
    need(server.connect(), "SCRAM-SHA-256")
    assert {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"} <= set(mechanisms(server.connect("tls", version(server, "TLSv1_2"))))
    assert "SCRAM-SHA-256-PLUS" not in mechanisms(server.connect("clear"))


@row("5802-6.1")
def the_types_of_binding_fit_the_version(talk: Talk) -> None:
    """tls-unique is undefined in TLS 1.3, and refused there."""
    server = offering(talk, "SCRAM-SHA-256-PLUS", over="tls")
    for highest, types in (("TLSv1_2", {"tls-unique"}), ("TLSv1_3", set())):
        context = version(server, highest)
        client = server.connect("tls", context)
        assert client.tls is not None
        binding = client.tls.get_channel_binding("tls-unique")
        assert binding is not None
        reply = scram(client, "SCRAM-SHA-256-PLUS", server.user, server.password, "p=tls-unique,,", binding)
        assert reply.ok == ("tls-unique" in types)
        client.quit()


@row("7677-4")
def tls_unique_needs_the_extended_master_secret(talk: Talk) -> None:
    """Which TLS 1.2 has here."""
    server = offering(talk, "SCRAM-SHA-256-PLUS", over="tls")
    client = server.connect("tls", version(server, "TLSv1_2"))
    assert 0x0017 in extensions(client.raw)
    assert client.tls is not None
    binding = client.tls.get_channel_binding("tls-unique")
    assert binding is not None
    assert scram(client, "SCRAM-SHA-256-PLUS", server.user, server.password, "p=tls-unique,,", binding).ok


@row("5929-4")
def the_end_point_is_the_digest_of_the_certificate(talk: Talk) -> None:
    """In both versions of TLS."""
    server = offering(talk, "SCRAM-SHA-256-PLUS", over="tls")
    for highest in ("TLSv1_2", "TLSv1_3"):
        client = server.connect("tls", version(server, highest))
        assert client.tls is not None
        binding = hashlib.sha256(client.tls.getpeercert(binary_form=True) or b"").digest()
        exchange = ("SCRAM-SHA-256-PLUS", server.user, server.password, "p=tls-server-end-point,,")
        assert scram(client, *exchange, binding[::-1]).err
        assert scram(client, *exchange, binding).ok
        client.quit()


@row("4422-A.1")
def external_is_for_whom_the_certificate_names(talk: Talk) -> None:
    """Without a certificate it is not announced and not taken."""
    server = talk.server(client_certificate="optional")
    inside = server.inside
    client = server.connect("tls")
    assert "EXTERNAL" not in mechanisms(client)
    assert client.refuses("AUTH EXTERNAL =")
    context = inside.client_context(client_certificate=inside.authority.client_certificate(server.user))
    for exchange in (("EXTERNAL =",), ("EXTERNAL", ""), ("EXTERNAL bXJvc2U=",)):
        known = server.connect("tls", context)
        assert "EXTERNAL" in mechanisms(known)
        assert known.auth(*exchange).ok
        assert known.quit().ok
    assert server.connect("tls", context).refuses("AUTH EXTERNAL bm9ib2R5")
