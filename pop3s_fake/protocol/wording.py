"""The texts of a manner: which one is said when, and what is filled into it.

Knows templates and where a text is looked for; must not know what a command does.
"""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Final

from pop3s_fake.protocol import replies
from pop3s_fake.protocol.commands import COMMANDS
from pop3s_fake.protocol.scene import Scene, Text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pop3s_fake.protocol.manner import Keyword, Manner, Outcome, Place
    from pop3s_fake.protocol.replies import Reply
    from pop3s_fake.protocol.session import Session

__all__ = ("DEFAULTS", "REFUSALS", "Voice", "overwritten")


def _each(*outcomes: Outcome, instead: Outcome) -> dict[Outcome, Outcome]:
    """The same text for all of these."""
    return dict.fromkeys(outcomes, instead)


DEFAULTS: Final[dict[Outcome, str]] = {
    "listing": "+OK",
    "unknown": "-ERR unknown command",
    "bad_arguments": "-ERR bad arguments",
    "no_such": "-ERR no such message",
    "deleted": "-ERR the message is marked as deleted",
    "expunged": "-ERR the message is gone",
    "exhausted": "-ERR no more messages can be retrieved for now",
    "failed": "-ERR [AUTH] name or password is wrong",
    "no_user": "-ERR PASS comes immediately after an accepted USER",
    "again": "-ERR after USER comes PASS",
    "unknown_user": "-ERR there is no such user",
    "in_use": "-ERR [IN-USE] the maildrop is open in another session",
    "too_many": "-ERR [SYS/TEMP] too many open connections",
    "withheld": "-ERR [SYS/TEMP] the maildrop cannot be opened",
    "throttled": "-ERR [AUTH] name or password is wrong",
    "ordinary": "-ERR [AUTH] this password is for people, and programs have another one",
    "polls": "-ERR one comes too often",
    "in_clear": "-ERR [AUTH] a password in clear needs TLS first",
    "too_soon": "-ERR [LOGIN-DELAY] the last login was too short a time ago",
    "already": "-ERR TLS is there already",
    "mechanism": "-ERR this mechanism is not offered",
    "two_steps": "-ERR this mechanism takes no initial response here",
    "not_base64": "-ERR this is not base64",
    "cancelled": "-ERR AUTH cancelled",
    "too_long": "-ERR the line is too long",
    "bad_commands": "",
    "idle": "",
}
"""What is said where a manner has no text of its own."""

OURS: Final[frozenset[Outcome]] = frozenset({"ok", "one", "kept", "evicted"})
"""Where a reply of ours stands if it has none, and none of those that stand for its own."""

INSTEAD: Final[dict[Outcome, Outcome]] = {
    **_each("early", "deleting", instead="ok"),
    **_each("empty", "blank", "wrong_state", "disabled", "nul", instead="unknown"),
    **_each("missing", "extra", "malformed", "not_a_number", "noise", "too_large", instead="bad_arguments"),
    **_each("zero", "negative", instead="no_such"),
    "digest_missing": "malformed",
    "bad_name": "unknown",
    "lines_missing": "missing",
    "lines_not_a_number": "not_a_number",
    "lines_negative": "negative",
    "lines_noise": "noise",
    "lines_too_large": "too_large",
    "lines_extra": "extra",
    "bad_response": "failed",
    "response_not_base64": "not_base64",
    "response_unpadded": "response_not_base64",
    "response_too_long": "too_long",
}
"""The outcome whose text stands for that of another, where that has none."""

REFUSALS: Final[dict[Reply, Outcome]] = {
    replies.AUTH_FAILED: "failed",
    replies.IN_USE: "in_use",
    replies.TOO_SOON: "too_soon",
    replies.NEEDS_TLS: "in_clear",
    replies.NOT_OFFERED: "mechanism",
    replies.TWO_STEPS: "two_steps",
    replies.NO_SUCH_USER: "unknown_user",
    replies.TOO_MANY: "too_many",
    replies.WITHHELD: "withheld",
    replies.THROTTLED: "throttled",
    replies.ORDINARY: "ordinary",
    replies.POLLS: "polls",
    replies.TOO_MANY_LINES: "lines_too_large",
    replies.NOT_BASE64: "not_base64",
    replies.AUTH_CANCELLED: "cancelled",
    replies.TLS_ALREADY: "already",
    replies.PASS_FIRST_USER: "no_user",
    replies.EVICTED: "evicted",
    replies.EXPUNGED: "expunged",
    replies.EXHAUSTED: "exhausted",
}
"""The refusals of ours that a command may end with, and what they mean."""

