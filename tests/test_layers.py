"""Who may import whom, held as data and read from every module's syntax tree.

Knows the table of rooms and nothing of what is in them: no module is imported, so a forbidden import is found also
where it would only run in a branch, in a function or under ``TYPE_CHECKING``.  It reads what is written; a module
name that is computed cannot be read, so that is a finding of its own.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
LIBRARY = "pop3s_fake"
PLUGIN = "pytest_pop3s_fake"

BOTTOM = ("clock", "errors")
CONVERSATION = (
    *BOTTOM,
    "dialects",
    "dialogue",
    "ledger",
    "maildrop",
    "masking",
    "protocol",
    "quirks",
    "rules",
    "tls",
    "transcript",
)
SERVER = (*CONVERSATION, "cases", "connection")
TOOLS = (*SERVER, "server")
CALLERS = (*TOOLS, "cassette", "factories", "probing", "setup_file", "sources", "strategies", "sweep", LIBRARY)

# A room is a module or a package directly under pop3s_fake, the root package itself, or the plugin.  Rooms that
# stand side by side do not know each other.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "errors": (),
    "clock": (),
    "masking": (),
    "maildrop": BOTTOM,
    "protocol": (*BOTTOM, "maildrop"),
    "tls": BOTTOM,
    "rules": BOTTOM,
    "cases": (*BOTTOM, "tls"),
    "dialects": (*BOTTOM, "protocol", "quirks", "tls"),
    "dialogue": ("errors",),
    "quirks": (*BOTTOM, "rules", "tls"),
    "transcript": (*BOTTOM, "masking"),
    "ledger": BOTTOM,
    "connection": CONVERSATION,
    "server": SERVER,
    "setup_file": TOOLS,
    "sources": TOOLS,
    "cassette": TOOLS,
    "factories": TOOLS,
    "strategies": TOOLS,
    "sweep": TOOLS,
    "probing": (*BOTTOM, "maildrop", "protocol"),
    "unittest": CALLERS,
    "cli": CALLERS,
    "control": CALLERS,
    "audit": CALLERS,
    PLUGIN: CALLERS,
}
BELOW_SERVER = frozenset(SERVER)
WITH_SOCKETS = frozenset({"server", "audit", "cassette", "control", "probing"})

SOCKETS = frozenset({"_socket", "select", "selectors", "socket", "socketserver"})
THREADS_AND_CLOCKS = frozenset({"_thread", "asyncio", "concurrent", "multiprocessing", "sched", "subprocess", "time"})
FILES = re.compile(
    r"(builtins\.|io\.|os\.|codecs\.)?open|io\.FileIO|os\.fdopen|tempfile\..+|pathlib\.(Posix|Windows)?Path\b.*"
)

# What pytest has loaded before it loads a plugin: importing it again costs nothing.
PLUGIN_MAY_START_WITH = frozenset(
    {"__future__", "collections", "contextlib", "dataclasses", "enum", "functools", "os", "pathlib", "pytest", "sys"}
    | {"types", "typing", "warnings"},
)

MOST_LINES = 400
REASON_FOR_MORE = "Longer than 400 lines because"

# Calls that the table forbids and that are right all the same, each with its reason.
EXCUSED: dict[tuple[str, str], str] = {
    ("pop3s_fake.dialects.dialect", "pathlib.Path"): "a dialect of somebody's own is a file",
    ("pop3s_fake.tls.authority", "tempfile.mkdtemp"): "clients take a CA as a file, so the authority has to write one",
    ("pop3s_fake.tls.authority", "pathlib.Path"): "the name of that file",
    ("pop3s_fake.tls.contexts", "tempfile.TemporaryDirectory"): "ssl loads a certificate's key from a file only",
    ("pop3s_fake.tls.contexts", "pathlib.Path"): "the name of that file",
}


@dataclasses.dataclass(frozen=True)
class Module:
    """One module as it is written: its dotted name, whether it is a package's ``__init__``, and its source."""

    name: str
    source: str
    is_package: bool = False

    @property
    def room(self) -> str:
        """The room it belongs to: the first name below the library, or the top-level package itself."""
        return room_of(self.name)

    @property
    def package(self) -> str:
        """What one leading dot means in it."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclasses.dataclass(frozen=True)
class Import:
    """One import, however it is written."""

    line: int
    target: str
    names: tuple[str, ...] = ()
    at_start: bool = True  # carried out when the module is loaded


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of something that has a dotted name."""

    line: int
    called: str


UNREADABLE = "?"  # the target of an import whose name is computed


