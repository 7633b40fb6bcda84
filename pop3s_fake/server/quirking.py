"""Quirks as keywords of a server: what they set, and what contradicts it.

Knows the catalogue of quirks and the keywords; must not know how a server carries them out.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from pop3s_fake.dialects.overlay import overlaid
from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop import Policy
from pop3s_fake.protocol.wording import Voice
from pop3s_fake.quirks import asked, demands, named, rules_of_all
from pop3s_fake.tls.settings import Tls

if TYPE_CHECKING:
    from pop3s_fake.protocol.capabilities import Offer
    from pop3s_fake.protocol.manner import Manner
    from pop3s_fake.quirks import Asked
    from pop3s_fake.server.dialecting import Spoken
    from pop3s_fake.server.options import ServerOptions

__all__ = ("bent", "described", "late_of", "policy_of", "quirks_of", "rules_of_all", "spoken_of", "with_quirks")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


def with_quirks(options: ServerOptions) -> tuple[ServerOptions, tuple[Asked, ...]]:
    """The options with what their quirks set, and the quirks; UsageError where a keyword contradicts one.

    >>> from pop3s_fake.server.options import ServerOptions
    >>> with_quirks(ServerOptions(quirks=["no-exclusive-lock"]))[0].exclusive
    False
    """
    several = quirks_of(options)
    setting = demands(several)
    usual = {field.name: field.default for field in fields(options)}
    changed: dict[str, object] = {}
    for name in ("certificate", "tls", "stls", "exclusive"):
        wanted, given = getattr(setting, name), getattr(options, name)
        if wanted is None or given == wanted or (name == "stls" and given is not False):
            continue
        if given != usual[name]:
            whose = next(one for one in several if one.quirk.setting and getattr(one.quirk.setting, name) is not None)
            right = f"leave {name}= out, or take the quirk away by '-{whose.quirk.id}'"
            raise UsageError(
                f"quirk {named(whose)} is a server with {name}={_brief(wanted)}, which {name}={_brief(given)} "
                f"contradicts; {right if whose.origin else 'leave one of them out'}"
            )
        changed[name] = wanted
    if setting.capabilities:
        from pop3s_fake.server.options import merged  # noqa: PLC0415  # it asks us

        given = {"capabilities": options.capabilities}
        changed |= merged([given, {"capabilities": list(setting.capabilities)}])
    return replace(options, **changed), several  # type: ignore[arg-type]  # by name


def quirks_of(options: ServerOptions) -> tuple[Asked, ...]:
    """The quirks of a server: those of its dialect, but for what is taken away, and those that are asked for.

    >>> from pop3s_fake.server.options import ServerOptions
    >>> options = ServerOptions(dialect="maillennium", quirks=["-top-truncated", "terminator-split"])
    >>> described(quirks_of(options))
    'quirks uidl-extra-spaces, terminator-split'
    """
    if options.dialect is None:
        return asked(options.quirks)
    from pop3s_fake.server.dialecting import chosen  # noqa: PLC0415  # loads the dialect

    brings = chosen(options.dialect).brings
    return asked(options.quirks, beside=brings) if options.quirks else brings


def policy_of(several: tuple[Asked, ...]) -> Policy | None:
    """What the site does with stored mail under these quirks, if any is about that.

    >>> policy_of(asked(["listing-capped(newest=50)"])), policy_of(asked(["capa-err"]))
    (Policy(newest=50), None)
    """
    words = demands(several).policy
    return Policy.of(words) if words else None


def bent(manner: Manner, several: tuple[Asked, ...]) -> Manner:
    """A manner with what these quirks have otherwise in it.

    >>> from pop3s_fake.protocol.manner import Manner
    >>> bent(Manner(), asked(["login-window"])).before.lasts
    180.0
    """
    table = demands(several).manner
    return overlaid(manner, table, described(several)) if table else manner


def late_of(several: tuple[Asked, ...]) -> tuple[str, ...]:
    """The tags of the capabilities that are listed after the login only.

    >>> late_of(asked(["capa-differs-after-auth"]))
    ('UIDL', 'TOP', 'PIPELINING')
    """
    return demands(several).late


def spoken_of(several: tuple[Asked, ...], offer: Offer) -> Spoken | None:
    """Our manner under these capabilities with what these quirks have otherwise in it, if any has."""
    if not demands(several).manner:
        return None
    from pop3s_fake.protocol.bent import ours  # noqa: PLC0415  # for quirks that need it
    from pop3s_fake.server.dialecting import Spoken  # noqa: PLC0415  # it asks us

    usual = ours(offer.tags)
    return Spoken("", Voice(bent(usual, several), ours=usual), None)


def described(several: tuple[Asked, ...]) -> str:
    """The quirks in one line, for a report.

    >>> described(asked(["terminator-split", "capa-omits-uidl"]))
    'quirks terminator-split, capa-omits-uidl'
    """
    return f"quirk{'s' if len(several) > 1 else ''} {', '.join(map(str, several))}"


def _brief(value: object) -> str:
    """A value as its author would write it: of settings, those that are not the default.

    >>> _brief(Tls(versions="1.3")), _brief("expired")
    ("Tls(versions='1.3')", "'expired'")
    """
    if not isinstance(value, Tls):
        return repr(value)
    usual = Tls()
    names = [field.name for field in fields(value) if getattr(value, field.name) != getattr(usual, field.name)]
    return f"Tls({', '.join(f'{name}={getattr(value, name)!r}' for name in names)})"
