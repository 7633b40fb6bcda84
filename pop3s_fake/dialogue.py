r"""Written conversations: what the server says and the client must say, line by line, and how far one was followed.

Knows lines, patterns and places; must not know connections or commands.  Whoever follows a dialogue asks it what the
server says next and tells it what the client said; a dialogue that was not followed says so in its :meth:`unmet`.
"""

from __future__ import annotations

import re
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pop3s_fake.errors import UnmetRule, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ("Dialogue", "Dialogues")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

Side = Literal["S", "C"]

MOST_SHOWN: Final = 100
"""Characters of what the client said that are shown."""

_LINE: Final = re.compile(r"([SC]):(?: (.*))?", re.DOTALL)

_ALMOST: Final = re.compile(r"\s*([SsCc])\s*:\s*(.*)", re.DOTALL)


class DialogueLine(NamedTuple):
    """One line: who says it, and what; of the client's a pattern."""

    number: int
    side: Side
    text: str

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.side}: {self.text}".rstrip(" ")

    @property
    def octets(self) -> bytes:
        """The line as it stands on the wire."""
        return f"{self.text}\r\n".encode("utf-8", "surrogateescape")

    def matches(self, said: str) -> bool:
        """Whether the client may say this here."""
        return self.side == "C" and _pattern(self.text).fullmatch(said) is not None