def room_of(name: str) -> str:
    """The room of a dotted name; ``""`` for a name that is not ours."""
    parts = name.split(".")
    if parts[0] == PLUGIN:
        return PLUGIN
    if parts[0] == LIBRARY:
        return parts[1] if len(parts) > 1 else LIBRARY
    return ""


def literal(node: ast.expr | None) -> str:
    """The string that is written there; ``""`` where it is anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


class Reader(ast.NodeVisitor):
    """Gathers every import and every named call of one module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.found: list[Import | Call] = []
        self.tree = ast.parse(module.source, module.name)
        self.meanings = dict(self.bindings())
        self.later = 0  # depth of functions and of blocks for type checkers only
        self.lazy = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in self.tree.body)
        self.visit(self.tree)
        if self.lazy:
            self.found += self.lazy_table()

    def bindings(self) -> Iterator[tuple[str, str]]:
        """What each imported name stands for, so that ``from os import open as o`` hides nothing."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    yield (alias.asname, alias.name) if alias.asname else (first, first)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for alias in node.names:
                    yield alias.asname or alias.name, f"{node.module}.{alias.name}"

    def dotted(self, node: ast.expr) -> str:
        """The full name of an expression, or ``""`` where it has none."""
        if isinstance(node, ast.Name):
            return self.meanings.get(node.id, node.id)
        if isinstance(node, ast.Attribute) and (value := self.dotted(node.value)):
            return f"{value}.{node.attr}"
        return ""

    def absolute(self, name: str | None, dots: int, package: str = "") -> str:
        """The absolute name of what is imported with so many leading dots."""
        if not dots:
            return name or ""
        parts = (package or self.module.package).split(".")
        base = parts[: len(parts) - dots + 1]
        return ".".join([*base, name] if name else base)

    def note(self, node: ast.AST, target: str, names: tuple[str, ...] = ()) -> None:
        """Keep one import."""
        self.found.append(Import(getattr(node, "lineno", 1), target, names, at_start=not self.later))

    def visit_Import(self, node: ast.Import) -> None:
        """``import a.b``, ``import a.b as c``."""
        for alias in node.names:
            self.note(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """``from a import b``, ``from . import b``; from the root package a room is imported, or a public name."""
        base = self.absolute(node.module, node.level)
        names = tuple(alias.name for alias in node.names)
        if base != LIBRARY:
            self.note(node, base, names)
            return
        for name in names:
            self.note(node, f"{LIBRARY}.{name}" if name in MAY_IMPORT else LIBRARY, (name,))

    def visit_Call(self, node: ast.Call) -> None:
        """``__import__("a")``, ``importlib.import_module(".a", package)``, and every other call for its name."""
        called = self.dotted(node.func)
        if called in {"__import__", "builtins.__import__", "importlib.__import__", "importlib.import_module"}:
            name, package = self.dynamic(node)
            if name:
                bare = name.lstrip(".")
                self.note(node, self.absolute(bare, len(name) - len(bare), package))
            elif not self.lazy:  # else its table is read
                self.note(node, UNREADABLE)
        elif called:
            self.found.append(Call(node.lineno, called))
        self.generic_visit(node)

    def dynamic(self, node: ast.Call) -> tuple[str, str]:
        """The literal name that a call imports, and the package that its dots start from; ``""`` if it is computed."""
        given = dict(zip(("name", "package"), node.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        start = {"__name__": self.module.name}.get(ast.unparse(given.get("package", node.func)), self.module.package)
        return literal(given.get("name")), literal(given.get("package")) or start

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """What stands in a function is carried out later."""
        self.visit_later(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """The same."""
        self.visit_later(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """The same."""
        self.visit_later(node)

    def visit_later(self, node: ast.AST) -> None:
        """Visit what is below, none of which runs when the module is loaded."""
        self.later += 1
        self.generic_visit(node)
        self.later -= 1

    def visit_If(self, node: ast.If) -> None:
        """Under ``TYPE_CHECKING`` nothing is loaded, yet who imports a type knows the room it comes from."""
        for_types = self.dotted(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        self.later += for_types
        for statement in node.body:
            self.visit(statement)
        self.later -= for_types
        self.visit(node.test)
        for statement in node.orelse:
            self.visit(statement)

    def lazy_table(self) -> Iterator[Import]:
        """The modules named in the tables that a module's ``__getattr__`` looks names up in."""
        for statement in self.tree.body:
            for table in ast.walk(statement) if isinstance(statement, ast.Assign | ast.AnnAssign) else ():
                if not isinstance(table, ast.Dict):
                    continue
                for node in ast.walk(table):
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        bare = node.value.lstrip(".")
                        name = self.absolute(bare, len(node.value) - len(bare))
                        if room_of(name) or name in SOCKETS | THREADS_AND_CLOCKS | {"threading"}:
                            yield Import(node.lineno, name, at_start=False)


