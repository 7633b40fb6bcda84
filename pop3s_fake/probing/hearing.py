"""One connection of a probe in words: greeting, TLS, login, questions, QUIT; and how many there may be, and when.

Knows how a conversation begins and ends, and which answers have more lines; must not know which questions there are,
nor sockets.  All that it keeps went through :class:`~pop3s_fake.probing.standins.StandIns`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from pop3s_fake.probing.holdings import Holdings, number_in
from pop3s_fake.probing.ids import form_of
from pop3s_fake.probing.questions import Question
from pop3s_fake.probing.seen import Exchange, Talk, Unreachable
from pop3s_fake.probing.standins import named
from pop3s_fake.probing.wire import VERSIONS, Flood, Offer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from pop3s_fake.probing.asking import Wishes
    from pop3s_fake.probing.seen import Seen
    from pop3s_fake.probing.standins import StandIns
    from pop3s_fake.probing.wire import Line, Place, Sockets

__all__ = ("Full", "Open", "Ways", "shown")

PAUSE: Final = 1.0
"""Seconds between two connections, unless told otherwise."""

LONGEST_DELAY: Final = 60.0
"""Seconds of an announced LOGIN-DELAY that are kept."""

WIDE: Final = 100
"""Characters of a line that is shown."""


class Full(Exception):  # noqa: N818  # it is a way out, and not an error
    """No more connections; the text says why."""


class Ways:
    """Makes connections, as many as there may be."""

    def __init__(
        self,
        sockets: Sockets,
        seen: Seen,
        stand_ins: StandIns,
        wishes: Wishes,
        *,
        tell: Callable[[str], None],
        wait: Callable[[float], None],
        now: Callable[[], float],
    ) -> None:
        self.sockets: Sockets = sockets
        self.seen: Seen = seen
        self.stand_ins: StandIns = stand_ins
        self.wishes: Wishes = wishes
        self.place: Place = sockets.place
        self.tell: Callable[[str], None] = tell
        self.now: Callable[[], float] = now
        self.held: Holdings = Holdings()
        """What the maildrop has in it."""
        self._wait = wait
        self._lines: list[Line] = []
        self._made = 0
        self._logins = 0

    def begin(
        self, label: str, *, login: bool = False, later: bool = False, clear: bool = False, offer: Offer | None = None
    ) -> Open:
        """A connection that was greeted, with TLS unless it is to be ``clear``, and somebody logged in if wished.

        Where a login is tried ``later`` on it, the server's delay between logins is kept, too.
        """
        self._pace(login=login or later)
        self.tell(f"connection {self._made}, {label}")
        try:
            line = self.sockets.open()
        except Unreachable as error:
            raise self._full(error) from None
        self._lines.append(line)
        opened = Open(self, line, label)
        try:
            opened.greeted(clear=clear, offer=offer or Offer())
            if login:
                opened.log_in()
        except (Unreachable, Flood) as error:
            if offer is not None:
                raise
            raise self._full(error) from None
        self.seen.talks.append(opened.talk)
        return opened

    def close(self) -> None:
        """Let go of all connections, whatever has become of them."""
        for line in self._lines:
            line.close()

    def _full(self, error: Exception) -> Exception:
        """What a trouble is: the end of all where it is the first connection or the first login, else of the rest."""
        if not self.seen.talks or (self._logins == 1 and not self.seen.logged_in):
            return Unreachable(str(error))
        return Full(named(self.stand_ins.replaced(str(error), greeting=True)))

    def _pace(self, *, login: bool) -> None:
        """Wait before the next connection, and count it."""
        wishes = self.wishes
        if self._made == wishes.connections:
            raise Full(f"the {self._made} connections that may be made were made")
        pause = PAUSE if wishes.pause is None else wishes.pause
        if login and self._logins and wishes.pause is None:
            pause = max(pause, min(self._login_delay(), LONGEST_DELAY))
        if self._made and pause:
            self._wait(pause)
        self._made += 1
        self._logins += login

    def _login_delay(self) -> float:
        """Seconds that the server wants between logins."""
        words = [line.upper().split() for lines in self.seen.capabilities.values() for line in lines]
        delays = [number_in(each[1]) for each in words if each[:1] == ["LOGIN-DELAY"] and len(each) > 1]
        return max((float(each or 0) for each in delays), default=0.0)

    def handshakes(self) -> None:
        """Which versions of TLS it speaks, and whether it minds an ALPN that is not POP3's."""
        for version in VERSIONS:
            self.seen.versions[version] = self._comes_through(f"TLS {version} alone", Offer(version=version))
        self.seen.alpn_ignored = self._comes_through("ALPN http/1.1", Offer(alpn="http/1.1"))

    def _comes_through(self, label: str, offer: Offer) -> bool:
        try:
            with self.begin(label, offer=offer) as line:
                line.quit()
        except (Unreachable, Flood) as error:
            self.tell(f"  {error}")
            return False
        return True


