"""All cases: those that are written here, and those that follow from the catalogues of certificates and handshakes.

Knows the files and their order; must not know what a case does.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from pop3s_fake.cases.case import SECTIONS, Case, Impossible, Must, read
from pop3s_fake.cases.derived import of_certificates, of_client_certificates, of_handshakes
from pop3s_fake.errors import UsageError, nearest

__all__ = ("case", "case_ids", "impossible", "pop3s_cases")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

FILES: Final = ("tcp", "handshake", "record", "dialogue", "stls")
"""The cases that are written here."""


def case_ids() -> tuple[str, ...]:
    """The ids of all cases, family by family.

    >>> case_ids()[0]
    'control.implicit'
    """
    return tuple(_catalogue())


def case(name: str) -> Case:
    """The case with this id; UsageError with the nearest one otherwise, or with the reason why there is none.

    >>> case("rec.truncate").must
    'reject'
    >>> case("rec.trunacte")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown case 'rec.trunacte'; did you mean 'rec.truncate'?
    """
    known = _catalogue()
    if name in known:
        return known[name]
    cannot = impossible().get(name)
    if cannot is not None:
        raise UsageError(f"case {name!r} cannot be made, {cannot.what}: {cannot.reason}")
    raise UsageError(f"unknown case {name!r}{nearest(str(name), known)}")


def impossible() -> dict[str, Impossible]:
    """What no case can be made of, by the id that it would have.

    >>> impossible()["cert.dsa"].what
    'a DSA key'
    """
    return dict(_impossible())


def pop3s_cases(*sections: str, must: Must | None = None) -> list[str]:
    """The ids of the cases of these sections, families or names, for ``pytest.mark.parametrize``; of all, if none.

    A section is one such as "tls.record" or "tls", which has several; a family is what ids begin with, "rec".
    ``must``: only those of which a client must make this, "accept", "reject" or "decide".

    >>> pop3s_cases("close")
    ['close.none', 'close.notify', 'close.half-tls']
    >>> pop3s_cases("tls.recrod")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown section of cases 'tls.recrod'; did you mean 'tls.record'?
    """
    if must not in {None, "accept", "reject", "decide"}:
        raise UsageError(f"must= is 'accept', 'reject' or 'decide', not {must!r}")
    entries = _catalogue().values()
    for wanted in sections:
        if not any(_within(entry, wanted) for entry in entries):
            known = (*dict.fromkeys(SECTIONS.values()), *SECTIONS, *_catalogue())
            raise UsageError(f"unknown section of cases {wanted!r}{nearest(str(wanted), known)}")
    return [
        entry.id
        for entry in entries
        if (not sections or any(_within(entry, wanted) for wanted in sections)) and must in {None, entry.must}
    ]


def _within(entry: Case, wanted: str) -> bool:
    """Whether a case is one of these."""
    return any(name == wanted or name.startswith(f"{wanted}.") for name in (entry.section, entry.id))


@cache
def _catalogue() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for name in FILES:
        cases |= read(_text(name), Case, f"cases, {name}.toml")
    derived = (*of_handshakes(), *of_client_certificates(), *of_certificates())
    return cases | {entry.id: entry for entry in derived}


@cache
def _impossible() -> dict[str, Impossible]:
    return read(_text("impossible"), Impossible, "cases, impossible.toml")


def _text(name: str) -> str:
    return (files(__package__) / f"{name}.toml").read_text("utf-8")
