"""Two clients that keep mail in a folder and delete it from the server: one that is hasty, and the mended one.

Both know unique-ids (RFC 1939 section 7), and that a message which they have is to be deleted, also when an earlier
session broke before it could be.  They differ in when they take a message for one that they have.
"""

from __future__ import annotations

import poplib
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

ERRORS = (OSError, poplib.error_proto)
"""What says that the connection broke, or that the server refused something."""


class Connection(poplib.POP3_SSL):
    """poplib, which by itself leaves the connection open where it breaks before the greeting."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        """Connect and read the greeting."""
        try:
            super().__init__(host, port, context=context, timeout=10)
        except ERRORS:
            if hasattr(self, "file"):
                self.close()
            raise


class HastyClient:
    """Takes a message for fetched as soon as it asks for it: what breaks in the middle is deleted the next time."""

    def __init__(self, host: str, port: int, login: tuple[str, str], *, context: ssl.SSLContext, folder: Path) -> None:
        """Mail goes to ``folder``, one file a message, named by its unique-id."""
        self._address = host, port
        self._login = login
        self._context = context
        self._folder = folder

    def sync(self) -> None:
        """Fetch what is new and delete it."""
        user, password = self._login
        with closing(Connection(*self._address, self._context)) as connection:
            connection.user(user)
            connection.pass_(password)
            for number, uid in (line.decode().split() for line in connection.uidl()[1]):
                file = self._folder / f"{uid}.eml"
                if not file.exists():
                    self.fetch(connection, int(number), file)
                connection.dele(int(number))
            connection.quit()

    def fetch(self, connection: poplib.POP3_SSL, number: int, file: Path) -> None:
        """Open the file, and write what comes."""
        with file.open("wb") as message:
            message.writelines(line + b"\r\n" for line in connection.retr(number)[1])


class MendedClient(HastyClient):
    """Takes a message for fetched when its terminator was read and it is in its file."""

    def fetch(self, connection: poplib.POP3_SSL, number: int, file: Path) -> None:
        """Write to a name that is none, and give it its own when all is there."""
        part = file.with_suffix(".part")
        with part.open("wb") as message:
            message.writelines(line + b"\r\n" for line in connection.retr(number)[1])
        connection.noop()  # poplib takes ".\r" for the terminator where the connection ends there: a sweep has found it
        part.rename(file)
