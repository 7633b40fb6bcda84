"""What is noted of the layers below POP3: each write or read, and each TLS record, whole or in pieces.

Knows a record's header (RFC 8446 section 5.1); must not know what is in a record, nor who writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake import transcript

__all__ = ("MOST", "Lane")

MOST: Final = 1000
"""Entries that are kept of a reply where nobody asked for them, but a rule is bound to it."""

HEADER: Final = 5
"""Octets of a record before its content: type, version, length."""

TYPES: Final = {
    20: "change_cipher_spec",
    21: "alert",
    22: "handshake",
    23: "application_data",
    24: "heartbeat",
}
"""The content types of records (RFC 8446 section 5.1, RFC 6520)."""

SSL_3_0: Final = 3
"""The first octet of every version since."""


class Lane:
    r"""One direction of a connection, octets in the order in which they go.

    >>> from pop3s_fake.transcript import Session
    >>> log = Session(1, started=0.0)
    >>> lane = Lane(log, "S", lambda: 0.0)
    >>> lane.carry(b"\x17\x03\x03\x00\x02a", sealed=True), lane.carry(b"b", sealed=True)
    (None, None)
    >>> [(below.layer, below.text) for below in log.below]
    [('tcp', '6 octets'), ('tcp', '1 octet'), ('tls', 'application_data, 2 octets, in 2 segments')]
    """

    __slots__ = ("_head", "_kind", "_left", "_log", "_missing", "_now", "_size", "_what", "_writes")

    def __init__(
        self, log: transcript.Session, kind: Literal["C", "S"], now: Callable[[], float], most: int | None = None
    ) -> None:
        """``most``: how many entries are kept between two calls of :meth:`begin`; None for all."""
        self._log = log
        self._kind = kind
        self._now = now
        self._left = most
        self._head = b""
        """The header that is not whole yet."""
        self._what = ""
        """What the record is that is under way."""
        self._size = 0
        self._missing = 0
        """Octets of it that have not come."""
        self._writes = 0
        """In how many pieces it came so far."""

    def begin(self, most: int) -> None:
        """Something else is said from now on, of which so many entries are kept."""
        self._left = most

    def carry(self, octets: bytes, *, sealed: bool) -> None:
        """These go over the wire in one write or read; ``sealed``: they should be records."""
        self._note("tcp", _counted(len(octets)))
        if sealed:
            self._records(octets)

    def end(self) -> None:
        """Nothing more comes; a record that is not whole is told."""
        if self._missing:
            came = self._size - self._missing
            self._note("tls", f"{self._what}, {_counted(self._size)}, of which {came} came")
        elif self._head:
            self._note("tls", f"{_counted(len(self._head))} of a record's header")
        self._head, self._missing = b"", 0

    def _records(self, octets: bytes) -> None:
        self._writes += bool(self._head or self._missing)
        while octets:
            if not self._missing:
                taken = HEADER - len(self._head)
                self._writes = self._writes or 1
                self._head, octets = self._head + octets[:taken], octets[taken:]
                if len(self._head) < HEADER:
                    return
                if not self._started():
                    self._note("tls", f"no record: {_counted(HEADER + len(octets))} in clear")
                    self._head, self._writes = b"", 0
                    return
            taken = min(len(octets), self._missing)
            self._missing -= taken
            octets = octets[taken:]
            if self._missing:
                return
            pieces = "" if self._writes == 1 else f", in {self._writes} segments"
            self._note("tls", f"{self._what}, {_counted(self._size)}{pieces}")
            self._head, self._writes = b"", 0

    def _started(self) -> bool:
        """Read the header; tells whether it is one."""
        kind, major, minor = self._head[:3]
        if kind not in TYPES and major != SSL_3_0:
            return False
        self._what = TYPES.get(kind, f"type {kind}")
        if major != SSL_3_0:
            self._what += f" of version {major}.{minor}"
        self._size = self._missing = int.from_bytes(self._head[3:], "big")
        return True

    def _note(self, layer: Literal["tls", "tcp"], text: str) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                if self._left == -1:
                    self._log.carried(self._now(), self._kind, layer, "and more, which was not kept")
                return
        self._log.carried(self._now(), self._kind, layer, text)


def _counted(count: int) -> str:
    return f"{count} {'octet' if count == 1 else 'octets'}"
