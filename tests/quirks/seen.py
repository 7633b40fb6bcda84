"""What clients that nobody here wrote make of quirks: the data of ``clients.toml``, and how an outcome is told.

Knows the messages, and how what a client has delivered is compared with them; must not know how a client is run.
"""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pop3s_fake.quirks import asked, quirk, quirk_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pop3s_fake import Pop3sServer

FILE: Final = Path(__file__).with_name("clients.toml")

LETTERS: Final = [
    b"Subject: one\r\nMessage-ID: <1@localhost>\r\n\r\n.\r\n..two\r\nlast\r\n",
    b"Subject: two\r\nMessage-ID: <2@localhost>\r\n\r\nhello\r\n",
    b"Subject: three\r\nMessage-ID: <3@localhost>\r\n\r\nbye\r\n",
]
"""The messages in the maildrop, m1, m2 and m3."""

TIMES: Final = re.compile(r"^ *[0-9]+\.[0-9]{3} ", re.MULTILINE)
"""What stands before each line of a transcript."""


class Seen(NamedTuple):
    """One client under one quirk, or several: how it was run, and what came of it."""

    name: str
    """That of the table."""
    client: str
    quirks: tuple[str, ...]
    outcome: tuple[str, ...]
    """A line for each time that it ran: see `told`."""
    keep: bool = False
    """Whether it was told to leave the messages where they are."""
    again: bool = False
    """Whether it was told to fetch what it had fetched before, too."""
    rules: tuple[str, ...] = ()
    """Rules of the server beside the quirks."""
    same: str = ""
    """Why all ends as it does without the quirk; "" where it ends otherwise."""
    shows: str = ""
    """What the transcript has because of the quirk, where none of its rules need strike."""
    instead: str = ""
    """The quirk that is the opposite of one that is always so, and under which all ends otherwise."""

    @property
    def quirk(self) -> str:
        """The id of the first quirk, which this is about."""
        return self.quirks[0].partition("(")[0] if self.quirks else "none"

    @property
    def always(self) -> bool:
        """Whether every correct server does it."""
        return bool(self.quirks) and quirk(self.quirk).always

    def without(self) -> Seen:
        """The same client, run as often and in the same way, but without the quirk; LookupError where none was."""
        times = len(self.outcome)
        for each in seen_by(self.client):
            alike = (each.quirks, each.rules, each.keep, each.again) == (
                self.quirks[1:],
                self.rules,
                self.keep,
                self.again,
            )
            if alike and len(each.outcome) >= times:
                return each._replace(outcome=each.outcome[:times])
        raise LookupError(f"{FILE.name}: nothing to compare {self.name}.{self.client} with, such as a table without it")


@functools.cache
def seen() -> tuple[Seen, ...]:
    """All of the data."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(
        _row(name, client, {key: value for key, value in table.items() if not isinstance(value, dict)} | entry)
        for name, table in tables.items()
        for client, entry in table.items()
        if isinstance(entry, dict)
    )


def _row(name: str, client: str, entry: dict[str, Any]) -> Seen:
    lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    return Seen(**{"name": name, "client": client, "quirks": (name,), **entry, **lists})


def by_poplib() -> set[str]:
    """The quirks that have a test on poplib: a function of their name, or a line of a table."""
    names = {name.replace("-", "_"): name for name in quirk_ids()}
    tests = [
        Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("test_poplib.py", "test_servers.py")
    ]
    functions = {name for text in tests for name in re.findall(r"^def test_(\w+)\(", text, re.MULTILINE)}
    lines = {name for text in tests for name in re.findall(r'^    \("([a-z0-9-]+)", lambda client', text, re.MULTILINE)}
    return {names[each] for each in functions & names.keys()} | lines


def seen_by(client: str) -> list[Seen]:
    """What concerns this client."""
    return [each for each in seen() if each.client == client]


def told(code: int, delivered: Iterable[bytes], whole: Collection[bytes], left: Sequence[str]) -> str:
    r"""How a run ended: well or badly, how much was delivered as it was served, or otherwise, and what is left.

    >>> told(1, [b"Subject: one\n", b"x"], {b"Subject: one\r\n"}, ["m3"])
    'ended badly; 1 whole, 1 other; left m3'
    """
    right = {octets.replace(b"\r\n", b"\n") for octets in whole}
    messages = [octets.replace(b"\r\n", b"\n") for octets in delivered]
    good = sum(octets in right for octets in messages)
    others = f", {len(messages) - good} other" if good < len(messages) else ""
    return f"ended {'badly' if code else 'well'}; {good} whole{others}; left {' '.join(left) or 'nothing'}"


def outcomes(each: Seen, server: Pop3sServer, run: Callable[[], tuple[int, Iterable[bytes]]]) -> tuple[str, ...]:
    """Let a client run against the quirks as often as the data have it, and tell what came of it each time."""
    for number, letter in enumerate(LETTERS, 1):
        server.account.maildrop.add_one(letter, uid=f"m{number}")
    before = server.account.save()
    opened = server.account.open(object(), exclusive=False)
    served = [opened.message(number) for number, _ in opened.listing()]
    whole = {*LETTERS, *(message.content for message in served if message is not None)}
    server.account.restore(before)  # as if nobody had looked
    result = []
    for _ in each.outcome:
        code, delivered = run()
        server.settle()
        result.append(told(code, delivered, whole, server.maildrop.uids))
    _must_show(each, TIMES.sub("", server.transcript.render()))
    return tuple(result)


def _must_show(each: Seen, story: str) -> None:
    """Hold it against what was said that the quirk did something, and that what tells so is not there without it."""
    for one in asked(each.quirks):
        made_of_rules = (one.quirk.rules or one.quirk.changes) and not one.quirk.setting
        assert not made_of_rules or f"quirk {one}: rule " in story, f"{each.client} never met {one}"
    if each.same and not each.always:
        struck = f"quirk {asked(each.quirks)[0]}: rule " in story
        assert each.shows in story if each.shows else struck, f"{each.client} never met {each.quirk}:\n{story}"
    for other in seen_by(each.client):
        if other.shows and other.without().name == each.name:
            assert other.shows not in story, f"{other.shows!r} is there without {other.quirk}, too:\n{story}"
