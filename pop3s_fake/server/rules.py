"""The rule book as a server's users see it: who made a rule is found out here, and whether its file is there.

Knows the caller's frame and paths; must not know how rules are matched or carried out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.rules.actions import Mail, Tls
from pop3s_fake.rules.book import RuleBook

if TYPE_CHECKING:
    from types import FrameType

    from pop3s_fake.rules.rule import Rule

__all__ = ("ServerRules",)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_OURS = str(Path(__file__).parent.parent / "_")[:-1]
"""Where our own modules lie, with the separator: a neighbour may have a name that begins like ours."""


class ServerRules(RuleBook):
    """The rules of one server: ``server.rules``.

    >>> from pop3s_fake import Pop3sServer
    >>> server = Pop3sServer()
    >>> server.rules.add("RETR#2@512 -> wait 0.2, end rst; times=1") is next(iter(server.rules))
    True
    """

    def add(self, rule: str | Rule, *, must: bool = True, where: str = "") -> Rule:
        """Put a rule into the book, as a text or made by methods; ``must`` says that it has to strike.

        Raises a :class:`~pop3s_fake.UsageError` for what is no rule or cannot be carried out, with the position and
        the nearest legal word.
        """
        return super().add(rule, must=must, where=where or caller())

    later: bool = True
    """Whether there is authentication after the handshake, which only TLS 1.3 has."""

    _remembered = 0
    """How many rules had been added when they were last remembered."""

    def remember(self) -> list[tuple[Rule, bool]]:
        """Copies of the rules, and whether each has to strike; for :meth:`recall`."""
        self._remembered = self._count
        return [(entry.rule.copy(), entry.must) for entry in self._entries]

    def recall(self, remembered: list[tuple[Rule, bool]]) -> None:
        """Have these rules again, and no others; nothing has struck yet."""
        self.clear()
        for rule, must in remembered:
            self.add(rule.copy(), must=must, where=rule.where)
        self._remembered = self._count

    def forgettable(self) -> list[str]:
        """The rules that :meth:`recall` would forget, although they have to strike and never did."""
        return [
            f"rule {entry.rule}   ({entry.rule.where})"
            for entry in self._entries
            if entry.order > self._remembered
            and entry.must
            and not (entry.told or entry.rule.hits or entry.rule.limits.optional)
        ]

    @property
    def asks_later(self) -> bool:
        """Whether a rule asks for the client's certificate after the handshake, which the handshake has to prepare."""
        return any(isinstance(action, Tls) and action.request for rule in self for action in rule.actions)

    def check(self, rule: Rule) -> None:
        """Complain about what is not there, a file or a certificate; also when a rule that is in the book grows."""
        for action in rule.actions:
            if isinstance(action, Mail) and action.path is not None and not Path(action.path).is_file():
                raise UsageError(f"rule `{rule}`: there is no file {action.path!r}")
            if isinstance(action, Tls) and action.certificate is not None:
                _check_certificate(rule, action.certificate)
            if isinstance(action, Tls) and action.request and not self.later:
                raise UsageError(
                    f"rule `{rule}`: this server has no TLS 1.3, "
                    "and only that has authentication after the handshake (RFC 8446 section 4.6.2)"
                )


def _check_certificate(rule: Rule, certificate: str) -> None:
    """Refuse an id that is not in the catalogue."""
    from pop3s_fake.tls.certificates import certificate_ids  # noqa: PLC0415  # it loads cattrs

    known = tuple(certificate_ids())
    if certificate not in known:
        raise UsageError(f"rule `{rule}`: unknown certificate {certificate!r}{nearest(certificate, known)}")


def caller() -> str:
    """Where the test's author stands, as "test_sync.py:41"; "" where nobody of the outside calls.

    A module that pytest leaves out of its tracebacks is nobody's: the plugin's, and those of the author's helpers.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # there is no other way to know
    while frame is not None and (
        frame.f_code.co_filename.startswith(_OURS) or frame.f_globals.get("__tracebackhide__") is True
    ):
        frame = frame.f_back
    return "" if frame is None else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
