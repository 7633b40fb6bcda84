"""Sockets of clients that end badly, so that they can be closed all the same.

Knows what ``ssl`` leaves open.  A socket that is left open is a warning in whatever test runs when it is collected.
"""

from __future__ import annotations

import ssl
from typing import Self


def remembered(context: ssl.SSLContext) -> list[ssl.SSLSocket]:
    """The sockets that this context makes from now on, for the caller to close.

    ``ssl`` leaves one open where a reset is there before the wrapping begins: the socket that it was given is empty
    already, and the new one is not given back.
    """
    made: list[ssl.SSLSocket] = []

    class Remembered(ssl.SSLSocket):
        def __new__(cls, **_: object) -> Self:
            self = super().__new__(cls)
            made.append(self)
            return self

    context.sslsocket_class = Remembered
    return made
