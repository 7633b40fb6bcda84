"""What a recorded client said, said again to a dialect; and what came, held against the recording.

Knows the form of the recordings; must not know any dialect.
"""

from __future__ import annotations

import ast
import hmac
import json
import re
from base64 import b64decode, b64encode
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from hashlib import md5
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.dialects.clients import Client, House, Offer
from tests.dialects.masking import masked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake.dialects import Dialect

__all__ = ("Exchange", "recording", "recordings", "replay", "scenarios")

HERE: Final = Path(__file__).parent
SLACK: Final = 0.5
"""Seconds by which a recorded timer may have been late."""

PASSWORDS: Final = ("wire-Pass1", "wrong")
"""With which a recorded client proved who it is."""

EVERY_LF: Final = re.compile(rb"\n")
BARE_LF: Final = re.compile(rb"(?<!\r)\n")
READS_EVERY_LF: Final = ("courier", "courier-rich", "mailutils", "popa3d", "solid-pop3d")
"""Who takes each LF of a file for the end of a line, so that a CR before it is one of the line's octets."""

READS_ONE_FILE: Final = ("mailutils",)
"""Who finds the next message of a file only behind an empty line that is not the one behind a header."""

FIELD: Final = re.compile(r"[^\s:]+:|[ \t]")
"""How a line of a header begins."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Exchange:
    """One thing that a client did, and what it brought: octets and how the server closed, if it did."""

    scenario: str
    place: int
    said: bytes
    theirs: bytes
    ours: bytes
    their_end: str
    our_end: str
    their_delay: float
    our_delay: float
    """Seconds until anything came; there: 0, too, where nothing did."""

    @property
    def equal(self) -> bool:
        """Whether the dialect did as the server."""
        return (self.theirs, self.their_end) == (self.ours, self.our_end)


def recordings() -> list[str]:
    """The names of all recordings."""
    return sorted(path.stem for path in (HERE / "wire").glob("*.json"))


@cache
def recording(name: str) -> dict[str, Any]:
    """One of them."""
    found: dict[str, Any] = json.loads((HERE / "wire" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def scenarios(name: str) -> list[str]:
    """Those of its scenarios in which anything was said."""
    return [scenario for scenario, what in recording(name)["scenarios"].items() if moves(what["events"])]


@cache
def users(name: str) -> dict[str, tuple[str, list[bytes]]]:
    """Who has which mail: the files of the recordings, as this server reads them."""
    end = EVERY_LF if name in READS_EVERY_LF else BARE_LF
    read = _in_one_file if name in READS_ONE_FILE else list
    found = json.loads((HERE / "maildrops.json").read_text(encoding="utf-8"))
    return {
        name: (user["password"], [end.sub(b"\r\n", text.encode("latin-1")) for text in read(user["messages"])])
        for name, user in found.items()
    }


def _in_one_file(messages: list[str]) -> list[str]:
    """The messages of a file in which one that is all header runs into the next, and has nothing but fields."""
    found: list[str] = []
    ends = True
    for number, stored in enumerate(messages, 1):
        text = stored.replace("\n>From ", "\nFrom ")
        if ends:
            found.append(text)
        else:
            fields = "".join(line for line in found[-1].splitlines(keepends=True) if FIELD.match(line))
            found[-1] = f"{fields}\nFrom sender@example.org Mon Jan  1 10:00:{number:02} 2024\n{text}"
        ends = "\n\n" in text
    return found


def moves(events: list[Event]) -> list[Event]:
    """What a client does in them."""
    return [event for event in events if event["ev"] in {"open", "send"}]


def said(event: Event) -> bytes:
    """The octets of a send; long ones are abbreviated in a recording, and all alike behind their beginning."""
    text: str = event["data"]
    if not event.get("abbrev"):
        return text.encode("latin-1")
    head = text.removesuffix("...")
    end = "" if set(head) == {"Z"} else "\r\n"
    whole: str = head + head[-1] * (event["len"] - len(head) - len(end)) + end
    return whole.encode("latin-1")


def apop(stamp: str, password: str) -> str:
    """The proof of APOP (RFC 1939 section 7)."""
    return md5(f"{stamp}{password}".encode(), usedforsecurity=False).hexdigest()


def _stamp(greeting: bytes) -> str:
    """The timestamp in a greeting."""
    found = re.search(rb"<[^>]*>", greeting)
    return found[0].decode() if found else ""


def _trouble(error: str) -> str:
    """How a connection ended, by what Python said of it."""
    return "tcp RST" if "ConnectionReset" in error else "alert" if "ALERT" in error else "tcp FIN"


def replay(name: str, scenario: str, dialect: Dialect | None = None) -> list[Exchange]:
    """Say again what was said in a scenario, to the dialect of that name or another; an exchange for each move."""
    return list(_Replay(name, scenario, dialect or name).exchanges())


class _Replay:
    """One scenario under way."""

    def __init__(self, name: str, scenario: str, dialect: str | Dialect) -> None:
        self.name, self.scenario = name, scenario
        self.house = House(dialect, users(name))
        self.clients: dict[int, Client] = {}
        self.offer = Offer()
        self.theirs: dict[Client, bytes] = defaultdict(bytes)
        self.ours: dict[Client, bytes] = defaultdict(bytes)
        """What was last said on a connection there, and here."""
        self.events: list[Event] = recording(name)["scenarios"][scenario]["events"]

    def exchanges(self) -> Iterator[Exchange]:
        """Each thing that a client does, with what follows on its connection."""
        carried: dict[int, bytes] = {}
        place = 0
        for index, event in enumerate(self.events):
            number = event["c"]
            for client in self.clients.values():
                client.pass_time(event["t"])
            begun = self.house.clock.time
            if not self._do(event):
                continue
            delay = self.house.clock.time - begun
            theirs, their_end, last = self._follows(index)
            client = self.clients[number]
            client.pass_time(last + (SLACK if their_end else 0.0))
            ours = carried.pop(number, b"") + client.heard
            client.heard = b""
            if theirs:
                self.theirs[client] = theirs
            if ours:
                self.ours[client] = ours
            theirs, ours = masked(self.name, theirs), masked(self.name, ours)
            if not client.ended and ours.startswith(theirs) and self._comes(index, ours[len(theirs) :]):
                carried[number], ours = ours[len(theirs) :], theirs  # the server was slow, and it came later
            delays = self._waited(index), delay
            yield Exchange(self.scenario, place, self._shown(event), theirs, ours, their_end, client.ended, *delays)
            place += 1

    def _do(self, event: Event) -> bool:
        """Do what the client did; tells whether that is an exchange."""
        client = self.clients.get(event["c"])
        match event["ev"]:
            case "open":
                in_clear = not event["tls"]
                hidden = event["c"] == 90  # clear text to the port of TLS
                offer = None if in_clear else self.offer
                self.clients[event["c"]] = self.house.connect(tls=not in_clear or hidden, offer=offer)
                return not hidden
            case "send":
                assert client is not None
                client.say(self._fresh(said(event), client))
                return True
            case "tls" if client is not None and not client.version:
                client.shake(self.offer)
                return True
            case "close":
                assert client is not None
                client.leave(notify=event["how"] == "close_notify")
            case "note":
                return self._note(event["text"], client)
        return False

    def _note(self, text: str, client: Client | None) -> bool:
        """What the recording says beside events."""
        if text == "maildrop reset":
            self.house.reset()
        elif found := re.fullmatch(r"(?:client offers only |first connection, )(\w+)", text):
            self.offer = Offer(version=found[1])
        elif found := re.fullmatch(r"ALPN offered: (.*)", text):
            self.offer = Offer(alpn=tuple(ast.literal_eval(found[1])))
        elif found := re.fullmatch(r"SNI: (.*)", text):
            self.offer = Offer(name=ast.literal_eval(found[1]))
        elif text == "shutdown(SHUT_WR)" and client is not None:
            client.half_close()
            return True
        return False

    def _follows(self, index: int) -> tuple[bytes, str, float]:
        """What came on this connection before the client did the next thing there, how it ended, and when."""
        number, octets, end, last = self.events[index]["c"], b"", "", self.events[index]["t"]
        for event in self.events[index + 1 :]:
            if event["c"] != number:
                continue
            match event["ev"]:
                case "recv":
                    octets += event["data"].encode("latin-1")
                case "eof" | "reset":
                    end = event["how"]
                case "error" if event.get("what") != "send":
                    end = _trouble(event.get("error") or event["how"])
                case "send" | "close":
                    return octets, end, last
                case "tls" if self.events[index]["ev"] != "open":
                    return octets, end, last
                case "note" if event["text"].startswith("shutdown"):
                    return octets, end, last
            last = event["t"]
        return octets, end, last

    def _waited(self, index: int) -> float:
        """Seconds until anything came on this connection."""
        event = self.events[index]
        behind = (each for each in self.events[index + 1 :] if each["c"] == event["c"])
        first = next(behind, event)
        return first["t"] - event["t"] if first["ev"] in {"recv", "eof", "reset"} else 0.0

    def _comes(self, index: int, rest: bytes) -> bool:
        """Whether this came after the client's next move on this connection, and not before."""
        number = self.events[index]["c"]
        for later in range(index + 1, len(self.events)):
            if self.events[later]["c"] == number and self.events[later]["ev"] == "send":
                return bool(rest) and masked(self.name, self._follows(later)[0]).startswith(rest)
        return False

    def _fresh(self, octets: bytes, client: Client) -> bytes:
        """What the client would say to us: proofs depend on what we said first."""
        said = octets.decode("latin-1")
        if found := re.fullmatch(r"(APOP \S+ )([0-9a-f]{32})\r\n", said):
            theirs, ours = (_stamp(each) for each in (self.theirs[client], self.ours[client]))
            for password in PASSWORDS:
                if theirs and ours and found[2] == apop(theirs, password):
                    return f"{found[1]}{apop(ours, password)}\r\n".encode()
        challenges = self.theirs[client], self.ours[client]
        if all(each.startswith(b"+ ") and len(each) > 4 for each in challenges):
            theirs_, ours_ = (b64decode(each[2:]) for each in challenges)
            answer = b64decode(octets).decode("latin-1")
            for kind, password in product(("md5", "sha1", "sha256"), PASSWORDS):
                proofs = [hmac.new(password.encode(), each, kind).hexdigest() for each in (theirs_, ours_)]
                if answer.endswith(f" {proofs[0]}"):
                    return b64encode(answer.replace(proofs[0], proofs[1]).encode()) + b"\r\n"
        return octets

    def _shown(self, event: Event) -> bytes:
        """What the client did, in short."""
        return said(event) if event["ev"] == "send" else f"({event['ev']})".encode()
