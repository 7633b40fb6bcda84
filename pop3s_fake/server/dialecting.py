"""A dialect as keywords of a server: what it settles there, and the voice in which its sessions speak.

Knows dialects and the keywords; must not know how a server carries them out.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from pop3s_fake.dialects import Dialect, dialect
from pop3s_fake.maildrop import Form
from pop3s_fake.protocol.capabilities import Offer, edited
from pop3s_fake.protocol.wording import Voice
from pop3s_fake.tls.settings import Tls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pop3s_fake.maildrop import Account
    from pop3s_fake.protocol.manner import Manner
    from pop3s_fake.quirks import Asked
    from pop3s_fake.server.options import ServerOptions

__all__ = ("Spoken", "chosen", "offer_of", "with_dialect")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


def chosen(given: str | Dialect) -> Dialect:
    """The dialect that was named, or handed over.

    >>> chosen("dovecot").source
    'recorded'
    """
    return given if isinstance(given, Dialect) else dialect(given)


class Spoken(NamedTuple):
    """What a server has of its dialect beside keywords."""

    told: str
    """The dialect in a few words, for a report; "": there is none."""
    voice: Voice
    form: Callable[[Account], Form] | None
    """How the maildrop of an account keeps mail; None: as ours."""


def with_dialect(options: ServerOptions, seed: int, quirky: tuple[Asked, ...] = ()) -> tuple[ServerOptions, Spoken]:
    """The options with what their dialect settles beside POP3, the lock and ALPN, and the rest of it.

    What these quirks have otherwise stands above the dialect.

    >>> from pop3s_fake.server.options import ServerOptions
    >>> options, spoken = with_dialect(ServerOptions(dialect="dovecot"), seed=1)
    >>> options.exclusive, spoken.told
    (False, 'dialect dovecot')
    >>> with_dialect(ServerOptions(dialect="jpop"), seed=1)[1].told
    'dialect jpop (documented, not recorded)'
    """
    assert options.dialect is not None
    spoken = chosen(options.dialect)
    manner, usual = spoken.manner, None
    if not spoken.names_commands:
        from pop3s_fake.protocol.bent import ours  # noqa: PLC0415  # for dialects that are ours but for a few things

        usual = ours(options.offer.tags)
        manner = _upon(usual, manner)
    late: Sequence[str] = ()
    if quirky:
        from pop3s_fake.server.quirking import bent, late_of  # noqa: PLC0415  # loads the catalogue of quirks

        manner, late = bent(manner, quirky), late_of(quirky)
    storage = manner.storage
    tls = options.tls
    if tls is None:
        tls = Tls(versions=manner.versions or Tls().versions, alpn_policy=manner.alpn)

    def form(account: Account) -> Form:
        digest = blake2b(f"{seed}:validity:{account.name}".encode(), digest_size=4).digest()
        validity = int.from_bytes(digest, "big") >> 1 | 1 << 30
        return Form(
            storage.unique_id,
            validity,
            storage.unfinished,
            storage.blank_line,
            storage.fields,
            storage.nul,
            storage.named,
            storage.found,
            storage.first,
            storage.bodiless,
        )

    told = f"dialect {spoken.id}" + (f" ({spoken.made_of})" if spoken.source == "documented" else "")
    exclusive = storage.exclusive if options.exclusive is None else options.exclusive
    settled = replace(options, exclusive=exclusive, tls=tls)
    return settled, Spoken(told, Voice(manner, None if usual else options.announced, late=late, ours=usual), form)


def _upon(usual: Manner, manner: Manner) -> Manner:
    """What we do, with what a manner that names no commands has otherwise."""
    return replace(
        manner,
        before=replace(manner.before, commands=usual.before.commands),
        after=replace(manner.after, commands=usual.after.commands),
        login=replace(manner.login, response=manner.login.response or usual.login.response),
    )


def offer_of(given: str | Dialect, capabilities: Sequence[str] | None, *, stls: bool, late: Sequence[str]) -> Offer:
    """What is offered: the mechanisms of the dialect, and what the keyword adds to them.

    >>> offer_of("dovecot", None, stls=True, late=()).mechanisms
    ('PLAIN',)
    """
    spoken = chosen(given)
    if not spoken.names_commands:
        return Offer(capabilities, stls=stls, late=late)
    login = spoken.manner.login
    lines = [f"SASL {' '.join(login.mechanisms)}"] if login.mechanisms else []
    entries = edited(lines, capabilities) if capabilities else lines if capabilities is None else []
    clear = {"SASL"} if login.mechanisms_in_clear else set()
    return Offer(entries or ["-SASL"], stls=stls, late=late, clear=clear)
