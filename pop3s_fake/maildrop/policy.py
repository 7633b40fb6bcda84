"""A site's policy: what becomes of stored mail beside what RFC 1939 asks for, and what an account remembers by it.

Knows words and values, and what a session leaves behind for the next one; the default keeps to RFC 1939, whose section
8 speaks of such policies.  Must not know messages, maildrops or accounts; what is done by a policy stands in `policed`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from math import isfinite
from typing import TYPE_CHECKING, Final, Literal, get_args

from pop3s_fake.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("History", "Policy")

Deletes = Literal["at-quit", "at-once", "hidden", "not", "lost", "lost-or-retrieved"]
Listed = Literal["", "sizes", "zeros"]
Sizes = Literal["", "round", "lf", "zero", "more", "less"]
Removes = Literal["", "first", "last"]
WORDS: Final[dict[str, tuple[str, ...]]] = {
    "Deletes": get_args(Deletes),
    "Listed": get_args(Listed),
    "Sizes": get_args(Sizes),
    "Removes": get_args(Removes),
}
"""What may stand for a value that is one of several words, by its type."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a site does; seconds and days are on the server's clock, counts are of messages.

    >>> Policy.of({"newest": "100", "popped": "yes"})
    Policy(newest=100, popped=True)
    >>> Policy.of({"newst": "100"})
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: unknown policy 'newst'; did you mean 'newest'?
    """

    newest: int | None = None
    """A session finds so many messages, those that came last."""
    oldest: int | None = None
    """A session finds so many messages, those that came first; of what ``newest`` leaves."""
    popped: bool = False
    """What was retrieved in a session that ended with QUIT is not found by later ones."""
    descending: bool = False
    """Numbers run from the message that came last to the one that came first."""
    late: bool = False
    """The last message comes within the session: behind the first listing, for all that follow."""
    recent: str = ""
    """Under a name with this before it an account shows what came in the last ``recent_days``, retrieved or not."""
    recent_days: float = 30.0
    folders: str = ""
    """Behind this in a name stands that of a folder of the account, which is a maildrop of its own."""
    wraps: bool = False
    """A message with raw UTF-8 in its header is served as the attachment of another, unless UTF-8 was asked for."""
    deletes: Deletes = "at-quit"
    """When marked messages are removed: "at-quit"; "at-once", with DELE; "not" at all; "hidden", which is not either,
    but no session finds them again; "lost", also where the session ends without QUIT, and "lost-or-retrieved", then
    with what was retrieved."""
    takes: bool = False
    """What was retrieved is deleted by UPDATE as if it were marked, but for what was before RSET."""
    expunges: int | None = None
    """The message of this number is removed by somebody else when an account first asks to see it, once."""
    quota: int = 0
    """So many messages can be retrieved by an account, from the first of them on; 0: any number of them."""
    quota_octets: int = 0
    """The same in octets."""
    quota_lasts: float = 86400.0
    """Seconds after which it begins anew."""
    renumbers: int = 0
    """From this session of an account on all unique-ids are new; 0: they stay."""
    sizes: Sizes = ""
    """How sizes are told: each to the next multiple of ``sizes_by``, with one octet for a line end, as 0, or so many
    octets too large or too small."""
    sizes_by: int = 1024
    sizes_list: bool = True
    """Whether LIST tells them so."""
    sizes_stat: bool = True
    """Whether STAT tells the sum of them."""
    sizes_retr: bool = True
    """Whether RETR tells them so."""
    serves_marked: bool = False
    """A message that is marked can be asked for by its number as if it were not."""
    lists_marked: Listed = ""
    """Listings hold messages that are marked, too, with their "sizes", or with "zeros" in place of them."""
    waits: bool = False
    """Deletions are carried out when the client has taken the answer to QUIT, and not where it has not."""
    removes: Removes = ""
    """Whether UPDATE comes "first" where QUIT is answered late, or "last": not at all then where the client is gone."""
    keeps: int | None = None
    """The message of this number cannot be removed."""
    lock_hold: float = 0.0
    """Seconds for which the maildrop stays locked behind a session that ended without QUIT."""
    unseen: float = 0.0
    """Seconds for which no session finds anything behind one that ended without QUIT."""
    steals: bool = False
    """A second login ends the session that has the maildrop."""
    first: str = ""
    """The octets of a message of the site's own, before all others; it cannot be removed."""
    last: str = ""
    """The same behind all others; this one can be removed."""
    generated: int = 0
    """So many messages more, behind those that there are."""
    adds: str = ""
    """A field that is put at the end of each header."""
    drops: str = ""
    """The name of a field that is left out of each header."""
    unfolds: bool = False
    """Lines of a header that go on from the one before begin without their blanks."""
    body: str = ""
    """Octets that are put at the end of each message, whole lines; of several policies all are."""
    long_line: int = 0
    """A line of so many octets is put at the end of each message."""
    header_only: int | None = None
    """The message of this number is a header without the empty line that ends one."""
    empty: int | None = None
    """The message of this number has no octets."""
    reads: bool = False
    """What was retrieved is marked as read."""
    top_reads: bool = False
    """What TOP was asked for counts as retrieved, and is marked as read."""
    application: str = ""
    """The password by which programs log in; "": that of the account."""
    ordinary: str = ""
    """The one that is for people, and refused as such; "": that of the account.  Where both are, there is one only."""
    enough_logins: int = 0
    """So many good logins of an account, and then none is taken for ``enough_for`` seconds; 0: any number is."""
    enough_for: float = 0.0
    polls: float = 0.0
    """Seconds behind a good login of an account within which another one comes too soon, which is told late."""
    unlocks: bool = False
    """QUIT behind USER, before any login, takes the lock from the session that has the maildrop of that name."""

    @classmethod
    def of(cls, words: Mapping[str, str]) -> Policy:
        """The policy of which these values are written as text; UsageError for what is none."""
        known = {each.name: each for each in fields(cls)}
        values: dict[str, object] = {}
        for name, text in words.items():
            if name not in known:
                raise UsageError(f"unknown policy {name!r}{nearest(name, known)}")
            values[name] = _value(name, str(known[name].type), text)
        return cls(**values)  # type: ignore[arg-type]  # by name, each of its type

    @property
    def retrieves(self) -> bool:
        """Whether anything hangs on what was retrieved."""
        told = bool(self.sizes) and self.sizes_retr
        left = self.popped or self.reads or self.top_reads or self.takes or self.deletes == "lost-or-retrieved"
        return left or told or self.limits

    @property
    def limits(self) -> bool:
        """Whether not everything can be retrieved."""
        return bool(self.quota or self.quota_octets)

    @property
    def rewrites(self) -> bool:
        """Whether a header must be looked at to tell how long it will be."""
        return bool(self.adds or self.drops or self.unfolds or self.wraps)

    @property
    def serves(self) -> bool:
        """Whether messages are served otherwise than they are stored."""
        changed = self.body or self.long_line or self.rewrites
        return bool(changed) or self.header_only is not None or self.empty is not None

    def __repr__(self) -> str:
        """What is not the default."""
        given = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in fields(self)
            if getattr(self, each.name) != each.default
        ]
        return f"Policy({', '.join(given)})"


