r"""What a rule does: one frozen structure for each action, each changing one thing.

Knows the actions with their parameters and which values these can have; must not know where in a conversation they
are allowed (``checks``), how they are written (``forms``), nor how they are carried out (``pipeline``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol, TypeAlias, get_args, runtime_checkable

from pop3s_fake.rules.values import Wrong, brief, known, not_negative, positive, shown, whole
from pop3s_fake.rules.when import LAYERS, Layer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = (
    "Action",
    "Answer",
    "Call",
    "Edit",
    "End",
    "Flood",
    "HasOctets",
    "Mail",
    "Pace",
    "Reply",
    "Send",
    "Tls",
    "Wait",
)

CRLF: Final = b"\r\n"


@runtime_checkable
class HasOctets(Protocol):
    """Whatever can say how it stands on the wire, such as ``Ok`` and ``Err``."""

    def octets(self) -> bytes:
        """The octets."""


Answer: TypeAlias = str | bytes | HasOctets
"""What can be given as a reply."""


def answered(answer: Answer) -> bytes:
    r"""The octets of a reply, completed with CRLF.

    >>> answered("+OK")
    b'+OK\r\n'
    """
    if isinstance(answer, str):
        octets: bytes | None = answer.encode("utf-8", "surrogateescape")
    else:
        speaks = isinstance(answer, HasOctets) and not isinstance(answer, type)
        octets = _plain(answer.octets() if speaks else answer)  # type: ignore[union-attr]  # just seen to be there
    if octets is None:
        raise Wrong(f"a reply is str, bytes, Ok, Err or a function that gives one of these, not {answer!r}", "reply")
    return octets if octets.endswith(CRLF) else octets + CRLF


def _plain(value: object) -> bytes | None:
    """The octets, if it is some kind of octets: ``bytes`` of a number would be as many NULs."""
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else None


def one_line(octets: bytes) -> bytes:
    """The octets, if they are a single line: what ``keep`` can put before a payload."""
    if octets.find(CRLF) != len(octets) - len(CRLF):
        raise Wrong("keep takes the place of the first line, so its text is one line", "keep")
    return octets


def _layer(layer: str) -> None:
    if layer not in LAYERS:
        raise Wrong(f"unknown layer {layer!r}{known(layer, LAYERS)}", "layer")


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait so many seconds on the server's clock: from ``span[0]`` to ``span[1]``, or for ever (None)."""

    verb: ClassVar[str] = "wait"
    dimension: ClassVar[str] = "time"
    span: tuple[float, float] | None

    def __post_init__(self) -> None:
        """Check the seconds."""
        if self.span is None:
            return
        first, last = (not_negative(value, "wait") for value in self.span)
        if last < first:
            raise Wrong("wait takes 0.5..1.5, the shorter time first", "wait")
        object.__setattr__(self, "span", (first, last))


MOST_OF_RECORD: Final = 16384
"""Octets that a TLS record holds at most (RFC 8446 section 5.1)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Send in pieces of ``size`` octets with ``gap`` seconds between, or of ``rate`` octets a second."""

    verb: ClassVar[str] = "pace"
    dimension: ClassVar[str] = "chunking"
    size: int | None = None
    gap: float | None = None
    rate: float | None = None
    layer: Layer = "pop3"

    def __post_init__(self) -> None:
        """Check the numbers and that they say one thing."""
        if self.size is not None:
            whole(self.size, "size")
        if self.gap is not None:
            object.__setattr__(self, "gap", positive(self.gap, "gap"))
        if self.rate is not None:
            object.__setattr__(self, "rate", positive(self.rate, "rate"))
        _layer(self.layer)
        if self.layer == "tls" and (self.size or 0) > MOST_OF_RECORD:
            raise Wrong(f"a TLS record holds up to {MOST_OF_RECORD} octets, so size={self.size} is none", "size")
        if (self.size is None) == (self.rate is None) or (self.gap is not None and self.size is None):
            raise Wrong("pace takes size= (and gap=), or rate=", "pace")