def findings(module: Module) -> list[str]:
    """Every rule that this module breaks, each with module and line."""
    found = [f"{module.name}, line {line}: {what}" for line, what in sorted(set(broken(module)))]
    return found + too_long(module)


def broken(module: Module) -> Iterator[tuple[int, str]]:
    """The line and the broken rule, for each import and call."""
    room = module.room
    if room != LIBRARY and room not in MAY_IMPORT:
        yield 1, f"{room} is no room in the table of layers"
        return
    for item in Reader(module).found:
        if isinstance(item, Call):
            opens = room in BELOW_SERVER and FILES.fullmatch(item.called)
            if opens and (module.name, item.called) not in EXCUSED:
                yield item.line, f"calls {item.called}(); nothing below server opens a file"
        elif item.target == UNREADABLE:
            yield item.line, "imports a module whose name is not written here, so that no table can hold it"
        else:
            for what in (wrong_room(room, item), wrong_module(room, item), wrong_start(module, item)):
                if what:
                    yield item.line, what


def wrong_room(room: str, item: Import) -> str:
    """An import of ours that the table does not have."""
    target = room_of(item.target)
    if not target or target == room:
        return ""
    if target not in MAY_IMPORT and target != LIBRARY:
        return f"imports {item.target}, which is no room in the table of layers"
    if room == LIBRARY:  # the root package names them all
        return "" if target != PLUGIN else f"imports {PLUGIN}, which stands above it"
    if target in MAY_IMPORT[room]:
        return ""
    name = f"{item.names[0]} from {LIBRARY}" if target == LIBRARY and item.names else item.target
    allowed = ", ".join(sorted(MAY_IMPORT[room])) or "nothing of ours"
    return f"imports {name}; {room} may import {allowed}"


def wrong_module(room: str, item: Import) -> str:
    """An import of a module that brings sockets, threads or clocks to a room that has none."""
    first = item.target.partition(".")[0]
    if room in BELOW_SERVER and first == "threading":
        if item.names == ("Lock",):
            return ""
        return "imports threading; below server there may be `from threading import Lock` and nothing else of it"
    if room in BELOW_SERVER and first in SOCKETS | THREADS_AND_CLOCKS:
        return f"imports {item.target}; nothing below server has sockets, threads, processes or a clock"
    if first in SOCKETS and room not in WITH_SOCKETS:
        return f"imports {item.target}; sockets are for server, audit, cassette, control and probing"
    return ""


def wrong_start(module: Module, item: Import) -> str:
    """An import that every start of pytest would pay for."""
    if module.name != PLUGIN or not item.at_start or item.target.partition(".")[0] in PLUGIN_MAY_START_WITH:
        return ""
    return f"imports {item.target} at every start of pytest; import it in the fixture that needs it"


def too_long(module: Module) -> list[str]:
    """A module of more lines than one reads at a sitting, without a word why."""
    lines = len(module.source.splitlines())
    if lines <= MOST_LINES or REASON_FOR_MORE in (ast.get_docstring(ast.parse(module.source)) or ""):
        return []
    return [f"{module.name}, line {MOST_LINES + 1}: has {lines} lines; say in its docstring '{REASON_FOR_MORE} ...'"]


def modules(root: Path) -> list[Module]:
    """Every module of both packages in a checkout."""
    found = []
    for source_root, package in ((root, LIBRARY), (root / "pytest_plugin", PLUGIN)):
        for path in sorted((source_root / package).rglob("*.py")):
            parts = path.relative_to(source_root).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            found.append(Module(name, path.read_text(encoding="utf-8"), is_package))
    return found


def test_every_module_imports_only_from_below() -> None:
    """The table of layers holds in every module of both packages, in every form of import."""
    assert [finding for module in modules(ROOT) for finding in findings(module)] == []


def test_all_modules_are_read() -> None:
    """A test that reads nothing finds nothing: both packages are there, and what is known to be in them."""
    names = {module.name for module in modules(ROOT)}

    assert {LIBRARY, f"{LIBRARY}.errors", PLUGIN} <= names


