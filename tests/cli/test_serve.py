"""`pop3s-fake serve` as people run it: what it prints works, what it leaves is whole, and it ends when told."""

from __future__ import annotations

import json
import poplib
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Connected = Callable[..., poplib.POP3_SSL]
    Serve = Callable[..., Any]


@pytest.fixture
def connected() -> Iterator[Connected]:
    """Clients that log in with nothing but the ready file; closed at the end."""
    clients: list[poplib.POP3_SSL] = []

    def made(child: Any, user: str = "demo", password: str = "demo-password") -> poplib.POP3_SSL:  # noqa: S107
        ready = child.ready
        context = ssl.create_default_context(cafile=ready["ca_file"])
        client = poplib.POP3_SSL(ready["host"], ready["port"], context=context, timeout=60)
        clients.append(client)
        client.user(user)
        client.pass_(password)
        return client

    yield made
    for client in clients:
        client.close()


def test_the_start_up_text_tells_everything(serve: Serve, tmp_path: Path) -> None:
    """Address, account, mail, CA file, and the lines to paste."""
    child = serve()
    lines = child.started()
    port, ca = child.ready["port"], tmp_path / "pop3s-fake-ca.pem"
    assert lines == [
        f"pop3s-fake listens on localhost:{port} (POP3 over TLS); Ctrl-C ends it",
        "  account   demo, password demo-password",
        "  mail      demo: 3 demo messages",
        f"  CA file   {ca}",
        "",
        "Paste one of these into another terminal:",
        "",
        (
            f"openssl s_client -quiet -crlf -connect localhost:{port} -CAfile {ca} -verify_return_error "
            "-verify_hostname localhost"
        ),
        "",
        f"curl --cacert {ca} --user demo:demo-password pop3s://localhost:{port}/1",
        "",
        "python3 -c 'import poplib, ssl",
        f'client = poplib.POP3_SSL("localhost", {port}, context=ssl.create_default_context(cafile="{ca}"))',
        'client.user("demo"); client.pass_("demo-password"); print(client.list()); client.quit()\'',
        "",
    ]


@pytest.mark.parametrize(
    ("host", "program"),
    [
        ("localhost", "openssl"),
        ("localhost", "curl"),
        ("localhost", "python3"),
        ("127.0.0.1", "openssl"),
        ("::1", "openssl"),
        ("::1", "curl"),
    ],
)
def test_the_printed_lines_work_as_printed(serve: Serve, host: str, program: str) -> None:
    """In a shell, word for word; a host that this machine has not is skipped."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no ::1")
    child = serve("--host", host)
    text = "\n".join(child.started())
    command = text[text.index(f"\n{program} ") + 1 :].partition("\n\n")[0]
    said = "USER demo\nPASS demo-password\nRETR 1\nQUIT\n" if program == "openssl" else ""
    answered = "b'+OK 3 messages (1089 octets)'" if program == "python3" else "its certificate was verified."
    ran = subprocess.run(["sh", "-c", command], input=said, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, answered in ran.stdout) == (0, True), ran.stdout + ran.stderr


def has_ipv6() -> bool:
    """Whether there is a loopback address of IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_each_command_is_a_line_and_a_signal_ends_it(serve: Serve, connected: Connected, by: signal.Signals) -> None:
    """Time, session, command, octets, answer; passwords masked, no colours in a pipe; exit code 0, nothing left."""
    child = serve("--rule", "RETR#2@100 -> end rst", "--rule", "STAT -> wait 1; exactly=2")
    child.started()
    client = connected(child)
    assert "+OK POP3 server ready <" in child.line()
    client.retr(1)
    with pytest.raises((poplib.error_proto, OSError)):
        client.retr(2)
    client.close()
    lines = [child.line() for _ in range(6)]
    assert [line[8:] for line in lines] == [
        "        1  USER demo              34  +OK name noted, now the password",
        "        1  PASS ****              43  +OK maildrop has 3 messages (1089 octets)",
        "        1  RETR 1                230  +OK 211 octets",
        "        1  RETR 2                     rule RETR#2@100 -> end rst struck at octet 100",
        "        1  RETR 2                100  +OK 383 octets",
        "        1                             a rule ended the connection (rst)",
    ]
    connected(child)  # and it stays open
    assert child.ends(by)[::2] == (0, "")
    assert not child.ready_file.exists()


