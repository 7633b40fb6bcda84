"""What commands do otherwise in the manner of another server: the login, AUTH, and the forms of answers.

Knows the settings of ``manner`` about logins and answers; must not know how lines are read, nor the words of replies.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from pop3s_fake.maildrop import OrdinaryPassword
from pop3s_fake.protocol import replies
from pop3s_fake.protocol.replies import Reply
from pop3s_fake.protocol.session import Session
from pop3s_fake.protocol.top import first_lines, top

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pop3s_fake.maildrop import Account
    from pop3s_fake.protocol.authentication import Authentication
    from pop3s_fake.protocol.sasl import Context
    from pop3s_fake.protocol.transaction import Handlers
    from pop3s_fake.protocol.wording import Voice

__all__ = ("Bending",)

_RETURN_PATH: Final = re.compile(rb"(?im)^Return-Path:[ \t]*(.*?)\r$")
_FROM: Final = re.compile(rb"(?im)^From:[ \t]*(.*?)\r$")
"""Where the sender stands: what SMTP was told, or else what the author says."""

_NOTHING: Final = b"+ \r\n"
"""An empty challenge."""


class Bending(Session):
    """The commands of a session whose server has another manner."""

    __slots__ = ("_tokens", "_voice")

    _voice: Voice
    _tokens: Callable[[], Mapping[str, str]]
    """What there is to say of this connection."""
    exchange: Authentication | None

    def _coded(self, reply: Reply) -> Reply:
        """As it is: the words are not ours."""
        return reply

    # the login

    def _user(self, name: bytes) -> Reply:
        """USER: any name is taken, or only those that there are."""
        login = self._voice.manner.login
        meant = self._known(name.decode("utf-8", "replace"))
        if login.unknown == "refused" and self._accounts.get(meant) is None:
            self._name = None
            return replies.NO_SUCH_USER
        self._name = meant
        return replies.NAME_TAKEN

    def _known(self, name: str) -> str:
        """The name of the account that is meant."""
        if self._voice.manner.login.letters == "folded" and name not in self._accounts:
            return name.lower()
        return name

    def _pass(self, password: bytes) -> Reply:
        """PASS: the name may outlive a refusal."""
        login, name = self._voice.manner.login, self._name
        account = None if name is None or password or not login.nothing else self._accounts.get(name)
        if account is not None:
            self._name = None
            reply = self._open(account)
        else:
            try:
                reply = super()._pass(_utf8(password) if login.encoding == "latin-1" else password)
            except OrdinaryPassword:
                reply = replies.ORDINARY
        if not reply.positive and login.failure == "kept":
            self._name = name
        return reply

    def _stls(self) -> Reply:
        """STLS: the name may outlive it."""
        name = self._name
        reply = super()._stls()
        self._name = name if self._voice.manner.login.over_stls == "kept" else None
        return reply

    def _apop(self, name: bytes, digest: bytes) -> Reply:
        """APOP, with any octets for a digest."""
        account = self._accounts.get(self._known(name.decode("utf-8", "replace")))
        told = digest.decode("latin-1")
        if account is None or self._timestamp is None or not account.check_digest(self._timestamp, told):
            return replies.AUTH_FAILED
        return self._open(account)

    def _open(self, account: Account) -> Reply:
        """Take the maildrop, where it is given, and neither too often nor by too many at once."""
        login = self._voice.manner.login
        if login.needs_tls and not self._secure:
            return replies.NEEDS_TLS
        if login.good == "refused":
            return replies.WITHHELD
        if account.away:
            return replies.THROTTLED
        if not self._voice.admits(self, account.name):
            return replies.TOO_MANY
        try:
            reply = super()._open(account)
        finally:
            if self.user is None:
                self._voice.dismisses(self)
        if reply.positive:
            account.came_in()
        return reply

    def _auth(self, name: bytes, initial: bytes | None = None) -> Reply:
        """AUTH, with any octets for a mechanism; the name of a USER before it may outlive it."""
        if not name.isascii():
            return replies.NOT_OFFERED
        login, mechanism = self._voice.manner.login, name.decode()
        if login.needs_tls and not self._secure:
            return replies.NEEDS_TLS
        if mechanism == login.failing and self._context is not None:
            self._name = None
            return self._failing(mechanism, initial, self._context)
        if initial is not None and mechanism in login.two_steps:
            return replies.TWO_STEPS
        user, early = self._name, initial is not None and mechanism in login.initial
        reply = super()._auth(name, None if early else initial)
        if login.between == "kept" and self._voice.ours is None:
            self._name = user
        if not early or initial is None or self.exchange is None:
            return reply
        return self._went_on(self.exchange, self.exchange.respond(initial))

    def _failing(self, name: str, initial: bytes | None, context: Callable[[frozenset[str]], Context]) -> Reply:
        """AUTH with a mechanism that lets nobody in."""
        from pop3s_fake.protocol.authentication import Authentication  # noqa: PLC0415  # for those who say AUTH
        from pop3s_fake.protocol.sasl.failing import failing  # noqa: PLC0415  # the same

        exchange = Authentication(failing(name), context(frozenset(self._mechanisms())))
        return self._went_on(exchange, exchange.begin(initial))

    def _went_on(self, exchange: Authentication, outcome: Reply | Account) -> Reply:
        """One more step of an exchange."""
        reply = super()._went_on(exchange, outcome)
        prompt = self._voice.manner.login.prompt
        return reply if reply.status != _NOTHING else Reply(f"{prompt}\r\n".encode())

    # the forms of answers

    def _formed(self, handlers: Handlers) -> Handlers:
        """These commands of TRANSACTION, some of which answer in another form."""
        answers = self._voice.manner.answers
        others: Handlers = {}
        if answers.list_number == "ignored":
            others[b"LIST"] = Bending._list_all
        if answers.top != "asked" or answers.top_zero == "whole" or answers.top_most:
            others[b"TOP"] = Bending._topped
        formed = {**handlers, **{keyword: others[keyword] for keyword in others.keys() & handlers.keys()}}
        if answers.polls and (handler := formed.get(answers.polls.encode())) is not None:
            formed[answers.polls.encode()] = _late(handler)
        if "*ENV" in self._voice.manner.after.commands:
            formed[b"*ENV"] = Bending._envelope
        return formed

    def _list_all(self, _: int | None = None) -> Reply:
        """LIST, whatever number it has: the whole listing."""
        return self._list()

    def _topped(self, number: int, lines: int) -> Reply:
        """TOP, with other lines than those that were asked for."""
        message = self._open_maildrop.message(number)
        if message is None or self._hidden(number):
            return self._top_guarded(number, lines)
        answers = self._voice.manner.answers
        if 0 < answers.top_most < lines:
            return replies.TOO_MANY_LINES
        if self._open_maildrop.top_reads:
            self._note(number)
        if (answers.top_zero == "whole" and not lines) or (answers.top == "whole" and lines):
            lines = message.octets
        elif answers.top == "fixed" and lines:
            lines = answers.top_lines
        elif answers.top == "of-message" and lines:
            return Reply(self._top(number, 0).status, lambda: first_lines(message.chunks(), lines), by="TOP")
        return self._top(number, lines)

    def _envelope(self, number: int) -> Reply:
        """*ENV: the number, the host that took the message, who sent it, and to whom; a line each."""
        from email.utils import parseaddr  # noqa: PLC0415  # for those who say *ENV

        message = self._open_maildrop.message(number)
        if message is None:
            return self._missing(number)
        head = b"".join(top(message.chunks(), 0))
        found = _RETURN_PATH.search(head) or _FROM.search(head)
        sender = b"" if found is None else parseaddr(found[1].decode("latin-1"))[1].encode("latin-1")
        host, user = self._host().encode(), (self.user or "").encode()
        return Reply(b"+OK\r\n", b"%d\r\n%b\r\n%b\r\n%b@%b\r\n" % (number, host, sender, user, host))

    def _host(self) -> str:
        """The name of the server."""
        return self._tokens().get("host", "localhost")

    _COMMANDS: ClassVar[dict[str, Handlers]] = {
        **Session._COMMANDS,  # noqa: SLF001  # our own base's
        "USER": {b"USER": _user, b"PASS": _pass},
        "SASL": {b"AUTH": _auth},
        "STLS": {b"STLS": _stls},
    }

    _AFTERWARDS: ClassVar[dict[str, Handlers]] = {
        **Session._AFTERWARDS,  # noqa: SLF001  # the same
        "UTF8": {b"UTF8": Session._utf8},  # noqa: SLF001  # the same
    }


def _late(handler: Callable[..., Reply]) -> Callable[..., Reply]:
    """A command that tells of a login that came too soon."""

    def told(self: Session, *values: object) -> Reply:
        maildrop = self.maildrop
        return replies.POLLS if maildrop is not None and maildrop.early else handler(self, *values)

    return told


def _utf8(password: bytes) -> bytes:
    """A password in Latin-1 as it is kept."""
    return password.decode("latin-1").encode()
