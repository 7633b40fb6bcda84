"""An mbox as a maildrop."""

from __future__ import annotations

import mailbox
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pop3s_fake.errors import UsageError
from pop3s_fake.sources import load

if TYPE_CHECKING:
    from collections.abc import Callable

FROM = b"From ann@example.org Thu Jan  1 00:00:00 1970\n"
ONE = b"Subject: one\n\nhello\n>From here\n"
TWO = b"Subject: two\n\nbye\n\n"


def test_each_from_line_begins_a_message(write: Callable[[dict[str, bytes]], Path]) -> None:
    """The line is no part of it, nor is the empty line before the next; what is quoted stays quoted."""
    path = write({"spool": FROM + ONE + b"\n" + FROM + TWO + b"\n" + FROM}) / "spool"
    loaded = load(path, strict=True)
    assert (loaded.kind, loaded.count) == ("mbox", 3)
    assert [message.content for message in loaded.maildrop] == [
        b"Subject: one\r\n\r\nhello\r\n>From here\r\n",
        b"Subject: two\r\n\r\nbye\r\n\r\n",
        b"",
    ]
    assert list(loaded.maildrop.open("session").listing()) == [(1, 35), (2, 23), (3, 0)]


@settings(derandomize=True, deadline=None, database=None)
@given(
    st.lists(st.sampled_from([b"From a\n", b"\n", b"\n\n", b"a: b\n", b">From c\n", b"From", b"x", b"a\rb\r\n", b"\n"]))
)
def test_messages_are_those_that_the_standard_library_sees(lines: list[bytes]) -> None:
    """Whatever stands in it behind the first From_ line, if the file has the line ends of the platform."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "spool")
        path.write_bytes(FROM + b"".join(lines))
        theirs = mailbox.mbox(path, create=False)
        expected = [theirs.get_bytes(key) for key in theirs.keys()]  # noqa: SIM118 - it is no dict
        theirs.close()
        ours = [message.content for message in load(path, strict=True).maildrop]
    assert len(ours) == len(expected)
    for mine, other in zip(ours, expected, strict=True):
        lf = other.replace(b"\r\n", b"\n")
        assert mine == (lf if not lf or lf.endswith(b"\n") else lf + b"\n").replace(b"\n", b"\r\n")


def test_an_mbox_may_have_crlf(write: Callable[[dict[str, bytes]], Path]) -> None:
    """As on Windows; the messages are the same, by the same unique-ids."""
    octets = FROM + ONE + b"\n" + FROM + TWO + b"\n"
    folder = write({"lf": octets, "crlf": octets.replace(b"\n", b"\r\n")})
    lf, crlf = load(folder / "lf").maildrop, load(folder / "crlf").maildrop
    assert [(message.uid, message.content) for message in lf] == [(message.uid, message.content) for message in crlf]


def test_an_empty_mbox_has_no_messages(write: Callable[[dict[str, bytes]], Path]) -> None:
    """A spool from which all mail was fetched."""
    loaded = load(write({"spool": b""}) / "spool", strict=True)
    assert (loaded.kind, loaded.count, loaded.maildrop.uids) == ("mbox", 0, [])


def test_a_unique_id_follows_from_the_octets(write: Callable[[dict[str, bytes]], Path]) -> None:
    """RFC 1939 section 7: it is the same after a restart and wherever the message stands; a copy gets a number."""
    folder = write({"a": FROM + ONE + b"\n" + FROM + TWO + b"\n" + FROM + ONE, "b": FROM + TWO + b"\n"})
    one, two, copy = load(folder / "a").maildrop.uids
    assert copy == f"{one}-2"
    assert load(folder / "a").maildrop.uids == [one, two, copy]
    assert load(folder / "b").maildrop.uids == [two]


def test_a_long_message_is_read_in_pieces(write: Callable[[dict[str, bytes]], Path]) -> None:
    """None of them longer than a hundred kibioctets."""
    body = b"x" * 69 + b"\n"
    path = write({"spool": FROM + b"Subject: long\n\n" + body * 10_000}) / "spool"
    message = next(iter(load(path).maildrop))
    assert message.octets == 17 + 71 * 10_000
    sizes = list(map(len, message.chunks()))
    assert sum(sizes) == message.octets
    assert max(sizes) < 100 * 1024


def test_mail_that_is_added_behind_disturbs_nothing(write: Callable[[dict[str, bytes]], Path]) -> None:
    """It is seen after the next start."""
    path = write({"spool": FROM + ONE + b"\n"}) / "spool"
    loaded = load(path)
    with path.open("ab") as file:
        file.write(FROM + TWO + b"\n")
    assert [message.content for message in loaded.maildrop] == [b"Subject: one\r\n\r\nhello\r\n>From here\r\n"]
    assert load(path).count == 2


def test_a_message_that_moved_is_an_error_that_names_the_mbox(write: Callable[[dict[str, bytes]], Path]) -> None:
    """Another program has removed the first: what stands where the second stood is no message."""
    path = write({"spool": FROM + ONE + b"\n" + FROM + TWO + b"\n"}) / "spool"
    loaded = load(path)
    path.write_bytes(FROM + TWO + b"\n")
    with pytest.raises(UsageError) as caught:
        _ = loaded.maildrop[loaded.maildrop.uids[1]].content
    assert str(caught.value) == (
        f"the mbox '{path}' was changed by another program: message 2 does not stand any more where it stood"
    )


def test_an_mbox_that_vanished_is_an_error_that_names_it(write: Callable[[dict[str, bytes]], Path]) -> None:
    """The other sessions and accounts go on."""
    path = write({"spool": FROM + ONE}) / "spool"
    loaded = load(path)
    path.unlink()
    with pytest.raises(UsageError) as caught:
        _ = next(iter(loaded.maildrop)).content
    assert str(caught.value) == f"cannot read message 1 of the mbox '{path}': No such file or directory"


def test_an_mbox_may_be_given_by_a_link(write: Callable[[dict[str, bytes]], Path]) -> None:
    """Who names it, means it."""
    folder = write({"spool": FROM + ONE})
    (folder / "link").symlink_to(folder / "spool")
    assert load(folder / "link").count == 1
