"""Wrong usage: one sentence that says what would be right, and exit code 2; `--help` is quick."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.cli import main

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's is read, nothing is left in the checkout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MAIL", raising=False)
    monkeypatch.delenv("MAILDIR", raising=False)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--host", "0.0.0.0"],  # noqa: S104  # it is refused
            (
                "--host '0.0.0.0' can be reached from other machines, and this server is for tests: "
                "choose localhost, 127.0.0.1 or ::1, or say --allow-remote"
            ),
        ),
        (
            ["--host", "pop.example.com"],
            (
                "--host 'pop.example.com' can be reached from other machines, and this server is for tests: "
                "choose localhost, 127.0.0.1 or ::1, or say --allow-remote"
            ),
        ),
        (
            ["--allow-remote"],
            (
                "--allow-remote lets others in, and everybody knows the demo account; "
                "name one of your own, such as --account ann:secret"
            ),
        ),
        (
            ["--allow-remote", "--account", "ann:secret", "--account", "demo:demo-password"],
            (
                "--allow-remote lets others in, and everybody knows the demo account; "
                "name one of your own, such as --account ann:secret"
            ),
        ),
        (
            ["--allow-remote", "--account", "ann:secret", "--any-login"],
            (
                "--any-login lets in everybody who can reach the server, so it cannot be had with --allow-remote; "
                "name accounts, such as --account ann:secret"
            ),
        ),
        (
            ["--allow-remote", "--account", "ann:secret", "--host", "192.0.2.1", "--ca-dir", "kept"],
            (
                "the CA of --ca-dir is good for this machine's own names only, and '192.0.2.1' is none of them; "
                "leave --ca-dir out, or choose --host 0.0.0.0 and let clients connect to localhost"
            ),
        ),
        (
            ["--ca-out", "ca.pem", "--ca-dir", "kept"],
            "--ca-out is for a CA of this run only, and --ca-dir for one that is kept; choose one of them",
        ),
        (
            ["--ca-dir", "letter.eml"],
            "cannot use the folder 'letter.eml' of --ca-dir: File exists; name another",
        ),
        (
            ["--any-login", "--write-back", "--mail", "letter.eml"],
            "--write-back cannot be had with --any-login: each name has a copy of the mail, and not the mail",
        ),
        (["--account", "ann"], "--account is NAME:PASSWORD, such as ann:secret; 'ann' has no colon"),
        (
            ["--account", "ann:one-secret", "--account", "ann:two-secrets"],
            "--account has 'ann' twice; each account needs a name of its own",
        ),
        (
            ["--account", "ann:secret", "--mail", "anne=mail"],
            "--mail 'anne=mail' is for nobody: no account 'anne'; did you mean 'ann'?",
        ),
        (["--mail", "demo="], "--mail needs a path: a Maildir, an mbox, an .eml file or a folder of them"),
        (["--mail", "nowhere", "--strict"], "there is no file or folder 'nowhere'"),
        (["--write-back"], "--write-back has nothing to write back: it needs --mail"),
        (
            ["--write-back", "--mail", "Maildir/.work"],
            (
                "--write-back would delete mail in 'Maildir/.work', which looks like your own; "
                "add --yes if that is meant, or leave --write-back out"
            ),
        ),
        (
            ["--write-back", "--mail", "/var/mail/ann"],
            (
                "--write-back would delete mail in '/var/mail/ann', which looks like your own; "
                "add --yes if that is meant, or leave --write-back out"
            ),
        ),
        (["--certificate", "expird"], "unknown certificate 'expird'; did you mean 'expired'?"),
        (["--quirk", "terminator-splitt"], "unknown quirk 'terminator-splitt'; did you mean 'terminator-split'?"),
        (["--dialect", "dovcot"], "unknown dialect 'dovcot'; did you mean 'dovecot'?"),
        (["--dialect", "none.toml"], "cannot read the dialect 'none.toml': No such file or directory"),
        (["--dialect", "./dovecot"], "cannot read the dialect 'dovecot': No such file or directory"),
        (
            ["--dialect", "dovecot", "--dialect", "courier"],
            "--dialect is given 2 times, and a server has one; choose one of them",
        ),
        (["--case", "rec.trunacte"], "unknown case 'rec.trunacte'; did you mean 'rec.truncate'?"),
        (
            ["--case", "cert.expired", "--certificate", "wrong-host"],
            (
                "case='cert.expired' is a server with certificate='expired', which certificate='wrong-host' "
                "contradicts; leave one of them out"
            ),
        ),
        (
            ["--case", "tls.version-1.2", "--tls", "1.3"],
            (
                "case='tls.version-1.2' is a server with tls=Tls(versions='1.2'), which tls=Tls(versions='1.3') "
                "contradicts; leave one of them out"
            ),
        ),
        (["--tls", "1.4"], "unknown TLS versions '1.4'; did you mean '1.3'?"),
        (["--port", "65536"], "Invalid value for '--port': 65536 is not in the range 0<=x<=65535."),
        (
            ["--port", "0", "--ca-out", "no/ca.pem"],
            "cannot write the CA file 'no/ca.pem': No such file or directory; name another",
        ),
        (["--port", "0", "--ready-file", "."], "cannot write the ready file '.': it is no regular file; name another"),
        (
            ["--port", "0", "--log-file", "no/log"],
            "cannot write the log file 'no/log': No such file or directory; name another",
        ),
        (
            ["--port", "0", "--ca-out", "letter.eml"],
            "--ca-out 'letter.eml' is there already and holds no certificate; name another file",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_a_sentence_and_exit_code_2(
    options: Sequence[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Word for word, on standard error, and no server is left."""
    Path("letter.eml").write_text("Subject: x\n\nx\n", encoding="utf-8")
    code = main(["serve", *options])
    assert (code, capsys.readouterr().err) == (2, f"pop3s-fake: {sentence}\n")
    assert sorted(path.name for path in Path().iterdir()) == (
        ["letter.eml", "pop3s-fake-ca.pem"] if "--ready-file" in options else ["letter.eml"]
    )
    assert Path("letter.eml").read_text(encoding="utf-8") == "Subject: x\n\nx\n"


