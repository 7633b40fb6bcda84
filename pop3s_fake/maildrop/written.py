"""What sessions write into the headers of messages, where the mail is a file that they put back.

Knows which message has which fields by now; must not know sessions, nor where messages are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from pop3s_fake.maildrop.form import Form
    from pop3s_fake.maildrop.message import Message

__all__ = ("Change", "Written")

_BODIES: Final = {"empty-line": b"\r\n"}
"""What a message gets for the body that it has not."""


class Change(NamedTuple):
    """Fields that a message gets at the end of its header, and those that it loses."""

    fields: Sequence[str]
    instead_of: Sequence[str] = ()
    missing: int = 0
    """Octets of a final line end that was added, which count from now on."""
    body: bytes = b""
    """That of a message which has none."""

    def made(self, message: Message) -> Message:
        """The message with these fields."""
        old, new = (b"".join(f"{each}\r\n".encode() for each in fields) for fields in (self.instead_of, self.fields))
        return message.headed(new, instead_of=old, missing=self.missing, body=self.body)


class Written:
    """Which message has which fields, by arrival.

    >>> from pop3s_fake.maildrop.form import Form
    >>> form = Form(found=("Status: {status}",), first=("X-IMAPbase: {validity} {next}",), validity=7)
    >>> written = Written()
    >>> [change.fields for change in written.found(form, [1, 2], {2}, 3).values()]
    [['X-IMAPbase: 7 3', 'Status: O'], ['Status: OR']]
    >>> [(change.instead_of, change.fields) for change in written.found(form, [1, 2], {1}, 3).values()]
    [(['X-IMAPbase: 7 3', 'Status: O'], ['X-IMAPbase: 7 3', 'Status: OR'])]
    """

    __slots__ = ("_base", "_found", "_head", "_late", "_told")

    def __init__(self) -> None:
        self._told: set[int] = set()
        self._late: set[int] = set()  # those of them that were told since a session was over
        self._found: dict[int, bool] = {}  # with whether it says that it was retrieved
        self._head = 0  # the one with the fields of the first
        self._base: list[str] = []  # these

    def copy(self) -> Written:
        """The same for another time."""
        made = Written()
        made._told, made._late, made._found = set(self._told), set(self._late), dict(self._found)
        made._head, made._base = self._head, self._base
        return made

    def told(self, form: Form, uids: Iterable[tuple[int, str]]) -> dict[int, Change]:
        """What becomes of messages whose unique-ids, here by arrival, are told."""
        new = {arrival: uid for arrival, uid in uids if form.named and arrival not in self._told}
        self._told |= new.keys()
        self._late |= new.keys()
        return {arrival: Change([form.named.format(uid=uid)]) for arrival, uid in new.items()}

    def found(
        self, form: Form, arrivals: Sequence[int], retrieved: AbstractSet[int], following: int
    ) -> dict[int, Change]:
        """What becomes of the messages that a session leaves, some of which it has retrieved; one more will follow.

        Fields that a message has already are written anew behind those that it got meanwhile.
        """
        changes = {}
        base, head = self._base, self._head
        if form.first and arrivals and head not in arrivals:
            self._head = arrivals[0]
            self._base = [each.format(validity=form.validity, next=following) for each in form.first]
        for arrival in arrivals:
            was = self._found.get(arrival)
            reads = bool(was) or arrival in retrieved
            if was is reads and arrival not in self._late and (arrival == head) is (arrival == self._head):
                continue
            self._found[arrival] = reads
            old = [] if was is None else form.status(arrival, retrieved=was)
            new = form.status(arrival, retrieved=reads)
            missing, body = (form.unfinished, _BODIES.get(form.bodiless, b"")) if was is None else (0, b"")
            old = [*base, *old] if arrival == head else old
            new = [*self._base, *new] if arrival == self._head else new
            changes[arrival] = Change(new, old, missing, body)
        self._late.difference_update(arrivals)
        return changes
