"""What goes wrong while a server runs, told as soon as it is known, and once.

Knows where problems are found, and which of them are the server's own; must not know how they come about.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pop3s_fake.errors import Pop3sFakeError, UsageError

if TYPE_CHECKING:
    from pop3s_fake.cli.mail import Served
    from pop3s_fake.server.server import Pop3sServer

__all__ = ("Problems", "complain")


class Problems:
    """Those of the mail, and those of the server; ``failed`` says whether there is one that is its own fault.

    It may be asked to tell by several threads, one after the other.
    """

    def __init__(self, mail: Served, server: Pop3sServer) -> None:
        self._mail = mail
        self._server = server
        self._told: set[str] = set()
        self.failed: bool = False

    def tell(self) -> None:
        """Tell what was not told before."""
        for problem in (problem for loaded in self._mail.loaded for problem in loaded.problems):
            self._once(problem)
        for error in self._server.taken():
            self._server_has(error)

    def stopped(self) -> None:
        """Stop the server, and tell what went wrong in it or in that."""
        try:
            self._server.stop()
        except Pop3sFakeError as error:
            self._server_has(error)
        self.tell()

    def _server_has(self, error: BaseException) -> None:
        if isinstance(error, UsageError):  # such as mail that another program removed
            self._once(str(error))
        else:
            self.failed = True
            self._once(f"{type(error).__name__}: {error}")

    def _once(self, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            complain(problem)


def complain(sentence: str) -> None:
    """One sentence on standard error."""
    sys.stderr.write(f"pop3s-fake: {sentence}\n")
    sys.stderr.flush()
