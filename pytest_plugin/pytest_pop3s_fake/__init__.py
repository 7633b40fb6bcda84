"""The pytest plugin of pop3s-fake: its options, marker, hooks and fixtures.

Knows pytest and what it calls when.  Must not know servers, verdicts or how options are weighed, and imports nothing
of ours before a fixture or an option asks for it: every start of pytest, in every project, pays for this module alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import ssl
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

    from pop3s_fake import Authority, Maildrop, Pop3sServer
    from pop3s_fake.factories import MessageFactory
    from pytest_pop3s_fake.deciding import Settings
    from pytest_pop3s_fake.servers import Attach, Route, ServerFactory
    from pytest_pop3s_fake.sweeping import SweepFactory
    from pytest_pop3s_fake.verdict import Watch

__all__ = (
    "pop3s_attach",
    "pop3s_authority",
    "pop3s_ca_file",
    "pop3s_client_context",
    "pop3s_maildrop",
    "pop3s_message_factory",
    "pop3s_route",
    "pop3s_security",
    "pop3s_server",
    "pop3s_server_factory",
    "pop3s_server_options",
    "pop3s_sweep",
    "pop3s_trusted",
)

_SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
_WATCH: pytest.StashKey[Watch] = pytest.StashKey()

_INI = {
    "pop3s_strict": "Whether a client that breaks the specifications fails the test: true (a MUST), should (a SHOULD,"
    " too) or false",
    "pop3s_deadline": "Seconds of real time after which a session that is still open fails the test, or none",
    "pop3s_transcript": "Whose report shows the transcript of the servers: failed tests, all or none",
    "pop3s_layers": "What transcripts keep and show: pop3 (lines), tls (records), tcp (each write and read)",
}

_MARKER = (
    "pop3s(**keywords): keywords of pop3s_fake.Pop3sServer for the servers of this test; of several markers the "
    "nearest wins, lists add up, None clears"
)

_SHARDS = (
    "pop3s_shards(count): let so many tests share the points of a pop3s_sweep, each with the uncut control and every "
    "count-th point"
)


# What can be asked for


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; what they hold is read by `deciding`, and only if one is given."""
    for name, text in _INI.items():
        parser.addini(name, text, default="")
    group = parser.getgroup("pop3s-fake", "pop3s-fake: servers for testing POP3 clients")
    group.addoption("--pop3s-strict", metavar="true|false|should", help="Beats the ini option, markers and fixtures")
    group.addoption("--pop3s-deadline", metavar="SECONDS|none", help="Beats the ini option, markers and fixtures")
    group.addoption(
        "--pop3s-transcript", metavar="failed|all|none", help=f"{_INI['pop3s_transcript']} (default: failed)"
    )
    group.addoption("--pop3s-layers", metavar="LAYERS", help=f"{_INI['pop3s_layers']} (default: pop3)")
    group.addoption("--pop3s-transcript-dir", metavar="DIR", help="Write the transcripts of each test to a file there")
    group.addoption("--pop3s-seed", metavar="N", help="Repeat what was random in the run whose report names this seed")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; refuse options that cannot be."""
    config.addinivalue_line("markers", _MARKER)
    config.addinivalue_line("markers", _SHARDS)
    if _options_given(config):
        _settings(config)


def _options_given(config: pytest.Config) -> bool:
    """Whether any option of ours was given, in the ini file or on the command line."""
    names = ("strict", "deadline", "transcript", "layers", "transcript_dir", "seed")
    return any(config.getini(name) for name in _INI) or any(
        config.getoption(f"pop3s_{name}") is not None for name in names
    )


def _settings(config: pytest.Config) -> Settings:
    """What the options of this run say; read once."""
    settings = config.stash.get(_SETTINGS, None)
    if settings is None:
        from pytest_pop3s_fake.deciding import read_settings  # noqa: PLC0415  # only where it is needed

        settings = config.stash[_SETTINGS] = read_settings(config, chosen=int.from_bytes(os.urandom(4), "big"))
    return settings


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make as many tests of one as its marker `pop3s_shards` says; the same in each xdist worker."""
    mark = metafunc.definition.get_closest_marker("pop3s_shards")
    if mark is None:
        return
    from pytest_pop3s_fake.marker import shards  # noqa: PLC0415  # only where the marker is used

    if "_pop3s_shard" in metafunc.fixturenames:
        parts = shards(metafunc.definition, mark)
        ids = [f"{number}-of-{count}" for number, count in parts]
        metafunc.parametrize("_pop3s_shard", parts, indirect=True, ids=ids)
    elif mark in metafunc.definition.own_markers:
        raise pytest.UsageError(
            f"the marker pop3s_shards of {metafunc.definition.nodeid} parts a sweep, and the test has none: "
            "let it use the fixture pop3s_sweep"
        )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each xdist worker the seed that the controller has chosen."""
    node.workerinput["pop3s_seed"] = _settings(node.config).seed


def pytest_report_header(config: pytest.Config) -> str | None:
    """Version, seed and OpenSSL, where somebody looks for them."""
    if config.get_verbosity() <= 0 and not _options_given(config):
        return None
    import ssl  # noqa: PLC0415  # only for its version
    from importlib.metadata import version  # noqa: PLC0415

    return f"pop3s-fake {version('pop3s-fake')}: --pop3s-seed={_settings(config).seed}, {ssl.OPENSSL_VERSION}"


# The verdict, in the test's own call phase


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that passes although its client or a server went wrong, or its own marker did nothing."""
    __tracebackhide__ = True
    try:
        result = yield
    finally:
        watch = item.stash.get(_WATCH, None)
        if watch is not None:
            watch.in_function = False
    # A TestCase keeps its own failure in _excinfo, where pytest fetches it for the report.
    if getattr(item, "_excinfo", None):
        return result
    if watch is not None:
        watch.pronounce()
    if any(mark.name == "pop3s" for mark in item.own_markers):
        from pytest_pop3s_fake.marker import check_reached  # noqa: PLC0415  # only where the marker is used

        check_reached(item, () if watch is None else watch.reached)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fail the teardown for what went wrong after the test function returned."""
    __tracebackhide__ = True
    result = yield
    watch = item.stash.get(_WATCH, None)
    if watch is not None:
        watch.pronounce()
    return result


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Note problems on a failure just before it is made into a report; subtests and TestCases come this way, too."""
    watch = item.stash.get(_WATCH, None)
    if watch is None:
        return
    watch.report_on(call)
    if call.when == "teardown":
        del item.stash[_WATCH]


