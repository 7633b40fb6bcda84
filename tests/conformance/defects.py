"""The defect of each row, as data: what has to be wrong with the server for exactly that row's check to fail.

Knows the rows by their ids; how a defect is planted stands in ``planting``.  ``overlaps.toml`` says which other rows a
defect breaks, and why.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pop3s_fake.connection import Send, connection
from pop3s_fake.protocol.replies import Err, Reply
from pop3s_fake.protocol.session import Session
from pop3s_fake.protocol.states import State
from tests.conformance.planting import GREETING, OVERLONG, Defect, hears, says, twisted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conformance.planting import Go, Twist

__all__ = ("DEFECTS",)

NO = b"-ERR no\r\n"
YES = b"+OK\r\n"
NOT_ALL = b"-ERR [SYS/TEMP]"


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Say one thing for another."""
    return lambda octets: octets.replace(old, new)


def where(part: bytes, change: Callable[[bytes], bytes] | bytes) -> Callable[[bytes], bytes]:
    """Change only what holds this."""
    return lambda octets: octets if part not in octets else change if isinstance(change, bytes) else change(octets)


def capa(change: Callable[[bytes], bytes]) -> Defect:
    """Another list of capabilities, in both states."""
    return says(b"CAPA", where(b"+OK", change))


def capa_in(state: State, change: Callable[[bytes], bytes]) -> Defect:
    """Another list in one state."""

    def twist(session: Any, line: bytes, go: Go) -> Reply:
        reply = go(line)
        return Reply(change(reply.octets())) if line == b"CAPA" and session.state is state else reply

    return twisted(twist)


def added(capability: bytes) -> Callable[[bytes], bytes]:
    """One capability more."""
    return lambda octets: octets.removesuffix(b".\r\n") + capability + b"\r\n.\r\n"


def dropped(tag: bytes) -> Callable[[bytes], bytes]:
    """One capability less."""
    return lambda octets: re.sub(rb"\r\n" + tag + rb"\b[^\r]*", b"", octets)


def in_state(state: State, line: bytes, answer: bytes) -> Defect:
    """Answer a line so in this state."""

    def twist(session: Any, heard: bytes, go: Go) -> Reply:
        fits = heard == line and session.state is state
        reply = go(heard)
        return Reply(answer, closes=reply.closes) if fits else reply

    return twisted(twist)


def after(done: Callable[[Any, bytes, Reply], object]) -> Defect:
    """Do something behind a reply, which stays as it is."""

    def twist(session: Any, line: bytes, go: Go) -> Reply:
        reply = go(line)
        done(session, line, reply)
        return reply

    return twisted(twist)


def account(session: Any) -> Any:
    """Whose checks' mail it is."""
    return session._accounts["mrose"]


def removes_at_once(session: Any, line: bytes, reply: Reply) -> None:
    """DELE that does not wait for QUIT."""
    if line == b"DELE 1" and reply.positive:
        account(session).maildrop.remove(session.maildrop.uid(2) and account(session).maildrop.uids[0])


def locks(session: Any, line: bytes, reply: Reply) -> None:
    """A refused password that leaves the maildrop locked."""
    if line.startswith(b"PASS bad") and not reply.positive and account(session).maildrop.in_use_by is None:
        account(session).open(object())


def locks_at_the_end(session: Any, _: bytes, reply: Reply) -> None:
    """A failed UPDATE that leaves the maildrop locked."""
    if reply.status.startswith(NOT_ALL):
        account(session).open(object())


def keeps_nothing(session: Any, _: bytes, reply: Reply) -> None:
    """A failed UPDATE after which the marked messages are gone nevertheless."""
    if reply.status.startswith(NOT_ALL):
        account(session).maildrop.remove(account(session).maildrop.uids[0])


def takes_others(session: Any, _: bytes, reply: Reply) -> None:
    """A failed UPDATE that removes what was not marked."""
    if reply.status.startswith(NOT_ALL) and len(session.removed) == 0:
        account(session).maildrop.remove(account(session).maildrop.uids[-1])


