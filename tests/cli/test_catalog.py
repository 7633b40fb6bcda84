"""`pop3s-fake catalog`: what there is, by name, for people and for programs."""

from __future__ import annotations

import json
import os
import pty
import re
import struct
import subprocess
import sys
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake.cases import case_ids
from pop3s_fake.cli import main
from pop3s_fake.dialects import dialect_ids
from pop3s_fake.dialects.catalogue import DOCUMENTED, text
from pop3s_fake.quirks import quirk, quirk_ids
from pop3s_fake.tls.certificates import certificate, certificate_ids, client_certificate_ids
from pop3s_fake.tls.handshakes import handshake_ids

if TYPE_CHECKING:
    from collections.abc import Callable

IDS: Final[dict[str, Callable[[], tuple[str, ...]]]] = {
    "certificates": certificate_ids,
    "client-certificates": client_certificate_ids,
    "handshakes": handshake_ids,
    "cases": case_ids,
    "dialects": dialect_ids,
    "quirks": quirk_ids,
}

FULL: Final = Path("/dev/full")

SECOND: Final = {"quirks": {*"SABC"}, "dialects": {"recorded", "documented"}}
"""What stands in the second column, where that is not what a client must."""


@pytest.mark.parametrize("which", IDS)
def test_a_pipe_gets_a_line_each(which: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Columns that grep and awk understand: the id first, nothing broken, no colours."""
    assert main(["catalog", which]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(IDS[which]())
    assert {line.split()[1] for line in lines} <= SECOND.get(which, {"accept", "reject", "decide"})
    assert "\x1b" not in "".join(lines)


def test_a_line_says_what_a_client_must_and_what_openssl_does(capsys: pytest.CaptureFixture[str]) -> None:
    """Word for word."""
    main(["catalog", "certificates"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["expired"].split(maxsplit=3) == ["expired", "reject", "10", "no longer valid since 2020"]
    assert lines["good"].split(maxsplit=3) == ["good", "accept", "ok", "EC P-256, issued by the test CA"]


@pytest.mark.parametrize("which", IDS)
def test_json_has_everything(which: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One object each, with the fields of the data."""
    assert main(["catalog", which, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in listed] == list(IDS[which]())
    wanted = {"quirks": ("client", "rfc"), "dialects": ("source", "manner")}.get(which, ("client_must", "rfc"))
    assert all(each["summary"] and all(each[key] for key in wanted) for each in listed)


def test_a_dialect_that_is_documented_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    """In the list and in JSON, and none other is."""
    main(["catalog", "dialects"])
    marked = {line.split()[0] for line in capsys.readouterr().out.splitlines() if "(documented, not recorded)" in line}
    main(["catalog", "dialects", "--json"])
    listed = json.loads(capsys.readouterr().out)
    assert marked == {each["id"] for each in listed if each["made_of"] == "documented, not recorded"} == set(DOCUMENTED)
    assert next(each["quirks"] for each in listed if each["id"] == "jpop") == ["capa-omits-uidl"]


def test_json_tells_the_verify_error_and_the_twin(capsys: pytest.CaptureFixture[str]) -> None:
    """With dates as ISO 8601 writes them."""
    main(["catalog", "certificates", "--json"])
    expired = next(each for each in json.loads(capsys.readouterr().out) if each["id"] == "expired")
    assert (expired["twin"], expired["not_after"]) == ("good", "2020-01-01")
    found = certificate("expired").verify_error
    assert found is not None
    assert expired["verify_error"] == {"code": found.code, "text": found.text}


@pytest.mark.parametrize("columns", [60, 80, 130])
@pytest.mark.parametrize("which", IDS)
def test_a_terminal_gets_a_table_of_its_width(which: str, columns: int) -> None:
    """Sentences are broken, or under the rest where there is no room beside it; ids are not, and no word is cut."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    command = [sys.executable, "-m", "pop3s_fake.cli", "catalog", which]
    with subprocess.Popen(command, stdout=theirs, env=environment | {"TERM": "xterm-256color"}) as process:
        os.close(theirs)
        printed = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux's word for the end
                break
            if not piece:
                break
            printed += piece
        assert process.wait(timeout=60) == 0
    os.close(ours)
    assert b"\x1b[" in printed
    shown = re.sub(r"\x1b\[[\d;]*m", "", printed.decode())
    lines = shown.splitlines()
    assert max(map(len, lines)) <= columns
    begun = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert begun[begun[0] == "id" :] == list(IDS[which]())
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown


def test_a_line_of_a_quirk_says_its_tier_and_where_one_sees_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Word for word."""
    main(["catalog", "quirks"])
    lines = {line.split()[0]: re.split(" {2,}", line) for line in capsys.readouterr().out.splitlines()}
    split = "the last line of a listing or message arrives in two pieces, the cut inside of its line end"
    assert lines["terminator-split"] == ["terminator-split", "S", "tcp", split]
    assert lines["auth-msn-ntlm"][1:3] == ["C", "authentication"]


def test_one_entry_is_told_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Its parameters as well, a line each; control characters stand as they are written in Python."""
    assert main(["catalog", "quirks", "retr-no-answer"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = dict(line.split(maxsplit=1) for line in lines)
    assert told["id"] == "retr-no-answer"
    assert told["parameters.number.default"] == quirk("retr-no-answer").parameters["number"].default
    assert told["client"] == quirk("retr-no-answer").client
    assert main(["catalog", "quirks", "terminator-split", "retr-no-answer", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in listed] == ["terminator-split", "retr-no-answer"]


@pytest.mark.parametrize("which", IDS)
def test_every_entry_can_be_told_whole(which: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No line is empty but those that part them, and those of a dialect's file."""
    names = IDS[which]()
    assert main(["catalog", which, *names]) == 0
    lines = capsys.readouterr().out.splitlines()
    if which == "dialects":
        assert [line for line in lines if line.startswith("summary")] == [
            line for name in names for line in text(name).splitlines() if line.startswith("summary")
        ]
    else:
        assert [line.split()[1] for line in lines if line.startswith("id ")] == list(names)
        assert lines.count("") == len(names) - 1


def test_an_entry_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With the nearest one."""
    assert main(["catalog", "certificates", "expierd"]) == 2
    assert capsys.readouterr().err == "pop3s-fake: unknown certificate 'expierd'; did you mean 'expired'?\n"


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_a_list_that_cannot_be_written_is_told() -> None:
    """In a sentence; and where nobody reads any more, in none."""
    command = [sys.executable, "-m", "pop3s_fake.cli", "catalog", "quirks", "--json"]
    with FULL.open("w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    said = "pop3s-fake: cannot write the list: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.wait(timeout=60), process.stderr.read()) == (0, b"")


@pytest.mark.parametrize("words", [["--json"], []], ids=["json", "lines"])
def test_a_list_is_written_in_the_characters_of_the_terminal(words: list[str]) -> None:
    """Others are written as Python and JSON write them."""
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "pop3s_fake.cli", "catalog", "certificates", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    assert "for the host name p\\u00f6p.test" in done.stdout or "for the host name p\\xf6p.test" in done.stdout
    assert not words or len(json.loads(done.stdout)) == len(certificate_ids())


@pytest.mark.parametrize("which", IDS)
def test_to_list_is_not_to_make(which: str) -> None:
    """Neither ssl nor anything that makes certificates is loaded."""
    code = (
        f"import sys; from pop3s_fake.cli import main; main(['catalog', {which!r}])\n"
        "print([name for name in ('ssl', 'cryptography', 'trustme', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_catalogue_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """In a sentence, with exit code 2."""
    assert main(["catalog", "certificate"]) == 2
    assert "No such command 'certificate'" in capsys.readouterr().err
    assert main(["catalog"]) == 2
    assert capsys.readouterr().err == (
        "pop3s-fake: a catalogue is missing, such as certificates; pop3s-fake catalog --help names them all\n"
    )