class Open:
    """A connection under way."""

    def __init__(self, ways: Ways, line: Line, label: str) -> None:
        self._ways, self._line = ways, line
        self.talk: Talk = Talk(label, secure=False, greeting="")
        self._after = False
        self._lost = False
        self._one_line = False
        """Whether the last answer was a positive one of one line, behind which a server may list all the same."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def secure(self) -> bool:
        """Whether there is TLS."""
        return self._line.secure

    @property
    def ended(self) -> bool:
        """Whether the server has closed."""
        return bool(self._line.ended)

    @property
    def lost(self) -> bool:
        """Whether nobody knows any more which line answers what."""
        return self._lost

    def close(self) -> None:
        """Leave without a word."""
        self._line.close()

    # how it begins

    def greeted(self, *, clear: bool, offer: Offer) -> None:
        """Take the greeting, with TLS before it or behind it."""
        place = self._ways.place
        if place.tls == "implicit":
            self._ways.sockets.shake(self._line, offer)
        self.talk.greeting = self._greeting()
        if place.tls == "stls" and not clear:
            answer = self.ask(Question("STLS"))
            if not answer.came or not answer.came[0].startswith("+OK"):
                raise Unreachable(
                    f"{place} has no TLS by STLS: {self._told(answer)}; no password was sent: "
                    "leave --stls out where TLS comes first, as on port 995"
                )
            self.keep(answer)
            self._ways.sockets.shake(self._line, offer)
        self.talk.secure = self.secure and place.tls == "implicit"

    def _greeting(self) -> str:
        place = self._ways.place
        octets = self._line.line()
        if octets is None and self.ended:
            raise Unreachable(f"{place} closes the connection before it says anything")
        if octets is None:
            raise Unreachable(
                f"{place} says nothing within {place.timeout:g} s; where TLS comes first, as on port 995, "
                "leave --stls and --clear out"
            )
        raw = octets.decode("latin-1")
        kept = self._ways.stand_ins.replaced(raw, greeting=True)
        self._ways.tell(f"  S  {shown(kept)}")
        if raw.startswith("-ERR"):
            raise Unreachable(f"{place} turns clients away: {shown(raw)!r}")
        if not raw.startswith("+OK"):
            raise Unreachable(f"{place} speaks no POP3: it begins with {shown(raw)!r}")
        return kept

    def log_in(self) -> None:
        """USER and PASS; Unreachable where they are refused, unless another session has the maildrop."""
        for question in (Question("USER {user}"), Question("PASS {password}")):
            exchange = self.ask(question)
            self.keep(exchange)
            if not exchange.came or not exchange.came[0].startswith("+OK"):
                if self.talk.beside:
                    return
                place = self._ways.place
                raise Unreachable(
                    f"{place} refuses the login of --user: {self._told(exchange)}; it was not tried again"
                )
        self._after = True
        self._ways.seen.logged_in = True
        self._ways.seen.ambiguous = self._ways.stand_ins.ambiguous

    def _told(self, exchange: Exchange) -> str:
        if exchange.came:
            return repr(shown(exchange.came[0]))
        return "it closes the connection" if exchange.ended else f"nothing comes within {self._ways.place.timeout:g} s"

    # what is said

    def ask(self, question: Question) -> Exchange:
        """Say it, and take what comes."""
        ways = self._ways
        ways.tell(f"  C  {shown(_masked(question.said, ways.stand_ins.user))}")
        began = ways.now()
        self._line.say(ways.stand_ins.wire(question.said) + b"\r\n")
        came: list[str] = []
        lines: tuple[str, ...] | None = None
        seconds = 0.0
        most = question.said.count("\n") + 1 if question.batch else 1
        while len(came) < most:
            octets = self._answer(first=not came)
            if octets is None:
                break
            seconds = seconds or ways.now() - began
            raw = octets.decode("latin-1")
            listing, telling = question.said.startswith("UIDL"), "{" in question.said
            came.append(ways.stand_ins.replaced(raw, listing=listing, telling=telling))
            if question.multi and raw.startswith("+OK"):
                lines = self._payload(question)
            ways.tell(f"  S  {shown(came[-1])}" + (f"   [{len(lines)} lines]" if lines is not None else ""))
            if len(came) > 1 and raw.startswith("-ERR"):
                break
        if came and came[-1].startswith("-ERR"):
            self._line.linger(ways.wishes.linger)
        if not came:
            ways.tell("  S  closes" if self.ended else f"     nothing in {ways.place.timeout:g} s")
        self._one_line = lines is None and came[-1:] != [] and came[-1].startswith("+OK")
        kept = lines if question.said in {"CAPA", "AUTH"} else None
        return Exchange(ways.stand_ins.record(question.said) + b"\r\n", tuple(came), "", self.ended, seconds, kept)

    def _answer(self, *, first: bool) -> bytes | None:
        """The next line that answers; one that does not begin so is an answer only where none was before."""
        octets = self._line.line()
        if octets is None or _answers(octets) or (first and not self._one_line):
            return octets
        self._forget([octets])
        octets = None if self._lost else self._line.line()
        self._lost |= octets is not None and not _answers(octets)
        return None if self._lost else octets

    def _forget(self, lines: list[bytes]) -> list[bytes]:
        """Let go of a listing that nobody asked for; gives what came behind its end."""
        if b"." in lines:
            return lines[lines.index(b".") + 1 :]
        self._lost |= self._line.payload() is None
        return []

    def _payload(self, question: Question) -> tuple[str, ...]:
        """The other lines of an answer; of mail, nothing but how many there are."""
        ways = self._ways
        payload = self._line.payload()
        self._lost |= payload is None
        lines = [line.decode("latin-1") for line in payload or ()]
        if question.said == "LIST":
            ways.seen.sizes = ways.held.listed(lines)
        elif question.said == "UIDL":
            ways.held.named(lines)
            uids = [line.strip().partition(" ")[2].strip() for line in lines]
            ways.stand_ins.know_uids(uids)
            ways.seen.unique_id = form_of(uids)
        elif question.said == "CAPA":
            told = tuple(map(ways.stand_ins.replaced, lines))
            ways.seen.capabilities.setdefault((self._after, self.secure), told)
            return told
        elif question.said == "AUTH":
            return tuple(map(ways.stand_ins.replaced, lines))
        return ("",) * len(lines)

    def keep(self, exchange: Exchange) -> None:
        """This was an exchange of this connection."""
        self.talk.exchanges.append(exchange)

    def over(self) -> bool:
        """Whether the server has closed behind the last exchange, which then says so."""
        waiting = self._line.waiting()
        if waiting and self._one_line and not _answers(waiting[0]):
            waiting = self._forget(waiting)
        waiting = [line for line in waiting if _answers(line)]
        if waiting or self.ended:
            self._behind(tuple(self._ways.stand_ins.replaced(line.decode("latin-1")) for line in waiting))
        return self.ended

    def judge(self, again: Exchange) -> None:
        """It had closed behind the last exchange, or behind the one before that: ``again`` is the last, asked anew."""
        last = self.talk.exchanges[-1]
        same = again.came[: len(last.came)] == last.came  # of several answers it may have given the first alone
        if not same or not (last.came or again.ended):
            self._late()

    def _late(self) -> None:
        """What came last came behind the exchange before that."""
        last = self.talk.exchanges.pop()
        self._behind(last.came)

    def _behind(self, came: tuple[str, ...]) -> None:
        last = self.talk.exchanges[-1]
        self.talk.exchanges[-1] = replace(last, tail=came[0] if came else last.tail, ended=self.ended)

    def quit(self) -> None:
        """QUIT, and see how it ends."""
        with self:
            if self._lost or self.over() or self._lost:
                return
            exchange = self.ask(Question("QUIT"))
            self.keep(exchange)
            if self.ended and not exchange.came and len(self.talk.exchanges) > 1:
                self._late()
                return
            if not self.ended:
                self._line.line()
            self.talk.exchanges[-1] = replace(exchange, ended=self.ended)
            self.talk.end = self._line.ended


def _answers(line: bytes) -> bool:
    """Whether it begins as an answer does (RFC 1939 §3, RFC 5034 §4)."""
    return line.startswith((b"+", b"-ERR"))


def _masked(said: str, user: str) -> str:
    """A question as it may be shown."""
    for secret in ("{password}", "{plain}", "{wrong}"):
        said = said.replace(secret, "****")
    return said.replace("{user}", user)


def shown(text: str) -> str:
    r"""A line as it may be printed: with words in place of stand-ins, and octets of UTF-8 read as such.

    >>> print(shown("NOOP\0"), shown("X" * 200)[-20:], shown("user-x7, pr\xc3\xb6be"))
    NOOP\x00 XXXX... (200 octets) {user}, pröbe
    """
    octets, text = len(text), named(text)
    with suppress(UnicodeError):
        text = text.encode("latin-1").decode()
    printable = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text[:WIDE])
    return f"{printable[:40]}... ({octets} octets)" if octets > WIDE else printable
