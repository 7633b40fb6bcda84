"""Which entries of a folder are messages, and why the others are not.

Knows that hidden files are nobody's mail and that symbolic links are not followed; must not know the kinds of folders.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pop3s_fake.sources.files import head, reason
from pop3s_fake.sources.octets import no_mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("message_files",)


def message_files(folder: str, complain: Callable[[str], None], *, suffix: str = "") -> Iterator[str]:
    """The names of the files that can be read and look like mail, in any order; hidden files are passed over.

    Everything else is told, with its reason.  `OSError` if the folder itself cannot be read.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if entry.is_symlink():
                problem: str | None = "it is a symbolic link, and those are not followed"
            elif not entry.is_file(follow_symlinks=False):
                problem = "it is no file"
            elif not name.lower().endswith(suffix):
                problem = f"its name does not end in {suffix}"
            else:
                try:
                    problem = no_mail(head(entry.path))
                except OSError as error:
                    problem = f"it cannot be read: {reason(error)}"
            if problem is None:
                yield name
            else:
                complain(f"{entry.path!r} is left out: {problem}")
