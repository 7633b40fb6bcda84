"""A case as keywords of a server: what it sets, what it adds, and what contradicts it.

Knows the catalogue of cases and the keywords; must not know how a server carries them out.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from pop3s_fake.cases import case
from pop3s_fake.errors import UnmetRule, UsageError
from pop3s_fake.tls.settings import Tls

if TYPE_CHECKING:
    from pop3s_fake.cases import Case
    from pop3s_fake.maildrop import Login
    from pop3s_fake.server.options import ServerOptions

__all__ = ("arranged", "described", "never_met", "rules_of")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


def arranged(options: ServerOptions) -> tuple[ServerOptions, Case | None]:
    """The options with what their case sets, and the case; UsageError where a keyword contradicts it.

    >>> from pop3s_fake.server.options import ServerOptions
    >>> arranged(ServerOptions(case="stls.err"))[0].stls
    True
    >>> arranged(ServerOptions(case="hs.refragment", tls=ServerOptions.of({}).tls))[0].tls.versions
    '1.2'
    """
    if options.case is None:
        return options, None
    chosen = case(options.case)
    usual = {field.name: field.default for field in fields(options)}
    for name, value in chosen.settings.items():
        given = getattr(options, name)
        same = given in (usual[name], value) or (name == "stls" and given is not False)
        if not same:
            raise UsageError(
                f"case={chosen.id!r} is a server with {name}={_shown(value)}, "
                f"which {name}={_shown(given)} contradicts; leave one of them out"
            )
    settings = {name: value for name, value in chosen.settings.items() if getattr(options, name) == usual[name]}
    return replace(options, **settings), chosen


def _shown(value: object) -> str:
    """A value as somebody would write it, without what goes without saying."""
    if not isinstance(value, Tls):
        return repr(value)
    words = [(field.name, getattr(value, field.name), field.default) for field in fields(value)]
    return f"Tls({', '.join(f'{name}={given!r}' for name, given, default in words if given != default)})"


def rules_of(chosen: Case, login: Login) -> list[str]:
    """The rules of a case, with user and password where it names them."""
    quoted = {f"{{{name}}}": text.replace("\\", "\\\\").replace('"', '\\"') for name, text in login._asdict().items()}
    rules = list(chosen.rules)
    for placeholder, text in quoted.items():
        rules = [rule.replace(placeholder, text) for rule in rules]
    return rules


def described(chosen: Case) -> str:
    """The case in one line, for a report.

    >>> described(case("tcp.refuse"))
    'case tcp.refuse: the port refuses connections'
    """
    return f"case {chosen.id}: {chosen.summary}"


def never_met(chosen: Case) -> UnmetRule:
    """The complaint about a case that no client has met, although it needs no rule to be met."""
    return UnmetRule(f"{described(chosen)}\n  no client has connected, so none has met it")
