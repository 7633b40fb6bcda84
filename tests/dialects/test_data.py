"""What stands in the dialects is evidence, and no recording in disguise."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.dialects.catalogue import RECORDED, text
from tests.dialects.replaying import moves, recording, recordings, said
from tests.servers.asking import asked

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str, ...]


def values(table: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value with its path; lists are values, too."""
    if isinstance(table, dict):
        for key, value in table.items():
            yield from values(value, (*path, key))
    else:
        yield path, table


def words(name: str) -> Iterator[tuple[Path, str]]:
    """Every text that a dialect holds, but for its evidence."""
    for path, value in values(tomllib.loads(text(name))):
        if path[-1] != "evidence":
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


def groups(name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The tables that have values of their own."""
    tables = tomllib.loads(text(name))
    for key, table in tables.items():
        if key == "replies":
            yield from (((key, heading), texts) for heading, texts in table.items())
        elif isinstance(table, dict):
            yield (key,), table


@pytest.mark.parametrize("name", RECORDED)
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
    for path, value in words(name):
        assert not names & set(re.findall(r"\w+", value)), path
        assert not [line for line in lines if line in value], path
        assert "\n" not in value, path


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
    """With something in place of its tokens, as a whole line that the server sent."""
    for path, group in groups(name):
        heard = [line for of, scenario in evidence(group) for line in lines_of(of, scenario)]
        texts = [*group.get("says", {}).values(), group.get("text", "")]
        texts += [line for key, lines in group.items() if key.startswith("capabilities") for line in lines]
        for each in filter(None, texts):
            pattern = form(each)
            assert any(map(pattern.fullmatch, heard)), f"{'.'.join(path)}: nobody said {each!r}"


def form(template: str) -> re.Pattern[str]:
    """A text with anything in place of its tokens."""
    return re.compile(".*".join(map(re.escape, re.split(r"\{[^}]*\}", template))), re.DOTALL)
