"""`pop3s-fake probe`: what it prints and writes, and what it refuses to do."""

from __future__ import annotations

import io
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake import Dialect, Pop3sServer
from pop3s_fake.cli import main
from pop3s_fake.probing import ask
from tests.probing.asked import PASSWORD, USER, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pop3s_fake.probing import Seen

VARIABLE = "POP3S_FAKE_PASSWORD"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, no terminal, no password in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())


@pytest.fixture
def server() -> Iterator[Pop3sServer]:
    """A server that speaks as popa3d does, which asks for few words."""
    with serving("popa3d") as running:
        yield running


def asked(server: Pop3sServer, *words: str) -> int:
    """The exit code of a probe of it, which waits for nothing."""
    return main(["probe", f"{server.host}:{server.port}", "--ca", str(server.ca_file), "--pause", "0", *words])


def test_a_draft_goes_to_standard_output_and_what_is_asked_to_standard_error(
    server: Pop3sServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the password from the environment, which neither of them shows."""
    monkeypatch.setenv(VARIABLE, PASSWORD)
    assert asked(server, "--user", USER) == 0
    output, errors = capsys.readouterr()

    Path("draft.toml").write_text(output, encoding="utf-8")
    assert Dialect.from_file("draft.toml").manner.greeting.text == "+OK"
    lines = errors.splitlines()
    assert lines[:4] == ["connection 1, before the login", "  S  +OK", "  C  CAPA", "  S  -ERR"]
    assert "  C  PASS ****" in lines
    assert lines[-1].endswith(" connections; the draft is in standard output")
    assert PASSWORD not in output + errors


def test_a_draft_goes_to_a_file_that_is_not_there_yet(server: Pop3sServer, capsys: pytest.CaptureFixture[str]) -> None:
    """With the password from a file; --quiet prints nothing."""
    Path("password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    words = ("--user", USER, "--password-file", "password", "-o", "draft.toml", "--quiet")
    assert asked(server, *words) == 0
    assert capsys.readouterr() == ("", "")
    first = Path("draft.toml").read_text(encoding="utf-8")
    assert stat.S_IMODE(Path("draft.toml").stat().st_mode) == 0o644

    assert asked(server, *words) == 2
    assert capsys.readouterr().err == (
        "pop3s-fake: --output 'draft.toml' is there already; name another file, or say --force\n"
    )
    Path("draft.toml").write_text("", encoding="utf-8")
    assert asked(server, *words, "--force") == 0
    assert Path("draft.toml").read_text(encoding="utf-8") == first


def test_the_password_is_asked_for_at_a_terminal_and_not_shown(
    server: Pop3sServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On standard error, so that the draft can be piped."""
    prompts: list[tuple[str, object]] = []

    def prompt(text: str, **options: object) -> str:
        prompts.append((text, options))
        return PASSWORD

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", prompt)
    assert asked(server, "--user", USER, "--quiet") == 0
    assert prompts == [(f"Password of {USER}", {"hide_input": True, "err": True})]
    assert PASSWORD not in "".join(capsys.readouterr())


def test_a_login_that_is_refused_is_exit_code_1(
    server: Pop3sServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, and no draft."""
    monkeypatch.setenv(VARIABLE, "another-secret")
    assert asked(server, "--user", USER, "--quiet", "-o", "draft.toml") == 1
    output, errors = capsys.readouterr()
    assert (output, errors) == (
        "",
        (
            f"pop3s-fake: localhost:{server.port} refuses the login of --user: "
            "'-ERR Authentication failed (bad password?)'; it was not tried again\n"
        ),
    )
    assert not Path("draft.toml").exists()


def test_a_certificate_of_nobody_is_exit_code_1_unless_that_is_meant(
    server: Pop3sServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system does not know the test CA."""
    monkeypatch.setenv(VARIABLE, PASSWORD)
    monkeypatch.setenv("SSL_CERT_FILE", str(Path("none.pem")))
    words = ["probe", f"{server.host}:{server.port}", "--user", USER, "--pause", "0", "--quiet"]
    assert main(words) == 1
    assert server.transcript.keywords == []
    errors = capsys.readouterr().err
    assert errors.startswith(f"pop3s-fake: the certificate of localhost:{server.port} cannot be trusted: ")
    assert errors.endswith("; nothing was said to it: name its CA with --ca, or say --insecure\n")

    assert main([*words, "--insecure"]) == 0
    assert "[after]" in capsys.readouterr().out


def test_a_server_in_clear_is_asked_without_a_login(server: Pop3sServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing secret is sent, so nothing need be said."""
    assert main(["probe", f"localhost:{server.stls_port}", "--clear", "--pause", "0", "--quiet"]) == 0
    assert "[before]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["localhost", "--user", "ann", "--clear"],
            (
                "--clear would send the password where anybody can read it: leave it out where TLS comes first, as on "
                "port 995, say --stls where it comes later, or --insecure if it is meant"
            ),
        ),
        (["localhost", "--stls", "--clear"], "--stls begins TLS and --clear has none; leave one of them out"),
        (
            ["localhost", "--ca", "ca.pem", "--insecure"],
            "--ca is for verifying the server, and --insecure does not; leave one of them out",
        ),
        (
            ["localhost", "--ca", "ca.pem", "--clear"],
            "--ca is for verifying the server, and --clear does not; leave one of them out",
        ),
        (["localhost", "--fetch"], "--fetch is of no use without a login: add --user"),
        (["localhost", "--password-file", "x"], "--password-file is of no use without a login: add --user"),
        (["localhost", "--failed-logins", "1"], "--failed-logins is of no use without a login: add --user"),
        (["localhost", "--user", ""], "--user '' is no name: it needs printable characters"),
        (["localhost:pop3s"], "'localhost:pop3s' is no HOST:PORT, such as mail.example.org:995 or [::1]:995"),
        (["localhost:0", "--stls"], "'localhost:0' is no HOST:PORT, such as mail.example.org:110 or [::1]:110"),
        (["[::1:995"], "'[::1:995' is no HOST:PORT, such as mail.example.org:995 or [::1]:995"),
        ([":995"], "':995' is no HOST:PORT, such as mail.example.org:995 or [::1]:995"),
        (
            ["localhost", "--user", "ann"],
            (
                "there is no password for --user, and no terminal to ask at: set POP3S_FAKE_PASSWORD, "
                "or name a --password-file"
            ),
        ),
        (
            ["localhost", "--user", "ann", "--password-file", "none"],
            "cannot read the password file 'none': No such file or directory",
        ),
        (
            ["localhost", "--user", "ann", "--password-file", "empty"],
            "the first line of 'empty' is no password: it needs printable characters",
        ),
        (["localhost", "--pause", "nan"], "--pause nan is no time; give it seconds, such as 1.5"),
        (["localhost", "--timeout", "nan"], "--timeout nan is no time; give it seconds, such as 1.5"),
        (
            ["localhost", "-o", "nodir/x.toml"],
            "cannot write the draft 'nodir/x.toml': No such file or directory; name another",
        ),
        (
            ["localhost", "-o", ".", "--force"],
            "cannot write the draft '.': it is no regular file; name another",
        ),
        (["localhost", "-o", "."], "cannot write the draft '.': it is no regular file; name another"),
        (
            ["localhost", "-o", "empty/x.toml"],
            "cannot write the draft 'empty/x.toml': Not a directory; name another",
        ),
        (["localhost", "-o", "empty"], "--output 'empty' is there already; name another file, or say --force"),
        (
            ["localhost", "--ca", "empty"],
            "cannot take the CA file 'empty': there is no certificate in it; name one in PEM",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_a_sentence_and_exit_code_2(
    words: Sequence[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is connected to."""
    Path("empty").write_text("", encoding="utf-8")
    assert main(["probe", *words]) == 2
    assert capsys.readouterr() == ("", f"pop3s-fake: {sentence}\n")


def test_a_dash_is_standard_output(server: Pop3sServer, capsys: pytest.CaptureFixture[str]) -> None:
    """As it is for others; no file has that name then."""
    assert asked(server, "-o", "-") == 0
    output, errors = capsys.readouterr()
    assert "[before]" in output
    assert errors.endswith("; the draft is in standard output\n")
    assert not Path("-").exists()


def test_looking_at_the_place_leaves_nothing_there(server: Pop3sServer) -> None:
    """A refused login makes no draft, and no file of another name."""
    Path("folder").mkdir()
    Path("password").write_text("another\n", encoding="utf-8")
    words = ("--user", USER, "--password-file", "password", "-o", "folder/draft.toml", "--quiet")
    assert asked(server, *words) == 1
    assert list(Path("folder").iterdir()) == []


def test_a_draft_that_cannot_be_written_in_the_end_goes_to_standard_output(
    server: Pop3sServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What took so long to ask is not lost with the folder that it was for; the exit code says that this went wrong."""
    Path("folder").mkdir()

    def ask_and_lose(*given: Any, **also: Any) -> Seen:
        seen = ask(*given, **also)
        Path("folder").rmdir()
        return seen

    monkeypatch.setattr("pop3s_fake.cli.probe.ask", ask_and_lose)
    assert asked(server, "-o", "folder/draft.toml", "--quiet") == 1
    output, errors = capsys.readouterr()
    assert "[before]" in output
    assert errors == (
        "pop3s-fake: cannot write the draft 'folder/draft.toml': No such file or directory; name another; "
        "this one goes to standard output\n"
    )


def test_an_interrupted_probe_says_that_it_wrote_nothing(
    server: Pop3sServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says no QUIT; half a draft would look like a whole one."""

    def interrupted(line: str) -> None:
        if line == "  C  STAT":
            raise KeyboardInterrupt

    monkeypatch.setattr("pop3s_fake.cli.probe._tell", interrupted)
    assert asked(server, "-o", "draft.toml") == 130
    assert capsys.readouterr() == (
        "",
        (
            f"pop3s-fake: interrupted: localhost:{server.port} was left without QUIT, so that it changes nothing, "
            "and no draft was written\n"
        ),
    )
    assert not Path("draft.toml").exists()
    assert "QUIT" not in server.transcript.keywords