def test_no_excuse_outlives_its_reason() -> None:
    """Each exception from the table is still made use of."""
    calls = {(m.name, item.called) for m in modules(ROOT) for item in Reader(m).found if isinstance(item, Call)}

    assert set(EXCUSED) <= calls


def planted(name: str, source: str, finding: str, *, is_package: bool = False) -> object:
    """A module that breaks one rule, and what must be said of it."""
    return pytest.param(Module(name, textwrap.dedent(source), is_package), finding, id=f"{name}: {source.strip()[:40]}")


@pytest.mark.parametrize(
    ("module", "finding"),
    [
        planted(
            "pop3s_fake.errors",
            "import pop3s_fake.clock as time_of_day",
            "pop3s_fake.errors, line 1: imports pop3s_fake.clock; errors may import nothing of ours",
        ),
        planted(
            "pop3s_fake.maildrop.model",
            "'''Doc.'''\nfrom pop3s_fake.protocol.replies import Ok",
            "pop3s_fake.maildrop.model, line 2: imports pop3s_fake.protocol.replies; maildrop may import clock, errors",
        ),
        planted(
            "pop3s_fake.tls.records",
            "from ..server import listener",
            "pop3s_fake.tls.records, line 1: imports pop3s_fake.server; tls may import clock, errors",
        ),
        planted(
            "pop3s_fake.tls",
            "from .. import transcript",
            "pop3s_fake.tls, line 1: imports pop3s_fake.transcript; tls may import clock, errors",
            is_package=True,
        ),
        planted(
            "pop3s_fake.protocol.session",
            "def late():\n    from pop3s_fake import Pop3sServer",
            "pop3s_fake.protocol.session, line 2: imports Pop3sServer from pop3s_fake; "
            "protocol may import clock, errors, maildrop",
        ),
        planted(
            "pop3s_fake.rules",
            "import typing as t\nif t.TYPE_CHECKING:\n    from pop3s_fake.quirks import Quirk",
            "pop3s_fake.rules, line 3: imports pop3s_fake.quirks; rules may import clock, errors",
        ),
        planted(
            "pop3s_fake.ledger",
            "transcript = __import__('pop3s_fake.transcript')",
            "pop3s_fake.ledger, line 1: imports pop3s_fake.transcript; ledger may import clock, errors",
        ),
        planted(
            "pop3s_fake.dialects.reader",
            "from importlib import import_module as load\nledger = load('...ledger', __name__)",
            "pop3s_fake.dialects.reader, line 2: imports pop3s_fake.ledger; "
            "dialects may import clock, errors, protocol, quirks, tls",
        ),
        planted(
            "pop3s_fake.quirks",
            "import importlib\nclass Table:\n    room = importlib.import_module('.server', 'pop3s_fake')",
            "pop3s_fake.quirks, line 3: imports pop3s_fake.server; quirks may import clock, errors, rules, tls",
        ),
        planted(
            "pop3s_fake.connection",
            "import importlib\ndef room(name):\n    return importlib.import_module('pop3s_fake.' + name)",
            "pop3s_fake.connection, line 3: imports a module whose name is not written here, "
            "so that no table can hold it",
        ),
        planted(
            "pop3s_fake.transcript",
            """\
            NAMES = {
                "render": "pop3s_fake.cli.render",
            }
            def __getattr__(name):
                return getattr(__import__(NAMES[name]), name)
            """,
            "pop3s_fake.transcript, line 2: imports pop3s_fake.cli.render; "
            "transcript may import clock, errors, masking",
        ),
        planted(
            "pop3s_fake.cli.main",
            "from pytest_pop3s_fake import options",
            "pop3s_fake.cli.main, line 1: imports pytest_pop3s_fake; cli may import cases, cassette, clock, "
            "connection, dialects, dialogue, errors, factories, ledger, maildrop, masking, pop3s_fake, probing, "
            "protocol, quirks, rules, server, setup_file, sources, strategies, sweep, tls, transcript",
        ),
        planted(
            "pop3s_fake",
            "import pytest_pop3s_fake",
            "pop3s_fake, line 1: imports pytest_pop3s_fake, which stands above it",
            is_package=True,
        ),
        planted(
            "pop3s_fake.attic",
            "",
            "pop3s_fake.attic, line 1: attic is no room in the table of layers",
        ),
        planted(
            "pop3s_fake.server.listener",
            "from ..attic import lamp",
            "pop3s_fake.server.listener, line 1: imports pop3s_fake.attic, which is no room in the table of layers",
        ),
        planted(
            "pop3s_fake.connection",
            "try:\n    import socket\nfinally:\n    pass",
            "pop3s_fake.connection, line 2: imports socket; "
            "nothing below server has sockets, threads, processes or a clock",
        ),
        planted(
            "pop3s_fake.clock",
            "from time import monotonic",
            "pop3s_fake.clock, line 1: imports time; nothing below server has sockets, threads, processes or a clock",
        ),
        planted(
            "pop3s_fake.protocol.lines",
            "import asyncio.streams",
            "pop3s_fake.protocol.lines, line 1: imports asyncio.streams; "
            "nothing below server has sockets, threads, processes or a clock",
        ),
        planted(
            "pop3s_fake.maildrop.lock",
            "from threading import Lock, Thread",
            "pop3s_fake.maildrop.lock, line 1: imports threading; "
            "below server there may be `from threading import Lock` and nothing else of it",
        ),
        planted(
            "pop3s_fake.maildrop.files",
            "def read(name):\n    with open(name) as file:\n        return file.read()",
            "pop3s_fake.maildrop.files, line 2: calls open(); nothing below server opens a file",
        ),
        planted(
            "pop3s_fake.tls.keys",
            "from os import open as o\no('key', 0)",
            "pop3s_fake.tls.keys, line 2: calls os.open(); nothing below server opens a file",
        ),
        planted(
            "pop3s_fake.dialects.reader",
            "import pathlib\npathlib.Path('courier.toml').read_bytes()",
            "pop3s_fake.dialects.reader, line 2: calls pathlib.Path(); nothing below server opens a file",
        ),
        planted(
            "pop3s_fake.sources.smtp",
            "from socket import create_server",
            "pop3s_fake.sources.smtp, line 1: imports socket; "
            "sockets are for server, audit, cassette, control and probing",
        ),
        planted(
            "pytest_pop3s_fake",
            "class Options:\n    from pop3s_fake import Tls",
            "pytest_pop3s_fake, line 2: imports pop3s_fake at every start of pytest; "
            "import it in the fixture that needs it",
            is_package=True,
        ),
        planted(
            "pop3s_fake.server.listener",
            "x = 1\n" * 401,
            "pop3s_fake.server.listener, line 401: has 401 lines; "
            "say in its docstring 'Longer than 400 lines because ...'",
        ),
    ],
)
def test_a_planted_violation_is_found(module: Module, finding: str) -> None:
    """Each rule of the table is broken once, and the finding names the module, the line and the rule."""
    assert findings(module) == [finding]


