"""How a maildrop keeps mail, each way by itself: what a message is then, and how long."""

from __future__ import annotations

import pytest

from pop3s_fake.maildrop import Form, Maildrop


@pytest.mark.parametrize(
    ("bodiless", "content"),
    [("", b"A: b\r\nStatus: O\r\n\r\n"), ("empty-line", b"A: b\r\nStatus: O\r\n\r\n\r\n")],
)
def test_a_message_without_a_body_may_get_one_with_its_fields(bodiless: str, content: bytes) -> None:
    """Once, and its size counts it."""
    maildrop = Maildrop()
    maildrop.adopt(Form(found=("Status: {status}",), bodiless=bodiless))
    maildrop.add("A: b\n\n")
    maildrop.open("one").close()
    session = maildrop.open("two")
    session.retrieved(1)
    session.close()

    (message,) = maildrop
    assert message.content == content.replace(b": O", b": OR")
    assert message.octets == len(message.content)


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        ("A:\nB:x\nC :  y \nD:\tz\n\n:\n", b"A: \r\nB: x\r\nC: y \r\nD: z\r\n\r\n:\r\n"),
        ("A:x\n\ty:z\n   \nB:\n\n", b"A: x\r\n\ty:z\r\n   \r\nB: \r\n\r\n"),
        ("A:x\nno field\nB:y\n\nlast", b"A: x\r\n\r\nlast\r\n"),
        ("no field\nB:y\n\nbody\n", b"\r\nbody\r\n"),
        (" folded: x\n\nbody\n", b"\r\nbody\r\n"),
        ("\nA:x\n\nbody\n", b"\r\nA:x\r\n\r\nbody\r\n"),
        ("A:x\n", b"A: x\r\n\r\n"),
        ("A:x\nno field\n", b"A: x\r\n\r\n"),
        ("no field\n", b"\r\n"),
    ],
)
@pytest.mark.parametrize("early", [False, True])
def test_header_fields_may_be_kept_with_one_space_behind_the_colon(came: str, kept: bytes, *, early: bool) -> None:
    """Folded lines stay; what is no field ends the header; a line end that was added counts as it did before."""
    maildrop, form = Maildrop(), Form(fields="respaced", unfinished=2)
    if early:
        maildrop.add(came)
    maildrop.adopt(form)
    if not early:
        maildrop.add(came)

    (message,) = maildrop
    assert message.content == kept
    assert message.octets == len(kept) - 2 * (not came.endswith("\n"))


def test_a_header_that_got_an_end_has_no_other_that_was_added() -> None:
    """So that no size is below none."""
    maildrop = Maildrop()
    maildrop.adopt(Form(fields="respaced", unfinished=2))
    maildrop.add("no field", "A:x")

    assert [(message.content, message.octets) for message in maildrop] == [(b"\r\n", 2), (b"A: x\r\n\r\n", 8)]


@pytest.mark.parametrize(
    ("came", "content"),
    [
        ("A: b\n\nbody\n\nmore\n", b"A: b\r\nStatus: O\r\n\r\nbody\r\n\r\nmore\r\n"),
        ("\nbody\n\nmore\n", b"Status: O\r\n\r\nbody\r\n\r\nmore\r\n"),
        ("\n\n", b"Status: O\r\n\r\n\r\n"),
        ("A: b\n", b"A: b\r\nStatus: O\r\n"),
    ],
)
def test_fields_are_written_where_the_header_ends(came: str, content: bytes) -> None:
    """Before the empty line, also of a message that begins with it."""
    maildrop = Maildrop()
    maildrop.adopt(Form(found=("Status: {status}",)))
    maildrop.add(came)
    maildrop.open("one").close()

    assert [message.content for message in maildrop] == [content]
