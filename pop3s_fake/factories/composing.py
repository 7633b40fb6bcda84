"""How a letter is written as the octets of a message (RFC 5322, RFC 2045 to 2049).

Knows ``email``, which writes the header, the structure and the attachments.  The lines of the text are put in as they
are, for ``email`` would not write some of them.  Must not know factories, maildrops or byte-stuffing.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING, Final

from pop3s_fake.errors import UsageError
from pop3s_fake.factories.words import line_beyond_ascii
from pop3s_fake.maildrop.content import encoded

if TYPE_CHECKING:
    from pop3s_fake.factories.letter import Letter

__all__ = ("compose",)

_CRLF: Final = b"\r\n"
_SLOT: Final = "=the lines of the text="
_SLOT_LINE: Final = f"\r\n\r\n{_SLOT}\r\n".encode()
_FILLER: Final = b"x" * 76 + _CRLF
_KINDS: Final = (("application", "pdf"), ("image", "png"), ("application", "zip"), ("application", "octet-stream"))
_DOTS: Final = (b".one dot to begin with", b"..", b"...three of them", b". and a space")


def compose(letter: Letter) -> bytes:
    """The octets of this letter: every line ends in CRLF, the last one unless ``no_final_newline``."""
    email = _headed(letter)
    if letter.empty_body:
        return _written(email)
    lines = _lines(letter)
    frame = _frame(letter, email, eight_bit=any(not line.isascii() for line in lines))
    if letter.huge:
        without = len(frame) - len(_SLOT) + len(_CRLF.join(lines))
        lines.insert((len(lines) + 1) // 2, _filling(letter.huge, without))
    octets = frame.replace(_SLOT_LINE, b"\r\n\r\n" + _CRLF.join(lines) + _CRLF, 1)
    return octets.removesuffix(_CRLF) if letter.no_final_newline else octets


def _headed(letter: Letter) -> EmailMessage:
    """A message with a header and nothing else yet."""
    email = EmailMessage(policy=SMTP)
    try:
        if letter.folded_headers:
            email["Received"] = (
                f"from relay.example.test (relay.example.test [192.0.2.{letter.words.number % 254 + 1}]) "
                f"by mail.example.test with ESMTPS id {letter.words.random('received').getrandbits(64):016x} "
                f"for <recipient@example.test>; {format_datetime(letter.date)}"
            )
        for name, field in (("From", "sender"), ("To", "recipient"), ("Subject", "subject")):
            email[name] = getattr(letter, field)
        email["Date"] = letter.date
        email["Message-ID"] = letter.message_id
        if letter.folded_headers:
            email["References"] = " ".join(
                f"<{letter.words.random(f'reference {number}').getrandbits(64):016x}@example.test>"
                for number in range(4)
            )
    except Exception as error:
        raise _unwritable(error) from error
    return email


def _written(email: EmailMessage) -> bytes:
    """The octets of a message; some values are refused only here."""
    try:
        return email.as_bytes()
    except Exception as error:
        raise _unwritable(error) from error


def _unwritable(error: Exception) -> UsageError:
    return UsageError(f"the header of a message cannot be written: {error}")


def _lines(letter: Letter) -> list[bytes]:
    """The lines of the text, with those that the varieties ask for."""
    random = letter.words.random("lines")
    lines = encoded(letter.text).removesuffix(_CRLF).split(_CRLF)

    def scatter(line: bytes) -> None:
        lines.insert(random.randint(0, len(lines)), line)

    if letter.long_lines:
        scatter(letter.words.long_line(letter.octets_of_long_line).encode())
    if letter.eight_bit:
        scatter(line_beyond_ascii(random).encode())
    if letter.leading_dots:
        for line in _DOTS:
            scatter(line)
        lines.insert(0, b".hidden")
    if letter.lone_dots:
        scatter(b".")
        lines = [b".", *lines, b".", b"."]
    return lines


def _frame(letter: Letter, email: EmailMessage, *, eight_bit: bool) -> bytes:
    """The message with a line in place of its text."""
    cte, charset = ("8bit", "utf-8") if eight_bit else ("7bit", "us-ascii")
    email.set_content(f"{_SLOT}\n", cte=cte, charset=charset)
    if letter.html:
        email.add_alternative(_html(letter, eight_bit=eight_bit), subtype="html", cte=cte, charset=charset)
    attachments = max(letter.attachments, int(letter.broken_mime))
    random = letter.words.random("attachments")
    for number in range(1, attachments + 1):
        kind = random.choice(_KINDS)
        name = f"{'übersicht' if letter.encoded_headers else 'attachment'}-{number}.{kind[1]}"
        octets = random.randbytes(random.randint(60, 600) * 3 + 2)
        email.add_attachment(octets, maintype=kind[0], subtype=kind[1], filename=name)
    multiparts = [part for part in email.walk() if part.is_multipart()]
    for number, part in enumerate(multiparts, 1):
        part.set_boundary(f"=={letter.words.random(f'boundary {number}').getrandbits(64):016x}==")
    octets = _written(email)
    return _broken(octets, multiparts[0].get_boundary("")) if letter.broken_mime else octets


def _broken(octets: bytes, boundary: str) -> bytes:
    """The message whose last attachment ends in the middle of its base64, and without a closing boundary."""
    whole, _, _ = octets.rpartition(f"--{boundary}--".encode())
    return whole.rstrip().rstrip(b"=") + b"*\r\n"


def _html(letter: Letter, *, eight_bit: bool) -> str:
    """The text as HTML."""
    beyond = f"<p>{line_beyond_ascii(letter.words.random('html'))}</p>\n" if eight_bit else ""
    paragraphs = "".join(f"<p>{escape(text)}</p>\n" for text in letter.text.strip().split("\n\n"))
    return f"<!DOCTYPE html>\n<html>\n<body>\n{beyond}{paragraphs}</body>\n</html>\n"


def _filling(huge: int, without: int) -> bytes:
    """Lines, the last without its CRLF, that bring a message of ``without`` octets to ``huge``."""
    room = huge - without
    if room < len(_CRLF):
        raise UsageError(
            f"huge={huge} leaves no room: the rest of the message has {without} octets; ask for {without + 2} or more",
        )
    count, left = divmod(room, len(_FILLER))
    filling = _FILLER * count + b"x" * max(left - len(_CRLF), 0) + _CRLF * (left >= len(_CRLF))
    if left == 1:
        filling = b"x" + filling
    return filling[: -len(_CRLF)]
