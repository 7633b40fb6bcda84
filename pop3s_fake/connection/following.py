"""A dialogue in place of a session: the conversation asks it as it would ask a session, and it knows no POP3.

Knows how written lines become replies; must not know how octets come and go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pop3s_fake.clock import AUTOLOGOUT
from pop3s_fake.protocol.lines import LINE_LIMIT, OVERLONG, Line
from pop3s_fake.protocol.replies import NOTHING, TERMINATOR, Err, Reply, stuffed
from pop3s_fake.protocol.states import State

if TYPE_CHECKING:
    from pop3s_fake.dialogue import Dialogue
    from pop3s_fake.transcript import Ended

__all__ = ("Follower",)

NOT_IN_THE_DIALOGUE: Final = Reply(Err("this is not in the dialogue").status, closes=True)


class Follower:
    r"""Follows a dialogue; what a session has and a dialogue has not, is empty.

    >>> from pop3s_fake.dialogue import Dialogue
    >>> follower = Follower(Dialogue(["S: +OK ready", "C: CAPA", "S: +OK", "S: TOP", "S: .", "C: QUIT"]))
    >>> follower.greeting().octets(), follower.execute(b"CAPA").octets(), follower.open
    (b'+OK ready\r\n', b'+OK\r\nTOP\r\n.\r\n', True)
    >>> follower.execute(b"QUIT").octets(), follower.open, follower.ended
    (b'', False, 'quit')
    """

    __slots__ = ("_dialogue", "ended")

    user: Final = None
    exchange: Final = None
    upgrading: Final = False
    about: Final = None
    state: Final = State.AUTHORIZATION
    removed: Final[tuple[str, ...]] = ()
    abandoned: Final[tuple[str, ...]] = ()
    uncommitted: Final = False
    aborts: Final = False

    patience: Final = AUTOLOGOUT
    farewell: Final = NOTHING
    delay: Final = 0.0
    deaf: Final = False
    notifies: Final = True

    ended: Ended
    """How it ended, once it is not open any more: by the client's QUIT, or by the server."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self.ended = "server"

    def greeting(self) -> Reply:
        """The first lines, which the server says unasked."""
        return self._answer()

    def execute(self, line: Line) -> Reply:
        """Compare what the client said with what it had to say; a reply without octets is none."""
        said = f"(a line of more than {LINE_LIMIT} octets)" if line is OVERLONG else line
        if not self._dialogue.hears(said):
            return NOT_IN_THE_DIALOGUE
        if line is not OVERLONG and line[:4].upper() == b"QUIT":
            self.ended = "quit"
        return self._answer()

    @property
    def open(self) -> bool:
        """Whether the dialogue goes on."""
        return not self._dialogue.over

    def commit(self) -> None:
        """Nothing is deleted here."""

    def secured(self) -> None:
        """Nothing: a dialogue begins behind the handshake, and holds none."""

    def stay(self) -> None:
        """Nothing: there is no STLS that would be done."""

    def respond(self, line: Line) -> Reply:
        """The same as a command: a dialogue knows no exchanges."""
        return self.execute(line)

    def close(self) -> None:
        """Nothing: no maildrop is open."""

    def _answer(self) -> Reply:
        """What the server says now."""
        lines = self._dialogue.says()
        closes = self._dialogue.over
        if len(lines) > 1 and lines[-1] == TERMINATOR:
            payload = b"".join(lines[1:-1])
            raw = b"".join(line.removeprefix(b".") for line in lines[1:-1])
            if b"".join(stuffed([raw])) == payload:  # else it is stuffed as nobody would, and must stay as it is
                return Reply(lines[0], payload, closes=closes, raw=lambda: (raw,))
        return Reply(b"".join(lines), closes=closes)
