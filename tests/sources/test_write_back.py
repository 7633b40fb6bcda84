"""Deletions that UPDATE carries out on the disk (RFC 1939 section 6)."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop import UpdateResult
from pop3s_fake.sources import load
from pop3s_fake.sources.mbox import Mbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pop3s_fake.sources import Loaded

    Write = Callable[[dict[str, bytes]], Path]
    Delete = Callable[..., UpdateResult]

FROM = b"From ann@example.org Thu Jan  1 00:00:00 1970\n"
MAILS = tuple(b"Subject: %d\n\nbody %d\n" % (n, n) for n in range(1, 5))
SPOOL = b"".join(FROM + mail + b"\n" for mail in MAILS)

KINDS = {
    "maildir": {f"new/{n}.a": mail for n, mail in enumerate(MAILS, 1)},
    "folder": {f"{n}.eml": mail for n, mail in enumerate(MAILS, 1)},
    "mbox": {"spool": SPOOL},
}


@pytest.fixture(params=list(KINDS))
def mail(request: pytest.FixtureRequest, write: Write) -> Path:
    """Four messages, in each kind that can have four."""
    folder = write(KINDS[request.param])
    return folder / "spool" if request.param == "mbox" else folder


def subjects(loaded: Loaded) -> list[bytes]:
    """What is served, in order."""
    return [message.content[9:10] for message in loaded.maildrop]


def files(folder: Path) -> dict[str, bytes]:
    """All that is on the disk."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_deletions_stay_in_memory_unless_it_is_asked_for(mail: Path, delete: Delete) -> None:
    """Nobody's mail goes by accident."""
    folder = mail.parent if mail.is_file() else mail
    before = files(folder)
    loaded = load(mail)
    assert len(delete(loaded, 1, 3).removed) == 2
    assert subjects(loaded) == [b"2", b"4"]
    assert files(folder) == before


def test_update_carries_deletions_out(mail: Path, delete: Delete) -> None:
    """Session after session; the others stay as they are, with their unique-ids, also after a restart."""
    loaded = load(mail, write_back=True)
    uids = loaded.maildrop.uids
    assert delete(loaded, 1, 3) == UpdateResult((uids[0], uids[2]), ())
    for box in (loaded, load(mail, strict=True)):
        assert subjects(box) == [b"2", b"4"]
        assert box.maildrop.uids == [uids[1], uids[3]]
    assert delete(loaded, 2).removed == (uids[3],)
    assert subjects(load(mail, strict=True)) == subjects(loaded) == [b"2"]
    assert delete(loaded, 1).removed == (uids[1],)
    assert load(mail, strict=True).count == 0
    assert loaded.problems == ()


