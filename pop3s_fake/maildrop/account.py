"""One user of the server: a name, what proves it, and the maildrop that each login finds.

Knows names, passwords, the APOP digest (RFC 1939 section 7) and how long a token is good.  Must not know commands,
replies or who asks, and shows no password to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import md5
from hmac import compare_digest
from math import inf
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Never

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.maildrop.credentials import OrdinaryPassword, checked_name, checked_password, checked_secret
from pop3s_fake.maildrop.lock import MaildropInUse
from pop3s_fake.maildrop.maildrop import Maildrop
from pop3s_fake.maildrop.policed import Terms
from pop3s_fake.maildrop.policy import History, Policy
from pop3s_fake.maildrop.token import Token

if TYPE_CHECKING:
    from pop3s_fake.maildrop.content import Source
    from pop3s_fake.maildrop.form import Form
    from pop3s_fake.maildrop.open_maildrop import OpenMaildrop

__all__ = ("Account", "Login")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


class Login(NamedTuple):
    """What a client needs to log in; `repr` masks the password, for a test's report shows local variables.

    >>> Login("ann", "not-a-secret")
    Login(user='ann', password='***')
    """

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login(user={self.user!r}, password='***')"


class Account:
    """A user, a password, a maildrop.

    The name is one argument of USER: printable characters without spaces.  The password is the rest of a PASS line:
    printable characters, spaces included; transcripts mask it in its place, and wherever else it stands if it has four
    characters or more.  What is not ASCII is stored after SASLprep (RFC 4013); SASL can say it, and USER, PASS and APOP
    where the capability ``UTF8 USER`` is listed.

    ``secret`` is what APOP and CRAM-MD5 digest; it is the password unless given.  ``token`` is the access token of
    XOAUTH2 and OAUTHBEARER, good for ``token_expires`` seconds of the server's clock, from when the server was given
    the account; for ever unless given.  ``login_delay``: the seconds between two logins of this account, where they are
    others than those of the capability LOGIN-DELAY.

    ``expire``: the days for which messages are kept, where they are others than those of the capability EXPIRE.  They
    count on the server's clock from when a message came, and what is that old is gone at the next login.  0 takes away
    at QUIT what was retrieved, "NEVER" takes away nothing.

    ``lock_hold``: the seconds, on the server's clock, for which the maildrop stays locked behind a session that ended
    without QUIT.  RFC 1939 section 4 wants the lock released, and by default it is at once; many servers take their
    time.

    >>> account = Account("ann", "not-a-secret")
    >>> account, account.check_password(b"not-a-secret"), account.check_password(b"guess")
    (<Account 'ann'>, True, False)
    """

    __slots__ = (
        "_form",
        "_guard",
        "_held_until",
        "_history",
        "_logins",
        "_maildrop",
        "_now",
        "_opened",
        "_password",
        "_policy",
        "_secret",
        "_states",
        "_token",
        "expire",
        "lock_hold",
        "logged_in_at",
        "login_delay",
        "name",
    )

    def __init__(
        self,
        name: str,
        password: str,
        *,
        maildrop: Maildrop | None = None,
        secret: str | None = None,
        token: str | None = None,
        token_expires: float | None = None,
        login_delay: int | None = None,
        expire: int | Literal["NEVER"] | None = None,
        lock_hold: float = 0.0,
        **unknown: Never,
    ) -> None:
        for keyword in unknown:
            words = ("maildrop", "secret", "token", "token_expires", "login_delay", "expire", "lock_hold")
            raise UsageError(f"unknown keyword {keyword!r} of an account{nearest(keyword, words)}")
        self.name: str = checked_name(name)
        self._password = checked_password(password)
        self._secret = self._password if secret is None else checked_secret(secret)
        if maildrop is not None and not isinstance(maildrop, Maildrop):
            raise UsageError(f"maildrop must be a Maildrop, not {type(maildrop).__name__}")
        self._now: Callable[[], float] = _beginning
        self._form: Form | None = None
        self._token = Token.issued(token, token_expires, now=0.0)
        if login_delay is not None and (type(login_delay) is not int or login_delay < 0):
            raise UsageError(f"login_delay must be a number of seconds from 0, not {login_delay!r}")
        self.login_delay: int | None = login_delay
        if expire is not None and expire != "NEVER" and (type(expire) is not int or expire < 0):
            raise UsageError(f'expire must be a number of days from 0, or "NEVER", not {expire!r}')
        self.expire: int | Literal["NEVER"] | None = expire
        if type(lock_hold) not in (int, float) or not 0 <= lock_hold < inf:
            raise UsageError(f"lock_hold must be a number of seconds from 0, not {lock_hold!r}")
        self.lock_hold: float = lock_hold
        self._held_until = 0.0
        self._policy: Policy | None = None
        self._history = History()
        self.logged_in_at: float | None = None
        self._maildrop = Maildrop() if maildrop is None else maildrop
        self._states: tuple[Maildrop, ...] = ()
        self._logins = 0
        self._opened: Maildrop | None = None
        self._guard = Lock()

    @property
    def maildrop(self) -> Maildrop:
        """What the last login found; before the first, what it will find."""
        return self._maildrop

    @property
    def login(self) -> Login:
        """Name and password, for the client."""
        return Login(self.name, self._password)

    @property
    def password(self) -> str:
        """The password by which a client comes in, which a site's policy may have otherwise."""
        return self._password if self._policy is None else self._policy.application or self._password

    @property
    def secret(self) -> str:
        """The shared secret of APOP and CRAM-MD5."""
        return self.password if self._secret is self._password else self._secret

    @property
    def token(self) -> str | None:
        """The access token issued last, good or not; None if there was never one."""
        return self._token.texts[-1] if self._token.texts else None

    def secrets(self) -> set[str]:
        """Password, shared secret and all tokens that there were: what nobody wants to see in a transcript."""
        policy = self._policy or Policy()
        others = filter(None, (policy.application, policy.ordinary))
        return {self._password, self._secret, *self._token.texts, *others}

    def check_password(self, octets: bytes) -> bool:
        """Whether these octets, all that followed the first space of a PASS line, are the password.

        `OrdinaryPassword` where a site's policy has another one for people, and these are that.
        """
        right = compare_digest(octets, self.password.encode())
        if not right and self._policy is not None and (self._policy.application or self._policy.ordinary):
            ordinary = self._policy.ordinary or self._password
            if compare_digest(octets, ordinary.encode()):
                raise OrdinaryPassword(self.name)
        return right

    @property
    def away(self) -> bool:
        """Whether a good login is refused now, because there were enough of them for the site's policy."""
        return self._now() < self._history.away_until

    def logged_in_since(self, time: float) -> bool:
        """Whether the last login that counts was later than this, on the server's clock (RFC 2449 section 6.5)."""
        return self.logged_in_at is not None and self.logged_in_at > time

    def check_digest(self, timestamp: str, digest: str) -> bool:
        """Whether this is the MD5 of the greeting's timestamp and the secret, in lower-case hex (RFC 1939 section 7).

        >>> account = Account("mrose", "tanstaaf")
        >>> account.check_digest("<1896.697170952@dbc.mtview.ca.us>", "c4c9334bac560ecc979e58001b3e22fb")
        True
        """
        expected = md5(f"{timestamp}{self.secret}".encode(), usedforsecurity=False).hexdigest()
        return compare_digest(expected.encode(), digest.encode(errors="replace"))

    def script(self, *maildrops: Maildrop | Sequence[Source]) -> None:
        r"""What the first login from now on finds, the second, and so on; the last stays, and then deletions hold.

        Each is a list of sources, as for :meth:`Maildrop.add`, or a `Maildrop`.  The sources are read now.  The same
        octets in two lists are the same message with the same unique-id, the same source twice in one list is two
        messages.  A login counts when the maildrop was opened; one that was refused leaves everything as it was.

        >>> account = Account("ann", "not-a-secret")
        >>> account.script(["Subject: one\n\n"], ["Subject: one\n\n", "Subject: two\n\n"], [])
        >>> for owner in ("session 1", "session 2", "session 3", "session 4"):
        ...     session = account.open(owner)
        ...     print(session.stat())
        ...     session.close()
        (1, 16)
        (2, 32)
        (0, 0)
        (0, 0)
        """
        if not maildrops:
            raise UsageError("script() needs what the first login finds: a list of messages, or a Maildrop")
        states = tuple(self._state(maildrop) for maildrop in maildrops)
        if self._form is not None:
            for state in states:
                state.adopt(self._form)
        if self._now is not _beginning:
            for state in states:
                state.follow(self._now)
        with self._guard:
            self._states = states
            self._logins = 0
            self._maildrop = states[0]

    def _state(self, given: Maildrop | Sequence[Source]) -> Maildrop:
        if isinstance(given, Maildrop):
            return given
        # An email message, too, can be iterated over, and would give the names of its header fields.
        if isinstance(given, (str, bytes)) or not isinstance(given, Sequence):
            raise UsageError(
                f"script() takes a list of messages, or a Maildrop, for each login, not {type(given).__name__}; "
                "put a single message into a list",
            )
        maildrop = Maildrop(live=self._maildrop.live)
        maildrop.add(*given)
        return maildrop

    def open(
        self,
        owner: object,
        *,
        exclusive: bool = True,
        expired: float | None = None,
        recent: bool = False,
        utf8: bool = False,
    ) -> OpenMaildrop:
        """Open the maildrop after a successful login; `MaildropInUse` if another owner has it.

        What came at the time ``expired`` or before is gone.  With a script, it is also in use while
        the maildrop of an earlier login is.  ``recent``: under a site's policy, by the name that shows what is recent.
        ``utf8``: whether the client takes UTF-8 in headers.
        """
        with self._guard:
            maildrop = self._states[min(self._logins, len(self._states) - 1)] if self._states else self._maildrop
            if exclusive and self._opened is not None:
                holder = self._opened.in_use_by
                if holder is not None and holder is not owner:
                    raise MaildropInUse(holder)
            if exclusive and self._now() < self._held_until:
                raise MaildropInUse("a session that ended without QUIT")
            if self._policy is not None and self._policy.renumbers == self._history.sessions + 1:
                maildrop.renumber()
            terms = None if self._policy is None else self._terms(self._policy, recent=recent, utf8=utf8)
            session = maildrop.open(owner, exclusive=exclusive, expired=expired, terms=terms)
            self._maildrop = maildrop
            self._logins += 1
            self._history.sessions += 1
            if exclusive:
                self._opened = maildrop
            return session

    def _terms(self, policy: Policy, *, recent: bool, utf8: bool) -> Terms:
        """On which terms a session that begins now opens the maildrop."""
        now, last = self._now(), self._history.opened_at
        early = last is not None and now - last < policy.polls
        return Terms(policy, self._history, now, recent, utf8, early=early, clock=self._now)

    def came_in(self) -> None:
        """A login went well, which a site's policy may count."""
        with self._guard:
            policy, history, now = self._policy or Policy(), self._history, self._now()
            history.opened_at = now
            history.logins += 1
            if 0 < policy.enough_logins <= history.logins:
                history.logins, history.away_until = 0, now + policy.enough_for

    def abandon(self) -> None:
        """A session of this account ended without QUIT: its lock stays for ``lock_hold`` seconds."""
        policy = self._policy or Policy()
        now = self._now()
        if self.lock_hold or policy.lock_hold:
            self._held_until = now + max(self.lock_hold, policy.lock_hold)
        self._history.unseen_until = now + policy.unseen

    def obey(self, policy: Policy | None) -> None:
        """Be opened by a site's policy from now on, or by none; what is remembered begins anew."""
        self._policy = policy
        self._history = History()

    @property
    def seen(self) -> frozenset[str]:
        """The unique-ids of what is marked as read, where a quirk such as ``retr-sets-seen`` marks any."""
        return frozenset(self._history.seen)

    @property
    def steals(self) -> bool:
        """Whether a second login ends the session that has the maildrop."""
        return self._policy is not None and self._policy.steals

    def unlock(self) -> None:
        """Take the lock from the session that has the maildrop, where the site's policy has it so."""
        if self._policy is not None and self._policy.unlocks:
            self.maildrop.unlock()

    def save(self) -> object:
        """The maildrops and where the script stands, for `restore`."""
        with self._guard:
            maildrops = {id(maildrop): (maildrop, maildrop.save()) for maildrop in (self._maildrop, *self._states)}
            history = self._history.copy()
            return self._maildrop, self._states, self._logins, list(maildrops.values()), self._token, history

    def restore(self, saved: Any) -> None:
        """Be again as when `save` was called."""
        with self._guard:
            self._maildrop, self._states, self._logins, maildrops, token, history = saved
            self._history = history.copy()
            self._token = token._replace(since=self._now())
            self.logged_in_at = None
            self._held_until = 0.0
            for maildrop, contents in maildrops:
                maildrop.restore(contents)

    def follow(self, now: Callable[[], float]) -> None:
        """Let the token's time and the messages' age run on this clock, from now on; each server's account does so."""
        self._now = now
        for maildrop in {id(each): each for each in (self._maildrop, *self._states)}.values():
            maildrop.follow(now)
        self.logged_in_at = None
        self._held_until = 0.0
        self._token = self._token._replace(since=now())

    def adopt(self, form: Form) -> None:
        """Let its maildrops keep, count and name mail in this form; a server's dialect does so."""
        self._form = form
        for maildrop in {id(each): each for each in (self._maildrop, *self._states)}.values():
            maildrop.adopt(form)

    def check_token(self, octets: bytes) -> bool:
        """Whether these octets are the token, and it is still good."""
        return self._token.proved_by(octets, self._now())

    def issue_token(self, token: str, *, expires: float | None = None) -> None:
        """Give the account a new token in place of its old one, good for so many seconds of the server's clock.

        >>> account = Account("ann", "not-a-secret", token="ya29.first")
        >>> account.expire_token()
        >>> account.issue_token("ya29.second")
        >>> account.check_token(b"ya29.first"), account.check_token(b"ya29.second")
        (False, True)
        """
        issued = Token.issued(token, expires, now=self._now())
        self._token = issued._replace(texts=(*self._token.texts, *issued.texts))

    def expire_token(self) -> None:
        """Let the access token expire now: who shows it from now on is refused."""
        if self.token is None:
            raise UsageError(f"account {self.name!r} has no token that could expire; give it one: token=...")
        self._token = self._token._replace(lives=0.0)

    def __repr__(self) -> str:
        return f"<Account {self.name!r}>"


def _beginning() -> float:
    """The time where there is no clock."""
    return 0.0
