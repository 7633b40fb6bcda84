"""What sessions write into the headers of messages, where the mail is a file that they put back.

Knows which message has which fields by now; must not know sessions, nor where messages are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from pop3s_fake.maildrop.form import Form
    from pop3s_fake.maildrop.message import Message

__all__ = ("Change", "Written")


class Change(NamedTuple):
    """Fields that a message gets, and those in whose place."""

    fields: Sequence[str]
    instead_of: Sequence[str] = ()
    missing: int = 0
    """Octets of a final line end that was added, which count from now on."""

    def made(self, message: Message) -> Message:
        """The message with these fields."""
        old, new = (b"".join(f"{each}\r\n".encode() for each in fields) for fields in (self.instead_of, self.fields))
        return message.headed(new, instead_of=old, missing=self.missing)


class Written:
    """Which message has which fields, by arrival.

    >>> from pop3s_fake.maildrop.form import Form
    >>> form = Form(found=("Status: {status}",), first=("X-IMAPbase: {validity} {next}",), validity=7)
    >>> written = Written()
    >>> [change.fields for change in written.found(form, [1, 2], {2}, 3).values()]
    [['X-IMAPbase: 7 3', 'Status: O'], ['Status: OR']]
    >>> [(change.instead_of, change.fields) for change in written.found(form, [1, 2], {1}, 3).values()]
    [(['Status: O'], ['Status: OR'])]
    """

    __slots__ = ("_found", "_head", "_told")

    def __init__(self) -> None:
        self._told: set[int] = set()
        self._found: dict[int, bool] = {}  # with whether it says that it was retrieved
        self._head = 0  # the one with the fields of the first

    def copy(self) -> Written:
        """The same for another time."""
        made = Written()
        made._told, made._found, made._head = set(self._told), dict(self._found), self._head
        return made

    def told(self, form: Form, uids: Iterable[tuple[int, str]]) -> dict[int, Change]:
        """What becomes of messages whose unique-ids, here by arrival, are told."""
        new = {arrival: uid for arrival, uid in uids if form.named and arrival not in self._told}
        self._told |= new.keys()
        return {arrival: Change([form.named.format(uid=uid)]) for arrival, uid in new.items()}

    def found(
        self, form: Form, arrivals: Sequence[int], retrieved: AbstractSet[int], following: int
    ) -> dict[int, Change]:
        """What becomes of the messages that a session leaves, some of which it has retrieved; one more will follow."""
        changes = {}
        for arrival in arrivals:
            was = self._found.get(arrival)
            reads = bool(was) or arrival in retrieved
            if was is not reads:
                self._found[arrival] = reads
                old = [] if was is None else form.status(arrival, retrieved=was)
                missing = form.unfinished if was is None else 0
                changes[arrival] = Change(form.status(arrival, retrieved=reads), old, missing)
        if form.first and arrivals and self._head not in arrivals:
            self._head = arrivals[0]
            fields = [each.format(validity=form.validity, next=following) for each in form.first]
            change = changes.get(self._head, Change(()))
            changes[self._head] = change._replace(fields=[*fields, *change.fields])
        return changes