_COMMANDS_OF: Final = {"USER": ("USER", "PASS"), "SASL": ("AUTH",)}
"""The commands that go with a capability of another name."""


_BEFOREHAND: Final[tuple[Keyword, ...]] = ("UTF8",)
_AFTERWARDS: Final[tuple[Keyword, ...]] = ("TOP", "UIDL", "LAST")
"""The commands that come with a capability of their name, before the login and behind it."""


class Voice:
    r"""A manner as one server speaks it, with what its sessions share.

    >>> from pop3s_fake.protocol.manner import Manner, Texts
    >>> voice = Voice(Manner(replies={"any": Texts({"unknown": "-ERR {keyword}?"})}))
    >>> voice.text("FOO", "unknown", after=False), voice.text("STAT", "ok", after=True)
    ('-ERR {keyword}?', None)
    """

    __slots__ = ("_counts", "_guard", "_present", "_refused", "_texts", "greeting", "manner", "ours", "scenes")

    def __init__(
        self,
        manner: Manner,
        changes: Sequence[str] | None = None,
        *,
        late: Collection[str] = (),
        ours: Manner | None = None,
    ) -> None:
        """Take the manner, and changes of its capability lists as ``capabilities=`` has them.

        ``late``: the tags of capabilities that are not listed before the login.  ``ours``: what the manner is without
        the few things in which it is another one than ours, where that is so; then replies of ours stand where it has
        no text.
        """
        self.ours: Manner | None = ours
        self.manner: Manner = replace(
            manner,
            before=_without(_changed(manner.before, changes, _BEFOREHAND), late),
            after=_changed(manner.after, changes, _AFTERWARDS),
        )
        manner = self.manner
        self.greeting: Text = Text(manner.greeting.text)
        self.scenes: dict[tuple[bool, bool, bool], Scene] = {}
        """Each state: whether somebody has logged in there, whether it is over TLS, and whether retrieving is noted."""
        self._refused = 0
        """Logins in a row, of all connections."""
        self._counts = bool(manner.greeting.most or manner.login.most)
        self._guard = Lock()
        self._present: dict[Session, str | None] = {}
        """The connections, and who is logged in there, or is about to be."""
        self._texts: dict[tuple[str, Outcome, bool], Text | None] = {}

    @property
    def greets(self) -> bool:
        """Whether the greeting is another than ours."""
        return self.ours is None or self.manner.greeting.text != self.ours.greeting.text

    def worded(self, keyword: str, outcome: Outcome, after: bool) -> Text | None:  # noqa: FBT001  # the key of what is remembered
        """The text for this outcome of this command, as a reply; None where ours stands."""
        key = keyword, outcome, after
        if key in self._texts:
            return self._texts[key]
        text = self.text(keyword, outcome, after=after)
        made = None if text is None else Text(text)
        if keyword.encode("utf-8") in COMMANDS:  # any word may come, and no end of them
            self._texts[key] = made
        return made

    def text(self, keyword: str, outcome: Outcome, *, after: bool) -> str | None:
        """The text for this outcome of this command, from the nearest heading; None where ours stands."""
        text = self._find(keyword, outcome, after=after)
        return text if text is not None or self.ours is not None or _root(outcome) in OURS else _default(outcome)

    def told(self, keyword: str, outcome: Outcome, *, after: bool) -> str:
        """The same where there is no reply of ours that could stand."""
        text = self._find(keyword, outcome, after=after)
        return _default(outcome) if text is None else text

    def _find(self, keyword: str, outcome: Outcome, *, after: bool) -> str | None:
        replies: Mapping[str, object] = self.manner.replies  # type: ignore[assignment]  # asked for any word
        for heading in (keyword, "after" if after else "before", "any"):
            texts = replies.get(heading)
            if texts is not None and outcome in texts.says:  # type: ignore[attr-defined]
                found: str = texts.says[outcome]  # type: ignore[attr-defined]
                return found
        instead = None if outcome in OURS else INSTEAD.get(outcome)
        return None if instead is None else self._find(keyword, instead, after=after)

    def comes(self, session: Session) -> bool:
        """A connection begins; tells whether there is room for it."""
        if not self._counts:
            return True
        with self._guard:
            self._present[session] = None
            return not 0 < self.manner.greeting.most < len(self._present)

    def goes(self, session: Session) -> None:
        """A connection ends, if it has not yet."""
        if self._counts:
            with self._guard:
                self._present.pop(session, None)

    def admits(self, session: Session, user: str) -> bool:
        """A user is about to log in there; tells whether there is room for it, which is kept for this one."""
        most = self.manner.login.most
        if not most:
            return True
        with self._guard:
            if list(self._present.values()).count(user) >= most:
                return False
            self._present[session] = user
            return True

    def dismisses(self, session: Session) -> None:
        """Nothing came of that login."""
        if self._counts:
            with self._guard:
                self._present[session] = None

    def refused_before(self, outcome: Outcome) -> int:
        """A login has ended with "failed", "in_use" or "ok"; how many in a row were refused, of all connections."""
        with self._guard:
            refused = self._refused
            if outcome != "in_use":
                self._refused = refused + 1 if outcome == "failed" else 0
            return refused

    def capabilities(self, *, after: bool, secure: bool) -> tuple[str, ...]:
        """The lines of CAPA in this state."""
        place = self.manner.after if after else self.manner.before
        return place.capabilities if secure else place.capabilities_in_clear


