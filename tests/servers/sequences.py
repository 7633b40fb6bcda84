"""Sequences of commands that nobody recorded: what a client may say, drawn by a seed.

Knows lines, good and bad, and the order in which clients say them; must not know any server, nor what is answered.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

__all__ = ("GROUPS", "PASSWORD", "Sequence", "Step", "sequence")

PASSWORD: Final = "wire-Pass1"

Group = Literal["login", "transaction", "syntax", "pipelined", "clear", "two", "refused"]

GROUPS: Final[dict[Group, int]] = {
    "login": 18,
    "transaction": 32,
    "syntax": 22,
    "pipelined": 11,
    "clear": 6,
    "two": 7,
    "refused": 4,
}
"""How often which: refused logins are slow, and so they are rare and in a group of their own."""

Do = Literal["open", "clear", "shake", "say", "apop", "cram", "half", "notify", "drop"]

Weighted = dict[str, int]
"""Templates, each with how often it is drawn."""

NUMBER: Final[Weighted] = {
    "1": 8,
    "2": 8,
    "3": 5,
    "4": 3,
    "{count}": 4,
    "{beyond}": 3,
    "0": 2,
    "99": 2,
    "-1": 2,
    "+1": 1,
    "+2": 1,
    "01": 2,
    "002": 1,
    "-0": 1,
    "- 1": 1,
    "1abc": 1,
    "2.0": 1,
    "1,2": 1,
    "0x1": 1,
    "abc": 2,
    "*": 1,
    "1 2": 2,
    "1 abc": 1,
    " 1": 2,
    "  2": 1,
    "1 ": 2,
    "1  ": 1,
    "\t1": 1,
    "1\t": 1,
    " ": 1,
    "\xb2": 1,
    "2147483647": 1,
    "2147483648": 1,
    "4294967295": 1,
    "4294967296": 1,
    "4294967297": 1,
    "18446744073709551615": 1,
    "18446744073709551616": 1,
    "18446744073709551617": 1,
    "99999999999999999999999": 1,
}
LINES: Final[Weighted] = {
    "0": 8,
    "1": 6,
    "2": 4,
    "5": 2,
    "10": 2,
    "99999": 2,
    "-1": 2,
    "+1": 1,
    "007": 1,
    "abc": 1,
    "1x": 1,
    "1 2": 1,
    "1 ": 1,
    " 1": 1,
    "4294967296": 1,
    "18446744073709551617": 1,
}
TRANSACTION: Final[Weighted] = {
    "STAT": 8,
    "LIST": 8,
    "LIST {number}": 10,
    "UIDL": 7,
    "UIDL {number}": 8,
    "RETR {number}": 14,
    "TOP {number} {lines}": 12,
    "TOP {number}": 2,
    "DELE {number}": 12,
    "RSET": 5,
    "NOOP": 5,
    "CAPA": 3,
    "LAST": 2,
    "STAT {word}": 1,
    "NOOP {word}": 1,
    "RSET {word}": 1,
    "CAPA {word}": 1,
    "LIST ": 1,
    "UIDL ": 1,
    "RETR": 1,
    "RETR ": 1,
    "DELE": 1,
    "DELE ": 1,
    "TOP": 1,
    "STAT ": 1,
    "NOOP  ": 1,
}
BEFORE: Final[Weighted] = {
    "CAPA": 8,
    "AUTH": 3,
    "AUTH ": 1,
    "USER {name}": 3,
    "USER nobody": 2,
    "USER": 1,
    "USER ": 1,
    "CAPA {word}": 1,
    "NOOP": 2,
    "STAT": 1,
    "AUTH {word}": 1,
    "AUTH X-NONE": 1,
    "AUTH GSSAPI": 1,
    "AUTH *": 1,
    "APOP": 1,
    "APOP {name}": 1,
    "APOP {name} {word}": 1,
    "UTF8": 1,
    "LANG": 1,
    "LANG *": 1,
}
ODD: Final[Weighted] = {
    "": 3,
    " ": 2,
    "   ": 1,
    "FOO": 3,
    "foo bar": 2,
    "XTND XMIT": 2,
    "HELP": 1,
    "HELO localhost": 1,
    "GET / HTTP/1.1": 1,
    "RETR1": 1,
    "LIST\t1": 2,
    "\tSTAT": 1,
    " STAT": 2,
    "  NOOP": 1,
    " CAPA": 1,
    "STAT\t": 1,
    "STATS": 1,
    "STA": 1,
    "ST\xc4T": 1,
    "\xff\xfe": 1,
    "STAT\x00": 1,
    "NO\x00OP": 1,
    "STAT\rNOOP": 1,
    "NOOP\r": 1,
    "USER {name}": 2,
    "PASS x": 1,
    "AUTH": 1,
    "AUTH PLAIN": 1,
    "APOP a b": 1,
    "STLS": 2,
    "UTF8": 1,
    "LANG en": 1,
    "TOP  1  0": 1,
    "LIST  {number}": 2,
    "RETR\t{number}": 1,
    "UIDL  ": 1,
    ".": 1,
    "+OK": 1,
    "{long}": 3,
    "LIST {digits}": 1,
    "NOOP {long}": 1,
    "QUIT now": 1,
}
WORD: Final[Weighted] = {"x": 3, "1": 3, "foo bar": 2, "\xe9t\xe9": 1, "-": 1, "now ": 1, " 1": 1}
END: Final[Weighted] = {"QUIT": 60, "quit": 4, "QUIT ": 3, "QUIT x": 2, "drop": 9, "notify": 4, "half": 3, "after": 6}
"""How a connection ends; ``after``: something stands behind QUIT in its segment."""
CASE: Final[Weighted] = {"as it is": 12, "lower": 2, "mixed": 1}
LONG: Final = (100, 200, 250, 300, 400, 600, 900, 1500, 5000, 9000)
"""Octets of long words; not near the limits, where how TCP cuts them decides."""

HEADS: Final = (
    "From: ann@example.org\nTo: bob@example.net\nSubject: {word}\n",
    "Subject: {word}\n folded onto a second line\nX-Empty:\n",
    "Subject: {word}\nContent-Type: text/plain; charset=utf-8\n",
)
BODY: Final = ("a line", "", ".", "..", ".leading", "...three", "gr\xc3\xbc\xc3\x9fe", "caf\xe9", " indented", "end")


@dataclass(frozen=True)
class Step:
    """One thing that the client does on a connection: what it says, or how it begins or ends it."""

    on: int
    do: Do
    octets: bytes = b""


@dataclass(frozen=True)
class Sequence:
    """What one client does with a maildrop that nobody else has."""

    number: int
    group: Group
    name: str
    messages: tuple[bytes, ...]
    """With LF line ends, as they are in files."""
    steps: tuple[Step, ...]


def sequence(seed: int, number: int, name: str) -> Sequence:
    """Draw one; the same seed and number give the same, but for the name of the account.

    >>> drawn = sequence(1, 5, "ann")
    >>> drawn == sequence(1, 5, "ann"), drawn.steps[0].do in {"open", "clear"}
    (True, True)
    """
    drawing = Random(f"{seed}/{number}")  # noqa: S311  # no secret is drawn
    return _Writer(drawing, number, name).whole()


class _Writer:
    """A sequence on its way."""

    def __init__(self, random: Random, number: int, name: str) -> None:
        self.random, self.number, self.name = random, number, name
        self.count = random.choices((0, 1, 2, 3, 4, 6), (1, 2, 4, 5, 3, 1))[0]
        self.steps: list[Step] = []
        self.on = 0

    def whole(self) -> Sequence:
        """All of it."""
        messages = tuple(self.message() for _ in range(self.count))
        group = self.random.choices(list(GROUPS), list(GROUPS.values()))[0]
        getattr(self, group)()
        return Sequence(self.number, group, self.name, messages, tuple(self.steps))

    def message(self) -> bytes:
        """A message of a few lines; some have no body, and some no end of their last line."""
        head = self.pick(dict.fromkeys(HEADS, 1)).replace("{word}", f"number {self.random.randrange(1000)}")
        if not self.random.randrange(12):
            return head.encode("latin-1")
        lines = self.random.choices(BODY, k=self.random.randrange(7))
        text = head + "\n" + "".join(f"{line}\n" for line in lines)
        if lines and lines[-1] and not self.random.randrange(6):
            text = text.removesuffix("\n")
        return text.encode("latin-1")

    # groups

    def login(self) -> None:
        """Ways to come in, and what does not."""
        self.open()
        for _ in range(self.random.randrange(3)):
            self.line(self.pick(BEFORE))
        if self.random.random() < 0.9:
            self.come_in(self.pick({"plain": 2, "apart": 2, "cancel": 2, "broken": 1, "apop": 1, "cram": 1, "odd": 4}))
        self.talk(3)
        self.end()

    def transaction(self) -> None:
        """An ordinary login, and many commands."""
        self.open()
        self.come_in(self.pick({"user": 6, "plain": 2, "apart": 1}))
        self.talk(self.random.randrange(3, 14))
        self.end()

    def syntax(self) -> None:
        """Odd lines, before the login and after."""
        self.open()
        inside = self.random.random() < 0.75
        if inside:
            self.come_in("user")
        for _ in range(self.random.randrange(1, 7 if inside else 4)):
            self.line(self.pick(ODD))
            if inside and self.random.random() < 0.5:
                self.line(self.pick(TRANSACTION))
        self.end()

    def pipelined(self) -> None:
        """Several lines in one segment, and one line in several."""
        self.open()
        if self.random.random() < 0.4:
            lines = [f"USER {self.name}", f"PASS {PASSWORD}", *self.lines(self.random.randrange(4))]
            self.say("".join(f"{line}\r\n" for line in lines))
        else:
            self.come_in("user")
        for _ in range(self.random.randrange(1, 4)):
            lines = self.lines(self.random.randrange(2, 7))
            if self.random.random() < 0.15:
                lines.append("QUIT")
            text = "".join(f"{line}\r\n" for line in lines)
            if self.random.random() < 0.25:
                cut = self.random.randrange(1, len(text))
                self.say(text[:cut])
                text = text[cut:]
            self.say(text)
        self.end()

    def clear(self) -> None:
        """A connection without TLS, to begin with."""
        self.step("clear")
        for _ in range(self.random.randrange(3)):
            self.line(self.pick(BEFORE))
        if self.random.random() < 0.3:
            self.come_in(self.pick({"user": 2, "plain": 1, "apart": 1}))
        if self.random.random() < 0.7:
            self.line(self.pick({"STLS": 8, "stls": 1, "STLS ": 1, "STLS x": 1}))
            self.step("shake")
            if self.random.random() < 0.8:
                self.line(self.pick(BEFORE))
            self.come_in(self.pick({"user": 3, "plain": 1}))
        self.talk(self.random.randrange(4))
        self.end()

    def two(self) -> None:
        """Two connections, together or one behind the other."""
        self.open()
        self.come_in("user")
        self.talk(self.random.randrange(1, 5))
        if self.random.random() < 0.5:
            self.end()
            self.on = 1
            self.open()
            self.come_in("user")
            self.talk(self.random.randrange(1, 5))
            self.end()
            return
        self.on = 1
        self.open()
        self.come_in("user")
        for _ in range(self.random.randrange(2, 8)):
            self.on = self.random.randrange(2)
            self.line(self.pick(TRANSACTION))
        for self.on in (0, 1):
            self.end()

    def refused(self) -> None:
        """A login or two that fail, and perhaps one that does not."""
        self.open()
        if self.random.random() < 0.7:
            wrong = self.pick({"wrong": 4, PASSWORD + " ": 1, "": 1, PASSWORD.upper(): 1})
            self.line(f"USER {self.pick({'{name}': 3, 'nobody': 1, '{name} x': 1})}")
            self.say(f"PASS {wrong}\r\n")
        else:
            self.say(f"AUTH PLAIN {self.plain('wrong')}\r\n")
        if self.random.random() < 0.6:
            self.line(self.pick({"CAPA": 1, "STAT": 1, f"PASS {PASSWORD}": 1}))
        self.come_in("user")
        self.talk(self.random.randrange(3))
        self.end()

    # what is said

    def come_in(self, way: str) -> None:
        """Log in, this way or one that does not go anywhere."""
        user, password = f"USER {self.name}\r\n", f"PASS {PASSWORD}\r\n"
        match way:
            case "plain":
                self.say(f"{self.pick({'AUTH PLAIN': 4, 'auth plain': 1, 'AUTH plain': 1})} {self.plain()}\r\n")
            case "apart":
                self.say("AUTH PLAIN\r\n")
                self.say(f"{self.plain()}\r\n")
            case "cancel":
                self.say(f"AUTH {self.pick({'PLAIN': 3, 'LOGIN': 1, 'CRAM-MD5': 1})}\r\n")
                self.say("*\r\n")
                self.come_in("user")
            case "broken":
                self.say("AUTH PLAIN\r\n")
                self.say(self.pick({"not base64!": 1, "*x": 1, "====": 1, "AGE": 1}) + "\r\n")
                self.come_in("user")
            case "apop":
                self.step("apop", self.name)
                self.come_in("user")
            case "cram":
                self.say(f"AUTH {self.pick({'CRAM-MD5': 3, 'cram-md5': 1})}\r\n")
                self.step("cram", self.name)
            case "odd":
                if self.random.random() < 0.4:
                    self.line(self.pick({"USER nobody": 2, "PASS x": 1, "USER": 1, f"USER {self.name} ": 1}))
                user = self.pick({user: 3, user.replace("USER", "user"): 1, f"USER {self.name.upper()}\r\n": 1})
                self.say(user)
                if self.random.random() < 0.5:
                    self.line(self.pick(BEFORE))
                self.say(self.pick({password: 3, password.replace("PASS", "pass"): 1}))
            case _:
                self.say(user)
                self.say(password)

    def plain(self, password: str = PASSWORD) -> str:
        """An initial response."""
        who = self.name if self.random.random() < 0.2 else ""
        return b64encode(f"{who}\0{self.name}\0{password}".encode()).decode()

    def talk(self, many: int) -> None:
        """So many commands of the transaction."""
        for line in self.lines(many):
            self.line(line)

    def lines(self, many: int) -> list[str]:
        """The same, not said yet."""
        return [self.filled(self.pick(TRANSACTION)) for _ in range(many)]

    def line(self, template: str) -> None:
        """One line, in some case, and with some line end."""
        text = self.filled(template)
        match self.pick(CASE):
            case "lower":
                text = text.lower()
            case "mixed":
                text = "".join(each.swapcase() if place % 2 else each for place, each in enumerate(text))
        self.say(text + self.pick({"\r\n": 30, "\n": 1}))

    def filled(self, template: str) -> str:
        """A template with something in place of what stands in braces."""
        text = template
        while "{" in text:
            text = (
                text.replace("{number}", self.pick(NUMBER))
                .replace("{lines}", self.pick(LINES))
                .replace("{word}", self.pick(WORD))
                .replace("{count}", str(self.count))
                .replace("{beyond}", str(self.count + 1))
                .replace("{name}", self.name)
                .replace("{long}", "Z" * self.random.choice(LONG))
                .replace("{digits}", "1" * self.random.choice((30, 90, 180)))
            )
        return text

    def end(self) -> None:
        """The end of this connection."""
        match self.pick(END):
            case "drop" | "notify" | "half" as how:
                self.step(how)
            case "after":
                self.say(f"QUIT\r\n{self.pick(TRANSACTION)}\r\n".replace("{number}", "1").replace("{lines}", "0"))
            case line:
                self.say(f"{line}\r\n")

    def open(self) -> None:
        self.step("open")

    def say(self, text: str) -> None:
        self.steps.append(Step(self.on, "say", self.filled(text).encode("latin-1")))

    def step(self, do: Do, text: str = "") -> None:
        self.steps.append(Step(self.on, do, text.encode()))

    def pick(self, what: Weighted) -> str:
        """One of them, by their weights."""
        return self.random.choices(list(what), list(what.values()))[0]
