"""The callables behind `pop3s_server_factory`, `pop3s_attach` and `pop3s_route`: servers for one test.

Knows when a server begins and ends to belong to a test; must not know how it is judged or with which keywords it is
made.
"""

from __future__ import annotations

import inspect
from contextlib import ExitStack
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from pop3s_fake.errors import Pop3sFakeError, UsageError
from pop3s_fake.rules import Rule
from pop3s_fake.server.pointing import code_of
from pop3s_fake.server.route import Routes
from pop3s_fake.server.server import Pop3sServer
from pytest_pop3s_fake.deciding import decided, seed_of
from pytest_pop3s_fake.marker import own_keywords, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType

    import pytest

    from pop3s_fake.tls.authority import Authority
    from pytest_pop3s_fake.deciding import Given, Settings
    from pytest_pop3s_fake.verdict import Watch, Watched

__all__ = ("Attach", "Route", "ServerFactory")

# Frames of this module tell nobody anything; the line of the test that called it does.
__tracebackhide__ = True


class ServerFactory:
    """Makes servers for one test; given by the fixture `pop3s_server_factory`, never made by hand."""

    def __init__(
        self, item: pytest.Item, settings: Settings, watch: Watch, options: Mapping[str, Any], authority: Authority
    ) -> None:
        self._item = item
        self._settings = settings
        self._watch = watch
        self._options = options
        self._authority = authority
        self._made: list[tuple[Watched, object]] = []

    def __repr__(self) -> str:
        return f"<ServerFactory: {len(self._made)} servers>"

    def __call__(self, **keywords: Any) -> Pop3sServer:
        """A running server with the keywords of `Pop3sServer`; only the command line beats those given here.

        Raises `UsageError` for what cannot be.
        """
        return self._start(keywords)

    def of_the_test(self) -> Pop3sServer:
        """The server that is asked for without a call; an error points at the test, for no line of it is to blame."""
        try:
            return self._start({})
        except UsageError as error:
            self._watch.point(error)

    @property
    def authority(self) -> Authority:
        """Who issues the certificates of this test's servers."""
        authority: Authority = self.keywords({})["authority"]
        self._watch.reached.add("authority")
        return authority

    def close(self) -> None:
        """Stop all servers, the last one first, and let their accounts be as they were before."""
        with ExitStack() as stack:
            for watched, accounts in self._made:
                stack.callback(self._end, watched, accounts)

    def _end(self, watched: Watched, accounts: object) -> None:
        """Stop one server and keep what was wrong with it."""
        watched.keep_problems()
        try:
            watched.server.stop()
        except Pop3sFakeError as error:
            watched.kept.append(error)
        watched.server.accounts.restore(accounts)

    def _start(self, keywords: Mapping[str, Any]) -> Pop3sServer:
        try:
            chosen = self.keywords(keywords)
            self._watch.reached.update(own_keywords(self._item))
            pinned = "seed" in chosen
            chosen.setdefault("seed", seed_of(self._item, self._settings, len(self._made)))
            rules: list[Given] = chosen.pop("rules", [])
            server = Pop3sServer(**chosen)
            server.transcript.layers = self._settings.layers
            for given in rules:
                _add(server, given)
            # Accounts that a marker or a module names are there for other tests, too, which must find them untouched.
            accounts = server.accounts.save()
            server.start()
        except UsageError as error:
            raise error.with_traceback(None) from None
        seed = f"seed={server.seed}" if pinned else f"--pop3s-seed={self._settings.seed}"
        self._made.append((self._watch.add(server, seed), accounts))
        return server

    def keywords(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """The keywords with which a server of this test is made, these on top; its rules as `Given`."""
        base = {"authority": self._authority, **_secured(self._item)}
        chosen = decided(self._item, self._settings, base=base, options=self._options, call=keywords)
        chosen.setdefault("authority", self._authority)  # a None has cleared it
        return chosen


def _secured(item: pytest.Item) -> dict[str, Any]:
    """What the servers of a test need that runs under `pop3s_security`."""
    if "pop3s_security" not in getattr(item, "fixturenames", ()):
        return {}
    params = getattr(getattr(item, "callspec", None), "params", {})
    in_clear = {"capabilities": ["+USER"]} if params.get("pop3s_security") == "plain" else {}
    return {"stls": True, **in_clear}


def _add(server: Pop3sServer, given: Given) -> None:
    """Give a server a rule; one that does not stand in the test itself is there for other tests, too."""
    rule = given.rule
    if given.where and isinstance(rule, Rule):
        rule = rule.copy()
    server.rules.add(rule, must=given.must, where=given.where)


_ATTACHED: Final[WeakSet[Pop3sServer]] = WeakSet()
"""Servers that some test has attached, so that the next one finds them as they were."""


class Attach:
    """Lends servers to one test; given by the fixture `pop3s_attach`, never made by hand."""

    def __init__(self, item: pytest.Item, watch: Watch) -> None:
        self._item = item
        self._watch = watch
        self._lent: list[Pop3sServer] = []

    def __repr__(self) -> str:
        return f"<Attach: {len(self._lent)} servers>"

    def __call__(self, server: Pop3sServer) -> Pop3sServer:
        """The server itself, as it was when it was first attached; attaching it once more does nothing.

        Raises `UsageError` for what would be lost on it: a marker of the test itself, and rules that the test function
        has given before.
        """
        if not isinstance(server, Pop3sServer):
            raise UsageError(f"pop3s_attach takes a running Pop3sServer, not {server!r}")
        if server in self._lent:
            return server
        if own := own_keywords(self._item):
            raise UsageError(
                f"{shown(own)} cannot change a server that is there already, which pop3s_attach takes as it is\n"
                "  -> give rules after pop3s_attach(server), as in server.on(...), "
                "or make a server of the test's own with pop3s_server_factory"
            )
        if early := self._take_back(server):
            rule = early[0]
            raise UsageError(
                f"rule {rule}   ({rule.where}) was given before pop3s_attach, "
                "which lets the server be as it was when it was first attached\n"
                "  -> give it after pop3s_attach(server)"
            )
        if server in _ATTACHED:
            server.reset()
        else:
            server.baseline()
            _ATTACHED.add(server)
        self._lent.append(server)
        self._watch.add(server, f"seed={server.seed}")
        return server

    def close(self) -> None:
        """Take back the rules of this test, so that the next run of the same function has given none yet."""
        for server in self._lent:
            self._take_back(server)

    def _take_back(self, server: Pop3sServer) -> list[Rule]:
        """Remove the rules that stand in the test function, and give them; those of fixtures may be older than it."""
        places = _places(code_of(getattr(self._item, "function", None)))
        rules = [rule for rule in server.rules if rule.where in places]
        for rule in rules:
            server.rules.remove(rule)
        return rules


def _places(code: CodeType | None) -> set[str]:
    """The lines of a function, as a rule names its place; none where there is no source."""
    if code is None:
        return set()
    try:
        lines, first = inspect.getsourcelines(code)
    except OSError:
        return set()
    name = PurePath(code.co_filename).name
    return {f"{name}:{line}" for line in range(first, first + len(lines))}


class Route:
    """Sends this process's connections to servers; given by the fixture `pop3s_route`, never made by hand."""

    def __init__(self, server: Callable[[], Pop3sServer]) -> None:
        self._server = server
        self._routes = Routes()

    def __repr__(self) -> str:
        return f"<Route: {self._routes!r}>"

    def __call__(self, name: str, port: int | str = 995, *, server: Pop3sServer | None = None) -> Pop3sServer:
        """Send connections to this name and port to the test's server, or to another; gives that server.

        Raises `UsageError` for what is no host name or no port.
        """
        chosen = self._server() if server is None else server
        try:
            self._routes.add(name, port, chosen)
        except UsageError as error:
            raise error.with_traceback(None) from None
        return chosen

    def close(self) -> None:
        """Let names be what they are again."""
        self._routes.close()