# The fixtures


@pytest.fixture
def _pop3s_watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """The servers of this test, for its verdict and report."""
    from pytest_pop3s_fake.verdict import Watch  # noqa: PLC0415  # only where a server is used

    watch = request.node.stash[_WATCH] = Watch(request.node, _settings(request.config))
    yield watch
    watch.write()


@pytest.fixture
def pop3s_server_options() -> Mapping[str, Any]:
    """Keywords of `Pop3sServer` for the servers of these tests: override this fixture in a module or a conftest.

    The command line and the marker `pop3s` beat it, and it beats the ini file.
    """
    return {}


@pytest.fixture
def pop3s_server_factory(
    request: pytest.FixtureRequest,
    _pop3s_watch: Watch,
    pop3s_server_options: Mapping[str, Any],
    pop3s_authority: Authority,
) -> Iterator[ServerFactory]:
    """Make servers, started and configured as this test's own, with keywords on top; all are stopped at the end."""
    from pytest_pop3s_fake.servers import ServerFactory  # noqa: PLC0415  # only where a server is used

    factory = ServerFactory(
        request.node, _settings(request.config), _pop3s_watch, pop3s_server_options, pop3s_authority
    )
    yield factory
    factory.close()


@pytest.fixture
def pop3s_server(pop3s_server_factory: ServerFactory) -> Pop3sServer:
    """A running server with one account, a maildrop, and a certificate of `pop3s_authority`; fresh for this test."""
    return pop3s_server_factory.of_the_test()


