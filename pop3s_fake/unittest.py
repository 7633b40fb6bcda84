"""A TestCase with a server for each test, for those without pytest.

Knows how a TestCase runs one test method; must not know what a server does.  Works under ``python -m unittest`` and
under pytest, and beside ``unittest.IsolatedAsyncioTestCase``.
"""

from __future__ import annotations

import functools
import inspect
import unittest
from typing import TYPE_CHECKING, Any, ClassVar

from pop3s_fake.errors import Pop3sFakeError, verdict
from pop3s_fake.rules.rule import Rule
from pop3s_fake.server.options import check_keywords
from pop3s_fake.server.pointing import code_of, raise_at, trimmed
from pop3s_fake.server.server import Pop3sServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType

__all__ = ("Pop3sTestCase",)

# pytest and unittest leave the frames of this module out of what they show.
__tracebackhide__ = True
__unittest = True


class Pop3sTestCase(unittest.TestCase):
    r"""A test case whose tests find a running server in ``self.server``: fresh for each, started at its first use.

    What the client or the server did wrong fails the test itself; a test that failed by itself keeps its own failure,
    with the problems as notes.  Either way the message ends with the transcript.

    >>> import io
    >>> class SyncTest(Pop3sTestCase):
    ...     pop3s_options = {"certificate": "good-rsa"}
    ...     def test_there_is_mail(self):
    ...         self.server.maildrop.add("Subject: hello\n\n")
    ...         self.assertEqual(len(self.server.maildrop), 1)
    >>> unittest.TextTestRunner(stream=io.StringIO()).run(SyncTest("test_there_is_mail")).wasSuccessful()
    True
    """

    pop3s_options: ClassVar[Mapping[str, Any]] = {}
    """The keywords of `Pop3sServer` for the servers of this class."""

    __server: Pop3sServer | None = None
    __code: CodeType | None = None

    @property
    def server(self) -> Pop3sServer:
        """The server of this test; a `UsageError` if ``pop3s_options`` cannot be."""
        if self.__server is None:
            server = self.make_server()
            server.rules.need_not_strike()  # they are there for all tests of the class
            # Accounts that the class names are there for its other tests, too, which must find them untouched.
            accounts = server.accounts.save()
            server.start()
            self.__server = server
            self.addCleanup(self.__stop, server, accounts)
        return self.__server

    def make_server(self) -> Pop3sServer:
        """A server for one test, not started; override it where ``pop3s_options`` is not enough."""
        check_keywords(self.pop3s_options, "pop3s_options")
        options = dict(self.pop3s_options)
        rules = options.get("rules", ())
        if not isinstance(rules, str):  # a rule belongs to one server, and the class has one for each test
            options["rules"] = [rule.copy() if isinstance(rule, Rule) else rule for rule in rules]
        return Pop3sServer(**options)

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test, judged at the end of its method; unittest calls this."""
        name = self._testMethodName
        own = vars(self).get(name)  # pytest puts the method there
        method = getattr(self, name)
        self.__code = code_of(method)
        setattr(self, name, self.__judged(method))
        try:
            return super().run(result)
        finally:
            delattr(self, name)
            if own is not None:
                setattr(self, name, own)

    def __judged(self, method: Callable[[], Any]) -> Callable[[], Any]:
        """The test method, which fails for what its client or its server did wrong."""

        @functools.wraps(method)
        def judged() -> Any:
            try:
                result = method()
            except BaseException as failure:
                self.__note(failure)
                raise
            self.__check()
            return result

        @functools.wraps(method)
        async def judged_later() -> Any:
            try:
                result = await method()
            except BaseException as failure:
                self.__note(failure)
                raise
            self.__check()
            return result

        return judged_later if inspect.iscoroutinefunction(method) else judged

    def __note(self, failure: BaseException) -> None:
        """Tell problems and transcript with the test's own failure; a skipped test is not judged."""
        if self.__server is not None:
            problems = self.__server.judge()
            if not isinstance(failure, unittest.SkipTest | KeyboardInterrupt):
                self.__server.annotate(failure, problems)

    def __check(self) -> None:
        if self.__server is not None:
            self.__raise(self.__server, self.__server.judge())

    def __stop(self, server: Pop3sServer, accounts: object) -> None:
        """Stop, and fail the test for what went wrong after its method returned."""
        self.__server = None
        problems = server.judge()
        try:
            server.stop()
        except Pop3sFakeError as error:
            problems.append(error)
        problems += server.judge()
        server.accounts.restore(accounts)
        self.__raise(server, problems)

    def __raise(self, server: Pop3sServer, problems: list[BaseException]) -> None:
        raised = verdict(problems)
        if raised is not None:
            server.annotate(raised, ())
            raise_at(self.__code, trimmed(raised))
