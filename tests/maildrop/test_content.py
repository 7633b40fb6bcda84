"""What `Maildrop.add` takes, and how many octets each source has (RFC 1939 section 11)."""

from __future__ import annotations

import subprocess
import sys
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.message import Message as OldMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop import Maildrop

D = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\nend\r\n"


def sent(source: Any) -> bytes:
    """The octets that RETR would send for this source."""
    return Maildrop().add_one(source).content


def refusal(source: Any) -> str:
    """What `add` says to this source."""
    maildrop = Maildrop()
    with pytest.raises(UsageError) as caught:
        maildrop.add("Subject: good\n", source)
    assert len(maildrop) == 0, "one bad source, and nothing is delivered"
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "octets"),
    [
        pytest.param(D, 35, id="D"),
        pytest.param(D.decode(), 35, id="D as str"),
        pytest.param("Subject: x\n\nlast", 20, id="N"),
        pytest.param("Subject: h\r\n", 12, id="H"),
        pytest.param(b"Subject: h\r\n", 12, id="H as bytes"),
        pytest.param("", 0, id="E"),
        pytest.param(b"", 0, id="E as bytes"),
    ],
)
def test_the_size_is_what_is_sent_before_byte_stuffing(source: str | bytes, octets: int) -> None:
    """RFC 1939 section 11: every line end counts as two octets, stuffed dots count nothing."""
    message = Maildrop().add_one(source)
    assert message.octets == message.size == len(message.content) == octets


def test_a_path_with_lf_line_ends_has_the_size_of_its_crlf_form(tmp_path: Path) -> None:
    """RFC 1939 section 11, fixture N: 16 octets stored, two line ends, and the final one it lacks."""
    path = tmp_path / "n.eml"
    path.write_bytes(b"Subject: x\n\nlast")
    assert Maildrop().add_one(path).octets == 20


def test_a_message_of_zero_octets_has_no_chunk() -> None:
    """RFC 1939 section 5, RETR: an empty payload stays empty, and gets no CRLF."""
    assert list(Maildrop().add_one("").chunks()) == []


@pytest.mark.parametrize("text", ["a\nb\n", "a\r\nb\r\n", "a\rb\r", "a\r\nb\n", "a\nb"])
def test_any_line_end_of_a_str_becomes_crlf(text: str) -> None:
    """RFC 1939 section 3: every line ends in CRLF; a lone CR in text is a line end of some system."""
    assert sent(text) == b"a\r\nb\r\n"


def test_a_str_is_sent_in_utf_8() -> None:
    """Text has no octets of its own."""
    assert sent("Grüße\n") == b"Gr\xc3\xbc\xc3\x9fe\r\n"


def test_line_separators_of_unicode_are_no_line_ends() -> None:
    """Only CR and LF end a line of mail; what `str.splitlines` knows besides does not."""
    assert sent("a\x0bb\x0c\x1c\x85\u2028c\n") == "a\x0bb\x0c\x1c\x85\u2028c\r\n".encode()


def test_bytes_are_sent_as_they_are() -> None:
    """They are the way to malformed mail: bare LF, bare CR, NUL and 8-bit octets stay."""
    assert sent(b"a\nb\rc\x00\xff\r\n") == b"a\nb\rc\x00\xff\r\n"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r"])
def test_bytes_without_a_final_crlf_are_completed_with_one(end: bytes) -> None:
    """RFC 1939 section 3: the terminating dot is preceded by CRLF, so a bare LF or CR does not do."""
    assert sent(b"a" + end) == b"a" + end + b"\r\n"


def test_an_email_message_is_written_with_crlf() -> None:
    """The octets are those of the SMTP policy."""
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message["From"] = "ann@example.org"
    message.set_content("From here\n.\nend\n")
    assert sent(message) == message.as_bytes(policy=policy.SMTP)
    assert b"\n" not in sent(message).replace(b"\r\n", b"")
    assert b"\r\nFrom here\r\n.\r\n" in sent(message)


