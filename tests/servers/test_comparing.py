"""What the comparison finds, with a server of ours in the place of the real one."""

from __future__ import annotations

import contextlib
import ssl
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from pop3s_fake import Dialect, Pop3sServer
from tests.dialects.replaying import BARE_LF
from tests.servers import comparing, talking
from tests.servers.comparing import TRIES, Difference, Sooner, compare
from tests.servers.figures import figures
from tests.servers.houses import Place
from tests.servers.report import lines
from tests.servers.sequences import GROUPS, PASSWORD, Sequence, Step, sequence
from tests.servers.talking import Address, Moment, perform, rehearse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
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

        def fill(account: str, messages: Collection[bytes]) -> None:
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


def test_a_reset_is_a_fin_of_who_has_not_read_all_and_nothing_else() -> None:
    """A server that forgets close_notify, and resets, is another one; so is one that stays."""
    step = Step(0, "say", b"QUIT\r\n")
    reset = Moment(step, b"+OK\r\n", "tcp RST", 0.0)
    alike = {
        end: comparing._alike("dovecot", reset, Moment(step, b"+OK\r\n", end, 0.0))
        for end in ("tcp RST", "tcp FIN", "tcp FIN without close_notify", "close_notify", "alert", "")
    }
    assert [end for end, same in alike.items() if same] == ["tcp RST", "tcp FIN", "tcp FIN without close_notify"]


class Sham:
    """In place of a server: it does as the dialect does, but for the tries that are to differ, and is late in all."""

    address = Address(1, 1, ssl.create_default_context())

    def __init__(self, differing: str, end: str = "") -> None:
        self.differing, self.end, self.late = differing, end, 5.0
        self.place = Place(self.address, lambda *_: None)

    def perform(self, _: Address, __: str, ours: list[Moment], *, place: int) -> list[Moment]:
        """What is said and done."""
        differs = TRIES[place // 62500] in self.differing
        return [
            replace(
                moment,
                octets=b"-ERR other\r\n" if differs and moment.octets else moment.octets,
                end=self.end or moment.end if moment.end == "tcp FIN" else moment.end,
                seconds=moment.seconds + self.late,
                since=max(0.0, moment.since + self.late),
            )
            for moment in ours
        ]


@pytest.mark.parametrize(
    ("differing", "different", "again"),
    [("", 0, 0), ("a", 0, 4), ("ab", 4, 0), ("ac", 4, 0), ("bc", 0, 0), ("abc", 4, 0)],
)
def test_what_differs_is_said_again_and_has_to_agree_twice(
    monkeypatch: pytest.MonkeyPatch, differing: str, different: int, again: int
) -> None:
    """And what was said again is counted, and printed."""
    sham = Sham(differing)
    monkeypatch.setattr(comparing, "perform", sham.perform)
    found = compare("dovecot", sham.place, SEED, range(4))

    assert sum(each.difference is not None for each in found) == different
    assert sum(each.again for each in found) == again
    assert f"again = {again}" in list(lines("dovecot", SEED, found))


def test_what_is_later_and_what_is_reset_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is no difference: a busy machine does the one, and octets that nobody read do the other."""
    sham = Sham("", "tcp RST")
    monkeypatch.setattr(comparing, "perform", sham.perform)
    found = compare("dovecot", sham.place, SEED, SOME)
    resets = sum(each.resets for each in found)
    told = list(lines("dovecot", SEED, found))

    assert not [each for each in found if each.difference]
    assert resets
    assert f"resets = {resets}" in told
    assert f"later = {sum(each.steps for each in found)}" in told
    assert "sooner = 0" in told


def test_a_server_that_answers_sooner_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a sequence, with what was said; the same octets come, and so it differs in nothing else."""
    sham = Sham("")
    monkeypatch.setattr(sham, "late", -1.9)
    monkeypatch.setattr(comparing, "perform", sham.perform)
    found = compare("dovecot", sham.place, SEED, range(60))
    sooner = [each.sooner for each in found if each.sooner]

    assert sooner
    assert not [each for each in found if each.difference]
    assert not [each for each in sooner if each.because or each.ours != 2.0]
    assert all(
        str(each).endswith("is answered 0.1 s from the beginning by the server, and 2.0 s here") for each in sooner
    )
    assert {f"# {each}" for each in sooner} | {f"sooner = {len(sooner)}"} <= set(lines("dovecot", SEED, found))


def test_a_server_that_draws_its_delays_is_no_other() -> None:
    """Nor one that begins late: what counts is how much time has gone by since the beginning."""
    step = Step(0, "say", b"PASS wrong\r\n")
    ours = Moment(step, b"-ERR no\r\n", "", 2.0, 2.0)
    ahead = {
        since: comparing._sooner("dovecot", [(replace(ours, since=since), ours)]) for since in (0.0, 0.7, 1.0, 9.0)
    }
    assert [since for since, found in ahead.items() if found] == [0.0, 0.7]
    assert not comparing._sooner("dovecot", [(replace(ours, seconds=0.0, since=2.5), ours)])


def test_a_listed_reason_of_being_sooner_is_of_what_was_said() -> None:
    """Else it would excuse all that are fast."""
    listed = Sooner("solid-pop3d", (b"USER nobody\r\n",), b"PASS x\r\n", 1.0, 3.0)
    assert "that nobody has" in listed.because
    assert str(listed).endswith(f"; listed: {listed.because}")
    assert not replace(listed, before=(b"USER ann\r\n",)).because
    assert not replace(listed, step=b"STAT\r\n").because
    assert not replace(listed, dialect="dovecot").because


@pytest.mark.parametrize("leave", ["drop", "notify", ""])
def test_what_is_said_too_much_before_a_client_leaves_is_heard(
    monkeypatch: pytest.MonkeyPatch, leave: Literal["drop", "notify", ""]
) -> None:
    """Also where it just stays till the end; on a busy machine it may come late."""
    monkeypatch.setattr(talking, "SILENCE", talking.PATIENCE)
    steps = Step(0, "open"), Step(0, "say", b"NOOP\r\n"), *((Step(0, leave),) if leave else ())
    drawn = Sequence(0, "login", "ann", (), steps)
    expected = rehearse("dovecot", drawn)
    assert [(each.step.do, each.octets) for each in expected[2:]] == [(leave or "drop", b"")]

    with Pop3sServer(dialect="dovecot", strict=False, seed=1, deadline=DEADLINE) as server:
        server.on("NOOP!after").wait(0.001).send("-ERR and more\r\n")
        address = Address(server.port, 0, server.client_context())
        told = perform(address, "dovecot", expected, place=0)

    assert b"".join(each.octets for each in told[1:]) == b"-ERR Unknown command.\r\n-ERR and more\r\n"
    assert not all(comparing._alike("dovecot", *pair) for pair in zip(told, expected, strict=False))


def test_sequences_are_the_same_for_a_seed_and_others_for_another() -> None:
    """But for the name of the account, which each try has for itself."""
    first, again = (sequence(SEED, 3, f"w00003{each}") for each in TRIES[:2])
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
        assert each["again"] <= each["sequences"] / 100, each
        assert each["resets"] + each["sooner"] <= each["steps"] / 100, each
