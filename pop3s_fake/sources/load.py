"""A path of any kind as a maildrop, and what on it is no mail.

Knows which kind of mail a path holds; must not know how each kind is read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop import Maildrop
from pop3s_fake.sources.eml import EmlFiles
from pop3s_fake.sources.files import head, reason
from pop3s_fake.sources.listing import message_files
from pop3s_fake.sources.maildir import is_maildir, maildir
from pop3s_fake.sources.mbox import Mbox
from pop3s_fake.sources.octets import is_mbox, no_mail
from pop3s_fake.sources.unique_ids import apart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pop3s_fake.sources.shelf import Shelf

__all__ = ("Kind", "Loaded", "load")

Kind: TypeAlias = Literal["maildir", "mbox", "eml", "folder", "nothing"]
"""What a path was found to be: "folder" is one of `.eml` files, "nothing" neither of these, and then a problem."""

_SUFFIX = ".eml"


class Loaded:
    """Mail that was found on the disk: ``count`` messages of a ``kind``, and the ``maildrop`` they are in."""

    __slots__ = ("_problems", "count", "kind", "maildrop", "path")

    def __init__(self, path: str, kind: Kind, count: int, maildrop: Maildrop, problems: Mapping[str, None]) -> None:
        self.path: str = path
        self.kind: Kind = kind
        self.count: int = count
        self.maildrop: Maildrop = maildrop
        self._problems = problems

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each file that is left out; later also for each that could not be read or removed."""
        return tuple(dict(self._problems))  # a thread of the server may add one

    def __repr__(self) -> str:
        problems = f", {len(self._problems)} problems" if self._problems else ""
        return f"<Loaded {self.kind} {self.path!r}: {self.count} messages{problems}>"


def load(
    path: str | os.PathLike[str],
    *,
    write_back: bool = False,
    strict: bool = False,
    into: Maildrop | None = None,
) -> Loaded:
    r"""The mail of a Maildir, an mbox, an `.eml` file or a folder of them: what it is, is seen from what is there.

    Messages are read when a session asks for them, LF as CRLF, otherwise octet by octet as they stand; flags mean
    nothing.  Their unique-ids are the same after a restart.  What is no mail, or cannot be read, is left out and told
    in ``problems``; with ``strict=True`` it is a `UsageError`.  A message that goes later is announced with 0 octets
    if nobody asked for its size before, and to read it is a `UsageError`.

    A deletion stays in the maildrop, unless ``write_back=True``: then UPDATE carries it out on the disk, so that after
    the end of the process at any moment each message is whole or deleted.  What cannot be removed stays in the
    maildrop, which QUIT answers with ``-ERR``, and is told in ``problems``.

    ``into`` is a maildrop that shall have the messages behind those that it has already; otherwise it is a new one.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.eml").write_bytes(b"Subject: one\n\nhello\n")
    ...     loaded = load(folder)
    ...     loaded.kind, loaded.count, loaded.problems
    ...     [(message.uid, message.content) for message in loaded.maildrop]
    ('folder', 1, ())
    [('6cb4d1a2a527dedcc8f0ed7936875ea7', b'Subject: one\r\n\r\nhello\r\n')]
    """
    where = os.fspath(path)
    problems: dict[str, None] = {}  # each is told once, however often the client asks
    kind, shelf = _found(where, problems.setdefault)
    if strict and problems:
        raise UsageError(_all(where, list(problems)))
    maildrop = Maildrop() if into is None else into
    count = 0 if shelf is None else len(shelf)
    if shelf is not None:
        maildrop.generate(
            count,
            shelf.content,
            octets=shelf.octets,
            uid=_uid(shelf, maildrop.uids),
            remove=shelf.remove if write_back else None,
        )
    return Loaded(where, kind, count, maildrop, problems)


def _found(path: str, complain: Callable[[str], None]) -> tuple[Kind, Shelf | None]:
    """What there is."""
    try:
        if Path(path).is_dir():
            return _in_folder(path, complain)
        if Path(path).is_file():
            return _in_file(path, complain)
        Path(path).stat()
        complain(f"{path!r} is neither a file nor a folder")
    except FileNotFoundError:
        complain(f"there is no file or folder {path!r}")
    except OSError as error:
        complain(f"cannot read {path!r}: {reason(error)}")
    return "nothing", None


def _in_folder(path: str, complain: Callable[[str], None]) -> tuple[Kind, Shelf | None]:
    """A Maildir, or a folder of `.eml` files, or one that is empty and may be either."""
    if is_maildir(path):
        return "maildir", maildir(path, complain)
    visible = [name for name in os.listdir(path) if not name.startswith(".")]  # noqa: PTH208 - as there may be many
    if visible and not any(name.lower().endswith(_SUFFIX) for name in visible):
        complain(f"{path!r} is no mail: it is neither a Maildir, with cur/ or new/ in it, nor a folder of .eml files")
        return "nothing", None
    return "folder", EmlFiles(path, sorted(message_files(path, complain, suffix=_SUFFIX)), complain)


def _in_file(path: str, complain: Callable[[str], None]) -> tuple[Kind, Shelf | None]:
    """One message if its name says so, else what it begins with: an mbox begins with a From_ line, or is empty."""
    real = os.path.realpath(path)  # a link that is given by name is meant; and where it leads to, mail is removed
    beginning = head(real)
    suffixed = path.lower().endswith(_SUFFIX)
    if not suffixed and (not beginning or is_mbox(beginning)):
        return "mbox", Mbox(real, complain)
    problem = no_mail(beginning)
    if problem is not None:
        mbox = "" if suffixed else ", nor, as an mbox does, with 'From '"
        complain(f"{path!r} is no mail: {problem}{mbox}")
        return "nothing", None
    folder, name = os.path.split(real)
    return "eml", EmlFiles(folder, [name], complain)


def _uid(shelf: Shelf, taken: list[str]) -> Callable[[int], str]:
    """The unique-id of each message; where the maildrop has such a one already, with a number."""
    if not taken:
        return shelf.uid
    uids = apart(map(shelf.uid, range(1, len(shelf) + 1)), taken)
    return lambda n: uids[n - 1]


def _all(path: str, problems: list[str]) -> str:
    """All problems as one sentence, or as a list."""
    if len(problems) == 1:
        return problems[0]
    return "\n".join(
        [f"{len(problems)} problems with the mail in {path!r}:", *(f"  {problem}" for problem in problems)]
    )
