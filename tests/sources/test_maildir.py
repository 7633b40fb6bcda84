"""A Maildir as a maildrop."""

from __future__ import annotations

import mailbox
import os
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.sources import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ONE = b"Subject: one\n\nhello\n"
TWO = b"Subject: two\n\n.dot\rcr"


def test_messages_are_served_in_the_order_of_their_delivery(write: Callable[[dict[str, bytes]], Path]) -> None:
    """From new/ and cur/, whatever their flags; tmp/ and hidden files hold no mail."""
    folder = write(
        {
            "cur/1700000002.b.host:2,FS": TWO,
            "new/1700000001.a.host": ONE,
            "new/1700000003.c.host:2,": b"",
            "new/.hidden": ONE,
            "tmp/1700000000.t.host": ONE,
            ".Sent/cur/1700000000.s.host:2,S": ONE,
        }
    )
    loaded = load(folder, strict=True)
    assert (loaded.kind, loaded.count, loaded.problems) == ("maildir", 3, ())
    assert [(message.uid, message.octets, message.content) for message in loaded.maildrop] == [
        ("1700000001.a.host", 23, b"Subject: one\r\n\r\nhello\r\n"),
        ("1700000002.b.host", 25, b"Subject: two\r\n\r\n.dot\rcr\r\n"),
        ("1700000003.c.host", 0, b""),
    ]


def test_the_maildir_of_the_standard_library_is_one(tmp_path: Path) -> None:
    """Delivered by a program that nobody here wrote."""
    box = mailbox.Maildir(tmp_path / "mail")
    keys = [box.add(octets) for octets in (ONE, TWO)]
    loaded = load(tmp_path / "mail", strict=True)
    assert sorted(loaded.maildrop.uids) == sorted(keys)
    for key in keys:
        assert loaded.maildrop[key].content.replace(b"\r\n", b"\n").rstrip() == box.get_bytes(key).rstrip()


def test_a_unique_id_outlives_flags_and_restarts(write: Callable[[dict[str, bytes]], Path]) -> None:
    """RFC 1939 section 7; the number stays, too."""
    folder = write({"new/1700000001.a.host": ONE, "cur/1700000002.b.host:2,": TWO})
    before = load(folder).maildrop.uids
    (folder / "new/1700000001.a.host").rename(folder / "cur/1700000001.a.host:2,RS")
    assert load(folder).maildrop.uids == before == ["1700000001.a.host", "1700000002.b.host"]


@pytest.mark.parametrize("name", ["1700000001 spaced", "1700000001." + "x" * 80, "1700000001.\xfc"])
def test_a_name_that_is_no_unique_id_becomes_one(write: Callable[[dict[str, bytes]], Path], name: str) -> None:
    """And that one is stable, too."""
    folder = write({f"new/{name}": ONE})
    (uid,) = load(folder).maildrop.uids
    (folder / "new" / name).rename(folder / f"new/{name}:2,S")
    assert load(folder).maildrop.uids == [uid]
    assert load(folder).maildrop[uid].octets == 23


def test_a_maildir_may_lack_one_of_its_folders(write: Callable[[dict[str, bytes]], Path]) -> None:
    """As somebody's test data may."""
    assert load(write({"cur/1.a:2,": ONE}), strict=True).count == 1


def test_sizes_are_not_asked_for_before_a_session_asks(write: Callable[[dict[str, bytes]], Path]) -> None:
    """So that many messages are ready soon; only `generate` tries the first."""
    folder = write({"new/1.a": ONE, "new/2.b": ONE})
    loaded = load(folder)
    (folder / "new/2.b").write_bytes(b"Subject: longer than it was\n\n")
    assert list(loaded.maildrop.open("session").listing()) == [(1, 23), (2, 31)]


def test_a_message_costs_little_more_than_its_name(write: Callable[[dict[str, bytes]], Path]) -> None:
    """Measured with a thousand, before and after all were asked for their sizes and unique-ids."""
    folder = write({f"cur/17{n:08}.M{n}P1.host.example:2,S": ONE for n in range(1000)})
    tracemalloc.start()
    try:
        loaded = load(folder)
        session = loaded.maildrop.open("session")
        session.stat()
        assert sum(1 for _ in session.unique_ids()) == 1000
        octets = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert octets < 1000 * 200 + 100_000


def test_a_message_that_another_program_flags_is_found_again(write: Callable[[dict[str, bytes]], Path]) -> None:
    """A mail reader moves it from new/ to cur/ while it is being served, and flags it once more."""
    folder = write({f"new/{n}.a": ONE for n in (1, 2)})
    loaded = load(folder)
    (folder / "cur").mkdir()
    (folder / "new/2.a").rename(folder / "cur/2.a:2,S")
    assert loaded.maildrop["2.a"].content == b"Subject: one\r\n\r\nhello\r\n"
    (folder / "cur/2.a:2,S").rename(folder / "cur/2.a:2,RS")
    os.utime(folder / "cur", ns=(1, 1))  # a clock that is too coarse must not hide the change from the test
    assert loaded.maildrop["2.a"].content == b"Subject: one\r\n\r\nhello\r\n"
    assert loaded.problems == ()


