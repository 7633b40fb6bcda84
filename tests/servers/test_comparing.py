"""What the comparison finds, with a server of ours in the place of the real one."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING

from pop3s_fake import Dialect, Pop3sServer
from tests.dialects.replaying import BARE_LF
from tests.servers.comparing import TRIES, Difference, compare
from tests.servers.figures import figures
from tests.servers.houses import Place
from tests.servers.sequences import GROUPS, PASSWORD, sequence
from tests.servers.talking import Address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SEED = 5
DEADLINE = 300.0  # seconds for a session; many run at once, on a machine that may be busy
SOME = range(30)


@contextlib.contextmanager
def ours(path: Path, lines: str = "") -> Iterator[Place]:
    """A server of ours that speaks as Dovecot does, but for these lines, and is never slow."""
    path /= "changed.toml"
    at_once = "delays.failed = 0\ndelays.penalty = [0]"
    path.write_text(f'summary = "changed"\nextends = "dovecot"\n{at_once}\n{lines}\n', encoding="utf-8")
    server = Pop3sServer(dialect=Dialect.from_file(path), stls=True, strict=False, seed=1, deadline=DEADLINE)
    with server:

        def fill(account: str, messages: Sequence[bytes]) -> None:
            maildrop = server.add_account(account, PASSWORD)
            maildrop.add(*(BARE_LF.sub(b"\r\n", each) for each in messages))

        assert server.stls_port is not None
        yield Place(Address(server.port, server.stls_port, server.client_context()), fill)


def differences(place: Place) -> list[Difference]:
    """What differs from Dovecot's dialect."""
    return [found.difference for found in compare("dovecot", place, SEED, SOME) if found.difference]


def test_a_server_that_does_the_same_differs_in_nothing(tmp_path: Path) -> None:
    """Neither in octets, nor in ends, nor in its maildrops."""
    with ours(tmp_path) as place:
        assert differences(place) == []


def test_a_word_that_is_another_is_found_where_it_is_said(tmp_path: Path) -> None:
    """With what was said before, and what came on both sides."""
    with ours(tmp_path, 'replies.DELE.says.ok = "+OK Marked."') as place:
        found = differences(place)

    assert found
    assert all(each.step.upper().lstrip().startswith(b"DELE") or b"DELE" in each.step.upper() for each in found)
    assert all(b"+OK Marked.\r\n" in each.theirs and b"+OK Marked to be deleted.\r\n" in each.ours for each in found)


def test_an_end_that_is_another_is_found(tmp_path: Path) -> None:
    """TLS without close_notify, behind the same words."""
    with ours(tmp_path, "ends.close_notify = false") as place:
        found = differences(place)

    assert found
    assert {(each.their_end, each.our_end) for each in found} == {("tcp FIN without close_notify", "close_notify")}
    assert all(each.theirs == each.ours for each in found)


def test_sequences_are_the_same_for_a_seed_and_others_for_another() -> None:
    """But for the name of the account, which each try has for itself."""
    first, again = (sequence(SEED, 3, f"w00003{each}") for each in TRIES)
    assert first.messages == again.messages
    assert [(step.on, step.do) for step in first.steps] == [(step.on, step.do) for step in again.steps]
    assert first != sequence(SEED + 1, 3, first.name)


def test_every_group_is_drawn() -> None:
    """About as often as it should be."""
    counted = Counter(sequence(SEED, number, "ann").group for number in range(1000))
    assert set(counted) == set(GROUPS)
    assert counted["refused"] < counted["transaction"] / 3


def test_a_listed_cause_has_to_match_in_all_that_it_tells() -> None:
    """Else one of them would excuse everything."""
    difference = Difference("dovecot", (b"USER ann\r\n",), b"LIST\r\n", b"+OK\r\n", b"-ERR no\r\n", "", "")
    cause = {"said": "^LIST", "theirs": "^\\+OK", "ours": "^-ERR"}

    assert difference.is_by(cause)
    assert difference.is_by(cause | {"before": "USER \\w+"})
    assert not difference.is_by(cause | {"before": "AUTH"})
    assert not difference.is_by(cause | {"ours": "^\\+OK"})


def test_the_manual_tells_of_99_in_100() -> None:
    """For each server that its dialect was made of, the last figure, which is of a seed that nobody looked at."""
    latest = {each["of"]: each for each in figures() if "server" in each["made_of"]}
    assert len(latest) >= 6
    for name, each in latest.items():
        assert each["equal"] >= each["sequences"] * 0.99, each
        assert each["sequences"] >= (2000 if name == "dovecot" else 200), each
        assert each["equal"] <= each["sequences"] <= each["steps"], each
