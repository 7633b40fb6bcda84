"""What a session sees of a maildrop under a site's policy, and what its UPDATE does.

Knows how a policy chooses among messages and what a session leaves behind; changes what is stored through the store
alone.  Must not know commands, accounts or clocks: whoever opens says what time it is.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from pop3s_fake.maildrop.chosen import Chosen
from pop3s_fake.maildrop.open_maildrop import LiveOpenMaildrop, OpenMaildrop, UpdateResult
from pop3s_fake.maildrop.policy import Policy
from pop3s_fake.maildrop.served import BEYOND, Served, with_own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pop3s_fake.maildrop.contents import Contents
    from pop3s_fake.maildrop.message import Message
    from pop3s_fake.maildrop.policy import History
    from pop3s_fake.maildrop.store import Store

__all__ = ("LivePolicedMaildrop", "PolicedMaildrop", "Terms")

DAY: Final = 86400.0

_Line = TypeVar("_Line")


class Terms(NamedTuple):
    """On which terms a maildrop is opened: the site's policy, what the account remembers, and what time it is."""

    policy: Policy
    history: History
    now: float
    recent: bool = False
    """Whether the session came under the name that shows recent messages only."""
    utf8: bool = False
    """Whether the client takes UTF-8 in headers."""
    early: bool = False
    """Whether the last login was too short a time ago."""
    clock: Callable[[], float] | None = None
    """What time it will be."""


def _seen(store: Store, contents: Contents, terms: Terms) -> Contents:
    """What a session finds, in the order of its numbers."""
    policy, history = terms.policy, terms.history
    if terms.now < history.unseen_until:
        return Chosen(contents, range(0))
    if policy.generated or policy.last:
        contents = with_own(contents, replace(policy, first=""))
    hidden = history.gone if terms.recent else history.gone | history.popped
    if hidden:
        contents = Chosen(contents, [place for place, uid in enumerate(contents.uids()) if uid not in hidden])
    if terms.recent:
        last = store.arrived_by(terms.now - policy.recent_days * DAY)
        contents = Chosen(contents, [place for place, each in enumerate(contents.arrivals()) if each > last])
    else:
        contents = _window(contents, policy)
    if policy.first:
        contents = with_own(contents, Policy(first=policy.first))
    if policy.descending:
        contents = Chosen(contents, range(len(contents))[::-1])
    if terms.utf8 and policy.wraps:
        policy = replace(policy, wraps=False)
    return Served(contents, policy) if policy.serves else contents


def _window(contents: Contents, policy: Policy) -> Contents:
    """So many of the messages, those that came last or first."""
    if policy.newest is not None and policy.newest < len(contents):
        contents = Chosen(contents, range(len(contents) - policy.newest, len(contents)))
    if policy.oldest is not None and policy.oldest < len(contents):
        contents = Chosen(contents, range(policy.oldest))
    return contents


