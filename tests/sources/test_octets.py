from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pop3s_fake.maildrop import Maildrop
from pop3s_fake.sources.octets import in_crlf, no_mail


@settings(derandomize=True, deadline=None, database=None)
@given(st.lists(st.text("\r\na.", max_size=6).map(str.encode)))
def test_line_ends_are_the_same_however_the_octets_are_cut(pieces: list[bytes]) -> None:
    """And the same as those of a file that is added to a maildrop; no piece is empty."""

    class Mail:
        def read_bytes(self) -> bytes:
            return b"".join(pieces)

    (message,) = Maildrop().add(Mail())
    sent = list(in_crlf(pieces))
    assert b"".join(sent) == message.content
    assert b"" not in sent


@pytest.mark.parametrize(
    ("octets", "sent"),
    [
        (b"", b""),
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb\n", b"a\r\nb\r\n"),
        (b"a\rb\n", b"a\rb\r\n"),
        (b"a\r", b"a\r\r\n"),
        (b"\0\xff\n", b"\0\xff\r\n"),
        (b"no end", b"no end\r\n"),
    ],
)
def test_only_line_ends_change(octets: bytes, sent: bytes) -> None:
    """LF becomes CRLF, a lone CR stays, and the final CRLF is completed (RFC 1939 section 3)."""
    assert b"".join(in_crlf([octets])) == sent


@pytest.mark.parametrize(
    "head",
    [b"", b"Subject: x", b"X-A: b", b"Return-Path:<a@b>", b"From a@b Thu Jan  1\n", b"\nbody", b"\r\nbody", b"To :a"],
)
def test_what_may_be_mail_passes(head: bytes) -> None:
    """A header field, an empty line instead of any, a From_ line that some programs leave, or no octets at all."""
    assert no_mail(head) is None


@pytest.mark.parametrize("head", [b"\x89PNG\r\n", b"\0\0\0", b"<html>\n", b"hello there: you", b'{"a": 1}', b" x: y"])
def test_what_is_no_mail_is_told_by_its_first_octets(head: bytes) -> None:
    """Where a header field begins (RFC 5322 section 2.2), there is none."""
    assert no_mail(head) == f"it begins with {head!r}, not with a header field such as 'Subject: ...'"
