"""Every way to log in with a client that nobody here wrote: programs, poplib, and two client libraries of SASL.

The table of the manual is made of what is here: ``python tests/clients/test_authentication.py`` runs the logins and
writes the table, with the versions that were there.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import poplib
import re
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from contextlib import closing
from importlib import metadata
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any, Final

import pytest
from scramp import ScramClient  # type: ignore[import-untyped]

from pop3s_fake import Account, Pop3sServer, Tls
from pop3s_fake.protocol.sasl import MECHANISMS

if TYPE_CHECKING:
    from collections.abc import Callable

    Ran = subprocess.CompletedProcess[bytes]

MANUAL: Final = Path(__file__).parent.parent.parent / "docs" / "authentication.md"
TABLE: Final = re.compile(r"(?<=<!-- logins -->\n).*?(?=<!-- end of logins -->)", re.DOTALL)

PASSWORD: Final = "not-a-secret"
TOKEN: Final = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
GSASL: Final = ctypes.util.find_library("gsasl")
BOUND: Final = 30.0  # seconds of real time that a client of Python's own waits for an answer

SCRAM: Final = ("SCRAM-SHA-1", "SCRAM-SHA-256")
PLUS: Final = ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS")

LOGINS: Final[dict[str, tuple[str, ...]]] = {
    "curl": ("APOP", "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM", "XOAUTH2", "OAUTHBEARER", "EXTERNAL"),
    "mpop": (
        *("USER", "APOP", "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", *SCRAM),
        *("XOAUTH2", "OAUTHBEARER", "EXTERNAL"),
    ),
    "fetchmail": ("USER", "APOP", "CRAM-MD5"),
    "getmail6": ("USER", "APOP"),
    "poplib": ("USER", "APOP"),
    "GNU SASL": ("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", *SCRAM, *PLUS, "EXTERNAL", "ANONYMOUS"),
    "scramp": (*SCRAM, "SCRAM-SHA-512", *PLUS, "SCRAM-SHA-512-PLUS"),
}
"""What each client can do at all: getmail6 has XOAUTH2 and fetchmail EXTERNAL for IMAP alone, and so on."""

BY_STLS: Final = ("curl", "mpop", "fetchmail", "poplib", "GNU SASL", "scramp")


class Login:
    """One client that is to log in to one server by one mechanism."""

    def __init__(
        self, server: Pop3sServer, mechanism: str, run: Callable[..., Ran], folder: Path, *, stls: bool
    ) -> None:
        self.server = server
        self.mechanism = mechanism
        self.run = run
        self.folder = folder
        self.stls = stls
        self.port = server.stls_port if stls else server.port
        self.password = TOKEN if mechanism in {"XOAUTH2", "OAUTHBEARER"} else PASSWORD
        self.certificate = server.authority.client_certificate("ann")

    def settings(self, text: str) -> Path:
        """A file of settings that nobody else may read."""
        path = self.folder / "settings"
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def maildir(self) -> Path:
        """A Maildir, which some want to be there."""
        for name in ("cur", "new", "tmp"):
            (self.folder / "Maildir" / name).mkdir(parents=True)
        return self.folder / "Maildir"

    # programs

    def by_curl(self, *options: str) -> Ran:
        """The listing."""
        words: list[object] = ["--disable", "-sS", "--cacert", self.server.ca_file, *options]
        if self.password == TOKEN:
            words += ["--user", "ann:", "--oauth2-bearer", TOKEN]
        elif self.mechanism == "EXTERNAL":
            words += ["--user", "ann:", "--cert", self.certificate.certificate_file, "--key", self.certificate.key_file]
        else:
            words += ["--user", f"ann:{PASSWORD}"]
        chosen = "+APOP" if self.mechanism == "APOP" else self.mechanism
        url = f"pop3://localhost:{self.port}" if self.stls else self.server.url
        return self.run("curl", *words, "--ssl-reqd", "--login-options", f"AUTH={chosen}", url)

    def by_mpop(self) -> Ran:
        """All messages, of which there are none."""
        shown = f"tls_cert_file {self.certificate.certificate_file}\ntls_key_file {self.certificate.key_file}\n"
        settings = self.settings(
            f"account work\nhost localhost\nport {self.port}\ntimeout 30\n"
            f"tls on\ntls_starttls {'on' if self.stls else 'off'}\ntls_trust_file {self.server.ca_file}\n"
            f"user ann\npassword {self.password}\nauth {self.mechanism.lower()}\n"
            f"delivery maildir {self.maildir()}\nuidls_file {self.folder / 'uidls'}\n"
            f"{shown if self.mechanism == 'EXTERNAL' else ''}"
        )
        return self.run("mpop", f"--file={settings}", "work")

    def by_fetchmail(self) -> Ran:
        """All messages, of which there are none, which is its exit code 1."""
        auth = {"USER": "auth password", "CRAM-MD5": "auth cram-md5"}.get(self.mechanism, "")
        settings = self.settings(
            f'set pidfile "{self.folder / "fetchmail.pid"}"\n'
            f"poll localhost service {self.port} timeout 30 "
            f"protocol {'apop' if self.mechanism == 'APOP' else 'pop3'} {auth}\n"
            f'  user "ann" password "{PASSWORD}"\n'
            f'  {"sslproto tls1.2+" if self.stls else "ssl"} sslcertck sslcertfile "{self.server.ca_file}"\n'
            '  mda "cat >/dev/null"\n'
        )
        ran = self.run("fetchmail", "--fetchmailrc", settings)
        return subprocess.CompletedProcess(ran.args, 0 if ran.returncode == 1 else 9, ran.stdout, ran.stderr)

    def by_getmail6(self) -> Ran:
        """All messages, of which there are none, so that nothing is delivered."""
        settings = self.settings(
            f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {self.port}\ntimeout = 30\n"
            f"username = ann\npassword = {PASSWORD}\nca_certs = {self.server.ca_file}\n"
            f"use_apop = {'true' if self.mechanism == 'APOP' else 'false'}\n"
            f"[destination]\ntype = Maildir\npath = {self.maildir()}/\n[options]\nread_all = false\n"
        )
        return self.run("getmail", f"--getmaildir={self.folder}", f"--rcfile={settings.name}")

    # Python

    def connect(self) -> poplib.POP3:
        """A connection under TLS, with the client's certificate where it is needed."""
        mine = self.certificate if self.mechanism == "EXTERNAL" else None
        context = self.server.authority.client_context(client_certificate=mine)
        if not self.stls:
            return poplib.POP3_SSL("localhost", self.port, context=context, timeout=BOUND)
        client = poplib.POP3("localhost", self.port, timeout=BOUND)
        client.stls(context)
        client.capa()  # what was said in clear is forgotten
        return client

    def by_poplib(self) -> None:
        """USER and PASS, or APOP; it knows no AUTH."""
        with closing(self.connect()) as client:
            if self.mechanism == "APOP":
                client.apop("ann", PASSWORD)
            else:
                client.user("ann")
                client.pass_(PASSWORD)
            client.quit()

    def auth(self, client: poplib.POP3, respond: Callable[[bytes], bytes]) -> None:
        """AUTH by poplib's means, which takes challenges for success."""
        line = client._shortcmd(f"AUTH {self.mechanism}")  # type: ignore[attr-defined]
        while line.startswith(b"+ "):
            line = client._shortcmd(b64encode(respond(b64decode(line[2:]))).decode())  # type: ignore[attr-defined]
        assert line.startswith(b"+OK")
        client.quit()

    def by_gnu_sasl(self) -> None:
        """GNU SASL, which binds to what TLS 1.2 has; what TLS 1.3 has instead no Python can tell it."""
        with closing(self.connect()) as client:
            unique = client.sock.get_channel_binding("tls-unique")  # type: ignore[attr-defined]
            with closing(GnuSasl(self.mechanism, unique)) as session:
                self.auth(client, session.answer)

    def by_scramp(self) -> None:
        """Scramp, which binds to the server's certificate."""
        with closing(self.connect()) as client:
            binding = ("tls-server-end-point", client.sock) if self.mechanism.endswith("-PLUS") else None
            session = ScramClient([self.mechanism], "ann", PASSWORD, channel_binding=binding)
            turns = iter((self._scramp_first, self._scramp_final, self._scramp_end))
            self.auth(client, lambda challenge: next(turns)(session, challenge.decode()))

    @staticmethod
    def _scramp_first(session: Any, _: str) -> bytes:
        return bytes(session.get_client_first(), "utf-8")

    @staticmethod
    def _scramp_final(session: Any, challenge: str) -> bytes:
        session.set_server_first(challenge)
        return bytes(session.get_client_final(), "utf-8")

    @staticmethod
    def _scramp_end(session: Any, challenge: str) -> bytes:
        session.set_server_final(challenge)  # raises if the server has not proved that it knows the password
        return b""


