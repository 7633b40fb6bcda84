"""What a maildrop holds, changed in single steps that any thread may take.

Knows the runs of messages, every unique-id that was ever given out, and who has the exclusive-access lock; one
`threading.Lock` guards them, held for a moment, and no callable of the user runs under it.  Must not know sources,
marks or message-numbers.  Longer than 400 lines because every step holds the one lock.
"""

from __future__ import annotations

from bisect import bisect_right
from threading import Lock
from typing import TYPE_CHECKING, Any

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop.contents import Contents, Stored, contents_of
from pop3s_fake.maildrop.form import Form
from pop3s_fake.maildrop.generated import Block, Content, Generated, Remove
from pop3s_fake.maildrop.lock import ExclusiveAccess
from pop3s_fake.maildrop.message import Message
from pop3s_fake.maildrop.unique_ids import derived_uid
from pop3s_fake.maildrop.written import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from pop3s_fake.maildrop.written import Change

__all__ = ("Store",)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


class Store:
    """The messages of one maildrop and its lock."""

    __slots__ = (
        "_access",
        "_arrived",
        "_blocks",
        "_contents",
        "_copies",
        "_firsts",
        "_form",
        "_given",
        "_guard",
        "_now",
        "_protected",
        "_runs",
        "_times",
        "_uids",
        "_written",
    )

    def __init__(self) -> None:
        self._guard = Lock()
        self._access = ExclusiveAccess()
        self._runs: list[list[Message] | Generated] = []
        self._contents: Contents | None = Stored(())  # None: something changed since anybody looked
        self._arrived = 0
        self._blocks: list[Block] = []
        self._uids: dict[str, int] = {}  # the arrival of each message in a list
        self._given: set[str] = set()  # every unique-id a listed message ever had: none is given twice
        self._copies: dict[str, int] = {}  # how many messages arrived with these octets
        self._protected: set[int] = set()
        self._now: Callable[[], float] | None = None
        # When messages came, on that clock: those from an arrival on, to the next, at one time.
        self._firsts: list[int] = []
        self._form = Form()
        self._times: list[float] = []
        self._written = Written()

    def follow(self, now: Callable[[], float]) -> None:
        """Note from now on when messages come; what is there already came now.  The same clock again is no change."""
        time = now()
        with self._guard:
            if now != self._now:
                self._now = now
                self._came(time)

    def _came(self, time: float | None) -> None:
        """Take all that is there as if it had come at this time."""
        if time is not None:
            self._firsts, self._times = [1], [time]

    def _time(self) -> float | None:
        """When a message came that is about to be added."""
        return None if self._now is None else self._now()

    def _note(self, time: float | None) -> None:
        """Note that what comes next comes at this time; a million messages that come together are one note."""
        if time is not None and time > self._times[-1]:
            self._firsts.append(self._arrived + 1)
            self._times.append(time)

    def contents(self) -> Contents:
        """What there is now; the same object until something changes."""
        with self._guard:
            return self._seen()

    def _seen(self) -> Contents:
        if self._contents is None:
            self._contents = contents_of(run if isinstance(run, Generated) else Stored(run) for run in self._runs)
        return self._contents

    def open(self, owner: object, *, exclusive: bool) -> tuple[Contents, object]:
        """What there is now, and what to `release`; `MaildropInUse` if another owner has the lock."""
        with self._guard:
            taken = self._access.take(owner) if exclusive else None
            return self._seen(), taken

    def release(self, taken: object) -> None:
        """Give the lock back; twice is the same as once."""
        with self._guard:
            self._access.release(taken)

    def unlock(self) -> None:
        """Take the lock from whoever has it."""
        with self._guard:
            self._access = ExclusiveAccess()

    @property
    def owner(self) -> object:
        """Who has the exclusive-access lock; None if nobody has it."""
        return self._access.owner

    def save(self) -> object:
        """All that is stored, to be handed to `restore`; the lock is no part of it."""
        with self._guard:
            runs = [run if isinstance(run, Generated) else list(run) for run in self._runs]
            return (
                runs,
                self._arrived,
                list(self._blocks),
                dict(self._uids),
                set(self._given),
                dict(self._copies),
                set(self._protected),
                self._written.copy(),
            )

    def restore(self, saved: Any) -> None:
        """Store again what `save` found; sessions that are open keep what they see."""
        runs, arrived, blocks, uids, given, copies, protected, written = saved
        time = self._time()
        with self._guard:
            self._came(time)
            self._runs = [run if isinstance(run, Generated) else list(run) for run in runs]
            self._arrived = arrived
            self._blocks = list(blocks)
            self._uids = dict(uids)
            self._given = set(given)
            self._copies = dict(copies)
            self._protected = set(protected)
            self._written = written.copy()
            self._contents = None

    def append(self, contents: Sequence[bytes]) -> list[Message]:
        """Store these octets; their unique-ids follow from them."""
        uids = [derived_uid(content) for content in contents]
        time = self._time()
        with self._guard:
            self._note(time)
            return [self._keep(self._made(content, uid)) for content, uid in zip(contents, uids, strict=True)]

    def append_one(self, content: bytes, uid: str | None, octets: int | None) -> Message:
        """Store these octets under this unique-id, announced with this size."""
        if uid is not None:
            self._refuse_generated(uid)
        derived = derived_uid(content) if uid is None else ""
        time = self._time()
        with self._guard:
            if uid is not None:
                self._refuse_given(uid)
            self._note(time)
            return self._keep(self._made(content, derived, uid, octets))

    def _made(self, content: bytes, derived: str, uid: str | None = None, octets: int | None = None) -> Message:
        """A message as this maildrop keeps it, under its own unique-id or one that follows from it."""
        arrival, content = self._arrived + 1, self._form.kept(content)
        if uid is None:
            uid = self._form.uid(arrival, content) or self._free(derived)
        size = self._form.octets(content) if octets is None else octets
        return Message(self._form.sent(content), uid, octets=size, arrival=arrival)

    def adopt(self, form: Form) -> None:
        """Keep messages in this form from now on, and those that are there, but for what they were given by name."""
        with self._guard:
            former, self._form = self._form, form
            if former == form:
                return
            for run in self._runs:
                if isinstance(run, Generated):
                    continue
                for place, message in enumerate(run):
                    again = message.kept_in(former, form)
                    if again.uid != message.uid:
                        del self._uids[message.uid]
                        self._uids[again.uid] = again.arrival
                        self._given.add(again.uid)
                    run[place] = again
            self._contents = None

    @property
    def written(self) -> bool:
        """Whether sessions write into messages."""
        return self._form.written

    def told(self, uids: Iterable[tuple[int, str]]) -> None:
        """Note in these messages, by arrival, that their unique-ids were told."""
        with self._guard:
            self._write(self._written.told(self._form, uids))

    def found(self, arrivals: Iterable[int], retrieved: AbstractSet[int]) -> None:
        """Note in these messages that a session has found them, and which of them it has retrieved."""
        with self._guard:
            there = [each for each in arrivals if self._seen().place_of(each) is not None]
            self._write(self._written.found(self._form, there, retrieved, self._arrived + 1))

    def _write(self, changes: Mapping[int, Change]) -> None:
        """Put for each of these messages what becomes of it in its place; those of blocks stay."""
        for run in self._runs if changes else ():
            if not isinstance(run, Generated):
                run[:] = [changes[each.arrival].made(each) if each.arrival in changes else each for each in run]
        self._contents = None if changes else self._contents

    def _keep(self, message: Message) -> Message:
        if not self._runs or isinstance(self._runs[-1], Generated):
            self._runs.append([])
        run = self._runs[-1]
        assert isinstance(run, list)
        run.append(message)
        self._arrived = message.arrival
        self._uids[message.uid] = message.arrival
        self._given.add(message.uid)
        self._contents = None
        return message

    def _free(self, derived: str) -> str:
        """The derived unique-id, with a number for the second and later messages of the same octets."""
        while True:
            copy = self._copies[derived] = self._copies.get(derived, 0) + 1
            uid = derived if copy == 1 else f"{derived}-{copy}"
            if uid not in self._given:
                return uid

    def _refuse_given(self, uid: str) -> None:
        if uid in self._uids:
            raise UsageError(f"unique-id {uid!r} is already in the maildrop")
        if uid in self._given:
            raise UsageError(
                f"unique-id {uid!r} was in this maildrop before, and is never used again (RFC 1939 section 7)",
            )

    def _refuse_generated(self, uid: str) -> None:
        """As `_refuse_given`, for generated messages: it may call a function of the user, so not under the lock."""
        if self._in_blocks(uid) is not None:
            raise UsageError(f"unique-id {uid!r} is or was that of a generated message of this maildrop")

    def _in_blocks(self, uid: str) -> int | None:
        for block in tuple(self._blocks):
            n = block.find(uid)
            if n is not None:
                return block.before + n
        return None

    def generate(
        self,
        count: int,
        content: Callable[[int], Content],
        octets: int | Callable[[int], int],
        uid: Callable[[int], str] | None,
        remove: Remove | None = None,
    ) -> None:
        """Add a block of messages that are made when somebody looks."""
        time = self._time()
        with self._guard:
            self._note(time)
            block = Block(count, content, octets, uid or self._free_beginning(), self._arrived, remove=remove)
            self._arrived += count
            self._blocks.append(block)
            self._runs.append(Generated(block, range(1, count + 1)))
            self._contents = None

    def _free_beginning(self) -> str:
        """What the unique-ids of the next block begin with: `generated-`, then `generated-2-` and so on."""
        copy = len(self._blocks) + 1
        while True:
            beginning = "generated-" if copy == 1 else f"generated-{copy}-"
            if not any(uid.startswith(beginning) for uid in self._given):
                return beginning
            copy += 1

    def find(self, uid: object) -> Message | None:
        """The message with this unique-id, or None."""
        if not isinstance(uid, str):
            return None
        arrival = self._uids.get(uid)
        if arrival is None:
            arrival = self._in_blocks(uid)
        if arrival is None:
            return None
        contents = self.contents()
        place = contents.place_of(arrival)
        # A generated message may bear another name than its block gave it.
        return contents.message(place) if place is not None and contents.uid(place) == uid else None

    def ever(self, uid: str) -> bool:
        """Whether any message has or had this unique-id."""
        return uid in self._given or self._in_blocks(uid) is not None

    def rename(self, message: Message, uid: str) -> bool:
        """Give the message another unique-id in its place; False if it is gone."""
        self._refuse_generated(uid)
        renamed = message.renamed(uid)
        with self._guard:
            self._refuse_given(uid)
            for i, run in enumerate(self._runs):
                place = (run if isinstance(run, Generated) else Stored(run)).place_of(message.arrival)
                if place is None:
                    continue
                if isinstance(run, Generated):
                    before, after = run.around(place)
                    self._runs[i : i + 1] = [before, [renamed], after]
                else:
                    run[place] = renamed
                    del self._uids[message.uid]
                self._given.add(uid)
                self._uids[uid] = message.arrival
                self._contents = None
                return True
            return False

    def protect(self, arrivals: Iterable[int]) -> None:
        """From now on `update` leaves these messages where they are."""
        with self._guard:
            self._protected.update(arrivals)

    def update(self, arrivals: Iterable[int]) -> tuple[set[int], set[int]]:
        """Remove these messages: those that are now gone by this call, and those that would not go.

        First where they come from, if a block has a function for that, then here: what is gone here is gone there.
        """
        with self._guard:
            contents = self._seen()
            there = {arrival for arrival in arrivals if contents.place_of(arrival) is not None}
            kept = there & self._protected
            there -= kept
            blocks = tuple(self._blocks)
        for block in blocks:  # functions of the user, so not under the lock
            kept |= block.remove(there)
        with self._guard:
            contents = self._seen()
            gone = {arrival for arrival in there - kept if contents.place_of(arrival) is not None}
            self._drop(gone)
            return gone, kept

    def arrived_by(self, time: float) -> int:
        """The last arrival up to this time, 0 if nothing was there yet."""
        with self._guard:
            return self._last_by(time)

    def _last_by(self, time: float) -> int:
        note = bisect_right(self._times, time)
        if note < len(self._firsts):
            return self._firsts[note] - 1
        return self._arrived if note else 0

    def expire(self, time: float) -> None:
        """Remove what came at this time or before, as `update` does: what is protected, or would not go, stays."""
        with self._guard:
            last = self._last_by(time)
            contents = self._seen()
            if not last or not len(contents) or contents.arrival(0) > last:
                return
            asked = {arrival for run in self._runs for arrival in _from_elsewhere(run, last)} - self._protected
            blocks = tuple(self._blocks)
        kept: set[int] = set()
        for block in blocks if asked else ():  # functions of the user, so not under the lock
            kept |= block.remove(asked)
        with self._guard:
            self._drop_old(last, kept | self._protected)

    def _drop_old(self, last: int, kept: AbstractSet[int]) -> None:
        """Drop all up to this arrival but what is kept; of a block nothing is looked at one by one."""
        runs: list[list[Message] | Generated] = []
        for run in self._runs:
            if isinstance(run, Generated):
                left: list[Message] | Generated = run.behind(last, kept)
            else:
                left = [message for message in run if message.arrival > last or message.arrival in kept]
                for uid in {message.uid for message in run} - {message.uid for message in left}:
                    del self._uids[uid]
            if len(left) > 0:
                runs.append(left)
        self._runs = runs
        self._contents = None

    def remove(self, arrival: int) -> bool:
        """Remove this message, protected or not; False if it is gone already."""
        with self._guard:
            there = self._seen().place_of(arrival) is not None
            self._drop({arrival} if there else set())
            return there

    def _drop(self, arrivals: AbstractSet[int]) -> None:
        if not arrivals:
            return
        runs: list[list[Message] | Generated] = []
        for run in self._runs:
            if isinstance(run, Generated):
                left: list[Message] | Generated = run.without(arrivals)
            else:
                left = []
                for message in run:
                    if message.arrival in arrivals:
                        del self._uids[message.uid]
                    else:
                        left.append(message)
            if len(left) > 0:
                runs.append(left)
        self._runs = runs
        self._contents = None


def _from_elsewhere(run: list[Message] | Generated, last: int) -> Iterable[int]:
    """The arrivals up to this one of messages that a function of the user has to remove."""
    if not isinstance(run, Generated) or not run.removes:
        return ()
    return (arrival for arrival in run.arrivals() if arrival <= last)
