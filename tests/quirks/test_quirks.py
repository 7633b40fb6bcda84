"""Every quirk of the data: one script, held with it and without it, and the difference octet by octet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import UsageError
from pop3s_fake.quirks import Quirk, quirk, quirk_ids
from pop3s_fake.quirks.entry import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

IDS = Path(__file__).with_name("ids.txt").read_text(encoding="utf-8").split()
QUIRKS = [quirk(name) for name in quirk_ids()]
SHOWN = [pytest.param(each, id=each.id) for each in QUIRKS if each.shows is not None]
STRIKING = [
    pytest.param(each, id=each.id)
    for each in QUIRKS
    if each.shows is not None and not each.setting and (each.rules or each.changes)
]
BELOW = {"sni-required", "cert-wrong-name-or-self-signed", "tls-buffered-data-stall", "tls-version-floor"}
"""Quirks of TLS, which are seen over sockets only: see test_servers."""


def test_every_documented_quirk_is_in_the_data() -> None:
    """The list is kept by hand, beside the data."""
    assert list(quirk_ids()) == IDS
    assert len(set(IDS)) == 183


@pytest.mark.parametrize("entry", QUIRKS, ids=quirk_ids())
def test_each_says_what_it_is_and_shows_it(entry: Quirk) -> None:
    """Nobody has to guess."""
    assert entry.summary
    assert entry.client
    assert entry.who
    assert entry.evidence
    assert entry.shows is not None or entry.id in BELOW
    assert entry.always or entry.rules or entry.changes or entry.setting or entry.variants


@pytest.mark.parametrize("entry", SHOWN)
def test_with_a_quirk_a_conversation_is_the_one_of_the_data(entry: Quirk, play: Callable[..., Any]) -> None:
    """The same script twice: what comes without it and with it is written there, octet by octet."""
    shows = entry.shows
    assert shows is not None
    stls = bool(entry.setting and entry.setting.stls)
    assert play([], shows.script, stls=stls).seen == list(shows.right)
    assert play([shows.quirk or entry.id], shows.script).seen == list(shows.wrong)
    assert (shows.right == shows.wrong) == entry.always


@pytest.mark.parametrize("entry", STRIKING)
def test_a_strike_is_noted_with_its_quirk(entry: Quirk, play: Callable[..., Any]) -> None:
    """A reader of the transcript sees whose doing it was."""
    shows = entry.shows
    assert shows is not None
    asked = shows.quirk or entry.id
    noted = [line for line in play([asked], shows.script).transcript.render().splitlines() if "struck" in line]
    assert noted
    assert all(f"quirk {asked}: rule " in line for line in noted)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('tier = "D"', "expected one of 'S', 'A', 'B', 'C', not 'D' @ $['odd'].tier"),
        ("shwos = 1", "extra fields found (shwos) @ $['odd']"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_path(text: str, complaint: str) -> None:
    """Unknown keys and words are errors."""
    whole = {"tier": "'S'", "summary": "'a'", "who": "'b'", "evidence": "'c'", "client": "'d'"}
    lines = [f"{key} = {value}" for key, value in whole.items() if not text.startswith(key)]
    with pytest.raises(UsageError) as caught:
        read("\n".join(["[odd]", *lines, text]), "tcp", "quirks")
    assert str(caught.value) == f"quirks: {complaint}"


def struck(house: Any) -> list[str]:
    """What the transcript says of strikes."""
    return [entry.text for entry in house.transcript.sessions[0].entries if "struck" in entry.text]


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("auth-err-without-text", []),
        ("auth-err-without-text", ["RETR 9"]),
        ("uidl-extra-spaces", ["UIDL 9"]),
        ("extra-blank-line-at-end", ["RETR 9", "TOP 9 0"]),
        ("top-truncated", ["TOP 2 0"]),
    ],
)
def test_a_change_that_finds_nothing_to_change_is_not_noted(
    name: str, script: list[str], play: Callable[..., Any]
) -> None:
    """The login succeeds, the answer has another form: what came was ours, and the transcript says nothing else."""
    house = play([name], script)
    assert struck(house) == []
    assert "".join(house.seen) == "".join(play([], script).seen)


LONG = [
    "terminator-split",
    "list-split-before-dot",
    "stall-mid-multiline",
    "drop-mid-multiline",
    "crlf-in-own-segment",
    "top-two-oks",
    "retr-drop-on-io-error(number=9)",
]
"""Quirks of what has more than one line."""

PLACED = re.compile(r"^(?:RETR|TOP|LIST,UIDL\(\)|CAPA)[^!]*@")


@pytest.mark.parametrize("name", LONG)
def test_what_is_about_answers_of_several_lines_leaves_refusals_alone(name: str, play: Callable[..., Any]) -> None:
    """A refusal has one line (RFC 1939 section 3), and comes at once."""
    script = ["DELE 1", "RETR 1", "RETR 9", "TOP 9 0", "TOP 1 0", "(again)", "LIST", "UIDL", "RETR 1"]
    house = play([name], script)
    assert struck(house) == []
    assert house.seen == play([], script).seen


def test_there_is_no_other_such_quirk() -> None:
    """Each rule that places something in a listing or a message holds for positive answers only."""
    placed = {
        entry.id: [rule for rule in entry.rules if PLACED.match(rule)]
        for entry in QUIRKS
        if any(PLACED.match(rule) for rule in entry.rules)
    }
    assert set(placed) == {name.partition("(")[0] for name in LONG}
    assert all("answer=ok" in rule for rules in placed.values() for rule in rules)