@dataclass(frozen=True, slots=True)
class Reply:
    """Say this in place of the reply; with ``keep`` in place of its first line only.

    A function is called with the command, such as ``"RETR 2"``, each time that the rule strikes.
    """

    verb: ClassVar[str] = "reply"
    dimension: ClassVar[str] = "reply"
    answer: bytes | Callable[[str], Answer]
    keep: bool = False

    def __post_init__(self) -> None:
        """Complete the last line."""
        if isinstance(self.answer, bytes):
            octets = answered(self.answer)
            object.__setattr__(self, "answer", one_line(octets) if self.keep else octets)

    def octets(self, command: str) -> bytes:
        """What to say to this command."""
        if isinstance(self.answer, bytes):
            return self.answer
        given = self.answer(command)
        try:
            octets = answered(given)
        except Wrong:
            raise Wrong(f"the function of this reply gave {brief(given)}, not str, bytes, Ok or Err", "reply") from None
        return one_line(octets) if self.keep else octets


EditKind = Literal["drop", "dup", "flip", "truncate", "no-terminator", "unstuff", "bare-lf", "bare-cr", "swap"]
EDITS: Final[tuple[EditKind, ...]] = get_args(EditKind)
COUNTED: Final = ("drop", "dup", "flip")
"""The edits that touch so many octets, not all that follow."""
OF_LAYER: Final[dict[Layer, frozenset[EditKind]]] = {
    "pop3": frozenset(EDITS) - {"swap"},
    "tls": frozenset({"drop", "dup", "flip", "swap", "truncate"}),
    "tcp": frozenset({"drop", "dup", "flip", "truncate"}),
}
"""The edits of each layer; on the TLS layer the octets of a flip are counted, of all others the records."""
NEEDS_PAYLOAD: Final = ("no-terminator", "unstuff")
"""The edits that mean something in a multi-line reply only."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Change the octets of the reply: leave out, double, or flip the lowest bit of ``count`` octets, and so on.

    On the TLS layer records are left out, doubled or exchanged (``swap``).  A function gets all octets of the reply on
    its layer, which are held for it, and gives what is sent in their place.
    """

    verb: ClassVar[str] = "edit"
    dimension: ClassVar[str] = "outgoing octets"
    kind: EditKind | Callable[[bytes], bytes]
    count: int = 1
    layer: Layer = "pop3"

    def __post_init__(self) -> None:
        """Check the kind and its count."""
        if not callable(self.kind) and self.kind not in EDITS:
            raise Wrong(f"unknown edit {self.kind!r}{known(str(self.kind), EDITS)}", "edit")
        whole(self.count, "count")
        if self.count != 1 and self.kind not in COUNTED:
            raise Wrong(f"only edit {', '.join(COUNTED)} take a count of octets", "count")
        _layer(self.layer)
        if not callable(self.kind) and self.kind not in OF_LAYER[self.layer]:
            if self.kind == "swap":
                raise Wrong("edit swap exchanges two records, so it takes layer=tls", "edit")
            raise Wrong(f"edit {self.kind} is about lines, so it takes no layer={self.layer}", "layer")

    def edited(self, octets: bytes) -> bytes:
        """What the function gives in place of the whole reply."""
        assert callable(self.kind)
        given = self.kind(octets)
        edited = _plain(given)
        if edited is None:
            raise Wrong(f"the function of this edit gave {brief(given)}, not the octets to send, which are bytes")
        return edited


@dataclass(frozen=True, slots=True)
class Send:
    """Put octets of one's own between those of the reply."""

    verb: ClassVar[str] = "send"
    dimension: ClassVar[str] = "added octets"
    octets: bytes
    layer: Layer = "pop3"

    def __post_init__(self) -> None:
        """Check that there are octets."""
        if not isinstance(self.octets, bytes):
            raise Wrong(f"send takes str or bytes, not {self.octets!r}", "send")
        if not self.octets:
            raise Wrong("send takes at least one octet", "send")
        _layer(self.layer)


MOST_OCTETS: Final = 64 * 1024 * 1024
MOST_SECONDS: Final = 10.0
"""How much a flood is without bounds of its own: enough to hurt a client, not the machine."""


@dataclass(frozen=True, slots=True)
class Flood:
    """Repeat the unit, whole, until ``octets`` were sent or ``seconds`` are over."""

    verb: ClassVar[str] = "flood"
    dimension: ClassVar[str] = "volume"
    unit: bytes
    octets: int = MOST_OCTETS
    seconds: float = MOST_SECONDS

    def __post_init__(self) -> None:
        """Check that there is something to repeat and room for it once."""
        if not isinstance(self.unit, bytes):
            raise Wrong(f"flood takes str or bytes, not {self.unit!r}", "flood")
        if not self.unit:
            raise Wrong("flood takes at least one octet", "flood")
        whole(self.octets, "octets")
        if self.octets < len(self.unit):
            raise Wrong(f"octets={self.octets} is less than the unit, which has {len(self.unit)}", "octets")
        object.__setattr__(self, "seconds", positive(self.seconds, "seconds"))