@pytest.mark.parametrize(
    "module",
    [
        Module("pop3s_fake.maildrop.model", "from threading import Lock"),
        Module("pop3s_fake.maildrop.sources", "from pathlib import Path\ndef read(path: Path):\n    path.read_bytes()"),
        Module("pop3s_fake.quirks", "from .rules import Rule\nfrom . import errors, tls"),
        Module("pop3s_fake.tls", "from importlib import resources\nfrom .records import Records", is_package=True),
        Module("pop3s_fake.server.listener", "import socket, threading, time\nopen('file')"),
        Module("pop3s_fake.audit.oracle", "import socket\nfrom pop3s_fake import Pop3sServer"),
        Module("pytest_pop3s_fake", "import pytest\ndef fixture():\n    from pop3s_fake import Tls", is_package=True),
        Module("pytest_pop3s_fake", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pop3s_fake.tls"),
        Module("pop3s_fake.server", f"'''Doc.\n\n{REASON_FOR_MORE} ...'''\n" + "x = 1\n" * 400),
    ],
    ids=lambda module: f"{module.name}: {module.source[:30]}",
)
def test_what_the_table_allows_is_not_found(module: Module) -> None:
    """A rule that strikes the innocent is soon switched off."""
    assert findings(module) == []


def test_a_violation_in_a_checkout_is_found(tmp_path: Path) -> None:
    """Modules are read from both source roots, packages and modules in packages too."""
    for path, source in {
        "pop3s_fake/__init__.py": "",
        "pop3s_fake/tls/__init__.py": "from .deep import x",
        "pop3s_fake/tls/deep/__init__.py": "from ...server import y",
        "pytest_plugin/pytest_pop3s_fake/__init__.py": "import ssl",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source, encoding="utf-8")

    assert [finding for module in modules(tmp_path) for finding in findings(module)] == [
        "pop3s_fake.tls.deep, line 1: imports pop3s_fake.server; tls may import clock, errors",
        "pytest_pop3s_fake, line 1: imports ssl at every start of pytest; import it in the fixture that needs it",
    ]