def test_what_was_removed_is_on_the_disk_before_quit_is_answered(
    mail: Path, delete: Delete, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is synced behind the last change in it, where the platform can."""
    folder = mail if mail.is_dir() else mail.parent
    before = files(folder)
    synced: list[bool] = []
    really = os.fsync

    def fsync(file: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(file).st_mode) and files(folder) != before)
        really(file)

    monkeypatch.setattr(os, "fsync", fsync)
    delete(load(mail, write_back=True), 1)
    assert synced[-1:] == [True]


def test_without_update_nothing_goes(mail: Path) -> None:
    """RFC 1939 section 6: a session that ends by anything but QUIT removes nothing."""
    loaded = load(mail, write_back=True)
    session = loaded.maildrop.open("session")
    session.mark(1)
    session.close()
    assert subjects(load(mail)) == [b"1", b"2", b"3", b"4"]


def test_a_single_file_is_removed(write: Write, delete: Delete) -> None:
    """By its own name, not by that of a link to it."""
    folder = write({"a.eml": MAILS[0], "b.eml": MAILS[1]})
    (folder / "link.eml").symlink_to(folder / "a.eml")
    delete(load(folder / "link.eml", write_back=True), 1)
    assert sorted(path.name for path in folder.iterdir()) == ["b.eml", "link.eml"]


def test_a_flagged_message_is_removed_where_it_is_now(write: Write, delete: Delete) -> None:
    """Another program moved it to cur/ after its size was known."""
    folder = write(KINDS["maildir"])
    loaded = load(folder, write_back=True)
    loaded.maildrop.open("other", exclusive=False).stat()
    (folder / "cur").mkdir()
    (folder / "new/2.a").rename(folder / "cur/2.a:2,S")
    assert delete(loaded, 2).removed == ("2.a",)
    assert subjects(load(folder)) == [b"1", b"3", b"4"]


def test_a_message_that_is_gone_already_is_removed(write: Write, delete: Delete) -> None:
    """As the deletion asked."""
    folder = write(KINDS["maildir"])
    loaded = load(folder, write_back=True)
    loaded.maildrop.open("other", exclusive=False).stat()
    (folder / "new/2.a").unlink()
    assert delete(loaded, 2, 3) == UpdateResult(("2.a", "3.a"), ())
    assert loaded.problems == ()


def test_a_message_that_cannot_be_removed_stays_and_is_told(write: Write, delete: Delete) -> None:
    """The others go.  A folder in the message's place cannot be unlinked, not even by the superuser."""
    folder = write(KINDS["maildir"])
    loaded = load(folder, write_back=True)
    loaded.maildrop.open("other", exclusive=False).stat()
    (folder / "new/2.a").unlink()
    (folder / "new/2.a").mkdir()
    assert delete(loaded, 1, 2) == UpdateResult(("1.a",), ("2.a",))
    assert loaded.maildrop.uids == ["2.a", "3.a", "4.a"]
    (problem,) = loaded.problems
    assert problem.startswith(f"cannot remove the message '{folder}/new/2.a': ")


def test_a_file_with_other_octets_is_not_removed(write: Write, delete: Delete) -> None:
    """Nobody has read them."""
    folder = write(KINDS["folder"])
    loaded = load(folder, write_back=True)
    (folder / "2.eml").write_bytes(MAILS[3])
    assert delete(loaded, 2).kept == (loaded.maildrop.uids[1],)
    assert (folder / "2.eml").read_bytes() == MAILS[3]
    assert loaded.problems == (
        f"cannot remove the message '{folder}/2.eml': another program has put other octets there",
    )


def test_an_mbox_keeps_its_mode_and_all_other_octets(write: Write, delete: Delete) -> None:
    """Only the deleted message goes, and nothing stays beside."""
    path = write(KINDS["mbox"]) / "spool"
    path.chmod(0o640)
    delete(load(path, write_back=True), 2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_bytes() == b"".join(FROM + mail + b"\n" for mail in (MAILS[0], MAILS[2], MAILS[3]))
    assert [file.name for file in path.parent.iterdir()] == ["spool"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only the superuser gives files away")
def test_an_mbox_keeps_its_owner(write: Write, delete: Delete) -> None:
    """A spool is its user's, whoever serves it."""
    path = write(KINDS["mbox"]) / "spool"
    os.chown(path, 12345, 23456)
    delete(load(path, write_back=True), 1)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_what_one_session_removed_from_an_mbox_another_cannot_read(write: Write, delete: Delete) -> None:
    """Where several may log in at once; to remove it once more is no error."""
    path = write(KINDS["mbox"]) / "spool"
    loaded = load(path, write_back=True)
    message = loaded.maildrop.open("other", exclusive=False).message(2)
    assert message is not None
    delete(loaded, 2)
    with pytest.raises(UsageError) as caught:
        _ = message.content
    assert str(caught.value) == f"message 2 of the mbox '{path}' was removed by another session"

    told: list[str] = []
    mbox = Mbox(str(path), told.append)
    assert (mbox.remove([1]), mbox.remove([1, 2]), mbox.remove([2]), told) == ([], [], [], [])
    assert subjects(load(path)) == [b"4"]


def test_mail_that_came_meanwhile_stays(write: Write, delete: Delete) -> None:
    """It was delivered to the mbox behind the rest; more than once, and behind one that goes."""
    path = write(KINDS["mbox"]) / "spool"
    loaded = load(path, write_back=True)
    for subject in (b"5", b"6"):
        with path.open("ab") as file:
            file.write(FROM + b"Subject: " + subject + b"\n\n\n")
        delete(loaded, 3 if subject == b"5" else 1)
    assert subjects(loaded) == [b"2", b"4"]
    assert subjects(load(path)) == [b"2", b"4", b"5", b"6"]
    delete(loaded, 1, 2)
    assert subjects(load(path)) == [b"5", b"6"]


def test_mail_that_came_meanwhile_stays_behind_a_last_message_that_goes(write: Write, delete: Delete) -> None:
    """The place of the last message ends where the file ended."""
    path = write(KINDS["mbox"]) / "spool"
    loaded = load(path, write_back=True)
    with path.open("ab") as file:
        file.write(FROM + b"Subject: 5\n\n\n")
    delete(loaded, 4)
    assert subjects(load(path)) == [b"1", b"2", b"3", b"5"]


@pytest.mark.parametrize("octets", [SPOOL.replace(FROM + MAILS[0], b""), SPOOL + b"not a message\n"])
def test_an_mbox_that_somebody_else_changed_stays_as_it_is(write: Write, delete: Delete, octets: bytes) -> None:
    """Nothing is cut where we do not know what stands there."""
    path = write(KINDS["mbox"]) / "spool"
    loaded = load(path, write_back=True)
    uids = loaded.maildrop.uids
    path.write_bytes(octets)
    assert delete(loaded, 2, 3) == UpdateResult((), (uids[1], uids[2]))
    assert path.read_bytes() == octets
    assert loaded.maildrop.uids == uids
    assert loaded.problems == (f"cannot remove messages from the mbox '{path}': it was changed by another program",)


LOCKER = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_an_mbox_that_somebody_else_has_locked_stays_as_it_is(write: Write, delete: Delete) -> None:
    """A program that delivers mail just now; the next session can."""
    path = write(KINDS["mbox"]) / "spool"
    loaded = load(path, write_back=True)
    with subprocess.Popen(
        [sys.executable, "-c", LOCKER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == b"locked\n"
        assert len(delete(loaded, 1).kept) == 1
        locker.communicate(timeout=30)
    assert path.read_bytes() == SPOOL
    assert loaded.problems == (f"cannot remove messages from the mbox '{path}': another program has locked it",)
    assert len(delete(loaded, 1).removed) == 1
    assert subjects(load(path)) == [b"2", b"3", b"4"]


def test_a_full_disk_leaves_the_mbox_as_it_was(write: Write, delete: Delete, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing beside it."""
    path = write(KINDS["mbox"]) / "spool"
    loaded = load(path, write_back=True)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert len(delete(loaded, 1).kept) == 1
    assert files(path.parent) == {"spool": SPOOL}
    assert loaded.problems == (f"cannot remove messages from the mbox '{path}': No space left on device",)


def test_what_a_killed_process_left_beside_an_mbox_is_cleared(write: Write, delete: Delete) -> None:
    """It is half a copy."""
    folder = write(KINDS["mbox"])
    (folder / ".spool.pop3s-fake").write_bytes(SPOOL[:50])
    assert len(delete(load(folder / "spool", write_back=True), 1).removed) == 1
    assert list(files(folder)) == ["spool"]


def test_a_session_that_reads_while_another_removes_has_its_message_whole(write: Write, delete: Delete) -> None:
    """Where several may log in at once; the one that begins afterwards has it, too."""
    big = b"Subject: 2\n\n" + b"x" * 69 + b"\n"
    path = write({"spool": FROM + MAILS[0] + b"\n" + FROM + big + b"y\n" * 200_000 + b"\n"}) / "spool"
    loaded = load(path, write_back=True)
    session = loaded.maildrop.open("other", exclusive=False)
    message = session.message(2)
    assert message is not None
    chunks = message.chunks()
    first = next(chunks)
    delete(loaded, 1)
    whole = first + b"".join(chunks)
    assert len(whole) == message.octets
    assert message.content == whole
