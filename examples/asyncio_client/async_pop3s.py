"""A small POP3S client on asyncio streams.

Knows lines, multi-line replies and byte-stuffing (RFC 1939 section 3); must not know what the mail is for.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from types import TracebackType
    from typing import Self


class Refused(Exception):  # noqa: N818  # an answer, not an error of ours
    """The server said -ERR; the text is what it said."""


class AsyncPop3s:
    """One session; ``async with`` logs in and says QUIT."""

    def __init__(self, host: str, port: int, user: str, password: str, *, context: ssl.SSLContext) -> None:
        self._address = host, port
        self._login = user, password
        self._context = context

    async def __aenter__(self) -> Self:
        """Connect and log in."""
        self._reader, self._writer = await asyncio.open_connection(*self._address, ssl=self._context)
        try:
            await self._answer()
            user, password = self._login
            await self.ask(f"USER {user}")
            await self.ask(f"PASS {password}")
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Say QUIT, so that what is marked is deleted; after a failure just go, so that it is not."""
        try:
            if failure is None:
                await self.ask("QUIT")
        finally:
            await self._close()

    async def ask(self, command: str) -> str:
        """Send a command; gives the text behind +OK.

        Raises :class:`Refused` for -ERR, and ConnectionError where nobody answers any more.
        """
        self._writer.write(f"{command}\r\n".encode())
        await self._writer.drain()
        return await self._answer()

    async def fetch(self, command: str) -> list[bytes]:
        """Send a command with a multi-line reply; gives its lines, without the stuffed dots."""
        await self.ask(command)
        lines = []
        while (line := await self._line()) != b".":
            lines.append(line.removeprefix(b"."))
        return lines

    async def messages(self) -> list[bytes]:
        """All messages."""
        count = int((await self.ask("STAT")).split()[0])
        return [b"\r\n".join(await self.fetch(f"RETR {number}")) for number in range(1, count + 1)]

    async def _answer(self) -> str:
        line = (await self._line()).decode()
        status, _, text = line.partition(" ")
        if status != "+OK":
            raise Refused(text)
        return text

    async def _line(self) -> bytes:
        try:
            return (await self._reader.readuntil(b"\r\n"))[:-2]
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("the server has closed the connection") from None

    async def _close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):  # it was gone already
            await self._writer.wait_closed()