def test_the_ready_file_is_for_its_owner(serve: Serve, connected: Connected, tmp_path: Path) -> None:
    """All that a client in any language needs, mode 0600, and no half of it is ever seen."""
    child = serve("--account", "ann:secret:one", "--account", "bob:secret two", "--ca-out", "ca.pem")
    child.started()
    assert stat.S_IMODE(child.ready_file.stat().st_mode) == 0o600
    port = child.ready.pop("port")
    assert child.ready == {
        "host": "localhost",
        "port": port,
        "stls_port": None,
        "ca_file": str(tmp_path / "ca.pem"),
        "accounts": [{"name": "ann", "password": "secret:one"}, {"name": "bob", "password": "secret two"}],
    }
    assert connected(child, "bob", "secret two").stat() == (0, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "ready.json"]


def test_the_log_file_has_one_object_a_line(serve: Serve, connected: Connected, tmp_path: Path) -> None:
    """Masked; appended to what is there; what nobody reads on standard output is no trouble."""
    log = tmp_path / "log"
    log.write_text("{}\n", encoding="utf-8")
    child = serve("--log-file", "log")
    child.started()
    child.process.stdout.close()
    client = connected(child)
    client.quit()
    client = connected(child)
    client.close()
    assert child.ends()[::2] == (0, "")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [sorted(line) for line in lines[:2]] == [[], ["answer", "command", "octets", "session", "time", "user"]]
    said = [(line["session"], line["user"], line["command"]) for line in lines[1:]]
    assert said[:4] == [(1, None, None), (1, None, "USER demo"), (1, None, "PASS ****"), (1, "demo", "QUIT")]
    assert "demo-password" not in log.read_text(encoding="utf-8")


def test_quiet_prints_nothing(serve: Serve, connected: Connected) -> None:
    """Its end is the end of its output, too."""
    child = serve("--quiet", "--log-file", "/dev/stderr")
    while not child.ready_file.exists():
        assert child.process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):  # the alarm bounds it
            child.process.wait(0.02)
    connected(child).quit()
    code, output, errors = child.ends()
    assert (code, output) == (0, [])
    assert errors.count('"session": 1') == 4


