"""What a factory refuses, word for word, at the call."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest

from pop3s_fake import Maildrop, UsageError
from pop3s_fake.factories import MaildropFactory, MessageFactory

BY_EMAIL = "Header values may not contain linefeed or carriage return characters"  # the word of the email package
OF_A_BODY = {
    "attachments": 2,
    "html": True,
    "long_lines": True,
    "leading_dots": True,
    "lone_dots": True,
    "eight_bit": True,
    "no_final_newline": True,
    "huge": 5000,
    "broken_mime": True,
}


def refusal(make: Any, **fields: Any) -> str:
    """What is said against these fields."""
    with pytest.raises(UsageError) as caught:
        make(**fields)
    return str(caught.value)


@pytest.mark.parametrize("name", OF_A_BODY)
def test_what_has_no_body_has_nothing_of_a_body(name: str) -> None:
    """Each variety of the body contradicts an empty one."""
    value = OF_A_BODY[name]

    assert refusal(MessageFactory.build, empty_body=True, **{name: value}) == (
        f"empty_body=True contradicts {name}={value!r}: a message without a body has none"
    )


def test_all_contradictions_are_named_at_once() -> None:
    """Nobody has to try again for the second."""
    assert refusal(MessageFactory.build, empty_body=True, text="hello", html=True, attachments=1) == (
        "empty_body=True contradicts text, attachments=1, html=True: a message without a body has none"
    )


def test_headers_in_ascii_need_no_encoding() -> None:
    """Fields that were given leave nothing to encode."""
    assert refusal(MessageFactory.build, encoded_headers=True, subject="x", sender="a@x", recipient="b@x") == (
        "encoded_headers=True contradicts subject, sender and recipient, which are all ASCII: "
        "leave one of them out, or give it a character that must be encoded"
    )
    assert "contradicts" not in str(MessageFactory.build(encoded_headers=True, subject="x", sender="a@x"))


def test_huge_has_limits() -> None:
    """From what the rest of the message takes, to what is reasonable in memory."""
    octets = MessageFactory.build(seed=1).octets

    assert refusal(MessageFactory.build, seed=1, huge=octets + 1) == (
        f"huge={octets + 1} leaves no room: the rest of the message has {octets} octets; ask for {octets + 2} or more"
    )
    assert MessageFactory.build(seed=1, huge=octets + 2).octets == octets + 2
    assert refusal(MessageFactory.build, huge=2**31) == (
        "huge=2147483648 is more than the 268435456 octets of the largest message that is made in memory; "
        "Maildrop.generate() streams larger ones"
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"attachment": 2}, "a message has no 'attachment'; did you mean 'attachments'?"),
        ({"sed": 2}, "a message has no 'sed'; did you mean 'seed'?"),
        ({"attachments": True}, "attachments of a message must be a number from 0, not True"),
        ({"attachments": -1}, "attachments of a message must be a number from 0, not -1"),
        ({"long_lines": "yes"}, "long_lines of a message, unless True, must be a number from 0, not 'yes'"),
        ({"huge": 1.5}, "huge of a message must be a number from 0, not 1.5"),
        ({"html": 1}, "html is True or False, not 1"),
        ({"faked": "en"}, "faked is True or False, not 'en'"),
        ({"seed": "seven"}, "seed is a whole number, not 'seven'"),
        ({"date": "today"}, "date of a message is a datetime, not 'today'"),
        ({"subject": b"x"}, "subject of a message is a str, not b'x'"),
        ({"text": "a\udcff"}, "text of a message has '\\udcff' at position 1, for which UTF-8 has no octets"),
        ({"subject": "a\nb"}, f"the header of a message cannot be written: {BY_EMAIL}"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_said(fields: dict[str, Any], said: str) -> None:
    """A sentence, for one message as for a maildrop full of them."""
    assert refusal(MessageFactory.build, **fields) == said
    assert refusal(MessageFactory.create, maildrop=Maildrop(), **fields) == said
    assert refusal(MaildropFactory.create, **fields) == said


def test_a_delivery_needs_a_maildrop() -> None:
    """Given, or by a factory that has one."""
    assert refusal(MessageFactory.create) == (
        "create() delivers a message, and nobody said where: pass maildrop=server.maildrop, "
        "or build() one that is delivered nowhere"
    )
    assert refusal(MessageFactory.create, maildrop="test") == (
        "maildrop must be a Maildrop, or a function that gives one, not 'test'"
    )
    assert refusal(MessageFactory.delivering_to(lambda: None).create) == (  # type: ignore[arg-type, return-value]
        "maildrop must be a Maildrop, or a function that gives one, not None"
    )


def test_a_batch_has_a_size() -> None:
    """From 0."""
    assert refusal(MessageFactory.build_batch, size=-1) == "the size of a batch must be a number from 0, not -1"
    assert refusal(MessageFactory.create_batch, size=None) == "the size of a batch must be a number from 0, not None"
    assert MessageFactory.build_batch(0) == []


def test_a_maildrop_is_not_made_into_another() -> None:
    """Nor filled with less than nothing."""
    assert refusal(MaildropFactory.create, maildrop=Maildrop()) == (
        "maildrop= is for MessageFactory: MaildropFactory makes the maildrop itself"
    )
    assert refusal(MaildropFactory.create, messages=-1) == "the size of a batch must be a number from 0, not -1"
    assert refusal(MaildropFactory.create, live="yes") == "live is True or False, not 'yes'"


def test_nothing_is_delivered_of_what_was_refused() -> None:
    """The maildrop is as it was."""
    maildrop = Maildrop()

    refusal(MessageFactory.create_batch, size=3, maildrop=maildrop, empty_body=True, html=True)

    assert len(maildrop) == 0


def test_a_refusal_shows_no_frames_of_factories() -> None:
    """The traceback leads to the line of the test, not through factory-boy."""
    with pytest.raises(UsageError) as caught:
        MessageFactory.build_batch(2, html="yes")

    places = {Path(frame.filename).name for frame in traceback.extract_tb(caught.value.__traceback__)}
    assert places == {"test_usage.py", "messages.py", "seeding.py"}  # pytest leaves out the last two
    assert caught.value.__suppress_context__
