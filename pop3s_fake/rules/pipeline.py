r"""One reply and the rules that apply to it become operations, lazily.

Knows the three occasions: before a command, a reply, a point without one; how each action is carried out stands in
``run``, and who performs the operations is nobody's business here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.rules.run import Run
from pop3s_fake.rules.striking import Striking

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.rules.bound import Bound
    from pop3s_fake.rules.placing import Parts

__all__ = ("Run", "before", "moment", "reply")


def before(bound: Bound, now: Callable[[], float]) -> Run:
    r"""What is done before the command is executed.

    Afterwards :attr:`Run.answer` tells what to answer in place of executing it, if anything.

    >>> from pop3s_fake.rules.book import RuleBook
    >>> book = RuleBook(seed=1, now=lambda: 0.0)
    >>> rule = book.add('PASS!before -> wait 2, reply "-ERR no"')
    >>> run = before(book.session(1).bind("PASS", "secret"), book.now)
    >>> list(run), run.answer.status
    ([Struck(rule=Rule('PASS!before -> wait 2, reply "-ERR no"'), octet=0), Pause(seconds=2.0)], b'-ERR no\r\n')
    """
    run = Run(Striking(bound, placed=False), now)
    run.begin(run.before())
    return run


def reply(bound: Bound, parts: Parts, now: Callable[[], float]) -> Run:
    r"""A reply on its way, and what is done after it.

    >>> from pop3s_fake.rules.book import RuleBook
    >>> from pop3s_fake.rules.operations import Struck
    >>> from pop3s_fake.rules.placing import Parts
    >>> book = RuleBook(seed=1, now=lambda: 0.0)
    >>> rule = book.add("STAT@3 -> wait 2")
    >>> run = reply(book.session(1).bind("STAT"), Parts(b"+OK 0 0\r\n"), book.now)
    >>> [operation for operation in run if not isinstance(operation, Struck)]
    [Octets(octets=b'+OK'), Pause(seconds=2.0), Octets(octets=b' 0 0\r\n')]
    >>> run.sent_all, run.damaged
    (True, False)
    """
    run = Run(Striking(bound), now)
    run.begin(run.reply(parts))
    return run


def moment(bound: Bound, now: Callable[[], float]) -> Run:
    """What is done at a point without a reply: accept and close."""
    run = Run(Striking(bound), now)
    run.begin(run.moment())
    return run
