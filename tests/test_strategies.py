"""Hypothesis strategies: what they make can be used, and a planted bug shrinks to the least that shows it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing, suppress
from poplib import POP3_SSL, error_proto
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from pop3s_fake import Maildrop, Pop3sServer, UsageError
from pop3s_fake.rules import Rule
from pop3s_fake.strategies import FAULTS, maildrops, messages, rule_sets, rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

THOROUGH = settings(
    max_examples=2000,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # a machine that stands still for a moment is no slow strategy
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_rule_can_be_carried_out(data: st.DataObject) -> None:
    """Of every fault; it is written as its own text, and need not strike."""
    text = data.draw(rules(FAULTS))

    rule = Rule.parse(text)

    assert str(rule) == text
    assert rule.limits.optional


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_can_be_asked_for_alone(fault: str) -> None:
    """And shrinks to the simplest rule of its kind."""
    assert (
        find(rules([fault]), lambda _: True, settings=THOROUGH)
        == {
            "end": "RETR -> end fin; optional",
            "refuse": 'RETR!before -> reply "-ERR no"; optional',
            "pace": "RETR -> pace size=1; optional",
            "wait": "RETR -> wait 0.01; optional",
            "stall": "RETR -> wait forever; optional",
            "damage": "RETR -> edit drop; optional",
        }[fault]
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(maildrops())
def test_every_maildrop_can_be_delivered(mail: list[bytes]) -> None:
    """As it is: all lines have their CRLF."""
    maildrop = Maildrop()

    maildrop.add(*mail)

    assert [message.content for message in maildrop] == mail


@pytest.mark.parametrize(
    ("wanted", "least"),
    [
        (lambda _: True, []),
        (lambda mail: len(mail) > 1, [b"", b""]),
        (lambda mail: any(message.count(b"\r\n") > 2 for message in mail), [b"\r\n\r\n\r\n"]),
        (lambda mail: any(message.startswith(b".\r\n") for message in mail), [b".\r\n"]),
    ],
)
def test_a_maildrop_shrinks_to_what_matters(wanted: Callable[[list[bytes]], bool], least: list[bytes]) -> None:
    """No message and no line too many."""
    assert find(maildrops(), wanted, settings=THOROUGH) == least


@pytest.fixture(scope="module")
def server() -> Iterator[Pop3sServer]:
    """One server for all examples."""
    with Pop3sServer(allow=["C-1939-5.RETR.2"]) as server:
        yield server


class Client(POP3_SSL):
    """poplib, which leaves its connection open where there is no greeting."""

    def __init__(self, server: Pop3sServer) -> None:
        try:
            super().__init__(server.host, server.port, context=server.client_context(), timeout=20)
        except (OSError, error_proto):
            if hasattr(self, "file"):
                self.close()
            raise


def careless(server: Pop3sServer, kept: list[bytes]) -> None:
    """Fetch and delete; whoever cannot read a message believes that it is gone, and deletes it, too."""
    with closing(Client(server)) as client:
        client.user(server.login.user)
        client.pass_(server.login.password)
        for number in range(1, len(client.list()[1]) + 1):
            with suppress(error_proto):
                kept.append(b"".join(line + b"\r\n" for line in client.retr(number)[1]))
            client.dele(number)
        client.quit()


def test_a_planted_bug_shrinks_to_the_one_message_and_rule_that_show_it(server: Pop3sServer) -> None:
    """One empty message, and a RETR that is refused: nothing else matters."""

    def loses(example: tuple[list[bytes], list[str]]) -> bool:
        mail, texts = example
        with server.example():
            server.maildrop.add(*mail)
            for text in texts:
                server.rules.add(text)
            with suppress(OSError, error_proto):
                careless(server, [])
            return bool(server.ledger.lost)

    found = find(
        st.tuples(maildrops(max_size=2), rule_sets(max_size=2, faults=["refuse", "pace"])), loses, settings=THOROUGH
    )

    assert found == ([b""], ['RETR!before -> reply "-ERR no"; optional'])


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        (["ends"], "unknown fault 'ends'; did you mean 'end'?"),
        (["zzz"], "unknown fault 'zzz'; known are: damage, end, pace, refuse, stall, wait"),
        ("end", "faults= is a list, not the text 'end'"),
        ([], "faults= is empty: there would be no rules"),
    ],
)
def test_a_fault_that_is_none_is_an_error_with_the_nearest_word(faults: list[str], says: str) -> None:
    """A UsageError at the call."""
    with pytest.raises(UsageError) as caught:
        rules(faults)

    assert str(caught.value) == says


def test_the_simplest_message_is_empty() -> None:
    """So that an example in which mail does not matter has none."""
    assert find(messages(), lambda _: True, settings=THOROUGH) == b""


def test_without_hypothesis_one_line_says_how_to_get_it() -> None:
    """It is an extra."""
    program = "import sys; sys.modules['hypothesis'] = None; import pop3s_fake.strategies"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=110, check=False)

    assert done.stderr.splitlines()[-1] == (
        "ImportError: pop3s_fake.strategies needs Hypothesis: pip install 'pop3s-fake[hypothesis]'"
    )
