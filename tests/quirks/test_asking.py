"""Asking for quirks: how they are written, what is refused, and in which words."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import UsageError
from pop3s_fake.maildrop import Policy
from pop3s_fake.quirks import asked, demands, quirk, quirk_ids, rules_of, rules_of_all
from pop3s_fake.quirks.contradicting import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("terminator-split", "terminator-split"),
        (" terminator-split ( later = 2 , gap=1.5 ) ", "terminator-split(later=2, gap=1.5)"),
        ("terminator-split(later=1)", "terminator-split"),
        ('app-password-required(text="[AUTH] see \\"there\\", ann")', None),
        ("drop-before-login-ends(at=USER!before)", "drop-before-login-ends(at=USER!before)"),
    ],
)
def test_a_quirk_is_written_with_its_parameters(text: str, shown: str | None) -> None:
    """What is shown can be read back, and says the same."""
    one = asked([text])[0]
    assert str(one) == (shown or f"{text}")
    assert asked([str(one)])[0] == one


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        (["uidl-extra-space"], "unknown quirk 'uidl-extra-space'; did you mean 'uidl-extra-spaces'?"),
        (
            ["terminator-split(latter=2)"],
            "quirk 'terminator-split' has no parameter 'latter'; did you mean 'later'?",
        ),
        (["capa-err(a=1)"], "quirk 'capa-err' has no parameter 'a'; it has none"),
        (
            ["terminator-split(later=5)"],
            "parameter 'later' of quirk 'terminator-split' is a whole number from 1 to 4, not '5'",
        ),
        (
            ["terminator-split(gap=-1)"],
            "parameter 'gap' of quirk 'terminator-split' is a number of seconds from 0 to 999999, not '-1'",
        ),
        (
            ["drop-mid-multiline(how=gone)"],
            "parameter 'how' of quirk 'drop-mid-multiline' is one of clean, fin, rst, not 'gone'",
        ),
        (
            ["terminator-split(2)"],
            "parameters are written as name=value, parted by commas, unlike those of 'terminator-split(2)'",
        ),
        (
            ["terminator-split(later=2"],
            "a quirk is written as 'uidl-extra-spaces' or 'terminator-split(later=2)', not 'terminator-split(later=2'",
        ),
        (["-capa-err"], "'-capa-err' takes away a quirk that is not among those before it, which are none"),
        (
            ["lf-only-replies", "-capa-err"],
            ("'-capa-err' takes away a quirk that is not among those before it, which are lf-only-replies"),
        ),
        (["-capa-er"], "unknown quirk 'capa-er'; did you mean 'capa-err'?"),
        (
            ["capa-err", "capa-hangs"],
            (
                "quirks 'capa-err' and 'capa-hangs' contradict each other: one server does not do both; "
                "leave one of them out"
            ),
        ),
        (
            ["list-split-before-dot", "crlf-in-own-segment"],
            (
                "quirks 'list-split-before-dot' and 'crlf-in-own-segment' contradict each other: both decide how long "
                "it takes at LIST or UIDL; leave one of them out"
            ),
        ),
        (
            ["uidl-blank", "terminator-split", "uidl-duplicate"],
            (
                "quirks 'uidl-blank' and 'uidl-duplicate' contradict each other: both decide the unique-id in what is "
                "replied to UIDL; leave one of them out"
            ),
        ),
        (
            ["listing-capped", "disk-full-uidl"],
            (
                "quirks 'listing-capped' and 'disk-full-uidl' contradict each other: both decide how many messages a "
                "session finds; leave one of them out"
            ),
        ),
        (
            ["empty-message", "no-header-end"],
            (
                "quirks 'empty-message' and 'no-header-end' contradict each other: both decide what message 1 is; "
                "leave one of them out"
            ),
        ),
        (
            ["dele-acts-at-once", "dele-only-hides"],
            (
                "quirks 'dele-acts-at-once' and 'dele-only-hides' contradict each other: both decide when deletions "
                "are carried out; leave one of them out"
            ),
        ),
        (
            ["uidl-unsupported", "capa-differs-after-auth"],
            (
                "quirks 'uidl-unsupported' and 'capa-differs-after-auth' contradict each other: both decide the "
                "capability UIDL; leave one of them out"
            ),
        ),
        (
            ["sasl-bare-plus", "sasl-ok-for-continue"],
            (
                "quirks 'sasl-bare-plus' and 'sasl-ok-for-continue' contradict each other: both decide login.prompt of "
                "the manner; leave one of them out"
            ),
        ),
        (
            ["terminator-split", "terminator-split(later=2)"],
            (
                "quirk 'terminator-split' is there twice, as terminator-split and as terminator-split(later=2); "
                "leave one of them out"
            ),
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(texts: list[str], complaint: str) -> None:
    """With the nearest name, or with the names of both."""
    with pytest.raises(UsageError) as caught:
        asked(texts)
    assert str(caught.value) == complaint


def test_the_same_quirk_twice_is_there_once() -> None:
    """The marker of a class and that of a test may both name it."""
    assert [str(one) for one in asked(["capa-err", "capa-err"])] == ["capa-err"]


def test_quirks_of_one_reply_combine(play: Callable[..., Any]) -> None:
    """Each changes its part."""
    quirks = ["uidl-extra-spaces", "uidl-too-long(length=71)", "lf-only-replies", "terminator-split(gap=1)"]
    assert play(quirks, ["UIDL"]).seen == [
        "+OK unique-id listing follows\n" + "".join(f"{n}   m{n}{'x' * 69}\n" for n in (1, 2)) + ".",
        "(wait 1)",
        "\n",
    ]


def test_the_line_end_goes_last_whatever_the_order(play: Callable[..., Any]) -> None:
    """What takes a reply its form does not keep another quirk from its part."""
    one, other = "no-crlf-before-dot", "headers-rewritten"
    seen = [play(quirks, ["RETR 2"]).seen for quirks in ([one, other], [other, one])]
    assert seen[0] == seen[1] == ["+OK 68 octets\r\nSubject: two\r\nTo: ann\r\n\r\na line\r\na line\r\na line.\r\n"]


def test_the_views_of_one_provider_combine(play: Callable[..., Any]) -> None:
    """Two that say the same do not contradict each other."""
    house = play(["gmail-popped", "gmail-batches(size=1)", "gmail-recent"], ["RETR 1", "QUIT"])
    assert house.seen[-2:] == ["+OK signing off\r\n", "(end fin)"]
    house.seen.clear()
    house.play(["(greeting)", "USER ann", "PASS not-a-secret", "UIDL", "(again)", "USER recent:ann"])
    assert house.seen[3] == "+OK unique-id listing follows\r\n1 m2\r\n.\r\n"


def test_two_messages_are_each_something_else(play: Callable[..., Any]) -> None:
    """The number tells which."""
    seen = play(["empty-message(number=2)", "no-header-end"], ["LIST"]).seen
    assert seen == ["+OK 2 messages (66 octets)\r\n1 66\r\n2 0\r\n.\r\n"]


def test_what_is_added_to_messages_adds_up(play: Callable[..., Any]) -> None:
    """In the order of the catalogue."""
    for quirks in (["bare-cr", "nul-in-body"], ["nul-in-body", "bare-cr"]):
        seen = play(quirks, ["RETR 2"]).seen
        assert seen[0].endswith("a line\r\nbefore it\0behind it\r\n\0\r\nbefore it\r.\rbehind it\r\n.\r\n")


def test_every_word_of_a_policy_is_told_when_it_contradicts() -> None:
    """And no other."""
    assert set(POLICIES) == {field.name for field in fields(Policy)}


@pytest.mark.parametrize("name", quirk_ids())
def test_each_can_be_asked_for(name: str) -> None:
    """Its rules can be read, whatever the parameters that are words, and what contradicts it has a name."""
    entry = quirk(name)
    choices = [f"{each}={word}" for each, parameter in entry.parameters.items() for word in parameter.words]
    for text in (name, *(name + "(" + choice.replace("=", '="') + '")' for choice in choices)):
        several = asked([text])
        Policy.of(demands(several).policy)
        for rule in rules_of(several[0]):
            assert rule.actions
            assert rule.origin == f"quirk {several[0]}"
        assert len(rules_of_all(several)) == len(rules_of(several[0]))
    assert all(other in quirk_ids() for other in entry.contradicts)
    assert set(entry.variants) <= set(choices)


def test_a_quirk_that_comes_with_something_else_can_be_changed_and_taken_away() -> None:
    """A text replaces the one of its id, wherever it stands; a minus takes away what stands before it."""
    beside = asked(["terminator-split", "capa-err"], origin="dialect 'odd'")
    given = asked(["terminator-split(later=2)", "-capa-err", "retr-no-answer", "-retr-no-answer"], beside=beside)
    assert [(str(one), one.origin) for one in given] == [("terminator-split(later=2)", "")]


def test_what_contradicts_a_quirk_of_a_dialect_names_both_and_says_how_that_is_taken_away() -> None:
    """Whichever stands first."""
    beside = asked(["capa-err"], origin="dialect 'odd'")
    with pytest.raises(UsageError) as caught:
        asked(["capa-hangs"], beside=beside)
    assert str(caught.value) == (
        "quirks 'capa-err' (of dialect 'odd') and 'capa-hangs' contradict each other: one server does not do both; "
        "leave 'capa-hangs' out, or take the other one away by '-capa-err'"
    )
    assert [str(one) for one in asked(["-capa-err", "capa-hangs"], beside=beside)] == ["capa-hangs"]


def test_of_two_quirks_of_a_dialect_that_answer_the_same_the_later_one_does() -> None:
    """Somebody knows the server; but no two of them may exclude each other."""
    both = asked(["retr-quota", "retr-temporary-err"], origin="dialect 'odd'")
    assert [str(one) for one in both] == ["retr-quota", "retr-temporary-err"]
    with pytest.raises(UsageError) as caught:
        asked(["capa-err", "capa-hangs"], origin="dialect 'odd'")
    assert str(caught.value) == (
        "quirks 'capa-err' (of dialect 'odd') and 'capa-hangs' (of dialect 'odd') contradict each other: "
        "one server does not do both; leave one of them out"
    )
