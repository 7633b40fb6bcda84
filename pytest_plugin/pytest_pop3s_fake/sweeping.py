"""The callable behind `pop3s_sweep`: sweeps whose servers are this test's, and whose points are its subtests.

Knows subtests, folders and reports; must not know which points there are.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.rules import Rule
from pop3s_fake.server.pointing import trimmed
from pop3s_fake.sweep import Sweep
from pop3s_fake.sweep.points import SweptServer
from pop3s_fake.sweep.sweep import GRACE, check_sweep_keywords
from pop3s_fake.sweep.telling import in_a_line
from pytest_pop3s_fake.deciding import seed_of
from pytest_pop3s_fake.marker import own_keywords

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from pop3s_fake.maildrop.content import Source
    from pop3s_fake.sweep import Point
    from pop3s_fake.sweep.places import KindName, UnitName
    from pytest_pop3s_fake.deciding import Given, Settings
    from pytest_pop3s_fake.servers import ServerFactory
    from pytest_pop3s_fake.verdict import Watch, Watched

__all__ = ("SweepFactory",)

# Frames of this module tell nobody anything; the line of the test that called it does.
__tracebackhide__ = True

MOST_ALIKE: Final = 3
"""Points that fail alike and are reported in full; of the others only what failed and how to have it alone."""

UNJUDGED: Final = (
    pytest.skip.Exception,
    pytest.xfail.Exception,
    pytest.exit.Exception,
    KeyboardInterrupt,
    SystemExit,
    GeneratorExit,
)


class SweepFactory:
    """Makes sweeps for one test; given by the fixture `pop3s_sweep`, never made by hand."""

    def __init__(
        self, request: pytest.FixtureRequest, settings: Settings, watch: Watch, *, factory: ServerFactory
    ) -> None:
        self._item: pytest.Item = request.node
        self._settings = settings
        self._watch = watch
        self._factory = factory
        self._shard: tuple[int, int] = request.getfixturevalue("_pop3s_shard")
        self._folder: Path = request.getfixturevalue("tmp_path")
        self._subtests = _subtests(request)
        self._count = 0

    def __repr__(self) -> str:
        return f"<SweepFactory: {self._count} sweeps>"

    def __call__(
        self,
        kind: KindName = "cut",
        *,
        over: UnitName | None = None,
        messages: int | Iterable[Source] = 3,
        sample: int | None = None,
        timeout: float | None = None,
        **keywords: Any,
    ) -> Sweep:
        """The points of a sweep, as `pop3s_fake.sweep.Sweep` gives them, each a subtest of this test.

        ``keywords`` are those of `Pop3sServer`, as with `pop3s_server_factory`.  Raises `UsageError` for what cannot
        be.
        """
        try:
            check_sweep_keywords(keywords)
            if isinstance(timeout, int | float):
                keywords.setdefault("deadline", timeout + GRACE)
            chosen = self._factory.keywords(keywords)
            self._count += 1
            surroundings = InTest(
                self._watch,
                self._folder / f"sweep-{self._count}",
                self._subtests,
                chosen,
                seed=seed_of(self._item, self._settings, f"sweep {self._count}"),
                label=f"--pop3s-seed={self._settings.seed}",
            )
            sweep = Sweep(
                kind,
                over=over,
                messages=messages,
                sample=sample,
                timeout=timeout,
                seed=chosen.get("seed", self._settings.seed),
                shard=self._shard,
                surroundings=surroundings,
            )
        except UsageError as error:
            raise error.with_traceback(None) from None
        self._watch.reached.update(own_keywords(self._item))
        self._watch.sweeps.append(sweep)
        return surroundings.of(sweep)


def _subtests(request: pytest.FixtureRequest) -> Any:
    """What makes subtests, where pytest (from 9 on) or a plugin has them; else None."""
    try:
        return request.getfixturevalue("subtests")
    except pytest.FixtureLookupError:
        return None


class InTest:
    """A sweep's surroundings in a test."""

    unjudged: tuple[type[BaseException], ...] = UNJUDGED

    def __init__(
        self, watch: Watch, folder: Path, subtests: Any, chosen: dict[str, Any], *, seed: int, label: str
    ) -> None:
        self._watch = watch
        self._folder = folder
        self._subtests = subtests
        self.tells: bool = subtests is not None
        self._rules: list[Given] = chosen.pop("rules", [])
        self._label = f"seed={chosen['seed']}" if "seed" in chosen else label
        self._keywords = {"seed": seed, **chosen}
        self._sweep: Sweep | None = None
        self._alike: dict[str, int] = {}

    def of(self, sweep: Sweep) -> Sweep:
        """These are the surroundings of this sweep."""
        self._sweep = sweep
        return sweep

    def server(self, *, control: bool) -> SweptServer:
        """A server with the keywords of this test; rules of its marker have to strike in the control only."""
        server = SweptServer(**self._keywords)
        for given in self._rules:
            rule = given.rule.copy() if isinstance(given.rule, Rule) else given.rule
            server.rules.add(rule, must=given.must and control, where=given.where)
        return server

    def folder(self, number: int) -> Path:
        """A folder below the test's own, which goes with the point unless it fails."""
        folder = self._folder / f"point-{number}"
        folder.mkdir(parents=True)
        return folder

    def around(self, point: Point, server: SweptServer) -> Around:
        """A subtest, where pytest has them; the control is the test itself."""
        return Around(self, point, self._watch, self._watch.add(server, self._label), self._subtests)

    def often(self, failure: BaseException) -> bool:
        """Whether enough points have failed like this one."""
        why = in_a_line(failure)
        self._alike[why] = self._alike.get(why, 0) + 1
        return self._alike[why] > MOST_ALIKE

    def end(self) -> None:
        """Raise what was gathered, where there are no subtests that have told it."""
        if self._subtests is None and self._sweep is not None:
            self._sweep.check()