def test_a_port_that_is_taken_is_a_sentence(serve: Serve, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 1; the files of the server that has the port stay as they are."""
    child = serve()
    child.started()
    ca = (tmp_path / "pop3s-fake-ca.pem").read_text(encoding="ascii")
    port = child.ready["port"]
    code = main(["serve", "--port", str(port), "--ca-out", str(tmp_path / "pop3s-fake-ca.pem")])
    assert (code, capsys.readouterr()) == (
        1,
        (
            "",
            (
                f"pop3s-fake: port {port} is taken, perhaps by another pop3s-fake; "
                "choose another with --port, such as --port 0 for a free one\n"
            ),
        ),
    )
    assert (tmp_path / "pop3s-fake-ca.pem").read_text(encoding="ascii") == ca


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--port {} --stls-port 0", "port {} is taken@choose another with --port, such as --port 0"),
        ("--port 0 --stls-port {}", "port {} is taken@choose another with --stls-port, such as --stls-port 0"),
        (
            "--port {} --stls-port 65535",
            "port {} or 65535 is taken@choose another with --port or --stls-port, such as --port 0",
        ),
    ],
)
def test_a_port_of_two_that_is_taken_is_named(
    options: str, told: str, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that any port would do for is none that is taken."""
    child = serve()
    child.started()
    port = child.ready["port"]
    code = main(["serve", "--ca-out", str(child.directory / "other.pem"), *options.format(port).split()])
    sentence = told.format(port).replace("@", ", perhaps by another pop3s-fake; ")
    assert (code, capsys.readouterr().err) == (1, f"pop3s-fake: {sentence} for a free one\n")


def test_mail_is_read_only_unless_told(serve: Serve, connected: Connected, tmp_path: Path) -> None:
    """Two sources make one maildrop; a deletion lives in memory; what is no mail is named and the rest served."""
    for number in (1, 2):
        (tmp_path / f"{number}.eml").write_text(f"Subject: {number}\n\nx\n", encoding="utf-8")
    child = serve("--mail", "1.eml", "--mail", "demo=2.eml", "--mail", "none.eml")
    lines = child.started()
    assert lines[2:4] == [
        "  mail      demo: 1 message of 1.eml (read-only: deletions live in memory)",
        "  mail      demo: 1 message of 2.eml (read-only: deletions live in memory)",
    ]
    client = connected(child)
    assert client.stat()[0] == 2
    client.dele(1)
    client.quit()
    assert connected(child).stat()[0] == 1
    assert child.ends()[::2] == (0, "pop3s-fake: there is no file or folder 'none.eml'\n")
    assert (tmp_path / "1.eml").exists()


def test_any_login_lets_in_any_name_with_any_password(serve: Serve, connected: Connected, tmp_path: Path) -> None:
    """Each has a copy of the first account's mail; who has an account needs its password."""
    (tmp_path / "1.eml").write_text("Subject: 1\n\nx\n", encoding="utf-8")
    child = serve("--any-login", "--account", "ann:secret", "--mail", "1.eml")
    lines = child.started()
    assert lines[1:5] == [
        "  account   ann, password secret",
        "  account   any other name, any password",
        "  mail      ann: 1 message of 1.eml (read-only: deletions live in memory)",
        "  mail      anybody else: a copy of what ann has",
    ]
    for name in ("eve", "bob"):
        client = connected(child, name, "whatever")
        assert client.stat()[0] == 1
        client.dele(1)
        client.quit()
        assert connected(child, name, "another").stat()[0] == 0
    assert connected(child, "ann", "secret").stat()[0] == 1
    with pytest.raises(poplib.error_proto, match="AUTH"):
        connected(child, "ann", "whatever")
    assert child.ends()[::2] == (0, "")


def test_without_an_account_the_demo_mail_is_for_everybody(serve: Serve, connected: Connected) -> None:
    """Demo's password is any, too, and APOP needs none that is right."""
    child = serve("--any-login")
    child.started()
    assert connected(child, "demo", "whatever").stat()[0] == 3
    assert connected(child, "eve", "whatever").stat()[0] == 3


def test_a_second_port_is_for_stls(serve: Serve, tmp_path: Path) -> None:
    """In clear until the client says STLS; the line for it works as printed."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    child = serve("--stls-port", "0")
    lines = child.started()
    port = child.ready["stls_port"]
    assert lines[1] == f"  in clear  localhost:{port}, for clients that come to TLS by STLS"
    line = f"curl --ssl-reqd --cacert {tmp_path}/pop3s-fake-ca.pem --user demo:demo-password pop3://localhost:{port}/"
    assert lines[-2] == line
    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "1 211\n2 383\n3 495\n")
    assert "STLS" in "".join(child.line() for _ in range(4))
    assert child.ends()[::2] == (0, "")


def test_a_kept_authority_is_trusted_once(serve: Serve, connected: Connected, tmp_path: Path) -> None:
    """The second run has the CA of the first."""
    first = serve("--ca-dir", "kept")
    (line,) = [line for line in first.started() if line.startswith("  CA file")]
    assert re.fullmatch(
        rf"  CA file   {re.escape(str(tmp_path))}/kept/ca\.pem \(new, good until \d{{4}}-\d\d-\d\d\)", line
    )
    trusted = (tmp_path / "kept" / "ca.pem").read_text(encoding="ascii")
    assert first.ends()[0] == 0
    second = serve("--ca-dir", "kept")
    (line,) = [line for line in second.started() if line.startswith("  CA file")]
    assert "(as before, good until " in line
    connected(second)
    assert (tmp_path / "kept" / "ca.pem").read_text(encoding="ascii") == trusted
    assert not (tmp_path / "pop3s-fake-ca.pem").exists()


def test_mail_that_goes_bad_later_is_told_at_once(serve: Serve, connected: Connected, tmp_path: Path) -> None:
    """While the server runs, and once, however often it is asked for."""
    letter = tmp_path / "1.eml"
    letter.write_text("Subject: 1\n\nx\n", encoding="utf-8")
    child = serve("--mail", "1.eml")
    child.started()
    letter.unlink()
    for _ in range(2):
        client = connected(child)
        with pytest.raises((poplib.error_proto, OSError)):
            client.retr(1)
        client.close()
    assert child.process.stderr is not None
    sentence = f"pop3s-fake: cannot read the message '{letter}': No such file or directory\n"
    assert child.process.stderr.readline() == sentence
    assert child.ends()[::2] == (0, "")


def test_what_is_no_mail_is_named_and_the_rest_served(serve: Serve, connected: Connected, tmp_path: Path) -> None:
    """One sentence each, word for word."""
    folder = tmp_path / "letters"
    (folder / "d.eml").mkdir(parents=True)
    (folder / "a.eml").write_text("Subject: a\n\nx\n", encoding="utf-8")
    (folder / "b.eml").write_bytes(b"\x7fELF\x02")
    (folder / "c.eml").symlink_to("a.eml")
    (folder / "read.me").touch()
    (tmp_path / "program").write_bytes(b"\x7fELF\x02")
    child = serve("--mail", "letters", "--mail", "program", "--mail", "nowhere")
    assert "  mail      demo: 1 message of letters (read-only: deletions live in memory)" in child.started()
    assert connected(child).stat()[0] == 1
    code, _, errors = child.ends()
    header = "it begins with b'\\x7fELF\\x02', not with a header field such as 'Subject: ...'"
    assert (code, sorted(errors.splitlines())) == (
        0,
        [
            "pop3s-fake: 'letters/b.eml' is left out: " + header,
            "pop3s-fake: 'letters/c.eml' is left out: it is a symbolic link, and those are not followed",
            "pop3s-fake: 'letters/d.eml' is left out: it is no file",
            "pop3s-fake: 'letters/read.me' is left out: its name does not end in .eml",
            f"pop3s-fake: 'program' is no mail: {header}, nor, as an mbox does, with 'From '",
            "pop3s-fake: there is no file or folder 'nowhere'",
        ],
    )


def test_write_back_deletes_on_the_disk(serve: Serve, connected: Connected, tmp_path: Path) -> None:
    """At QUIT and not before; the user's own Maildir with --yes only."""
    own = tmp_path / "Maildir"  # the child's HOME is this directory
    for name in ("cur", "new", "tmp"):
        (own / name).mkdir(parents=True)
    for number in (1, 2):
        (own / "new" / f"{number}.host").write_text(f"Subject: {number}\n\nx\n", encoding="utf-8")
    child = serve("--mail", "Maildir", "--write-back", "--yes")
    assert child.started()[2] == (
        "  mail      demo: 2 messages of maildir Maildir (deletions are carried out there, at QUIT)"
    )
    client = connected(child)
    client.dele(1)
    assert len(list((own / "new").iterdir())) == 2
    client.quit()
    assert [path.name for path in (own / "new").iterdir()] == ["2.host"]
    assert child.ends()[::2] == (0, "")


@pytest.mark.parametrize(("option", "id_"), [("--certificate", "expired"), ("--tls", "1.2")])
def test_tls_is_as_asked_for(serve: Serve, connected: Connected, option: str, id_: str) -> None:
    """A bad certificate is refused by who verifies; the version is the one that was asked for."""
    child = serve(option, id_)
    child.started()
    if id_ == "expired":
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            connected(child)
        assert child.line()[8:].split(maxsplit=1) == ["1", "TLS failed: SSLV3_ALERT_CERTIFICATE_EXPIRED"]
    else:
        sock = connected(child).sock
        assert isinstance(sock, ssl.SSLSocket)
        assert sock.version() == "TLSv1.2"


def test_a_case_happens_to_each_client_and_need_not(serve: Serve, connected: Connected) -> None:
    """For clients in any language: again and again, and nobody is blamed where it did not come to that."""
    child = serve("--case", "rec.truncate")
    assert any(line.startswith("  case      rec.truncate: ") for line in child.started())
    for _ in range(2):
        client = connected(child)
        with pytest.raises((poplib.error_proto, OSError)):
            client.retr(1)
        client.close()
    assert child.ends()[::2] == (0, "")
    unmet = serve("--case", "cert.expired")
    unmet.started()
    assert unmet.ends()[::2] == (0, "")


def test_a_dialect_that_is_documented_is_marked_and_tells_its_quirks(serve: Serve) -> None:
    """Those that it brings and those that were added, without what was taken away."""
    child = serve("--dialect", "maillennium", "--quirk", "-top-truncated", "--quirk", "terminator-split(later=2)")
    assert [line for line in child.started() if line.startswith(("  dialect", "  quirk"))] == [
        "  dialect   maillennium (documented, not recorded)",
        "  quirk     uidl-extra-spaces",
        "  quirk     terminator-split(later=2)",
    ]


def test_a_dialect_may_be_a_file(serve: Serve, connected: Connected, tmp_path: Path) -> None:
    """Such as a draft of `probe`."""
    file = tmp_path / "mystery.toml"
    file.write_text('summary = "x"\nextends = "gmail"\ngreeting.text = "+OK mystery"\n', encoding="utf-8")
    child = serve("--dialect", str(file))
    assert "  dialect   mystery" in child.started()
    client = connected(child)
    assert client.welcome == b"+OK mystery"
    client.close()


def test_a_case_about_client_certificates_has_one_to_show(serve: Serve) -> None:
    """Issued by the authority of this run; its files are named."""
    child = serve("--case", "mtls.good-1.3")
    (told,) = (line for line in child.started() if line.startswith("  client    certificate "))
    files = re.fullmatch(r"  client    certificate (.+), key (.+), until the server ends", told)
    assert files is not None
    ready = child.ready
    context = ssl.create_default_context(cafile=ready["ca_file"])
    context.load_cert_chain(files[1], files[2])
    with (
        socket.create_connection((ready["host"], ready["port"]), timeout=60) as tcp,
        context.wrap_socket(tcp, server_hostname=ready["host"]) as tls,
    ):
        assert tls.recv(100).startswith(b"+OK")


@pytest.mark.skipif(sys.platform != "linux", reason="a queue can be filled on Linux only")
def test_a_case_can_be_an_outage_or_a_port_in_clear(serve: Serve) -> None:
    """What a case sets, the server has: nobody listens, or there is a port for STLS."""
    child = serve("--case", "tcp.refuse")
    child.started()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((child.ready["host"], child.ready["port"]), timeout=60)
    assert child.ends()[::2] == (0, "")
    other = serve("--case", "stls.err")
    assert any(line.startswith("  in clear  localhost:") for line in other.started())
    assert other.ready["stls_port"]


@pytest.mark.skipif(sys.platform != "linux", reason="there is /dev/full on Linux")
def test_a_full_disk_stops_the_log_and_not_the_server(serve: Serve, connected: Connected) -> None:
    """The view goes on, and the end is a good one."""
    child = serve("--log-file", "/dev/full")
    child.started()
    connected(child).quit()
    assert "QUIT" in [child.line() for _ in range(4)][-1]
    assert child.ends()[::2] == (0, "")