class PolicedMaildrop(OpenMaildrop):
    """An open maildrop under a policy."""

    def __init__(self, store: Store, contents: Contents, taken: object, terms: Terms) -> None:
        self._terms = terms
        self._base = contents
        chosen = _seen(store, contents, terms)
        self._coming: Contents | None = None
        """What there is as soon as somebody has had a listing."""
        if terms.policy.late and len(chosen):
            self._coming = chosen
            chosen = Chosen(chosen, range(len(chosen) - 1))
        self._retrieved: dict[int, str] = {}
        self._taken_away: set[int] = set()
        """The numbers of what goes at UPDATE because it was retrieved."""
        self._expunged: dict[int, tuple[int, int]] = {}
        """By number, arrival and octets of what somebody else has removed; no such message is there any more."""
        self._held: set[int] = set()
        self._gone: dict[str, None] = {}
        """What this session has removed, in the order in which it did."""
        self._updated = False
        super().__init__(store, chosen, taken)

    @property
    def retrieves(self) -> bool:
        """Whether anything hangs on what is retrieved."""
        return self._terms.policy.retrieves

    @property
    def early(self) -> bool:
        """Whether it was opened too soon behind the last time."""
        return self._terms.early

    @property
    def waits(self) -> bool:
        """Whether UPDATE comes behind the answer to QUIT."""
        return self._terms.policy.waits

    @property
    def aborts(self) -> bool:
        """Whether there is no UPDATE where the client is gone before it begins."""
        return self._terms.policy.removes == "last"

    def retrieved(self, number: int) -> None:
        """Remember that the message with this number was retrieved."""
        uid, policy = self.uid(number), self._terms.policy
        if uid is not None:
            self._retrieved[number] = uid
            if policy.takes:
                self._taken_away.add(number)
            if policy.reads or policy.top_reads:
                self._terms.history.seen.add(uid)

    @property
    def top_reads(self) -> bool:
        """Whether TOP counts as retrieving."""
        return self._terms.policy.top_reads

    def message(self, number: int) -> Message | None:
        """The message with this number, or what stands in its place."""
        if number == self._terms.policy.expunges and not self._terms.history.expunged:
            self._expunge(number)
        with self._overlooking(marks=self._terms.policy.serves_marked):
            return super().message(number)

    def octets(self, number: int) -> int | None:
        """The size of the message with this number, as LIST tells it."""
        return self._told(number, self._size(number), asked=self._terms.policy.sizes_list)

    def retrieval(self, number: int) -> int | None:
        """The same as RETR tells it."""
        return self._told(number, self._size(number), asked=self._terms.policy.sizes_retr)

    def _size(self, number: int) -> int | None:
        with self._overlooking(marks=self._terms.policy.serves_marked):
            return super().octets(number)

    def stat(self) -> tuple[int, int]:
        """How many messages are there and not marked, and the octets that are told of them."""
        if not (self._terms.policy.sizes and self._terms.policy.sizes_stat):
            return super().stat()
        sizes = [self._told(number, size, asked=True) for number, size in super().listing()]
        return len(sizes), sum(filter(None, sizes))

    def _told(self, number: int, size: int | None, *, asked: bool) -> int | None:
        """What is told of a size, where that is ``asked`` for."""
        by = self._terms.policy.sizes_by
        match self._terms.policy.sizes if asked and size is not None else "":
            case "round":
                return -(-(size or 0) // by) * by
            case "lf":
                message = self._contents.message(place) if (place := self._place(number)) is not None else None
                return size if message is None or size is None else size - _line_ends(message)
            case "zero":
                return 0
            case "more":
                return (size or 0) + by
            case "less":
                return max(0, (size or 0) - by)
        return size

    def allows(self, number: int) -> bool:
        """Whether the account may retrieve this message, too; it counts as retrieved then."""
        policy, history = self._terms.policy, self._terms.history
        if not policy.limits:
            return True
        now = self._terms.now if self._terms.clock is None else self._terms.clock()
        if not history.fetched or now - history.fetched_since >= policy.quota_lasts:
            history.fetched, history.fetched_octets, history.fetched_since = 0, 0, now
        octets = history.fetched_octets + (self._size(number) or 0)
        if 0 < policy.quota <= history.fetched or 0 < policy.quota_octets < octets:
            return False
        history.fetched, history.fetched_octets = history.fetched + 1, octets
        return True

    def expunged(self, number: int) -> bool:
        """Whether somebody else has removed the message with this number, which was listed."""
        return number in self._expunged

    def _expunge(self, number: int) -> None:
        """Somebody else removes a message of ours."""
        place = self._place(number)
        if place is None:
            return
        self._terms.history.expunged = True
        arrival, uid = self._contents.arrival(place), self._contents.uid(place)
        self._expunged[number] = arrival, self._contents.octets(place)
        super().mark(number)
        if arrival > BEYOND:
            self._terms.history.gone.add(uid)
        else:
            self._store.update([arrival])

    def is_marked(self, number: int) -> bool:
        """Whether the message with this number is marked."""
        return super().is_marked(number) and number not in self._expunged

    def _marked_uids(self) -> dict[int, str]:
        """The unique-id of each marked message by its arrival."""
        gone = {arrival for arrival, _ in self._expunged.values()}
        return {arrival: uid for arrival, uid in super()._marked_uids().items() if arrival not in gone}

    def uid(self, number: int) -> str | None:
        """The unique-id of the message with this number."""
        with self._overlooking(marks=self._terms.policy.serves_marked):
            return super().uid(number)

    def listing(self) -> Iterator[tuple[int, int]]:
        """Number and size of each message that is there and not marked; what comes late comes behind it."""
        if not self._terms.policy.lists_marked:
            return self._before_it_comes(self._as_told(super().listing()))
        marked = self._marked if self._terms.policy.lists_marked == "zeros" else ()
        with self._overlooking(marks=True):
            lines = list(self._as_told(super().listing()))
        return self._before_it_comes((number, 0 if number in marked else size) for number, size in lines)

    def _as_told(self, listing: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """A listing with the sizes that are told."""
        if not (self._terms.policy.sizes and self._terms.policy.sizes_list):
            return listing
        return ((number, self._told(number, size, asked=True) or 0) for number, size in listing)

    def unique_ids(self) -> Iterator[tuple[int, str]]:
        """Number and unique-id of each message that is there and not marked; what comes late comes behind it."""
        if not self._terms.policy.lists_marked:
            return self._before_it_comes(super().unique_ids())
        with self._overlooking(marks=True):
            lines = list(super().unique_ids())
        return self._before_it_comes(iter(lines))

    @contextmanager
    def _overlooking(self, *, marks: bool) -> Iterator[None]:
        """Look at what is marked as if it were not, where ``marks`` are overlooked."""
        marked = self._marked
        if marks:
            self._marked = set(self._expunged)
        try:
            yield
        finally:
            self._marked = marked

    def _before_it_comes(self, listing: Iterator[_Line]) -> Iterator[_Line]:
        """This listing without the message that is on its way, which comes behind it."""
        if self._coming is None:
            return listing
        lines = list(listing)
        self._come()
        return iter(lines)

    def _come(self) -> None:
        """The message that was on its way comes."""
        assert self._coming is not None
        self._contents, self._coming = self._coming, None

    def mark(self, number: int) -> bool:
        """Mark a message as deleted, which may remove it at once."""
        place = self._place(number)
        marked = super().mark(number)
        if marked and place is not None:
            if number == self._terms.policy.keeps:
                self._held.add(self._contents.arrival(place))
            if self._terms.policy.deletes == "at-once":
                self._remove()
        return marked

    def unmark_all(self) -> None:
        """Take back every mark, where that brings anything back; what was retrieved stays, too."""
        self._taken_away.clear()
        if self._terms.policy.deletes != "at-once":
            super().unmark_all()
            self._marked.update(self._expunged)
            self._marked_octets = sum(octets for _, octets in self._expunged.values())

    def update(self) -> UpdateResult:
        """Remove the marked messages as far as the policy has it, and leave behind what was retrieved."""
        self._updated = True
        if self._terms.policy.popped:
            self._terms.history.popped.update(self._retrieved.values())
        for number in sorted(self._taken_away):
            self.mark(number)
        kept = self._remove()
        return UpdateResult(tuple(self._gone), kept)

    def lost(self) -> tuple[str, ...]:
        """End without UPDATE; gives what was removed all the same, by this session."""
        deletes = self._terms.policy.deletes
        if deletes in {"lost", "lost-or-retrieved"} and not self._updated:
            self._updated = True
            for number in self._retrieved if deletes == "lost-or-retrieved" else ():
                self.mark(number)
            self._remove()
        return tuple(self._gone)

    def _remove(self) -> tuple[str, ...]:
        """Remove what is marked; gives what stays."""
        uids = self._marked_uids()
        if self._terms.policy.deletes == "not":
            return ()
        if self._terms.policy.deletes == "hidden":
            removed, kept = set(uids) - self._held, self._held
            self._terms.history.gone.update(uids[arrival] for arrival in removed)
        else:
            removed, kept = self._store.update(arrival for arrival in uids if arrival not in self._held)
            kept |= self._held
            own = {arrival for arrival in uids if arrival > BEYOND} - self._held
            self._terms.history.gone.update(uids[arrival] for arrival in own)
            removed |= own
        self._gone |= {uid: None for arrival, uid in uids.items() if arrival in removed}
        return tuple(uid for arrival, uid in uids.items() if arrival in kept)


def _line_ends(message: Message) -> int:
    """How many line ends a message has."""
    last, ends = b"", 0
    for chunk in message.chunks():
        ends += (last + chunk).count(b"\r\n")
        last = chunk[-1:] if chunk.endswith(b"\r") else b""
    return ends


class LivePolicedMaildrop(PolicedMaildrop, LiveOpenMaildrop):
    """The maildrop under a policy as it is at this moment; what was chosen once keeps its number."""

    def _look(self) -> None:
        """Take in what changed since the last look."""
        contents = self._store.contents()
        if contents is self._base:
            return
        self._base, self._coming = contents, None
        self._contents = _seen(self._store, contents, self._terms)
        known = set(self._arrivals)
        self._arrivals.extend(each for each in self._contents.arrivals() if each not in known)

    def _come(self) -> None:
        """The message that was on its way comes."""
        super()._come()
        known = set(self._arrivals)
        self._arrivals.extend(each for each in self._contents.arrivals() if each not in known)