class Around:
    """What goes around one point: its server is watched, and it is a subtest."""

    def __init__(self, surroundings: InTest, point: Point, watch: Watch, watched: Watched, subtests: Any) -> None:
        self._surroundings = surroundings
        self._point = point
        self._watch = watch
        self._watched = watched
        self._subtest = None if subtests is None or point.rule is None else subtests.test(str(point))

    def __enter__(self) -> None:
        if self._subtest is not None:
            self._subtest.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Tell a failure; true if the sweep goes on."""
        if failure is None and self._point.kept is not None:
            shutil.rmtree(self._point.kept, ignore_errors=True)
        if self._point.rule is None:
            if failure is None:
                self._watch.drop(self._watched, keep=False)
            return False
        told = self._tell(failure)
        self._watch.drop(self._watched, keep=failure is not None)
        return told

    def _tell(self, failure: BaseException | None) -> bool:
        if failure is None:
            return self._subtest is None or bool(self._subtest.__exit__(None, None, None))
        if self._subtest is None:
            self._watched.server.annotate(failure, ())
            return isinstance(failure, Exception | pytest.fail.Exception)
        if isinstance(failure, UNJUDGED):
            return bool(self._subtest.__exit__(type(failure), failure, failure.__traceback__))
        if self._surroundings.often(failure):
            self._watch.drop(self._watched, keep=True)
            failure = pytest.fail.Exception("\n".join([in_a_line(failure), *_notes(failure)]), pytrace=False)
        if failure.__traceback__ is None:
            failure = self._watch.pointed(trimmed(failure))
            failure.__suppress_context__ = True  # raised on the way out of a block, it has one that says nothing
        return bool(self._subtest.__exit__(type(failure), failure, failure.__traceback__))


def _notes(failure: BaseException) -> list[str]:
    """The last note, which names the point."""
    return list(getattr(failure, "__notes__", ()))[-1:]