class GnuSasl:
    """A client's session of GNU SASL; what it does not like is an AssertionError."""

    PROPERTIES: Final = {1: "ann", 3: PASSWORD, 4: "somebody@example.com", 5: "pop", 6: "localhost"}
    """Name, password, trace, service and host, by the numbers of gsasl.h."""

    TLS_UNIQUE: Final = 18
    NEEDS_MORE: Final = 1

    def __init__(self, mechanism: str, unique: bytes) -> None:
        self._library = ctypes.CDLL(GSASL)
        self._library.gsasl_strerror.restype = ctypes.c_char_p
        self._context, self._session = ctypes.c_void_p(), ctypes.c_void_p()
        self._check(self._library.gsasl_init(ctypes.byref(self._context)))
        self._check(self._library.gsasl_client_start(self._context, mechanism.encode(), ctypes.byref(self._session)))
        properties = dict(self.PROPERTIES)
        if mechanism.endswith("-PLUS"):
            properties[self.TLS_UNIQUE] = b64encode(unique).decode()
        for which, value in properties.items():
            self._library.gsasl_property_set(self._session, which, value.encode())

    def answer(self, challenge: bytes) -> bytes:
        """The response to a challenge."""
        out, length = ctypes.POINTER(ctypes.c_char)(), ctypes.c_size_t()
        size = ctypes.c_size_t(len(challenge))
        step = self._library.gsasl_step
        self._check(step(self._session, challenge, size, ctypes.byref(out), ctypes.byref(length)))
        said = bytes(out[: length.value])
        self._library.gsasl_free(out)
        return said

    def close(self) -> None:
        """Give back what it has."""
        self._library.gsasl_finish(self._session)
        self._library.gsasl_done(self._context)

    def _check(self, code: int) -> None:
        assert code in {0, self.NEEDS_MORE}, self._library.gsasl_strerror(code).decode()


