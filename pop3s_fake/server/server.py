"""The server as its users see it: one object that starts, serves, tells what happened, and judges.

Knows how the rooms below belong together; must not know POP3, TLS or sockets itself.
Longer than 400 lines because the whole public face stands here, and half of it is what its users read.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Never, get_args

from pop3s_fake.connection import Settings
from pop3s_fake.connection.notes import without_secrets
from pop3s_fake.connection.settings import LOOPBACK
from pop3s_fake.dialogue import Dialogue, Dialogues
from pop3s_fake.errors import Pop3sFakeError, UnmetRule, UsageError, nearest, verdict
from pop3s_fake.ledger import Ledger
from pop3s_fake.maildrop import Account, Accounts
from pop3s_fake.masking import MASK, hidden
from pop3s_fake.protocol.linting import Past
from pop3s_fake.rules.rule import Rule
from pop3s_fake.server.clocks import SystemClock
from pop3s_fake.server.crowd import check_platform
from pop3s_fake.server.house import SETTLING, House
from pop3s_fake.server.listener import Outage
from pop3s_fake.server.options import ServerOptions, check_keywords
from pop3s_fake.server.rules import ServerRules, caller
from pop3s_fake.tls.settings import Tls
from pop3s_fake.transcript import Transcript

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from pop3s_fake.cases import Case
    from pop3s_fake.clock import Clock
    from pop3s_fake.dialects import Dialect
    from pop3s_fake.maildrop import Login, Maildrop, Policy
    from pop3s_fake.quirks import Asked
    from pop3s_fake.server.dialecting import Spoken
    from pop3s_fake.tls.authority import Authority, ClientCertificate
    from pop3s_fake.tls.hello import ClientHello

__all__ = ("Pop3sServer",)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

STANDARD_PORTS: Final = frozenset({110, 995})
"""What a client may take our port for, where it was led to us from elsewhere (RFC 7628 section 3.1)."""

TRANSCRIPT_LINES: Final = 200
"""Lines of the transcript that a failure shows: the last ones."""


class Environ(dict[str, str]):
    """Variables of the environment; their repr, which reports show, masks the password.

    >>> Environ({"POP3S_USER": "ann", "POP3S_PASSWORD": "not-a-secret"})
    {'POP3S_USER': 'ann', 'POP3S_PASSWORD': '****'}
    """

    def __repr__(self) -> str:
        return repr({name: MASK if name == "POP3S_PASSWORD" else value for name, value in self.items()})


class Pop3sServer:
    r"""A POP3S server on localhost, in this process: correct unless told otherwise.

    Leaving the block judges: what the client or the server did wrong is raised, or noted on the exception that is
    already under way.  Without a block, :meth:`start`, :meth:`check` and :meth:`stop` do the same.

    >>> import poplib
    >>> with Pop3sServer() as server:
    ...     _ = server.maildrop.add("Subject: hello\n\nworld\n")
    ...     client = poplib.POP3_SSL(server.host, server.port, context=server.client_context())
    ...     _ = client.user(server.login.user), client.pass_(server.login.password)
    ...     client.stat(), client.quit()
    ((1, 25), b'+OK signing off')
    """

    host: Final = "localhost"
    """The name under which clients reach it."""

    def __init__(
        self,
        *,
        accounts: Sequence[Account] | None = None,
        certificate: str = "good",
        tls: Tls | None = None,
        client_certificate: Literal["required", "optional"] | None = None,
        names: Sequence[str] = ("localhost",),
        stls: bool | int = False,
        capabilities: Sequence[str] | None = None,
        dialect: str | Dialect | None = None,
        quirks: Sequence[str] = (),
        rules: Sequence[str | Rule] = (),
        case: str | None = None,
        cassette: str | None = None,
        port: int = 0,
        strict: bool | Literal["should"] = True,
        allow: Sequence[str] = (),
        clock: Clock | None = None,
        seed: int | None = None,
        deadline: float | None = 30.0,
        exclusive: bool | None = None,
        authority: Authority | None = None,
        **unknown: Never,
    ) -> None:
        """Check the keywords; nothing runs before :meth:`start`.

        ``accounts``: who may log in; left out, one account named "test" with the password "pop3s-password".
        ``certificate``: an id of the catalogue, ``tls``: how to shake hands, ``client_certificate``: "required" or
        "optional", ``names``: the host names of the certificate, which is for the loopback addresses in any case.
        ``port``: 0 for a free one.  ``strict``: whether a client that breaks a MUST of the specifications fails the
        test ("should": a SHOULD, too), ``allow``: ids of requirements that it may break.  ``clock``: a
        :class:`~pop3s_fake.ManualClock` to drive the server's time.  ``seed``: makes everything random reproducible.
        ``deadline``: seconds of real time after which an open session is reset and reported, None for never.
        ``exclusive``: whether a maildrop is open in one session at a time (RFC 1939 section 4); left out, it is, unless
        the dialect has it otherwise.  ``authority``: who issues the certificates; left out, one that all servers of the
        process share.

        ``stls``: whether it listens on a second port, too, in clear, where clients come to TLS by STLS (RFC 2595); a
        number is that port, True a free one.  ``capabilities``: what CAPA lists, and so what there is: a list in place
        of the default one, or changes to it, ``"+SASL CRAM-MD5"`` (in place of that tag's line, or one more) and
        ``"-UIDL"``; an empty list is a server without CAPA.

        ``case``: one of the catalogue, such as "rec.truncate", whose rules must strike; it sets what it needs.

        ``quirks``: deviations of real servers by their ids, such as "terminator-split" or "terminator-split(later=2)";
        their rules need not strike.  "-gmail-scope" takes away one that the dialect brings.

        ``dialect``: how it words and bends things, the id of a real server such as "dovecot", or a
        :class:`~pop3s_fake.Dialect` of your own.

        ``cassette`` is reserved.
        Raises :class:`~pop3s_fake.UsageError` for what cannot be.
        """
        check_keywords(unknown)
        options = ServerOptions(
            accounts=accounts,
            certificate=certificate,
            tls=tls,
            client_certificate=client_certificate,
            names=names,
            stls=stls,
            capabilities=capabilities,
            dialect=dialect,
            quirks=quirks,
            rules=rules,
            case=case,
            cassette=cassette,
            port=port,
            strict=strict,
            allow=allow,
            clock=clock,
            seed=seed,
            deadline=deadline,
            exclusive=exclusive,
            authority=authority,
        )
        self.seed: Final = random.SystemRandom().getrandbits(32) if seed is None else seed
        self._case: Case | None = None
        if case is not None:
            from pop3s_fake.server.casing import arranged  # noqa: PLC0415  # loads the catalogue of cases

            options, self._case = arranged(options)
        quirky: tuple[Asked, ...] = ()
        policy: Policy | None = None
        self._spoken: Spoken | None = None
        if options.quirky:
            from pop3s_fake.server import quirking  # noqa: PLC0415  # loads the catalogue of quirks

            options, quirky = quirking.with_quirks(options)
            policy, self._spoken = quirking.policy_of(quirky), quirking.spoken_of(quirky, options.offer)
        if options.dialect is not None:
            from pop3s_fake.server.dialecting import with_dialect  # noqa: PLC0415  # loads the dialect

            options, self._spoken = with_dialect(options, self.seed, quirky)
        self.quirks: Final[tuple[str, ...]] = tuple(map(str, quirky))
        """Its quirks, with those that its dialect brings."""
        self._options = options
        self.clock: Final[Clock] = clock or SystemClock()
        self.accounts: Final = Accounts(
            options.accounts or [Account("test", "pop3s-password")],
            self.clock.now,
            options.offer.agree,
            policy,
            self._spoken and self._spoken.form,
        )
        self.transcript: Final = Transcript(self.settle)
        self.ledger: Final = Ledger(self.settle)
        self.rules: Final = ServerRules(self.seed, self.clock.now)
        self.rules.later = (options.tls or Tls()).highest == "1.3"
        self._dialogues: Final = Dialogues()
        self._past: Final = Past()
        where = caller()
        self._bring(quirky)
        for rule in options.rules:
            self.rules.add(rule, where=where)
        self._met = False
        if self._case is not None:
            from pop3s_fake.server.casing import described, rules_of  # noqa: PLC0415  # the same

            self.transcript.heading = "; ".join(filter(None, [described(self._case), self.transcript.heading]))
            for text in rules_of(self._case, self.login):
                self.rules.add(text, where=f"case {self._case.id}")
        self._problems: list[BaseException] = []
        self._house = House(self.transcript, self.clock, deadline=options.deadline, problem=self._problems.append)
        self._names = tuple(options.names)
        self._context: ssl.SSLContext | None = None
        self._port = port
        self._stls_port = 0 if options.stls is True else int(options.stls)
        self._address = "127.0.0.1"
        self._listens_at = self.host
        self._baseline: tuple[object, list[tuple[Rule, bool]], tuple[str, ...]] | None = None

    def _bring(self, quirky: tuple[Asked, ...]) -> None:
        """Tell of the dialect and the quirks, and add the rules of these."""
        headings = ["" if self._spoken is None else self._spoken.told]
        if quirky:
            from pop3s_fake.server import quirking  # noqa: PLC0415  # loads the catalogue of quirks

            headings.append(quirking.described(quirky))
            for made in quirking.rules_of_all(quirky):
                self.rules.add(made, must=False, where=made.origin)
        self.transcript.heading = "; ".join(filter(None, headings))

    def __repr__(self) -> str:
        """Where it listens, or that it does not."""
        state = f"on {self.host}:{self.port}" if self._house.running else "stopped"
        return f"<Pop3sServer {state}, {len(self._house)} open sessions>"

    # running

    def start(self) -> Self:
        """Bind, listen and accept; clients may connect as soon as this returns.

        Raises :class:`~pop3s_fake.UsageError` if it runs already or OpenSSL cannot do what was asked for, OSError if
        the port is taken.
        """
        if self._house.running:
            raise UsageError(f"the server runs already, on port {self.port}; stop() it first")
        options = self._options
        if self._case is not None and self._case.outage == "backlog-full":
            check_platform()
        self._certify(self._names)
        settings = self._settings()
        try:
            listener = self._house.open(self._port, settings, self.settle, host=self._listens_at)
            self._port, self._address = listener.port, listener.address
            if options.stls is not False:
                in_clear = replace(settings, stls=True)
                stls = self._house.open(self._stls_port, in_clear, self.settle, host=self._listens_at)
                self._stls_port = stls.port
        except OSError:
            self._house.close()
            raise
        if self._baseline is None:
            self._remember()
        self._away()
        return self

    def _settings(self) -> Settings:
        """What its connections have in common."""
        options = self._options
        from pop3s_fake.tls.records import Records  # noqa: PLC0415  # loads ssl, which a set-up alone does not need

        return Settings(
            accounts=self.accounts,
            now=self.clock.now,
            records=lambda hello, certificate: Records(self._context_for(hello, certificate), hello),
            offer=options.offer,
            alpn=(options.tls or Tls()).alpn,
            alpn_policy=(options.tls or Tls()).alpn_policy,
            voice=self._spoken and self._spoken.voice,
            rules=self.rules,
            dialogues=self._dialogues,
            ledger=self.ledger if self.transcript.remembers else None,
            read=Path,
            exclusive=options.exclusive is not False,
            seed=self.seed,
            name=options.names[0],
            hosts=lambda: LOOPBACK.union(self._names),
            ports=lambda: STANDARD_PORTS | {self._port, self._stls_port},
            complain=self._problems.append,
            strict=options.strict,
            allow=frozenset(options.allow),
            certificate=options.certificate,
            past=self._past,
        )

    def expose(self, host: str) -> None:
        """Listen at this name or address of the machine, and not on the loopback, from the next :meth:`start` on.

        Whoever can reach it can try to log in, with words that stand in somebody's test: this is for a server in a
        container.
        """
        self._listens_at = host

    def stop(self) -> None:
        """End all connections and release the ports; a second call does nothing.

        Ports, maildrops and transcript are kept for the next :meth:`start`.  Raises
        :class:`~pop3s_fake.errors.Pop3sFakeError` if a thread did not end within its bound, and names it.
        """
        self._house.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Judge and stop; an exception that is under way stays the headline."""
        problems = self.judge()
        try:
            self.stop()
        except Pop3sFakeError as error:
            problems.append(error)
        problems += self.taken()
        if failure is not None:
            self.annotate(failure, problems)
            return
        raised = verdict(problems)
        if raised is not None:
            self.annotate(raised, ())
            raise raised

    # where it is and whom to trust

    @property
    def port(self) -> int:
        """The port on which it listens; kept from the first start on."""
        if self._port == 0:
            raise UsageError("the server has no port yet: start() it, or use it in a with block")
        return self._port

    @property
    def stls_port(self) -> int:
        """The port on which it listens in clear, for clients that come to TLS by STLS; kept from the first start on."""
        if self._options.stls is False:
            raise UsageError("the server has no port in clear; make it with stls=True")
        if self._stls_port == 0:
            raise UsageError("the server has no port yet: start() it, or use it in a with block")
        return self._stls_port

    def port_for(self, security: Literal["tls", "stls", "plain"]) -> int:
        """The port for a client that comes over implicit TLS, "tls", by STLS, "stls", or stays in clear, "plain".

        Raises :class:`~pop3s_fake.UsageError` for another word, and where there is no such port.
        """
        kinds = ("tls", "stls", "plain")
        if security not in kinds:
            raise UsageError(f"unknown security {security!r}{nearest(security, kinds)}")
        return self.port if security == "tls" else self.stls_port

    @property
    def has_stls(self) -> bool:
        """Whether there is a port in clear, with STLS."""
        return self._options.stls is not False

    @property
    def address(self) -> str:
        """The numeric address on which it listens, "127.0.0.1"; it listens on "::1", too, where there is one."""
        return self._address

    @property
    def url(self) -> str:
        """Where it is, as curl and others read it: "pop3s://localhost:PORT"."""
        return f"pop3s://{self.host}:{self.port}"

    @property
    def authority(self) -> Authority:
        """Who issues its certificates."""
        if self._options.authority is not None:
            return self._options.authority
        from pop3s_fake.tls.authority import default_authority  # noqa: PLC0415  # loads trustme and cryptography

        return default_authority()

    @property
    def ca_file(self) -> Path:
        """The CA certificate that clients must trust, as a PEM file."""
        return self.authority.ca_file

    @property
    def ca_pem(self) -> str:
        """The CA certificate that clients must trust, as PEM text."""
        return self.authority.ca_pem

    def add_name(self, name: str) -> None:
        """Be somebody else, too: from now on new connections see a certificate for this host name as well.

        Open connections keep theirs.  It does not make the name known to anybody: see the fixture ``pop3s_route``.
        Raises :class:`~pop3s_fake.UsageError` for a name that no certificate can have.
        """
        if name not in self._names:
            self._certify((*self._names, name))

    def _certify(self, names: tuple[str, ...]) -> None:
        """Show a certificate for these names to those who connect from now on."""
        self._context = self._made_context(self._options.certificate, names)
        self._names = names

    def _made_context(self, certificate: str, names: tuple[str, ...], *, later: bool = False) -> ssl.SSLContext:
        options = self._options
        return self.authority.server_context(
            certificate,
            names=names,
            tls=options.tls or Tls(),
            client_certificate="later" if later else options.client_certificate,
        )

    def _context_for(self, hello: ClientHello, certificate: str | None) -> ssl.SSLContext:
        """The context of a new connection; rules may want another certificate, or to ask for the client's later.

        Up to TLS 1.2 there is no later: OpenSSL would ask in the handshake, and refuse whoever has none.  Where the
        handshake asks anyway, OpenSSL can ask again behind it.
        """
        asks = self._options.client_certificate is None and self.rules.asks_later
        later = asks and "TLSv1.3" in hello.versions
        if certificate is None and not later and self._context is not None:
            return self._context
        return self._made_context(certificate or self._options.certificate, self._names, later=later)

    def client_context(self, *, client_certificate: ClientCertificate | None = None) -> ssl.SSLContext:
        """A new ``ssl.SSLContext`` that trusts the CA and verifies; yours to change."""
        return self.authority.client_context(client_certificate=client_certificate)

    def environ(self) -> Environ:
        """Variables for a client in another process: where the server is, who may log in, whom to trust.

        ``POP3S_HOST``, ``POP3S_PORT``, ``POP3S_USER``, ``POP3S_PASSWORD``, ``POP3S_CA_FILE``, and ``SSL_CERT_FILE``,
        which programs on OpenSSL read by themselves; ``POP3S_STLS_PORT`` where there is such a port.
        """
        stls = {} if self._options.stls is False else {"POP3S_STLS_PORT": str(self.stls_port)}
        return Environ(
            {
                "POP3S_HOST": self.host,
                "POP3S_PORT": str(self.port),
                "POP3S_USER": self.login.user,
                "POP3S_PASSWORD": self.login.password,
                "POP3S_CA_FILE": str(self.ca_file),
                "SSL_CERT_FILE": str(self.ca_file),
                **stls,
            }
        )

    # who may log in, and what they find

    @property
    def account(self) -> Account:
        """The first account."""
        return next(iter(self.accounts.values()))

    @property
    def maildrop(self) -> Maildrop:
        """The maildrop of the first account, once the server has done all that the client asked for."""
        self.settle()
        return self.account.maildrop

    @property
    def login(self) -> Login:
        """User and password of the first account."""
        return self.account.login

    def add_account(self, name: str, password: str, **keywords: Any) -> Maildrop:
        """Add an account, with the keywords of :class:`~pop3s_fake.Account`; returns its maildrop."""
        account = Account(name, password, **keywords)
        self.accounts.add(account)
        return account.maildrop

    # what happens

    def settle(self) -> None:
        """Wait until every connection has waited for input that had not come, has waited in a rule, or has ended.

        Reading the transcript does this by itself.  Bounded by a second of real time in which none of them does; then
        a :class:`~pop3s_fake.errors.Pop3sFakeError` names the connections and what they are doing.
        """
        self._house.settle(SETTLING)

    def wait_idle(self, timeout: float = 5.0) -> None:
        """Wait as :meth:`settle` does, with a bound of your own in seconds of real time."""
        self._house.settle(timeout)

    def wait_for(self, keyword: str, timeout: float = 5.0) -> None:
        """Wait until some session has sent this keyword, in whatever case.

        After ``timeout`` seconds of real time a :class:`~pop3s_fake.errors.Pop3sFakeError` says what came instead.
        """
        wanted = keyword.upper()

        def came() -> bool:
            return any(wanted in session.keywords for session in self.transcript.peek())

        if not self._house.wait_until(came, timeout):
            said = [word for session in self.transcript.peek() for word in session.keywords]
            raise Pop3sFakeError(
                f"no client sent {wanted} within {timeout:g} s; it sent {', '.join(said) or 'nothing'}"
            )

    @contextlib.contextmanager
    def outage(self, how: Outage = "refuse") -> Iterator[None]:
        """Be away: "refuse" connections, be "silent" (accept and say nothing), "reset" them, or let none be made.

        That is "backlog-full", on Linux only: the queue is filled, and no packet of a client's is answered.  Sessions
        that are open stay open; :meth:`disconnect_all` ends them.  Clients that still wait when such an outage, or a
        silent one, ends are served.
        """
        kinds = get_args(Outage)
        if how not in kinds:
            raise UsageError(f"unknown outage {how!r}{nearest(how, kinds)}")
        if not self._house.running:
            raise UsageError("a server that does not run cannot have an outage; start() it first")
        if how == "backlog-full":
            check_platform()
        before = self._house.outage(how)
        try:
            yield
        finally:
            self._house.outage(before)

    def disconnect_all(self, how: Literal["fin", "rst"] = "fin") -> None:
        """End all open sessions from the server's side, by FIN or by reset; nothing is deleted.

        A client on Python's ``ssl`` may see a reset as an end of the data: OpenSSL tells no difference there.
        """
        if how not in {"fin", "rst"}:
            raise UsageError(f"sessions cannot be disconnected by {how!r}{nearest(how, ('fin', 'rst'))}")
        self._house.disconnect(how)
        self.settle()

    # rules

    def on(self, when: str) -> Rule:
        """Make a rule: when it strikes; its methods say what it does and how often.

        >>> server = Pop3sServer()
        >>> server.on("RETR#2@512").wait(0.2).end("rst").times(1)
        Rule('RETR#2@512 -> wait 0.2, end rst; times=1')

        It must strike, or the verdict is an :class:`~pop3s_fake.UnmetRule`; ``.optional()`` frees it of that.
        Raises :class:`~pop3s_fake.UsageError` for a point that is none, with the nearest legal word.
        """
        return self.rules.add(Rule(when), where=caller())

    def heal(self) -> None:
        """Let no rule strike and no dialogue begin any more; whether those that had to did is still asked.

        What clients have asked for is answered first, under the rules, and who is gone leaves the maildrop: so the next
        login finds it free.  An outage that comes from ``case=`` ends.
        """
        self._house.rest()
        if self._case is not None and self._case.outage is not None:
            self._house.outage(None)
        self.rules.withdraw()
        self._dialogues.withdraw()

    def dialogue(self, *lines: str) -> None:
        """Let the next connection follow a conversation that is written here, in place of the protocol.

        ``"S: +OK ready"`` is said by the server, as it is, as UTF-8 and with CRLF; ``"C: USER *"`` must be said by the
        client, where ``*`` is any text, ``?`` one character, and the keyword may be in upper or lower case.  Behind the
        last line the server ends the connection.  TLS, transcript, autologout and rules are as ever, but nobody logs in
        and no maildrop is touched.  Of several dialogues, each connection that shakes hands takes one.

        When the client says something else, the server answers ``-ERR this is not in the dialogue`` and ends the
        connection; that, and a dialogue that was not begun or not followed to its end, is an
        :class:`~pop3s_fake.UnmetRule`.  Raises :class:`~pop3s_fake.UsageError` for a line that is none.

        >>> import poplib
        >>> with Pop3sServer() as server:
        ...     server.dialogue("S: +OK ready", "C: CAPA", "S: +OK", "S: X-ODD", "S: .", "C: QUIT", "S: +OK bye")
        ...     client = poplib.POP3_SSL(server.host, server.port, context=server.client_context())
        ...     client.capa(), client.quit()
        ({'X-ODD': []}, b'+OK bye')
        """
        self._dialogues.add(
            Dialogue(
                lines,
                where=caller(),
                shown=lambda line: without_secrets(line.encode("utf-8", "surrogateescape"), self.accounts),
            )
        )

    @contextlib.contextmanager
    def example(self) -> Iterator[Self]:
        """One example of a property test: as at the :meth:`baseline` before it, judged after it.

        >>> with Pop3sServer() as server:
        ...     for count in (1, 2):  # what Hypothesis would do
        ...         with server.example():
        ...             _ = server.maildrop.add(*["Subject: x"] * count)
        ...             assert len(server.maildrop) == count
        """
        forgotten = [*self.rules.forgettable(), *(["a dialogue"] if len(self._dialogues) else [])]
        if forgotten:
            raise UsageError(f"{forgotten[0]} would be forgotten when the example begins; make it inside the example")
        self.reset()
        try:
            yield self
        except BaseException as failure:
            self.annotate(failure, self.judge())
            raise
        self.check()

    # the verdict

    def judge(self) -> list[BaseException]:
        """Everything that went wrong so far, in order; told once, so the next call begins anew."""
        problems: list[BaseException] = []
        try:
            self.settle()
        except Pop3sFakeError as error:
            problems.append(error)
        unmet = [*self.rules.judge(), *self._dialogues.judge(), *self._unmet_case()]
        return [*self.taken(), *(self._without_secrets(problem) for problem in unmet), *problems]

    def _unmet_case(self) -> list[UnmetRule]:
        """The complaint about a case that is a certificate or a setting, and that nobody has seen; made once."""
        chosen = self._case
        if chosen is None or chosen.rules or chosen.outage or self._met:
            return []
        self._met = True
        if self.transcript.peek():
            return []
        from pop3s_fake.server.casing import never_met  # noqa: PLC0415  # only where there is a case

        return [never_met(chosen)]

    def _without_secrets(self, problem: Exception) -> Exception:
        """The same complaint fit to be shown: a rule may name a password, and a client may send one anywhere."""
        text = hidden(str(problem).encode("utf-8", "surrogateescape"), self.accounts.secrets())
        return type(problem)(text.decode("utf-8", "surrogateescape"))

    def check(self) -> None:
        """Raise what went wrong so far: the problem itself, or several as a :class:`~pop3s_fake.Pop3sFailure`."""
        raised = verdict(self.judge())
        if raised is not None:
            raise raised

    def annotate(self, failure: BaseException, problems: Sequence[BaseException], *, transcript: bool = True) -> None:
        """Note problems and the end of the transcript on an exception, so that its report tells them."""
        for problem in problems:
            failure.add_note(f"pop3s-fake: {type(problem).__name__}: {problem}")
            for note in getattr(problem, "__notes__", ()):
                failure.add_note(f"  {note}")
        if transcript and (story := self.story()):
            failure.add_note(f"pop3s-fake transcript:\n{story}")

    def story(self, lines: int = TRANSCRIPT_LINES) -> str:
        """The last lines of the transcript, without waiting; "" where nobody connected."""
        told = [line for session in self.transcript.peek() for line in session.lines()]
        cut = len(told) - lines
        heading = [self.transcript.heading] if told and self.transcript.heading else []
        return "\n".join(heading + ([f"... {cut} lines before", *told[cut:]] if cut > 0 else told))

    def taken(self) -> list[BaseException]:
        """The problems so far, which are then forgotten."""
        problems = list(self._problems)
        del self._problems[: len(problems)]  # a thread may have added one meanwhile
        return problems

    # between tests

    def baseline(self) -> None:
        """Remember accounts, maildrops, rules and names as they are now; :meth:`reset` goes back to it.

        Rules that are there at the baseline need not strike.  Before it is called, it is where the first :meth:`start`
        began.
        """
        self.rules.need_not_strike()
        self._remember()

    def _away(self) -> None:
        """Be away from the beginning, where the case is that."""
        if self._case is not None and self._case.outage is not None:
            self._house.outage(self._case.outage)

    def _remember(self) -> None:
        self._baseline = self.accounts.save(), self.rules.remember(), self._names

    def reset(self) -> None:
        """Be as at the :meth:`baseline`: open sessions are reset, transcript and problems forgotten."""
        self.disconnect_all("rst")
        self.transcript.clear()
        self.ledger.clear()
        self._past.forget()
        self._dialogues.clear()
        self.taken()
        if self._baseline is not None:  # it has run
            accounts, rules, names = self._baseline
            if names != self._names:
                self._certify(names)
            self.accounts.restore(accounts)
            self.rules.recall(rules)
            self._met = False
            if self._house.running:
                self._away()