def test_a_message_that_vanished_is_an_error_that_names_its_file(write: Callable[[dict[str, bytes]], Path]) -> None:
    """Where its size was known, and where it was not: then it is announced with 0 octets and told."""
    folder = write({f"new/{n}.a": ONE for n in (1, 2, 3)})
    loaded = load(folder)
    for n in (1, 2):
        (folder / f"new/{n}.a").unlink()
    problems = [f"cannot read the message '{folder}/new/{n}.a': No such file or directory" for n in (1, 2)]
    assert list(loaded.maildrop.open("session").listing()) == [(1, 23), (2, 0), (3, 23)]
    assert loaded.problems == (problems[1],)
    for uid, problem in zip(("1.a", "2.a"), problems, strict=True):
        with pytest.raises(UsageError) as caught:
            _ = loaded.maildrop[uid].content
        assert str(caught.value) == problem


def test_the_folders_are_not_listed_again_for_each_message_that_vanished(
    write: Callable[[dict[str, bytes]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With many messages that takes its time."""
    folder = write({f"new/{n}.a": ONE for n in range(10)})
    loaded = load(folder)
    for path in (folder / "new").iterdir():
        path.unlink()
    listings: list[object] = []
    really = os.listdir

    def listdir(path: Path) -> list[str]:
        listings.append(path)
        return really(path)

    monkeypatch.setattr(os, "listdir", listdir)
    assert loaded.maildrop.open("session").stat() == (10, 23)
    assert (len(loaded.problems), len(listings)) == (9, 1)


def test_a_message_that_was_changed_is_an_error_that_names_its_file(write: Callable[[dict[str, bytes]], Path]) -> None:
    """No client may take it for the message that was announced."""
    folder = write({"new/1.a": ONE})
    loaded = load(folder)
    (folder / "new/1.a").write_bytes(b"Subject: other\n")
    with pytest.raises(UsageError) as caught:
        _ = loaded.maildrop["1.a"].content
    assert str(caught.value) == (
        f"the message '{folder}/new/1.a' was changed by another program: it was announced with 23 octets and now has 16"
    )


def test_what_is_no_mail_is_named_and_the_rest_served(write: Callable[[dict[str, bytes]], Path]) -> None:
    """Junk, a link, a folder, and a second file of one unique name."""
    folder = write(
        {
            "new/1.a": ONE,
            "new/2.b": b"\x89PNG\r\n\x1a\n\0\0",
            "cur/1.a:2,S": TWO,
            "cur/3.folder/x": b"",
            "other": ONE,
        }
    )
    (folder / "new/4.link").symlink_to(folder / "other")
    loaded = load(folder)
    assert loaded.maildrop.uids == ["1.a"]
    assert loaded.maildrop["1.a"].octets == 25
    assert sorted(loaded.problems) == [
        f"'{folder}/cur/3.folder' is left out: it is no file",
        f"'{folder}/new/1.a' is left out: another file of the Maildir has its unique name",
        (
            f"'{folder}/new/2.b' is left out: it begins with b'\\x89PNG\\r\\n\\x1a\\n\\x00\\x00', "
            "not with a header field such as 'Subject: ...'"
        ),
        f"'{folder}/new/4.link' is left out: it is a symbolic link, and those are not followed",
    ]
    with pytest.raises(UsageError, match=rf"^4 problems with the mail in '{folder}':\n  '{folder}/"):
        load(folder, strict=True)


def test_a_folder_of_a_maildir_that_is_a_link_is_not_followed(
    write: Callable[[dict[str, bytes]], Path], tmp_path: Path
) -> None:
    """It may lead to somebody else's mail."""
    write({"mine/new/1.a": ONE, "theirs/2.b": ONE})
    (tmp_path / "mine/cur").symlink_to(tmp_path / "theirs")
    loaded = load(tmp_path / "mine")
    assert (loaded.maildrop.uids, loaded.problems) == (
        ["1.a"],
        (f"'{tmp_path}/mine/cur' is left out: it is a symbolic link, and those are not followed",),
    )


def test_a_message_that_becomes_a_link_is_not_followed(write: Callable[[dict[str, bytes]], Path]) -> None:
    """Not even between the look at it and the reading."""
    folder = write({"new/1.a": ONE, "other": ONE})
    loaded = load(folder)
    (folder / "new/1.a").unlink()
    (folder / "new/1.a").symlink_to(folder / "other")
    with pytest.raises(UsageError, match=rf"^cannot read the message '{folder}/new/1.a': "):
        _ = loaded.maildrop["1.a"].content


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")
def test_a_message_that_becomes_a_pipe_is_not_waited_for(write: Callable[[dict[str, bytes]], Path]) -> None:
    """It would have no end, and no beginning."""
    folder = write({"new/1.a": ONE})
    loaded = load(folder)
    (folder / "new/1.a").unlink()
    os.mkfifo(folder / "new/1.a")
    with pytest.raises(UsageError, match=r"was changed by another program: .* with 23 octets and now has 0$"):
        _ = loaded.maildrop["1.a"].content
