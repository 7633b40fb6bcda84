"""A client that leaves nothing open wherever it is cut, and what a test says to the server with it."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from pop3s_fake import Pop3sServer

PATIENCE = 30.0  # seconds for any one answer: none takes them, and a test that would hang fails


class Broken(Exception):  # noqa: N818  # it is what the tests ask for
    """The server ended the conversation before the answer was whole."""


class Client:
    """As much of POP3 as it takes to see where an answer ends."""

    def __init__(self, server: Pop3sServer, *, login: bool = False) -> None:
        with contextlib.ExitStack() as stack:
            tcp = stack.enter_context(socket.create_connection((server.host, server.port), timeout=PATIENCE))
            context = server.client_context()
            self._tls = stack.enter_context(context.wrap_socket(tcp, server_hostname=server.host))
            self._file = stack.enter_context(self._tls.makefile("rb"))
            self.answer()
            if login:
                self.ask(f"USER {server.login.user}")
                self.ask(f"PASS {server.login.password}")
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def ask(self, command: str, *, several: bool = False) -> list[bytes]:
        """One command and its answer, its first line first, without the terminator."""
        self.say(command)
        lines = [self.answer()]
        while several and (line := self.answer()) != b".":
            lines.append(line)
        return lines

    def say(self, command: str) -> None:
        """A command, without its answer."""
        self._tls.sendall(command.encode() + b"\r\n")

    def patience(self, seconds: float) -> None:
        """Wait no longer than this for anything."""
        self._tls.settimeout(seconds)

    def answer(self) -> bytes:
        """One line."""
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise Broken(repr(line))
        return line.removesuffix(b"\r\n")


@pytest.fixture
def client() -> type[Client]:
    """The client itself."""
    return Client


@pytest.fixture
def ended() -> contextlib.suppress:
    """Lets pass what a client says whose conversation was broken."""
    return contextlib.suppress(Broken, OSError)


@pytest.fixture
def fetch() -> Callable[[Pop3sServer], None]:
    """Fetch and delete: each message once it is there to its terminator."""

    def fetched(server: Pop3sServer) -> None:
        with Client(server, login=True) as client:
            for number in range(1, len(client.ask("LIST", several=True))):
                client.ask(f"RETR {number}", several=True)
                client.ask(f"DELE {number}")
            client.ask("QUIT")

    return fetched


@pytest.fixture
def noop() -> Callable[..., None]:
    """The shortest conversation, with these commands in its middle."""

    def said(server: Pop3sServer, *commands: str) -> None:
        with Client(server) as client:
            for command in commands or ("NOOP",):
                client.ask(command)
            client.ask("QUIT")

    return said
