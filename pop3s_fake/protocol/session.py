"""One POP3 session: what each command does before the login, which commands there are, and how it ends.

Knows the accounts, the capabilities and the states (RFC 1939 section 4, RFC 2449, 2595 and 5034); takes whole lines and
gives replies.  Must not know how octets come and go, nor the time: a session that is not ended by QUIT is ended by
whoever carries it, with :meth:`Session.close`.  What the commands of TRANSACTION do stands in ``transaction``.
Longer than 400 lines because each command of AUTHORIZATION changes what the others find.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from pop3s_fake.clock import AUTOLOGOUT
from pop3s_fake.maildrop import MaildropInUse
from pop3s_fake.protocol import replies
from pop3s_fake.protocol.capabilities import DAY, DEFAULT, Offer
from pop3s_fake.protocol.commands import COMMANDS, INTERNATIONAL, arguments, international, plain
from pop3s_fake.protocol.lines import OVERLONG, Line
from pop3s_fake.protocol.replies import Err, Reply, uncoded
from pop3s_fake.protocol.states import State
from pop3s_fake.protocol.transaction import Handlers, Transaction, summary, under

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.maildrop import Account, Accounts, OpenMaildrop
    from pop3s_fake.protocol.authentication import Authentication
    from pop3s_fake.protocol.languages import Language
    from pop3s_fake.protocol.sasl import Context

__all__ = ("Facts", "Session")


class Facts(NamedTuple):
    """What TLS has brought: the types of channel binding there are, and whether the client has shown a certificate."""

    bindings: frozenset[str] = frozenset()
    certificate: bool = False


class Session(Transaction):
    r"""The state machine of one connection.

    >>> from pop3s_fake.maildrop import Account, Accounts
    >>> session = Session(Accounts([Account("ann", "not-a-secret")]))
    >>> [session.execute(line).octets() for line in (b"USER ann", b"PASS not-a-secret", b"STAT")]
    [b'+OK name noted, now the password\r\n', b'+OK maildrop has 0 messages (0 octets)\r\n', b'+OK 0 0\r\n']
    """

    __slots__ = (
        "_accounts",
        "_context",
        "_evicted",
        "_exclusive",
        "_facts",
        "_handlers",
        "_language",
        "_name",
        "_now",
        "_offer",
        "_secure",
        "_timestamp",
        "exchange",
        "uncommitted",
        "upgrading",
        "user",
    )

    patience: float = AUTOLOGOUT
    """Seconds of silence after which it ends."""
    farewell: Reply = replies.NOTHING
    """What is said then."""
    delay: float = 0.0
    """Seconds for which the answer in hand is held back."""
    deaf: bool = False
    """Whether what had come behind the command in hand is lost."""
    notifies: bool = True
    """Whether TLS is closed before TCP."""
    user: str | None
    maildrop: OpenMaildrop | None
    state: State
    removed: tuple[str, ...]
    abandoned: tuple[str, ...]
    guarded: bool
    utf8: bool
    """Who is logged in, also after the end."""
    uncommitted: bool
    """Whether UPDATE waits until the client has taken the answer to QUIT: then call :meth:`commit`."""
    exchange: Authentication | None
    """The AUTH exchange that is under way: the client's next line is for :meth:`respond`, whatever it looks like."""
    upgrading: bool
    """Whether STLS was answered positively: after the handshake call :meth:`secured`, without one :meth:`stay`."""

    def __init__(
        self,
        accounts: Accounts,
        *,
        timestamp: str | None = None,
        exclusive: bool = True,
        offer: Offer = DEFAULT,
        secure: bool = True,
        context: Callable[[frozenset[str]], Context] | None = None,
        facts: Callable[[], Facts] = Facts,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Begin in AUTHORIZATION; with a ``timestamp`` such as ``<1@localhost>`` the greeting offers APOP.

        ``offer``: the capabilities, ``secure``: whether nobody can read the wire, ``context``: what a SASL mechanism
        may know, by the mechanisms that are offered now; without it AUTH is refused.  ``facts``: what TLS has brought.
        ``now``: the clock by which LOGIN-DELAY and EXPIRE are kept.
        """
        super().__init__()
        self._accounts = accounts
        self._timestamp = timestamp
        self._exclusive = exclusive
        self._offer = offer
        self._secure = secure
        self._facts = facts
        self._now = now
        self._context = context
        self._name: str | None = None
        self._evicted = False
        self.uncommitted = False
        self._language: Language | None = None
        self._handlers: Handlers = {}
        self.exchange = None
        self.upgrading = False
        self.user = None
        self._enter()

    def greeting(self) -> Reply:
        """The first line, which the server says unasked (RFC 1939 section 4)."""
        timestamp = "" if self._timestamp is None else f" {self._timestamp}"
        return Reply(f"+OK {replies.GREETING}{timestamp}\r\n".encode())

    def execute(self, line: Line) -> Reply:
        """Carry out one command line, given without its CRLF, and answer it."""
        if line is OVERLONG:
            self._name = None
            return self._spoken(replies.OVERLONG_LINE)
        known = plain(line)
        if known is not None:
            handler = self._handlers.get(known[0])
            if handler is not None:
                return handler(self, *known[1])
        keyword, space, rest = line.partition(b" ")
        handler = self._handlers.get(keyword)
        if handler is None:
            keyword = keyword.upper()
            handler = self._handlers.get(keyword)
            if handler is None:
                self._name = None
                return self._spoken(self._refuse(keyword))
        values: tuple[bytes | int, ...] | Err
        if self._offer.utf8_user and keyword in INTERNATIONAL and not line.isascii():
            values = international(COMMANDS[keyword], rest)
        else:
            values = arguments(COMMANDS[keyword], rest if space else None)
        if isinstance(values, Err):
            self._name = None
            return self._spoken(values)
        return handler(self, *values)

    def respond(self, line: Line) -> Reply:
        """Take a line of the AUTH exchange that is under way, and answer it: a challenge, or how the exchange ended."""
        assert self.exchange is not None
        return self._spoken(self._went_on(self.exchange, self.exchange.respond(line)))

    @property
    def open(self) -> bool:
        """Whether it takes commands; not after QUIT."""
        return bool(self._handlers)

    @property
    def about(self) -> str | None:
        """Who is logged in, or has said USER and is about to."""
        return self.user or self._name

    def secured(self) -> None:
        """There is TLS now: all that was said before it is forgotten (RFC 2595 section 4)."""
        self._secure = True
        self._name = None
        self._language = None
        self.upgrading = self.utf8 = False
        self._enter()

    def stay(self) -> None:
        """The client was not told to begin TLS after all."""
        self.upgrading = False

    @property
    def aborts(self) -> bool:
        """Whether QUIT comes to nothing where the client is gone before it is carried out."""
        return self.maildrop is not None and self.maildrop.aborts

    def close(self) -> None:
        """End the session without UPDATE: nothing is removed; the maildrop is free, or held by ``lock_hold``.  Once."""
        self._handlers = {}
        if self.exchange is not None:
            self.exchange.close()
            self.exchange = None
        if self.maildrop is not None and self.user is not None and self._left:
            self._accounts[self.user].abandon()
        super().close()

    def evict(self) -> None:
        """Lose the maildrop to another session, in whose thread this is called: the next command is the last."""
        maildrop = self.maildrop
        self._evicted = True
        self._handlers = dict.fromkeys(self._handlers, Session._leave_evicted)
        if maildrop is not None:
            maildrop.close()

    def _leave_evicted(self, *_: object) -> Reply:
        """Any command behind :meth:`evict`: there is no maildrop any more."""
        self._handlers = {}
        return self._spoken(replies.EVICTED)

    @property
    def ended(self) -> Literal["quit", "server"]:
        """How a conversation ends whose last word is this session's."""
        return "server" if self._evicted else "quit"

    @property
    def _left(self) -> bool:
        """Whether the client has gone without QUIT."""
        return self.state is State.TRANSACTION and not self._evicted

    def _enter(self) -> None:
        """Take up the commands of this state, answered in the language that was chosen."""
        tags = self._offer.tags
        if self.state is State.TRANSACTION:
            handlers = self._noted(self._transaction(tags))
        else:
            passwords = self._secure or "USER" in self._offer.clear
            handlers = self._authorization(tags, self._timestamp is not None, passwords)
        self._handlers = handlers if self._language is None else self._language.told(handlers)

    def _spoken(self, reply: Reply) -> Reply:
        """A reply that no handler gave, in the language that was chosen."""
        return reply if self._language is None else self._language.reply(reply)

    def _refuse(self, keyword: bytes) -> Reply:
        """Why there is no handler for this keyword here."""
        command = COMMANDS.get(keyword)
        if command is None or not self._offers(keyword):
            return Err("unknown command")
        states = " and ".join(state.value for state in State if state in command.states)
        return Err(f"{command.keyword} is legal in {states}, this is {self.state.value}")

    def _offers(self, keyword: bytes) -> bool:
        """Whether this server knows the command in any state."""
        tags = self._offer.tags
        before = self._authorization(tags, self._timestamp is not None, True)
        return keyword in before or keyword in self._transaction(tags)

    def _coded(self, reply: Reply) -> Reply:
        """The reply with its response code only where such codes are announced (RFC 2449 section 6.4)."""
        return uncoded(reply, self._offer.codes)

    # AUTHORIZATION

    def _user(self, name: bytes) -> Reply:
        """USER (RFC 1939 section 7): any name is taken, so that nobody learns which exist (section 13)."""
        self._name = name.decode()
        return replies.NAME_TAKEN

    def _pass(self, password: bytes) -> Reply:
        """PASS (RFC 1939 section 7): only immediately after an accepted USER; CAPA may stand between."""
        name, self._name = self._name, None
        if name is None:
            return replies.PASS_FIRST_USER
        account = self._accounts.get(name)
        if account is None or not account.check_password(password):
            return self._coded(replies.AUTH_FAILED)
        return self._open(account)

    def _in_clear(self, _: bytes) -> Reply:
        """USER and PASS where anybody could read them (RFC 2595 section 2.3): a refusal by policy."""
        return self._coded(replies.NEEDS_TLS)

    def _apop(self, name: bytes, digest: bytes) -> Reply:
        """APOP (RFC 1939 section 7): not between USER and PASS."""
        pending, self._name = self._name, None
        if pending is not None:
            return Err("after USER comes PASS")
        assert self._timestamp is not None
        account = self._accounts.get(name.decode())
        if account is None or not account.check_digest(self._timestamp, digest.decode("ascii")):
            return self._coded(replies.AUTH_FAILED)
        return self._open(account)

    def _auth(self, name: bytes, initial: bytes | None = None) -> Reply:
        """AUTH (RFC 5034 section 4): what follows its line comes to :meth:`respond`."""
        from pop3s_fake.protocol.authentication import Authentication  # noqa: PLC0415  # for those who say AUTH
        from pop3s_fake.protocol.sasl import MECHANISMS  # noqa: PLC0415  # the same

        self._name = None
        mechanism = MECHANISMS.get(name.decode("ascii"))
        offered = self._mechanisms()
        if mechanism is None or self._context is None:
            return replies.NOT_OFFERED
        if mechanism.name not in offered:
            by_policy = mechanism.name in self._mechanisms(secure=True)
            return self._coded(replies.NEEDS_TLS) if by_policy else replies.NOT_OFFERED
        exchange = Authentication(mechanism, self._context(frozenset(offered)))
        return self._went_on(exchange, exchange.begin(initial))

    def _went_on(self, exchange: Authentication, outcome: Reply | Account) -> Reply:
        """One more step of an exchange: a challenge, a refusal, or the account that may come in."""
        self.exchange = None if exchange.over else exchange
        return self._coded(outcome) if isinstance(outcome, Reply) else self._open(outcome)

    def _mechanisms(self, *, secure: bool | None = None) -> tuple[str, ...]:
        """The mechanisms that are announced now, or would be with TLS, and accepted."""
        facts = self._facts()
        return self._offer.usable(
            secure=self._secure if secure is None else secure,
            bindings=facts.bindings,
            certificate=facts.certificate,
            token=any(account.token is not None for account in self._accounts.values()),
        )

    def _stls(self) -> Reply:
        """STLS (RFC 2595 section 4): the handshake begins behind the reply."""
        self._name = None
        if self._secure:
            return replies.TLS_ALREADY
        self.upgrading = True
        return replies.BEGIN_TLS

    def _open(self, account: Account) -> Reply:
        """Take the exclusive-access lock and enter TRANSACTION (RFC 1939 section 4)."""
        now = expired = None
        if self._offer.timed and self._now is not None:
            now = self._now()
            if self._offer.delay and account.logged_in_since(now - self._delay(account)):
                return self._coded(replies.TOO_SOON)
            days = self._offer.days(account)
            expired = now - days * DAY if days else None
        try:
            maildrop = account.open(self, exclusive=self._exclusive, expired=expired, utf8=self.utf8)
        except MaildropInUse as in_use:
            if not account.steals or not isinstance(in_use.owner, Session):
                return self._coded(replies.IN_USE)
            in_use.owner.evict()
            maildrop = account.open(self, exclusive=self._exclusive, expired=expired, utf8=self.utf8)
        if now is not None:
            account.logged_in_at = now
        self.guarded = "UTF8" in self._offer.tags
        self.maildrop = maildrop
        self.user = account.name
        self.state = State.TRANSACTION
        self._enter()
        return Reply(f"+OK maildrop has {summary(maildrop)}\r\n".encode())

    def _delay(self, account: Account) -> float:
        """Seconds between two logins of this account (RFC 2449 section 6.5)."""
        return self._offer.delay if account.login_delay is None else account.login_delay

    def _utf8(self) -> Reply:
        """UTF8 (RFC 6856 section 2): headers may be sent raw from now on."""
        self._name = None
        self.utf8 = True
        return replies.UTF8_MODE

    def _leave(self) -> Reply:
        """QUIT in AUTHORIZATION: no UPDATE (RFC 1939 section 4)."""
        self._handlers = {}
        account = None if self._name is None else self._accounts.get(self._name)
        if account is not None:
            account.unlock()
        return replies.SIGNING_OFF

    # both states

    def _capa(self) -> Reply:
        """CAPA (RFC 2449 section 5): keeps the name that USER gave."""
        return Reply(b"+OK capability list follows\r\n", self.capabilities())

    def capabilities(self) -> bytes:
        """What CAPA lists, or would list, as things stand: a line for each."""
        account = None if self.user is None else self._accounts.get(self.user)
        return self._offer.payload(
            transaction=self.state is State.TRANSACTION,
            secure=self._secure,
            mechanisms=self._mechanisms(),
            account=account,
        )

    def _lang(self, wanted: bytes | None = None) -> Reply:
        """LANG (RFC 6856 section 3.2): the languages, or one of them for this and all later texts."""
        from pop3s_fake.protocol.languages import listing, matching  # noqa: PLC0415  # for those who say LANG

        self._name = None
        if wanted is None:
            return Reply(b"+OK language listing follows\r\n", listing())
        language = matching(wanted.decode("ascii"))
        if language is None:
            return replies.NO_SUCH_LANGUAGE
        self._language = language if language.texts else None
        self._enter()
        return Reply(f"+OK {language.tag} {language.chosen}\r\n".encode())

    # UPDATE

    def _quit(self) -> Reply:
        """QUIT in TRANSACTION: UPDATE, then the lock is freed, then the answer (RFC 1939 section 6)."""
        self.state = State.UPDATE
        if "EXPIRE 0" in self._offer.tags and self._offer.days(self._accounts[self.user or ""]) == 0:
            self._expire()
        if self._open_maildrop.waits:
            self._handlers = {}
            self.uncommitted = True
            return replies.SIGNING_OFF
        return self._update()

    def commit(self) -> None:
        """The client has taken the answer to QUIT, for which UPDATE has waited."""
        self.uncommitted = False
        self._update()

    def _update(self) -> Reply:
        """UPDATE (RFC 1939 section 6)."""
        try:
            result = self._open_maildrop.update()
        finally:
            self.close()
        self.removed = result.removed
        self.abandoned = ()
        return self._coded(replies.NOT_ALL_REMOVED) if result.kept else replies.SIGNING_OFF

    _COMMANDS: ClassVar[dict[str, Handlers]] = {
        "": {b"QUIT": _leave},
        "USER": {b"USER": _user, b"PASS": _pass},
        "CAPA": {b"CAPA": _capa},
        "LANG": {b"LANG": _lang},
        "SASL": {b"AUTH": _auth},
        "STLS": {b"STLS": _stls},
        "UTF8": {b"UTF8": _utf8},
    }
    """What can be said before the login, by the capability without which it cannot."""

    _AFTERWARDS: ClassVar[dict[str, Handlers]] = {
        "": {b"QUIT": _quit},
        "CAPA": {b"CAPA": _capa},
        "LANG": {b"LANG": _lang},
    }
    """The same after it, beside the commands of :class:`Transaction`."""

    @classmethod
    @lru_cache(maxsize=64)
    def _authorization(cls, tags: frozenset[str], apop: bool, passwords: bool) -> Handlers:  # noqa: FBT001
        """The commands of AUTHORIZATION under these capabilities; without ``passwords``, USER and PASS are refused."""
        handlers = under(tags, cls._COMMANDS)
        if apop:
            handlers[b"APOP"] = cls._apop
        if "USER" in tags and not passwords:
            handlers[b"USER"] = handlers[b"PASS"] = cls._in_clear
        return handlers

    @classmethod
    @lru_cache(maxsize=64)
    def _transaction(cls, tags: frozenset[str]) -> Handlers:
        """The commands of TRANSACTION under these capabilities."""
        return under(tags, cls.COMMANDS, cls._AFTERWARDS)