def overwritten(line: bytes, at: int, reply: Reply) -> Reply:
    r"""A line that is sent back as it stands in a buffer, in which the reply was written at this place.

    >>> overwritten(b"0123456789abcdef\n", 5, replies.Err("no")).status
    b'01234-ERR no\r\ndef\r\n'
    """
    answer = reply.status.replace(b"\r\n", b"\n")
    whole = (line[:at] + answer + line[at + len(answer) :]).replace(b"\n", b"\r\n")
    return replies.Repeating(reply.saying(whole), line, b"(the line comes back, and in it) " + replies.told(reply))


def _root(outcome: Outcome) -> Outcome:
    """The last of the outcomes whose texts stand for that of this one."""
    while outcome in INSTEAD:
        outcome = INSTEAD[outcome]
    return outcome


def _default(outcome: Outcome) -> str:
    """What is said where nobody has a text."""
    return DEFAULTS.get(_root(outcome), "")


def _without(place: Place, late: Collection[str]) -> Place:
    """A state in which these capabilities are not listed."""
    if not late:
        return place
    lists = [
        tuple(line for line in lines if line.split(" ")[0].upper() not in late)
        for lines in (place.capabilities, place.capabilities_in_clear)
    ]
    return replace(place, capabilities=lists[0], capabilities_in_clear=lists[1])


def _changed(place: Place, changes: Sequence[str] | None, known: Collection[Keyword] = ()) -> Place:
    """A state of which this is announced, and done, otherwise; ``known``: the commands that an announcement brings."""
    if changes is None:
        return place
    if not changes:  # a server without CAPA
        return replace(place, commands=tuple(command for command in place.commands if command != "CAPA"))
    given = any(entry[:1] not in {"+", "-"} for entry in changes)
    lists = [place.capabilities, place.capabilities_in_clear]
    gone: set[str] = set()
    for entry in changes:
        tag = entry.lstrip("+-").split(" ")[0].upper()
        lists = [tuple(line for line in lines if line.split(" ")[0].upper() != tag) for lines in lists]
        if entry[0] == "-":
            gone.add(tag)
        elif not given:
            lists = [(*lines, entry[1:]) for lines in lists]
    if given:
        lists = [tuple(changes)] * 2
        tags = {entry.split(" ")[0].upper() for entry in changes}
        gone = {"TOP", "UIDL", "USER", "SASL"} - tags
    gone = {command for tag in gone for command in _COMMANDS_OF.get(tag, (tag,))}
    listed = {line.split(" ")[0].upper() for line in lists[0]}
    commands = tuple(command for command in place.commands if command not in gone)
    commands += tuple(command for command in known if command in listed and command not in commands)
    return replace(place, commands=commands, capabilities=lists[0], capabilities_in_clear=lists[1])