def marks_too_much(session: Any, line: bytes, go: Go) -> Reply:
    """QUIT that removes what follows a marked message, too."""
    if line == b"QUIT" and session.maildrop is not None and session.maildrop.is_marked(1):
        session.maildrop.mark(2)
    return go(line)


def unmarks(session: Any, line: bytes, go: Go) -> Reply:
    """NOOP that is RSET."""
    if line == b"NOOP" and session.maildrop is not None:
        session.maildrop.unmark_all()
    return go(line)


def quits_late(session: Any, line: bytes, go: Go) -> Reply:
    """QUIT that answers and forgets the rest."""
    if line == b"QUIT" and session.maildrop is not None:
        return Reply(YES, closes=True)
    return go(line)


def grudges(after: bytes = b"PASS") -> Twist:
    """A session in which a login failed takes no name any more."""
    failed = set()

    def twist(session: Any, line: bytes, go: Go) -> Reply:
        if line.startswith(b"USER") and id(session) in failed:
            return Err("not you again")
        reply = go(line)
        if line.startswith(after) and reply.status.startswith(b"-ERR"):
            failed.add(id(session))
        return reply

    return twist


def forgets(line: bytes, times: int, answer: Callable[[bytes], bytes]) -> Defect:
    """From a certain time on this line is answered otherwise."""

    def twists() -> Twist:
        counts: dict[int, int] = {}

        def twist(session: Any, heard: bytes, go: Go) -> Reply:
            reply = go(heard)
            if heard != line:
                return reply
            counts[id(session)] = counts.get(id(session), 0) + 1
            return reply if counts[id(session)] < times else Reply(answer(reply.octets()))

        return twist

    return Defect(twist=twists)


def renamed() -> Twist:
    """Unique-ids that hold for one session."""
    logins = []

    def twist(session: Any, line: bytes, go: Go) -> Reply:
        reply = go(line)
        if line.startswith(b"PASS") and reply.positive:
            logins.append(session)
        if line != b"UIDL" or not reply.positive:
            return reply
        return Reply(re.sub(rb"(?m)^(\d+) ", rb"\1 %d-" % len(logins), reply.octets()))

    return twist


def commits(session: Any) -> None:
    """An end without QUIT that removes what was marked."""
    if session.maildrop is not None and session.state is State.TRANSACTION:
        session.maildrop.update()
    _close(session)


def keeps_lock(session: Any) -> None:
    """An end without QUIT that leaves the maildrop locked."""
    if session.state is not State.TRANSACTION:
        _close(session)


def complains(self: Any, gone: Any) -> Iterator[Any]:
    """An autologout that says so."""
    if gone.ended == "autologout":
        yield Send(self._link.seal(b"-ERR too slow\r\n"))
    yield from _leave(self, gone)


class FromTheStart(float):
    """A timer that no command starts anew."""

    first: float | None = None

    def __radd__(self, time: float) -> float:
        """From the first time on."""
        if self.first is None or time < self.first:
            self.first = time
        return self.first + float(self)


_close = Session.close
_leave = connection.Connection._leave


def silent(_: Any, line: bytes, go: Go) -> Reply:
    """No greeting."""
    return Reply(b" ") if line == GREETING else go(line)


def apop_after_user(session: Any, line: bytes, go: Go) -> Reply:
    """APOP whenever it pleases."""
    if line.startswith(b"APOP"):
        session._name = None
    return go(line)


def same_stamp(octets: bytes) -> bytes:
    """From some connection on all have the same timestamp."""
    return re.sub(rb"<(9\d|1\d\d)\..*>", b"<1.2@localhost>", octets)


def says_in_use(session: Any, line: bytes, go: Go) -> Reply:
    """A wrong password that learns whether somebody is there."""
    reply = go(line)
    if line == b"PASS bad" and account(session).maildrop.in_use_by is not None:
        return Err("somebody is there", code="IN-USE")
    return reply


def refuses_nothing_marked(session: Any, line: bytes, go: Go) -> Reply:
    """RSET that wants something to do."""
    if line == b"RSET" and session.maildrop is not None and not list(session.maildrop.marked_uids()):
        return Err("nothing is marked")
    return go(line)


