"""The callable behind `pop3s_message_factory`: a factory of messages whose seed and maildrop are this test's.

Knows which servers a test has and where its seed comes from; must not know what a message is made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake.errors import UsageError
from pytest_pop3s_fake.deciding import decided, seed_of

if TYPE_CHECKING:
    from pop3s_fake.factories import MessageFactory
    from pop3s_fake.maildrop import Maildrop
    from pytest_pop3s_fake.deciding import Settings
    from pytest_pop3s_fake.verdict import Watch

__all__ = ("message_factory",)

# Frames of this module tell nobody anything; the line of the test that called it does.
__tracebackhide__ = True


def message_factory(item: pytest.Item, settings: Settings, watch: Watch, options: object) -> type[MessageFactory]:
    """A factory that delivers to the test's only server; it has made nothing yet.

    The seed is that of the test's servers where a marker or `pop3s_server_options` gives one; else it follows, as
    theirs do, from the seed of the run and from the test.
    """
    try:
        from pop3s_fake.factories import MessageFactory  # noqa: PLC0415  # needs an extra
    except ImportError as error:
        if error.name != "factory":
            raise
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    try:
        pinned = decided(item, settings, base={}, options=options, call={}).get("seed")
    except UsageError as error:
        watch.point(error)
    watch.reached.add("seed")
    watch.seed_of_messages = f"--pop3s-seed={settings.seed}" if pinned is None else f"seed={pinned}"
    seed = seed_of(item, settings, "messages") if pinned is None else pinned
    return MessageFactory.with_seed(seed).delivering_to(lambda: _only_maildrop(watch))


def _only_maildrop(watch: Watch) -> Maildrop:
    """The maildrop of the one server that this test has by now."""
    if len(watch.servers) == 1:
        return watch.servers[0].server.maildrop
    if not watch.servers:
        raise UsageError(
            "pop3s_message_factory delivers to the test's only server, and there is none yet: "
            "let the test ask for pop3s_server, too, or pass maildrop=",
        )
    *most, last = [watched.where for watched in watch.servers]
    raise UsageError(
        f"pop3s_message_factory delivers to the test's only server, and there are {len(watch.servers)}: "
        f"{', '.join(most)} and {last}; say which with maildrop=server.maildrop",
    )