def missing(client: str) -> str | None:
    """Why this client cannot be tried here, if it cannot."""
    if client == "GNU SASL":
        return None if GSASL else "GNU SASL is not installed; apt-get install libgsasl18, or brew install gsasl"
    name = {"getmail6": "getmail"}.get(client, client)
    if client in {"poplib", "scramp"} or shutil.which(name):
        return None
    return f"{client} is not installed; install it, for example with: apt-get install {client}"


def version(client: str) -> str:
    """Which version of this client there is."""
    if client == "poplib":
        return python_version()
    if client == "scramp":
        return metadata.version("scramp")
    if client == "GNU SASL":
        library = ctypes.CDLL(GSASL)
        library.gsasl_check_version.restype = ctypes.c_char_p
        return str(library.gsasl_check_version(None).decode())
    command = {
        "getmail6": ["getmail", "--version"],
        "fetchmail": ["fetchmail", "--fetchmailrc", "/dev/null", "--version"],
    }.get(client, [client, "--version"])
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BOUND).stdout
    found = re.search(r"\d+\.[\d.]*\d", said)
    assert found, said
    return found[0]


EMPTY: Final = ("mpop", "OAUTHBEARER")
"""mpop has heard, and says so by an empty line, where RFC 7628 section 3.2.3 has one octet 1."""


def made_for(client: str, mechanism: str, *, password: str = PASSWORD, token: str = TOKEN) -> Pop3sServer:
    """A server that announces this way to log in and no other of SASL.

    TLS 1.2 where GNU SASL is to bind: in TLS 1.3 it wants tls-exporter, which Python's ssl gives neither side.
    """
    versions = "1.2" if client == "GNU SASL" and mechanism.endswith("-PLUS") else "1.2-1.3"
    capabilities = [f"+SASL {mechanism}"] if mechanism in MECHANISMS else ["-SASL"]
    accounts = [Account("ann", password, token=token)]
    if mechanism == "ANONYMOUS":
        accounts.append(Account("anonymous", PASSWORD))
    return Pop3sServer(
        accounts=accounts,
        capabilities=capabilities,
        client_certificate="optional",
        stls=True,
        tls=Tls(versions=versions),
        allow=["C-7628-1"] if (client, mechanism) == EMPTY else [],
    )


CASES: Final = [
    pytest.param(client, mechanism, stls, id=f"{client}-{mechanism}{'-stls' if stls else ''}".replace(" ", "-"))
    for client, mechanisms in LOGINS.items()
    for mechanism in mechanisms
    for stls in ((False, True) if client in BY_STLS else (False,))
]


@pytest.fixture
def login(run: Callable[..., Ran], tmp_path: Path) -> Callable[..., Ran | None]:
    """Log in once; a client that is not there skips the test, and says so."""

    def made(
        server: Pop3sServer, client: str, mechanism: str, *, stls: bool = False, options: tuple[str, ...] = ()
    ) -> Ran | None:
        reason = missing(client)
        if reason:
            pytest.skip(reason)
        one = Login(server, mechanism, run, tmp_path, stls=stls)
        ran: Ran | None = getattr(one, "by_" + client.lower().replace(" ", "_"))(*options)
        return ran

    return made


