"""A session of ours that does a few things in another manner, and all else as ever.

Knows which lines mean something else there; what is done with them is :class:`Mannered`'s.  Must not know which things
they are, nor who asked for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, get_args

from pop3s_fake.protocol.lines import OVERLONG, RESPONSE_LIMIT, Line
from pop3s_fake.protocol.manner import Keyword, Login, Manner, Place
from pop3s_fake.protocol.mannered import Mannered
from pop3s_fake.protocol.replies import uncoded
from pop3s_fake.protocol.session import Session
from pop3s_fake.protocol.states import State
from pop3s_fake.protocol.understanding import understood

if TYPE_CHECKING:
    from collections.abc import Collection

    from pop3s_fake.protocol.manner import Outcome
    from pop3s_fake.protocol.replies import Reply
    from pop3s_fake.protocol.transaction import Handlers
    from pop3s_fake.protocol.understanding import Said

__all__ = ("Bent", "ours")


class Bent(Mannered):
    r"""Our state machine, in the manner of a :class:`Voice` made of ours.

    >>> from dataclasses import replace
    >>> from pop3s_fake.maildrop import Account, Accounts
    >>> from pop3s_fake.protocol.wording import Voice
    >>> usual = ours(("TOP", "UIDL", "USER"))
    >>> voice = Voice(replace(usual, login=Login(unknown="refused")), ours=usual)
    >>> session = Bent(Accounts([Account("ann", "not-a-secret")]), voice=voice, tokens=dict)
    >>> session.execute(b"USER bob").octets(), session.execute(b"USER ann").octets()
    (b'-ERR there is no such user\r\n', b'+OK name noted, now the password\r\n')
    """

    __slots__ = ()

    delay: float
    deaf: bool

    def _greeted(self) -> Reply:
        """Our greeting, unless there is another."""
        return super()._greeted() if self._voice.greets else Session.greeting(self)

    def execute(self, line: Line) -> Reply:
        """Carry out one line as ever, unless it means something else here."""
        said = None if line is OVERLONG or self._withheld is not None else self._as_ever(line)
        if said is None:
            return super().execute(line)
        self.delay, self.deaf = 0.0, self._scene.deaf
        self._line, self._said = line, said  # type: ignore[assignment]  # an endless one says nothing
        reply = Session.execute(self, line)
        outcome = self._outcome(reply) if said.outcome == "ok" else said.outcome
        return self._done(self._worded(reply, outcome), outcome)

    def _as_ever(self, line: bytes) -> Said | None:
        """What a line says, if it says the same to a server of ours."""
        voice, after = self._voice, self.state is State.TRANSACTION
        assert voice.ours is not None
        said = self._scene.understood(line)
        if said != understood(voice.ours, line, after=after):
            return None
        return None if said.keyword == "PASS" and voice.manner.login.encoding else said

    def _enter(self) -> None:
        """Take up the commands of this state, some of which are answered in another form."""
        Session._enter(self)  # noqa: SLF001  # our own base's: which commands there are is ours
        if self.state is State.TRANSACTION:
            self._handlers = self._formed(self._handlers)
        elif self._voice.manner.login.needs_tls and not self._secure:
            refused = dict.fromkeys(self._handlers.keys() & {b"USER", b"PASS"}, Session._in_clear)  # noqa: SLF001  # ours
            self._handlers = {b"STLS": Bent._stls, **self._handlers, **refused}
        self._begin(self._staged())

    def _worded(self, reply: Reply, outcome: Outcome) -> Reply:
        """A reply in the words of this server; ours have codes where such are announced."""
        worded = super()._worded(reply, outcome)
        if outcome == "listing" and worded is not reply:  # ours is a refusal, which lists nothing
            return self._told(outcome)
        return uncoded(reply, self._offer.codes) if worded is reply else worded

    def capabilities(self) -> bytes:
        """What CAPA lists, which is ours."""
        return Session.capabilities(self)

    _apop = Session._apop  # noqa: SLF001  # the same

    _AFTERWARDS: ClassVar[dict[str, Handlers]] = Session._AFTERWARDS  # noqa: SLF001  # the same


def ours(tags: Collection[str]) -> Manner:
    """What we do under these capabilities, as a manner; our words are not in it.

    >>> ours(("UIDL",)).before.commands
    ('APOP', 'QUIT')
    """
    offered = frozenset(tags)
    before = Bent._authorization(offered, True, True)  # noqa: SLF001  # its own
    after = Bent._transaction(offered)  # noqa: SLF001  # the same
    return Manner(
        before=Place(commands=_keywords(before)),
        after=Place(commands=_keywords(after)),
        login=Login(response=RESPONSE_LIMIT),
    )


def _keywords(handlers: Handlers) -> tuple[Keyword, ...]:
    """What is carried out there."""
    known = {keyword.decode() for keyword in handlers}
    return tuple(keyword for keyword in get_args(Keyword) if keyword in known)
