"""What a path is found to be, and what is told of one that is no mail."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop import Maildrop
from pop3s_fake.sources import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ONE = b"Subject: one\n\nhello\n"


def told(path: Path) -> str:
    """The one problem with a path on which there is no mail; strictly taken it is an error of the same words."""
    loaded = load(path)
    assert (loaded.kind, loaded.count, len(loaded.maildrop)) == ("nothing", 0, 0)
    (problem,) = loaded.problems
    with pytest.raises(UsageError) as caught:
        load(path, strict=True)
    assert str(caught.value) == problem
    return problem


def test_a_path_that_does_not_exist_is_told(tmp_path: Path) -> None:
    """Also where a file stands in the middle of it."""
    assert told(tmp_path / "nowhere") == f"there is no file or folder '{tmp_path}/nowhere'"
    (tmp_path / "file").touch()
    assert told(tmp_path / "file/x") == f"cannot read '{tmp_path}/file/x': Not a directory"


def test_a_folder_without_mail_is_told(write: Callable[[dict[str, bytes]], Path]) -> None:
    """With what would be mail."""
    folder = write({"notes.txt": b"x"})
    assert told(folder) == (
        f"'{folder}' is no mail: it is neither a Maildir, with cur/ or new/ in it, nor a folder of .eml files"
    )


def test_a_file_that_is_no_mail_is_told(write: Callable[[dict[str, bytes]], Path]) -> None:
    """By its first octets; one that calls itself .eml cannot be an mbox."""
    folder = write({"a.png": b"\x89PNG\r\n", "a.eml": b"\0" * 1000})
    assert told(folder / "a.png") == (
        f"'{folder}/a.png' is no mail: it begins with b'\\x89PNG\\r\\n', not with a header field such as "
        "'Subject: ...', nor, as an mbox does, with 'From '"
    )
    assert told(folder / "a.eml") == (
        f"'{folder}/a.eml' is no mail: it begins with {bytes(16)!r}, not with a header field such as 'Subject: ...'"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")
def test_what_is_neither_file_nor_folder_is_told(tmp_path: Path) -> None:
    """To read a pipe would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    assert told(tmp_path / "pipe") == f"'{tmp_path}/pipe' is neither a file nor a folder"


def refuse(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Let the system refuse to open this file or list this folder, as it does to who may not; the superuser may."""
    really_open, really_scan = os.open, os.scandir

    def open_(name: str, flags: int, mode: int = 0o777) -> int:
        if os.fspath(name) == str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return really_open(name, flags, mode)

    def scandir(name: str) -> object:
        if os.fspath(name) == str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return really_scan(name)

    monkeypatch.setattr(os, "open", open_)
    monkeypatch.setattr(os, "scandir", scandir)


def test_a_path_that_cannot_be_read_is_told(
    write: Callable[[dict[str, bytes]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file, and a folder."""
    folder = write({"a.eml": ONE, "mail/b.eml": ONE})
    refuse(monkeypatch, folder / "a.eml")
    assert told(folder / "a.eml") == f"cannot read '{folder}/a.eml': Permission denied"
    refuse(monkeypatch, folder / "mail")
    assert told(folder / "mail") == f"cannot read '{folder}/mail': Permission denied"


def test_a_message_that_cannot_be_read_is_told_and_the_rest_served(
    write: Callable[[dict[str, bytes]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a Maildir a whole folder may be closed to us."""
    folder = write({"eml/a.eml": ONE, "eml/b.eml": ONE, "md/new/1": ONE, "md/cur/2": ONE})
    refuse(monkeypatch, folder / "eml/a.eml")
    loaded = load(folder / "eml")
    assert loaded.count == 1
    assert loaded.problems == (f"'{folder}/eml/a.eml' is left out: it cannot be read: Permission denied",)
    refuse(monkeypatch, folder / "md/cur")
    loaded = load(folder / "md")
    assert loaded.maildrop.uids == ["1"]
    assert loaded.problems == (f"cannot read the folder '{folder}/md/cur': Permission denied",)


def test_what_was_loaded_shows_itself(write: Callable[[dict[str, bytes]], Path]) -> None:
    """For whoever looks at it in a debugger."""
    folder = write({"a.eml": ONE, "notes.txt": b""})
    assert repr(load(folder)) == f"<Loaded folder '{folder}': 1 messages, 1 problems>"


def test_several_paths_fill_one_maildrop(write: Callable[[dict[str, bytes]], Path]) -> None:
    """One behind the other; the same unique-id twice gets a number, and the same in the same order every time."""
    folder = write({"eml/a.eml": ONE, "spool": b"From a\n" + ONE + b"\n", "md/new/1.a": ONE, "copy/new/1.a": ONE})

    def names() -> list[str]:
        maildrop = Maildrop()
        for name in ("eml", "spool", "md", "copy"):
            loaded = load(folder / name, into=maildrop, strict=True)
            assert (loaded.maildrop, loaded.count) == (maildrop, 1)
        return maildrop.uids

    one, copy, *others = names()
    assert (copy, others) == (f"{one}-2", ["1.a", "1.a-2"])
    assert names() == [one, copy, *others]
