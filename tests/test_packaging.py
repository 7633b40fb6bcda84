"""What is shipped, and that it works where it arrives.

The distributions are built from this checkout and installed, each in a fresh virtual environment that sees what the
running one has but for this project.  Nothing here needs the network.  All of it takes about half a minute, so the
plain ``pytest`` leaves it out: ``pytest -m packaging`` runs it.
"""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path, PurePosixPath

import pytest

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parent.parent
BOUND = 100  # seconds for one child process; below the bound of a test, so that what it said is shown
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME = f"pop3s_fake-{PROJECT['version']}"

OURS = re.compile(r"(__editable__.*|_?pop3s[-_]fake.*|pytest_pop3s_fake.*)", re.IGNORECASE)
SHIPPED = {".py", ".typed", ".toml"}  # what a package may hold
LITTER = {"__pycache__", ".venv", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "build", "dist"}

A_TEST = '''
"""A project of somebody who has never seen our sources."""

import poplib
import ssl

import pytest_plugin  # the project's own, not one of ours


def test_fetches(pop3s_server):
    assert pytest_plugin.MINE
    pop3s_server.maildrop.add("Subject: one\\n\\nhello\\n")
    context = ssl.create_default_context(cafile=str(pop3s_server.ca_file))
    client = poplib.POP3_SSL(pop3s_server.host, pop3s_server.port, timeout=10, context=context)
    client.user(pop3s_server.login.user)
    client.pass_(pop3s_server.login.password)
    assert client.retr(1)[1] == [b"Subject: one", b"", b"hello"]
    client.quit()
    assert pop3s_server.transcript.keywords == ["USER", "PASS", "RETR", "QUIT"]
'''

TYPED = """
from pathlib import Path

from pop3s_fake import Account, Maildrop, Pop3sServer


def deliver(server: Pop3sServer) -> Path:
    server.maildrop.add(b"Subject: one", "Subject: two")
    reveal_type(server.port)
    reveal_type(server.account)
    return server.ca_file


deliver(Pop3sServer(accounts=[Account("ann", "secret", maildrop=Maildrop())]))
Pop3sServer(port="pop3s")
"""


def run(*command: str | Path, cwd: Path, succeeds: bool = True) -> str:
    """What a command prints.  It sees none of our settings, and no checkout by way of the environment."""
    kept = {
        name: value for name, value in os.environ.items() if not re.match(r"PYTHON|PYTEST|COVERAGE|PIP_|MYPY", name)
    }
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        cwd=cwd,
        env=kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BOUND,
    )
    assert (done.returncode == 0) is succeeds, done.stdout
    return done.stdout


