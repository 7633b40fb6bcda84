"""What a user may give as a message, and the octets that a RETR sends for it, before byte-stuffing.

Knows line ends and the kinds of source.  Must not know maildrops or unique-ids, and opens no file: it calls the
``read_bytes`` of the user's object.  ``email`` is not imported, for whoever has no object of it does not need it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from pop3s_fake.errors import UsageError

if TYPE_CHECKING:
    from email.message import Message as Email

__all__ = ("Readable", "Source", "Unfinished", "completed", "content_of", "encoded")

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames


@runtime_checkable
class Readable(Protocol):
    """An object whose ``read_bytes()`` gives one message; ``pathlib.Path`` is the usual one."""

    def read_bytes(self) -> bytes:
        """The message as it is stored."""
        ...


Source: TypeAlias = "str | bytes | Email[Any, Any] | Readable"
"""What :meth:`Maildrop.add` takes."""


def encoded(text: str) -> bytes:
    r"""The text in UTF-8 with CRLF at every line end, whether that was CRLF, LF or a lone CR.

    >>> encoded("Subject: x\n\nlast")
    b'Subject: x\r\n\r\nlast'
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    try:
        return lines.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"a message given as str is sent in UTF-8, which has no octets for {lines[error.start]!r}; "
            "pass bytes for octets that are no text",
        ) from error


class Unfinished(bytes):
    """Octets to which the final CRLF was added."""

    __slots__ = ()


def completed(content: bytes) -> bytes:
    r"""The octets with a final CRLF, unless there are none: a terminating ``.`` begins a line (RFC 1939 section 3).

    >>> completed(b"last"), completed(b"last\r\n"), completed(b"")
    (b'last\r\n', b'last\r\n', b'')
    """
    return content if not content or content.endswith(b"\r\n") else Unfinished(content + b"\r\n")


def content_of(source: Source) -> bytes:
    r"""The octets sent for this source; their number is the size of the message (RFC 1939 section 11).

    ``str`` gets CRLF line ends and UTF-8.  ``bytes`` stay as they are, which is the way to malformed mail.  A message
    of ``email`` is written with CRLF by its own policy.  What has ``read_bytes()`` is one stored message: LF becomes
    CRLF, every other octet stays.  All get the final CRLF if they lack it.  Anything else is a `UsageError`.

    >>> content_of("Subject: x\n\nlast")
    b'Subject: x\r\n\r\nlast\r\n'
    >>> content_of(b"\xff\n")
    b'\xff\n\r\n'
    >>> content_of("a.eml")
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: 'a.eml' is the name of a file, not a message; pass pathlib.Path('a.eml')
    """
    if isinstance(source, str):
        if source.endswith(".eml") and "\n" not in source and "\r" not in source:
            raise UsageError(f"{source!r} is the name of a file, not a message; pass pathlib.Path({source!r})")
        return completed(encoded(source))
    if isinstance(source, bytes):
        return completed(source)
    if _is_email(source):
        return completed(_written(source))
    # A class has the method, too, but only an object can be read.
    if isinstance(source, Readable) and not isinstance(source, type):
        return completed(_read(source))
    raise UsageError(
        f"a message cannot be made of {_kind(source)}; pass str, bytes, an email.message.EmailMessage, "
        "or a pathlib.Path to one .eml file",
    )


def _is_email(source: object) -> bool:
    """Whether this is a message of the ``email`` package, which is loaded if it is."""
    module = sys.modules.get("email.message")
    return module is not None and isinstance(source, module.Message)


def _written(message: Any) -> bytes:
    try:
        # The message's own policy but for the line ends: for an EmailMessage as it comes that is email.policy.SMTP,
        # and the headers of the older Message class cannot be written by any policy but theirs.
        octets = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
    except Exception as error:
        raise UsageError(f"the {type(message).__name__} cannot be written as octets: {error!r}") from error
    assert isinstance(octets, bytes)
    return octets


def _read(source: Readable) -> bytes:
    try:
        octets: object = source.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the message {str(source)!r}: {error.strerror or error}") from error
    if not isinstance(octets, bytes):
        raise UsageError(f"read_bytes() of {source!r} gave {_kind(octets)}, not bytes")
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _kind(thing: object) -> str:
    """The type of something, as a sentence names it: many pass a list where the messages themselves are wanted."""
    if thing is None:
        return "None"
    return f"the class {thing.__name__}" if isinstance(thing, type) else f"an object of type {type(thing).__name__}"
