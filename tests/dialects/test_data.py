"""What stands in the dialects is evidence, and no recording in disguise."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.dialects import dialect_ids
from pop3s_fake.dialects.catalogue import RECORDED, text
from tests.dialects.replaying import moves, recording, recordings, said
from tests.servers.asking import asked

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str, ...]

TOKEN = re.compile(r"\{([^}]*)\}")
KINDS = {
    **dict.fromkeys(("number", "octets", "count", "total", "pid"), r"\d+"),
    "time": r"\d{10}",
    "host": r"[\w.-]+",
    "token": r"\d{16,20}",
    "stamp": r"<[^\s<>]+@[\w.-]+>",
    "user": r"\w+",
    "keyword": r"[^\s.]+",
}
"""What a token of a text looks like; all others are a part of what the client said."""

SAID = {"number", "user", "keyword", "typed", "argument", "rest", "uid"}
"""Tokens that stand for something that the client said."""

CAPABILITIES = {"capabilities", "capabilities_in_clear", "mechanisms", "mechanisms_in_clear"}
"""Lists that have to hold what CAPA and AUTH list, line by line."""

LISTED = re.compile(r"\d+ \S+$|[\w-]+: \S|.{12,}")
"""Lines of a listing, of a header, and of a body."""


def values(table: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value with its path; lists are values, too."""
    if isinstance(table, dict):
        for key, value in table.items():
            yield from values(value, (*path, key))
    else:
        yield path, table


def words(name: str) -> Iterator[tuple[Path, str]]:
    """Every text that a dialect holds, but for its evidence and what it is called."""
    for path, value in values(tomllib.loads(text(name))):
        if path[-1] not in {"evidence", "summary"}:
            listed = value if isinstance(value, list) else [value]
            yield from ((path, each) for each in listed if isinstance(each, str))


def evidence(group: Any) -> list[tuple[str, str]]:
    """The recordings and scenarios that a group names."""
    return [
        (name, scenario)
        for entry in group.get("evidence", [])
        for name, _, rest in [entry.partition(": ")]
        for scenario in rest.split(", ")
    ]


def lines_of(of: str, scenario: str) -> list[str]:
    """What the server said there: in a recording, or asked while it ran (``live DIALECT``)."""
    if of.startswith("live "):
        return asked(of.removeprefix("live "))[scenario].heard
    return [
        line
        for event in recording(of)["scenarios"][scenario]["events"]
        if event["ev"] == "recv"
        for line in event["data"].split("\r\n")
    ]


def said_in(of: str, scenario: str) -> str:
    """What the client said there."""
    if of.startswith("live "):
        return "\n".join(asked(of.removeprefix("live "))[scenario].said)
    return b"".join(
        said(each) for each in moves(recording(of)["scenarios"][scenario]["events"]) if "data" in each
    ).decode("latin-1")


def groups(name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The tables that have values of their own."""
    tables = tomllib.loads(text(name))
    for key, table in tables.items():
        if key == "replies":
            yield from (((key, heading), texts) for heading, texts in table.items())
        elif isinstance(table, dict):
            yield (key,), table


@pytest.mark.parametrize("name", dialect_ids())
def test_no_value_holds_a_command_line_a_scenario_or_a_whole_reply(name: str) -> None:
    """A dialect tells how a server works, and not what one recording said."""
    names = {scenario for each in recordings() for scenario in recording(each)["scenarios"]}
    lines = {
        line.strip()
        for each in recordings()
        for scenario in recording(each)["scenarios"].values()
        for event in moves(scenario["events"])
        if event["ev"] == "send"
        for line in said(event).decode("latin-1").split("\r\n")
        if " " in line.strip() and len(line) > 4
    }
    payloads = {line for each in recordings() for line in payload(each)}
    for path, value in words(name):
        assert not names & set(re.findall(r"[\w-]+", value)), path
        assert not [line for line in lines if line in value], path
        assert path[-1] in CAPABILITIES or not [line for line in payloads if line in value], path
        assert not re.search(r"\n|\S\r|\\[rn]", value), path


def payload(name: str) -> Iterator[str]:
    """The lines of messages and listings in a recording, but for those of a character or two."""
    for scenario in recording(name)["scenarios"].values():
        for event in scenario["events"]:
            if event["ev"] == "recv" and event["data"].endswith("\r\n.\r\n"):
                yield from (line for line in event["data"].split("\r\n")[1:-2] if LISTED.match(line))


@pytest.mark.parametrize("name", RECORDED)
def test_each_group_names_recordings_that_there_are(name: str) -> None:
    """With scenarios in which something was said."""
    for path, group in groups(name):
        named = evidence(group)
        assert named, f"{path} names no evidence"
        for of, scenario in named:
            assert of.startswith("live ") or recording(of)["scenarios"][scenario]["events"], (path, of, scenario)
            assert isinstance(lines_of(of, scenario), list)


@pytest.mark.parametrize("name", RECORDED)
def test_each_text_stands_in_its_evidence(name: str) -> None:
    """As a whole line that the server sent, with what its tokens stand for."""
    for path, group in groups(name):
        texts = [*group.get("says", {}).values(), group.get("text", ""), group.get("full", "")]
        texts += [line for key, lines in group.items() if key.startswith("capabilities") for line in lines]
        for each in filter(None, texts):
            shown = any(stands(each, of, scenario) for of, scenario in evidence(group))
            assert shown, f"{'.'.join(path)}: nobody said {each!r}"


def stands(template: str, of: str, scenario: str) -> bool:
    """Whether the server said this there, with what its tokens stand for in their places."""
    tokens = TOKEN.findall(template)
    kinds = [f"({KINDS.get(token, '.+')})" for token in tokens]
    constant = [re.escape(part) for part in TOKEN.split(template)[::2]]
    pattern = re.compile("".join(part for pair in zip(constant, [*kinds, ""], strict=True) for part in pair), re.DOTALL)
    asked_for = said_in(of, scenario)
    for line in lines_of(of, scenario):
        found = pattern.fullmatch(line)
        if found and all(
            token not in SAID or what in asked_for for token, what in zip(tokens, found.groups(), strict=True)
        ):
            return True
    return False


def test_a_text_stands_nowhere_else() -> None:
    """A token is of its kind, and what a client said is no token of what it did not say."""
    assert stands("+OK", "popa3d", "login_ok")
    assert stands("-ERR There's no message {number}.", "dovecot", "list_args")
    assert not stands("-ERR There's {rest}.", "dovecot", "list_args")
    assert not stands("-ERR {typed}", "dovecot", "list_args")
    assert not stands("+OK {argument}", "dovecot", "login_ok")
    assert not stands("{argument}", "dovecot", "login_ok")
    assert not stands("+OK {count}", "dovecot", "login_ok")
    assert not stands("{keyword}", "dovecot", "retr_all")