def test_a_message_of_the_older_class_is_written_by_its_own_policy() -> None:
    """Its header objects mean nothing to the newer policies."""
    message: OldMessage[Any, Any] = OldMessage()
    message["Subject"] = Header("Grüße", "utf-8")
    message.set_payload("body\n")
    assert sent(message) == b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\r\nbody\r\n"


def test_an_email_message_that_cannot_be_written_is_a_usage_error() -> None:
    """The error of the email package is told, not just passed on."""
    message = EmailMessage()
    message.set_payload(["not a message"])
    message["Content-Type"] = "multipart/mixed"
    assert refusal(message).startswith("the EmailMessage cannot be written as octets: ")


def test_email_is_not_imported_for_those_who_do_not_use_it() -> None:
    """Importing it takes longer than starting a server."""
    script = (
        "import sys; from pop3s_fake.maildrop import Maildrop; "
        "Maildrop().add('a', b'b'); assert 'email.message' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_lf_in_a_file_becomes_crlf_and_no_other_octet_changes(tmp_path: Path) -> None:
    """Mail on disk has the line ends of the system; bare CR, NUL and 8-bit octets are mail."""
    path = tmp_path / "one.eml"
    path.write_bytes(b"a\nb\r\nc\rd\r\r\n\x00\xff\n")
    assert sent(path) == b"a\r\nb\r\nc\rd\r\r\n\x00\xff\r\n"


def test_a_path_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    """The author of the test sees which file and why."""
    missing = tmp_path / "gone.eml"
    assert refusal(missing) == f"cannot read the message '{missing}': No such file or directory"
    assert refusal(tmp_path) == f"cannot read the message '{tmp_path}': Is a directory"


def test_what_reads_anything_but_bytes_is_refused() -> None:
    """The object is the user's own, so its answer is looked at."""

    class Odd:
        def read_bytes(self) -> Any:
            return "text"

        def __repr__(self) -> str:
            return "Odd()"

    assert refusal(Odd()) == "read_bytes() of Odd() gave an object of type str, not bytes"


def test_a_str_that_can_only_be_a_path_is_refused() -> None:
    """A message that reads `a.eml` is a mistake, every time."""
    assert refusal("mail/a.eml") == (
        "'mail/a.eml' is the name of a file, not a message; pass pathlib.Path('mail/a.eml')"
    )
    assert sent("see a.eml\n") == b"see a.eml\r\n"


def test_text_that_utf_8_cannot_hold_is_refused() -> None:
    """A surrogate is half a character."""
    assert refusal("a\nb\udcffc") == (
        "a message given as str is sent in UTF-8, which has no octets for '\\udcff'; "
        "pass bytes for octets that are no text"
    )


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (17, "an object of type int"),
        (None, "None"),
        (["Subject: one"], "an object of type list"),
        (bytearray(b"x"), "an object of type bytearray"),
        (Path, "the class Path"),
    ],
)
def test_anything_else_is_refused_with_what_would_do(source: object, kind: str) -> None:
    """The type is named, and what is accepted."""
    assert refusal(source) == (
        f"a message cannot be made of {kind}; pass str, bytes, an email.message.EmailMessage, "
        "or a pathlib.Path to one .eml file"
    )


@given(
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.text("a.\r\n")
    | st.binary()
    | st.text("a.\r\n").map(str.encode)
)
def test_the_size_of_any_message_is_the_length_of_what_is_sent(source: str | bytes) -> None:
    """RFC 1939 section 11; what is sent is empty or ends in CRLF, and text has no other line ends."""
    message = Maildrop().add_one(source)
    content = b"".join(message.chunks())
    assert message.octets == message.size == len(content)
    assert content == b"" or content.endswith(b"\r\n")
    if isinstance(source, str):
        rest = content.replace(b"\r\n", b"")
        assert b"\r" not in rest
        assert b"\n" not in rest
    else:
        assert content.removesuffix(b"\r\n") == source.removesuffix(b"\r\n")
