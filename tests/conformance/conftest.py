"""The conformance suite's options, and how each row's check is had: by which carriers, and by which server.

``pytest tests/conformance --target HOST:PORT --user USER --password PASSWORD`` runs the rows against any server; the
other tests, which are about this project's own, are left out then.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conformance.ours import Memory
from tests.conformance.remote import Remote, Where

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.talk import Talk

pytest.register_assert_rewrite("tests.conformance.checks")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where another server is, and who may log in."""
    group = parser.getgroup("conformance", "conformance of any POP3 server")
    group.addoption("--target", metavar="HOST:PORT", help="run the rows against this server")
    group.addoption("--user", help="who logs in there")
    group.addoption("--password", help="with which password")
    group.addoption(
        "--security", choices=("tls", "stls", "clear"), default="tls", help="how it is reached (default: tls)"
    )
    group.addoption("--clear-port", type=int, metavar="N", help="its port in clear, for the rows about STLS")
    group.addoption("--ca", metavar="FILE", help="the CA certificate to trust, as PEM (default: those of the system)")
    group.addoption("--insecure", action="store_true", help="trust any certificate")
    group.addoption(
        "--maildir", metavar="DIR", help="the Maildir that it serves: emptied and filled by the rows that need mail"
    )


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Callable[[], Talk]:
    """Talks with the server that the command line names."""
    option = request.config.getoption
    address = option("--target", None)
    if address is None:
        return Memory
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or option("--user") is None or option("--password") is None:
        raise pytest.UsageError("--target takes HOST:PORT and needs --user and --password")
    where = Where(
        host=host.strip("[]"),
        port=int(port),
        user=option("--user"),
        password=option("--password"),
        over=option("--security"),
        clear_port=option("--clear-port"),
        ca_pem=None if option("--ca") is None else Path(option("--ca")).read_text(encoding="utf-8"),
        insecure=option("--insecure"),
        maildir=None if option("--maildir") is None else Path(option("--maildir")),
    )
    return lambda: Remote(lambda: where)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With a target, only the rows are run."""
    if config.getoption("--target", None) is not None:
        others = [item for item in items if not item.name.startswith("test_row[")]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
