"""The defects of what a server does only where it is asked for, as data; those of all else stand in ``defects``.

Knows the rows by their ids; how a defect is planted stands in ``planting``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pop3s_fake.protocol.replies import Reply
from pop3s_fake.protocol.session import Session
from pop3s_fake.protocol.states import State
from pop3s_fake.tls import Tls
from tests.conformance.defects import NO, YES, after, capa, capa_in, commits, dropped, swap, where
from tests.conformance.defects_sasl import answers
from tests.conformance.planting import Defect, exactly, hears, says, twisted

if TYPE_CHECKING:
    from tests.conformance.planting import Go

__all__ = ("DEFECTS_OF_POLICIES",)


def commits_retrieved(session: Any) -> None:
    """An end without QUIT that removes what was retrieved."""
    if session.maildrop is not None and session._offer.parameters("EXPIRE") == "0":
        session.maildrop.mark(1)
    commits(session)


def removes_seen(session: Any, line: bytes, reply: Reply) -> None:
    """TOP that counts as RETR."""
    if line == b"TOP 1 0" and reply.positive and session._offer.parameters("EXPIRE") == "0":
        session.maildrop.mark(1)


def keeps_mode(session: Any, **known: Any) -> None:
    """STLS that forgets no mode."""
    mode = session.utf8
    _secured(session, **known)
    session.utf8 = mode


def of_whom(session: Any, line: bytes, go: Go) -> Reply:
    """LANG * that knows whose language it is."""
    known = session._name == "mrose"
    reply = go(line)
    return Reply(b"+OK de hier\r\n") if line == b"LANG *" and known else reply


_secured = Session.secured

DEFECTS_OF_POLICIES: Final[dict[str, Defect]] = {
    "1939-13.1": says(b"PASS tanstaaf", where(b"comes immediately", YES)),
    "1939-8.1": Defect(patches=[(Session, "close", commits_retrieved)]),
    "1939-8.2": says(b"TOP 1 99999", where(b"-ERR", b"+OK\r\n.\r\n")),
    "1939-7.TOP.6": after(removes_seen),
    "2449-5.7": says(b"CAPA", where(b"-ERR", lambda octets: octets + b".\r\n")),
    "2449-6.5.1": says(b"PASS tanstaaf", swap(b"[LOGIN-DELAY]", b"[AUTH]")),
    "2449-6.5.2": capa(swap(b"LOGIN-DELAY 900 USER", b"LOGIN-DELAY 300 USER")),
    "2449-6.5.3": capa(swap(b"LOGIN-DELAY 300\r\n", b"LOGIN-DELAY 300 USER\r\n")),
    "2449-8.1.1": says(b"PASS tanstaaf", swap(b"[LOGIN-DELAY]", b"[LOGIN-DELAY/900]")),
    "2449-6.7.2": capa(swap(b"EXPIRE 0", b"EXPIRE 1")),
    "2449-6.7.3": capa(swap(b"EXPIRE 30\r\n", b"EXPIRE 5\r\n")),
    "9325-3.7": Defect(options={"tls": Tls()}),
    "9266-2": answers(b"p=tls-exporter", b"+ cj0x\r\n"),
    "6856-2.1": hears(lambda line: b"UTF8" if line == b"UTF8 x" else line),
    "6856-2.2": says(b"TOP 2 0", where(b"[UTF8]", b"+OK\r\nSubject: gr\xc3\xbcn\r\n\r\n.\r\n")),
    "6856-2.3": says(b"RETR 2", swap(b"[UTF8] ", b"")),
    "6856-2.4": says(b"LIST", swap(b"\r\n2 2", b"\r\n2 3")),
    "6856-2.5": Defect(patches=[(Session, "secured", keeps_mode)]),
    "6856-2.6": says("PASS pass w\u00f6rd".encode(), NO),
    "6856-2.7": hears(lambda line: b"USER x" if line == b"USER \xff" else line),
    "6856-3.1": says(b"LANG uga", YES),
    "6856-3.2": says(b"LANG", where(b"+OK", lambda octets: octets.removesuffix(b".\r\n") + b"*\r\n.\r\n")),
    "6856-3.3": exactly(b"LANG *", NO),
    "6856-7": twisted(of_whom),
    "6856-2.8": capa_in(State.TRANSACTION, dropped(b"LANG")),
}
