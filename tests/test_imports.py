"""What is loaded when: by the set of modules, never by time.

Each measurement is made in an interpreter of its own, because this one has long loaded everything.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import pop3s_fake

if TYPE_CHECKING:
    from pathlib import Path

DEAR = ("ssl", "trustme", "cryptography", "cattrs", "factory", "faker", "asyncio", "click", "rich")
BOUND = 60  # seconds for one child process, many times what it takes

LISTING = """
import contextlib, io, sys
sys.argv = ["pop3s-fake", "catalog", "{which}", "--json"]
from pop3s_fake.cli.__main__ import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
"""

SHOW_MODULES = """
import json, os, sys

def pytest_sessionfinish(session):
    with open(os.environ["SHOWN_MODULES"], "w") as file:
        json.dump(sorted(sys.modules), file)
"""


def loaded_after(statements: str) -> set[str]:
    """Names of the modules that a fresh interpreter has loaded after these statements."""
    program = f"{statements}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=BOUND,
    )
    names: list[str] = json.loads(done.stdout)
    return set(names)


def loaded_by_pytest(directory: Path, *arguments: str) -> set[str]:
    """Names of the modules that `pytest --collect-only` has loaded when it ends in this empty directory."""
    (directory / "hook").mkdir(exist_ok=True)
    (directory / "hook" / "show_modules.py").write_text(SHOW_MODULES, encoding="utf-8")
    (directory / "empty").mkdir(exist_ok=True)
    shown = directory / "modules.json"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COVERAGE_"))}
    environment |= {"PYTHONPATH": str(directory / "hook"), "SHOWN_MODULES": str(shown)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-p", "show_modules", *arguments],
        check=False,
        cwd=directory / "empty",
        env=environment,
        capture_output=True,
        text=True,
        timeout=BOUND,
    )
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout + done.stderr
    names: list[str] = json.loads(shown.read_text(encoding="utf-8"))
    return set(names)


@pytest.mark.parametrize(
    "statements",
    [
        "import pop3s_fake",
        "from pop3s_fake import Ok, Err",
        "from pop3s_fake import Maildrop, Message",
        "from pop3s_fake import Account",
        "from pop3s_fake.errors import UsageError",
        "import pop3s_fake; dir(pop3s_fake)",
        "from pop3s_fake.dialects import dialect_ids; dialect_ids()",
    ],
)
def test_what_needs_no_tls_loads_none(statements: str) -> None:
    """Who takes a name that has nothing to do with TLS, messages or the command line does not pay for them."""
    loaded = loaded_after(statements)

    assert "pop3s_fake" in loaded
    assert loaded.isdisjoint(DEAR)


@pytest.mark.parametrize("which", ["dialects", "quirks"])
def test_a_listing_of_the_catalogue_loads_no_tls(which: str) -> None:
    """All that stands in the files is read for it, and no cryptography."""
    loaded = loaded_after(LISTING.format(which=which))

    assert {"pop3s_fake.dialects.catalogue", "cattrs"} & loaded
    assert loaded.isdisjoint({"ssl", "trustme", "cryptography"})


def test_the_import_alone_loads_no_room() -> None:
    """A public name loads its room when it is first used, so the import itself costs one module."""
    rooms = {name for name in loaded_after("import pop3s_fake") if name.startswith("pop3s_fake.")}

    assert rooms == set()


def test_pytest_loads_one_module_for_the_plugin(tmp_path: Path) -> None:
    """Every start of pytest pays for what the plugin loads, also in projects that never use it: it is one module."""
    registered = {entry.name for entry in importlib.metadata.entry_points(group="pytest11")}
    assert "pytest_pop3s_fake" in registered, "install the checkout: pip install -e '.[dev]'"

    with_it = loaded_by_pytest(tmp_path)
    without = loaded_by_pytest(tmp_path, "-p", "no:pytest_pop3s_fake")

    assert with_it - without == {"pytest_pop3s_fake"}
    assert without - with_it == set()


def test_all_is_all_that_can_be_had() -> None:
    """What ``__all__`` lists can be had, and nothing public can be had that it does not list."""
    program = "import json, pop3s_fake\nprint(json.dumps([n for n in dir(pop3s_fake) if not n.startswith('_')]))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=BOUND,
    )

    assert sorted(json.loads(done.stdout)) == sorted(pop3s_fake.__all__)
    assert len(set(pop3s_fake.__all__)) == len(pop3s_fake.__all__)


@pytest.mark.parametrize("name", sorted(pop3s_fake.__all__))
def test_each_public_name_loads(name: str) -> None:
    """Each name of ``__all__`` leads to a thing of that name, with a docstring, and to the same one each time."""
    thing = getattr(pop3s_fake, name)

    assert thing is getattr(importlib.import_module("pop3s_fake"), name)
    assert thing.__name__ == name
    assert thing.__doc__


def test_the_face_of_the_design_is_public() -> None:
    """The names that the ordinary test needs come from the package itself."""
    ordinary = {"Account", "Authority", "Err", "Maildrop", "Message", "Ok", "Pop3sServer", "Tls"}

    assert ordinary <= set(pop3s_fake.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A mistyped name fails as it does on every module, so that ``hasattr`` and ``from ... import`` work."""
    name = "Pop3Server"

    with pytest.raises(AttributeError, match=r"^module 'pop3s_fake' has no attribute 'Pop3Server'"):
        getattr(pop3s_fake, name)

    assert not hasattr(pop3s_fake, name)
