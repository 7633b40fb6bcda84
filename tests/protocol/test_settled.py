"""What no connection could say or do is told where it is settled, with its path and what would be right."""

from __future__ import annotations

import tomllib
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Dialect, UsageError
from pop3s_fake.dialects import dialect, dialect_ids
from pop3s_fake.dialects.overlay import overlaid
from pop3s_fake.protocol import sasl
from pop3s_fake.protocol.manner import Manner
from pop3s_fake.protocol.settled import MECHANISMS, problems_of

if TYPE_CHECKING:
    from pathlib import Path

NO_LINE = "expected a line of printable characters of Latin-1, not"
NO_CAPABILITY = "expected a line of printable characters that begins with no dot, not"
CONNECTION = "{host}, {pid}, {stamp}, {time}, {token}"
PARTING = "' \\t\\x0b\\x0c\\r!\"#$%&\\'()*+,-./:;<=>?@[\\\\]^_`{|}~'"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        # numbers
        ("after.bad = -2", "after.bad: expected a number from 0, not -2"),
        ("greeting.most = -1", "greeting.most: expected a number from 0, not -1"),
        ("login.most = -1", "login.most: expected a number from 0, not -1"),
        ("login.response = -1", "login.response: expected a number from 0, not -1"),
        ("numbers.digits = -1", "numbers.digits: expected a number from 0, not -1"),
        ("top.largest = -1", "top.largest: expected a number from 0, not -1"),
        ("answers.top_most = -3", "answers.top_most: expected a number from 0, not -3"),
        ("numbers.wraps = 65", "numbers.wraps: expected a number from 0 to 64, not 65"),
        ("before.line = 2", "before.line: expected a number from 3, not 2"),
        ("after.line = -1", "after.line: expected a number from 3, not -1"),
        ("before.block = 0", "before.block: expected a number from 1, not 0"),
        (
            'after.longer = "echoed"\nafter.line = 8',
            None,
        ),
        (
            'after.longer = "echoed"\nafter.line = 8\nafter.block = 8',
            "after.block: expected more than after.line, which is 8, not 8",
        ),
        # seconds
        ("after.idle = -5", "after.idle: expected a number from 0.001, not -5.0"),
        ("before.idle = 0", "before.idle: expected a number from 0.001, not 0.0"),
        ("before.lasts = -0.5", "before.lasts: expected a number from 0, not -0.5"),
        ("delays.failed = -1", "delays.failed: expected a number from 0, not -1.0"),
        ("delays.penalty = []", "delays.penalty: expected one number at least, and there is none"),
        ("delays.penalty = [0, -4]", "delays.penalty[1]: expected a number from 0, not -4.0"),
        # characters
        ('reading.separators = ""', f"reading.separators: expected one or more of {PARTING}, not ''"),
        ('reading.separators = "ab"', f"reading.separators: expected one or more of {PARTING}, not 'ab'"),
        ('numbers.parting = "\\n"', f"numbers.parting: expected some of {PARTING}, not '\\n'"),
        ('numbers.leading = "0"', f"numbers.leading: expected some of {PARTING}, not '0'"),
        ('numbers.signs = "abc"', "numbers.signs: expected some of '+-', not 'abc'"),
        # lines
        ('greeting.text = "+OK a\\r\\n+OK b"', f"greeting.text: {NO_LINE} '+OK a\\r\\n+OK b'"),
        ('greeting.full = "-ERR\\n"', f"greeting.full: {NO_LINE} '-ERR\\n'"),
        ('greeting.text = "+OK ☃"', f"greeting.text: {NO_LINE} '+OK ☃'"),
        ('replies.PASS.says.failed = "-ERR €"', f"replies.PASS.says.failed: {NO_LINE} '-ERR €'"),
        ('login.prompt = "+ a\\r\\nb"', f"login.prompt: {NO_LINE} '+ a\\r\\nb'"),
        ('greeting.text = "+OK grüß"', None),
        ('after.capabilities = ["A\\r\\n.\\r\\n+OK"]', f"after.capabilities[0]: {NO_CAPABILITY} 'A\\r\\n.\\r\\n+OK'"),
        ('after.capabilities = ["TOP", "."]', f"after.capabilities[1]: {NO_CAPABILITY} '.'"),
        ('before.capabilities_in_clear = [""]', f"before.capabilities_in_clear[0]: {NO_CAPABILITY} ''"),
        ('after.capabilities = ["X-☃"]', None),  # UTF-8 goes out there
        ('storage.named = "bad header"', ("storage.named: expected a header field, such as 'X-Mark: {uid}', "
         "not 'bad header'")),
        ('storage.found = ["X-A: {arrival}", "no"]', ("storage.found[1]: expected a header field, such as "
         "'X-Mark: {arrival}', not 'no'")),
        # tokens
        ('greeting.text = "+OK {number}"', f"greeting.text: nothing stands for '{{number}}'; known are: {CONNECTION}"),
        ('greeting.full = "-ERR {uid}"', "greeting.full: nothing stands for '{uid}'; did you mean '{pid}'?"),
        ('greeting.stamp = "<{stamp}>"', "greeting.stamp: nothing stands for '{stamp}'; did you mean '{time}'?"),
        ('replies.PASS.says.ok = "+OK {count} {number}"', ("replies.PASS.says.ok: nothing stands for '{number}'; "
         "did you mean '{user}'?")),
        ('replies.USER.says.ok = "+OK {count}"', ("replies.USER.says.ok: nothing stands for '{count}'; "
         "did you mean '{host}'?")),
        ('replies.before.says.unknown = "-ERR {number}"', ("replies.before.says.unknown: nothing stands for "
         "'{number}'; did you mean '{user}'?")),
        ('replies.any.says.no_such = "-ERR {number} {uid}"', None),
        ('replies.DELE.says.ok = "+OK {number} {octets} of {count}"', None),
        ('greeting.text = "+OK {}"', f"greeting.text: nothing stands for '{{}}'; known are: {CONNECTION}"),
        ('greeting.text = "+OK {host.__class__}"', ("greeting.text: nothing stands for '{host.__class__}'; "
         f"known are: {CONNECTION}")),
        ('greeting.text = "+OK {"', "greeting.text: '+OK {': Single '{' encountered in format string"),
        ('greeting.text = "+OK {pid:d}"', "greeting.text: '{pid:d}': 'd' is no form of a text, such as '>8' or '.8'"),
        ('greeting.text = "+OK {pid:>10000}"', ("greeting.text: '{pid:>10000}': '>10000' is no form of a text, "
         "such as '>8' or '.8'")),
        ('greeting.text = "+OK {pid!r}"', "greeting.text: '{pid!r}' is filled in as '{pid}' is: leave '!r' out"),
        ('greeting.text = "+OK {pid:>8}{host:.3}"', None),
        ('storage.unique_id = "{arrival:zz}"', ("storage.unique_id: '{arrival:zz}': 'zz' is no form of a number, "
         "such as '08x' or '>20'")),
        ('storage.unique_id = "{digest:08x}"', ("storage.unique_id: '{digest:08x}': '08x' is no form of a text, "
         "such as '>8' or '.8'")),
        ('storage.named = "X: {foo}"', "storage.named: nothing stands for '{foo}'; known are: {uid}"),
        ('storage.found = ["X: {uid}"]', ("storage.found[0]: nothing stands for '{uid}'; "
         "known are: {arrival}, {status}")),
        ('storage.first = ["X: {foo:>20}"]', ("storage.first[0]: nothing stands for '{foo}'; "
         "known are: {next}, {validity}")),
        # names
        ('login.mechanisms = ["FOO"]', ("login.mechanisms[0]: unknown mechanism 'FOO'; known are: ANONYMOUS, CRAM-MD5, "
         "DIGEST-MD5, EXTERNAL, LOGIN, MSN, NTLM, OAUTHBEARER, PLAIN, SCRAM-SHA-1, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, "
         "SCRAM-SHA-256-PLUS, SCRAM-SHA-512, SCRAM-SHA-512-PLUS, XOAUTH2")),
        ('login.two_steps = ["XOAUTH"]', "login.two_steps[0]: unknown mechanism 'XOAUTH'; did you mean 'XOAUTH2'?"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_told_with_its_path(tmp_path: Path, settings: str, problem: str | None) -> None:
    """Of a file, and of what a quirk has otherwise; None: it means something."""
    path = tmp_path / "own.toml"
    path.write_text(f'summary = "x"\nbefore.commands = ["QUIT"]\n{settings}\n', encoding="utf-8")
    table = tomllib.loads(settings)
    if problem is None:
        Dialect.from_file(path)
        overlaid(Manner(), table, "quirks")
        return
    with pytest.raises(UsageError) as caught:
        Dialect.from_file(path)
    assert str(caught.value) == f"{path}: {problem}"
    if settings not in {"delays.penalty = []", "delays.penalty = [0, -4]"} and "[1]" not in problem:  # these add up
        with pytest.raises(UsageError) as caught:
            overlaid(Manner(), table, "quirks")
        assert str(caught.value) == f"quirks: {problem}"


def test_every_mistake_is_told(tmp_path: Path) -> None:
    """In one sentence."""
    path = tmp_path / "own.toml"
    path.write_text('summary = "x\\ny"\nafter.idle = -5\ngreeting.text = "+OK {foo:d} \\u0000"\n', encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        Dialect.from_file(path)
    assert str(caught.value) == (
        f"{path}: greeting.text: {NO_LINE} '+OK {{foo:d}} \\x00'; greeting.text: nothing stands for '{{foo}}'; known "
        f"are: {CONNECTION}; after.idle: expected a number from 0.001, not -5.0; "
        "expected one line of printable characters, not 'x\\ny' @ $['own'].summary"
    )


@pytest.mark.parametrize("name", dialect_ids())
def test_what_comes_with_the_package_means_something(name: str) -> None:
    """It is not looked at when it is asked for."""
    assert problems_of(dialect(name).manner) == []


def test_all_mechanisms_are_known() -> None:
    """Their names are not looked up where they are carried out."""
    assert sorted(MECHANISMS) == sorted(sasl.MECHANISMS)


def test_every_group_of_settings_is_looked_at() -> None:
    """Also one that is added."""
    manner = Manner()
    groups = [each.name for each in fields(Manner) if is_dataclass(getattr(manner, each.name))]
    for name in groups:
        group = getattr(manner, name)
        for setting in fields(group):
            if type(getattr(group, setting.name)) in {int, float}:
                found = problems_of(replace(manner, **{name: replace(group, **{setting.name: -1})}))
                assert any(each.startswith(f"{name}.{setting.name}: ") for each in found)
