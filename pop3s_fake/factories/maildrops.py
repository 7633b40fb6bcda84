"""The factory of filled maildrops.

Knows how many messages go into one, and from which seed.  Must not know what a message looks like.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from pop3s_fake.errors import UsageError
from pop3s_fake.factories.messages import MessageFactory
from pop3s_fake.factories.seeding import SeededFactory, check_seed, check_switch, lazy_numbered
from pop3s_fake.maildrop import Maildrop

__all__ = ("MaildropFactory",)

# Frames of this module tell nobody anything; the line of the test that called it does.
__tracebackhide__ = True


class MaildropFactory(SeededFactory[Maildrop]):
    """Makes maildrops with mail in them: ``messages`` of them, 10 unless given, in a maildrop that may be ``live``.

    All other keywords are those of `MessageFactory`, and hold for each message.  As there, what comes follows from the
    seed and from how many maildrops were made before.

    >>> MaildropFactory.create(messages=3, attachments=1, seed=7)
    <Maildrop: 3 messages>
    """

    class Meta:
        """What is made."""

        model = Maildrop

    messages: Any = 10
    live: Any = False
    origin: Any = lazy_numbered(lambda made, n: _seed(made.seed, n + 1))

    @classmethod
    def _build(cls, model_class: type[Maildrop], *args: Any, **values: Any) -> Maildrop:  # noqa: ARG003  # factory-boy's
        messages, live, origin = (values.pop(name) for name in ("messages", "live", "origin"))
        if "maildrop" in values:
            raise UsageError("maildrop= is for MessageFactory: MaildropFactory makes the maildrop itself")
        maildrop = Maildrop(live=check_switch("live", live))
        MessageFactory.with_seed(origin).create_batch(messages, maildrop=maildrop, **values)
        return maildrop

    _create = _build


def _seed(seed: object, number: int) -> int:
    """The seed of one maildrop's messages."""
    return int.from_bytes(sha256(f"{check_seed(seed)}:maildrop {number}".encode()).digest()[:4], "big")
