"""The order of a probe: which connections are made, what is said on each, and what is kept of it.

Knows questions, pace and bounds; what carries them is handed in.  Must not know sockets, nor what is made of answers.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from pop3s_fake.probing import questions
from pop3s_fake.probing.hearing import Full, Ways
from pop3s_fake.probing.questions import Question
from pop3s_fake.probing.seen import Seen, Unreachable
from pop3s_fake.probing.standins import StandIns, named
from pop3s_fake.probing.wire import Flood

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pop3s_fake.probing.hearing import Open
    from pop3s_fake.probing.seen import Exchange
    from pop3s_fake.probing.wire import Sockets

__all__ = ("Wishes", "ask")

IN_A_ROW: Final = 4
"""Refusals behind which something is said that the server knows: some close behind many of them."""

SILENCES: Final = 3
"""Questions that may be left without an answer before the server is given up."""

MANY: Final = 5000
"""Messages of a maildrop that is too large to be listed."""


@dataclass(frozen=True)
class Wishes:
    """What may be asked."""

    user: str = ""
    """Whose maildrop it is; "": only what can be asked without a login."""
    password: str = ""
    failed_logins: int = 0
    """How many may be risked."""
    fetch: bool = False
    """Whether a message may be fetched with RETR."""
    connections: int = 40
    """How many may be made."""
    pause: float | None = None
    """Seconds between two; None: one, or behind a login what LOGIN-DELAY asks for."""
    linger: float = 0.0
    """Seconds behind a refusal in which the server may say more, or close."""


def ask(
    sockets: Sockets,
    wishes: Wishes,
    *,
    tell: Callable[[str], None],
    wait: Callable[[float], None],
    now: Callable[[], float],
) -> Seen:
    """Ask a server all that is wished; ``tell`` hears each line, ``wait`` holds for seconds, ``now`` is a clock.

    Raises :class:`Unreachable` where there is nothing to ask, or the login is refused.
    """
    asking = _Asking(sockets, wishes, tell, wait, now)
    try:
        asking.all()
    except (Full, Flood) as stop:
        tell(f"stopped: {stop}")
        asking.left_over(named(asking.stand_ins.replaced(str(stop), greeting=True)))
    finally:
        asking.ways.close()
    asking.seen.settle()
    return asking.seen


class _Asking:
    """A probe under way."""

    def __init__(
        self,
        sockets: Sockets,
        wishes: Wishes,
        tell: Callable[[str], None],
        wait: Callable[[float], None],
        now: Callable[[], float],
    ) -> None:
        self.wishes = wishes
        self.seen = Seen()
        self.stand_ins = StandIns(wishes.user, wishes.password, [sockets.place.host])
        self.ways = Ways(sockets, self.seen, self.stand_ins, wishes, tell=tell, wait=wait, now=now)
        self._silences = 0
        self._left: deque[tuple[str, Sequence[Question]]] = deque()

    def all(self) -> None:
        """Everything, the most telling first."""
        wishes = self.wishes
        parts: list[tuple[str, Callable[[], None], Iterable[Question]]] = [
            ("before the login", partial(self._converse, "before the login", questions.BEFORE), questions.BEFORE)
        ]
        if wishes.user:
            parts.append(("after it", self._after, questions.AFTER))
            parts.append(("TOP", partial(self._left_without_quit, "TOP", questions.HEADERS), questions.HEADERS))
            parts.append(("AUTH PLAIN", self._plain, (questions.PLAIN,)))
            parts.append(("two sessions at a time", self._two, ()))
        if self.ways.place.tls == "stls":
            parts.append(("in clear", self._in_clear, questions.IN_CLEAR))
        if self.ways.place.tls != "none":
            parts.append(("versions of TLS, and ALPN", self.ways.handshakes, ()))
        for number, refused in enumerate(questions.REFUSED[: wishes.failed_logins if wishes.user else 0], 1):
            parts.append((f"refused login {number}", partial(self._refused, number, refused), refused))
        if wishes.user and wishes.fetch:
            parts.append(("RETR", self._fetch, questions.FETCHING))
        self._left.extend((name, tuple(asked)) for name, _, asked in parts)
        for _, part, _ in parts:
            part()
            self._left.popleft()
        self._say_what_is_left()

    def left_over(self, why: str) -> None:
        """The rest is not asked."""
        self.seen.not_asked += [f"{name}, or the rest of it: {why}" for name, _ in self._left]
        self._say_what_is_left()

    def _say_what_is_left(self) -> None:
        """What this probe never asks, and what it was not let ask."""
        wishes, not_asked = self.wishes, self.seen.not_asked
        if not wishes.user:
            not_asked.append("all that comes behind a login: there was no --user")
        elif not wishes.fetch:
            not_asked.append("RETR, which some servers take for leave to remove a message: --fetch asks")
        if wishes.user and wishes.failed_logins < len(questions.REFUSED):
            left = len(questions.REFUSED) - wishes.failed_logins
            not_asked.append(f"{left} questions that may count as failed logins: --failed-logins asks them")
        if self.ways.place.tls == "implicit":
            not_asked.append("what there is in clear: a probe of the other port, with --stls, asks")
        not_asked += [
            "DELE, and all behind it: replies.DELE, says.deleted, replies.QUIT.says.deleting",
            "how long it waits for a command: before.idle, before.lasts, after.idle",
            "what a message looks like: storage.unfinished, storage.blank_line, storage.nul",
            "whether a name or a password may be typed otherwise: login.letters, login.password, login.between",
        ]

    # conversations

    def _after(self) -> None:
        self._converse("after it", questions.AFTER, login=True)

    def _left_without_quit(self, label: str, asked: Sequence[Question]) -> None:
        """Some servers remove at QUIT what was fetched, and some count TOP as that."""
        self._converse(label, asked, login=True, quits=False)

    def _converse(self, label: str, asked: Sequence[Question], *, login: bool = False, quits: bool = True) -> None:
        """Ask one after the other; a server that closes is asked the rest on another connection.

        What comes just before it closes, if anything does, may be the answer, or what it had to say behind the one
        before that and was late: the same question as the first of a new connection tells.
        """
        queue = deque(asked)
        line: Open | None = None
        suspect: Open | None = None
        usual: set[str] = set()
        in_a_row = 0
        while (question := self._next(queue)) is not None:
            fresh = line is None
            if line is None:
                line, in_a_row = self.ways.begin(label, login=login), 0
            exchange = line.ask(question)
            if suspect is not None:
                suspect.judge(exchange)
                suspect = None
            self._learn(question, exchange)
            line.keep(exchange)
            queue.popleft()
            in_a_row = in_a_row + 1 if exchange.came[:1] and exchange.came[0].startswith("-ERR") else 0
            if line.over():
                if not fresh and usual.isdisjoint(exchange.came[-1:]):
                    queue.appendleft(question)
                    suspect = line
                line = None
            elif question.last or line.lost or self._silent(exchange):
                line.close()
                line = None
            else:
                usual.update(exchange.came)
                if in_a_row == IN_A_ROW:
                    self._relieve(queue, line, login=login)
        if line is not None and quits:
            line.quit()
        elif line is not None:
            line.close()

    def _next(self, queue: deque[Question]) -> Question | None:
        """The first question that can be asked, as it then is; those before it are taken out."""
        while queue:
            question = self._fitting(queue[0])
            if question is not None:
                return question
            queue.popleft()
        return None

    def _relieve(self, queue: deque[Question], line: Open, *, login: bool) -> None:
        """Say something next that it knows."""
        if login:
            queue.appendleft(Question("NOOP"))
        elif (False, line.secure) in self.seen.capabilities:
            queue.appendleft(Question("CAPA", multi=True))

    def _plain(self) -> None:
        """The other way in."""
        secure = self.ways.place.tls != "none"
        announced = [line for line in self.seen.capabilities.get((False, secure), ()) if line.startswith("SASL ")]
        if not any("PLAIN" in line.split() for line in announced):
            self.seen.not_asked.append("AUTH PLAIN: it is not announced")
            return
        with self.ways.begin("AUTH PLAIN", later=True) as line:
            line.keep(line.ask(questions.PLAIN))
            line.quit()

    def _two(self) -> None:
        """A second session while there is a first."""
        with self.ways.begin("two sessions at a time, the first", login=True) as first:
            with self.ways.begin("two sessions at a time, the second", later=True) as second:
                second.talk.beside = True
                second.log_in()
                second.quit()
            first.quit()

    def _in_clear(self) -> None:
        with self.ways.begin("in clear", clear=True) as line:
            for question in questions.IN_CLEAR:
                if not line.ended:
                    exchange = line.ask(question)
                    self._learn(question, exchange)
                    line.keep(exchange)
            line.quit()

    def _refused(self, number: int, asked: Sequence[Question]) -> None:
        """What may count as a failed login."""
        fitting = [question for question in map(self._fitting, asked) if question is not None]
        if not fitting:
            self.seen.not_asked.append(f"{asked[0].said}: PLAIN is not announced")
            return
        with self.ways.begin(f"refused login {number}", later=True) as line:
            for question in fitting:
                if not line.ended:
                    exchange = line.ask(question)
                    line.keep(exchange)
                    if not exchange.came or exchange.came[0].startswith("-ERR"):
                        break
            line.quit()

    def _fetch(self) -> None:
        """RETR, where nothing says that it removes."""
        if any(line.upper().startswith("EXPIRE 0") for lines in self.seen.capabilities.values() for line in lines):
            self.seen.not_asked.append("RETR of a message: it announces EXPIRE 0, which removes what was fetched")
            return
        self._left_without_quit("RETR", questions.FETCHING)

    # what is kept

    def _fitting(self, question: Question) -> Question | None:
        """The question with its numbers; None where it cannot be asked."""
        held = self.ways.held
        short, beyond = held.short, held.beyond
        why = ""
        if question.needs == "messages" and short is None:
            why = "it has no message of less than a mebioctet" if held.known else "there is no mail, or none was listed"
        elif "{beyond}" in question.said and beyond is None:
            why = "STAT does not say how many messages there are, so that a number may be one's"
        elif question.said in {"LIST", "UIDL"} and (held.count or 0) > MANY:
            why = f"it has more than {MANY} messages"
        if why:
            self._leave_out(f"{question.said.replace('{one}', '1').replace('{beyond}', '999')}: {why}")
            return None
        if question.needs not in {"", "messages"}:
            lines = [line.split(" ") for lines in self.seen.capabilities.values() for line in lines]
            if not any(words[0] == question.needs and (words[0] != "SASL" or "PLAIN" in words) for words in lines):
                return None
        return replace(question, said=question.said.replace("{one}", str(short)).replace("{beyond}", str(beyond)))

    def _leave_out(self, entry: str) -> None:
        """Say once what was not asked, and why."""
        if entry not in self.seen.not_asked:
            self.seen.not_asked.append(entry)

    def _learn(self, question: Question, exchange: Exchange) -> None:
        """What later questions depend on."""
        if question.said == "STAT" and self.seen.logged_in and exchange.came:
            self.ways.held.counted(exchange.came[0])

    def _silent(self, exchange: Exchange) -> bool:
        """Whether nothing came; a server that says nothing again and again is not asked any more.

        A blank line is no question to many.
        """
        if exchange.came or exchange.ended:
            return False
        self._silences += bool(exchange.said.strip())
        if self._silences == SILENCES:
            heard = any(each.came for each in self.seen.exchanges())
            raise (Full if heard else Unreachable)(
                f"{self.ways.place} has left {SILENCES} questions without an answer for "
                f"{self.ways.place.timeout:g} s each; is it busy? --timeout lets it have more time"
            )
        return True
