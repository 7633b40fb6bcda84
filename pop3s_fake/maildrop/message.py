"""One stored message: its octets, its unique-id, its size.

Knows nothing of maildrops, marks or byte-stuffing; what it holds is the content in the form in which RETR sends it,
before byte-stuffing (RFC 1939 sections 3 and 11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pop3s_fake.maildrop.content import Unfinished
from pop3s_fake.maildrop.unique_ids import derived_uid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pop3s_fake.maildrop.form import Form

__all__ = ("Message",)


class Message:
    r"""One message of a maildrop; :meth:`Maildrop.add` makes it.

    ``uid`` is the unique-id, ``octets`` the size that STAT and LIST announce.  It is the exact one, ``size``, unless
    it was skewed on purpose.  ``arrival`` tells the messages of one maildrop apart, in the order in which they came.
    ``prepared`` belongs to whoever sends the message: a place to keep what it needs to send it again.

    >>> from pop3s_fake.maildrop import Maildrop
    >>> message = Maildrop().add_one("Subject: x\n\nlast", uid="x1")
    >>> message, message.octets, message.content
    (<Message 'x1', 20 octets>, 20, b'Subject: x\r\n\r\nlast\r\n')
    """

    __slots__ = ("_content", "_unfinished", "arrival", "octets", "prepared", "uid")

    def __init__(self, content: bytes, uid: str, *, octets: int | None = None, arrival: int = 0) -> None:
        self._content = bytes(content)
        self._unfinished = type(content) is Unfinished
        self.uid: str = uid
        self.octets: int = len(content) if octets is None else octets
        self.arrival: int = arrival
        self.prepared: object = None

    @property
    def size(self) -> int | None:
        """How many octets the content really has; None if only sending it would tell."""
        return len(self._content)

    @property
    def content(self) -> bytes:
        """All octets of the message, not byte-stuffed."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """The content piece by piece, no piece empty; none for a message of zero octets."""
        if self._content:
            yield self._content

    def renamed(self, uid: str) -> Message:
        """The same message with another unique-id."""
        return Message(self._as_it_came(), uid, octets=self.octets, arrival=self.arrival)

    def kept_in(self, former: Form, form: Form) -> Message:
        """The same message as a maildrop of another form keeps it: size and unique-id, unless they were given."""
        source = self._as_it_came()
        own, uid = former.uid(self.arrival, source) or derived_uid(source), self.uid
        same = (form.blank_line, form.fields) == (former.blank_line, former.fields)
        kept = source if same else form.kept(source)
        if uid == own or uid.startswith(f"{own}-"):
            uid = form.uid(self.arrival, kept) or derived_uid(kept)
        octets = form.octets(kept) if self.octets == former.octets(source) else self.octets
        return Message(form.sent(kept), uid, octets=octets, arrival=self.arrival)

    def headed(self, fields: bytes, *, instead_of: bytes = b"", missing: int = 0, body: bytes = b"") -> Message:
        r"""The same message with these lines at the end of its header, and without others.

        ``instead_of``: the lines that it loses, which stand there together;
        ``missing``: so many octets more of a final line end count from now on, which was added and not announced;
        ``body``: that of a message whose header is the last of it.

        >>> Message(b"Subject: x\r\n\r\nlast\r\n", "x1").headed(b"Status: O\r\n").content
        b'Subject: x\r\nStatus: O\r\n\r\nlast\r\n'
        """
        bare = self._content.startswith(b"\r\n")  # there is no header, and nothing but its end
        head, blank, own = (b"", b"\r\n", self._content[2:]) if bare else self._content.partition(b"\r\n\r\n")
        added = body if blank and not own else b""
        head += b"\r\n" * (bool(blank) and not bare)
        head = (head.replace(instead_of, b"", 1) if instead_of else head) + fields
        content = head + (b"\r\n" + own + added if blank else b"")
        octets = self.octets + len(fields) - len(instead_of) + len(added)
        if self._unfinished and missing:
            octets += missing
        elif self._unfinished:
            content = Unfinished(content)
        return Message(content, self.uid, octets=octets, arrival=self.arrival)

    def _as_it_came(self) -> bytes:
        """The octets as they came."""
        return Unfinished(self._content) if self._unfinished else self._content

    def __repr__(self) -> str:
        skewed = "" if self.size in (None, self.octets) else f", really {self.size}"
        return f"<{type(self).__name__} {self.uid!r}, {self.octets} octets{skewed}>"
