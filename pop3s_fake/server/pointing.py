"""Errors that no line of a test is to blame for, raised so that their report points at the test itself.

Knows tracebacks and code objects; must not know what the errors are about.
"""

from __future__ import annotations

import inspect
import linecache
from typing import TYPE_CHECKING, NoReturn

from pop3s_fake.errors import Pop3sFakeError

if TYPE_CHECKING:
    from types import CodeType, TracebackType

__all__ = ("code_of", "raise_at", "trimmed")

# pytest and unittest leave the frames of this module out of what they show.
__tracebackhide__ = True
__unittest = True


def code_of(function: object) -> CodeType | None:
    """The code of a function, or of what it wraps; None where it is none."""
    code: CodeType | None = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    return code


def raise_at(code: CodeType | None, error: BaseException) -> NoReturn:
    r"""Raise ``error`` from the ``def`` of the function that this is the code of, so that a report shows that line.

    >>> try:
    ...     raise_at(code_of(code_of), ValueError("wrong from beginning to end"))
    ... except ValueError as error:
    ...     frames = inspect.getinnerframes(error.__traceback__)
    >>> frames[-1].function, "".join(frames[-1].code_context)
    ('code_of', 'def code_of(function: object) -> CodeType | None:\n')
    """
    if code is not None:
        exec(_raising_at(code), {"error": error}, {})  # noqa: S102  # the statement is ours
    raise error


def _raising_at(code: CodeType) -> CodeType:
    """Code that raises ``error`` and claims to be the ``def`` of this function.

    It is as wide as that line, for Python and pytest would underline a part of it otherwise.
    """
    first = code.co_firstlineno
    lines = linecache.getlines(code.co_filename)[first - 1 :]
    decorators = next((i for i, line in enumerate(lines) if line.lstrip().startswith(("def ", "async def "))), 0)
    width = len(lines[decorators].encode()) if lines else 0
    raising = compile("\n" * decorators + f"raise ({'error':<{width}})", code.co_filename, "exec")
    return raising.replace(co_firstlineno=first, co_name=code.co_name, co_qualname=code.co_qualname)


def trimmed(problem: BaseException) -> BaseException:
    """A problem from a thread of a server, its traceback cut to where the server called something of the user's."""
    if isinstance(problem, Pop3sFakeError):
        return problem.with_traceback(None)
    traceback: TracebackType | None = problem.__traceback__
    while traceback is not None and traceback.tb_frame.f_globals.get("__name__", "").startswith("pop3s_fake."):
        traceback = traceback.tb_next
    return problem.with_traceback(traceback or problem.__traceback__)  # all of it is ours: that is for us to see