def _value(name: str, kind: str, text: str) -> object:
    """A value of this type."""
    if kind == "str":
        return text
    if kind == "bool":
        if text not in {"yes", "no"}:
            raise UsageError(f"policy {name} is yes or no, not {text!r}")
        return text == "yes"
    if kind in WORDS:
        if text not in WORDS[kind]:
            raise UsageError(f"policy {name} is one of {', '.join(filter(None, WORDS[kind]))}, not {text!r}")
        return text
    number = _number(text)
    if number is None or number < 0 or (kind != "float" and not number.is_integer()):
        what = "a number" if kind == "float" else "a whole number"
        raise UsageError(f"policy {name} is {what} from 0, not {text!r}")
    return number if kind == "float" else int(number)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


@dataclass(slots=True, repr=False)
class History:
    """What outlives the sessions of one account, where a policy wants it: unique-ids, which a script's states share.

    >>> history = History()
    >>> history.popped.add("m1")
    >>> kept = history.copy()
    >>> history.popped.clear()
    >>> kept
    History(popped={'m1'})
    """

    popped: set[str] = field(default_factory=set)
    """Those that a session retrieved that ended with QUIT."""
    gone: set[str] = field(default_factory=set)
    """Those that were deleted, and are there."""
    seen: set[str] = field(default_factory=set)
    """Those that are marked as read."""
    unseen_until: float = 0.0
    logins: int = 0
    """Good ones, since none was refused."""
    away_until: float = 0.0
    """Till when good logins are refused."""
    opened_at: float | None = None
    """When the last good login was."""
    sessions: int = 0
    """How many there were."""
    expunged: bool = False
    """Whether somebody else has removed the message that he removes."""
    fetched: int = 0
    """Messages that were retrieved of what can be."""
    fetched_octets: int = 0
    fetched_since: float = 0.0
    """When the first of them was."""

    def copy(self) -> History:
        """The same for another time."""
        return replace(self, popped=set(self.popped), gone=set(self.gone), seen=set(self.seen))

    def __repr__(self) -> str:
        """What there is of it."""
        given = [f"{each.name}={value!r}" for each in fields(self) if (value := getattr(self, each.name))]
        return f"History({', '.join(given)})"
