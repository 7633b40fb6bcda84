"""A mechanism without a server: an exchange is carried out by hand, response by response.

Knows what a mechanism may know; judges nothing.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pop3s_fake.maildrop import Account, Accounts
from pop3s_fake.protocol.sasl import MECHANISMS, Context, Refused

if TYPE_CHECKING:
    from collections.abc import Callable


class Outcome(NamedTuple):
    """How an exchange went: what the server asked, and who came in, or why nobody did."""

    challenges: list[bytes]
    who: str | None = None
    refused: Refused | None = None

    @property
    def why(self) -> tuple[str, str | None] | None:
        """Words and response code of the refusal."""
        return None if self.refused is None else (self.refused.text, self.refused.code)


class House:
    """What exchanges have in common; every attribute of the context may be given in a call."""

    def __init__(self) -> None:
        self.accounts = Accounts([Account("test", "test"), Account("tim", "tanstaaftanstaaf")])
        self.time = 0.0
        self.known: dict[str, Any] = {}

    def context(self, **known: Any) -> Context:
        """What a mechanism may know here: TLS, and nothing unusual."""
        numbers = itertools.count(1)
        values: dict[str, Any] = {
            "accounts": self.accounts,
            "now": lambda: self.time,
            "nonce": lambda: f"nonce{next(numbers)}",
            "secure": True,
        }
        return Context(**{**values, **self.known, **known})

    def exchange(self, mechanism: str, *responses: bytes | Callable[[bytes], bytes], **known: Any) -> Outcome:
        """Answer each challenge by the next response, or by what it makes of the challenge.

        An exchange that ends before all are used, or asks for more, is a mistake of the test's.
        """
        exchange = MECHANISMS[mechanism].begin(self.context(**known))
        challenges = [next(exchange)]
        try:
            for number, response in enumerate(responses, 1):
                said = response if isinstance(response, bytes) else response(challenges[-1])
                try:
                    challenges.append(exchange.send(said))
                except StopIteration as end:
                    assert number == len(responses), f"it ended before {responses[number:]}"
                    return Outcome(challenges, who=end.value.account.name)
                except Refused as refused:
                    outcome = Outcome(challenges, refused=refused)
                    break
            else:
                return Outcome(challenges)
        finally:
            exchange.close()
        assert number == len(responses), f"it was refused before {responses[number:]}: {outcome.why}"
        return outcome


@pytest.fixture
def house() -> House:
    """Accounts test and tim."""
    return House()