@pytest.fixture
def _pop3s_shard(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Which part of a sweep this test visits, and of how many."""
    part: tuple[int, int] = getattr(request, "param", (1, 1))
    return part


@pytest.fixture
def pop3s_sweep(
    request: pytest.FixtureRequest,
    _pop3s_watch: Watch,
    pop3s_server_factory: ServerFactory,
    _pop3s_shard: tuple[int, int],
    tmp_path: Path,
) -> SweepFactory:
    """Break one conversation again and again, each time at another octet.

    `for point in pop3s_sweep("cut", messages=3):` gives the points, and `with point as server:` is a subtest with a
    fresh server; `point.path` is a fresh folder.  The first point is the uncut control, which must pass.  See
    `pop3s_fake.sweep.Sweep` for kinds, units and samples.
    """
    from pytest_pop3s_fake.sweeping import SweepFactory  # noqa: PLC0415  # only where it is used

    del _pop3s_shard, tmp_path  # it takes them from the request; here they are asked for in time
    return SweepFactory(request, _settings(request.config), _pop3s_watch, factory=pop3s_server_factory)


@pytest.fixture(params=["tls", "stls", "plain"])
def pop3s_security(request: pytest.FixtureRequest) -> str:
    """Run the test three times: over implicit TLS, "tls", over STLS, "stls", and without any, "plain".

    The test's servers have a port in clear then, as by `stls=True`, and `pop3s_server.port_for(pop3s_security)` is the
    one to connect to.  With "plain" they take USER and PASS there, as by `capabilities=["+USER"]`.  To run fewer of the
    three, `@pytest.mark.parametrize("pop3s_security", ["tls", "stls"])`.
    """
    security: str = request.param
    return security


@pytest.fixture
def pop3s_maildrop(pop3s_server: Pop3sServer) -> Maildrop:
    """The maildrop of the server's first account."""
    return pop3s_server.maildrop


@pytest.fixture
def pop3s_message_factory(
    request: pytest.FixtureRequest, _pop3s_watch: Watch, pop3s_server_options: Mapping[str, Any]
) -> type[MessageFactory]:
    """Make messages and deliver them to the test's only server: `create_batch(50, attachments=2, leading_dots=True)`.

    It is a `pop3s_fake.factories.MessageFactory`, whose messages are the same in every run with the same
    `--pop3s-seed`, in any order of the tests and in any worker.  It needs `pip install 'pop3s-fake[factories]'`.
    """
    from pytest_pop3s_fake.messages import message_factory  # noqa: PLC0415  # only where it is used

    return message_factory(request.node, _settings(request.config), _pop3s_watch, pop3s_server_options)


@pytest.fixture(scope="session")
def pop3s_authority() -> Authority:
    """The test CA that issues the certificates of all servers; override it to use one of your own."""
    from pop3s_fake.tls.authority import default_authority  # noqa: PLC0415  # loads trustme and cryptography

    return default_authority()


@pytest.fixture
def pop3s_client_context(pop3s_server_factory: ServerFactory) -> ssl.SSLContext:
    """A new `ssl.SSLContext` for a client, which verifies and trusts the test CA only; yours to change."""
    return pop3s_server_factory.authority.client_context()


@pytest.fixture
def pop3s_ca_file(pop3s_server_factory: ServerFactory) -> Path:
    """The certificate of the test CA as a PEM file."""
    return pop3s_server_factory.authority.ca_file


@pytest.fixture
def pop3s_trusted(pop3s_ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let `SSL_CERT_FILE` name the test CA, in this test and in processes that it starts.

    This reaches what asks OpenSSL for its default places: `ssl.create_default_context()` of this process, and most
    programs on OpenSSL.  It does not reach a context that was made before, clients that bring their own CAs (certifi,
    Java, Go on macOS and Windows), or curl, which reads `CURL_CA_BUNDLE`.  While it lasts, no other CA of that file is
    trusted.  Gives the file.
    """
    monkeypatch.setenv("SSL_CERT_FILE", str(pop3s_ca_file))
    return pop3s_ca_file


@pytest.fixture
def pop3s_route(request: pytest.FixtureRequest) -> Iterator[Route]:
    """Send this process's connections to a name and port to the test's server: `pop3s_route("pop.gmail.com", 995)`.

    The server gets a certificate for the name as well, so that a client which trusts its CA (see `pop3s_trusted`) finds
    all in order.  Several names may lead to it, and `server=` names another server.  At the end of the test the names
    are what they were.

    This reaches what asks `socket.getaddrinfo` when it connects: `socket.create_connection`, poplib, asyncio, anyio,
    trio, urllib3 and most of Python.  It does not reach other processes, code that resolves names by itself or in C
    (`socket.connect` with a name, c-ares, aiodns, uvloop, dnspython), code that has taken a `getaddrinfo` of its own
    before (`from socket import getaddrinfo`) or keeps what it found, and numeric addresses.
    """
    from pytest_pop3s_fake.servers import Route  # noqa: PLC0415  # only where a server is used

    route = Route(lambda: request.getfixturevalue("pop3s_server"))
    yield route
    route.close()


@pytest.fixture
def pop3s_attach(request: pytest.FixtureRequest, _pop3s_watch: Watch) -> Iterator[Attach]:
    """Put a server of your own, of a wider scope, under this test's verdict and report: `pop3s_attach(server)`.

    As it is at its first attachment, with accounts and mail, so it is again at the beginning of each later test that
    attaches it.  It goes on running; whoever started it stops it.  Give it the rules of a test after that: a rule that
    the test gave it before is a `UsageError`, and so is a marker of the test itself, which cannot change it any more.
    """
    from pytest_pop3s_fake.servers import Attach  # noqa: PLC0415  # only where a server is used

    attach = Attach(request.node, _pop3s_watch)
    yield attach
    attach.close()
