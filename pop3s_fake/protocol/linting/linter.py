"""The linter of one conversation: what happened, told in order, becomes the ids of requirements that were broken.

Knows which row rests on what; must not know octets on their way, the wording of a failure, or who is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol.lines import OVERLONG, Line
from pop3s_fake.protocol.linting import auth, credentials, orders
from pop3s_fake.protocol.linting.breach import Breach
from pop3s_fake.protocol.linting.exchange import SERVER_FIRST, Exchange
from pop3s_fake.protocol.linting.forms import broken, first_line
from pop3s_fake.protocol.linting.handshakes import FLAWS, OLD, offered
from pop3s_fake.protocol.linting.memory import LOGINS, Command, Memory, tags
from pop3s_fake.protocol.linting.past import Past
from pop3s_fake.protocol.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pop3s_fake.maildrop import Accounts

__all__ = ("WATCHED", "Linter")

WATCHED: Final = frozenset({b"CAPA", b"DELE", b"RSET", b"STAT", b"LIST", b"UIDL", b"STLS", b"UTF8"})
"""Keywords of which the linter is told also where all is well."""

_POSITIVE: Final = frozenset({b"+OK ", b"+OK\r"})
_ORDINARY: Final = frozenset({b"USER ", b"PASS "})
_VCHAR: Final = bytes(range(0x21, 0x7F))
_SHORT: Final = 200
"""Octets of a line that is surely short enough."""

_COUNTING: Final = frozenset({b"STAT", b"LIST", b"UIDL"})
_FETCHING: Final = frozenset({b"RETR", b"TOP"})
_ANSWERED_BY_MORE: Final = frozenset({b"RETR", b"TOP", b"CAPA"})


class Linter:
    r"""Is told what happens in a conversation, and gives what the client breaks by it.

    Of plain commands in good order it need not be told, unless they are in ``watched``.

    >>> from pop3s_fake.maildrop import Accounts
    >>> from pop3s_fake.protocol.states import State
    >>> linter = Linter(Accounts())
    >>> linter.greeted(b"-ERR busy\r\n")
    []
    >>> [breach.row for breach in linter.answered(b"USER ann", b"+OK\r\n", State.AUTHORIZATION)]
    ['C-1939-4.1']
    """

    __slots__ = ("_batch", "_calm", "_challenged", "_memory", "_messages", "_unread", "watched")

    def __init__(
        self,
        accounts: Accounts,
        *,
        offered: Callable[[], Sequence[str]] = tuple,
        messages: Callable[[], int | None] = lambda: None,
        past: Past | None = None,
        certificate: str = "good",
        secure: bool = False,
    ) -> None:
        """Begin; ``offered`` gives the capabilities that hold now, ``messages`` the highest message-number.

        ``past`` is shared by all conversations of a server.
        ``certificate`` is the id of the one that the server shows, ``secure`` whether nobody else reads what is said,
        which is so after a handshake anyway.
        """
        self._memory = Memory(accounts, offered, Past() if past is None else past)
        self._memory.secure = secure
        self._memory.flaw = FLAWS.get(certificate, "")
        self._messages = messages
        self._challenged = False
        self._batch = 0
        self._calm = False
        """Whether an ordinary login breaks nothing, and nothing hangs on it but what it says."""
        self._unread = b""
        """A USER or PASS of an ordinary login that was not looked at."""
        self.watched: set[bytes] = set(WATCHED)

    @property
    def responding(self) -> bool:
        """Whether the next line answers a challenge, and is no command."""
        return self._challenged

    # TLS

    def hello(self, versions: Sequence[str], alpn: Sequence[str], server_name: str | None) -> list[Breach]:
        """A ClientHello came."""
        return list(offered(versions, alpn, server_name))

    def secured(self, version: str | None, *, certified: bool = False, certificate: str | None = None) -> list[Breach]:
        """The handshake is done; what the client knew before it is forgotten (RFC 2595 section 4).

        ``certificate``: the one that was shown, where it was not the server's own.
        """
        memory = self._memory
        if certificate is not None:
            memory.flaw = FLAWS.get(certificate, "")
        memory.secure, memory.version, memory.certified = True, version, certified
        memory.before_tls, memory.listed = memory.listed, None
        memory.last = None
        memory.past.without_tls = False
        self._look()
        return [Breach("C-9325-3.1", f"a ClientHello, and {version} was agreed on")] if version in OLD else []

    def failed(self) -> None:
        """There was to be TLS, and there is none."""
        self._memory.past.without_tls = True

    def unsecured(self, began: str) -> list[Breach]:
        """Behind STLS came no ClientHello, but what begins like this."""
        return [Breach("C-2595-4.1", began)] if self._memory.trusts else []

    # ends

    def truncated(self) -> list[Breach]:
        """The client closed the connection, and TLS was not told."""
        return [Breach("C-8446-6.2", "the end of the connection, and no closure alert")] if self._memory.trusts else []

    def left(self) -> list[Breach]:
        """The client had closed the connection before QUIT was answered, by which mail was deleted."""
        return [Breach("C-1939-6.1", "QUIT and the end of the connection, before the answer")]

    # what is said

    def distrust(self) -> None:
        """The client heard something else than clean answers: what it does from now on may be right."""
        self._memory.trusts = self._calm = False

    def greeted(self, status: bytes | None, *, early: bool = False) -> list[Breach]:
        """The greeting went out, as this line or as something else; ``early``: octets had come before it."""
        memory = self._memory
        if status is None:
            memory.trusts = False
        else:
            memory.greeting = status
            memory.last = Command(b"", None, status, State.AUTHORIZATION)
        self._look()
        if not early:
            return []
        memory.trusts = self._calm = False  # it has not read what it answers
        return [Breach("C-1939-3.1", "octets before the greeting")]

    def unfinished(self, octets: bytes) -> list[Breach]:
        """A line without its CRLF, with a bare LF in it: what follows the LF may not have come yet."""
        row = None if self._challenged else broken(first_line(octets))
        return [] if row is None else [Breach(row)]

    def answered(
        self,
        line: Line,
        told: bytes | None,
        state: State,
        *,
        own: bytes | None = None,
        payload: bytes | None = None,
        batch: int = 0,
        pending: bool = False,
    ) -> list[Breach]:
        """A line was answered; gives what the client broke by it.

        ``told`` is the first line of the answer as it went out, None where more or less than one clean answer did;
        ``own`` the one that the session gave, where that is another.  ``state`` is the session's behind it, ``payload``
        what CAPA listed.  Lines of one ``batch`` came together; ``pending``: more had come before this one's answer.
        """
        if self._calm and not pending and line is not OVERLONG and told is not None and told[:4] in _POSITIVE:
            start = line[:5].upper()
            if start in _ORDINARY and len(line) <= _SHORT and line[5:] and not line[5:].translate(None, _VCHAR):
                self._unread = line
                return []
        if self._unread:
            self._read()
        found = self._looked_at(line, told, state, own, payload, batch, pending=pending)
        self._look()
        return found

    def _read(self) -> None:
        """Make up for what was not looked at."""
        memory, line = self._memory, self._unread
        self._unread = b""
        keyword, _, rest = line.partition(b" ")
        memory.last = Command(keyword.upper(), rest, b"+OK\r\n", State.AUTHORIZATION)
        memory.login = memory.last.keyword

    def _look(self) -> None:
        """See whether an ordinary login would break anything."""
        memory = self._memory
        last, listed = memory.last, memory.listed
        self._calm = (
            memory.trusts
            and not (self._challenged or memory.flaw or memory.rejected or memory.broke_down or memory.unproven)
            and not (memory.stls_refused or (memory.before_tls is not None and listed is None))
            and (memory.secure or not memory.past.without_tls)
            and memory.greeting.startswith(b"+OK")
            and (last is None or last.accepted)
            and (memory.secure if listed is None else "USER" in tags(listed))
        )

    def _looked_at(  # noqa: PLR0917  # what `answered` was told
        self,
        line: Line,
        told: bytes | None,
        state: State,
        own: bytes | None,
        payload: bytes | None,
        batch: int,
        *,
        pending: bool,
    ) -> list[Breach]:
        """What is no ordinary login."""
        blind = batch != 0 and batch == self._batch
        self._batch = batch if pending else 0
        keyword, space, rest = (b"", b"", b"") if line is OVERLONG else line.partition(b" ")
        command = Command(keyword.upper(), rest if space else None, told, state, line, blind, pending, own, payload)
        responds, self._challenged = self._challenged, command.challenged
        last = self._memory.last
        found = list(self._response(command) if responds else self._command(command))
        if told is None:  # what the client does from now on may be right
            self._challenged = True
            self._memory.trusts = False
            self._memory.exchange = None
        elif last is not None and last.odd:  # nobody knows what the client took that for
            self._memory.trusts = False
        return found

    def _command(self, command: Command) -> Iterator[Breach]:
        """A command, and what it breaks, by what was said before it and by itself."""
        memory, keyword, line = self._memory, command.keyword, command.line
        row = broken(line if line is OVERLONG else first_line(line))
        if row is not None:
            yield Breach(row)
        if line is OVERLONG:
            return
        if keyword in LOGINS and memory.flaw and memory.secure:
            yield Breach(memory.flaw)
        if memory.trusts:
            if command.pending:
                yield from self._behind(keyword)
            if not command.blind:
                memory.awaited.clear()
                yield from self._dependent(command)
            elif keyword == b"DELE" and command.number in memory.awaited:
                yield Breach("C-1939-5.DELE.3", "RETR, and DELE before the answer")
            if keyword == b"RETR" and command.pending and command.number is not None:
                memory.awaited.add(command.number)
        if keyword == b"AUTH" and command.rest:
            yield from self._begun(command)
        yield from self._remember(command)

    def _dependent(self, command: Command) -> Iterator[Breach]:
        """What it breaks by what the client was told."""
        memory, keyword = self._memory, command.keyword
        if memory.unproven and (command.only_after_login or keyword == b"CAPA"):
            yield Breach(memory.unproven)
        tables = [orders.ROWS.get(keyword, ()), credentials.ROWS.get(keyword, ())]
        if keyword == b"AUTH":
            tables.append(auth.ROWS)
        for table in tables:
            for row, breaks in table:
                if breaks(memory, command):
                    yield Breach(row)

    def _behind(self, keyword: bytes) -> Iterator[Breach]:
        """Octets had come behind a command before it was answered."""
        memory = self._memory
        memory.pipelined = True
        if keyword == b"STLS":
            yield Breach("C-2595-4.1", "octets behind STLS, before its answer")
        elif keyword in {b"AUTH", b"QUIT"}:
            yield Breach("C-2449-6.6.4", f"octets behind {keyword.decode()}, before its answer")
        elif "PIPELINING" not in memory.past.announced | tags(memory.offered()):
            yield Breach("C-2449-6.6.1", "octets behind a command, before its answer")

    # exchanges

    def _begun(self, command: Command) -> Iterator[Breach]:
        """AUTH with a mechanism: its initial response, and the exchange if there is one now."""
        memory = self._memory
        exchange = Exchange(command.mechanism.decode("latin-1"))
        if command.initial_response is not None and exchange.mechanism not in SERVER_FIRST:
            yield from exchange.answered(memory, command.initial_response, initial=True)
        memory.exchange = exchange if command.challenged else None

    def _response(self, command: Command) -> Iterator[Breach]:
        """A line of an exchange; of one that nobody here understands nothing is said."""
        memory, exchange, told = self._memory, self._memory.exchange, command.told
        if exchange is None or not memory.trusts:
            return
        if command.pending:
            yield from self._behind(b"AUTH")
        if command.line is not OVERLONG:
            yield from exchange.answered(memory, command.line)
        if told is None:
            return
        if command.challenged:
            exchange.told(told, command.own)
            return
        memory.exchange = memory.last = None
        yield from self._logged_in(command)
        if command.accepted:
            memory.unproven = exchange.unproven

    # memory

    def _remember(self, command: Command) -> Iterator[Breach]:
        """Keep what a later line may break something by."""
        memory, keyword, told = self._memory, command.keyword, command.told
        before, memory.last = memory.last, command
        if told is None:
            return
        if keyword in LOGINS:
            memory.login = command.mechanism
            if memory.exchange is not None:
                memory.exchange.told(told, command.own)
            elif keyword != b"USER":
                yield from self._logged_in(command, before)
                if command.accepted and keyword == b"AUTH":
                    memory.unproven = Exchange(command.mechanism.decode("latin-1")).unproven
        elif keyword == b"CAPA":
            self._listed(command)
        elif keyword == b"STLS":
            memory.stls_refused = command.refused and not memory.secure
        elif keyword == b"UTF8":
            memory.utf8 = memory.utf8 or command.accepted
        else:
            self._numbered(command)

    def _logged_in(self, command: Command, before: Command | None = None) -> Iterator[Breach]:
        """A login was tried, and answered; ``before`` stood in front of it, such as USER."""
        memory, told = self._memory, command.told or b""
        early = told.upper().startswith(b"-ERR [LOGIN-DELAY") and command.own is None
        if early and "LOGIN-DELAY" in tags(memory.listed or ()):
            yield Breach("C-2449-6.5")
        knows = "RESP-CODES" in tags(memory.listed or ())
        right = knows and told.upper().startswith((b"-ERR [IN-USE", b"-ERR [LOGIN-DELAY"))
        name = b"" if before is None else before.rest or b""
        memory.right = (memory.login, name, command.rest or b"") if right else ()
        memory.rejected = command.refused
        memory.broke_down = memory.login if told.upper().startswith(b"-ERR [SYS/") else b""

    def _listed(self, command: Command) -> None:
        """CAPA told the client what there is; a list that it got otherwise is none."""
        memory = self._memory
        memory.listed = None
        if command.accepted and command.payload is not None:
            memory.listed = tuple(command.payload.decode("latin-1").split("\r\n")[:-1])
            memory.past.announced |= tags(memory.listed)

    def _numbered(self, command: Command) -> None:
        """A command that is about messages."""
        memory, keyword, number = self._memory, command.keyword, command.number
        if keyword in _COUNTING:
            self.watched -= _COUNTING  # the first one is enough, and each costs time
            if command.rest is None and command.accepted:
                memory.counted, memory.messages = True, self._messages()
        elif keyword == b"RSET":
            memory.deleted.clear()
        elif keyword == b"DELE" and command.accepted and number is not None:
            memory.deleted.add(number)
        elif keyword in _FETCHING and number is not None:
            if command.accepted:
                memory.withheld.discard(number)
            elif command.refused and number not in memory.deleted:
                memory.withheld.add(number)
                self.watched |= _FETCHING
