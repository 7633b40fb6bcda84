"""The command line, `pop3s-fake`.

Knows how it begins and ends: what has to be installed, and that every mistake is one sentence and an exit code.  Must
not know what a command does, and loads no more than the one that is asked for.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from pop3s_fake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("main",)

NEEDED: Final = ("click", "rich")
"""What the extra `cli` brings."""

WRONG_USAGE: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line, that of the process if none is given; gives the exit code.

    0: done; 1: the system does not let it, such as a port that is taken; 2: wrong usage, with a sentence on standard
    error that says what would be right; 130: interrupted before there was anything to end.

    >>> main(["serve", "--account", "ann:secret", "--mail", "bob=/nowhere"])
    2
    """
    if any(find_spec(name) is None for name in NEEDED):
        _complain("pip install 'pop3s-fake[cli]'")
        return WRONG_USAGE
    import click  # noqa: PLC0415  # by now it is known to be there

    from pop3s_fake.cli.commands import commands  # noqa: PLC0415  # the same

    try:
        code = commands.main(args=None if argv is None else list(argv), prog_name="pop3s-fake", standalone_mode=False)
    except click.ClickException as error:
        _complain(f"pop3s-fake: {error.format_message()}")
        return error.exit_code
    except UsageError as error:
        _complain(f"pop3s-fake: {error}")
        return WRONG_USAGE
    except (click.Abort, KeyboardInterrupt):
        return 130
    return code if isinstance(code, int) else 0


def _complain(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
