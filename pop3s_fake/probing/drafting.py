"""A draft of a dialect: what was seen as a file, each value with what shows it, and no value that nothing shows.

Knows the form of the file; what stands in it is found by ``facts``, ``fitting`` and ``wording``.  Must not know how it
was asked, nor where the file goes.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, get_args

from pop3s_fake.probing.facts import facts
from pop3s_fake.probing.fitting import delayed, fitted, made, marked, unexplained
from pop3s_fake.probing.hearing import shown
from pop3s_fake.probing.model import OF_CONNECTION, Model
from pop3s_fake.probing.standins import PASSWORD, RESPONSE, holds
from pop3s_fake.probing.templates import templates, without_keyword
from pop3s_fake.probing.wording import texts
from pop3s_fake.protocol.manner import Heading, Manner
from pop3s_fake.protocol.wording import Voice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pop3s_fake.probing.fitting import Values
    from pop3s_fake.probing.model import Answer
    from pop3s_fake.probing.seen import Exchange, Seen

__all__ = ("draft",)

UNTOLD: Final = "what holds the password, or could"
AMBIGUOUS: Final = (
    "the name in --user is also a word that this server says to everybody: only what it answered to a login has {user}"
)

UNSEEN: Final = "not asked, as nobody has logged in: those of RFC 1939, with TOP and UIDL"

EXAMPLES: Final = 3
"""Exchanges that are shown with a value."""

DIRECT: Final[dict[str, str]] = {
    "versions": "the versions of TLS with which a client that has no other came through",
    "alpn": "a client that offered http/1.1 alone came through",
    "greeting.stamp": "the end of the greeting",
    "before.commands": "answered otherwise than a word that nobody knows, or announced; RFC 1939 has the rest",
    "after.commands": "answered otherwise than a word that nobody knows, or announced; RFC 1939 has the rest",
    "before.disabled": "known, and there is nothing that it could be done with",
    "before.capabilities": "CAPA over TLS, before the login",
    "before.capabilities_in_clear": "CAPA in clear, before the login",
    "after.capabilities": "CAPA over TLS, behind the login",
    "after.capabilities_in_clear": "CAPA in clear, behind the login",
    "login.mechanisms": "announced; those that this server cannot speak are left out",
    "login.mechanisms_in_clear": "announced in clear",
    "delays.failed": "the answer to a wrong password took so long",
    "delays.outcomes": "the answers that took as long",
    "delays.in_use": "the answer to a login beside another session took so long",
    "ends.close_notify": "behind QUIT the connection ended without a word of TLS",
    "storage.unique_id": "the form of what UIDL listed",
}
"""What shows a value that is no matter of one exchange."""


def draft(seen: Seen) -> str:
    """The file: TOML that :meth:`~pop3s_fake.Dialect.from_file` takes, ending in what it does not say."""
    model = Model(seen)
    values = fitted(seen, model, facts(seen))
    values |= delayed(seen, model, values)
    words = {path: text for path, text in texts(seen, model, values).items() if not holds(text)}
    needed = _Shown(seen, model, {**values, **words})
    implementation = next(
        (line.partition(" ")[2] for lines in seen.capabilities.values() for line in lines if "IMPLEMENTATION" in line),
        "",
    )
    known = implementation if implementation and not holds(implementation) else "a server that was probed"
    summary = f"a draft: {known}"
    lines = [f"summary = {_literal(summary)}", *_tables(needed.values, needed.evidence)]
    lines += _comments("Not asked:", seen.not_asked)
    lines += _comments("Of two meanings:", [AMBIGUOUS] if seen.ambiguous else [])
    left = unexplained(seen, model, made(needed.values))
    other = [f"{_shown(exchange)}; this draft: {_told(said)}" for exchange, said in left]
    lines += _comments("Asked, and not said by this draft:", list(dict.fromkeys(other)))
    return "\n".join(lines) + "\n"


class _Shown:
    """What the values of a draft are good for: the exchanges that come right with them, and not without."""

    def __init__(self, seen: Seen, model: Model, values: Values) -> None:
        self.seen, self.model = seen, model
        default = Manner()
        self.values: Values = {path: value for path, value in values.items() if _of(default, path) != value}
        self.evidence: dict[str, list[str]] = {}
        self._having = model.answers(made(self.values))
        self._outcomes: set[tuple[str, Any, bool]] = {
            (line.keyword, status.partition(" ")[2], line.after)
            for answers in model.answers(marked(self.values))
            for answer in answers
            for status, line in zip(answer.statuses, answer.lines, strict=True)
            if not status.startswith("+ ")
        }
        left = -1
        while left != len(self.values):  # one may be good for nothing only when another has gone
            left = len(self.values)
            self._leave_out()

    def _leave_out(self) -> None:
        """Do without all that is good for nothing, and keep what the rest is good for."""
        for path in sorted(self.values, key=_width):
            if path in DIRECT or path == "greeting.text":
                guess = path == "after.commands" and not self.seen.logged_in
                self.evidence[path] = [UNSEEN if guess else DIRECT[path]] if path in DIRECT else []
                continue
            without = {each: value for each, value in self.values.items() if each != path}
            if path.startswith("replies.") and not self._says_otherwise(without):
                self.values = without
                continue
            lacking = self.model.answers(made(without))
            missed = self._missed(lacking)
            if missed:
                self.evidence[path] = missed
            else:
                self.values, self._having = without, lacking

    def _says_otherwise(self, without: Values) -> bool:
        """Whether any line would have another text; if none has, nothing need be asked again."""
        ours, others = Voice(made(self.values)), Voice(made(without))
        return any(
            ours.text(keyword, outcome, after=after) != others.text(keyword, outcome, after=after)
            for keyword, outcome, after in self._outcomes
        )

    def _missed(self, lacking: list[list[Answer]]) -> list[str]:
        """What would come wrong."""
        found: dict[str, None] = {}
        for talk, having, others in zip(self.seen.talks, self._having, lacking, strict=True):
            for exchange, ours, other in zip(talk.exchanges, having, others, strict=True):
                if ours != other and _is(exchange, ours) and not _is(exchange, other):
                    found[_shown(exchange, [self.model.tokens(line) for line in ours.lines])] = None
        return list(found)


def _width(path: str) -> tuple[int, int]:
    """How much a value stands for: what stands for least is tried first."""
    order = ("any", "before", "after")
    if not path.startswith("replies."):
        return 2, 0
    heading = path.split(".")[1]
    return (1, -order.index(heading)) if heading in order else (0, 0)


def _is(exchange: Exchange, answer: Answer) -> bool:
    return (exchange.ended, exchange.answers) == (answer.ended, tuple(filter(None, answer.statuses)))


def _shown(exchange: Exchange, tokens: Sequence[dict[str, str]] = ()) -> str:
    """An exchange in a few words, with names in place of what varies."""
    came = []
    for place, status in enumerate(exchange.answers):
        known = without_keyword(tokens[place]) if place < len(tokens) else OF_CONNECTION
        came.append(templates(status, known)[0])
    said = exchange.said.decode("latin-1").removesuffix("\r\n")
    return f'"{shown(said)}"' + f" -> {_told(came)}{', and it closes' if exchange.ended and said != 'QUIT' else ''}"


def _told(lines: Sequence[str]) -> str:
    """Answers in a few words; where a password stands is not told, as it may be any word of theirs."""
    found = [UNTOLD if PASSWORD in each or RESPONSE in each else f'"{shown(each)}"' for each in lines if each]
    return ", ".join(found) or "nothing"


def _of(manner: Manner, path: str) -> Any:
    """Our own value."""
    group, _, key = path.partition(".")
    if group == "replies":
        return None
    value = getattr(manner, group)
    return getattr(value, key) if key else value


def _tables(values: Values, evidence: dict[str, list[str]]) -> Iterator[str]:
    """The values in the order of the schema, each behind what shows it."""
    for each in fields(Manner):
        if each.name in values:
            yield from _value(each.name, each.name, values, evidence)
    for each in fields(Manner):
        group = getattr(Manner(), each.name)
        keys = [f"{each.name}.{key}" for key in getattr(group, "__dataclass_fields__", ())]
        if any(key in values for key in keys):
            yield from ("", f"[{each.name}]")
            for key in keys:
                yield from _value(key, key.partition(".")[2], values, evidence)
    for heading in _headings():
        paths = sorted(path for path in values if path.startswith(f"replies.{heading}."))
        if paths:
            yield from ("", f"[replies.{heading}]")
        for path in paths:
            yield from _value(path, path.partition(f"{heading}.")[2], values, evidence)


def _headings() -> tuple[str, ...]:
    """In the order in which a reader wants them: what is general first."""
    general = ("any", "before", "after")
    return (*general, *(heading for heading in get_args(Heading) if heading not in general))


def _value(path: str, key: str, values: Values, evidence: dict[str, list[str]]) -> Iterator[str]:
    if path not in values:
        return
    shows = evidence[path]
    yield from (f"# {each}" for each in shows[:EXAMPLES])
    if len(shows) > EXAMPLES:
        yield f"# and {len(shows) - EXAMPLES} more"
    yield f"{key} = {_literal(values[path])}"


def _literal(value: Any) -> str:
    """A value of TOML."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _comments(head: str, entries: list[str]) -> list[str]:
    return ["", f"# {head}", *(f"# - {entry}" for entry in entries)] if entries else []
