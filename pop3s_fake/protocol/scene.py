"""A manner as sessions use it: its texts as replies, and each state with all that is looked up there, worked out once.

Knows templates and the settings of states; must not know sessions, nor when which text is said.
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.protocol.commands import COMMANDS
from pop3s_fake.protocol.replies import Reply
from pop3s_fake.protocol.understanding import Said, understood

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.protocol.lines import Line
    from pop3s_fake.protocol.manner import Manner, Outcome, Place
    from pop3s_fake.protocol.transaction import Handlers

    Wording = Callable[[str, Outcome], "Text | None"]

__all__ = ("Scene", "Text", "Usual")

SHORT: Final = 47
"""Octets of a line that is remembered with what it says; those that may hold a secret are not."""

SECRET: Final = ("", "PASS", "APOP", "AUTH")
"""The keywords of those; without one, anything may stand there."""

MOST: Final = 4096
"""Lines that are remembered."""


USUAL: Final[dict[str, Outcome]] = {
    **dict.fromkeys(("USER", "CAPA", "LIST", "NOOP", "RSET", "UIDL"), "ok"),
    **dict.fromkeys(("STAT", "LAST"), "one"),
}
"""The commands that change no state if they go well, said without a number, and how that ends."""


REPEATED: Final = frozenset({"keyword", "typed", "argument", "rest"})
"""The tokens that stand for what the client said."""


class Text:
    r"""The first line of a reply, with what is filled in.

    >>> Text("+OK {count} {user:>5}").status({"count": "2", "user": "ann"}.__getitem__), Text("+OK").reply.octets()
    (b'+OK 2   ann\r\n', b'+OK\r\n')
    """

    __slots__ = ("_form", "_tokens", "repeats", "reply")

    reply: Reply | None
    """The same as a reply of one line, where nothing is filled in; an empty text is an empty one."""

    def __init__(self, template: str) -> None:
        """Take a template that has been checked."""
        form, tokens = b"", []
        for literal, name, spec, _ in Formatter().parse(template):
            form += literal.encode("latin-1", "replace").replace(b"%", b"%%")
            if name is not None:
                form += b"%b"
                tokens.append((name, spec or ""))
        self._form = form + b"\r\n" * bool(template)
        self._tokens = tuple(tokens)
        self.reply = None if tokens else Reply(self._form % ())
        self.repeats: bool = not REPEATED.isdisjoint(name for name, _ in tokens)
        """Whether octets of the client's are filled in."""

    def status(self, token: Callable[[str], str]) -> bytes:
        """The whole line; ``token`` gives what stands for a token."""
        if self.reply is not None:
            return self.reply.status
        return self._form % tuple(
            [format(token(name), spec).encode("latin-1", "replace") for name, spec in self._tokens]
        )

    def told(self, token: Callable[[str], str]) -> bytes:
        r"""The same where what the client said may be a secret: of that no more than a command.

        >>> Text("-ERR {typed} {argument}?").told({"typed": "noop", "argument": "or not"}.__getitem__)
        b'-ERR noop ****?\r\n'
        """

        def discreet(name: str) -> str:
            value = token(name)
            return "****" if value and name in REPEATED and value.upper().encode() not in COMMANDS else value

        return self.status(discreet)


class Usual(NamedTuple):
    """A line that says a command from which nothing follows if it goes well but a text."""

    said: Said
    word: bytes
    text: Text | None
    """None: a reply of ours stands."""


class Scene:
    """One state of a session, in clear or over TLS."""

    __slots__ = (
        "_after",
        "_known",
        "_manner",
        "_worded",
        "behind",
        "deaf",
        "farewell",
        "handlers",
        "place",
        "usual",
        "whole",
    )

    def __init__(self, manner: Manner, handlers: Handlers, farewell: Text, worded: Wording, *, after: bool) -> None:
        """What can be said there, and what silence is ended with; ``after``: whether somebody has logged in."""
        self._manner = manner
        self._after = after
        self._known: dict[bytes, Said] = {}
        self.handlers: Handlers = handlers
        self.farewell: Text = farewell
        self.place: Place = manner.after if after else manner.before
        self.whole: int | None = self.place.line if self.place.longer == "echoed" else None
        """Octets of the longest line that is read whole, where a longer one is read in part."""
        self.behind: frozenset[Outcome] = frozenset(manner.ends.behind)
        self.deaf: bool = manner.reading.ahead == "lost"
        """Whether what has come behind any command is lost."""
        self._worded = worded
        self.usual: dict[Line, Usual] = {}
        """The lines among those that are remembered that say nothing unusual."""

    def understood(self, line: bytes) -> Said:
        """What a line says; short ones are remembered, unless they may hold a secret."""
        said = self._known.get(line)
        if said is None:
            said = understood(self._manner, line, after=self._after)
            if len(line) <= SHORT and len(self._known) < MOST and said.keyword not in SECRET:
                self._known[line] = said
                well = USUAL.get(said.keyword)
                if well is not None and said.outcome == "ok" and said.number is None and well not in self.behind:
                    self.usual[line] = Usual(said, said.keyword.encode(), self._worded(said.keyword, well))
        return said