ALERTS: Final = {
    "close_notify": 0,
    "unexpected_message": 10,
    "bad_record_mac": 20,
    "record_overflow": 22,
    "handshake_failure": 40,
    "bad_certificate": 42,
    "unsupported_certificate": 43,
    "certificate_revoked": 44,
    "certificate_expired": 45,
    "certificate_unknown": 46,
    "illegal_parameter": 47,
    "unknown_ca": 48,
    "access_denied": 49,
    "decode_error": 50,
    "decrypt_error": 51,
    "protocol_version": 70,
    "insufficient_security": 71,
    "internal_error": 80,
    "inappropriate_fallback": 86,
    "user_canceled": 90,
    "missing_extension": 109,
    "unsupported_extension": 110,
    "unrecognized_name": 112,
    "bad_certificate_status_response": 113,
    "unknown_psk_identity": 115,
    "certificate_required": 116,
    "no_application_protocol": 120,
}
"""The names of TLS alerts (RFC 8446 section 6)."""
MOST_ALERT: Final = 255


@dataclass(frozen=True, slots=True)
class Tls:
    """Send an alert, show another certificate, or ask for the client's after the handshake."""

    verb: ClassVar[str] = "tls"
    dimension: ClassVar[str] = "TLS state"
    alert: int | None = None
    certificate: str | None = None
    request: bool = False

    def __post_init__(self) -> None:
        """Check that it is one of the three."""
        if (self.alert is not None) + (self.certificate is not None) + self.request != 1:
            raise Wrong("tls takes alert=, certificate= or request-client-cert, one of them", "tls")
        if self.alert is not None and whole(self.alert, "alert", 0) > MOST_ALERT:
            raise Wrong(f"alert takes a name or a number up to {MOST_ALERT}, not {self.alert}", "alert")


Ending = Literal["clean", "fin", "rst", "half-close", "half-tls", "half-tcp"]
ENDINGS: Final[tuple[Ending, ...]] = get_args(Ending)
HALVES: Final = ("half-close", "half-tls", "half-tcp")
"""Those that close our direction only, that of TLS and of TCP or one of them, so that the client can still be heard."""


@dataclass(frozen=True, slots=True)
class End:
    """End the connection, or one direction of it."""

    verb: ClassVar[str] = "end"
    dimension: ClassVar[str] = "connection"
    how: Ending

    def __post_init__(self) -> None:
        """Check the word."""
        if self.how not in ENDINGS:
            raise Wrong(f"unknown end {self.how!r}{known(str(self.how), ENDINGS)}", "end")


def _storable(message: object) -> bool:
    """Whether this may be a message; what is in it is looked at where it is stored."""
    readable = any(hasattr(message, name) for name in ("as_bytes", "read_bytes"))
    return message is None or isinstance(message, str | bytes) or (readable and not isinstance(message, type))


@dataclass(frozen=True, slots=True)
class Mail:
    """Change the stored maildrop: add a message (a path, or Python's own), remove one, give all new unique-ids."""

    verb: ClassVar[str] = "mail"
    dimension: ClassVar[None] = None
    path: str | None = None
    message: Any = None
    remove: str | None = None
    renumber: bool = False

    def __post_init__(self) -> None:
        """Check that it is one of the three."""
        add = (self.path is not None) + (self.message is not None)
        if add + (self.remove is not None) + bool(self.renumber) != 1:
            raise Wrong("mail takes add=, remove= or renumber-uids, one of them", "mail")
        if self.remove is not None and not isinstance(self.remove, str):
            raise Wrong(f"remove takes a unique-id such as 'uid-1', not {brief(self.remove)}", "remove")
        if not _storable(self.message):
            raise Wrong(
                f"add takes a message as str, bytes or EmailMessage, or a Path, not {brief(self.message)}", "add"
            )


@dataclass(frozen=True, slots=True)
class Call:
    """Call a function of the test's with the transcript's session."""

    verb: ClassVar[str] = "call"
    dimension: ClassVar[None] = None
    function: Callable[[Any], object]

    def __post_init__(self) -> None:
        """Check that it can be called."""
        if not callable(self.function):
            raise Wrong(f"call takes a function, not {shown(self.function)}", "call")


Action: TypeAlias = Wait | Pace | Reply | Edit | Send | Flood | Tls | End | Mail | Call