def built(directory: Path, what: str, source: Path = ROOT) -> Path:
    """The wheel or the sdist of a source tree."""
    run(sys.executable, "-m", "build", "--no-isolation", f"--{what}", "--outdir", directory, source, cwd=directory)
    (distribution,) = directory.iterdir()
    return distribution


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    return built(tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution."""
    return built(tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the running environment has, but for us and for other people's pytest plugins, which only take time."""
    directory = tmp_path_factory.mktemp("neighbours")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        entries = path / "entry_points.txt"
        plugin = entries.is_file() and "[pytest11]" in entries.read_text(encoding="utf-8")
        if not plugin and not OURS.fullmatch(path.name) and path.suffix != ".pth":
            (directory / path.name).symlink_to(path)
    return directory


def files_below(source: Path, arrived: str) -> set[str]:
    """The files of a directory of the checkout, as they should arrive."""
    return {
        str(PurePosixPath(arrived, *path.relative_to(source).parts))
        for path in source.rglob("*")
        if path.is_file() and not LITTER & set(path.relative_to(source).parts)
    }


def test_the_wheel_holds_the_two_packages_and_nothing_else(wheel: Path) -> None:
    """Every module and data file of both packages is in the wheel, and what installs them, and no other file."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    about = {
        f"{NAME}.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    }
    packages = files_below(ROOT / "pop3s_fake", "pop3s_fake")
    packages |= files_below(ROOT / "pytest_plugin" / "pytest_pop3s_fake", "pytest_pop3s_fake")

    assert {name.split("/")[0] for name in names} == {"pop3s_fake", "pytest_pop3s_fake", f"{NAME}.dist-info"}
    assert names == packages | about
    assert {PurePosixPath(name).suffix for name in packages} == SHIPPED
    assert {"pop3s_fake/py.typed", "pytest_pop3s_fake/py.typed"} <= names


def test_the_sdist_holds_tests_examples_and_manual_too(sdist: Path) -> None:
    """Who builds from source finds what it takes to test what was built."""
    with tarfile.open(sdist) as archive:
        names = {PurePosixPath(member.name).relative_to(NAME).as_posix() for member in archive if member.isfile()}
    expected = {"CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", ".gitignore", "PKG-INFO"}
    for directory in (".ci", "docs", "examples", "pop3s_fake", "pytest_plugin", "tests"):
        expected |= files_below(ROOT / directory, directory)

    assert names == expected


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    """Licence, versions of Python and the plugin's entry point, whose name equals the module's."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = email.message_from_bytes(archive.read(f"{NAME}.dist-info/METADATA"))
        entries = archive.read(f"{NAME}.dist-info/entry_points.txt").decode()

    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Framework :: Pytest" in (metadata.get_all("Classifier") or ())
    assert "[pytest11]\npytest_pop3s_fake = pytest_pop3s_fake" in entries
    assert not [
        need for need in metadata.get_all("Requires-Dist") or () if need.startswith("pytest") and "extra" not in need
    ]


@pytest.mark.parametrize("way", ["wheel", "sdist", "editable"])
def test_it_works_where_it_is_installed(
    way: str, tmp_path: Path, neighbours: Path, request: pytest.FixtureRequest
) -> None:
    """Installed from the wheel, from a wheel built from the sdist, and editable, it serves a stranger's project.

    That project is in a directory of its own, has a module named as our source root is, and is type-checked.
    """
    environment, project = tmp_path / "environment", tmp_path / "project"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "neighbours.pth").write_text(f"{neighbours}\n", encoding="utf-8")
    install(way, tmp_path, python, request)
    project.mkdir()
    (project / "test_project.py").write_text(A_TEST, encoding="utf-8")
    (project / "pytest_plugin.py").write_text("MINE = True\n", encoding="utf-8")
    (project / "conftest.py").write_text('pytest_plugins = ["pytest_plugin"]\n', encoding="utf-8")
    (project / "typed.py").write_text(TYPED, encoding="utf-8")

    console_script = (python, "-P", "-c", "import pytest; pytest.console_main()")
    assert re.search(r"\b1 passed in", run(*console_script, cwd=project))
    assert re.search(r"\b1 passed in", run(python, "-m", "pytest", "-W", "error", cwd=project))
    where = run(
        python, "-c", "import pop3s_fake, pytest_pop3s_fake as p; print(pop3s_fake.__file__, p.__file__)", cwd=project
    )
    assert all(path.startswith(str(ROOT if way == "editable" else packages)) for path in where.split())
    said = run(
        python, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", "typed.py", cwd=project, succeeds=False
    )
    assert [re.sub(r'"pop3s_fake\.\S+\.(\w+)"', r"\1", line.split(": ", 1)[1]) for line in said.splitlines()[:-1]] == [
        'note: Revealed type is "int"',
        "note: Revealed type is Account",
        'error: Argument "port" to "Pop3sServer" has incompatible type "str"; expected "int"  [arg-type]',
    ]


def install(way: str, tmp_path: Path, python: Path, request: pytest.FixtureRequest) -> None:
    """Install into the environment of this Python, with pip of the running one and without the network."""
    what: list[str | Path]
    if way == "editable":
        what = ["--no-build-isolation", "--editable", ROOT]
    elif way == "wheel":
        what = [request.getfixturevalue("wheel")]
    else:
        source = tmp_path / "source"
        with tarfile.open(request.getfixturevalue("sdist")) as archive:
            archive.extractall(source, filter="data")
        (tmp_path / "from-sdist").mkdir()
        what = [built(tmp_path / "from-sdist", "wheel", source / NAME)]
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index")
    run(*pip, *what, cwd=tmp_path)


def test_the_recipe_of_the_container_installs(tmp_path: Path, wheel: Path, neighbours: Path) -> None:
    """Its RUN line, word for word, in a fresh environment that finds the wheel here; then its command is there."""
    recipe = (ROOT / "examples" / "container" / "Containerfile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^RUN (.*)", recipe, flags=re.MULTILINE)
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)  # its neighbours have pip
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "neighbours.pth").write_text(f"{neighbours}\n", encoding="utf-8")
    path = os.pathsep.join([str(environment / "bin"), os.environ["PATH"]])
    here = (
        "env",
        f"PATH={path}",
        "PIP_NO_INDEX=1",
        f"PIP_FIND_LINKS={wheel.parent}",
        "PIP_DISABLE_PIP_VERSION_CHECK=1",
    )

    run(*here, "sh", "-c", line, cwd=tmp_path)

    assert (environment / "bin" / "pop3s-fake").is_file()
    assert run(*here, "pop3s-fake", "--version", cwd=tmp_path) == f"pop3s-fake {PROJECT['version']}\n"
