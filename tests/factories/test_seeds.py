"""One seed, the same messages: whoever else makes some, in any order, in any process."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import factory.random
import pytest
from factory.base import DictFactory
from factory.declarations import SubFactory
from factory.faker import Faker

from pop3s_fake import Maildrop
from pop3s_fake.factories import FakedMessageFactory, MaildropFactory, MessageFactory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pop3s_fake import Message

EVERYTHING = (
    "attachments=2, html=True, encoded_headers=True, folded_headers=True, long_lines=True, leading_dots=True, "
    "lone_dots=True, eight_bit=True, huge=50_000, broken_mime=True"
)


def uids(messages: Iterable[Message]) -> list[str]:
    """What tells the octets apart."""
    return [message.uid for message in messages]


def reseed() -> None:
    """Let Python's and factory-boy's chance begin anew."""
    factory.random.reseed_random(5)  # type: ignore[no-untyped-call]  # factory-boy has few types
    random.seed(5)


@pytest.mark.parametrize("faked", [False, True])
def test_the_same_seed_gives_the_same_messages(faked: bool) -> None:  # noqa: FBT001  # a parameter
    """And another gives others."""
    one, again, other = (uids(MessageFactory.with_seed(seed).build_batch(5, faked=faked)) for seed in (7, 7, 8))

    assert one == again
    assert len({*one, *other}) == 10


def test_a_seed_for_one_call_is_a_factory_of_its_own() -> None:
    """It begins to count anew, and the factory it was given to counts on as if nothing had been."""
    make = MessageFactory.with_seed(1)
    first = make.build()

    assert uids(make.build_batch(3, seed=7)) == uids(MessageFactory.with_seed(7).build_batch(3))
    assert uids([make.build(seed=7)] * 2) == uids(make.create_batch(1, seed=7, maildrop=Maildrop()) * 2)
    assert make.create(seed=7, maildrop=Maildrop()).uid == make.build(seed=7).uid
    assert uids([first, make.build()]) == uids(MessageFactory.with_seed(1).build_batch(2))


def test_the_default_is_a_seed_as_well() -> None:
    """0, for whoever does not care."""
    assert MessageFactory.build(seed=0).uid == MessageFactory.with_seed(0).build().uid


def test_factories_do_not_count_together() -> None:
    """Unlike others of factory-boy, where what is derived from one goes on where the other stands."""

    class Reports(MessageFactory):
        attachments = 1

    alone = Reports.with_seed(3)
    before = uids(alone.build_batch(2))
    MessageFactory.build_batch(3)
    Reports.build()

    assert before == uids(Reports.with_seed(3).build_batch(2))
    assert Reports.with_seed(3).build().content.count(b"attachment;") == 1


def test_nobody_elses_chance_matters_or_is_touched() -> None:
    """Neither Python's generator, nor factory-boy's, nor the Faker of others."""
    faker = Faker._get_faker()  # type: ignore[no-untyped-call]  # factory-boy has few types
    reseed()
    expected = (random.random(), factory.random.randgen.random(), faker.name())  # noqa: S311  # it is the claim
    plain, faked = MessageFactory.build(seed=1, attachments=1, html=True).uid, FakedMessageFactory.build(seed=1).uid

    reseed()
    assert MessageFactory.build(seed=1, attachments=1, html=True).uid == plain
    assert FakedMessageFactory.build(seed=1).uid == faked

    assert (random.random(), factory.random.randgen.random(), faker.name()) == expected  # noqa: S311  # the same


def test_any_process_makes_the_same() -> None:
    """With other hashes, in another time zone and language."""
    program = f"""from pop3s_fake.factories import MessageFactory
make = MessageFactory.with_seed(7)
print([message.uid for message in make.build_batch(2, {EVERYTHING}) + make.build_batch(2, faked=True)])
"""
    said = set()
    for number, zone in enumerate(("UTC", "Asia/Tokyo")):
        environment = {**os.environ, "PYTHONHASHSEED": str(number), "TZ": zone, "LC_ALL": ("C", "C.UTF-8")[number]}
        said.add(
            subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, env=environment).stdout
        )

    assert len(said) == 1
    assert said.pop().count(b"'") == 8


def test_a_factory_of_a_project_holds_ours() -> None:
    """As a SubFactory, built and delivered, by the seed and the count of its own."""
    maildrop = Maildrop()
    ours = MessageFactory.with_seed(9)

    class Case(DictFactory):
        mail = SubFactory(ours, attachments=1, maildrop=maildrop)  # type: ignore[no-untyped-call]  # few types

    mails = [Case.build()["mail"], Case.create()["mail"]]

    assert uids(mails) == uids(MessageFactory.with_seed(9).build_batch(2, attachments=1))
    assert list(maildrop) == mails[1:]


def test_a_filled_maildrop() -> None:
    """Ten messages unless told otherwise, the same for the same seed, and others in the next one."""
    one, again, other = (MaildropFactory.with_seed(seed) for seed in (7, 7, 8))
    first, second = one.create_batch(2)

    assert [len(first), len(MaildropFactory.build(messages=3)), len(MaildropFactory.create(messages=0))] == [10, 3, 0]
    assert isinstance(MaildropFactory(), Maildrop)
    assert [first.uids, second.uids] == [maildrop.uids for maildrop in again.build_batch(2)]
    assert len({*first.uids, *second.uids, *other.create().uids}) == 30
    assert MaildropFactory.build(seed=7).uids == first.uids
    assert (first.live, MaildropFactory.build(live=True).live) == (False, True)


def test_what_holds_for_each_message_of_a_maildrop() -> None:
    """The keywords of a message."""
    maildrop = MaildropFactory.create(messages=3, attachments=2, faked=True, subject="the same")

    for message in maildrop:
        assert message.content.count(b"Content-Disposition: attachment") == 2
        assert b"Subject: the same\r\n" in message.content


def test_messages_are_delivered_in_order() -> None:
    """`create` gives what the maildrop has."""
    maildrop = Maildrop()
    make = MessageFactory.with_seed(1).delivering_to(maildrop)

    sent = [make.create(), *make.create_batch(2), make.delivering_to(lambda: maildrop).create(seed=2)]

    assert list(maildrop) == sent
    assert [message.octets for message in maildrop] == [len(message.content) for message in sent]
    elsewhere = Maildrop()
    make.create(maildrop=elsewhere)
    assert (len(maildrop), len(elsewhere)) == (4, 1)
