"""The client linter by itself: each row that a server can see, broken and kept."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from pop3s_fake.maildrop import Account, Accounts
from pop3s_fake.protocol.lines import OVERLONG
from pop3s_fake.protocol.linting import Linter, Past, Visit
from pop3s_fake.protocol.states import State
from pop3s_fake.protocol.violations import requirements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pop3s_fake.protocol.linting import Breach

STAMP: Final = "<1896.697170952@dbc.mtview.ca.us>"
ACCOUNTS: Final = Accounts([Account("mrose", "tanstaaf"), Account("ann", " two  words ")])
LISTED: Final = ("USER", "SASL PLAIN LOGIN CRAM-MD5", "UIDL")
BUSY: Final = "-ERR busy"
IN_USE: Final = "-ERR [IN-USE] somebody reads it"


class Told:
    """Who hears of what happens."""

    def __init__(self, linter: Linter, past: Past) -> None:
        self.linter, self.past, self.visit = linter, past, Visit(past, "mrose")


class Tls(NamedTuple):
    """A handshake that ended well."""

    version: str = "TLSv1.3"
    certified: bool = False

    def tell(self, told: Told) -> list[Breach]:
        """To whom it concerns."""
        return told.linter.secured(self.version, certified=self.certified)


class Hello(NamedTuple):
    """A ClientHello."""

    versions: Sequence[str] = ("TLSv1.3", "TLSv1.2")
    alpn: Sequence[str] = ()
    server_name: str | None = None

    def tell(self, told: Told) -> list[Breach]:
        """To whom it concerns."""
        return told.linter.hello(*self)


class Clear(NamedTuple):
    """Something else where a ClientHello was to come."""

    began: str = "b'USER '"

    def tell(self, told: Told) -> list[Breach]:
        """To whom it concerns."""
        return told.linter.unsecured(self.began)


class NoTls(NamedTuple):
    """A handshake that came to nothing."""

    def tell(self, told: Told) -> list[Breach]:
        """To whom it concerns."""
        told.linter.failed()
        return []


class Cut(NamedTuple):
    """The end of the connection, of which TLS was not told."""

    def tell(self, told: Told) -> list[Breach]:
        """To whom it concerns."""
        return told.linter.truncated()


class Left(NamedTuple):
    """The end of the connection behind a QUIT that deletes, before its answer."""

    def tell(self, told: Told) -> list[Breach]:
        """To whom it concerns."""
        return told.linter.left()


class Fetched(NamedTuple):
    """A message, or a part of one."""

    uid: str = "a"
    whole: bool = True

    def tell(self, told: Told) -> list[Breach]:
        """To whom it concerns."""
        told.visit.sent(self.uid, whole=self.whole)
        return []


class Removed(NamedTuple):
    """What UPDATE removed."""

    uid: str = "a"

    def tell(self, told: Told) -> list[Breach]:
        """To whom it concerns."""
        return told.visit.removed([self.uid])


class Next(NamedTuple):
    """How the session of before ended; another one begins."""

    how: str = "quit"

    def tell(self, told: Told) -> list[Breach]:
        """To whom it concerns."""
        told.visit.ended(self.how)
        told.visit = Visit(told.past, "mrose")
        return []


class Greeting(NamedTuple):
    """The first line, and whether the client had waited for it."""

    told: str | None = f"+OK ready {STAMP}"
    early: bool = False


class Said(NamedTuple):
    """A line and what the client was told."""

    line: str | bytes | Any
    told: str | None = "+OK"
    state: State = State.AUTHORIZATION
    listed: Sequence[str] | None = None
    own: str | None = None
    batch: int = 0
    pending: bool = False


def capa(*listed: str, told: str = "+OK") -> Said:
    """CAPA, and this list."""
    return Said("CAPA", told, listed=listed)


def user(told: str | None = "+OK") -> Said:
    """USER of the one account."""
    return Said("USER mrose", told)


def password(told: str = "+OK", state: State = State.TRANSACTION) -> Said:
    """Its password."""
    return Said("PASS tanstaaf", told, state)


def t(line: str, told: str | None = "+OK", **more: Any) -> Said:
    """A command in TRANSACTION."""
    return Said(line, told, State.TRANSACTION, **more)


def based(text: str | bytes) -> str:
    """In base64."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def md5(text: str) -> str:
    """As APOP has it."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def auth(mechanism: str, *responses: str | bytes, challenges: Sequence[str] = (), told: str = "+OK") -> list[Said]:
    """An exchange: these responses as they are, each to the challenge at its place, or to an empty one."""
    asked = [*(f"+ {challenge}" for challenge in challenges), *["+ "] * (len(responses) - len(challenges)), told]
    state = State.TRANSACTION if told.startswith("+OK") else State.AUTHORIZATION
    return [
        Said(line, answer, state if answer is told else State.AUTHORIZATION)
        for line, answer in zip([f"AUTH {mechanism}", *responses], asked, strict=True)
    ]


class Case(NamedTuple):
    """A conversation, and the rows that it breaks."""

    name: str
    said: Sequence[Any]
    broken: Sequence[str] = ()
    offered: Sequence[str] = LISTED
    certificate: str = "good"
    secure: bool = True
    greeting: Greeting = Greeting()
    messages: int = 2


def rows(case: Case) -> list[str]:
    """What the linter finds."""
    past = Past()
    linter = Linter(
        ACCOUNTS, offered=lambda: case.offered, messages=lambda: case.messages, past=past, certificate=case.certificate
    )
    found: list[Breach] = []
    if case.secure:
        found += linter.secured("TLSv1.3")
    greeted = case.greeting
    found += linter.greeted(None if greeted.told is None else f"{greeted.told}\r\n".encode(), early=greeted.early)
    told = Told(linter, past)
    for event in flat(case.said):
        found += heard(linter, event) if isinstance(event, Said) else event.tell(told)
    return [breach.row for breach in found]


def heard(linter: Linter, said: Said) -> list[Breach]:
    """One line."""
    payload = None if said.listed is None else "".join(f"{line}\r\n" for line in said.listed).encode()
    return linter.answered(
        said.line.encode("latin-1") if isinstance(said.line, str) else said.line,
        None if said.told is None else f"{said.told}\r\n".encode(),
        said.state,
        own=None if said.own is None else f"{said.own}\r\n".encode(),
        payload=payload,
        batch=said.batch,
        pending=said.pending,
    )


def flat(events: Iterable[Any]) -> Iterable[Any]:
    """Exchanges are lists."""
    for event in events:
        if isinstance(event, list):
            yield from event
        else:
            yield event


SCRAM_FIRST = "n,,n=mrose,r=abc"
SERVER_FIRST = based("r=abcdef,s=c2FsdA==,i=4096")
SCRAM_FINAL = based("c=biws,r=abcdef,p=cHJvb2Y=")
PROOF = based("v=cHJvb2Y=")
NULS = based("\0mrose\0tanstaaf")
DIGEST = based("mrose b913a602c7eda7a495b4e6e7334d3890")
TOKEN = based("n,a=mrose,\x01auth=Bearer t\x01\x01")
ERROR = based('{"status":"invalid_token"}')

CASES: Final = (
    Case("an ordinary session", [capa(*LISTED), user(), password(), t("STAT", "+OK 2 320"), t("RETR 1"), t("DELE 1")]),
    Case("octets before the greeting", [], ["C-1939-3.1"], greeting=Greeting(early=True)),
    Case("two spaces", [Said("USER  mrose", BUSY)], ["C-1939-3.2"]),
    Case("an endless line", [Said(OVERLONG, BUSY)], ["C-2449-4.1"]),
    Case("256 octets", [Said("X" * 254, BUSY)], ["C-2449-4.1"]),
    Case("255 octets", [Said("X" * 253, BUSY)]),
    # odd statuses
    Case("an odd greeting, and a login", [user()], ["C-1939-3.10"], greeting=Greeting("OK ready")),
    Case("an odd greeting, and QUIT", [Said("QUIT")], greeting=Greeting("OK ready")),
    Case("an odd answer to USER, and PASS", [user("+ok"), password()], ["C-1939-3.10"]),
    Case("an odd answer to USER, and USER", [user("+OKAY x"), user()]),
    Case("an odd answer to RETR, and DELE", [t("RETR 1", "OK"), t("DELE 1")], ["C-1939-3.10"]),
    Case("a bare status", [user("+OK"), password()]),
    # logging in
    Case("a negative greeting, and a login", [user()], ["C-1939-4.1"], greeting=Greeting(BUSY)),
    Case("a negative greeting, and QUIT", [Said("CAPA", BUSY), Said("QUIT")], greeting=Greeting(BUSY)),
    Case("on after a refusal", [user(), password(BUSY, State.AUTHORIZATION), Said("STAT", BUSY)], ["C-1939-4.2"]),
    Case("again after a refusal", [user(), password(BUSY, State.AUTHORIZATION), user(), password(), t("STAT")]),
    Case("CAPA and QUIT after a refusal", [user(), password(BUSY, State.AUTHORIZATION), Said("CAPA"), Said("QUIT")]),
    Case(
        "on after a refusal that was not read yet",
        [capa("USER", "PIPELINING"), user(), password(BUSY, State.AUTHORIZATION), Said("STAT", BUSY)],
    ),
    Case("STAT without any login", [Said("STAT", BUSY)]),
    Case("PASS after a refused USER", [user(BUSY), password(BUSY)], ["C-1939-7.USER.1"]),
    Case("USER after a refused USER", [user(BUSY), user(), password()]),
    Case("PASS without USER", [password(BUSY, State.AUTHORIZATION)]),
    Case("a quoted password", [Said("USER ann"), Said('PASS " two  words "', BUSY)], ["C-1939-7.PASS.1"]),
    Case("a trimmed password", [Said("USER ann"), Said("PASS two words", BUSY)], ["C-1939-7.PASS.1"]),
    Case("the password as it is", [Said("USER ann"), Said("PASS  two  words ", state=State.TRANSACTION)]),
    Case("another password", [Said("USER ann"), Said("PASS guess", BUSY)]),
    Case("a NUL in a password", [user(), Said("PASS a\0b", BUSY)], ["C-1939-7.PASS.2"]),
    Case("a CR in a name", [Said("USER a\rb", BUSY)], ["C-1939-7.PASS.2"]),
    Case("a NUL elsewhere", [Said("CAPA\0", BUSY)]),
    Case("APOP", [Said("APOP mrose c4c9334bac560ecc979e58001b3e22fb", state=State.TRANSACTION)]),
    Case("APOP with a wrong secret", [Said(f"APOP mrose {md5(STAMP + 'guess')}", BUSY)]),
    Case("APOP without the brackets", [Said(f"APOP mrose {md5(STAMP[1:-1] + 'tanstaaf')}", BUSY)], ["C-1939-7.APOP.1"]),
    Case("APOP the wrong way round", [Said(f"APOP mrose {md5('tanstaaf' + STAMP)}", BUSY)], ["C-1939-7.APOP.1"]),
    Case("APOP in upper case", [Said("APOP mrose C4C9334BAC560ECC979E58001B3E22FB", BUSY)], ["C-1939-7.APOP.1"]),
    Case("APOP without digest", [Said("APOP mrose", BUSY)], ["C-1939-7.APOP.1"]),
    Case("APOP of nobody's", [Said(f"APOP nobody {md5('x')}", BUSY)]),
    Case(
        "APOP without timestamp", [Said(f"APOP a {md5('x')}", BUSY)], ["C-1939-7.APOP.2"], greeting=Greeting("+OK hi")
    ),
    Case("APOP without msg-id", [Said(f"APOP a {md5('x')}", BUSY)], ["C-1939-7.APOP.3"], greeting=Greeting("+OK <hi>")),
    Case("USER without timestamp", [user(), password()], greeting=Greeting("+OK <hi>")),
    # messages
    Case("a number that is not there", [t("STAT", "+OK 2 320"), t("RETR 3", BUSY)], ["C-1939-5.LIST.2"]),
    Case("a question after a number that is not there", [t("STAT", "+OK 2 320"), t("LIST 3", BUSY), t("UIDL 3", BUSY)]),
    Case("a number that nobody knows", [t("RETR 3", BUSY)]),
    Case("number nought", [t("UIDL"), t("TOP 0 1", BUSY)], ["C-1939-5.LIST.2"]),
    Case("a message that was lost", [t("LIST"), t("RETR 2", BUSY)]),
    Case("nothing there", [t("LIST"), t("RETR 1", BUSY)], ["C-1939-5.LIST.3"], messages=0),
    Case("nothing there, and QUIT", [t("LIST"), t("QUIT")], messages=0),
    Case("nothing there, and nobody asked", [t("RETR 1", BUSY)], messages=0),
    Case("a refused message is deleted", [t("RETR 1", BUSY), t("DELE 1")], ["C-1939-5.RETR.2"]),
    Case("a refused message is fetched, then deleted", [t("RETR 1", BUSY), t("RETR 1"), t("DELE 1")]),
    Case("a refused message is left", [t("RETR 1", BUSY), t("RETR 2"), t("DELE 2")]),
    Case("a refused message cannot be deleted", [t("RETR 1", BUSY), t("DELE 1", BUSY)]),
    Case("a deleted message again", [t("DELE 1"), t("RETR 1", BUSY)], ["C-1939-5.DELE.1"]),
    Case("deleted twice", [t("DELE 1"), t("DELE 1", BUSY)], ["C-1939-5.DELE.1"]),
    Case("deleted, marks taken back", [t("DELE 1"), t("RSET"), t("RETR 1"), t("DELE 1")]),
    Case("a refused deletion again", [t("DELE 1", BUSY), t("DELE 1")]),
    Case("the others keep their numbers", [t("DELE 1"), t("RETR 2"), t("LIST 2")]),
    # CAPA and pipelining
    Case("AUTH without a name", [capa("SASL"), Said("AUTH ", BUSY)], ["C-1939-3.2", "C-2449-5.4"]),
    Case("AUTH alone", [capa("SASL"), Said("AUTH", BUSY)]),
    Case("USER is not listed", [capa("SASL PLAIN"), user(BUSY)], ["C-2449-6.2"]),
    Case("nothing was listed", [Said("CAPA", BUSY), user(), password()]),
    Case(
        "a password in clear",
        [user(BUSY), password(BUSY)],
        ["C-2449-6.2", "C-1939-7.USER.1"],
        secure=False,
        offered=("STLS",),
    ),
    Case("a password in clear where it is offered", [user(), password()], secure=False),
    Case("too soon", [capa("USER", "LOGIN-DELAY 60"), user(), password("-ERR [LOGIN-DELAY] later")], ["C-2449-6.5"]),
    Case("too soon, and nobody knew", [user(), password("-ERR [LOGIN-DELAY] later", State.AUTHORIZATION)]),
    Case(
        "two at a time",
        [user()._replace(batch=1, pending=True), password()._replace(batch=1)],
        ["C-2449-6.6.1"],
    ),
    Case(
        "two at a time, where nobody asked",
        [user()._replace(batch=1, pending=True), password()._replace(batch=1)],
        offered=("USER", "PIPELINING"),
    ),
    Case(
        "on after a refusal, two at a time",
        [user()._replace(pending=True), password(BUSY, State.AUTHORIZATION), Said("STAT", BUSY)],
        offered=("USER", "PIPELINING"),
    ),
    Case(
        "two at a time, as is allowed",
        [capa("USER", "PIPELINING"), user()._replace(batch=1, pending=True), password()._replace(batch=1)],
    ),
    Case(
        "behind AUTH",
        [capa("SASL PLAIN", "PIPELINING"), Said(f"AUTH PLAIN {NULS}", pending=True, batch=1), t("STAT", batch=1)],
        ["C-2449-6.6.4"],
    ),
    Case("behind QUIT", [capa("PIPELINING"), t("QUIT", pending=True, batch=1)], ["C-2449-6.6.4"]),
    Case("QUIT at last", [capa("PIPELINING"), t("NOOP", pending=True, batch=1), t("QUIT", batch=1)]),
    Case(
        "the system's fault, another way",
        [Said("APOP mrose " + md5("x"), "-ERR [SYS/TEMP] x"), user()],
        ["C-3206-4.1"],
    ),
    Case("the system's fault, the same way", [user(), password("-ERR [SYS/TEMP] x", State.AUTHORIZATION), user()]),
    Case("wrong credentials, another way", [Said("APOP mrose " + md5("x"), "-ERR [AUTH] x"), user()]),
    Case(
        "in use, and another password",
        [capa("USER", "RESP-CODES"), user(), password(IN_USE), user(), Said("PASS guess", BUSY)],
        ["C-2449-8.5"],
    ),
    Case(
        "in use, and another mechanism",
        [capa("USER", "SASL PLAIN", "RESP-CODES"), user(), password(IN_USE), auth("PLAIN", NULS, told=BUSY)],
        ["C-2449-8.5"],
    ),
    Case(
        "too soon, and another way",
        [
            capa("SASL PLAIN", "USER", "RESP-CODES"),
            auth("PLAIN", NULS, told="-ERR [LOGIN-DELAY] x"),
            user(BUSY),
            user(),
            password(BUSY),
        ],
        ["C-2449-8.5"],
    ),
    Case("in use, and the same again", [capa("USER", "RESP-CODES"), user(), password(IN_USE), user(), password()]),
    Case(
        "in use, and somebody else",
        [capa("USER", "RESP-CODES"), user(), password(IN_USE), Said("USER ann"), Said("PASS x", BUSY)],
    ),
    Case("in use, which is only text", [user(), password(IN_USE), user(), Said("PASS guess", BUSY)]),
    Case(
        "in use, then wrong after all",
        [
            capa("USER", "RESP-CODES"),
            *(user(), password(IN_USE), user(), password("-ERR [AUTH] x", State.AUTHORIZATION)),
            *(user(), Said("PASS guess", BUSY)),
        ],
    ),
    # what was not heard out
    Case(
        "deleted unread",
        [capa("PIPELINING"), t("RETR 1", pending=True, batch=1), t("DELE 1", batch=1)],
        ["C-1939-5.DELE.3"],
    ),
    Case(
        "deleted unread, behind others",
        [
            capa("PIPELINING"),
            *(t(line, pending=True, batch=1) for line in ("RETR 1", "RETR 2", "DELE 1")),
            t("DELE 2", batch=1),
        ],
        ["C-1939-5.DELE.3", "C-1939-5.DELE.3"],
    ),
    Case(
        "fetched and deleted in two batches",
        [
            capa("PIPELINING"),
            *(t("RETR 1", pending=True, batch=1), t("RETR 2", batch=1)),
            *(t("DELE 1", pending=True, batch=2), t("DELE 2", batch=2)),
        ],
    ),
    Case(
        "another one is deleted meanwhile",
        [capa("PIPELINING"), t("RETR 1"), t("RETR 2", pending=True, batch=1), t("DELE 1", batch=1)],
    ),
    Case("QUIT, and gone", [t("DELE 1"), t("QUIT"), Left()], ["C-1939-6.1"]),
    Case("QUIT, heard out", [t("DELE 1"), t("QUIT")]),
    # from session to session
    Case("cut off and deleted", [Fetched(whole=False), Next("server"), Removed()], ["C-1939-3.13"]),
    Case(
        "cut off, fetched and deleted",
        [Fetched(whole=False), Next("server"), Fetched(), Removed(), Next(), Fetched("b"), Removed()],
    ),
    Case("cut off by the client, which may have seen enough", [Fetched(whole=False), Next("reset"), Removed()]),
    Case("cut off and left", [Fetched(whole=False), Next("server"), Removed("b")]),
    # TLS
    Case("in clear instead", [NoTls(), user(), password()], ["C-8314-5.2"], secure=False),
    Case("in clear, but the next one in TLS", [NoTls(), Tls(), user(), password()], secure=False),
    Case("without a word", [user(), Cut()], ["C-8446-6.2"]),
    Case("without a word, after a damaged answer", [user(None), Cut()]),
    Case("behind STLS", [Said("STLS", pending=True)], ["C-2595-4.1"], secure=False),
    Case("no hello behind STLS", [Said("STLS"), Clear()], ["C-2595-4.1"], secure=False),
    Case("STLS", [capa("STLS"), Said("STLS"), Tls(), capa("USER"), user(), password()], secure=False),
    Case("STLS, and no CAPA", [capa("STLS"), Said("STLS"), Tls(), user()], ["C-2595-4.3"], secure=False),
    Case("STLS without any CAPA", [Said("STLS"), Tls(), user()], secure=False),
    Case(
        "the list of before",
        [capa("SASL CRAM-MD5"), Said("STLS"), Tls(), Said("AUTH CRAM-MD5", BUSY)],
        ["C-2595-4.3", "C-2595-4.2"],
        secure=False,
        offered=("SASL PLAIN",),
    ),
    Case("STLS is refused", [Said("STLS", BUSY), user()], ["C-2595-4.5"], secure=False),
    Case("STLS is refused inside TLS", [Said("STLS", BUSY), user()]),
    Case("STLS is refused, and QUIT", [Said("STLS", BUSY), Said("QUIT")], secure=False),
    Case("another host", [user()], ["C-2595-2.4"], certificate="wrong-host"),
    Case("expired", [user(), password()], ["C-8314-5.3", "C-8314-5.3"], certificate="expired"),
    Case("a common name", [user()], ["C-9525-2"], certificate="cn-only"),
    Case("an asterisk for two labels", [user()], ["C-9525-6.3.2"], certificate="wildcard-two-labels"),
    Case("an address as a name", [user()], ["C-9525-6.4"], certificate="ip-in-dns"),
    Case("expired, and no login", [Said("CAPA"), Said("QUIT")], certificate="expired"),
    Case("not yet valid", [Said("APOP a " + md5("x"), BUSY)], ["C-8314-5.3"], certificate="not-yet-valid"),
    Case("self-signed, which it may know", [user(), password()], certificate="self-signed"),
    Case("an old version", [Tls("TLSv1.1")], ["C-9325-3.1"]),
    Case("nothing but old versions", [Hello(["TLSv1.1", "TLSv1"])], ["C-9325-3.1"]),
    Case("old versions, too", [Hello(["TLSv1.2", "TLSv1.1"])]),
    Case("a name that is an address", [Hello(server_name="127.0.0.1")], ["C-9325-3.7"]),
    Case("a name", [Hello(server_name="localhost", alpn=["imap", "pop3"])]),
    Case("other protocols", [Hello(alpn=["http/1.1"])], ["C-9325-3.8"]),
    # AUTH
    Case("an initial response for nobody", [Said(f"AUTH PLAIN {NULS}", BUSY)], ["C-5034-3.1"], offered=("USER",)),
    Case("no initial response for nobody", [Said("AUTH PLAIN", BUSY)], offered=("USER",)),
    Case("another mechanism", [capa("SASL PLAIN"), Said("AUTH LOGIN", BUSY)], ["C-5034-3.2"]),
    Case("a listed mechanism", [capa("sasl plain"), auth("plain", NULS)]),
    Case("nobody knew the mechanisms", [Said("AUTH LOGIN", BUSY)]),
    Case("a long initial response", [Said("AUTH PLAIN " + based("\0a\0" + "b" * 200), BUSY)], ["C-5034-4.1"]),
    Case("a long response", [auth("PLAIN", based("\0a\0" + "b" * 2000))]),
    Case("an empty initial response that is not there", [Said("AUTH PLAIN ", BUSY)], ["C-5034-4.2"]),
    Case("an empty response that is there", [auth("EXTERNAL", "=", told=BUSY)], ["C-4422-A.1", "C-5034-4.2"]),
    Case("an empty initial response", [Tls(certified=True), Said("AUTH EXTERNAL =", BUSY)]),
    Case("an empty response", [Tls(certified=True), auth("EXTERNAL", "")]),
    Case("an initial response out of turn", [Said("AUTH CRAM-MD5 AAAA", BUSY)], ["C-5034-4.3"]),
    Case("the name out of turn", [Said(f"AUTH LOGIN {based('mrose')}", BUSY)], ["C-5034-4.3"]),
    Case("no base64, and an answer", [auth("PLAIN", NULS, challenges=["!!!!"])], ["C-5034-4.4"]),
    Case("no base64, and no answer", [auth("PLAIN", "*", challenges=["!!!!"], told=BUSY)]),
    Case("no base64, where nobody reads it", [auth("LOGIN", based("mrose"), based("x"), challenges=["!!!!", "!!!!"])]),
    Case("a response without padding", [auth("PLAIN", NULS[:-1], told=BUSY)], ["C-5034-4.5"]),
    Case("a response in clear", [auth("PLAIN", "mrose tanstaaf", told=BUSY)], ["C-5034-4.5"]),
    Case("an initial response in clear", [Said("AUTH PLAIN mrose", BUSY)], ["C-5034-4.5"]),
    Case("a cancelled exchange", [auth("PLAIN", "*", told=BUSY), user(), password()]),
    Case(
        "no proof",
        [auth("SCRAM-SHA-256", based(SCRAM_FIRST), SCRAM_FINAL, challenges=["", SERVER_FIRST]), t("STAT")],
        ["C-5034-4.9"],
    ),
    Case("no proof at all", [Said(f"AUTH SCRAM-SHA-1 {based(SCRAM_FIRST)}"), t("STAT")], ["C-5034-4.9"]),
    Case("no proof, and QUIT", [Said(f"AUTH SCRAM-SHA-1 {based(SCRAM_FIRST)}"), t("QUIT")]),
    Case(
        "a proof",
        [
            auth("SCRAM-SHA-256", based(SCRAM_FIRST), SCRAM_FINAL, "", challenges=["", SERVER_FIRST, PROOF]),
            t("STAT"),
        ],
    ),
    Case(
        "another's proof",
        [
            Said(f"AUTH SCRAM-SHA-1 {based(SCRAM_FIRST)}", f"+ {SERVER_FIRST}"),
            Said(SCRAM_FINAL, f"+ {based('v=Zm9yZ2Vk')}", own=f"+ {PROOF}"),
            Said("", state=State.TRANSACTION),
            t("STAT"),
        ],
        ["C-5802-2"],
    ),
    Case(
        "in clear, where it is not offered",
        [Said(f"AUTH PLAIN {NULS}", BUSY)],
        ["C-5034-4.10"],
        secure=False,
        offered=("SASL CRAM-MD5",),
    ),
    Case("in clear, where it is offered", [Said(f"AUTH PLAIN {NULS}")], secure=False),
    Case("AUTH again", [auth("PLAIN", NULS), t("AUTH PLAIN", BUSY)], ["C-5034-4.11"]),
    Case("PLAIN with one NUL", [auth("PLAIN", based("mrose\0tanstaaf"), told=BUSY)], ["C-4616-2"]),
    Case("PLAIN in latin-1", [auth("PLAIN", based(b"\0jos\xe9\0x"), told=BUSY)], ["C-4616-2"]),
    Case("LOGIN", [auth("LOGIN", based("mrose"), based("tanstaaf"))]),
    Case("LOGIN the other way round", [auth("LOGIN", based("tanstaaf"), based("mrose"), told=BUSY)], ["C-LOGIN-2.1"]),
    Case("CRAM-MD5", [auth("CRAM-MD5", DIGEST)]),
    Case("CRAM-MD5 in upper case", [auth("CRAM-MD5", based("a " + "A" * 32), told=BUSY)], ["C-2195-2"]),
    Case("DIGEST-MD5 without nonce", [auth("DIGEST-MD5", "eA==", challenges=[based("qop=auth")])], ["C-2831-2"]),
    Case(
        "DIGEST-MD5",
        [
            auth("DIGEST-MD5", "eA==", "", challenges=[based('realm="x",nonce="a"'), based("rspauth=x")]),
            t("STAT"),
        ],
    ),
    Case(
        "a foreign nonce",
        [
            auth(
                "SCRAM-SHA-1",
                based(SCRAM_FIRST),
                SCRAM_FINAL,
                challenges=["", based("r=xyz,s=c2FsdA==,i=4096")],
                told=BUSY,
            )
        ],
        ["C-5802-1"],
    ),
    Case(
        "a demanded extension",
        [
            auth(
                "SCRAM-SHA-1",
                based(SCRAM_FIRST),
                SCRAM_FINAL,
                challenges=["", based("m=x,r=abcd,s=,i=4096")],
                told=BUSY,
            )
        ],
        ["C-5802-4"],
    ),
    Case("a flag without binding", [auth("SCRAM-SHA-1-PLUS", based(SCRAM_FIRST), told=BUSY)], ["C-5802-6"]),
    Case(
        "a flag that denies the list",
        [capa("SASL SCRAM-SHA-1 SCRAM-SHA-1-PLUS"), auth("SCRAM-SHA-1", based("y,,n=a,r=b"), told=BUSY)],
        ["C-5802-6"],
    ),
    Case(
        "a flag that agrees with the list",
        [capa("SASL SCRAM-SHA-1"), auth("SCRAM-SHA-1", based("y,,n=a,r=b"), told=BUSY)],
    ),
    Case("a comma in a name", [auth("SCRAM-SHA-1", based("n,,n=us,er,r=b"), told=BUSY)], ["C-5802-7"]),
    Case("an equals sign in a name", [auth("SCRAM-SHA-1", based("n,,n=er=,r=b"), told=BUSY)], ["C-5802-7"]),
    Case("both as they should be", [auth("SCRAM-SHA-1", based("n,a=x,n=us=2Cer=3D,r=b"), told=BUSY)]),
    Case("tls-unique", [auth("SCRAM-SHA-1-PLUS", based("p=tls-unique,,n=a,r=b"), told=BUSY)], ["C-7677-4"]),
    Case("tls-exporter", [auth("SCRAM-SHA-1-PLUS", based("p=tls-exporter,,n=a,r=b"), told=BUSY)]),
    Case("tls-unique of old", [Tls("TLSv1.2"), auth("SCRAM-SHA-1-PLUS", based("p=tls-unique,,n=a,r=b"), told=BUSY)]),
    Case("OAUTHBEARER's error", [auth("OAUTHBEARER", TOKEN, "AQ==", challenges=["", ERROR], told=BUSY)]),
    Case("OAUTHBEARER's error, cancelled", [auth("OAUTHBEARER", TOKEN, "*", challenges=["", ERROR], told=BUSY)]),
    Case("OAUTHBEARER's error, another answer", [auth("OAUTHBEARER", TOKEN, "", told=BUSY)], ["C-7628-1"]),
    Case("XOAUTH2's error", [auth("XOAUTH2", TOKEN, "", challenges=["", ERROR], told=BUSY)]),
    Case("XOAUTH2's error, another answer", [auth("XOAUTH2", TOKEN, "AQ==", told=BUSY)], ["C-XOAUTH2-1"]),
    Case(
        "a token in clear", [auth("XOAUTH2", TOKEN, told=BUSY)], ["C-7628-2"], secure=False, offered=("SASL XOAUTH2",)
    ),
    Case("EXTERNAL without certificate", [Said("AUTH EXTERNAL =", BUSY)], ["C-4422-A.1"]),
    Case(
        "one round only",
        [auth("SCRAM-SHA-1", based(SCRAM_FIRST), SCRAM_FINAL, challenges=["", based("r=abcd,s=,i=1")], told=BUSY)],
        ["C-5802-5"],
    ),
    Case(
        "one round only, cancelled",
        [auth("SCRAM-SHA-1", based(SCRAM_FIRST), "*", challenges=["", based("r=abcd,s=,i=4095")], told=BUSY)],
    ),
    # UTF8
    Case("STLS after UTF8", [Said("UTF8"), Said("STLS", BUSY)], ["C-6856-2.1"], secure=False),
    Case("STLS after a refused UTF8", [Said("UTF8", BUSY), Said("STLS")], secure=False),
    Case("a name that is no ASCII", [Said("USER jos\xc3\xa9", BUSY)], ["C-6856-2.2"]),
    Case("the same where it may be", [Said("USER jos\xc3\xa9")], offered=("USER", "UTF8 USER")),
    # what the server did wrong
    Case("a damaged answer", [user(None), password(BUSY), Said("STAT", BUSY), Said("RETR 1", pending=True)]),
    Case("a damaged greeting", [user(BUSY), password(BUSY)], greeting=Greeting(None)),
    Case("a challenge out of nowhere", [Said("XYZZY", "+ "), Said("", BUSY), Said("x" * 300, BUSY)], ["C-2449-4.1"]),
    Case("a damaged answer excuses no form", [user(None), Said("STAT ", BUSY), Said("STAT ", BUSY)], ["C-1939-3.2"]),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_conversation_breaks(case: Case) -> None:
    """The rows, in the order in which they were broken, and no others."""
    assert rows(case) == list(case.broken)


def test_every_watched_row_is_broken_by_a_case_and_no_other_is() -> None:
    """So that no row is watched in words only."""
    watched = {row for row, asked in requirements().items() if asked.watched}
    assert {row for case in CASES for row in case.broken} == watched


@pytest.mark.parametrize("case", [case for case in CASES if not case.broken], ids=lambda case: case.name)
def test_a_correct_client_pipelines_as_it_may(case: Case) -> None:
    """What breaks nothing breaks nothing either where the server had announced PIPELINING before."""
    events = [
        event._replace(listed=(*event.listed, "PIPELINING")) if isinstance(event, Said) and event.listed else event
        for event in flat(case.said)
    ]
    assert set(rows(case._replace(said=[capa("USER", "PIPELINING"), *events]))) <= {"C-2595-4.3"}