def long_echo(_: Any, line: bytes, go: Go) -> Reply:
    """A refusal that repeats what it refuses."""
    return Reply(b"-ERR " + 3 * line + b"\r\n") if line.startswith(b"RETR 9999") else go(line)


def of_length(octets: Callable[[int], bool]) -> Defect:
    """Lines of some lengths are refused."""
    return twisted(lambda _, line, go: Err("too long") if line[:4] == b"USER" and octets(len(line)) else go(line))


def capa_between(session: Any, line: bytes, go: Go) -> Reply:
    """CAPA that does not come between USER and PASS."""
    return Err("not now") if line == b"CAPA" and session._name is not None else go(line)


LONGEST = bytes(range(0x21, 0x7F))[:70]

DEFECTS: Final[dict[str, Defect]] = {
    "1939-3.1": says(b"RSET", swap(b"+OK", b"+ok")),
    "1939-3.2": says(b"UIDL 1", swap(b"\r\n", b"\n\r\n")),
    "1939-3.3": hears(lambda line: b"?" + line if line == b"noop" else line),
    "1939-3.4": hears(lambda line: line.replace(b"LIST  ", b"LIST ")),
    "1939-3.5": twisted(long_echo),
    "1939-3.6": says(b"XTND x", YES),
    "1939-3.7": in_state(State.AUTHORIZATION, b"NOOP", YES),
    "1939-3.8": says(b"TOP 1 1", lambda octets: octets + b"\r\n"),
    "1939-3.9": says(b"RETR 2", swap(b"..x", b".x")),
    "1939-3.10": says(b"RETR 1", swap(b"\r\n..first", b"\r\n.first")),
    "1939-3.11": says(b"UIDL 99", lambda octets: octets + b".\r\n"),
    "1939-3.12": Defect(patches=[(Session, "patience", 590.0)]),
    "1939-3.13": Defect(patches=[(Session, "patience", FromTheStart(600))]),
    "1939-3.14": Defect(patches=[(connection.Connection, "_leave", complains)]),
    "1939-3.15": twisted(silent),
    "1939-3.16": hears(lambda line: b"STAT" if line == b"STATS" else line),
    "1939-3.17": hears(lambda line: b"NOOP" if line == b"NOOP\rNOOP" else line),
    "2449-3.1": hears(lambda line: line.replace(b"\x7f", b"")),
    "2449-3.2": says(b"LIST 9", b"-ERR: no\r\n"),
    "2449-3.3": says(b"TOP 9 0", b"-ERR [no such message\r\n"),
    "2449-4.1": of_length(lambda octets: octets == 253),
    "2449-4.2": of_length(lambda octets: octets > 600),
    "2449-4.3": says(OVERLONG, lambda octets: 2 * octets),
    "1939-4.1": says(GREETING, swap(b"+OK ", b"+OK\t")),
    "1939-4.2": twisted(
        lambda _, line, go: (
            Reply(re.sub(rb" <.*>|\r\n(USER|SASL)\b[^\r]*", b"", go(line).octets()))
            if line in {GREETING, b"CAPA"}
            else go(line)
        )
    ),
    "1939-4.3": after(
        lambda session, line, reply: session.maildrop.mark(1) if line.startswith(b"PASS") and reply.positive else None
    ),
    "1939-4.4": Defect(options={"exclusive": False}),
    "1939-4.5": Defect(rules=['PASS!before -> reply "-ERR [IN-USE] still locked"; skip=1']),
    "1939-4.6": Defect(twist=grudges),
    "1939-4.7": says(b"LIST", swap(b"\r\n10 ", b"\r\na ")),
    "1939-4.8": says(b"LIST 3", where(b"-ERR no such", b"+OK 3 19\r\n")),
    "1939-4.9": in_state(State.AUTHORIZATION, b"QUIT", NO),
    "1939-4.10": Defect(patches=[(Session, "close", keeps_lock)]),
    "1939-7.USER.1": says(b"USER", YES),
    "1939-7.USER.2": says(b"USER nobody", NO),
    "1939-7.USER.3": hears(lambda line: line.replace(b"MROSE", b"mrose")),
    "1939-7.PASS.1": says(b"PASS tanstaaf", where(b"comes immediately", YES)),
    "1939-7.PASS.2": hears(lambda line: b"PASS " + line[5:].strip() if line.startswith(b"PASS ") else line),
    "1939-7.PASS.3": after(locks),
    "1939-7.APOP.1": says(b"APOP nobody 00*", b"-ERR unknown command\r\n"),
    "1939-7.APOP.2": says(GREETING, swap(b"\r\n", b" <odd>\r\n")),
    "1939-7.APOP.3": says(GREETING, same_stamp),
    "1939-7.APOP.4": says(b"APOP ann *", NO),
    "1939-7.APOP.5": twisted(
        lambda _, line, go: Reply(YES) if line.startswith(b"APOP nobody") and b"000000" not in line else go(line)
    ),
    "1939-7.APOP.6": hears(lambda line: line.lower().replace(b"apop", b"APOP") if line[:5] == b"APOP " else line),
    "1939-7.APOP.7": twisted(apop_after_user),
    "1939-13.2": says(b"USER nobody", b"+OK who is that?\r\n"),
    "1939-5.STAT.1": says(b"STAT", swap(b" 320", b"  320")),
    "1939-5.STAT.2": says(b"STAT", swap(b" 320", b" 320 octets")),
    "1939-5.STAT.3": says(b"STAT", swap(b"+OK 0 0", b"+OK 2 320")),
    "1939-5.LIST.1": says(b"LIST", swap(b"1 120\r\n", b"1  120\r\n")),
    "1939-5.LIST.2": says(b"LIST 2", where(b"+OK 2 200", lambda octets: octets + b".\r\n")),
    "1939-5.LIST.3": says(b"LIST", lambda octets: octets if octets.count(b"\r\n") != 2 else NO),
    "1939-5.LIST.4": says(b"LIST 2", where(b"-ERR", b"+OK 2 200\r\n")),
    "1939-5.LIST.5": says(
        b"LIST", lambda octets: octets if b"2 35" in octets else octets.replace(b"\n3 200", b"\n2 200")
    ),
    "1939-5.LIST.6": says(b"LIST", swap(b" 35\r\n", b" 38\r\n")),
    "1939-5.LIST.7": says(b"LIST 2", swap(b"2 200\r\n", b"2 200 octets\r\n")),
    "1939-5.RETR.1": says(b"RETR 1", swap(b"xx\r\n", b"xz\r\n")),
    "1939-5.RETR.2": says(b"RETR 0", b"+OK\r\n.\r\n"),
    "1939-5.RETR.3": says(b"RETR 1", swap(b"last\r\n.\r\n", b"last.\r\n")),
    "1939-5.RETR.4": says(
        b"RETR 2", lambda octets: octets if octets.count(b"\r\n") != 2 else octets[:-3] + b"\r\n.\r\n"
    ),
    "1939-5.RETR.5": forgets(b"RETR 2", 3, swap(b"Subject", b"SUBJECT")),
    "1939-5.DELE.1": after(removes_at_once),
    "1939-5.DELE.2": says(b"LIST 1", where(b"-ERR", b"+OK 1 120\r\n")),
    "1939-5.DELE.3": says(b"DELE 99", YES),
    "1939-5.NOOP.1": twisted(unmarks),
    "1939-5.RSET.1": twisted(refuses_nothing_marked),
    "1939-5.ARG.1": hears(lambda line: line.replace(b"RETR +1", b"RETR 1")),
    "1939-5.ARG.2": hears(lambda line: b"STAT" if line == b"STAT x" else line),
    "1939-6.1": twisted(marks_too_much),
    "1939-6.2": says(b"QUIT", where(NOT_ALL, YES)),
    "1939-6.3": after(keeps_nothing),
    "1939-6.4": after(takes_others),
    "1939-6.5": after(locks_at_the_end),
    "1939-6.6": Defect(patches=[(Session, "close", commits)]),
    "1939-6.7": in_state(State.AUTHORIZATION, b"QUIT", YES + YES),
    "1939-6.8": twisted(quits_late),
    "1939-7.TOP.1": says(b"TOP 2 4", swap(b"..x\r\n\r\n", b"..x\r\n")),
    "1939-7.TOP.2": says(b"TOP 2 6", swap(b"end\r\n", b"")),
    "1939-7.TOP.3": says(b"TOP 1 0", where(b"dots", NO)),
    "1939-7.TOP.4": hears(lambda line: line.replace(b"TOP 1 -1", b"TOP 1 1")),
    "1939-7.TOP.5": says(b"TOP 100 3", b"+OK\r\n.\r\n"),
    "1939-7.UIDL.1": says(b"UIDL", lambda octets: re.sub(rb"(?m)^(\d+ \S+)\r$", rb"\1 120\r", octets)),
    "1939-7.UIDL.2": says(b"UIDL 2", swap(b"+OK 2 ", b"+OK ")),
    "1939-7.UIDL.3": says(b"UIDL", swap(LONGEST, LONGEST + b"~")),
    "1939-7.UIDL.4": Defect(twist=renamed),
    "1939-7.UIDL.5": says(b"UIDL", lambda octets: re.sub(rb"(?m)^(\d+) \S+\r$", rb"\1 number-\1\r", octets)),
    "1939-7.UIDL.6": says(b"UIDL 3", where(b"-ERR", b"+OK 3 x\r\n")),
    "1939-7.UIDL.7": says(
        b"UIDL",
        lambda octets: octets if octets.count(b"\r\n") != 5 else re.sub(rb"(?m)^(\d+) \S+\r$", rb"\1 same\r", octets),
    ),
    "1939-11.1": says(b"LIST 1", swap(b"+OK 1 35", b"+OK 1 38")),
    "1939-11.2": says(b"RETR 1", swap(998 * b"x", 998 * b"x" + b"\r\n")),
    "1939-11.3": says(b"RETR 1", swap(b"\0", b"\x80")),
    "1939-11.4": says(b"TOP 1 5", where(b"\r\nSubject: h\r\n", NO)),
    "2449-5.1": twisted(capa_between),
    "2449-5.2": capa(swap(b"UIDL\r\n", b"UIDL \r\n")),
    "2449-5.3": capa(added(b"X-LONG " + 600 * b"x")),
    "2449-5.4": capa(added(b"X.DOT")),
    "2449-5.5": capa(swap(b"TOP\r\n", b"Top\r\n")),
    "2449-5.6": capa_in(State.TRANSACTION, dropped(b"PIPELINING")),
    "2449-5.8": hears(lambda line: b"CAPA" if line == b"CAPA x" else line),
    "2449-6.0": capa(added(b"APOP")),
    "2449-6.1": capa(dropped(b"TOP")),
    "2449-6.2": capa(dropped(b"USER")),
    "2449-6.4": capa(dropped(b"RESP-CODES")),
    "2449-6.6.1": says(b"UIDL 1", where(b"+OK", lambda octets: octets + YES)),
    "2449-6.6.2": forgets(b"RETR 2", 900, lambda _: NO),
    "2449-6.6.3": in_state(State.AUTHORIZATION, b"DELE 1", YES),
    "2449-6.7.1": capa(swap(b"EXPIRE NEVER", b"EXPIRE SOON")),
    "2449-6.7.4": capa(swap(b"EXPIRE NEVER", b"EXPIRE 0")),
    "2449-6.8": capa(dropped(b"UIDL")),
    "2449-6.9": capa_in(State.TRANSACTION, dropped(b"IMPLEMENTATION")),
    "2449-9.1": capa(added(b"FANCY")),
    "2449-8.1": says(b"RETR 9", b"-ERR no such message [SYS/TEMP]\r\n"),
    "2449-8.1.2": twisted(says_in_use),
    "3206-4.1": says(b"QUIT", swap(b"[SYS/TEMP]", b"[SYS]")),
    "3206-5.1": says(b"PASS x", swap(b"[AUTH] ", b"")),
    "3206-6.1": says(b"XYZZY", b"-ERR [AUTH] unknown command\r\n"),
}