@pytest.mark.parametrize(("client", "mechanism", "stls"), CASES)
def test_a_client_logs_in(login: Callable[..., Ran | None], client: str, mechanism: str, stls: bool) -> None:  # noqa: FBT001
    """By the mechanism that it was told to take, with implicit TLS and behind STLS; nothing secret is shown of it."""
    with made_for(client, mechanism) as server:
        ran = login(server, client, mechanism, stls=stls)
        assert ran is None or ran.returncode == 0, (ran.stdout + ran.stderr).decode(errors="replace")
        session = server.transcript.last_session
        assert session.user == ("anonymous" if mechanism == "ANONYMOUS" else "ann")
        assert session.ended == "quit"
        begun = {"USER": "USER ann", "APOP": "APOP ann ****"}.get(mechanism, f"AUTH {mechanism}")
        assert begun in session.commands
        shown = server.transcript.render()
        assert PASSWORD not in shown
        assert TOKEN not in shown


IN_FIRST: Final = ("PLAIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL")


@pytest.mark.parametrize("mechanism", IN_FIRST)
def test_curl_has_an_initial_response(login: Callable[..., Ran], mechanism: str) -> None:
    """RFC 5034 section 4: ``--sasl-ir`` puts it behind the mechanism, where the client has the first word."""
    with made_for("curl", mechanism) as server:
        ran = login(server, "curl", mechanism, options=("--sasl-ir",))
        assert ran.returncode == 0, ran.stderr.decode()
        assert server.transcript.last_session.user == "ann"
        (response,) = [entry for entry in server.transcript.last_session.entries if entry.kind == "R"]
        assert response.octets == 0  # it stood in the line of AUTH


@pytest.mark.parametrize(("options", "user"), [((), "ann"), (("--sasl-ir",), None)], ids=["two steps", "one"])
def test_where_only_two_steps_go_curl_comes_in_by_two(
    login: Callable[..., Ran], options: tuple[str, ...], user: str | None
) -> None:
    """The quirk ``xoauth2-two-step-only``: works with one provider, and not with the other."""
    keywords: dict[str, Any] = {"quirks": ["xoauth2-two-step-only"], "capabilities": ["+SASL XOAUTH2"], "strict": False}
    with Pop3sServer(accounts=[Account("ann", PASSWORD, token=TOKEN)], **keywords) as server:
        ran = login(server, "curl", "XOAUTH2", options=options)
        assert (ran.returncode == 0) == (user is not None)
        session = server.transcript.last_session
        assert session.user == user
        assert any("Protocol error" in entry.text for entry in session.entries) == (user is None)


CHALLENGED: Final = [
    (client, mechanism) for client in ("curl", "mpop") for mechanism in LOGINS[client] if mechanism != "EXTERNAL"
]


HANGS_UP: Final = ("curl", "XOAUTH2")
"""curl closes the connection where the server says why before it refuses."""


@pytest.mark.parametrize(("client", "mechanism"), CHALLENGED)
def test_a_wrong_password_is_refused(login: Callable[..., Ran], client: str, mechanism: str) -> None:
    """Each client understands how each mechanism says so; nobody comes in, and nothing secret is shown."""
    with made_for(client, mechanism, password="another-one", token="another-token") as server:
        ran = login(server, client, mechanism)
        assert ran.returncode != 0
        session = server.transcript.last_session
        assert session.user is None
        last = [entry.text for entry in session.entries if entry.kind == "S"][-1]
        if (client, mechanism) == HANGS_UP:
            assert last == r'+ {"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}\n'
        elif (client, mechanism) == EMPTY:
            assert last.startswith("-ERR the error is acknowledged by one octet 1")
        else:
            assert last.startswith("-ERR [AUTH] ")
        shown = server.transcript.render()
        assert PASSWORD not in shown
        assert TOKEN not in shown


# the manual's table


def table(versions: dict[str, str]) -> str:
    """Mechanisms by clients: with TLS from the first octet, and behind STLS, too."""
    heads = [f"{client} {versions[client]}".strip() for client in LOGINS]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for mechanism in ("USER", "APOP", *MECHANISMS):
        cells = [
            "" if mechanism not in mechanisms else "TLS, STLS" if client in BY_STLS else "TLS"
            for client, mechanisms in LOGINS.items()
        ]
        lines.append(f"| {mechanism} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def test_the_manual_shows_these_logins() -> None:
    """All of them and no others, whatever versions there were when it was written."""
    shown = TABLE.search(MANUAL.read_text(encoding="utf-8"))
    assert shown is not None

    without_versions = re.sub(r" \d[\w.]*(?= \|)", "", shown[0])

    assert without_versions == table(dict.fromkeys(LOGINS, "")), f"write it anew: python {Path(__file__).name}"


def main() -> int:
    """Try all logins, and if all go well write the manual's table anew, with the versions that are here."""
    lacking = [reason for client in LOGINS if (reason := missing(client))]
    if lacking:
        sys.exit("\n".join(lacking))
    code = pytest.main(["-q", "-p", "no:cacheprovider", f"{__file__}::test_a_client_logs_in"])
    if code == 0:
        text = MANUAL.read_text(encoding="utf-8")
        written = table({client: version(client) for client in LOGINS})
        MANUAL.write_text(TABLE.sub(written, text), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
