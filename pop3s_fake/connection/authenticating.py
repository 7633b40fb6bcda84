"""An AUTH exchange in a conversation: challenges out, responses in, both noted; and what a mechanism may know of it.

Knows the order of an exchange; must not know mechanisms, nor where lines come from.  It is loaded when a client has
said AUTH.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from pop3s_fake.connection.clear import Clear
from pop3s_fake.connection.steps import Send
from pop3s_fake.protocol.authentication import well_formed
from pop3s_fake.protocol.replies import Reply
from pop3s_fake.protocol.sasl import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from itertools import count

    from pop3s_fake.connection.linting import Linting
    from pop3s_fake.connection.notes import Notes
    from pop3s_fake.connection.ruled import Ruled
    from pop3s_fake.connection.settings import Settings
    from pop3s_fake.connection.steps import Step
    from pop3s_fake.protocol import Session
    from pop3s_fake.protocol.lines import Line
    from pop3s_fake.tls.records import Records

__all__ = ("authenticate", "sasl_context")

CHALLENGE: Final = Reply(b"+ \r\n")


def authenticate(  # noqa: PLR0917  # what a conversation is made of
    session: Session,
    reply: Reply,
    link: Records | Clear,
    response: Callable[[], Generator[Step, None, Line]],
    notes: Notes,
    linting: Linting,
    ruled: Ruled,
    now: Callable[[], float],
) -> Generator[Step, None, Reply]:
    """From the first challenge, which is ``reply``, to the reply that ends the exchange and is still to be sent.

    Rules at AUTH are about that last one; a challenge is sent as it is.
    """
    while session.exchange is not None:
        time = now()
        if ruled.silent:
            ruled.unsaid()
            linting.answered(None)
        else:
            linting.answered(reply if well_formed(reply.status) else CHALLENGE)  # what it is for the client, too
            yield Send(link.seal(reply.octets()))
            notes.challenged(time, reply)
        line = yield from response()
        notes.responded(now(), line)
        linting.heard(line)
        reply = session.respond(line)
    return reply


def sasl_context(
    settings: Settings,
    serial: int,
    link: Records | Clear,
    offered: frozenset[str],
    nonces: count[int],
    *,
    secure: bool,
) -> Context:
    """What a mechanism may know of this connection; ``nonces`` count on from exchange to exchange."""

    def nonce() -> str:
        return blake2b(f"{settings.seed}:sasl:{serial}:{next(nonces)}".encode(), digest_size=16).hexdigest()

    tls = None if isinstance(link, Clear) else link
    return Context(
        settings.accounts,
        settings.now,
        nonce,
        host=settings.name,
        hosts=settings.hosts(),
        ports=settings.ports(),
        secure=secure,
        bindings={} if tls is None else tls.bindings(),
        identities=() if tls is None else tls.identities(),
        offered=offered,
        seed=settings.seed,
    )
