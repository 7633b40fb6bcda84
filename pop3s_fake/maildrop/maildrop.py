"""The stored mail of one user (RFC 1939 section 1), as a test fills, looks at and changes it.

Knows sources and sentences for people; what is stored, and in which steps it changes, is `store`'s.  Must not know
commands, replies or accounts.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pop3s_fake.errors import UsageError, nearest
from pop3s_fake.maildrop.content import Source, content_of
from pop3s_fake.maildrop.generated import Content, Remove, check_natural
from pop3s_fake.maildrop.open_maildrop import LiveOpenMaildrop, OpenMaildrop
from pop3s_fake.maildrop.policed import LivePolicedMaildrop, PolicedMaildrop, Terms
from pop3s_fake.maildrop.store import Store
from pop3s_fake.maildrop.unique_ids import check_uid
from pop3s_fake.maildrop.writing import WrittenMaildrop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pop3s_fake.maildrop.form import Form
    from pop3s_fake.maildrop.message import Message

__all__ = ("Maildrop",)

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line, without the values of our frames

_FEW = 20  # unique-ids that an error sentence may list


class Maildrop:
    r"""Messages in the order in which they came, and the exclusive-access lock of a session.

    An open session keeps what it found at login: numbers are fixed, later mail is unseen (RFC 1939 section 4), and a
    message that the test removed meanwhile can still be read.  With ``live=True`` it sees later messages, under the
    next numbers, and a removed one is no such message any more, as with servers that allow several sessions.

    Every method may be called from any thread, also while sessions are open.

    >>> maildrop = Maildrop()
    >>> one, two = maildrop.add("Subject: one\n\nhello\n", "Subject: two\n\nbye\n")
    >>> maildrop, one.octets, maildrop[two.uid].content
    (<Maildrop: 2 messages>, 23, b'Subject: two\r\n\r\nbye\r\n')
    >>> maildrop.remove(one.uid)
    >>> [message.uid for message in maildrop] == [two.uid] == maildrop.uids
    True
    """

    __slots__ = ("_renumbered", "_store", "live")

    def __init__(self, *, live: bool = False) -> None:
        self._store = Store()
        self._renumbered = 0
        self.live: bool = live

    def add(self, *sources: Source) -> list[Message]:
        r"""Deliver messages; all of them, or with a `UsageError` none.

        A source is ``str`` (any line ends, sent in UTF-8), ``bytes`` (sent as they are), an ``EmailMessage``, or a
        ``pathlib.Path`` to one ``.eml`` file.  The unique-id follows from the octets, so it is the same in every run;
        copies get ``-2``, ``-3``.  None is used again after a removal (RFC 1939 section 7).

        >>> [message.octets for message in Maildrop().add("Subject: x\n\nlast", b"Subject: h\r\n", b"")]
        [20, 12, 0]
        """
        return self._store.append([content_of(source) for source in sources])

    def add_one(self, source: Source, *, uid: str | None = None, octets: int | None = None) -> Message:
        """Deliver one message, under this unique-id, announced with this many octets whatever it really has.

        >>> Maildrop().add_one("Subject: x", uid="x1", octets=1000)
        <Message 'x1', 1000 octets, really 12>
        """
        if octets is not None:
            check_natural("octets", octets)
        return self._store.append_one(content_of(source), None if uid is None else check_uid(uid), octets)

    def generate(
        self,
        count: int,
        content: Callable[[int], Content],
        *,
        octets: int | Callable[[int], int],
        uid: Callable[[int], str] | None = None,
        remove: Remove | None = None,
    ) -> None:
        r"""Deliver ``count`` messages that are made only when somebody reads them.

        ``content(n)``, n from 1, gives message n as ``str``, as ``bytes``, or as an iterable of ``bytes`` for one that
        should never be in memory as a whole; it is called again for every RETR.  ``octets`` is the size to announce, a
        number or a function of n; if the content turns out to have another, reading it ends in a `UsageError`.
        ``uid(n)`` must differ for each message of the maildrop.  This is looked at when a unique-id is searched, not
        here; the default, ``generated-1`` and so on, always does.

        ``remove(numbers)`` carries out deletions where the messages come from.  It is called in UPDATE, before the
        maildrop forgets them, with the n of those that a session deleted, and gives those n that it could not remove:
        they stay, and QUIT is answered ``-ERR`` (RFC 1939 section 6).  What the test itself removes it is not told.

        >>> maildrop = Maildrop()
        >>> maildrop.generate(1_000_000, lambda n: f"Subject: {n:07}\n\n", octets=20)
        >>> maildrop["generated-500000"].content
        b'Subject: 0500000\r\n\r\n'
        """
        check_natural("count", count)
        if not callable(content):
            raise UsageError(f"content of generate() must be a function of the number n, not {content!r}")
        if not callable(octets):
            check_natural("octets", octets)
        elif count:
            check_natural("octets(1) of generate()", octets(1))
        if uid is not None and count:
            check_uid(uid(1))
        if remove is not None and not callable(remove):
            raise UsageError(f"remove of generate() must be a function of a list of numbers, not {remove!r}")
        self._store.generate(count, content, octets, uid, remove)

    def remove(self, uid: str) -> None:
        """Take a message away, whoever has the maildrop open; `UsageError` if there is none with this unique-id."""
        if not self._store.remove(self[uid].arrival):
            raise self._unknown(uid)

    def replace_uid(self, old: str, new: str) -> None:
        """Give a message another unique-id, as a server that lost its list does; the message keeps its place.

        >>> maildrop = Maildrop()
        >>> message = maildrop.add_one("Subject: x", uid="x1")
        >>> maildrop.replace_uid("x1", "y1")
        >>> maildrop.uids
        ['y1']
        """
        if not self._store.rename(self[old], check_uid(new)):
            raise self._unknown(old)

    def renumber(self) -> None:
        r"""Give every message a new unique-id, as servers do that lose their index; none was ever there before.

        >>> maildrop = Maildrop()
        >>> _ = maildrop.add("Subject: one\n\n", "Subject: two\n\n")
        >>> for _ in range(2):
        ...     maildrop.renumber()
        >>> maildrop.uids
        ['renumbered-2-1', 'renumbered-2-2']
        """
        uids = self.uids
        while True:
            self._renumbered += 1
            fresh = [f"renumbered-{self._renumbered}-{number}" for number in range(1, len(uids) + 1)]
            if not any(map(self._store.ever, fresh)):
                break
        for old, new in zip(uids, fresh, strict=True):
            self.replace_uid(old, new)

    def protect(self, *uids: str) -> None:
        """Let no session remove these messages: QUIT leaves them where they are and must say so (RFC 1939 section 6).

        The test itself may still `remove` them.
        """
        self._store.protect([self[uid].arrival for uid in uids])

    def follow(self, now: Callable[[], float]) -> None:
        """Count the age of messages on this clock, from now on; a server's accounts do so with their maildrops."""
        self._store.follow(now)

    def adopt(self, form: Form) -> None:
        """Keep, count and name messages in this form, those that are there as well; a server's dialect does so.

        What was given a unique-id or a size by name keeps it.
        """
        self._store.adopt(form)

    def open(
        self, owner: object, *, exclusive: bool = True, expired: float | None = None, terms: Terms | None = None
    ) -> OpenMaildrop:
        """What a session of this owner sees; `MaildropInUse` if another owner has the exclusive-access lock.

        With ``exclusive=False`` the lock is neither asked for nor taken.  An owner that has it may open again.  What
        came at the time ``expired`` or before, on the clock of :meth:`follow`, is removed before anybody sees it.
        ``terms``: a site's policy by which the session finds and removes messages.

        >>> maildrop = Maildrop()
        >>> session = maildrop.open("session 1")
        >>> maildrop.open("session 2")
        Traceback (most recent call last):
        ...
        pop3s_fake.maildrop.lock.MaildropInUse: the maildrop is in use by 'session 1'
        >>> session.close()
        >>> maildrop.open("session 2").stat()
        (0, 0)
        """
        contents, taken = self._store.open(owner, exclusive=exclusive)
        if expired is not None:
            self._store.expire(expired)
            contents = self._store.contents()
        if terms is not None:
            return (LivePolicedMaildrop if self.live else PolicedMaildrop)(self._store, contents, taken, terms)
        if self.live:
            return LiveOpenMaildrop(self._store, contents, taken)
        return (WrittenMaildrop if self._store.written else OpenMaildrop)(self._store, contents, taken)

    def save(self) -> object:
        """The messages and every unique-id that was ever given, for `restore`."""
        return self._store.save()

    def restore(self, saved: object) -> None:
        r"""Be again as when `save` was called; a session that is open keeps what it sees.

        >>> maildrop = Maildrop()
        >>> saved = maildrop.save()
        >>> _ = maildrop.add("Subject: one\n\n")
        >>> maildrop.restore(saved)
        >>> len(maildrop)
        0
        """
        self._store.restore(saved)

    def unlock(self) -> None:
        """Take the exclusive-access lock from whoever has it, who may go on without."""
        self._store.unlock()

    @property
    def in_use_by(self) -> object:
        """Who has the exclusive-access lock; None if nobody has it."""
        return self._store.owner

    @property
    def uids(self) -> list[str]:
        """The unique-ids, in the order of the messages."""
        return list(self._store.contents().uids())

    def __len__(self) -> int:
        return len(self._store.contents())

    def __iter__(self) -> Iterator[Message]:
        contents = self._store.contents()
        return map(contents.message, range(len(contents)))

    def __contains__(self, uid: object) -> bool:
        """Whether a message with this unique-id is there."""
        return self._store.find(uid) is not None

    def __getitem__(self, uid: str) -> Message:
        """The message with this unique-id, or `UsageError`: a unique-id is data of a test, never a probe."""
        message = self._store.find(uid)
        if message is None:
            raise self._unknown(uid)
        return message

    def _unknown(self, uid: object) -> UsageError:
        contents = self._store.contents()
        count = len(contents)
        problem = f"no message with unique-id {uid!r} in the maildrop"
        if not count:
            return UsageError(f"{problem}, which is empty")
        if count > _FEW:
            first = ", ".join(islice(contents.uids(), 3))
            return UsageError(f"{problem}, which has {count}: {first}, ...")
        return UsageError(problem + nearest(str(uid), contents.uids()))

    def __repr__(self) -> str:
        count = len(self)
        live = ", live" if self.live else ""
        in_use = "" if self.in_use_by is None else ", in use"
        return f"<Maildrop: {count} {'message' if count == 1 else 'messages'}{live}{in_use}>"
