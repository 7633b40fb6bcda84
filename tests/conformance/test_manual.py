"""The manual's table is the one that the tests make, and its Dovecot is the live one."""

from __future__ import annotations

import itertools
import socket
import subprocess

import pytest

import dovecot
from tests.conformance.manual import PAGE, VERSION, differences, kept, known, page, seen_of_dovecot


def test_the_page_is_the_one_that_the_tests_make() -> None:
    """Else make it anew: ``python -m tests.conformance.manual``."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_what_dovecot_differs_in_is_told() -> None:
    """Each row that fails there is explained, and no other."""
    assert sorted(differences()) == sorted(id_ for id_, found in known().items() if found.word == "failed")


def test_a_live_dovecot_does_what_is_told_of_it() -> None:
    """Row by row."""
    if missing := dovecot.missing():
        pytest.skip(missing)
    version = subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    if not version.startswith(VERSION):
        pytest.skip(f"the manual tells of Dovecot {VERSION}, this is {version.strip()}")
    found, before = seen_of_dovecot(), known()
    assert kept(found) == before, {id_: said for id_, said in found.items() if said.word != before[id_].word}


def test_what_somebody_else_listens_on_is_not_taken_for_dovecot(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that was free a moment ago may be taken by the time that Dovecot wants it, and answers at once."""
    if missing := dovecot.missing():
        pytest.skip(missing)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = itertools.chain([taken], iter(dovecot.free_port, None))
        monkeypatch.setattr(dovecot, "free_port", lambda: next(ports))

        with dovecot.running([], password="not-a-secret") as running:
            assert running.port != taken
            socket.create_connection(("127.0.0.1", running.port), timeout=10).close()
