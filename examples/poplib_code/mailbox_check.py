"""How many messages wait, and from whom: code on poplib as most programs have it.

Knows that who gives no context to poplib verifies nothing, and that QUIT is said whatever happens.
"""

from __future__ import annotations

import poplib
import ssl
from contextlib import suppress
from email.parser import BytesHeaderParser
from typing import NamedTuple


class Letter(NamedTuple):
    """What stands in a list of letters."""

    sender: str
    subject: str
    octets: int


def check(host: str, port: int, user: str, password: str, *, context: ssl.SSLContext | None = None) -> list[Letter]:
    """The letters that wait, without fetching them: LIST, and TOP for their headers."""
    # Without a context poplib takes any certificate, so there is always one.
    client = poplib.POP3_SSL(host, port, context=context or ssl.create_default_context(), timeout=10)
    try:
        client.user(user)
        client.pass_(password)
        letters = []
        for line in client.list()[1]:
            number, octets = line.split()
            header = BytesHeaderParser().parsebytes(b"\r\n".join(client.top(int(number), 0)[1]))
            letters.append(Letter(header.get("From", ""), header.get("Subject", ""), int(octets)))
        return letters
    finally:
        with suppress(OSError, poplib.error_proto):
            client.quit()
        client.close()
