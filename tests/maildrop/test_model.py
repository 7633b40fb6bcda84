"""Whatever happens in whatever order, sessions and maildrop agree with a plain model of RFC 1939 sections 4 to 7."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pop3s_fake.maildrop import Maildrop, OpenMaildrop


@dataclass
class Seen:
    """What the model says a session sees: unique-ids by number, and the marks."""

    uids: list[str]
    marks: set[int] = field(default_factory=set)


class Model(RuleBasedStateMachine):
    """A maildrop next to a list of unique-ids, and one session at a time next to a copy of that list."""

    live = False

    def __init__(self) -> None:
        super().__init__()
        self.maildrop = Maildrop(live=self.live)
        self.there: dict[str, int] = {}
        self.ever: set[str] = set()
        self.session: OpenMaildrop | None = None
        self.seen = Seen([])

    def arrive(self, sizes: dict[str, int]) -> None:
        """Note new messages, none of them under a name that ever was."""
        assert not self.ever & sizes.keys()
        self.ever |= sizes.keys()
        self.there |= sizes
        if self.live:
            self.seen.uids += sizes

    @rule(bodies=st.lists(st.sampled_from(["a", "bc", ""]), min_size=1, max_size=3))
    def add(self, bodies: list[str]) -> None:
        """Deliver a few, often copies."""
        self.arrive({message.uid: message.octets for message in self.maildrop.add(*bodies)})

    @rule(count=st.integers(0, 4), size=st.integers(0, 9))
    def generate(self, count: int, size: int) -> None:
        """Deliver a block, whose names are those that are new."""
        self.maildrop.generate(count, lambda _: b"", octets=lambda n: size + n)
        names = [uid for uid in self.maildrop.uids if uid not in self.there]
        assert len(names) == count
        self.arrive({uid: size + n for n, uid in enumerate(names, 1)})

    @precondition(lambda self: self.there)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """Take one away from outside."""
        uid = data.draw(st.sampled_from(sorted(self.there)))
        self.maildrop.remove(uid)
        del self.there[uid]

    @precondition(lambda self: self.there and self.session is None)
    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        """Give one another name; the order stays."""
        old = data.draw(st.sampled_from(sorted(self.there)))
        new = f"new-{len(self.ever)}"
        self.maildrop.replace_uid(old, new)
        self.ever.add(new)
        self.there = {new if uid == old else uid: octets for uid, octets in self.there.items()}

    @precondition(lambda self: self.session is None)
    @rule()
    def log_in(self) -> None:
        """Open the maildrop."""
        self.session = self.maildrop.open(self)
        self.seen = Seen(list(self.there))
        self.sizes = dict(self.there)

    @precondition(lambda self: self.session is not None)
    @rule(number=st.integers(0, 12))
    def mark(self, number: int) -> None:
        """DELE."""
        assert self.session is not None
        possible = number in self.visible()
        assert self.session.mark(number) == possible
        if possible:
            self.seen.marks.add(number)

    @precondition(lambda self: self.session is not None)
    @rule()
    def unmark_all(self) -> None:
        """RSET."""
        assert self.session is not None
        self.session.unmark_all()
        self.seen.marks.clear()

    @precondition(lambda self: self.session is not None)
    @rule(update=st.booleans())
    def leave(self, update: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        """QUIT, or any other end."""
        assert self.session is not None
        if update:
            marked = [self.seen.uids[number - 1] for number in sorted(self.seen.marks)]
            expected = tuple(uid for uid in marked if uid in self.there)
            assert self.session.update() == (expected, ())
            for uid in expected:
                del self.there[uid]
        self.session.close()
        self.session = None
        self.seen = Seen([])

    def visible(self) -> dict[int, str]:
        """Number and unique-id of what the session sees."""
        return {
            number: uid
            for number, uid in enumerate(self.seen.uids, 1)
            if number not in self.seen.marks and (uid in self.there or not self.live)
        }

    @invariant()
    def the_maildrop_holds_what_the_model_holds(self) -> None:
        """In the same order, with the same sizes."""
        assert {message.uid: message.octets for message in self.maildrop} == self.there
        assert self.maildrop.uids == list(self.there)
        assert len(self.maildrop) == len(self.there)
        assert all(self.maildrop[uid].uid == uid for uid in self.there)
        assert not any(uid in self.maildrop for uid in self.ever - self.there.keys())

    @invariant()
    def the_session_sees_what_the_model_sees(self) -> None:
        """By every way of asking."""
        if self.session is None:
            return
        visible = self.visible()
        sizes = self.there if self.live else self.sizes
        listing = {number: sizes[uid] for number, uid in visible.items()}
        assert self.session.stat() == (len(listing), sum(listing.values()))
        assert dict(self.session.listing()) == listing
        assert dict(self.session.unique_ids()) == visible
        assert self.session.marked == len(self.seen.marks)
        for number in range(len(self.seen.uids) + 2):
            message = self.session.message(number)
            assert (message and message.uid) == self.session.uid(number) == visible.get(number)
            assert (None if message is None else message.octets) == self.session.octets(number) == listing.get(number)
            assert self.session.is_marked(number) == (number in self.seen.marks)


class LiveModel(Model):
    """The same for a maildrop that sessions see as it is."""

    live = True


TestModel = Model.TestCase
TestLiveModel = LiveModel.TestCase
TestModel.settings = TestLiveModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
