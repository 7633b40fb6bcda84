"""`.eml` files as a maildrop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.sources import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ONE = b"Subject: one\n\nhello\n"
TWO = b"Subject: two\r\n\r\nbye"


def test_one_file_is_one_message(write: Callable[[dict[str, bytes]], Path]) -> None:
    """Also without the suffix, if it begins like a message."""
    folder = write({"a.eml": ONE, "b": TWO})
    for name, content in (("a.eml", b"Subject: one\r\n\r\nhello\r\n"), ("b", b"Subject: two\r\n\r\nbye\r\n")):
        loaded = load(folder / name, strict=True)
        assert (loaded.kind, loaded.count, loaded.problems) == ("eml", 1, ())
        assert [message.content for message in loaded.maildrop] == [content]


def test_an_empty_file_is_a_message_of_no_octets(write: Callable[[dict[str, bytes]], Path]) -> None:
    """If its name says that it is a message."""
    loaded = load(write({"a.eml": b""}) / "a.eml", strict=True)
    assert [(message.octets, message.content) for message in loaded.maildrop] == [(0, b"")]


def test_a_file_that_was_exported_with_its_from_line_is_one_message(write: Callable[[dict[str, bytes]], Path]) -> None:
    """Its octets are untouched."""
    loaded = load(write({"a.eml": b"From - today\n" + ONE}) / "a.eml", strict=True)
    assert (loaded.kind, next(iter(loaded.maildrop)).octets) == ("eml", 37)


def test_a_folder_is_sorted_by_name(write: Callable[[dict[str, bytes]], Path]) -> None:
    """Hidden files are nobody's mail."""
    loaded = load(write({"b.eml": ONE, "a.EML": TWO, ".c.eml": ONE}), strict=True)
    assert (loaded.kind, loaded.count) == ("folder", 2)
    assert [message.octets for message in loaded.maildrop] == [21, 23]


def test_an_empty_folder_has_no_messages(tmp_path: Path) -> None:
    """As it is after all were removed."""
    loaded = load(tmp_path, strict=True)
    assert (loaded.kind, loaded.count) == ("folder", 0)


def test_a_unique_id_follows_from_the_octets_not_from_the_name(write: Callable[[dict[str, bytes]], Path]) -> None:
    """RFC 1939 section 7; a copy gets a number."""
    folder = write({"a.eml": ONE, "b.eml": ONE, "c.eml": TWO})
    one, copy, two = load(folder).maildrop.uids
    assert copy == f"{one}-2"
    (folder / "a.eml").rename(folder / "z.eml")
    assert load(folder).maildrop.uids == [one, two, copy]
    assert load(folder / "c.eml").maildrop.uids == [two]


def test_what_is_no_mail_is_named_and_the_rest_served(write: Callable[[dict[str, bytes]], Path]) -> None:
    """Each with its reason."""
    folder = write({"a.eml": ONE, "b.eml": b"\0\1\2", "notes.txt": b"x", "sub/c.eml": ONE})
    (folder / "d.eml").symlink_to(folder / "a.eml")
    loaded = load(folder)
    assert loaded.count == len(loaded.maildrop) == 1
    assert sorted(loaded.problems) == [
        (
            f"'{folder}/b.eml' is left out: it begins with b'\\x00\\x01\\x02', "
            "not with a header field such as 'Subject: ...'"
        ),
        f"'{folder}/d.eml' is left out: it is a symbolic link, and those are not followed",
        f"'{folder}/notes.txt' is left out: its name does not end in .eml",
        f"'{folder}/sub' is left out: it is no file",
    ]


def test_a_message_that_vanished_is_an_error_that_names_its_file(write: Callable[[dict[str, bytes]], Path]) -> None:
    """The others can still be read."""
    folder = write({"a.eml": ONE, "b.eml": TWO})
    maildrop = load(folder).maildrop
    (folder / "b.eml").unlink()
    one, two = maildrop
    assert one.content == b"Subject: one\r\n\r\nhello\r\n"
    with pytest.raises(UsageError) as caught:
        _ = two.content
    assert str(caught.value) == f"cannot read the message '{folder}/b.eml': No such file or directory"
