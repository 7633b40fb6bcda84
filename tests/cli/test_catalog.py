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
from termios import TIOCSWINSZ
from typing import TYPE_CHECKING, Final

import pytest

from pop3s_fake.cases import case_ids
from pop3s_fake.cli import main
from pop3s_fake.dialects import dialect_ids
from pop3s_fake.dialects.catalogue import DOCUMENTED
from pop3s_fake.quirks import quirk_ids
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


@pytest.mark.parametrize("which", IDS)
def test_a_terminal_gets_a_table_of_its_width(which: str) -> None:
    """Eighty columns are enough: sentences are broken, ids are not."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
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
    text = re.sub(r"\x1b\[[\d;]*m", "", printed.decode())
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    begun = [line.split()[0] for line in lines[1:] if not line.startswith(" ")]
    assert begun == list(IDS[which]())


def test_a_line_of_a_quirk_says_its_tier_and_where_one_sees_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Word for word."""
    main(["catalog", "quirks"])
    lines = {line.split()[0]: re.split(" {2,}", line) for line in capsys.readouterr().out.splitlines()}
    split = "the last line of a listing or message arrives in two pieces, the cut inside of its line end"
    assert lines["terminator-split"] == ["terminator-split", "S", "tcp", split]
    assert lines["auth-msn-ntlm"][1:3] == ["C", "authentication"]


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