def _pattern(text: str) -> re.Pattern[str]:
    """The pattern of a client's line: ``*`` is any text, ``?`` one character; the keyword in either case."""
    keyword, space, rest = ("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in part) for part in _split(text))
    return re.compile(f"(?i:{keyword}){space}{rest}", re.DOTALL)


def _split(text: str) -> tuple[str, str, str]:
    return text.partition(" ")


class Dialogue:
    r"""One written conversation, for one connection.

    Lines of the server's, ``"S: +OK ready"``, are sent as they are, as UTF-8 and with CRLF.  Of the client's,
    ``"C: USER *"``, ``*`` stands for any text and ``?`` for one character; upper and lower case are the same in the
    keyword and nowhere else.

    >>> dialogue = Dialogue(["S: +OK ready", "C: USER *", "S: +OK", "C: QUIT"], where="test_sync.py:41")
    >>> dialogue.begin(session=1), dialogue.says()
    (None, [b'+OK ready\r\n'])
    >>> dialogue.hears("user ann"), dialogue.says(), dialogue.over
    (True, [b'+OK\r\n'], False)
    >>> dialogue.hears("STAT"), dialogue.over
    (False, True)
    >>> print(dialogue.unmet())
    dialogue (test_sync.py:41) was left at line 4
      C: QUIT was awaited; session 1 said STAT
      -> let the client say what line 4 awaits, or write C: STAT there
    """

    def __init__(
        self, lines: Sequence[str], *, where: str = "", shown: Callable[[str], str] = lambda line: line
    ) -> None:
        """Check the lines; ``where`` says who wrote them, ``shown`` gives a client's line as people may read it.

        Raises :class:`~pop3s_fake.errors.UsageError` with the number of the line that is wrong.
        """
        self.lines: tuple[DialogueLine, ...] = tuple(_read(number, line) for number, line in enumerate(lines, 1))
        if not self.lines:
            raise UsageError("a dialogue has lines, such as 'S: +OK ready', 'C: QUIT', 'S: +OK'")
        if self.lines[0].side == "C":
            raise _wrong(1, lines[0], "the server speaks first (RFC 1939 section 4): begin with 'S: +OK ready'")
        self.where: str = where
        self._shown = shown
        self._session: int | None = None
        self._place = 0
        self._said: str | None = None

    def __repr__(self) -> str:
        """How far it was followed."""
        return f"<Dialogue of {len(self.lines)} lines, {self._place} of them followed>"

    # followed

    def begin(self, session: int) -> None:
        """This session follows it."""
        self._session = session

    def says(self) -> list[bytes]:
        """The lines that the server says now, with their CRLF; none where it is the client's turn."""
        first = self._place
        while self._place < len(self.lines) and self.lines[self._place].side == "S":
            self._place += 1
        return [line.octets for line in self.lines[first : self._place]]

    def hears(self, line: bytes | str) -> bool:
        """Take what the client said, without its CRLF; tells whether it was right, else the dialogue is over."""
        said = line if isinstance(line, str) else line.decode("utf-8", "surrogateescape")
        if self.lines[self._place].matches(said):
            self._place += 1
            return True
        self._said = said
        return False

    @property
    def over(self) -> bool:
        """Whether nothing more is to be said: it is at its end, or was left."""
        return self._said is not None or self._place == len(self.lines)

    # judged

    def unmet(self) -> UnmetRule | None:
        """What is wrong with it as it stands: never begun, not followed to its end, or left; None if nothing is."""
        if self._said is None and self._place == len(self.lines):
            return None
        name = f"dialogue ({self.where})" if self.where else "dialogue"
        if self._session is None:
            return UnmetRule(
                f"{name} was never begun: no connection came for it\n"
                f"  {self._awaited('would have awaited', 'would have been said')}\n"
                "  -> let a client connect"
            )
        if self._said is None:
            return UnmetRule(
                f"{name} was not followed to its end\n"
                f"  session {self._session} came to where {self._awaited('awaits', 'was to be said')}\n"
                "  -> let the client go on, or end the dialogue before that line"
            )
        line = self.lines[self._place]
        said = self._shown(self._said)
        if len(said) > MOST_SHOWN:
            said = f"{said[:MOST_SHOWN]} ..."
        return UnmetRule(
            f"{name} was left at line {line.number}\n"
            f"  {self._written(line)} was awaited; session {self._session} said {said or 'nothing'}\n"
            f"  -> {self._hint(line, self._said)}"
        )

    def _awaited(self, awaits: str, is_said: str) -> str:
        """The client's next line in words, or the server's where the client has none."""
        rest = self.lines[self._place :]
        line = next((line for line in rest if line.side == "C"), None)
        if line is None:
            return f"line {rest[0].number} {is_said}: {rest[0]}"
        return f"line {line.number} {awaits} {self._written(line)}"

    def _hint(self, line: DialogueLine, said: str) -> str:
        """The line that would have matched and stands nearest, or what to write for one that does."""
        right = [other for other in self.lines if other.matches(said)]
        if right:
            near = min(right, key=lambda other: (abs(other.number - line.number), -other.number))
            return f"line {near.number} would have matched: {self._written(near)}"
        shown = self._shown(said)
        pattern = shown if 0 < len(shown) <= MOST_SHOWN else "*"
        return f"let the client say what line {line.number} awaits, or write C: {pattern} there"

    def _written(self, line: DialogueLine) -> str:
        """A line of the client's as it is written, but for its secrets."""
        return f"C: {self._shown(line.text)}"


def _read(number: int, line: object) -> DialogueLine:
    """One line, checked."""
    if not isinstance(line, str):
        raise _wrong(number, line, "a line is a text such as 'S: +OK ready' or 'C: QUIT'")
    text = line.removesuffix("\n").removesuffix("\r")
    if "\r" in text or "\n" in text:
        raise _wrong(number, line, "it has a line end in it: CRLF is added, so write each line by itself")
    match = _LINE.fullmatch(text)
    if match is None:
        almost = _ALMOST.fullmatch(text)
        if almost is None:
            raise _wrong(number, line, "it begins with 'S: ' for the server or 'C: ' for the client")
        raise _wrong(number, line, f"did you mean '{almost[1].upper()}: {almost[2]}'?")
    side: Side = "S" if match[1] == "S" else "C"
    said = match[2] or ""
    if side == "C" and not said:
        raise _wrong(number, line, "the client says something, such as 'C: QUIT', or 'C: *' for anything")
    return DialogueLine(number, side, said)


def _wrong(number: int, line: object, what: str) -> UsageError:
    return UsageError(f"line {number} of the dialogue, {line!r}: {what}")


class Dialogues:
    """The dialogues of one server, in the order in which connections take them.

    >>> dialogues = Dialogues()
    >>> dialogues.add(Dialogue(["S: -ERR go away"]))
    >>> dialogues.take(1), dialogues.take(2)
    (<Dialogue of 1 lines, 0 of them followed>, None)
    >>> print(*dialogues.judge())
    dialogue was not followed to its end
      session 1 came to where line 1 was to be said: S: -ERR go away
      -> let the client go on, or end the dialogue before that line
    >>> dialogues.judge()
    []
    """

    def __init__(self) -> None:
        self._waiting: deque[Dialogue] = deque()
        self._untold: list[Dialogue] = []
        self._lock = Lock()

    def __len__(self) -> int:
        """How many wait for a connection."""
        return len(self._waiting)

    def add(self, dialogue: Dialogue) -> None:
        """Let a connection follow it, once those that wait already are taken."""
        with self._lock:
            self._waiting.append(dialogue)
            self._untold.append(dialogue)

    def take(self, session: int) -> Dialogue | None:
        """The dialogue that this session follows; None where none waits."""
        if not self._waiting:
            return None
        with self._lock:
            dialogue = self._waiting.popleft() if self._waiting else None
        if dialogue is not None:
            dialogue.begin(session)
        return dialogue

    def withdraw(self) -> None:
        """Let no further connection follow one; whether they were followed is still asked."""
        with self._lock:
            self._waiting.clear()

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._waiting.clear()
            self._untold = []

    def judge(self) -> list[UnmetRule]:
        """What is wrong with each of them, in order; told once."""
        with self._lock:
            untold, self._untold = self._untold, []
        return [problem for dialogue in untold if (problem := dialogue.unmet()) is not None]
