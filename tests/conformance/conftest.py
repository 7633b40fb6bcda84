"""The conformance suite's options, and how each row's check is had: by which carriers, and by which server.

``pytest tests/conformance --target HOST:PORT --user USER --password PASSWORD`` runs the rows against any server; the
other tests, which are about this project's own, are left out then.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.conformance.checks", "tests.conformance.talk")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where another server is, and who may log in."""
    group = parser.getgroup("conformance", "conformance of any POP3 server")
    group.addoption("--target", metavar="HOST:PORT", help="run the rows against this server")
    group.addoption("--user", help="who logs in there")
    group.addoption("--password", help="with which password")
    group.addoption(
        "--security", choices=("tls", "stls", "clear"), default="tls", help="how it is reached (default: tls)"
    )
    group.addoption("--ca", metavar="FILE", help="the CA certificate to trust, as PEM (default: those of the system)")
    group.addoption("--insecure", action="store_true", help="trust any certificate")
    group.addoption(
        "--maildir", metavar="DIR", help="the Maildir that it serves: emptied and filled by the rows that need mail"
    )
