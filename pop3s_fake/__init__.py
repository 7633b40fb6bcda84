"""A fake POP3S server for testing any POP3 client: right by default, wrong by name.

Knows where the public names live; each is loaded when it is first used, so that importing this package costs nothing.
Must not load any of them by itself.

>>> from pop3s_fake import Pop3sServer
>>> with Pop3sServer() as server:
...     server.url.startswith("pop3s://localhost:")
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pop3s_fake.cases.catalogue import pop3s_cases
    from pop3s_fake.dialects.dialect import Dialect
    from pop3s_fake.errors import (
        ClientHung,
        Pop3sFailure,
        Pop3sFakeError,
        ProtocolViolation,
        UnmetRule,
        UsageError,
    )
    from pop3s_fake.ledger import Ledger
    from pop3s_fake.maildrop import Account, Login, Maildrop, Message
    from pop3s_fake.protocol.replies import Err, Ok
    from pop3s_fake.rules.rule import Rule
    from pop3s_fake.server.clocks import ManualClock
    from pop3s_fake.server.server import Pop3sServer
    from pop3s_fake.tls.authority import Authority, ClientCertificate
    from pop3s_fake.tls.settings import Tls
    from pop3s_fake.transcript import Session, Transcript

__all__ = (
    "Account",
    "Authority",
    "ClientCertificate",
    "ClientHung",
    "Dialect",
    "Err",
    "Ledger",
    "Login",
    "Maildrop",
    "ManualClock",
    "Message",
    "Ok",
    "Pop3sFailure",
    "Pop3sFakeError",
    "Pop3sServer",
    "ProtocolViolation",
    "Rule",
    "Session",
    "Tls",
    "Transcript",
    "UnmetRule",
    "UsageError",
    "pop3s_cases",
)

_HOMES: Final = {
    "pop3s_fake.cases.catalogue": ("pop3s_cases",),
    "pop3s_fake.dialects.dialect": ("Dialect",),
    "pop3s_fake.errors": (
        "ClientHung",
        "Pop3sFailure",
        "Pop3sFakeError",
        "ProtocolViolation",
        "UnmetRule",
        "UsageError",
    ),
    "pop3s_fake.ledger": ("Ledger",),
    "pop3s_fake.maildrop": ("Account", "Login", "Maildrop", "Message"),
    "pop3s_fake.protocol.replies": ("Err", "Ok"),
    "pop3s_fake.rules.rule": ("Rule",),
    "pop3s_fake.server.clocks": ("ManualClock",),
    "pop3s_fake.server.server": ("Pop3sServer",),
    "pop3s_fake.tls.authority": ("Authority", "ClientCertificate"),
    "pop3s_fake.tls.settings": ("Tls",),
    "pop3s_fake.transcript": ("Session", "Transcript"),
}


def __getattr__(name: str) -> object:
    """Load a public name from where it lives."""
    from importlib import import_module  # noqa: PLC0415  # only where something is loaded

    for home, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(home), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted(__all__)