def test_an_option_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """In click's own words, which differ by its version."""
    assert main(["serve", "--allow-remotes"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("pop3s-fake: No such option")
    assert "--allow-remotes" in shown


def test_a_command_line_without_a_command_is_told_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Not the whole help, which would hide what is wrong."""
    assert main([]) == 2
    assert capsys.readouterr().err == (
        "pop3s-fake: a command is missing, such as serve; pop3s-fake --help names them all\n"
    )


def test_a_rule_without_an_action_is_refused_before_anything_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody judges a server that runs for hours."""
    assert main(["serve", "--rule", "RETR"]) == 2
    assert capsys.readouterr() == (
        "",
        (
            "pop3s-fake: rule RETR   (--rule) has no action; say what is to be done there, "
            "as in `RETR -> wait 1` or .wait(1)\n"
        ),
    )


def test_a_bad_rule_is_shown_with_its_position(capsys: pytest.CaptureFixture[str]) -> None:
    """The position and the nearest legal word, as everywhere."""
    assert main(["serve", "--rule", "RETR -> ednd rst"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("pop3s-fake: ")
    assert "did you mean 'end'?" in shown


def test_the_environment_tells_where_own_mail_lies(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """MAIL and MAILDIR; a link to it is the same."""
    (tmp_path / "letters").mkdir()
    (tmp_path / "link").symlink_to("letters")
    monkeypatch.setenv("MAILDIR", str(tmp_path / "letters"))
    assert main(["serve", "--write-back", "--mail", "link"]) == 2
    assert "which looks like your own" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_its_extra_it_says_how_to_install_it(missing: str) -> None:
    """One line, exit code 2."""
    program = f"import sys; sys.modules[{missing!r}] = None; from pop3s_fake.cli import main; sys.exit(main(['serve']))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", "pip install 'pop3s-fake[cli]'\n")


@pytest.mark.parametrize("words", [["--help"], ["serve", "--help"], ["probe", "--help"], ["--version"]])
def test_help_loads_no_tls(words: list[str]) -> None:
    """Who asks what can be asked for does not wait for cryptography."""
    program = (
        f"import sys; from pop3s_fake.cli import main; code = main({words!r})\n"
        "print(code, sorted({'ssl', 'cryptography', 'trustme', 'cattrs', 'rich', 'asyncio'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.splitlines()[-1] == "0 []"


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing that is not there yet."""
    assert main(["serve", "--help"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  -")]
    assert " ".join(line[0] for line in lines) == (
        "--host --port --stls-port --account --any-login --mail --write-back --yes --strict --certificate --tls "
        "--dialect --case --quirk --rule --seed --ca-out --ca-dir --ready-file --log-file --quiet --allow-remote -h,"
    )


def test_help_of_probe_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """There is none for a password: other people on the machine see command lines."""
    assert main(["probe", "--help"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  -")]
    assert " ".join(line[0] for line in lines) == (
        "--user --password-file --ca --stls --clear --insecure -o, --force --failed-logins --fetch --connections "
        "--pause --timeout --quiet -h,"
    )


def test_the_script_is_this_function() -> None:
    """What `pip install` puts on the path."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"pop3s-fake": f"{main.__module__}:{main.__name__}"}
